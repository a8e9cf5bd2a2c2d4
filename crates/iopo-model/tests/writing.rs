//! Written Hugging Face directories open with the same bits, and merged adapters give the same logits.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use common::{adapter, checkpoints, load};
use iopo_model::{Checkpoint, Decoder, Layout, write_hf_dir};
use serde_json::Value;

const INDEX: &str = "model.safetensors.index.json";
const WHOLE: u64 = 5_000_000_000;
const SMALL: u64 = 10_000;

fn bits(decoder: &Decoder) -> BTreeMap<String, (Vec<usize>, Vec<u32>)> {
    let parameters = decoder.full_parameters().expect("parameters").into_iter();
    parameters
        .map(|(name, (shape, values))| {
            (name, (shape, values.into_iter().map(f32::to_bits).collect()))
        })
        .collect()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).expect("a folder").filter_map(Result::ok);
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn checkpoints_keep_their_bits_when_written_whole_and_in_shards() {
    for source in checkpoints() {
        let decoder = load(&source);
        for max in [WHOLE, SMALL, 1] {
            let dir = tempfile::tempdir().expect("temporary directory");
            write_hf_dir(dir.path(), &decoder, max).expect("written");
            let opened = load(dir.path());
            assert_eq!(opened.config(), decoder.config(), "{}", source.display());
            assert!(bits(&opened) == bits(&decoder), "{} at {max}", source.display());
            assert!(names(dir.path()).iter().all(|name| !name.contains("tmp")));
        }
    }
}

#[test]
fn shards_stay_below_their_size_and_the_index_names_each_tensor_once() {
    let decoder = load(&checkpoints()[0]);
    let dir = tempfile::tempdir().expect("temporary directory");
    write_hf_dir(dir.path(), &decoder, SMALL).expect("written");
    let index = fs::read_to_string(dir.path().join(INDEX)).expect("index");
    let index: Value = serde_json::from_str(&index).expect("JSON");
    let parameters = decoder.full_parameters().expect("parameters");
    let total: usize = parameters.values().map(|(_, values)| 4 * values.len()).sum();
    assert_eq!(index["metadata"]["total_size"], total);
    let map = index["weight_map"].as_object().expect("a map");
    assert_eq!(map.keys().collect::<Vec<_>>(), parameters.keys().collect::<Vec<_>>());
    let shards: Vec<String> =
        names(dir.path()).into_iter().filter(|name| name.ends_with(".safetensors")).collect();
    assert!(shards.len() > 2, "{shards:?}");
    for (number, name) in shards.iter().enumerate() {
        assert_eq!(*name, format!("model-{:05}-of-{:05}.safetensors", number + 1, shards.len()));
        // The `safetensors` crate reads the tensors that the index lists.
        let bytes = fs::read(dir.path().join(name)).expect("shard");
        let shard = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
        let sizes: Vec<u64> = shard.iter().map(|(_, view)| view.data().len() as u64).collect();
        assert!(sizes.len() == 1 || sizes.iter().sum::<u64>() <= SMALL, "{name}: {sizes:?}");
        let listed: Vec<&String> =
            map.iter().filter(|(_, file)| *file == name).map(|(tensor, _)| tensor).collect();
        let mut found = shard.names();
        found.sort_unstable();
        assert_eq!(found, listed);
    }
}

#[test]
fn writing_again_replaces_the_earlier_files() {
    let [first, second] = [0, 1].map(|at| load(&checkpoints()[at]));
    let dir = tempfile::tempdir().expect("temporary directory");
    for (decoder, max) in
        [(&first, WHOLE), (&second, SMALL), (&first, SMALL), (&second, WHOLE), (&first, WHOLE)]
    {
        write_hf_dir(dir.path(), decoder, max).expect("written");
        assert!(bits(&load(dir.path())) == bits(decoder), "at {max}");
        assert_eq!(dir.path().join(INDEX).exists(), max == SMALL);
    }
}

#[test]
fn a_missing_directory_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let decoder = load(&checkpoints()[0]);
    let error = write_hf_dir(&dir.path().join("absent"), &decoder, WHOLE).expect_err("absent");
    assert!(error.to_string().contains("absent"), "{error}");
}

#[test]
fn configurations_have_every_field_that_transformers_reads() {
    for source in checkpoints() {
        let dir = tempfile::tempdir().expect("temporary directory");
        write_hf_dir(dir.path(), &load(&source), WHOLE).expect("written");
        let json = |dir: &Path| -> Value {
            let text = fs::read_to_string(dir.join("config.json")).expect("config");
            serde_json::from_str(&text).expect("JSON")
        };
        let (ours, theirs) = (json(dir.path()), json(&source));
        assert_eq!(ours["torch_dtype"], "float32");
        for key in [
            "architectures",
            "model_type",
            "hidden_act",
            "hidden_size",
            "intermediate_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "vocab_size",
            "max_position_embeddings",
            "tie_word_embeddings",
        ] {
            assert_eq!(ours[key], theirs[key], "{key} of {}", source.display());
        }
        for key in ["head_dim", "rms_norm_eps", "rope_theta"] {
            assert!(ours[key].is_number(), "{key}");
        }
        let config = Checkpoint::open(&source).expect("opens").config;
        assert_eq!(ours["rope_scaling"].is_object(), config.rope_scaling.is_some());
    }
}

fn logits(decoder: &Decoder) -> Vec<f32> {
    let layout = Layout::sequences([(0..24).collect::<Vec<u32>>()]).expect("layout");
    let hidden = decoder.hidden(&layout).expect("hidden");
    decoder.logits(&hidden).into_data().try_to_vec().expect("logits")
}

fn difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn a_merged_adapter_gives_the_logits_of_the_separate_one() {
    for dir in checkpoints() {
        let name = dir.display();
        let base = load(&dir);
        let separate = base.clone().load_adapter(&adapter(&dir.join("lora")), 2.0).expect("fits");
        let merged = separate.merged();
        assert!(!merged.has_adapter() && separate.has_adapter());
        let wanted = logits(&separate);
        // f32 rounding of logits around 5. Merging with peft changes some of these logits by 5e-5.
        let largest = wanted.iter().copied().map(f32::abs).fold(1.0, f32::max);
        let error = difference(&logits(&merged), &wanted) / largest;
        assert!(error <= 1e-5, "{name}: relative error {error}");
        // Negative controls: no adapter and another scale give other logits.
        let apart = difference(&logits(&base), &wanted);
        let wrong = base.load_adapter(&adapter(&dir.join("lora")), 1.0).expect("fits").merged();
        let wrong = difference(&logits(&wrong), &wanted);
        assert!(apart > 1e-3 && wrong > 1e-3, "{name}: {apart} {wrong}");
    }
}
