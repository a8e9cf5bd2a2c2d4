//! The stages that make the first instruction: expansion, structuring and quality control.

use std::collections::BTreeSet;

use iopo_constraints::{
    Constraint, Dimension, Instruction, Kind, from_proposal, from_text, from_text_in_instruction,
    from_text_in_task,
};
use iopo_core::random::{keyed, weighted};
use iopo_judge::{Language, fence};
use iopo_schema::{ConstraintRow, InstructionRow, Operation};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::ask::{Question, Reject};
use super::checks::kinds;
use super::config::MAX_CONSTRAINTS;
use super::dimension::list;
use super::flow::Flow;
use super::read::{Labeled, Parts, decision, parts, unfenced};
use super::schema;
use super::seed::{Fenced, Seed, check_of, constraint_row, is_multilingual};
use super::step::{Refusal, Step};
use super::templates::Ask;
use super::text::{normal, recall, runs, speaks};
use crate::SynthError;

/// Number of dimensions that are offered besides one for each constraint.
const SPARE_DIMENSIONS: usize = 3;

impl Flow<'_> {
    /// Adds constraints to each task.
    pub(super) fn expand(&mut self, seeds: &mut [Seed<'_>]) -> Result<(), SynthError> {
        let step = Step::Expand;
        let open = self.enter(step, seeds);
        let mut questions = Vec::new();
        for &at in &open {
            let seed = &mut seeds[at];
            let mut rng = keyed(self.asker.seed, &["trace", "plan", &seed.task.id]);
            seed.number = 1 + weighted(self.asker.config.weights(), &mut rng).unwrap_or(0);
            let mut offered = Dimension::ALL.to_vec();
            offered.shuffle(&mut rng);
            offered.truncate(seed.number + SPARE_DIMENSIONS);
            offered.sort_unstable();
            seed.offered = offered;
            let values = [
                ("task", fence(&seed.task.task)),
                ("input", fence(seed.task.input.as_deref().unwrap_or("NULL"))),
                ("count", seed.number.to_string()),
                ("dimensions", list(&seed.offered, seed.language)),
            ];
            questions.push(self.question(Ask::Expand, seed, &values));
        }
        let config = self.asker.config;
        let replies = self.asker.ask(step, &questions, |index, answer| {
            let seed = &seeds[open[index]];
            if answer.cut {
                return Err(Refusal::Cut.into());
            }
            let text = unfenced(answer.text);
            expanded(text, seed, config.min_task_recall)?;
            Ok(text.to_owned())
        })?;
        for (&at, reply) in open.iter().zip(replies) {
            if let Some(text) = self.settle(step, &mut seeds[at], Some(&reply.mark), reply.result) {
                seeds[at].expanded = text;
            }
        }
        Ok(())
    }

    /// Splits each instruction into its parts, and draws how the second one will differ.
    pub(super) fn structure(&mut self, seeds: &mut [Seed<'_>]) -> Result<(), SynthError> {
        let step = Step::Structure;
        let open = self.enter(step, seeds);
        let mut questions = Vec::new();
        for &at in &open {
            let seed = &seeds[at];
            let values = [
                ("instruction", fence(&seed.expanded)),
                ("dimensions", list(&Dimension::ALL, seed.language)),
            ];
            let question = self.question(Ask::Structure, seed, &values);
            let schema = Some(schema::structure(self.asker.config.propose_checks));
            questions.push(self.with_checks(Question { schema, ..question }));
        }
        let replies =
            self.asker.ask(step, &questions, |_, answer| Ok(parts(answer.text, answer.last)?))?;
        for (&at, reply) in open.iter().zip(replies) {
            let seed = &mut seeds[at];
            let result = reply.result.and_then(|parts| self.instruction(seed, parts));
            if let Some((row, operation)) = self.settle(step, seed, Some(&reply.mark), result) {
                seed.operation = operation;
                seed.x1 = Some(row);
            }
        }
        Ok(())
    }

    /// Checks the parts of an instruction by code, and moves the constraint that will change to the end.
    fn instruction(
        &mut self,
        seed: &Seed<'_>,
        parts: Parts,
    ) -> Result<(InstructionRow, Operation), Refusal> {
        let config = self.asker.config;
        if parts.poor {
            return Err(Refusal::Poor);
        }
        if parts.task.is_empty() {
            return Err(Refusal::NoTask);
        }
        if parts.constraints.is_empty() {
            return Err(Refusal::NoConstraints);
        }
        if parts.constraints.len() > MAX_CONSTRAINTS {
            return Err(Refusal::TooMany);
        }
        if self.tested.is_some_and(|tested| tested.find_copied(&seed.expanded).is_some()) {
            return Err(Refusal::Contaminated);
        }
        distinct_parts(&parts, seed.language)?;
        let input = match (parts.input, &seed.task.input) {
            (Some(found), own) => {
                let source = own.as_ref().unwrap_or(&seed.expanded);
                if !is_within(&found, source, seed.language) {
                    return Err(Refusal::InventedInput);
                }
                Some(own.clone().unwrap_or(found))
            }
            (None, Some(_)) => return Err(Refusal::LostContent),
            (None, None) => None,
        };
        let texts = parts.constraints.iter().map(|one| one.text.as_str());
        let all = texts.chain([parts.task.as_str()]).chain(input.as_deref());
        if recall(&seed.expanded, all) < config.min_coverage {
            return Err(Refusal::LostContent);
        }
        let mut rows: Vec<ConstraintRow> = Vec::new();
        for one in parts.constraints {
            let equal = Refusal::EqualConstraints;
            let row = self.constraint(one, &parts.task, &rows, seed.language, equal)?;
            rows.push(row);
        }
        let multilingual = rows.iter().any(is_multilingual);
        if !multilingual && !speaks(&parts.task, seed.language) {
            return Err(Refusal::Language);
        }
        let operation = self.draw(seed, &mut rows)?;
        if operation != Operation::Add {
            forget_changed(&parts.task, &mut rows);
        }
        let row = seed.row(parts.task, rows, input);
        self.refuse_tested(&row)?;
        Ok((row, operation))
    }

    /// Refuses an instruction that overlaps with a prompt that the run is tested on, as training will.
    pub(super) fn refuse_tested(&self, row: &InstructionRow) -> Result<(), Refusal> {
        let Some(tested) = self.tested else { return Ok(()) };
        let input = row.input.iter().map(String::as_str);
        let whole = [row.task.as_str()].into_iter().chain(input).collect::<Vec<_>>().join("\n");
        if tested.find(&whole).is_some() || tested.find_copied(&row.prompt).is_some() {
            return Err(Refusal::Contaminated);
        }
        Ok(())
    }

    /// Checks a new constraint by code and maps its text to a checker. `equal` is the refusal of a repetition.
    pub(super) fn constraint(
        &mut self,
        one: Labeled,
        task: &str,
        others: &[ConstraintRow],
        language: Language,
        equal: Refusal,
    ) -> Result<ConstraintRow, Refusal> {
        let dimension = one.dimension.ok_or(Refusal::UnknownDimension)?;
        if one.text.chars().count() > self.asker.config.max_constraint_chars {
            return Err(Refusal::LongConstraint);
        }
        if others.iter().any(|other| normal(&other.text) == normal(&one.text)) {
            return Err(equal);
        }
        if dimension != Dimension::Multilingual && !speaks(&one.text, language) {
            return Err(Refusal::Language);
        }
        let alone = from_text(&one.text);
        let texts: Vec<&str> = others.iter().map(|row| row.text.as_str()).collect();
        let read = from_text_in_instruction(&one.text, Instruction { task, others: &texts });
        // The task may ask for a program, whose output the text is about.
        let is_elsewhere = alone.is_some() && read.is_none();
        let mapped = match &one.check {
            Some(proposal) if !is_elsewhere => {
                let confirmed = from_proposal(&one.text, &proposal.kind, &proposal.params);
                let result = match (&read, &confirmed) {
                    (Some(_), Some(_)) => "known",
                    (Some(_), None) => "wrong",
                    (None, Some(_)) => "confirmed",
                    (None, None) => "unconfirmed",
                };
                self.made.counts.one(format!("proposals/{result}"));
                // A wrong proposal changes nothing about the text.
                read.or(confirmed)
            }
            Some(_) | None => read,
        };
        let has = |kinds: &BTreeSet<Kind>, found: &Constraint| {
            found.kinds().any(|kind| kinds.contains(&kind))
        };
        if mapped.iter().chain(&alone).any(|found| has(self.held_out, found)) {
            return Err(Refusal::HeldOut);
        }
        let check = mapped.filter(|found| !has(self.distrusted, found));
        if let Some(check) = &check {
            let excludes = |other: &Constraint| other.excludes(check);
            if others.iter().filter_map(check_of).any(|other| excludes(&other)) {
                return Err(Refusal::Conflict);
            }
            self.made.counts.one(format!("mapped/{}", check.kind().id()));
        }
        self.made.counts.one(if check.is_some() {
            "constraints/code"
        } else {
            "constraints/judge"
        });
        Ok(constraint_row(one.text, dimension, check.as_ref()))
    }

    /// Draws the operation, and for a change or removal the constraint, which becomes the last one.
    fn draw(&self, seed: &Seed<'_>, rows: &mut Vec<ConstraintRow>) -> Result<Operation, Refusal> {
        let mut rng = keyed(self.asker.seed, &["trace", "operation", &seed.task.id]);
        let weights = &self.asker.config.operations;
        let add = if rows.len() < MAX_CONSTRAINTS { weights.add } else { 0.0 };
        let remove = if rows.len() > 1 { weights.remove } else { 0.0 };
        let operation = match weighted(&[weights.revise, add, remove], &mut rng) {
            Some(0) => Operation::Revise,
            Some(1) => return Ok(Operation::Add),
            Some(_) => Operation::Remove,
            None => return Err(Refusal::NoOperation),
        };
        let changed = rows.remove(rng.random_range(0..rows.len()));
        rows.push(changed);
        Ok(operation)
    }

    /// Asks the judge whether the instructions are complete and free of repetition. Instructions that pass become rows.
    pub(super) fn quality(
        &mut self,
        seeds: &mut [Seed<'_>],
        second: bool,
    ) -> Result<(), SynthError> {
        let (complete, redundant) = if second {
            (Step::ChangeComplete, Step::ChangeRedundant)
        } else {
            (Step::Complete, Step::Redundant)
        };
        if self.asker.config.qc.joint {
            let both = |text: &str| Ok((decision(text, "complete")?, decision(text, "redundant")?));
            self.judge(complete, Ask::Quality, &["complete", "redundant"], seeds, second, both)?;
        } else {
            let one = |text: &str| Ok((decision(text, "complete")?, false));
            self.judge(complete, Ask::Complete, &["complete"], seeds, second, one)?;
            let one = |text: &str| Ok((true, decision(text, "redundant")?));
            self.judge(redundant, Ask::Redundant, &["redundant"], seeds, second, one)?;
        }
        let passed = seeds.iter().filter(|seed| seed.is_open());
        self.made.instructions.extend(passed.filter_map(|seed| seed.instruction(second).cloned()));
        Ok(())
    }

    /// Asks one question of quality control. `read` returns whether the instruction is complete, and whether it is redundant.
    fn judge(
        &mut self,
        step: Step,
        ask: Ask,
        keys: &[&str],
        seeds: &mut [Seed<'_>],
        second: bool,
        read: impl Fn(&str) -> Result<(bool, bool), Reject>,
    ) -> Result<(), SynthError> {
        let open = self.enter(step, seeds);
        let mut questions = Vec::new();
        for &at in &open {
            let seed = &seeds[at];
            let Some(row) = seed.instruction(second) else { continue };
            let Fenced { task, constraints, input } = Fenced::new(row, &row.constraints);
            let values = [("task", task), ("constraints", constraints), ("input", input)];
            let question = self.question(ask, seed, &values);
            questions.push(Question { schema: Some(schema::decisions(keys)), ..question });
        }
        let replies = self.asker.ask(step, &questions, |_, answer| match read(answer.text)? {
            (false, _) => Err(Refusal::Incomplete.into()),
            (true, true) => Err(Refusal::Redundant.into()),
            (true, false) => Ok(()),
        })?;
        for (&at, reply) in open.iter().zip(replies) {
            self.settle(step, &mut seeds[at], Some(&reply.mark), reply.result);
        }
        Ok(())
    }

    /// Adds the request for checks to a question about constraints, if the settings ask for them.
    pub(super) fn with_checks(&self, mut question: Question) -> Question {
        if self.asker.config.propose_checks
            && let Some(last) = question.messages.last_mut()
        {
            let template = self.asker.templates.of(Ask::Checks, question.language);
            let kinds = kinds(question.language, |kind| {
                self.offered.contains(&kind) && !self.distrusted.contains(&kind)
            });
            question.templates.push(template.hash().to_owned());
            for added in template.fill(&[("kinds", &kinds)]) {
                last.content.push_str("\n\n");
                last.content.push_str(&added.content);
            }
        }
        question
    }

    /// Creates the question of a template for a seed.
    pub(super) fn question(
        &self,
        ask: Ask,
        seed: &Seed<'_>,
        values: &[(&str, String)],
    ) -> Question {
        let values: Vec<(&str, &str)> =
            values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let template = self.asker.templates.of(ask, seed.language);
        Question {
            messages: template.fill(&values),
            templates: vec![template.hash().to_owned()],
            language: seed.language,
            key: seed.task.id.clone(),
            sample: 0,
            schema: None,
        }
    }
}

/// Checks an expanded instruction.
fn expanded(text: &str, seed: &Seed<'_>, min_recall: f64) -> Result<(), Refusal> {
    let task = seed.task;
    if text.is_empty() {
        return Err(Refusal::Empty);
    }
    let (own, found) = (normal(&task.task), normal(text));
    let input = task.input.as_deref().map(normal).unwrap_or_default();
    if found.chars().count() < own.chars().count() + input.chars().count() {
        return Err(Refusal::Shorter);
    }
    if !input.is_empty() && found.matches(&input).count() > 1 {
        return Err(Refusal::RepeatedInput);
    }
    if recall(&task.task, [text]) < min_recall {
        return Err(Refusal::LostTask);
    }
    if speaks(text, seed.language) { Ok(()) } else { Err(Refusal::Language) }
}

/// Refuses parts that share a long run of words.
fn distinct_parts(parts: &Parts, language: Language) -> Result<(), Refusal> {
    let list: Vec<&str> = parts.constraints.iter().map(|one| one.text.as_str()).collect();
    let constraints: BTreeSet<String> = list.iter().flat_map(|text| runs(text, language)).collect();
    let task = runs(&parts.task, language);
    let input = runs(parts.input.as_deref().unwrap_or_default(), language);
    let shared = !task.is_disjoint(&constraints)
        || !task.is_disjoint(&input)
        || !constraints.is_disjoint(&input);
    if shared { Err(Refusal::RedundantCode) } else { Ok(()) }
}

/// Removes the checks of shared constraints that depend on the last one, which the second instruction does not have.
fn forget_changed(task: &str, rows: &mut [ConstraintRow]) {
    let Some((last, shared)) = rows.split_last_mut() else { return };
    for at in 0..shared.len() {
        let texts: Vec<&str> = shared.iter().map(|row| row.text.as_str()).collect();
        let (text, others) = (texts[at], [&texts[..at], &texts[at + 1..]].concat());
        let all = [&others[..], &[last.text.as_str()]].concat();
        let states = |others: &[&str]| {
            from_text_in_instruction(text, Instruction { task, others }).is_some()
        };
        if !states(&others) && states(&all) && from_text_in_task(text, task).is_none() {
            shared[at].check = None;
        }
    }
}

/// Whether a text is nearly verbatim in another one.
fn is_within(text: &str, source: &str, language: Language) -> bool {
    /// Share of the runs of words that must be in the source.
    const VERBATIM: f64 = 0.9;
    if normal(source).contains(&normal(text)) {
        return true;
    }
    let (own, all) = (runs(text, language), runs(source, language));
    !own.is_empty() && own.intersection(&all).count() as f64 / own.len() as f64 >= VERBATIM
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_constraint_loses_a_check_that_the_changed_one_gives_it() {
        let table = Some(Constraint::from_parts("table", "{}").expect("a table"));
        let row = |text: &str, check: &Option<Constraint>| {
            constraint_row(text.to_owned(), Dimension::OutputFormat, check.as_ref())
        };
        let task = "解释执行计划缓存";
        let contents = row("需要包含以下技术细节：大小、周期", &None);
        let mut rows = [row("技术细节以表格形式呈现", &table), contents.clone()];
        forget_changed(task, &mut rows);
        assert_eq!(rows[0].check, None);
        // Another shared constraint asks for the same.
        let mut rows = [row("技术细节以表格形式呈现", &table), contents, row("语言简洁", &None)];
        forget_changed(task, &mut rows);
        assert!(rows[0].check.is_some());
        // The text states its check alone.
        let mut rows = [row("信息以表格形式呈现", &table), row("语言简洁", &None)];
        forget_changed(task, &mut rows);
        assert!(rows[0].check.is_some());
    }
}
