//! Admission rejects every group with a wrong truth table.

mod common;

use common::{cells, natural, rows};
use iopo_constraints::{Constraint, Kind, compatible, contrast, render_prompt};
use iopo_llm::Silent;
use iopo_pairs::admit::{kind_of, table_of};
use iopo_pairs::stage::make_groups;
use iopo_pairs::{PairsConfig, Refusal, admit, verify};
use iopo_schema::{
    ConstraintRow, GroupKind, Operation, PreferenceRow, Proof, ResponseSource, Split, TurnRole,
    TurnRow, truth_table,
};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

fn row(constraint: &Constraint) -> ConstraintRow {
    ConstraintRow::from_constraint(constraint, 0)
}

fn groups() -> Vec<PreferenceRow> {
    let (instructions, responses) = rows(12, 4);
    let mut config = PairsConfig::default();
    config.min_test_tasks = 0;
    let (groups, _) =
        make_groups(&common::task_ids(&instructions), &instructions, &responses, &config, &Silent)
            .expect("groups");
    groups.into_iter().flatten().collect()
}

#[test]
fn every_corruption_of_an_admitted_group_is_rejected() {
    let groups = groups();
    assert!(groups.len() > 20);
    for group in &groups {
        assert_eq!(verify(group), Ok(()));
        let refused = |change: &dyn Fn(&mut PreferenceRow)| {
            let mut changed = group.clone();
            change(&mut changed);
            verify(&changed).expect_err("a corrupted group")
        };
        assert_eq!(refused(&|row| row.y1 = row.y2.clone()), Refusal::SameResponses);
        assert_eq!(refused(&|row| std::mem::swap(&mut row.y1, &mut row.y2)), Refusal::TruthTable);
        assert_eq!(refused(&|row| row.x1.push(' ')), Refusal::PromptMismatch);
        assert_eq!(refused(&|row| row.proof.x1y1[0].satisfied = false), Refusal::StaleProof);
        assert_eq!(refused(&|row| row.proof.x2y2[0].satisfied = false), Refusal::StaleProof);
        let flip = |row: &mut PreferenceRow| {
            let cell = if row.operation == Some(Operation::Remove) {
                &mut row.proof.x1y2
            } else {
                &mut row.proof.x2y1
            };
            for verdict in cell {
                verdict.satisfied = true;
            }
        };
        assert_eq!(refused(&flip), Refusal::StaleProof);
        let renamed = match group.operation {
            Some(Operation::Revise) => Some(Operation::Swap),
            Some(Operation::Swap) => Some(Operation::Revise),
            Some(Operation::Add | Operation::Remove | Operation::Rewrite) | None => None,
        };
        if renamed.is_some() {
            assert_eq!(refused(&|row| row.operation = renamed), Refusal::OperationMismatch);
        }
        assert_eq!(refused(&|row| row.operation = None), Refusal::KindMismatch);
        assert_eq!(refused(&|row| row.x2 = None), Refusal::KindMismatch);
        assert_eq!(refused(&|row| row.kind = GroupKind::Pair), Refusal::KindMismatch);
        let turn = TurnRow { role: TurnRole::System, content: "Be brief.".to_owned() };
        assert_eq!(refused(&|row| row.context.push(turn.clone())), Refusal::PromptMismatch);
        let other_kind = match group.kind {
            GroupKind::Full => GroupKind::Sided,
            GroupKind::Sided | GroupKind::Pair => GroupKind::Full,
        };
        assert_eq!(refused(&|row| row.kind = other_kind), Refusal::KindMismatch);
        let unreadable = |row: &mut PreferenceRow| {
            if let Some(last) = row.x2_constraints.last_mut() {
                last.check = None;
            }
        };
        assert_eq!(refused(&unreadable), Refusal::UnreadableConstraint);
        let foreign = |row: &mut PreferenceRow| {
            if let Some(last) = row.x2_constraints.last_mut() {
                last.text.push_str(" Please.");
            }
        };
        assert_eq!(refused(&foreign), Refusal::ForeignText);
    }
}

#[test]
fn a_pure_addition_is_not_admitted_as_a_full_group() {
    let sided: Vec<PreferenceRow> =
        groups().into_iter().filter(|group| group.kind == GroupKind::Sided).collect();
    assert!(!sided.is_empty());
    for mut group in sided {
        group.kind = GroupKind::Full;
        for operation in [Operation::Revise, Operation::Swap] {
            group.operation = Some(operation);
            assert!(admit(&group).is_err());
        }
    }
}

/// A group with one constraint per instruction and a given operation.
fn bare(
    operation: Operation,
    gone: (&str, &str),
    come: (&str, &str),
    y: [&str; 2],
) -> PreferenceRow {
    let read = |(id, params): (&str, &str)| Constraint::from_parts(id, params).expect("readable");
    let (removed, added) = (vec![row(&read(gone))], vec![row(&read(come))]);
    let prompt = |rows: &[iopo_schema::ConstraintRow]| {
        render_prompt("Write about the sea.", &[rows[0].text.as_str()], None)
    };
    PreferenceRow {
        kind: kind_of(operation),
        operation: Some(operation),
        x1: prompt(&removed),
        x2: Some(prompt(&added)),
        y1: y[0].to_owned(),
        y2: y[1].to_owned(),
        x1_constraints: removed.clone(),
        x2_constraints: added.clone(),
        removed,
        added,
        ..arbitrary_group(operation, 0)
    }
}

#[test]
fn a_revision_must_exclude_and_a_swap_must_not() {
    let (tea, rain) =
        (("include_word", r#"{"word":"tea"}"#), ("include_word", r#"{"word":"rain"}"#));
    let texts = ["We had some tea by the sea.", "We had some rain by the sea."];
    // The two have one kind, but a response can mention both words.
    assert!(admit(&bare(Operation::Swap, tea, rain, texts)).is_ok());
    let wrong = admit(&bare(Operation::Revise, tea, rain, texts));
    assert_eq!(wrong, Err(Refusal::OperationMismatch));
    // The two have different kinds, but no response can follow both.
    let no_tea = ("exclude_word", r#"{"word":"tea"}"#);
    assert!(admit(&bare(Operation::Revise, tea, no_tea, texts)).is_ok());
    let wrong = admit(&bare(Operation::Swap, tea, no_tea, texts));
    assert_eq!(wrong, Err(Refusal::OperationMismatch));
    // The operation is right, but the table is wrong.
    let swapped = [texts[1], texts[0]];
    let wrong = admit(&bare(Operation::Revise, tea, no_tea, swapped));
    assert_eq!(wrong, Err(Refusal::TruthTable));
}

#[test]
fn exclusion_decides_the_operation_and_a_swap_can_have_one_kind() {
    let mut one_kind = 0;
    for group in groups().iter().filter(|group| group.kind == GroupKind::Full) {
        let read = |rows: &[iopo_schema::ConstraintRow]| {
            let check = rows[0].check.as_ref().expect("checkable");
            Constraint::from_parts(&check.id, &check.params).expect("readable")
        };
        let (gone, come) = (read(&group.removed), read(&group.added));
        assert_eq!(gone.excludes(&come), come.excludes(&gone));
        assert_eq!(gone.excludes(&come), group.operation == Some(Operation::Revise));
        let is_swap = group.operation == Some(Operation::Swap);
        one_kind += usize::from(is_swap && gone.kind() == come.kind());
    }
    assert!(one_kind > 0);
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        Just(Operation::Revise),
        Just(Operation::Swap),
        Just(Operation::Add),
        Just(Operation::Remove),
        Just(Operation::Rewrite)
    ]
}

/// A well-formed group of random constraints and answers, with any truth table.
fn arbitrary_group(operation: Operation, seed: u64) -> PreferenceRow {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (y1, y2) = (natural(seed as usize, &mut rng), natural(seed as usize / 6, &mut rng));
    let drawn: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_drawn()).collect();
    let mut pool: Vec<Constraint> =
        drawn.iter().map(|kind| kind.draw("Write about the sea.", &mut rng)).collect();
    for text in [&y1, &y2] {
        pool.extend(drawn.iter().flat_map(|kind| kind.back_translate(text)));
    }
    let mut chosen = compatible(&pool, 3, &mut rng);
    if seed.is_multiple_of(2) {
        // Half of the time, use constraints that separate the answers.
        let gone = compatible(&contrast(&drawn, &y1, &y2), 1, &mut rng);
        let come = compatible(&contrast(&drawn, &y2, &y1), 1, &mut rng);
        if let (Some(gone), Some(come)) = (gone.first(), come.first()) {
            let fits = |c: &Constraint| !c.conflicts_with(gone) && !c.conflicts_with(come);
            pool.retain(fits);
            chosen = compatible(&pool, 1, &mut rng);
            chosen.extend([gone.clone(), come.clone()]);
        }
    }
    let chosen: Vec<_> = chosen.iter().map(row).collect();
    let shared = chosen[..1].to_vec();
    let (removed, added) = match operation {
        Operation::Revise | Operation::Swap => (chosen[1..2].to_vec(), chosen[2..3].to_vec()),
        Operation::Add | Operation::Rewrite => (Vec::new(), chosen[2..3].to_vec()),
        Operation::Remove => (chosen[1..2].to_vec(), Vec::new()),
    };
    let x1_constraints = [shared.clone(), removed.clone()].concat();
    let x2_constraints = [shared, added.clone()].concat();
    let task = "Write about the sea.".to_owned();
    let prompt = |rows: &[iopo_schema::ConstraintRow]| {
        let texts: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        render_prompt(&task, &texts, None)
    };
    PreferenceRow {
        id: String::new(),
        task_id: "s".to_owned(),
        split: Split::Train,
        kind: kind_of(operation),
        operation: Some(operation),
        context: Vec::new(),
        x1: prompt(&x1_constraints),
        y1,
        x2: Some(prompt(&x2_constraints)),
        y2,
        task: task.clone(),
        input: None,
        x1_constraints,
        x2_constraints,
        removed,
        added,
        y1_response_id: String::new(),
        y2_response_id: String::new(),
        y1_source: ResponseSource::BackTranslated,
        y2_source: ResponseSource::BackTranslated,
        y1_original: None,
        y2_original: None,
        proof: Proof::default(),
    }
}

#[test]
fn random_groups_are_both_admitted_and_rejected() {
    for &operation in Operation::ALL {
        let admitted =
            (0..150).filter(|seed| admit(&arbitrary_group(operation, *seed)).is_ok()).count();
        assert!((1..150).contains(&admitted), "{operation:?}: {admitted}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn a_group_is_admitted_if_and_only_if_its_table_is_right(
        operation in operation(),
        seed in 0_u64..1_000_000,
    ) {
        let group = arbitrary_group(operation, seed);
        let table = cells(&group);
        match admit(&group) {
            Ok(proof) => {
                prop_assert_eq!(table, table_of(operation));
                prop_assert_eq!(truth_table(&proof), table);
            }
            Err(Refusal::SameResponses) => prop_assert_eq!(group.y1.trim(), group.y2.trim()),
            Err(Refusal::OperationMismatch) => {
                let read = |row: &iopo_schema::ConstraintRow| {
                    let check = row.check.as_ref().expect("checkable");
                    Constraint::from_parts(&check.id, &check.params).expect("readable")
                };
                let exclusive = read(&group.removed[0]).excludes(&read(&group.added[0]));
                prop_assert_ne!(exclusive, operation == Operation::Revise);
            }
            Err(reason) => {
                prop_assert_eq!(reason, Refusal::TruthTable);
                prop_assert_ne!(table, table_of(operation));
            }
        }
    }
}
