//! The names of the files and directories of a run that several crates use.
//!
//! A file that only one crate uses has its name there.

/// The resolved configuration.
pub const CONFIG: &str = "config.toml";
/// The run's copy of the tasks, unless they are a Parquet file: then it is `tasks.parquet`.
pub const TASKS: &str = "tasks.jsonl";
/// The directory of the records of the stages.
pub const STAGES: &str = "stages";
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

/// The tasks that are not trained on, because they overlap with prompts of the evaluation: rows of `contamination`.
pub const CONTAMINATION: &str = "contamination.parquet";
/// The candidate groups of the recipe `trace`, before admission: rows of `preferences` whose split is a placeholder.
pub const CANDIDATES: &str = "candidates.parquet";
/// The preference groups: rows of `preferences`.
pub const PREFERENCES: &str = "preferences.parquet";
/// The preferences between two instructions for one response: rows of `input_preferences`. In the folder [`FIPO`], the split of a
/// row is a placeholder.
pub const INPUT_PREFERENCES: &str = "input_preferences.parquet";
/// The counters of pairing: rows of `metrics`.
pub const PAIRS_STATS: &str = "pairs_stats.parquet";

/// The directory of the rewrites that `iopo fipo` collects, with files of the same names as those of synthesis.
pub const FIPO: &str = "fipo";

/// The directory of the trained models, with one [`model_folder`] for each method and random seed.
pub const TRAIN: &str = "train";
/// The metrics of a training, in the folder of its model: rows of `metrics`.
pub const METRICS: &str = "metrics.parquet";

/// The directory of the rounds after the first, with one directory for each: `rounds/2`.
pub const ROUNDS: &str = "rounds";

/// The directory of the evaluation, with one folder for each model.
pub const EVAL: &str = "eval";
/// The evaluation on dev prompts that compares rounds, in the directory of the evaluation.
pub const DEV: &str = "dev";
/// The directory of the published benchmarks, in the directory of the evaluation: `eval/benchmarks/ifeval/base`.
pub const BENCHMARKS: &str = "benchmarks";
/// The prompts that every model answers, in the directory of the evaluation: rows of `test_prompts`.
pub const TEST_PROMPTS: &str = "test_prompts.parquet";
/// The responses of a model, in its folder: rows of `predictions`.
pub const PREDICTIONS: &str = "predictions.parquet";
/// The scores of these responses, in the same folder: rows of `scores`.
pub const SCORES: &str = "scores.parquet";
/// The log-probabilities of these responses under the base model, in the same folder: rows of `response_logps`.
pub const RESPONSE_LOGPS: &str = "response_logps.parquet";
/// The relevance of responses to their tasks, beside the sampled responses and in the folder of an evaluated model: rows of
/// `relevance`.
pub const RELEVANCE: &str = "relevance.parquet";
/// Why responses do not count as answers, in the same folder: rows of `flaws`.
pub const FLAWS: &str = "flaws.parquet";
/// The folder of a model's responses to the test tasks without constraints, in the model's folder.
pub const PLAIN: &str = "plain";
/// The log-probabilities of the test groups under a model, in its folder: rows of `reference_logps`.
pub const GROUP_LOGPS: &str = "group_logps.parquet";
/// All estimates with their intervals, in the directory of the evaluation: rows of `summary`.
pub const SUMMARY: &str = "summary.parquet";

/// The report.
pub const REPORT: &str = "report.html";

/// Precedes the round in a model's name.
const ROUND: &str = "-round";
/// Precedes the random seed in the name of a folder.
const SEED: &str = "-seed";

/// Returns the name of a model in tables: its method, followed by its round after the first.
pub fn model_name(method: &str, round: usize) -> String {
    if round > 1 { format!("{method}{ROUND}{round}") } else { method.to_owned() }
}

/// Returns the name of a trained model's folder: its name in tables, followed by its random seed if the run has several.
pub fn model_folder(model: &str, seed: Option<u64>) -> String {
    match seed {
        Some(seed) => format!("{model}{SEED}{seed}"),
        None => model.to_owned(),
    }
}

/// Returns the method of a [`model_folder`].
pub fn method_of(folder: &str) -> &str {
    without_number(without_number(folder, SEED), ROUND)
}

/// Returns the round of a [`model_folder`].
pub fn round_of(folder: &str) -> usize {
    let model = without_number(folder, SEED);
    let digits = model.strip_prefix(method_of(folder)).and_then(|rest| rest.strip_prefix(ROUND));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(1)
}

/// Removes a mark and the number after it from the end of a name.
fn without_number<'a>(name: &'a str, mark: &str) -> &'a str {
    match name.rsplit_once(mark) {
        Some((before, number))
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            before
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::{method_of, model_folder, model_name, round_of};

    #[test]
    fn method_and_round_of_a_folder_are_read_back() {
        let folder = model_folder(&model_name("iopo", 3), Some(12));
        assert_eq!(
            (folder.as_str(), method_of(&folder), round_of(&folder)),
            ("iopo-round3-seed12", "iopo", 3)
        );
        let folder = model_folder(&model_name("dpo-paper", 1), None);
        assert_eq!((method_of(&folder), round_of(&folder)), ("dpo-paper", 1));
        assert_eq!(method_of("dpo-seed"), "dpo-seed", "a name without a number has no seed");
        assert_eq!((method_of("sft-round"), round_of("sft-round")), ("sft-round", 1));
    }
}
