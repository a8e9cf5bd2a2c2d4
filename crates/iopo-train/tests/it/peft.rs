//! Adapters that PEFT wrote, loaded with their settings.

use std::{fs, path::Path};

use iopo_model::{Checkpoint, Decoder, device::device};
use iopo_train::weights::{self, ADAPTER, hash, read_safetensors, trained_tensors};
use safetensors::{Dtype, tensor::TensorView};
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
