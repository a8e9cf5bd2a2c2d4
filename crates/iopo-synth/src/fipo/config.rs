//! Settings of the collector.

use std::path::PathBuf;

use iopo_core::SettingError;
use iopo_core::settings::limits::{MAX_BATCH, MAX_COUNT, MAX_TOKENS};
use iopo_core::settings::{check, json_without};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::trace::TraceLanguage;

/// Token limits by role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FipoTokens {
    /// Maximum number of tokens of a rewrite. Default: 1024. Range: 1 to 1000000.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub rewrite: usize,
    /// Maximum number of tokens of a response. Default: 1024. Range: 1 to 1000000.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub response: usize,
    /// Maximum number of tokens of an answer of the judge. Default: 2048. Range: 1 to 1000000.
    #[schemars(range(min = 1, max = MAX_TOKENS))]
    pub judge: usize,
}

impl Default for FipoTokens {
    fn default() -> Self {
        Self { rewrite: 1_024, response: 1_024, judge: 2_048 }
    }
}

/// Settings of `iopo fipo`. Create one with [`Default`] and set fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FipoConfig {
    /// Endpoint that writes the worse instructions, for instance one with a weaker model. If empty, `llm.writer` writes them, and
    /// leaves the requirements vague or asks for something that the response does not do. Default: empty.
    pub worse: String,
    /// Share of the worse instructions of the writer that ask for something that the response does not do. The others are vague.
    /// Has no effect if `worse` is set. Default: 0.5. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub other_share: f64,
    /// Uses at most this many responses, the first ones; unset uses all. Default: unset. Range: 1 to 1000000000.
    #[schemars(range(min = 1, max = MAX_COUNT))]
    pub max_seeds: Option<usize>,
    /// Uses at most this many responses to the same task. Default: 1. Range: 1 to 100.
    #[schemars(range(min = 1, max = 100))]
    pub responses_per_task: usize,
    /// Maximum number of words of a rewrite, or of characters in Chinese. Longer ones are dropped. Default: 120. Range: 5 to 10000.
    #[schemars(range(min = 5, max = MAX_BATCH))]
    pub max_words: usize,
    /// Number of properties of the response that the writer of the better instruction sees. Default: 8. Range: 0 to 100.
    #[schemars(range(max = 100))]
    pub offered: usize,
    /// Drops a rewrite that has a smaller share of the content words of its task. Default: 0.5. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_task_recall: f64,
    /// Drops a preference unless the response is likelier under the better instruction by at least this many nats per token,
    /// measured with the base model. Unset measures nothing. Default: unset. Range: -100 to 100.
    #[schemars(range(min = -100.0, max = 100.0))]
    pub min_logp_margin: Option<f64>,
    /// Softmax temperature of the writers; 0 decodes greedily. The judge always decodes greedily. Default: 0.8. Range: 0 to 100.
    #[schemars(range(min = 0.0, max = 100.0))]
    pub writer_temperature: f32,
    /// Token limits.
    pub max_new_tokens: FipoTokens,
    /// Language of the instructions for tasks that name none: `en`, `zh`, or `auto` to decide by the letters of each task.
    /// Default: `auto`.
    pub language: TraceLanguage,
    /// Folder of changed copies of the prompt templates, for instance `better.en.txt`. Default: the built-in templates.
    pub templates: Option<PathBuf>,
    /// Fails the run if a larger share of the requests fails, after the files are written. Default: 0.05. Range: 0 to 1.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub max_failed_share: f64,
    /// Responses in one part of the output, the unit of resuming. Requests of a stage are sent for a whole part. Default: 256.
    /// Range: 1 to 10000.
    #[schemars(range(min = 1, max = MAX_BATCH))]
    pub seeds_per_part: usize,
}

impl Default for FipoConfig {
    fn default() -> Self {
        Self {
            worse: String::new(),
            other_share: 0.5,
            max_seeds: None,
            responses_per_task: 1,
            max_words: 120,
            offered: 8,
            min_task_recall: 0.5,
            min_logp_margin: None,
            writer_temperature: 0.8,
            max_new_tokens: FipoTokens::default(),
            language: TraceLanguage::Auto,
            templates: None,
            max_failed_share: 0.05,
            seeds_per_part: 256,
        }
    }
}

impl FipoConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// Returns an error about the first setting that is out of range.
    pub fn validate(&self) -> Result<(), SettingError> {
        check(self).map_err(|error| error.inside("fipo"))
    }

    /// Returns the settings that the rows depend on. The hashes of the templates replace their folder, and the name of the model
    /// replaces that of the endpoint.
    pub(crate) fn rows_json(&self) -> Result<serde_json::Value, SettingError> {
        json_without(self, &["max_failed_share", "templates", "worse"])
            .map_err(|error| error.inside("fipo"))
    }
}

#[cfg(test)]
mod tests {
    use super::FipoConfig;

    #[test]
    fn defaults_are_valid_and_round_trip() {
        let config = FipoConfig::default();
        config.validate().expect("defaults");
        let text = serde_json::to_string(&config).expect("json");
        assert_eq!(serde_json::from_str::<FipoConfig>(&text).expect("json"), config);
        assert!(serde_json::from_str::<FipoConfig>(r#"{"endpoint": "x"}"#).is_err());
    }

    #[test]
    fn an_error_names_the_setting() {
        let error = |change: fn(&mut FipoConfig)| {
            let mut config = FipoConfig::default();
            change(&mut config);
            config.validate().expect_err("refused").to_string()
        };
        assert!(error(|c| c.max_words = 4).starts_with("`fipo.max_words`"));
        assert!(error(|c| c.max_seeds = Some(0)).starts_with("`fipo.max_seeds`"));
        assert!(error(|c| c.other_share = 1.5).starts_with("`fipo.other_share`"));
        assert!(
            error(|c| c.min_logp_margin = Some(f64::NAN)).starts_with("`fipo.min_logp_margin`")
        );
        assert!(error(|c| c.max_new_tokens.judge = 0).contains("max_new_tokens.judge"));
    }
}
