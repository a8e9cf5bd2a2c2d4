//! Degeneration checks: metrics that reveal responses which follow constraints by saying little.
//!
//! A model can satisfy "at most 50 words" by saying nothing, and "at least five bullets" by repeating one line. None of
//! these metrics is good or bad alone. Distrust a gain in accuracy that comes with a drop in length or in distinct
//! n-grams.

use std::collections::BTreeSet;

use iopo_schema::{PredictionRow, ResponseEnd, SummaryMetric};

use crate::Observation;

/// Measures one response: numerator and denominator. A denominator of 0 means that there is nothing to measure.
pub type Measure = fn(&PredictionRow) -> (f64, f64);

/// Every metric of a single response, in the order of the table.
///
/// Distinct n-grams are counted within a response and lower-cased. Over a corpus the share falls with every response
/// added, so it cannot be resampled; [`corpus_distinct`] reports it without an interval.
pub const METRICS: [(SummaryMetric, Measure); 8] = [
    (SummaryMetric::ResponseWords, |row| (row.response.split_whitespace().count() as f64, 1.0)),
    (SummaryMetric::ResponseTokens, |row| (f64::from(row.completion_tokens), 1.0)),
    (SummaryMetric::Distinct1, |row| distinct_share(&row.response, 1)),
    (SummaryMetric::Distinct2, |row| distinct_share(&row.response, 2)),
    (SummaryMetric::Distinct3, |row| distinct_share(&row.response, 3)),
    (SummaryMetric::EmptyShare, |row| (share(row.response.trim().is_empty()), 1.0)),
    (SummaryMetric::LengthCutShare, |row| (share(row.finish_reason == ResponseEnd::Length), 1.0)),
    (SummaryMetric::RepeatedLines, |row| repeated_lines(&row.response)),
];

/// The metrics of [`corpus_distinct`] with their n.
pub const CORPUS_METRICS: [(SummaryMetric, usize); 3] = [
    (SummaryMetric::CorpusDistinct1, 1),
    (SummaryMetric::CorpusDistinct2, 2),
    (SummaryMetric::CorpusDistinct3, 3),
];

/// Applies a measure to a response.
pub fn observe(measure: Measure, row: &PredictionRow) -> Observation {
    let (num, den) = measure(row);
    Observation::ratio(row.key.as_str(), row.task_id.as_str(), num, den)
}

/// Returns distinct n-grams of words over n-grams, across all responses; NaN if there are none.
///
/// It reveals responses that resemble each other, which the metrics of single responses cannot show.
pub fn corpus_distinct(rows: &[PredictionRow], n: usize) -> f64 {
    let words: Vec<Vec<String>> = rows.iter().map(|row| words(&row.response)).collect();
    let mut distinct = BTreeSet::new();
    let mut all = 0_u64;
    for gram in words.iter().flat_map(|words| words.windows(n.max(1))) {
        distinct.insert(gram);
        all += 1;
    }
    if all == 0 { f64::NAN } else { distinct.len() as f64 / all as f64 }
}

/// Returns the share of distinct n-grams; nothing to measure if the text has fewer than n words.
fn distinct_share(text: &str, n: usize) -> (f64, f64) {
    let words = words(text);
    let grams = words.windows(n);
    let all = grams.len();
    if all == 0 {
        return (0.0, 0.0);
    }
    let distinct: BTreeSet<&[String]> = grams.collect();
    (distinct.len() as f64 / all as f64, 1.0)
}

/// Counts the non-blank lines that repeat an earlier line, and all non-blank lines.
fn repeated_lines(text: &str) -> (f64, f64) {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let distinct: BTreeSet<&str> = lines.iter().copied().collect();
    ((lines.len() - distinct.len()) as f64, lines.len() as f64)
}

/// Splits a text into lower-cased words without surrounding punctuation.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

fn share(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use iopo_schema::SummaryMetric as Metric;

    use super::{METRICS, corpus_distinct, observe};
    use crate::observe::tests::prediction;

    fn of(metric: Metric, response: &str) -> (f64, f64) {
        let mut row = prediction("p", &["a"]);
        row.response = response.to_owned();
        let (_, measure) = METRICS.iter().find(|(name, _)| *name == metric).expect("listed");
        let observation = observe(*measure, &row);
        (observation.num, observation.den)
    }

    #[test]
    fn metrics_match_hand_computed_values() {
        assert_eq!(of(Metric::ResponseWords, "one, two\nthree"), (3.0, 1.0));
        assert_eq!(of(Metric::ResponseTokens, "whatever"), (4.0, 1.0));
        assert_eq!(of(Metric::Distinct1, "The cat, the CAT"), (0.5, 1.0));
        assert_eq!(of(Metric::Distinct2, "a b a b a"), (0.5, 1.0));
        assert_eq!(of(Metric::Distinct3, "a b"), (0.0, 0.0), "too short for a 3-gram");
        assert_eq!(of(Metric::EmptyShare, " \n"), (1.0, 1.0));
        assert_eq!(of(Metric::EmptyShare, "x"), (0.0, 1.0));
        assert_eq!(of(Metric::LengthCutShare, "x"), (0.0, 1.0));
        assert_eq!(of(Metric::RepeatedLines, "- a\n\n- b\n- a \n- a"), (2.0, 4.0));
    }

    #[test]
    fn identical_responses_lower_the_corpus_share() {
        let rows = vec![prediction("p", &["a"]), prediction("q", &["a"])];
        assert!((corpus_distinct(&rows, 2) - 0.5).abs() < 1e-12);
        assert!(corpus_distinct(&[], 2).is_nan());
    }
}
