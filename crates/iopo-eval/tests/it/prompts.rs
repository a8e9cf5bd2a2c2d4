//! Which prompts the held-out benchmark draws, and which leaks it refuses.

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::ifeval::Mode;
use iopo_constraints::{Constraint, Kind};
use iopo_eval::ifeval::Ifeval;
use iopo_eval::{
    BenchmarkConfig, BenchmarkRun, EvalConfig, EvalError, TestTask, TrainingRows, draw_prompts,
    refuse_leaks, refuse_shared_tasks, test_prompts, write_prompts,
};
use iopo_llm::Silent;
use iopo_schema::{
    ConstraintRow, InstructionRow, PreferenceRow, Provenance, Split, TestPromptRow, TurnRole,
    TurnRow,
};

use crate::common;

fn draw(tasks: usize, config: &EvalConfig) -> Vec<TestPromptRow> {
    draw_prompts(&common::tasks(tasks), &common::seen_kinds(config), config).expect("prompts")
}

fn ids(prompt: &TestPromptRow) -> Vec<&str> {
    prompt
        .constraints
        .iter()
        .map(|row| row.check.as_ref().expect("checkable").id.as_str())
        .collect()
}

fn is_held_out(prompt: &TestPromptRow, config: &EvalConfig) -> bool {
    ids(prompt).iter().any(|id| config.held_out.iter().any(|held| held == id))
}

#[test]
fn seen_and_held_out_kinds_are_in_different_prompts() {
    let config = common::config();
    let prompts = draw(6, &config);
    assert_eq!(prompts.len(), 6 * (config.seen_per_task + config.unseen_per_task));
    let keys: BTreeSet<&str> = prompts.iter().map(|prompt| prompt.key.as_str()).collect();
    assert_eq!(keys.len(), prompts.len());
    let (unseen, seen): (Vec<&TestPromptRow>, Vec<&TestPromptRow>) =
        prompts.iter().partition(|prompt| is_held_out(prompt, &config));
    assert_eq!((seen.len(), unseen.len()), (12, 12));
    for prompt in unseen {
        assert!(ids(prompt).iter().all(|id| config.held_out.iter().any(|held| held == id)));
    }
    for prompt in &prompts {
        assert!((1..=3).contains(&prompt.constraints.len()));
        assert!(prompt.prompt.starts_with(&prompt.task));
        for row in &prompt.constraints {
            assert!(prompt.prompt.contains(&row.text));
            let check = row.check.as_ref().expect("checkable");
            Constraint::from_parts(&check.id, &check.params)
                .expect("a constraint that can be checked");
        }
    }
}

#[test]
fn every_seen_kind_occurs_and_no_other() {
    let mut config = common::config();
    (config.seen_per_task, config.unseen_per_task) = (8, 0);
    let seen = common::seen_kinds(&config);
    let prompts = draw(90, &config);
    let drawn: BTreeSet<&str> = prompts.iter().flat_map(ids).collect();
    assert_eq!(drawn, seen.iter().map(|kind| kind.id()).collect());
    let counts: BTreeSet<usize> = prompts.iter().map(|prompt| prompt.constraints.len()).collect();
    assert_eq!(counts, [1, 2, 3].into());
}

#[test]
fn without_held_out_kinds_there_is_no_unseen_prompt() {
    let mut config = common::config();
    config.held_out.clear();
    assert_eq!(draw(3, &config).len(), 3 * config.seen_per_task);
}

#[test]
fn prompts_depend_on_seed_kinds_and_task_alone() {
    let mut config = common::config();
    let few = draw(3, &config);
    assert!(few.iter().all(|prompt| draw(9, &config).contains(prompt)));
    let (mut tasks, mut seen) = (common::tasks(3), common::seen_kinds(&config));
    tasks.reverse();
    seen.reverse();
    assert_eq!(draw_prompts(&tasks, &seen, &config).expect("prompts"), few);
    // Controls: another seed, other kinds and another task give other prompts.
    let drawn = seen.iter().position(|kind| kind.is_drawn()).expect("a kind that is drawn");
    let mut fewer = seen.clone();
    fewer.remove(drawn);
    assert_ne!(draw_prompts(&tasks, &fewer, &config).expect("prompts"), few);
    tasks[0].task.push_str(" Briefly.");
    assert_ne!(draw_prompts(&tasks, &seen, &config).expect("prompts"), few);
    config.seed = 8;
    assert_ne!(draw(3, &config), few);
}

#[test]
fn a_limit_takes_prompts_from_every_task() {
    let mut config = common::config();
    config.max_prompts = 10;
    let all = draw(6, &common::config());
    let prompts = draw(6, &config);
    assert_eq!(prompts.len(), 10);
    assert!(prompts.iter().all(|prompt| all.contains(prompt)));
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for prompt in &prompts {
        *counts.entry(&prompt.task_id).or_default() += 1;
    }
    assert_eq!(counts.len(), 6);
    assert!(counts.values().all(|count| (1..=2).contains(count)), "{counts:?}");
}

#[test]
fn every_kind_can_be_held_out_and_drawn() {
    for kind in Kind::ALL {
        let mut config = common::config();
        config.held_out = vec![kind.id().to_owned()];
        let prompts = draw(2, &config);
        let drawn = prompts.iter().filter(|prompt| ids(prompt) == [kind.id()]).count();
        assert!(drawn >= 2, "{kind}: {drawn}");
    }
}

#[test]
fn a_file_holds_the_prompts_and_is_written_again_for_other_settings_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test_prompts.parquet");
    let mut config = common::config();
    let write = |config: &EvalConfig| {
        let rows = write_prompts(&common::tasks(3), &common::seen_kinds(config), config, &path)
            .expect("written");
        assert_eq!(iopo_schema::read::<TestPromptRow>(&path).expect("rows"), rows);
        std::fs::read(&path).expect("bytes")
    };
    let first = write(&config);
    assert_eq!(write(&config), first);
    config.seed += 1;
    assert_ne!(write(&config), first);
}

#[test]
fn tasks_that_cannot_be_tested_are_refused() {
    let (config, seen) = (common::config(), common::seen_kinds(&common::config()));
    let draw = |tasks: &[TestTask], seen: &[Kind]| draw_prompts(tasks, seen, &config);
    assert!(matches!(draw(&[], &seen), Err(EvalError::NoTestTasks)));
    let twice = [common::tasks(1), common::tasks(1)].concat();
    assert!(matches!(draw(&twice, &seen), Err(EvalError::DuplicateKey { .. })));
    let both = [seen.as_slice(), &[Kind::EndsWithQuestion]].concat();
    let error = draw(&common::tasks(1), &both).expect_err("seen and held out");
    assert!(error.to_string().contains("`ends_with_question` is held out"), "{error}");
}

fn leaks(groups: &[PreferenceRow], config: &EvalConfig) -> Result<(), EvalError> {
    let instructions: Vec<InstructionRow> = groups.iter().flat_map(common::instructions).collect();
    let held_out = config.held_out_kinds().expect("known");
    let splits = BTreeMap::new();
    let rows = TrainingRows { instructions: &instructions, groups, splits: &splits };
    refuse_leaks(&draw(3, &common::config()), Split::Test, rows, &held_out)
}

#[test]
fn an_instruction_of_a_test_task_in_another_split_is_refused_without_any_group() {
    let groups = common::groups(0, 3);
    let instructions: Vec<InstructionRow> = groups.iter().flat_map(common::instructions).collect();
    let check = |split| {
        let splits: BTreeMap<String, Split> =
            groups.iter().map(|group| (group.task_id.clone(), split)).collect();
        let rows = TrainingRows { instructions: &instructions, groups: &[], splits: &splits };
        refuse_leaks(&draw(3, &common::config()), Split::Test, rows, &BTreeSet::new())
    };
    check(Split::Test).expect("instructions of the test split are not trained on");
    assert!(matches!(check(Split::Train), Err(EvalError::TaskInTwoSplits { .. })));
}

#[test]
fn a_test_task_among_the_tasks_of_another_split_is_refused_before_there_are_instructions() {
    let check = |id: &str, task: &str, split| {
        let task = TestTask { id: id.to_owned(), task: task.to_owned(), input: None };
        let splits = [(id.to_owned(), split)].into();
        refuse_shared_tasks(&draw(3, &common::config()), Split::Test, &[task], &splits)
    };
    let result = check("test-01", "Another text.", Split::Train);
    assert!(matches!(result, Err(EvalError::TaskInTwoSplits { .. })), "{result:?}");
    let result = check("other", "describe  TEST-01", Split::Dev);
    assert!(matches!(result, Err(EvalError::TaskInTraining { .. })), "{result:?}");
    // Controls: a task of the test split, and another task.
    check("test-01", "Describe test-01.", Split::Test).expect("a test task");
    check("other", "Describe rain.", Split::Train).expect("another task");
    let none = refuse_shared_tasks(
        &draw(3, &common::config()),
        Split::Test,
        &common::tasks(2),
        &BTreeMap::new(),
    );
    none.expect("tasks without a split are not compared");
}

#[test]
fn groups_of_the_test_tasks_may_be_in_the_test_split_only() {
    let config = common::config();
    leaks(&common::groups(2, 3), &config).expect("no leak");
    for split in [Split::Train, Split::Dev] {
        let mut groups = common::groups(2, 3);
        groups.push(PreferenceRow { id: "other".to_owned(), ..common::group("test-01", split) });
        let result = leaks(&groups, &config);
        assert!(
            matches!(&result, Err(EvalError::TaskInTwoSplits { task_id, .. }) if task_id == "test-01"),
            "{result:?}"
        );
    }
}

#[test]
fn a_test_task_under_another_id_is_refused() {
    let mut groups = common::groups(2, 3);
    groups[0].task = "describe  TEST-01".to_owned();
    let result = leaks(&groups, &common::config());
    assert!(
        matches!(&result, Err(EvalError::TaskInTraining { test_task, other_task, .. })
            if test_task == "test-01" && other_task == "train-00"),
        "{result:?}"
    );
    // Controls: other words, and the same words with another input, are another task.
    groups[0].task = "Describe test-01 and test-02.".to_owned();
    leaks(&groups, &common::config()).expect("another task");
    groups[0].task = "Describe test-01.".to_owned();
    groups[0].input = Some("A text.".to_owned());
    leaks(&groups, &common::config()).expect("another input");
}

#[test]
fn a_test_prompt_that_was_trained_on_is_refused() {
    let mut groups = common::groups(2, 3);
    groups[0].x1 = draw(3, &common::config())[0].prompt.clone();
    let result = leaks(&groups, &common::config());
    assert!(matches!(result, Err(EvalError::PromptInTraining { .. })), "{result:?}");
}

#[test]
fn a_test_prompt_or_task_in_an_earlier_turn_is_refused() {
    let turn = |role, content: &str| vec![TurnRow { role, content: content.to_owned() }];
    let prompt = draw(3, &common::config())[0].prompt.clone();
    let mut groups = common::groups(2, 3);
    groups[0].context = turn(TurnRole::User, &prompt);
    let result = leaks(&groups, &common::config());
    assert!(matches!(result, Err(EvalError::PromptInTraining { .. })), "{result:?}");
    groups[0].context = turn(TurnRole::User, "describe  TEST-01");
    let result = leaks(&groups, &common::config());
    assert!(matches!(result, Err(EvalError::TaskInTraining { .. })), "{result:?}");
    // Controls: a turn of the model, and another request.
    groups[0].context = turn(TurnRole::Assistant, &prompt);
    leaks(&groups, &common::config()).expect("no text of the user");
    groups[0].context = turn(TurnRole::User, "Describe rain.");
    leaks(&groups, &common::config()).expect("another request");
}

#[test]
fn a_benchmark_prompt_in_an_earlier_turn_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data.jsonl");
    let prompt = r#"{"key": 1, "prompt": "Name a tea.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}"#;
    std::fs::write(&data, prompt).expect("written");
    let mut config = BenchmarkConfig::new(&data, folder.path().join("out"));
    config.trained_in = vec![folder.path().to_owned()];
    let mut group = common::group("train-00", Split::Train);
    let mut prepare = |role| {
        group.context = vec![TurnRow { role, content: "Name a tea.\n".to_owned() }];
        let path = folder.path().join("preferences.parquet");
        let provenance = Provenance::new("test 1", serde_json::json!({}));
        iopo_schema::write(&path, std::slice::from_ref(&group), &provenance).expect("written");
        BenchmarkRun::prepare(&Ifeval::new(Mode::Paper), &config, &Silent).map(drop)
    };
    let result = prepare(TurnRole::User);
    assert!(matches!(result, Err(EvalError::BenchmarkInTraining { .. })), "{result:?}");
    prepare(TurnRole::Assistant).expect("no text of the user");
}

#[test]
fn a_held_out_kind_in_synthesis_is_refused() {
    let mut config = common::config();
    config.held_out = vec!["question".to_owned()];
    let error = leaks(&common::groups(2, 3), &config).expect_err("held out and seen").to_string();
    assert!(error.contains("`question` is held out"), "{error}");
    let held_out = config.held_out_kinds().expect("known");
    let (groups, splits) = (common::groups(0, 2), BTreeMap::new());
    let rows = TrainingRows { instructions: &[], groups: &groups, splits: &splits };
    let error = refuse_leaks(&[], Split::Test, rows, &held_out).expect_err("in a group");
    assert!(error.to_string().contains("a test group"), "{error}");

    // The held-out kind is a part of a constraint, or another kind is.
    for (part, is_held_out) in [("question", true), ("exclamation", false)] {
        let params = format!(
            r#"{{"parts":[{{"id":"no_digits","params":{{}}}},{{"id":"{part}","params":{{}}}}]}}"#
        );
        let joint = Constraint::from_parts("all_of", &params).expect("two parts");
        let mut groups = common::groups(0, 1);
        for group in &mut groups {
            group.x1_constraints = vec![ConstraintRow::from_constraint(&joint, 0)];
            group.x2_constraints.clear();
        }
        let rows = TrainingRows { instructions: &[], groups: &groups, splits: &splits };
        let result = refuse_leaks(&[], Split::Test, rows, &held_out);
        assert_eq!(result.is_err(), is_held_out, "{part}: {result:?}");
    }
}

#[test]
fn a_benchmark_has_the_prompts_in_the_order_of_the_file() {
    let rows = draw(3, &common::config());
    let prompts = test_prompts(&rows);
    assert!(prompts.iter().all(|prompt| prompt.benchmark == "heldout"));
    let keys = |keys: Vec<&String>| keys.into_iter().cloned().collect::<Vec<String>>();
    assert_eq!(
        keys(prompts.iter().map(|prompt| &prompt.key).collect()),
        keys(rows.iter().map(|row| &row.key).collect())
    );
}
