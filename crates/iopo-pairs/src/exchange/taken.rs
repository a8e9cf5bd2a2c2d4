//! What imports have in common: the provenance of their inputs, and the output in parts.

use std::path::Path;

use iopo_schema::{Parts, Provenance, Record, Split, file_hash};

use super::ExchangeError;

/// Number of rows in one part of the output.
const PART: usize = 1_024;

/// Receives the rows of an import.
pub(super) type RowSink<'a, R> = &'a mut dyn FnMut(R) -> Result<(), ExchangeError>;

/// Writes the rows that `rows` passes to its sink, unless `out` has been made from the same files and options.
pub(super) fn write_rows<R: Record>(
    out: &Path,
    options: Provenance,
    files: &[(Split, &Path)],
    rows: impl FnOnce(RowSink<'_, R>) -> Result<(), ExchangeError>,
) -> Result<(), ExchangeError> {
    let mut provenance = options;
    for (index, (split, file)) in files.iter().enumerate() {
        provenance = provenance.with_input(format!("{split}/{index}"), file_hash(file)?);
    }
    let parts = Parts::<R>::open(out, &provenance)?;
    if parts.is_complete() {
        return Ok(());
    }
    let (mut pending, mut index) = (Vec::with_capacity(PART), 0);
    rows(&mut |row| {
        pending.push(row);
        if pending.len() == PART {
            parts.write(index, &pending)?;
            pending.clear();
            index += 1;
        }
        Ok(())
    })?;
    if !pending.is_empty() {
        parts.write(index, &pending)?;
        index += 1;
    }
    Ok(parts.finish(index)?)
}
