//! The accuracies of a benchmark as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use iopo_schema::{ScoreRow, Subset, SummaryRow};

use super::BenchmarkReport;
use super::accuracies::find;
use super::in_memory::responder;
use crate::error::classified;
use crate::observe::{Strictness, group};
use crate::score::NO_RESPONSE;

/// Renders the accuracies over all, seen, near and unseen types, then one line per group and type.
///
/// Constraints without a verdict come last.
pub fn render(report: &BenchmarkReport) -> String {
    let BenchmarkReport { title, model, accuracies: rows, scores, .. } = report;
    let mut out = format!("{title}, {}\n\n", responder(model));
    let _ = writeln!(out, "{:42} {:>5}  {:22} loose", "", "n", "strict");
    let decided: Vec<&ScoreRow> = scores.iter().filter(|score| score.strict.is_some()).collect();
    let seen = decided.iter().filter(|score| score.seen).count();
    let near = decided.iter().filter(|score| is_near(score)).count();
    // Prompts of one subset only.
    let mut single = 0;
    let mut prompts = 0;
    for (subset, name, constraints) in [
        (Subset::All, "", decided.len()),
        (Subset::Seen, ", types seen in synthesis", seen),
        (Subset::Near, ", types near to seen ones", near),
        (Subset::Unseen, ", unseen types", decided.len() - seen - near),
    ] {
        if subset == Subset::Near && near == 0 {
            continue;
        }
        let [strict, loose] = [Strictness::Strict, Strictness::Loose]
            .map(|strictness| find(rows, strictness.prompt_metric(), &subset));
        let count = strict.map_or(0, |row| row.n as usize);
        if subset == Subset::All {
            prompts = count;
        } else {
            single += count;
        }
        line(&mut out, &format!("prompt accuracy{name}"), count, [strict, loose]);
        let cells = instructions(rows, &subset);
        line(&mut out, &format!("instruction accuracy{name}"), constraints, cells);
    }
    if let Some(mixed) = prompts.checked_sub(single).filter(|mixed| *mixed > 0) {
        let name = "prompts that mix these types";
        let _ = writeln!(out, "{name:42} {mixed:>5}  counted in the first row only");
    }
    out.push('\n');
    let mut types: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    for score in decided {
        let id = score.instruction_id.as_str();
        if let Some(group) = group(id) {
            types.entry(group).or_insert((0, "")).0 += 1;
        }
        types.entry(id).or_insert((0, mark(score))).0 += 1;
    }
    for (id, (count, mark)) in types {
        let cells = instructions(rows, &Subset::Kind(id.to_owned()));
        let name = match id.split_once(':') {
            Some((_, short)) => format!("  {short}{mark}"),
            None => format!("{id}{mark}"),
        };
        line(&mut out, &name, count, cells);
    }
    out.push_str(&undecided(scores));
    let failed: usize = report.failed.values().sum();
    if failed > 0 {
        let (prompts, classes) = (report.prompts, classified(&report.failed));
        let _ = writeln!(
            out,
            "\n{failed} of {prompts} requests failed ({classes}); their prompts are in no accuracy"
        );
    }
    out.trim_end().to_owned()
}

/// Lists the constraints without a verdict, by type and reason.
fn undecided(scores: &[ScoreRow]) -> String {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for score in scores.iter().filter(|score| score.strict.is_none()) {
        let reason = score.error.as_deref().unwrap_or_default();
        if reason.starts_with(NO_RESPONSE) {
            continue;
        }
        *counts.entry((&score.instruction_id, reason)).or_insert(0) += 1;
    }
    if counts.is_empty() {
        return String::new();
    }
    let mut out = "\nno verdict (the prompts are excluded from prompt accuracy):\n".to_owned();
    for ((id, reason), count) in counts {
        let _ = writeln!(out, "{id:42} {count:>5}  {reason}");
    }
    out
}

/// Marks a type that training has not seen.
fn mark(score: &ScoreRow) -> &'static str {
    match score {
        score if score.seen => "",
        score if is_near(score) => " (near)",
        _ => " (unseen)",
    }
}

fn is_near(score: &ScoreRow) -> bool {
    !score.seen && score.near == Some(true)
}

/// Finds the strict and the loose instruction accuracy of a subset.
fn instructions<'a>(rows: &'a [SummaryRow], subset: &Subset) -> [Option<&'a SummaryRow>; 2] {
    [Strictness::Strict, Strictness::Loose]
        .map(|strictness| find(rows, strictness.instruction_metric(), subset))
}

fn line(out: &mut String, name: &str, count: usize, [strict, loose]: [Option<&SummaryRow>; 2]) {
    let _ = writeln!(out, "{name:42} {count:>5}  {:22} {}", cell(strict), cell(loose));
}

/// Formats an accuracy in percent with its interval.
fn cell(row: Option<&SummaryRow>) -> String {
    match row {
        Some(row) if row.low.is_finite() && row.high.is_finite() => {
            let [value, low, high] = [row.value, row.low, row.high].map(|share| share * 100.0);
            format!("{value:5.1} [{low:.1}, {high:.1}]")
        }
        Some(row) if row.value.is_finite() => format!("{:5.1}", row.value * 100.0),
        _ => "    –".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use iopo_schema::{Subset, SummaryMetric, SummaryRow};

    use super::cell;

    #[test]
    fn accuracies_are_percentages_with_their_interval() {
        let row = |value, low| SummaryRow {
            model: "m".to_owned(),
            baseline: None,
            metric: SummaryMetric::PromptAccuracyStrict,
            subset: Subset::All,
            value,
            low,
            high: 0.75,
            n: 4,
        };
        assert_eq!(cell(Some(&row(0.5, 0.25))), " 50.0 [25.0, 75.0]");
        assert_eq!(cell(Some(&row(1.0, f64::NAN))), "100.0");
        assert_eq!(cell(Some(&row(f64::NAN, f64::NAN))), "    –");
        assert_eq!(cell(None), "    –");
    }
}
