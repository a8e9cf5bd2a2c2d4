//! Task files, valid and invalid.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_array::{ArrayRef, Int64Array, LargeStringArray, StringArray};
use iopo_synth::{SynthError, TaskLanguage, read_tasks};
use parquet::arrow::ArrowWriter;

fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join(name);
    std::fs::write(&path, content).expect("file");
    (dir, path)
}

fn table(columns: Vec<(&str, ArrayRef)>) -> (tempfile::TempDir, PathBuf) {
    let (dir, path) = file("tasks.parquet", b"");
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    let writer = std::fs::File::create(&path).expect("file");
    let mut writer = ArrowWriter::try_new(writer, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("write");
    writer.close().expect("close");
    (dir, path)
}

#[test]
fn json_lines_are_read_with_blank_lines_and_unknown_fields() {
    let text = "\u{feff}{\"id\":\"a\",\"task\":\"Say hi.\",\"genre\":\"chat\"}\n\n\
                {\"id\":\"b\",\"task\":\"Sum up.\",\"input\":\"Text.\"}\r\n\
                {\"id\":\"c\",\"task\":\"Sing.\",\"input\":null}\n";
    let (_dir, path) = file("tasks.jsonl", text.as_bytes());
    let tasks = read_tasks(&path).expect("tasks");
    let ids: Vec<&str> = tasks.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(tasks[1].input.as_deref(), Some("Text."));
    assert_eq!((&tasks[0].input, &tasks[2].input), (&None, &None));
}

#[test]
fn a_task_names_its_language_by_a_tag_of_any_language() {
    let read = |language: &str| {
        let text =
            format!("{{\"task\":\"Sing.\"}}\n{{\"task\":\"Say hi.\",\"language\":{language}}}");
        let (_dir, path) = file("tasks.jsonl", text.as_bytes());
        read_tasks(&path).map(|tasks| tasks[1].language.clone())
    };
    for (tag, text, known) in [
        ("\"en\"", Some("en"), Some(TaskLanguage::En)),
        ("\"en-GB\"", Some("en-GB"), Some(TaskLanguage::En)),
        ("\" zh\"", Some("zh"), Some(TaskLanguage::Zh)),
        ("\"zh_Hans\"", Some("zh_Hans"), Some(TaskLanguage::Zh)),
        ("\"fr\"", Some("fr"), None),
        ("\" \"", None, None),
        ("null", None, None),
    ] {
        let found = read(tag).expect(tag);
        assert_eq!(found.as_deref(), text, "{tag}");
        assert_eq!(found.as_deref().and_then(TaskLanguage::from_tag), known, "{tag}");
    }
    assert!(read("7").expect_err("a number").to_string().contains("expected a string"));
    let columns = |language: &str| {
        let (_dir, path) = table(vec![
            ("task", Arc::new(StringArray::from(vec!["Say hi.", "Sum up."]))),
            ("language", Arc::new(StringArray::from(vec![None, Some(language)]))),
        ]);
        read_tasks(&path).map(|tasks| [tasks[0].language.clone(), tasks[1].language.clone()])
    };
    assert_eq!(columns("de").expect("tasks"), [None, Some("de".to_owned())]);
}

#[test]
fn tasks_without_ids_get_ids_from_their_content() {
    let ids = |lines: &[&str]| -> Vec<String> {
        let (_dir, path) = file("tasks.jsonl", lines.join("\n").as_bytes());
        read_tasks(&path).expect("tasks").into_iter().map(|task| task.id).collect()
    };
    let [hi, sum] = [r#"{"task":"Say hi."}"#, r#"{"task":"Sum up.","input":"Text."}"#];
    let [first, second] = <[String; 2]>::try_from(ids(&[hi, sum])).expect("two tasks");
    assert_ne!(first, second);
    assert_eq!(ids(&[sum, r#"{"id":"a","task":"Sing."}"#, hi]), [&second, "a", &first]);
    let other = ids(&[r#"{"task":"Sum up.","input":"Another text."}"#]);
    assert_ne!(other, [second.as_str()], "the input counts");
    let (_dir, path) = table(vec![
        ("task", Arc::new(StringArray::from(vec!["Say hi.", "Sum up."]))),
        ("input", Arc::new(StringArray::from(vec![None, Some("Text.")]))),
    ]);
    let tasks = read_tasks(&path).expect("tasks").into_iter();
    assert_eq!(tasks.map(|task| task.id).collect::<Vec<_>>(), [first, second]);
    let (_dir, path) = file("tasks.jsonl", br#"{"id":null,"task":"Say hi."}"#);
    let error = read_tasks(&path).expect_err("null").to_string();
    assert!(error.contains("null, expected a string"), "{error}");
}

#[test]
fn parquet_is_read_with_any_string_type() {
    let (_dir, path) = table(vec![
        ("task", Arc::new(LargeStringArray::from(vec!["Say hi.", "Sum up."]))),
        ("id", Arc::new(StringArray::from(vec!["a", "b"]))),
        ("input", Arc::new(StringArray::from(vec![None, Some("Text.")]))),
    ]);
    let tasks = read_tasks(&path).expect("tasks");
    assert_eq!((tasks[1].id.as_str(), tasks[1].task.as_str()), ("b", "Sum up."));
    assert_eq!((&tasks[0].input, tasks[1].input.as_deref()), (&None, Some("Text.")));
}

#[test]
fn an_error_about_an_invalid_file_names_the_place() {
    let good = r#"{"id":"a","task":"Say hi."}"#;
    let cases: [(&str, Vec<u8>, &str); 8] = [
        ("tasks.jsonl", b"\n \n".to_vec(), "found no task, expected at least one"),
        ("tasks.jsonl", format!("{good}\nnonsense").into_bytes(), "tasks.jsonl:2:"),
        ("tasks.jsonl", format!("{good}\n{{\"id\":\"b\"}}").into_bytes(), "missing field `task`"),
        ("tasks.jsonl", format!("{good}\n\n{good}").into_bytes(), "in line 1 and in line 3"),
        ("tasks.jsonl", br#"{"id":"a","task":"  "}"#.to_vec(), "an empty `task` in line 1"),
        ("tasks.jsonl", vec![0xff, 0xfe, 0x00], "tasks.jsonl:1:"),
        ("tasks.parquet", b"PAR1 but not really".to_vec(), "expected a Parquet file"),
        ("tasks.csv", good.as_bytes().to_vec(), ".jsonl, .ndjson or .parquet"),
    ];
    for (name, content, expected) in cases {
        let (_dir, path) = file(name, &content);
        let error = read_tasks(&path).expect_err(expected).to_string();
        assert!(error.contains(expected), "expected {expected:?} in {error:?}");
    }
    let missing = read_tasks(&PathBuf::from("no-such-file.jsonl"));
    assert!(matches!(missing, Err(SynthError::Io { .. })));
}

#[test]
fn one_task_under_two_ids_is_an_error() {
    let pair = |first: &str, second: &str| {
        let text = format!("{{\"id\":\"a\",{first}}}\n\n{{\"id\":\"b\",{second}}}");
        let (_dir, path) = file("tasks.jsonl", text.as_bytes());
        read_tasks(&path)
    };
    let same = [
        (r#""task":"Say hi.""#, r#""task":" say  HI!""#),
        (r#""task":"Sum up.","input":"A text.""#, r#""task":"Sum up","input":"a text""#),
        (r#""task":"Sing.","input":null"#, r#""task":"Sing.","input":" ""#),
    ];
    for (first, second) in same {
        let error = pair(first, second).expect_err("the same task").to_string();
        assert!(error.contains(r#""a" (line 1) and "b" (line 3)"#), "{error}");
    }
    let distinct = [
        (r#""task":"Compute 3 + 4.""#, r#""task":"Compute 3 - 4.""#),
        (r#""task":"Sum up.","input":"One.""#, r#""task":"Sum up.","input":"Two.""#),
        (r#""task":"Sum up.","input":"One.""#, r#""task":"Sum up.""#),
    ];
    for (first, second) in distinct {
        assert_eq!(pair(first, second).expect("two tasks").len(), 2);
    }
}

#[test]
fn an_error_about_a_parquet_file_names_the_column() {
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["a"]));
    let (_dir, path) = table(vec![("id", ids.clone())]);
    assert!(read_tasks(&path).expect_err("no task").to_string().contains("no column `task`"));
    let (_dir, path) = table(vec![("id", ids), ("task", Arc::new(Int64Array::from(vec![1])))]);
    assert!(read_tasks(&path).expect_err("numbers").to_string().contains("Int64 in column `task`"));
    let (_dir, path) = table(vec![
        ("id", Arc::new(StringArray::from(vec![Some("a"), None]))),
        ("task", Arc::new(StringArray::from(vec!["Say hi.", "Sum up."]))),
    ]);
    let error = read_tasks(&path).expect_err("null").to_string();
    assert!(error.contains("null in column `id` in row 2"), "{error}");
}

/// Batches are shorter than the table, and an error counts the rows of the whole table.
#[test]
fn an_error_about_a_long_parquet_file_names_the_row_in_the_file() {
    let count = 2_000;
    let ids: Vec<String> = (0..count).map(|row| format!("id-{row}")).collect();
    let tasks = || (0..count).map(|row| Some(format!("Write about the number {row}.")));
    let with = |ids: Vec<String>, tasks: Vec<Option<String>>| {
        let (_dir, path) = table(vec![
            ("id", Arc::new(StringArray::from(ids))),
            ("task", Arc::new(StringArray::from(tasks))),
        ]);
        read_tasks(&path)
    };
    let read = with(ids.clone(), tasks().collect()).expect("tasks");
    assert_eq!((read.len(), read[1_999].id.as_str()), (2_000, "id-1999"));
    let mut null: Vec<Option<String>> = tasks().collect();
    null[1_500] = None;
    let error = with(ids.clone(), null).expect_err("null").to_string();
    assert!(error.contains("null in column `task` in row 1501"), "{error}");
    let mut empty = ids.clone();
    empty[1_400] = " ".to_owned();
    let error = with(empty, tasks().collect()).expect_err("empty").to_string();
    assert!(error.contains("an empty `id` in row 1401"), "{error}");
    let mut twice = ids;
    twice[1_300] = "id-7".to_owned();
    let error = with(twice, tasks().collect()).expect_err("twice").to_string();
    assert!(error.contains(r#"the task id "id-7" in row 8 and in row 1301"#), "{error}");
}
