//! Checks that the writer proposes, fences of responses, languages of tasks, and worse answers.

use iopo_constraints::Kind;
use iopo_llm::{Request, Silent};
use iopo_schema::{GroupKind, Method, PreferenceRow, ResponseSource};
use iopo_synth::SynthConfig;
use iopo_synth::trace::TraceLanguage::{self, Auto, En, Zh};
use iopo_synth::trace::{TraceModels, TraceSummary, trace};

use crate::world::{ENGLISH, Model, answer, candidates, config, parts, responses, run, said, user};

const TASK: &str = "{\"id\": \"a\", \"task\": \"Describe a rainy street for a visitor.\"}";

fn count(summary: &TraceSummary, name: &str) -> u64 {
    summary.metrics.iter().filter(|row| row.name == name).map(|row| row.value as u64).sum()
}

/// A list of constraints with one check.
fn with_check(text: &str, kind: &str, params: &serde_json::Value) -> String {
    let parts = parts(
        "Describe a rainy street for a visitor.",
        &[ENGLISH[0], ENGLISH[1], ENGLISH[2], (text, "grammar structure")],
        "NULL",
    );
    let mut parts: serde_json::Value = serde_json::from_str(&parts).expect("json");
    parts["constraints"][3]["check"] = serde_json::json!({"kind": kind, "params": params});
    parts.to_string()
}

/// Runs one task that asks for no parentheses, with a proposed check. Returns the summary and whether the check was used.
fn proposed(text: &str, kind: &str, params: &serde_json::Value, ask: bool) -> (TraceSummary, bool) {
    let dir = tempfile::tempdir().expect("a directory");
    let prompts = std::cell::RefCell::new(Vec::new());
    let structure = with_check(text, kind, params);
    let replace = |stage: &str, request: &Request| {
        if ["trace_structure", "trace_constraint"].contains(&stage) {
            let schema = request.schema.as_ref().expect("a schema").schema.to_string();
            prompts.borrow_mut().push((user(request).to_owned(), schema));
        }
        (stage == "trace_structure").then(|| said(structure.clone()))
    };
    let config = config(|config| {
        config.propose_checks = ask;
        config.operations.add = 1.0;
        (config.operations.revise, config.operations.remove) = (0.0, 0.0);
    });
    let model = Model::new(&replace);
    let summary = run(dir.path(), TASK, &model, &["no_quotation"], &config).expect("a run");
    assert_eq!(prompts.borrow().len(), 2, "{:?}", summary.dropped);
    for (prompt, schema) in prompts.borrow().iter() {
        assert_eq!(prompt.contains("- no_parentheses {} "), ask);
        assert_eq!(schema.contains("\"check\""), ask);
        assert!(!prompt.contains("no_quotation"), "a kind that is held out");
    }
    let rows = candidates(dir.path());
    let group = rows.iter().find(|row| !row.is_pair()).expect("a group");
    let of_text = group.x1_constraints.iter().position(|row| row.text == text).expect("the text");
    let used = group.x1_constraints[of_text].check.is_some();
    let by_code = group.proof.x1y1[of_text].method == Method::Code;
    assert_eq!(used, by_code);
    (summary, used)
}

#[test]
fn a_proposed_check_is_used_only_if_it_says_the_same_as_the_text() {
    const TEXT: &str = "Please never use parentheses in your answer.";
    let none = serde_json::json!({});
    let (summary, used) = proposed(TEXT, "no_parentheses", &none, true);
    assert!(used);
    assert_eq!(count(&summary, "proposals/confirmed"), 1);
    assert_eq!(count(&summary, "mapped/no_parentheses"), 1);
    for (kind, params) in [
        ("parentheses", none.clone()),
        ("no_digits", none.clone()),
        ("no_such_kind", none.clone()),
        ("no_parentheses", serde_json::json!({"n": 3})),
        ("no_parentheses", serde_json::json!("not JSON")),
    ] {
        let (summary, used) = proposed(TEXT, kind, &params, true);
        assert!(!used, "{kind} {params}");
        assert_eq!(count(&summary, "proposals/unconfirmed"), 1, "{kind} {params}");
    }
    // The reading of the text decides where there is one.
    let (summary, used) =
        proposed("Use at least 2 words.", "min_words", &serde_json::json!({"n": 9}), true);
    assert!(used);
    assert_eq!((count(&summary, "proposals/wrong"), count(&summary, "mapped/min_words")), (1, 1));
    // Control: without the setting, prompts and schemas do not ask for checks.
    let (summary, _) = proposed(TEXT, "no_parentheses", &none, false);
    assert_eq!(count(&summary, "mapped/max_words"), 1);
}

#[test]
fn the_writer_is_offered_the_kinds_of_the_configuration() {
    let offered = |kinds: &[&str], held_out: &[&str]| {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("tasks.jsonl");
        std::fs::write(&path, TASK).expect("written");
        let prompt = std::cell::RefCell::new(String::new());
        let replace = |stage: &str, request: &Request| {
            if stage == "trace_structure" {
                user(request).clone_into(&mut prompt.borrow_mut());
            }
            None
        };
        let mut synth = SynthConfig::default();
        synth.kinds = kinds.iter().map(|id| (*id).to_owned()).collect();
        synth.held_out = held_out.iter().map(|id| (*id).to_owned()).collect();
        let config = config(|config| config.propose_checks = true);
        let model = Model::new(&replace);
        let models = TraceModels { writer: &model, judge: &model };
        trace(&path, &dir.path().join("out"), models, &synth, &config, &Silent).expect("a run");
        let prompt = prompt.into_inner();
        let lines = prompt.lines().filter_map(|line| line.strip_prefix("- ")?.split_once(" {"));
        let ids = lines.map(|(id, _)| id.to_owned());
        ids.filter(|id| Kind::from_id(id).is_ok()).collect::<Vec<_>>()
    };
    assert_eq!(offered(&["no_parentheses", "language"], &[]), ["no_parentheses", "language"]);
    assert_eq!(offered(&["no_parentheses", "language"], &["language"]), ["no_parentheses"]);
    // Control: the default kinds are many, and `language` is none of them.
    let default = offered(&["default"], &["no_digits"]);
    assert!(default.len() > 30 && default.contains(&"no_parentheses".to_owned()), "{default:?}");
    assert!(
        !default.contains(&"language".to_owned()) && !default.contains(&"no_digits".to_owned())
    );
}

#[test]
fn a_fenced_response_is_rated_and_stored_with_its_fence() {
    let text = "```text\nRain falls, and a cheerful umbrella turns.\n```";
    let seen = std::cell::RefCell::new(String::new());
    let replace = |stage: &str, request: &Request| {
        if stage == "trace_rating" && seen.borrow().is_empty() {
            user(request).clone_into(&mut seen.borrow_mut());
        }
        let first = !user(request).contains("gloomy") && !user(request).contains("dog");
        (stage == "response" && first).then(|| said(text))
    };
    let dir = tempfile::tempdir().expect("a directory");
    run(dir.path(), TASK, &Model::new(&replace), &[], &config(|_| ())).expect("a run");
    assert!(seen.borrow().contains(&format!("````\n{text}\n````")), "{}", seen.borrow());
    assert!(responses(dir.path()).iter().any(|row| row.text == text && row.accepted));
    // An instruction and JSON are read without their fences.
    let fenced = |stage: &str, request: &Request| {
        let is_read = stage == "expand" || stage.starts_with("trace_");
        is_read.then(|| said(format!("```\n{}\n```", answer(request))))
    };
    let dir = tempfile::tempdir().expect("a directory");
    let summary = run(dir.path(), TASK, &Model::new(&fenced), &[], &config(|_| ())).expect("a run");
    assert_eq!((summary.candidates, summary.right), (1, 1), "{:?}", summary.dropped);
}

#[test]
fn a_task_may_name_its_language() {
    let stages = |task: &str, configured: TraceLanguage| {
        let dir = tempfile::tempdir().expect("a directory");
        let model = Model::new(&|_, _| None);
        let prompts = std::cell::RefCell::new(Vec::new());
        let replace = |stage: &str, request: &Request| {
            if stage == "expand" {
                prompts.borrow_mut().push(user(request).contains("请改写"));
            }
            None
        };
        let model = Model { replace: &replace, ..model };
        let config = config(|config| config.language = configured);
        run(dir.path(), task, &model, &[], &config).expect("a run");
        assert_eq!(prompts.borrow().len(), 1);
        prompts.borrow()[0]
    };
    let with = |language: &str| {
        serde_json::json!({"id": "a", "task": "12 + 3 = ?", "language": language}).to_string()
    };
    let without = "{\"id\": \"a\", \"task\": \"12 + 3 = ?\"}";
    assert!(!stages(without, Auto) && stages(without, Zh));
    for (tag, is_chinese) in [("zh", true), ("zh-Hans", true), ("en", false), ("en-GB", false)] {
        for configured in [Auto, En, Zh] {
            assert_eq!(stages(&with(tag), configured), is_chinese, "{tag} {configured:?}");
        }
    }
}

#[test]
fn worse_answers_are_candidates_without_a_second_instruction() {
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    let summary = run(dir.path(), TASK, &model, &[], &config(|_| ())).expect("a run");
    let rows = candidates(dir.path());
    let (pairs, groups): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.is_pair());
    assert_eq!((summary.candidates, groups.len(), pairs.len()), (1, 1, 1));
    assert_eq!(count(&summary, "worse_pairs"), 1);
    let PreferenceRow { kind, operation, x1, y1, y2_source, .. } = pairs[0];
    assert_eq!((*kind, *operation, *y2_source), (GroupKind::Pair, None, ResponseSource::Worse));
    assert_eq!((x1, y1), (&groups[0].x1, &groups[0].y1));
    let table = pairs[0].truth_table();
    assert!(table.x1y1 && !table.x1y2);
    let worse = responses(dir.path()).into_iter().find(|row| row.source == ResponseSource::Worse);
    let worse = worse.expect("a row of the worse answer");
    assert!(!worse.accepted && worse.error.is_none());
    assert_eq!((&worse.text, &worse.id), (&pairs[0].y2, &pairs[0].y2_response_id));
    // Control: no worse answers, no pairs.
    let dir = tempfile::tempdir().expect("a directory");
    let config = config(|config| config.worse_answers = false);
    run(dir.path(), TASK, &Model::new(&|_, _| None), &[], &config).expect("a run");
    assert!(candidates(dir.path()).iter().all(|row| !row.is_pair()));
}
