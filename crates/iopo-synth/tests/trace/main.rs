//! The recipe `trace` with a scripted writer and judge.

mod checks;
mod once;
mod origins;
mod overlap;
mod refusals;
mod report;
mod world;

use iopo_core::PerSequence;
use iopo_llm::{Request, Silent};
use iopo_schema::{InstructionRow, Method, MetricRow, Operation, read, render_rows};
use iopo_synth::SynthError;
use iopo_synth::trace::{TraceModels, trace};
use world::{
    Model, TASKS, block, bytes, config, constraints, groups, responses, run, said, scores, user,
};

#[test]
fn candidates_of_both_languages_have_complete_and_right_tables() {
    let mut operations = std::collections::BTreeSet::new();
    for only in ["revise", "add", "remove"] {
        let dir = tempfile::tempdir().expect("a directory");
        let model = Model::new(&|_, _| None);
        let config = config(|config| {
            config.operations.revise = f64::from(u8::from(only == "revise"));
            config.operations.add = f64::from(u8::from(only == "add"));
            config.operations.remove = f64::from(u8::from(only == "remove"));
        });
        let summary = run(dir.path(), TASKS, &model, &[], &config).expect("a run");
        let rows = groups(dir.path());
        assert_eq!((summary.candidates, summary.right), (5, 5), "{only}: {:?}", summary.dropped);
        for row in &rows {
            let operation = row.operation.expect("an operation");
            operations.insert(format!("{operation}"));
            let x1y2 = operation == Operation::Add;
            let x2y1 = operation == Operation::Remove;
            let table = PerSequence { x1y1: true, x1y2, x2y1, x2y2: true };
            assert_eq!(row.truth_table(), table, "{row:?}");
            let prompt = |rows| render_rows(&row.task, rows, row.input.as_deref());
            assert_eq!(row.x1, prompt(&row.x1_constraints));
            assert_eq!(row.x2, Some(prompt(&row.x2_constraints)));
            let kept = row.x1_constraints.len() - row.removed.len();
            assert_eq!(row.x1_constraints[..kept], row.x2_constraints[..kept]);
            assert_eq!(row.x1_constraints[kept..], row.removed);
            assert_eq!(row.x2_constraints[kept..], row.added);
            for (verdicts, rows) in [
                (&row.proof.x1y1, &row.x1_constraints),
                (&row.proof.x1y2, &row.x1_constraints),
                (&row.proof.x2y1, &row.x2_constraints),
                (&row.proof.x2y2, &row.x2_constraints),
            ] {
                assert_eq!(verdicts.len(), rows.len());
                for (verdict, row) in verdicts.iter().zip(rows) {
                    assert_eq!(verdict.method == Method::Code, row.check.is_some());
                    assert!(verdict.evidence.chars().count() <= 300);
                }
            }
        }
        let instructions: Vec<InstructionRow> =
            read(&dir.path().join("out/instructions.parquet")).expect("rows");
        assert_eq!(instructions.len(), 10);
        assert!(instructions.iter().any(|row| row.language == "zh"));
        let mapped = |row: &InstructionRow| row.constraints.iter().any(|one| one.check.is_some());
        assert!(instructions.iter().any(mapped), "a text maps to a checker and keeps its words");
    }
    assert_eq!(operations.into_iter().collect::<Vec<_>>(), ["add", "remove", "revise"]);
}

#[test]
fn a_run_that_is_killed_after_any_answer_resumes_to_the_same_bytes() {
    let whole = tempfile::tempdir().expect("a directory");
    // Comparisons of judge and code switch a kind off after the first part, which a resumed run must repeat.
    let config = config(|config| {
        config.agreement_share = 0.5;
        config.min_agreement_cases = 1;
        config.max_disagreement = 0.0;
    });
    let disagrees = |stage: &str, request: &Request| {
        let list = constraints(user(request));
        let limited = list.iter().any(|text| text.contains("40 words"));
        let score = |text: &String| if text.contains("40 words") { 0 } else { 10 };
        (stage == "trace_rating" && limited)
            .then(|| said(scores(&list.iter().map(score).collect::<Vec<_>>())))
    };
    let model = Model::new(&disagrees);
    run(whole.path(), TASKS, &model, &[], &config).expect("a run");
    let expected = bytes(whole.path());
    assert_eq!(expected.len(), 4);
    let stats: Vec<MetricRow> =
        read(&whole.path().join("out/synth_stats.parquet")).expect("counters");
    assert!(stats.iter().any(|row| row.name == "distrusted/max_words"), "{stats:?}");
    let all = model.asked.get();
    let mut seen: Vec<String> = model.stages.borrow().clone();
    seen.sort_unstable();
    seen.dedup();
    assert!(seen.len() >= 8, "{seen:?}");
    for answers in 0..all {
        let dir = tempfile::tempdir().expect("a directory");
        let model = Model::new(&disagrees);
        model.left.set(answers);
        run(dir.path(), TASKS, &model, &[], &config).expect_err("killed");
        model.left.set(usize::MAX);
        run(dir.path(), TASKS, &model, &[], &config).expect("resumed");
        assert_eq!(bytes(dir.path()), expected, "killed after {answers} answers");
        assert_eq!(model.asked.get(), all, "no answer is asked for twice");
    }
    // Control: other answers give other files.
    let dir = tempfile::tempdir().expect("a directory");
    let other = Model::new(&|stage, _| {
        (stage == "worse").then(|| said("Nobody walks along the wet street today, 雨."))
    });
    run(dir.path(), TASKS, &other, &[], &config).expect("a run");
    assert_ne!(bytes(dir.path()), expected);
}

#[test]
fn a_judge_that_always_gives_ten_yields_no_right_table() {
    let all_ten = |stage: &str, request: &Request| {
        (stage == "trace_rating").then(|| said(scores(&vec![10; constraints(user(request)).len()])))
    };
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&all_ten);
    let judged = |stage: &str, request: &Request| {
        if stage == "trace_structure" {
            let instruction = block(user(request), ["Instruction:", "指令："]);
            let task = instruction.split_once('.').map_or("", |(task, _)| task);
            let list = &world::ENGLISH[1..];
            return Some(said(world::parts(&format!("{task}."), list, "NULL")));
        }
        all_ten(stage, request)
    };
    let model = Model { replace: &judged, ..model };
    let config = config(|config| config.min_coverage = 0.5);
    let tasks = "{\"task\": \"Describe a rainy street for a visitor.\"}\n{\"task\": \"Describe a quiet harbour for a visitor.\"}\n";
    let summary = run(dir.path(), tasks, &model, &[], &config).expect("a run");
    let rows = groups(dir.path());
    assert_eq!(rows.len(), 2, "{:?}", summary.dropped);
    assert_eq!(summary.right, 0);
    for row in rows {
        assert!(row.truth_table().x1y2 && row.truth_table().x2y1);
    }
}

#[test]
fn a_failed_check_saves_the_call_of_the_judge() {
    let long = "word ".repeat(50);
    let replace = |stage: &str, _: &Request| (stage == "response").then(|| said(long.clone()));
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&replace);
    let tasks = "{\"task\": \"Describe a rainy street for a visitor.\"}";
    let summary = run(dir.path(), tasks, &model, &[], &config(|_| ())).expect("a run");
    assert_eq!(summary.dropped.get("rating/failed_check"), Some(&1), "{:?}", summary.dropped);
    assert!(!model.stages.borrow().iter().any(|stage| stage == "trace_rating"));
    let row = &responses(dir.path())[0];
    assert!(
        !row.accepted && row.error.as_ref().is_some_and(|error| error.contains("failed_check"))
    );
}

#[test]
fn a_failed_check_is_compared_with_the_judge_too() {
    let long = "cheerful umbrella ".repeat(25);
    let asked = std::cell::RefCell::new(Vec::new());
    // The judge overlooks the limit.
    let replace = |stage: &str, request: &Request| match stage {
        "response" => Some(said(long.clone())),
        "trace_rating" => {
            let list = constraints(user(request));
            let found = said(scores(&vec![10; list.len()]));
            asked.borrow_mut().push(list);
            Some(found)
        }
        _ => None,
    };
    let tasks = "{\"task\": \"Describe a rainy street for a visitor.\"}";
    let run_with = |share: f64, replace: &world::Replace<'_>| {
        let dir = tempfile::tempdir().expect("a directory");
        let config = config(|config| config.agreement_share = share);
        let summary = run(dir.path(), tasks, &Model::new(replace), &[], &config).expect("a run");
        (summary, responses(dir.path()))
    };
    let (summary, rows) = run_with(1.0, &replace);
    let different = summary.metrics.iter().find(|row| row.name == "agreement/different/max_words");
    assert_eq!(different.map(|row| row.value), Some(1.0), "{:?}", summary.metrics);
    assert_eq!(summary.dropped.get("rating/failed_check"), Some(&1), "code still decides");
    assert_eq!(rows.len(), 1);
    // The judge sees only what it is compared about.
    assert_eq!(asked.borrow().len(), 1);
    assert!(asked.borrow()[0].len() == 1 && asked.borrow()[0][0].contains("40 words"));
    // A comparison without an answer changes no verdict, and has a row.
    let fails = |stage: &str, request: &Request| match stage {
        "trace_rating" => {
            Some(Err(iopo_llm::Failure::new(iopo_llm::FailureClass::Timeout, "too late")))
        }
        _ => replace(stage, request),
    };
    let (summary, rows) = run_with(1.0, &fails);
    assert_eq!(summary.dropped.get("rating/failed_check"), Some(&1), "{:?}", summary.dropped);
    let errors: Vec<&str> = rows.iter().filter_map(|row| row.error.as_deref()).collect();
    assert!(errors.len() == 2 && errors.contains(&"timeout: too late"), "{errors:?}");
    asked.borrow_mut().clear();
    run_with(0.0, &replace);
    assert!(asked.borrow().is_empty(), "control: no comparison, no question");
}

#[test]
fn failed_cross_ratings_have_rows() {
    // Ratings of the response, the worse one and the second response, then those of the two cells.
    let run_with = |first: usize, fault: &dyn Fn() -> iopo_llm::Outcome| {
        let dir = tempfile::tempdir().expect("a directory");
        let asked = std::cell::Cell::new(0);
        let replace = |stage: &str, _: &Request| {
            (stage == "trace_rating").then(|| asked.set(asked.get() + 1));
            (stage == "trace_rating" && asked.get() > first).then(fault)
        };
        let config = config(|config| {
            config.operations.add = 0.0;
            config.operations.remove = 0.0;
        });
        let tasks = "{\"task\": \"Describe a rainy street for a visitor.\"}";
        let summary = run(dir.path(), tasks, &Model::new(&replace), &[], &config).expect("a run");
        let rows = responses(dir.path());
        let ids: std::collections::BTreeSet<&str> =
            rows.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids.len(), rows.len(), "ids are distinct");
        let of_cells = rows.into_iter().filter(|row| row.sampling.contains("\"cross\""));
        let errors: Vec<Option<String>> = of_cells.map(|row| row.error).collect();
        (summary, errors)
    };
    let timeout =
        || Err(iopo_llm::Failure::new(iopo_llm::FailureClass::Timeout, "no answer in time"));
    let (summary, errors) = run_with(3, &timeout);
    assert_eq!(summary.dropped.get("cross/timeout"), Some(&1), "{:?}", summary.dropped);
    assert_eq!(errors, vec![Some("timeout: no answer in time".to_owned()); errors.len()]);
    assert_eq!(errors.len() as u64, summary.failed);
    assert!(!errors.is_empty());
    let (summary, errors) = run_with(3, &|| said("Good."));
    assert_eq!(summary.dropped.get("cross/unjudged"), Some(&1), "{:?}", summary.dropped);
    assert!(!errors.is_empty());
    let unread = |error: &Option<String>| {
        error.as_ref().is_some_and(|error| error.starts_with("unjudged: "))
    };
    assert!(errors.iter().all(unread), "{errors:?}");
    let (summary, errors) = run_with(usize::MAX, &timeout);
    assert!(summary.candidates > 0 && errors.is_empty(), "control: no failure, no row");
}

#[test]
fn judge_and_code_are_compared_and_a_distrusted_kind_is_not_mapped() {
    // The judge calls every limit broken.
    let replace = |stage: &str, request: &Request| {
        let list = constraints(user(request));
        let score = |text: &String| if text.contains("40 words") { 0 } else { 10 };
        let found: Vec<i32> = list.iter().map(score).collect();
        (stage == "trace_rating").then(|| said(scores(&found)))
    };
    let run_with = |share: f64| {
        let dir = tempfile::tempdir().expect("a directory");
        let model = Model::new(&replace);
        let config = config(|config| {
            config.agreement_share = share;
            config.min_agreement_cases = 1;
            config.tasks_per_part = 1;
        });
        let tasks = "{\"task\": \"Describe a rainy street for a visitor.\"}\n{\"task\": \"Describe a quiet harbour for a visitor.\"}\n";
        run(dir.path(), tasks, &model, &[], &config).expect("a run")
    };
    let count = |summary: &iopo_synth::trace::TraceSummary, name: &str| {
        summary
            .metrics
            .iter()
            .filter(|row| row.name.starts_with(name))
            .map(|row| row.value)
            .sum::<f64>()
    };
    let compared = run_with(1.0);
    assert!(count(&compared, "agreement/different/max_words") >= 1.0);
    assert!((count(&compared, "distrusted/max_words") - 1.0).abs() < 1e-9);
    assert!((count(&compared, "mapped/max_words") - 1.0).abs() < 1e-9, "only in the first part");
    let trusted = run_with(0.0);
    assert!(count(&trusted, "agreement/").abs() < 1e-9);
    assert!((count(&trusted, "mapped/max_words") - 2.0).abs() < 1e-9);
}

#[test]
fn joint_quality_control_asks_once_and_samples_ask_more() {
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    let config = config(|config| {
        config.qc.joint = true;
        config.samples = 3;
    });
    let summary = run(dir.path(), TASKS, &model, &[], &config).expect("a run");
    let stages = model.stages.borrow();
    assert!(!stages.iter().any(|stage| stage == "trace_complete"));
    assert_eq!(stages.iter().filter(|stage| *stage == "trace_complete_redundant").count(), 10);
    // The script gives the same text in each sample.
    assert_eq!(summary.dropped.get("response/duplicate"), Some(&10));
    assert_eq!(summary.candidates, 5);
}

#[test]
fn too_many_failed_requests_end_the_run_after_writing_and_are_asked_again() {
    let fails = |stage: &str, _: &Request| {
        (stage == "response").then(|| {
            Err(iopo_llm::Failure::new(iopo_llm::FailureClass::Timeout, "no answer in time"))
        })
    };
    let dir = tempfile::tempdir().expect("a directory");
    let limit = config(|config| config.max_failed_share = 0.05);
    let model = Model::new(&fails);
    let error = run(dir.path(), TASKS, &model, &[], &limit).expect_err("too many");
    assert!(matches!(error, SynthError::TooManyFailed { .. }), "{error}");
    let rows = responses(dir.path());
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row.error.as_deref() == Some("timeout: no answer in time")));
    let model = Model::new(&|_, _| None);
    let summary = run(dir.path(), TASKS, &model, &[], &limit).expect("a second run");
    assert_eq!((summary.failed, summary.candidates), (0, 5));
}

#[test]
fn a_finished_run_without_one_of_its_files_writes_all_again() {
    let whole = tempfile::tempdir().expect("a directory");
    let run = |dir: &std::path::Path| {
        let model = Model::new(&|_, _| None);
        run(dir, TASKS, &model, &[], &config(|_| ())).map(|_| model.asked.get())
    };
    let asked = run(whole.path()).expect("a run");
    let expected = bytes(whole.path());
    assert_eq!(expected.len(), 4);
    for name in expected.keys() {
        let file = whole.path().join("out").join(name);
        std::fs::remove_file(&file).expect("removed");
        assert_eq!(run(whole.path()).expect("made again"), asked, "{name}");
        assert_eq!(bytes(whole.path()), expected, "{name}");
        // A damaged file may be the user's, so it is named and stays.
        std::fs::write(&file, "damaged").expect("written");
        if !name.contains("stats") {
            let error = run(whole.path()).expect_err("damaged").to_string();
            assert!(error.contains(name.as_str()), "{error}");
        }
        std::fs::remove_file(&file).expect("it is still there");
        run(whole.path()).expect("made again");
    }
    assert_eq!(run(whole.path()).expect("finished"), 0, "control: a complete run asks nothing");
}

#[test]
fn a_finished_run_asks_nothing_and_a_changed_template_asks_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    run(dir.path(), TASKS, &model, &[], &config(|_| ())).expect("a run");
    let asked = model.asked.get();
    let again = Model::new(&|_, _| None);
    run(dir.path(), TASKS, &again, &[], &config(|_| ())).expect("a finished run");
    assert_eq!(again.asked.get(), 0);
    let folder = dir.path().join("mine");
    std::fs::create_dir(&folder).expect("a directory");
    std::fs::write(folder.join("response.en.txt"), "=== user\n{{instruction}}").expect("written");
    let changed = config(|config| config.templates = Some(folder.clone()));
    run(dir.path(), TASKS, &again, &[], &changed).expect("a run");
    assert_eq!(again.asked.get(), asked);
}

#[test]
fn writer_and_judge_get_their_own_requests() {
    let writer = Model::new(&|_, _| None);
    let judge = Model::new(&|_, _| None);
    let dir = tempfile::tempdir().expect("a directory");
    let tasks = dir.path().join("tasks.jsonl");
    std::fs::write(&tasks, TASKS).expect("written");
    let models = TraceModels { writer: &writer, judge: &judge };
    let synth = iopo_synth::SynthConfig::default();
    trace(&tasks, &dir.path().join("out"), models, &synth, &config(|_| ()), &Silent)
        .expect("a run");
    assert!(
        writer
            .stages
            .borrow()
            .iter()
            .all(|stage| !stage.contains("rating") && stage != "trace_complete")
    );
    let judged = ["trace_rating", "trace_complete", "trace_redundant", "trace_compatible"];
    assert!(judge.stages.borrow().iter().all(|stage| judged.contains(&stage.as_str())));
}
