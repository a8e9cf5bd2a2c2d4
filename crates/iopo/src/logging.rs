//! Logging to stderr. `IOPO_LOG` selects what is logged.

use std::env::VarError;

use anyhow::Result;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;
use crate::printer;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Crates of the workspace, by the names that log entries use.
const CRATES: [&str; 15] = [
    "iopo",
    "iopo_constraints",
    "iopo_core",
    "iopo_eval",
    "iopo_jinja",
    "iopo_judge",
    "iopo_llm",
    "iopo_model",
    "iopo_objective",
    "iopo_pairs",
    "iopo_report",
    "iopo_schema",
    "iopo_synth",
    "iopo_train",
    "iopo_verifier",
];

/// Starts logging.
pub(crate) fn start() -> Result<()> {
    let text = match std::env::var("IOPO_LOG") {
        Ok(text) => text,
        Err(VarError::NotPresent) => String::new(),
        Err(VarError::NotUnicode(text)) => return Err(bad(&text.to_string_lossy()).into()),
    };
    let text = if text.trim().is_empty() { "warn" } else { text.trim() };
    tracing_subscriber::fmt()
        .with_env_filter(filter(text)?)
        .with_writer(std::io::stderr)
        .with_ansi(printer::styled())
        // Reporting on stderr that stderr is closed would panic.
        .log_internal_errors(false)
        .init();
    Ok(())
}

/// Parses a filter. Stricter than [`EnvFilter`], which reads a misspelled level as the name of a module and then logs nothing.
fn filter(text: &str) -> Result<EnvFilter, Failure> {
    let mut filters = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (target, level) = match part.split_once('=') {
            Some((target, level)) => (Some(target.trim()), level.trim()),
            None => (None, part),
        };
        let is_level = LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level));
        if !is_level || !target.is_none_or(is_target) {
            return Err(bad(part));
        }
        filters.push(target.map_or(level.to_owned(), |target| format!("{target}={level}")));
    }
    EnvFilter::try_new(filters.join(",")).map_err(|_| bad(text))
}

/// Returns whether a text can name a crate or a module. A name that starts with `iopo` must be a crate of the workspace.
fn is_target(text: &str) -> bool {
    let krate = text.split("::").next().unwrap_or_default();
    let is_path = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
    is_path && !krate.is_empty() && (!krate.starts_with("iopo") || CRATES.contains(&krate))
}

fn bad(found: &str) -> Failure {
    let levels = LEVELS.join(", ");
    Failure::usage(format!(
        "cannot use IOPO_LOG: found `{found}`, expected a level ({levels}) or CRATE=LEVEL, separated by commas"
    ))
    .hint("for instance IOPO_LOG=info, or IOPO_LOG=warn,iopo_train=debug")
}

#[cfg(test)]
mod tests {
    use super::{CRATES, filter};

    #[test]
    fn levels_of_everything_and_of_single_modules_are_accepted() {
        for text in [
            "info",
            "WARN",
            "off",
            "warn,iopo_train=debug",
            "iopo_model::device = trace",
            "burn=info,",
        ] {
            let accepted = filter(text);
            assert!(
                accepted.is_ok(),
                "{text}: {:?}",
                accepted.err().map(|error| error.to_string())
            );
        }
    }

    #[test]
    fn a_misspelled_level_or_crate_is_an_error_that_names_it() {
        for (text, found) in [
            ("inof", "`inof`"),
            ("info,iopo_train=debgu", "`iopo_train=debgu`"),
            ("iopo_trian=debug", "`iopo_trian=debug`"),
            ("iopo_train", "`iopo_train`"),
            ("=debug", "`=debug`"),
            ("a b=debug", "`a b=debug`"),
            ("7", "`7`"),
        ] {
            let error = filter(text).expect_err(text).to_string();
            assert!(error.contains(found) && error.contains("off, error, warn, info"), "{error}");
        }
    }

    #[test]
    fn every_library_of_the_workspace_is_known() {
        let crates = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
        let entries = std::fs::read_dir(crates).expect("the workspace");
        let names = entries.map(|entry| entry.expect("an entry").file_name());
        let mut names: Vec<String> = names
            .map(|name| name.to_string_lossy().replace('-', "_"))
            .filter(|name| name.starts_with("iopo"))
            .filter(|name| name != "iopo_testing" && name != "iopo_python")
            .collect();
        names.sort();
        assert_eq!(names, CRATES);
    }
}
