//! Why a report could not be made.

use std::io;
use std::path::PathBuf;

use iopo_schema::SchemaError;

/// Why a report could not be made. A file that is merely absent is no error: the page says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// There is no run directory.
    #[error("{}: expected the directory of a run, found none; run the pipeline first, or name another directory", path.display())]
    NoRun {
        /// The directory.
        path: PathBuf,
    },
    /// A file of the run is damaged or of another version.
    #[error("could not read a file of the run")]
    Schema {
        /// Which file, and what to do.
        #[from]
        source: SchemaError,
    },
    /// The operating system refused.
    #[error("{}: could not {action}; check permissions and free space", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// Why it failed.
        source: io::Error,
    },
    /// A template of this crate is at fault.
    #[error("could not fill in the report's template; please report this as a bug")]
    Template {
        /// What the template engine says.
        #[from]
        source: minijinja::Error,
    },
}
