//! Order and colors of models and methods.

use std::cmp::Ordering;

use iopo_schema::run_files::method_of;

/// The models that the report orders and colors: the base and every training method, in the order of training.
pub const KNOWN_MODELS: [&str; 12] = [
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

/// Compares two models: known ones in training order, then by name.
pub(crate) fn order(left: &str, right: &str) -> Ordering {
    let rank = |name: &str| {
        KNOWN_MODELS
            .iter()
            .position(|known| *known == method_of(name))
            .unwrap_or(KNOWN_MODELS.len())
    };
    rank(left)
        .cmp(&rank(right))
        .then_with(|| left.len().cmp(&right.len()))
        .then_with(|| left.cmp(right))
}

/// Returns the style class of a model's color: one per known method, the same in every report.
pub(crate) fn color(name: &str) -> String {
    let rank = KNOWN_MODELS.iter().position(|known| *known == method_of(name));
    rank.map_or_else(|| "plain".to_owned(), |rank| format!("m{rank}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_known_model_has_a_color_in_light_and_dark() {
        let found: BTreeSet<String> = KNOWN_MODELS.into_iter().map(color).collect();
        assert_eq!(found.len(), KNOWN_MODELS.len());
        assert_eq!((color("base"), color("sft-seed1")), ("m0".to_owned(), "m1".to_owned()));
        let style = include_str!("templates/style.css");
        for class in found {
            assert_eq!(style.matches(&format!(".{class}{{")).count(), 2, "{class}: light and dark");
        }
        assert_eq!(color("another"), "plain");
    }

    #[test]
    fn known_models_come_first() {
        let mut names = ["zz", "iopo-seed10", "iopo-seed2", "iopo", "base", "dpo"];
        names.sort_by(|left, right| order(left, right));
        assert_eq!(names, ["base", "dpo", "iopo", "iopo-seed2", "iopo-seed10", "zz"]);
    }
}
