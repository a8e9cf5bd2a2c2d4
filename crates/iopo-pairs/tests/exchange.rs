//! Groups that went out to other trainers' rows and come back.

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::rows;
use iopo_llm::Silent;
use iopo_pairs::exchange::{Container, Export, Format, LeftOut};
use iopo_pairs::stage::make_groups;
use iopo_pairs::{ExchangeError, PairsConfig, export, import};
use iopo_schema::{GroupKind, Method, PreferenceRow, Provenance, Split, read, write};

/// Groups of both kinds, and the file that holds them.
fn preferences(dir: &Path) -> (Vec<PreferenceRow>, PathBuf) {
    let (instructions, responses) = rows(12, 4);
    let config =
        PairsConfig { min_test_seeds: 0, test_seeds: 3, dev_seeds: 1, ..PairsConfig::default() };
    let (groups, _) = make_groups(&instructions, &responses, &config, &Silent).expect("groups");
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
    Export { to, conversational, container, split: None }
}

#[test]
fn full_groups_come_back_as_they_were_from_every_format_and_file() {
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
            let taken = import(&out, format, Split::Train, &back).expect(&what);
            let imported: Vec<PreferenceRow> = read(&back).expect("ours");
            assert_eq!(taken.rows, made.rows);
            assert_eq!(taken.groups, imported.len() as u64);
            let left: u64 = taken.left_out.values().sum();
            if format == Format::Trl {
                assert_eq!(made.rows, 2 * full.len() as u64 + sided);
                assert_eq!(2 * taken.groups + left, taken.rows);
            } else {
                assert_eq!(made.left_out[&LeftOut::Sided], sided);
                assert_eq!((taken.groups, left), (full.len() as u64, 0));
            }
            for (group, back) in full.iter().zip(&imported) {
                assert_eq!(texts(back), texts(group), "{what}");
                assert_eq!(back.task, group.task);
                assert_eq!(back.proof.cells(), [true, false, false, true]);
                let verdicts = [&back.proof.y1_x1, &back.proof.y2_x1, &back.proof.y1_x2];
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
fn one_split_goes_out_alone_and_the_same_groups_give_the_same_bytes() {
    let dir = tempfile::tempdir().expect("folder");
    let (groups, path) = preferences(dir.path());
    let train = groups.iter().filter(|group| group.split == Split::Train).count() as u64;
    assert!(train > 0 && train < groups.len() as u64);
    for container in [Container::Jsonl, Container::Parquet] {
        let [one, two] = ["one", "two"].map(|name| dir.path().join(name));
        let options = Export { split: Some(Split::Train), ..options(Format::Trl, true, container) };
        assert_eq!(export(&path, &one, &options).expect("exported").groups, train);
        export(&path, &two, &options).expect("exported");
        assert_eq!(fs::read(&one).expect("file"), fs::read(&two).expect("file"));
    }
}

fn take(dir: &Path, content: &str, from: Format) -> Result<Vec<PreferenceRow>, ExchangeError> {
    let (file, out) = (dir.join("rows.json"), dir.join("taken.parquet"));
    fs::write(&file, content).expect("written");
    import(&file, from, Split::Dev, &out)?;
    Ok(read(&out).expect("ours"))
}

#[test]
fn the_authors_list_of_rows_is_read() {
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
    assert_eq!(group.proof.y1_x1[0].evidence, "said by line 2 of the imported file, not checked");
}

#[test]
fn a_prompt_may_stand_before_the_responses_and_pairs_need_not_be_neighbours() {
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
fn what_makes_no_group_is_counted_by_its_reason() {
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
    let summary = import(&file, Format::Trl, Split::Train, &out).expect("taken");
    assert_eq!((summary.rows, summary.groups), (7, 1));
    let left = [
        (LeftOut::NoMirror, 1),
        (LeftOut::OtherTurns, 1),
        (LeftOut::SameResponses, 1),
        (LeftOut::Repeated, 2),
    ];
    assert_eq!(summary.left_out.into_iter().collect::<Vec<_>>(), left);
}
