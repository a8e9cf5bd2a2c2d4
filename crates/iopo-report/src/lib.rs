//! One self-contained HTML page from the Parquet files of a run.
//!
//! [`render`] reads whatever a run directory holds and writes `report.html`: no scripts, no fonts, no images, nothing
//! loaded from elsewhere; charts are inline SVG. A stage that has not run yet has a section that says so, thus the
//! page can be made at any time of a run. Text that a model wrote is escaped and never trusted.
//!
//! | module | what it holds |
//! |---|---|
//! | `run` | the files of a run directory, each of them optional |
//! | `models` | the order and the colours of methods |
//! | `svg` | line charts, bars, intervals |
//! | `sections` | what each section of the page shows |
//! | `page` | the templates and [`render`] |
//! | `terminal` | [`terminal_table`] |
//!
//! ```
//! use iopo_report::{ReportMeta, render};
//! use iopo_schema::{MetricRow, Provenance, write};
//!
//! let run = tempfile::tempdir()?;
//! let loss = MetricRow { step: 1, name: "loss".into(), value: 0.69 };
//! let provenance = Provenance::new("docs 0.1.0", serde_json::json!({}));
//! write(&run.path().join("train/iopo/metrics.parquet"), &[loss], &provenance)?;
//!
//! let out = run.path().join("report.html");
//! let summary = render(run.path(), &out, &ReportMeta::new("A first look", "smoke"))?;
//! assert_eq!(summary.methods, ["iopo"]);
//! assert!(summary.missing.contains(&"evaluation".to_owned()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What it deliberately does not do: it computes no statistics (they come from `eval/summary.parquet`, with their
//! intervals) and it knows no crate but the schema.

mod error;
mod format;
mod meta;
mod models;
mod page;
mod run;
mod sections;
mod svg;
mod terminal;

pub use error::ReportError;
pub use meta::{ReportMeta, ReportSummary};
pub use page::render;
pub use terminal::terminal_table;

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
