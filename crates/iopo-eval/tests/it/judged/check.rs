//! The check of a judge against code.

use iopo_eval::judged::check::{FILE, JudgeCheck, JudgeCheckConfig, JudgeCheckRun, JudgeIdentity};
use iopo_llm::{LanguageModel, Request, Scripted, Silent};

use super::support::trace;

fn config() -> JudgeCheckConfig {
    let mut config = JudgeCheckConfig::default();
    config.items = 40;
    config
}

/// Scores all constraints of a prompt.
fn answer(request: &Request, score: impl Fn(&str) -> u32) -> String {
    let prompt = &request.messages.last().expect("a message").content;
    let lines = prompt.lines().filter_map(|line| {
        let (number, text) = line.strip_prefix('[')?.split_once("] ")?;
        Some(format!("{{\"index\": {number}, \"score\": {}}}", score(text)))
    });
    format!("{{\"verdicts\": [{}]}}", lines.collect::<Vec<_>>().join(", "))
}

#[test]
fn a_judge_that_passes_everything_has_false_passes_only() {
    let dir = tempfile::tempdir().expect("a directory");
    let run = JudgeCheckRun::new(config());
    assert_eq!(run.requests().len(), 120);
    let lenient = Scripted::new(|request: &Request| answer(request, |_| 10));
    let check = run.run(&lenient, dir.path(), &Silent).expect("a check");
    assert_eq!(check.all.accuracy.value, check.holding.value);
    assert_eq!(check.all.false_passes.value, Some(1.0));
    assert_eq!(check.all.false_fails.value, Some(0.0));
    assert_eq!(check.all.false_passes.n + check.all.false_fails.n, check.constraints);
    assert_eq!(check.flips_when_reversed.value, Some(0.0));
    assert!(check.all.accuracy.low < check.all.accuracy.value);
    assert!(check.by_kind.values().map(|kind| kind.accuracy.n).sum::<usize>() == check.constraints);
    assert_eq!(JudgeCheck::read(&dir.path().join(FILE)).expect("a file"), check);
    let table = check.table();
    for part in
        ["flips in reversed order", "flips when asked again                     not measured"]
    {
        assert!(table.contains(part), "{table}");
    }
    let sampled = JudgeCheck { endpoint: Some("large".to_owned()), ..check.clone() };
    assert!(!sampled.table().contains("not measured"), "{}", sampled.table());
    // Kinds have shares with intervals.
    let (kind, of_kind) =
        check.by_kind.iter().find(|(_, one)| one.false_passes.low.is_some()).expect("a kind");
    let line = table.lines().find(|line| line.starts_with(&format!("{kind} "))).expect("a line");
    let passes = format!("100 [100, 100] of {}", of_kind.false_passes.n);
    assert!(line.contains(&passes), "{line}");
    assert!(line.contains(&format!("of {}", of_kind.accuracy.n)), "{line}");
}

#[test]
fn flips_are_counted_by_constraint_and_not_by_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let run = JudgeCheckRun::new(config());
    // The verdict follows from the text of the constraint: no flips in reversed order.
    let by_text = |text: &str| if text.len().is_multiple_of(2) { 10 } else { 0 };
    let steady = Scripted::new(|request: &Request| answer(request, by_text));
    let check = run.run(&steady, dir.path(), &Silent).expect("a check");
    assert_eq!(check.flips_when_reversed.value, Some(0.0));
    assert_eq!(check.flips_when_repeated.value, Some(0.0));
    // The verdict follows from the place: the first passes, the others fail. Asked again, all pass.
    let fickle = Scripted::new(|request: &Request| {
        if request.sample == 1 {
            return answer(request, |_| 10);
        }
        let first = std::cell::Cell::new(true);
        answer(request, |_| if first.replace(false) { 10 } else { 0 })
    });
    let check = run.run(&fickle, dir.path(), &Silent).expect("a check");
    let third = |value: Option<f64>| (value.expect("a share") - 2.0 / 3.0).abs() < 0.05;
    assert!(third(check.flips_when_repeated.value) && third(check.flips_when_reversed.value));
}

#[test]
fn unreadable_answers_count_in_no_rate() {
    let dir = tempfile::tempdir().expect("a directory");
    let run = JudgeCheckRun::new(config());
    let silent = Scripted::new(|_: &Request| "I cannot say.".to_owned());
    let check = run.run(&silent, dir.path(), &Silent).expect("a check");
    assert_eq!((check.unjudged, check.all.accuracy.n), (check.constraints, 0));
    assert_eq!(check.all.accuracy.value, None);
    assert_eq!(check.reasons, [("no scores".to_owned(), check.constraints)].into());
    let missing = format!("{0} of {0} (no scores {0})", check.constraints);
    assert!(check.table().contains(&missing), "{}", check.table());
}

#[test]
fn fewer_constraints_than_asked_for_are_named() {
    assert_eq!(JudgeCheckRun::new(config()).shortfall(), None);
    let mut config = config();
    (config.items, config.constraints) = (1, 1000);
    let text = JudgeCheckRun::new(config).shortfall().expect("too many");
    assert!(text.ends_with("that fit 1 response, fewer than the 1000 asked for"), "{text}");
}

#[test]
fn a_judged_table_shows_the_check() {
    let dir = tempfile::tempdir().expect("a directory");
    let lenient = Scripted::new(|request: &Request| answer(request, |_| 10));
    let check = JudgeCheckRun::new(config()).run(&lenient, dir.path(), &Silent).expect("a check");
    let files = trace(&["Fine Grained Score: [10]"]);
    let evaluate = |check: Option<JudgeCheck>| {
        let report = files.evaluate(
            (iopo_eval::JudgedBenchmark::Trace, iopo_eval::JudgedMode::Repaired),
            |config| config.check.clone_from(&check),
        );
        report.table().lines().last().expect("a line").to_owned()
    };
    let line = "judge accuracy on code-checkable constraints: ";
    assert!(evaluate(None).starts_with(&format!("{line}not measured")));
    let other = evaluate(Some(check.clone()));
    assert!(other.contains("; false passes 100.0 %"), "{other}");
    // The benchmark asks in Chinese by default, and the check in English.
    assert!(other.ends_with("; measured with the English TRACE prompt"), "{other}");
    let mut config = files.config("english");
    (config.language, config.check) = (Some(iopo_judge::Language::English), Some(check.clone()));
    let (trace, repaired) = (iopo_eval::JudgedBenchmark::Trace, iopo_eval::JudgedMode::Repaired);
    let ten = Scripted::new(|request: &Request| files.answer(request));
    let run = iopo_eval::JudgedRun::prepare(trace, repaired, &config, &Silent).expect("a run");
    let same = run.judge(&ten, &Silent).expect("a report").table();
    assert!(!same.contains("measured with"), "{same}");
    // Missing verdicts stand beside the accuracy.
    let mut partly = check;
    (partly.unjudged, partly.reasons) = (5, [("no scores".to_owned(), 5)].into());
    let line = evaluate(Some(partly.clone()));
    let missing = format!("; 5 of {} without a verdict (no scores 5)", partly.constraints);
    assert!(line.contains(&missing), "{line}");
}

#[test]
fn a_check_is_about_one_model_at_one_place_with_its_settings() {
    let dir = tempfile::tempdir().expect("a directory");
    let judge = Scripted::new(|request: &Request| answer(request, |_| 10));
    let place = || Some("large (address 1f)".to_owned());
    let run = JudgeCheckRun::new(config()).with_endpoint(place());
    let check = run.run(&judge, dir.path(), &Silent).expect("a check");
    let same = JudgeIdentity {
        judge: judge.name(),
        fingerprint: judge.fingerprint().expect("a fingerprint"),
        endpoint: place(),
        temperature: 0.0,
        max_new_tokens: 2048,
    };
    assert!(check.differences(&same).is_empty());
    let differs = |change: fn(&mut JudgeIdentity)| {
        let mut other = same.clone();
        change(&mut other);
        let found = check.differences(&other);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    };
    assert_eq!(
        differs(|one| one.judge = "other".into()),
        "model: scripted was checked, other judges"
    );
    assert!(differs(|one| one.fingerprint = "x".into()).starts_with("model: "));
    assert_eq!(
        differs(|one| one.endpoint = None),
        "endpoint: large (address 1f) was checked, this process judges"
    );
    assert_eq!(differs(|one| one.temperature = 0.01), "temperature: 0 was checked, 0.01 judges");
    assert!(differs(|one| one.max_new_tokens = 9).starts_with("maximum number of tokens: "));
    let older = JudgeCheck { template: "x".into(), ..check.clone() };
    assert!(older.differences(&same)[0].starts_with("template: x was checked, "));
}

#[test]
fn versions_of_one_text_count_as_one_in_the_intervals() {
    let dir = tempfile::tempdir().expect("a directory");
    let width = |items: usize| {
        let mut config = JudgeCheckConfig::default();
        config.items = items;
        // The verdict follows from the text of the response, so that versions of one text agree.
        let judge = Scripted::new(|request: &Request| {
            let prompt = &request.messages.last().expect("a message").content;
            let tasks = [
                "black tea",
                "in the mountains",
                "park in autumn",
                "sleep matters",
                "rainbow appears",
            ];
            let holds = tasks.iter().any(|task| prompt.contains(task));
            answer(request, |_| if holds { 10 } else { 0 })
        });
        let check = JudgeCheckRun::new(config).run(&judge, dir.path(), &Silent).expect("a check");
        let rate = check.all.false_fails;
        rate.high.expect("an end") - rate.low.expect("an end")
    };
    // More versions of the same texts say little more about the judge; independent responses would halve the width.
    let (few, many) = (width(48), width(192));
    assert!(many > 0.7 * few, "{few} {many}");
}
