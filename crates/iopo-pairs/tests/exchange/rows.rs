//! The rows that an import reads and skips.

use std::fs;

use iopo_pairs::exchange::{Container, Format, Import, SkipReason};
use iopo_pairs::{export, import};
use iopo_schema::{GroupKind, PreferenceRow, Split, TurnRole, TurnRow, read};

use crate::{options, take, texts};

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
