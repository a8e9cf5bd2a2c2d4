//! A configuration as a TOML table: reads, changes, checks and compares it.

use iopo_core::SettingError;
use iopo_core::settings::{check_table, limits::MAX_SEED};
use serde::Serialize;
use toml::{Table, Value};

use super::secrets::{refuse_keys, toml_reason, without_secret};
use super::{ConfigError, PipelineConfig};

/// Parses TOML. An error names the text `name`: its file or preset.
///
/// # Errors
/// Returns an error with the place if the text is not TOML.
pub fn parse(text: &str, name: &str) -> Result<Table, ConfigError> {
    text.parse::<Table>().map_err(|error| ConfigError::Toml {
        name: name.to_owned(),
        reason: toml_reason(text, &error),
    })
}

/// Sets the random seed of every stage. The values of `train.seeds` are replaced by as many consecutive seeds, from
/// `seed` on.
///
/// # Errors
/// Returns an error if the seed exceeds [`MAX_SEED`](iopo_core::settings::limits::MAX_SEED).
pub fn set_seed(table: &mut Table, seed: u64) -> Result<(), ConfigError> {
    let fits = i64::try_from(seed).ok().filter(|_| seed <= MAX_SEED);
    let refused = || SettingError::new("seed", seed, format!("an integer, 0 to {MAX_SEED}"));
    let seed = fits.ok_or_else(refused)?;
    table.insert("seed".to_owned(), Value::Integer(seed));
    for (section, _) in PipelineConfig::default().seeds_mut() {
        if let Some(section) = table.get_mut(section).and_then(Value::as_table_mut) {
            section.remove("seed");
            if let Some(Value::Array(seeds)) = section.get_mut("seeds") {
                *seeds = (seed..).take(seeds.len()).map(Value::Integer).collect();
            }
        }
    }
    Ok(())
}

/// Checks a table and returns its configuration. Sections without `seed` and `held_out` take those of the run. If no section has
/// `held_out`, the kinds that an evaluated IFBench tests [are held out](PipelineConfig::hold_out_for_ifbench).
///
/// # Errors
/// Returns an error about the first key that is unknown or whose value is invalid.
pub fn resolve(table: &Table) -> Result<PipelineConfig, ConfigError> {
    check(table)?;
    let is_inherited = !sets_held_out(table);
    let mut table = table.clone();
    inherit(&mut table);
    let mut config: PipelineConfig =
        Value::Table(table).try_into().map_err(|error: toml::de::Error| ConfigError::Toml {
            name: "the configuration".to_owned(),
            reason: error.to_string(),
        })?;
    if is_inherited {
        config.hold_out_for_ifbench();
    }
    match config.validate() {
        Ok(()) => Ok(config),
        Err(ConfigError::Setting(error)) => Err(without_secret(error).into()),
        Err(error) => Err(error),
    }
}

/// Checks the keys and values of a table, but not whether they fit together.
///
/// # Errors
/// Returns an error about the first key that is unknown or does not allow its value.
pub fn check(table: &Table) -> Result<(), ConfigError> {
    refuse_keys(table)?;
    #[cfg(not(feature = "endpoint"))]
    if table.contains_key(super::secrets::ENDPOINTS) {
        return Err(super::llm::without_feature("endpoints", "a section", "no endpoints").into());
    }
    let json = serde_json::to_value(table).map_err(|error| ConfigError::Toml {
        name: "the configuration".to_owned(),
        reason: error.to_string(),
    })?;
    check_table::<PipelineConfig>(&json).map_err(without_secret)?;
    #[cfg(feature = "endpoint")]
    super::endpoints::check_prices(table)?;
    Ok(())
}

/// Whether a section has held-out kinds, as in the configuration of a finished run.
fn sets_held_out(table: &Table) -> bool {
    let has = |section: &Value| section.get("held_out").is_some();
    let mut config = PipelineConfig::default();
    config.held_out_mut().iter().any(|(section, _)| table.get(*section).is_some_and(has))
}

/// Copies the run's random seed, held-out kinds, filters and `synth.kinds` to the sections that do not set them.
fn inherit(table: &mut Table) {
    let seed = table.get("seed").cloned().unwrap_or(Value::Integer(0));
    let held_out = table.get("held_out").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
    let kinds = table.get("synth").and_then(|synth| synth.get("kinds")).cloned();
    let quality = table.get("quality").cloned().unwrap_or_else(|| Value::Table(Table::new()));
    let mut fill = |sections: &[&str], key: &str, value: &Value| {
        for section in sections {
            let section = table.entry(*section).or_insert_with(|| Value::Table(Table::new()));
            if let Some(section) = section.as_table_mut() {
                section.entry(key).or_insert_with(|| value.clone());
            }
        }
    };
    let mut config = PipelineConfig::default();
    fill(&config.seeds_mut().map(|(section, _)| section), "seed", &seed);
    fill(&config.held_out_mut().map(|(section, _)| section), "held_out", &held_out);
    fill(&config.quality_mut().map(|(section, _)| section), "quality", &quality);
    if let Some(kinds) = kinds {
        fill(&["pairs"], "kinds", &kinds);
    }
}

/// Formats a table or a configuration as TOML.
pub(crate) fn to_toml(value: &impl Serialize) -> Result<String, ConfigError> {
    toml::to_string_pretty(value).map_err(|error| ConfigError::Toml {
        name: "the configuration".to_owned(),
        reason: error.to_string(),
    })
}

/// Lists the keys at which two tables differ, as `section.key: old → new`.
pub fn differences(old: &Table, new: &Table) -> Vec<String> {
    let mut found = Vec::new();
    compare("", &Value::Table(old.clone()), &Value::Table(new.clone()), &mut found);
    found
}

fn compare(path: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    let (Value::Table(a), Value::Table(b)) = (old, new) else {
        if old != new {
            found.push(format!("{path}: {old} → {new}"));
        }
        return;
    };
    let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match (a.get(key), b.get(key)) {
            (Some(old), Some(new)) => compare(&path, old, new, found),
            (Some(old), None) => found.push(format!("{path}: {old} → unset")),
            (None, Some(new)) => found.push(format!("{path}: unset → {new}")),
            (None, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use toml::Table;

    use super::{differences, resolve, set_seed};
    use crate::config::{PRESETS, PipelineConfig, preset, set};

    fn table(text: &str) -> Table {
        text.parse().expect("valid TOML")
    }

    fn refused(assignment: &str) -> (String, Option<String>) {
        let error = set(&mut preset("smoke").expect("preset"), assignment).expect_err(assignment);
        (error.to_string(), error.hint())
    }

    #[test]
    fn assigned_values_keep_their_types() {
        let mut config = table("model = 'a'\n[train]\nbeta = 0.1\nsave_steps = 3");
        for assignment in [
            "train.beta=1",
            "train.lora.r = 4",
            "train.methods=[\"sft\", \"iopo\"]",
            "model=dir/model.gguf",
            "demonstration=true",
        ] {
            set(&mut config, assignment).expect(assignment);
        }
        let want = "model = 'dir/model.gguf'\ndemonstration = true\n\
            [train]\nbeta = 1.0\nsave_steps = 3\nmethods = ['sft', 'iopo']\nlora = { r = 4 }";
        assert_eq!(config, table(want));
    }

    #[test]
    fn malformed_assignments_are_refused_with_their_text() {
        for assignment in ["train.beta", "=3", "train.=3", ".x=1"] {
            assert!(refused(assignment).0.contains(assignment), "{assignment}");
        }
    }

    #[test]
    fn an_unknown_key_names_the_nearest_setting() {
        for (assignment, near) in [
            ("train.lr=1e-4", "train.learning_rate"),
            ("train.epochs=1", "train.num_train_epochs"),
            ("train.batch_size=1", "train.groups_per_update"),
            ("train.clip_norm=1", "train.max_grad_norm"),
            ("train.lora.rank=4", "train.lora.r"),
            ("synth.sampling.temprature=1", "synth.sampling.temperature"),
            ("learning_rate=1", "train.learning_rate"),
        ] {
            let (error, hint) = refused(assignment);
            let key = assignment.split('=').next().unwrap_or_default();
            assert!(error.starts_with(&format!("`{key}`: found an unknown key")), "{error}");
            assert_eq!(hint, Some(format!("did you mean `{near}`?")), "{assignment}");
        }
    }

    #[test]
    fn a_mistake_names_the_key_what_was_found_and_what_is_allowed() {
        let limits = "an integer, 0 to 1000000000, or a table with `train`, `dev` and `test`";
        for (assignment, want) in [
            (
                "train.learning_rate=fast",
                "`train.learning_rate`: found \"fast\", expected a number",
            ),
            ("train.learning_rate=2", "found 2.0, expected a number, above 0 and at most 1"),
            ("synth.keep_probability=7", "found 7, expected a number, 0 to 1"),
            ("dtype=f64", "`dtype`: found \"f64\", expected one of `f32`, `bf16`"),
            (
                "train.methods=[\"sft\", \"ppo\"]",
                "`train.methods[1]`: found \"ppo\", expected one of",
            ),
            ("train.use_peft=1", "`train.use_peft`: found 1, expected true or false"),
            ("seed=-1", "`seed`: found -1, expected an integer, 0 to 9000000000000000000"),
            // A scalar in place of a table, and a table in place of a scalar.
            ("train=3", "`train`: found 3, expected a table"),
            ("train.lora=[]", "`train.lora`: found [], expected a table"),
            ("model={name=\"a\"}", "`model`: found a table, expected a string"),
            ("train.beta={a=1}", "`train.beta`: found a table, expected a number"),
            (
                "model.name=3",
                "`model.name`: found a key inside of `model`, expected a value for `model`, which is not a section",
            ),
            // A setting with a short and a long form.
            (
                "pairs.max_groups={train=1}",
                "`pairs.max_groups`: found a table without `dev`, expected a table with `train`, `dev` and `test`",
            ),
            (
                "pairs.max_groups.train=1",
                "`pairs.max_groups`: found a table without `dev`, expected a table with `train`, `dev` and `test`",
            ),
            (
                "pairs.max_groups={train=1, dev=-1, test=1}",
                "`pairs.max_groups.dev`: found -1, expected an integer, 0 to 1000000000",
            ),
            ("pairs.max_groups=many", &format!("found \"many\", expected {limits}")),
            ("pairs.max_groups=[1]", &format!("found [1], expected {limits}")),
        ] {
            let (error, hint) = refused(assignment);
            assert!(error.contains(want), "{assignment}: {error}");
            assert!(hint.is_some_and(|hint| hint.contains("iopo config")), "{assignment}");
        }
        // Numbers that TOML cannot represent.
        for (assignment, want) in [
            ("seed=99999999999999999999", "`seed`: found 1e+20, expected an integer"),
            ("train.beta=1e999", "`train.beta`: found a number that is not finite"),
            ("train.beta=nan", "`train.beta`: found a number that is not finite"),
        ] {
            let (error, _) = refused(assignment);
            assert!(error.starts_with(want), "{assignment}: {error}");
        }
        let (error, hint) = refused("pairs.max_groups={train=1, dve=1, test=1}");
        assert!(error.starts_with("`pairs.max_groups.dve`: found an unknown key"), "{error}");
        assert_eq!(hint.as_deref(), Some("did you mean `pairs.max_groups.dev`?"));
    }

    #[test]
    fn a_file_is_refused_like_an_assignment() {
        for (text, want) in [
            ("pairs.max_groups = { train = 1 }", "`pairs.max_groups`: found a table without `dev`"),
            ("train = 3", "`train`: found 3, expected a table"),
            ("[model]\nname = 'a'", "`model`: found a table, expected a string"),
            ("[train.overrides.ppo]\nbeta = 1.0", "`train.overrides.ppo`: found an unknown key"),
            ("[train]\nlr = 1.0", "`train.lr`: found an unknown key"),
        ] {
            let error = resolve(&table(text)).expect_err(text).to_string();
            assert!(error.starts_with(want), "{text}: {error}");
        }
    }

    #[test]
    fn every_preset_survives_writing_and_reading() {
        for (name, _) in PRESETS {
            let config = resolve(&preset(name).expect(name)).expect(name);
            let text = config.to_toml().expect("TOML");
            let back: PipelineConfig = toml::from_str(&text).expect("reads back");
            assert_eq!(back, config, "{name}");
        }
    }

    #[test]
    fn the_seed_applies_to_every_stage_and_a_section_may_set_another() {
        let mut smoke = preset("smoke").expect("preset");
        set_seed(&mut smoke, 7).expect("a seed");
        set(&mut smoke, "pairs.seed=9").expect("a seed");
        let config = resolve(&smoke).expect("valid");
        assert_eq!((config.synth.seed, config.pairs.seed, config.eval.seed), (7, 9, 7));
    }

    #[test]
    fn the_seed_applies_to_training_unless_its_seeds_are_set() {
        let seeds = |name: &str, seed: Option<u64>, sets: &[&str]| {
            let mut table = preset(name).expect("preset");
            if let Some(seed) = seed {
                set_seed(&mut table, seed).expect("a seed");
            }
            for assignment in sets {
                set(&mut table, assignment).expect(assignment);
            }
            resolve(&table).expect("valid").train.resolved_seeds()
        };
        assert_eq!(seeds("default", Some(7), &[]), [7]);
        assert_eq!(seeds("study", Some(7), &[]), [7, 8, 9], "as many as the preset has");
        assert_eq!(seeds("study", Some(7), &["train.seeds=[4, 2]"]), [4, 2]);
        assert_eq!(seeds("smoke", Some(7), &["train.seed=4"]), [4]);
        assert_eq!(seeds("study", None, &["seed=7"]), [0, 1, 2], "the preset's seeds are kept");
        assert_eq!(seeds("default", None, &["seed=3"]), [3]);
        assert!(set_seed(&mut Table::new(), u64::MAX).is_err());
    }

    #[test]
    fn weights_of_16_bits_train_adapters_only() {
        let mut smoke = preset("smoke").expect("preset");
        set(&mut smoke, "dtype=bf16").expect("a type");
        resolve(&smoke).expect("adapters");
        set(&mut smoke, "train.use_peft=false").expect("a setting");
        let error = resolve(&smoke).expect_err("every weight");
        assert!(error.to_string().starts_with("`dtype`: found bf16"), "{error}");
    }

    #[test]
    fn held_out_kinds_are_those_of_the_run_in_every_section() {
        let error = resolve(&table("[pairs]\nheld_out = ['postscript']")).expect_err("differs");
        assert!(error.to_string().starts_with("`pairs.held_out`"), "{error}");
    }

    #[test]
    fn the_kinds_of_synthesis_are_those_of_pairing_unless_it_sets_its_own() {
        let kinds = |text: &str| {
            let config = resolve(&table(text)).expect("valid");
            (config.synth.kinds.clone(), config.pairs.kinds.clone())
        };
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let default = list(&["default"]);
        assert_eq!(kinds(""), (default.clone(), default.clone()));
        let both = list(&["default", "iftrain"]);
        let set = "[synth]\nkinds = ['default', 'iftrain']";
        assert_eq!(kinds(set), (both.clone(), both.clone()));
        let own = format!("{set}\n[pairs]\nkinds = ['default']");
        assert_eq!(kinds(&own), (both, default));
        let error = resolve(&table("[synth]\nkinds = ['iftrian']")).expect_err("unknown");
        assert!(error.to_string().starts_with("`synth.kinds`: found \"iftrian\""), "{error}");
    }

    #[test]
    fn differences_name_the_keys() {
        let found =
            differences(&table("a = 1\n[s]\nx = 1\ny = 2"), &table("a = 1\nb = 2\n[s]\nx = 3"));
        assert_eq!(found, ["b: unset → 2", "s.x: 1 → 3", "s.y: 2 → unset"]);
    }
}
