//! Estimates with intervals: a cluster bootstrap that resamples tasks, then rows within each task.
//!
//! Rows of one task share its difficulty, so an interval that resamples only rows is too narrow. Each resample draws as
//! many tasks as there are, with replacement, and from each drawn task as many rows as it has, with replacement. The
//! interval spans the percentiles of the statistic over the resamples. With one row per task this is the plain bootstrap.
//! The second stage adds some variance within tasks, so the interval is slightly too wide rather than too narrow.
//!
//! If a model was trained with several random seeds, each resample also draws as many of its runs as there are, with
//! replacement. Two models with the same number of runs share these draws, because runs of one seed start from the same SFT
//! model. With three runs, resampling finds about two thirds of the variance between seeds.

use std::collections::BTreeMap;

use iopo_core::random::keyed;
use iopo_schema::{Subset, SummaryMetric, SummaryRow};
use rand::{Rng, RngExt};

use crate::EvalError;

/// Contribution of one row to a statistic: a numerator and a denominator.
#[derive(Debug, Clone, PartialEq)]
pub struct Observation {
    /// Key of the row: unique within a table, shared by the tables of two models on the same prompts.
    pub key: String,
    /// Task of the row, which is resampled first; empty if the row is independent.
    pub cluster: String,
    /// Numerator; for an accuracy, how many constraints are followed.
    pub num: f64,
    /// Denominator; for an accuracy, how many constraints there are. 0 if the row has nothing to measure.
    pub den: f64,
    /// Numerator and denominator of each run, whose means are `num` and `den`; empty for a single run.
    pub runs: Vec<(f64, f64)>,
}

impl Observation {
    /// Makes a row that counts once with `value`.
    pub fn mean(key: impl Into<String>, cluster: impl Into<String>, value: f64) -> Self {
        Self::ratio(key, cluster, value, 1.0)
    }

    /// Makes a row that counts `den` times with `num` in total.
    pub fn ratio(key: impl Into<String>, cluster: impl Into<String>, num: f64, den: f64) -> Self {
        Self { key: key.into(), cluster: cluster.into(), num, den, runs: Vec::new() }
    }

    /// Returns the numerator and the denominator over the drawn runs.
    fn over(&self, runs: &[usize]) -> (f64, f64) {
        if self.runs.is_empty() || runs.is_empty() {
            return (self.num, self.den);
        }
        let drawn = runs.iter().map(|&run| self.runs[run]);
        let (num, den) = drawn.fold((0.0, 0.0), |(num, den), (n, d)| (num + n, den + d));
        (num / runs.len() as f64, den / runs.len() as f64)
    }
}

/// How rows are combined into one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
    /// Σ num ∕ Σ den: a mean, an accuracy or a rate.
    Ratio,
    /// exp(Σ num ∕ Σ den): a perplexity, if `num` is a negative log-probability and `den` its tokens.
    ExpRatio,
}

impl Statistic {
    /// Computes the statistic of the chosen rows over the drawn runs, or over all runs if `runs` is empty; NaN if there is
    /// nothing to measure.
    fn of(self, rows: &[&Observation], chosen: &[usize], runs: &[usize]) -> f64 {
        let (mut num, mut den) = (0.0, 0.0);
        for &index in chosen {
            let (n, d) = rows[index].over(runs);
            num += n;
            den += d;
        }
        if den <= 0.0 {
            return f64::NAN;
        }
        match self {
            Self::Ratio => num / den,
            Self::ExpRatio => (num / den).exp(),
        }
    }
}

/// A number with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// Estimate from all rows; NaN if there are none.
    pub value: f64,
    /// Lower end of the interval; NaN with fewer than two clusters.
    pub low: f64,
    /// Upper end of the interval; NaN with fewer than two clusters.
    pub high: f64,
    /// Rows behind the estimate.
    pub n: u64,
}

impl Estimate {
    /// Creates the row of the estimate in a summary.
    pub(crate) fn row(
        self,
        model: &str,
        baseline: Option<&str>,
        metric: SummaryMetric,
        subset: Subset,
    ) -> SummaryRow {
        SummaryRow {
            model: model.to_owned(),
            baseline: baseline.map(str::to_owned),
            metric,
            subset,
            value: self.value,
            low: self.low,
            high: self.high,
            n: self.n,
        }
    }
}

/// A cluster bootstrap.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Bootstrap {
    /// Number of resamples. Higher values give smoother interval ends and take longer. Default: 2000.
    pub samples: usize,
    /// Coverage of the interval. Default: 0.95. Range: between 0 and 1.
    pub confidence: f64,
    /// Random seed of the resamples. Default: 0.
    pub seed: u64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { samples: 2000, confidence: 0.95, seed: 0 }
    }
}

impl Bootstrap {
    /// Sets the number of resamples.
    #[must_use]
    pub fn with_samples(self, samples: usize) -> Self {
        Self { samples, ..self }
    }

    /// Sets the coverage of the interval.
    #[must_use]
    pub fn with_confidence(self, confidence: f64) -> Self {
        Self { confidence, ..self }
    }

    /// Sets the random seed of the resamples.
    #[must_use]
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Computes the percentile interval of any statistic of row indices.
    ///
    /// `clusters` names the cluster of each row; a row with an empty name is a separate cluster. The resamples depend only
    /// on the seed and the clusters, so two statistics of the same rows see the same resamples. Resamples in which the
    /// statistic is NaN are dropped. The ends are NaN with fewer than two clusters, because one task says nothing about others.
    pub fn interval<S: AsRef<str>>(
        &self,
        clusters: &[S],
        statistic: impl Fn(&[usize]) -> f64,
    ) -> (f64, f64) {
        self.interval_over_runs(clusters, (0, 0), |chosen, _, _| statistic(chosen))
    }

    /// Computes the interval of a statistic of row indices and of drawn runs, for two models with `runs` runs each.
    fn interval_over_runs<S: AsRef<str>>(
        &self,
        clusters: &[S],
        runs: (usize, usize),
        statistic: impl Fn(&[usize], &[usize], &[usize]) -> f64,
    ) -> (f64, f64) {
        let members = members(clusters);
        if members.len() < 2 {
            return (f64::NAN, f64::NAN);
        }
        let mut rng = keyed(self.seed, &["bootstrap"]);
        // A separate stream, so that the runs do not change which rows are drawn.
        let mut of_runs = keyed(self.seed, &["bootstrap", "runs"]);
        let mut chosen = Vec::with_capacity(clusters.len());
        let mut values = Vec::with_capacity(self.samples);
        for _ in 0..self.samples {
            chosen.clear();
            for _ in 0..members.len() {
                let rows = &members[rng.random_range(0..members.len())];
                for _ in 0..rows.len() {
                    chosen.push(rows[rng.random_range(0..rows.len())]);
                }
            }
            let left = drawn_runs(runs.0, &mut of_runs);
            let right =
                if runs.0 == runs.1 { left.clone() } else { drawn_runs(runs.1, &mut of_runs) };
            let value = statistic(&chosen, &left, &right);
            if !value.is_nan() {
                values.push(value);
            }
        }
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        (quantile(&values, tail), quantile(&values, 1.0 - tail))
    }

    /// Estimates a statistic of one model's rows. Rows with a denominator of 0 are dropped.
    ///
    /// # Errors
    /// Returns an error if a key occurs twice or a number is not finite.
    pub fn estimate(
        &self,
        rows: &[Observation],
        statistic: Statistic,
    ) -> Result<Estimate, EvalError> {
        let by_key = by_key(rows, "the table")?;
        let rows: Vec<&Observation> = by_key.into_values().filter(|row| row.den > 0.0).collect();
        let clusters: Vec<&str> = rows.iter().map(|row| row.cluster.as_str()).collect();
        let all: Vec<usize> = (0..rows.len()).collect();
        let value = statistic.of(&rows, &all, &[]);
        let runs = (runs_of(&rows)?, 0);
        let of =
            |chosen: &[usize], drawn: &[usize], _: &[usize]| statistic.of(&rows, chosen, drawn);
        let (low, high) = self.interval_over_runs(&clusters, runs, of);
        Ok(Estimate { value, low, high, n: rows.len() as u64 })
    }

    /// Estimates the difference `left − right` of two models on the same rows, with the same resamples for both.
    ///
    /// A row that has nothing to measure for one model is dropped for both.
    ///
    /// # Errors
    /// Returns an error if the tables differ in keys or clusters, a key occurs twice or a number is not finite.
    pub fn difference(
        &self,
        (left_name, left): (&str, &[Observation]),
        (right_name, right): (&str, &[Observation]),
        statistic: Statistic,
    ) -> Result<Estimate, EvalError> {
        let left = by_key(left, left_name)?;
        let right = by_key(right, right_name)?;
        let differ = |key: &str, only_in: &str| EvalError::KeysDiffer {
            left: left_name.to_owned(),
            right: right_name.to_owned(),
            key: key.to_owned(),
            only_in: only_in.to_owned(),
        };
        if let Some(key) = left.keys().find(|key| !right.contains_key(*key)) {
            return Err(differ(key, left_name));
        }
        if let Some(key) = right.keys().find(|key| !left.contains_key(*key)) {
            return Err(differ(key, right_name));
        }
        let mut a = Vec::with_capacity(left.len());
        let mut b = Vec::with_capacity(left.len());
        for (one, other) in left.into_values().zip(right.into_values()) {
            if one.cluster != other.cluster {
                let reason = format!(
                    "it belongs to task `{}` for {left_name} and to task `{}` for {right_name}",
                    one.cluster, other.cluster
                );
                return Err(EvalError::Observation { key: one.key.clone(), reason });
            }
            if one.den > 0.0 && other.den > 0.0 {
                a.push(one);
                b.push(other);
            }
        }
        let clusters: Vec<&str> = a.iter().map(|row| row.cluster.as_str()).collect();
        let of = |chosen: &[usize], left: &[usize], right: &[usize]| {
            statistic.of(&a, chosen, left) - statistic.of(&b, chosen, right)
        };
        let all: Vec<usize> = (0..a.len()).collect();
        let runs = (runs_of(&a)?, runs_of(&b)?);
        let (low, high) = self.interval_over_runs(&clusters, runs, of);
        Ok(Estimate { value: of(&all, &[], &[]), low, high, n: a.len() as u64 })
    }
}

/// Draws as many runs as there are, with replacement; none for a single run.
fn drawn_runs(count: usize, rng: &mut impl Rng) -> Vec<usize> {
    if count < 2 {
        return Vec::new();
    }
    (0..count).map(|_| rng.random_range(0..count)).collect()
}

/// Returns the number of runs of every row; 0 for single runs.
fn runs_of(rows: &[&Observation]) -> Result<usize, EvalError> {
    let count = rows.first().map_or(0, |row| row.runs.len());
    match rows.iter().find(|row| row.runs.len() != count) {
        None => Ok(count),
        Some(row) => Err(EvalError::Observation {
            key: row.key.clone(),
            reason: format!("{} runs, expected {count} as in the first row", row.runs.len()),
        }),
    }
}

/// Lists the rows of each cluster: clusters by name, then independent rows.
fn members<S: AsRef<str>>(clusters: &[S]) -> Vec<Vec<usize>> {
    let mut named: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    let mut alone = Vec::new();
    for (row, cluster) in clusters.iter().enumerate() {
        match cluster.as_ref() {
            "" => alone.push(vec![row]),
            name => named.entry(name).or_default().push(row),
        }
    }
    named.into_values().chain(alone).collect()
}

/// Indexes the rows by key; refuses duplicate keys and numbers that are not finite.
fn by_key<'a>(
    rows: &'a [Observation],
    what: &str,
) -> Result<BTreeMap<&'a str, &'a Observation>, EvalError> {
    let mut map = BTreeMap::new();
    for row in rows {
        if !row.num.is_finite() || !row.den.is_finite() || row.den < 0.0 {
            let reason =
                format!("{} over {}, expected finite numbers over 0 or more", row.num, row.den);
            return Err(EvalError::Observation { key: row.key.clone(), reason });
        }
        if map.insert(row.key.as_str(), row).is_some() {
            return Err(EvalError::DuplicateKey { what: what.to_owned(), key: row.key.clone() });
        }
    }
    Ok(map)
}

/// Returns the `q` quantile of sorted values, interpolated linearly; NaN if there are none.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = q.clamp(0.0, 1.0) * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    let (low, high) = (sorted[below], sorted[above]);
    low + (high - low) * (position - below as f64)
}

#[cfg(test)]
mod tests {
    use super::{members, quantile};

    #[test]
    fn quantiles_interpolate_linearly() {
        let values = [1.0, 2.0, 4.0];
        let close =
            |q: f64, expected: f64| assert!((quantile(&values, q) - expected).abs() < 1e-12);
        close(0.0, 1.0);
        close(0.5, 2.0);
        close(0.75, 3.0);
        close(1.0, 4.0);
        assert!(quantile(&[], 0.5).is_nan());
    }

    #[test]
    fn rows_without_a_task_are_single_clusters() {
        let rows = members(&["b", "", "a", "b", ""]);
        assert_eq!(rows, vec![vec![2], vec![0, 3], vec![1], vec![4]]);
    }
}
