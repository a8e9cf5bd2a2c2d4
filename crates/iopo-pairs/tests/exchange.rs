//! Export to rows of other trainers, and import of these rows.

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::rows;
use iopo_llm::Silent;
use iopo_pairs::admit::FULL_TABLE;
use iopo_pairs::exchange::{Container, Export, Format, SkipReason};
use iopo_pairs::stage::make_groups;
use iopo_pairs::{ExchangeError, PairsConfig, PairsError, build, export, import};
use iopo_schema::{GroupKind, Method, PreferenceRow, Provenance, Split, read, write};

/// Creates groups of both kinds and a file of them.
fn preferences(dir: &Path) -> (Vec<PreferenceRow>, PathBuf) {
    let (instructions, responses) = rows(12, 4);
    let mut config = PairsConfig::default();
    (config.min_test_tasks, config.test_tasks, config.dev_tasks) = (0, 3, 1);
    let (groups, _) =
        make_groups(&common::task_ids(&instructions), &instructions, &responses, &config, &Silent)
            .expect("groups");
    let groups: Vec<PreferenceRow> = groups.into_iter().flatten().collect();
    let path = dir.join("preferences.parquet");
    write(&path, &groups, &Provenance::new("test", serde_json::json!({}))).expect("written");
    (groups, path)
}

fn texts(group: &PreferenceRow) -> [&str; 5] {
    [&group.id, &group.x1, &group.y1, &group.x2, &group.y2]
}

const WAYS: [(Format, bool); 3] =
    [(Format::Trl, false), (Format::Trl, true), (Format::LlamaFactory, false)];

fn options(to: Format, conversational: bool, container: Container) -> Export {
    let mut options = Export::new(to, container);
    options.conversational = conversational;
    options
}

#[test]
fn full_groups_round_trip_through_every_format_and_file() {
    let dir = tempfile::tempdir().expect("folder");
    let (groups, path) = preferences(dir.path());
    let full: Vec<&PreferenceRow> =
        groups.iter().filter(|group| group.kind == GroupKind::Full).collect();
    let sided = (groups.len() - full.len()) as u64;
    assert!(full.len() > 5 && sided > 0);
    for (format, conversational) in WAYS {
        for (container, ending) in [(Container::Jsonl, "jsonl"), (Container::Parquet, "parquet")] {
            let what = format!("{}-{conversational}.{ending}", format.name());
            let (out, back) = (dir.path().join(&what), dir.path().join(format!("{what}.back")));
            let made = export(&path, &out, &options(format, conversational, container));
            let made = made.expect(&what);
            assert_eq!(made.groups, groups.len() as u64);
            let taken = import(&[(Split::Train, &out)], format, &back).expect(&what);
            let imported: Vec<PreferenceRow> = read(&back).expect("ours");
            assert_eq!(taken.rows, made.rows);
            assert_eq!(taken.groups, imported.len() as u64);
            let left: u64 = taken.skipped.values().sum();
            if format == Format::Trl {
                assert_eq!(made.rows, 2 * full.len() as u64 + sided);
                assert_eq!(2 * taken.groups + left, taken.rows);
            } else {
                assert_eq!(made.skipped[&SkipReason::Sided], sided);
                assert_eq!((taken.groups, left), (full.len() as u64, 0));
            }
            for (group, back) in full.iter().zip(&imported) {
                assert_eq!(texts(back), texts(group), "{what}");
                assert_eq!(back.task, group.task);
                assert_eq!(back.truth_table(), FULL_TABLE);
                let verdicts = [&back.proof.x1y1, &back.proof.x1y2, &back.proof.x2y1];
                let claimed = |verdict: &iopo_schema::VerdictRow| {
                    verdict.method == Method::Judge && verdict.evidence.contains("not checked")
                };
                assert!(verdicts.into_iter().flatten().all(claimed));
                assert!(back.x1_constraints.is_empty() && back.x2_constraints.is_empty());
            }
        }
    }
}

#[test]
fn one_split_can_be_exported_and_the_bytes_are_reproducible() {
    let dir = tempfile::tempdir().expect("folder");
    let (groups, path) = preferences(dir.path());
    let train = groups.iter().filter(|group| group.split == Split::Train).count() as u64;
    assert!(train > 0 && train < groups.len() as u64);
    for container in [Container::Jsonl, Container::Parquet] {
        let [one, two] = ["one", "two"].map(|name| dir.path().join(name));
        let mut options = options(Format::Trl, true, container);
        options.split = Some(Split::Train);
        let made = export(&path, &one, &options).expect("exported");
        assert_eq!((made.groups, made.splits), (train, [(Split::Train, train)].into()));
        export(&path, &two, &options).expect("exported");
        assert_eq!(fs::read(&one).expect("file"), fs::read(&two).expect("file"));
    }
}

#[test]
fn an_export_of_a_split_without_groups_names_the_split() {
    let dir = tempfile::tempdir().expect("folder");
    let (mut groups, _) = preferences(dir.path());
    groups.retain(|group| group.split == Split::Train);
    let path = dir.path().join("train.parquet");
    write(&path, &groups, &Provenance::new("test", serde_json::json!({}))).expect("written");
    let mut options = Export::new(Format::Trl, Container::Jsonl);
    options.split = Some(Split::Dev);
    let error = export(&path, &dir.path().join("out"), &options).expect_err("no dev groups");
    assert!(error.to_string().contains("found no groups of the dev split"), "{error}");
}

fn take(dir: &Path, content: &str, from: Format) -> Result<Vec<PreferenceRow>, ExchangeError> {
    let (file, out) = (dir.join("rows.json"), dir.join("taken.parquet"));
    fs::write(&file, content).expect("written");
    import(&[(Split::Dev, &file)], from, &out)?;
    Ok(read(&out).expect("ours"))
}

#[test]
fn a_json_list_of_rows_is_read() {
    let dir = tempfile::tempdir().expect("folder");
    let list = r#"[
      {
        "conversations": [
          {"from": "human", "value": "Sing, \"loud\" [1].\n1. One line;\n"},
          {"from": "human", "value": "Sing, \"loud\" [1].\n1. Two lines;\n"}
        ],
        "chosen": {"from": "gpt", "value": "La } ]"},
        "rejected": {"from": "gpt", "value": "La\nla \\"}
      }
    ]
    "#;
    let groups = take(dir.path(), list, Format::LlamaFactory).expect("taken");
    let [group] = groups.as_slice() else { panic!("one group, not {}", groups.len()) };
    assert_eq!((group.y1.as_str(), group.y2.as_str()), ("La } ]", "La\nla \\"));
    assert_eq!((group.task.as_str(), group.split), ("Sing, \"loud\" [1].", Split::Dev));
    assert_eq!(
        group.proof.x1y1[0].evidence,
        "said by line 2 of the imported dev file, not checked"
    );
}

#[test]
fn the_prompt_may_precede_the_responses_and_mirrored_rows_need_not_be_adjacent() {
    let dir = tempfile::tempdir().expect("folder");
    let turns = |x: &str, y: &str| {
        format!(r#"[{{"role":"user","content":"{x}"}},{{"role":"assistant","content":"{y}"}}]"#)
    };
    let (chosen, rejected) = (turns("Sing.", "La"), turns("Sing.", "Step"));
    let implicit = format!("{{\"chosen\":{chosen},\"rejected\":{rejected}}}");
    let lone = r#"{"prompt":"Read.","chosen":"A","rejected":"B"}"#;
    let plain = r#"{"prompt":"Dance.","chosen":"Step","rejected":"La","score":1}"#;
    let content = [implicit.as_str(), lone, plain].join("\n");
    let groups = take(dir.path(), &content, Format::Trl);
    let groups = groups.expect("taken");
    assert_eq!(groups.len(), 1);
    assert_eq!(texts(&groups[0])[1..], ["Sing.", "La", "Dance.", "Step"]);
}

#[test]
fn skipped_rows_are_counted_by_reason() {
    let dir = tempfile::tempdir().expect("folder");
    let pair = |x: &str, y: &str, n: &str| {
        format!(r#"{{"prompt":"{x}","chosen":"{y}","rejected":"{n}"}}"#)
    };
    let content = [
        pair("Sing.", "La", "Step"),
        pair("Dance.", "Step", "La"),
        pair("Sing.", "La", "Step"),
        pair("Dance.", "Step", "La"),
        pair("Read.", "A", "B"),
        pair("Read.", "A", "A "),
        r#"{"prompt":[{"role":"system","content":"s"},{"role":"user","content":"u"}],"chosen":"a","rejected":"b"}"#
            .to_owned(),
    ];
    let (file, out) = (dir.path().join("rows.jsonl"), dir.path().join("taken.parquet"));
    fs::write(&file, content.join("\n")).expect("written");
    let summary = import(&[(Split::Train, &file)], Format::Trl, &out).expect("taken");
    assert_eq!((summary.rows, summary.groups), (7, 1));
    let left = [
        (SkipReason::NoMirror, 1),
        (SkipReason::OtherTurns, 1),
        (SkipReason::SameResponses, 1),
        (SkipReason::Repeated, 2),
    ];
    assert_eq!(summary.skipped.into_iter().collect::<Vec<_>>(), left);
}

/// Two rows that mirror each other.
fn mirrored(x1: &str, x2: &str, y1: &str, y2: &str) -> String {
    let row = |x: &str, y: &str, n: &str| {
        format!(r#"{{"prompt":"{x}","chosen":"{y}","rejected":"{n}"}}"#)
    };
    format!("{}\n{}\n", row(x1, y1, y2), row(x2, y2, y1))
}

#[test]
fn each_file_has_a_split_and_a_task_belongs_to_the_first_file() {
    let dir = tempfile::tempdir().expect("folder");
    let [train, dev, test, out] =
        ["train.jsonl", "dev.jsonl", "test.jsonl", "out.parquet"].map(|name| dir.path().join(name));
    let first = mirrored("Sing.\\nLoud.", "Sing.\\nLow.", "LA", "la");
    let same_task = mirrored("Sing.\\nOnce.", "Sing.\\nTwice.", "La", "La la");
    let own = mirrored("Read.\\nLoud.", "Read.\\nLow.", "A", "a");
    let half = own.lines().next().expect("row");
    fs::write(&train, format!("{first}{half}\n")).expect("written");
    fs::write(&dev, [&first, &same_task, &own].map(String::as_str).concat()).expect("written");
    fs::write(&test, mirrored("Dance.", "Rest.", "Step", "Stop")).expect("written");
    let files = [(Split::Train, &*train), (Split::Dev, &*dev), (Split::Test, &*test)];
    let taken = import(&files, Format::Trl, &out).expect("taken");
    assert_eq!((taken.rows, taken.groups), (11, 3));
    let one_each = [Split::Train, Split::Dev, Split::Test].map(|split| (split, 1));
    assert_eq!(taken.splits, one_each.into());
    let left = [(SkipReason::NoMirror, 1), (SkipReason::Repeated, 2), (SkipReason::OtherSplit, 2)];
    assert_eq!(taken.skipped, left.into());
    let groups: Vec<PreferenceRow> = read(&out).expect("ours");
    let shown: Vec<(Split, &str)> =
        groups.iter().map(|group| (group.split, group.x1.as_str())).collect();
    let expected =
        [(Split::Train, "Sing.\nLoud."), (Split::Dev, "Read.\nLoud."), (Split::Test, "Dance.")];
    assert_eq!(shown, expected);
    // A file without a group is an error and leaves no output.
    fs::write(&test, &same_task).expect("written");
    let none = dir.path().join("none.parquet");
    let error = import(&files, Format::Trl, &none).expect_err("refused").to_string();
    assert!(error.contains("test.jsonl") && error.contains("another split"), "{error}");
    assert!(!none.exists());
    assert!(matches!(import(&[], Format::Trl, &none), Err(ExchangeError::NoFile)));
}

#[test]
fn the_stage_does_not_replace_imported_groups() {
    let dir = tempfile::tempdir().expect("folder");
    let [rows, out] = ["rows.jsonl", "preferences.parquet"].map(|name| dir.path().join(name));
    fs::write(&rows, mirrored("Sing.", "Dance.", "La", "Step")).expect("written");
    import(&[(Split::Train, &rows)], Format::Trl, &out).expect("taken");
    let before = fs::read(&out).expect("file");
    let config = PairsConfig::default();
    let error = build(&["t".to_owned()].into(), &rows, &rows, dir.path(), &config, &Silent)
        .expect_err("refused");
    assert!(matches!(error, PairsError::Imported { .. }), "{error}");
    assert_eq!(fs::read(&out).expect("file"), before);
}
