//! Writes the verdicts and metrics of a judged benchmark.

use std::collections::{BTreeMap, BTreeSet};

use iopo_core::files;
use iopo_judge::{Answers, Attempt, Evaluation, Unjudged, VerdictRow};
use iopo_schema::content_hash::write_json;
use iopo_schema::{Method, Provenance, ScoreRow, file_hash, run_files};
use serde_json::{Value, json};

use super::check::JudgeCheck;
use super::metric::{JudgedMetric, metrics};
use super::{JudgedBenchmark, JudgedConfig, JudgedMode, table};
use crate::EvalError;
use crate::benchmarks::respond::remove;
use crate::score::{NO_RESPONSE, PRODUCER};

/// The answers of the judge, as `--judged` reads them.
pub(super) const ANSWERS: &str = "judge_answers.jsonl";
/// The metrics with their intervals.
pub(super) const METRICS: &str = "metrics.json";
/// How the verdicts were made.
pub(super) const PROTOCOL: &str = "protocol.json";
/// The largest number of bytes of a judge's answer in `scores.parquet`. `judge_answers.jsonl` has all of it.
const MAX_RAW: usize = 16 << 10;

/// A finished evaluation, before it is written.
pub(super) struct Judged<'a> {
    pub(super) benchmark: JudgedBenchmark,
    pub(super) mode: JudgedMode,
    pub(super) config: &'a JudgedConfig,
    pub(super) model: String,
    pub(super) judge: String,
    /// Whether the model that responded judges.
    pub(super) judges_itself: bool,
    /// Classes of the failed requests for responses, by key.
    pub(super) failed: BTreeMap<String, String>,
    pub(super) protocol: Value,
    pub(super) evaluation: Evaluation,
    pub(super) answers: &'a Answers,
    /// Group of each prompt, by key.
    pub(super) groups: BTreeMap<String, String>,
    /// Responses with text in the form of a verdict.
    pub(super) forged: usize,
    pub(super) check: Option<JudgeCheck>,
    /// Whether the judge was asked with the template of the check.
    pub(super) same_template: bool,
    /// Parts of the benchmark without an item.
    pub(super) absent: Vec<&'static str>,
}

impl Judged<'_> {
    /// Names the reason why there is no verdict, with the class of the request that failed.
    fn reason(&self, row: &VerdictRow, reason: Unjudged, failure: Option<&str>) -> String {
        match (reason, self.failed.get(&row.key), failure) {
            (Unjudged::NoAnswer, Some(class), _) => format!("{NO_RESPONSE}{class}"),
            (Unjudged::NoAnswer, None, Some(class)) => format!("{}: {class}", reason.id()),
            (reason, _, _) => reason.id().to_owned(),
        }
    }
}

/// Results of a judged benchmark.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedReport {
    /// The benchmark.
    pub benchmark: JudgedBenchmark,
    /// The rules behind the verdicts.
    pub mode: JudgedMode,
    /// Model that responded; `given` for responses of a file.
    pub model: String,
    /// The judge; `given` for answers of a file that names none.
    pub judge: String,
    /// Whether the model judged its own responses.
    pub judges_itself: bool,
    /// Metrics with intervals.
    pub metrics: Vec<JudgedMetric>,
    /// One row per constraint, criterion or question.
    pub scores: Vec<ScoreRow>,
    /// Items, or for ComplexBench questions, that were evaluated.
    pub questions: usize,
    /// Those of them without a verdict, by reason.
    pub unjudged: BTreeMap<String, usize>,
    /// Responses that contain text in the form of a verdict. They are judged like others.
    pub forged: usize,
    /// Largest share of `questions` without a verdict.
    pub max_unjudged_share: f64,
    /// The judge's verdicts on constraints that code decides.
    pub check: Option<JudgeCheck>,
    /// Whether the judge was asked with the template of the check.
    pub same_template: bool,
    /// Parts of the benchmark that have no evaluated item: types of FollowBench. The headline is over the others.
    pub absent: Vec<&'static str>,
}

impl JudgedReport {
    /// Renders the metrics as a table.
    pub fn table(&self) -> String {
        table::render(self)
    }

    /// Refuses a run with too many missing verdicts. Call it after the table is shown; the files are written already.
    ///
    /// # Errors
    /// Returns [`EvalError::Unjudged`] above the largest share.
    pub fn refuse_unjudged(&self) -> Result<(), EvalError> {
        let unjudged = self.unjudged.values().sum::<usize>();
        if unjudged as f64 <= self.max_unjudged_share * self.questions as f64 {
            return Ok(());
        }
        let (questions, max_share) = (self.questions, self.max_unjudged_share);
        let reasons = self.unjudged.clone();
        Err(EvalError::Unjudged { unjudged, questions, max_share, reasons })
    }
}

/// Writes answers, scores, metrics and protocol.
pub(super) fn write(judged: Judged<'_>) -> Result<JudgedReport, EvalError> {
    let out = &judged.config.out;
    let paths = [ANSWERS, run_files::SCORES, METRICS, PROTOCOL].map(|name| out.join(name));
    // Files of earlier settings must not remain beside new ones.
    for path in &paths {
        remove(path)?;
    }
    let [answers_path, scores_path, metrics_path, protocol_path] = paths;
    files::write(&answers_path, judged.answers.to_lines(&judged.judge).as_bytes())
        .map_err(|source| EvalError::Write { path: answers_path.clone(), source })?;
    let scores: Vec<ScoreRow> =
        judged.evaluation.rows.iter().map(|row| score(&judged, row)).collect();
    let predictions = out.join(run_files::PREDICTIONS);
    let provenance = Provenance::new(PRODUCER, judged.protocol.clone())
        .with_input("predictions", file_hash(&predictions)?)
        .with_input("judge_answers", file_hash(&answers_path)?);
    iopo_schema::write(&scores_path, &scores, &provenance)?;
    let metrics = metrics(&judged.evaluation, judged.config.bootstrap)?;
    let unjudged = unjudged(&judged);
    let questions = judged.evaluation.judged.items;
    write_json(
        &metrics_path,
        &json!({
            "benchmark": judged.benchmark.id(),
            "mode": judged.mode.id(),
            "model": judged.model,
            "judge": judged.judge,
            "judges_itself": judged.judges_itself,
            "questions": questions,
            "unjudged": unjudged,
            "forged": judged.forged,
            "absent": judged.absent,
            "confidence": judged.config.bootstrap.confidence,
            "judge_check": judged.check.as_ref().map(JudgeCheck::summary),
            "judge_check_has_template": judged.same_template,
            "metrics": metrics,
        }),
    )?;
    write_json(&protocol_path, &judged.protocol)?;
    Ok(JudgedReport {
        benchmark: judged.benchmark,
        mode: judged.mode,
        model: judged.model,
        judge: judged.judge,
        judges_itself: judged.judges_itself,
        metrics,
        scores,
        questions,
        unjudged,
        forged: judged.forged,
        max_unjudged_share: judged.config.max_unjudged_share,
        check: judged.check,
        same_template: judged.same_template,
        absent: judged.absent,
    })
}

/// Makes the row of a verdict.
fn score(judged: &Judged<'_>, row: &VerdictRow) -> ScoreRow {
    let index = if judged.benchmark == JudgedBenchmark::ComplexBench { row.index } else { 0 };
    let attempts = judged.answers.to(&row.key, index);
    let attempt = row.attempt.and_then(|at| attempts.get(at));
    let (raw, failure) = match attempt {
        Some(Attempt::Answer(text)) => (Some(bounded(text)), None),
        Some(Attempt::Failure(class)) => (None, Some(class.as_str())),
        None => (None, None),
    };
    let error = row.error.map(|reason| judged.reason(row, reason, failure));
    ScoreRow {
        benchmark: judged.benchmark.id().to_owned(),
        key: row.key.clone(),
        task_id: judged.groups.get(&row.key).cloned().unwrap_or_default(),
        index: u32::try_from(row.index).unwrap_or(u32::MAX),
        instruction_id: row.label.clone(),
        seen: judged.config.seen.as_ref().is_some_and(|seen| seen.contains(&row.label)),
        strict: row.verdict,
        loose: None,
        score: row.score,
        method: if row.by_rule { Method::Code } else { Method::Judge },
        raw,
        error,
        mode: Some(judged.mode.id().to_owned()),
        near: None,
    }
}

/// Cuts a text at a character boundary.
fn bounded(text: &str) -> String {
    if text.len() <= MAX_RAW {
        return text.to_owned();
    }
    let end = (0..=MAX_RAW).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    format!("{}…", &text[..end])
}

/// Counts the items, or the questions of `ComplexBench`, without a verdict by reason.
fn unjudged(judged: &Judged<'_>) -> BTreeMap<String, usize> {
    let mut counted = BTreeSet::new();
    let mut reasons = BTreeMap::new();
    for row in &judged.evaluation.rows {
        let index = if judged.benchmark == JudgedBenchmark::ComplexBench { row.index } else { 0 };
        let Some(reason) = row.error.filter(|reason| *reason != Unjudged::Undecided) else {
            continue;
        };
        if counted.insert((row.key.as_str(), index)) {
            let failure = match judged.answers.to(&row.key, index).last() {
                Some(Attempt::Failure(class)) => Some(class.as_str()),
                _ => None,
            };
            *reasons.entry(judged.reason(row, reason, failure)).or_default() += 1;
        }
    }
    reasons
}

#[cfg(test)]
mod tests {
    use super::{MAX_RAW, bounded};

    #[test]
    fn long_answers_are_cut_between_characters() {
        let text = "是".repeat(MAX_RAW);
        let cut = bounded(&text);
        assert!(cut.len() <= MAX_RAW + "…".len() && cut.ends_with("是…"));
        assert_eq!(bounded("short"), "short");
    }
}
