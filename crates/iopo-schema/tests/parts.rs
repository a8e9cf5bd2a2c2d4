//! Outputs written in parts: killed, resumed, incomplete.

mod common;

use std::fs;
use std::path::Path;

use common::{metrics, provenance};
use iopo_schema::*;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const COUNT: usize = 5;
const ROWS: u64 = 3_000;

fn rows(index: usize) -> Vec<MetricRow> {
    // Parts of different sizes, one of them empty.
    match index {
        2 => Vec::new(),
        _ => metrics(index as u64 * ROWS..(index as u64 + 1) * ROWS - index as u64 * 7),
    }
}

fn all() -> Vec<MetricRow> {
    (0..COUNT).flat_map(rows).collect()
}

/// Writes at most `most` of the missing parts, as a stage does.
fn work(path: &Path, most: usize) -> Result<(), SchemaError> {
    let parts = Parts::open(path, &provenance())?;
    if parts.is_complete() {
        return Ok(());
    }
    let missing: Vec<usize> = (0..COUNT).filter(|index| !parts.has(*index)).collect();
    for index in missing.iter().take(most) {
        parts.write(*index, &rows(*index))?;
    }
    if missing.len() <= most { parts.finish(COUNT) } else { Ok(()) }
}

#[test]
fn a_resumed_output_has_the_bytes_of_an_uninterrupted_one() -> Outcome {
    let folder = tempfile::tempdir()?;
    let whole = folder.path().join("whole.parquet");
    write(&whole, &all(), &provenance())?;
    let expected = fs::read(&whole)?;

    let straight = folder.path().join("straight.parquet");
    work(&straight, COUNT)?;
    assert!(fs::read(&straight)? == expected, "the final file depends on its parts");

    let resumed = folder.path().join("resumed.parquet");
    for most in [1, 0, 2, 0] {
        work(&resumed, most)?;
        assert!(!resumed.exists());
    }
    work(&resumed, COUNT)?;
    assert!(fs::read(&resumed)? == expected, "the final file depends on interruptions");
    assert!(!folder.path().join("resumed.parquet.parts").exists());
    assert_eq!(read::<MetricRow>(&resumed)?, all());
    Ok(())
}

#[test]
fn a_filled_output_makes_only_the_parts_that_are_missing() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("filled.parquet");
    let items: Vec<u64> = (0..5).collect();
    // Fails at the item `stop`, and returns the items that were skipped and made.
    let fill = |stop: Option<u64>| {
        let parts = Parts::open(&path, &provenance())?;
        let (mut skipped, mut made) = (Vec::new(), Vec::new());
        let filled = parts.fill(
            &items,
            2,
            |items| skipped.extend_from_slice(items),
            |items| {
                if stop.is_some_and(|stop| items.contains(&stop)) {
                    return Err(std::io::Error::other("stopped").into());
                }
                made.extend_from_slice(items);
                Ok::<_, Box<dyn std::error::Error>>(metrics(
                    items[0]..items[0] + items.len() as u64,
                ))
            },
        );
        Ok::<_, SchemaError>((filled.is_ok(), skipped, made))
    };
    assert_eq!(fill(Some(2))?, (false, vec![], vec![0, 1]));
    assert!(!path.exists());
    assert_eq!(fill(None)?, (true, vec![0, 1], vec![2, 3, 4]));
    assert_eq!(read::<MetricRow>(&path)?, metrics(0..5));
    assert_eq!(fill(None)?, (true, vec![], vec![]));
    Ok(())
}

#[test]
fn files_left_by_a_killed_writer_are_removed() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("out.parquet");
    let directory = folder.path().join("out.parquet.parts");
    work(&path, 3)?;
    // An unfinished part, a truncated part, and an unfinished final file.
    fs::write(directory.join(".part-00003.parquet.tmp"), b"PAR1 half")?;
    let part = directory.join("part-00001.parquet");
    let bytes = fs::read(&part)?;
    fs::write(&part, &bytes[..bytes.len() / 2])?;
    fs::write(folder.path().join(".out.parquet.tmp"), b"PAR1 half")?;

    let parts = Parts::<MetricRow>::open(&path, &provenance())?;
    assert!(parts.has(0) && !parts.has(1) && parts.has(2) && !parts.has(3));
    assert!(!directory.join(".part-00003.parquet.tmp").exists());
    drop(parts);

    work(&path, COUNT)?;
    assert_eq!(read::<MetricRow>(&path)?, all());
    let names: Vec<_> =
        fs::read_dir(folder.path())?.filter_map(|entry| Some(entry.ok()?.file_name())).collect();
    assert_eq!(names, ["out.parquet"]);
    Ok(())
}

#[test]
fn remaining_parts_of_a_complete_file_are_removed() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("out.parquet");
    let directory = folder.path().join("out.parquet.parts");
    work(&path, 4)?;
    write(&path, &all(), &provenance())?;
    let parts = Parts::<MetricRow>::open(&path, &provenance())?;
    assert!(parts.is_complete());
    assert!(!directory.exists());
    parts.finish(COUNT)?;
    Ok(())
}

#[test]
fn parts_of_another_configuration_start_again() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("out.parquet");
    work(&path, 2)?;
    let mut other = provenance();
    other.config["beta"] = serde_json::json!(0.5);
    assert!(Parts::<MetricRow>::open(&path, &provenance())?.has(1), "the same one resumes");
    assert!(!Parts::<MetricRow>::open(&path, &other)?.has(1));
    Ok(())
}

#[test]
fn a_finished_file_of_another_configuration_is_not_complete() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("out.parquet");
    let other = provenance().with_input("instructions", "beef");
    write(&path, &metrics(0..4), &other)?;
    assert!(!Parts::<MetricRow>::open(&path, &provenance())?.is_complete());
    work(&path, COUNT)?;
    assert_eq!(read::<MetricRow>(&path)?, all());
    Ok(())
}

#[test]
fn a_foreign_final_file_is_never_replaced() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("out.parquet");
    fs::write(&path, "a user's notes")?;
    let error = Parts::<MetricRow>::open(&path, &provenance()).unwrap_err().to_string();
    assert!(error.contains("expected a complete Parquet file"), "{error}");
    Ok(())
}

#[test]
fn a_second_writer_is_refused() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("out.parquet");
    let first = Parts::<MetricRow>::open(&path, &provenance())?;
    let error = Parts::<MetricRow>::open(&path, &provenance()).unwrap_err();
    assert!(matches!(error, SchemaError::Locked { .. }), "{error}");
    drop(first);
    Parts::<MetricRow>::open(&path, &provenance())?;
    Ok(())
}

#[test]
fn the_header_has_a_hash_of_the_answers_of_all_parts_and_completeness_does_not_depend_on_it()
-> Outcome {
    let make = |answers: [&str; 2]| -> Result<(Vec<u8>, Option<String>), SchemaError> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.parquet");
        let parts = Parts::open(&path, &provenance())?;
        for (index, answers) in answers.into_iter().enumerate() {
            parts.write_answered(index, &rows(index), answers)?;
        }
        parts.finish(2)?;
        assert!(made_with::<MetricRow>(&path, &provenance()));
        assert!(Parts::<MetricRow>::open(&path, &provenance())?.is_complete());
        Ok((fs::read(&path).unwrap_or_default(), header(&path)?.answers))
    };
    let (bytes, hash) = make(["one", "two"])?;
    assert_eq!(make(["one", "two"])?, (bytes.clone(), hash.clone()));
    assert!(hash.is_some());
    // The same rows of other answers.
    let (others, other) = make(["one", "three"])?;
    assert!(other.is_some() && other != hash && others != bytes);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("metrics.parquet");
    work(&path, COUNT)?;
    assert_eq!(header(&path)?.answers, None, "control: no answers, no hash");
    Ok(())
}

#[test]
fn missing_and_stray_parts_are_named() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("out.parquet");
    let parts = Parts::open(&path, &provenance())?;
    parts.write(0, &rows(0))?;
    parts.write(2, &rows(2))?;
    let error = parts.finish(3).unwrap_err().to_string();
    assert!(error.contains("found no part 1, expected 3 in total"), "{error}");
    let error = parts.finish(1).unwrap_err().to_string();
    assert!(error.contains("found a part 2, expected 1 in total"), "{error}");
    Ok(())
}

#[test]
fn an_output_without_rows_is_an_empty_file() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("out.parquet");
    Parts::<MetricRow>::open(&path, &provenance())?.finish(0)?;
    assert!(read::<MetricRow>(&path)?.is_empty());
    assert_eq!(header(&path)?.rows, 0);
    Ok(())
}
