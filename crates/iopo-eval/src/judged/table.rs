//! The metrics of a judged benchmark as text.

use std::fmt::Write;

use iopo_core::text::counted;

use super::metric::{JudgedMetric, Value};
use super::{JudgedBenchmark, JudgedMode, JudgedReport};
use crate::benchmarks::in_memory::{GIVEN, responder};

/// Metrics that are no shares.
const PLAIN: [&str; 3] = ["mean score", "mean rating", "CSL"];

/// Renders the headline and the other metrics over all items, then the tables by subset, then what to know about the judge.
pub(super) fn render(report: &JudgedReport) -> String {
    let (name, subset) = report.benchmark.headline(report.mode);
    let headline = |one: &&JudgedMetric| one.name == name && one.subset == subset;
    let mut out = format!(
        "{}, {}, {}, judged by {}\n\n",
        report.benchmark.title(),
        report.mode.id(),
        responder(&report.model),
        if report.judge == GIVEN { "given answers" } else { &report.judge }
    );
    let is_split = report.metrics.iter().any(|one| one.items != one.judged);
    let heads = if is_split { ["over judged", "unjudged = failed"] } else { ["value", ""] };
    let head = format!("{:42} {:>6} {:>6}  {:22} {}", "", "n", "judged", heads[0], heads[1]);
    let _ = writeln!(out, "{}", head.trim_end());
    let line = |out: &mut String, one: &JudgedMetric| line(out, one, is_split);
    report.metrics.iter().filter(headline).for_each(|one| line(&mut out, one));
    let (all, parts): (Vec<_>, Vec<_>) =
        report.metrics.iter().filter(|one| !headline(one)).partition(|one| one.subset == "all");
    for one in all {
        line(&mut out, one);
    }
    let mut last = "";
    for one in parts.into_iter().filter(|one| one.items != Some(0)) {
        if one.name != last {
            out.push('\n');
        }
        last = one.name;
        line(&mut out, one);
    }
    out.push('\n');
    let missing: usize = report.unjudged.values().sum();
    if missing > 0 {
        let reasons: Vec<String> =
            report.unjudged.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        let reasons = reasons.join(", ");
        let _ = writeln!(out, "{missing} of {} without a verdict ({reasons})", report.questions);
    }
    if !report.absent.is_empty() {
        let absent = report.absent.join(", ");
        let _ = writeln!(out, "no item of the types {absent}, so {name} is over the other types");
    }
    if (report.benchmark, report.mode) == (JudgedBenchmark::FollowBench, JudgedMode::Paper) {
        out.push_str("an answer that cannot be read counts −1, as in the published code\n");
    }
    if report.forged > 0 {
        let _ = writeln!(
            out,
            "found {} with text in the form of a verdict, which can mislead the judge",
            counted(report.forged, "response")
        );
    }
    if report.judges_itself {
        out.push_str("the model judges its own responses, which judges tend to prefer\n");
    }
    let accuracy = match &report.check {
        Some(check) => check.line(report.same_template),
        None => "not measured; `iopo eval judge` measures it".to_owned(),
    };
    let _ = write!(out, "judge accuracy on code-checkable constraints: {accuracy}");
    out
}

fn line(out: &mut String, metric: &JudgedMetric, is_split: bool) {
    let name = match metric.subset.as_str() {
        "all" => metric.name.to_owned(),
        subset => format!("{}, {subset}", metric.name),
    };
    // A Chinese character is two columns wide.
    let wide = name.chars().filter(|c| ('\u{2e80}'..='\u{ffef}').contains(c)).count();
    let pad = 42usize.saturating_sub(name.chars().count() + wide);
    let count = |count: Option<usize>| count.map(|count| count.to_string()).unwrap_or_default();
    let cells = [metric.over_judged, metric.unjudged_as_failed].map(|value| {
        let is_share = !PLAIN.contains(&metric.name);
        cell(value, is_share)
    });
    let (items, judged) = (count(metric.items), count(metric.judged));
    let second = if is_split { cells[1].as_str() } else { "" };
    let text = format!("{name}{:pad$} {items:>6} {judged:>6}  {:22} {second}", "", cells[0]);
    let _ = writeln!(out, "{}", text.trim_end());
}

/// Formats a value with its interval: a share in per cent with one decimal, another number with two.
pub(super) fn cell(value: Value, is_share: bool) -> String {
    let number = |value: f64| {
        if is_share { format!("{:.1}", 100.0 * value) } else { format!("{value:.2}") }
    };
    match value {
        Value { value: Some(value), low: Some(low), high: Some(high) } => {
            format!("{:>5} [{}, {}]", number(value), number(low), number(high))
        }
        Value { value: Some(value), .. } => format!("{:>5}", number(value)),
        Value { value: None, .. } => "    –".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Value, cell};

    #[test]
    fn shares_are_percentages_and_scores_are_not() {
        let value = Value { value: Some(0.5), low: Some(0.25), high: Some(0.75) };
        assert_eq!(cell(value, true), " 50.0 [25.0, 75.0]");
        assert_eq!(cell(value, false), " 0.50 [0.25, 0.75]");
        assert_eq!(cell(Value { low: None, ..value }, true), " 50.0");
        assert_eq!(cell(Value::default(), true), "    –");
    }
}
