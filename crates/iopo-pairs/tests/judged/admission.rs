//! The rules that a candidate must pass.

use std::collections::BTreeSet;

use iopo_constraints::{Constraint, Kind, from_text};
use iopo_pairs::admit::table_of;
use iopo_pairs::{JudgedRefusal, JudgedRules, admit_judged};
use iopo_schema::{
    CheckRow, ConstraintRow, GroupKind, Method, Operation, PreferenceRow, ResponseSource, TurnRole,
    TurnRow,
};

use crate::rows::{ALL, LIMIT, changed, group, pair, rendered, rules, said, score};

#[test]
fn groups_of_every_operation_with_mixed_methods_are_admitted() {
    for operation in ALL {
        let row = group(operation, 3);
        let proof = admit_judged(&row, &rules()).expect("admitted");
        assert_eq!(proof, row.proof, "{operation}");
        assert_eq!(row.truth_table(), table_of(operation));
        let methods: BTreeSet<Method> =
            proof.iter().flat_map(|(_, cell)| cell).map(|verdict| verdict.method).collect();
        assert_eq!(methods.len(), 2, "{operation}: verdicts of code and of the judge");
    }
}

#[test]
fn a_group_is_refused_for_one_fault_and_its_near_miss_is_admitted() {
    type Edit = fn(&mut PreferenceRow);
    let cases: [(JudgedRefusal, Edit, Edit); 16] = [
        (JudgedRefusal::KindMismatch, |row| row.kind = GroupKind::Sided, |_| ()),
        (JudgedRefusal::KindMismatch, |row| row.x2 = None, |_| ()),
        (JudgedRefusal::PromptMismatch, |row| row.x1.push(' '), |row| row.task_id.push(' ')),
        (
            JudgedRefusal::PromptMismatch,
            |row| row.context = vec![TurnRow { role: TurnRole::User, content: "Hi.".to_owned() }],
            |row| row.context.clear(),
        ),
        (JudgedRefusal::ChangeMismatch, |row| row.added.clear(), |_| ()),
        (JudgedRefusal::ChangeMismatch, |row| row.removed[0].dimension.clear(), |_| ()),
        (JudgedRefusal::SameResponses, |row| row.y2 = format!("{} ", row.y1), |_| ()),
        (JudgedRefusal::BlankResponse, |row| row.y1 = " \n".to_owned(), |_| ()),
        (
            JudgedRefusal::MissingVerdict,
            |row| drop(row.proof.x1y2.pop()),
            |row| row.proof.x1y2[2].evidence.clear(),
        ),
        (
            JudgedRefusal::InvalidVerdict,
            |row| row.proof.x1y1[0].score = 10.5,
            |row| row.proof.x1y1[0].score = 10.0,
        ),
        (JudgedRefusal::InvalidVerdict, |row| row.proof.x1y1[0].satisfied = false, |_| ()),
        (
            JudgedRefusal::ForgedVerdict,
            |row| row.proof.x1y1[0].method = Method::Code,
            |row| row.proof.x1y1[0].method = Method::Judge,
        ),
        (JudgedRefusal::StaleVerdict, |row| row.proof.x2y2[1].method = Method::Judge, |_| ()),
        (
            JudgedRefusal::Inconsistent,
            |row| row.proof.x2y1[0] = score(9.0),
            |row| row.proof.x2y1[0] = score(10.0),
        ),
        (JudgedRefusal::Inconsistent, |row| row.proof.x1y2[0] = score(0.0), |_| ()),
        (
            JudgedRefusal::TruthTable,
            |row| row.proof.x1y1[2] = score(9.0),
            |row| row.proof.x1y1[2] = score(10.0),
        ),
    ];
    for (refusal, fault, near_miss) in cases {
        let mut row = group(Operation::Revise, 3);
        fault(&mut row);
        assert_eq!(admit_judged(&row, &rules()), Err(refusal));
        let mut row = group(Operation::Revise, 3);
        near_miss(&mut row);
        assert!(admit_judged(&row, &rules()).is_ok(), "{refusal:?}");
    }
}

#[test]
fn a_nuance_is_ambiguous_and_the_threshold_decides() {
    for operation in ALL {
        let with = |value: f64| {
            let mut row = group(operation, 3);
            let (removed, added) = (row.removed.clone(), row.added.clone());
            let lists = [
                (row.x1_constraints.clone(), &mut row.proof.x1y2, removed),
                (row.x2_constraints.clone(), &mut row.proof.x2y1, added),
            ];
            for (constraints, verdicts, changed) in lists {
                for (constraint, verdict) in constraints.iter().zip(verdicts) {
                    if changed.contains(constraint) && !verdict.satisfied {
                        *verdict = score(value);
                    }
                }
            }
            row
        };
        for value in [4.0, 6.5, 9.0] {
            assert_eq!(admit_judged(&with(value), &rules()), Err(JudgedRefusal::Ambiguous));
        }
        assert_eq!(admit_judged(&with(10.0), &rules()), Err(JudgedRefusal::TruthTable));
        assert!(admit_judged(&with(3.0), &rules()).is_ok());
        let lenient = JudgedRules { fail_at_most: 6.5, ..rules() };
        assert!(admit_judged(&with(6.5), &lenient).is_ok());
    }
}

#[test]
fn constraints_are_refused_for_their_check_or_sentence() {
    let with = |edit: &dyn Fn(&mut ConstraintRow)| {
        let mut row = group(Operation::Add, 4);
        edit(&mut row.x1_constraints[1]);
        edit(&mut row.x2_constraints[1]);
        rendered(row)
    };
    let set = |params: &'static str| {
        move |row: &mut ConstraintRow| {
            if let Some(check) = &mut row.check {
                check.params = params.to_owned();
            }
        }
    };
    assert_eq!(admit_judged(&with(&set("{}")), &rules()), Err(JudgedRefusal::UnreadableConstraint));
    assert_eq!(
        admit_judged(&with(&set(r#"{"n":150}"#)), &rules()),
        Err(JudgedRefusal::CheckMismatch)
    );
    assert!(admit_judged(&with(&|_| ()), &rules()).is_ok());

    // A held-out part of a check is a held-out kind.
    let joint = from_text("使用编号列表，全文不超过100字").expect("two clauses");
    let row = with(&|row| {
        "使用编号列表，全文不超过100字".clone_into(&mut row.text);
        row.check = ConstraintRow::from_constraint(&joint, 0).check;
    });
    let of_part = |kind| JudgedRules { held_out: [kind].into(), ..rules() };
    assert_eq!(admit_judged(&row, &of_part(Kind::MaxChars)), Err(JudgedRefusal::HeldOut));
    assert_ne!(admit_judged(&row, &of_part(Kind::MinChars)), Err(JudgedRefusal::HeldOut));

    let kind = from_text(LIMIT).expect("a check").kind();
    let held_out = |kind: Kind| JudgedRules { held_out: [kind].into(), ..rules() };
    let other = Kind::ALL.iter().copied().find(|other| *other != kind).expect("another kind");
    let row = with(&|_| ());
    assert_eq!(admit_judged(&row, &held_out(kind)), Err(JudgedRefusal::HeldOut));
    assert!(admit_judged(&row, &held_out(other)).is_ok());
    // Without its check, the sentence still states the kind.
    let mut row = with(&|row| row.check = None);
    for cell in [&mut row.proof.x1y1, &mut row.proof.x1y2, &mut row.proof.x2y1, &mut row.proof.x2y2]
    {
        cell[1] = score(10.0);
    }
    assert_eq!(admit_judged(&row, &held_out(kind)), Err(JudgedRefusal::HeldOut));
    assert!(admit_judged(&row, &held_out(other)).is_ok());

    let mut row = group(Operation::Add, 4);
    let twice = row.x2_constraints[0].clone();
    row.x2_constraints[2] = twice.clone();
    row.added = vec![twice];
    let row = rendered(row);
    assert_eq!(admit_judged(&row, &rules()), Err(JudgedRefusal::RepeatedConstraint));
    let mut row = group(Operation::Add, 4);
    (row.x1_constraints, row.proof.x1y1, row.proof.x1y2) = Default::default();
    let row = rendered(row);
    assert_eq!(admit_judged(&row, &rules()), Err(JudgedRefusal::NoConstraint));
}

/// A group that changes constraints on one word, with these sentences.
fn of_words(operation: Operation, sentence: impl Fn(&Constraint) -> String) -> PreferenceRow {
    let word = |id: &str| {
        let params = r#"{"word":"tea"}"#;
        let check = Constraint::from_parts(id, params).expect("a check");
        let stored = CheckRow { id: id.to_owned(), params: params.to_owned() };
        ConstraintRow { check: Some(stored), ..said(&sentence(&check)) }
    };
    let texts = [
        "We had some tea by the sea while the old boats came in.".to_owned(),
        "We had some rain by the sea while the new boats went out.".to_owned(),
    ];
    changed(operation, vec![word("include_word")], vec![word("exclude_word")], texts)
}

#[test]
fn checks_decide_between_revision_and_swap() {
    let row = |operation| of_words(operation, |check| check.render(0));
    assert_eq!(
        admit_judged(&row(Operation::Swap), &rules()),
        Err(JudgedRefusal::OperationMismatch)
    );
    assert!(admit_judged(&row(Operation::Revise), &rules()).is_ok());
}

#[test]
fn a_sentence_must_state_its_stored_check() {
    // A proposal is confirmed by the sentence, although no rule reads it.
    let other = |check: &Constraint| format!("Please: {}", check.render(0));
    let row = of_words(Operation::Revise, other);
    assert!(row.removed.iter().all(|row| from_text(&row.text).is_none()), "{:?}", row.removed);
    assert!(admit_judged(&row, &rules()).is_ok());
    let foreign = |check: &Constraint| format!("About the drink of the English: {}", check.kind());
    let row = of_words(Operation::Revise, foreign);
    assert_eq!(admit_judged(&row, &rules()), Err(JudgedRefusal::CheckMismatch));
}

#[test]
fn a_pair_is_admitted_if_the_worse_response_clearly_breaks_a_constraint() {
    type Edit = fn(&mut PreferenceRow);
    let proof = admit_judged(&pair(3), &rules()).expect("admitted");
    assert_eq!((proof.x1y2[0].score, proof.x1y2[2].score), (10.0, 1.0));
    let cases: [(JudgedRefusal, Edit); 8] = [
        (JudgedRefusal::TruthTable, |row| row.proof.x1y2[2] = score(10.0)),
        (JudgedRefusal::TruthTable, |row| row.proof.x1y1[2] = score(3.0)),
        (JudgedRefusal::Ambiguous, |row| row.proof.x1y2[2] = score(5.0)),
        (JudgedRefusal::SameResponses, |row| row.y2.clone_from(&row.y1)),
        (JudgedRefusal::PromptMismatch, |row| row.x1.push('!')),
        (JudgedRefusal::KindMismatch, |row| row.x2 = Some(row.x1.clone())),
        (JudgedRefusal::KindMismatch, |row| row.added.push(said("Sound loud."))),
        (JudgedRefusal::ForgedVerdict, |row| row.proof.x1y2[2].method = Method::Code),
    ];
    for (refusal, fault) in cases {
        let mut row = pair(3);
        fault(&mut row);
        assert_eq!(admit_judged(&row, &rules()), Err(refusal));
    }
    let mut row = pair(3);
    row.y2_source = ResponseSource::Given;
    assert!(admit_judged(&row, &rules()).is_ok(), "the origin of a response decides nothing");
}
