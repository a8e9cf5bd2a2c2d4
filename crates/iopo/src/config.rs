//! The configuration of a run: one TOML file, its presets, and the reference of its settings.
//!
//! [`PipelineConfig::preset`] returns a preset as a value. To read a file, [`parse`] its text; [`set`] changes single
//! settings of the table, and [`resolve`] checks it and returns a [`PipelineConfig`].
//!
//! ```
//! let mut table = iopo::config::preset("smoke")?;
//! iopo::config::set(&mut table, "train.learning_rate=1e-4")?;
//! let config = iopo::config::resolve(&table)?;
//! assert_eq!(config.train.learning_rate, 1e-4);
//! # Ok::<(), iopo::config::ConfigError>(())
//! ```

mod assign;
mod costs;
#[cfg(feature = "endpoint")]
mod endpoints;
mod error;
mod llm;
mod page;
mod pipeline;
mod presets;
mod rounds;
mod secrets;
mod table;

pub use assign::set;
pub use costs::COSTS;
#[cfg(feature = "endpoint")]
pub use endpoints::endpoint_error;
pub use error::ConfigError;
pub(crate) use error::setting_hint;
pub use llm::{LlmConfig, Role};
pub use page::{listing, markdown, settings};
pub use pipeline::PipelineConfig;
pub use presets::{PRESETS, preset};
pub use rounds::{Lineage, RoundConfig, Rounds};
pub use secrets::shown;
pub(crate) use table::to_toml;
pub use table::{check, differences, parse, resolve, set_seed};
