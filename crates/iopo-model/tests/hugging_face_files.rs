//! Hugging Face directories as other tools write them: names without prefix, saved heads, Git LFS pointers.

mod tiny;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use burn::tensor::Device;
use iopo_model::{Checkpoint, Decoder, Layout, ModelError, ModelFiles, NamedTensors};
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};

const EMBEDDING: &str = "model.embed_tokens.weight";
const HEAD: &str = "lm_head.weight";
const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n\
    oid sha256:2602d58a793bf51755a99e9f4a00bbcacbd2bb248fdc28725b721053f6b1d71c\nsize 269060552\n";

/// Writes a directory with the decoder's configuration and these tensors.
fn write(dir: &Path, decoder: &Decoder, tensors: &NamedTensors, tied: bool) {
    let mut config = decoder.config().to_hf_json();
    config["tie_word_embeddings"] = json!(tied);
    fs::write(dir.join("config.json"), config.to_string()).expect("written");
    let bytes: Vec<(&str, &[usize], Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| {
            let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
            (name.as_str(), shape.as_slice(), bytes)
        })
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        (*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).expect("fits"))
    });
    let bytes = safetensors::serialize(views, None::<HashMap<String, String>>).expect("written");
    fs::write(dir.join("model.safetensors"), bytes).expect("written");
}

/// Opens a directory; returns the decoder and the notes.
fn open(dir: &Path) -> Result<(Decoder, Vec<String>), ModelError> {
    let mut checkpoint = Checkpoint::open(dir)?;
    let (config, notes) = (checkpoint.config.clone(), checkpoint.notes().to_vec());
    let decoder = Decoder::from_tensors(&config, &Device::flex(), |name, shape| {
        checkpoint.tensor(name, shape)
    })?;
    Ok((decoder, notes))
}

fn logits(decoder: &Decoder) -> Vec<u32> {
    let layout = Layout::sequences([(1..20).collect::<Vec<u32>>()]).expect("layout");
    let hidden = decoder.hidden(&layout).expect("hidden");
    let logits = decoder.logits(&hidden).into_data().try_to_vec::<f32>().expect("logits");
    logits.into_iter().map(f32::to_bits).collect()
}

#[test]
fn tensors_without_the_prefix_are_those_of_the_model() {
    let decoder = tiny::decoder();
    let bare = |name: String| name.strip_prefix("model.").map_or(name.clone(), str::to_owned);
    let mut tensors: NamedTensors = decoder
        .full_parameters()
        .expect("parameters")
        .into_iter()
        .map(|(name, tensor)| (bare(name), tensor))
        .collect();
    assert!(tensors.contains_key("embed_tokens.weight") && !tensors.contains_key(EMBEDDING));
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), &decoder, &tensors, true);
    let (opened, notes) = open(dir.path()).expect("opens");
    assert_eq!(logits(&opened), logits(&decoder));
    assert_eq!(notes, [""; 0]);

    // An untied model saved without its head lacks the head.
    write(dir.path(), &decoder, &tensors, false);
    let error = open(dir.path()).expect_err("no head").to_string();
    assert!(error.contains(HEAD), "{error}");
    tensors.remove("layers.1.mlp.up_proj.weight");
    write(dir.path(), &decoder, &tensors, true);
    let error = open(dir.path()).expect_err("a layer is missing").to_string();
    assert!(error.contains("model.layers.1.mlp.up_proj.weight"), "{error}");
}

#[test]
fn a_saved_head_that_differs_from_the_embedding_is_kept_and_noted() {
    let decoder = tiny::decoder();
    assert!(decoder.config().tie_word_embeddings);
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut tensors = decoder.full_parameters().expect("parameters");
    tensors.insert(HEAD.to_owned(), tensors[EMBEDDING].clone());
    write(dir.path(), &decoder, &tensors, true);
    let (same, notes) = open(dir.path()).expect("opens");
    assert!(same.config().tie_word_embeddings);
    assert_eq!((logits(&same), notes.len()), (logits(&decoder), 0));

    // The last value alone differs.
    *tensors.get_mut(HEAD).and_then(|(_, values)| values.last_mut()).expect("values") += 1.0;
    write(dir.path(), &decoder, &tensors, false);
    let (untied, notes) = open(dir.path()).expect("opens");
    assert_eq!(notes, [""; 0]);
    write(dir.path(), &decoder, &tensors, true);
    let (kept, notes) = open(dir.path()).expect("opens");
    assert!(!kept.config().tie_word_embeddings);
    assert_eq!(logits(&kept), logits(&untied));
    // Negative control: the embedding as the head gives other logits.
    assert_ne!(logits(&kept), logits(&decoder));
    let [note] = notes.as_slice() else { panic!("{notes:?}") };
    assert!(note.contains(HEAD) && note.contains("tie_word_embeddings"), "{note}");
}

#[test]
fn a_saved_head_without_an_embedding_is_both() {
    let decoder = tiny::decoder();
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut tensors = decoder.full_parameters().expect("parameters");
    let embedding = tensors.remove(EMBEDDING).expect("an embedding");
    tensors.insert(HEAD.to_owned(), embedding);
    write(dir.path(), &decoder, &tensors, true);
    let (opened, notes) = open(dir.path()).expect("opens");
    assert_eq!((logits(&opened), notes.len()), (logits(&decoder), 0));
    write(dir.path(), &decoder, &tensors, false);
    let error = open(dir.path()).expect_err("no embedding").to_string();
    assert!(error.contains(EMBEDDING), "{error}");
}

#[test]
fn git_lfs_pointers_are_named_as_such() {
    let decoder = tiny::decoder();
    let tensors = decoder.full_parameters().expect("parameters");
    let refused = |path: &Path, file: &str| {
        let error = ModelFiles::open(path).expect_err("a pointer");
        let text = error.to_string();
        assert!(text.contains("Git LFS") && text.contains(file), "{text}");
        assert!(error.hint().is_some_and(|hint| hint.contains("git lfs pull")), "{text}");
    };
    for file in ["model.safetensors", "config.json", "tokenizer.json", "generation_config.json"] {
        let dir = tempfile::tempdir().expect("temporary directory");
        write(dir.path(), &decoder, &tensors, true);
        fs::write(dir.path().join(file), POINTER).expect("written");
        refused(dir.path(), file);
    }
    let dir = tempfile::tempdir().expect("temporary directory");
    write(dir.path(), &decoder, &tensors, true);
    let shards: Value = json!({ "weight_map": { EMBEDDING: "part.safetensors" } });
    fs::remove_file(dir.path().join("model.safetensors")).expect("removed");
    fs::write(dir.path().join("model.safetensors.index.json"), shards.to_string())
        .expect("written");
    fs::write(dir.path().join("part.safetensors"), POINTER).expect("written");
    refused(dir.path(), "part.safetensors");
    let gguf = dir.path().join("model.gguf");
    fs::write(&gguf, POINTER).expect("written");
    refused(&gguf, "model.gguf");
}
