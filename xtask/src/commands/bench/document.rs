//! The sections of `docs/benchmarks.md` that `cargo xtask bench` replaces, between markers.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cargo::{root, say};

/// Replaces the section `name` of the page, or appends it if the page has none.
pub(crate) fn publish(name: &str, text: &str) -> Result<()> {
    let path = root().join("docs").join("benchmarks.md");
    let page =
        fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    write(&path, &replaced(&page, name, text))?;
    say(&format!("wrote section bench:{name} of {}", path.display()));
    Ok(())
}

/// Writes a text file.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
}

fn replaced(page: &str, name: &str, text: &str) -> String {
    let (begin, end) = (format!("<!-- bench:{name} -->"), format!("<!-- /bench:{name} -->"));
    let section = format!("{begin}\n{}\n{end}", text.trim());
    let found = page.find(&begin).and_then(|from| {
        let length = page[from..].find(&end)? + end.len();
        Some(from..from + length)
    });
    match found {
        Some(range) => format!("{}{section}{}", &page[..range.start], &page[range.end..]),
        None => format!("{}\n\n{section}\n", page.trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_section_is_replaced_in_place() {
        let page = "# A\n\n<!-- bench:x -->\nold\n<!-- /bench:x -->\n\ntail\n";
        let new = "# A\n\n<!-- bench:x -->\nnew\n<!-- /bench:x -->\n\ntail\n";
        assert_eq!(replaced(page, "x", "new\n"), new);
        assert_eq!(replaced(new, "x", "new"), new);
    }

    #[test]
    fn a_new_section_is_appended() {
        let page = replaced("# A\n", "y", "table");
        assert_eq!(page, "# A\n\n<!-- bench:y -->\ntable\n<!-- /bench:y -->\n");
    }
}
