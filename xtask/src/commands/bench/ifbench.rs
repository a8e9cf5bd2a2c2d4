//! `cargo xtask bench --ifbench RESPONSES`: the checks of IFBench, and those of the Python package in the same run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::document::publish;
use super::{Args, dir, machine};
use crate::cargo::{cargo, output, root, run as run_command, say, works};

/// Passes of each side in a round, after one that warms up.
const PASSES: [&str; 2] = ["10", "3"];
/// The type that needs the tagger's table, which both sides leave out without it.
const TAGGED: &str = "words:start_verb";

/// What a side says in a round.
#[derive(Debug, Clone)]
struct Said {
    responses: usize,
    /// The clock: `processor` or `wall`.
    clock: String,
    /// Seconds of each pass.
    seconds: Vec<f64>,
    /// The strict and the loose verdict on every instruction, in the order of the file; none without a check.
    verdicts: Vec<Option<(bool, bool)>>,
    versions: Vec<String>,
}

impl Said {
    fn read(line: &str) -> serde_json::Result<Self> {
        let mut said: Value = serde_json::from_str(line)?;
        let mut field = |name| take(&mut said, name);
        let versions = match field("versions") {
            Value::Null => Vec::new(),
            versions => serde_json::from_value(versions)?,
        };
        Ok(Self {
            responses: serde_json::from_value(field("responses"))?,
            clock: serde_json::from_value(field("clock"))?,
            seconds: serde_json::from_value(field("seconds"))?,
            verdicts: serde_json::from_value(field("verdicts"))?,
            versions,
        })
    }
}

/// Returns the types of the instructions of a line of the file.
fn types_of(line: &str) -> serde_json::Result<Vec<String>> {
    let mut row: Value = serde_json::from_str(line)?;
    serde_json::from_value(take(&mut row, "instruction_id_list"))
}

/// Takes a field out of a value. Null if the value is no object or lacks the field.
fn take(value: &mut Value, name: &str) -> Value {
    value.get_mut(name).map(Value::take).unwrap_or_default()
}

/// Times both sides in turns, and writes a table.
pub(super) fn run(args: &Args, responses: &Path) -> Result<()> {
    let responses = fs::canonicalize(responses)
        .with_context(|| format!("failed to find {}", responses.display()))?;
    let text = fs::read_to_string(&responses)
        .with_context(|| format!("failed to read {}", responses.display()))?;
    let asked: Vec<Vec<String>> = text
        .lines()
        .map(types_of)
        .collect::<Result<_, _>>()
        .with_context(|| format!("failed to parse {}", responses.display()))?;
    let types: Vec<&str> = asked.iter().flatten().map(String::as_str).collect();
    let python = python()?;
    let script = root().join("fixtures").join("ifbench").join("time_reference.py");
    let rounds = if args.quick { 1 } else { args.rounds.max(1) };
    let passes = if args.quick { ["2", "1"] } else { PASSES };
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let mut example =
            cargo(&["run", "--quiet", "--release", "--package", "iopo-constraints", "--example"]);
        let own = said(example.args(["time_ifbench", "--"]).arg(&responses).arg(passes[0]))?;
        let mut reference = Command::new(&python);
        reference.arg(&script).arg(&responses).arg(passes[1]).arg(&own.clock);
        let is_tagged =
            |(name, verdict): (&&str, &Option<(bool, bool)>)| *name == TAGGED && verdict.is_none();
        if types.iter().zip(&own.verdicts).any(is_tagged) {
            reference.arg(TAGGED);
        }
        theirs.push(said(&mut reference)?);
        ours.push(own);
    }
    let text = page(&types, &ours, &theirs)?;
    say(&text);
    if args.quick { Ok(()) } else { publish("ifbench", &text) }
}

/// Describes the measurement and its result.
fn page(types: &[&str], ours: &[Said], theirs: &[Said]) -> Result<String> {
    let (Some(own), Some(other)) = (ours.first(), theirs.first()) else { bail!("no round") };
    let about = format!(
        "{}; `cargo xtask bench --ifbench`: {} responses with {} instructions, each prepared, then decided strictly and loosely on one \
         core by both sides; parsing JSON excluded. {} rounds in turns, each with a pass to warm up, then {} timed passes of ten \
         repetitions (iopo) and {} (Python); \
         medians of the rounds' medians of {} time, ranges over rounds. iopo {}, rules of commit db69a6f; {}.",
        machine::describe(),
        own.responses,
        types.len(),
        ours.len(),
        own.seconds.len(),
        other.seconds.len(),
        own.clock,
        env!("CARGO_PKG_VERSION"),
        other.versions.join(", "),
    );
    Ok(format!("{about}\n\n{}\n{}", table(ours, theirs), differences(types, own, other)?))
}

/// Creates the environment of the published checks, or installs the packages that are missing.
fn python() -> Result<PathBuf> {
    let venv = dir().join("ifbench-venv");
    let inside = if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" };
    let program = venv.join(inside);
    if !works(Command::new(&program).args(["-m", "pip", "--version"])) {
        fs::create_dir_all(dir()).context("failed to create the directory of the measurements")?;
        run_command(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
    }
    let requirements = root().join("fixtures").join("ifbench").join("requirements.txt");
    let mut pip = Command::new(&program);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
    run_command(pip.arg(requirements))?;
    Ok(program)
}

/// Runs a side and reads the last line of its output.
fn said(command: &mut Command) -> Result<Said> {
    let text = output(command)?;
    let line = text.lines().last().unwrap_or_default();
    let said = Said::read(line)
        .with_context(|| format!("found `{line:.80}`, expected the result as JSON"))?;
    if said.seconds.is_empty() {
        bail!("found no timed pass");
    }
    Ok(said)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    if values.len() % 2 == 1 {
        values[middle]
    } else {
        f64::midpoint(values[middle - 1], values[middle])
    }
}

/// Tabulates the median of the rounds of each side with its range, and the ratio of each round.
fn table(ours: &[Said], theirs: &[Said]) -> String {
    let medians = |side: &[Said]| -> Vec<f64> {
        side.iter().map(|round| median(round.seconds.clone())).collect()
    };
    let (ours, theirs) = (medians(ours), medians(theirs));
    let ratios: Vec<f64> = ours.iter().zip(&theirs).map(|(one, two)| two / one).collect();
    let cell = |values: &[f64], scale: f64, digits: usize| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        let [middle, low, high] = [median(values.to_vec()), low, high].map(|one| one * scale);
        format!("{middle:.digits$} ({low:.digits$}–{high:.digits$})")
    };
    format!(
        "| | iopo | Python | Python / iopo |\n|---|---:|---:|---:|\n| all responses | {} ms | {} ms | {} |\n",
        cell(&ours, 1e3, 2),
        cell(&theirs, 1e3, 0),
        cell(&ratios, 1.0, 0),
    )
}

/// Names the types whose verdicts differ between the sides, and those that have none.
fn differences(types: &[&str], ours: &Said, theirs: &Said) -> Result<String> {
    let (found, other) = (ours.verdicts.len(), theirs.verdicts.len());
    if ours.clock != theirs.clock {
        bail!("the sides have other clocks: {} and {}", ours.clock, theirs.clock);
    }
    if found != types.len() || other != types.len() || ours.responses != theirs.responses {
        bail!("the sides decided {found} and {other} instructions, expected {}", types.len());
    }
    let (mut undecided, mut decided) = (BTreeMap::new(), 0_usize);
    let mut differing: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    for (name, pair) in types.iter().zip(ours.verdicts.iter().zip(&theirs.verdicts)) {
        let (Some(own), Some(other)) = pair else {
            if pair.0.is_some() != pair.1.is_some() {
                bail!("only one side decides an instruction of type {name}");
            }
            *undecided.entry(*name).or_insert(0_usize) += 1;
            continue;
        };
        decided += 1;
        if own != other {
            let counts = differing.entry(name).or_default();
            counts[0] += usize::from(own.0 != other.0);
            counts[1] += usize::from(own.1 != other.1);
        }
    }
    let sums = |side: &Said| {
        let verdicts = || side.verdicts.iter().flatten();
        (verdicts().filter(|one| one.0).count(), verdicts().filter(|one| one.1).count())
    };
    let ((strict, loose), (their_strict, their_loose)) = (sums(ours), sums(theirs));
    let mut text = format!(
        "Of {decided} instructions, {strict} hold strictly and {loose} loosely by iopo, {their_strict} and {their_loose} by the Python checks."
    );
    if !differing.is_empty() {
        let one = |(name, [strict, loose]): (&&str, &[usize; 2])| {
            format!("`{name}` ({strict} strict, {loose} loose)")
        };
        let list: Vec<String> = differing.iter().map(one).collect();
        let list = list.join(", ");
        text = format!("{text} Verdicts differ for {list}.");
    }
    if !undecided.is_empty() {
        let list: Vec<String> =
            undecided.iter().map(|(name, count)| format!("`{name}` ({count})")).collect();
        text = format!("{text} Both sides leave out {}.", list.join(", "));
    }
    text.push('\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{Said, differences, median, table, types_of};

    fn said(seconds: &[f64], verdicts: &[Option<(bool, bool)>]) -> Said {
        let (seconds, verdicts) = (seconds.to_vec(), verdicts.to_vec());
        Said { responses: 1, clock: "wall".to_owned(), seconds, verdicts, versions: Vec::new() }
    }

    #[test]
    fn ratios_are_those_of_the_rounds_and_outliers_do_not_count() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(vec![4.0, 1.0]) - 2.5).abs() < 1e-12);
        let table = table(
            &[said(&[0.010, 0.011, 9.0], &[]), said(&[0.020; 3], &[]), said(&[0.010; 3], &[])],
            &[said(&[1.1; 2], &[]), said(&[1.0], &[]), said(&[1.2], &[])],
        );
        assert!(
            table.ends_with(
                "| all responses | 11.00 (10.00–20.00) ms | 1100 (1000–1200) ms | 100 (50–120) |\n"
            ),
            "{table}"
        );
    }

    #[test]
    fn a_line_that_is_no_object_is_an_error() {
        for line in ["[]", "\"a\"", "3", "{}", "null"] {
            assert!(types_of(line).is_err() && Said::read(line).is_err(), "{line}");
        }
        assert_eq!(types_of(r#"{"instruction_id_list": ["a"]}"#).expect("types"), ["a"]);
    }

    #[test]
    fn other_verdicts_are_named_by_type_and_unequal_work_is_an_error() {
        let (yes, no) = (Some((true, true)), Some((false, true)));
        let types = ["a", "b", "b", "c"];
        let ours = said(&[1.0], &[yes, yes, no, None]);
        let text = differences(&types, &ours, &said(&[1.0], &[yes, no, no, None])).expect("text");
        assert_eq!(
            text,
            "Of 3 instructions, 2 hold strictly and 3 loosely by iopo, 1 and 3 by the Python checks. Verdicts differ \
             for `b` (1 strict, 0 loose). Both sides leave out `c` (1).\n"
        );
        let same = differences(&types, &ours, &ours).expect("text");
        assert!(!same.contains("differ"), "{same}");
        assert!(differences(&types, &ours, &said(&[1.0], &[yes, no, no, yes])).is_err());
        assert!(differences(&types, &ours, &said(&[1.0], &[yes, no])).is_err());
    }
}
