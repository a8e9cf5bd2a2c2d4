//! The stages that rewrite the instruction, and the checks of a rewrite by code.

use std::collections::BTreeSet;

use iopo_constraints::{Constraint, Dimension, Kind, from_text, render_prompt};
use iopo_core::overlap::OverlapIndex;
use iopo_core::text::tokens;
use iopo_judge::{Language, fence};
use iopo_llm::ResponseSchema;
use iopo_schema::ConstraintRow;
use serde_json::{Value, json};

use super::config::FipoConfig;
use super::evidence::Stated;
use super::flow::Flow;
use super::refusal::FipoRefusal;
use super::seed::{Item, Rewrite, WorseOrder};
use super::step::FipoStep;
use super::templates::{FipoPrompt, append};
use crate::SynthError;
use crate::trace::MAX_CONSTRAINTS;
use crate::trace::ask::{Question, Reject};
use crate::trace::dimension::list;
use crate::trace::read::{Fault, Labeled, labeled, object, string};
use crate::trace::schema;
use crate::trace::seed::{check_of, constraint_row};
use crate::trace::text::{normal, recall, runs, speaks};

/// A rewrite as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Draft {
    instruction: String,
    constraints: Vec<Labeled>,
}

impl Flow<'_> {
    /// Asks for the better rewrites.
    pub(super) fn better(&mut self, items: &mut [Item<'_>]) -> Result<(), SynthError> {
        self.rewrite(FipoStep::Better, items)
    }

    /// Asks for the worse rewrites.
    pub(super) fn worse(&mut self, items: &mut [Item<'_>]) -> Result<(), SynthError> {
        self.rewrite(FipoStep::Worse, items)
    }

    fn rewrite(&mut self, step: FipoStep, items: &mut [Item<'_>]) -> Result<(), SynthError> {
        let open = self.enter(step, items);
        let questions: Vec<Question> =
            open.iter().map(|&at| self.asks_for_rewrite(step, &items[at])).collect();
        let rules = Rules { config: self.config, held_out: self.held_out, tested: self.tested };
        let replies = self.ask(step, &questions, |index, answer| {
            let item = &items[open[index]];
            if answer.cut {
                return Ok(Err(FipoRefusal::Cut));
            }
            if answer.text.is_empty() {
                return Ok(Err(FipoRefusal::Empty));
            }
            let draft = draft(answer.text, answer.last).map_err(Reject::from)?;
            Ok(screen(step, item, draft, rules))
        })?;
        for (&at, reply) in open.iter().zip(replies) {
            let item = &mut items[at];
            let result = reply.result.map_err(FipoRefusal::from).and_then(|result| result);
            if let Some(mut rewrite) = self.settle(step, item, Some(&reply.mark), result) {
                rewrite.model = reply.mark.model;
                for row in &rewrite.constraints {
                    let by = if row.check.is_some() { "code" } else { "judge" };
                    self.made.counts.one(format!("constraints/{by}"));
                }
                *if step == FipoStep::Better { &mut item.better } else { &mut item.worse } =
                    Some(rewrite);
            }
        }
        Ok(())
    }

    /// Builds the meta prompt from its modules.
    fn asks_for_rewrite(&self, step: FipoStep, item: &Item<'_>) -> Question {
        let language = item.language;
        let fill = |prompt, values: &[(&str, &str)]| self.templates.fill(prompt, language, values);
        let seed = item.seed;
        let task = fence(&seed.task);
        let input = fence(seed.input.as_deref().unwrap_or("NULL"));
        let mut used = vec![FipoPrompt::NaivePrompt];
        let mut messages = fill(FipoPrompt::NaivePrompt, &[("task", &task), ("input", &input)]);
        if let Some(naive) = item.naive {
            used.push(FipoPrompt::NaiveResponse);
            append(&mut messages, fill(FipoPrompt::NaiveResponse, &[("response", &fence(naive))]));
        }
        if item.shows_reference {
            used.push(FipoPrompt::ReferenceResponse);
            let y = fence(&seed.y);
            append(&mut messages, fill(FipoPrompt::ReferenceResponse, &[("response", &y)]));
        }
        let (words, dimensions) =
            (self.config.max_words.to_string(), list(&Dimension::ALL, language));
        let common = [("words", words.as_str()), ("dimensions", dimensions.as_str())];
        let with = |name, value| {
            let [words, dimensions] = common;
            [(name, value), words, dimensions]
        };
        let order = match (&item.order, step) {
            (_, FipoStep::Better) => {
                let lines: Vec<String> =
                    item.offered.iter().map(|one| format!("- {}", one.text)).collect();
                let offered = if lines.is_empty() { "NULL".to_owned() } else { lines.join("\n") };
                fill(FipoPrompt::Better, &with("constraints", &fence(&offered)))
            }
            (WorseOrder::Plain, _) => fill(FipoPrompt::Plain, &common),
            (WorseOrder::Vague, _) => fill(FipoPrompt::Vague, &common),
            (WorseOrder::Other(other), _) => {
                fill(FipoPrompt::Other, &with("constraint", &fence(&other.text)))
            }
        };
        append(&mut messages, order);
        used.push(match (&item.order, step) {
            (_, FipoStep::Better) => FipoPrompt::Better,
            (WorseOrder::Plain, _) => FipoPrompt::Plain,
            (WorseOrder::Vague, _) => FipoPrompt::Vague,
            (WorseOrder::Other(_), _) => FipoPrompt::Other,
        });
        Question {
            messages,
            templates: self.templates.hashes_of(&used, language),
            language,
            key: item.id.clone(),
            sample: 0,
            schema: Some(rewrite_schema()),
        }
    }
}

/// The form of a rewrite.
fn rewrite_schema() -> ResponseSchema {
    let text = json!({"type": "string"});
    let constraint = schema::object(&[("text", text.clone()), ("dimension", text.clone())]);
    let parts =
        [("instruction", text), ("constraints", json!({"type": "array", "items": constraint}))];
    schema::named("fipo_rewrite", schema::object(&parts))
}

/// Reads a rewrite. In the last attempt, an unknown dimension becomes the nearest one.
fn draft(text: &str, last: bool) -> Result<Draft, Fault> {
    let found = object(text, "instruction")?;
    let instruction = string(&found, "instruction")?.to_owned();
    let constraints = match found.get("constraints") {
        Some(Value::Array(list)) => {
            let one = |value: &Value| {
                let object = value.as_object().ok_or(Fault::Field("constraints"))?;
                labeled(object, "text", last)
            };
            list.iter().map(one).collect::<Result<_, _>>()?
        }
        None | Some(Value::Null) => Vec::new(),
        Some(_) => return Err(Fault::Field("constraints")),
    };
    Ok(Draft { instruction, constraints })
}

/// What a rewrite is checked against.
#[derive(Clone, Copy)]
struct Rules<'a> {
    config: &'a FipoConfig,
    held_out: &'a BTreeSet<Kind>,
    tested: Option<&'a OverlapIndex>,
}

/// Checks a rewrite by code.
fn screen(
    step: FipoStep,
    item: &Item<'_>,
    draft: Draft,
    rules: Rules<'_>,
) -> Result<Rewrite, FipoRefusal> {
    let Rules { config, held_out, tested } = rules;
    let (seed, language) = (item.seed, item.language);
    let Draft { instruction, constraints } = draft;
    if normal(&instruction).is_empty() {
        return Err(FipoRefusal::Empty);
    }
    if !speaks(&instruction, language) {
        return Err(FipoRefusal::Language);
    }
    if tokens(&instruction).len() > config.max_words {
        return Err(FipoRefusal::TooLong);
    }
    if recall(&seed.task, [instruction.as_str()]) < config.min_task_recall {
        return Err(FipoRefusal::LostTask);
    }
    let input = seed.input.as_deref().map(normal).unwrap_or_default();
    if !input.is_empty() && normal(&instruction).contains(&input) {
        return Err(FipoRefusal::RepeatedInput);
    }
    if leaks(&instruction, item) {
        return Err(FipoRefusal::Leak);
    }
    let whole = || render_prompt(&instruction, &[""; 0], seed.input.as_deref());
    if tested.is_some_and(|tested| tested.find_copied(&whole()).is_some()) {
        return Err(FipoRefusal::Contaminated);
    }
    let others = match &item.order {
        WorseOrder::Other(other) => std::slice::from_ref(other),
        WorseOrder::Plain | WorseOrder::Vague => &[],
    };
    let known: Vec<&Stated> = item.offered.iter().chain(others).collect();
    let constraints = requirements(&instruction, constraints, &known, language, held_out)?;
    let rewrite = Rewrite { instruction, constraints, model: String::new() };
    if step == FipoStep::Better {
        let checks = rewrite.constraints.iter().filter_map(check_of);
        for check in checks {
            let verdict = check.check(&seed.y);
            if !verdict.satisfied {
                return Err(FipoRefusal::FailedCheck(verdict.evidence));
            }
        }
    } else if let Some(better) = &item.better
        && normal(&better.instruction) == normal(&rewrite.instruction)
    {
        return Err(FipoRefusal::SameInstructions);
    }
    Ok(rewrite)
}

/// Whether a text has a run of words of the response that is in neither the task nor the input.
fn leaks(text: &str, item: &Item<'_>) -> bool {
    let (seed, language) = (item.seed, item.language);
    let mut own = runs(&seed.y, language);
    for source in [Some(seed.task.as_str()), seed.input.as_deref()].into_iter().flatten() {
        let shared = runs(source, language);
        own.retain(|run| !shared.contains(run));
    }
    !own.is_disjoint(&runs(text, language))
}

/// Checks the requirements that a rewrite lists, and maps their texts to checkers.
fn requirements(
    instruction: &str,
    listed: Vec<Labeled>,
    known: &[&Stated],
    language: Language,
    held_out: &BTreeSet<Kind>,
) -> Result<Vec<ConstraintRow>, FipoRefusal> {
    /// Share of the content words of a requirement that must be in the instruction.
    const STATED: f64 = 0.8;
    if listed.len() > MAX_CONSTRAINTS {
        return Err(FipoRefusal::TooMany);
    }
    let mut rows: Vec<ConstraintRow> = Vec::new();
    for Labeled { text, dimension, .. } in listed {
        let dimension = dimension.ok_or(FipoRefusal::UnknownDimension)?;
        if recall(&text, [instruction]) < STATED {
            return Err(FipoRefusal::Unstated);
        }
        if rows.iter().any(|row| normal(&row.text) == normal(&text)) {
            return Err(FipoRefusal::EqualConstraints);
        }
        if dimension != Dimension::Multilingual && !speaks(&text, language) {
            return Err(FipoRefusal::Language);
        }
        let same = known.iter().find(|one| normal(&one.text) == normal(&text));
        let check = from_text(&text).or_else(|| same.and_then(|one| one.check.clone()));
        if check.iter().flat_map(Constraint::kinds).any(|kind| held_out.contains(&kind)) {
            return Err(FipoRefusal::HeldOut);
        }
        let excludes = |check: &Constraint| {
            rows.iter().filter_map(check_of).any(|other| other.excludes(check))
        };
        if check.as_ref().is_some_and(excludes) {
            return Err(FipoRefusal::Conflict);
        }
        rows.push(constraint_row(text, dimension, check.as_ref()));
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewrite_is_read_with_and_without_requirements() {
        let found = draft(r#"So: {"instruction": " Be brief. ", "constraints": null}"#, false);
        assert_eq!(found, Ok(Draft { instruction: "Be brief.".into(), constraints: vec![] }));
        let text = r#"{"instruction": "Be brief.", "constraints": [{"text": "Be brief.", "dimension": "numerical"}]}"#;
        assert_eq!(draft(text, false).expect("a rewrite").constraints.len(), 1);
        for text in [
            "Be brief.",
            r#"{"instruction": 3}"#,
            r#"{"instruction": "x", "constraints": "y"}"#,
            r#"{"instruction": "x", "constraints": [1]}"#,
            r#"{"instruction": "x", "constraints": [{"text": "x"}]}"#,
        ] {
            draft(text, true).expect_err(text);
        }
    }
}
