//! Every command that asks endpoints, against servers that repeat the key wherever they can: in headers, errors and answers. Of the
//! judged benchmarks it is TRACE; the others ask in the same way.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;

use iopo_schema::{Provenance, ResponseRow, read, write};

use crate::common::Outcome;
use crate::judged::items;
use crate::secrets::{KEY, VARIABLE, places, run};
use crate::server::{Server, YOUR_KEY};

/// Tasks of the recipe.
const THINGS: [&str; 8] =
    ["bridge", "market", "harbour", "garden", "library", "station", "bakery", "museum"];

/// Starts a server that answers every command. Each third prompt fails at first, and every text and explanation has the key.
fn server() -> Server {
    let seen = Mutex::new(BTreeSet::new());
    Server::scripted(move |asked| {
        let mut seen = seen.lock().expect("a lock");
        if seen.insert((asked.user.to_owned(), asked.schema.map(str::to_owned))) {
            match seen.len() % 9 {
                3 => return "!500".to_owned(),
                6 => return "!429".to_owned(),
                _ => {}
            }
        }
        drop(seen);
        let of_fipo = asked.schema.is_some_and(|name| name.starts_with("fipo"));
        if of_fipo
            || asked.user.contains("Mention a dog.")
            || asked.user.contains("Mention a lamp.")
        {
            return crate::fipo::script(asked).replacen(
                "\"explanation\":\"",
                &format!("\"explanation\":\"{YOUR_KEY} "),
                1,
            );
        }
        match asked.schema {
            Some("river") => r#"{"river":"Rhine","european":true}"#.to_owned(),
            None if asked.user.contains("Constraints, numbered from") => {
                format!("{YOUR_KEY} says: it is brief. Fine Grained Score: [10]")
            }
            Some(_) => {
                let explained = format!("\"explanation\":\"{YOUR_KEY} ");
                asked.answer().replace("\"explanation\":\"", &explained)
            }
            None => format!("{} {YOUR_KEY}", asked.answer()),
        }
    })
}

#[test]
fn no_command_writes_logs_or_prints_the_key() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let dir = dir.path();
    let server = server();
    let line = |thing: &&str| {
        let task = format!("Describe the old {thing} for a visitor.");
        format!("{}\n", serde_json::json!({"id": thing, "task": task}))
    };
    fs::write(dir.join("tasks.jsonl"), THINGS.iter().map(line).collect::<String>())
        .expect("written");
    let endpoint = |name: &str| {
        format!(
            "[endpoints.{name}]\nbase_url = \"{}\"\nmodel = \"{name}\"\napi_key_env = \"{VARIABLE}\"\n\
             prices = {{ input = \"1\", output = \"2\" }}\n",
            server.url
        )
    };
    let own = format!(
        "tasks = \"tasks.jsonl\"\nmodel = \"tiny\"\n[llm]\nwriter = \"a\"\njudge = \"b\"\nfirst_wait_seconds = 0.01\n\
         [synth]\nrecipe = \"trace\"\n[pairs]\ntest_tasks = 2\ndev_tasks = 1\nmin_test_tasks = 0\n[fipo]\nother_share = 1.0\noffered = 1\n\
         {}{}",
        endpoint("a"),
        endpoint("b")
    );
    fs::write(dir.join("own.toml"), own).expect("written");
    items(dir);
    fs::write(dir.join("prompts.jsonl"), crate::benchmark::PROMPTS).expect("written");
    let trace = ["eval", "trace", "--data", "data.jsonl", "--language", "en", "--out", "judged"];
    let judges = ["--endpoint", "a", "--judge", "b", "--config", "own.toml", "--yes"];
    let ifbench = ["eval", "ifbench", "--data", "prompts.jsonl", "--out", "scored"];
    let commands: [Vec<&str>; 8] = [
        vec!["llm", "check", "--config", "own.toml", "--yes"],
        vec!["synth", "--config", "own.toml", "--out", "run", "--yes"],
        vec!["pairs", "--out", "run"],
        vec!["fipo", "--out", "run", "--yes"],
        vec!["pairs", "--out", "run"],
        [&trace[..], &judges].concat(),
        [&ifbench[..], &["--endpoint", "a", "--config", "own.toml", "--yes"]].concat(),
        vec!["report", "--out", "run"],
    ];
    let mut printed: Vec<(String, Outcome)> = Vec::new();
    for args in &commands {
        let outcome = run(dir, args);
        let before = printed.last().map(|one| &one.1.stderr);
        assert_eq!(
            outcome.code,
            Some(0),
            "{args:?}: {}
after {before:?}",
            outcome.stderr
        );
        printed.push((args[..2].join(" "), outcome));
    }
    let texts: Vec<(&str, &[u8])> = printed
        .iter()
        .flat_map(|(name, one)| {
            [&one.stdout, &one.stderr].map(|text| (name.as_str(), text.as_bytes()))
        })
        .collect();
    assert_eq!(places(&texts, dir), Vec::<String>::new());

    // The answers are there without the key, and the user is told.
    let mut responses: Vec<ResponseRow> =
        read(&dir.join("run/responses.parquet")).expect("responses");
    assert!(responses.iter().any(|row| row.text.contains("Bearer ***")), "{:?}", responses[0]);
    let told = |command: &str| {
        let of = printed.iter().filter(|(name, _)| name == command);
        of.into_iter().any(|(_, one)| one.stderr.contains("the API key was in the text of"))
    };
    assert!(told("synth --config") && told("eval trace"), "{}", printed[1].1.stderr);
    for name in ["run/report.html", "run/stages/synth.requests", "scored/eval.requests"] {
        assert!(dir.join(name).is_file(), "{name}");
    }

    // Negative controls: the server got the key, and the search finds it in a text and in a compressed row.
    assert!(server.seen().contains(KEY));
    responses[0].text = format!("planted {KEY}");
    let made = Provenance::new("test", serde_json::json!({}));
    write(&dir.join("run/planted.parquet"), &responses, &made).expect("written");
    fs::write(dir.join("run/planted.bin"), format!("\0\0{KEY}\0")).expect("written");
    let found = places(&[("planted", server.seen().as_bytes())], dir);
    let found: BTreeSet<&str> =
        found.iter().map(|name| name.rsplit('/').next().unwrap_or(name)).collect();
    assert_eq!(found, ["planted", "planted.bin", "planted.parquet"].into());
}
