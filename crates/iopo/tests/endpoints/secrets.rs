//! Searches for a marked key in everything that commands print, log and write.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use iopo::config::{parse, resolve};
use iopo::llm::{LanguageModel, Message, Request, Sampling, Scripted, Silent};
use iopo::roles::{RoleName, Roles, RolesError};
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::common::{Outcome, finish, iopo, text};
use crate::server::Server;
use crate::{PRICES, config};

pub(crate) const VARIABLE: &str = "IOPO_TEST_MARKED_KEY";
pub(crate) const KEY: &str = "marked-5f0e9c1d7b-secret";

/// Lists all files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

/// Returns the metadata and the rows of a Parquet file as text.
fn rows(path: &Path) -> String {
    let file = fs::File::open(path).expect("a file");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let mut text = format!("{:?}", reader.metadata().file_metadata().key_value_metadata());
    for row in reader.get_row_iter(None).expect("rows") {
        text += &row.expect("a row").to_string();
    }
    text
}

/// Returns the places where the key, its start or its end occurs.
pub(crate) fn places(texts: &[(&str, &[u8])], dir: &Path) -> Vec<String> {
    let mut all: Vec<(String, Vec<u8>)> =
        texts.iter().map(|(name, text)| ((*name).to_owned(), text.to_vec())).collect();
    for path in files(dir) {
        // The rows of Parquet files are compressed.
        if path.extension().is_some_and(|extension| extension == "parquet") {
            all.push((path.display().to_string(), rows(&path).into_bytes()));
        }
        all.push((path.display().to_string(), fs::read(path).expect("a file")));
    }
    let holds = |text: &[u8]| {
        [KEY, "marked-5f0", "1d7b-secret"]
            .iter()
            .any(|part| text.windows(part.len()).any(|window| window == part.as_bytes()))
    };
    all.into_iter().filter(|(_, text)| holds(text)).map(|(name, _)| name).collect()
}

/// Runs the binary with the key in its environment, everything logged, and every file below `dir`.
pub(crate) fn run(dir: &Path, args: &[&str]) -> Outcome {
    finish(
        iopo(args)
            .env(VARIABLE, KEY)
            .env("IOPO_LOG", "trace")
            .env("RUST_BACKTRACE", "1")
            .env("IOPO_CACHE", dir.join("cache"))
            .env("TMPDIR", dir)
            .current_dir(dir),
    )
}

/// Uses the roles in a separate process with the key in its environment, and prints all that a program could print.
#[test]
#[ignore = "started by another test"]
fn child() {
    let [file, store] = ["FILE", "STORE"].map(|name| std::env::var(name).expect(name));
    let table = parse(&fs::read_to_string(file).expect("a file"), "own.toml").expect("TOML");
    let config = resolve(&table).expect("settings");
    let roles = Roles::open(&config, Path::new(&store)).expect("roles");
    let local = Scripted::new(|_: &Request| String::new());
    let request = Request::new(vec![Message::user("Name a river.")], Sampling::greedy(16));
    for role in [RoleName::Writer, RoleName::Judge] {
        let local = || Ok::<&dyn LanguageModel, RolesError>(&local);
        let model = roles.model(role, local).expect("a model");
        let result = model.complete(std::slice::from_ref(&request), &Silent);
        println!("{} {result:?} {roles:?} {config:?}", model.name());
    }
    println!("{}", config.to_toml().expect("TOML"));
}

#[test]
fn a_key_is_in_no_output_log_error_or_file() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let dir = dir.path();
    let (works, fails) = (Server::start(200), Server::start(401));
    let more = format!("api_key_env = \"{VARIABLE}\"\n{PRICES}");
    let file = config(dir, &[("a", &works.url, &more), ("b", &fails.url, &more)]);
    let roles = "[llm]\nwriter = \"a\"\njudge = \"b\"\n";
    fs::write(&file, format!("{roles}{}", fs::read_to_string(&file).expect("text")))
        .expect("written");
    let check = ["llm", "check", "--config", text(&file)];
    let mut outcomes = Vec::new();
    for more in [&["--yes"][..], &["--dry-run"], &[], &["a", "--yes"]] {
        outcomes.push(run(dir, &[&check[..], more].concat()));
    }
    let codes: Vec<_> = outcomes.iter().map(|outcome| outcome.code).collect();
    assert_eq!(codes, [Some(1), Some(0), Some(2), Some(0)], "{}", outcomes[0].stderr);
    assert!(
        outcomes[0].stdout.contains("Incorrect API key provided: Bearer ***"),
        "{:?}",
        outcomes[0]
    );

    // Keys in the wrong place, which an error must not repeat.
    let smoke = ["pipeline", "--preset", "smoke", "--out", "run"];
    let settings = [
        "endpoints.a.api_key",
        "endpoints.a.api_key_env",
        "endpoints.a.token",
        "endpoints.a.extra_body.api_key",
        "endpoints.a.base_url",
        "\"endpoints\".a.\"x-api-key\"",
        "llm.api_key",
        "llm.password",
        "api_key",
    ];
    for setting in settings {
        let user = format!("https://me:{KEY}@host/v1");
        let query = format!("https://host/v1?key={KEY}");
        for value in [KEY.to_owned(), query, user, format!("[\"{KEY}\"]"), "KEY".to_owned()] {
            // The last one has no `=`.
            let assignment = match value.as_str() {
                "KEY" => format!("{setting}:{KEY}"),
                value => format!("{setting}={value}"),
            };
            let outcome = run(dir, &[&smoke[..], &["--set", &assignment]].concat());
            outcome.error(2);
            outcomes.push(outcome);
        }
    }
    let whole = format!("endpoints.a={{api_key=\"{KEY}\"}}");
    outcomes.push(run(dir, &[&smoke[..], &["--set", &whole]].concat()));
    let typed = tempfile::tempdir().expect("temporary directory");
    let bad = config(typed.path(), &[("a", &works.url, &format!("api_key = \"{KEY}\""))]);
    let torn = typed.path().join("torn.toml");
    fs::write(&torn, format!("[endpoints.a]\napi_key = \"{KEY}\n")).expect("written");
    for file in [&bad, &torn] {
        outcomes.push(run(dir, &["llm", "check", "--config", text(file)]));
        outcomes.last().expect("an outcome").error(2);
    }

    // A run with the configuration, which is written to its directory and shown in its report.
    let mut own = fs::read_to_string(&file).expect("text");
    let preset = iopo::config::preset("smoke").expect("a preset");
    own = format!("{}\n{own}", toml::to_string(&preset).expect("TOML"));
    fs::write(dir.join("run.toml"), own).expect("written");
    let synth = ["synth", "--config", "run.toml", "--out", "run", "--set", "synth.max_tasks=14"];
    outcomes.push(run(dir, &synth));
    assert_eq!(outcomes.last().map(|outcome| outcome.code), Some(Some(0)), "{outcomes:?}");
    outcomes.push(run(dir, &["report", "--out", "run"]));
    let record = fs::read_to_string(dir.join("run/stages/synth.json")).expect("a record");
    assert!(!record.contains("endpoints") && !record.contains(&works.url), "{record}");

    // The library, with a store.
    let child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "secrets::child", "--ignored", "--nocapture"])
        .env(VARIABLE, KEY)
        .env("FILE", &file)
        .env("STORE", dir.join("answers"))
        .output()
        .expect("a process");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    assert!(String::from_utf8_lossy(&child.stdout).contains("The Rhine."));
    assert!(dir.join("answers").is_dir());

    let mut texts: Vec<(&str, &[u8])> =
        vec![("the child", &child.stdout), ("the errors of the child", &child.stderr)];
    for outcome in &outcomes {
        texts.push(("an output", outcome.stdout.as_bytes()));
        texts.push(("a log or error", outcome.stderr.as_bytes()));
    }
    assert_eq!(places(&texts, dir), Vec::<String>::new());

    // Negative controls: the servers got the key, and the search finds one that is planted.
    assert!(works.seen().contains(KEY) && fails.seen().contains(KEY));
    fs::write(dir.join("run/planted.bin"), format!("\0\0{KEY}\0")).expect("written");
    let planted = places(&[("planted", works.seen().as_bytes())], dir);
    assert!(planted.len() == 2 && planted[1].ends_with("planted.bin"), "{planted:?}");
}
