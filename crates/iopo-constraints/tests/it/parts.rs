//! Constraints from files: only valid ones are accepted.

use iopo_constraints::{Constraint, ConstraintError, Kind};

#[test]
fn ids_are_distinct_snake_case_and_round_trip() {
    for (at, kind) in Kind::ALL.iter().enumerate() {
        assert_eq!(Kind::from_id(kind.id()), Ok(*kind));
        assert!(kind.id().chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        assert!(Kind::ALL[..at].iter().all(|other| other.id() != kind.id()));
        assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{}\"", kind.id()));
    }
}

#[test]
fn unknown_kinds_are_rejected_by_name() {
    let error = Constraint::from_parts("max_wrods", r#"{"n":3}"#).unwrap_err();
    assert!(matches!(error, ConstraintError::UnknownKind { .. }));
    assert!(error.to_string().contains("max_wrods"), "{error}");
}

#[test]
fn missing_unknown_and_mistyped_parameters_are_rejected() {
    for (id, params) in [
        ("max_words", "{}"),
        ("max_words", ""),
        ("max_words", "null"),
        ("max_words", "3"),
        ("max_words", "[3]"),
        ("max_words", r#"{"n":"3"}"#),
        ("max_words", r#"{"n":-3}"#),
        ("max_words", r#"{"n":3.5}"#),
        ("max_words", r#"{"n":1e30}"#),
        ("max_words", r#"{"n":3,"m":4}"#),
        ("max_words", r#"{"n":3"#),
        ("max_words", r#"{"n":3,"n":3}"#),
        ("no_commas", r#"{"n":3}"#),
        ("include_word", r#"{"word":null}"#),
        ("like_item", r#"{"marker":"plus"}"#),
        ("like_item", "{}"),
        (
            "all_of",
            r#"{"parts":[{"id":"max_words","params":{"n":0}},{"id":"no_commas","params":{}}]}"#,
        ),
        (
            "all_of",
            r#"{"parts":[{"id":"max_wrods","params":{"n":3}},{"id":"no_commas","params":{}}]}"#,
        ),
        (
            "all_of",
            r#"{"parts":[{"id":"max_words","params":{"n":3,"n":400}},{"id":"no_commas","params":{}}]}"#,
        ),
    ] {
        let error = Constraint::from_parts(id, params).unwrap_err();
        assert!(matches!(error, ConstraintError::Unreadable { .. }), "{id} {params}: {error}");
        assert!(error.to_string().contains(id));
    }
}

#[test]
fn hostile_values_are_rejected_with_the_expected_range() {
    let long = format!(r#"{{"word":"{}"}}"#, "x".repeat(1_000_000));
    for (id, params) in [
        ("max_words", r#"{"n":0}"#),
        ("max_words", r#"{"n":18446744073709551615}"#),
        ("word_range", r#"{"low":50,"high":50}"#),
        ("word_range", r#"{"low":60,"high":50}"#),
        ("exact_bullets", r#"{"n":100000}"#),
        ("include_word", r#"{"word":""}"#),
        ("include_word", r#"{"word":" "}"#),
        ("include_word", r#"{"word":".*"}"#),
        ("include_word", r#"{"word":"two words"}"#),
        ("include_word", &long),
        ("include_words", r#"{"first":"tea","second":"Tea"}"#),
        ("word_frequency", r#"{"word":"tea","n":0}"#),
        ("starts_with", r#"{"phrase":""}"#),
        ("starts_with", r#"{"phrase":"\n"}"#),
        ("signed_as", r#"{"name":"<b>"}"#),
        ("all_of", r#"{"parts":[]}"#),
        ("all_of", r#"{"parts":[{"id":"no_commas","params":{}}]}"#),
        (
            "all_of",
            r#"{"parts":[{"id":"max_words","params":{"n":3}},{"id":"max_words","params":{"n":4}}]}"#,
        ),
        (
            "all_of",
            r#"{"parts":[{"id":"max_words","params":{"n":3}},{"id":"min_words","params":{"n":4}}]}"#,
        ),
        ("short_words", r#"{"letters":0}"#),
        ("long_words", r#"{"letters":0,"n":1}"#),
    ] {
        let error = Constraint::from_parts(id, params).unwrap_err();
        assert!(matches!(error, ConstraintError::OutOfRange { .. }), "{id}: {error}");
        assert!(error.to_string().len() < 400, "{id}");
    }
}

#[test]
fn a_whole_number_may_be_a_float() {
    for (id, floats, integers) in [
        ("max_words", r#"{"n":2.0}"#, r#"{"n":2}"#),
        (
            "all_of",
            r#"{"parts":[{"id":"max_words","params":{"n":3e0}},{"id":"no_commas","params":{}}]}"#,
            r#"{"parts":[{"id":"max_words","params":{"n":3}},{"id":"no_commas","params":{}}]}"#,
        ),
    ] {
        let found = Constraint::from_parts(id, floats).expect("whole");
        assert_eq!(found, Constraint::from_parts(id, integers).expect("valid"));
        assert_eq!(found.params_json(), integers);
    }
}

#[test]
fn parameters_are_written_with_sorted_keys() {
    let constraint = Constraint::from_parts("word_frequency", r#"{"word":"tea","n":2}"#).unwrap();
    assert_eq!(constraint.params_json(), r#"{"n":2,"word":"tea"}"#);
    let plain = Constraint::from_parts("no_commas", "{}").unwrap();
    assert_eq!(plain.params_json(), "{}");
    assert_eq!(
        serde_json::to_string(&constraint).unwrap(),
        r#"{"id":"word_frequency","params":{"n":2,"word":"tea"}}"#
    );
}
