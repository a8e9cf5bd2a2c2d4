//! Order and colors of models and methods.

use std::cmp::Ordering;

use iopo_schema::run_files::method_of;

/// Known models in the order of training. The style sheet has a color for each and a few for others.
const KNOWN: [&str; 6] = ["base", "sft", "sft-continued", "dpo", "dpo-paper", "iopo"];
const OTHER_COLORS: usize = 4;

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

/// Returns the style class of a model's color.
pub(crate) fn color(name: &str) -> String {
    if let Some(index) = KNOWN.iter().position(|known| *known == method_of(name)) {
        return format!("m{index}");
    }
    let sum: usize = method_of(name).bytes().map(usize::from).sum();
    format!("m{}", KNOWN.len() + sum % OTHER_COLORS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_seeds_of_a_method_have_its_color() {
        assert_eq!(color("sft-seed1"), color("sft"));
        assert_eq!(color("other-seed1"), color("other"));
        assert_ne!(color("dpo-seed1"), color("dpo-paper-seed1"));
    }

    #[test]
    fn known_models_come_first() {
        let mut names = ["zz", "iopo-seed10", "iopo-seed2", "iopo", "base", "dpo"];
        names.sort_by(|left, right| order(left, right));
        assert_eq!(names, ["base", "dpo", "iopo", "iopo-seed2", "iopo-seed10", "zz"]);
    }
}
