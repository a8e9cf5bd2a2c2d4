//! Answers of other models in the store.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use iopo_llm::endpoint::{Engine, EngineOptions};
use iopo_llm::{
    Completion, Failure, FailureClass, FinishReason, LanguageModel, LlmError, Outcome, Progress,
    Request, Scripted, Silent,
};

use crate::{options, request, requests};

/// Counts what a model is asked.
#[derive(Default)]
struct Asked(Mutex<Vec<String>>);

impl Asked {
    fn model(&self) -> impl LanguageModel + '_ {
        Scripted::new(|request: &Request| {
            let prompt = request.messages[0].content.clone();
            let answer = format!("{prompt} {}", request.sampling.seed);
            self.0.lock().expect("a lock").push(prompt);
            answer
        })
    }

    fn count(&self) -> usize {
        self.0.lock().expect("a lock").len()
    }
}

/// Fails the requests whose prompt names a class, and answers the others. Its fingerprint is `version`.
struct Fails {
    version: &'static str,
    asked: AtomicUsize,
}

impl LanguageModel for Fails {
    fn name(&self) -> String {
        "fails".to_owned()
    }

    fn fingerprint(&self) -> Result<String, LlmError> {
        Ok(self.version.to_owned())
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        let one = |request: &Request| {
            self.asked.fetch_add(1, Ordering::Relaxed);
            progress.advance(1);
            match request.messages[0].content.split(' ').next() {
                Some("long") => Err(Failure::new(FailureClass::TooLong, "too long")),
                Some("slow") => Err(Failure::new(FailureClass::Timeout, "too slow")),
                _ => Ok(Completion {
                    text: self.version.to_owned(),
                    finish_reason: FinishReason::Stop,
                    prompt_tokens: None,
                    completion_tokens: Some(1),
                }),
            }
        };
        if let Some(index) = requests.iter().position(|one| one.messages[0].content == "end") {
            return Err(LlmError::BadRequest { index, reason: "the end".to_owned() });
        }
        Ok(requests.iter().map(one).collect())
    }
}

fn fails(version: &'static str) -> Fails {
    Fails { version, asked: AtomicUsize::new(0) }
}

/// Counts the steps of the progress.
#[derive(Default)]
struct Steps(AtomicUsize);

impl Progress for Steps {
    fn advance(&self, steps: u64) {
        self.0.fetch_add(steps as usize, Ordering::Relaxed);
    }
}

/// Asks to stop.
struct Stop;

impl Progress for Stop {
    fn cancelled(&self) -> bool {
        true
    }
}

fn ask(engine: &Engine, model: &dyn LanguageModel, requests: &[Request]) -> Vec<Outcome> {
    let model = engine.remember(model).expect("a fingerprint");
    model.complete(requests, &Silent).expect("outcomes")
}

#[test]
fn a_stored_answer_is_not_asked_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let asked = Asked::default();
    let model = asked.model();
    let mut all = requests("row", 9);
    all.extend([all[0].clone(), all[0].clone().with_sample(1), all[0].clone().with_attempt(1)]);
    let first = {
        let engine = Engine::open(dir.path(), options()).expect("an engine");
        let (steps, remembered) = (Steps::default(), engine.remember(&model).expect("a model"));
        let first = remembered.with_batch(4).complete(&all, &steps).expect("outcomes");
        assert_eq!(steps.0.into_inner(), 12);
        assert_eq!((engine.tally().answered, engine.tally().from_store), (11, 1));
        first
    };
    assert_eq!(asked.count(), 11, "an identical request is asked once");
    assert_eq!(first[0], first[9]);
    let text = |outcome: &Outcome| outcome.as_ref().expect("an answer").text.clone();
    assert!(text(&first[10]) != text(&first[0]) && text(&first[11]) != text(&first[10]));
    let engine = Engine::open(dir.path(), options()).expect("an engine");
    assert_eq!(ask(&engine, &model, &all), first);
    assert_eq!((asked.count(), engine.tally().from_store), (11, 12));
    assert_eq!(engine.tally().cost.to_string(), "0.00");
    // Negative control: another request is asked.
    ask(&engine, &model, &[request("another")]);
    assert_eq!(asked.count(), 12);
}

#[test]
fn another_fingerprint_asks_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let engine = Engine::open(dir.path(), options()).expect("an engine");
    let (old, new) = (fails("old"), fails("new"));
    let texts = |model: &Fails| {
        let outcomes = ask(&engine, model, &requests("row", 3));
        outcomes.into_iter().map(|one| one.expect("an answer").text).collect::<Vec<_>>()
    };
    assert_eq!(texts(&old), ["old"; 3]);
    assert_eq!(texts(&new), ["new"; 3]);
    assert_eq!(texts(&fails("old")), ["old"; 3]);
    assert_eq!((old.asked.into_inner(), new.asked.into_inner()), (3, 3));
    assert_eq!(engine.tally().from_store, 3);
}

#[test]
fn permanent_failures_are_stored_and_others_are_not() {
    let dir = tempfile::tempdir().expect("a folder");
    let model = fails("m");
    let all = [request("long 1"), request("slow 1"), request("right")];
    let outcome = |engine: &Engine| {
        let outcomes = ask(engine, &model, &all).into_iter();
        outcomes.map(|one| one.map_err(|failure| failure.class)).collect::<Vec<_>>()
    };
    let asked = || model.asked.load(Ordering::Relaxed);
    let engine = Engine::open(dir.path(), options()).expect("an engine");
    let first = outcome(&engine);
    assert_eq!(first[..2], [Err(FailureClass::TooLong), Err(FailureClass::Timeout)]);
    assert_eq!((engine.tally().failed[&FailureClass::TooLong], asked()), (1, 3));
    assert_eq!(outcome(&engine), first);
    assert_eq!(asked(), 4, "only the timeout is asked again");
    drop(engine);
    let options = EngineOptions { retry_failed: true, ..options() };
    let engine = Engine::open(dir.path(), options).expect("an engine");
    assert_eq!(outcome(&engine), first);
    assert_eq!(asked(), 6, "both failures are asked again");
}

#[test]
fn an_offline_run_answers_from_the_store_only() {
    let dir = tempfile::tempdir().expect("a folder");
    let model = fails("m");
    drop(Engine::open(dir.path(), options()).map(|engine| ask(&engine, &model, &[request("a")])));
    let offline = EngineOptions { offline: true, ..options() };
    let engine = Engine::open(dir.path(), offline).expect("an engine");
    assert!(ask(&engine, &model, &[request("a")])[0].is_ok());
    let remembered = engine.remember(&model).expect("a model");
    let error = remembered.complete(&[request("a"), request("b")], &Silent).expect_err("missing");
    assert!(error.to_string().contains("the store has no answer for request"), "{error}");
    assert_eq!(model.asked.into_inner(), 1);
}

#[test]
fn an_error_of_the_model_keeps_its_earlier_answers_and_names_the_callers_request() {
    let dir = tempfile::tempdir().expect("a folder");
    let model = fails("m");
    let engine = Engine::open(dir.path(), options()).expect("an engine");
    let remembered = engine.remember(&model).expect("a model").with_batch(2);
    let mut all = requests("row", 6);
    all[5] = request("end");
    ask(&engine, &model, &all[..1]);
    let error = remembered.complete(&all, &Silent).expect_err("an end");
    assert_eq!(error.index(), Some(5), "{error}");
    assert_eq!(engine.store().len(), 5);
    let error = remembered.complete(&all, &Stop).expect_err("cancelled");
    assert!(matches!(error, LlmError::Cancelled));
}

/// Answers requests until the process kills itself in the middle of the third batch.
#[test]
#[ignore = "started by another test"]
fn child() {
    let dir = std::env::var("DIR").expect("DIR");
    let dir = Path::new(&dir);
    let left = std::env::var("LEFT").expect("LEFT").parse::<usize>().expect("a number");
    let asked = AtomicUsize::new(0);
    let model = Scripted::new(|request: &Request| {
        let prompt = &request.messages[0].content;
        let log = dir.join("asked");
        let before = fs::read_to_string(&log).unwrap_or_default();
        fs::write(&log, format!("{before}{prompt}\n")).expect("a log");
        if asked.fetch_add(1, Ordering::Relaxed) == left {
            std::process::abort();
        }
        prompt.to_uppercase()
    });
    let engine = Engine::open(&dir.join("store"), options()).expect("an engine");
    let remembered = engine.remember(&model).expect("a model").with_batch(4);
    let outcomes = remembered.complete(&requests("row", 20), &Silent).expect("outcomes");
    let texts = outcomes.into_iter().map(|one| one.expect("an answer").text);
    fs::write(dir.join("answers"), texts.collect::<Vec<_>>().join("\n")).expect("answers");
}

#[test]
fn a_killed_run_asks_only_for_what_was_in_its_last_batch() {
    let dir = tempfile::tempdir().expect("a folder");
    let run = |left: usize| {
        let output = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "remembered::child", "--ignored"])
            .env("DIR", dir.path())
            .env("LEFT", left.to_string())
            .output();
        output.expect("a process").status.success()
    };
    assert!(!run(10), "killed at the third request of the third batch");
    assert!(run(1000));
    let asked = fs::read_to_string(dir.path().join("asked")).expect("a log");
    let count = |at: usize| asked.lines().filter(|line| *line == format!("row {at}")).count();
    let counts: Vec<usize> = (0..20).map(count).collect();
    assert_eq!(counts[..8], [1; 8], "durable batches");
    assert_eq!(counts[8..11], [2; 3], "the batch that was lost");
    assert_eq!(counts[11..], [1; 9]);
    let answers = fs::read_to_string(dir.path().join("answers")).expect("answers");
    assert!(answers.starts_with("ROW 0\nROW 1\n") && answers.lines().count() == 20);
}
