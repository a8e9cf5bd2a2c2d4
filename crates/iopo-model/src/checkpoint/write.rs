//! Writes Hugging Face directories: `config.json` and sharded safetensors files.
//!
//! Weights are copied from the device one at a time, so writing needs memory for a single weight. Each file is complete or
//! absent, and `config.json` is written last: a directory without it is not opened as a model.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use iopo_core::files::{self, AtomicFile};
use serde_json::{Map, Value, json};

use super::safetensors::{INDEX, SINGLE};
use crate::parameters::Parameter;
use crate::{Decoder, ModelError};

/// A file's weights by name.
type Named<'a> = Vec<(String, Parameter<'a>)>;

/// Bytes of an f32.
const WIDTH: u64 = 4;

/// Writes configuration and weights into an existing directory, in f32 and without the adapter.
///
/// Weights of up to `max_shard_bytes` go to `model.safetensors`, more to numbered shards with an index. A weight larger
/// than that gets a shard to itself.
///
/// # Errors
/// Returns an error if a file cannot be written or the device cannot be read.
pub fn write_hf_dir(dir: &Path, decoder: &Decoder, max_shard_bytes: u64) -> Result<(), ModelError> {
    let mut shards = shards(decoder.parameters(), max_shard_bytes);
    let stale = if let [one] = shards.as_mut_slice() {
        write_shard(&dir.join(SINGLE), one)?;
        INDEX
    } else {
        write_shards(dir, &shards)?;
        SINGLE
    };
    // A reader would prefer weights from an earlier write to these.
    remove(&dir.join(stale))?;
    let config = format!("{:#}\n", decoder.config().to_hf_json());
    write(&dir.join("config.json"), config.as_bytes())
}

/// Splits weights into shards, in order.
fn shards(parameters: Named<'_>, max_bytes: u64) -> Vec<Named<'_>> {
    let (mut shards, mut filled) = (vec![Vec::new()], 0);
    for parameter in parameters {
        let bytes = size(&parameter.1);
        match shards.last_mut() {
            Some(last) if last.is_empty() || filled + bytes <= max_bytes => {
                last.push(parameter);
                filled += bytes;
            }
            _ => {
                shards.push(vec![parameter]);
                filled = bytes;
            }
        }
    }
    shards
}

fn size(parameter: &Parameter<'_>) -> u64 {
    WIDTH * parameter.shape().into_iter().map(|dim| dim as u64).product::<u64>()
}

/// Writes numbered shards, then their index.
fn write_shards(dir: &Path, shards: &[Named<'_>]) -> Result<(), ModelError> {
    let (mut map, mut total) = (BTreeMap::new(), 0);
    for (number, shard) in shards.iter().enumerate() {
        let file = format!("model-{:05}-of-{:05}.safetensors", number + 1, shards.len());
        write_shard(&dir.join(&file), shard)?;
        for (name, parameter) in shard {
            map.insert(name.clone(), file.clone());
            total += size(parameter);
        }
    }
    let index = json!({ "metadata": { "total_size": total }, "weight_map": map });
    write(&dir.join(INDEX), format!("{index:#}\n").as_bytes())
}

fn write_shard(path: &Path, shard: &[(String, Parameter<'_>)]) -> Result<(), ModelError> {
    let io = |error| ModelError::io("write", path, error);
    let mut file = AtomicFile::create(path).map_err(io)?;
    let header = header(shard);
    file.write_all(&(header.len() as u64).to_le_bytes()).map_err(io)?;
    file.write_all(header.as_bytes()).map_err(io)?;
    for (_, parameter) in shard {
        for value in parameter.values()? {
            file.write_all(&value.to_le_bytes()).map_err(io)?;
        }
    }
    file.commit().map_err(io)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    files::write(path, bytes).map_err(|error| ModelError::io("write", path, error))
}

/// Returns the safetensors header, padded to align the data that follows.
fn header(shard: &[(String, Parameter<'_>)]) -> String {
    let mut header = Map::new();
    header.insert("__metadata__".to_owned(), json!({ "format": "pt" }));
    let mut begin = 0;
    for (name, parameter) in shard {
        let end = begin + size(parameter);
        let entry =
            json!({ "dtype": "F32", "shape": parameter.shape(), "data_offsets": [begin, end] });
        header.insert(name.clone(), entry);
        begin = end;
    }
    let mut header = Value::Object(header).to_string();
    let padding = header.len().next_multiple_of(8) - header.len();
    header.extend(std::iter::repeat_n(' ', padding));
    header
}

/// Removes a file if it exists.
fn remove(path: &Path) -> Result<(), ModelError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ModelError::io("remove", path, error))
        }
        _ => Ok(()),
    }
}
