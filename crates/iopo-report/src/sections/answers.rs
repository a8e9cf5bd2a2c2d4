//! Test prompts with the responses of several models side by side.

use iopo_core::random::keyed_u64;
use iopo_schema::{PredictionRow, ScoreRow};
use serde::Serialize;

use crate::models::color;
use crate::run::Responses;

/// Prompts in the table.
const SHOWN: usize = 10;

/// The drawn prompts.
#[derive(Debug, Serialize)]
pub(crate) struct Answers {
    /// Prompts that every compared model answered.
    total: usize,
    prompts: Vec<Prompt>,
}

#[derive(Debug, Serialize)]
struct Prompt {
    text: String,
    /// Whether every kind occurs in synthesis.
    seen: bool,
    answers: Vec<Answer>,
}

#[derive(Debug, Serialize)]
struct Answer {
    model: String,
    color: String,
    text: String,
    /// Whether every constraint holds.
    follows: bool,
    verdicts: Vec<Verdict>,
    flaws: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct Verdict {
    /// Absent if there is no verdict.
    holds: Option<bool>,
    constraint: String,
}

impl Answers {
    /// Draws prompts by the seed alone, so that neither success nor failure of a model decides which are shown.
    pub(crate) fn of(models: &[Responses], seed: u64) -> Option<Self> {
        let (first, others) = models.split_first()?;
        let mut shared: Vec<&PredictionRow> = first
            .predictions
            .iter()
            .filter(|row| others.iter().all(|other| find(other, &row.key).is_some()))
            .collect();
        let total = shared.len();
        let order = |row: &&PredictionRow| keyed_u64(seed, &["answers", row.key.as_str()]);
        shared.sort_by_key(|row| (order(row), row.key.clone()));
        shared.truncate(SHOWN);
        let prompt = |row: &&PredictionRow| Prompt {
            text: row.prompt.clone(),
            seen: scores(first, &row.key).all(|score| score.seen),
            answers: models.iter().filter_map(|model| answer(model, &row.key)).collect(),
        };
        let prompts: Vec<Prompt> = shared.iter().map(prompt).collect();
        (!prompts.is_empty()).then_some(Self { total, prompts })
    }
}

fn find<'a>(model: &'a Responses, key: &str) -> Option<&'a PredictionRow> {
    model.predictions.iter().find(|row| row.key == key)
}

fn scores<'a>(model: &'a Responses, key: &'a str) -> impl Iterator<Item = &'a ScoreRow> {
    model.scores.iter().filter(move |score| score.key == key)
}

fn answer(model: &Responses, key: &str) -> Option<Answer> {
    let row = find(model, key)?;
    let verdict = |score: &ScoreRow| Verdict {
        holds: score.strict,
        constraint: row
            .constraints
            .get(score.index as usize)
            .map_or_else(|| score.instruction_id.clone(), |constraint| constraint.text.clone()),
    };
    let verdicts: Vec<Verdict> = scores(model, key).map(verdict).collect();
    let flaws = model.flaws.iter().find(|flaws| flaws.key == key).map_or_else(Vec::new, |flaws| {
        [
            (flaws.echo, "echo"),
            (flaws.repeats, "loop"),
            (flaws.thin, "thin"),
            (flaws.off_task, "off task"),
        ]
        .into_iter()
        .filter_map(|(found, name)| found.then_some(name))
        .collect()
    });
    Some(Answer {
        model: model.model.clone(),
        color: color(&model.model),
        text: row.response.clone(),
        follows: !verdicts.is_empty() && verdicts.iter().all(|verdict| verdict.holds == Some(true)),
        verdicts,
        flaws,
    })
}
