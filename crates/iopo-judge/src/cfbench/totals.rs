//! Metrics of CFBench.

use std::collections::BTreeMap;

use super::{Item, Split, Verdict};
use crate::Mean;

/// Metrics of a set of items, unrounded.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SplitTotals {
    /// Constraint satisfaction rate: the mean share of criteria that hold.
    pub csr: Mean,
    /// Instruction satisfaction rate: the share of items whose criteria all hold.
    pub isr: Mean,
    /// Priority satisfaction rate: the share of items whose primary and enough secondary criteria hold.
    pub psr: Mean,
}

impl SplitTotals {
    fn add(&mut self, verdict: Option<&Verdict>) {
        self.csr.add(verdict.map(|verdict| verdict.csr));
        self.isr.add(verdict.map(|verdict| f64::from(verdict.isr)));
        self.psr.add(verdict.map(|verdict| f64::from(verdict.psr)));
    }
}

/// Metrics of CFBench.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// The easy half.
    pub easy: SplitTotals,
    /// The hard half.
    pub hard: SplitTotals,
    /// All items.
    pub all: SplitTotals,
    /// Share of criteria that hold, by type. Answers without one mark per criterion count as unjudged.
    pub by_kind: BTreeMap<String, Mean>,
}

/// Computes the metrics. An item without a verdict is unjudged.
pub fn totals<'a>(judged: impl IntoIterator<Item = (&'a Item, Option<&'a Verdict>)>) -> Totals {
    let mut totals = Totals::default();
    for (item, verdict) in judged {
        match item.split {
            Split::Easy => totals.easy.add(verdict),
            Split::Hard => totals.hard.add(verdict),
        }
        totals.all.add(verdict);
        for (index, criterion) in item.criteria.iter().enumerate() {
            let mark = verdict.and_then(|verdict| verdict.marks.get(index));
            let mean = totals.by_kind.entry(criterion.kind.clone()).or_default();
            mean.add(mark.map(|&mark| f64::from(mark)));
        }
    }
    totals
}

/// Rounds to two decimals as the published code does, with halves to even.
pub fn round2(value: f64) -> f64 {
    (value * 100.0).round_ties_even() / 100.0
}
