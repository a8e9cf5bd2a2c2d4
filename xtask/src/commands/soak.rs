//! `cargo xtask soak`: the checks of the endpoint engine that take minutes and need an idle machine.

use anyhow::{Result, bail};

use crate::cargo::{cargo, output, say};
use crate::commands::bench::{describe, publish};

/// The checks, which `cargo test` leaves out or which print a figure.
const CHECKS: [&str; 3] = [
    "kill::fifty_kills_lose_nothing",
    "limits::the_throughput_is_within_15_percent_of_the_server_s_own_limit",
    "storm::the_memory_of_a_storm_does_not_grow_with_its_answers",
];
/// Begins a line with a figure: what was measured, the value and its bound, separated by ` | `.
const MARK: &str = "soak: ";

/// Flags of `cargo xtask soak`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only check; do not change docs/benchmarks.md.
    #[arg(long)]
    check: bool,
}

/// Runs the checks one after the other, and writes their figures to `docs/benchmarks.md`.
///
/// # Errors
/// Returns an error if a check fails or prints no figure.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    let mut rows = Vec::new();
    for check in CHECKS {
        let features = ["test", "--release", "-p", "iopo-llm", "--features", "_server"];
        let mut test = cargo(&features);
        let exact = ["--exact", check, "--include-ignored", "--nocapture"];
        let text = output(test.args(["--test", "endpoint", "--"]).args(exact))?;
        let found = figures(&text);
        if found.is_empty() {
            bail!("found no figure of {check}, expected a line that contains `{MARK}`");
        }
        for row in &found {
            say(row);
        }
        rows.extend(found);
    }
    if args.check {
        return Ok(());
    }
    let table = format!("| check | found | bound |\n|---|---|---|\n{}", rows.join("\n"));
    publish("soak", &format!("{}; `cargo xtask soak`.\n\n{table}", describe()))
}

/// Returns the rows of the table in the output of a check.
fn figures(text: &str) -> Vec<String> {
    let rows = text.lines().filter_map(|line| Some(line.split_once(MARK)?.1.trim()));
    rows.map(|row| format!("| {row} |")).collect()
}

#[cfg(test)]
mod tests {
    use super::figures;

    #[test]
    fn the_figures_of_a_check_are_rows() {
        let text = "running 1 test\ntest a ... soak: kills | 7 | at most 9\nok\n";
        assert_eq!(figures(text), ["| kills | 7 | at most 9 |"]);
        assert!(figures("running 1 test\n").is_empty());
    }
}
