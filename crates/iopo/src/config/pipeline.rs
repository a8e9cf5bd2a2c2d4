//! The configuration of a whole run.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::ifbench::InstructionKind;
use iopo_constraints::quality::QualityConfig;
use iopo_constraints::{Kind, KindSet};
use iopo_core::SettingError;
use iopo_core::settings;
use iopo_core::settings::limits::{MAX_BATCH, MAX_SEED};
use iopo_eval::gain::BASE;
use iopo_eval::ifbench;
use iopo_model::template::Date;
use iopo_model::{Dtype, TemplateSettings};
use iopo_schema::run_files::model_name;
use iopo_schema::usable_kinds;
use iopo_train::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigError, LlmConfig, Role, Rounds};

/// The largest number of rounds.
const MAX_ROUNDS: usize = 16;

/// Settings of a run.
///
/// A configuration that is read from TOML passes `seed`, `held_out` and `quality` on to each section that does not set them.
/// In code, start from [`PipelineConfig::preset`] and change fields; [`PipelineConfig::set_seed`],
/// [`PipelineConfig::set_held_out`] and [`PipelineConfig::set_quality`] also write the sections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PipelineConfig {
    /// Name of the run, shown as the title of its report.
    pub name: String,
    /// Text that the report shows above its tables.
    pub notes: String,
    /// Marks the report as a demonstration that is too small to draw conclusions from.
    pub demonstration: bool,
    /// File of tasks, `.jsonl` or `.parquet`. Empty uses the built-in tasks.
    pub tasks: String,
    /// Base model: a Hugging Face directory, a `.gguf` file, `smollm2-135m-instruct`, `tiny`, or a hub id.
    pub model: String,
    /// Device to compute on. `auto` takes the first device of this binary and `cpu` the first that computes on the CPU;
    /// `iopo devices` lists them. A number picks one of several GPUs, for instance `cuda:1`.
    pub device: String,
    /// Type of the base model's weights. bf16 takes half the memory; adapters and gradients stay f32.
    pub dtype: Dtype,
    /// Token that ends an answer, in training, generation and scoring alike. If empty, it is the token that the chat template
    /// writes after an answer, or the tokenizer's `eos_token` if the template writes none. Default: empty.
    pub eos_token: String,
    /// Date that a chat template writes where it asks for the current one, as YYYY-MM-DD, so that a prompt does not depend on
    /// the day. Default: 2024-07-26.
    pub template_date: String,
    /// Random seed of every stage that does not set its own.
    #[schemars(range(max = MAX_SEED))]
    seed: u64,
    /// Constraint kinds that synthesis and pairing never use, so that evaluation can compare seen and unseen kinds.
    #[schemars(extend("uniqueItems" = true))]
    held_out: Vec<String>,
    /// Maximum number of sequences that a worker generates together. Higher values use more memory. On a CPU, every thread
    /// is a worker.
    #[schemars(range(min = 1, max = MAX_BATCH))]
    pub generation_batch: usize,
    /// What counts as an answer, in the data sets of synthesis and in clean accuracy.
    quality: QualityConfig,
    /// Rounds of synthesis, pairing and training. Each round after the first samples from the policies of the round before
    /// and trains on from them. Default: 1.
    #[schemars(range(min = 1, max = MAX_ROUNDS))]
    pub rounds: usize,
    /// Settings of single rounds after the first, for instance `[round.2]`.
    pub round: Rounds,
    /// Synthesis: tasks to constrained instructions with verified responses.
    pub synth: iopo_synth::SynthConfig,
    /// Pairing: instructions and responses to preference groups.
    pub pairs: iopo_pairs::PairsConfig,
    /// Training: preference groups to adapters.
    pub train: iopo_train::TrainConfig,
    /// Evaluation: answers to held-out instructions, and their scores.
    pub eval: iopo_eval::EvalConfig,
    /// Models that write and judge data, and the use of endpoints.
    pub llm: LlmConfig,
    /// Preferences between two instructions for a given response, which `iopo fipo` collects.
    pub fipo: iopo_synth::fipo::FipoConfig,
    /// Servers with an OpenAI-compatible API, by name, for instance `[endpoints.judge]`.
    #[cfg(feature = "endpoint")]
    pub endpoints: BTreeMap<String, iopo_llm::endpoint::EndpointConfig>,
}

impl Default for PipelineConfig {
    fn default() -> Self {
        Self {
            name: "run".to_owned(),
            notes: String::new(),
            demonstration: false,
            tasks: String::new(),
            model: "smollm2-135m-instruct".to_owned(),
            device: "auto".to_owned(),
            dtype: Dtype::default(),
            eos_token: String::new(),
            template_date: Date::default().to_string(),
            seed: 0,
            held_out: Vec::new(),
            generation_batch: 16,
            quality: QualityConfig::default(),
            rounds: 1,
            round: Rounds::new(),
            synth: iopo_synth::SynthConfig::default(),
            pairs: iopo_pairs::PairsConfig::default(),
            train: iopo_train::TrainConfig::default(),
            eval: iopo_eval::EvalConfig::default(),
            llm: LlmConfig::default(),
            fipo: iopo_synth::fipo::FipoConfig::default(),
            #[cfg(feature = "endpoint")]
            endpoints: BTreeMap::new(),
        }
    }
}

impl PipelineConfig {
    /// Returns the configuration of a preset: `default`, `study`, `study-small`, `smoke`, `trace-endpoint` or `trace-local`.
    ///
    /// # Errors
    /// Returns an error that names the presets if there is none of this name.
    pub fn preset(name: &str) -> Result<Self, ConfigError> {
        super::resolve(&super::preset(name)?)
    }

    /// Returns the random seed of every stage that does not set its own.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Sets the random seed of the run and of every stage. A list of training seeds becomes as many consecutive seeds,
    /// from `seed` on.
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
        for (_, own) in self.seeds_mut() {
            *own = seed;
        }
        for (own, offset) in self.train.seeds.iter_mut().zip(0..) {
            // The check of the settings refuses a seed near its limit.
            *own = seed.saturating_add(offset);
        }
    }

    /// Returns the constraint kinds that synthesis and pairing never use.
    pub fn held_out(&self) -> &[String] {
        &self.held_out
    }

    /// Sets the constraint kinds that synthesis and pairing never use, in every section.
    pub fn set_held_out(&mut self, kinds: impl IntoIterator<Item = impl Into<String>>) {
        self.held_out = kinds.into_iter().map(Into::into).collect();
        let kinds = self.held_out.clone();
        for (_, own) in self.held_out_mut() {
            own.clone_from(&kinds);
        }
    }

    /// Returns what counts as an answer.
    pub fn quality(&self) -> &QualityConfig {
        &self.quality
    }

    /// Sets what counts as an answer, in every section.
    pub fn set_quality(&mut self, quality: &QualityConfig) {
        self.quality = quality.clone();
        for (_, own) in self.quality_mut() {
            own.clone_from(quality);
        }
    }

    /// Returns what counts as an answer in each section that decides it, with the section's name.
    pub(super) fn quality_mut(&mut self) -> [(&'static str, &mut QualityConfig); 3] {
        [
            ("synth", &mut self.synth.quality),
            ("pairs", &mut self.pairs.quality),
            ("eval", &mut self.eval.quality),
        ]
    }

    /// Returns the random seed of each section that has one, with the section's name.
    pub(super) fn seeds_mut(&mut self) -> [(&'static str, &mut u64); 4] {
        [
            ("synth", &mut self.synth.seed),
            ("pairs", &mut self.pairs.seed),
            ("train", &mut self.train.seed),
            ("eval", &mut self.eval.seed),
        ]
    }

    /// Returns the held-out kinds of each section that has them, with the section's name.
    pub(super) fn held_out_mut(&mut self) -> [(&'static str, &mut Vec<String>); 3] {
        [
            ("synth", &mut self.synth.held_out),
            ("pairs", &mut self.pairs.held_out),
            ("eval", &mut self.eval.held_out),
        ]
    }

    /// Checks every setting, and that the settings fit together.
    ///
    /// # Errors
    /// Returns an error about the first invalid setting.
    pub fn validate(&self) -> Result<(), ConfigError> {
        // Checked before the sections; otherwise the error would name a section's copy of the setting.
        settings::check(&self.quality).map_err(|error| error.inside("quality"))?;
        usable_kinds(&[KindSet::Default.id().to_owned()], &self.held_out, &BTreeMap::new())?;
        settings::check(self)?;
        self.synth.validate()?;
        self.pairs.validate()?;
        self.train.validate()?;
        self.eval.validate()?;
        self.fipo.validate()?;
        self.validate_baselines()?;
        self.validate_rounds()?;
        self.validate_llm()?;
        self.template_settings()?;
        for (section, held_out) in self.clone().held_out_mut() {
            if *held_out != self.held_out {
                let found = format!("{held_out:?}");
                let expected =
                    "the run's `held_out`, because every stage must hold out the same kinds";
                return Err(SettingError::new("held_out", found, expected)
                    .inside(section)
                    .with_hint("set `held_out` at the top of the file only")
                    .into());
            }
        }
        for (section, quality) in self.clone().quality_mut() {
            if *quality != self.quality {
                let expected =
                    "the run's `quality`, because data and evaluation use the same filters";
                return Err(SettingError::new("quality", "other settings", expected)
                    .inside(section)
                    .with_hint("set `[quality]` at the top of the file only")
                    .into());
            }
        }
        if !self.train.use_peft && self.dtype != Dtype::F32 {
            let expected = "f32, because `train.use_peft` is false and trained weights are f32";
            return Err(SettingError::new("dtype", self.dtype.name(), expected)
                .with_hint("set `train.use_peft=true` to train adapters, or `dtype=f32`")
                .into());
        }
        Ok(())
    }

    /// Returns the model of the worse instructions, if it is another one than the writer.
    pub(super) fn worse_role(&self) -> Option<Role> {
        (!self.fipo.worse.is_empty()).then(|| Role::One(self.fipo.worse.clone()))
    }

    /// Checks the roles.
    #[cfg(not(feature = "endpoint"))]
    fn validate_llm(&self) -> Result<(), ConfigError> {
        if let Some(role) = self.worse_role() {
            role.validate("fipo.worse", &[])?;
        }
        Ok(self.llm.validate(&[])?)
    }

    /// Returns the model of an endpoint. There is none.
    #[cfg(not(feature = "endpoint"))]
    #[expect(clippy::unused_self, reason = "the models of the endpoints are settings")]
    pub(crate) fn model_named(&self, _name: &str) -> Option<&str> {
        None
    }

    /// Returns the address and the model of an endpoint. A build without endpoints has none.
    #[cfg(not(feature = "endpoint"))]
    #[expect(clippy::unused_self, reason = "the endpoints are settings")]
    pub(crate) fn served(&self, _name: &str) -> Option<(&str, &str)> {
        None
    }

    /// Returns a table without settings that no answer depends on. Without endpoints, these are all of the section.
    #[cfg(not(feature = "endpoint"))]
    #[expect(clippy::unused_self, reason = "the models of the endpoints are settings")]
    pub(crate) fn without_endpoints(&self, mut table: toml::Table) -> toml::Table {
        table.remove("llm");
        table
    }

    /// Checks that every baseline is the name of a model that a run can have.
    fn validate_baselines(&self) -> Result<(), SettingError> {
        let is_known = |name: &str| {
            let is_of = |method: &Method| {
                // Later rounds continue the other methods.
                let last = if method.starts_from_base() { 1 } else { MAX_ROUNDS };
                (1..=last).any(|round| model_name(method.name(), round) == name)
            };
            name == BASE || Method::ALL.iter().any(is_of)
        };
        match self.eval.baselines.iter().enumerate().find(|(_, name)| !is_known(name)) {
            Some((index, name)) => {
                let methods: Vec<&str> = Method::ALL.iter().map(|method| method.name()).collect();
                let expected = format!(
                    "`{BASE}`, a method ({}), or a method after a later round, such as `iopo-round2`",
                    methods.join(", ")
                );
                let key = format!("eval.baselines[{index}]");
                Err(SettingError::new(key, format!("{name:?}"), expected))
            }
            None => Ok(()),
        }
    }

    /// Returns the kinds that synthesis or pairing draws beside the default ones. Types of a benchmark that ask for the same count as
    /// seen. An invalid list, which [`Self::validate`] refuses, names none.
    pub fn added_kinds(&self) -> BTreeSet<Kind> {
        let pairs = self.pairs.kinds().unwrap_or_default().into_keys();
        let mut added: BTreeSet<Kind> = pairs.filter(|kind| !kind.is_drawn()).collect();
        added.extend(self.synth.added_kinds().unwrap_or_default());
        added
    }

    /// Returns the kinds that synthesis or pairing draws although a check of IFBench asks for the same, if IFBench is evaluated.
    pub(crate) fn trained_for_ifbench(&self) -> BTreeSet<Kind> {
        // Writers of the recipe `trace` state constraints freely, not by kinds.
        let is_evaluated = self.eval.benchmarks.iter().any(|id| id == ifbench::ID);
        if !is_evaluated || self.synth.recipe.is_trace() {
            return BTreeSet::new();
        }
        let equal: BTreeSet<Kind> =
            InstructionKind::ALL.iter().flat_map(|one| one.kinds()).copied().collect();
        let synth = self.synth.kinds().unwrap_or_default().into_iter().map(|(kind, _)| kind);
        let pairs = self.pairs.kinds().unwrap_or_default().into_keys();
        synth.chain(pairs).filter(|kind| equal.contains(kind)).collect()
    }

    /// Holds out these kinds, except for those that `synth.kinds`, `synth.kind_weights` or `pairs.kinds` name. A set of kinds names
    /// none. [`resolve`](super::resolve) does so for a configuration whose sections do not set `held_out`.
    pub fn hold_out_for_ifbench(&mut self) {
        let is_named = |kind: &Kind| {
            let lists = [&self.synth.kinds, &self.pairs.kinds];
            lists.into_iter().flatten().any(|name| name == kind.id())
                || self.synth.kind_weights.contains_key(kind.id())
        };
        let kinds = self.trained_for_ifbench();
        let added: Vec<String> =
            kinds.iter().filter(|kind| !is_named(kind)).map(|kind| kind.id().to_owned()).collect();
        if !added.is_empty() {
            let held_out = self.held_out.clone();
            self.set_held_out(held_out.into_iter().chain(added));
        }
    }

    /// Says which of these kinds there are, because the types of IFBench are meant to be new to a model.
    pub(crate) fn ifbench_note(&self) -> Option<String> {
        let kinds = self.trained_for_ifbench();
        let named: Vec<String> = kinds.iter().map(|kind| format!("`{kind}`")).collect();
        (!named.is_empty()).then(|| {
            format!(
                "IFBench tests constraints that are meant to be new to a model, and this run draws {}; its table counts \
                 these types as seen; add them to `held_out` to train on none of them",
                named.join(", ")
            )
        })
    }

    /// Returns the settings of the model's chat template.
    ///
    /// # Errors
    /// Returns an error if `template_date` is not a date.
    pub fn template_settings(&self) -> Result<TemplateSettings, SettingError> {
        let date = self.template_date.parse().map_err(|_| {
            let found = format!("{:?}", self.template_date);
            SettingError::new("template_date", found, "a date as YYYY-MM-DD")
        })?;
        let eos_token = Some(self.eos_token.clone()).filter(|token| !token.is_empty());
        Ok(TemplateSettings { date, eos_token })
    }

    /// Returns the configuration as TOML, with every setting.
    ///
    /// # Errors
    /// Returns an error if TOML cannot represent a number.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        super::table::to_toml(self)
    }

    /// Returns the configuration as a TOML table, with every setting.
    ///
    /// # Errors
    /// Returns an error if TOML cannot represent a number.
    pub fn to_table(&self) -> Result<toml::Table, ConfigError> {
        // Through text, so that an f32 keeps its short decimal form.
        super::parse(&self.to_toml()?, "the configuration")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iopo_constraints::Kind;
    use iopo_constraints::ifbench::InstructionKind;

    use super::PipelineConfig;
    use crate::config::PRESETS;

    #[test]
    fn the_seed_and_the_held_out_kinds_of_a_run_reach_every_section() {
        let mut config = PipelineConfig::preset("study").expect("a preset");
        let seeds = config.train.seeds.len() as u64;
        config.set_seed(7);
        assert!(config.seeds_mut().iter().all(|(_, seed)| **seed == 7));
        assert_eq!(config.train.seeds, (7..7 + seeds).collect::<Vec<_>>());
        config.set_held_out(["postscript"]);
        assert!(config.held_out_mut().iter().all(|(_, kinds)| **kinds == ["postscript"]));
        config.validate().expect("valid");
    }

    #[test]
    fn kinds_of_either_stage_make_their_types_seen() {
        let position = InstructionKind::KeywordPosition;
        let is_seen = |config: &PipelineConfig| {
            let held_out = config.eval.held_out_kinds().expect("known kinds");
            position.is_seen(&held_out, &config.added_kinds())
        };
        let both = vec!["default".to_owned(), "word_at_position".to_owned()];
        for change in [
            |config: &mut PipelineConfig, kinds: Vec<String>| config.synth.kinds = kinds,
            |config: &mut PipelineConfig, kinds: Vec<String>| config.pairs.kinds = kinds,
        ] {
            let mut config = PipelineConfig::preset("study").expect("a preset");
            assert!(!is_seen(&config));
            change(&mut config, both.clone());
            assert!(is_seen(&config));
            config.set_held_out(["word_at_position"]);
            assert!(!is_seen(&config));
        }
    }

    #[test]
    fn no_preset_that_evaluates_ifbench_trains_on_a_check_of_it() {
        let noted = |config: &PipelineConfig| {
            let note = config.ifbench_note();
            let kinds = config.trained_for_ifbench();
            assert_eq!(note.is_some(), !kinds.is_empty());
            let all = |note: &String| kinds.iter().all(|kind| note.contains(&kind.to_string()));
            assert!(note.as_ref().is_none_or(all), "{note:?}");
            kinds
        };
        let ranges = BTreeSet::from([Kind::WordRange]);
        for (name, _) in PRESETS {
            let mut config = PipelineConfig::preset(name).expect(name);
            assert_eq!(noted(&config), BTreeSet::new(), "{name}");
            // The control: with IFBench, a preset that draws its kinds is noticed.
            config.eval.benchmarks = vec!["ifbench".to_owned()];
            let is_trace = config.synth.recipe.is_trace();
            assert_eq!(
                noted(&config),
                if is_trace { BTreeSet::new() } else { ranges.clone() },
                "{name}"
            );
            if is_trace {
                continue;
            }
            let mut both = ranges.clone();
            both.insert(Kind::WordAtPosition);
            config.synth.kinds = vec!["default".to_owned(), "iftrain".to_owned()];
            assert_eq!(noted(&config), both, "{name}");
            config.set_held_out(both.iter().map(|kind| kind.id()));
            assert_eq!(noted(&config), BTreeSet::new(), "{name}");
        }
    }

    #[test]
    fn kinds_that_ifbench_tests_are_held_out_unless_they_are_named() {
        let resolved = |text: &str| {
            let table = crate::config::parse(text, "test").expect("TOML");
            crate::config::resolve(&table).expect("valid")
        };
        let evaluated = "[eval]\nbenchmarks = ['ifbench']\n";
        let config = resolved(&format!("held_out = ['postscript']\n{evaluated}"));
        assert_eq!(config.held_out(), ["postscript", "word_range"]);
        assert_eq!(config.ifbench_note(), None);
        let config = resolved(&format!("{evaluated}[synth]\nkinds = ['default', 'iftrain']"));
        assert_eq!(config.held_out(), ["word_range", "word_at_position"]);
        // Without IFBench, and with a recipe without kinds, nothing is held out.
        assert!(resolved("").held_out().is_empty());
        // A name keeps its kind, and the note of the run names it.
        for named in ["kinds = ['default', 'word_range']", "kind_weights = {word_range = 1.0}"] {
            let config = resolved(&format!("{evaluated}[synth]\n{named}"));
            assert!(config.held_out().is_empty(), "{named}");
            assert!(config.ifbench_note().is_some_and(|note| note.contains("`word_range`")));
        }
        // The sections of a finished run have their kinds, which an evaluation must not change.
        let mut finished = PipelineConfig::preset("smoke").expect("a preset");
        finished.eval.benchmarks = vec!["ifbench".to_owned()];
        let table = finished.to_table().expect("a table");
        let again = crate::config::resolve(&table).expect("valid");
        assert_eq!(again.held_out(), finished.held_out());
        assert!(again.ifbench_note().is_some());
    }

    #[test]
    fn the_filters_of_a_run_reach_every_section_and_others_are_refused() {
        let mut config = PipelineConfig::preset("smoke").expect("a preset");
        let filters = config.quality().clone();
        assert!(config.quality_mut().iter().all(|(_, own)| **own == filters));
        config.eval.quality.min_words = 99;
        let error = config.validate().expect_err("differs").to_string();
        assert!(error.starts_with("`eval.quality`"), "{error}");
        let own = config.eval.quality.clone();
        config.set_quality(&own);
        config.validate().expect("the same everywhere");
    }

    #[test]
    fn an_error_names_the_setting_of_the_run_and_not_its_copy_in_a_section() {
        let refused = |change: fn(&mut PipelineConfig)| {
            let mut config = PipelineConfig::preset("smoke").expect("a preset");
            change(&mut config);
            config.validate().expect_err("refused").to_string()
        };
        let error = refused(|config| config.set_held_out(["no_such_kind"]));
        assert!(error.starts_with("`held_out`: found \"no_such_kind\""), "{error}");
        let error = refused(|config| {
            config.set_held_out(iopo_constraints::Kind::ALL.iter().map(|kind| kind.id()));
        });
        assert!(error.starts_with("`held_out`: found every kind"), "{error}");
        let error = refused(|config| {
            let mut quality = config.quality().clone();
            quality.max_repetition = f64::NAN;
            config.set_quality(&quality);
        });
        assert!(error.starts_with("`quality.max_repetition`"), "{error}");
        let error = refused(|config| config.set_seed(u64::MAX));
        assert!(error.starts_with("`seed`"), "{error}");
        let error = refused(|config| config.rounds = 17);
        assert!(error.starts_with("`rounds`: found 17"), "{error}");
    }

    #[test]
    fn a_baseline_is_the_base_or_a_method_after_a_round() {
        let with = |name: &str| {
            let mut config = PipelineConfig::preset("smoke").expect("a preset");
            config.eval.baselines = vec!["base".to_owned(), name.to_owned()];
            config.validate().map_err(|error| error.to_string())
        };
        for name in ["sft", "iopo-no-output", "dpo-round2", "iopo-round16"] {
            with(name).expect(name);
        }
        for name in ["dop", "iopo-round17", "iopo-seed0", ""] {
            let error = with(name).expect_err(name);
            assert!(error.starts_with(&format!("`eval.baselines[1]`: found {name:?}")), "{error}");
        }
        assert!(with("base").expect_err("twice").contains("distinct values"));
    }

    #[test]
    fn a_section_with_other_held_out_kinds_is_refused() {
        let mut config = PipelineConfig::preset("smoke").expect("a preset");
        config.eval.held_out.clear();
        let error = config.validate().expect_err("differs").to_string();
        assert!(error.starts_with("`eval.held_out`"), "{error}");
    }
}
