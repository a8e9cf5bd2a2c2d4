//! Measurements of both sides, round by round.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Tolerance of the loss of one update, both sides in f32.
const LOSS_TOLERANCE: f64 = 1e-3;
/// Relative tolerance of the log-probabilities of a response.
const LOGP_TOLERANCE: f64 = 1e-4;

/// One run of our side, and one of the other side right after it.
#[derive(Debug)]
pub(super) struct Round {
    pub(super) ours: Value,
    pub(super) theirs: Option<Value>,
    /// Other threads that ran just before.
    pub(super) others: Option<f64>,
}

impl Round {
    /// Returns an error if the numbers of the two sides differ by more than rounding, because then the work differs.
    ///
    /// At the first update every preference loss is ln 2 for any tokens, so the log-probabilities and the losses of later
    /// updates are compared.
    pub(super) fn agrees(&self) -> Result<()> {
        let Some(theirs) = &self.theirs else { return Ok(()) };
        if self.ours["mode"] == "decode" {
            return same_first_tokens(&self.ours, theirs);
        }
        let pair = |key| Ok::<_, anyhow::Error>((numbers(&self.ours, key)?, numbers(theirs, key)?));
        let (ours, theirs) = pair("logps")?;
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= LOGP_TOLERANCE * b.abs().max(1.0);
        if theirs.is_empty() || theirs.len() > ours.len() || !ours.iter().zip(&theirs).all(close) {
            bail!("the log-probabilities differ: {ours:?} and {theirs:?}");
        }
        let (ours, theirs) = pair("losses")?;
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= LOSS_TOLERANCE;
        if ours.len() < 2 || ours.len() != theirs.len() || !ours.iter().zip(&theirs).all(close) {
            bail!("the losses differ: {ours:?} and {theirs:?}");
        }
        Ok(())
    }

    fn side(&self, side: Who) -> Result<&Value> {
        match side {
            Who::Ours => Ok(&self.ours),
            Who::Theirs => self.theirs.as_ref().context("this case has no other side"),
        }
    }
}

/// Compares only the first tokens: later ones can differ if two are equally likely up to rounding.
fn same_first_tokens(ours: &Value, theirs: &Value) -> Result<()> {
    let first = |side: &Value| -> Option<Vec<u64>> {
        side["made"].as_array()?.iter().map(|row| row[0].as_u64()).collect()
    };
    match (first(ours), first(theirs)) {
        (Some(ours), Some(theirs)) if !ours.is_empty() && ours == theirs => Ok(()),
        (ours, theirs) => bail!("the generated tokens differ: {ours:?} and {theirs:?}"),
    }
}

/// A side of the comparison.
#[derive(Debug, Clone, Copy)]
pub(super) enum Who {
    Ours,
    Theirs,
}

/// All rounds of a case.
#[derive(Debug)]
pub(super) struct Rounds(pub(super) Vec<Round>);

impl Rounds {
    /// Returns a number of every round.
    pub(super) fn all(&self, side: Who, key: &str) -> Result<Vec<f64>> {
        let of = |round: &Round| {
            round.side(side)?[key].as_f64().with_context(|| format!("no number `{key}`"))
        };
        self.0.iter().map(of).collect()
    }

    /// Returns the median of a number over the rounds.
    pub(super) fn median(&self, side: Who, key: &str) -> Result<f64> {
        Ok(median(self.all(side, key)?))
    }

    /// Returns the seconds of every step of every round.
    pub(super) fn times(&self, side: Who) -> Result<Vec<f64>> {
        let of = |round: &Round| numbers(round.side(side)?, "times");
        Ok(self.0.iter().map(of).collect::<Result<Vec<_>>>()?.concat())
    }

    /// Returns the peak memory over the rounds in GB, or a dash if the system does not report it.
    pub(super) fn peak(&self, side: Who) -> String {
        let peak = |round: &Round| round.side(side).ok()?["peak_bytes"].as_f64();
        let peaks = self.0.iter().filter_map(peak);
        peaks.reduce(f64::max).map_or("–".to_owned(), |bytes| format!("{:.2}", bytes / 1e9))
    }

    /// Returns the version of PyTorch.
    pub(super) fn torch(&self) -> Option<String> {
        Some(self.0.first()?.theirs.as_ref()?["torch"].as_str()?.to_owned())
    }

    /// Returns the loss of the last update of the first round.
    pub(super) fn last_loss(&self, side: Who) -> Result<f64> {
        let first = self.0.first().context("no rounds")?;
        numbers(first.side(side)?, "losses")?.last().copied().context("no losses")
    }

    /// Returns the speedup of our side in each round. Adds `share` of the time of its reference pass.
    pub(super) fn ratios(&self, share: f64) -> Result<Vec<f64>> {
        let ours = self.all(Who::Ours, "seconds")?;
        let reference = self.all(Who::Ours, "reference_seconds")?;
        let theirs = self.all(Who::Theirs, "seconds")?;
        let rounds = theirs.iter().zip(ours.iter().zip(&reference));
        Ok(rounds.map(|(theirs, (ours, reference))| theirs / (ours + share * reference)).collect())
    }
}

fn numbers(value: &Value, key: &str) -> Result<Vec<f64>> {
    let found: Option<Vec<f64>> =
        value[key].as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
    found.with_context(|| format!("no numbers `{key}`"))
}

/// Returns the median.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let half = numbers.len() / 2;
    match numbers.len() {
        0 => f64::NAN,
        even if even.is_multiple_of(2) => f64::midpoint(numbers[half - 1], numbers[half]),
        _ => numbers[half],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Round, Rounds, Who};

    fn round(ours: Value, theirs: Value) -> Round {
        Round { ours, theirs: Some(theirs), others: None }
    }

    #[test]
    fn steps_are_pooled_and_rounds_are_compared_in_pairs() {
        let side = |times: [f64; 2], seconds: f64| {
            json!({
                "times": times, "seconds": seconds, "reference_seconds": 1.0, "peak_bytes": 2e9,
            })
        };
        let rounds = Rounds(vec![
            round(side([3.0, 1.0], 2.0), side([12.0, 12.0], 12.0)),
            round(side([5.0, 3.0], 4.0), side([12.0, 12.0], 12.0)),
        ]);
        assert_eq!(rounds.times(Who::Ours).expect("times"), [3.0, 1.0, 5.0, 3.0]);
        assert!((rounds.median(Who::Ours, "seconds").expect("seconds") - 3.0).abs() < 1e-12);
        assert_eq!(rounds.peak(Who::Ours), "2.00");
        assert_eq!(rounds.ratios(0.0).expect("ratios"), [6.0, 3.0]);
        assert_eq!(rounds.ratios(1.0).expect("ratios"), [4.0, 2.4]);
        assert!(rounds.all(Who::Ours, "none").is_err());
    }

    #[test]
    fn different_work_of_the_sides_is_detected() {
        let side = |logps: &[f64], losses: &[f64]| json!({ "logps": logps, "losses": losses });
        let ours = || side(&[-600.01, -500.0, -1.0, -1.0], &[0.7, 0.5]);
        let agrees = |theirs| round(ours(), theirs).agrees().is_ok();
        assert!(agrees(side(&[-600.02, -500.01], &[0.7, 0.5005])));
        assert!(!agrees(side(&[-601.0, -500.0], &[0.7, 0.5])));
        assert!(!agrees(side(&[-600.0, -500.0], &[0.7, 0.51])));
        assert!(!agrees(side(&[-600.0, -500.0], &[0.7])));
        assert!(!agrees(side(&[], &[0.7, 0.5])));
        assert!(Round { ours: ours(), theirs: None, others: None }.agrees().is_ok());
    }

    #[test]
    fn first_generated_tokens_must_agree() {
        let side = |made: &[[u64; 2]]| json!({ "mode": "decode", "made": made });
        let agrees = |theirs| round(side(&[[1, 2], [3, 4]]), theirs).agrees().is_ok();
        assert!(agrees(side(&[[1, 9], [3, 4]])));
        assert!(!agrees(side(&[[1, 2], [4, 4]])) && !agrees(side(&[])));
    }
}
