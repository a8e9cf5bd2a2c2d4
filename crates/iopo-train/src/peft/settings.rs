//! Settings of an adapter: its layers, and the rank and scale of each.

use std::collections::BTreeMap;

use fancy_regex::Regex;
use iopo_model::ModelConfig;
use serde_json::Value;

use super::{supported, targets::Targets};

/// Rank and scale without a setting, as in PEFT.
const DEFAULT_RANK: usize = 8;
const DEFAULT_ALPHA: f64 = 8.0;

/// The settings that an adapter's output depends on.
#[derive(Debug)]
pub(super) struct Settings {
    targets: Targets,
    rank: usize,
    alpha: f64,
    /// Whether the scale divides by the root of the rank (Kalajdzievski, 2023).
    stabilized: bool,
    ranks: Vec<(Regex, usize)>,
    alphas: Vec<(Regex, f64)>,
}

/// Rank and scale of the adapter of one layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Factors {
    /// The rank.
    pub(crate) rank: usize,
    /// Scale of the output.
    pub(crate) scale: f64,
}

impl Settings {
    /// Reads the content of an `adapter_config.json`.
    ///
    /// # Errors
    /// Returns a description of the setting that is wrong or not supported.
    pub(super) fn parse(config: &Value) -> Result<Self, String> {
        supported::check(config)?;
        Ok(Self {
            targets: Targets::parse(config)?,
            rank: or_default(&config["r"], DEFAULT_RANK, rank).map_err(at("r"))?,
            alpha: or_default(&config["lora_alpha"], DEFAULT_ALPHA, alpha)
                .map_err(at("lora_alpha"))?,
            stabilized: config["use_rslora"].as_bool().unwrap_or(false),
            ranks: patterns(config, "rank_pattern", rank)?,
            alphas: patterns(config, "alpha_pattern", alpha)?,
        })
    }

    /// Returns the layers of a model that the adapter changes, by their paths.
    ///
    /// # Errors
    /// Returns a description of the setting that names no linear layer, or a module that is none.
    pub(super) fn layers(&self, model: &ModelConfig) -> Result<BTreeMap<String, Factors>, String> {
        let mut layers = BTreeMap::new();
        for layer in self.targets.layers(model)? {
            let rank = first(&self.ranks, &layer)?.unwrap_or(self.rank);
            let alpha = first(&self.alphas, &layer)?.unwrap_or(self.alpha);
            let divisor = if self.stabilized { (rank as f64).sqrt() } else { rank as f64 };
            layers.insert(layer, Factors { rank, scale: alpha / divisor });
        }
        Ok(layers)
    }
}

/// Reads a value, or returns the default if it is absent.
fn or_default<T>(
    value: &Value,
    default: T,
    read: fn(&Value) -> Result<T, String>,
) -> Result<T, String> {
    if value.is_null() { Ok(default) } else { read(value) }
}

fn rank(value: &Value) -> Result<usize, String> {
    let rank = value.as_u64().and_then(|rank| usize::try_from(rank).ok()).filter(|rank| *rank > 0);
    rank.ok_or_else(|| format!("found {value}, expected a whole number above 0"))
}

fn alpha(value: &Value) -> Result<f64, String> {
    let alpha = value.as_f64().filter(|alpha| alpha.is_finite() && *alpha > 0.0);
    alpha.ok_or_else(|| format!("found {value}, expected a number above 0"))
}

/// Puts the key before a description.
fn at(key: &str) -> impl Fn(String) -> String + '_ {
    move |reason| format!("`{key}`: {reason}")
}

/// Reads values by patterns of layer names, in the order of the file.
fn patterns<T>(
    config: &Value,
    key: &str,
    read: fn(&Value) -> Result<T, String>,
) -> Result<Vec<(Regex, T)>, String> {
    let entries = match &config[key] {
        Value::Null => return Ok(Vec::new()),
        Value::Object(entries) => entries,
        other => return Err(format!("`{key}`: found {other}, expected an object")),
    };
    entries
        .iter()
        .map(|(pattern, value)| {
            // As PEFT's `get_pattern_key`: the end of the name, from a dot on.
            let regex = Regex::new(&format!(r"\A(?:(.*\.)?({pattern})$)")).map_err(|error| {
                format!("`{key}`: found {pattern:?}, expected a pattern: {error}")
            })?;
            Ok((regex, read(value).map_err(at(key))?))
        })
        .collect()
}

/// Returns the value of the first pattern that a name matches.
fn first<T: Copy>(patterns: &[(Regex, T)], name: &str) -> Result<Option<T>, String> {
    for (pattern, value) in patterns {
        if matches(pattern, name)? {
            return Ok(Some(*value));
        }
    }
    Ok(None)
}

/// Returns whether a pattern matches; an error if the search takes too long.
pub(super) fn matches(pattern: &Regex, name: &str) -> Result<bool, String> {
    pattern
        .is_match(name)
        .map_err(|error| format!("failed to match {:?} with {name}: {error}", pattern.as_str()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use iopo_model::ModelConfig;
    use serde_json::{Value, json};

    use super::{Factors, Settings};

    fn model() -> ModelConfig {
        let config = json!({
            "model_type": "llama", "vocab_size": 8, "hidden_size": 8, "intermediate_size": 8,
            "num_hidden_layers": 2, "num_attention_heads": 2,
        });
        ModelConfig::from_hf_json(&config, Path::new("config.json")).expect("a model")
    }

    fn with(changes: &Value) -> Result<Vec<(String, Factors)>, String> {
        let mut config =
            json!({ "peft_type": "LORA", "r": 4, "lora_alpha": 8, "target_modules": ["q_proj"] });
        for (key, value) in changes.as_object().into_iter().flatten() {
            config[key] = value.clone();
        }
        Ok(Settings::parse(&config)?.layers(&model())?.into_iter().collect())
    }

    fn only(changes: &Value) -> Factors {
        let layers = with(changes).expect("supported");
        assert_eq!(layers.len(), 2, "q_proj of two layers");
        assert_eq!(layers[0].1, layers[1].1);
        layers[0].1
    }

    #[test]
    fn the_scale_is_alpha_over_the_rank_or_its_root_with_peft_s_defaults() {
        assert_eq!(only(&json!({})), Factors { rank: 4, scale: 2.0 });
        assert_eq!(only(&json!({"use_rslora": true})), Factors { rank: 4, scale: 4.0 });
        assert_eq!(only(&json!({"r": null})), Factors { rank: 8, scale: 1.0 });
        assert_eq!(only(&json!({"lora_alpha": null})), Factors { rank: 4, scale: 2.0 });
        for (key, value) in [("lora_alpha", json!(-1)), ("r", json!(0)), ("r", json!("four"))] {
            let error = with(&json!({ key: value })).expect_err(key);
            assert!(error.contains(&format!("`{key}`")), "{error}");
        }
    }

    #[test]
    fn the_first_pattern_of_rank_and_alpha_that_fits_the_end_of_a_name_counts() {
        // Made with peft 0.21: the rank and scaling of each layer.
        let changes = json!({
            "rank_pattern": { "layers.1.self_attn.q_proj": 2, "q_proj": 16 },
            "alpha_pattern": { "^model.layers.0.*": 32, "_proj": 1 },
        });
        let found: Vec<Factors> =
            with(&changes).expect("supported").into_iter().map(|(_, factors)| factors).collect();
        assert_eq!(found, [Factors { rank: 16, scale: 2.0 }, Factors { rank: 2, scale: 4.0 }]);
        for (key, value) in [
            ("rank_pattern", json!({"q_proj": 0})),
            ("rank_pattern", json!({"(": 4})),
            ("alpha_pattern", json!([1])),
        ] {
            let error = with(&json!({ key: value })).expect_err(key);
            assert!(error.contains(key), "{error}");
        }
    }
}
