//! The names of the files and directories of a run that several crates use.
//!
//! A file that only one crate uses has its name there.

/// The resolved configuration.
pub const CONFIG: &str = "config.toml";
/// The built-in tasks, unless the configuration names another file.
pub const TASKS: &str = "tasks.jsonl";
/// The durations of the stages.
pub const TIMES: &str = "times.tsv";

/// The sampled responses, before they get instructions: rows of `responses`.
pub const ANSWERS: &str = "answers.parquet";
/// The constrained instructions: rows of `instructions`.
pub const INSTRUCTIONS: &str = "instructions.parquet";
/// The verified responses to the instructions: rows of `responses`.
pub const RESPONSES: &str = "responses.parquet";
/// The counters of synthesis: rows of `metrics`.
pub const SYNTH_STATS: &str = "synth_stats.parquet";

/// The preference groups: rows of `preferences`.
pub const PREFERENCES: &str = "preferences.parquet";
/// The counters of pairing: rows of `metrics`.
pub const PAIRS_STATS: &str = "pairs_stats.parquet";

/// The directory of the trained models, with one [`model_folder`] for each method and random seed.
pub const TRAIN: &str = "train";
/// The metrics of a training, in the folder of its model: rows of `metrics`.
pub const METRICS: &str = "metrics.parquet";

/// The directory of the evaluation, with one folder for each model.
pub const EVAL: &str = "eval";
/// The prompts that every model answers, in the directory of the evaluation: rows of `test_prompts`.
pub const TEST_PROMPTS: &str = "test_prompts.parquet";
/// The responses of a model, in its folder: rows of `predictions`.
pub const PREDICTIONS: &str = "predictions.parquet";
/// The scores of these responses, in the same folder: rows of `scores`.
pub const SCORES: &str = "scores.parquet";
/// The log-probabilities of these responses under the base model, in the same folder: rows of `response_logps`.
pub const RESPONSE_LOGPS: &str = "response_logps.parquet";
/// The relevance of these responses to their tasks, in the same folder: rows of `relevance`.
pub const RELEVANCE: &str = "relevance.parquet";
/// The folder of a model's responses to the test tasks without constraints, in the model's folder.
pub const PLAIN: &str = "plain";
/// The log-probabilities of the test groups under a model, in its folder: rows of `reference_logps`.
pub const GROUP_LOGPS: &str = "group_logps.parquet";
/// All estimates with their intervals, in the directory of the evaluation: rows of `summary`.
pub const SUMMARY: &str = "summary.parquet";

/// The report.
pub const REPORT: &str = "report.html";

/// Separates the method and the random seed in the name of a folder.
const SEED: &str = "-seed";

/// Returns the name of a trained model's folder: its method, followed by its random seed if the run has several.
pub fn model_folder(method: &str, seed: Option<u64>) -> String {
    match seed {
        Some(seed) => format!("{method}{SEED}{seed}"),
        None => method.to_owned(),
    }
}

/// Returns the method of a [`model_folder`].
pub fn method_of(folder: &str) -> &str {
    match folder.rsplit_once(SEED) {
        Some((method, seed))
            if !seed.is_empty() && seed.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            method
        }
        _ => folder,
    }
}

#[cfg(test)]
mod tests {
    use super::{method_of, model_folder};

    #[test]
    fn the_method_of_a_folder_is_read_back() {
        assert_eq!(model_folder("iopo", Some(12)), "iopo-seed12");
        assert_eq!(method_of(&model_folder("iopo", Some(12))), "iopo");
        assert_eq!(method_of(&model_folder("dpo-paper", None)), "dpo-paper");
        assert_eq!(method_of("dpo-seed"), "dpo-seed", "a name without a number has no seed");
    }
}
