//! The splits of imported rows.

use std::fs;

use iopo_llm::Silent;
use iopo_pairs::exchange::{Format, HoldOut, Import, SkipReason};
use iopo_pairs::{ExchangeError, PairsConfig, PairsError, build, import};
use iopo_schema::{PreferenceRow, Split, read};

use crate::mirrored;

#[test]
fn each_file_has_a_split_and_a_task_belongs_to_the_first_file() {
    let dir = tempfile::tempdir().expect("folder");
    let [train, dev, test, out] =
        ["train.jsonl", "dev.jsonl", "test.jsonl", "out.parquet"].map(|name| dir.path().join(name));
    let first = mirrored("Sing.\\nLoud.", "Sing.\\nLow.", "LA", "la");
    let same_task = mirrored("Sing.\\nOnce.", "Sing.\\nTwice.", "La", "La la");
    let own = mirrored("Read.\\nLoud.", "Read.\\nLow.", "A", "a");
    let half = own.lines().next().expect("row");
    // The prompt of this pair is in a group of the dev file.
    fs::write(&train, format!("{first}{half}\n")).expect("written");
    let fresh = mirrored("Hum.\\nLoud.", "Hum.\\nLow.", "M", "m");
    fs::write(&dev, [first, same_task.clone(), own, fresh].concat()).expect("written");
    fs::write(&test, mirrored("Dance.", "Rest.", "Step", "Stop")).expect("written");
    let files = [(Split::Train, &*train), (Split::Dev, &*dev), (Split::Test, &*test)];
    let taken = import(&files, &out, &Import::new(Format::Trl)).expect("taken");
    assert_eq!((taken.rows, taken.groups, taken.pairs), (13, 3, 1));
    let splits = [(Split::Train, 2), (Split::Dev, 1), (Split::Test, 1)];
    assert_eq!(taken.splits, splits.into());
    let left = [(SkipReason::Repeated, 2), (SkipReason::OtherSplit, 4)];
    assert_eq!(taken.skipped, left.into());
    let groups: Vec<PreferenceRow> = read(&out).expect("ours");
    let shown: Vec<(Split, &str)> =
        groups.iter().map(|group| (group.split, group.x1.as_str())).collect();
    let expected = [
        (Split::Train, "Sing.\nLoud."),
        (Split::Train, "Read.\nLoud."),
        (Split::Dev, "Hum.\nLoud."),
        (Split::Test, "Dance."),
    ];
    assert_eq!(shown, expected);
    // A file without a group is an error and leaves no output.
    fs::write(&test, &same_task).expect("written");
    let none = dir.path().join("none.parquet");
    let error = import(&files, &none, &Import::new(Format::Trl)).expect_err("refused").to_string();
    assert!(error.contains("test.jsonl") && error.contains("another split"), "{error}");
    assert!(!none.exists());
    assert!(matches!(import(&[], &none, &Import::new(Format::Trl)), Err(ExchangeError::NoFile)));
}

#[test]
fn held_out_prompts_are_in_no_other_split() {
    let dir = tempfile::tempdir().expect("folder");
    let pair = |x: usize, y: &str| {
        format!(r#"{{"prompt":"Task {x}.","chosen":"good {y}","rejected":"bad {y}"}}"#)
    };
    // Three pairs of each prompt, and a group that joins prompts 0 and 1.
    let mut content: Vec<String> = (0..60).map(|row| pair(row % 20, &row.to_string())).collect();
    content.push(mirrored("Task 0.", "Task 1.", "one", "other").trim().to_owned());
    let (file, out) = (dir.path().join("rows.jsonl"), dir.path().join("taken.parquet"));
    fs::write(&file, content.join("\n")).expect("written");
    let mut splits = Vec::new();
    for seed in [1, 1, 2] {
        let mut options = Import::new(Format::Trl);
        options.hold_out = HoldOut { dev_size: 0.1, test_size: 0.2, seed };
        let taken = import(&[(Split::Train, &file)], &out, &options).expect("taken");
        assert_eq!((taken.pairs, taken.groups), (60, 1));
        assert!(taken.skipped.is_empty(), "{:?}", taken.skipped);
        let rows: Vec<PreferenceRow> = read(&out).expect("ours");
        let mut of_prompt: std::collections::BTreeMap<String, Split> = [].into();
        for row in &rows {
            for prompt in row.instructions() {
                let known = of_prompt.entry(prompt.to_owned()).or_insert(row.split);
                assert_eq!(*known, row.split, "{prompt}");
            }
        }
        assert_eq!(of_prompt["Task 0."], of_prompt["Task 1."]);
        let count = |split| of_prompt.values().filter(|found| **found == split).count();
        // 19 sets of prompts: one fifth and one tenth of them, rounded up. One set has two prompts.
        assert!((4..=5).contains(&count(Split::Test)) && (2..=3).contains(&count(Split::Dev)));
        splits.push(of_prompt);
        fs::remove_file(&out).expect("removed");
    }
    assert_eq!(splits[0], splits[1]);
    assert_ne!(splits[0], splits[2]);
    let mut options = Import::new(Format::Trl);
    options.hold_out.test_size = 1.0;
    let error = import(&[(Split::Train, &file)], &out, &options).expect_err("no train split");
    assert!(matches!(error, ExchangeError::Shares { .. }) && !out.exists(), "{error}");
}

/// Rows of conversations: of each, the first turn of the user, and the same turn with an answer and another question.
fn conversations(count: usize) -> (Vec<String>, Vec<String>) {
    let rows = (0..count).map(|number| {
        let first = format!(r#"{{"role":"user","content":"Task {number}."}}"#);
        let answer = format!(r#"{{"role":"assistant","content":"good {number}"}}"#);
        let next = r#"{"role":"user","content":"Shorter."}"#;
        let row = |prompt: &str| {
            let said =
                |text: &str| format!(r#"[{{"role":"assistant","content":"{text} {number}"}}]"#);
            let (chosen, rejected) = (said("good"), said("bad"));
            format!(r#"{{"prompt":[{prompt}],"chosen":{chosen},"rejected":{rejected}}}"#)
        };
        (row(&first), row(&format!("{first},{answer},{next}")))
    });
    rows.unzip()
}

#[test]
fn the_beginning_of_a_held_out_conversation_is_not_trained_on() {
    let dir = tempfile::tempdir().expect("folder");
    let (short, long) = conversations(20);
    let (file, out) = (dir.path().join("rows.jsonl"), dir.path().join("taken.parquet"));
    fs::write(&file, [&short[..], &long].concat().join("\n")).expect("written");
    let mut options = Import::new(Format::Trl);
    options.hold_out = HoldOut { dev_size: 0.2, test_size: 0.3, seed: 1 };
    let taken = import(&[(Split::Train, &file)], &out, &options).expect("taken");
    assert_eq!(taken.splits, [(Split::Train, 20), (Split::Dev, 8), (Split::Test, 12)].into());
    let rows: Vec<PreferenceRow> = read(&out).expect("ours");
    let first = |row: &PreferenceRow| match row.context.first() {
        Some(turn) => turn.content.clone(),
        None => row.x1.clone(),
    };
    let splits: std::collections::BTreeSet<(String, Split)> =
        rows.iter().map(|row| (first(row), row.split)).collect();
    assert_eq!(splits.len(), 20, "a conversation is in two splits: {splits:?}");

    // The same with a file of test rows, in both directions.
    let tested = dir.path().join("test.jsonl");
    for (trained, held_out) in [(&short, &long), (&long, &short)] {
        fs::remove_file(&out).expect("removed");
        fs::write(&file, trained.join("\n")).expect("written");
        fs::write(&tested, held_out[..5].join("\n")).expect("written");
        let files = [(Split::Test, tested.as_path()), (Split::Train, &file)];
        let taken = import(&files, &out, &Import::new(Format::Trl)).expect("taken");
        assert_eq!(taken.splits, [(Split::Train, 15), (Split::Test, 5)].into());
        assert_eq!(taken.skipped, [(SkipReason::OtherSplit, 5)].into());
    }
}

#[test]
fn the_stage_does_not_replace_imported_groups() {
    let dir = tempfile::tempdir().expect("folder");
    let [rows, out] = ["rows.jsonl", "preferences.parquet"].map(|name| dir.path().join(name));
    fs::write(&rows, mirrored("Sing.", "Dance.", "La", "Step")).expect("written");
    import(&[(Split::Train, &rows)], &out, &Import::new(Format::Trl)).expect("taken");
    let before = fs::read(&out).expect("file");
    let config = PairsConfig::default();
    let error = build(&["t".to_owned()].into(), &rows, &rows, dir.path(), &config, &Silent)
        .expect_err("refused");
    assert!(matches!(error, PairsError::Imported { .. }), "{error}");
    assert_eq!(fs::read(&out).expect("file"), before);
}
