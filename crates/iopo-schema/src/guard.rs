//! Converts panics of the Parquet decoder into errors.

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

/// Installs a panic hook that does not print panics of the decoder and passes all others to the previous hook.
static QUIET: Once = Once::new();

/// Runs the Parquet decoder and converts its panics into [`SchemaError::Corrupt`].
///
/// On some malformed pages the decoder panics instead of returning an error. Such a panic means that the file is
/// damaged; it is not printed. The decoder is not used after a panic, so its inconsistent state is never observed.
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
        Ok(Err(error)) => Err(corrupt(format!("data that cannot be decoded ({error})"))),
        Err(_) => Err(corrupt("data on which the Parquet decoder panics".to_owned())),
    }
}

/// Checks that each column's bytes are inside the file.
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
