//! What would betray a hollow gain: answers that follow the constraints because they say little.
//!
//! A model can learn to satisfy "at most 50 words" by saying nothing, or to repeat one line for "at
//! least five bullets". None of these numbers is good or bad alone; a gain in accuracy together with a
//! fall in length or in distinct n-grams is to be read with care.

use std::collections::BTreeSet;

use iopo_schema::PredictionRow;

use crate::Observation;

/// The metrics of [`measure`], in the order of a table.
pub const METRICS: [&str; 8] = [
    "response_words",
    "response_tokens",
    "distinct_1",
    "distinct_2",
    "distinct_3",
    "empty_share",
    "length_cut_share",
    "repeated_lines",
];

/// The finish reason of an answer that met the token limit.
pub(crate) const CUT: &str = "length";

/// What one answer says of a metric of [`METRICS`]; unknown names have nothing to measure.
///
/// - `response_words`, `response_tokens`: words (by white space) and generated tokens.
/// - `distinct_n`: different n-grams of words ∕ n-grams, within the answer (lower-cased). Within, because
///   over a corpus the number falls with every answer added, and so cannot be resampled.
/// - `empty_share`: answers that are blank; `length_cut_share`: answers that met the token limit.
/// - `repeated_lines`: non-blank lines that stood earlier in the same answer ∕ non-blank lines.
pub fn measure(metric: &str, row: &PredictionRow) -> Observation {
    let (num, den) = match metric {
        "response_words" => (row.response.split_whitespace().count() as f64, 1.0),
        "response_tokens" => (f64::from(row.completion_tokens), 1.0),
        "distinct_1" => distinct_share(&row.response, 1),
        "distinct_2" => distinct_share(&row.response, 2),
        "distinct_3" => distinct_share(&row.response, 3),
        "empty_share" => (share(row.response.trim().is_empty()), 1.0),
        "length_cut_share" => (share(row.finish_reason == CUT), 1.0),
        "repeated_lines" => repeated_lines(&row.response),
        _ => (0.0, 0.0),
    };
    Observation::ratio(row.key.as_str(), row.task_id.as_str(), num, den)
}

/// Different n-grams of words ∕ n-grams over all answers together, NaN where there are none. It tells
/// answers that are all alike, which [`measure`] cannot see; it has no interval.
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

/// The answer's share of distinct n-grams, counted once; nothing where it is shorter than n words.
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

/// Lines that stood before, and lines.
fn repeated_lines(text: &str) -> (f64, f64) {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let distinct: BTreeSet<&str> = lines.iter().copied().collect();
    ((lines.len() - distinct.len()) as f64, lines.len() as f64)
}

/// Lower-cased words without the punctuation around them.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase())
        .filter(|word| !word.is_empty())
        .collect()
}

/// 1 or 0.
fn share(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

#[cfg(test)]
mod tests {
    use super::{METRICS, corpus_distinct, measure};
    use crate::observe::tests::prediction;

    fn of(metric: &str, response: &str) -> (f64, f64) {
        let mut row = prediction("p", &["a"]);
        row.response = response.to_owned();
        let observation = measure(metric, &row);
        (observation.num, observation.den)
    }

    #[test]
    fn every_metric_measures_what_it_says() {
        assert_eq!(of("response_words", "one, two\nthree"), (3.0, 1.0));
        assert_eq!(of("response_tokens", "whatever"), (4.0, 1.0));
        assert_eq!(of("distinct_1", "The cat, the CAT"), (0.5, 1.0));
        assert_eq!(of("distinct_2", "a b a b a"), (0.5, 1.0));
        assert_eq!(of("distinct_3", "a b"), (0.0, 0.0), "too short to have a 3-gram");
        assert_eq!(of("empty_share", " \n"), (1.0, 1.0));
        assert_eq!(of("empty_share", "x"), (0.0, 1.0));
        assert_eq!(of("length_cut_share", "x"), (0.0, 1.0));
        assert_eq!(of("repeated_lines", "- a\n\n- b\n- a \n- a"), (2.0, 4.0));
        assert_eq!(of("no such metric", "x"), (0.0, 0.0));
    }

    #[test]
    fn every_listed_metric_is_known() {
        for metric in METRICS {
            assert!(of(metric, "one two three four").1 > 0.0, "{metric}");
        }
    }

    #[test]
    fn answers_that_are_all_alike_show_in_the_corpus() {
        let rows = vec![prediction("p", &["a"]), prediction("q", &["a"])];
        assert!((corpus_distinct(&rows, 2) - 0.5).abs() < 1e-12);
        assert!(corpus_distinct(&[], 2).is_nan());
    }
}
