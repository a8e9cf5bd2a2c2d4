//! Clean accuracy: prompts whose constraints all hold in a response that answers the task.

use std::collections::BTreeMap;

use iopo_constraints::Constraint;
use iopo_constraints::quality::QualityConfig;
use iopo_schema::{PredictionRow, RelevanceRow, Subset, SummaryMetric};

use crate::observe::{self, ScoredResponse, Strictness};
use crate::{EvalError, Observation};

/// Relevance of responses by key.
pub(crate) type Relevance = BTreeMap<String, RelevanceRow>;

/// Why a response does not count as an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaws {
    /// It repeats a constraint's sentence.
    pub echo: bool,
    /// It repeats itself.
    pub repeats: bool,
    /// It says little.
    pub thin: bool,
    /// It is hardly likelier given its task than given another one.
    pub off_task: bool,
}

impl Flaws {
    /// Examines a response. `relevance` is `None` for a blank response, which is thin.
    ///
    /// # Errors
    /// Returns an error if a constraint cannot be read.
    pub fn of(
        row: &PredictionRow,
        relevance: Option<&RelevanceRow>,
        config: &QualityConfig,
    ) -> Result<Self, EvalError> {
        let mut asked: Vec<(Constraint, &str)> = Vec::with_capacity(row.constraints.len());
        for (index, constraint) in row.constraints.iter().enumerate() {
            if let Some(check) = &constraint.check {
                let read = check.constraint().map_err(|error| {
                    EvalError::unknown_constraint(&row.key, index, check, error)
                })?;
                asked.push((read, constraint.text.as_str()));
            }
        }
        let response = row.response.as_str();
        Ok(Self {
            echo: config.is_echo(response, asked.iter().map(|(one, text)| (one, *text))),
            repeats: config.is_loop(response),
            thin: config.is_thin(response, asked.iter().map(|(constraint, _)| constraint)),
            off_task: relevance.is_some_and(|row| row.relevance() < config.min_relevance),
        })
    }

    /// Whether there is none.
    pub fn is_clean(self) -> bool {
        let Self { echo, repeats, thin, off_task } = self;
        !(echo || repeats || thin || off_task)
    }
}

/// The flaws of a file of responses, in its order.
pub(crate) struct Quality<'a> {
    predictions: &'a [PredictionRow],
    relevance: &'a Relevance,
    flaws: Vec<Flaws>,
}

impl<'a> Quality<'a> {
    /// Examines responses; each one that is not blank needs its relevance.
    pub(crate) fn of(
        predictions: &'a [PredictionRow],
        relevance: &'a Relevance,
        config: &QualityConfig,
    ) -> Result<Self, EvalError> {
        let mut flaws = Vec::with_capacity(predictions.len());
        for row in predictions {
            let own = relevance.get(&row.key);
            if own.is_none() && !row.response.trim().is_empty() {
                return Err(EvalError::Logps {
                    what: format!("the relevance of the response to `{}`", row.key),
                    expected: "one".to_owned(),
                    found: "none".to_owned(),
                });
            }
            flaws.push(Flaws::of(row, own, config)?);
        }
        Ok(Self { predictions, relevance, flaws })
    }

    /// Observes clean accuracy over a subset: 1 for a prompt whose constraints all hold in a clean response, else 0.
    pub(crate) fn accuracy(&self, scored: &[ScoredResponse], subset: &Subset) -> Vec<Observation> {
        let mut rows = observe::prompt_accuracy(scored, subset, Strictness::Strict);
        for (row, flaws) in rows.iter_mut().zip(&self.flaws) {
            if !flaws.is_clean() {
                row.num = 0.0;
            }
        }
        rows
    }

    /// Observes the shares of flawed responses and the relevance.
    pub(crate) fn checks(&self) -> [(SummaryMetric, Vec<Observation>); 5] {
        let share = |flaw: fn(&Flaws) -> bool| {
            let observe = |(row, flaws): (&PredictionRow, &Flaws)| {
                let found = f64::from(u8::from(flaw(flaws)));
                Observation::ratio(row.key.as_str(), row.task_id.as_str(), found, 1.0)
            };
            self.predictions.iter().zip(&self.flaws).map(observe).collect()
        };
        let relevance = |row: &PredictionRow| {
            let (num, den) =
                self.relevance.get(&row.key).map_or((0.0, 0.0), |own| (own.relevance(), 1.0));
            Observation::ratio(row.key.as_str(), row.task_id.as_str(), num, den)
        };
        [
            (SummaryMetric::EchoShare, share(|flaws| flaws.echo)),
            (SummaryMetric::LoopShare, share(|flaws| flaws.repeats)),
            (SummaryMetric::ThinShare, share(|flaws| flaws.thin)),
            (SummaryMetric::OffTaskShare, share(|flaws| flaws.off_task)),
            (SummaryMetric::Relevance, self.predictions.iter().map(relevance).collect()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use iopo_constraints::Constraint;
    use iopo_constraints::quality::QualityConfig;
    use iopo_schema::{ConstraintRow, PredictionRow, RelevanceRow};

    use super::Flaws;
    use crate::observe::tests::prediction;

    fn flaws(response: &str, relevance: f64) -> Flaws {
        let limit = Constraint::from_parts("max_words", r#"{"n":40}"#).expect("known");
        let row = PredictionRow {
            constraints: vec![ConstraintRow::from_constraint(&limit, 0)],
            response: response.to_owned(),
            ..prediction("p", &[])
        };
        let own = RelevanceRow { key: "p".to_owned(), own: relevance, other: 0.0, tokens: 1 };
        Flaws::of(&row, Some(&own), &QualityConfig::default()).expect("known constraints")
    }

    const GOOD: &str = "Warm the pot, add the leaves, pour hot water over them and wait.";

    #[test]
    fn each_flaw_alone_makes_a_response_unclean() {
        assert!(flaws(GOOD, 1.0).is_clean());
        let echo = format!("Use at most 40 words. {GOOD}");
        let loops = format!("{GOOD} ").repeat(4);
        for (response, relevance, expected) in [
            (echo.as_str(), 1.0, [true, false, false, false]),
            (loops.as_str(), 1.0, [false, true, false, false]),
            ("Tea is warm.", 1.0, [false, false, true, false]),
            (GOOD, -1.0, [false, false, false, true]),
        ] {
            let Flaws { echo, repeats, thin, off_task } = flaws(response, relevance);
            assert_eq!([echo, repeats, thin, off_task], expected, "{response}");
            assert!(!flaws(response, relevance).is_clean());
        }
    }
}
