//! A sample of the preference groups with their truth tables.

use iopo_schema::{ConstraintRow, Method, PreferenceRow, VerdictRow};
use serde::Serialize;

use crate::format;

const SHOWN: usize = 12;

/// The sampled groups.
#[derive(Debug, Serialize)]
pub(crate) struct Groups {
    total: String,
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Group {
    id: String,
    kind: &'static str,
    operation: &'static str,
    split: &'static str,
    edited: bool,
    proved: bool,
    task: String,
    input: Option<String>,
    sides: [Side; 2],
    /// Rows of the truth table, x1 and x2, each with the cells of y1 and y2.
    truth: [Line; 2],
}

/// An instruction and the response that follows it.
#[derive(Debug, Serialize)]
struct Side {
    x: &'static str,
    y: &'static str,
    constraints: Vec<Shown>,
    response: String,
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
    pub(crate) fn of(rows: &[PreferenceRow]) -> Self {
        let mut sorted: Vec<&PreferenceRow> = rows.iter().collect();
        sorted.sort_by(|left, right| left.id.cmp(&right.id));
        let count = sorted.len().min(SHOWN);
        let groups = (0..count).map(|index| group(sorted[index * sorted.len() / count])).collect();
        Self { total: format::number(rows.len() as f64), groups }
    }
}

fn group(row: &PreferenceRow) -> Group {
    let proof = &row.proof;
    let all = [&proof.x1y1, &proof.x1y2, &proof.x2y1, &proof.x2y2];
    Group {
        id: row.id.chars().take(12).collect(),
        kind: row.kind.as_str(),
        operation: row.operation.as_str(),
        split: row.split.as_str(),
        edited: row.has_edit(),
        proved: all.into_iter().flatten().all(|verdict| verdict.method == Method::Code),
        task: row.task.clone(),
        input: row.input.clone(),
        sides: [
            side("x1", "y1", &row.x1_constraints, &row.removed, &row.y1),
            side("x2", "y2", &row.x2_constraints, &row.added, &row.y2),
        ],
        truth: [
            line("x1", [&proof.x1y1, &proof.x1y2], &row.x1_constraints),
            line("x2", [&proof.x2y1, &proof.x2y2], &row.x2_constraints),
        ],
    }
}

fn side(
    x: &'static str,
    y: &'static str,
    constraints: &[ConstraintRow],
    changed: &[ConstraintRow],
    response: &str,
) -> Side {
    let shown = |constraint: &ConstraintRow| Shown {
        text: constraint.text.clone(),
        changed: changed.contains(constraint),
    };
    Side {
        x,
        y,
        constraints: constraints.iter().map(shown).collect(),
        response: response.to_owned(),
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
