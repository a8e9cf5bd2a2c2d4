//! `iopo fipo` through the binary with the tiny random model, and the exchange of FIPO's rows.

use std::fs;
use std::path::Path;

mod common;
use common::{Outcome, finish, iopo, run, succeed, text};
use iopo_schema::{InputPreferenceRow, MetricRow, read};

/// Rows of FIPO's published format.
fn rows(dir: &Path) -> std::path::PathBuf {
    let row = |number: usize| {
        serde_json::json!({
            "id": number,
            "raw_prompt": format!("Describe the street with the number {number}."),
            "text003_response_based_raw": "A street.",
            "gpt4_response_based_raw": format!("The street number {number} is wet and quiet today."),
            "chatgpt_optimized_prompt": format!("Describe street {number}."),
            "gpt4_optimized_prompt": format!("Describe street {number} in one sentence."),
        })
        .to_string()
    };
    let path = dir.join("rows.jsonl");
    fs::write(&path, (0..8).map(row).collect::<Vec<_>>().join("\n")).expect("written");
    path
}

fn fipo(out: &Path, cache: &Path, more: &[&str]) -> Outcome {
    let start = ["fipo", "--preset", "smoke", "--model", "tiny", "--out", text(out)];
    let small = [
        "pairs.test_tasks=2",
        "pairs.dev_tasks=1",
        "pairs.min_test_tasks=0",
        "fipo.seeds_per_part=3",
        "fipo.max_new_tokens.rewrite=16",
        "fipo.max_failed_share=1.0",
    ];
    let small = small.iter().flat_map(|set| ["--set", *set]);
    let args: Vec<&str> = start.into_iter().chain(small).chain(more.iter().copied()).collect();
    finish(iopo(&args).env("IOPO_CACHE", cache))
}

#[test]
fn rows_of_fipo_are_rewritten_and_a_second_run_repeats_the_bytes() {
    let dir = tempfile::tempdir().expect("a folder");
    let (rows, cache) = (rows(dir.path()), dir.path().join("cache"));
    let (out, again) = (dir.path().join("run"), dir.path().join("again"));
    let from = ["--from", text(&rows)];
    let made = fipo(&out, &cache, &from);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    // The prompts do not fit the context of the tiny model.
    assert!(made.stderr.contains("8 dropped: better/too_long"), "{}", made.stderr);
    assert!(
        made.stderr.contains("8 responses, 0 preferences, 0 candidate groups"),
        "{}",
        made.stderr
    );
    let file = |out: &Path, name: &str| fs::read(out.join("fipo").join(name)).expect(name);
    let names = ["candidates.parquet", "input_preferences.parquet", "synth_stats.parquet"];
    let stats: Vec<MetricRow> = read(&out.join("fipo/synth_stats.parquet")).expect("stats");
    assert!(stats.iter().any(|row| row.name == "yield/better" && row.value.abs() < 1e-9));
    let offline = [&from[..], &["--set", "llm.offline=true"]].concat();
    let repeated = fipo(&again, &cache, &offline);
    assert_eq!(repeated.code, Some(0), "{}", repeated.stderr);
    for name in names {
        assert_eq!(file(&out, name), file(&again, name), "{name}");
    }
    // Without a candidate, there is no group.
    let error = run(&["pairs", "--out", text(&out)]).error(1);
    assert!(error.contains("fipo/candidates.parquet"), "{error}");
}

#[test]
fn mistakes_are_found_before_any_request() {
    let dir = tempfile::tempdir().expect("a folder");
    let (rows, cache) = (rows(dir.path()), dir.path().join("cache"));
    let out = dir.path().join("run");
    let from = ["--from", text(&rows)];
    let with = |more: &[&str]| fipo(&out, &cache, &[&from[..], more].concat());
    let dry = with(&["--dry-run"]);
    assert!(dry.stderr.contains("no requests to endpoints") && !out.exists(), "{}", dry.stderr);
    let error = with(&["--set", "fipo.max_words=1"]).error(2);
    assert!(error.contains("`fipo.max_words`"), "{error}");
    let error = with(&["--set", "fipo.worse=weak"]).error(2);
    assert!(error.contains("`fipo.worse`: found \"weak\""), "{error}");
    let error = with(&["--responses", "x.parquet"]).error(2);
    assert!(error.contains("cannot be used with"), "{error}");
    let error = fipo(&out, &cache, &["--from", "absent.jsonl"]).error(2);
    assert!(error.contains("absent.jsonl"), "{error}");
    let error = fipo(&out, &cache, &[]).error(1);
    assert!(error.contains("instructions.parquet does not exist"), "{error}");
    let error = with(&["--set", "pairs.test_tasks=8"]).error(2);
    assert!(
        error.contains("found usable responses to 8 tasks, expected more than 8 + 1"),
        "{error}"
    );
    // The error says why other rows are not used, and how to use more of them.
    let all = fs::read_to_string(&rows).expect("rows");
    fs::write(&rows, format!("{all}\n{all}")).expect("written");
    let error = with(&["--set", "fipo.max_seeds=3"]).error(2);
    assert!(
        error.contains("responses to 3 tasks (not used: over_the_limit: 5, repeated: 8)"),
        "{error}"
    );
    assert!(
        error.contains("hint: raise fipo.max_seeds, pass responses to at least 4 tasks"),
        "{error}"
    );
    // `synth.max_tasks` limits the tasks of a synthesis, not these.
    let limited = with(&["--set", "synth.max_tasks=3", "--dry-run"]);
    assert_eq!(limited.code, Some(0), "{}", limited.stderr);
    assert!(!out.exists());
}

#[test]
fn published_rewrites_are_imported_and_exported_for_an_optimizer_of_prompts() {
    let dir = tempfile::tempdir().expect("a folder");
    let rows = rows(dir.path());
    let (out, back) = (dir.path().join("input_preferences.parquet"), dir.path().join("o.jsonl"));
    let said = succeed(&["import", text(&rows), "--from", "fipo", "--out", text(&out)]).stderr;
    assert!(said.contains("8 rows, 8 input preferences (8 train)"), "{said}");
    let read: Vec<InputPreferenceRow> = read(&out).expect("rows");
    assert_eq!(read[0].x_better, "Describe street 0 in one sentence.");
    let shown = succeed(&["inspect", text(&out)]).stdout;
    assert!(shown.contains("input_preferences") && shown.contains("fipo"), "{shown}");
    let said = succeed(&["export", text(&out), "--to", "fipo", "--out", text(&back)]).stderr;
    assert!(said.contains("8 input preferences (8 train)"), "{said}");
    let lines = fs::read_to_string(&back).expect("lines");
    assert_eq!(lines.lines().count(), 8);
    assert!(lines.contains("\"chosen\":\"Describe street 0 in one sentence.\""), "{lines}");
    let again = run(&["export", text(&out), "--to", "fipo", "--out", "o.parquet"]).error(2);
    assert!(again.contains("FIPO rows are JSON lines"), "{again}");
    let shares = ["--from", "fipo", "--dev-size", "0.5", "--out", "p.parquet"];
    let error = run(&[&["import", text(&rows)][..], &shares].concat()).error(2);
    assert!(error.contains("--dev-size"), "{error}");
}

#[test]
fn imported_input_preferences_of_tested_tasks_and_held_out_kinds_are_not_trained_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, pairs) = (dir.path().join("run"), dir.path().join("pairs.jsonl"));
    let things = ["color", "river", "town", "bird", "tree", "song"];
    let row = |thing: &&str, loud: bool| {
        let (prompt, chosen, rejected) = if loud {
            (format!("Name your favorite {thing} in capital letters."), "BLUE", "blue")
        } else {
            (format!("Name your favorite {thing} in small letters."), "blue", "BLUE")
        };
        serde_json::json!({"prompt": prompt, "chosen": chosen, "rejected": rejected}).to_string()
    };
    let lines: Vec<String> =
        things.iter().flat_map(|thing| [row(thing, true), row(thing, false)]).collect();
    fs::write(&pairs, lines.join("\n")).expect("written");
    let groups = out.join("preferences.parquet");
    let import = ["--from", "trl", "--test-size", "0.34", "--out", text(&groups)];
    succeed(&[&["import", text(&pairs)][..], &import].concat());
    let rows: Vec<iopo_schema::PreferenceRow> = read(&groups).expect("groups");
    let tested = rows.iter().find(|row| row.split == iopo_schema::Split::Test).expect("a row");
    let preferences = |prompt: &str, better: &str| {
        let row = serde_json::json!({
            "raw_prompt": prompt,
            "gpt4_response_based_raw": "Green, like the sea.",
            "chatgpt_optimized_prompt": "Say something nice.",
            "gpt4_optimized_prompt": better,
        });
        let file = dir.path().join("rows.jsonl");
        fs::write(&file, row.to_string()).expect("written");
        let to = out.join("input_preferences.parquet");
        if to.exists() {
            fs::remove_file(&to).expect("removed");
        }
        succeed(&["import", text(&file), "--from", "fipo", "--out", text(&to)]);
    };
    let train = |weight: &str| {
        let weight = format!("train.input_preference_weight={weight}");
        let sets = ["train.methods=[\"dpo\"]", "train.num_train_epochs=1", &weight];
        let sets = sets.into_iter().chain(["held_out=[\"max_words\"]"]);
        let args: Vec<&str> = ["train", "--preset", "smoke", "--out", text(&out)]
            .into_iter()
            .chain(sets.flat_map(|set| ["--set", set]))
            .collect();
        run(&args)
    };
    preferences(&tested.x1.to_uppercase(), "Name one color.");
    let error = train("0.5").error(2);
    assert!(error.contains("cannot train on the rows of"), "{error}");
    assert!(
        error.contains("found 1 row with an overlap with prompts of the evaluation"),
        "{error}"
    );
    assert!(
        error.contains("input_preferences.parquet") && error.contains("test task `"),
        "{error}"
    );
    assert!(error.contains("hint: remove these rows or set `train.input"), "{error}");
    preferences("Tell me about a walk by the sea.", "Write about it. Use at most 40 words.");
    let error = train("0.5").error(2);
    assert!(error.contains("`max_words` is held out, but an input preference"), "{error}");
    // Controls: rows that are not used are not compared, and a row without an overlap is trained on.
    assert_eq!(train("0").code, Some(0));
    preferences("Tell me about a walk by the sea.", "Write about it in a friendly tone.");
    let trained = train("0.5");
    assert_eq!(trained.code, Some(0), "{}", trained.stderr);
    // What was trained on is compared with a benchmark, whatever a later command writes into `config.toml`.
    let config = out.join("config.toml");
    let weight = |to: &str| {
        let text = fs::read_to_string(&config).expect("a configuration");
        let line = text.lines().find(|line| line.starts_with("input_preference_weight"));
        let changed = text.replacen(line.expect("a line"), to, 1);
        fs::write(&config, changed).expect("written");
    };
    weight("input_preference_weight = 0.0");
    let data = dir.path().join("ifeval.jsonl");
    let responses = dir.path().join("responses.jsonl");
    let eval = |prompt: &str| {
        let line = serde_json::json!({
            "key": 1, "prompt": prompt, "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}],
        });
        fs::write(&data, line.to_string()).expect("written");
        let line = serde_json::json!({"key": 1, "response": "Yes."});
        fs::write(&responses, line.to_string()).expect("written");
        let scored = dir.path().join("scored");
        let args = ["eval", "ifeval", "--data", text(&data), "--responses", text(&responses)];
        run(&[&args[..], &["--run", text(&out), "--out", text(&scored)]].concat())
    };
    let error = eval("Tell me about a walk by the sea. Use no commas.").error(2);
    assert!(error.contains("input_preferences.parquet: found 1 row with an overlap"), "{error}");
    assert_eq!(eval("Name a tea without commas.").code, Some(0), "control: no overlap");
    // Without a record of the training, the configuration decides.
    fs::remove_file(out.join("stages/train.json")).expect("removed");
    assert_eq!(eval("Tell me about a walk by the sea. Use no commas.").code, Some(0));
    weight("input_preference_weight = 0.5");
    eval("Tell me about a walk by the sea. Use no commas.").error(2);
}
