//! What `iopo eval ifeval` prints.

use std::collections::BTreeMap;
use std::fmt::Write;

use iopo_constraints::ifeval::Mode;
use iopo_schema::{ScoreRow, SummaryRow};

/// The four accuracies, those over seen and unseen types, and one line a type.
pub(super) fn text(mode: Mode, model: &str, rows: &[SummaryRow], scores: &[ScoreRow]) -> String {
    let mut out = format!("IFEval, {mode} mode, {model}\n\n");
    let _ = writeln!(out, "{:42} {:>5}  {:22} loose", "", "n", "strict");
    for (subset, name) in
        [("all", ""), ("seen", ", types seen in synthesis"), ("unseen", ", unseen types")]
    {
        for of in ["prompt", "instruction"] {
            let strict = find(rows, &format!("{of}_accuracy_strict"), subset);
            let loose = find(rows, &format!("{of}_accuracy_loose"), subset);
            let count = match (of, strict) {
                ("prompt", strict) => strict.map_or(0, |row| row.n as usize),
                _ => scores.iter().filter(|score| belongs(score, subset)).count(),
            };
            line(&mut out, &format!("{of} accuracy{name}"), count, strict, loose);
        }
    }
    out.push('\n');
    let mut types: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for score in scores {
        let entry = types.entry(&score.instruction_id).or_insert((0, score.seen));
        entry.0 += 1;
    }
    for (id, (count, seen)) in types {
        let subset = format!("kind/{id}");
        let strict = find(rows, "instruction_accuracy_strict", &subset);
        let loose = find(rows, "instruction_accuracy_loose", &subset);
        let (_, short) = id.split_once(':').unwrap_or(("", id));
        let mark = if seen { "" } else { " (unseen)" };
        line(&mut out, &format!("{short}{mark}"), count, strict, loose);
    }
    out.trim_end().to_owned()
}

/// The types that were not checked.
pub(super) fn unsupported(types: &BTreeMap<String, usize>) -> String {
    let mut out =
        "\nnot checked (types of another benchmark; their prompts count in no prompt accuracy):"
            .to_owned();
    for (id, count) in types {
        let _ = write!(out, "\n{id:42} {count:>5}");
    }
    out
}

fn belongs(score: &ScoreRow, subset: &str) -> bool {
    match subset {
        "seen" => score.seen,
        "unseen" => !score.seen,
        _ => true,
    }
}

fn find<'a>(rows: &'a [SummaryRow], metric: &str, subset: &str) -> Option<&'a SummaryRow> {
    rows.iter().find(|row| row.metric == metric && row.subset == subset)
}

fn line(
    out: &mut String,
    name: &str,
    count: usize,
    strict: Option<&SummaryRow>,
    loose: Option<&SummaryRow>,
) {
    let _ = writeln!(out, "{name:42} {count:>5}  {:22} {}", cell(strict), cell(loose));
}

/// An accuracy in percent with its interval.
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
    use iopo_schema::SummaryRow;

    use super::cell;

    #[test]
    fn accuracies_are_percentages_with_their_interval() {
        let row = |value, low| SummaryRow {
            model: "m".to_owned(),
            baseline: None,
            metric: "prompt_accuracy_strict".to_owned(),
            subset: "all".to_owned(),
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
