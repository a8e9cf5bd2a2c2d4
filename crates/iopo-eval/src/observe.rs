//! Responses with their outcomes, and the accuracies that follow from them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_schema::{ConstraintRow, PredictionRow, ScoreRow, Subset, SummaryMetric};

use crate::{EvalError, Observation};

/// Whether a response follows one of its constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Id of the constraint kind.
    pub kind: String,
    /// Whether the kind occurs in synthesis.
    pub seen: bool,
    /// Whether a similar kind does, if this one does not.
    pub near: bool,
    /// Whether the response as it stands follows the constraint; `None` if there is no verdict.
    pub strict: Option<bool>,
    /// Whether the response or a variant of it does; `None` where the benchmark has no loose check.
    pub loose: Option<bool>,
}

impl From<&ScoreRow> for Outcome {
    fn from(row: &ScoreRow) -> Self {
        Self {
            kind: row.instruction_id.clone(),
            seen: row.seen,
            near: !row.seen && row.near == Some(true),
            strict: row.strict,
            loose: row.loose,
        }
    }
}

impl Outcome {
    /// Returns whether the constraint is followed; `None` if there is no verdict.
    pub fn followed(&self, strictness: Strictness) -> Option<bool> {
        match strictness {
            Strictness::Strict => self.strict,
            Strictness::Loose => self.loose.or(self.strict),
        }
    }
}

/// A response with its outcomes, in the order of the prompt's constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScoredResponse {
    /// Key of the prompt.
    pub key: String,
    /// Task of the prompt; empty where there is none.
    pub task_id: String,
    /// Number of constraints, including those without a check.
    pub constraints: usize,
    /// One outcome per constraint.
    pub outcomes: Vec<Outcome>,
}

impl ScoredResponse {
    /// Returns whether an outcome has no verdict, so that the prompt counts in no prompt accuracy.
    pub fn is_undecided(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.strict.is_none())
    }
}

/// Whether a variant of the response may follow the constraint in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strictness {
    /// Only the response itself counts.
    Strict,
    /// The response or a variant of it counts (IFEval: without first line, last line or asterisks).
    Loose,
}

impl Strictness {
    /// Returns the metric of prompt-level accuracy.
    pub const fn prompt_metric(self) -> SummaryMetric {
        match self {
            Self::Strict => SummaryMetric::PromptAccuracyStrict,
            Self::Loose => SummaryMetric::PromptAccuracyLoose,
        }
    }

    /// Returns the metric of instruction-level accuracy.
    pub const fn instruction_metric(self) -> SummaryMetric {
        match self {
            Self::Strict => SummaryMetric::InstructionAccuracyStrict,
            Self::Loose => SummaryMetric::InstructionAccuracyLoose,
        }
    }
}

/// Whether an outcome of a prompt with `constraints` constraints belongs to a subset.
fn belongs(subset: &Subset, outcome: &Outcome, constraints: usize) -> bool {
    match subset {
        Subset::All => true,
        Subset::Seen => outcome.seen,
        Subset::Near => outcome.near,
        Subset::Unseen => !outcome.seen && !outcome.near,
        Subset::Constraints(wanted) => constraints == *wanted,
        Subset::Kind(id) => outcome.kind == *id || group(&outcome.kind) == Some(id),
        // Plain tasks and preference groups have no outcomes.
        Subset::Plain | Subset::Groups(_) => false,
    }
}

/// Returns the group of a benchmark's instruction type: `format` of `format:list`.
pub(crate) fn group(kind: &str) -> Option<&str> {
    kind.split_once(':').map(|(group, _)| group)
}

/// Reads predictions and their scores.
///
/// # Errors
/// Returns an error if a file cannot be read, the scores were computed from other predictions, or they are not exactly
/// one per constraint.
pub fn read_scored(
    predictions: &Path,
    scores: &Path,
) -> Result<(Vec<PredictionRow>, Vec<ScoredResponse>), EvalError> {
    let scored_from = iopo_schema::provenance(scores)?.inputs;
    if scored_from.get("predictions") != Some(&iopo_schema::file_hash(predictions)?) {
        let (scores, predictions) = (scores.to_owned(), predictions.to_owned());
        return Err(EvalError::StaleScores { scores, predictions });
    }
    let predictions: Vec<PredictionRow> = iopo_schema::read(predictions)?;
    let scored = join(&predictions, iopo_schema::read(scores)?)?;
    Ok((predictions, scored))
}

/// Joins predictions with their scores, in the order of the predictions.
///
/// # Errors
/// Returns an error if a key occurs twice or the scores are not exactly one per constraint.
pub fn join(
    predictions: &[PredictionRow],
    scores: Vec<ScoreRow>,
) -> Result<Vec<ScoredResponse>, EvalError> {
    let mut by_key: BTreeMap<String, BTreeMap<u32, ScoreRow>> = BTreeMap::new();
    for score in scores {
        let (key, index) = (score.key.clone(), score.index);
        if by_key.entry(key.clone()).or_default().insert(index, score).is_some() {
            let found = format!("two for constraint {index}");
            return Err(EvalError::Outcomes { key, expected: "one each".to_owned(), found });
        }
    }
    crate::score::refuse_duplicates(
        predictions.iter().map(|row| row.key.as_str()),
        "the predictions file",
    )?;
    let mut scored = Vec::with_capacity(predictions.len());
    for prediction in predictions {
        let outcomes = by_key.remove(&prediction.key).unwrap_or_default();
        let expected: Vec<&str> = prediction.constraints.iter().map(label).collect();
        let in_order = outcomes.keys().copied().eq(0..outcomes.len() as u32);
        let found: Vec<&str> = outcomes.values().map(|row| row.instruction_id.as_str()).collect();
        if expected != found || !in_order {
            let (expected, found) = (format!("{expected:?}"), format!("{found:?}"));
            return Err(EvalError::Outcomes { key: prediction.key.clone(), expected, found });
        }
        scored.push(ScoredResponse {
            key: prediction.key.clone(),
            task_id: prediction.task_id.clone(),
            constraints: prediction.constraints.len(),
            outcomes: outcomes.values().map(Outcome::from).collect(),
        });
    }
    match by_key.into_keys().next() {
        None => Ok(scored),
        Some(key) => Err(EvalError::Outcomes {
            key,
            expected: "a prediction with that key".to_owned(),
            found: "none".to_owned(),
        }),
    }
}

/// Returns the label of a constraint in the scores: the id of its check, or its dimension where a judge decides.
fn label(row: &ConstraintRow) -> &str {
    row.check.as_ref().map_or(row.dimension.as_str(), |check| check.id.as_str())
}

/// Prompt-level accuracy: 1 for a prompt whose constraints are **all** followed, else 0.
///
/// A prompt counts if every constraint has an outcome with a verdict and every outcome belongs to the subset. The other
/// prompts have a denominator of 0: a missing verdict is not a failure.
pub fn prompt_accuracy(
    scored: &[ScoredResponse],
    subset: &Subset,
    strictness: Strictness,
) -> Vec<Observation> {
    let observed = scored.iter().map(|response| {
        let count = response.constraints;
        let counts = count > 0
            && response.outcomes.len() == count
            && !response.is_undecided()
            && response.outcomes.iter().all(|outcome| belongs(subset, outcome, count));
        let follows = |outcome: &Outcome| outcome.followed(strictness) == Some(true);
        let followed = counts && response.outcomes.iter().all(follows);
        observation(response, u32::from(followed), u32::from(counts))
    });
    observed.collect()
}

/// Instruction-level accuracy: the constraints of a prompt that are followed, over those in the subset that have a verdict.
///
/// The prompt remains the resampled row, because the outcomes of one response are not independent.
pub fn instruction_accuracy(
    scored: &[ScoredResponse],
    subset: &Subset,
    strictness: Strictness,
) -> Vec<Observation> {
    let observed = scored.iter().map(|response| {
        let chosen = response
            .outcomes
            .iter()
            .filter(|outcome| belongs(subset, outcome, response.constraints));
        let decided = chosen.filter_map(|outcome| outcome.followed(strictness));
        let (followed, all) = decided
            .fold((0, 0), |(followed, all), follows| (followed + u32::from(follows), all + 1));
        observation(response, followed, all)
    });
    observed.collect()
}

/// The subsets of every table, before those that depend on the prompts.
pub const MAIN_SUBSETS: [Subset; 4] = [Subset::All, Subset::Seen, Subset::Near, Subset::Unseen];

/// Returns the subsets in the order of a table: [`MAIN_SUBSETS`], the numbers of constraints, the kinds with verdicts, each
/// group before its types. The subset of near kinds is left out if there is none.
pub fn subsets(scored: &[ScoredResponse]) -> Vec<Subset> {
    let counts: BTreeSet<usize> = scored.iter().map(|response| response.constraints).collect();
    let outcomes = scored.iter().flat_map(|response| &response.outcomes);
    let decided = outcomes.filter(|outcome| outcome.strict.is_some());
    let decided = decided.map(|outcome| outcome.kind.as_str());
    let kinds: BTreeSet<&str> =
        decided.flat_map(|kind| group(kind).into_iter().chain([kind])).collect();
    let kinds = kinds.into_iter().map(|id| Subset::Kind(id.to_owned()));
    let has_near = scored.iter().flat_map(|response| &response.outcomes).any(|one| one.near);
    MAIN_SUBSETS
        .into_iter()
        .filter(|subset| has_near || *subset != Subset::Near)
        .chain(counts.into_iter().map(Subset::Constraints))
        .chain(kinds)
        .collect()
}

fn observation(response: &ScoredResponse, num: u32, den: u32) -> Observation {
    let (key, task) = (response.key.as_str(), response.task_id.as_str());
    Observation::ratio(key, task, f64::from(num), f64::from(den))
}

#[cfg(test)]
pub(crate) mod tests {
    use iopo_schema::{
        CheckRow, ConstraintRow, Method, PredictionRow, ResponseEnd, ScoreRow, Subset,
    };

    use super::{Strictness, instruction_accuracy, join, prompt_accuracy, subsets};
    use crate::Observation;

    /// A prediction whose constraints have these kinds.
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
            task_id: format!("task of {key}"),
            prompt: "Write.".to_owned(),
            constraints: kinds.iter().map(constraint).collect(),
            response: "An answer.".to_owned(),
            finish_reason: ResponseEnd::Stop,
            prompt_tokens: 3,
            completion_tokens: 4,
            error: None,
        }
    }

    fn score(key: &str, index: u32, kind: &str, seen: bool, strict: bool) -> ScoreRow {
        ScoreRow {
            benchmark: "heldout".to_owned(),
            key: key.to_owned(),
            task_id: format!("task of {key}"),
            index,
            instruction_id: kind.to_owned(),
            seen,
            strict: Some(strict),
            loose: None,
            method: Method::Code,
            raw: None,
            mode: None,
            score: None,
            error: None,
            near: None,
        }
    }

    fn ratio(rows: &[Observation]) -> (f64, f64) {
        (rows.iter().map(|row| row.num).sum(), rows.iter().map(|row| row.den).sum())
    }

    #[test]
    fn each_subset_counts_its_own_rows() {
        let predictions =
            [prediction("p", &["a", "b"]), prediction("q", &["u"]), prediction("r", &["a", "u"])];
        let scores = vec![
            score("r", 1, "u", false, true),
            score("p", 0, "a", true, true),
            score("p", 1, "b", true, false),
            score("q", 0, "u", false, true),
            score("r", 0, "a", true, true),
        ];
        let scored = join(&predictions, scores).expect("they fit");
        let strict = Strictness::Strict;
        let prompt = |subset| ratio(&prompt_accuracy(&scored, &subset, strict));
        let instruction = |subset| ratio(&instruction_accuracy(&scored, &subset, strict));
        assert_eq!(prompt(Subset::All), (2.0, 3.0));
        assert_eq!(prompt(Subset::Seen), (0.0, 1.0));
        assert_eq!(prompt(Subset::Unseen), (1.0, 1.0), "a mixed prompt is neither seen nor unseen");
        assert_eq!(prompt(Subset::Constraints(2)), (1.0, 2.0));
        assert_eq!(instruction(Subset::All), (4.0, 5.0));
        assert_eq!(instruction(Subset::Seen), (2.0, 3.0));
        assert_eq!(instruction(Subset::Unseen), (2.0, 2.0));
        assert_eq!(instruction(Subset::Kind("a".to_owned())), (2.0, 2.0));
    }

    #[test]
    fn a_near_type_is_neither_seen_nor_unseen() {
        let near = |row: ScoreRow| ScoreRow { near: Some(true), ..row };
        let predictions = [prediction("p", &["a", "n"]), prediction("q", &["u"])];
        let scores = vec![
            near(score("p", 0, "a", true, true)),
            near(score("p", 1, "n", false, true)),
            score("q", 0, "u", false, false),
        ];
        let scored = join(&predictions, scores).expect("they fit");
        let accuracy = |subset| ratio(&instruction_accuracy(&scored, &subset, Strictness::Strict));
        assert_eq!(accuracy(Subset::Seen), (1.0, 1.0));
        assert_eq!(accuracy(Subset::Near), (1.0, 1.0));
        assert_eq!(accuracy(Subset::Unseen), (0.0, 1.0));
    }

    #[test]
    fn a_loose_outcome_counts_only_where_it_is_asked_for() {
        let mut loose = score("p", 0, "a", true, false);
        loose.loose = Some(true);
        let scored = join(&[prediction("p", &["a"])], vec![loose]).expect("they fit");
        let accuracy = |strictness| ratio(&prompt_accuracy(&scored, &Subset::All, strictness));
        assert_eq!(accuracy(Strictness::Strict), (0.0, 1.0));
        assert_eq!(accuracy(Strictness::Loose), (1.0, 1.0));
    }

    #[test]
    fn a_missing_verdict_is_neither_a_success_nor_a_failure() {
        let predictions = [prediction("p", &["a", "b"]), prediction("q", &["a"])];
        let undecided = ScoreRow { strict: None, ..score("p", 1, "b", true, true) };
        let scores =
            |b: ScoreRow| vec![score("p", 0, "a", true, false), b, score("q", 0, "a", true, true)];
        let accuracies = |b| {
            let scored = join(&predictions, scores(b)).expect("they fit");
            let kinds = subsets(&scored).contains(&Subset::Kind("b".to_owned()));
            let of = |rows: Vec<Observation>| ratio(&rows);
            (
                of(prompt_accuracy(&scored, &Subset::All, Strictness::Strict)),
                of(instruction_accuracy(&scored, &Subset::All, Strictness::Loose)),
                scored[0].is_undecided(),
                kinds,
            )
        };
        assert_eq!(accuracies(undecided), ((1.0, 1.0), (1.0, 2.0), true, false));
        let failed = score("p", 1, "b", true, false);
        assert_eq!(accuracies(failed), ((1.0, 2.0), (1.0, 3.0), false, true));
    }

    #[test]
    fn a_judged_constraint_is_named_by_its_dimension() {
        let mut judged = prediction("p", &["a"]);
        judged.constraints[0].check = None;
        assert!(join(&[judged.clone()], vec![score("p", 0, "text pattern", true, true)]).is_ok());
        assert!(join(&[judged], vec![score("p", 0, "a", true, true)]).is_err());
    }

    #[test]
    fn scores_that_do_not_match_the_constraints_are_refused() {
        let one = [prediction("p", &["a", "b"])];
        let a = || score("p", 0, "a", true, true);
        let b = || score("p", 1, "b", true, true);
        assert!(join(&one, vec![a(), b()]).is_ok());
        for (why, scores) in [
            ("one is missing", vec![a()]),
            ("one occurs twice", vec![a(), b(), b()]),
            ("an index is wrong", vec![a(), score("p", 2, "b", true, true)]),
            ("a kind is wrong", vec![a(), score("p", 1, "c", true, true)]),
            ("one belongs to no prompt", vec![a(), b(), score("z", 0, "a", true, true)]),
            ("all are missing", vec![]),
        ] {
            assert!(join(&one, scores).is_err(), "{why}");
        }
    }
}
