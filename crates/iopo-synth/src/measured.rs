//! The requests and tokens of the stages of an earlier run, as its counters state them.

use std::collections::BTreeMap;

use iopo_schema::{Breakdown, MetricRow};

/// The counters of a run by name.
pub(crate) struct Measured<'a>(BTreeMap<&'a str, f64>);

/// The requests of a stage.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Calls {
    /// Requests for each entry into the stage.
    pub(crate) each: f64,
    /// Tokens of a prompt and of an answer, if the model stated them.
    pub(crate) tokens: Option<[f64; 2]>,
}

impl<'a> Measured<'a> {
    pub(crate) fn new(rows: &'a [MetricRow]) -> Self {
        Self(rows.iter().map(|row| (row.name.as_str(), row.value)).collect())
    }

    fn get(&self, counter: &str, step: &str) -> Option<f64> {
        self.0.get(format!("{counter}/{step}").as_str()).copied()
    }

    /// Returns the share of entries that passed a stage.
    pub(crate) fn passed(&self, step: &str) -> Option<f64> {
        self.get(Breakdown::Yield.as_str(), step).map(|share| share.clamp(0.0, 1.0))
    }

    /// Returns the requests of a stage; `None` if it had none.
    pub(crate) fn calls(&self, step: &str) -> Option<Calls> {
        let (requests, entered) = (self.get("requests", step)?, self.get("entered", step)?);
        if requests <= 0.0 || entered <= 0.0 {
            return None;
        }
        let known = self.get("known_tokens", step).filter(|known| *known > 0.0);
        let mean = |counter| known.map(|known| self.get(counter, step).unwrap_or(0.0) / known);
        let tokens = mean("prompt_tokens").zip(mean("completion_tokens")).map(<[f64; 2]>::from);
        Some(Calls { each: requests / entered, tokens })
    }
}

/// Estimates the number of tokens of a text: a token for 4 characters, or 0.7 tokens for a Chinese character.
pub(crate) fn text_tokens(text: &str) -> f64 {
    let han = text.chars().filter(|c| iopo_core::text::is_han(*c)).count() as f64;
    han * 0.7 + (text.chars().count() as f64 - han) / 4.0
}

#[cfg(test)]
mod tests {
    use iopo_schema::MetricRow;

    use super::{Calls, Measured};

    #[test]
    fn the_mean_is_that_of_answers_with_known_tokens() {
        let row = |name: &str, value: f64| MetricRow { step: 0, name: name.to_owned(), value };
        let mut rows = vec![row("entered/a", 10.0), row("requests/a", 20.0)];
        let calls = |rows: &[MetricRow]| Measured::new(rows).calls("a");
        assert_eq!(calls(&rows), Some(Calls { each: 2.0, tokens: None }), "unknown is not 0");
        rows.extend([
            row("known_tokens/a", 5.0),
            row("unknown_tokens/a", 15.0),
            row("prompt_tokens/a", 500.0),
            row("completion_tokens/a", 50.0),
        ]);
        assert_eq!(calls(&rows), Some(Calls { each: 2.0, tokens: Some([100.0, 10.0]) }));
        assert_eq!(Measured::new(&rows).calls("b"), None);
    }
}
