//! Detection of imported groups.

use std::path::Path;

use crate::producer::was_made_by;

/// Tells whether `preferences` was written by [`super::import()`] of any release.
///
/// Returns `false` if the file is missing, damaged or foreign. The code that reads the file reports these errors.
pub fn is_imported(preferences: &Path) -> bool {
    was_made_by(preferences, "+import.")
}
