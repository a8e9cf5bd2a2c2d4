//! The yield of a data stage, from its counters.

use std::collections::BTreeMap;

use iopo_schema::{Breakdown, MetricRow};
use minijinja::Value;
use serde::Serialize;

use super::{BarRow, Bars, recipe};
use crate::format;
use crate::svg::bar;

/// Maximum number of bars per table; the rest is added up.
const MOST_BARS: usize = 30;
/// Style class of the bars.
const COLOR: &str = "plain";

/// The counts of a stage.
#[derive(Debug, Serialize)]
pub(crate) struct Yields {
    /// Numbers without a breakdown.
    totals: Vec<Total>,
    /// One table per breakdown.
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Total {
    name: String,
    shown: String,
}

#[derive(Debug, Serialize)]
struct Group {
    bars: Bars,
    /// The number and the sum of the counts without a bar.
    rest: String,
}

/// Returns the caption of a breakdown's table; an unknown breakdown is shown by its name.
fn title(prefix: &str) -> String {
    let title = match prefix.parse::<Breakdown>() {
        Ok(Breakdown::Yield) => "Yield",
        Ok(Breakdown::Dropped) => "Dropped, by reason",
        Ok(Breakdown::Contaminated) => "Tasks not used, by the benchmark that they overlap with",
        Ok(Breakdown::Type) => "Constraint types",
        Ok(Breakdown::Dimension) => "Dimensions",
        Ok(Breakdown::Kind) => "Constraint kinds",
        Ok(Breakdown::Split) => "Groups by split",
        Ok(Breakdown::InputPreferences) => {
            "Input preferences: written, by split, or left out, by reason"
        }
        Ok(Breakdown::ConstraintsPerInstruction) => "Constraints per instruction",
        Ok(
            Breakdown::DroppedConstraints
            | Breakdown::DroppedInstructions
            | Breakdown::Unchecked
            | Breakdown::DroppedEdits
            | Breakdown::Trimmed
            | Breakdown::Tasks
            | Breakdown::TasksWithGroups
            | Breakdown::Candidates
            | Breakdown::Changed
            | Breakdown::Reached
            | Breakdown::Recipe
            | Breakdown::Source
            | Breakdown::Edited,
        )
        | Err(_) => return readable(prefix),
    };
    title.to_owned()
}

/// Returns the place of a breakdown's table; unknown breakdowns come last.
fn rank(prefix: &str) -> usize {
    match prefix.parse::<Breakdown>() {
        Ok(Breakdown::Yield) => 0,
        Ok(Breakdown::Dropped | Breakdown::Contaminated) => 1,
        Ok(Breakdown::Split) => 2,
        Ok(Breakdown::Type) => 3,
        Ok(Breakdown::Kind) => 4,
        Ok(Breakdown::Dimension) => 5,
        Ok(
            Breakdown::DroppedConstraints
            | Breakdown::DroppedInstructions
            | Breakdown::Unchecked
            | Breakdown::DroppedEdits
            | Breakdown::Trimmed
            | Breakdown::Tasks
            | Breakdown::TasksWithGroups
            | Breakdown::Candidates
            | Breakdown::Changed
            | Breakdown::Reached
            | Breakdown::Recipe
            | Breakdown::Source
            | Breakdown::Edited
            | Breakdown::InputPreferences
            | Breakdown::ConstraintsPerInstruction,
        )
        | Err(_) => 6,
    }
}

fn readable(name: &str) -> String {
    let mut text = name.replace('_', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

fn shown(name: &str, value: f64) -> String {
    let share = name.ends_with("share") && (0.0..=1.0).contains(&value);
    if share { format!("{} %", format::percent(value)) } else { format::number(value) }
}

impl Yields {
    pub(crate) fn of(rows: &[MetricRow]) -> Self {
        let mut totals = Vec::new();
        let mut groups: BTreeMap<&str, Vec<(&str, f64)>> = BTreeMap::new();
        let is_recipe = recipe::is_recipe(rows);
        for row in rows.iter().filter(|row| !(is_recipe && recipe::shows(&row.name))) {
            match row.name.split_once('/') {
                None => totals
                    .push(Total { name: readable(&row.name), shown: shown(&row.name, row.value) }),
                Some((prefix, rest)) => groups.entry(prefix).or_default().push((rest, row.value)),
            }
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|(prefix, _)| rank(prefix));
        Self {
            totals,
            groups: groups.into_iter().map(|(prefix, rows)| group(prefix, rows)).collect(),
        }
    }
}

fn group(prefix: &str, mut rows: Vec<(&str, f64)>) -> Group {
    rows.sort_by(|left, right| right.1.total_cmp(&left.1).then_with(|| left.0.cmp(right.0)));
    let rest = rows.split_off(rows.len().min(MOST_BARS));
    let most = rows.iter().map(|row| row.1).filter(|value| value.is_finite()).fold(0.0, f64::max);
    let row = |(name, value): &(&str, f64)| BarRow {
        name: name.replace('/', " · ").replace('_', " "),
        color: String::new(),
        shown: shown(&format!("{prefix}/{name}"), *value),
        picture: Value::from_safe_string(bar(*value, most, None, COLOR)),
    };
    Group {
        bars: Bars { caption: title(prefix), rows: rows.iter().map(row).collect() },
        rest: match rest.len() {
            0 => String::new(),
            count => {
                let sum: f64 = rest.iter().map(|row| row.1).sum();
                format!("and {count} more with a total of {}", format::number(sum))
            }
        },
    }
}
