//! `iopo merge`: GGUF and Hugging Face bases, shards, and refused input.

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Outcome, run, succeed, text};
use iopo_model::{ChatModel, Decoder, Dtype, Layout, LoraConfig};
use iopo_testing::gguf::{self, Tensor};
use iopo_train::metadata::{METADATA, Metadata};
use iopo_train::weights;
use serde_json::{Value, json};

/// Writes a valid GGUF file whose weights distinguish tokens.
fn base(dir: &Path) -> PathBuf {
    let mut file = gguf::valid();
    for (number, tensor) in file.tensors.iter_mut().enumerate() {
        let shape: Vec<u64> = tensor.dims.iter().rev().copied().collect();
        let middle = if tensor.name.contains("norm") { 1.0 } else { 0.0 };
        *tensor = Tensor::f32(&tensor.name, &shape, |at| {
            ((at + 1000 * number) as f32 * 0.37).sin().mul_add(0.2, middle)
        });
    }
    let path = dir.join("base.gguf");
    fs::write(&path, file.bytes()).expect("written");
    path
}

fn load(path: &Path) -> ChatModel {
    let device = iopo_model::device::device("flex").expect("flex");
    ChatModel::load(path, "model", (&device, Dtype::F32), 1).expect("loads")
}

/// Writes an adapter that changes the base's logits; returns base and adapter together.
fn adapter(dir: &Path, base: &ChatModel, base_hash: &str) -> Decoder {
    let lora = LoraConfig::new(2, 4.0);
    let fresh = base.decoder().clone().with_lora(&lora, 3).expect("adapter");
    let mut factors = fresh.adapter().expect("factors");
    for (_, (_, values)) in factors.iter_mut().filter(|(name, _)| name.contains("lora_B")) {
        for (at, value) in values.iter_mut().enumerate() {
            *value = (at as f32 * 0.7).cos() * 0.2;
        }
    }
    let decoder = fresh.load_adapter(&factors, 2.0).expect("fits");
    let metadata: Metadata = serde_json::from_value(json!({
        "base": "base",
        "base_weights_hash": base_hash,
        "template_hash": "",
        "method": "iopo",
        "preferences_hash": "",
        "settings": {
            "settings": { "learning_rate": 1e-4, "beta": 0.1, "pref_ftx": 1.0 },
            "plan": { "groups": 1, "per_update": 1, "epochs": 1, "seed": 0 },
            "warmup_ratio": 0.1,
            "tokens_per_micro_batch": 1024,
            "sequence_layout": "tree",
            "lora": lora,
            "max_length": 1024,
            "max_grad_norm": 1.0,
            "weight_decay": 0.01,
            "dev_groups": 0,
        },
    }))
    .expect("metadata");
    fs::create_dir_all(dir).expect("made");
    weights::save(dir, &decoder, Some(&lora), "base").expect("saved");
    metadata.write(dir).expect("written");
    decoder
}

fn difference(a: &Decoder, b: &Decoder) -> f32 {
    let [a, b] = [a, b].map(|decoder| {
        let tokens = (0..32).map(|at| at * at % decoder.config().vocab_size as u32);
        let layout = Layout::sequences([tokens.collect::<Vec<_>>()]).expect("layout");
        let hidden = decoder.hidden(&layout).expect("hidden");
        decoder.logits(&hidden).into_data().try_to_vec::<f32>().expect("logits")
    });
    a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn args<'a>(model: &'a Path, adapter: &'a Path, out: &'a Path) -> [&'a str; 7] {
    ["merge", "--model", text(model), "--adapter", text(adapter), "--out", text(out)]
}

/// Compares the merged model with base and adapter side by side. `what` names the case in a failure.
fn check(what: &str, out: &Path, base: &ChatModel, together: &Decoder) {
    let merged = load(out);
    assert!(!merged.decoder().has_adapter() && together.has_adapter());
    let off = difference(merged.decoder(), together);
    assert!(off <= 1e-5, "{what}: logits are off by {off}");
    // Negative control: the base alone has other logits.
    let apart = difference(base.decoder(), together);
    assert!(apart > 1e-2, "{what}: the adapter changes logits by {apart} only");
    let [ours, theirs] = [&merged, base].map(|model| model.tokenizer().encode("abab: a line."));
    assert_eq!(ours.expect("encodes"), theirs.expect("encodes"));
    assert_eq!(merged.template().hash(), base.template().hash());
}

fn read(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).expect("a file")).expect("JSON")
}

/// Adds settings to a model's files; returns file, key and value of each.
fn keep(model: &Path) -> Vec<(&'static str, &'static str, Value)> {
    let settings = vec![
        ("tokenizer_config.json", "padding_side", json!("left")),
        ("tokenizer_config.json", "additional_special_tokens", json!(["<note>"])),
        ("generation_config.json", "temperature", json!(0.6)),
        ("generation_config.json", "do_sample", json!(true)),
    ];
    for (name, key, value) in &settings {
        let path = model.join(name);
        let mut json = if path.is_file() { read(&path) } else { json!({}) };
        json[*key] = value.clone();
        fs::write(path, json.to_string()).expect("written");
    }
    settings
}

#[test]
fn the_tiny_model_and_an_adapter_are_merged_with_and_without_shards() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (made, learned) = (dir.path().join("run"), dir.path().join("adapter"));
    // Synthesis creates the tiny model.
    let sets = ["--set", "synth.max_tasks=4", "--set", "pairs.test_tasks=1", "--set"];
    let synth = ["synth", "--preset", "smoke", "--out", text(&made)];
    succeed(&[&synth[..], &sets, &["pairs.dev_tasks=1"]].concat());
    let model = made.join("model");
    let kept = keep(&model);
    let base = load(&model);
    let together = adapter(&learned, &base, base.weights_hash());
    for (size, sharded) in [("5GB", false), ("40KiB", true)] {
        let out = dir.path().join("out").join(size);
        succeed(&[&args(&model, &learned, &out)[..], &["--max-shard-size", size]].concat());
        check(size, &out, &base, &together);
        for (name, key, value) in &kept {
            assert_eq!(read(&out.join(name))[*key], *value, "{key} of {name}");
        }
        assert_eq!(out.join("model.safetensors.index.json").is_file(), sharded);
        assert_eq!(out.join("model.safetensors").is_file(), !sharded);
    }
}

#[test]
fn a_merged_gguf_base_can_be_merged_again() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut model = base(dir.path());
    for round in ["first", "second"] {
        let (learned, out) = (dir.path().join(format!("{round}-adapter")), dir.path().join(round));
        let base = load(&model);
        let together = adapter(&learned, &base, base.weights_hash());
        let mut args = args(&model, &learned, &out).to_vec();
        args.extend(["--max-shard-size", "8KB"]);
        succeed(&args);
        check(round, &out, &base, &together);
        assert!(out.join("model.safetensors.index.json").is_file());
        model = out;
    }
    // No other file is left beside the base, two adapters and two models.
    assert_eq!(fs::read_dir(dir.path()).expect("folder").count(), 5);
}

#[test]
fn invalid_input_is_refused_and_leaves_no_files() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let (learned, out) = (dir.path().join("adapter"), dir.path().join("out"));
    let model = base(dir.path());
    let loaded = load(&model);
    let refuse = |change: &dyn Fn(), code: i32, words: &[&str]| {
        change();
        let outcome: Outcome = run(&args(&model, &learned, &out));
        let error = outcome.error(code);
        for word in words {
            assert!(error.contains(word), "expected {word:?} in: {error}");
        }
        let beside = fs::read_dir(dir.path()).expect("folder").filter_map(Result::ok);
        let scratch = beside.filter(|entry| entry.file_name().to_string_lossy().starts_with('.'));
        assert_eq!(scratch.count(), 0, "after {error}");
    };
    refuse(&|| (), 2, &["holds no adapter", "adapter_model.safetensors", "hint:"]);
    let another = || drop(adapter(&learned, &loaded, &"0".repeat(64)));
    refuse(&another, 1, &["failed to load the adapter", &"0".repeat(64), "hint:"]);
    assert!(!out.exists());
    let of_another_kind = || {
        fs::remove_file(learned.join(METADATA)).expect("removed");
        let path = learned.join("adapter_config.json");
        let config = fs::read_to_string(&path).expect("written").replace("LORA", "IA3");
        fs::write(path, config).expect("written");
    };
    refuse(&of_another_kind, 1, &["peft_type", "IA3", "hint:"]);
    let filled = || {
        adapter(&learned, &loaded, loaded.weights_hash());
        fs::create_dir(&out).expect("made");
        fs::write(out.join("mine.txt"), "kept").expect("written");
    };
    refuse(&filled, 2, &["not an empty directory", "another --out"]);
    assert_eq!(fs::read_to_string(out.join("mine.txt")).expect("kept"), "kept");
    let a_file = || {
        fs::remove_dir_all(&out).expect("removed");
        fs::write(&out, "kept").expect("written");
    };
    refuse(&a_file, 2, &["not an empty directory"]);

    // An empty directory is accepted.
    fs::remove_file(&out).expect("removed");
    fs::create_dir(&out).expect("made");
    succeed(&args(&model, &learned, &out));
    assert!(out.join("config.json").is_file() && out.join("model.safetensors").is_file());
}

#[test]
fn an_invalid_shard_size_is_a_usage_error() {
    let mut args = args(Path::new("m"), Path::new("a"), Path::new("o")).to_vec();
    args.extend(["--max-shard-size", "5 parsecs"]);
    let error = run(&args).error(2);
    assert!(error.contains("5 parsecs") && error.contains("512MiB"), "{error}");
}
