//! Damaged Parquet task files. A separate binary, because the test counts the panics of the process.

use std::fs::{self, File};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_array::RecordBatch;
use arrow_array::{ArrayRef, StringArray};
use iopo_synth::{SynthError, read_tasks};
use parquet::arrow::ArrowWriter;

static SHOWN: AtomicUsize = AtomicUsize::new(0);

/// A truncated file is an error. A damaged file is an error or gives other tasks. No panic is raised outside of the decoder.
#[test]
fn a_truncated_or_damaged_task_table_never_panics() {
    std::panic::set_hook(Box::new(|_| {
        if !iopo_schema::is_decoding() {
            SHOWN.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let outcome = std::panic::catch_unwind(damage_everything);
    let shown = SHOWN.load(Ordering::Relaxed);
    drop(std::panic::take_hook());
    let refused = outcome.expect("no panic");
    assert_eq!(shown, 0, "panics outside of the decoder");
    assert!(refused > 100, "{refused} damaged files are errors");
}

fn damage_everything() -> usize {
    let dir = tempfile::tempdir().expect("folder");
    let path = dir.path().join("tasks.parquet");
    let ids: Vec<String> = (0..30).map(|i| format!("seed-{i}")).collect();
    let tasks: Vec<String> = (0..30).map(|i| format!("Write about the number {i}.")).collect();
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(StringArray::from(ids))),
        ("task", Arc::new(StringArray::from(tasks))),
    ];
    let batch = RecordBatch::try_from_iter(columns).expect("batch");
    let file = File::create(&path).expect("file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("write");
    writer.close().expect("close");
    assert_eq!(read_tasks(&path).expect("whole").len(), 30);

    let bytes = fs::read(&path).expect("bytes");
    for length in (0..bytes.len()).step_by(13) {
        fs::write(&path, &bytes[..length]).expect("cut");
        let error = read_tasks(&path).expect_err("a cut file");
        assert!(matches!(error, SynthError::TaskTable { .. }), "cut at {length}: {error}");
    }
    let mut refused = 0;
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= [0x01, 0x80, 0xff, 0x10][at % 4];
        fs::write(&path, &damaged).expect("damage");
        // Tasks that still decode cannot be distinguished from tasks that were written.
        if let Err(error) = read_tasks(&path) {
            assert!(error.to_string().contains("tasks.parquet"), "{error}");
            refused += 1;
        }
    }
    refused
}
