//! The subset of rows that a summary metric covers.

use std::fmt;
use std::str::FromStr;

use super::GroupKind;
use crate::UnknownName;
use crate::named::stored_as_text;

/// The rows that a summary metric is computed over.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subset {
    /// Every row: `all`.
    All,
    /// Constraint kinds that synthesis uses, or prompts with such kinds only: `seen`.
    Seen,
    /// Instruction types of a benchmark that synthesis does not ask for, but a similar thing, or prompts with such types only:
    /// `near`.
    Near,
    /// Constraint kinds that are held out of synthesis and not near, or prompts with such kinds only: `unseen`.
    Unseen,
    /// Test tasks without constraints: `plain`.
    Plain,
    /// Preference groups of one kind: `full`, `sided`, `pair`.
    Groups(GroupKind),
    /// Prompts with this many constraints: `constraints/2`.
    Constraints(usize),
    /// One constraint kind, by its id: `kind/max_words`.
    Kind(String),
}

impl Subset {
    /// Returns the id of the constraint kind if the subset is one kind.
    pub fn kind(&self) -> Option<&str> {
        match self {
            Self::Kind(id) => Some(id),
            Self::All
            | Self::Seen
            | Self::Near
            | Self::Unseen
            | Self::Plain
            | Self::Groups(_)
            | Self::Constraints(_) => None,
        }
    }
}

impl fmt::Display for Subset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => formatter.pad("all"),
            Self::Seen => formatter.pad("seen"),
            Self::Near => formatter.pad("near"),
            Self::Unseen => formatter.pad("unseen"),
            Self::Plain => formatter.pad("plain"),
            Self::Groups(kind) => formatter.pad(kind.as_str()),
            Self::Constraints(count) => formatter.pad(&format!("constraints/{count}")),
            Self::Kind(id) => formatter.pad(&format!("kind/{id}")),
        }
    }
}

impl FromStr for Subset {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = [Self::All, Self::Seen, Self::Near, Self::Unseen, Self::Plain];
        let groups = GroupKind::ALL.iter().map(|kind| Self::Groups(*kind));
        if let Some(subset) = known.into_iter().chain(groups).find(|it| it.to_string() == name) {
            return Ok(subset);
        }
        let counted = name.strip_prefix("constraints/").and_then(|count| count.parse().ok());
        let kind = || name.strip_prefix("kind/").map(|id| Self::Kind(id.to_owned()));
        counted.map(Self::Constraints).or_else(kind).ok_or_else(|| UnknownName {
            expected:
                "`all`, `seen`, `near`, `unseen`, `plain`, `full`, `sided`, `pair`, `constraints/N` or `kind/ID`"
                    .to_owned(),
            got: name.to_owned(),
        })
    }
}

stored_as_text!(Subset);

#[cfg(test)]
mod tests {
    use super::Subset;
    use crate::GroupKind;

    #[test]
    fn a_subset_is_parsed_from_its_name() {
        let subsets = [
            (Subset::All, "all"),
            (Subset::Seen, "seen"),
            (Subset::Near, "near"),
            (Subset::Unseen, "unseen"),
            (Subset::Plain, "plain"),
            (Subset::Groups(GroupKind::Sided), "sided"),
            (Subset::Groups(GroupKind::Pair), "pair"),
            (Subset::Constraints(3), "constraints/3"),
            (Subset::Kind("max_words".to_owned()), "kind/max_words"),
        ];
        for (subset, name) in subsets {
            assert_eq!(subset.to_string(), name);
            assert_eq!(name.parse(), Ok(subset));
        }
        assert!("constraints/many".parse::<Subset>().is_err());
    }
}
