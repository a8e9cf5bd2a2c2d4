//! Converts the counters of a data stage to rows of its `*_stats` file and back.

use std::collections::BTreeMap;

use iopo_core::Counts;

use crate::names::{Breakdown, Total};
use crate::rows::{ConstraintRow, MetricRow};

/// Returns the counters as rows, sorted by name, followed by the shares derived from them.
pub fn to_rows(counts: &Counts, shares: &[(Total, f64)]) -> Vec<MetricRow> {
    let row = |(name, value): (&str, f64)| MetricRow { step: 0, name: name.to_owned(), value };
    let counted = counts.iter().map(|(name, count)| (name, count as f64));
    counted.chain(shares.iter().map(|(name, share)| (name.as_str(), *share))).map(row).collect()
}

/// Returns one counter of a stats file; 0 for an unknown name.
pub fn count(rows: &[MetricRow], name: &str) -> u64 {
    rows.iter().find(|row| row.name == name).map_or(0, |row| row.value as u64)
}

/// Returns the counters of a breakdown's members.
pub fn members(rows: &[MetricRow], of: Breakdown) -> BTreeMap<String, u64> {
    let member = |row: &MetricRow| {
        let (breakdown, member) = Breakdown::parse(&row.name)?;
        (breakdown == of).then(|| (member.to_owned(), row.value as u64))
    };
    rows.iter().filter_map(member).collect()
}

/// Counts a constraint by its type, dimension and kind.
pub fn count_constraint(counts: &mut Counts, row: &ConstraintRow) {
    counts.one(Breakdown::Type.of(&row.constraint_type));
    counts.one(Breakdown::Dimension.of(&row.dimension));
    if let Some(check) = &row.check {
        counts.one(Breakdown::Kind.of(&check.id));
    }
}

#[cfg(test)]
mod tests {
    use iopo_core::Counts;

    use super::{count, count_constraint, members, to_rows};
    use crate::{Breakdown, CheckRow, ConstraintRow, Total};

    #[test]
    fn counters_are_read_back_from_their_rows() {
        let mut counts = Counts::default();
        counts.add(Total::Answers, 4);
        counts.one(Breakdown::Dropped.of("empty"));
        let check = Some(CheckRow { id: "max_words".to_owned(), params: "{}".to_owned() });
        let [text, constraint_type, dimension] = ["Be brief.", "a", "b"].map(str::to_owned);
        count_constraint(&mut counts, &ConstraintRow { text, constraint_type, dimension, check });
        let rows = to_rows(&counts, &[(Total::KeptShare, 0.5)]);
        assert_eq!(count(&rows, "answers"), 4);
        assert_eq!(count(&rows, "kind/max_words"), 1);
        assert_eq!(count(&rows, "groups"), 0);
        assert_eq!(members(&rows, Breakdown::Dropped), [("empty".to_owned(), 1)].into());
        assert_eq!(rows.last().map(|row| row.name.as_str()), Some("kept_share"));
    }
}
