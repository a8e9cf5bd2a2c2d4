//! A seed on its way through the recipe.

use iopo_constraints::{Constraint, Dimension};
use iopo_judge::{Language, fence};
use iopo_schema::{
    CheckRow, ConstraintRow, InstructionRow, Operation, VerdictRow, content_id, render_rows,
};

use super::ask::Mark;
use super::step::Refusal;
use crate::Task;

/// A response with a verdict for each constraint of its instruction.
#[derive(Debug, Clone)]
pub(crate) struct Rated {
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) verdicts: Vec<VerdictRow>,
}

/// One task with everything that the recipe has made of it.
#[derive(Debug)]
pub(crate) struct Seed<'a> {
    pub(crate) task: &'a Task,
    pub(crate) language: Language,
    /// Why the seed is dropped.
    pub(crate) dropped: Option<Refusal>,
    /// Hash of all requests and answers so far.
    pub(crate) answers: String,
    /// The number of constraints that are asked for.
    pub(crate) number: usize,
    /// The kinds of constraints that are offered.
    pub(crate) offered: Vec<Dimension>,
    pub(crate) expanded: String,
    /// How the second instruction differs.
    pub(crate) operation: Operation,
    pub(crate) x1: Option<InstructionRow>,
    pub(crate) y1: Option<Rated>,
    pub(crate) x2: Option<InstructionRow>,
    pub(crate) y2: Option<Rated>,
}

impl<'a> Seed<'a> {
    pub(crate) fn new(task: &'a Task, language: Language) -> Self {
        Self {
            task,
            language,
            dropped: None,
            answers: String::new(),
            number: 1,
            offered: Vec::new(),
            expanded: String::new(),
            operation: Operation::Revise,
            x1: None,
            y1: None,
            x2: None,
            y2: None,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.dropped.is_none()
    }

    /// Adds the requests and answers behind a result.
    pub(crate) fn mark(&mut self, mark: &Mark) {
        self.answers = content_id(&[&self.answers, &mark.answers]);
    }

    /// Returns one of the two instructions.
    pub(crate) fn instruction(&self, second: bool) -> Option<&InstructionRow> {
        if second { self.x2.as_ref() } else { self.x1.as_ref() }
    }

    /// Creates an instruction of the task with constraints.
    pub(crate) fn row(
        &self,
        task: String,
        constraints: Vec<ConstraintRow>,
        input: Option<String>,
    ) -> InstructionRow {
        let prompt = render_rows(&task, &constraints, input.as_deref());
        InstructionRow {
            id: content_id(&["instruction", &self.task.id, &prompt]),
            task_id: self.task.id.clone(),
            task,
            input,
            constraints,
            prompt,
            language: self.language.id().to_owned(),
        }
    }
}

/// The parts of an instruction in fences, for the slots of templates.
#[derive(Debug)]
pub(crate) struct Fenced {
    pub(crate) task: String,
    pub(crate) constraints: String,
    pub(crate) input: String,
}

impl Fenced {
    pub(crate) fn new(row: &InstructionRow, constraints: &[ConstraintRow]) -> Self {
        let numbered = constraints.iter().enumerate();
        let lines: Vec<String> =
            numbered.map(|(at, row)| format!("[{}] {}", at + 1, row.text)).collect();
        Self {
            task: fence(&row.task),
            constraints: fence(&lines.join("\n")),
            input: fence(row.input.as_deref().unwrap_or("NULL")),
        }
    }
}

/// Creates the row of a constraint that keeps its own sentence.
pub(crate) fn constraint_row(
    text: String,
    dimension: Dimension,
    check: Option<&Constraint>,
) -> ConstraintRow {
    ConstraintRow {
        text,
        constraint_type: dimension.constraint_type().english().to_owned(),
        dimension: dimension.english().to_owned(),
        check: check.map(|constraint| CheckRow {
            id: constraint.kind().id().to_owned(),
            params: constraint.params_json(),
        }),
    }
}

/// Returns the checker of a constraint, if it has one.
pub(crate) fn check_of(row: &ConstraintRow) -> Option<Constraint> {
    row.constraint().and_then(Result::ok)
}

/// Whether a constraint asks for other languages, so that its instruction may contain them.
pub(crate) fn is_multilingual(row: &ConstraintRow) -> bool {
    row.dimension == Dimension::Multilingual.english()
}
