//! Golden files, which are not part of the repository. If they are absent, tests that need them say so and pass.

use std::fs;
use std::path::{Path, PathBuf};

use iopo_judge::Mean;
use serde_json::Value;

/// Says that a test is skipped.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
pub(crate) fn skip(path: &Path) {
    eprintln!("skipped: {} is absent", path.display());
}

/// The lines of a golden file, or `None` if the folder is absent.
pub(crate) fn rows(name: &str) -> Option<Vec<Value>> {
    let text = text(name)?;
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a row")).collect())
}

/// A golden file with one JSON value, or `None` if the folder is absent.
pub(crate) fn value(name: &str) -> Option<Value> {
    Some(serde_json::from_str(&text(name)?).expect("a JSON value"))
}

fn text(name: &str) -> Option<String> {
    let path = shared().join("judged").join(name);
    if !path.is_file() {
        skip(&path);
        return None;
    }
    Some(fs::read_to_string(path).expect("a readable file"))
}

/// The folder of data that is not part of the repository.
pub(crate) fn shared() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data")
}

pub(crate) fn string(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// Asserts that a number equals a golden one.
pub(crate) fn assert_close(found: Option<f64>, expected: &Value, what: &str) {
    let found = found.unwrap_or_else(|| panic!("{what}: no value"));
    let expected = expected.as_f64().unwrap_or_else(|| panic!("{what}: no golden"));
    assert!((found - expected).abs() < 1e-9, "{what}: found {found}, expected {expected}");
}

/// Asserts both means of a measure.
pub(crate) fn assert_means(mean: &Mean, golden: &Value, name: &str) {
    assert_close(mean.over_judged(), &golden[name], name);
    let failed = format!("{name}_unjudged_fail");
    assert_close(mean.unjudged_as_failed(), &golden[&failed], &failed);
}
