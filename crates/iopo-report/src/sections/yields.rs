//! What came out of a data stage, from its counts; generic, since the names say what they belong to.

use std::collections::BTreeMap;

use iopo_schema::MetricRow;
use minijinja::Value;
use serde::Serialize;

use crate::format;
use crate::svg::{Bar, bars, label_width};

/// Bars of one group at most; the rest is summed up.
const MOST_BARS: usize = 30;

/// The counts of a stage.
#[derive(Debug, Serialize)]
pub(crate) struct Yields {
    /// Numbers that belong to no group.
    totals: Vec<Total>,
    /// Numbers that share a prefix.
    groups: Vec<Group>,
}

#[derive(Debug, Serialize)]
struct Total {
    name: String,
    shown: String,
}

#[derive(Debug, Serialize)]
struct Group {
    title: String,
    picture: Value,
    rest: String,
}

/// What a prefix means; any other is shown by its own name.
fn title(prefix: &str) -> String {
    match prefix {
        "yield" => "Yield".to_owned(),
        "dropped" => "Dropped, by reason".to_owned(),
        "type" => "Constraint types".to_owned(),
        "dimension" => "Dimensions".to_owned(),
        "kind" => "Constraint kinds".to_owned(),
        "split" => "Groups by split".to_owned(),
        "constraints" => "Constraints an instruction".to_owned(),
        other => readable(other),
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
        for row in rows {
            match row.name.split_once('/') {
                None => totals
                    .push(Total { name: readable(&row.name), shown: shown(&row.name, row.value) }),
                Some((prefix, rest)) => groups.entry(prefix).or_default().push((rest, row.value)),
            }
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        let rank = |prefix: &str| {
            let order = ["yield", "dropped", "split", "type", "kind", "dimension"];
            order.iter().position(|known| *known == prefix).unwrap_or(order.len())
        };
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
    let bar = |(name, value): &(&str, f64)| Bar {
        label: name.replace('/', " · ").replace('_', " "),
        shown: shown(&format!("{prefix}/{name}"), *value),
        colour: "plain".to_owned(),
        value: *value,
        interval: None,
    };
    let drawn: Vec<Bar> = rows.iter().map(bar).collect();
    let title = title(prefix);
    let rest = match rest.len() {
        0 => String::new(),
        count => {
            let sum: f64 = rest.iter().map(|row| row.1).sum();
            format!("and {count} more, together {}", format::number(sum))
        }
    };
    Group {
        picture: Value::from_safe_string(bars(&title, &drawn, most, label_width(&drawn))),
        title,
        rest,
    }
}
