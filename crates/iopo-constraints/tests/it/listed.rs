//! Constraints as datasets list them.

use iopo_constraints::listed::{self, ListedError};
use iopo_constraints::strict_json::{Limits, Reader};
use serde_json::Value;

#[test]
fn rows_of_datasets_are_read_or_refused() {
    let table: Value = serde_json::from_str(include_str!("../data/listed.json")).expect("JSON");
    let response = table["response"].as_str().expect("a response");
    let rows = table["rows"].as_array().expect("rows");
    for case in rows {
        let row = &case["row"];
        let mut reader = Reader::new(Limits::NONE);
        match listed::constraint(row.clone(), "c[0]", &mut reader) {
            Ok(found) => {
                let found = found.map(|constraint| constraint.check(response).satisfied);
                assert!(case.get("error").is_none(), "{row}: {found:?}");
                assert_eq!(found, case["satisfied"].as_bool(), "{row}");
            }
            Err(error) => {
                let expected = case["error"].as_str().unwrap_or_else(|| panic!("{row}: {error}"));
                assert!(error.to_string().contains(expected), "{row}: {error}");
                if let ListedError::Row(fault) = error {
                    let place = format!("c[0]{}", case["at"].as_str().unwrap_or_default());
                    assert_eq!(fault.place, place, "{row}");
                }
            }
        }
    }
    let satisfied = |value: &Value| rows.iter().filter(|row| row["satisfied"] == *value).count();
    assert!(satisfied(&true.into()) > 2 && satisfied(&false.into()) > 10);
}
