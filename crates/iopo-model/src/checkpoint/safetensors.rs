//! The safetensors format: a JSON header with byte ranges, then the bytes.
//!
//! The header is parsed here instead of by the `safetensors` crate, so that only the header is in memory and errors name
//! the file, the tensor and the expected value.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::encoding::Encoding;
use super::{Entry, Shard};
use crate::config::read_text;
use crate::error::ModelError;

/// The supported dtypes.
pub(super) const SUPPORTED: &str = "F32, F16, BF16";

/// Largest header in bytes, as in the reference implementation.
const MAX_HEADER: u64 = 100_000_000;
/// Largest shard index in bytes.
const MAX_INDEX: u64 = 64 << 20;
/// Largest number of dimensions of a tensor.
const MAX_DIMS: usize = 8;

pub(super) const SINGLE: &str = "model.safetensors";
pub(super) const INDEX: &str = "model.safetensors.index.json";

type Tensors = BTreeMap<String, Entry>;

/// Opens the weights of a Hugging Face directory.
pub(super) fn open_dir(dir: &Path) -> Result<(Vec<Shard>, Tensors), ModelError> {
    if dir.join(SINGLE).is_file() {
        let mut shard = Shard::open(&dir.join(SINGLE))?;
        let tensors = header(&mut shard, 0)?;
        return Ok((vec![shard], tensors));
    }
    let index = dir.join(INDEX);
    if index.is_file() {
        return open_shards(dir, &index);
    }
    Err(ModelError::NotAModel {
        path: dir.to_owned(),
        expected: "model.safetensors or model.safetensors.index.json beside config.json",
        found: "a directory with neither".to_owned(),
    })
}

/// The index that maps tensors to shards.
#[derive(Deserialize)]
struct Index {
    weight_map: Unique<String>,
}

/// Opens the shards named in the index, in the order of their names.
fn open_shards(dir: &Path, index: &Path) -> Result<(Vec<Shard>, Tensors), ModelError> {
    let parsed: Index = serde_json::from_str(&read_text(index, MAX_INDEX)?)
        .map_err(|error| ModelError::safetensors(index, format!("invalid index: {error}")))?;
    let Unique(weight_map) = parsed.weight_map;
    let files: BTreeSet<&String> = weight_map.values().collect();
    let mut shards = Vec::with_capacity(files.len());
    let mut tensors = Tensors::new();
    for file in files {
        let plain = Path::new(file).file_name().is_some_and(|name| name == file.as_str());
        if !plain {
            let reason = format!("found `{file}` in the index, expected plain file names");
            return Err(ModelError::safetensors(index, reason));
        }
        let path = dir.join(file);
        if !path.exists() {
            let reason = format!("it names `{file}`, which does not exist; download all shards");
            return Err(ModelError::safetensors(index, reason));
        }
        let mut shard = Shard::open(&path)?;
        let number = shards.len();
        for (name, entry) in header(&mut shard, number)? {
            if weight_map.get(&name) == Some(file) && tensors.insert(name, entry).is_some() {
                // Unreachable for a valid index, because its names are unique.
                let reason = "a tensor is in two shards";
                return Err(ModelError::safetensors(index, reason));
            }
        }
        shards.push(shard);
    }
    if let Some((name, file)) = weight_map.iter().find(|(name, _)| !tensors.contains_key(*name)) {
        let reason = format!("the index places `{name}` in {file}, which does not contain it");
        return Err(ModelError::safetensors(index, reason));
    }
    Ok((shards, tensors))
}

/// A tensor's entry in the header.
#[derive(Deserialize)]
struct Raw {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: (u64, u64),
}

/// The header's entries by name, without `__metadata__`. Duplicate names are errors.
struct Unique<T>(BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Unique<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Unique<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Unique<T>, A::Error> {
                let mut entries = BTreeMap::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    let value: T = map.next_value()?;
                    if entries.insert(name.clone(), value).is_some() {
                        return Err(A::Error::custom(format!("`{name}` is listed twice")));
                    }
                }
                Ok(Unique(entries))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

/// Reads and checks one file's header.
fn header(shard: &mut Shard, number: usize) -> Result<Tensors, ModelError> {
    let path = shard.path.clone();
    let bad = |reason: String| ModelError::safetensors(&path, reason);
    let available = shard.len.checked_sub(8).ok_or_else(|| {
        bad(format!(
            "found {} bytes, expected at least 8; the file is truncated, download it again",
            shard.len
        ))
    })?;
    let mut length = [0; 8];
    shard.rewind_to(0)?;
    shard.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > available.min(MAX_HEADER) {
        return Err(bad(format!(
            "the header claims {length} bytes, expected at most {}; the file may be truncated",
            available.min(MAX_HEADER)
        )));
    }
    let mut bytes = vec![0; length as usize];
    shard.read_exact(&mut bytes)?;
    let Unique(raw): Unique<Raw> = serde_json::from_slice(&bytes)
        .map_err(|error| bad(format!("the header is not a JSON object of tensors: {error}")))?;
    drop(bytes);

    let data = available - length;
    let mut ranges = Vec::with_capacity(raw.len());
    let mut tensors = Tensors::new();
    for (name, Raw { dtype, shape, data_offsets: (begin, end) }) in raw {
        if begin > end || end > data {
            return Err(bad(format!(
                "`{name}` claims bytes {begin} to {end}, but the file has {data}; it may be truncated"
            )));
        }
        let (encoding, shape) = checked(&name, &dtype, &shape, end - begin).map_err(bad)?;
        ranges.push((begin, end));
        let offset = 8 + length + begin;
        let entry = Entry {
            shard: number,
            encoding,
            shape,
            offset,
            bytes: end - begin,
            interleaved_heads: None,
        };
        tensors.insert(name, entry);
    }
    ranges.sort_unstable();
    let mut at = 0;
    for (begin, end) in ranges {
        if begin != at {
            let what = if begin < at { "overlap" } else { "leave a gap" };
            return Err(bad(format!(
                "tensors {what}: found one at byte {begin}, expected it at byte {at}"
            )));
        }
        at = end;
    }
    if at != data {
        return Err(bad(format!("found {data} bytes of data, expected {at}")));
    }
    Ok(tensors)
}

/// Checks one tensor's dtype and shape against its bytes.
fn checked(
    name: &str,
    dtype: &str,
    shape: &[u64],
    bytes: u64,
) -> Result<(Result<Encoding, String>, Vec<usize>), String> {
    if shape.len() > MAX_DIMS {
        return Err(format!(
            "`{name}` has {} dimensions, expected at most {MAX_DIMS}",
            shape.len()
        ));
    }
    let elements = shape.iter().try_fold(1u64, |product, dim| product.checked_mul(*dim));
    let dims: Option<Vec<usize>> = shape.iter().map(|dim| usize::try_from(*dim).ok()).collect();
    let (Some(elements), Some(dims)) = (elements, dims) else {
        return Err(format!("the size of `{name}` overflows: shape {shape:?}"));
    };
    let encoding = match dtype {
        "F32" => Ok(Encoding::F32),
        "F16" => Ok(Encoding::F16),
        "BF16" => Ok(Encoding::Bf16),
        other => Err(other.chars().take(40).collect::<String>()),
    };
    if let Ok(known) = &encoding
        && known.bytes(elements) != Some(bytes)
    {
        return Err(format!(
            "`{name}` is {dtype} of shape {shape:?}, which is not {bytes} bytes long"
        ));
    }
    Ok((encoding, dims))
}
