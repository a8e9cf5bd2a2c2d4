//! Snapshots of the columns of every schema. A change may need a new version, see `Record::VERSION`.

use std::fmt::Write as _;

use arrow_schema::{DataType, Field};
use iopo_schema::*;

fn describe(text: &mut String, field: &Field, depth: usize) {
    let indent = "  ".repeat(depth);
    let null = if field.is_nullable() { " or null" } else { "" };
    let name = field.name();
    let (kind, children): (String, Vec<&Field>) = match field.data_type() {
        DataType::List(element) => ("list".into(), vec![element]),
        DataType::Struct(fields) => ("struct".into(), fields.iter().map(AsRef::as_ref).collect()),
        other => (other.to_string(), vec![]),
    };
    let _ = writeln!(text, "{indent}{name}: {kind}{null}");
    for child in children {
        describe(text, child, depth + 1);
    }
}

fn columns<R: Record>() -> String {
    let mut text = format!("{} version {}\n", R::NAME, R::VERSION);
    for field in R::arrow_schema().fields() {
        describe(&mut text, field, 1);
    }
    text
}

#[test]
fn the_columns_of_every_schema_match_their_snapshots() {
    insta::assert_snapshot!("instructions", columns::<InstructionRow>());
    insta::assert_snapshot!("responses", columns::<ResponseRow>());
    insta::assert_snapshot!("preferences", columns::<PreferenceRow>());
    insta::assert_snapshot!("input_preferences", columns::<InputPreferenceRow>());
    insta::assert_snapshot!("contamination", columns::<ContaminationRow>());
    insta::assert_snapshot!("reference_logps", columns::<ReferenceRow>());
    insta::assert_snapshot!("response_logps", columns::<ResponseLogpsRow>());
    insta::assert_snapshot!("metrics", columns::<MetricRow>());
    insta::assert_snapshot!("predictions", columns::<PredictionRow>());
    insta::assert_snapshot!("scores", columns::<ScoreRow>());
    insta::assert_snapshot!("summary", columns::<SummaryRow>());
}
