//! Settings: their errors, their reference and their checks, derived from the types of a configuration.
//!
//! A configuration type derives `serde::Serialize`, `serde::Deserialize`, [`Default`] and `schemars::JsonSchema`. Doc
//! comments become the descriptions, `Default` the defaults, and `#[schemars(range(min = 1))]` the allowed range.
//! [`reference`](reference()) lists the settings of such a type, [`check_table`] checks the parsed text of a
//! configuration file against it, [`check`] checks a value of the type, and [`check_weights`] the weights of a draw. Each
//! range is written once; [`limits`] has the bounds that many settings share.

#[cfg(feature = "settings")]
mod check;
mod error;
#[cfg(feature = "settings")]
mod finite;
pub mod limits;
#[cfg(feature = "settings")]
mod nearest;
#[cfg(feature = "settings")]
mod reference;
#[cfg(feature = "settings")]
mod schema;

#[cfg(feature = "settings")]
pub use check::{check, check_table, check_weights, json_without};
pub use error::SettingError;
#[cfg(feature = "settings")]
pub use reference::{Setting, reference};

#[cfg(all(test, feature = "settings"))]
mod tests;
