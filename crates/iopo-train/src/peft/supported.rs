//! Settings of PEFT that are not computed, and initializations that change the base.

use serde_json::Value;

/// Key of the initialization.
const INIT: &str = "init_lora_weights";

/// Initializations that move weights of the base into the adapter. The adapter then belongs to the changed base, and a file
/// with the factors alone does not say which part of them was in the base before. `pissa` may end in `_niter_` and a number.
const REWRITING: [&str; 5] = ["pissa", "corda", "olora", "loftq", "lora_ga"];

/// Initializations that leave the base unchanged.
const PLAIN: [&str; 4] = ["gaussian", "eva", "orthogonal", "mica"];

/// Settings of initializations and variants that change the base.
const REWRITING_CONFIGS: [&str; 4] =
    ["loftq_config", "corda_config", "lora_ga_config", "kasa_config"];

/// Settings that change an adapter's output. An adapter loads only if they are off: absent, null, false or empty.
const UNSUPPORTED: [&str; 7] = [
    "lora_bias",
    "modules_to_save",
    "layer_replication",
    "trainable_token_indices",
    "target_parameters",
    "alora_invocation_tokens",
    "megatron_config",
];

/// Settings with the name of a variant that change no output.
const HARMLESS: [&str; 4] = ["use_rslora", "eva_config", "velora_config", "runtime_config"];

/// Returns the setting of an initialization that changes the base's weights, with its value.
pub(super) fn rewrites_the_base(config: &Value) -> Option<(String, String)> {
    let init = config[INIT].as_str().unwrap_or_default().to_lowercase();
    if REWRITING.iter().any(|name| init.starts_with(name)) {
        return Some((INIT.to_owned(), config[INIT].to_string()));
    }
    let key = REWRITING_CONFIGS.into_iter().find(|key| !is_off(&config[key]))?;
    Some((key.to_owned(), config[key].to_string()))
}

/// Refuses settings that are not computed.
pub(super) fn check(config: &Value) -> Result<(), String> {
    let kind = config["peft_type"].as_str().unwrap_or("absent");
    if kind != "LORA" {
        return Err(format!("`peft_type`: found {kind}, expected LORA"));
    }
    let bias = config["bias"].as_str().unwrap_or("none");
    if bias != "none" {
        return Err(format!("`bias`: found {bias}, expected none"));
    }
    let known = match &config[INIT] {
        Value::Null | Value::Bool(_) => true,
        Value::String(init) => PLAIN.contains(&init.to_lowercase().as_str()),
        _ => false,
    };
    if !known {
        let plain = PLAIN.join(", ");
        return Err(format!("`{INIT}`: found {}, expected true, false, {plain}", config[INIT]));
    }
    // PEFT names variants of LoRA like this, those of later releases included.
    let variant = |key: &str| {
        (key.starts_with("use_") || key.ends_with("_config")) && !HARMLESS.contains(&key)
    };
    let refused = |key: &str| UNSUPPORTED.contains(&key) || variant(key);
    let mut settings = config.as_object().into_iter().flatten();
    match settings.find(|(key, value)| refused(key) && !is_off(value)) {
        None => Ok(()),
        Some((key, value)) => Err(format!("`{key}`: found {value}, which is not supported")),
    }
}

/// Returns whether a setting is off.
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
    use serde_json::{Value, json};

    use super::{check, rewrites_the_base};

    fn with(key: &str, value: Value) -> Value {
        let mut config = json!({ "peft_type": "LORA", "init_lora_weights": true });
        config[key] = value;
        config
    }

    #[test]
    fn inits_that_change_the_base_are_found_by_their_setting_and_value() {
        for init in ["pissa", "pissa_niter_4", "PiSSA", "olora", "corda", "loftq", "lora_ga"] {
            let (key, found) =
                rewrites_the_base(&with("init_lora_weights", json!(init))).expect(init);
            assert_eq!((key.as_str(), found), ("init_lora_weights", format!("{init:?}")));
        }
        for key in ["loftq_config", "corda_config", "lora_ga_config", "kasa_config"] {
            let (found, _) = rewrites_the_base(&with(key, json!({"loftq_bits": 4}))).expect(key);
            assert_eq!(found, key);
            assert_eq!(rewrites_the_base(&with(key, Value::Null)), None, "{key}");
            assert_eq!(rewrites_the_base(&with(key, json!({}))), None, "{key}");
        }
        for init in [json!(true), json!(false), Value::Null, json!("gaussian"), json!("eva")] {
            let config = with("init_lora_weights", init);
            assert_eq!(rewrites_the_base(&config), None, "{config}");
            check(&config).expect("leaves the base alone");
        }
    }

    #[test]
    fn unsupported_settings_are_refused_by_name() {
        for (key, value) in [
            ("use_dora", json!(true)),
            ("use_qalora", json!(true)),
            ("use_bdlora", json!({"nblocks": 2})),
            ("arrow_config", json!({"top_k": 3})),
            ("use_something_new", json!(true)),
            ("modules_to_save", json!(["lm_head"])),
            ("lora_bias", json!(true)),
            ("trainable_token_indices", json!([1])),
            ("bias", json!("all")),
            ("peft_type", json!("IA3")),
            ("init_lora_weights", json!("something_new")),
            ("init_lora_weights", json!(3)),
        ] {
            let error = check(&with(key, value)).expect_err(key);
            assert!(error.contains(key), "{error}");
        }
        // PEFT writes settings like this, and ignores them for linear layers.
        for (key, value) in [
            ("use_dora", json!(false)),
            ("modules_to_save", Value::Null),
            ("eva_config", json!({"rho": 2.0})),
            ("fan_in_fan_out", json!(true)),
            ("qalora_group_size", json!(16)),
            ("megatron_core", json!("megatron.core")),
            ("bias", Value::Null),
        ] {
            assert_eq!(check(&with(key, value)), Ok(()), "{key}");
        }
    }
}
