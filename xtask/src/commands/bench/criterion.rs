//! The criterion benchmarks of all crates, and one table of their estimates.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::document::publish;
use super::{Args, dir, machine};
use crate::backend::Backend;
use crate::cargo::{cargo, output, say};

/// Runs the selected benchmarks, and tabulates them with the results of earlier runs.
pub(super) fn run(args: &Args) -> Result<()> {
    let home = dir().join(if args.quick { "criterion-quick" } else { "criterion" });
    // Results of earlier runs are kept only if `--only` repeats some benchmarks.
    if home.exists() && (args.only.is_empty() || args.fresh || args.quick) {
        fs::remove_dir_all(&home).with_context(|| format!("failed to clear {}", home.display()))?;
    }
    fs::create_dir_all(&home).with_context(|| format!("failed to create {}", home.display()))?;
    let mut command = bench_command()?;
    command.args(["--", "--noplot"]).env("CRITERION_HOME", &home);
    if !args.only.is_empty() {
        command.arg(pattern(&args.only));
    }
    if args.quick {
        command.arg("--quick");
    }
    crate::cargo::run(&mut command)?;
    let table = table(&home)?;
    say(&table);
    if args.quick {
        return Ok(());
    }
    publish(
        "criterion",
        &format!(
            "{}; `cargo xtask bench`, features `{}`. Medians of criterion's samples.\n\n{table}",
            machine::describe(),
            Backend::Flex.fastest(),
        ),
    )
}

/// Makes the pattern of criterion, a regular expression, that matches names which contain one of these.
fn pattern(only: &[String]) -> String {
    let escaped = |name: &String| {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '/' | ' ');
        name.chars().map(|c| if plain(c) { c.to_string() } else { format!("\\{c}") }).collect()
    };
    only.iter().map(escaped).collect::<Vec<String>>().join("|")
}

/// Lists the benchmarks in the output of `cargo metadata`, with their packages.
fn benches(metadata: &Value) -> Vec<(String, String)> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut found = Vec::new();
    for package in list(&metadata["packages"]) {
        for target in list(&package["targets"]) {
            if list(&target["kind"]).iter().any(|kind| kind == "bench")
                && let (Some(package), Some(bench)) =
                    (package["name"].as_str(), target["name"].as_str())
            {
                found.push((package.to_owned(), bench.to_owned()));
            }
        }
    }
    found
}

fn bench_command() -> Result<std::process::Command> {
    let metadata = output(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata = serde_json::from_str(&metadata).context("failed to parse `cargo metadata`")?;
    let mut command = cargo(&["bench"]);
    for (package, bench) in benches(&metadata) {
        command.args(["--package", &package, "--bench", &bench]);
    }
    // These enable the features of the other crates.
    let features: Vec<String> =
        Backend::Flex.fastest().split(',').map(|feature| format!("iopo-model/{feature}")).collect();
    command.args(["--features", &features.join(",")]);
    Ok(command)
}

/// One row per benchmark, by name.
fn table(home: &Path) -> Result<String> {
    let mut found = Vec::new();
    collect(home, &mut found)?;
    if found.is_empty() {
        bail!("no benchmark matches the names of --only");
    }
    let mut lines = found.iter().map(|dir| line(dir)).collect::<Result<Vec<(String, String)>>>()?;
    lines.sort();
    let mut table =
        String::from("| bench | median | 95 % interval | per second |\n|---|---:|---|---:|\n");
    for (_, line) in lines {
        // Writing to a string cannot fail.
        let _ = writeln!(table, "{line}");
    }
    Ok(table)
}

/// Directories named `new`, which hold the numbers of the last run.
fn collect(dir: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let what = || format!("failed to read {}", dir.display());
    for entry in fs::read_dir(dir).with_context(what)? {
        let path = entry.with_context(what)?.path();
        if !path.is_dir() {
            continue;
        }
        if path.file_name().is_some_and(|name| name == "new") {
            if path.join("estimates.json").exists() {
                found.push(path);
            }
        } else {
            collect(&path, found)?;
        }
    }
    Ok(())
}

fn json(path: &Path) -> Result<Value> {
    let what = || format!("failed to read {}", path.display());
    serde_json::from_slice(&fs::read(path).with_context(what)?).with_context(what)
}

/// Name of a benchmark and its row of the table.
fn line(dir: &Path) -> Result<(String, String)> {
    let (bench, estimates) =
        (json(&dir.join("benchmark.json"))?, json(&dir.join("estimates.json"))?);
    let median = &estimates["median"];
    let interval = &median["confidence_interval"];
    let number =
        |value: &Value| value.as_f64().with_context(|| format!("no median in {}", dir.display()));
    let (middle, low, high) = (
        number(&median["point_estimate"])?,
        number(&interval["lower_bound"])?,
        number(&interval["upper_bound"])?,
    );
    let name = bench["full_id"].as_str().unwrap_or("?").to_owned();
    let throughput = &bench["throughput"];
    let rate = match (throughput["Elements"].as_f64(), throughput["Bytes"].as_f64()) {
        (Some(elements), _) => counted(elements / middle * 1e9).trim_end().to_owned(),
        (_, Some(bytes)) => format!("{}B", counted(bytes / middle * 1e9)),
        _ => "–".to_owned(),
    };
    let line = format!("| {name} | {} | {}–{} | {rate} |", time(middle), time(low), time(high));
    Ok((name, line))
}

/// Nanoseconds in a readable unit.
fn time(nanoseconds: f64) -> String {
    match nanoseconds {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} µs", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.3} s", ns / 1e9),
    }
}

/// A number in a readable unit, with a space before the unit.
fn counted(number: f64) -> String {
    match number {
        n if n < 1e3 => format!("{n:.1} "),
        n if n < 1e6 => format!("{:.1} k", n / 1e3),
        n if n < 1e9 => format!("{:.1} M", n / 1e6),
        n => format!("{:.1} G", n / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{benches, counted, pattern, time};

    #[test]
    fn every_bench_target_is_run() {
        let target = |kind: &str, name: &str| json!({ "kind": [kind], "name": name });
        let metadata = json!({ "packages": [
            { "name": "a", "targets": [target("lib", "a"), target("bench", "x")] },
            { "name": "b", "targets": [target("bench", "y"), target("bench", "z")] },
        ] });
        let expected = [("a", "x"), ("b", "y"), ("b", "z")];
        let expected = expected.map(|(package, bench)| (package.to_owned(), bench.to_owned()));
        assert_eq!(benches(&metadata), expected);
    }

    #[test]
    fn names_of_only_are_matched_literally() {
        assert_eq!(pattern(&["step/a b".to_owned(), "x.y".to_owned()]), r"step/a b|x\.y");
    }

    #[test]
    fn numbers_have_a_readable_unit() {
        assert_eq!(
            [12.34, 1234.0, 5.6e6, 7.8e9].map(time),
            ["12.3 ns", "1.23 µs", "5.60 ms", "7.800 s"]
        );
        assert_eq!([9.0, 1500.0, 2.5e6, 3e9].map(counted), ["9.0 ", "1.5 k", "2.5 M", "3.0 G"]);
    }
}
