//! Hugging Face directories: `config.json`, and safetensors files that end before a given size.
//!
//! Weights are read off their device one by one while a file is written, so that no more than one of them is held
//! beside the decoder. Every file is whole or absent; `config.json` is the last one, and a directory without it is no
//! model.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

use super::safetensors::{INDEX, SINGLE};
use crate::parameters::Parameter;
use crate::{Decoder, ModelError, files};

/// A file's weights by name.
type Named<'a> = Vec<(String, Parameter<'a>)>;

/// Bytes of an f32.
const WIDTH: u64 = 4;

/// Writes configuration and weights (f32; adapters left out) into a directory that is there. Weights lie in
/// `model.safetensors` where they fit `max_shard_bytes`, else in numbered files with an index; a weight that alone is
/// larger has a file of its own.
///
/// # Errors
/// When a file cannot be written or the device cannot be read.
pub fn write_hf_dir(dir: &Path, decoder: &Decoder, max_shard_bytes: u64) -> Result<(), ModelError> {
    let mut shards = shards(decoder.parameters(), max_shard_bytes);
    let stale = if let [one] = shards.as_mut_slice() {
        write_shard(&dir.join(SINGLE), one)?;
        INDEX
    } else {
        write_shards(dir, &shards)?;
        SINGLE
    };
    // What an earlier writing left would be read in place of these weights.
    remove(&dir.join(stale))?;
    let config = format!("{:#}\n", decoder.config().to_hf_json());
    files::write(&dir.join("config.json"), config.as_bytes())
}

/// Deals weights out in their order.
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

/// Writes numbered files, then the index that names them.
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
    files::write(&dir.join(INDEX), format!("{index:#}\n").as_bytes())
}

fn write_shard(path: &Path, shard: &[(String, Parameter<'_>)]) -> Result<(), ModelError> {
    files::write_with(path, |file| {
        let io = |error| ModelError::io("write", path, error);
        let header = header(shard);
        file.write_all(&(header.len() as u64).to_le_bytes()).map_err(io)?;
        file.write_all(header.as_bytes()).map_err(io)?;
        for (_, parameter) in shard {
            for value in parameter.values()? {
                file.write_all(&value.to_le_bytes()).map_err(io)?;
            }
        }
        Ok(())
    })
}

/// Which bytes are whose, padded so that the data behind it is aligned.
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

/// Removes a file that may not be there.
fn remove(path: &Path) -> Result<(), ModelError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(ModelError::io("remove", path, error))
        }
        _ => Ok(()),
    }
}
