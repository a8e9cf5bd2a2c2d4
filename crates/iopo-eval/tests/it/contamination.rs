//! Which tasks and rows overlap with prompts of a benchmark, on made-up and on published prompts.

use std::path::{Path, PathBuf};

use iopo_constraints::{Kind, from_text};
use iopo_eval::ifeval::{self, Ifeval, Mode};
use iopo_eval::{
    BenchmarkConfig, BenchmarkRun, ContaminationConfig, EvalConfig, EvalError, PUBLISHED,
    TestPrompt, TestTask, TestedPrompts, TrainingFiles, draw_prompts,
    refuse_held_out_input_preferences,
};
use iopo_llm::Silent;
use iopo_schema::{ConstraintRow, InputPreferenceRow, Provenance, Split, TurnRole, TurnRow};
use serde_json::Value;

use crate::common;

/// A prompt of a benchmark.
const PROMPT: &str = "Write a short guide for people who want to keep bees on a roof in a large city. \
    Mention at least two risks for the neighbors. Your answer must not contain any commas.";

fn tested(prompts: &[&str]) -> TestedPrompts {
    let mut tested = TestedPrompts::new(ContaminationConfig::default());
    let rows: Vec<TestPrompt> =
        prompts.iter().enumerate().map(|(key, text)| prompt(key, text)).collect();
    tested.add_prompts(&rows);
    tested
}

fn prompt(key: usize, text: &str) -> TestPrompt {
    TestPrompt {
        benchmark: "ifeval".to_owned(),
        key: key.to_string(),
        task_id: String::new(),
        prompt: text.to_owned(),
        constraints: Vec::new(),
    }
}

#[test]
fn a_run_is_refused_by_the_tasks_instructions_and_turns_that_overlap() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data.jsonl");
    let line = serde_json::json!({
        "key": 7, "prompt": PROMPT, "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}],
    });
    std::fs::write(&data, line.to_string()).expect("written");
    let mut config = BenchmarkConfig::new(&data, folder.path().join("out"));
    config.trained_in = vec![folder.path().to_owned()];
    let ifeval = Ifeval::new(Mode::Paper);
    let prepare =
        |config: &BenchmarkConfig| BenchmarkRun::prepare(&ifeval, config, &Silent).map(drop);
    let provenance = Provenance::new("test 1", serde_json::json!({}));
    let write = |group: &iopo_schema::PreferenceRow| {
        let path = folder.path().join("preferences.parquet");
        iopo_schema::write(&path, std::slice::from_ref(group), &provenance).expect("written");
    };
    let clean = common::group("train-00", Split::Train);
    write(&clean);
    prepare(&config).expect("no overlap");

    let changed = PROMPT.to_lowercase().replace("roof", "balcony");
    let mut of_task = clean.clone();
    of_task.task = changed.clone();
    let mut of_instruction = clean.clone();
    of_instruction.x1 = format!("{changed} Answer in two paragraphs.");
    let mut of_turn = clean.clone();
    of_turn.context = vec![TurnRow { role: TurnRole::User, content: changed.clone() }];
    for group in [&of_task, &of_instruction, &of_turn] {
        write(group);
        let Err(EvalError::BenchmarkInTraining { tasks: 1, first }) = prepare(&config) else {
            panic!("not refused: {group:?}");
        };
        assert_eq!((first.task_id.as_str(), first.key.as_str()), ("train-00", "7"));
        assert!(
            first.prompt_share > 0.9 && first.passage.contains("for the neighbors"),
            "{first:?}"
        );
    }
    let error = prepare(&config).expect_err("refused").to_string();
    assert!(error.contains("task `train-00`") && error.contains("prompt `7` of ifeval"), "{error}");
    // A longer n-gram no longer finds the prompt with a changed word.
    config.contamination.ngram = 50;
    prepare(&config).expect("no run of 50 words");

    config.contamination = ContaminationConfig::default();
    write(&clean);
    let mut rows = common::instructions(&clean).to_vec();
    rows[1].prompt = changed;
    let path = folder.path().join("instructions.parquet");
    iopo_schema::write(&path, &rows, &provenance).expect("written");
    let result = prepare(&config);
    assert!(matches!(result, Err(EvalError::BenchmarkInTraining { .. })), "{result:?}");
}

#[test]
fn training_rows_that_overlap_with_a_test_task_are_refused_and_rows_of_the_test_split_are_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let [instructions, preferences] =
        ["instructions.parquet", "preferences.parquet"].map(|name| folder.path().join(name));
    let provenance = Provenance::new("test 1", serde_json::json!({}));
    let ask = "Say in one sentence whether the author of the review below recommends the film.";
    let review = "The plot is thin, but the two actors carry it, and I laughed more than once.";
    let mut tested = TestedPrompts::new(ContaminationConfig::default());
    let task = |id: &str, task: &str, input: Option<&str>| TestTask {
        id: id.to_owned(),
        task: task.to_owned(),
        input: input.map(str::to_owned),
    };
    tested.add_task(&task("bees", PROMPT, None));
    tested.add_task(&task("film", ask, Some(review)));
    let check = |group: &iopo_schema::PreferenceRow, split, with_instructions: bool| {
        iopo_schema::write(&preferences, std::slice::from_ref(group), &provenance).expect("groups");
        let mut rows = common::instructions(group).to_vec();
        if !with_instructions {
            rows.clear();
        }
        iopo_schema::write(&instructions, &rows, &provenance).expect("instructions");
        let files = TrainingFiles {
            instructions: Some(instructions.clone()),
            preferences: preferences.clone(),
            splits: [(group.task_id.clone(), split)].into(),
        };
        tested.refuse_training(&files, Split::Test)
    };
    let clean = common::group("train-00", Split::Train);
    check(&clean, Split::Train, true).expect("no overlap");

    let changed = PROMPT.to_lowercase().replace("roof", "balcony");
    let mut copy = clean.clone();
    copy.task.clone_from(&changed);
    let Err(EvalError::TestTasksInTraining { tasks: 1, first }) = check(&copy, Split::Train, false)
    else {
        panic!("not refused");
    };
    assert_eq!((first.task_id.as_str(), first.key.as_str()), ("train-00", "bees"));
    let error = check(&copy, Split::Train, false).expect_err("refused").to_string();
    assert!(error.contains("task `train-00`") && error.contains("test task `bees`"), "{error}");
    let mut written = clean.clone();
    written.x1 = format!("{changed} Answer in two paragraphs.");
    check(&written, Split::Train, false).expect_err("an instruction");

    // Nothing is trained on groups of the test split. An instruction counts by the split of its task.
    copy.split = Split::Test;
    check(&copy, Split::Test, true).expect("not trained on");
    check(&copy, Split::Dev, false).expect("no instruction");
    check(&copy, Split::Dev, true).expect_err("an instruction of a dev task");

    // The same request about another input is no copy, and neither are its instructions.
    let mut other = clean.clone();
    other.task = ask.to_owned();
    other.input = Some("I fell asleep.".to_owned());
    other.x1 = format!("{ask} Use at most 30 words.\n\nI fell asleep.");
    check(&other, Split::Train, true).expect("another input");
    other.input = Some(review.to_uppercase());
    check(&other, Split::Train, true).expect_err("the same input");
}

#[test]
fn input_preferences_are_refused_by_their_tasks_instructions_and_kinds() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("input_preferences.parquet");
    let clean = common::input_preference();
    let write = |row: &InputPreferenceRow| {
        let provenance = Provenance::new("test 1", serde_json::json!({}));
        iopo_schema::write(&path, std::slice::from_ref(row), &provenance).expect("written");
    };
    let held_out = [Kind::MaxWords, Kind::MaxChars].into();
    let check = |row: &InputPreferenceRow| {
        write(row);
        tested(&[PROMPT]).refuse_input_preferences(&path)?;
        refuse_held_out_input_preferences(&path, &held_out)
    };
    check(&clean).expect("no overlap");
    let copied = PROMPT.to_uppercase().replace("ROOF", "balcony");
    for change in [
        |row: &mut InputPreferenceRow, text: &str| text.clone_into(&mut row.task),
        |row: &mut InputPreferenceRow, text: &str| text.clone_into(&mut row.x_better),
        |row: &mut InputPreferenceRow, text: &str| text.clone_into(&mut row.x_worse),
    ] {
        let mut row = clean.clone();
        change(&mut row, &copied);
        let Err(EvalError::InputPreferencesInTraining { rows: 1, first, .. }) = check(&row) else {
            panic!("not refused: {row:?}");
        };
        assert_eq!((first.task_id.as_str(), first.key.as_str()), ("bread", "0"));
        // Rows of other splits are not trained on.
        row.split = Split::Test;
        check(&row).expect("not trained on");
    }
    let limit = "Use at most 40 words.";
    for change in [
        |row: &mut InputPreferenceRow, text: &str| row.x_worse = format!("Be nice! {text} Thanks."),
        |row: &mut InputPreferenceRow, text: &str| {
            row.better_constraints = vec![ConstraintRow {
                text: text.to_owned(),
                constraint_type: "style".to_owned(),
                dimension: "numerical".to_owned(),
                check: None,
            }];
        },
    ] {
        let mut row = clean.clone();
        change(&mut row, limit);
        let error = check(&row).expect_err("held out").to_string();
        assert!(error.contains("`max_words` is held out"), "{error}");
    }
    // A held-out kind among the clauses of a sentence, and among the parts of a check.
    let joint = from_text("使用编号列表，全文不超过100字").expect("two clauses");
    assert_eq!(joint.kind(), Kind::AllOf);
    for (stated, is_held_out) in
        [("使用编号列表，全文不超过100字。", true), ("使用编号列表。", false)]
    {
        let row = InputPreferenceRow { x_worse: format!("写诗。{stated}"), ..clean.clone() };
        assert_eq!(check(&row).is_err(), is_held_out, "{stated}");
    }
    let mut row = clean.clone();
    row.worse_constraints = vec![ConstraintRow::from_constraint(&joint, 0)];
    row.worse_constraints[0].text = "One sentence.".to_owned();
    let error = check(&row).expect_err("held out").to_string();
    assert!(error.contains("`max_chars` is held out"), "{error}");
    let mut config = BenchmarkConfig::new(folder.path().join("data"), folder.path().join("out"));
    config.input_preferences = vec![path.clone()];
    let line = serde_json::json!({
        "key": 7, "prompt": PROMPT, "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}],
    });
    std::fs::write(&config.data, line.to_string()).expect("written");
    write(&InputPreferenceRow { task: copied, ..clean });
    let result = BenchmarkRun::prepare(&Ifeval::new(Mode::Paper), &config, &Silent).map(drop);
    assert!(matches!(result, Err(EvalError::InputPreferencesInTraining { .. })), "{result:?}");
}

#[test]
fn settings_out_of_their_range_are_refused_by_name() {
    for (ngram, share, key) in
        [(3, 0.5, "ngram"), (51, 0.5, "ngram"), (8, 0.0, "share"), (8, 1.1, "share")]
    {
        let mut config = EvalConfig::default();
        (config.contamination.ngram, config.contamination.share) = (ngram, share);
        let error = config.validate().expect_err("refused").to_string();
        assert!(error.starts_with(&format!("`eval.contamination.{key}`")), "{error}");
    }
    let mut config = EvalConfig::default();
    assert!(config.named_benchmarks().is_empty());
    config.data.insert("ifeval".to_owned(), "data.jsonl".to_owned());
    assert_eq!(config.named_benchmarks().len(), 1, "configured data counts without an evaluation");
}

#[test]
fn constraints_of_the_synthesis_do_not_make_a_prompt_of_a_benchmark() {
    // Prompts with the sentences of many kinds of constraints; only their tasks are unlike the prompt.
    let mut config = common::config();
    (config.seen_per_task, config.unseen_per_task) = (8, 4);
    let tasks = common::tasks(40);
    let drawn = draw_prompts(&tasks, &common::seen_kinds(&config), &config).expect("prompts");
    let tested = tested(&[
        PROMPT,
        "Write a poem about a fox. Your entire response should be in English, and no other language is allowed. \
         Finish your response with this exact phrase: Is there anything else I can help with?",
        "Explain how a lock works. Your answer must contain exactly 3 bullet points. Use the markdown bullets such as: * This is point 1.",
    ]);
    assert!(drawn.len() > 300);
    let found = drawn.iter().find_map(|row| tested.find_copied(&row.task_id, &row.prompt));
    assert_eq!(found, None);
}

#[test]
fn prompts_of_judged_benchmarks_are_found() {
    let folder = tempfile::tempdir().expect("folder");
    let data = folder.path().join("trace.jsonl");
    let task =
        "Write a note to the neighbors about the loud renovation that starts next Monday at seven.";
    let row = serde_json::json!({
        "id": "7",
        "messages": [{"role": "user", "content": format!("{task}\n1. Be polite.")}],
        "description": task,
        "constraints_splits": ["Be polite."],
        "constraints_num": 1,
        "input": null,
        "levels2": ["Tone"],
    });
    std::fs::write(&data, format!("{row}\n")).expect("written");
    let trace = PUBLISHED.iter().find(|benchmark| benchmark.id == "trace").expect("listed");
    let mut tested = TestedPrompts::new(ContaminationConfig::default());
    tested.add_published(trace, &data).expect("read");
    assert_eq!(tested.len(), 1);
    let found = tested.find("a", task, None).expect("a copy");
    assert_eq!((found.benchmark.as_str(), found.key.as_str()), ("trace", "7"));
    assert!(tested.find("b", "Describe how a lock works to a child of seven.", None).is_none());
    std::fs::write(&data, "{}\n").expect("written");
    assert!(tested.add_published(trace, &data).is_err(), "a damaged file is refused");
}

/// Returns a folder of published files, if it is there.
fn published() -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    data.is_dir().then_some(data)
}

fn lines(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).expect("readable");
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn field(row: &Value, name: &str) -> String {
    row[name].as_str().unwrap_or_default().to_owned()
}

/// The seeds that the recipes of this project and of others start from, with their inputs.
fn seeds(data: &Path) -> Vec<TestTask> {
    let mut seeds = Vec::new();
    for name in [
        "self_instruct_seed_tasks.jsonl",
        "self_instruct_user_oriented_252.jsonl",
        "belle_zh_seed_tasks.json",
    ] {
        for row in lines(&data.join("seeds").join(name)) {
            let input =
                Some(field(&row["instances"][0], "input")).filter(|input| !input.is_empty());
            let id = format!("{name} {}", field(&row, "id"));
            seeds.push(TestTask { id, task: field(&row, "instruction"), input });
        }
    }
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../iopo/data/tasks.jsonl");
    for row in lines(&built_in) {
        let input = row["input"].as_str().map(str::to_owned);
        seeds.push(TestTask { id: field(&row, "id"), task: field(&row, "task"), input });
    }
    seeds
}

/// The prompts of IFEval and TRACE.
fn benchmarks(data: &Path) -> [(&'static str, Vec<String>); 2] {
    let ifeval = lines(&data.join("ifeval/input_data.jsonl"));
    let trace = lines(&data.join("trace/trace_evaluation.jsonl"));
    let user = |row: &Value| {
        let last = row["messages"].as_array().and_then(|turns| turns.last());
        last.map(|turn| field(turn, "content")).unwrap_or_default()
    };
    [
        ("IFEval", ifeval.iter().map(|row| field(row, "prompt")).collect()),
        ("TRACE", trace.iter().map(user).collect()),
    ]
}

#[test]
fn no_seed_overlaps_with_a_published_benchmark() {
    let Some(data) = published() else {
        eprintln!("skipped: the published files are not here");
        return;
    };
    let seeds = seeds(&data);
    assert!(seeds.len() > 1_000, "{}", seeds.len());
    for (name, prompts) in benchmarks(&data) {
        let texts: Vec<&str> = prompts.iter().map(String::as_str).collect();
        let tested = tested(&texts);
        let found: Vec<_> = seeds
            .iter()
            .filter_map(|seed| tested.find(&seed.id, &seed.task, seed.input.as_deref()))
            .collect();
        eprintln!(
            "{name}: {} of {} seeds overlap with {} prompts",
            found.len(),
            seeds.len(),
            prompts.len()
        );
        assert!(found.is_empty(), "{name}: {found:?}");
    }
    let mut own = TestedPrompts::new(ContaminationConfig::default());
    let (first, others) = seeds.split_at(seeds.len() / 5);
    for seed in first {
        own.add_task(seed);
    }
    let near: Vec<_> = others
        .iter()
        .filter_map(|seed| own.find(&seed.id, &seed.task, seed.input.as_deref()))
        .map(|row| (row.task_id, row.key))
        .collect();
    eprintln!(
        "{} of {} seeds are near duplicates of the first {}: {near:?}",
        near.len(),
        others.len(),
        first.len()
    );
}

/// Changes of a prompt that hide it from a comparison for equality.
fn changes(text: &str, unit: &str) -> [(&'static str, Vec<String>); 4] {
    let replace = |every: usize, at: usize| -> String {
        let mut count = 0;
        let mut changed = String::new();
        let is_chinese = unit.chars().all(|c| !c.is_ascii());
        let parts: Vec<String> = if is_chinese {
            text.chars().map(String::from).collect()
        } else {
            text.split_inclusive(' ').map(str::to_owned).collect()
        };
        for part in parts {
            let counts = part.chars().any(char::is_alphabetic) && (!is_chinese || !part.is_ascii());
            if counts && count % every == at % every {
                changed.push_str(unit);
                changed.push_str(if is_chinese { "" } else { " " });
            } else {
                changed.push_str(&part);
            }
            count += usize::from(counts);
        }
        changed
    };
    let number = text.chars().filter(|c| c.is_alphabetic()).count().max(1);
    let mut sentences: Vec<&str> =
        text.split_inclusive(['.', '?', '!', '。', '；', '\n']).collect();
    sentences.reverse();
    [
        ("case and punctuation", vec![text.to_uppercase().replace([',', '.', '，', '。'], " ")]),
        ("one word", (0..3).map(|third| replace(number, third * number / 30)).collect()),
        ("reversed sentences", vec![sentences.join(" ")]),
        ("every fifteenth word", vec![replace(15, 7)]),
    ]
}

#[test]
fn changed_prompts_of_published_benchmarks_are_found() {
    let Some(data) = published() else {
        eprintln!("skipped: the published files are not here");
        return;
    };
    for ((name, prompts), unit) in benchmarks(&data).into_iter().zip(["zebra", "鬯"]) {
        let texts: Vec<&str> = prompts.iter().map(String::as_str).collect();
        let tested = tested(&texts);
        let mut rates: Vec<(&str, usize, usize)> = Vec::new();
        for text in &texts {
            for (at, (change, changed)) in changes(text, unit).into_iter().enumerate() {
                if rates.len() == at {
                    rates.push((change, 0, 0));
                }
                for changed in changed {
                    rates[at].1 += usize::from(tested.find("a", &changed, None).is_some());
                    rates[at].2 += 1;
                }
            }
        }
        for (change, found, all) in rates {
            let share = found as f64 / all as f64;
            eprintln!("{name}, {change}: {found} of {all} found");
            assert!(share >= 0.93, "{name}, {change}: {found} of {all}");
        }
    }
    assert_eq!(ifeval::ID, "ifeval");
}
