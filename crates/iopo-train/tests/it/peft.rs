//! Adapters that PEFT wrote, loaded with their settings.

use std::{
    fs,
    path::{Path, PathBuf},
};

use iopo_model::{Checkpoint, Decoder, Layout, NamedTensors, device::device};
use iopo_train::weights::{self, ADAPTER, hash, read_safetensors, to_safetensors, trained_tensors};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde_json::{Value, json};

fn base(dir: &Path) -> Decoder {
    let mut checkpoint = Checkpoint::open(dir).expect("a checkpoint");
    let (config, device) = (checkpoint.config.clone(), device("flex").expect("the default device"));
    Decoder::from_tensors(&config, &device, |name, shape| checkpoint.tensor(name, shape))
        .expect("a decoder")
}

fn merged(decoder: &Decoder) -> String {
    hash(&trained_tensors(&decoder.merged()).expect("weights"))
}

#[test]
fn an_adapter_of_peft_loads_with_its_scale_in_f32_and_bf16() {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/tiny");
    for entry in fs::read_dir(tiny).expect("checkpoints") {
        let dir = entry.expect("an entry").path();
        let (base, saved) = (base(&dir), dir.join("lora"));
        let factors = read_safetensors(&saved.join(ADAPTER)).expect("factors");
        let by_hand = |scale| merged(&base.clone().load_adapter(&factors, scale).expect("fits"));
        let ours = merged(&weights::load(&saved, &base, "unknown").expect("fits"));
        // r is 4 and alpha 8. Negative control: another scale gives another model.
        assert_eq!(ours, by_hand(2.0));
        assert_ne!(ours, by_hand(1.0));

        let folder = tempfile::tempdir().expect("a folder");
        let copy = |change: &dyn Fn(&mut Value)| {
            let config = fs::read(saved.join("adapter_config.json")).expect("settings");
            let mut config: Value = serde_json::from_slice(&config).expect("JSON");
            change(&mut config);
            fs::write(folder.path().join("adapter_config.json"), config.to_string())
                .expect("written");
        };
        // The upper half of an f32 is a bf16 value.
        let halves: Vec<(&str, &[usize], Vec<u8>)> = factors
            .iter()
            .map(|(name, (shape, values))| {
                let halves = values.iter().flat_map(|value| {
                    let [.., third, fourth] = value.to_le_bytes();
                    [third, fourth]
                });
                (name.as_str(), shape.as_slice(), halves.collect())
            })
            .collect();
        let views = halves.iter().map(|(name, shape, bytes)| {
            (*name, TensorView::new(Dtype::BF16, shape.to_vec(), bytes).expect("fits"))
        });
        let bytes = safetensors::serialize(views, None).expect("written");
        fs::write(folder.path().join(ADAPTER), bytes).expect("written");
        copy(&|_| ());
        let cut = weights::load(folder.path(), &base, "unknown").expect("fits");
        for (name, (_, values)) in trained_tensors(&cut).expect("factors") {
            for (cut, whole) in values.iter().zip(&factors[&name].1) {
                assert!((cut - whole).abs() <= whole.abs() / 128.0, "{name}: {cut} of {whole}");
            }
        }
        copy(&|config| config["use_dora"] = json!(true));
        let error = weights::load(folder.path(), &base, "unknown").expect_err("DoRA");
        assert!(error.to_string().contains("use_dora"), "{error}");
    }
}

/// Copies the adapter of `saved` into `dir` with changes of its settings and factors.
fn copy(
    saved: &Path,
    dir: &Path,
    settings: &dyn Fn(&mut Value),
    factors: &dyn Fn(&mut NamedTensors),
) {
    let config = fs::read(saved.join("adapter_config.json")).expect("settings");
    let mut config: Value = serde_json::from_slice(&config).expect("JSON");
    settings(&mut config);
    fs::write(dir.join("adapter_config.json"), config.to_string()).expect("written");
    let mut tensors = read_safetensors(&saved.join(ADAPTER)).expect("factors");
    factors(&mut tensors);
    fs::write(dir.join(ADAPTER), to_safetensors(&tensors).expect("bytes")).expect("written");
}

fn tiny() -> (Decoder, PathBuf) {
    let dir =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/tiny/tiny-llama-tied");
    (base(&dir), dir.join("lora"))
}

#[test]
fn factors_belong_to_the_modules_that_the_settings_name() {
    let (base, saved) = tiny();
    let folder = tempfile::tempdir().expect("a folder");
    let loaded = |settings: &dyn Fn(&mut Value), factors: &dyn Fn(&mut NamedTensors)| {
        copy(&saved, folder.path(), settings, factors);
        weights::load(folder.path(), &base, "unknown")
            .map(|decoder| merged(&decoder))
            .map_err(|error| error.to_string())
    };
    let whole = loaded(&|_| (), &|_| ()).expect("loads");
    let names = "model.layers.0.self_attn.q_proj";
    let only = |tensors: &mut NamedTensors| tensors.retain(|name, _| name.contains(names));
    let minimal = |config: &mut Value| {
        *config = json!({
            "peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": [names],
        });
    };
    let one = loaded(&minimal, &only).expect("a minimal configuration");
    assert_ne!(one, whole);
    for (key, value) in [
        ("target_modules", json!([names, "query_key_value"])),
        ("target_modules", json!(r"model\.layers\.0\..*q_proj")),
    ] {
        let found = loaded(
            &|config| {
                minimal(config);
                config[key] = value.clone();
            },
            &only,
        );
        assert_eq!(found.as_ref(), Ok(&one), "{value}");
    }
    let excluded = |config: &mut Value| {
        config["target_modules"] = json!("all-linear");
        config["exclude_modules"] = json!(r"(?!model\.layers\.0\.self_attn\.q_proj).*");
    };
    assert_eq!(loaded(&excluded, &only).as_ref(), Ok(&one));

    // The same factors, of twice the alpha for this layer only.
    let stronger = |config: &mut Value| {
        minimal(config);
        config["lora_alpha"] = json!(4);
        config["alpha_pattern"] = json!({ "layers.0.self_attn.q_proj": 8 });
    };
    assert_eq!(loaded(&stronger, &only).as_ref(), Ok(&one));
    let weaker = |config: &mut Value| {
        minimal(config);
        config["alpha_pattern"] = json!({ "q_proj": 4 });
    };
    assert_ne!(loaded(&weaker, &only).expect("loads"), one);
    let wide = |config: &mut Value| {
        minimal(config);
        config["rank_pattern"] = json!({ "q_proj": 8 });
    };
    let error = loaded(&wide, &only).expect_err("another rank");
    assert!(error.contains("q_proj.lora_A.weight") && error.contains("rank 8"), "{error}");

    // A factor that is missing, and factors that no setting names.
    let error = loaded(&|_| (), &only).expect_err("factors are missing");
    assert!(error.contains("is missing") && error.contains("target_modules"), "{error}");
    let error = loaded(&minimal, &|_| ()).expect_err("more factors than named");
    assert!(error.contains("base_model.model.model.layers.0.mlp"), "{error}");
    let of_another_layer = |tensors: &mut NamedTensors| {
        let name = "base_model.model.model.layers.99.self_attn.q_proj.lora_A.weight";
        tensors.insert(name.to_owned(), (vec![4, 1], vec![0.0; 4]));
    };
    let error = loaded(&|_| (), &of_another_layer).expect_err("a layer that the base lacks");
    assert!(error.contains("layers.99"), "{error}");
}

#[test]
fn adapters_whose_initialization_changes_the_base_are_refused_with_a_remedy() {
    let (base, saved) = tiny();
    let folder = tempfile::tempdir().expect("a folder");
    for (key, value) in [
        ("init_lora_weights", json!("pissa")),
        ("init_lora_weights", json!("pissa_niter_16")),
        ("init_lora_weights", json!("olora")),
        ("init_lora_weights", json!("corda")),
        ("init_lora_weights", json!("loftq")),
        ("corda_config", json!({"corda_method": "kpm"})),
    ] {
        copy(&saved, folder.path(), &|config| config[key] = value.clone(), &|_| ());
        let error = weights::load(folder.path(), &base, "unknown").expect_err("refused");
        let text = error.to_string();
        assert!(text.contains(key) && text.contains(&value.to_string()), "{text}");
        assert!(error.hint().is_some(), "{text}");
    }
    // Negative control: this initialization leaves the base alone.
    let plain = |config: &mut Value| config["init_lora_weights"] = json!("gaussian");
    copy(&saved, folder.path(), &plain, &|_| ());
    weights::load(folder.path(), &base, "unknown").expect("loads");
}

#[test]
fn a_git_lfs_pointer_in_place_of_the_factors_is_named() {
    let (base, saved) = tiny();
    let folder = tempfile::tempdir().expect("a folder");
    copy(&saved, folder.path(), &|_| (), &|_| ());
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    for file in [ADAPTER, "adapter_config.json"] {
        fs::write(folder.path().join(file), pointer).expect("written");
        let error = weights::load(folder.path(), &base, "unknown").expect_err("a pointer");
        assert!(error.to_string().contains("Git LFS"), "{error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("git lfs pull")), "{error}");
    }
}

/// Adapters of other users, with the logits of PEFT, where they exist beside the repository.
#[test]
fn adapters_of_other_tools_have_the_logits_of_peft_or_are_refused_by_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/cases");
    let Ok(entries) = fs::read_dir(&root) else { return };
    let (mut compared, mut refused) = (0, 0);
    for entry in entries {
        let dir = entry.expect("an entry").path();
        if !dir.join("adapter").is_dir() {
            continue;
        }
        let text = fs::read_to_string(dir.join("expected.json")).expect("expected");
        let expected: Value = serde_json::from_str(&text).expect("JSON");
        let loaded = weights::load(&dir.join("adapter"), &base(&dir.join("base")), "unknown");
        let name = dir.display();
        let words = expected["message_names"].as_array().into_iter().flatten();
        match loaded {
            Err(error) => {
                assert_eq!(expected["outcome"], "refused", "{name}: {error}");
                let text = error.to_string().to_lowercase();
                for word in words.filter_map(Value::as_str) {
                    assert!(text.contains(&word.to_lowercase()), "{name}: {text}");
                }
                refused += 1;
            }
            Ok(decoder) => {
                assert_ne!(expected["outcome"], "refused", "{name}");
                let Some(file) = expected["logits"].as_str() else { continue };
                let bytes = fs::read(dir.join(file)).expect("logits");
                let golden = SafeTensors::deserialize(&bytes).expect("safetensors");
                let data = |name: &str| golden.tensor(name).expect("a tensor").data().to_vec();
                let tokens: Vec<u32> = data("tokens")
                    .chunks_exact(8)
                    .map(|id| u32::from_le_bytes([id[0], id[1], id[2], id[3]]))
                    .collect();
                let layout = Layout::sequences([tokens]).expect("a layout");
                let hidden = decoder.hidden(&layout).expect("hidden");
                let found: Vec<f32> =
                    decoder.logits(&hidden).into_data().try_to_vec().expect("logits");
                let wanted = data("logits");
                assert_eq!(4 * found.len(), wanted.len(), "{name}");
                let off = found.iter().zip(wanted.chunks_exact(4)).map(|(found, bytes)| {
                    (found - f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])).abs()
                });
                let off = off.fold(0.0, f32::max);
                assert!(off <= 1e-4, "{name}: logits are off by {off}");
                compared += 1;
            }
        }
    }
    assert!(compared >= 6 && refused >= 7, "{compared} compared, {refused} refused");
}
