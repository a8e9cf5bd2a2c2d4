//! Trained weights in files: named tensors, their hash, and the metadata that says which base they fit.

use std::{collections::HashMap, path::Path};

use half::{bf16, f16};
use iopo_model::{Checkpoint, Decoder, LoraConfig, ModelError, NamedTensors, write_hf_dir};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{TrainError, files, peft};

/// File of an adapter's factors.
pub const ADAPTER: &str = "adapter_model.safetensors";
/// File of a fully trained model's weights, if one file holds them.
pub const WEIGHTS: &str = "model.safetensors";
/// Most bytes of one file of weights.
const MAX_SHARD: u64 = 5_000_000_000;
/// File with the metadata of a trained model: its base, its data and its settings.
pub const CARD: &str = "iopo.json";

/// Metadata of a trained model: the base that it fits, and how it was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// The base model's name.
    pub base: String,
    /// Hash of the base's weight files. The adapter fits only these.
    pub base_weights_hash: String,
    /// Hash of tokenizer and chat template.
    pub template_hash: String,
    /// The training method.
    pub method: String,
    /// Hash of the preferences file.
    pub preferences_hash: String,
    /// The method's settings.
    pub settings: serde_json::Value,
}

/// Returns the trained tensors of a decoder: the adapters' factors, or every weight.
///
/// # Errors
/// Returns an error if the device cannot be read.
pub fn trained_tensors(decoder: &Decoder) -> Result<NamedTensors, ModelError> {
    if decoder.has_adapter() { decoder.adapter() } else { decoder.full_parameters() }
}

/// Returns `decoder` with tensors of [`trained_tensors`] in place of its own.
///
/// # Errors
/// Returns an error if a tensor is missing or has another shape.
pub fn with_tensors(
    decoder: &Decoder,
    tensors: &NamedTensors,
    lora: Option<&LoraConfig>,
) -> Result<Decoder, ModelError> {
    if let Some(lora) = lora {
        return decoder.clone().load_adapter(tensors, lora.scale());
    }
    Decoder::from_tensors(decoder.config(), &decoder.device(), |name, shape| {
        match tensors.get(name) {
            Some((found, values)) if found == shape => Ok(values.clone()),
            Some((found, _)) => Err(ModelError::Other {
                reason: format!("tensor `{name}` has shape {found:?}, expected {shape:?}"),
            }),
            None => Err(ModelError::Other { reason: format!("tensor `{name}` is missing") }),
        }
    })
}

/// Hashes names, shapes and bits; returns hexadecimal digits.
pub fn hash(tensors: &NamedTensors) -> String {
    let mut hasher = blake3::Hasher::new();
    for (name, (shape, values)) in tensors {
        hasher.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes());
        hasher.update(&(shape.len() as u64).to_le_bytes());
        for size in shape {
            hasher.update(&(*size as u64).to_le_bytes());
        }
        hasher.update(&bytes(values));
    }
    hasher.finalize().to_hex().to_string()
}

fn bytes(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Serializes tensors as a safetensors file of f32.
///
/// # Errors
/// Returns an error if a shape does not fit its values.
pub fn to_safetensors(tensors: &NamedTensors) -> Result<Vec<u8>, ModelError> {
    let fail =
        |error| ModelError::Other { reason: format!("failed to write safetensors: {error}") };
    let raw: Vec<(&str, &[usize], Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, values))| (name.as_str(), shape.as_slice(), bytes(values)))
        .collect();
    let mut views = Vec::with_capacity(raw.len());
    for (name, shape, bytes) in &raw {
        views.push((*name, TensorView::new(Dtype::F32, shape.to_vec(), bytes).map_err(fail)?));
    }
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    safetensors::serialize(views, Some(metadata)).map_err(fail)
}

/// Reads a safetensors file of f32, bf16 or f16 tensors.
///
/// # Errors
/// Returns an error if the file is damaged or holds another number type.
pub fn read_safetensors(path: &Path) -> Result<NamedTensors, TrainError> {
    let content = files::read(path)?;
    let bad = |reason: String| ModelError::BadSafetensors { path: path.to_owned(), reason };
    let parsed = SafeTensors::deserialize(&content).map_err(|error| bad(error.to_string()))?;
    let mut tensors = NamedTensors::new();
    for (name, view) in parsed.iter() {
        let data = view.data();
        let halves = || data.chunks_exact(2).map(|bytes| [bytes[0], bytes[1]]);
        let values = match view.dtype() {
            Dtype::F32 => data
                .chunks_exact(4)
                .map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
                .collect(),
            Dtype::BF16 => halves().map(|bytes| bf16::from_le_bytes(bytes).to_f32()).collect(),
            Dtype::F16 => halves().map(|bytes| f16::from_le_bytes(bytes).to_f32()).collect(),
            other => {
                let reason = format!("tensor `{name}` is {other:?}, expected F32, BF16 or F16");
                return Err(bad(reason).into());
            }
        };
        tensors.insert(name.to_owned(), (view.shape().to_vec(), values));
    }
    Ok(tensors)
}

/// Writes what was trained: an adapter that PEFT loads onto the base, or a whole checkpoint; and the
/// metadata.
///
/// # Errors
/// When a file cannot be written.
pub fn save(
    dir: &Path,
    decoder: &Decoder,
    lora: Option<&LoraConfig>,
    metadata: &Card,
) -> Result<(), TrainError> {
    if let Some(lora) = lora {
        let config = peft::config(lora, &metadata.base);
        files::write(&dir.join(peft::CONFIG), pretty(&config).as_bytes())?;
        files::write(&dir.join(ADAPTER), &to_safetensors(&decoder.adapter()?)?)?;
    } else {
        write_hf_dir(dir, decoder, MAX_SHARD)?;
    }
    files::write(&dir.join(CARD), pretty(&json!(metadata)).as_bytes())
}

/// Reads what [`save`] or PEFT wrote back beside `base`.
///
/// Without a metadata, as PEFT leaves it, nothing says which weights an adapter was trained on: every
/// base that its shapes fit is taken.
///
/// # Errors
/// When files are missing or damaged, the adapter is of a kind that is not computed here, or the metadata
/// names another base than `base_weights_hash`.
pub fn load(dir: &Path, base: &Decoder, base_weights_hash: &str) -> Result<Decoder, TrainError> {
    let bad = |reason: String| ModelError::BadAdapter { path: dir.to_owned(), reason };
    if has_card(dir) {
        let metadata: Card = serde_json::from_slice(&files::read(&dir.join(CARD))?)
            .map_err(|error| bad(format!("{CARD} cannot be read: {error}")))?;
        if metadata.base_weights_hash != base_weights_hash {
            let expected = &metadata.base_weights_hash;
            let reason = format!(
                "it was trained on the base with weights {expected}, not on {base_weights_hash}"
            );
            return Err(bad(reason).into());
        }
    }
    let base = base.clone().without_adapter();
    if dir.join(ADAPTER).exists() {
        return peft::load(dir, base);
    }
    let mut checkpoint = Checkpoint::open_dir(dir)?;
    let tensor = |name: &str, shape: &[usize]| checkpoint.tensor(name, shape);
    Ok(Decoder::from_tensors_in(base.dtype(), base.config(), &base.device(), tensor)?)
}

/// Whether a file says which base a trained model belongs to.
pub fn has_card(dir: &Path) -> bool {
    dir.join(CARD).exists()
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}
