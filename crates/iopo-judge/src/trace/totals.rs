//! Metrics of TRACE.

use std::collections::BTreeMap;

use super::{Item, Score, followed};
use crate::Mean;
use crate::text::same;

/// Metrics of a set of items, unrounded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ItemTotals {
    /// Share of items whose constraints all have the score 10: the metric of the paper.
    pub followed: Mean,
    /// Share of constraints with the score 10.
    pub constraints: Mean,
    /// Mean over the items of their mean score.
    pub score: Mean,
}

impl ItemTotals {
    fn add(&mut self, item: &Item, scores: Option<&[Score]>) {
        self.followed.add(scores.map(|scores| f64::from(followed(scores))));
        let mean = |scores: &[Score]| {
            scores.iter().map(|one| one.score).sum::<f64>() / scores.len() as f64
        };
        self.score.add(scores.map(mean));
        for index in 0..item.constraints.len() {
            let score = scores.and_then(|scores| scores.get(index));
            self.constraints.add(score.map(|one| f64::from(same(one.score, 10.0))));
        }
    }
}

/// Metrics of TRACE.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Items with one constraint: IF-S.
    pub single: ItemTotals,
    /// Items with more constraints: IF-M.
    pub multi: ItemTotals,
    /// All items.
    pub all: ItemTotals,
    /// By number of constraints.
    pub by_count: BTreeMap<usize, ItemTotals>,
    /// Share of constraints with the score 10, by label.
    pub by_dimension: BTreeMap<String, Mean>,
}

/// Computes the metrics. An item without scores is unjudged.
pub fn totals<'a>(judged: impl IntoIterator<Item = (&'a Item, Option<&'a [Score]>)>) -> Totals {
    let mut totals = Totals::default();
    for (item, scores) in judged {
        let count = item.constraints.len();
        let group = if count == 1 { &mut totals.single } else { &mut totals.multi };
        group.add(item, scores);
        totals.all.add(item, scores);
        totals.by_count.entry(count).or_default().add(item, scores);
        for index in 0..count {
            let score = scores.and_then(|scores| scores.get(index));
            let label = item.dimension(index).to_owned();
            let mean = totals.by_dimension.entry(label).or_default();
            mean.add(score.map(|one| f64::from(same(one.score, 10.0))));
        }
    }
    totals
}

/// Metrics of the published script's ratings, unrounded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScriptTotals {
    /// Share of items with the rating 10.
    pub tens: Mean,
    /// Mean rating.
    pub rating: Mean,
}

/// Computes the metrics of ratings by set: items with one constraint, items with more, all items.
pub fn script_totals<'a>(
    rated: impl IntoIterator<Item = (&'a Item, Option<f64>)>,
) -> [ScriptTotals; 3] {
    let mut totals: [ScriptTotals; 3] = Default::default();
    for (item, rating) in rated {
        for set in [usize::from(item.constraints.len() != 1), 2] {
            totals[set].tens.add(rating.map(|rating| f64::from(same(rating, 10.0))));
            totals[set].rating.add(rating);
        }
    }
    totals
}
