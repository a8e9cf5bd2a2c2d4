//! Keeps the Parquet decoder's panics from the user.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::path::Path;
use std::sync::Once;

use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use crate::SchemaError;

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Adds to the process's panic hook that panics of the decoder are not printed; all others go to the hook that was
/// there before.
static QUIET: Once = Once::new();

/// Runs the Parquet decoder. It meets foreign bytes, and on some malformed pages it panics instead of failing; such
/// a panic says no more than that the file is damaged, so it becomes that error and is not printed. The decoder is
/// dropped or never asked again afterwards, so no half-changed state is seen.
pub(crate) fn guarded<T>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, SchemaError> {
    QUIET.call_once(|| {
        let before = take_hook();
        set_hook(Box::new(move |info| {
            if !DECODING.get() {
                before(info);
            }
        }));
    });
    let corrupt = |got: String| SchemaError::Corrupt { path: path.to_path_buf(), got };
    let outer = DECODING.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(outer);
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(corrupt(format!("data that do not decode ({error})"))),
        Err(_) => Err(corrupt("data that the Parquet decoder cannot make sense of".to_owned())),
    }
}

/// Fails where a column claims bytes that the file does not have.
pub(crate) fn within(
    metadata: &ParquetMetaData,
    length: u64,
    path: &Path,
) -> Result<(), SchemaError> {
    for column in metadata.row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let start = column.dictionary_page_offset().unwrap_or_else(|| column.data_page_offset());
        let end = start.checked_add(column.compressed_size());
        let inside = start >= 0
            && column.data_page_offset() >= 0
            && column.compressed_size() >= 0
            && column.num_values() >= 0
            && end.is_some_and(|end| end as u64 <= length);
        if !inside {
            let got =
                format!("a column `{}` that claims bytes outside the file", column.column_path());
            return Err(SchemaError::Corrupt { path: path.to_path_buf(), got });
        }
    }
    Ok(())
}
