//! Resolves flags to a configuration and a run directory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo::config::{ConfigError, PipelineConfig, check, parse, preset, set, set_seed, shown};
use iopo::pipeline::RunDir;
use iopo_core::files;
use toml::{Table, Value};

use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::failure::pipeline::failure;

/// A configuration and the directory of its run.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) config: PipelineConfig,
    pub(crate) out: PathBuf,
}

/// Reads the preset or file and applies the flags.
pub(crate) fn resolve(args: &RunArgs) -> Result<Resolved> {
    let Source { name, mut table, out } = source(args)?;
    let unusable = |error: ConfigError| usage(&format!("cannot use {name}"), &error);
    // Checked before the flags, so that an error in the file does not name a flag.
    check(&table).map_err(unusable)?;
    let unchanged = table.clone();
    let strings = [("model", &args.model), ("device", &args.device), ("dtype", &args.dtype)];
    for (key, value) in strings {
        if let Some(value) = value {
            table.insert(key.to_owned(), Value::String(value.clone()));
            check(&table).map_err(|error| usage(&format!("cannot use --{key}"), &error))?;
        }
    }
    if let Some(seed) = args.seed {
        set_seed(&mut table, seed).map_err(|error| usage("cannot use --seed", &error))?;
    }
    if let Some(when) = &args.gradient_checkpointing {
        set(&mut table, &format!("train.gradient_checkpointing={when}"))
            .map_err(|error| usage("cannot use --gradient-checkpointing", &error))?;
    }
    for assignment in &args.sets {
        set(&mut table, assignment)
            .map_err(|error| usage(&format!("cannot apply --set {}", shown(assignment)), &error))?;
    }
    let config = iopo::config::resolve(&table).map_err(|error| {
        // The settings of a valid file contradict the flags.
        let by_flags = table != unchanged && iopo::config::resolve(&unchanged).is_ok();
        let flags = if by_flags { " with these flags" } else { "" };
        usage(&format!("cannot use {name}{flags}"), &error)
    })?;
    Ok(Resolved { config, out })
}

/// Returns an error of the configuration as a usage error with its hint.
pub(crate) fn usage(what: &str, error: &ConfigError) -> Failure {
    let failure = Failure::usage(format!("{what}: {error}"));
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

struct Source {
    name: String,
    table: Table,
    out: PathBuf,
}

/// Reads the configuration from `--config`, `--preset`, the run directory, or the default preset.
fn source(args: &RunArgs) -> Result<Source> {
    if let Some(path) = &args.config {
        let stem = path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy());
        let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(&*stem));
        return from_file(path, out);
    }
    if let (None, Some(out)) = (&args.preset, &args.out) {
        let own = RunDir::read_config(out).map_err(|error| failure(error, out))?;
        if let Some(text) = own {
            return from_text(&text, RunDir::config_of(out).display().to_string(), out.clone());
        }
    }
    let name = args.preset.as_deref().unwrap_or("default");
    let table = preset(name).map_err(|error| usage("cannot use --preset", &error))?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(name));
    Ok(Source { name: format!("preset {name}"), table, out })
}

fn from_file(path: &Path, out: PathBuf) -> Result<Source> {
    let name = path.display().to_string();
    let text = files::read_to_string(path)
        .with_context(|| Failure::usage(format!("cannot read {name}")))?;
    from_text(&text, name, out)
}

fn from_text(text: &str, name: String, out: PathBuf) -> Result<Source> {
    let table =
        parse(text, &name).map_err(|error| usage("cannot read the configuration", &error))?;
    Ok(Source { name, table, out })
}

#[cfg(test)]
mod tests {
    use iopo::config::PRESETS;
    use iopo_train::GradientCheckpointing;

    use super::resolve;
    use crate::cli::RunArgs;
    use crate::failure::{Exit, exit_of, render};

    fn args(preset: &str, sets: &[&str]) -> RunArgs {
        RunArgs {
            preset: Some(preset.to_owned()),
            seed: Some(7),
            sets: sets.iter().map(ToString::to_string).collect(),
            ..RunArgs::default()
        }
    }

    #[test]
    fn a_preset_has_its_own_run_directory() {
        for (name, _) in PRESETS {
            let resolved = resolve(&args(name, &[])).expect(name);
            assert_eq!(resolved.out, std::path::Path::new("runs").join(name));
            assert_eq!(resolved.config.seed(), 7);
        }
    }

    #[test]
    fn gradient_checkpointing_is_a_flag_and_a_setting() {
        let resolved = |when: Option<&str>, sets: &[&str]| {
            let gradient_checkpointing = when.map(str::to_owned);
            let args = RunArgs { gradient_checkpointing, ..args("smoke", sets) };
            resolve(&args).expect("valid").config.train.gradient_checkpointing
        };
        assert_eq!(resolved(None, &[]), GradientCheckpointing::Auto);
        assert_eq!(resolved(Some("always"), &[]), GradientCheckpointing::Always);
        assert_eq!(
            resolved(None, &["train.gradient_checkpointing=never"]),
            GradientCheckpointing::Never
        );
    }

    #[test]
    fn flags_are_checked_together_and_an_error_names_its_source() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = dir.path().join("own.toml");
        let of = |text: &str, dtype: &str, sets: &[&str]| {
            std::fs::write(&file, text).expect("written");
            let dtype = Some(dtype.to_owned());
            let config = Some(file.clone());
            resolve(&RunArgs { preset: None, config, dtype, ..args("", sets) })
        };
        let full = "[train]\nuse_peft = false\n";
        of(full, "bf16", &["train.use_peft=true"]).expect("they fit together");
        let error = render(&of(full, "bf16", &[]).expect_err("refused"));
        assert!(error.contains("own.toml with these flags: `dtype`: found bf16"), "{error}");
        let error = render(
            &of("dtype = 'bf16'\n[train]\nuse_peft = false\n", "bf16", &[]).expect_err("refused"),
        );
        assert!(error.contains("own.toml: `dtype`: found bf16"), "{error}");
        let error = render(&of(full, "f64", &[]).expect_err("refused"));
        assert!(error.contains("cannot use --dtype: `dtype`: found \"f64\""), "{error}");
        let error = render(&of("sead = 1\n", "f32", &["name=x"]).expect_err("refused"));
        assert!(error.contains("own.toml: `sead`: found an unknown key"), "{error}");
    }

    #[test]
    fn a_bad_setting_is_a_usage_error_that_names_the_right_key() {
        let error = resolve(&args("smoke", &["train.lr=1e-4"])).expect_err("unknown");
        assert_eq!(exit_of(&error), Exit::Usage);
        let text = render(&error);
        assert!(text.contains("--set train.lr=1e-4: `train.lr`: found an unknown key"), "{text}");
        assert!(text.ends_with("hint: did you mean `train.learning_rate`?"), "{text}");
        let error = resolve(&args("no-such-preset", &[])).expect_err("unknown");
        assert_eq!(exit_of(&error), Exit::Usage);
        assert!(
            render(&error)
                .contains("default, study, study-small, smoke, trace-endpoint, trace-local"),
            "{}",
            render(&error)
        );
    }
}
