//! Answers that are dropped and requests that the model rejects.

use iopo_llm::{
    Failure, FailureClass, LanguageModel, LlmError, Outcome, Progress, Request, Scripted, Silent,
};
use iopo_schema::{ResponseRow, read};
use iopo_synth::synthesize;
use iopo_testing::answers::{natural, write_tasks};

use crate::{config, config_with};

#[test]
fn dropped_answers_are_counted_by_reason() {
    let dir = tempfile::tempdir().expect("folder");
    let tasks = dir.path().join("tasks.jsonl");
    write_tasks(&tasks, 6);
    let model = Scripted::new(|request: &Request| match request.sampling.seed % 4 {
        0 => String::new(),
        1 => "and so it goes on ".repeat(40),
        _ => natural(request),
    });
    let config = config_with(|config| config.samples_per_task = 8);
    let summary = synthesize(&tasks, dir.path(), &model, None, &config, &Silent).expect("a run");
    assert!(summary.dropped["empty"] > 0);
    assert!(summary.dropped["looping"] > 0);
    let dropped: u64 = ["empty", "looping", "cut", "duplicate", "shared_ngram"]
        .iter()
        .filter_map(|reason| summary.dropped.get(*reason))
        .sum();
    assert_eq!(summary.kept + dropped, summary.answers);
}

#[test]
fn an_error_about_no_usable_answer_has_the_reasons() {
    let dir = tempfile::tempdir().expect("folder");
    let tasks = dir.path().join("tasks.jsonl");
    write_tasks(&tasks, 2);
    let model = Scripted::new(|_: &Request| String::new());
    let error =
        synthesize(&tasks, dir.path(), &model, None, &config(), &Silent).expect_err("nothing");
    assert!(error.to_string().contains("empty: 8"), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("eos_token")), "{:?}", error.hint());
}

/// Rejects every request.
struct Mute;

impl LanguageModel for Mute {
    fn name(&self) -> String {
        "mute".to_owned()
    }

    fn complete(&self, asked: &[Request], _: &dyn Progress) -> Result<Vec<Outcome>, LlmError> {
        let reason = "the chat template raised: a system turn is required";
        Ok(vec![Err(Failure::new(FailureClass::BadRequest, reason)); asked.len()])
    }
}

#[test]
fn the_error_about_rejected_requests_has_the_reason_of_the_model() {
    let dir = tempfile::tempdir().expect("folder");
    let tasks = dir.path().join("tasks.jsonl");
    write_tasks(&tasks, 2);
    let error =
        synthesize(&tasks, dir.path(), &Mute, None, &config(), &Silent).expect_err("nothing");
    let text = error.to_string();
    assert!(text.contains("refused: 8") && text.contains("a system turn is required"), "{text}");
    let hint = error.hint().expect("a remedy");
    assert!(hint.contains("chat template") && !hint.contains("samples_per_task"), "{hint}");
}

/// Rejects tasks with an input, like a model with a small context.
struct Narrow;

impl LanguageModel for Narrow {
    fn name(&self) -> String {
        "narrow".to_owned()
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        let long = |request: &Request| request.messages[0].content.contains("# Inputs:");
        let mut outcomes = Scripted::new(natural).complete(requests, progress)?;
        for (request, outcome) in requests.iter().zip(&mut outcomes) {
            if long(request) {
                *outcome = Err(Failure::new(FailureClass::TooLong, "too long"));
            }
        }
        Ok(outcomes)
    }
}

#[test]
fn a_task_that_the_model_rejects_is_counted_and_skipped() {
    let dir = tempfile::tempdir().expect("folder");
    let tasks = dir.path().join("tasks.jsonl");
    write_tasks(&tasks, 8);
    let summary = synthesize(&tasks, dir.path(), &Narrow, None, &config(), &Silent).expect("a run");
    assert_eq!(summary.dropped["refused"], 8, "two of eight tasks, four samples each");
    let answers: Vec<ResponseRow> = read(&dir.path().join("answers.parquet")).expect("answers");
    assert!(answers.iter().any(|row| row.error.as_deref() == Some("too long")));
    assert_eq!(answers.len(), 32);
}

/// Answers all requests but one, which fails while the server is overloaded.
struct Overloaded(FailureClass);

impl LanguageModel for Overloaded {
    fn name(&self) -> String {
        "natural".to_owned()
    }

    fn complete(
        &self,
        asked: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        let mut outcomes = Scripted::new(natural).complete(asked, progress)?;
        outcomes[0] = Err(Failure::new(self.0, "the server is overloaded"));
        Ok(outcomes)
    }
}

#[test]
fn a_failure_that_may_pass_is_not_written_as_an_answer() {
    let dir = tempfile::tempdir().expect("folder");
    let tasks = dir.path().join("tasks.jsonl");
    write_tasks(&tasks, 6);
    let run = |class| {
        let out = tempfile::tempdir().expect("folder");
        synthesize(&tasks, out.path(), &Overloaded(class), None, &config(), &Silent)
            .map(|summary| summary.answers)
    };
    for class in [FailureClass::RateLimited, FailureClass::Timeout, FailureClass::Transient] {
        let error = run(class).expect_err("a failure that may pass");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert!(source.is_some_and(|text| text.contains("overloaded")), "{error}");
    }
    // Negative control: a refusal is an answer.
    assert!(run(FailureClass::BadRequest).expect("a run") > 0);
}
