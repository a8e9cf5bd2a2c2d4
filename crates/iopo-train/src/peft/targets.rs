//! The modules that an adapter changes, matched by name as PEFT does.

use fancy_regex::Regex;
use iopo_model::ModelConfig;
use serde_json::Value;

use super::settings::matches;

/// PEFT's name for every linear layer except the head.
const ALL_LINEAR: &str = "all-linear";

/// Target modules of Llama and Qwen2 without a setting, as in PEFT.
const DEFAULT: [&str; 2] = ["q_proj", "v_proj"];

/// PEFT's pattern of a layer's number.
const ANY_LAYER: &str = r"\A.*?\.[^.]*\.(?P<idx>\d+)\.";

/// The settings that select modules.
#[derive(Debug)]
pub(super) struct Targets {
    include: Modules,
    exclude: Modules,
    layers: Option<Layers>,
}

/// Names of modules.
#[derive(Debug)]
enum Modules {
    /// Whole names, or ends of names from a dot on.
    Names(Vec<String>),
    /// A pattern of whole names.
    Pattern(Regex),
    /// Every linear layer.
    AllLinear,
}

/// A selection of decoder layers by number.
#[derive(Debug)]
struct Layers {
    numbers: Vec<u64>,
    patterns: Vec<Regex>,
}

impl Targets {
    /// Reads the settings that select modules.
    ///
    /// # Errors
    /// Returns a description of the setting that is wrong.
    pub(super) fn parse(config: &Value) -> Result<Self, String> {
        let include = match &config["target_modules"] {
            Value::Null => Modules::Names(DEFAULT.map(str::to_owned).to_vec()),
            Value::String(text) if text.eq_ignore_ascii_case(ALL_LINEAR) => Modules::AllLinear,
            value => Modules::parse("target_modules", value)?,
        };
        let exclude = match &config["exclude_modules"] {
            Value::Null => Modules::Names(Vec::new()),
            Value::String(text) if text.is_empty() => Modules::Names(Vec::new()),
            value => Modules::parse("exclude_modules", value)?,
        };
        Ok(Self { include, exclude, layers: Layers::parse(config)? })
    }

    /// Returns the linear layers of a model that the settings select. Names that the model lacks are skipped.
    ///
    /// # Errors
    /// Returns a description if no linear layer is selected, or a module that is none.
    pub(super) fn layers(&self, model: &ModelConfig) -> Result<Vec<String>, String> {
        let mut selected = Vec::new();
        for layer in model.linear_layers() {
            if self.selects(&layer, true)? {
                selected.push(layer);
            }
        }
        for module in others(model) {
            if self.selects(&module, false)? {
                return Err(format!(
                    "`target_modules`: found `{module}`, expected linear layers of decoder layers only"
                ));
            }
        }
        if selected.is_empty() {
            return Err("`target_modules`: found no module of the model, expected at least one linear layer; \
                 `exclude_modules` and `layers_to_transform` may leave none"
                .to_owned());
        }
        Ok(selected)
    }

    fn selects(&self, name: &str, is_linear: bool) -> Result<bool, String> {
        if self.exclude.contains(name, is_linear)? || !self.include.contains(name, is_linear)? {
            return Ok(false);
        }
        match (&self.layers, &self.include) {
            // A whole name needs no number.
            (Some(layers), Modules::Names(names)) if !names.iter().any(|whole| whole == name) => {
                layers.contains(name)
            }
            _ => Ok(true),
        }
    }
}

impl Modules {
    fn parse(key: &str, value: &Value) -> Result<Self, String> {
        let bad = || format!("`{key}`: found {value}, expected a list of names or a pattern");
        match value {
            Value::Array(names) => {
                let names = names.iter().map(|name| name.as_str().map(str::to_owned));
                Ok(Self::Names(names.collect::<Option<_>>().ok_or_else(bad)?))
            }
            Value::String(pattern) => {
                let pattern = Regex::new(&format!(r"\A(?:{pattern})\z"))
                    .map_err(|error| format!("{}: {error}", bad()))?;
                Ok(Self::Pattern(pattern))
            }
            _ => Err(bad()),
        }
    }

    fn contains(&self, name: &str, is_linear: bool) -> Result<bool, String> {
        match self {
            Self::Names(names) => Ok(names.iter().any(|end| {
                let start = name.strip_suffix(end.as_str());
                start.is_some_and(|start| start.is_empty() || start.ends_with('.'))
            })),
            Self::Pattern(pattern) => matches(pattern, name),
            Self::AllLinear => Ok(is_linear),
        }
    }
}

impl Layers {
    fn parse(config: &Value) -> Result<Option<Self>, String> {
        const NUMBERS: &str = "layers_to_transform";
        const PATTERN: &str = "layers_pattern";
        let (numbers, pattern) = (&config[NUMBERS], &config[PATTERN]);
        for (key, value) in [(NUMBERS, numbers), (PATTERN, pattern)] {
            if !value.is_null() && config["target_modules"].is_string() {
                let reason = "expected null beside a `target_modules` that is a pattern";
                return Err(format!("`{key}`: found {value}, {reason}"));
            }
        }
        let patterns = match pattern {
            Value::Null => Vec::new(),
            Value::String(one) if one.is_empty() => Vec::new(),
            Value::String(one) => vec![one.as_str()],
            Value::Array(many) => {
                let many: Option<Vec<&str>> = many.iter().map(Value::as_str).collect();
                many.ok_or_else(|| {
                    format!("`{PATTERN}`: found {pattern}, expected a list of texts")
                })?
            }
            other => return Err(format!("`{PATTERN}`: found {other}, expected a text")),
        };
        let numbers: Option<Vec<u64>> = match numbers {
            Value::Null if patterns.is_empty() => return Ok(None),
            Value::Null => {
                return Err(format!(
                    "`{NUMBERS}`: found nothing, expected layers beside `{PATTERN}`"
                ));
            }
            Value::Array(many) => many.iter().map(Value::as_u64).collect(),
            one => one.as_u64().map(|one| vec![one]),
        };
        let numbers = numbers.ok_or_else(|| {
            format!("`{NUMBERS}`: found {}, expected numbers of layers", config[NUMBERS])
        })?;
        if numbers.is_empty() {
            return Ok(None);
        }
        let regex = |pattern: &str| {
            Regex::new(pattern).map_err(|error| format!("`{PATTERN}`: expected a pattern: {error}"))
        };
        let patterns = if patterns.is_empty() {
            vec![regex(ANY_LAYER)?]
        } else {
            let numbered = |pattern| regex(&format!(r"\A(?:(?:^|.*?\.){pattern}\.(?P<idx>\d+)\.)"));
            patterns.into_iter().map(numbered).collect::<Result<_, _>>()?
        };
        Ok(Some(Self { numbers, patterns }))
    }

    /// Returns whether the number in a name is one of the selected numbers.
    fn contains(&self, name: &str) -> Result<bool, String> {
        for pattern in &self.patterns {
            let found = pattern.captures(name).map_err(|error| {
                format!("failed to match {:?} with {name}: {error}", pattern.as_str())
            })?;
            if let Some(found) = found {
                let number = found.name("idx").and_then(|number| number.as_str().parse().ok());
                return Ok(number.is_some_and(|number| self.numbers.contains(&number)));
            }
        }
        Ok(false)
    }
}

/// Returns the modules of a model that are no linear layer of a decoder layer.
fn others(model: &ModelConfig) -> Vec<String> {
    let mut modules: Vec<String> = [
        "lm_head",
        "model",
        "model.embed_tokens",
        "model.layers",
        "model.norm",
        "model.rotary_emb",
    ]
    .map(str::to_owned)
    .to_vec();
    for layer in 0..model.num_hidden_layers {
        let path = format!("model.layers.{layer}");
        modules.extend(
            ["self_attn", "mlp", "mlp.act_fn", "input_layernorm", "post_attention_layernorm"]
                .map(|part| format!("{path}.{part}")),
        );
        modules.push(path);
    }
    modules
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use iopo_model::ModelConfig;
    use serde_json::{Value, json};

    use super::Targets;

    /// Returns the selected layers of a model with two layers, as `0.q_proj`.
    fn select(config: &Value) -> Result<Vec<String>, String> {
        let model = json!({
            "model_type": "llama", "vocab_size": 8, "hidden_size": 8, "intermediate_size": 8,
            "num_hidden_layers": 2, "num_attention_heads": 2,
        });
        let model = ModelConfig::from_hf_json(&model, Path::new("config.json")).expect("a model");
        let short = |layer: String| {
            let parts: Vec<&str> = layer.split('.').collect();
            format!("{}.{}", parts[2], parts[4])
        };
        Ok(Targets::parse(config)?.layers(&model)?.into_iter().map(short).collect())
    }

    #[test]
    fn modules_are_selected_as_in_peft() {
        // Made with peft 0.21: the names of the modules that it wraps.
        for (config, expected) in [
            (json!({}), vec!["0.q_proj", "0.v_proj", "1.q_proj", "1.v_proj"]),
            (
                json!({"target_modules": ["q_proj", "query_key_value"]}),
                vec!["0.q_proj", "1.q_proj"],
            ),
            (json!({"target_modules": ["self_attn.q_proj"]}), vec!["0.q_proj", "1.q_proj"]),
            (
                json!({"target_modules": ["model.layers.1.mlp.up_proj", "layers.0.self_attn.k_proj"]}),
                vec!["0.k_proj", "1.up_proj"],
            ),
            (
                json!({"target_modules": r".*\.1\.(self_attn|mlp)\.(v|up)_proj"}),
                vec!["1.v_proj", "1.up_proj"],
            ),
            (json!({"target_modules": r".*\.(?!k|v|o)[a-z]_proj$"}), vec!["0.q_proj", "1.q_proj"]),
            (
                json!({"target_modules": "All-Linear", "exclude_modules": r".*(mlp|\.0\.).*"}),
                vec!["1.q_proj", "1.k_proj", "1.v_proj", "1.o_proj"],
            ),
            (
                json!({"target_modules": ["q_proj", "v_proj"], "exclude_modules": ["layers.0.self_attn.q_proj"]}),
                vec!["0.v_proj", "1.q_proj", "1.v_proj"],
            ),
            (json!({"target_modules": ["q_proj"], "layers_to_transform": 1}), vec!["1.q_proj"]),
            (
                json!({"target_modules": ["q_proj"], "layers_to_transform": []}),
                vec!["0.q_proj", "1.q_proj"],
            ),
            (
                json!({
                    "target_modules": ["q_proj", "model.layers.0.mlp.up_proj"],
                    "layers_to_transform": [1, 5], "layers_pattern": ["h", "layers"],
                }),
                vec!["0.up_proj", "1.q_proj"],
            ),
        ] {
            assert_eq!(select(&config).expect("selected"), expected, "{config}");
        }
    }

    #[test]
    fn settings_without_a_linear_layer_or_of_another_module_are_refused_by_name() {
        for (config, words) in [
            (json!({"target_modules": ["c_attn"]}), ["target_modules", "found no module"]),
            (json!({"target_modules": []}), ["target_modules", "found no module"]),
            // Only ends from a dot on count.
            (json!({"target_modules": ["proj"]}), ["target_modules", "found no module"]),
            (json!({"target_modules": "q_proj"}), ["target_modules", "found no module"]),
            (json!({"target_modules": ["q_proj", "lm_head"]}), ["target_modules", "lm_head"]),
            (json!({"target_modules": ["embed_tokens"]}), ["target_modules", "embed_tokens"]),
            (json!({"target_modules": ["self_attn"]}), ["target_modules", "self_attn"]),
            (json!({"target_modules": "("}), ["target_modules", "pattern"]),
            (json!({"target_modules": [1]}), ["target_modules", "a list of names"]),
            (json!({"exclude_modules": 3}), ["exclude_modules", "3"]),
            (
                json!({"target_modules": "all-linear", "layers_to_transform": [0]}),
                ["layers_to_transform", "target_modules"],
            ),
            (json!({"layers_pattern": "layers"}), ["layers_to_transform", "layers_pattern"]),
            (
                json!({"layers_to_transform": [0], "layers_pattern": "h"}),
                ["target_modules", "found no module"],
            ),
            (json!({"layers_to_transform": "all"}), ["layers_to_transform", "all"]),
        ] {
            let error = select(&config).expect_err("refused");
            assert!(words.iter().all(|word| error.contains(word)), "{config}: {error}");
        }
    }
}
