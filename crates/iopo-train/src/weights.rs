//! Trained weights: named tensors, their hash, and the files that hold them.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
};

use half::{bf16, f16};
use iopo_core::ContentHasher;
use iopo_model::{Checkpoint, Decoder, LoraConfig, ModelError, NamedTensors, write_hf_dir};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::{TrainError, files, metadata::Metadata, peft};

/// File of an adapter's factors.
pub const ADAPTER: &str = "adapter_model.safetensors";
/// File of a fully trained model's weights, if one file holds them.
pub const WEIGHTS: &str = "model.safetensors";
/// Maximum number of bytes of one file of weights.
const MAX_SHARD: u64 = 5_000_000_000;

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
    let mut hasher = ContentHasher::new();
    for (name, (shape, values)) in tensors {
        hasher.part(name).bytes((shape.len() as u64).to_le_bytes());
        for size in shape {
            hasher.bytes((*size as u64).to_le_bytes());
        }
        hasher.bytes(bytes(values));
    }
    hasher.hex()
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
    let bad = |reason| ModelError::BadSafetensors { path: path.to_owned(), reason };
    Ok(from_safetensors(&content).map_err(bad)?)
}

/// Reads the content of a safetensors file of f32, bf16 or f16 tensors, or says what is wrong with it.
pub(crate) fn from_safetensors(content: &[u8]) -> Result<NamedTensors, String> {
    let parsed = SafeTensors::deserialize(content).map_err(|error| error.to_string())?;
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
                return Err(format!("tensor `{name}` is {other:?}, expected F32, BF16 or F16"));
            }
        };
        tensors.insert(name.to_owned(), (view.shape().to_vec(), values));
    }
    Ok(tensors)
}

/// Writes a trained model into a directory: an adapter that PEFT loads onto the base model with the hub id or absolute path
/// `base`, or a whole checkpoint.
///
/// # Errors
/// Returns an error if a file cannot be written.
pub fn save(
    dir: &Path,
    decoder: &Decoder,
    lora: Option<&LoraConfig>,
    base: &str,
) -> Result<(), TrainError> {
    match lora {
        Some(lora) => peft::save(dir, lora, base, &decoder.adapter()?),
        None => Ok(write_hf_dir(dir, decoder, MAX_SHARD)?),
    }
}

/// Returns the content hashes of the files that [`save`] writes, by name.
///
/// # Errors
/// Returns an error if the directory cannot be listed or a file cannot be read.
pub fn file_hashes(dir: &Path) -> Result<BTreeMap<String, String>, TrainError> {
    let mut hashes = BTreeMap::new();
    for entry in fs::read_dir(dir).map_err(TrainError::io("list this directory", dir))? {
        let entry = entry.map_err(TrainError::io("list this directory", dir))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let holds_weights =
            name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json");
        if !name.starts_with('.') && (holds_weights || name == peft::CONFIG) {
            hashes.insert(name, file_hash(&entry.path())?);
        }
    }
    Ok(hashes)
}

fn file_hash(path: &Path) -> Result<String, TrainError> {
    iopo_core::hash::file(path).map_err(TrainError::io("read this file", path))
}

/// Refuses a directory in which a file differs from the hash that the metadata records.
fn check_files(dir: &Path, metadata: &Metadata) -> Result<(), TrainError> {
    for (name, expected) in &metadata.files {
        let found = file_hash(&dir.join(name))?;
        if found != *expected {
            let reason =
                format!("{name} has the content hash {found}, expected {expected}: it was changed");
            return Err(ModelError::BadAdapter { path: dir.to_owned(), reason }.into());
        }
    }
    Ok(())
}

/// Loads a model that [`save`] or PEFT wrote, on top of `base`.
///
/// PEFT writes no [`Metadata`], so nothing says which weights such an adapter was trained on: it loads onto every base that
/// its shapes fit.
///
/// # Errors
/// Returns an error if a file is missing or differs from its content hash, the adapter is of an unsupported kind, or the
/// metadata names another base than `base_weights_hash`.
pub fn load(dir: &Path, base: &Decoder, base_weights_hash: &str) -> Result<Decoder, TrainError> {
    if Metadata::exists(dir) {
        let metadata = Metadata::read(dir)?;
        check_files(dir, &metadata)?;
        let expected = metadata.base_weights_hash;
        if expected != base_weights_hash {
            let reason = format!(
                "it was trained on base weights {expected}, found base weights {base_weights_hash}"
            );
            return Err(ModelError::BadAdapter { path: dir.to_owned(), reason }.into());
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
