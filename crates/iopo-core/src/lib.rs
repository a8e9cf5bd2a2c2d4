//! Small building blocks that the iopo crates share.
//!
//! | module | contents |
//! |---|---|
//! | [`sequences`] | [`PerSequence`]: one value for each of a group's four sequences |
//! | [`hash`] | hashes of parts, bytes and files (feature `hash`) |
//! | [`random`] | random streams keyed by a seed and names (feature `random`) |
//! | [`files`] | atomic file writes, reads of regular files, limits and locks |
//! | [`directories`] | atomic directories |
//! | [`counts`] | named counters |
//! | [`turns`] | fair selection from several lists |
//! | [`text`] | the words of a text, and numbers with their nouns |
//! | [`overlap`] | overlap of texts with tested prompts, by n-grams (feature `overlap`) |
//! | [`python_json`] | Python's dialect of JSON |
//! | [`mode`] | the two readings of a published benchmark |
//! | [`settings`] | checks and the reference of settings, derived from their types (feature `settings`) |
//!
//! ```
//! use iopo_core::PerSequence;
//!
//! // log π − log π_ref of each response under each instruction.
//! let log_ratios = PerSequence { x1y1: 2.0, x1y2: -1.0, x2y1: 0.5, x2y2: 1.5 };
//! assert_eq!(log_ratios.margin(), 2.0 + 1.5 + 1.0 - 0.5);
//! ```
//!
//! The crate contains nothing about Parquet, models or tensors. Without default features, it has no dependencies.

pub mod counts;
pub mod directories;
pub mod files;
#[cfg(feature = "hash")]
pub mod hash;
pub mod mode;
#[cfg(feature = "overlap")]
pub mod overlap;
pub mod python_json;
#[cfg(feature = "random")]
pub mod random;
pub mod sequences;
pub mod settings;
pub mod text;
pub mod turns;

pub use counts::Counts;
#[cfg(feature = "hash")]
pub use hash::ContentHasher;
pub use mode::Mode;
pub use sequences::{FalseCells, PerSequence, Sequence};
pub use settings::SettingError;

/// Tests the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
