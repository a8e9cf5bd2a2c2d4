//! Parquet files that connect the stages of a run: row types, versions, readers and writers.
//!
//! Stages exchange data through files only. Each file holds rows of one type ([`Record`]), compressed with zstd. Its
//! metadata names the schema, the version and the origin of the rows ([`Provenance`]). A file's bytes depend on its
//! rows and its provenance alone, so a resumed stage writes the same bytes as an uninterrupted one ([`Parts`]). A file
//! of another schema or version is refused with an error that names both. Each file carries the hash of its content, so that
//! a changed bit is an error ([`content_hash`]).
//!
//! | module | contents |
//! |---|---|
//! | [`rows`] | the row types, one struct per file |
//! | [`names`] | the names of labels, metrics, subsets and counters |
//! | [`run_files`] | the names of a run's files and directories |
//! | [`record`] | [`Record`]: a row type's name, version and Arrow columns |
//! | [`reader`] | [`read`], [`stream`], [`batches`](reader::batches), [`header`], [`provenance()`], [`made_with`], [`preview()`] |
//! | [`foreign`] | [`Foreign`]: Parquet files of other programs, read with the same checks; [`Place`]: a row in an error |
//! | [`writer`] | [`write()`]: writes a whole file at once |
//! | [`parts`] | [`Parts`]: a file written in parts that survive a kill |
//! | [`stats`] | the counters of a data stage as rows |
//! | [`id`] | [`content_id`] and [`file_hash`] |
//! | [`content_hash`] | the hash that a Parquet or JSON file carries |
//!
//! ```
//! use iopo_schema::{MetricRow, Provenance, read, write};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("metrics.parquet");
//! let rows = vec![MetricRow { step: 1, name: "loss".into(), value: 0.5 }];
//! let provenance = Provenance::new("docs 0.1.0", serde_json::json!({ "beta": 0.1 }));
//! write(&path, &rows, &provenance)?;
//! assert_eq!(read::<MetricRow>(&path)?, rows);
//!
//! // A file of another schema is an error.
//! let error = read::<iopo_schema::ScoreRow>(&path).unwrap_err();
//! assert!(error.to_string().contains("found `metrics` rows"), "{error}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate depends on no stage and no model, and on constraints only with the feature `constraints`. It never writes a
//! time, a path or a device name into a file.

mod batches;
mod columns;
#[cfg(feature = "constraints")]
mod constraints;
pub mod content_hash;
mod error;
mod footer;
pub mod foreign;
mod guard;
pub mod id;
mod json_lines;
mod named;
pub mod names;
mod pages;
pub mod parts;
mod place;
mod preview;
mod provenance;
pub mod reader;
pub mod record;
pub mod rows;
pub mod run_files;
pub mod stats;
mod thrift;
mod value;
pub mod writer;

pub use batches::Batches;
#[cfg(feature = "constraints")]
pub use constraints::{kinds_named, render_rows, usable_kinds};
pub use error::SchemaError;
pub use foreign::Foreign;
pub use guard::is_decoding;
pub use id::{content_id, file_hash};
pub use iopo_core::{PerSequence, Sequence};
pub use named::UnknownName;
pub use names::{
    Breakdown, GroupKind, Method, MetricFamily, Operation, ResponseEnd, ResponseSource, Split,
    Subset, SummaryMetric, Total, TrainingMetric, TurnRole,
};
pub use parts::{Parts, clear_parts, has_parts};
pub use place::Place;
pub use preview::preview;
pub use provenance::Provenance;
pub use reader::{Header, Stream, batches, header, made_with, provenance, read, stream};
pub use record::Record;
pub use rows::*;
pub use writer::write;

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
