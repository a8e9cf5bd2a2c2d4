//! What one side printed, start by start.

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The measurements of one side, one for each time that it was started.
#[derive(Debug, Default)]
pub(super) struct Side(Vec<Value>);

impl Side {
    /// Takes in what a program printed: its last line of JSON.
    pub(super) fn add(&mut self, printed: &str) -> Result<()> {
        let line = printed.lines().rev().find(|line| line.starts_with('{'));
        let line = line.context("expected a line of JSON, found none")?;
        self.0.push(serde_json::from_str(line).context("cannot read the line of JSON")?);
        Ok(())
    }

    /// A number of every start.
    pub(super) fn all(&self, key: &str) -> Result<Vec<f64>> {
        let of = |value: &Value| value[key].as_f64();
        let found: Option<Vec<f64>> = self.0.iter().map(of).collect();
        found.filter(|found| !found.is_empty()).with_context(|| format!("no number `{key}`"))
    }

    /// The middle of a number of every start.
    pub(super) fn median(&self, key: &str) -> Result<f64> {
        Ok(median(self.all(key)?))
    }

    /// The seconds of every step of every start.
    pub(super) fn times(&self) -> Result<Vec<f64>> {
        let all = self.0.iter().map(|value| numbers(value, "times")).collect::<Result<Vec<_>>>()?;
        Ok(all.concat())
    }

    /// The most memory that any start took, in GB.
    pub(super) fn peak(&self) -> String {
        let peaks = self.0.iter().filter_map(|value| value["peak_bytes"].as_f64());
        peaks.reduce(f64::max).map_or("–".to_owned(), |bytes| format!("{:.2}", bytes / 1e9))
    }

    /// A text of the first start.
    pub(super) fn text(&self, key: &str) -> &str {
        self.0.first().and_then(|value| value[key].as_str()).unwrap_or("?")
    }

    /// Refuses two sides whose log-probabilities differ by more than rounding: they would not have done the same.
    pub(super) fn agrees(&self, other: &Self) -> Result<()> {
        let (Some(ours), Some(theirs)) = (self.0.first(), other.0.first()) else { return Ok(()) };
        let (ours, theirs) = (numbers(ours, "logps")?, numbers(theirs, "logps")?);
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 0.05 + 1e-3 * b.abs();
        if theirs.is_empty() || theirs.len() > ours.len() || !ours.iter().zip(&theirs).all(close) {
            bail!("the sides do not compute the same log-probabilities: {ours:?} and {theirs:?}");
        }
        Ok(())
    }
}

fn numbers(value: &Value, key: &str) -> Result<Vec<f64>> {
    let found: Option<Vec<f64>> =
        value[key].as_array().and_then(|list| list.iter().map(Value::as_f64).collect());
    found.with_context(|| format!("no numbers `{key}`"))
}

/// The middle one; the mean of both middles where there are two.
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
    use super::{Side, median};

    fn side(lines: &[&str]) -> Side {
        let mut side = Side::default();
        for line in lines {
            side.add(line).expect("JSON");
        }
        side
    }

    #[test]
    fn the_last_line_of_json_counts_and_steps_are_pooled() {
        let side = side(&[
            "noise\n{\"times\": [3.0, 1.0], \"seconds\": 2.0, \"peak_bytes\": 2000000000}\n",
            "{\"times\": [5.0, 2.0], \"seconds\": 3.5, \"peak_bytes\": 1000000000}",
        ]);
        assert_eq!(median(side.times().expect("times")), 2.5);
        assert_eq!(side.median("seconds").expect("seconds"), 2.75);
        assert_eq!(side.peak(), "2.00");
        assert!(side.all("none").is_err() && Side::default().add("no JSON").is_err());
    }

    #[test]
    fn sides_that_do_other_work_are_found() {
        let ours = side(&["{\"logps\": [-600.1, -500.0, -1.0, -1.0]}"]);
        ours.agrees(&side(&["{\"logps\": [-600.2, -500.01]}"])).expect("rounding");
        assert!(ours.agrees(&side(&["{\"logps\": [-610.0, -500.0]}"])).is_err());
        assert!(ours.agrees(&side(&["{\"logps\": []}"])).is_err());
    }
}
