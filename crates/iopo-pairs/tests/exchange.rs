//! Export to rows of other trainers, and import of these rows.

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::rows;
use iopo_llm::Silent;
use iopo_pairs::admit::FULL_TABLE;
use iopo_pairs::exchange::{Container, Export, Format, HoldOut, Import, SkipReason};
use iopo_pairs::stage::make_groups;
use iopo_pairs::{ExchangeError, PairsConfig, PairsError, build, export, import};
use iopo_schema::{
    GroupKind, Method, PreferenceRow, Provenance, Split, TurnRole, TurnRow, read, write,
};

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
    let x2 = group.x2.as_deref().unwrap_or_default();
    [&group.id, &group.x1, &group.y1, x2, &group.y2]
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
            let taken = import(&[(Split::Train, &out)], &back, &Import::new(format)).expect(&what);
            let imported: Vec<PreferenceRow> = read(&back).expect("ours");
            assert_eq!(taken.rows, made.rows);
            assert_eq!(taken.groups + taken.pairs, imported.len() as u64);
            let left: u64 = taken.skipped.values().sum();
            if format == Format::Trl {
                assert_eq!(made.rows, 2 * full.len() as u64 + sided);
                // A sided group has one strict pair, whose row has no mirrored row.
                assert_eq!(2 * taken.groups + taken.pairs + left, taken.rows);
                assert!(taken.pairs > 0 && taken.pairs <= sided);
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
    import(&[(Split::Dev, &file)], &out, &Import::new(from))?;
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
    assert_eq!(groups.len(), 2);
    assert_eq!(texts(&groups[0])[1..], ["Sing.", "La", "Dance.", "Step"]);
    assert_eq!(texts(&groups[1])[1..], ["Read.", "A", "", "B"]);
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
        r#"{"prompt":[{"role":"user","content":"u"},{"role":"user","content":"u"}],"chosen":"a","rejected":"b"}"#
            .to_owned(),
        r#"{"prompt":"u","chosen":null,"rejected":"b"}"#.to_owned(),
    ];
    let (file, out) = (dir.path().join("rows.jsonl"), dir.path().join("taken.parquet"));
    fs::write(&file, content.join("\n")).expect("written");
    let summary = import(&[(Split::Train, &file)], &out, &Import::new(Format::Trl)).expect("taken");
    assert_eq!((summary.rows, summary.groups, summary.pairs), (8, 1, 1));
    let left = [
        (SkipReason::NoText, 1),
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
fn rows_without_a_mirrored_row_are_pairs_with_the_turns_before_the_prompt() {
    let dir = tempfile::tempdir().expect("folder");
    let chat = r#"{"role":"system","content":"Be brief."},{"role":"user","content":"Sing."},
                   {"role":"assistant","content":"La."},{"role":"user","content":"Louder."}"#
        .replace('\n', "");
    let answer = |text: &str| format!(r#"{{"role":"assistant","content":"{text}"}}"#);
    let (good, bad) = (answer("LA!"), answer("la"));
    let content = [
        format!(r#"{{"prompt":[{chat}],"chosen":[{good}],"rejected":[{bad}]}}"#),
        // TRL's layout without a column for the prompt.
        format!(r#"{{"chosen":[{chat},{}],"rejected":[{chat},{bad}]}}"#, answer("LA LA!")),
        // The prompt as a text, and again before the responses.
        r#"{"prompt":"Read.","chosen":[{"role":"user","content":"Read."},{"role":"assistant","content":"A"}],
            "rejected":[{"role":"user","content":"Read."},{"role":"assistant","content":"B"}]}"#
            .replace('\n', ""),
        r#"{"prompt":"Read.","chosen":"C","rejected":"D","score":NaN}"#.to_owned(),
    ]
    .join("\n");
    let rows = take(dir.path(), &content, Format::Trl).expect("taken");
    let shown: Vec<[&str; 3]> =
        rows.iter().map(|row| [row.x1.as_str(), row.y1.as_str(), row.y2.as_str()]).collect();
    let expected = [
        ["Louder.", "LA!", "la"],
        ["Louder.", "LA LA!", "la"],
        ["Read.", "A", "B"],
        ["Read.", "C", "D"],
    ];
    assert_eq!(shown, expected);
    for row in &rows {
        assert_eq!((row.kind, row.operation, row.is_pair()), (GroupKind::Pair, None, true));
        let table = row.truth_table();
        assert!(table.x1y1 && !table.x1y2, "the chosen response follows the prompt");
        assert!(row.proof.x2y1.is_empty() && row.proof.x2y2.is_empty());
    }
    let turn = |role, text: &str| TurnRow { role, content: text.to_owned() };
    let before = [
        turn(TurnRole::System, "Be brief."),
        turn(TurnRole::User, "Sing."),
        turn(TurnRole::Assistant, "La."),
    ];
    assert_eq!((&rows[0].context[..], &rows[1].context[..]), (&before[..], &before[..]));
    assert_eq!(rows[0].task_id, rows[1].task_id, "the same prompt is the same task");
    assert_ne!(rows[0].task_id, rows[2].task_id);
    assert!(rows[2].context.is_empty());

    // Conversational rows keep the turns; plain rows have no place for them.
    let (groups, out) = (dir.path().join("taken.parquet"), dir.path().join("rows.jsonl"));
    export(&groups, &out, &options(Format::Trl, true, Container::Jsonl)).expect("exported");
    let back = dir.path().join("back.parquet");
    import(&[(Split::Dev, &out)], &back, &Import::new(Format::Trl)).expect("taken");
    let again: Vec<PreferenceRow> = read(&back).expect("ours");
    let same = |row: &PreferenceRow| (row.id.clone(), row.context.clone(), row.task_id.clone());
    assert_eq!(
        again.iter().map(same).collect::<Vec<_>>(),
        rows.iter().map(same).collect::<Vec<_>>()
    );
    let made = export(&groups, &out, &options(Format::Trl, false, Container::Jsonl));
    let made = made.expect("exported");
    assert_eq!((made.rows, made.skipped), (2, [(SkipReason::Context, 2)].into()));
    let error = export(&groups, &out, &options(Format::LlamaFactory, false, Container::Jsonl));
    let error = error.expect_err("no groups").to_string();
    assert!(error.contains("4: one instruction"), "{error}");
}

#[test]
fn rows_whose_turns_no_text_can_replace_are_skipped_by_reason() {
    let dir = tempfile::tempdir().expect("folder");
    let row = |prompt: &str, chosen: &str| {
        format!(
            r#"{{"prompt":[{{"role":"user","content":{prompt}}}],"chosen":[{chosen}],
                "rejected":[{{"role":"assistant","content":"No."}}]}}"#
        )
        .replace('\n', "")
    };
    let yes = r#"{"role":"assistant","content":"Yes."}"#;
    let content = [
        row("\"Rain?\"", yes),
        row("\"Snow?\"", r#"{"role":"assistant","tool_calls":[{"name":"look_up"}]}"#),
        row("\"Hail?\"", &format!(r#"{{"role":"tool","content":"yes"}},{yes}"#)),
        row("\"Wind?\"", r#"{"role":"assistant","content":null}"#),
        row("\"Heat?\"", r#"{"role":"assistant","content":[{"type":"text","text":"Yes."}]}"#),
        row("[{\"type\":\"image\"}]", yes),
        row("\"Frost?\"", &format!("{yes},{yes}")),
        row("\"Fog?\"", &format!(r#"{{"role":"user","content":"Mist?"}},{yes}"#)),
        row("\"Dew?\"", yes).replacen('{', r#"{"images":[{"path":"dew.png"}],"#, 1),
        row("\"Ice?\"", yes).replacen('{', r#"{"tools":"[{\"name\": \"look_up\"}]","#, 1),
        row("\"Hot?\"", yes).replacen('{', r#"{"video":"hot.mp4","#, 1),
        row("\"Icy?\"", yes).replacen('{', r#"{"tools":"{}","images":[null],"video":false,"#, 1),
        row("\"Sun?\"", yes).replacen('{', r#"{"images":[],"audios":null,"tools":" [] ","#, 1),
    ];
    let (file, out) = (dir.path().join("rows.jsonl"), dir.path().join("taken.parquet"));
    fs::write(&file, content.join("\n")).expect("written");
    let taken = import(&[(Split::Train, &file)], &out, &Import::new(Format::Trl)).expect("one");
    assert_eq!((taken.rows, taken.pairs, taken.groups), (13, 3, 0));
    let skipped = [
        (SkipReason::ToolTurn, 2),
        (SkipReason::NoText, 1),
        (SkipReason::BesideText, 3),
        (SkipReason::ContentParts, 2),
        (SkipReason::OtherTurns, 1),
        (SkipReason::DifferentPrompts, 1),
    ];
    assert_eq!(taken.skipped, skipped.into());
}

#[test]
fn llama_factory_rows_with_one_instruction_are_pairs() {
    let dir = tempfile::tempdir().expect("folder");
    let row = |system: &str, conversation: &str| {
        format!(
            r#"{{"system":"{system}","conversations":[{conversation}],
                "chosen":{{"from":"gpt","value":"LA"}},"rejected":{{"from":"gpt","value":"la"}}}}"#
        )
        .replace('\n', "")
    };
    let human = |text: &str| format!(r#"{{"from":"human","value":"{text}"}}"#);
    let content = [
        row("", &human("Sing.")),
        row("Be loud.", &human("Sing.")),
        row(
            "",
            &format!(r#"{},{{"from":"gpt","value":"La"}},{}"#, human("Hum."), human("Louder.")),
        ),
        row("Be loud.", &format!("{},{}", human("Hum loud."), human("Hum low."))),
        row("", &format!(r#"{{"from":"observation","value":"7"}},{}"#, human("Count."))),
    ];
    let rows = take(dir.path(), &content.join("\n"), Format::LlamaFactory).expect("taken");
    let shown: Vec<(GroupKind, &str, usize)> =
        rows.iter().map(|row| (row.kind, row.x1.as_str(), row.context.len())).collect();
    let expected = [
        (GroupKind::Pair, "Sing.", 0),
        (GroupKind::Pair, "Sing.", 1),
        (GroupKind::Pair, "Louder.", 2),
        (GroupKind::Full, "Hum loud.", 1),
    ];
    assert_eq!(shown, expected);
    assert_eq!(rows[0].task_id, rows[1].task_id, "a system turn does not distinguish prompts");
    assert_ne!(rows[0].id, rows[1].id);
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
