//! Reads a file: its header, all rows, or rows in batches.

use std::fs::File;
use std::io;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use iopo_core::files;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};

use crate::batches::rows;
use crate::guard::{guarded, within};
use crate::provenance::{ANSWERS, CONFIG, INPUTS, PRODUCER, ProvenanceTexts, SCHEMA, VERSION};
use crate::{Batches, Provenance, Record, SchemaError, content_hash, footer, value};

/// The metadata of a file.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// The schema's name, for instance `preferences`.
    pub name: String,
    /// The schema's version.
    pub version: u32,
    /// The origin of the file.
    pub provenance: Provenance,
    /// Hash of the requests to language models, and of their answers, that the rows were made of, if there were any.
    pub answers: Option<String>,
    /// Number of rows.
    pub rows: u64,
    /// Number of row groups.
    pub row_groups: usize,
    /// Size of the file in bytes.
    pub bytes: u64,
    /// Name and type of each column.
    pub columns: Vec<(String, String)>,
}

/// An opened file with iopo's metadata.
pub(crate) struct Opened {
    file: File,
    metadata: ArrowReaderMetadata,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) texts: ProvenanceTexts,
    pub(crate) answers: Option<String>,
}

/// Opens a file of any schema of iopo and compares it with its content hash. `expected` is used in errors only.
pub(crate) fn open(path: &Path, expected: &str) -> Result<Opened, SchemaError> {
    let (mut file, metadata) =
        open_checked(path, |path| SchemaError::Missing { path, expected: expected.to_owned() })?;
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
    let answers = entries.and_then(|entries| entries.iter().find(|entry| entry.key == ANSWERS));
    let answers = answers.and_then(|entry| entry.value.clone());
    content_hash::verify_parquet(&mut file, path, expected)?;
    Ok(Opened { file, metadata, name, version, texts, answers })
}

/// Opens any Parquet file and checks its footer before decoding it. `missing` creates the error if there is no file.
pub(crate) fn open_checked(
    path: &Path,
    missing: impl FnOnce(PathBuf) -> SchemaError,
) -> Result<(File, ArrowReaderMetadata), SchemaError> {
    let mut file = files::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => missing(path.to_path_buf()),
        _ => SchemaError::io(path, "open the file")(error),
    })?;
    footer::check(&mut file, path)?;
    // Skip the embedded Arrow schema: column types follow from the Parquet types alone.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let metadata = guarded(path, || ArrowReaderMetadata::load(&file, options))?;
    within(metadata.metadata(), size(&file, path)?, path)?;
    Ok((file, metadata))
}

/// Returns the size of a file in bytes.
fn size(file: &File, path: &Path) -> Result<u64, SchemaError> {
    Ok(file.metadata().map_err(SchemaError::io(path, "read the size of the file"))?.len())
}

/// Opens a file of `R` rows.
pub(crate) fn open_as<R: Record>(path: &Path) -> Result<Opened, SchemaError> {
    let opened = open(path, R::NAME)?;
    if opened.name != R::NAME {
        return Err(SchemaError::OtherSchema {
            path: path.to_path_buf(),
            expected: R::NAME.to_owned(),
            got: opened.name,
        });
    }
    if !(R::OLDEST..=R::VERSION).any(|version| opened.version == version.to_string()) {
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
            answers: self.answers.clone(),
            rows: rows(&self.metadata),
            row_groups: self.metadata.metadata().num_row_groups(),
            bytes: size(&self.file, path)?,
            columns: self.metadata.schema().fields().iter().map(describe).collect(),
        })
    }

    fn batches(self, path: &Path) -> Result<Batches, SchemaError> {
        Batches::new(self.file, self.metadata, path)
    }

    pub(crate) fn stream<R: Record>(self, path: &Path) -> Result<Stream<R>, SchemaError> {
        Ok(Stream { batches: self.batches(path)?, row: PhantomData })
    }
}

/// Iterates over batches of rows and ends after the first error.
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

/// Reads all rows of a file.
///
/// # Errors
/// Returns an error if the file is missing, damaged, or has another schema or version.
pub fn read<R: Record>(path: &Path) -> Result<Vec<R>, SchemaError> {
    let mut rows = Vec::new();
    for batch in stream::<R>(path)? {
        rows.append(&mut batch?);
    }
    Ok(rows)
}

/// Reads the rows of a file in batches of bounded size, for files larger than memory.
///
/// # Errors
/// Returns an error if the file is missing, damaged, or has another schema or version. The iterator returns an error if
/// a batch cannot be decoded.
pub fn stream<R: Record>(path: &Path) -> Result<Stream<R>, SchemaError> {
    open_as::<R>(path)?.stream(path)
}

/// Reads the columns of a file of `R` rows in batches of bounded size, without decoding rows.
///
/// # Errors
/// Returns an error if the file is missing, damaged, or has another schema or version. The iterator returns an error if
/// a batch cannot be decoded.
pub fn batches<R: Record>(path: &Path) -> Result<(Header, Batches), SchemaError> {
    let opened = open_as::<R>(path)?;
    Ok((opened.header(path)?, opened.batches(path)?))
}

/// Reads the metadata of a file of any schema.
///
/// # Errors
/// Returns an error if the file is missing, damaged, or not written by iopo.
pub fn header(path: &Path) -> Result<Header, SchemaError> {
    open(path, "iopo")?.header(path)
}

/// Reads the provenance of a file of any schema.
///
/// Use [`made_with`] to decide whether a file must be written again: parsing the stored JSON can change the last digit
/// of a number in the configuration.
///
/// # Errors
/// Returns an error if the file is missing, damaged, or not written by iopo.
pub fn provenance(path: &Path) -> Result<Provenance, SchemaError> {
    open(path, "iopo")?.texts.parse(path)
}

/// Tells whether `path` is a file of `R` rows with this provenance. Compares the stored texts, as [`crate::Parts`]
/// does.
///
/// Returns `false` if the file is missing, damaged, or has another schema or version.
pub fn made_with<R: Record>(path: &Path, provenance: &Provenance) -> bool {
    open_as::<R>(path).is_ok_and(|opened| opened.texts == provenance.texts())
}
