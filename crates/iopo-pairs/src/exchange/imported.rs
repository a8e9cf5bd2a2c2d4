//! Telling imported groups from groups of our own.

use std::path::Path;

use iopo_schema::{Provenance, provenance};

use super::import::PRODUCER;

/// Whether `preferences` is a file that [`super::import()`] wrote, by whichever release.
///
/// No file, a damaged one and one that is not ours are not: what is wrong with them is for their reader to say.
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
    fn an_import_of_another_release_is_one_and_groups_of_our_own_are_none() {
        let by = |producer: &str| by_import(&Provenance::new(producer, serde_json::json!({})));
        assert!(by(PRODUCER) && by("iopo-pairs 9.9.9+import.77"));
        assert!(!by(crate::PRODUCER) && !by("other 1.0.0+import.1"));
    }
}
