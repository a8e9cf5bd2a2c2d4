//! Rows for the tests: tasks with groups, constraints by id.

use iopo_constraints::{Constraint, Kind, render_prompt};
use iopo_eval::{EvalConfig, TestPrompt, TestTask, draw_prompts, test_prompts};
use iopo_schema::{
    CheckRow, ConstraintRow, GroupKind, InputPreferenceRow, InstructionRow, Method, Operation,
    PreferenceRow, Proof, ResponseSource, Split, VerdictRow, content_id,
};

/// Makes the row of a constraint.
pub(crate) fn constraint(id: &str, params: &str) -> ConstraintRow {
    let constraint = Constraint::from_parts(id, params).expect("a known constraint");
    let dimension = constraint.kind().dimension();
    ConstraintRow {
        text: constraint.render(0),
        constraint_type: dimension.constraint_type().english().to_owned(),
        dimension: dimension.english().to_owned(),
        check: Some(CheckRow { id: id.to_owned(), params: constraint.params_json() }),
    }
}

fn verdict(satisfied: bool) -> VerdictRow {
    let score = if satisfied { 10.0 } else { 0.0 };
    VerdictRow { satisfied, score, method: Method::Code, evidence: "by hand".to_owned() }
}

/// Makes a full group of a task: x1 forbids questions, x2 asks for one.
pub(crate) fn group(task_id: &str, split: Split) -> PreferenceRow {
    let task = format!("Describe {task_id}.");
    let x1_constraints =
        vec![constraint("max_words", r#"{"n":30}"#), constraint("no_questions", "{}")];
    let x2_constraints = vec![constraint("max_words", r#"{"n":30}"#), constraint("question", "{}")];
    let prompt = |constraints: &[ConstraintRow]| {
        let texts: Vec<&str> = constraints.iter().map(|row| row.text.as_str()).collect();
        render_prompt(&task, &texts, None)
    };
    let (x1, x2) = (prompt(&x1_constraints), prompt(&x2_constraints));
    let (y1, y2) = (format!("It is {task_id}."), format!("Is it {task_id}?"));
    let (yes, no) = (|| vec![verdict(true), verdict(true)], || vec![verdict(true), verdict(false)]);
    PreferenceRow {
        id: content_id(&[&x1, &y1, &x2, &y2]),
        task_id: task_id.to_owned(),
        split,
        kind: GroupKind::Full,
        operation: Some(Operation::Revise),
        task: task.clone(),
        input: None,
        removed: vec![x1_constraints[1].clone()],
        added: vec![x2_constraints[1].clone()],
        y1_response_id: content_id(&[&y1]),
        y2_response_id: content_id(&[&y2]),
        context: Vec::new(),
        x1,
        y1,
        x2: Some(x2),
        y2,
        x1_constraints,
        x2_constraints,
        y1_source: ResponseSource::BackTranslated,
        y2_source: ResponseSource::BackTranslated,
        y1_original: None,
        y2_original: None,
        proof: Proof { x1y1: yes(), x1y2: no(), x2y1: no(), x2y2: yes() },
    }
}

/// Makes the two instructions of a group.
pub(crate) fn instructions(group: &PreferenceRow) -> [InstructionRow; 2] {
    let x2 = group.x2.as_ref().expect("a group");
    [(&group.x1, &group.x1_constraints), (x2, &group.x2_constraints)].map(
        |(prompt, constraints)| InstructionRow {
            id: content_id(&[prompt, &group.task_id]),
            task_id: group.task_id.clone(),
            task: group.task.clone(),
            input: group.input.clone(),
            constraints: constraints.clone(),
            prompt: prompt.clone(),
            language: "en".to_owned(),
        },
    )
}

/// Makes groups of `train` training tasks and `test` test tasks.
pub(crate) fn groups(train: usize, test: usize) -> Vec<PreferenceRow> {
    let train = (0..train).map(|index| group(&format!("train-{index:02}"), Split::Train));
    train.chain((0..test).map(|index| group(&format!("test-{index:02}"), Split::Test))).collect()
}

/// Makes test tasks: those of the test groups of [`groups`].
pub(crate) fn tasks(count: usize) -> Vec<TestTask> {
    let task = |index: usize| {
        let id = format!("test-{index:02}");
        TestTask { task: format!("Describe {id}."), id, input: None }
    };
    (0..count).map(task).collect()
}

/// Returns all kinds that are not held out.
pub(crate) fn seen_kinds(config: &EvalConfig) -> Vec<Kind> {
    Kind::ALL
        .iter()
        .copied()
        .filter(|kind| !config.held_out.iter().any(|id| id == kind.id()))
        .collect()
}

/// Draws prompts with the kinds of [`group`] and with held-out kinds.
pub(crate) fn prompts(tasks: usize, config: &EvalConfig) -> Vec<TestPrompt> {
    let seen = [Kind::MaxWords, Kind::Question, Kind::NoQuestions];
    test_prompts(&draw_prompts(&self::tasks(tasks), &seen, config).expect("prompts"))
}

/// Settings for small tests with two held-out kinds.
pub(crate) fn config() -> EvalConfig {
    let mut config = EvalConfig::default();
    config.max_new_tokens = 40;
    config.held_out = vec!["ends_with_question".to_owned(), "max_sentences".to_owned()];
    config.bootstrap_samples = 200;
    config.part_size = 5;
    config.seed = 7;
    config
}

/// A row of input preferences that overlaps with no prompt.
pub(crate) fn input_preference() -> InputPreferenceRow {
    let verdict = VerdictRow::new(true, Method::Judge, "It fits.");
    InputPreferenceRow {
        id: "a".to_owned(),
        seed_id: "bread".to_owned(),
        split: Split::Train,
        task: "Explain how bread rises.".to_owned(),
        input: None,
        x_better: "Explain how bread rises to a child.".to_owned(),
        x_worse: "Bread?".to_owned(),
        y: "Small bubbles lift it.".to_owned(),
        better_constraints: Vec::new(),
        worse_constraints: Vec::new(),
        verdict_better_first: verdict.clone(),
        verdict_worse_first: verdict,
        logp_margin: None,
        generator: "test".to_owned(),
    }
}
