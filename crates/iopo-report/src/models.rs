//! Order and colors of models and methods.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use iopo_schema::run_files::method_of;

/// Known models in the order of training.
const KNOWN: [&str; 12] = [
    "base",
    "sft",
    "sft-continued",
    "dpo",
    "dpo-paper",
    "simpo",
    "orpo",
    "tpo",
    "tpo-l",
    "iopo",
    "iopo-no-output",
    "iopo-three",
];
/// Colors of the style sheet.
const COLORS: usize = 12;

/// Compares two models: known ones in training order, then by name.
pub(crate) fn order(left: &str, right: &str) -> Ordering {
    let rank = |name: &str| {
        KNOWN.iter().position(|known| *known == method_of(name)).unwrap_or(KNOWN.len())
    };
    rank(left)
        .cmp(&rank(right))
        .then_with(|| left.len().cmp(&right.len()))
        .then_with(|| left.cmp(right))
}

/// The colors of a page's models, one per method. They repeat only if a page has more methods than the style sheet has
/// colors.
#[derive(Debug)]
pub(crate) struct Colors(BTreeMap<String, String>);

impl Colors {
    /// Assigns the colors of the style sheet by rank.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut methods: Vec<&str> = names.into_iter().map(method_of).collect();
        methods.sort_by(|left, right| order(left, right));
        methods.dedup();
        let class = |(rank, name): (usize, &str)| (name.to_owned(), format!("m{}", rank % COLORS));
        Self(methods.into_iter().enumerate().map(class).collect())
    }

    /// Returns the style class of a model's color.
    pub(crate) fn of(&self, name: &str) -> &str {
        self.0.get(method_of(name)).map_or("plain", String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_method_of_a_page_has_its_own_color() {
        let names = KNOWN.into_iter().rev().chain(["iopo-seed1", "sft-seed2"]);
        let colors = Colors::new(names);
        let found: BTreeSet<&str> = KNOWN.into_iter().map(|name| colors.of(name)).collect();
        assert_eq!(found.len(), KNOWN.len());
        assert_eq!((colors.of("base"), colors.of("sft-seed1")), ("m0", "m1"));
        let style = include_str!("templates/style.css");
        for class in found {
            assert_eq!(style.matches(&format!(".{class}{{")).count(), 2, "{class}: light and dark");
        }
    }

    #[test]
    fn known_models_come_first() {
        let mut names = ["zz", "iopo-seed10", "iopo-seed2", "iopo", "base", "dpo"];
        names.sort_by(|left, right| order(left, right));
        assert_eq!(names, ["base", "dpo", "iopo", "iopo-seed2", "iopo-seed10", "zz"]);
    }
}
