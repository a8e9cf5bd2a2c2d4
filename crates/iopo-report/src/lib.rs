//! Renders the Parquet files of a run as one self-contained HTML page or a terminal table.
//!
//! [`render`] reads a run directory and writes `report.html`. The page has no scripts, fonts or images and loads nothing;
//! its charts are inline SVG. It can be rendered at any time: a section whose stage has not run says so. Text that a model
//! wrote is escaped.
//!
//! | module | contents |
//! |---|---|
//! | `run` | the files of a run directory, all optional |
//! | [`Headline`] | clean accuracy from the base to the best method |
//! | `models` | order and colors of methods |
//! | `svg` | line charts, bars and intervals |
//! | `sections` | the sections of the page |
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
//! The crate computes no statistics: estimates and intervals come from `eval/summary.parquet`. It depends only on the schema
//! and the shared core.

mod error;
mod format;
mod headline;
mod meta;
mod models;
mod page;
mod run;
mod sections;
mod svg;
mod terminal;

pub use error::ReportError;
pub use headline::Headline;
pub use meta::{ReportMeta, ReportSummary, Roles, Usage};
pub use models::KNOWN_MODELS;
pub use page::render;
pub use terminal::{recipe_lines, terminal_table};

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
