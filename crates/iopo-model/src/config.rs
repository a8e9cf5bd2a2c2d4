//! The configuration of a decoder, read from a checkpoint.

mod fields;
mod file;
mod rope;

use std::path::Path;

use fields::{Fields, kind_of, token_ids, unique};
pub(crate) use file::{read_json, read_text};
pub use rope::{Llama3Scaling, RopeScaling};
use serde_json::{Value, json};

use crate::error::ModelError;

/// Upper bounds far above any supported model. Larger values mean a damaged or hostile file.
pub(crate) mod limits {
    pub(crate) const VOCAB: usize = 1 << 22;
    pub(crate) const WIDTH: usize = 1 << 20;
    pub(crate) const LAYERS: usize = 1 << 10;
    pub(crate) const HEADS: usize = 1 << 12;
    pub(crate) const HEAD_DIM: usize = 1 << 12;
    pub(crate) const POSITIONS: usize = 1 << 28;
    /// Bytes of a JSON configuration file.
    pub(crate) const CONFIG_BYTES: u64 = 4 << 20;
}

/// The family of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Architecture {
    /// Llama 2 and 3, and models of the same structure.
    Llama,
    /// Qwen2 and Qwen2.5: Llama with biases on q, k and v.
    Qwen2,
}

impl Architecture {
    /// The architectures by their names in configuration files, for messages.
    pub const SUPPORTED: &'static str = "llama (SmolLM2, Llama 2 and 3), qwen2 (Qwen2, Qwen2.5)";

    /// Returns the name used in `config.json` and GGUF metadata.
    pub fn id(self) -> &'static str {
        match self {
            Self::Llama => "llama",
            Self::Qwen2 => "qwen2",
        }
    }

    /// Whether q, k and v have biases.
    pub(crate) fn has_qkv_bias(self) -> bool {
        match self {
            Self::Llama => false,
            Self::Qwen2 => true,
        }
    }

    /// Whether GGUF files interleave the rows of each head of q and k.
    pub(crate) fn interleaves_heads(self) -> bool {
        match self {
            Self::Llama => true,
            Self::Qwen2 => false,
        }
    }

    pub(crate) fn from_id(id: &str, path: &Path) -> Result<Self, ModelError> {
        match id {
            "llama" => Ok(Self::Llama),
            "qwen2" => Ok(Self::Qwen2),
            other => Err(ModelError::UnknownArchitecture {
                path: path.to_owned(),
                found: other.chars().take(80).collect(),
                supported: Self::SUPPORTED,
            }),
        }
    }
}

/// The architecture and sizes of a decoder.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ModelConfig {
    /// The family.
    pub architecture: Architecture,
    /// Rows of the embedding.
    pub vocab_size: usize,
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Width inside the MLP.
    pub intermediate_size: usize,
    /// Number of decoder blocks.
    pub num_hidden_layers: usize,
    /// Query heads.
    pub num_attention_heads: usize,
    /// Key and value heads.
    pub num_key_value_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Epsilon of the RMS norms.
    pub rms_norm_eps: f64,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Scaling of them.
    pub rope_scaling: Option<RopeScaling>,
    /// The model's context length in tokens.
    pub max_position_embeddings: usize,
    /// Whether the output matrix is the embedding.
    pub tie_word_embeddings: bool,
    /// Whether q, k and v have biases.
    pub qkv_bias: bool,
    /// Token at the beginning of a text.
    pub bos_token_id: Option<u32>,
    /// Tokens that end a text, the main one first.
    pub eos_token_ids: Vec<u32>,
    /// Padding token of `config.json`. Lookups of it do not train its embedding.
    pub pad_token_id: Option<u32>,
}

impl ModelConfig {
    /// Reads `config.json` and, if it exists, `generation_config.json`.
    ///
    /// # Errors
    /// Returns an error if a file cannot be read or is not JSON, the architecture or one of its features is not supported, or
    /// a value is missing or out of range.
    pub fn from_dir(dir: &Path) -> Result<Self, ModelError> {
        let path = dir.join("config.json");
        let mut config = Self::from_hf_json(&read_json(&path)?, &path)?;
        let generation = dir.join("generation_config.json");
        if generation.is_file() {
            let json = read_json(&generation)?;
            let ids = token_ids(&json, "eos_token_id", &generation)?;
            if !ids.is_empty() {
                // As in `transformers`, these are the tokens that end a generation.
                config.eos_token_ids = unique(ids);
            }
            let bos = token_ids(&json, "bos_token_id", &generation)?;
            config.bos_token_id = config.bos_token_id.or(bos.first().copied());
        }
        config.validated(&path)
    }

    /// Parses the content of a `config.json`; `path` appears in errors.
    ///
    /// # Errors
    /// Returns an error if the architecture or one of its features is not supported, or a value is missing or out of range.
    pub fn from_hf_json(json: &Value, path: &Path) -> Result<Self, ModelError> {
        let object = json.as_object().ok_or_else(|| {
            ModelError::config(path, "(the whole file)", "a JSON object", kind_of(json))
        })?;
        let fields = Fields { object, path, inside: None };
        let model_type = fields.text("model_type")?.unwrap_or("(no model_type)");
        let architecture = Architecture::from_id(model_type, path)?;
        fields.refuse_unsupported()?;

        let heads = fields.size("num_attention_heads", limits::HEADS, None)?;
        let hidden = fields.size("hidden_size", limits::WIDTH, None)?;
        let positions = match architecture {
            Architecture::Llama => 2048,
            Architecture::Qwen2 => 32768,
        };
        let positions =
            fields.size("max_position_embeddings", limits::POSITIONS, Some(positions))?;
        let (theta, scaling) = rope::read(&fields, positions)?;
        let config = Self {
            architecture,
            vocab_size: fields.size("vocab_size", limits::VOCAB, None)?,
            hidden_size: hidden,
            intermediate_size: fields.size("intermediate_size", limits::WIDTH, None)?,
            num_hidden_layers: fields.size("num_hidden_layers", limits::LAYERS, None)?,
            num_attention_heads: heads,
            num_key_value_heads: fields.size("num_key_value_heads", limits::HEADS, Some(heads))?,
            head_dim: fields.size("head_dim", limits::HEAD_DIM, Some(hidden / heads))?,
            rms_norm_eps: fields.number("rms_norm_eps", Some(1e-6))?,
            rope_theta: theta,
            rope_scaling: scaling,
            max_position_embeddings: positions,
            tie_word_embeddings: fields.flag("tie_word_embeddings")?,
            qkv_bias: architecture.has_qkv_bias(),
            bos_token_id: token_ids(json, "bos_token_id", path)?.first().copied(),
            eos_token_ids: unique(token_ids(json, "eos_token_id", path)?),
            pad_token_id: token_ids(json, "pad_token_id", path)?.first().copied(),
        };
        config.validated(path)
    }

    /// Returns the configuration as a Hugging Face `config.json`, with weights in f32.
    pub fn to_hf_json(&self) -> Value {
        let eos = match self.eos_token_ids.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            many => json!(many),
        };
        let class = match self.architecture {
            Architecture::Llama => "LlamaForCausalLM",
            Architecture::Qwen2 => "Qwen2ForCausalLM",
        };
        let scaling = match self.rope_scaling {
            None => Value::Null,
            Some(RopeScaling::Linear { factor }) => {
                json!({ "rope_type": "linear", "factor": factor })
            }
            Some(RopeScaling::Llama3(scaling)) => json!({
                "rope_type": "llama3",
                "factor": scaling.factor,
                "low_freq_factor": scaling.low_freq_factor,
                "high_freq_factor": scaling.high_freq_factor,
                "original_max_position_embeddings": scaling.original_max_position_embeddings,
            }),
        };
        json!({
            "architectures": [class],
            "model_type": self.architecture.id(),
            "torch_dtype": "float32",
            "hidden_act": "silu",
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden_size,
            "intermediate_size": self.intermediate_size,
            "num_hidden_layers": self.num_hidden_layers,
            "num_attention_heads": self.num_attention_heads,
            "num_key_value_heads": self.num_key_value_heads,
            "head_dim": self.head_dim,
            "rms_norm_eps": self.rms_norm_eps,
            "rope_theta": self.rope_theta,
            "rope_scaling": scaling,
            "max_position_embeddings": self.max_position_embeddings,
            "tie_word_embeddings": self.tie_word_embeddings,
            "bos_token_id": self.bos_token_id,
            "eos_token_id": eos,
            "pad_token_id": self.pad_token_id,
        })
    }

    /// Checks constraints between values.
    pub(crate) fn validated(mut self, path: &Path) -> Result<Self, ModelError> {
        let bad = |key: &str, expected: String, found: String| {
            Err(ModelError::config(path, key, expected, found))
        };
        let (heads, kv) = (self.num_attention_heads, self.num_key_value_heads);
        if !heads.is_multiple_of(kv) {
            return bad("num_key_value_heads", format!("a divisor of {heads}"), kv.to_string());
        }
        if !self.head_dim.is_multiple_of(2) || self.head_dim == 0 {
            return bad("head_dim", "a positive even number".into(), self.head_dim.to_string());
        }
        if !(self.rms_norm_eps > 0.0 && self.rms_norm_eps < 1.0) {
            return bad(
                "rms_norm_eps",
                "a number between 0 and 1".into(),
                self.rms_norm_eps.to_string(),
            );
        }
        if !(self.rope_theta >= 1.0 && self.rope_theta.is_finite()) {
            return bad(
                "rope_theta",
                "a finite number of at least 1".into(),
                self.rope_theta.to_string(),
            );
        }
        if let Some(scaling) = &self.rope_scaling
            && let Some(expected) = scaling.fault()
        {
            return bad("rope_scaling", expected.to_owned(), format!("{scaling:?}"));
        }
        // Nothing needs a bos token, so one without a row is none.
        self.bos_token_id = self.bos_token_id.filter(|id| (*id as usize) < self.vocab_size);
        for id in self.pad_token_id.into_iter().chain(self.eos_token_ids.iter().copied()) {
            if id as usize >= self.vocab_size {
                return bad(
                    "eos_token_id, pad_token_id",
                    format!("ids below vocab_size {}", self.vocab_size),
                    id.to_string(),
                );
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base() -> Value {
        json!({
            "model_type": "llama", "vocab_size": 304, "hidden_size": 64, "intermediate_size": 96,
            "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
        })
    }

    fn read(json: &Value) -> Result<ModelConfig, ModelError> {
        ModelConfig::from_hf_json(json, Path::new("config.json"))
    }

    fn with(changes: Value) -> Value {
        let mut json = base();
        if let (Some(object), Value::Object(changes)) = (json.as_object_mut(), changes) {
            object.extend(changes);
        }
        json
    }

    #[test]
    fn defaults_match_the_hugging_face_classes() {
        let config = read(&base()).expect("minimal");
        assert_eq!((config.head_dim, config.rope_theta), (16, 10_000.0));
        assert!(!config.tie_word_embeddings && !config.qkv_bias);
        assert_eq!(config.max_position_embeddings, 2048);
        assert!(read(&with(json!({"model_type": "qwen2"}))).expect("qwen2").qkv_bias);
    }

    #[test]
    fn both_spellings_of_llama3_scaling_mean_the_same() {
        let scaling = json!({
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64,
        });
        let old = read(&with(json!({"rope_theta": 5e5, "rope_scaling": scaling}))).expect("old");
        let mut newer = scaling;
        newer["rope_theta"] = json!(5e5);
        let new = read(&with(json!({"rope_parameters": newer}))).expect("new");
        assert_eq!(old, new);
        assert_eq!(read(&old.to_hf_json()).expect("round trip"), old);
        let linear = json!({"rope_scaling": {"type": "linear", "factor": 4.0}});
        let linear = read(&with(linear)).expect("linear");
        assert_eq!(linear.rope_scaling, Some(RopeScaling::Linear { factor: 4.0 }));
        assert_eq!(read(&linear.to_hf_json()).expect("round trip"), linear);
    }

    #[test]
    fn eos_can_be_a_list_and_minus_one_means_none() {
        let config = read(&with(json!({"eos_token_id": [2, 7, 2], "pad_token_id": -1})));
        let config = config.expect("list");
        assert_eq!((config.eos_token_ids, config.pad_token_id), (vec![2, 7], None));
    }

    #[test]
    fn a_bos_token_without_a_row_is_none() {
        let bos = |id: u32| read(&with(json!({"bos_token_id": id}))).expect("read").bos_token_id;
        assert_eq!((bos(303), bos(304)), (Some(303), None));
    }

    #[test]
    fn unsupported_features_are_errors_that_name_them() {
        for (change, word) in [
            (json!({"model_type": "mamba"}), "mamba"),
            (json!({"attention_bias": true}), "attention_bias"),
            (json!({"mlp_bias": true}), "mlp_bias"),
            (json!({"hidden_act": "gelu"}), "gelu"),
            (json!({"rope_scaling": {"rope_type": "yarn", "factor": 4.0}}), "yarn"),
            (json!({"quantization_config": {}}), "quantization_config"),
            (json!({"hidden_size": 1e30}), "hidden_size"),
            (json!({"num_hidden_layers": 10_000_000}), "num_hidden_layers"),
            (json!({"num_attention_heads": 0}), "num_attention_heads"),
            (json!({"num_key_value_heads": 3}), "num_key_value_heads"),
            (json!({"vocab_size": "many"}), "vocab_size"),
            (json!({"head_dim": 7}), "head_dim"),
            (json!({"rms_norm_eps": -1.0}), "rms_norm_eps"),
            (json!({"eos_token_id": 400}), "eos_token_id"),
        ] {
            let error = read(&with(change)).expect_err(word).to_string();
            assert!(error.contains(word), "{error}");
        }
        let error = read(&with(json!({"model_type": "mamba"}))).expect_err("mamba").to_string();
        assert!(error.contains("llama") && error.contains("qwen2"), "{error}");
    }
}
