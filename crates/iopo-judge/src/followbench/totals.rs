//! Metrics of FollowBench.

use std::collections::BTreeMap;

use super::{Category, Item, Outcome};
use crate::Mean;

/// Metrics of one type of constraints, unrounded.
///
/// Rates are shares of 1. In `paper`, an answer that could not be read counts -1, so that a rate can be negative.
#[derive(Debug, Clone, PartialEq)]
pub struct CategoryTotals {
    /// The type.
    pub category: Category,
    /// Hard satisfaction rate of levels 1 to 5: the share of items whose constraints all hold.
    pub hard: [Mean; 5],
    /// Soft satisfaction rate of levels 1 to 5: the mean share of constraints that hold. None for examples.
    pub soft: Option<[Mean; 5]>,
    /// Consistent satisfaction levels: the mean number of consecutive levels that hold, starting at level 1. A group is
    /// unjudged if an unjudged level ends these levels; the levels before it are certain.
    pub csl: Mean,
}

/// Computes the metrics by type, in the order of the first items. An item without an outcome is unjudged. Items of level 0
/// are skipped.
pub fn totals<'a>(
    judged: impl IntoIterator<Item = (&'a Item, Option<&'a Outcome>)>,
) -> Vec<CategoryTotals> {
    let mut order: Vec<Category> = Vec::new();
    let mut by_category: BTreeMap<Category, Vec<(&Item, Option<&Outcome>)>> = BTreeMap::new();
    for (item, outcome) in judged.into_iter().filter(|(item, _)| item.level > 0) {
        if !order.contains(&item.category) {
            order.push(item.category);
        }
        by_category.entry(item.category).or_default().push((item, outcome));
    }
    order.into_iter().map(|category| of_category(category, &by_category[&category])).collect()
}

fn of_category(category: Category, judged: &[(&Item, Option<&Outcome>)]) -> CategoryTotals {
    let mut hard = [Mean::default(); 5];
    let mut soft = [Mean::default(); 5];
    let mut groups: BTreeMap<String, [Option<bool>; 5]> = BTreeMap::new();
    for (item, outcome) in judged {
        let Some(level) = item.level.checked_sub(1).filter(|&level| level < 5) else { continue };
        hard[level].add(outcome.map(|outcome| f64::from(outcome.hard)));
        soft[level].add(outcome.map(|outcome| outcome.soft));
        groups.entry(item.group()).or_default()[level] = outcome.map(|outcome| outcome.hard == 1);
    }
    let mut csl = Mean::default();
    for levels in groups.values() {
        let leading = levels.iter().take_while(|&&level| level == Some(true)).count();
        if leading == 5 || levels[leading].is_some() {
            csl.add(Some(leading as f64));
        } else {
            csl.add_unjudged(leading as f64);
        }
    }
    CategoryTotals { category, hard, soft: (category != Category::Example).then_some(soft), csl }
}

/// The single score of the published aggregator: the mean over types, except examples, of the hard rates weighted by level.
///
/// `rate` selects the mean: [`Mean::over_judged`] or [`Mean::unjudged_as_failed`].
pub fn headline(totals: &[CategoryTotals], rate: fn(&Mean) -> Option<f64>) -> Option<f64> {
    let one = |totals: &CategoryTotals| -> Option<f64> {
        let levels = totals.hard.iter().enumerate();
        let weighted = levels.map(|(at, mean)| Some((at + 1) as f64 * rate(mean)?));
        Some(weighted.sum::<Option<f64>>()? / 15.0)
    };
    let types = totals.iter().filter(|totals| totals.category != Category::Example);
    types.map(one).collect::<Mean>().over_judged()
}
