//! The command line and the operating system: pipes and devices, full disks, closed pipes, modes of files, limits, logs.
#![cfg(unix)]

mod common;

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Outcome, finish, iopo, run, succeed, text};

/// Settings of a small run of all stages.
const SMALL: [&str; 5] = [
    "synth.max_tasks=12",
    "pairs.test_tasks=3",
    "pairs.dev_tasks=2",
    "train.methods=[\"sft\", \"iopo\"]",
    "eval.max_new_tokens=12",
];

fn small<'a>(stage: &'a str, out: &'a Path) -> Vec<&'a str> {
    let mut args = vec![stage, "--preset", "smoke", "--device", "cpu", "--out", text(out)];
    for set in SMALL {
        args.extend(["--set", set]);
    }
    args
}

/// Returns a command that a shell starts after `before`, for instance `umask 027`.
fn after(before: &str, args: &[&str]) -> Command {
    let binary = iopo(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{before}; exec \"$@\""), "sh"]).arg(binary.get_program());
    shell.args(args).stdin(Stdio::null()).env_remove("IOPO_LOG").env_remove("IOPO_CACHE");
    shell
}

/// Runs a command that must end within a minute.
fn soon(command: &mut Command) -> Outcome {
    let mut files = [tempfile::tempfile(), tempfile::tempfile()].map(|file| file.expect("a file"));
    let [stdout, stderr] = [0, 1].map(|at| files[at].try_clone().expect("a second handle"));
    let mut child = command.stdout(stdout).stderr(stderr).spawn().expect("started");
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("waited") {
            break status;
        }
        if begun.elapsed() > Duration::from_mins(1) {
            child.kill().expect("killed");
            panic!("it still runs after a minute: {command:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let mut read = |at: usize| {
        let mut bytes = Vec::new();
        files[at].rewind().expect("rewound");
        files[at].read_to_end(&mut bytes).expect("read");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Outcome { code: status.code(), stdout: read(0), stderr: read(1) }
}

fn pipe(dir: &Path, name: &str) -> PathBuf {
    let path = dir.join(name);
    assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo").success());
    path
}

#[test]
fn a_named_pipe_or_a_device_given_as_a_file_is_refused() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let at = |name: &str| pipe(dir.path(), name);
    let (rows, table, plain) = (at("rows.jsonl"), at("table.parquet"), at("plain"));
    let (config, gguf) = (at("own.toml"), at("model.gguf"));
    let prompts = dir.path().join("prompts.jsonl");
    let prompt =
        r#"{"key":1,"prompt":"Hi.","instruction_id_list":["punctuation:no_comma"],"kwargs":[{}]}"#;
    fs::write(&prompts, prompt).expect("written");
    let model = dir.path().join("model");
    iopo::tiny::create(&model).expect("created");
    fs::remove_file(model.join("config.json")).expect("removed");
    pipe(&model, "config.json");
    let (out, new) = (dir.path().join("run"), dir.path().join("new.jsonl"));
    let tasks = format!("tasks={}", text(&rows));
    let table_tasks = format!("tasks={}", text(&table));
    let synth = ["synth", "--preset", "smoke", "--out", text(&out)];
    let with = |more: &[&str]| soon(&mut iopo(&[&synth[..], more].concat()));
    let alone = |args: &[&str]| soon(&mut iopo(args));
    let (rows, plain, new) = (text(&rows), text(&plain), text(&new));
    for (name, outcome, code) in [
        ("--config", alone(&["synth", "--config", text(&config), "--out", text(&out)]), 2),
        ("tasks", with(&["--set", &tasks]), 1),
        ("tasks in Parquet", with(&["--set", &table_tasks]), 1),
        ("a GGUF file", with(&["--model", text(&gguf)]), 1),
        ("a file of a model", with(&["--model", text(&model)]), 1),
        ("inspect", alone(&["inspect", plain]), 1),
        ("import", alone(&["import", rows, "--from", "trl", "--out", new]), 1),
        ("import of Parquet", alone(&["import", text(&table), "--from", "trl", "--out", new]), 1),
        ("export", alone(&["export", plain, "--to", "trl", "--out", new]), 1),
        ("--data", alone(&["eval", "ifeval", "--data", plain, "--responses", new]), 1),
        (
            "--responses",
            alone(&["eval", "ifeval", "--data", text(&prompts), "--responses", plain]),
            1,
        ),
    ] {
        let error = outcome.error(code);
        let expected = "found a named pipe, expected a regular file";
        assert!(error.contains(expected), "{name}: {error}");
        assert!(error.contains("hint: write its content to a file"), "{name}: {error}");
    }
    let error = alone(&["inspect", "/dev/zero"]).error(1);
    assert!(error.contains("found a device, expected a regular file"), "{error}");
    assert!(!out.exists() && !Path::new(new).exists());
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_an_error() {
    for args in [
        &["config", "train"][..],
        &["config", "--markdown"],
        &["devices"],
        &["--help"],
        &["--version"],
        &["help", "train"],
    ] {
        let full = File::options().write(true).open("/dev/full").expect("the device");
        let child = iopo(args).stdout(full).stderr(Stdio::piped()).spawn().expect("started");
        let ended = child.wait_with_output().expect("ended");
        let stderr = String::from_utf8_lossy(&ended.stderr).into_owned();
        let outcome = Outcome { code: ended.status.code(), stdout: String::new(), stderr };
        let error = outcome.error(1);
        assert!(error.starts_with("error: failed to write to stdout"), "{args:?}: {error}");
        assert!(error.contains("No space left on device"), "{args:?}: {error}");
    }
}

#[test]
fn a_reader_that_has_enough_is_no_error() {
    for args in [&["config", "--markdown"][..], &["--help"], &["devices"]] {
        let mut command = iopo(args);
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        drop(child.stdout.take());
        let ended = child.wait_with_output().expect("ended");
        assert_eq!(ended.status.code(), Some(0), "{args:?}");
        assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
}

/// Asserts that all files and directories have the mode of a umask of 027, and counts them.
fn check_modes(dir: &Path) -> usize {
    let mut seen = 0;
    for entry in fs::read_dir(dir).expect("listed") {
        let path = entry.expect("entry").path();
        let mode = path.metadata().expect("metadata").permissions().mode() & 0o777;
        let want = if path.is_dir() { 0o750 } else { 0o640 };
        assert_eq!(format!("{mode:o}"), format!("{want:o}"), "{}", path.display());
        seen += 1 + if path.is_dir() { check_modes(&path) } else { 0 };
    }
    seen
}

#[test]
fn files_follow_the_umask_and_text_is_styled_on_terminals_only() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let outcome = finish(after("umask 027", &small("pipeline", &out)).env("IOPO_LOG", "debug"));
    let log = outcome.stderr;
    assert_eq!(outcome.code, Some(0), "{log}");
    assert!(check_modes(&out) > 30);
    assert!(log.contains("DEBUG iopo"), "nothing was logged:\n{log}");
    assert!(!log.contains('\x1b'), "{log}");
    #[cfg(target_os = "linux")]
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: there is no `script`");
    } else {
        on_a_terminal(&format!("'{}' report --out '{}'", env!("CARGO_BIN_EXE_iopo"), text(&out)));
    }
}

/// Runs a command on a terminal, which `script` opens.
#[cfg(target_os = "linux")]
fn on_a_terminal(line: &str) {
    let shown = |variables: &[(&str, &str)]| {
        let mut command = Command::new("script");
        command.args(["-qec", line, "/dev/null"]).stdin(Stdio::null());
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR").env_remove("IOPO_LOG");
        finish(command.envs(variables.iter().copied())).stdout
    };
    // Negative control: text is styled by default.
    let styled = shown(&[]);
    assert!(styled.contains("\x1b[1m"), "{styled:?}");
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = shown(&[variable]);
        assert!(plain.contains("report") && !plain.contains('\x1b'), "{variable:?}: {plain:?}");
    }
}

#[test]
fn a_bad_filter_of_the_log_is_a_usage_error() {
    let with = |filter: &str| finish(iopo(&["config", "seed"]).env("IOPO_LOG", filter));
    insta::assert_snapshot!(with("inof").error(2), @r"
    error: cannot use IOPO_LOG: found `inof`, expected a level (off, error, warn, info, debug, trace) or CRATE=LEVEL, separated by commas
      hint: for instance IOPO_LOG=info, or IOPO_LOG=warn,iopo_train=debug
    ");
    for filter in ["", "info", "warn,iopo_train=debug"] {
        assert_eq!(with(filter).code, Some(0), "{filter}");
    }
}

#[test]
fn help_of_a_command_is_a_command_too() {
    for (command, flag) in [
        (&["help", "train"][..], &["train", "--help"][..]),
        (&["help", "eval", "ifeval"], &["eval", "ifeval", "--help"]),
        (&["help"], &["--help"]),
    ] {
        let help = succeed(command).stdout;
        assert_eq!(help, succeed(flag).stdout);
        assert!(help.contains("Usage: iopo"), "{help}");
    }
    assert_eq!(run(&["help", "tarin"]).code, Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_open_files_is_named_and_damages_nothing() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    for stage in ["synth", "pairs"] {
        succeed(&small(stage, &out));
    }
    let groups = out.join("preferences.parquet");
    let status = succeed(&["status", text(&out)]).stdout;
    assert_eq!(status.matches("valid\n").count(), 2, "{status}");
    let (mut failed, mut succeeded) = (0, 0);
    for args in [
        &["synth", "--out", text(&out)][..],
        &["pairs", "--out", text(&out)],
        &["inspect", text(&groups)],
        &["status", text(&out)],
    ] {
        for limit in 4..14 {
            let outcome = soon(&mut after(&format!("ulimit -n {limit}"), args));
            if outcome.code == Some(0) {
                succeeded += 1;
                continue;
            }
            // The dynamic loader also opens some files.
            if !outcome.stderr.contains("error while loading shared libraries") {
                let error = outcome.error(1);
                let named = error.contains("Too many open files") && error.contains("ulimit -n");
                assert!(named, "{args:?} with {limit}: {error}");
                assert!(!error.contains("damaged"), "{args:?} with {limit}: {error}");
                failed += 1;
            }
        }
    }
    assert!(failed > 3 && succeeded > 3, "{failed} failed, {succeeded} succeeded");
    assert_eq!(succeed(&["status", text(&out)]).stdout, status, "nothing was replaced");
}

/// Limits the address space, which threads need for their stacks, because root has no limit on threads. Rust aborts if so
/// little is left that it cannot start a panic, so one of a few tries has to get as far.
#[cfg(target_os = "linux")]
#[test]
fn a_limit_of_threads_is_named() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let mut command = after("ulimit -v 4000000", &small("synth", &out));
    command.env("RAYON_NUM_THREADS", "4000");
    let aborted = |outcome: &Outcome| outcome.stderr.contains("failed to initiate panic");
    let outcome = (0..6).map(|_| soon(&mut command)).find(|outcome| !aborted(outcome));
    let error = outcome.expect("a try that is not aborted").error(1);
    assert!(error.contains("failed to start a thread") && error.contains("ulimit -u"), "{error}");
    assert!(!error.contains("damaged") && !error.contains("internal error"), "{error}");
}
