//! The collector of input preferences with a scripted writer, judge and scorer.

mod refusals;
mod report;
mod world;

use std::collections::BTreeMap;

use iopo_core::PerSequence;
use iopo_core::overlap::OverlapIndex;
use iopo_llm::{Failure, FailureClass, LogProb, Request};
use iopo_schema::{
    GroupKind, InstructionRow, Method, Operation, ResponseRow, ResponseSource, VerdictRow,
    content_id, read, render_rows, write,
};
use iopo_synth::fipo::{FipoModels, FipoSeed, FipoSeeds, accepted_responses};
use iopo_synth::{SynthError, TaskLanguage};
use world::{
    Model, Scorer, Y, bytes, candidates, choice, config, four, preferences, responses, run,
    run_tested, run_with, said, seed,
};

#[test]
fn a_clearly_violated_requirement_gives_a_sided_group_in_both_languages() {
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    let summary = run(dir.path(), four(), &model, &[], &config(|_| ())).expect("a run");
    assert_eq!((summary.seeds, summary.candidates), (4, 4), "{:?}", summary.dropped);
    assert_eq!((summary.preferences, summary.ungrouped), (4, 0));
    // Pairing decides whether a candidate becomes a group, so its preference is a row, too.
    assert_eq!(preferences(dir.path()).len(), 4);
    let rows = candidates(dir.path());
    let instructions: Vec<InstructionRow> =
        read(&dir.path().join("out/instructions.parquet")).expect("rows");
    assert_eq!(instructions.iter().filter(|row| row.language == "zh").count(), 4);
    let written = responses(dir.path());
    for row in &rows {
        assert_eq!((row.kind, row.operation), (GroupKind::Sided, Some(Operation::Rewrite)));
        let table = PerSequence { x1y1: true, x1y2: true, x2y1: false, x2y2: true };
        assert_eq!(row.truth_table(), table, "{row:?}");
        let prompt = |rows| render_rows(&row.task, rows, None);
        assert_eq!(row.x1, prompt(&row.x1_constraints));
        assert_eq!(row.x2, Some(prompt(&row.x2_constraints)));
        assert_eq!((row.x1_constraints.len(), row.x2_constraints.len()), (3, 2));
        assert_eq!((row.removed.len(), row.added.len()), (2, 1), "one requirement is shared");
        assert_eq!(row.x1_constraints[0], row.x2_constraints[0]);
        let limit = &row.proof.x1y1[2];
        assert_eq!(limit.method, Method::Code, "code decides the limit");
        assert_eq!(row.proof.x2y1[1].method, Method::Judge);
        for id in [&row.y1_response_id, &row.y2_response_id] {
            let own = written.iter().find(|one| one.id == *id).expect("its row");
            assert!(own.accepted);
            assert!(instructions.iter().any(|one| one.id == own.instruction_id));
        }
    }
    assert!(model.seen.borrow().iter().all(|(kind, _)| kind != "vague"));
}

#[test]
fn vague_instructions_give_input_preferences() {
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    let config = config(|config| config.other_share = 0.0);
    let summary = run(dir.path(), four(), &model, &[], &config).expect("a run");
    assert_eq!((summary.candidates, summary.ungrouped), (0, 4), "{:?}", summary.dropped);
    assert_eq!(summary.dropped.get("rating/no_constraints"), Some(&4));
    let rows = preferences(dir.path());
    let tasks: Vec<&str> = rows.iter().map(|row| row.seed_id.as_str()).collect();
    assert_eq!(tasks, ["a", "b", "c", "d"]);
    let row = &rows[0];
    assert_eq!(row.y, Y);
    assert!(row.x_better.starts_with("Describe a rainy street for a visitor. Keep a cheerful"));
    assert_eq!(row.x_worse, "Describe a rainy street for a visitor. Make it nice.");
    assert_eq!((row.better_constraints.len(), row.worse_constraints.len()), (3, 0));
    let verdict = VerdictRow::new(true, Method::Judge, "It fits.");
    assert_eq!((&row.verdict_better_first, &row.verdict_worse_first), (&verdict, &verdict));
    assert_eq!(row.logp_margin, None);
    assert_eq!(
        row.generator,
        "world@test (better prompt), world@test (worse prompt), given (response)"
    );
}

#[test]
fn a_judge_that_always_names_the_same_letter_yields_no_preference() {
    for letter in ["A", "B"] {
        let same =
            |kind: &str, _: &Request| kind.starts_with("judge").then(|| said(choice(letter)));
        let dir = tempfile::tempdir().expect("a directory");
        let summary =
            run(dir.path(), four(), &Model::new(&same), &[], &config(|_| ())).expect("a run");
        assert_eq!((summary.preferences, summary.candidates), (0, 0));
        let step = if letter == "A" { "worse-first" } else { "better-first" };
        assert_eq!(summary.dropped, [(format!("{step}/undecided"), 4)].into());
        assert!(preferences(dir.path()).is_empty() && candidates(dir.path()).is_empty());
    }
}

#[test]
fn the_likelihood_margin_is_kept_and_limits_preferences() {
    let run_with = |least: f64, y: Option<&str>| {
        let dir = tempfile::tempdir().expect("a directory");
        let config = config(|config| {
            config.other_share = 0.0;
            config.min_logp_margin = Some(least);
        });
        let mut seed = seed("a", false);
        if let Some(y) = y {
            seed.y = y.to_owned();
        }
        let model = Model::new(&|_, _| None);
        let summary = run(dir.path(), vec![seed], &model, &[], &config).expect("a run");
        (summary.dropped, preferences(dir.path()).first().and_then(|row| row.logp_margin))
    };
    let (_, margin) = run_with(0.05, None);
    // "cheerful" and "umbrella" are in the better instruction only.
    assert!(margin.is_some_and(|margin| (0.1..0.3).contains(&margin)), "{margin:?}");
    let (dropped, margin) = run_with(0.9, None);
    assert_eq!((dropped.get("margin/low_margin"), margin), (Some(&1), None));
    let special = format!("{Y} <|end|>");
    assert_eq!(run_with(0.0, Some(&special)).0.get("margin/unscored"), Some(&1));
}

#[test]
fn a_run_that_is_killed_after_any_answer_resumes_to_the_same_bytes() {
    let mut seeds = four();
    // One of them gives an input preference.
    seeds[2].task = "Describe a rainy street for a visitor, but vaguely.".to_owned();
    let script = |kind: &str, request: &Request| {
        let vague = kind == "other" && world::user(request).contains("vaguely");
        vague.then(|| said(world::rewrite("Describe a rainy street vaguely for a visitor.", &[])))
    };
    let config = config(|config| config.min_logp_margin = Some(-10.0));
    let whole = tempfile::tempdir().expect("a directory");
    let model = Model::new(&script);
    let summary = run(whole.path(), seeds.clone(), &model, &[], &config).expect("a run");
    assert_eq!((summary.candidates, summary.ungrouped), (3, 1), "{:?}", summary.dropped);
    let expected = bytes(whole.path());
    assert_eq!(expected.len(), 5);
    let all = model.asked.get();
    for answers in 0..all {
        let dir = tempfile::tempdir().expect("a directory");
        let model = Model::new(&script);
        model.left.set(answers);
        run(dir.path(), seeds.clone(), &model, &[], &config).expect_err("killed");
        model.left.set(usize::MAX);
        run(dir.path(), seeds.clone(), &model, &[], &config).expect("resumed");
        assert_eq!(bytes(dir.path()), expected, "killed after {answers} answers");
        assert_eq!(model.asked.get(), all, "no answer is asked for twice");
    }
    // Control: another answer gives other files.
    let dir = tempfile::tempdir().expect("a directory");
    let other = Model::new(&|kind, _| {
        (kind == "response").then(|| said("A cheerful dog and an umbrella, 欢快 小狗 雨伞."))
    });
    run(dir.path(), seeds, &other, &[], &config).expect("a run");
    assert_ne!(bytes(dir.path()), expected);
}

#[test]
fn text_that_looks_like_a_placeholder_stays_as_it_is() {
    let marks = "{{input}} {{constraints}} S_P G_R === user `````` {{words}}";
    let odd = FipoSeed {
        task: format!("Describe a rainy street for a visitor. {marks}"),
        input: Some("{{task}} IN".to_owned()),
        naive: Some("{{response}} NAIVE".to_owned()),
        ..seed("a", false)
    };
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    run(dir.path(), vec![odd], &model, &[], &config(|_| ())).expect("a run");
    let seen = model.seen.borrow();
    let (_, better) = seen.iter().find(|(kind, _)| kind == "better").expect("a request");
    assert!(better.contains(marks) && better.contains("{{task}} IN"), "{better}");
    assert_eq!(better.matches("IN\n").count(), 1, "the input is filled in once");
    assert_eq!(better.matches("Describe a rainy street").count(), 1);
    assert!(better.contains("\n```````\n"), "the fence is longer than any in the text");
}

#[test]
fn the_optional_modules_follow_the_draw() {
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    let seeds: Vec<FipoSeed> = (0..40).map(|at| seed(&at.to_string(), at % 2 == 1)).collect();
    let config = config(|config| config.seeds_per_part = 100);
    let summary = run(dir.path(), seeds, &model, &[], &config).expect("a run");
    let seen = model.seen.borrow();
    let prompts: Vec<&String> =
        seen.iter().filter(|(kind, _)| kind == "better").map(|(_, text)| text).collect();
    let shows = |text: &str, marks: [&str; 2]| marks.iter().any(|mark| text.contains(mark));
    let count = |naive: bool, reference: bool| {
        let found = prompts.iter().filter(|text| {
            shows(text, ["An ordinary model's response", "一般模型对这条指令的回答"]) == naive
                && shows(text, ["which the new instruction must not quote", "不得引用"])
                    == reference
        });
        found.count() as f64
    };
    for (name, naive, reference) in [
        ("neither", false, false),
        ("naive", true, false),
        ("reference", false, true),
        ("both", true, true),
    ] {
        let name = format!("modules/{name}");
        let metric = summary.metrics.iter().find(|row| row.name == name).expect("a counter");
        assert!(
            (metric.value - count(naive, reference)).abs() < 1e-9 && metric.value > 3.0,
            "{name}"
        );
    }
}

#[test]
fn a_weaker_model_writes_the_worse_instructions_only() {
    let (strong, weak, judge) =
        (Model::new(&|_, _| None), Model::new(&|_, _| None), Model::new(&|_, _| None));
    let dir = tempfile::tempdir().expect("a directory");
    let models = FipoModels {
        writer: &strong,
        worse: Some(&weak),
        judge: &judge,
        scorer: Some(&Scorer as &dyn LogProb),
    };
    let summary = run_with(dir.path(), four(), models, &[], &config(|_| ())).expect("a run");
    assert_eq!(summary.candidates, 4, "{:?}", summary.dropped);
    let kinds = |model: &Model<'_>| {
        let mut kinds: Vec<String> =
            model.seen.borrow().iter().map(|(kind, _)| kind.clone()).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    };
    assert_eq!(kinds(&strong), ["better", "response"]);
    assert_eq!(kinds(&weak), ["plain"]);
    let judged = ["judge-better-first", "judge-worse-first", "rating", "response-rating"];
    assert_eq!(kinds(&judge), judged);
}

#[test]
fn failed_requests_have_rows_and_too_many_end_the_run_after_writing() {
    let fails = |kind: &str, _: &Request| {
        (kind == "better").then(|| Err(Failure::new(FailureClass::Timeout, "no answer in time")))
    };
    let dir = tempfile::tempdir().expect("a directory");
    let limit = config(|config| config.max_failed_share = 0.05);
    let error = run(dir.path(), four(), &Model::new(&fails), &[], &limit).expect_err("too many");
    assert!(matches!(error, SynthError::TooManyFailed { .. }), "{error}");
    assert!(error.hint().is_some_and(|hint| hint.contains("`fipo.max_failed_share`")));
    let rows = responses(dir.path());
    assert_eq!(rows.len(), 4);
    assert!(rows.iter().all(|row| row.error.as_deref() == Some("timeout: no answer in time")));
    let summary = run(dir.path(), four(), &Model::new(&|_, _| None), &[], &limit).expect("a run");
    assert_eq!((summary.failed, summary.candidates), (0, 4));
}

#[test]
fn a_finished_run_without_one_of_its_files_writes_all_again() {
    let whole = tempfile::tempdir().expect("a directory");
    let run = |dir: &std::path::Path| {
        let model = Model::new(&|_, _| None);
        run(dir, four(), &model, &[], &config(|_| ())).map(|_| model.asked.get())
    };
    let asked = run(whole.path()).expect("a run");
    let expected = bytes(whole.path());
    assert_eq!(expected.len(), 5);
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
    run(dir.path(), four(), &model, &[], &config(|_| ())).expect("a run");
    let again = Model::new(&|_, _| None);
    run(dir.path(), four(), &again, &[], &config(|_| ())).expect("a finished run");
    assert_eq!(again.asked.get(), 0);
    let folder = dir.path().join("mine");
    std::fs::create_dir(&folder).expect("a directory");
    std::fs::write(folder.join("response.en.txt"), "=== user\n{{instruction}}").expect("written");
    let changed = config(|config| config.templates = Some(folder.clone()));
    run(dir.path(), four(), &again, &[], &changed).expect("a run");
    assert_eq!(again.asked.get(), model.asked.get());
}

#[test]
fn accepted_responses_of_a_run_are_the_seeds() {
    let dir = tempfile::tempdir().expect("a directory");
    let (instructions, rows) = (dir.path().join("i.parquet"), dir.path().join("r.parquet"));
    let provenance = iopo_schema::Provenance::new("test", serde_json::json!({}));
    let instruction = InstructionRow {
        id: "i".to_owned(),
        task_id: "t".to_owned(),
        task: "Describe a street.".to_owned(),
        input: None,
        constraints: ["Be brief.", "Be kind."]
            .map(|text| iopo_schema::ConstraintRow {
                text: text.to_owned(),
                constraint_type: "content".to_owned(),
                dimension: "theme".to_owned(),
                check: None,
            })
            .to_vec(),
        prompt: "Describe a street.\n1. Be brief.\n2. Be kind.\n".to_owned(),
        language: "en".to_owned(),
    };
    write(&instructions, &[instruction], &provenance).expect("written");
    let response =
        |instruction: &str, text: &str, accepted: bool, error: Option<&str>| ResponseRow {
            id: content_id(&[instruction, text]),
            instruction_id: instruction.to_owned(),
            task_id: "t".to_owned(),
            text: text.to_owned(),
            verdicts: vec![
                VerdictRow::new(true, Method::Judge, "yes"),
                VerdictRow::new(accepted, Method::Judge, "seen"),
            ],
            accepted,
            source: ResponseSource::Sampled,
            original: None,
            error: error.map(str::to_owned),
            generator: "model".to_owned(),
            sampling: "{}".to_owned(),
        };
    let all = [
        response("i", "", false, Some("timeout")),
        response("i", "No.", false, None),
        response("i", "Wet.", true, None),
        response("i", "Wet.", true, None),
    ];
    write(&rows, &all, &provenance).expect("written");
    let found = accepted_responses(&instructions, &rows, &BTreeMap::new()).expect("seeds");
    let wanted = FipoSeed {
        task_id: "t".to_owned(),
        task: "Describe a street.".to_owned(),
        input: None,
        y: "Wet.".to_owned(),
        naive: Some("No.".to_owned()),
        holds: vec!["Be brief.".to_owned(), "Be kind.".to_owned()],
        language: Some(TaskLanguage::En),
        generator: "model".to_owned(),
    };
    assert_eq!(found.seeds, [wanted]);
    let skipped = [("not_accepted".to_owned(), 2), ("repeated".to_owned(), 1)];
    assert_eq!(found.skipped, skipped.into());
    assert_eq!(found.inputs.len(), 2);
    let tagged = |tag: &str| {
        let languages = [("t".to_owned(), tag.to_owned())].into();
        accepted_responses(&instructions, &rows, &languages).expect("seeds")
    };
    assert_eq!(tagged("zh-Hans").seeds[0].language, Some(TaskLanguage::Zh));
    let french = tagged("fr");
    assert!(french.seeds.is_empty() && french.skipped.get("other_language") == Some(&2));
    write(&rows, &[response("j", "Wet.", true, None)], &provenance).expect("written");
    let error = accepted_responses(&instructions, &rows, &BTreeMap::new())
        .expect_err("another instruction");
    assert!(error.is_usage() && error.to_string().contains("the instruction j"), "{error}");
}

#[test]
fn the_language_of_a_task_outweighs_its_letters_and_the_setting() {
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    let english = FipoSeed { language: Some(TaskLanguage::En), ..seed("b", true) };
    let chinese = config(|config| config.language = iopo_synth::trace::TraceLanguage::Zh);
    run(dir.path(), vec![english, seed("c", true)], &model, &[], &chinese).expect("a run");
    let seen = model.seen.borrow();
    let better: Vec<&String> =
        seen.iter().filter(|(kind, _)| kind == "better").map(|(_, text)| text).collect();
    assert!(better[0].contains("Instruction to rewrite:"), "{}", better[0]);
    assert!(better[1].contains("要改写的指令："), "control: the task names no language");
}

#[test]
fn tasks_and_rewrites_that_overlap_with_a_tested_prompt_are_not_used() {
    let mut tested = OverlapIndex::new(8, 0.5);
    tested.add("Describe a rainy street for a visitor. Keep a cheerful tone. Mention an umbrella.");
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    let mut seeds = FipoSeeds::new(four(), [].into(), [].into());
    seeds.leave_out(&[("b".to_owned(), "ifeval".to_owned())].into());
    let models = FipoModels {
        writer: &model,
        worse: None,
        judge: &model,
        scorer: Some(&Scorer as &dyn LogProb),
    };
    let run = |tested: Option<&OverlapIndex>| {
        let summary = run_tested(dir.path(), seeds.clone(), models, &[], &config(|_| ()), tested);
        summary.expect("a run")
    };
    let made = run(Some(&tested));
    assert_eq!(made.dropped.get("better/contaminated"), Some(&2), "{:?}", made.dropped);
    assert_eq!((made.seeds, made.candidates), (3, 1));
    let value = |name: &str| made.metrics.iter().find(|row| row.name == name).map(|row| row.value);
    assert_eq!(value("contaminated/ifeval"), Some(1.0));
    assert!(preferences(dir.path()).iter().all(|row| row.seed_id == "d"));
    let control = run(None);
    assert_eq!((control.seeds, control.candidates), (3, 3), "the prompts are an input");
}

#[test]
fn a_refused_second_response_and_an_unread_rating_have_rows() {
    for (kind, text, error, rated) in [
        ("rating", "Good.", Some("unjudged"), false),
        ("response-rating", "Good.", Some("unjudged"), false),
        ("response", "nur Hunde", None, true),
        ("response", "只有小狗和雨伞。", Some("language"), false),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let script = |found: &str, _: &Request| (found == kind).then(|| said(text));
        let model = Model::new(&script);
        let summary =
            run(dir.path(), vec![seed("a", false)], &model, &[], &config(|_| ())).expect("a run");
        assert_eq!((summary.preferences, summary.candidates), (1, 0), "{:?}", summary.dropped);
        let rows = responses(dir.path());
        assert!(rows.iter().all(|row| !row.accepted), "{rows:?}");
        let failed = |row: &&ResponseRow| {
            row.error.as_deref().map(|text| text.split(':').next()) == error.map(Some)
        };
        assert!(rows.iter().any(|row| failed(&row)), "{kind}: {rows:?}");
        let instructions: Vec<InstructionRow> =
            read(&dir.path().join("out/instructions.parquet")).expect("rows");
        if kind == "rating" {
            assert_eq!((rows.len(), instructions.len()), (1, 0));
            continue;
        }
        let second = rows.iter().find(|row| !row.text.is_empty()).expect("the response");
        assert_eq!(second.instruction_id, instructions[0].id);
        assert_eq!(second.verdicts.len(), if rated { 4 } else { 0 }, "{kind}");
        let counted = summary.metrics.iter().any(|row| row.name.starts_with("refused_responses/"));
        assert!(counted);
    }
}

#[test]
fn responses_that_cannot_be_used_are_an_error_before_any_request() {
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    let error = run(dir.path(), Vec::new(), &model, &[], &config(|_| ())).expect_err("none");
    assert!(error.to_string().contains("found no usable response"), "{error}");
    let error = run(dir.path(), four(), &model, &["no_such_kind"], &config(|_| ()));
    assert!(error.expect_err("a kind").to_string().contains("no_such_kind"));
    let error = run(dir.path(), four(), &model, &[], &config(|c| c.max_words = 1));
    assert!(error.expect_err("a setting").to_string().starts_with("`fipo.max_words`"));
    assert_eq!(model.asked.get(), 0);
    assert!(!dir.path().join("out").exists());
}
