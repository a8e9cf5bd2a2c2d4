//! Adapters in PEFT's format: which of PEFT's settings are supported and which are refused.

mod settings;
mod supported;
mod targets;

use std::{collections::BTreeMap, path::Path};

use iopo_model::{Decoder, LoraConfig, ModelConfig, ModelError, NamedTensors};
use serde_json::{Value, json};

pub(crate) use self::settings::Factors;
use self::settings::Settings;
use crate::{
    TrainError, files,
    weights::{ADAPTER, read_safetensors, to_safetensors},
};

/// File of an adapter's settings.
pub(crate) const CONFIG: &str = "adapter_config.json";

/// Writes an adapter of the base model with the hub id or absolute path `base` into `dir`.
///
/// # Errors
/// Returns an error if a file cannot be written.
pub(crate) fn save(
    dir: &Path,
    lora: &LoraConfig,
    base: &str,
    factors: &NamedTensors,
) -> Result<(), TrainError> {
    let config = format!("{:#}\n", config(lora, base));
    files::write(&dir.join(CONFIG), config.as_bytes())?;
    files::write(&dir.join(ADAPTER), &to_safetensors(factors)?)
}

/// Returns the settings of an adapter as PEFT writes them.
fn config(lora: &LoraConfig, base: &str) -> Value {
    json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": lora.r,
        "lora_alpha": lora.lora_alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": lora.target_modules,
        "fan_in_fan_out": false,
        "inference_mode": true,
        "init_lora_weights": true,
        "modules_to_save": null,
        "use_rslora": false,
        "use_dora": false,
    })
}

/// Loads the adapter in `dir` on top of `base`, onto the layers that its settings name.
///
/// # Errors
/// Returns an error if a file is missing or damaged, a setting is not supported, or the factors are not those of the named
/// layers.
pub(crate) fn load(dir: &Path, base: Decoder) -> Result<Decoder, TrainError> {
    let bad = |reason: String| ModelError::BadAdapter { path: dir.to_owned(), reason };
    let layers = layers(dir, base.config())?;
    let tensors = read_safetensors(&dir.join(ADAPTER))?;
    check(&layers, &tensors).map_err(bad)?;
    let scale = |layer: &str| layers.get(layer).map_or(0.0, |factors| factors.scale);
    let loaded = base.load_adapter_with(&tensors, scale);
    Ok(loaded.map_err(|error| match error {
        ModelError::BadFactors { reason } => bad(reason),
        other => other,
    })?)
}

/// Reads the settings of the adapter in `dir`, and returns rank and scale of each layer that it changes, by the layer's path.
///
/// # Errors
/// Returns an error if the file cannot be read, is damaged, has a setting that is not supported, or names no linear layer of
/// the model.
pub(crate) fn layers(
    dir: &Path,
    model: &ModelConfig,
) -> Result<BTreeMap<String, Factors>, TrainError> {
    let bad = |reason: String| ModelError::BadAdapter { path: dir.to_owned(), reason };
    let config: Value = serde_json::from_slice(&files::read(&dir.join(CONFIG))?)
        .map_err(|error| bad(format!("failed to parse {CONFIG}: {error}")))?;
    if let Some((key, found)) = supported::rewrites_the_base(&config) {
        return Err(ModelError::RewrittenBase { path: dir.to_owned(), key, found }.into());
    }
    let settings = Settings::parse(&config).map_err(bad)?;
    Ok(settings.layers(model).map_err(bad)?)
}

/// Checks that the factors are those of the layers, with their ranks.
fn check(layers: &BTreeMap<String, Factors>, tensors: &NamedTensors) -> Result<(), String> {
    // The rank is the first dimension of A and the second of B. A wrong one would change the scale without an error.
    let mut expected = BTreeMap::new();
    for (layer, factors) in layers {
        for (factor, at) in [("A", 0), ("B", 1)] {
            let name = format!("base_model.model.{layer}.lora_{factor}.weight");
            expected.insert(name, (at, factors.rank));
        }
    }
    for (name, (at, rank)) in &expected {
        let Some((shape, _)) = tensors.get(name) else {
            return Err(format!(
                "`{name}` is missing, expected it because `target_modules` names its layer"
            ));
        };
        if shape.len() != 2 || shape[*at] != *rank {
            return Err(format!(
                "`{name}` has shape {shape:?}, expected rank {rank} in dimension {at}"
            ));
        }
    }
    match tensors.keys().find(|name| !expected.contains_key(*name)) {
        None => Ok(()),
        Some(name) => Err(format!(
            "found `{name}`, expected factors of linear layers of the model that `target_modules` names"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use iopo_model::{LoraConfig, NamedTensors};

    use super::{Factors, check, config, settings::Settings, supported};

    #[test]
    fn written_settings_are_supported() {
        let config = config(&LoraConfig::new(4, 8.0), "base");
        assert_eq!(supported::rewrites_the_base(&config), None);
        Settings::parse(&config).expect("supported");
    }

    #[test]
    fn a_factor_that_is_missing_or_superfluous_or_of_another_rank_is_named() {
        let layer = "model.layers.0.self_attn.q_proj";
        let layers = BTreeMap::from([(layer.to_owned(), Factors { rank: 2, scale: 1.0 })]);
        let name = |factor: &str| format!("base_model.model.{layer}.lora_{factor}.weight");
        let good = NamedTensors::from([
            (name("A"), (vec![2, 8], vec![0.0; 16])),
            (name("B"), (vec![8, 2], vec![0.0; 16])),
        ]);
        assert_eq!(check(&layers, &good), Ok(()));
        let refused = |change: &dyn Fn(&mut NamedTensors), word: &str| {
            let mut tensors = good.clone();
            change(&mut tensors);
            let error = check(&layers, &tensors).expect_err(word);
            assert!(error.contains(word), "{error}");
        };
        refused(&|tensors| drop(tensors.remove(&name("B"))), "q_proj.lora_B.weight` is missing");
        let wide = |tensors: &mut NamedTensors| {
            tensors.insert(name("A"), (vec![4, 8], vec![0.0; 32]));
        };
        refused(&wide, "expected rank 2");
        let more = |tensors: &mut NamedTensors| {
            tensors.insert("base_model.model.lm_head.lora_A.weight".to_owned(), (vec![], vec![]));
        };
        refused(&more, "lm_head");
    }
}
