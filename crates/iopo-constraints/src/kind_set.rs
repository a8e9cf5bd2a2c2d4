//! Sets of kinds that a configuration can name.

use std::{collections::BTreeMap, fmt};

use crate::{iftrain, kind::Kind};

/// The weight of a kind that is not drawn by default and has been chosen.
const CHOSEN: f64 = 1.0;

/// A set of kinds with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KindSet {
    /// The kinds that are [drawn](Kind::is_drawn) by default.
    Default,
    /// The kinds of [IFTrain](iftrain::KINDS) and [those that exclude them](iftrain::OPPOSITES).
    Iftrain,
}

impl KindSet {
    /// All sets.
    pub const ALL: [Self; 2] = [Self::Default, Self::Iftrain];

    /// The stable name.
    pub fn id(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Iftrain => "iftrain",
        }
    }

    /// The set with a name.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.id() == id)
    }

    /// The kinds of the set, in the order of [`Kind::ALL`].
    pub fn kinds(self) -> impl Iterator<Item = Kind> {
        let contains = move |kind: &Kind| match self {
            Self::Default => kind.is_drawn(),
            Self::Iftrain => {
                iftrain::KINDS.iter().any(|(_, known)| known == kind)
                    || iftrain::OPPOSITES.contains(kind)
            }
        };
        Kind::ALL.iter().copied().filter(contains)
    }
}

impl fmt::Display for KindSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Returns the kinds of a list of sets and kinds, with their weights.
///
/// The weight is that of [`Kind::weight`], or 1 for a kind that is not drawn by default.
///
/// # Errors
/// Returns the first name that is neither a set nor a kind.
///
/// ```
/// use iopo_constraints::{Kind, kind_set};
///
/// let kinds = kind_set::kinds(["iftrain", "no_commas"])?;
/// assert!(kinds.contains_key(&Kind::WordOnce) && kinds.contains_key(&Kind::NoCommas));
/// assert_eq!(kind_set::kinds(["no_such_kind"]), Err("no_such_kind"));
/// # Ok::<(), &str>(())
/// ```
pub fn kinds<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<BTreeMap<Kind, f64>, &'a str> {
    let mut found = BTreeMap::new();
    for name in names {
        let named: Vec<Kind> = match KindSet::from_id(name) {
            Some(set) => set.kinds().collect(),
            None => vec![Kind::from_id(name).map_err(|_| name)?],
        };
        let weight = |kind: Kind| if kind.is_drawn() { kind.weight() } else { CHOSEN };
        found.extend(named.into_iter().map(|kind| (kind, weight(kind))));
    }
    Ok(found)
}

/// Returns the set or kind whose name is most like `name`, for a hint; `None` if none is.
pub fn nearest(name: &str) -> Option<&'static str> {
    let names = KindSet::ALL.iter().map(|set| set.id());
    let names = names.chain(Kind::ALL.iter().map(|kind| kind.id()));
    let near = names.map(|known| (distance(name, known), known)).min()?;
    (near.0 <= 2).then_some(near.1)
}

/// The number of characters to insert, delete or replace, at most one more than a hint allows.
fn distance(one: &str, other: &str) -> usize {
    if one.len().abs_diff(other.len()) > 2 {
        return 3;
    }
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, c) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (next, d) in other.iter().enumerate() {
            let cost = diagonal + usize::from(c != *d);
            diagonal = row[next + 1];
            row[next + 1] = cost.min(row[next] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_set_has_the_name_of_a_kind() {
        for set in KindSet::ALL {
            assert!(Kind::from_id(set.id()).is_err(), "{set}");
            assert_eq!(KindSet::from_id(set.id()), Some(set));
            assert!(set.kinds().count() > 0);
        }
        assert_eq!(KindSet::Iftrain.kinds().count(), 22);
    }

    #[test]
    fn chosen_kinds_have_a_weight_and_drawn_ones_keep_theirs() {
        let default = kinds(["default"]).expect("a set");
        assert!(default.iter().all(|(kind, weight)| kind.weight().total_cmp(weight).is_eq()));
        let both = kinds(["default", "iftrain", "word_once"]).expect("sets");
        // Three kinds are in both sets.
        assert_eq!(both.len(), default.len() + 19);
        assert_eq!(both.get(&Kind::WordOnce), Some(&1.0));
        assert_eq!(both.get(&Kind::ExcludeWord), Some(&Kind::ExcludeWord.weight()));
        assert_eq!(kinds([]), Ok(BTreeMap::new()));
    }

    #[test]
    fn names_with_a_slip_have_a_hint() {
        assert_eq!(
            (nearest("if_train"), nearest("word_onse")),
            (Some("iftrain"), Some("word_once"))
        );
        assert_eq!((nearest("nothing_alike"), nearest("")), (None, None));
    }
}
