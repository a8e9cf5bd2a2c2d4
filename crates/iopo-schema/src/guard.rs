//! Converts panics of the Parquet decoder into errors.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use iopo_core::files::Limit;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

use crate::SchemaError;

thread_local! {
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread runs the Parquet decoder, whose panics become errors.
///
/// The panic hook of a program can ask, so that it does not report such a panic. This crate installs no hook.
pub fn is_decoding() -> bool {
    DECODING.get()
}

/// Runs the Parquet decoder and converts its panics into [`SchemaError::Corrupt`].
///
/// On some malformed pages the decoder panics instead of returning an error. Such a panic means that the file is
/// damaged. A panic hook can ignore it, see [`is_decoding`]. The decoder is not used after a panic, so its inconsistent
/// state is never observed.
pub(crate) fn guarded<T>(
    path: &Path,
    decode: impl FnOnce() -> Result<T, ParquetError>,
) -> Result<T, SchemaError> {
    let corrupt = |got: String| SchemaError::Corrupt { path: path.to_path_buf(), got };
    let outer = DECODING.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(outer);
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(match limit_error(&error) {
            Some(source) => SchemaError::io(path, "read the file")(source),
            None => corrupt(format!("data that cannot be decoded ({error})")),
        }),
        Err(_) => Err(corrupt("data on which the Parquet decoder panics".to_owned())),
    }
}

/// Returns the error of the operating system if a [`Limit`] made the decoder fail. The file may be intact then.
fn limit_error(error: &ParquetError) -> Option<io::Error> {
    // Arrow keeps only the text of a reader's error.
    let text = error.to_string();
    let (_, code) = text.rsplit_once("(os error ")?;
    let error = io::Error::from_raw_os_error(code.strip_suffix(')')?.parse().ok()?);
    Limit::of(&error).map(|_| error)
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

#[cfg(all(test, unix))]
mod tests {
    use std::io;
    use std::path::Path;

    use arrow_schema::ArrowError;
    use parquet::errors::ParquetError;

    use super::{guarded, limit_error};
    use crate::SchemaError;

    #[test]
    fn a_limit_of_the_process_is_no_damage() {
        // EMFILE.
        let system = || ParquetError::from(io::Error::from_raw_os_error(24));
        let through_arrow = || ParquetError::from(ArrowError::from(system()));
        for error in [system(), through_arrow()] {
            let shown = error.to_string();
            let error = guarded::<()>(Path::new("a.parquet"), || Err(error)).expect_err("refused");
            let SchemaError::Io { source, .. } = error else { panic!("{shown}: {error}") };
            assert_eq!(source.raw_os_error(), Some(24), "{shown}");
        }
        let short = io::Error::from(io::ErrorKind::UnexpectedEof);
        // EINVAL: the decoder seeks to a position from a damaged file.
        let outside = io::Error::from_raw_os_error(22);
        for error in [ParquetError::EOF("end".to_owned()), short.into(), outside.into()] {
            assert!(limit_error(&error).is_none(), "{error}");
            let error = guarded::<()>(Path::new("a.parquet"), || Err(error)).expect_err("refused");
            assert!(matches!(error, SchemaError::Corrupt { .. }), "{error}");
        }
    }
}
