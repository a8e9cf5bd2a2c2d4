//! Metrics, their contributions by cluster, and numbers that follow from several of them.

use std::collections::BTreeMap;

use crate::Mean;

/// A metric over a subset of the items.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Name in tables, such as `CSR`.
    pub name: &'static str,
    /// The items or constraints that it covers; `all` for all of them.
    pub subset: String,
    /// The value, over judged items and with unjudged ones as failed.
    pub mean: Mean,
    /// The contribution of each cluster that has one, by its position in [`Evaluation::clusters`](super::Evaluation::clusters).
    pub parts: Vec<(usize, Mean)>,
}

/// A number that follows from several metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Combined {
    /// Name in tables.
    pub name: &'static str,
    /// The items that it covers.
    pub subset: String,
    /// How it follows.
    pub formula: Formula,
}

/// A formula over metrics, which are named by their positions in [`Evaluation::metrics`](super::Evaluation::metrics).
#[derive(Debug, Clone, PartialEq)]
pub enum Formula {
    /// The mean of weighted sums. A sum with an unknown term is left out.
    MeanOfSums(Vec<Vec<(f64, usize)>>),
    /// The relative drop from the first metric to the second. Unknown if the first is not positive.
    Drop(usize, usize),
}

impl Formula {
    /// Computes the number from the values of the metrics.
    pub fn value(&self, metric: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        match self {
            Self::MeanOfSums(sums) => {
                let one = |sum: &Vec<(f64, usize)>| -> Option<f64> {
                    sum.iter().map(|&(weight, at)| Some(weight * metric(at)?)).sum()
                };
                sums.iter().map(one).collect::<Mean>().over_judged()
            }
            Self::Drop(from, to) => {
                let from = metric(*from).filter(|&from| from > 0.0)?;
                Some((from - metric(*to)?) / from)
            }
        }
    }
}

/// The metrics of some items: names, subsets and values in the order of tables.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<(&'static str, String, Mean)>);

impl Table {
    pub(crate) fn push(&mut self, name: &'static str, subset: impl Into<String>, mean: Mean) {
        self.0.push((name, subset.into(), mean));
    }

    /// Joins the metrics of all items with those of each cluster.
    pub(crate) fn with_parts(self, clusters: &[Self]) -> Vec<Metric> {
        let mut parts: BTreeMap<(&str, &str), Vec<(usize, Mean)>> = BTreeMap::new();
        for (at, cluster) in clusters.iter().enumerate() {
            for (name, subset, mean) in cluster.0.iter().filter(|(_, _, mean)| mean.items > 0) {
                parts.entry((name, subset)).or_default().push((at, *mean));
            }
        }
        let metrics = self.0.into_iter().map(|(name, subset, mean)| {
            let parts = parts.get(&(name, subset.as_str())).cloned().unwrap_or_default();
            Metric { name, subset, mean, parts }
        });
        metrics.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_terms_leave_their_sum_out() {
        let sums = Formula::MeanOfSums(vec![vec![(0.5, 0), (0.5, 1)], vec![(1.0, 2)]]);
        let with = |values: [Option<f64>; 3]| sums.value(|at| values[at]);
        assert_eq!(with([Some(1.0), Some(0.0), Some(1.0)]), Some(0.75));
        assert_eq!(with([Some(1.0), None, Some(1.0)]), Some(1.0));
        assert_eq!(with([None; 3]), None);
        let drop = |from, to| Formula::Drop(0, 1).value(|at| [Some(from), Some(to)][at]);
        assert_eq!((drop(0.5, 0.25), drop(0.0, 0.0)), (Some(0.5), None));
    }

    #[test]
    fn parts_name_their_clusters() {
        let table = |values: &[f64]| {
            let mut table = Table::default();
            table.push("m", "all", values.iter().map(|&value| Some(value)).collect());
            table
        };
        let metrics = table(&[1.0, 0.0]).with_parts(&[table(&[1.0]), table(&[]), table(&[0.0])]);
        let clusters: Vec<usize> = metrics[0].parts.iter().map(|(at, _)| *at).collect();
        assert_eq!(clusters, [0, 2]);
    }
}
