//! The configuration of a run: presets, files and flags resolved into one value.

mod overrides;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo_model::Dtype;
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::fetch::DEFAULT_MODEL;

pub(crate) use overrides::differences;
use overrides::parse;

/// The presets by name; the same files lie under `crates/iopo/presets` to be copied.
const PRESETS: [(&str, &str); 3] = [
    ("default", include_str!("../presets/default.toml")),
    ("study", include_str!("../presets/study.toml")),
    ("smoke", include_str!("../presets/smoke.toml")),
];

/// Sections with a seed of their own, which is the run's unless the section says otherwise.
const SEEDED: [&str; 4] = ["synth", "pairs", "train", "eval"];
/// Sections that must agree on the kinds that training never sees.
const HELD_OUT: [&str; 3] = ["synth", "pairs", "eval"];

/// Everything that a run depends on. Written to `config.toml` in the run directory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct PipelineConfig {
    /// What the run is called in its report.
    pub(crate) name: String,
    /// What a reader of the report must know.
    pub(crate) notes: String,
    /// Whether the report says that this run is too small to conclude from.
    pub(crate) demonstration: bool,
    /// Tasks, `.jsonl` or `.parquet`; empty means those that the binary carries.
    pub(crate) tasks: String,
    /// A path, a known name, or a hub id.
    pub(crate) model: String,
    /// A device of this binary; `auto` is the first one.
    pub(crate) device: String,
    /// What the base's weights are held in: f32, or bf16 where the device computes in it. What is trained is f32.
    pub(crate) dtype: Dtype,
    /// The seed of every stage that has none of its own.
    pub(crate) seed: u64,
    /// Constraint kinds that synthesis and pairs never use, so that evaluation can tell seen from unseen.
    pub(crate) held_out: Vec<String>,
    /// Sequences that a worker puts through the model together when it answers, at most; on a CPU there is a worker
    /// for each thread.
    pub(crate) generation_batch: usize,
    /// Synthesis.
    pub(crate) synth: iopo_synth::SynthConfig,
    /// Preference groups.
    pub(crate) pairs: iopo_pairs::PairsConfig,
    /// Training.
    pub(crate) train: iopo_train::TrainConfig,
    /// Evaluation.
    pub(crate) eval: iopo_eval::EvalConfig,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            name: "run".to_owned(),
            notes: String::new(),
            demonstration: false,
            tasks: String::new(),
            model: DEFAULT_MODEL.to_owned(),
            device: "auto".to_owned(),
            dtype: Dtype::default(),
            seed: 0,
            held_out: Vec::new(),
            generation_batch: 16,
            synth: iopo_synth::SynthConfig::default(),
            pairs: iopo_pairs::PairsConfig::default(),
            train: iopo_train::TrainConfig::default(),
            eval: iopo_eval::EvalConfig::default(),
        }
    }
}

/// A configuration and the directory that its run lies in.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) config: PipelineConfig,
    pub(crate) out: PathBuf,
}

/// Reads the preset or file and lays the flags over it.
pub(crate) fn resolve(args: &RunArgs) -> Result<Resolved> {
    let Source { name, table: mut start, out } = source(args)?;
    if let Some(model) = &args.model {
        start.insert("model".to_owned(), Value::String(model.clone()));
    }
    if let Some(device) = &args.device {
        start.insert("device".to_owned(), Value::String(device.clone()));
    }
    if let Some(dtype) = &args.dtype {
        start.insert("dtype".to_owned(), Value::String(dtype.clone()));
    }
    if let Some(seed) = args.seed {
        set_seed(&mut start, seed)?;
    }
    typed(&start).with_context(|| Failure::usage(format!("cannot use {name}")))?;
    if let Some(when) = &args.gradient_checkpointing {
        overrides::set(&mut start, &format!("train.gradient_checkpointing={when}"))?;
    }
    for assignment in &args.sets {
        overrides::set(&mut start, assignment)?;
        // One by one, so that the error names the flag.
        typed(&start)
            .with_context(|| Failure::usage(format!("cannot apply --set {assignment}")))?;
    }
    inherit(&mut start);
    let config = typed(&start).with_context(|| Failure::usage(format!("cannot use {name}")))?;
    config.check()?;
    Ok(Resolved { config, out })
}

/// Makes `--seed` the seed of every section; several training seeds count on from it, as many as there were.
fn set_seed(table: &mut Table, seed: u64) -> Result<()> {
    // TOML's integers are i64, and there must be room to count on.
    let most = i64::MAX - (1 << 20);
    let seed = i64::try_from(seed)
        .ok()
        .filter(|seed| *seed <= most)
        .ok_or_else(|| Failure::usage(format!("--seed {seed} is too large: at most {most}")))?;
    table.insert("seed".to_owned(), Value::Integer(seed));
    for section in SEEDED {
        if let Some(section) = table.get_mut(section).and_then(Value::as_table_mut) {
            section.remove("seed");
            if let Some(Value::Array(seeds)) = section.get_mut("seeds") {
                *seeds = (seed..).take(seeds.len()).map(Value::Integer).collect();
            }
        }
    }
    Ok(())
}

struct Source {
    name: String,
    table: Table,
    out: PathBuf,
}

/// Where the configuration comes from: `--config`, `--preset`, the run's own, or the default preset.
fn source(args: &RunArgs) -> Result<Source> {
    if let Some(path) = &args.config {
        let stem = path.file_stem().map_or_else(|| "run".into(), |stem| stem.to_string_lossy());
        let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(&*stem));
        return from_file(path, out);
    }
    if let (None, Some(out)) = (&args.preset, &args.out) {
        let own = out.join("config.toml");
        if own.is_file() {
            return from_file(&own, out.clone());
        }
    }
    let preset = args.preset.as_deref().unwrap_or("default");
    let Some((name, text)) = PRESETS.iter().find(|(name, _)| *name == preset) else {
        let names: Vec<&str> = PRESETS.iter().map(|(name, _)| *name).collect();
        return Err(Failure::usage(format!(
            "no preset `{preset}`: expected one of {}",
            names.join(", ")
        ))
        .way_out("pass a file of your own with --config")
        .into());
    };
    let table = parse(text, &format!("preset {name}"))?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("runs").join(name));
    Ok(Source { name: format!("preset {name}"), table, out })
}

fn from_file(path: &Path, out: PathBuf) -> Result<Source> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .with_context(|| Failure::usage(format!("cannot read {name}")))?;
    Ok(Source { table: parse(&text, &name)?, name, out })
}

/// The configuration that a run directory holds; a setting that it does not name has its default.
pub(crate) fn stored(text: &str, name: &str) -> Result<PipelineConfig> {
    let mut table = parse(text, name)?;
    inherit(&mut table);
    typed(&table).with_context(|| Failure::usage(format!("cannot use {name}")))
}

fn typed(table: &Table) -> Result<PipelineConfig> {
    Ok(Value::Table(table.clone()).try_into::<PipelineConfig>()?)
}

/// Fills the run's seed and held-out kinds into the sections that do not have their own.
fn inherit(table: &mut Table) {
    let seed = table.get("seed").cloned().unwrap_or(Value::Integer(0));
    let held_out = table.get("held_out").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
    let mut fill = |sections: &[&str], key: &str, value: &Value| {
        for section in sections {
            let section = table.entry(*section).or_insert_with(|| Value::Table(Table::new()));
            if let Some(section) = section.as_table_mut() {
                section.entry(key).or_insert_with(|| value.clone());
            }
        }
    };
    fill(&SEEDED, "seed", &seed);
    fill(&HELD_OUT, "held_out", &held_out);
}

impl PipelineConfig {
    fn check(&self) -> Result<()> {
        let sections = [
            ("synth", &self.synth.held_out),
            ("pairs", &self.pairs.held_out),
            ("eval", &self.eval.held_out),
        ];
        for (section, held_out) in sections {
            if *held_out != self.held_out {
                let what = format!("`{section}.held_out` is not the run's `held_out`");
                return Err(Failure::usage(what)
                    .way_out("set `held_out` at the top only: what is held out must be the same in every stage")
                    .into());
            }
        }
        if !self.train.use_peft && self.dtype != Dtype::F32 {
            let what = format!("weights in {} cannot be trained themselves", self.dtype.name());
            return Err(Failure::usage(what)
                .way_out("train adapters with `train.use_peft=true`, or set `dtype=f32`")
                .into());
        }
        Ok(())
    }

    /// The configuration as TOML, every value written out.
    pub(crate) fn text(&self) -> Result<String> {
        toml::to_string_pretty(self).context("failed to write the configuration as TOML")
    }

    /// The same as a table, to be compared with what was written.
    pub(crate) fn table(&self) -> Result<Table> {
        // By way of the text, in which an f32 has the digits of an f32.
        parse(&self.text()?, "the resolved configuration")
    }
}

#[cfg(test)]
mod tests {
    use iopo_train::GradientCheckpointing;

    use super::{PRESETS, resolve};
    use crate::cli::RunArgs;
    use crate::failure::{Exit, exit_of};

    fn args(preset: &str, sets: &[&str]) -> RunArgs {
        RunArgs {
            preset: Some(preset.to_owned()),
            config: None,
            out: None,
            model: None,
            device: None,
            dtype: None,
            seed: Some(7),
            gradient_checkpointing: None,
            sets: sets.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn every_preset_resolves_and_reads_back_as_it_was_written() {
        for (name, _) in PRESETS {
            let resolved = resolve(&args(name, &[])).expect(name);
            let text = resolved.config.text().expect("TOML");
            let back: super::PipelineConfig = toml::from_str(&text).expect("reads back");
            assert_eq!(back, resolved.config, "{name}");
            assert_eq!(resolved.out, std::path::Path::new("runs").join(name));
        }
    }

    #[test]
    fn the_seed_reaches_every_stage_and_a_section_may_have_its_own() {
        let config = resolve(&args("smoke", &["pairs.seed=9"])).expect("valid").config;
        assert_eq!((config.synth.seed, config.pairs.seed, config.eval.seed), (7, 9, 7));
    }

    #[test]
    fn the_seed_reaches_training_unless_its_seeds_are_set_beside_it() {
        let seeds = |preset: &str, sets: &[&str]| {
            resolve(&args(preset, sets)).expect("valid").config.train.resolved_seeds()
        };
        assert_eq!(seeds("default", &[]), [7]);
        assert_eq!(seeds("study", &[]), [7, 8, 9], "as many as the preset has");
        assert_eq!(seeds("study", &["train.seeds=[4, 2]"]), [4, 2]);
        assert_eq!(seeds("smoke", &["train.seed=4"]), [4]);
        // Without the flag a preset's own seeds stand, whatever the run's seed.
        let plain = RunArgs { seed: None, ..args("study", &["seed=7"]) };
        assert_eq!(resolve(&plain).expect("valid").config.train.resolved_seeds(), [0, 1, 2]);
        let plain = RunArgs { seed: None, ..args("default", &["seed=3"]) };
        assert_eq!(resolve(&plain).expect("valid").config.train.resolved_seeds(), [3]);
        let huge = RunArgs { seed: Some(u64::MAX), ..args("smoke", &[]) };
        assert_eq!(exit_of(&resolve(&huge).expect_err("too large")), Exit::Usage);
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
    fn weights_of_16_bits_are_not_trained_themselves() {
        let narrow = RunArgs { dtype: Some("bf16".to_owned()), ..args("smoke", &[]) };
        assert_eq!(resolve(&narrow).expect("adapters").config.dtype, super::Dtype::Bf16);
        let full = RunArgs { sets: vec!["train.use_peft=false".to_owned()], ..narrow };
        assert_eq!(exit_of(&resolve(&full).expect_err("every weight")), Exit::Usage);
        let error = resolve(&args("smoke", &["dtype=f64"])).expect_err("no such type");
        assert!(format!("{error:#}").contains("f64"), "{error:#}");
    }

    #[test]
    fn an_unknown_key_is_a_usage_error_that_names_it() {
        for (set, key) in [("synth.temprature=1", "temprature"), ("nothing=1", "nothing")] {
            let error = resolve(&args("smoke", &[set])).expect_err(set);
            assert_eq!(exit_of(&error), Exit::Usage);
            assert!(format!("{error:#}").contains(&format!("unknown field `{key}`")), "{error:#}");
        }
    }
}
