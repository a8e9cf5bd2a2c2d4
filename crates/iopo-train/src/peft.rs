//! Adapters as PEFT writes and reads them: which of its settings are computed here, and which are refused.

use std::path::Path;

use iopo_model::{Decoder, LoraConfig, ModelError};
use serde_json::{Value, json};

use crate::{
    TrainError, files,
    weights::{ADAPTER, read_safetensors},
};

/// File of an adapter's settings.
pub(crate) const CONFIG: &str = "adapter_config.json";

/// Settings of PEFT that change what an adapter computes. Only where they are off (absent, null, false or
/// empty) are its numbers ours.
const REFUSED: [&str; 14] = [
    "use_dora",
    "use_qalora",
    "fan_in_fan_out",
    "lora_bias",
    "rank_pattern",
    "alpha_pattern",
    "modules_to_save",
    "layer_replication",
    "trainable_token_indices",
    "target_parameters",
    "alora_invocation_tokens",
    "arrow_config",
    "loftq_config",
    "megatron_config",
];

/// The settings of an adapter of ours.
pub(crate) fn config(lora: &LoraConfig, base: &str) -> Value {
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

/// Puts the adapter in `dir` beside `base`.
///
/// # Errors
/// When a file is missing or damaged, a setting is not computed here, or a factor does not fit.
pub(crate) fn load(dir: &Path, base: Decoder) -> Result<Decoder, TrainError> {
    let bad = |reason: String| ModelError::BadAdapter { path: dir.to_owned(), reason };
    let config: Value = serde_json::from_slice(&files::read(&dir.join(CONFIG))?)
        .map_err(|error| bad(format!("{CONFIG} cannot be read: {error}")))?;
    let (rank, scale) = rank_and_scale(&config).map_err(bad)?;
    let tensors = read_safetensors(&dir.join(ADAPTER))?;
    // The rank is the short side of every factor; a wrong one would scale the adapter wrongly without a word.
    let fits = |shape: &[usize]| shape.contains(&rank);
    if let Some((name, (shape, _))) = tensors.iter().find(|(_, (shape, _))| !fits(shape)) {
        return Err(bad(format!("`{name}` has shape {shape:?}, but `r` is {rank}")).into());
    }
    if let Some(targets) = config["target_modules"].as_array()
        && config["layers_to_transform"].is_null()
    {
        let (targets, found) = (targets.len(), tensors.len());
        let expected = 2 * targets * base.config().num_hidden_layers;
        if found != expected {
            let reason =
                format!("expected {expected} factors for {targets} target modules, found {found}");
            return Err(bad(reason).into());
        }
    }
    Ok(base.load_adapter(&tensors, scale)?)
}

/// The rank, and what the product of the factors is multiplied by.
fn rank_and_scale(config: &Value) -> Result<(usize, f64), String> {
    let kind = config["peft_type"].as_str().unwrap_or("absent");
    if kind != "LORA" {
        return Err(format!("`peft_type` must be LORA, got {kind}"));
    }
    let bias = config["bias"].as_str().unwrap_or("none");
    if bias != "none" {
        return Err(format!("`bias` must be none, got {bias}"));
    }
    if let Some(key) = REFUSED.into_iter().find(|key| !is_off(&config[key])) {
        let value = &config[key];
        return Err(format!("`{key}` is {value}, which is not computed here"));
    }
    let alpha = config["lora_alpha"].as_f64().filter(|alpha| alpha.is_finite() && *alpha > 0.0);
    let alpha = alpha.ok_or("`lora_alpha` must be a number above 0")?;
    let rank = config["r"].as_u64().filter(|rank| *rank > 0);
    let rank = rank.ok_or("`r` must be a whole number above 0")? as usize;
    // Rank-stabilised adapters (Kalajdzievski, 2023) divide by the root.
    let stabilised = config["use_rslora"].as_bool().unwrap_or(false);
    let divisor = if stabilised { (rank as f64).sqrt() } else { rank as f64 };
    Ok((rank, alpha / divisor))
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use iopo_model::LoraConfig;
    use serde_json::{Value, json};

    use super::{config, rank_and_scale};

    fn with(key: &str, value: Value) -> Result<(usize, f64), String> {
        let mut config = config(&LoraConfig::new(4, 8.0), "base");
        config[key] = value;
        rank_and_scale(&config)
    }

    #[test]
    fn the_scale_is_alpha_over_the_rank_or_its_root() {
        assert_eq!(with("revision", Value::Null), Ok((4, 2.0)));
        assert_eq!(with("use_rslora", json!(true)), Ok((4, 4.0)));
    }

    #[test]
    fn what_would_be_computed_otherwise_is_refused_by_name() {
        for (key, value) in [
            ("use_dora", json!(true)),
            ("rank_pattern", json!({"q_proj": 8})),
            ("alpha_pattern", json!({"q_proj": 8})),
            ("modules_to_save", json!(["lm_head"])),
            ("bias", json!("all")),
            ("peft_type", json!("IA3")),
            ("lora_alpha", json!(-1)),
            ("r", json!(0)),
        ] {
            let error = with(key, value).expect_err(key);
            assert!(error.contains(key), "{error}");
        }
        // As PEFT writes what is off.
        for (key, value) in [("rank_pattern", json!({})), ("modules_to_save", Value::Null)] {
            assert_eq!(with(key, value), Ok((4, 2.0)), "{key}");
        }
    }
}
