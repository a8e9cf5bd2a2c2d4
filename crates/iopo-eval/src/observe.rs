//! Verdicts and answers joined: one answer with its verdicts, and the accuracies that they give.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_schema::{PredictionRow, ScoreRow};

use crate::{EvalError, Observation};

/// One verdict on one constraint of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The constraint kind's id.
    pub kind: String,
    /// Whether the kind occurs in synthesis.
    pub seen: bool,
    /// Whether the constraint holds.
    pub strict: bool,
}

/// An answer with its verdicts, in the order of the prompt's constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredAnswer {
    /// The answer.
    pub prediction: PredictionRow,
    /// One verdict a constraint.
    pub verdicts: Vec<Verdict>,
}

/// Which rows an accuracy is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subset {
    /// Every row.
    All,
    /// Kinds that occur in synthesis (for prompts: nothing but such kinds).
    Seen,
    /// Kinds held out of synthesis (for prompts: nothing but such kinds).
    Unseen,
    /// Prompts with this many constraints.
    Constraints(usize),
    /// One constraint kind.
    Kind(String),
}

impl Subset {
    /// The name in the `subset` column: `all`, `seen`, `unseen`, `constraints/2`, `kind/max_words`.
    pub fn name(&self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Seen => "seen".to_owned(),
            Self::Unseen => "unseen".to_owned(),
            Self::Constraints(count) => format!("constraints/{count}"),
            Self::Kind(id) => format!("kind/{id}"),
        }
    }

    /// Whether a verdict of an answer with `count` constraints belongs to the subset.
    fn holds(&self, verdict: &Verdict, count: usize) -> bool {
        match self {
            Self::All => true,
            Self::Seen => verdict.seen,
            Self::Unseen => !verdict.seen,
            Self::Constraints(wanted) => count == *wanted,
            Self::Kind(id) => verdict.kind == *id,
        }
    }
}

/// Reads predictions and the scores made from them; refuses scores of other predictions and verdicts
/// that are not exactly one a constraint.
pub fn read_scored(predictions: &Path, scores: &Path) -> Result<Vec<ScoredAnswer>, EvalError> {
    let made_from = iopo_schema::provenance(scores)?.inputs;
    if made_from.get("predictions") != Some(&iopo_schema::file_hash(predictions)?) {
        let (scores, predictions) = (scores.to_owned(), predictions.to_owned());
        return Err(EvalError::StaleScores { scores, predictions });
    }
    join(iopo_schema::read(predictions)?, iopo_schema::read(scores)?)
}

/// Joins rows in memory, as [`read_scored`] does.
pub fn join(
    predictions: Vec<PredictionRow>,
    scores: Vec<ScoreRow>,
) -> Result<Vec<ScoredAnswer>, EvalError> {
    let mut by_key: BTreeMap<String, BTreeMap<u32, ScoreRow>> = BTreeMap::new();
    for score in scores {
        let (key, index) = (score.key.clone(), score.index);
        if by_key.entry(key.clone()).or_default().insert(index, score).is_some() {
            let got = format!("two for constraint {index}");
            return Err(EvalError::Verdicts { key, expected: "one each".to_owned(), got });
        }
    }
    crate::score::refuse_duplicates(
        predictions.iter().map(|row| row.key.as_str()),
        "the predictions file",
    )?;
    let mut answers = Vec::with_capacity(predictions.len());
    for prediction in predictions {
        let found = by_key.remove(&prediction.key).unwrap_or_default();
        let ids =
            |row: &iopo_schema::ConstraintRow| row.check.as_ref().map(|check| check.id.clone());
        let expected: Vec<Option<String>> = prediction.constraints.iter().map(ids).collect();
        let in_order = found.keys().copied().eq(0..found.len() as u32);
        let got: Vec<Option<String>> =
            found.values().map(|row| Some(row.instruction_id.clone())).collect();
        if expected != got || !in_order {
            let (expected, got) = (format!("{expected:?}"), format!("{got:?}"));
            return Err(EvalError::Verdicts { key: prediction.key, expected, got });
        }
        let verdicts = found
            .into_values()
            .map(|row| Verdict { kind: row.instruction_id, seen: row.seen, strict: row.strict })
            .collect();
        answers.push(ScoredAnswer { prediction, verdicts });
    }
    match by_key.into_keys().next() {
        None => Ok(answers),
        Some(key) => Err(EvalError::Verdicts {
            key,
            expected: "a prediction with that key".to_owned(),
            got: "none".to_owned(),
        }),
    }
}

/// Prompt-level accuracy, strict: one observation a prompt all of whose verdicts belong to the subset
/// (for a kind: any of them), 1 where **every** constraint holds.
pub fn prompt_accuracy(answers: &[ScoredAnswer], subset: &Subset) -> Vec<Observation> {
    let chosen = answers.iter().filter(|answer| {
        let count = answer.verdicts.len();
        let mut verdicts = answer.verdicts.iter();
        match subset {
            Subset::Kind(_) => verdicts.any(|verdict| subset.holds(verdict, count)),
            _ => verdicts.all(|verdict| subset.holds(verdict, count)),
        }
    });
    chosen
        .map(|answer| {
            let followed = answer.verdicts.iter().all(|verdict| verdict.strict);
            observe(answer, f64::from(u8::from(followed)), 1.0)
        })
        .collect()
}

/// Instruction-level accuracy, strict: one observation a prompt with verdicts in the subset, how many of
/// them hold over how many there are. The resampled row stays the prompt: the constraints of one answer
/// stand or fall together.
pub fn instruction_accuracy(answers: &[ScoredAnswer], subset: &Subset) -> Vec<Observation> {
    let observed = answers.iter().map(|answer| {
        let count = answer.verdicts.len();
        let chosen = answer.verdicts.iter().filter(|verdict| subset.holds(verdict, count));
        let (mut held, mut all) = (0_u32, 0_u32);
        for verdict in chosen {
            held += u32::from(verdict.strict);
            all += 1;
        }
        observe(answer, f64::from(held), f64::from(all))
    });
    observed.filter(|observation| observation.den > 0.0).collect()
}

/// The kinds that occur among the verdicts.
pub fn kinds(answers: &[ScoredAnswer]) -> BTreeSet<String> {
    answers.iter().flat_map(|answer| &answer.verdicts).map(|verdict| verdict.kind.clone()).collect()
}

/// The numbers of constraints that occur among the prompts.
pub fn constraint_counts(answers: &[ScoredAnswer]) -> BTreeSet<usize> {
    answers.iter().map(|answer| answer.verdicts.len()).collect()
}

/// An observation under the answer's key and seed.
fn observe(answer: &ScoredAnswer, num: f64, den: f64) -> Observation {
    let row = &answer.prediction;
    Observation::ratio(row.key.as_str(), row.task_id.as_str(), num, den)
}

#[cfg(test)]
pub(crate) mod tests {
    use iopo_schema::{CheckRow, ConstraintRow, Method, PredictionRow, ScoreRow};

    use super::{Subset, instruction_accuracy, join, prompt_accuracy};
    use crate::Observation;

    /// An answer with constraints of these kinds.
    pub(crate) fn prediction(key: &str, kinds: &[&str]) -> PredictionRow {
        let constraint = |id: &&str| ConstraintRow {
            text: format!("Mind {id}."),
            constraint_type: "format".to_owned(),
            dimension: "text pattern".to_owned(),
            check: Some(CheckRow { id: (*id).to_owned(), params: "{}".to_owned() }),
        };
        PredictionRow {
            benchmark: "heldout".to_owned(),
            key: key.to_owned(),
            task_id: format!("seed of {key}"),
            prompt: "Write.".to_owned(),
            constraints: kinds.iter().map(constraint).collect(),
            response: "An answer.".to_owned(),
            finish_reason: "stop".to_owned(),
            prompt_tokens: 3,
            completion_tokens: 4,
        }
    }

    fn verdict(key: &str, index: u32, kind: &str, seen: bool, strict: bool) -> ScoreRow {
        ScoreRow {
            benchmark: "heldout".to_owned(),
            key: key.to_owned(),
            task_id: format!("seed of {key}"),
            index,
            instruction_id: kind.to_owned(),
            seen,
            strict,
            loose: None,
            method: Method::Code,
            raw: None,
            mode: None,
        }
    }

    fn ratio(rows: &[Observation]) -> (f64, f64) {
        (rows.iter().map(|row| row.num).sum(), rows.iter().map(|row| row.den).sum())
    }

    #[test]
    fn subsets_count_the_rows_that_they_name() {
        let predictions = vec![
            prediction("p", &["a", "b"]),
            prediction("q", &["u"]),
            prediction("r", &["a", "u"]),
        ];
        let scores = vec![
            verdict("r", 1, "u", false, true),
            verdict("p", 0, "a", true, true),
            verdict("p", 1, "b", true, false),
            verdict("q", 0, "u", false, true),
            verdict("r", 0, "a", true, true),
        ];
        let answers = join(predictions, scores).expect("they fit");
        let prompt = |subset| ratio(&prompt_accuracy(&answers, &subset));
        let instruction = |subset| ratio(&instruction_accuracy(&answers, &subset));
        assert_eq!(prompt(Subset::All), (2.0, 3.0));
        assert_eq!(prompt(Subset::Seen), (0.0, 1.0));
        assert_eq!(prompt(Subset::Unseen), (1.0, 1.0), "a mixed prompt is neither seen nor unseen");
        assert_eq!(prompt(Subset::Constraints(2)), (1.0, 2.0));
        assert_eq!(prompt(Subset::Kind("a".to_owned())), (1.0, 2.0));
        assert_eq!(instruction(Subset::All), (4.0, 5.0));
        assert_eq!(instruction(Subset::Seen), (2.0, 3.0));
        assert_eq!(instruction(Subset::Unseen), (2.0, 2.0));
        assert_eq!(instruction(Subset::Kind("a".to_owned())), (2.0, 2.0));
    }

    #[test]
    fn verdicts_that_do_not_fit_are_refused() {
        let one = || vec![prediction("p", &["a", "b"])];
        let a = || verdict("p", 0, "a", true, true);
        let b = || verdict("p", 1, "b", true, true);
        assert!(join(one(), vec![a(), b()]).is_ok());
        for (why, scores) in [
            ("one is missing", vec![a()]),
            ("one stands twice", vec![a(), b(), b()]),
            ("an index is wrong", vec![a(), verdict("p", 2, "b", true, true)]),
            ("a kind is wrong", vec![a(), verdict("p", 1, "c", true, true)]),
            ("one belongs to no prompt", vec![a(), b(), verdict("z", 0, "a", true, true)]),
            ("all are missing", vec![]),
        ] {
            assert!(join(one(), scores).is_err(), "{why}");
        }
    }
}
