//! Detection of imported groups.

use std::path::Path;

use iopo_schema::{Provenance, provenance};

use super::import::PRODUCER;

/// Tells whether `preferences` was written by [`super::import()`] of any release.
///
/// Returns `false` if the file is missing, damaged or foreign. The code that reads the file reports these errors.
pub fn is_imported(preferences: &Path) -> bool {
    provenance(preferences).is_ok_and(|found| by_import(&found))
}

fn by_import(provenance: &Provenance) -> bool {
    let crate_name = |producer: &str| producer.split(' ').next().map(str::to_owned);
    crate_name(&provenance.producer) == crate_name(PRODUCER)
        && provenance.producer.contains("+import.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_of_every_release_are_detected() {
        let by = |producer: &str| by_import(&Provenance::new(producer, serde_json::json!({})));
        assert!(by(PRODUCER) && by("iopo-pairs 9.9.9+import.77"));
        assert!(!by(crate::PRODUCER) && !by("other 1.0.0+import.1"));
    }
}
