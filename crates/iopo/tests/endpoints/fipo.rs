//! `iopo fipo` with a writer and a judge behind an endpoint, and what becomes of its preferences.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use iopo_schema::{
    ConstraintRow, ContaminationRow, InputPreferenceRow, InstructionRow, MetricRow, PreferenceRow,
    Provenance, ResponseRow, ResponseSource, Split, VerdictRow, content_id, read, render_rows,
    write,
};
use iopo_testing::trace::Asked;

use crate::common::{Outcome, finish, iopo, text};
use crate::server::Server;

const THINGS: [&str; 8] =
    ["bridge", "market", "harbour", "garden", "library", "station", "bakery", "museum"];

fn task(thing: &str) -> String {
    format!("Describe the old {thing} for a visitor.")
}

/// The fenced text after a heading.
fn block<'a>(text: &'a str, heading: &str) -> &'a str {
    let rest = text.split_once(&format!("{heading}\n```\n")).map_or("", |(_, rest)| rest);
    rest.split_once("\n```").map_or("", |(inner, _)| inner)
}

/// A writer and a judge. A response that names a lamp has no dog, and every second response is asked for both.
pub(crate) fn script(asked: Asked<'_>) -> String {
    let user = asked.user;
    let rewrite = |sentence: &str| {
        let task = block(user, "Instruction to rewrite:");
        let constraint = serde_json::json!({"text": sentence, "dimension": "inclusion"});
        let instruction = format!("{task} {sentence}");
        serde_json::json!({"instruction": instruction, "constraints": [constraint]}).to_string()
    };
    match asked.schema {
        Some("fipo_rewrite") if user.contains("The desired response has these properties") => {
            rewrite("Mention a lamp.")
        }
        Some("fipo_rewrite") => rewrite("Mention a dog."),
        Some("fipo_judge") => {
            let better = if block(user, "Instruction A:").contains("lamp") { "A" } else { "B" };
            serde_json::json!({"explanation": "It has one.", "better": better}).to_string()
        }
        Some(_) => {
            let response = block(user, "Response to grade:");
            let lines = user.lines().filter_map(|line| line.strip_prefix('[')?.split_once("] "));
            // The judge finds no clear violation in two of the responses.
            let is_lax = response.contains("library") || response.contains("museum");
            let score = |line: &str| {
                if is_lax || !line.contains("dog") || response.contains("dog") { 10 } else { 1 }
            };
            let verdicts: Vec<_> = lines
                .enumerate()
                .map(|(at, (_, line))| {
                    serde_json::json!({"index": at + 1, "explanation": "Seen.", "score": score(line)})
                })
                .collect();
            serde_json::json!({ "verdicts": verdicts }).to_string()
        }
        None => {
            let thing =
                THINGS.iter().find(|thing| user.contains(**thing)).copied().unwrap_or("sky");
            let seed = user.len() as u64;
            format!("A dog waits beside the lamp of the {thing}; {}", words(seed, thing))
        }
    }
}

/// Words that differ between keys.
fn words(seed: u64, key: &str) -> String {
    let word = |index: u64| {
        let number = iopo_core::random::keyed_u64(seed, &[key, &index.to_string()]);
        format!("w{}", number % 100_000)
    };
    (0..20).map(word).collect::<Vec<_>>().join(" ")
}

/// A run directory with responses that another program has written.
struct Run {
    dir: tempfile::TempDir,
    server: Server,
}

impl Run {
    fn new() -> Self {
        let run =
            Self { dir: tempfile::tempdir().expect("a folder"), server: Server::scripted(script) };
        let line =
            |thing: &&str| format!("{}\n", serde_json::json!({"id": thing, "task": task(thing)}));
        fs::write(run.path("tasks.jsonl"), THINGS.iter().map(line).collect::<String>())
            .expect("written");
        fs::create_dir(run.out()).expect("a folder");
        let none: [PreferenceRow; 0] = [];
        let made = Provenance::new("test", serde_json::json!({}));
        write(&run.out().join("candidates.parquet"), &none, &made).expect("written");
        run.respond("The lamp is lit");
        run
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn out(&self) -> PathBuf {
        self.path("run")
    }

    /// Writes the instructions, and a response to each; that of the market begins in another way.
    fn respond(&self, market: &str) {
        let made = Provenance::new("test", serde_json::json!({}));
        let constraint = ConstraintRow {
            text: "Mention a lamp.".to_owned(),
            constraint_type: "content".to_owned(),
            dimension: "inclusion".to_owned(),
            check: None,
        };
        let (mut instructions, mut responses) = (Vec::new(), Vec::new());
        for (at, thing) in THINGS.into_iter().enumerate() {
            let task = task(thing);
            let constraints = vec![constraint.clone()];
            let prompt = render_rows(&task, &constraints, None);
            let id = content_id(&["instruction", thing]);
            let begin = if thing == "market" { market } else { "The lamp is lit" };
            let text = format!("{begin} at the {thing}; {}", words(at as u64, "y"));
            responses.push(ResponseRow {
                id: content_id(&["response", thing, &text]),
                instruction_id: id.clone(),
                task_id: thing.to_owned(),
                text,
                verdicts: vec![VerdictRow::new(true, iopo_schema::Method::Judge, "It does.")],
                accepted: true,
                source: ResponseSource::Sampled,
                original: None,
                error: None,
                generator: "given".to_owned(),
                sampling: "{}".to_owned(),
            });
            let (task_id, language) = (thing.to_owned(), "en".to_owned());
            instructions.push(InstructionRow {
                id,
                task_id,
                task,
                input: None,
                constraints,
                prompt,
                language,
            });
        }
        write(&self.out().join("instructions.parquet"), &instructions, &made).expect("written");
        write(&self.out().join("responses.parquet"), &responses, &made).expect("written");
    }

    fn command(&self, command: &str, more: &[&str]) -> Command {
        let (url, out, tasks) = (&self.server.url, self.out(), self.path("tasks.jsonl"));
        let mut args: Vec<String> =
            [command, "--preset", "trace-endpoint", "--model", "tiny", "--out", text(&out)]
                .map(str::to_owned)
                .into();
        for set in [
            format!("tasks={}", text(&tasks)),
            format!("endpoints.writer.base_url={url}"),
            format!("endpoints.judge.base_url={url}"),
            "pairs.test_tasks=2".to_owned(),
            "pairs.dev_tasks=1".to_owned(),
            "pairs.min_test_tasks=0".to_owned(),
            "fipo.other_share=1.0".to_owned(),
            "fipo.offered=1".to_owned(),
            "fipo.seeds_per_part=3".to_owned(),
        ] {
            args.extend(["--set".to_owned(), set]);
        }
        args.extend(more.iter().map(|one| (*one).to_owned()));
        if command == "fipo" && !more.contains(&"--dry-run") {
            args.push("--yes".to_owned());
        }
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let mut command = iopo(&args);
        command.env("IOPO_CACHE", self.path("cache"));
        command
    }

    fn run(&self, command: &str, more: &[&str]) -> Outcome {
        finish(&mut self.command(command, more))
    }

    /// Returns what the record of the collection says about its requests.
    fn usage(&self) -> serde_json::Value {
        let text = fs::read_to_string(self.out().join("stages/fipo.json")).expect("a record");
        serde_json::from_str::<serde_json::Value>(&text).expect("json")["usage"].clone()
    }

    fn succeed(&self, command: &str, more: &[&str]) -> String {
        let outcome = self.run(command, more);
        assert_eq!(outcome.code, Some(0), "{command}: {}", outcome.stderr);
        outcome.stderr
    }

    fn status(&self) -> String {
        let outcome = finish(&mut iopo(&["status", text(&self.out())]));
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        outcome.stdout
    }

    fn groups(&self) -> Vec<PreferenceRow> {
        read(&self.out().join("preferences.parquet")).expect("groups")
    }

    fn alone(&self) -> Vec<InputPreferenceRow> {
        read(&self.out().join("input_preferences.parquet")).expect("rows")
    }
}

/// Returns the line of a stage in the output of `iopo status`.
fn line<'a>(status: &'a str, stage: &str) -> &'a str {
    status.lines().find(|line| line.starts_with(stage)).unwrap_or_default()
}

#[test]
fn a_collection_is_a_stage_that_is_complete_stale_or_removed() {
    let run = Run::new();
    assert!(run.succeed("fipo", &["--dry-run"]).contains("writer: "));
    assert_eq!(run.server.answered(), 0);
    let made = run.succeed("fipo", &[]);
    assert!(made.contains("8 responses, 8 preferences, 6 candidate groups"), "{made}");
    assert!(line(&run.status(), "fipo").contains("valid"), "{}", run.status());
    let answered = run.server.answered();
    for more in [&[][..], &["--dry-run"]] {
        let again = run.succeed("fipo", more);
        assert!(again.contains("the collection is complete"), "{again}");
        assert!(!again.contains("writer: "), "no estimate: {again}");
    }
    run.succeed("pairs", &[]);
    let things = |rows: &[String]| rows.iter().cloned().collect::<BTreeSet<String>>();
    let grouped = things(&run.groups().into_iter().map(|row| row.task_id).collect::<Vec<_>>());
    let alone = things(&run.alone().into_iter().map(|row| row.seed_id).collect::<Vec<_>>());
    assert_eq!(alone, ["library", "museum"].map(str::to_owned).into());
    assert_eq!(grouped.len() + alone.len(), 8);
    assert_eq!(run.server.answered(), answered);

    // The response of the market is replaced, so its rewrites must not stay in the groups.
    let old = run.groups().into_iter().find(|row| row.task_id == "market").expect("a group").y1;
    run.respond("A lamp shines");
    let status = run.status();
    assert!(line(&status, "fipo").contains("stale"), "{status}");
    assert!(line(&status, "fipo").contains("responses.parquet"), "{status}");
    let error = run.run("pairs", &[]).error(2);
    assert!(error.contains("cannot run pairs: fipo is stale"), "{error}");
    assert!(error.contains("iopo fipo --out"), "{error}");
    let record = run.out().join("stages/fipo.json");
    let kept = fs::read(&record).expect("a record");
    fs::remove_file(&record).expect("removed");
    let error = run.run("pairs", &[]).error(2);
    assert!(error.contains("was made for other rows than those of"), "{error}");
    fs::write(&record, kept).expect("written");
    let again = run.succeed("fipo", &[]);
    assert!(again.contains("fipo is stale"), "{again}");
    run.succeed("pairs", &[]);
    assert!(run.groups().iter().all(|row| row.y1 != old));
    let paid = run.server.answered() - answered;
    assert!(paid > 0 && paid < answered / 2, "{paid} of {answered}: other answers are stored");

    // Without the folder, nothing is stale, and the preferences are gone.
    fs::remove_dir_all(run.out().join("fipo")).expect("removed");
    assert_eq!(line(&run.status(), "fipo"), "");
    let error = run.run("pairs", &[]).error(1);
    assert!(error.contains("found no candidate"), "{error}");
    assert!(!run.out().join("input_preferences.parquet").exists());
}

#[test]
fn a_killed_collection_knows_what_it_paid() {
    let priced = [
        "--set",
        "endpoints.writer.prices={ input = \"1\", output = \"2\" }",
        "--set",
        "endpoints.judge.prices={ input = \"1\", output = \"2\" }",
    ];
    let whole = Run::new();
    whole.succeed("fipo", &priced);
    let all = whole.server.answered();
    let killed = Run::new();
    for moment in [all / 4, all / 2, all - 3] {
        killed.server.stop_after(moment);
        let mut command = killed.command("fipo", &priced);
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a process");
        for _ in 0..3_000 {
            if killed.server.answered() >= moment || child.try_wait().expect("a state").is_some() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        child.kill().expect("killed");
        child.wait().expect("ended");
    }
    killed.server.stop_after(usize::MAX);
    let before = killed.server.answered();
    killed.succeed("fipo", &priced);
    assert!(before > 0 && killed.server.answered() > before, "control: it resumed");
    let (found, expected) = (killed.usage(), whole.usage());
    // Answers that a killed command paid for are no answers from the store.
    let counts = ["answered", "from_store", "prompt_tokens", "completion_tokens", "cost"];
    for name in counts.into_iter().chain(["unknown_tokens"]) {
        assert_eq!(found[name], expected[name], "{name}: {found} {expected}");
    }
    assert_eq!(expected["answered"], all, "each request is answered once");
    assert_eq!(expected["cost"], format!("{:.5}", all as f64 * 50.0 / 1e6).trim_end_matches('0'));
}

#[test]
fn a_template_is_an_input_and_the_seed_of_pairing_is_not() {
    let run = Run::new();
    run.succeed("fipo", &[]);
    run.succeed("pairs", &[]);
    let splits = |rows: Vec<InputPreferenceRow>| {
        rows.into_iter().map(|row| (row.seed_id, row.split)).collect::<Vec<_>>()
    };
    let before = splits(run.alone());
    let answered = run.server.answered();
    let other = ["--set", "pairs.seed=4", "--set", "pairs.test_tasks=4"];
    run.succeed("pairs", &other);
    assert_ne!(splits(run.alone()), before, "the stored split would be stale");
    let groups = run.groups();
    let all =
        groups.iter().map(|row| row.split).chain(run.alone().into_iter().map(|row| row.split));
    let test = all.filter(|split| *split == Split::Test).count();
    assert_eq!(test, 4, "groups and preferences have the splits of one draw");
    assert_eq!(run.server.answered(), answered, "splits cost nothing");
    let folder = run.path("mine");
    fs::create_dir(&folder).expect("a folder");
    fs::write(folder.join("response.en.txt"), "=== user\nNow: {{instruction}}").expect("written");
    let mine = format!("fipo.templates={}", text(&folder));
    let error = run.run("pairs", &["--set", &mine]).error(2);
    assert!(error.contains("fipo.templates/response.en.txt"), "{error}");
    run.succeed("fipo", &["--set", &mine]);
    assert!(run.server.answered() > answered);
}

/// Rows of FIPO's published format about these things.
fn rows(path: &Path, things: &[&str]) {
    let row = |thing: &&str| {
        let y = format!("The lamp is lit at the {thing}; {}", words(7, thing));
        serde_json::json!({
            "id": thing,
            "raw_prompt": task(thing),
            "text003_response_based_raw": "A place.",
            "gpt4_response_based_raw": y,
            "chatgpt_optimized_prompt": "x",
            "gpt4_optimized_prompt": "y",
        })
        .to_string()
    };
    fs::write(path, things.iter().map(row).collect::<Vec<_>>().join("\n")).expect("written");
}

#[test]
fn responses_from_elsewhere_to_tested_tasks_are_left_out_before_the_first_request() {
    let run = Run::new();
    fs::remove_dir_all(run.out()).expect("removed");
    let (file, data) = (run.path("rows.jsonl"), run.path("ifeval.jsonl"));
    rows(&file, &THINGS);
    let prompt = serde_json::json!({
        "key": 7, "prompt": task("harbour").to_uppercase(),
        "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}],
    });
    fs::write(&data, prompt.to_string()).expect("written");
    let data = format!("eval.data.ifeval={}", text(&data));
    let tested = ["--from", text(&file), "--set", "eval.benchmarks=[\"ifeval\"]", "--set", &data];
    let made = run.succeed("fipo", &tested);
    assert!(made.contains("1 of 8 tasks overlap with prompts of the evaluation"), "{made}");
    assert!(made.contains("7 responses, "), "{made}");
    assert!(!run.server.seen().contains("harbour"), "it was paid for");
    let listed: Vec<ContaminationRow> =
        read(&run.out().join("fipo/contamination.parquet")).expect("rows");
    assert_eq!((listed.len(), listed[0].benchmark.as_str()), (1, "ifeval"));
    let stats: Vec<MetricRow> = read(&run.out().join("fipo/synth_stats.parquet")).expect("stats");
    assert!(stats.iter().any(|row| row.name == "contaminated/ifeval"));
    run.succeed("pairs", &tested[2..]);
    assert!(run.groups().iter().all(|row| !row.task.contains("harbour")));
    // Control: without the benchmark, the record says what has changed, and the task is used.
    let control = run.succeed("fipo", &tested[..2]);
    assert!(control.contains("fipo is stale") && control.contains("8 responses, "), "{control}");
    // Other responses are noticed, too, and a limit applies before the tasks are split.
    rows(&file, &THINGS[..6]);
    let limited = ["--from", text(&file), "--set", "fipo.max_seeds=5"];
    let fewer = run.succeed("fipo", &limited);
    assert!(fewer.contains("given responses") && fewer.contains("5 responses, "), "{fewer}");
    run.succeed("pairs", &limited[2..]);
    let test = run.groups().iter().filter(|row| row.split == Split::Test).count();
    let alone = run.alone().iter().filter(|row| row.split == Split::Test).count();
    assert_eq!(test + alone, 2, "every test task has a response");
}
