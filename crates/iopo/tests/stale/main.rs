//! Changed settings, files and directories: what is still valid is reused, what is not is named, and nothing is mixed.

#[path = "../common/mod.rs"]
mod common;
mod finished;
mod test_tasks;

use std::fs;
use std::path::Path;

use common::{run, succeed, text};
use finished::{Run, copy};

const ADAPTERS: [&str; 2] =
    ["train/sft/adapter_model.safetensors", "train/iopo/adapter_model.safetensors"];

#[test]
fn a_finished_run_is_valid_also_in_another_directory() {
    let run = Run::finished();
    let status = succeed(&["status", text(&run.out())]).stdout;
    for stage in ["synth", "pairs", "train", "rounds", "eval", "report"] {
        assert!(status.contains(&format!("{stage:<8}valid\n")), "{status}");
    }
    // The files of the run were copied, so all of them are as old as that.
    let before = ADAPTERS.map(|name| run.written(name));
    run.ok("pipeline", &[]);
    assert_eq!(ADAPTERS.map(|name| run.written(name)), before);
}

#[test]
fn another_split_of_the_tasks_ends_in_a_refusal() {
    let run = Run::finished();
    let seed = ["--set", "pairs.seed=5"];
    let status = run.status(&seed);
    assert!(status.contains("synth   valid\n"), "{status}");
    assert!(status.contains("pairs   stale       pairs.seed: 0 → 5\n"), "{status}");
    assert!(status.contains("train   stale       pairs is not valid\n"), "{status}");
    for stage in ["train", "eval", "report"] {
        let error = run.command(stage, &seed).error(2);
        let want = format!("cannot run {stage}: pairs is stale (pairs.seed: 0 → 5)");
        assert!(error.contains(&want) && error.contains("iopo pairs --out"), "{error}");
    }
    let config = fs::read_to_string(run.out().join("config.toml")).expect("the configuration");
    assert!(!config.contains("seed = 5"), "a refused command changes nothing");

    // The groups are made again, and say so. The adapters have seen tasks that are now tested.
    let groups = fs::read(run.out().join("preferences.parquet")).expect("groups");
    let again = run.ok("pairs", &seed);
    assert!(again.stderr.contains("pairs is stale (pairs.seed: 0 → 5)"), "{}", again.stderr);
    assert_ne!(fs::read(run.out().join("preferences.parquet")).expect("groups"), groups);
    let [old, new] = [groups, fs::read(run.out().join("preferences.parquet")).expect("groups")]
        .map(iopo::core::hash::bytes);
    let error = run.command("eval", &seed).error(2);
    assert!(error.contains("trained on groups with the content hash"), "{error}");
    assert!(error.contains(&old) && error.contains(&new), "both hashes are named: {error}");

    // The whole pipeline says what is stale, and makes it again.
    let whole = run.ok("pipeline", &seed);
    assert!(
        whole.stderr.contains("train is stale (preferences.parquet: content"),
        "{}",
        whole.stderr
    );
    assert!(!whole.stderr.contains("synth is stale"), "{}", whole.stderr);
    assert!(run.status(&[]).lines().all(|line| line.ends_with(" valid")), "{}", run.status(&[]));
}

#[test]
fn tasks_that_changed_between_two_stages_end_in_a_refusal() {
    let run = Run::finished();
    let copy = run.out().join("tasks.jsonl");
    assert_eq!(fs::read(&copy).expect("copy"), fs::read(run.tasks()).expect("tasks"));
    // The run was copied, so it first records the new path of the same tasks.
    run.ok("synth", &[]);
    let mut tasks = fs::read_to_string(run.tasks()).expect("tasks");
    tasks = tasks.replacen("\"task\": \"", "\"task\": \"Please: ", 1);
    fs::write(run.tasks(), &tasks).expect("written");
    for stage in ["pairs", "train", "eval"] {
        let error = run.command(stage, &[]).error(2);
        assert!(error.contains(&format!("cannot run {stage}: synth is stale (tasks: ")), "{error}");
    }
    // Without the original, the run's copy counts.
    fs::remove_file(run.tasks()).expect("removed");
    run.ok("train", &[]);
    // Another path that does not exist is a mistake.
    for stage in ["synth", "train", "report"] {
        let error = run.command(stage, &["--set", "tasks=taks.jsonl"]).error(2);
        let want = "taks.jsonl\", which does not exist, expected a file of tasks";
        assert!(error.contains("`tasks`: found \"/") && error.contains(want), "{error}");
        assert!(error.contains("check the path"), "{error}");
    }
    run.ok("train", &[]);
}

#[test]
fn a_test_task_that_was_trained_on_is_refused_at_every_step() {
    let run = Run::finished();
    // Other tasks: each single stage refuses results of the old ones.
    let mut lines: Vec<String> =
        fs::read_to_string(run.tasks()).expect("tasks").lines().map(str::to_owned).collect();
    lines.rotate_left(5);
    fs::write(run.tasks(), lines.join("\n")).expect("written");
    let seed = ["--set", "pairs.seed=5"];
    for stage in ["pairs", "train", "eval", "report"] {
        let error = run.command(stage, &seed).error(2);
        assert!(error.contains(&format!("cannot run {stage}: synth is stale (tasks: ")), "{error}");
    }
    // Stage by stage: a stage names the results that it computes again, and the next stage is refused until then.
    let again = run.ok("synth", &seed);
    assert!(again.stderr.contains("synth is stale (tasks: "), "{}", again.stderr);
    let error = run.command("train", &seed).error(2);
    assert!(error.contains("cannot run train: pairs is stale ("), "{error}");
    run.ok("pairs", &seed);
    let error = run.command("eval", &seed).error(2);
    assert!(error.contains("trained on groups with the content hash"), "{error}");
    let again = run.ok("train", &seed);
    assert!(again.stderr.contains("train is stale (preferences.parquet: "), "{}", again.stderr);
    run.ok("rounds", &seed);
    run.ok("eval", &seed);
    run.ok("report", &seed);
    let tasks_of = |split: iopo_schema::Split| {
        let file = run.out().join("preferences.parquet");
        let rows: Vec<iopo_schema::PreferenceRow> = iopo_schema::read(&file).expect("groups");
        let of_split = rows.into_iter().filter(|row| row.split == split);
        of_split.map(|row| row.task_id).collect::<std::collections::BTreeSet<_>>()
    };
    let (trained, tested) =
        (tasks_of(iopo_schema::Split::Train), tasks_of(iopo_schema::Split::Test));
    assert!(!trained.is_empty() && !tested.is_empty());
    assert!(trained.is_disjoint(&tested), "{trained:?} and {tested:?}");
}

#[test]
fn built_in_tasks_replace_the_runs_own_only_once_the_run_uses_them() {
    let run = Run::finished();
    let (jsonl, parquet) = (run.out().join("tasks.jsonl"), run.out().join("tasks.parquet"));
    let own = fs::read(&jsonl).expect("copy");
    // As if the run had been made from a Parquet file.
    fs::write(&parquet, "not read").expect("written");
    // A model that cannot be loaded changes nothing.
    let built_in = ["--set", "tasks="];
    let other = [&built_in[..], &["--model", "no-such-model"]].concat();
    run.command("synth", &other).error(2);
    assert_eq!(fs::read(&jsonl).expect("copy"), own);
    run.ok("synth", &built_in);
    let built_in = iopo::pipeline::BUILT_IN_TASKS.as_bytes();
    assert!(fs::read(&jsonl).expect("copy") == built_in);
    assert!(!parquet.exists() && !run.out().join(".tasks.jsonl").exists());
}

#[test]
fn a_model_that_changes_under_its_name_is_noticed_and_every_stage_follows() {
    let run = Run::finished();
    // Under the same name, so that only the content can tell the models apart.
    let model = run.dir.path().join("tiny");
    copy(&run.out().join("model"), &model);
    let with = ["--model", text(&model)];
    // The same content elsewhere is the same model.
    let answers = run.written("answers.parquet");
    run.ok("synth", &with);
    run.ok("train", &with);
    assert_eq!(run.written("answers.parquet"), answers);
    let path = model.join("tokenizer_config.json");
    let settings = fs::read_to_string(&path).expect("settings");
    let mut settings: serde_json::Value = serde_json::from_str(&settings).expect("JSON");
    let template = settings["chat_template"].as_str().expect("a template").to_owned();
    settings["chat_template"] = format!("{{# changed #}}{template}").into();
    fs::write(&path, settings.to_string()).expect("written");
    let error = run.command("train", &with).error(2);
    assert!(error.contains("cannot run train: synth is stale (model: "), "{error}");
    assert!(error.contains("iopo synth --out"), "{error}");
    // The command in the hint works.
    let again = run.ok("synth", &with);
    assert!(again.stderr.contains("synth is stale (model: "), "{}", again.stderr);
    assert_ne!(run.written("answers.parquet"), answers);
    let predictions = run.written("eval/base/predictions.parquet");
    for stage in ["pairs", "train", "rounds", "eval", "report"] {
        run.ok(stage, &with);
    }
    assert_ne!(run.written("eval/base/predictions.parquet"), predictions, "the base answers again");
}

#[test]
fn a_round_samples_again_after_the_template_changed() {
    let run = Run::finished();
    let rounds = ["--set", "rounds=2", "--set", "round.2.methods=[\"iopo\"]"];
    run.ok("pipeline", &rounds);
    let name = "rounds/2/iopo/answers.parquet";
    let before = run.written(name);
    run.ok("pipeline", &rounds);
    assert_eq!(run.written(name), before, "the same answers");
    let end = [&rounds[..], &["--set", "eos_token=<|im_start|>"]].concat();
    run.ok("pipeline", &end);
    assert_ne!(run.written(name), before, "another end of an answer");
}

#[test]
fn a_moved_file_of_a_setting_changes_nothing() {
    let run = Run::finished();
    let prompts = run.dir.path().join("prompts.parquet");
    fs::copy(run.out().join("eval/test_prompts.parquet"), &prompts).expect("copied");
    let data = run.dir.path().join("prompts.jsonl");
    fs::write(&data, IFEVAL).expect("written");
    let at = |data: &Path, prompts: &Path| {
        [
            "--set".to_owned(),
            "eval.benchmarks=[\"ifeval\"]".to_owned(),
            "--set".to_owned(),
            "eval.benchmark_max_new_tokens=4".to_owned(),
            "--set".to_owned(),
            format!("eval.data.ifeval={}", text(data)),
            "--set".to_owned(),
            format!("eval.prompts={}", text(prompts)),
        ]
    };
    let here = at(&data, &prompts);
    let here: Vec<&str> = here.iter().map(String::as_str).collect();
    run.ok("eval", &here);
    let moved = [run.dir.path().join("other.jsonl"), run.dir.path().join("other.parquet")];
    fs::rename(&data, &moved[0]).expect("moved");
    fs::rename(&prompts, &moved[1]).expect("moved");
    let there = at(&moved[0], &moved[1]);
    let there: Vec<&str> = there.iter().map(String::as_str).collect();
    let status = run.status(&there);
    assert!(status.contains("eval    valid\n"), "{status}");
    fs::write(&moved[0], IFEVAL.replace("tea", "rain")).expect("written");
    let status = run.status(&there);
    assert!(status.contains("eval    stale       eval.data.ifeval: content"), "{status}");
    // The old path is gone, which is detected before anything is computed.
    let error = run.command("synth", &here).error(2);
    assert!(error.contains("`eval.prompts`: found ") && error.contains("exist"), "{error}");
}

#[test]
fn status_compares_the_weights_of_a_model_at_a_path() {
    let run = Run::finished();
    let model = run.dir.path().join("model");
    copy(&run.out().join("model"), &model);
    let set = format!("model={}", text(&model));
    let with = ["--set", set.as_str()];
    let status = run.status(&with);
    assert!(status.contains("synth   valid\n"), "the same weights elsewhere: {status}");
    let weights = model.join("model.safetensors");
    let mut bytes = fs::read(&weights).expect("weights");
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    fs::write(&weights, bytes).expect("written");
    let status = run.status(&with);
    assert!(status.contains("synth   stale       model: "), "{status}");
    assert!(!status.contains("by its name"), "{status}");
    let status = run.status(&["--set", "model=org/name"]);
    assert!(status.contains("the base model `org/name` is compared by its name"), "{status}");
}

#[test]
fn test_prompts_of_a_training_task_are_refused_before_the_first_stage() {
    let run = Run::finished();
    let prompts = run.out().join("eval/test_prompts.parquet");
    let prompts = format!("eval.prompts={}", text(&prompts));
    // Control: the tasks of the prompts are the test tasks of this split.
    run.ok("synth", &["--set", &prompts]);
    let before = fs::read_to_string(run.out().join("config.toml")).expect("the configuration");
    for command in ["pipeline", "synth"] {
        let error = run.command(command, &["--set", &prompts, "--set", "pairs.seed=5"]).error(2);
        assert!(error.contains("`eval.prompts`: found `"), "{error}");
        assert!(error.contains("is in the test split and in the "), "{error}");
        assert!(error.contains("remove the task"), "{error}");
    }
    let after = fs::read_to_string(run.out().join("config.toml")).expect("the configuration");
    assert_eq!(after, before, "a refused command changes nothing");
}

/// A prompt of IFEval.
const IFEVAL: &str = r#"{"key": 1, "prompt": "Write about tea without any commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
"#;

#[test]
fn a_new_method_is_trained_and_the_others_are_kept() {
    let run = Run::finished();
    run.ok("report", &[]);
    let report = fs::read(run.out().join("report.html")).expect("report");
    let before = ADAPTERS.map(|name| run.written(name));
    let groups = run.written("preferences.parquet");
    let answers = run.written("eval/iopo/predictions.parquet");
    let methods = ["--set", "train.methods=[\"sft\", \"dpo\", \"iopo\"]"];
    let added = run.ok("pipeline", &methods);
    assert!(added.stderr.contains("train is stale (train.methods: "), "{}", added.stderr);
    assert_eq!(ADAPTERS.map(|name| run.written(name)), before);
    assert_eq!(run.written("preferences.parquet"), groups);
    assert_eq!(run.written("eval/iopo/predictions.parquet"), answers);
    assert!(run.out().join("train/dpo/adapter_model.safetensors").is_file());
    assert!(added.stdout.contains("dpo"), "{}", added.stdout);

    // A method that the configuration no longer has is in no table.
    let removed = run.ok("pipeline", &[]);
    assert!(!removed.stdout.contains("dpo"), "{}", removed.stdout);
    for folder in ["train/dpo", "eval/dpo"] {
        assert!(run.out().join(folder).is_dir(), "its files are kept");
        fs::remove_dir_all(run.out().join(folder)).expect("removed");
    }
    // They are no longer part of the run, so that they can be removed.
    assert!(run.status(&[]).lines().all(|line| line.ends_with(" valid")), "{}", run.status(&[]));
    assert!(
        fs::read(run.out().join("report.html")).expect("report") == report,
        "it is in the report"
    );
}

#[test]
fn a_damaged_adapter_is_trained_again_beside_a_new_method() {
    let run = Run::finished();
    let adapter = run.out().join("train/iopo/adapter_model.safetensors");
    let before = fs::read(&adapter).expect("adapter");
    let mut damaged = before.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fs::write(&adapter, &damaged).expect("written");
    run.ok("pipeline", &["--set", "train.methods=[\"sft\", \"dpo\", \"iopo\"]"]);
    assert!(fs::read(&adapter).expect("adapter") == before, "not computed again");
    assert!(run.out().join("train/dpo/adapter_model.safetensors").is_file());
}

#[test]
fn settings_that_change_no_prompt_and_no_end_keep_the_answers() {
    let run = Run::finished();
    let files = ["answers.parquet", "relevance.parquet", "instructions.parquet"];
    let before = files.map(|name| run.written(name));
    let same = ["--set", "template_date=2025-01-01", "--set", "eos_token=<|im_end|>"];
    let other = run.ok("synth", &same);
    assert!(other.stderr.contains("template_date"), "{}", other.stderr);
    assert_eq!(files.map(|name| run.written(name)), before);
    assert!(run.status(&same).contains("synth   valid\n"), "{}", run.status(&same));
    // Control: another end of an answer.
    run.ok("synth", &["--set", "eos_token=<|im_start|>"]);
    assert_ne!(run.written(files[0]), before[0]);
}

#[test]
fn another_date_of_a_template_that_writes_it_samples_the_answers_again() {
    let run = Run::finished();
    let model = run.dir.path().join("tiny");
    copy(&run.out().join("model"), &model);
    let path = model.join("tokenizer_config.json");
    let settings = fs::read_to_string(&path).expect("settings");
    let mut settings: serde_json::Value = serde_json::from_str(&settings).expect("JSON");
    let template = settings["chat_template"].as_str().expect("a template").to_owned();
    settings["chat_template"] = format!("{{{{ strftime_now('%d.%m.%Y') }}}}{template}").into();
    fs::write(&path, settings.to_string()).expect("written");
    let with = ["--model", text(&model)];
    run.ok("synth", &with);
    let answers = || fs::read(run.out().join("answers.parquet")).expect("answers");
    let (before, time) = (answers(), run.written("answers.parquet"));
    run.ok("synth", &with);
    assert_eq!(run.written("answers.parquet"), time, "the same date");
    let other = run.ok("synth", &[&with[..], &["--set", "template_date=2025-01-01"]].concat());
    assert!(other.stderr.contains("template_date"), "{}", other.stderr);
    assert!(answers() != before, "not sampled again");
}

#[test]
fn settings_of_the_evaluation_and_of_the_report_keep_the_training() {
    let run = Run::finished();
    let before = ADAPTERS.map(|name| run.written(name));
    let answers = run.written("eval/iopo/predictions.parquet");
    let changed = run.ok("pipeline", &["--set", "eval.bootstrap_samples=100"]);
    assert!(
        changed.stderr.contains("eval is stale (eval.bootstrap_samples: 200 → 100)"),
        "{}",
        changed.stderr
    );
    assert!(!changed.stderr.contains("train is stale"), "{}", changed.stderr);
    assert_eq!(ADAPTERS.map(|name| run.written(name)), before);
    assert_eq!(run.written("eval/iopo/predictions.parquet"), answers);
    let summary = run.written("eval/summary.parquet");
    run.ok("report", &["--set", "eval.bootstrap_samples=100", "--set", "name=renamed"]);
    assert_eq!(run.written("eval/summary.parquet"), summary);
    let report = fs::read_to_string(run.out().join("report.html")).expect("report");
    assert!(report.contains("renamed"));
}

#[test]
fn a_stale_training_is_made_again_and_equals_a_new_one() {
    let run = Run::finished();
    let rate = ["--set", "train.overrides.iopo.learning_rate=2e-3"];
    let [sft, iopo] = ADAPTERS.map(|name| fs::read(run.out().join(name)).expect("adapter"));
    let trained = run.ok("train", &rate);
    let want = "train is stale (train.overrides.iopo.learning_rate: unset → 0.002)";
    assert!(trained.stderr.contains(want), "{}", trained.stderr);
    let [same, other] = ADAPTERS.map(|name| fs::read(run.out().join(name)).expect("adapter"));
    assert!(sft == same && iopo != other);
    let error = run.command("report", &rate).error(2);
    assert!(error.contains("eval is stale (train/iopo/iopo.json: content"), "{error}");
    run.ok("pipeline", &rate);
    let new = Run { dir: tempfile::tempdir().expect("temporary directory") };
    fs::copy(run.settings(), new.settings()).expect("copied");
    fs::copy(run.tasks(), new.tasks()).expect("copied");
    new.ok("pipeline", &rate);
    for name in [ADAPTERS[0], ADAPTERS[1], "eval/summary.parquet", "eval/iopo/group_logps.parquet"]
    {
        let [a, b] = [&run, &new].map(|run| fs::read(run.out().join(name)).expect("file"));
        assert!(a == b, "{name} differs from that of a new run");
    }
}

#[test]
fn an_adapter_of_another_run_is_refused() {
    let run = Run::finished();
    let other = Run::finished();
    other.ok("pipeline", &["--set", "pairs.seed=5"]);
    for file in ["adapter_model.safetensors", "iopo.json"] {
        let [from, to] = [&other, &run].map(|run| run.out().join("train/iopo").join(file));
        fs::copy(from, to).expect("copied");
    }
    let error = run.command("eval", &[]).error(2);
    assert!(error.contains("trained on groups with the content hash"), "{error}");
    // Test prompts of the other run have tasks that this one was trained on. A synthesis for them leaves these tasks out.
    let run = Run::finished();
    let prompts = other.out().join("eval").join("test_prompts.parquet");
    let error = run.command("eval", &["--set", &format!("eval.prompts={}", text(&prompts))]);
    assert_ne!(error.code, Some(0), "{}", error.stderr);
    assert!(error.stderr.contains("synth is stale (excluded tasks: "), "{}", error.stderr);
    // An adapter that was trained on the same groups is not that of the run either.
    let run = Run::finished();
    let twin = Run::finished();
    twin.ok("train", &["--set", "train.overrides.iopo.learning_rate=2e-3"]);
    for file in ["adapter_model.safetensors", "iopo.json", "metrics.parquet"] {
        let [from, to] = [&twin, &run].map(|run| run.out().join("train/iopo").join(file));
        fs::copy(from, to).expect("copied");
    }
    let error = run.command("eval", &[]).error(1);
    assert!(error.contains("cannot run eval: train is damaged (train/iopo/"), "{error}");
}

#[test]
fn a_configuration_that_was_edited_in_the_run_is_refused_with_a_remedy() {
    let run_dir = Run::finished();
    let (out, path) = (run_dir.out(), run_dir.out().join("config.toml"));
    let text_of = fs::read_to_string(&path).expect("the configuration");
    fs::write(&path, text_of.replace("bootstrap_samples = 200", "bootstrap_samples = 100"))
        .expect("written");
    let error = run(&["eval", "--out", text(&out)]).error(2);
    assert!(error.contains("config.toml differs from the configuration that"), "{error}");
    assert!(error.contains("--config"), "{error}");
}
