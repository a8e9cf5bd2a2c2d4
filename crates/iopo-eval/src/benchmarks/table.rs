//! The accuracies of a benchmark as text.

use std::collections::BTreeMap;
use std::fmt::Write;

use iopo_schema::{ScoreRow, Subset, SummaryRow};

use super::BenchmarkReport;
use super::accuracies::find;
use crate::observe::Strictness;

/// Renders the accuracies over all, seen, near and unseen types, then one line per type.
///
/// Types without a check come last.
pub fn render(report: &BenchmarkReport) -> String {
    let BenchmarkReport { title, model, accuracies: rows, scores, unsupported } = report;
    let mut out = format!("{title}, {model}\n\n");
    let _ = writeln!(out, "{:42} {:>5}  {:22} loose", "", "n", "strict");
    let decided: Vec<&ScoreRow> = scores.iter().filter(|score| score.strict.is_some()).collect();
    let seen = decided.iter().filter(|score| score.seen).count();
    let near = decided.iter().filter(|score| is_near(score)).count();
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
        line(&mut out, &format!("prompt accuracy{name}"), count, [strict, loose]);
        let cells = instructions(rows, &subset);
        line(&mut out, &format!("instruction accuracy{name}"), constraints, cells);
    }
    out.push('\n');
    let mut types: BTreeMap<&str, (usize, &ScoreRow)> = BTreeMap::new();
    for score in decided {
        let entry = types.entry(&score.instruction_id).or_insert((0, score));
        entry.0 += 1;
    }
    for (id, (count, score)) in types {
        let cells = instructions(rows, &Subset::Kind(id.to_owned()));
        let (_, short) = id.split_once(':').unwrap_or(("", id));
        let mark = match score {
            score if score.seen => "",
            score if is_near(score) => " (near)",
            _ => " (unseen)",
        };
        line(&mut out, &format!("{short}{mark}"), count, cells);
    }
    if !unsupported.is_empty() {
        out.push_str(
            "\nnot checked (types of another benchmark; their prompts are excluded from prompt accuracy):\n",
        );
        for (id, count) in unsupported {
            let _ = writeln!(out, "{id:42} {count:>5}");
        }
    }
    out.trim_end().to_owned()
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
