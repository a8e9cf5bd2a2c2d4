//! Adapters in PEFT's format: which of PEFT's settings are supported and which are refused.

use std::path::Path;

use iopo_model::{Decoder, LoraConfig, ModelError, NamedTensors};
use serde_json::{Value, json};

use crate::{
    TrainError, files,
    weights::{ADAPTER, read_safetensors, to_safetensors},
};

/// File of an adapter's settings.
const CONFIG: &str = "adapter_config.json";

/// PEFT settings that change an adapter's output and are not supported. An adapter loads only if they are off: absent, null,
/// false or empty.
const UNSUPPORTED: [&str; 14] = [
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

/// Writes an adapter of the base model named `base` into `dir`.
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

/// Loads the adapter in `dir` on top of `base`.
///
/// # Errors
/// Returns an error if a file is missing or damaged, a setting is not supported, or a factor does not fit.
pub(crate) fn load(dir: &Path, base: Decoder) -> Result<Decoder, TrainError> {
    let bad = |reason: String| ModelError::BadAdapter { path: dir.to_owned(), reason };
    let (config, rank, scale) = settings(dir)?;
    let tensors = read_safetensors(&dir.join(ADAPTER))?;
    // The rank is a dimension of every factor. A wrong one would change the scale without an error.
    let fits = |shape: &[usize]| shape.contains(&rank);
    if let Some((name, (shape, _))) = tensors.iter().find(|(_, (shape, _))| !fits(shape)) {
        let reason = format!("`{name}` has shape {shape:?}, expected a dimension of `r` = {rank}");
        return Err(bad(reason).into());
    }
    if let Some(targets) = config["target_modules"].as_array()
        && config["layers_to_transform"].is_null()
    {
        let (targets, found) = (targets.len(), tensors.len());
        let expected = 2 * targets * base.config().num_hidden_layers;
        if found != expected {
            let reason =
                format!("found {found} factors, expected {expected} for {targets} target modules");
            return Err(bad(reason).into());
        }
    }
    let loaded = base.load_adapter(&tensors, scale);
    Ok(loaded.map_err(|error| match error {
        ModelError::BadFactors { reason } => bad(reason),
        other => other,
    })?)
}

/// Reads the settings of the adapter in `dir`, and returns them with its rank and the scale of its output.
///
/// # Errors
/// Returns an error if the file cannot be read, is damaged, or has a setting that is not supported.
pub(crate) fn settings(dir: &Path) -> Result<(Value, usize, f64), TrainError> {
    let bad = |reason: String| ModelError::BadAdapter { path: dir.to_owned(), reason };
    let config: Value = serde_json::from_slice(&files::read(&dir.join(CONFIG))?)
        .map_err(|error| bad(format!("failed to parse {CONFIG}: {error}")))?;
    let (rank, scale) = rank_and_scale(&config).map_err(bad)?;
    Ok((config, rank, scale))
}

/// Returns the rank and the scale of the adapter's output.
fn rank_and_scale(config: &Value) -> Result<(usize, f64), String> {
    let kind = config["peft_type"].as_str().unwrap_or("absent");
    if kind != "LORA" {
        return Err(format!("`peft_type`: found {kind}, expected LORA"));
    }
    let bias = config["bias"].as_str().unwrap_or("none");
    if bias != "none" {
        return Err(format!("`bias`: found {bias}, expected none"));
    }
    if let Some(key) = UNSUPPORTED.into_iter().find(|key| !is_off(&config[key])) {
        return Err(format!("`{key}`: found {}, which is not supported", config[key]));
    }
    let alpha = config["lora_alpha"].as_f64().filter(|alpha| alpha.is_finite() && *alpha > 0.0);
    let found = |key: &str| format!("`{key}`: found {}, expected", config[key]);
    let alpha = alpha.ok_or_else(|| format!("{} a number above 0", found("lora_alpha")))?;
    let rank = config["r"].as_u64().filter(|rank| *rank > 0);
    let rank = rank.ok_or_else(|| format!("{} a whole number above 0", found("r")))? as usize;
    // A rank-stabilized adapter (Kalajdzievski, 2023) divides by the square root of the rank.
    let stabilized = config["use_rslora"].as_bool().unwrap_or(false);
    let divisor = if stabilized { (rank as f64).sqrt() } else { rank as f64 };
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
    fn unsupported_settings_are_refused_by_name() {
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
        // PEFT writes settings that are off like this.
        for (key, value) in [("rank_pattern", json!({})), ("modules_to_save", Value::Null)] {
            assert_eq!(with(key, value), Ok((4, 2.0)), "{key}");
        }
    }
}
