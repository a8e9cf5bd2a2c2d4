//! Settings of synthesis.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::quality::QualityConfig;
use iopo_constraints::{Dimension, Kind, KindSet, StylePrompt};
use iopo_core::SettingError;
use iopo_core::settings::limits::{
    MAX_BATCH, MAX_COUNT, MAX_SEED, MAX_TOKENS, MAX_VALUES, MAX_WEIGHT,
};
use iopo_core::settings::{check, check_weights, json_without};
use iopo_llm::Quantization;
use iopo_schema::{kinds_named, usable_kinds};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::SynthError;
use crate::recipe::{Recipe, RecipeMix};
use crate::style_prompts::open;
use crate::trace::TraceConfig;

/// How responses are sampled from the language model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SamplingConfig {
    /// Maximum number of tokens of a response; longer responses are cut. Default: 256. Range: 1 to 1000000.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub max_new_tokens: usize,
    /// Softmax temperature; 0 decodes greedily. Default: 0.8. Range: 0 to 100.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub temperature: f32,
    /// Probability mass of nucleus sampling; 1 disables it. Default: 0.95. Range: above 0 and at most 1.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub top_p: f32,
    /// Number of likeliest tokens to sample from; 0 disables the limit. Default: 0. Range: 0 to 1000000.
    #[schemars(range(max = MAX_TOKENS))]
    pub top_k: usize,
    /// Type of the weights that the model samples with. `int8` rounds them and the inputs of every product to 8 bits: faster
    /// on CPUs with AVX-512 VNNI in a build with `x86-v4`, slower elsewhere. It needs one more byte of memory per weight,
    /// and SmolLM2-135M chooses another likeliest token in about one of six positions. Only the CPU device `flex` supports
    /// it. Verdicts, training and evaluation are not affected. Default: `none`.
    pub quantization: Quantization,
}

impl Default for SamplingConfig {
    fn default() -> Self {
        Self {
            max_new_tokens: 256,
            temperature: 0.8,
            top_p: 0.95,
            top_k: 0,
            quantization: Quantization::None,
        }
    }
}

/// Settings of the `back-translate` recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BackTranslateConfig {
    /// Evens out constraint types and dimensions: 0 uses the weights of kinds as they are, 1 gives every type and
    /// dimension the same share. Default: 0.5. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub spread: f64,
    /// Weight of constraints that another response to the task violates, relative to others. Default: 4. Range: 0 to
    /// 1000000.
    #[schemars(range(min = 0.0, max = MAX_WEIGHT))]
    pub discriminating_weight: f64,
    /// Maximum number of edited responses for each task; 0 disables edits. Default: 1. Range: 0 to 1000.
    #[schemars(range(max = 1_000))]
    pub edits_per_task: usize,
    /// Probability of each edit. Default: 0.5. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub edit_probability: f64,
    /// Edits only rare kinds: those that hold in responses to less than this share of the tasks. Default: 0.05. Range:
    /// 0 to 2.
    #[schemars(range(min = 0.0, max = 2.0))]
    pub edit_reach: f64,
    /// Ids of the kinds that may be edited; if empty, `edit_reach` decides. Default: empty.
    #[schemars(extend("uniqueItems" = true))]
    pub edit_kinds: Vec<String>,
}

impl Default for BackTranslateConfig {
    fn default() -> Self {
        Self {
            spread: 0.5,
            discriminating_weight: 4.0,
            edits_per_task: 1,
            edit_probability: 0.5,
            edit_reach: 0.05,
            edit_kinds: Vec::new(),
        }
    }
}

/// Settings of synthesis. Create one with [`Default`] and set fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SynthConfig {
    /// Random seed of every draw. Default: 0; in a run, the top-level `seed`.
    #[schemars(range(max = MAX_SEED))]
    pub seed: u64,
    /// Uses only the first tasks of the file. Default: all tasks. Range: 1 to 1000000000.
    #[schemars(range(min = 1, max = MAX_COUNT))]
    pub max_tasks: Option<usize>,
    /// How instructions and responses are made: `edit`, `back-translate`, `on-policy`, or a table of weights, for instance
    /// `{ edit = 1.0, on-policy = 1.0 }`, by which the responses to each task are shared. `trace` follows the paper instead: a
    /// writer and a judge make instructions, responses and candidate groups. Default: `edit`.
    pub recipe: RecipeMix,
    /// Responses sampled for each task. Default: 4. Range: 1 to 1000.
    #[schemars(range(min = 1, max = 1_000))]
    pub samples_per_task: usize,
    /// Responses of each task that are sampled without a style prompt. Default: 1. Range: 0 to 1000.
    #[schemars(range(max = 1_000))]
    pub plain_samples: usize,
    /// Style prompts of the other responses; they do not become part of an instruction. The built-in prompts that elicit
    /// a held-out kind are skipped. Default: [`StylePrompt::ALL`].
    #[schemars(length(max = MAX_VALUES), extend("uniqueItems" = true))]
    pub style_prompts: Vec<String>,
    /// How responses are sampled.
    pub sampling: SamplingConfig,
    /// Tasks in one part of the output, the unit of resuming; no batch spans two parts. Default: 8. Range: 1 to 10000.
    #[schemars(range(min = 1, max = MAX_BATCH))]
    pub tasks_per_part: usize,
    /// Language of the tasks as a BCP 47 tag. Default: `en`.
    pub language: String,

    /// What counts as an answer: drops responses that echo a constraint, loop, say little or leave their task. In a run, set by
    /// the top-level `quality`; any other value is refused.
    pub quality: QualityConfig,
    /// Measures under the base model whether a response is on its task, and drops it if it is not (`quality.min_relevance`).
    /// Default: true.
    pub check_relevance: bool,
    /// Drops responses in which a smaller share of the letters belongs to the script of `language`. English and Chinese are
    /// known; other languages are not checked. Default: 0.7. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_script_share: f64,
    /// Trims a response that hit the token limit to its last full sentence. Drops it if less than this share of the
    /// text remains. Default: 0.6. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_cut_share: f64,
    /// Keeps responses that hit the token limit untrimmed; meant for tiny random models. Default: false.
    pub keep_cut: bool,
    /// Drops a response that shares a run of this many words with a response to an earlier task, unless the run occurs in
    /// the instructions of both tasks. Default: 8. Range: 1 to 1000.
    #[schemars(range(min = 1, max = 1_000))]
    pub decontamination_ngram: usize,

    /// Maximum number of instructions written for one response to a plain task. Default: 3. Range: 1 to 32.
    #[schemars(range(min = 1, max = 32))]
    pub instructions_per_answer: usize,
    /// Weights of instructions with 1, 2, 3 … constraints. Default: 1, 1, 1, as in the test prompts.
    #[schemars(length(max = 16), inner(range(min = 0.0, max = MAX_WEIGHT)))]
    pub constraints_per_instruction: Vec<f64>,
    /// Constraint kinds that the recipes draw, and that the recipe `trace` offers with `trace.propose_checks`: ids of kinds, and the sets `default` and `iftrain` (19 training constraints
    /// of IFTrain). Test prompts are drawn from `default` whatever this list names. Default: `default`.
    #[schemars(length(max = MAX_VALUES), extend("uniqueItems" = true))]
    pub kinds: Vec<String>,
    /// Weights of constraint kinds by id; other kinds keep the built-in weight. A weight also adds a kind that `kinds` does
    /// not name. Default: empty.
    #[schemars(extend("additionalProperties" = { "type": "number", "minimum": 0.0, "maximum": MAX_WEIGHT }))]
    pub kind_weights: BTreeMap<String, f64>,
    /// Prefers kinds with few examples in the draws of the `edit` recipe. Higher values even out the kinds more; 0 draws every
    /// kind alike, whether or not responses can satisfy it. Default: 4. Range: 0 to 100.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub kind_balance: f64,
    /// Probability that the `edit` recipe keeps a drawn constraint that the response satisfies already. Lower values give more
    /// edited responses. Default: 0.5. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub keep_probability: f64,
    /// Maximum number of words that edits may add to a response and remove from it, as a share of its words. A limit of 0.3
    /// keeps most words as they were sampled, and reaches every kind as often as a limit of 1. Default: 0.3. Range: 0 to 100.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub max_edit: f64,
    /// Fails the run if a larger share of the responses is edited. Default: 1. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_edited_share: f64,
    /// Ids of the constraint kinds that synthesis never uses. In a run, set by the top-level `held_out`; any other
    /// value is refused. Default: none.
    #[schemars(extend("uniqueItems" = true))]
    pub held_out: Vec<String>,

    /// Settings of the `back-translate` recipe.
    pub back_translate: BackTranslateConfig,
    /// Settings of the `trace` recipe, in which a writer and a judge follow the paper (`llm.writer`, `llm.judge`).
    pub trace: TraceConfig,
}

impl Default for SynthConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            max_tasks: None,
            recipe: Recipe::Edit.into(),
            samples_per_task: 4,
            plain_samples: 1,
            style_prompts: StylePrompt::ALL.iter().map(ToString::to_string).collect(),
            sampling: SamplingConfig::default(),
            tasks_per_part: 8,
            language: "en".to_owned(),
            quality: QualityConfig::default(),
            check_relevance: true,
            min_script_share: 0.7,
            min_cut_share: 0.6,
            keep_cut: false,
            decontamination_ngram: 8,
            instructions_per_answer: 3,
            constraints_per_instruction: vec![1.0, 1.0, 1.0],
            kinds: vec![KindSet::Default.id().to_owned()],
            kind_weights: BTreeMap::new(),
            kind_balance: 4.0,
            keep_probability: 0.5,
            max_edit: 0.3,
            max_edited_share: 1.0,
            held_out: Vec::new(),
            back_translate: BackTranslateConfig::default(),
            trace: TraceConfig::default(),
        }
    }
}

impl SynthConfig {
    /// Returns the usable kinds with their weights in the draw.
    ///
    /// A kind's weight is divided by `(w × d)^spread`, where `w` is the summed weight of its dimension and `d` is the
    /// number of dimensions of its type, so that types with many kinds do not dominate.
    ///
    /// # Errors
    /// Returns an error if a setting names an unknown kind, a weight is not a finite number of at least 0, or no kind
    /// is left.
    pub fn kinds(&self) -> Result<Vec<(Kind, f64)>, SynthError> {
        let all = self.usable_kinds()?;
        let spread = |(&kind, &weight): (&Kind, &f64)| {
            let dimension = kind.dimension();
            let siblings = all.iter().filter(|(other, _)| other.dimension() == dimension);
            let total: f64 = siblings.map(|(_, weight)| *weight).sum();
            let dimensions: BTreeSet<Dimension> = all
                .keys()
                .map(|other| other.dimension())
                .filter(|other| other.constraint_type() == dimension.constraint_type())
                .collect();
            (kind, weight / (total * dimensions.len() as f64).powf(self.back_translate.spread))
        };
        Ok(all.iter().map(spread).collect())
    }

    /// Returns the kinds that the recipes draw although they are not [drawn by default](Kind::is_drawn).
    ///
    /// # Errors
    /// Returns the errors of [`SynthConfig::kinds`].
    pub fn added_kinds(&self) -> Result<BTreeSet<Kind>, SynthError> {
        Ok(self.usable_kinds()?.into_keys().filter(|kind| !kind.is_drawn()).collect())
    }

    /// Returns the kinds that a writer of the recipe `trace` may propose: those that the other recipes draw. It is asked for none
    /// without `propose_checks`.
    pub(crate) fn offered_kinds(&self, trace: &TraceConfig) -> Result<BTreeSet<Kind>, SynthError> {
        let asked = trace.propose_checks.then(|| self.usable_kinds());
        Ok(asked.transpose()?.unwrap_or_default().into_keys().collect())
    }

    fn usable_kinds(&self) -> Result<BTreeMap<Kind, f64>, SynthError> {
        let kinds = usable_kinds(&self.kinds, &self.held_out, &self.kind_weights);
        Ok(kinds.map_err(|error| error.inside("synth"))?)
    }

    /// Returns the style prompts that elicit no held-out kind.
    ///
    /// # Errors
    /// Returns an error if `held_out` names an unknown kind.
    pub fn open_style_prompts(&self) -> Result<Vec<String>, SynthError> {
        Ok(open(&self.style_prompts, &kind_set("held_out", &self.held_out)?))
    }

    /// Returns the kinds in `edit_kinds`.
    ///
    /// # Errors
    /// Returns an error if `edit_kinds` names an unknown kind.
    pub fn named_edit_kinds(&self) -> Result<BTreeSet<Kind>, SynthError> {
        kind_set("back_translate.edit_kinds", &self.back_translate.edit_kinds)
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// Returns an error about the first setting that is out of range.
    pub fn validate(&self) -> Result<(), SynthError> {
        // The ranges first, because the weights of kinds are computed with these settings.
        check(self).map_err(|error| error.inside("synth"))?;
        self.kinds()?;
        self.named_edit_kinds()?;
        self.trace.validate()?;
        self.recipe
            .validate()
            .and_then(|()| self.check_texts())
            .and_then(|()| {
                check_weights("constraints_per_instruction", &self.constraints_per_instruction)
            })
            .map_err(|error| error.inside("synth"))?;
        Ok(())
    }

    /// Checks the language and the style prompts.
    fn check_texts(&self) -> Result<(), SettingError> {
        if !is_language_tag(&self.language) {
            let expected = "a BCP 47 tag of a language, such as `en` or `zh-Hans`";
            return Err(SettingError::new("language", format!("{:?}", self.language), expected));
        }
        match self.style_prompts.iter().position(|text| text.trim().is_empty()) {
            Some(index) => {
                let key = format!("style_prompts[{index}]");
                Err(SettingError::new(key, "a blank text", "the text of a prompt"))
            }
            None => Ok(()),
        }
    }

    /// Returns the settings that the sampled answers depend on, with the style prompts that are used.
    pub(crate) fn answers_json(
        &self,
        generator: &str,
        style_prompts: &[String],
    ) -> Result<serde_json::Value, SynthError> {
        let mut settings = serde_json::json!({
            "generator": generator,
            "seed": self.seed,
            "max_tasks": self.max_tasks,
            "recipe": self.recipe,
            "samples_per_task": self.samples_per_task,
            "plain_samples": self.plain_samples,
            "style_prompts": style_prompts,
            "sampling": self.sampling,
            "tasks_per_part": self.tasks_per_part,
        });
        if self.recipe.uses(Recipe::OnPolicy) {
            let kinds: Vec<&str> = self.kinds()?.iter().map(|(kind, _)| kind.id()).collect();
            settings["kinds"] = kinds.into();
            settings["constraints_per_instruction"] =
                self.constraints_per_instruction.clone().into();
        }
        Ok(settings)
    }

    /// Returns the settings that the written rows of the recipes that sample one model depend on.
    ///
    /// `max_edited_share` is not among them, because it only decides whether the run fails. Raising it therefore
    /// needs no new synthesis.
    pub(crate) fn rows_json(&self) -> Result<serde_json::Value, SynthError> {
        let value = json_without(self, &["max_edited_share", "trace"]);
        Ok(value.map_err(|error| error.inside("synth"))?)
    }
}

/// Whether a text has the form of a BCP 47 tag: a language of two or three letters, and parts of up to eight letters or digits.
fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let is_language = |part: &str| {
        (2..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    parts.next().is_some_and(is_language) && parts.all(is_part)
}

fn kind_set<'a>(
    key: &str,
    ids: impl IntoIterator<Item = &'a String>,
) -> Result<BTreeSet<Kind>, SynthError> {
    Ok(kinds_named(key, ids).map_err(|error| error.inside("synth"))?)
}

#[cfg(test)]
mod tests {
    use iopo_constraints::Kind;

    use super::{Recipe, SynthConfig};

    #[test]
    fn the_defaults_are_valid_and_round_trip_through_json() {
        let config = SynthConfig::default();
        config.validate().expect("defaults");
        let text = serde_json::to_string(&config).expect("json");
        assert_eq!(serde_json::from_str::<SynthConfig>(&text).expect("json"), config);
    }

    #[test]
    fn a_held_out_kind_has_no_weight_and_an_unknown_one_is_an_error() {
        let held = Kind::ALL[0];
        let mut config =
            SynthConfig { held_out: vec![held.id().to_owned()], ..SynthConfig::default() };
        assert!(config.kinds().expect("kinds").iter().all(|(kind, _)| *kind != held));
        config.held_out.push("no_such_kind".to_owned());
        let error = config.validate().expect_err("unknown").to_string();
        assert!(error.contains("no_such_kind") && error.contains(held.id()), "{error}");
    }

    #[test]
    fn a_set_adds_kinds_and_the_default_draws_what_it_always_drew() {
        let default = SynthConfig::default();
        let drawn: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_drawn()).collect();
        let kinds = |config: &SynthConfig| -> Vec<Kind> {
            config.kinds().expect("kinds").into_iter().map(|(kind, _)| kind).collect()
        };
        assert_eq!(kinds(&default), drawn);
        assert!(default.added_kinds().expect("kinds").is_empty());
        let names = ["default", "iftrain"].map(str::to_owned).to_vec();
        let both = SynthConfig { kinds: names, ..SynthConfig::default() };
        assert_eq!(kinds(&both)[..drawn.len()], drawn);
        assert_eq!(both.added_kinds().expect("kinds").len(), 19);
        let unknown = SynthConfig { kinds: vec!["iftrane".to_owned()], ..SynthConfig::default() };
        let error = unknown.validate().expect_err("unknown").to_string();
        assert!(error.starts_with("`synth.kinds`: found \"iftrane\""), "{error}");
    }

    #[test]
    fn an_error_names_the_setting_that_is_out_of_range() {
        let zero = SynthConfig { samples_per_task: 0, ..SynthConfig::default() };
        assert!(zero.validate().expect_err("0").to_string().contains("samples_per_task"));
        let nan = SynthConfig { keep_probability: f64::NAN, ..SynthConfig::default() };
        assert!(nan.validate().expect_err("nan").to_string().contains("synth.keep_probability"));
        let recipe = [(Recipe::Edit, -1.0)].into_iter().collect();
        let negative = SynthConfig { recipe, ..SynthConfig::default() };
        let error = negative.validate().expect_err("negative").to_string();
        assert!(error.contains("synth.recipe.edit"), "{error}");
        let none = SynthConfig { constraints_per_instruction: vec![], ..SynthConfig::default() };
        assert!(none.validate().is_err());
    }

    #[test]
    fn a_language_is_a_tag_and_a_style_prompt_has_text() {
        let error = |change: fn(&mut SynthConfig)| {
            let mut config = SynthConfig::default();
            change(&mut config);
            config.validate().expect_err("refused").to_string()
        };
        for tag in ["en", "zh-Hans", "gsw", "en-GB", "sl-rozaj-1994"] {
            let language = tag.to_owned();
            SynthConfig { language, ..SynthConfig::default() }.validate().expect(tag);
        }
        for tag in ["", "english", "e", "en_GB", "en-", "e n"] {
            let config = SynthConfig { language: tag.to_owned(), ..SynthConfig::default() };
            let error = config.validate().expect_err(tag).to_string();
            assert!(error.starts_with(&format!("`synth.language`: found {tag:?}")), "{error}");
        }
        let blank = error(|config| config.style_prompts[1] = " ".to_owned());
        assert!(blank.starts_with("`synth.style_prompts[1]`: found a blank text"), "{blank}");
        let twice = error(|config| config.style_prompts[1] = config.style_prompts[0].clone());
        assert!(
            twice.contains("`synth.style_prompts[1]`") && twice.contains("distinct"),
            "{twice}"
        );
    }

    #[test]
    fn full_spread_gives_every_type_the_same_share() {
        let mut config = SynthConfig::default();
        config.back_translate.spread = 1.0;
        let mut shares = std::collections::BTreeMap::<&str, f64>::new();
        for (kind, weight) in config.kinds().expect("kinds") {
            *shares.entry(kind.dimension().constraint_type().english()).or_default() += weight;
        }
        assert!(shares.values().all(|share| (share - 1.0).abs() < 1e-9), "{shares:?}");
    }
}
