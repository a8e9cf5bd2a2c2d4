//! Killed and resumed runs end with the same bytes; damaged files are errors.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use iopo_eval::benchmarks::heldout::HeldOut;
use iopo_eval::{EvalConfig, EvalError, TestPrompt, answer, score_file};
use iopo_llm::{LanguageModel, LlmError, Outcome, Progress, Request, Scripted, Silent};
use iopo_schema::{PredictionRow, Provenance, ScoreRow};

use crate::common;

/// Answers a number of batches, then fails.
struct Dies<M> {
    model: M,
    batches_left: Cell<usize>,
}

impl<M: LanguageModel> LanguageModel for Dies<M> {
    fn name(&self) -> String {
        self.model.name()
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        if self.batches_left.get() == 0 {
            return Err(LlmError::Failed { reason: "the machine failed".to_owned() });
        }
        self.batches_left.set(self.batches_left.get() - 1);
        self.model.complete(requests, progress)
    }
}

/// Cancels from the start.
struct Stops;

impl Progress for Stops {
    fn cancelled(&self) -> bool {
        true
    }
}

fn score(predictions: &Path, out: &Path, config: &EvalConfig) -> Result<Vec<ScoreRow>, EvalError> {
    score_file(&HeldOut::new(config)?, predictions, out)
}

fn model() -> impl LanguageModel {
    Scripted::new(|request: &Request| format!("A word on {}", request.messages[0].content))
}

fn prompts() -> Vec<TestPrompt> {
    common::prompts(6, &common::config())
}

fn whole(folder: &Path, prompts: &[TestPrompt]) -> Vec<u8> {
    let out = folder.join("whole");
    let done = answer(prompts, &model(), &out, &common::config(), &Silent).expect("answers");
    assert_eq!((done.prompts, done.answered), (24, 24));
    fs::read(done.path).expect("predictions")
}

#[test]
fn a_run_that_dies_after_any_number_of_parts_resumes_to_the_same_bytes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (prompts, config) = (prompts(), common::config());
    let expected = whole(folder.path(), &prompts);
    for parts in 0..5 {
        let out = folder.path().join(format!("died-{parts}"));
        let dies = Dies { model: model(), batches_left: Cell::new(parts) };
        let result = answer(&prompts, &dies, &out, &config, &Silent);
        assert!(matches!(result, Err(EvalError::Model(_))), "{result:?}");
        assert!(
            !out.join("predictions.parquet").exists(),
            "unfinished work must not look finished"
        );
        let done = answer(&prompts, &model(), &out, &config, &Silent).expect("resumed");
        assert_eq!(done.answered, 24 - 5 * parts, "finished parts are not computed again");
        assert_eq!(fs::read(&done.path).expect("predictions"), expected);
        assert!(!out.join("predictions.parquet.parts").exists());
        // A third call has nothing to do and changes nothing.
        let again = answer(&prompts, &model(), &out, &config, &Silent).expect("complete");
        assert_eq!(again.answered, 0);
        assert_eq!(fs::read(&again.path).expect("predictions"), expected);
    }
}

#[test]
fn an_unfinished_part_is_computed_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (prompts, config) = (prompts(), common::config());
    let expected = whole(folder.path(), &prompts);
    let out = folder.path().join("torn");
    let dies = Dies { model: model(), batches_left: Cell::new(3) };
    answer(&prompts, &dies, &out, &config, &Silent).expect_err("dies");
    let part = out.join("predictions.parquet.parts/part-00002.parquet");
    let bytes = fs::read(&part).expect("the third part");
    fs::write(&part, &bytes[..bytes.len() / 2]).expect("tear it");
    let done = answer(&prompts, &model(), &out, &config, &Silent).expect("resumed");
    assert_eq!(done.answered, 24 - 10);
    assert_eq!(fs::read(&done.path).expect("predictions"), expected);
}

#[test]
fn cancelling_is_an_error_of_its_kind() {
    let folder = tempfile::tempdir().expect("a folder");
    let prompts = prompts();
    let out = folder.path().join("stopped");
    let result = answer(&prompts, &model(), &out, &common::config(), &Stops);
    assert!(matches!(result, Err(EvalError::Cancelled)), "{result:?}");
}

#[test]
fn parts_of_other_settings_start_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let prompts = prompts();
    let answered = |name: &str, config: &EvalConfig| {
        let out = folder.path().join(name);
        let dies = Dies { model: model(), batches_left: Cell::new(2) };
        answer(&prompts, &dies, &out, &common::config(), &Silent).expect_err("dies");
        answer(&prompts, &model(), &out, config, &Silent).expect("answers").answered
    };
    let mut config = common::config();
    config.max_new_tokens += 1;
    assert_eq!(answered("other", &config), prompts.len());
    // The settings of the bootstrap do not affect the responses.
    let mut config = common::config();
    config.bootstrap_samples += 1;
    assert!(answered("same", &config) < prompts.len());
}

#[test]
fn damaged_foreign_and_missing_predictions_are_errors() {
    let folder = tempfile::tempdir().expect("a folder");
    let (prompts, config) = (prompts(), common::config());
    let out = folder.path().join("eval");
    let predictions = answer(&prompts, &model(), &out, &config, &Silent).expect("answers").path;
    let scores = out.join("scores.parquet");
    score(&predictions, &scores, &config).expect("scores");

    let never = out.join("never.parquet");
    let bytes = fs::read(&predictions).expect("predictions");
    let damaged = out.join("damaged.parquet");
    for length in [0, 3, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&damaged, &bytes[..length]).expect("truncate");
        let result = score(&damaged, &never, &config);
        assert!(matches!(result, Err(EvalError::Schema(_))), "{length}: {result:?}");
    }
    let error = score(&scores, &never, &config).expect_err("scores are no predictions").to_string();
    assert!(error.contains("predictions") && error.contains("scores"), "{error}");
    assert!(score(&out.join("none.parquet"), &never, &config).is_err());
    assert!(!never.exists(), "an error writes nothing");
}

#[test]
fn an_unknown_constraint_is_an_error_and_never_a_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    let (prompts, config) = (prompts(), common::config());
    let path = answer(&prompts, &model(), folder.path(), &config, &Silent).expect("answers").path;
    let rows: Vec<PredictionRow> = iopo_schema::read(&path).expect("rows");
    let out = folder.path().join("scores.parquet");
    let score_with = |change: &dyn Fn(&mut PredictionRow)| {
        let mut rows = rows.clone();
        change(&mut rows[3]);
        iopo_schema::write(&path, &rows, &Provenance::new("test 0", serde_json::json!({})))
            .expect("rows");
        score(&path, &out, &config).expect_err("unknown")
    };
    let unknown = score_with(&|row| {
        row.constraints[0].check.as_mut().expect("check").id = "from_the_future".to_owned();
    });
    assert!(matches!(unknown, EvalError::UnknownConstraint { .. }), "{unknown}");
    let wrong = score_with(&|row| {
        row.constraints[0].check.as_mut().expect("check").params = r#"{"of":"another"}"#.to_owned();
    });
    assert!(matches!(wrong, EvalError::UnknownConstraint { .. }), "{wrong}");
    let judged = score_with(&|row| row.constraints[0].check = None);
    assert!(matches!(judged, EvalError::Uncheckable { .. }), "{judged}");
    let none = score_with(&|row| row.constraints.clear());
    assert!(matches!(none, EvalError::NoConstraints { .. }), "{none}");
    let first = rows[0].key.clone();
    let twice = score_with(&|row| row.key.clone_from(&first));
    assert!(matches!(twice, EvalError::DuplicateKey { .. }), "{twice}");
    assert!(!out.exists());
}
