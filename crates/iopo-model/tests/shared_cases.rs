//! Checkpoints of other tools with the logits of transformers, where they exist beside the repository.

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use common::read;
use iopo_model::{Checkpoint, Decoder, Layout, ModelError, ModelFiles};
use serde_json::Value;

/// Largest difference of a logit.
const TOLERANCE: f64 = 1e-4;

/// Returns the cases about models: their folders and expected results.
fn cases() -> Vec<(PathBuf, Value)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut cases: Vec<(PathBuf, Value)> = entries
        .filter_map(|entry| {
            let dir = entry.expect("an entry").path();
            let text = fs::read_to_string(dir.join("expected.json")).ok()?;
            Some((dir, serde_json::from_str(&text).expect("JSON")))
        })
        .collect();
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

fn logits(path: &Path, tokens: &[f64]) -> Result<Vec<f32>, ModelError> {
    let mut checkpoint = Checkpoint::open(path)?;
    let config = checkpoint.config.clone();
    let decoder = Decoder::from_tensors(&config, &Device::flex(), |name, shape| {
        checkpoint.tensor(name, shape)
    })?;
    let layout = Layout::sequences([tokens.iter().map(|id| *id as u32).collect::<Vec<_>>()])?;
    let hidden = decoder.hidden(&layout)?;
    Ok(decoder.logits(&hidden).into_data().try_to_vec().expect("logits"))
}

#[test]
fn models_of_other_tools_have_the_logits_of_transformers_or_are_refused_by_name() {
    let mut compared = 0;
    let all = cases();
    for (dir, expected) in &all {
        let (Some(model), Some(file)) = (expected["model"].as_str(), expected["logits"].as_str())
        else {
            continue;
        };
        if expected["adapter"].is_string() || expected["outcome"] == "refused" {
            continue;
        }
        let name = dir.display();
        let golden = read(&dir.join(file));
        match logits(&dir.join(model), &golden["tokens"].values) {
            Ok(found) => {
                let wanted = &golden["logits"].values;
                assert_eq!(found.len(), wanted.len(), "{name}");
                let off = found.iter().zip(wanted).map(|(a, b)| (f64::from(*a) - b).abs());
                let off = off.fold(0.0, f64::max);
                assert!(off <= TOLERANCE, "{name}: logits are off by {off}");
                compared += 1;
            }
            Err(error) => {
                assert_eq!(expected["outcome"], "accepted or refused", "{name}: {error}");
                let words = expected["message_names"].as_array().into_iter().flatten();
                for word in words.filter_map(Value::as_str) {
                    assert!(error.to_string().contains(word), "{name}: {error}");
                }
            }
        }
    }
    assert!(all.is_empty() || compared >= 15, "{compared} of {} cases", all.len());
}

#[test]
fn tokenizers_of_other_tools_open_and_refuse_texts_with_tokens_beyond_the_embedding() {
    for (dir, expected) in cases() {
        let name = dir.display();
        let Some(model) = expected["model"].as_str().filter(|_| expected["chat"].is_array()) else {
            continue;
        };
        let (_, tokenizer, _) = ModelFiles::open(&dir.join(model)).expect("opens");
        for key in ["bos_token", "eos_token"] {
            if let Some(wanted) = expected.get(key) {
                let found =
                    if key == "bos_token" { tokenizer.bos_token() } else { tokenizer.eos_token() };
                assert_eq!(found, wanted.as_str(), "{key} of {name}");
            }
        }
        for chat in expected["chat"].as_array().into_iter().flatten() {
            let ids: Vec<u32> = serde_json::from_value(chat["ids"].clone()).expect("a list of ids");
            let text = chat["text"].as_str().expect("a text");
            assert_eq!(tokenizer.encode(text).expect("encodes"), ids, "{name}");
        }
        if let Some(text) = expected["refused_text"]["text"].as_str() {
            let error = tokenizer.encode(text).expect_err("refused").to_string();
            assert!(error.contains("<sep>") && error.contains("264"), "{name}: {error}");
        }
    }
}
