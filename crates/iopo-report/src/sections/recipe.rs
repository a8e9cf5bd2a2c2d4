//! The stages of a recipe in which language models write and judge the data: yields, reasons, requests, agreement with code.
//!
//! The counters have the same names in every such recipe. Their members are the stages, in the order of the yields.

use std::collections::BTreeMap;

use iopo_schema::{Breakdown, MetricRow, Total, stats};
use minijinja::Value;
use serde::Serialize;

use super::{Cell, Column, Row, Table};
use crate::format::{number, percent};
use crate::meta::{Roles, Usage};
use crate::svg::bar;

/// Style class of the bars.
const COLOR: &str = "plain";
/// Counters that this section shows, so that the section of the yields leaves them out.
const SHOWN: [&str; 16] = [
    "agreement",
    "agreement_high",
    "agreement_low",
    "agreement_share",
    "asked_again",
    "completion_tokens",
    "distrusted",
    "dropped",
    "entered",
    "failed",
    "known_tokens",
    "passed",
    "prompt_tokens",
    "requests",
    "unknown_tokens",
    "yield",
];

/// The section.
#[derive(Debug, Serialize)]
pub(crate) struct Recipe {
    /// Names of facts with their values: models, requests, cost.
    facts: Vec<(String, String)>,
    /// Sentences that a reader must know.
    warnings: Vec<String>,
    funnel: Table,
    dropped: Option<Table>,
    failed: Option<Table>,
    requests: Option<Table>,
    agreement: Option<Table>,
    /// The share of verdicts by code.
    code: Option<String>,
}

/// Returns whether the counters are those of such a recipe.
pub(crate) fn is_recipe(rows: &[MetricRow]) -> bool {
    rows.iter().any(|row| row.name.starts_with("entered/"))
}

/// Returns whether this section shows a counter.
pub(crate) fn shows(name: &str) -> bool {
    name.split_once('/').is_some_and(|(prefix, _)| SHOWN.contains(&prefix))
}

impl Recipe {
    /// Makes the section; `None` for the counters of another recipe.
    pub(crate) fn of(
        synth: &[MetricRow],
        pairs: Option<&[MetricRow]>,
        roles: Option<&Roles>,
    ) -> Option<Self> {
        if !is_recipe(synth) {
            return None;
        }
        let steps = steps(synth);
        let mut warnings: Vec<String> = Vec::new();
        if roles.is_some_and(|roles| roles.is_same) {
            warnings.push(
                "The writer and the judge are the same model. A model tends to prefer its own answers, so the verdicts \
                 of another judge say more."
                    .to_owned(),
            );
        }
        let off: Vec<String> = members(synth, "distrusted").into_keys().map(readable).collect();
        if !off.is_empty() {
            warnings.push(format!(
                "Judge and code disagreed too often about {}, so the judge decided these kinds from then on.",
                off.join(", ")
            ));
        }
        Some(Self {
            facts: roles.map(facts).unwrap_or_default(),
            warnings,
            funnel: funnel(synth, pairs, &steps),
            dropped: dropped(synth, &steps),
            failed: failed(synth),
            requests: requests(synth, &steps),
            agreement: agreement(synth),
            code: pairs.and_then(code_share),
        })
    }
}

/// Returns the lines of the terminal: yields, main reasons, and agreement. Empty for the counters of another recipe.
pub(crate) fn lines(rows: &[MetricRow]) -> Vec<String> {
    const REASONS: usize = 3;
    if !is_recipe(rows) {
        return Vec::new();
    }
    let mut lines = Vec::new();
    let yields: Vec<String> = steps(rows)
        .into_iter()
        .filter(|step| count(rows, "entered", step) > 0.0)
        .map(|step| format!("{} {} %", readable(step), percent(share_of(rows, step))))
        .collect();
    lines.push(format!("yields: {}", yields.join(", ")));
    let mut reasons: Vec<(&str, f64)> = members(rows, "dropped").into_iter().collect();
    reasons.sort_by(|one, other| other.1.total_cmp(&one.1).then_with(|| one.0.cmp(other.0)));
    if !reasons.is_empty() {
        let more = reasons.len().saturating_sub(REASONS);
        let shown = reasons.iter().take(REASONS);
        let mut listed: Vec<String> =
            shown.map(|(name, value)| format!("{} ({})", readable(name), number(*value))).collect();
        if more > 0 {
            listed.push(format!("{more} more"));
        }
        lines.push(format!("dropped: {}", listed.join(", ")));
    }
    let total = |same: &str| -> f64 {
        let prefix = format!("{same}/");
        let kinds = members(rows, "agreement").into_iter();
        kinds.filter(|(name, _)| name.starts_with(&prefix)).map(|(_, value)| value).sum()
    };
    let (same, different) = (total("same"), total("different"));
    if same + different > 0.0 {
        lines.push(format!(
            "judge against code: {} of {} verdicts agree ({} %)",
            number(same),
            number(same + different),
            percent(same / (same + different))
        ));
    }
    lines
}

/// Lists the stages in the order of the recipe, which is that of the yields.
fn steps(rows: &[MetricRow]) -> Vec<&str> {
    let of = |prefix| rows.iter().filter_map(move |row| row.name.strip_prefix(prefix));
    let mut steps: Vec<&str> = of("yield/").collect();
    // Stages that no task entered have no yield.
    for step in of("entered/").chain(of("requests/")) {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

fn count(rows: &[MetricRow], prefix: &str, member: &str) -> f64 {
    let found = rows.iter().find(|row| {
        row.name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('/')) == Some(member)
    });
    found.map_or(0.0, |row| row.value)
}

fn members<'a>(rows: &'a [MetricRow], prefix: &str) -> BTreeMap<&'a str, f64> {
    let member = |row: &'a MetricRow| {
        let (found, member) = row.name.split_once('/')?;
        (found == prefix).then_some((member, row.value))
    };
    rows.iter().filter_map(member).collect()
}

fn share_of(rows: &[MetricRow], step: &str) -> f64 {
    count(rows, "passed", step) / count(rows, "entered", step).max(1.0)
}

fn readable(name: &str) -> String {
    name.replace('/', " · ").replace(['_', '-'], " ")
}

fn plain(text: impl Into<String>) -> Cell {
    // A picture that is not defined is an error of the template.
    let picture = Value::from_safe_string(String::new());
    Cell { shown: text.into(), picture, ..Cell::default() }
}

/// A cell with a bar.
fn drawn(shown: String, value: f64, most: f64) -> Cell {
    let picture = Value::from_safe_string(bar(value, most, None, COLOR));
    Cell { shown, picture, ..Cell::default() }
}

fn row(name: impl Into<String>, cells: Vec<Cell>) -> Row {
    Row { name: name.into(), detail: String::new(), color: String::new(), cells }
}

/// Makes the table from tasks to groups.
fn funnel(synth: &[MetricRow], pairs: Option<&[MetricRow]>, steps: &[&str]) -> Table {
    let line = |name: String, entered: f64, passed: f64| {
        let share = passed / entered.max(1.0);
        let shown = if entered > 0.0 { format!("{} %", percent(share)) } else { String::new() };
        row(name, vec![plain(number(entered)), plain(number(passed)), drawn(shown, share, 1.0)])
    };
    // A stage that nothing entered says nothing, and has no place in the order of the yields.
    let mut rows: Vec<Row> = steps
        .iter()
        .filter(|step| count(synth, "entered", step) > 0.0)
        .map(|step| {
            line(readable(step), count(synth, "entered", step), count(synth, "passed", step))
        })
        .collect();
    let by_operation = members(synth, "candidates");
    let candidates: f64 = by_operation.values().sum();
    match stats::count(synth, "preferences") {
        0 => {
            let right = count(synth, "table", "right");
            rows.push(line("truth table of a candidate".to_owned(), candidates, right));
        }
        preferences => {
            rows.push(line("preference to candidate".to_owned(), preferences as f64, candidates));
        }
    }
    if let Some(pairs) = pairs {
        // The groups of a run can also come from rewrites, or from responses that only code has checked.
        let own = |name: &str| {
            name.split_once('/').is_some_and(|(operation, _)| by_operation.contains_key(operation))
        };
        let groups = members(pairs, Breakdown::Yield.as_str()).into_iter();
        let groups = groups.filter(|(name, _)| own(name)).map(|(_, value)| value).sum();
        rows.push(line("admission to the groups".to_owned(), candidates, groups));
    }
    // Some recipes start from responses to tasks.
    let started = ["tasks", "seeds"]
        .into_iter()
        .map(|name| (name, stats::count(synth, name)))
        .find(|(_, count)| *count > 0);
    let (name, count) = started.unwrap_or(("tasks", 0));
    let caption = format!(
        "From {} {name} to groups: what enters and passes each stage",
        number(count as f64)
    );
    Table::new(caption, Column::models(&["entered", "passed", "yield"]), rows)
}

/// Makes the table of reasons, by stage.
fn dropped(synth: &[MetricRow], steps: &[&str]) -> Option<Table> {
    let reasons = members(synth, Breakdown::Dropped.as_str());
    let most = reasons.values().copied().fold(0.0, f64::max);
    let mut listed: Vec<(usize, &str, &str, f64)> = Vec::new();
    for (name, value) in reasons {
        let (step, reason) = name.split_once('/').unwrap_or(("", name));
        let rank = steps.iter().position(|known| *known == step).unwrap_or(steps.len());
        listed.push((rank, step, reason, value));
    }
    listed.sort_by(|one, other| {
        one.0.cmp(&other.0).then(other.3.total_cmp(&one.3)).then(one.2.cmp(other.2))
    });
    let rows: Vec<Row> = listed
        .into_iter()
        .map(|(_, step, reason, value)| Row {
            detail: readable(reason),
            ..row(readable(step), vec![drawn(number(value), value, most)])
        })
        .collect();
    let caption = "Tasks and responses dropped, by stage and reason";
    (!rows.is_empty()).then(|| Table::new(caption, Column::models(&["dropped"]), rows))
}

/// Makes the table of failed requests, by class.
fn failed(synth: &[MetricRow]) -> Option<Table> {
    let classes = members(synth, "failed");
    let most = classes.values().copied().fold(0.0, f64::max);
    let rows: Vec<Row> = classes
        .into_iter()
        .map(|(name, value)| row(readable(name), vec![drawn(number(value), value, most)]))
        .collect();
    let caption = "Failed requests, by class";
    (!rows.is_empty()).then(|| Table::new(caption, Column::models(&["requests"]), rows))
}

/// Makes the table of requests and tokens, by stage.
fn requests(synth: &[MetricRow], steps: &[&str]) -> Option<Table> {
    const COLUMNS: [&str; 5] =
        ["requests", "asked_again", "prompt_tokens", "completion_tokens", "unknown_tokens"];
    let values = |step: &str| COLUMNS.map(|column| count(synth, column, step));
    // A server can leave out the numbers of tokens, which are not 0 then.
    let cells = |[requests, again, prompt, new, unknown]: [f64; 5]| {
        let tokens = |value: f64| match unknown > 0.0 {
            _ if value == 0.0 => "unknown".to_owned(),
            true => format!("{}, unknown for {} answers", number(value), number(unknown)),
            false => number(value),
        };
        [number(requests), number(again), tokens(prompt), tokens(new)].map(plain).into()
    };
    let asked: Vec<(&str, [f64; 5])> = steps
        .iter()
        .map(|step| (*step, values(step)))
        .filter(|(_, values)| values[0] > 0.0)
        .collect();
    let mut rows: Vec<Row> =
        asked.iter().map(|(step, values)| row(readable(step), cells(*values))).collect();
    let mut all = [0.0; 5];
    for (_, values) in &asked {
        all.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    rows.push(row("all stages", cells(all)));
    let names = COLUMNS.map(readable);
    let names: Vec<&str> = names.iter().take(4).map(String::as_str).collect();
    let caption = "Requests and tokens, by stage";
    (!asked.is_empty()).then(|| Table::new(caption, Column::models(&names), rows))
}

/// Makes the table of judge against code, by kind.
fn agreement(synth: &[MetricRow]) -> Option<Table> {
    let shares = members(synth, "agreement_share");
    let of = |prefix: &str, kind: &str| count(synth, prefix, kind);
    let rows: Vec<Row> = shares
        .iter()
        .map(|(kind, share)| {
            let same = of("agreement", &format!("same/{kind}"));
            let different = of("agreement", &format!("different/{kind}"));
            let (low, high) = (of("agreement_low", kind), of("agreement_high", kind));
            let interval = format!("{} to {}", percent(low), percent(high));
            let title = format!("interval {interval} %");
            let picture = bar(*share, 1.0, Some(((low, high), title)), COLOR);
            let agreement = Cell {
                shown: percent(*share),
                interval,
                picture: Value::from_safe_string(picture),
                sign: "",
            };
            let off = of("distrusted", kind) > 0.0;
            Row {
                detail: if off { "switched off".to_owned() } else { String::new() },
                ..row(
                    readable(kind),
                    vec![plain(number(same + different)), plain(number(different)), agreement],
                )
            }
        })
        .collect();
    let caption = "Verdicts of the judge against those of code, in %, with the 95 % interval";
    let columns = ["compared", "different", "agreement"];
    (!rows.is_empty()).then(|| Table::new(caption, Column::models(&columns), rows))
}

/// Returns the sentence about the verdicts of the groups.
fn code_share(pairs: &[MetricRow]) -> Option<String> {
    let verdicts = stats::count(pairs, Total::Verdicts.as_str());
    let code = stats::count(pairs, Total::CodeVerdicts.as_str());
    (verdicts > 0).then(|| {
        format!(
            "Code decided {} of the {} verdicts of the groups ({} %); the judge decided the others.",
            number(code as f64),
            number(verdicts as f64),
            percent(code as f64 / verdicts as f64)
        )
    })
}

/// Lists the models of the roles, and what the requests took.
fn facts(roles: &Roles) -> Vec<(String, String)> {
    let named = |models: &[String]| {
        if models.is_empty() { "base model (local)".to_owned() } else { models.join(", ") }
    };
    let mut facts = vec![("Writer", named(&roles.writer)), ("Judge", named(&roles.judge))];
    if !roles.worse.is_empty() {
        facts.insert(1, ("Writer of worse instructions", named(&roles.worse)));
    }
    match &roles.usage {
        Some(usage) => facts.extend(usage_facts(usage, roles)),
        None => facts.push(("Cost", "not recorded".to_owned())),
    }
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn usage_facts(usage: &Usage, roles: &Roles) -> [(&'static str, String); 5] {
    let shown = |value: u64| number(value as f64);
    let tokens = |value: u64| match usage.unknown_tokens {
        0 => shown(value),
        unknown if value == 0 => format!("unknown for {} answers", shown(unknown)),
        unknown => format!("{} and those of {} answers, unknown", shown(value), shown(unknown)),
    };
    [
        ("Answered requests", shown(usage.answered)),
        ("Answers from the store", shown(usage.from_store)),
        ("Prompt tokens", tokens(usage.prompt_tokens)),
        ("Generated tokens", tokens(usage.completion_tokens)),
        ("Cost", cost(usage, roles)),
    ]
}

/// Describes the cost. An unknown cost is not 0.
fn cost(usage: &Usage, roles: &Roles) -> String {
    if [&roles.writer, &roles.judge, &roles.worse].iter().all(|models| models.is_empty()) {
        return "none, the model is local".to_owned();
    }
    let unknown = number(usage.unknown_cost as f64);
    match (&usage.cost, usage.unknown_cost) {
        (Some(cost), 0) => cost.clone(),
        (Some(cost), _) => format!("{cost} and that of {unknown} answers, unknown"),
        (None, 0) => "0".to_owned(),
        (None, _) => format!("unknown for {unknown} answers"),
    }
}

#[cfg(test)]
mod tests {
    use iopo_schema::MetricRow;

    use super::{Recipe, lines};

    /// Counters of a run whose tasks end at the second stage, in the order of the file: counters by name, then yields.
    fn ended_early() -> Vec<MetricRow> {
        let rows = [
            ("agreement/different/max_words", 1.0),
            ("agreement/same/max_words", 3.0),
            ("dropped/expand/lost_task", 10.0),
            ("dropped/expand/shorter", 3.0),
            ("dropped/structure/no_json", 7.0),
            ("entered/complete", 0.0),
            ("entered/expand", 20.0),
            ("entered/structure", 7.0),
            ("passed/complete", 0.0),
            ("passed/expand", 7.0),
            ("passed/structure", 0.0),
            ("requests/expand", 20.0),
            ("requests/structure", 20.0),
            ("tasks", 20.0),
            ("yield/expand", 0.35),
            ("yield/structure", 0.0),
        ];
        rows.map(|(name, value)| MetricRow { step: 0, name: name.to_owned(), value }).to_vec()
    }

    #[test]
    fn the_funnel_has_the_stages_that_a_task_entered() {
        let recipe = Recipe::of(&ended_early(), None, None).expect("a recipe by language models");
        let shown: Vec<(&str, [&str; 3])> = recipe
            .funnel
            .rows
            .iter()
            .map(|row| (row.name.as_str(), [0, 1, 2].map(|cell| row.cells[cell].shown.as_str())))
            .collect();
        let want = [
            ("expand", ["20", "7", "35.0 %"]),
            ("structure", ["7", "0", "0.0 %"]),
            ("truth table of a candidate", ["0", "0", ""]),
        ];
        assert_eq!(shown, want);
    }

    #[test]
    fn the_terminal_has_yields_reasons_and_agreement() {
        let want = [
            "yields: expand 35.0 %, structure 0.0 %",
            "dropped: expand · lost task (10), structure · no json (7), expand · shorter (3)",
            "judge against code: 3 of 4 verdicts agree (75.0 %)",
        ];
        assert_eq!(lines(&ended_early()), want);
    }

    #[test]
    fn the_counters_of_another_recipe_make_no_section() {
        let rows: Vec<MetricRow> =
            ended_early().into_iter().filter(|row| !row.name.starts_with("entered/")).collect();
        assert!(Recipe::of(&rows, None, None).is_none());
        assert!(lines(&rows).is_empty());
    }
}
