//! The recipe `trace` through the binary, with the tiny random model as writer and judge.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

mod common;
use common::{Outcome, finish, iopo, run, succeed, text};

/// Runs the preset on eight tasks. Stored answers go to `cache`.
fn trace(command: &str, out: &Path, cache: &Path, more: &[&str]) -> Outcome {
    let start = [command, "--preset", "trace-local", "--model", "tiny", "--out", text(out)];
    let small = [
        "synth.max_tasks=8",
        "synth.trace.tasks_per_part=4",
        "synth.trace.max_new_tokens.instruction=16",
        "synth.trace.max_new_tokens.response=16",
        "synth.trace.max_new_tokens.judge=16",
    ];
    let small = small.iter().flat_map(|set| ["--set", *set]);
    let args: Vec<&str> = start.into_iter().chain(small).chain(more.iter().copied()).collect();
    finish(iopo(&args).env("IOPO_CACHE", cache))
}

/// Returns the files of synthesis by name.
fn files(out: &Path) -> BTreeMap<&'static str, Vec<u8>> {
    let names = ["instructions", "responses", "candidates", "synth_stats"];
    let file = |name: &'static str| {
        (name, fs::read(out.join(format!("{name}.parquet"))).expect("a file of synthesis"))
    };
    names.map(file).into()
}

#[test]
fn a_recipe_without_requests_names_the_roles_that_have_no_effect() {
    let dir = tempfile::tempdir().expect("a folder");
    let out = dir.path().join("run");
    let args = ["synth", "--preset", "smoke", "--out", text(&out)];
    let sets = [
        r#"endpoints.w={base_url="http://127.0.0.1:9/v1", model="m"}"#,
        "llm.writer=w",
        "synth.max_tasks=4",
        "pairs.test_tasks=1",
        "pairs.dev_tasks=1",
    ];
    let args: Vec<&str> =
        args.into_iter().chain(sets.iter().flat_map(|set| ["--set", *set])).collect();
    let made = run(&args);
    assert!(made.stderr.contains("`llm.writer` has no effect on this recipe"), "{}", made.stderr);
}

#[test]
fn a_run_writes_its_files_and_another_repeats_it_from_the_stored_answers() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, again, cache) =
        (dir.path().join("run"), dir.path().join("again"), dir.path().join("cache"));
    let made = trace("synth", &out, &cache, &[]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    // A random model writes no JSON.
    assert!(made.stderr.contains("8 tasks, 0 instructions, 0 candidate groups"), "{}", made.stderr);
    assert!(made.stderr.contains("the writer judges its own answers"), "{}", made.stderr);
    let before = files(&out);
    let status = succeed(&["status", text(&out)]);
    let line = status.stdout.lines().find(|line| line.contains("synth"));
    assert!(line.is_some_and(|line| line.contains("valid")), "{}", status.stdout);

    let repeated = trace("synth", &out, &cache, &[]);
    assert_eq!((repeated.code, files(&out)), (Some(0), before.clone()), "{}", repeated.stderr);
    let offline = ["--set", "llm.offline=true"];
    let stored = trace("synth", &again, &cache, &offline);
    assert_eq!((stored.code, files(&again)), (Some(0), before), "{}", stored.stderr);
    // Negative control: another seed has other requests, which are not stored.
    let other = trace(
        "synth",
        &dir.path().join("other"),
        &cache,
        &[&offline[..], &["--seed", "5"]].concat(),
    );
    assert!(other.error(1).contains("the store has no answer"), "{}", other.stderr);

    let pairs = run(&["pairs", "--out", text(&out)]);
    let error = pairs.error(1);
    assert!(error.contains("candidates.parquet"), "{error}");
}

#[cfg(feature = "endpoint")]
#[test]
fn a_changed_template_makes_synthesis_stale_and_is_estimated_before_it_is_paid_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, cache) = (dir.path().join("run"), dir.path().join("cache"));
    let templates = dir.path().join("templates");
    fs::create_dir(&templates).expect("made");
    let own = templates.join("expand.en.txt");
    let template = |more: &str| {
        let slots = "{{task}} {{input}} {{count}} {{dimensions}}";
        fs::write(&own, format!("=== user\n{more}{slots}\n")).expect("written");
    };
    template("Add constraints: ");
    let folder = format!("synth.trace.templates={}", text(&templates));
    let sets = ["--set", &folder];
    let made = trace("synth", &out, &cache, &sets);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let state = || {
        let status = succeed(&["status", text(&out)]).stdout;
        status.lines().find(|line| line.contains("synth")).expect("a line").to_owned()
    };
    assert!(state().contains("valid"), "{}", state());
    fs::write(templates.join("notes.txt"), "not a template").expect("written");
    assert!(state().contains("valid"), "negative control: {}", state());
    template(&"Add constraints with care. ".repeat(500));
    let line = state();
    assert!(
        line.contains("stale") && line.contains("synth.trace.templates/expand.en.txt"),
        "{line}"
    );
    let endpoint = "endpoints.w={base_url=\"http://127.0.0.1:9/v1\", model=\"m\"}";
    let paid = [&sets[..], &["--set", endpoint, "--set", "llm.writer=w"]].concat();
    let error = trace("synth", &out, &cache, &paid).error(2);
    assert!(error.contains("may cost money"), "{error}");
    let long = trace("synth", &out, &cache, &[&paid[..], &["--dry-run"]].concat());
    template("Add constraints: ");
    let short = trace("synth", &out, &cache, &[&paid[..], &["--dry-run"]].concat());
    // 8 tasks with 13,500 more characters each.
    let [long, short] = [&long, &short].map(|outcome| prompt_tokens(&outcome.stderr));
    assert!(long > short + 20_000, "{long} {short}");
}

/// Reads the prompt tokens of an estimate.
#[cfg(feature = "endpoint")]
fn prompt_tokens(stderr: &str) -> u64 {
    let (before, _) = stderr.split_once(" prompt tokens").expect("an estimate");
    before.split_whitespace().last().and_then(|word| word.parse().ok()).expect("a number")
}

#[cfg(feature = "endpoint")]
#[test]
fn an_estimate_states_expected_and_largest_tokens() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, cache) = (dir.path().join("run"), dir.path().join("cache"));
    let endpoint = "endpoints.w={base_url=\"http://127.0.0.1:9/v1\", model=\"m\"}";
    let tokens = |more: &[&str]| -> [u64; 2] {
        let sets = ["--set", endpoint, "--set", "llm.writer=w", "--dry-run"];
        let dry = trace("synth", &out, &cache, &[&sets[..], more].concat());
        let (_, after) = dry.stderr.split_once("prompt tokens and ").expect("an estimate");
        let (expected, after) = after.split_once(" new tokens (at most ").expect("both");
        let most = after.split_once(')').expect("a number").0;
        [expected, most].map(|number| number.parse().expect("a number"))
    };
    let [expected, most] = tokens(&[]);
    assert!(expected > 0 && expected <= most, "{expected} {most}");
    // The limit that the server gets counts.
    let longer = ["--set", "endpoints.w.extra_body={max_tokens=1600}"];
    assert_eq!(tokens(&longer), [expected, 100 * most]);
}

#[test]
fn a_dry_run_writes_nothing_and_a_mixture_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, cache) = (dir.path().join("run"), dir.path().join("cache"));
    let dry = trace("synth", &out, &cache, &["--dry-run"]);
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(dry.stderr.contains("no requests to endpoints") && !out.exists(), "{}", dry.stderr);
    for (assignment, part) in [
        ("synth.recipe={edit=1.0, trace=1.0}", "`synth.recipe.trace`"),
        ("round.2.recipe=trace", "a recipe that samples the policy"),
        ("synth.trace.samples=0", "synth.trace.samples"),
    ] {
        let error =
            trace("synth", &out, &cache, &["--set", "rounds=2", "--set", assignment]).error(2);
        assert!(error.contains(part), "{error}");
        assert!(!out.exists(), "{assignment}");
    }
}

#[cfg(feature = "endpoint")]
#[test]
fn requests_that_cost_money_need_a_confirmation() {
    let dir = tempfile::tempdir().expect("a folder");
    let (out, cache) = (dir.path().join("run"), dir.path().join("cache"));
    // Nothing listens on this port, so a request would fail.
    let endpoint = "endpoints.w={base_url=\"http://127.0.0.1:9/v1\", model=\"m\", \
                    prices={input=\"1\", output=\"2\"}}";
    let sets = ["--set", endpoint, "--set", "llm.writer=w"];
    let error = trace("synth", &out, &cache, &sets).error(2);
    assert!(error.contains("--yes"), "{error}");
    let dry = trace("synth", &out, &cache, &[&sets[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    assert!(dry.stderr.contains("writer: ") && !dry.stderr.contains("judge: "), "{}", dry.stderr);
    assert!(!out.exists());
    let error = trace("synth", &out, &cache, &[&sets[..], &["--yes"]].concat()).error(1);
    for part in [
        "no server answers at the address",
        "(model `m` at 127.0.0.1:9)",
        "hint: check `base_url` and that the server is running",
    ] {
        assert!(error.contains(part), "{part}: {error}");
    }
    // An estimate needs no key, but a run does.
    let keyed = endpoint.replace("prices=", "api_key_env=\"IOPO_TEST_NO_SUCH_KEY\", prices=");
    let sets = ["--set", &keyed, "--set", "llm.writer=w"];
    let dry = trace("synth", &out, &cache, &[&sets[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, Some(0), "{}", dry.stderr);
    let error = trace("synth", &out, &cache, &[&sets[..], &["--yes"]].concat()).error(2);
    assert!(error.contains("IOPO_TEST_NO_SUCH_KEY"), "{error}");
    let sets = ["--set", endpoint, "--set", "llm.writer=w"];
    // Nothing is sent offline, so there is no question.
    let offline =
        trace("synth", &out, &cache, &[&sets[..], &["--set", "llm.offline=true"]].concat());
    assert!(offline.error(1).contains("the store has no answer"), "{}", offline.stderr);
}
