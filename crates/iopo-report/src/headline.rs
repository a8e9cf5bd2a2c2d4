//! The headline: clean accuracy from the base to the best method, with the interval of the difference.

use serde::{Deserialize, Serialize};

use crate::format;

/// Clean accuracy over one subset of the prompts, from the base to the best method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Headline {
    /// The prompts, for instance `seen kinds`.
    pub over: String,
    /// The models with their accuracies, from the base to the method; shares.
    pub models: Vec<(String, f64)>,
    /// Difference between the last model and the first with its interval; shares.
    pub difference: (f64, f64, f64),
    /// Whether the difference counts as a gain.
    pub is_gain: bool,
    /// Measures that are too much worse than the base's for a gain, as sentences without a full stop.
    pub caveats: Vec<String>,
}

impl Headline {
    /// Returns the first line: `Clean accuracy, seen kinds: base 12.5 % → sft 18.1 % → iopo 21.9 %`.
    pub fn title(&self) -> String {
        let models = self.models.iter();
        let models: Vec<String> =
            models.map(|(name, value)| format!("{name} {} %", format::percent(*value))).collect();
        format!("Clean accuracy, {}: {}", self.over, models.join(" → "))
    }

    /// Returns the second line: the difference, its interval and whether it counts as a gain.
    pub fn detail(&self, confidence: Option<f64>) -> String {
        let (value, low, high) = self.difference;
        let name = |at: Option<&(String, f64)>| at.map_or("", |(name, _)| name.as_str()).to_owned();
        let (last, first) = (name(self.models.last()), name(self.models.first()));
        let coverage = confidence.map(crate::sections::accuracy::coverage).unwrap_or_default();
        let interval = if low.is_finite() && high.is_finite() {
            format!(", {coverage}interval {} to {}", format::points(low), format::points(high))
        } else {
            String::new()
        };
        let verdict = if self.is_gain {
            "Relevance, plain answers and perplexity are within the margins.".to_owned()
        } else if self.caveats.is_empty() {
            "The interval is not above zero, so this does not count as a gain.".to_owned()
        } else {
            format!("This does not count as a gain: {}.", self.caveats.join("; "))
        };
        format!("{last} − {first}: {} points{interval}. {verdict}", format::points(value))
    }
}

#[cfg(test)]
mod tests {
    use super::Headline;

    fn headline(is_gain: bool, caveats: &[&str]) -> Headline {
        let models = [("base", 0.125), ("sft", 0.181), ("iopo", 0.219)];
        Headline {
            over: "seen kinds".to_owned(),
            models: models.map(|(name, value)| (name.to_owned(), value)).into(),
            difference: (0.094, 0.053, 0.135),
            is_gain,
            caveats: caveats.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn a_headline_names_the_models_the_interval_and_what_speaks_against_a_gain() {
        let gain = headline(true, &[]);
        assert_eq!(
            gain.title(),
            "Clean accuracy, seen kinds: base 12.5 % → sft 18.1 % → iopo 21.9 %"
        );
        assert_eq!(
            gain.detail(Some(0.95)),
            "iopo − base: +9.4 points, 95 % interval +5.3 to +13.5. Relevance, plain answers and \
             perplexity are within the margins."
        );
        let none = headline(false, &["perplexity is 9.00 (base: 3.00, allowed: 4.50)"]);
        assert!(none.detail(None).ends_with(
            "This does not count as a gain: perplexity is 9.00 (base: 3.00, allowed: 4.50)."
        ));
        assert!(headline(false, &[]).detail(None).ends_with("so this does not count as a gain."));
    }
}
