//! Constraints that consist of others.

use iopo_constraints::{Constraint, Kind};

use crate::support::constraints::constraint;

fn joint() -> Constraint {
    constraint(
        "all_of",
        r#"{"parts":[{"id":"starts_with","params":{"phrase":"Tea"}},{"id":"max_words","params":{"n":4}}]}"#,
    )
}

#[test]
fn the_kinds_are_its_own_and_those_of_its_parts() {
    let kinds: Vec<Kind> = joint().kinds().collect();
    assert_eq!(kinds, [Kind::AllOf, Kind::StartsWith, Kind::MaxWords]);
    let plain = constraint("no_commas", "{}");
    assert_eq!((plain.kinds().collect::<Vec<_>>(), plain.parts().len()), (vec![Kind::NoCommas], 1));
}

#[test]
fn the_parts_decide_what_conflicts() {
    let joint = joint();
    for (id, params, conflicts) in [
        // The same slot, the same kind, a contradiction, and nothing in common.
        ("max_chars", r#"{"n":90}"#, true),
        ("max_words", r#"{"n":9}"#, true),
        ("min_words", r#"{"n":9}"#, true),
        ("no_digits", "{}", false),
    ] {
        let other = constraint(id, params);
        assert_eq!(joint.conflicts_with(&other), conflicts, "{id}");
        assert_eq!(other.conflicts_with(&joint), conflicts, "{id}");
    }
    assert!(joint.excludes(&constraint("min_words", r#"{"n":9}"#)));
    assert!(!joint.excludes(&constraint("min_words", r#"{"n":2}"#)));
}

#[test]
fn edits_and_revisions_are_those_of_the_parts() {
    let both = constraint(
        "all_of",
        r#"{"parts":[{"id":"no_commas","params":{}},{"id":"all_lowercase","params":{}}]}"#,
    );
    let edited = both.edit("Tea is hot. Milk, however, is cold.").expect("an edit");
    assert!(both.check(&edited).satisfied && !edited.contains(','), "{edited}");
    let revisions = both.revisions();
    assert!(revisions.len() >= 2 && revisions.iter().all(|one| one.excludes(&both)));
}

#[test]
fn hostile_parts_are_refused() {
    let part = r#"{"id":"no_commas","params":{}}"#;
    let many = format!(r#"{{"parts":[{}]}}"#, vec![part; 100_000].join(","));
    let error = Constraint::from_parts("all_of", &many).expect_err("too many").to_string();
    assert!(error.contains("100000 parts") && error.len() < 400, "{error}");
    let mut deep = part.to_owned();
    for _ in 0..30 {
        deep = format!(r#"{{"id":"all_of","params":{{"parts":[{part},{deep}]}}}}"#);
    }
    let deep = format!(r#"{{"parts":[{part},{deep}]}}"#);
    let error = Constraint::from_parts("all_of", &deep).expect_err("nested").to_string();
    assert!(error.contains("inside of an `all_of`") && error.len() < 400, "{error}");
    let unknown = format!(r#"{{"parts":[{part},{{"id":"max_words","params":{{"m":3}}}}]}}"#);
    assert!(Constraint::from_parts("all_of", &unknown).is_err());
}
