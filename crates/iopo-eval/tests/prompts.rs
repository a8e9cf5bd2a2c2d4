//! Which prompts the held-out split holds, and what it refuses.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::{Constraint, Kind};
use iopo_eval::benchmarks::heldout::prompts_from_rows;
use iopo_eval::{EvalConfig, EvalError, TestPrompt, heldout_prompts};
use iopo_schema::{InstructionRow, PreferenceRow, Split};

fn make(groups: &[PreferenceRow], config: &EvalConfig) -> Result<Vec<TestPrompt>, EvalError> {
    let instructions: Vec<InstructionRow> = groups.iter().flat_map(common::instructions).collect();
    prompts_from_rows(&instructions, groups, config)
}

fn ids(prompt: &TestPrompt) -> Vec<&str> {
    prompt
        .constraints
        .iter()
        .map(|row| row.check.as_ref().expect("checkable").id.as_str())
        .collect()
}

#[test]
fn test_tasks_give_their_own_instructions_and_draws_of_held_out_kinds_alone() {
    let config = common::config();
    let groups = common::groups(4, 6);
    let prompts = make(&groups, &config).expect("prompts");
    assert_eq!(prompts.len(), 6 * 4);
    let keys: BTreeSet<&str> = prompts.iter().map(|prompt| prompt.key.as_str()).collect();
    assert_eq!(keys.len(), prompts.len());
    let own: BTreeSet<&str> = groups
        .iter()
        .filter(|group| group.split == Split::Test)
        .flat_map(|group| [group.x1.as_str(), group.x2.as_str()])
        .collect();
    let (seen, unseen): (Vec<&TestPrompt>, Vec<&TestPrompt>) =
        prompts.iter().partition(|prompt| own.contains(prompt.prompt.as_str()));
    assert_eq!((seen.len(), unseen.len()), (12, 12));
    for prompt in unseen {
        assert!(prompt.task_id.starts_with("test-"));
        assert!(!prompt.constraints.is_empty());
        assert!(ids(prompt).iter().all(|id| config.held_out.iter().any(|held| held == id)));
        for row in &prompt.constraints {
            assert!(prompt.prompt.contains(&row.text));
            let check = row.check.as_ref().expect("checkable");
            Constraint::from_parts(&check.id, &check.params)
                .expect("a constraint that can be checked");
        }
    }
}

#[test]
fn seen_prompts_are_topped_up_with_kinds_of_synthesis_only() {
    let mut config = common::config();
    (config.seen_per_task, config.unseen_per_task) = (5, 0);
    let prompts = make(&common::groups(2, 3), &config).expect("prompts");
    assert!(prompts.len() > 3 * 2, "{}", prompts.len());
    let synthesis = ["max_words", "no_questions", "question"];
    assert!(prompts.iter().all(|prompt| ids(prompt).iter().all(|id| synthesis.contains(id))));
}

#[test]
fn without_held_out_kinds_there_is_no_unseen_prompt() {
    let mut config = common::config();
    config.held_out.clear();
    assert_eq!(make(&common::groups(2, 3), &config).expect("prompts").len(), 6);
}

#[test]
fn prompts_of_a_task_do_not_depend_on_other_tasks() {
    let mut config = common::config();
    let few = make(&common::groups(2, 3), &config).expect("prompts");
    let many = make(&common::groups(5, 9), &config).expect("prompts");
    assert!(few.iter().all(|prompt| many.contains(prompt)));
    let mut backwards = common::groups(2, 3);
    backwards.reverse();
    assert_eq!(make(&backwards, &config).expect("prompts"), few);
    config.seed = 8;
    let other = make(&common::groups(2, 3), &config).expect("prompts");
    assert_ne!(other, few);
}

#[test]
fn a_limit_takes_prompts_from_every_task() {
    let mut config = common::config();
    config.max_prompts = 10;
    let all = make(&common::groups(2, 6), &common::config()).expect("prompts");
    let prompts = make(&common::groups(2, 6), &config).expect("prompts");
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
    let own = ["max_words", "no_questions", "question"];
    for kind in Kind::ALL.iter().filter(|kind| !own.contains(&kind.id())) {
        let mut config = common::config();
        config.held_out = vec![kind.id().to_owned()];
        let prompts = make(&common::groups(1, 2), &config).expect("prompts");
        let drawn = prompts.iter().filter(|prompt| ids(prompt) == [kind.id()]).count();
        assert!(drawn >= 2, "{kind}: {drawn}");
    }
}

#[test]
fn a_held_out_kind_in_synthesis_is_refused() {
    let mut config = common::config();
    config.held_out = vec!["question".to_owned()];
    let error = make(&common::groups(2, 3), &config).expect_err("held out and seen").to_string();
    assert!(error.contains("`question` is held out"), "{error}");
    // Only in a test group: it would count as seen.
    let groups = common::groups(0, 2);
    let error = prompts_from_rows(&[], &groups, &config).expect_err("in a seen prompt").to_string();
    assert!(error.contains("a test group"), "{error}");
}

#[test]
fn a_task_in_two_splits_is_refused() {
    for split in [Split::Train, Split::Dev] {
        let mut groups = common::groups(2, 3);
        groups.push(PreferenceRow { id: "other".to_owned(), ..common::group("test-01", split) });
        let result = make(&groups, &common::config());
        assert!(
            matches!(&result, Err(EvalError::TaskInTwoSplits { task_id, .. }) if task_id == "test-01"),
            "{result:?}"
        );
    }
}

#[test]
fn a_test_instruction_that_was_trained_on_under_another_task_is_refused() {
    let mut groups = common::groups(2, 3);
    groups[0].x1 = groups[3].x1.clone();
    let result = make(&groups, &common::config());
    assert!(matches!(result, Err(EvalError::PromptInTraining { .. })), "{result:?}");
}

#[test]
fn preferences_without_a_test_task_are_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let (instructions, preferences) = common::write_data(folder.path(), &common::groups(3, 0));
    let result = heldout_prompts(&instructions, &preferences, &common::config());
    assert!(matches!(result, Err(EvalError::NoTestTasks { .. })), "{result:?}");
}
