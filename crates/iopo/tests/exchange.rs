//! `iopo export` and `iopo import`.

mod common;

use std::fs;
use std::path::Path;

use common::{run, succeed, text};
use iopo_schema::{PreferenceRow, read};

/// One group in the authors' form, and a row that is none.
const ROWS: &str = r#"[
{"conversations":[{"from":"human","value":"Sing.\n1. Loud."},{"from":"human","value":"Sing.\n1. Low."}],
 "chosen":{"from":"gpt","value":"LA"},"rejected":{"from":"gpt","value":"la"}},
{"conversations":[{"from":"human","value":"Sing."}],
 "chosen":{"from":"gpt","value":"LA"},"rejected":{"from":"gpt","value":"la"}}
]"#;

fn imported(dir: &Path) -> std::path::PathBuf {
    let (rows, out) = (dir.join("rows.json"), dir.join("preferences.parquet"));
    fs::write(&rows, ROWS).expect("written");
    let args = ["import", text(&rows), "--from", "llama-factory", "--out", text(&out)];
    let said = succeed(&args).stderr;
    assert!(said.contains("1 rows left out: one instruction"), "{said}");
    assert!(said.contains("2 rows, 1 groups") && said.contains("nothing was checked"), "{said}");
    out
}

#[test]
fn rows_come_in_and_go_out_and_in_again() {
    let dir = tempfile::tempdir().expect("folder");
    let groups = imported(dir.path());
    let before: Vec<PreferenceRow> = read(&groups).expect("ours");
    for (number, flags) in [
        &["--to", "trl"][..],
        &["--to", "trl", "--conversational", "--format", "jsonl"],
        &["--to", "llama-factory", "--split", "train"],
    ]
    .into_iter()
    .enumerate()
    {
        let ending = if flags.contains(&"jsonl") { "json" } else { "parquet" };
        let out = dir.path().join(format!("{number}.{ending}"));
        succeed(&[&["export", text(&groups), "--out", text(&out)][..], flags].concat());
        let back = dir.path().join(format!("{number}.back"));
        let from = ["import", text(&out), "--from", flags[1], "--out", text(&back)];
        succeed(&from);
        let after: Vec<PreferenceRow> = read(&back).expect("ours");
        assert_eq!(after.len(), 1);
        assert_eq!((&after[0].id, &after[0].x2), (&before[0].id, &before[0].x2));
    }
    let shown = succeed(&["inspect", text(&groups)]).stdout;
    assert!(shown.contains("iopo-pairs") && shown.contains("llama-factory"), "{shown}");
}

#[test]
fn wrong_usage_says_the_way_out_and_writes_nothing() {
    let dir = tempfile::tempdir().expect("folder");
    let groups = imported(dir.path());
    let out = dir.path().join("out.txt");
    let export = |flags: &[&str], code| {
        let args = ["export", text(&groups), "--out", text(&out)];
        run(&[&args[..], flags].concat()).error(code)
    };
    let error = export(&["--to", "trl"], 2);
    assert!(error.contains("--format") && error.contains(".parquet"), "{error}");
    let error = export(&["--to", "llama-factory", "--conversational"], 2);
    assert!(error.contains("leave it away"), "{error}");
    let error = export(&["--to", "trl", "--format", "jsonl", "--split", "test"], 1);
    assert!(error.contains("found none among 0"), "{error}");
    assert!(!out.exists());
    fs::write(&out, "kept").expect("written");
    let error = export(&["--to", "trl", "--format", "jsonl"], 2);
    assert!(error.contains("is there already"), "{error}");
    assert_eq!(fs::read_to_string(&out).expect("kept"), "kept");
}
