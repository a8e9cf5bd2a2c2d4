//! Clean accuracy: prompts whose constraints all hold in a response that answers the task.

use std::collections::BTreeMap;

use iopo_constraints::Constraint;
use iopo_constraints::quality::QualityConfig;
use iopo_schema::{FlawsRow, PredictionRow, RelevanceRow, Subset, SummaryMetric};

use crate::observe::{self, ScoredResponse, Strictness};
use crate::{EvalError, Observation};

/// Relevance of responses by key.
pub(crate) type Relevance = BTreeMap<String, RelevanceRow>;

/// Examines a response for flaws. `relevance` is `None` for a blank response, which is thin.
///
/// # Errors
/// Returns an error if a constraint cannot be read.
pub fn flaws(
    row: &PredictionRow,
    relevance: Option<&RelevanceRow>,
    config: &QualityConfig,
) -> Result<FlawsRow, EvalError> {
    let mut asked: Vec<(Constraint, &str)> = Vec::with_capacity(row.constraints.len());
    for (index, constraint) in row.constraints.iter().enumerate() {
        if let Some(check) = &constraint.check {
            let read = check
                .constraint()
                .map_err(|error| EvalError::unknown_constraint(&row.key, index, check, error))?;
            asked.push((read, constraint.text.as_str()));
        }
    }
    let response = row.response.as_str();
    Ok(FlawsRow {
        key: row.key.clone(),
        echo: config.is_echo(response, asked.iter().map(|(one, text)| (one, *text))),
        repeats: config.is_loop(response),
        thin: config.is_thin(response, asked.iter().map(|(constraint, _)| constraint)),
        off_task: relevance.is_some_and(|row| row.relevance() < config.min_relevance),
    })
}

/// Examines a file of responses, each of which needs its relevance unless it is blank.
///
/// # Errors
/// Returns an error if a relevance is missing or a constraint cannot be read.
pub(crate) fn flaws_of_all(
    predictions: &[PredictionRow],
    relevance: &Relevance,
    config: &QualityConfig,
) -> Result<Vec<FlawsRow>, EvalError> {
    let of = |row: &PredictionRow| {
        let own = relevance.get(&row.key);
        if own.is_none() && !row.response.trim().is_empty() {
            return Err(EvalError::Logps {
                what: format!("the relevance of the response to `{}`", row.key),
                expected: "one".to_owned(),
                found: "none".to_owned(),
            });
        }
        flaws(row, own, config)
    };
    predictions.iter().map(of).collect()
}

/// The flaws of a file of responses, in its order.
pub(crate) struct Quality<'a> {
    predictions: &'a [PredictionRow],
    relevance: &'a Relevance,
    flaws: Vec<FlawsRow>,
}

impl<'a> Quality<'a> {
    /// Examines responses; each one that is not blank needs its relevance.
    pub(crate) fn of(
        predictions: &'a [PredictionRow],
        relevance: &'a Relevance,
        config: &QualityConfig,
    ) -> Result<Self, EvalError> {
        let flaws = flaws_of_all(predictions, relevance, config)?;
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

    /// Observes the share of clean responses to tasks without constraints.
    pub(crate) fn plain_accuracy(&self) -> Vec<Observation> {
        let observe = |(row, flaws): (&PredictionRow, &FlawsRow)| {
            let clean = f64::from(u8::from(flaws.is_clean()));
            Observation::ratio(row.key.as_str(), row.task_id.as_str(), clean, 1.0)
        };
        self.predictions.iter().zip(&self.flaws).map(observe).collect()
    }

    /// Observes the shares of flawed responses and the relevance.
    pub(crate) fn checks(&self) -> [(SummaryMetric, Vec<Observation>); 5] {
        let share = |flaw: fn(&FlawsRow) -> bool| {
            let observe = |(row, flaws): (&PredictionRow, &FlawsRow)| {
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
    use iopo_schema::{ConstraintRow, FlawsRow, PredictionRow, RelevanceRow};

    use crate::observe::tests::prediction;

    fn flaws(response: &str, relevance: f64) -> FlawsRow {
        let limit = Constraint::from_parts("max_words", r#"{"n":40}"#).expect("known");
        let row = PredictionRow {
            constraints: vec![ConstraintRow::from_constraint(&limit, 0)],
            response: response.to_owned(),
            ..prediction("p", &[])
        };
        let own = RelevanceRow { key: "p".to_owned(), own: relevance, other: 0.0, tokens: 1 };
        super::flaws(&row, Some(&own), &QualityConfig::default()).expect("known constraints")
    }

    const GOOD: &str = "Warm the pot, add the leaves, pour hot water over them and wait.";
    const CHINESE: &str = "先把茶壶温一下，再放入茶叶，倒进热水，等上三分钟就可以喝了。";

    #[test]
    fn each_flaw_alone_makes_a_response_unclean() {
        for (good, short) in [(GOOD, "Tea is warm."), (CHINESE, "茶是热的，很好喝。")] {
            assert!(flaws(good, 1.0).is_clean());
            let echo = format!("Use at most 40 words. {good}");
            let loops = format!("{good} ").repeat(4);
            for (response, relevance, expected) in [
                (echo.as_str(), 1.0, [true, false, false, false]),
                (loops.as_str(), 1.0, [false, true, false, false]),
                (short, 1.0, [false, false, true, false]),
                (good, -1.0, [false, false, false, true]),
            ] {
                let FlawsRow { echo, repeats, thin, off_task, .. } = flaws(response, relevance);
                assert_eq!([echo, repeats, thin, off_task], expected, "{response}");
                assert!(!flaws(response, relevance).is_clean());
            }
        }
    }

    #[test]
    fn responses_just_inside_a_threshold_are_clean() {
        for (response, case) in [
            ("Use at most 40 leaves, warm the pot, pour hot water over them.", "four words repeat"),
            (
                "- Use a kettle for the water.\n- Use a pot for the leaves.\n- Use a cup for the tea.",
                "a list",
            ),
            ("- 用水壶来烧开水。\n- 用茶壶来泡茶叶。\n- 用杯子来喝热茶。", "a list"),
            ("Tea is warm, and people like to drink it every single day.", "twelve words"),
            ("茶是热的，很多人每天早上都很喜欢喝一杯热茶。", "twelve words' worth of characters"),
        ] {
            let found = flaws(response, 1.0);
            assert!(found.is_clean(), "{case}: {response}: {found:?}");
        }
        let limit = QualityConfig::default().min_relevance;
        for good in [GOOD, CHINESE] {
            assert!(flaws(good, limit).is_clean(), "at the least relevance: {good}");
            assert!(flaws(good, limit - 1e-9).off_task, "below it: {good}");
        }
    }
}
