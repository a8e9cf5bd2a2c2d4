//! A sample of the preference groups with their truth tables.

use iopo_schema::{ConstraintRow, Method, Operation, PreferenceRow, ResponseSource, VerdictRow};
use serde::Serialize;

use super::edit::{Piece, marked};
use crate::format;

const SHOWN: usize = 12;

/// The sampled groups.
#[derive(Debug, Serialize)]
pub(crate) struct Groups {
    /// The model that was trained on them, after a later round; empty for the run's groups.
    model: String,
    total: String,
    rows: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    id: String,
    kind: &'static str,
    /// Empty for a pair.
    operation: &'static str,
    split: &'static str,
    edited: bool,
    proved: bool,
    task: String,
    input: Option<String>,
    sides: [Side; 2],
    /// Rows of the truth table: x1 and, except in a pair, x2. Each row has the cells of y1 and y2.
    truth: Vec<Line>,
}

/// An instruction and the response that follows it, or the rejected response of a pair, without an instruction.
#[derive(Debug, Serialize)]
struct Side {
    /// Empty if the side has no instruction.
    x: &'static str,
    y: &'static str,
    constraints: Vec<Shown>,
    /// How the response was made.
    source: &'static str,
    /// The response in pieces, with those marked that the edit added.
    response: Vec<Piece>,
    /// The text before the edit, with those pieces marked that the edit removed; empty if there was no edit.
    original: Vec<Piece>,
}

#[derive(Debug, Serialize)]
struct Shown {
    text: String,
    /// Whether the other instruction lacks the constraint.
    changed: bool,
}

#[derive(Debug, Serialize)]
struct Line {
    x: &'static str,
    cells: [Truth; 2],
}

#[derive(Debug, Serialize)]
struct Truth {
    y: &'static str,
    holds: bool,
    verdicts: Vec<CheckedConstraint>,
}

#[derive(Debug, Serialize)]
struct CheckedConstraint {
    holds: bool,
    constraint: String,
    evidence: String,
}

impl Groups {
    /// Samples groups at even distances by id, so every report of the run shows the same ones.
    pub(crate) fn of(model: &str, rows: &[PreferenceRow]) -> Self {
        let mut sorted: Vec<&PreferenceRow> = rows.iter().collect();
        sorted.sort_by(|left, right| left.id.cmp(&right.id));
        let count = sorted.len().min(SHOWN);
        let shown = (0..count).map(|index| group(sorted[index * sorted.len() / count])).collect();
        Self { model: model.to_owned(), total: format::number(rows.len() as f64), rows: shown }
    }
}

fn group(row: &PreferenceRow) -> Group {
    let proof = &row.proof;
    let all = [&proof.x1y1, &proof.x1y2, &proof.x2y1, &proof.x2y2];
    let names = if row.is_pair() {
        [["prompt", "y1, chosen"], ["", "y2, rejected"]]
    } else {
        [["x1", "y1"], ["x2", "y2"]]
    };
    let second = || line("x2", [&proof.x2y1, &proof.x2y2], &row.x2_constraints);
    let first = line("x1", [&proof.x1y1, &proof.x1y2], &row.x1_constraints);
    Group {
        id: row.id.chars().take(12).collect(),
        kind: row.kind.as_str(),
        operation: row.operation.map_or("", Operation::as_str),
        split: row.split.as_str(),
        edited: row.has_edit(),
        proved: all.into_iter().flatten().all(|verdict| verdict.method == Method::Code),
        task: row.task.clone(),
        input: row.input.clone(),
        sides: [
            side(
                names[0],
                (&row.x1_constraints, &row.removed),
                (row.y1_source, &row.y1, row.y1_original.as_deref()),
            ),
            side(
                names[1],
                (&row.x2_constraints, &row.added),
                (row.y2_source, &row.y2, row.y2_original.as_deref()),
            ),
        ],
        truth: std::iter::once(first).chain((!row.is_pair()).then(second)).collect(),
    }
}

fn side(
    [x, y]: [&'static str; 2],
    (constraints, changed): (&[ConstraintRow], &[ConstraintRow]),
    (source, response, original): (ResponseSource, &str, Option<&str>),
) -> Side {
    let shown = |constraint: &ConstraintRow| Shown {
        text: constraint.text.clone(),
        changed: changed.contains(constraint),
    };
    let (response, original) = match original {
        Some(original) => marked(original, response),
        None => (vec![Piece { text: response.to_owned(), changed: false }], Vec::new()),
    };
    Side {
        x,
        y,
        constraints: constraints.iter().map(shown).collect(),
        source: source.as_str(),
        response,
        original,
    }
}

fn line(x: &'static str, verdicts: [&Vec<VerdictRow>; 2], constraints: &[ConstraintRow]) -> Line {
    let truth = |y: &'static str, verdicts: &[VerdictRow]| Truth {
        y,
        holds: verdicts.iter().all(|verdict| verdict.satisfied),
        verdicts: verdicts
            .iter()
            .enumerate()
            .map(|(index, verdict)| CheckedConstraint {
                holds: verdict.satisfied,
                constraint: constraints
                    .get(index)
                    .map_or_else(String::new, |constraint| constraint.text.clone()),
                evidence: verdict.evidence.clone(),
            })
            .collect(),
    };
    Line { x, cells: [truth("y1", verdicts[0]), truth("y2", verdicts[1])] }
}
