//! Reading a file: its header, its rows, or its rows batch by batch.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::path::Path;

use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use crate::guard::{guarded, within};
use crate::provenance::{CONFIG, INPUTS, PRODUCER, ProvenanceTexts, SCHEMA, VERSION};
use crate::{Batches, Provenance, Record, SchemaError, footer, value};

/// What a file says about itself, without its rows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// The schema's name, for instance `preferences`.
    pub name: String,
    /// The schema's version.
    pub version: u32,
    /// Where the file came from.
    pub provenance: Provenance,
    /// Rows in the file.
    pub rows: u64,
    /// Row groups in the file.
    pub row_groups: usize,
    /// Size of the file.
    pub bytes: u64,
    /// Name and type of each column.
    pub columns: Vec<(String, String)>,
}

/// An opened file, its metadata read and found to be ours.
pub(crate) struct Opened {
    file: File,
    metadata: ArrowReaderMetadata,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) texts: ProvenanceTexts,
}

/// Opens any file of ours; `expected` is for the error texts only.
pub(crate) fn open(path: &Path, expected: &str) -> Result<Opened, SchemaError> {
    let (file, metadata) = open_checked(path, expected)?;
    let entries = metadata.metadata().file_metadata().key_value_metadata();
    let entry = |key: &'static str| {
        let found = entries.and_then(|entries| entries.iter().find(|entry| entry.key == key));
        found.and_then(|entry| entry.value.clone()).ok_or_else(|| SchemaError::Foreign {
            path: path.to_path_buf(),
            expected: expected.to_owned(),
            key,
        })
    };
    let (name, version) = (entry(SCHEMA)?, entry(VERSION)?);
    let texts = ProvenanceTexts {
        producer: entry(PRODUCER)?,
        config: entry(CONFIG)?,
        inputs: entry(INPUTS)?,
    };
    Ok(Opened { file, metadata, name, version, texts })
}

/// Opens any Parquet file, its footer checked before the decoder sees it; `expected` is for the error texts only.
pub(crate) fn open_checked(
    path: &Path,
    expected: &str,
) -> Result<(File, ArrowReaderMetadata), SchemaError> {
    let mut file = File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            SchemaError::Missing { path: path.to_path_buf(), expected: expected.to_owned() }
        }
        _ => SchemaError::io(path, "open it for reading")(error),
    })?;
    footer::check(&mut file, path)?;
    // The Arrow schema embedded in the file is not needed: the columns follow from the Parquet types alone.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = guarded(path, || ArrowReaderMetadata::load(&file, options))?;
    let length = file.metadata().map_err(SchemaError::io(path, "ask for its size"))?.len();
    within(metadata.metadata(), length, path)?;
    Ok((file, metadata))
}

/// Opens a file of `R` rows and no other.
pub(crate) fn open_as<R: Record>(path: &Path) -> Result<Opened, SchemaError> {
    let opened = open(path, R::NAME)?;
    if opened.name != R::NAME {
        return Err(SchemaError::OtherSchema {
            path: path.to_path_buf(),
            expected: R::NAME.to_owned(),
            got: opened.name,
        });
    }
    if opened.version != R::VERSION.to_string() {
        return Err(SchemaError::OtherVersion {
            path: path.to_path_buf(),
            schema: R::NAME.to_owned(),
            expected: R::VERSION,
            got: opened.version,
        });
    }
    Ok(opened)
}

impl Opened {
    pub(crate) fn header(&self, path: &Path) -> Result<Header, SchemaError> {
        let version = self.version.parse().map_err(|_| SchemaError::Corrupt {
            path: path.to_path_buf(),
            got: format!("`{}` as schema version", self.version),
        })?;
        let describe = |field: &arrow_schema::FieldRef| {
            let null = if field.is_nullable() { ", or null" } else { "" };
            (field.name().clone(), format!("{}{null}", value::describe(field.data_type())))
        };
        Ok(Header {
            name: self.name.clone(),
            version,
            provenance: self.texts.parse(path)?,
            rows: self.rows(),
            row_groups: self.metadata.metadata().num_row_groups(),
            bytes: self.file.metadata().map_err(SchemaError::io(path, "ask for its size"))?.len(),
            columns: self.metadata.schema().fields().iter().map(describe).collect(),
        })
    }

    fn rows(&self) -> u64 {
        u64::try_from(self.metadata.metadata().file_metadata().num_rows()).unwrap_or(0)
    }

    pub(crate) fn stream<R: Record>(self, path: &Path) -> Result<Stream<R>, SchemaError> {
        Ok(Stream { batches: Batches::new(self.file, self.metadata, path)?, row: PhantomData })
    }
}

/// The rows of a file, batch by batch; ends after the first error.
pub struct Stream<R> {
    batches: Batches,
    row: PhantomData<R>,
}

impl<R: Record> Iterator for Stream<R> {
    type Item = Result<Vec<R>, SchemaError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.batches.next()?.and_then(|batch| {
            let path = self.batches.path();
            guarded(path, || Ok(R::from_batch(&batch)))?.map_err(|error| error.at(path))
        });
        if rows.is_err() {
            self.batches.end();
        }
        Some(rows)
    }
}

/// All rows of a file.
pub fn read<R: Record>(path: &Path) -> Result<Vec<R>, SchemaError> {
    let mut rows = Vec::new();
    for batch in stream::<R>(path)? {
        rows.append(&mut batch?);
    }
    Ok(rows)
}

/// The rows of a file in batches of bounded size, for files larger than memory.
pub fn stream<R: Record>(path: &Path) -> Result<Stream<R>, SchemaError> {
    open_as::<R>(path)?.stream(path)
}

/// What a file of any of our schemas says about itself.
pub fn header(path: &Path) -> Result<Header, SchemaError> {
    open(path, "iopo")?.header(path)
}

/// Where a file of any of our schemas came from.
///
/// To tell whether a file must be made again, ask [`made_with`]: a number of the configuration may have changed in its
/// last digit on its way through JSON.
pub fn provenance(path: &Path) -> Result<Provenance, SchemaError> {
    open(path, "iopo")?.texts.parse(path)
}

/// Whether `path` is a file of `R` rows with this provenance, compared by its canonical text as [`crate::Parts`] does.
///
/// No file, a damaged one, and one of another schema or version are simply not it.
pub fn made_with<R: Record>(path: &Path, provenance: &Provenance) -> bool {
    open_as::<R>(path).is_ok_and(|opened| opened.texts == provenance.texts())
}
