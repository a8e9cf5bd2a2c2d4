//! Errors of a report.

use std::io;
use std::path::PathBuf;

use iopo_schema::SchemaError;

/// Why a report could not be rendered. A missing file is not an error; the page says that its stage has not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// There is no run directory.
    #[error("found no run directory at {}", path.display())]
    NoRun {
        /// The directory.
        path: PathBuf,
    },
    /// A file of the run is damaged or of another version.
    #[error("failed to read a file of the run")]
    Schema {
        /// Error of the file.
        #[from]
        source: SchemaError,
    },
    /// A file or directory could not be read or written.
    #[error("failed to {action}: {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The failed action.
        action: &'static str,
        /// Error of the operating system.
        source: io::Error,
    },
    /// A template of this crate is invalid.
    #[error("internal error: failed to render a template of the report")]
    Template {
        /// Error of the template engine.
        #[from]
        source: minijinja::Error,
    },
}

impl ReportError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NoRun { .. } => "run the pipeline first, or pass another directory",
            Self::Io { .. } => "check permissions and free space",
            Self::Schema { source } => return source.hint(),
            Self::Template { .. } => return None,
        };
        Some(hint.to_owned())
    }
}
