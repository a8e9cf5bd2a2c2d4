//! The producers in the provenance of files, and the detection of a file's producer.

use std::path::Path;

use iopo_schema::{Provenance, provenance};

/// Name and version in the provenance of files. Increase the number after `+` whenever the same inputs and
/// configuration give other groups, so that older files are written again. Version 2: a revision chooses a constraint
/// that excludes the old one. Version 3: near duplicates of texts without spaces are found.
pub(crate) const PRODUCER: &str = concat!("iopo-pairs ", env!("CARGO_PKG_VERSION"), "+semantics.3");

/// The same for groups with verdicts of a judge. Version 2: sided candidates alone and pairs are admitted.
pub(crate) const JUDGED: &str = concat!("iopo-pairs ", env!("CARGO_PKG_VERSION"), "+judged.2");

/// Tells whether `preferences` was written by [`crate::build_judged`] of any release, so that some of its verdicts can be
/// those of a judge.
///
/// Returns `false` if the file is missing, damaged or foreign. The code that reads the file reports these errors.
pub fn is_judged(preferences: &Path) -> bool {
    was_made_by(preferences, "+judged.")
}

/// Tells whether this crate, in any version, wrote a file with a mark after its version.
pub(crate) fn was_made_by(file: &Path, mark: &str) -> bool {
    provenance(file).is_ok_and(|found| names(&found, mark))
}

fn names(provenance: &Provenance, mark: &str) -> bool {
    let producer = provenance.producer.as_str();
    producer.split(' ').next() == PRODUCER.split(' ').next() && producer.contains(mark)
}

#[cfg(test)]
mod tests {
    use iopo_schema::Provenance;

    use super::{JUDGED, PRODUCER, names};

    #[test]
    fn producers_of_every_release_are_told_apart() {
        let by =
            |producer: &str, mark| names(&Provenance::new(producer, serde_json::json!({})), mark);
        assert!(by("iopo-pairs 9.9.9+import.77", "+import."));
        assert!(by(JUDGED, "+judged.") && !by(JUDGED, "+import."));
        assert!(!by(PRODUCER, "+import.") && !by(PRODUCER, "+judged."));
        assert!(!by("other 1.0.0+import.1", "+import."));
    }
}
