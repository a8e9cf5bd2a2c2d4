//! Runs the commands of `docs/usage.md` in order and compares their output with the page.
#![cfg(unix)]

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

use common::{finish, iopo};

/// A code block of the page.
#[derive(Debug, PartialEq)]
enum Block {
    /// A file that the commands read: its name and content.
    File(String, String),
    /// A command and the lines that it prints.
    Command(String, Vec<String>),
}

/// Reads the blocks ```` ```console ```` and ```` ```LANGUAGE FILE ````; others are not run.
fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if info == "console" {
            found.extend(commands(&inside));
        } else if let Some((_, name)) = info.split_once(' ') {
            found.push(Block::File(name.to_owned(), inside.join("\n") + "\n"));
        }
    }
    found
}

fn commands(lines: &[&str]) -> Vec<Block> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut continues = false;
    for line in lines {
        let prompt = line.strip_prefix("$ ");
        if let Some(command) = prompt {
            found.push((command.to_owned(), Vec::new()));
        }
        let Some((command, output)) = found.last_mut() else {
            panic!("no command before {line:?}")
        };
        if prompt.is_none() && continues {
            *command = format!("{} {}", command.trim_end_matches('\\').trim_end(), line.trim());
        } else if prompt.is_none() {
            output.push((*line).to_owned());
        }
        continues = (prompt.is_some() || continues) && line.ends_with('\\');
    }
    found.into_iter().map(|(command, output)| Block::Command(command, output)).collect()
}

/// Numbers that a comparison ignores.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ignored {
    /// Durations and sizes.
    Measured,
    /// All numbers. Results of a model differ between CPUs in the last digits, and so do its samples.
    All,
}

impl Ignored {
    fn of(command: &str) -> Self {
        let computes = ["pipeline", "train", "eval", "report", "inspect", "export"];
        if computes.iter().any(|name| command.contains(&format!("iopo {name}"))) {
            Self::All
        } else {
            Self::Measured
        }
    }

    /// Replaces the numbers by `#`.
    fn mask(self, line: &str) -> String {
        let mut masked = String::new();
        let mut rest = line;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let (before, number) = rest.split_at(start);
            let inside = |c: char| c.is_ascii_digit() || matches!(c, '.' | ',');
            let end = number.find(|c| !inside(c)).unwrap_or(number.len());
            let end = number[..end].trim_end_matches(['.', ',']).len();
            let (number, after) = number.split_at(end);
            let units = [" s", " min", " h", " MB", " GB"];
            let ends = |unit: &str| {
                let after = after.strip_prefix(unit);
                after.is_some_and(|after| !after.starts_with(char::is_alphanumeric))
            };
            let measured = units.iter().any(|unit| ends(unit));
            masked += before;
            masked += if measured || self == Self::All { "#" } else { number };
            rest = after;
        }
        masked += rest;
        // A time in seconds on one machine can be in minutes on another. The width of columns depends on their numbers.
        let masked = masked.replace("# h # min", "# s").replace("# min", "# s");
        masked.split_whitespace().collect::<Vec<_>>().join(" ").replace("-#", "#")
    }
}

/// Compares lines of output with those of the page, where `…` stands for any number of lines, or for the rest of a line.
fn compare(page: &[String], output: &[String], ignored: Ignored) -> Result<(), String> {
    let mask = |lines: &[String]| lines.iter().map(|line| ignored.mask(line)).collect::<Vec<_>>();
    let (page, output) = (mask(page), mask(output));
    let parts: Vec<&[String]> = page.split(|line| line == "…").collect();
    let mut at = 0;
    for (index, part) in parts.iter().enumerate() {
        let (first, last) = (index == 0, index + 1 == parts.len());
        let places = at..=output.len().saturating_sub(part.len());
        let mut fitting = places.filter(|place| begins(&output[*place..], part));
        let place = if last { fitting.next_back() } else { fitting.next() };
        let place = place.filter(|place| !first || *place == 0 || parts.len() == 1);
        let Some(place) = place else {
            return Err(format!("not printed after line {at}: {part:#?}"));
        };
        at = place + part.len();
        if (last && at != output.len()) || (first && place != 0) {
            return Err(format!("more was printed than {part:#?}"));
        }
    }
    Ok(())
}

/// Returns whether the output begins with the lines of the page.
fn begins(output: &[String], part: &[String]) -> bool {
    let fits = |(shown, printed): (&String, &String)| match shown.strip_suffix(" …") {
        Some(start) => printed.starts_with(start),
        None => printed == shown,
    };
    output.len() >= part.len() && part.iter().zip(output).all(fits)
}

/// Runs a command line in a shell that finds the binary.
fn shell(line: &str, place: &Path) -> (Option<i32>, Vec<String>) {
    let binary = iopo(&[]);
    let own = Path::new(binary.get_program()).parent().expect("a directory").to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let mut path = OsString::from(own);
    path.push(":");
    path.push(others);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{{ {line}\n}} 2>&1")]).current_dir(place).env("PATH", path);
    command.env_remove("IOPO_LOG").env_remove("IOPO_CACHE").stdin(std::process::Stdio::null());
    let outcome = finish(&mut command);
    (outcome.code, outcome.stdout.lines().map(str::to_owned).collect())
}

#[test]
fn the_commands_of_the_page_print_what_it_shows() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/usage.md");
    let page = fs::read_to_string(path).expect("the page");
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut run = Vec::new();
    for block in blocks(&page) {
        let (line, expected) = match block {
            Block::File(name, content) => {
                fs::write(dir.path().join(name), content).expect("written");
                continue;
            }
            Block::Command(line, expected) => (line, expected),
        };
        let (code, output) = shell(&line, dir.path());
        let shown = output.join("\n");
        assert_eq!(code, Some(0), "$ {line}\n{shown}");
        let ignored = Ignored::of(&line);
        if let Err(error) = compare(&expected, &output, ignored) {
            panic!("docs/usage.md differs from the program: {error}\n$ {line}\n{shown}");
        }
        // Negative control: a different line is detected.
        for at in (0..expected.len()).filter(|at| expected[*at] != "…") {
            let mut other = expected.clone();
            other[at].push_str(" and more");
            compare(&other, &output, ignored).expect_err("another line");
        }
        run.push(line);
    }
    for command in ["pipeline", "import", "train", "eval", "status", "inspect", "merge", "export"] {
        let named = run.iter().any(|line| line.contains(&format!("iopo {command}")));
        assert!(named, "docs/usage.md has no `iopo {command}`: {run:#?}");
    }
    assert!(run.len() >= 10, "{run:#?}");
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn blocks_are_files_and_commands() {
    let page = "# Title\n```json a.jsonl\n{}\n```\ntext\n```console\n$ one \\\n    --flag\nout\n…\n$ two\n```\n```toml\nx\n```\n";
    let want = [
        Block::File("a.jsonl".to_owned(), "{}\n".to_owned()),
        Block::Command("one --flag".to_owned(), lines("out\n…")),
        Block::Command("two".to_owned(), Vec::new()),
    ];
    assert_eq!(blocks(page), want);
}

#[test]
fn numbers_are_masked_by_what_they_measure() {
    let all = |line| Ignored::All.mask(line);
    assert_eq!(
        all("  sft  seed 0, loss -0.6931, 12 %  (1 h 05 min)"),
        "sft seed #, loss #, # % (# s)"
    );
    let some = |line| Ignored::Measured.mask(line);
    assert_eq!(some("4 groups in 12 s, 3 seeds, 1.5 GB"), "4 groups in # s, 3 seeds, # GB");
}

#[test]
fn omitted_lines_are_marked_and_all_others_are_compared() {
    let output = lines("a 1\nb\nc\nd 2 s");
    let fits = |page: &str| compare(&lines(page), &output, Ignored::Measured).is_ok();
    for page in
        ["a 1\nb\nc\nd 9 s", "a 1\n…\nd 3 s", "…\nb\nc\n…", "…", "a 1\n…", "…\nd 1 min", "a …\n…"]
    {
        assert!(fits(page), "{page:?}");
    }
    for page in [
        "a 2\n…",
        "…\nc\n…\nb\n…",
        "b\n…",
        "…\nc",
        "a 1\nb\nc",
        "",
        "a 1\nc\n…",
        "…\ne\n…",
        "b …\n…",
    ] {
        assert!(!fits(page), "{page:?}");
    }
}
