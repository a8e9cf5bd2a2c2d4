//! The tables of repaired errors in the documentation.

use serde_json::{Map, Value};

/// One line of a table.
pub(crate) struct Example {
    pub(crate) id: String,
    pub(crate) kwargs: Map<String, Value>,
    pub(crate) response: String,
    pub(crate) loose: bool,
    /// The decisions of the two modes.
    pub(crate) expected: [bool; 2],
}

/// The examples of a page.
pub(crate) fn examples(page: &str) -> Vec<Example> {
    let (_, repaired) =
        page.split_once("\n## What is repaired\n").expect("the section of repaired errors");
    repaired.lines().filter(|line| line.starts_with("| `")).map(example).collect()
}

fn example(line: &str) -> Example {
    let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
    let [id, oddity, kwargs, response, paper, repaired] = cells[..] else {
        panic!("expected six cells: {line}");
    };
    let code = |cell: &str| {
        let inner = cell.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        inner.expect("a cell in backticks").to_owned()
    };
    let decided = |cell: &str| match cell.trim_end_matches(" |") {
        "pass" => true,
        "fail" => false,
        other => panic!("expected pass or fail, found {other}"),
    };
    Example {
        id: code(id),
        kwargs: serde_json::from_str(&code(kwargs)).expect("a JSON object"),
        response: serde_json::from_str(&code(response)).expect("a JSON string"),
        loose: oddity.ends_with("(loose)"),
        expected: [decided(paper), decided(repaired)],
    }
}
