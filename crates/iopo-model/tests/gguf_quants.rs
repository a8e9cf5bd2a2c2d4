//! Decoded values equal those of the Python package `gguf` bit for bit (`fixtures/gguf`).

use std::fs;
use std::path::{Path, PathBuf};

use iopo_model::Checkpoint;

/// File, bytes per block, and the bytes of a block that hold two four-bit quants each.
const TYPES: [(&str, usize, std::ops::Range<usize>); 10] = [
    ("f16", 2, 0..0),
    ("bf16", 2, 0..0),
    ("q8_0", 34, 0..0),
    ("q4_0", 18, 2..18),
    ("q4_1", 20, 4..20),
    ("q5_0", 22, 6..22),
    ("q5_1", 24, 8..24),
    ("q4_k", 144, 16..144),
    ("q5_k", 176, 48..176),
    ("q6_k", 210, 0..128),
];

/// The tensors of a file, in the order of the golden values. Some files lack the last one.
const TENSORS: [&str; 3] =
    ["model.embed_tokens.weight", "lm_head.weight", "model.layers.0.mlp.down_proj.weight"];
const SHAPE: [usize; 2] = [2, 512];

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/gguf").join(name)
}

/// Returns the bits of all values of a file.
fn read(path: &Path) -> Vec<u32> {
    let mut checkpoint = Checkpoint::open(path).expect("opens");
    let mut bits = Vec::new();
    for name in TENSORS {
        if checkpoint.shape(name).is_some() {
            let values = checkpoint.tensor(name, &SHAPE).expect("reads");
            bits.extend(values.into_iter().map(f32::to_bits));
        }
    }
    bits
}

fn golden(name: &str) -> Vec<u32> {
    let bytes = fs::read(fixture(&format!("{name}.f32"))).expect("golden values");
    bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)).collect()
}

#[test]
fn every_type_decodes_to_the_same_bits_as_the_package() {
    for (name, ..) in TYPES {
        let (ours, theirs) = (read(&fixture(&format!("{name}.gguf"))), golden(name));
        assert!(theirs.len() >= 2 * SHAPE.iter().product::<usize>(), "{name}");
        assert_eq!(ours.len(), theirs.len(), "{name}");
        if let Some(at) = (0..ours.len()).find(|&at| ours[at] != theirs[at]) {
            let [ours, theirs] = [ours[at], theirs[at]].map(f32::from_bits);
            panic!("{name}: value {at} is {ours}, expected {theirs}");
        }
    }
}

/// Negative control: the comparison depends on the order of a byte's halves in every tensor.
#[test]
fn blocks_with_swapped_nibbles_decode_to_other_values() {
    let dir = tempfile::tempdir().expect("temporary directory");
    for (name, size, quants) in TYPES.into_iter().filter(|(_, _, quants)| !quants.is_empty()) {
        let path = fixture(&format!("{name}.gguf"));
        let (mut bytes, theirs) = (fs::read(&path).expect("fixture"), golden(name));
        // The tensors are at the end of the file, each aligned to 32 bytes.
        let block = if name.ends_with('k') { 256 } else { 32 };
        let stored = SHAPE.iter().product::<usize>() / block * size;
        let tensors = theirs.len() / SHAPE.iter().product::<usize>();
        let data = bytes.len() - tensors * stored.next_multiple_of(32);
        for tensor in 0..tensors {
            let begin = data + tensor * stored.next_multiple_of(32);
            for block in bytes[begin..begin + stored].chunks_exact_mut(size) {
                block[quants.clone()].iter_mut().for_each(|byte| *byte = byte.rotate_left(4));
            }
        }
        let swapped = dir.path().join(format!("{name}.gguf"));
        fs::write(&swapped, bytes).expect("written");
        let ours = read(&swapped);
        let len = theirs.len() / tensors;
        for (tensor, (ours, theirs)) in ours.chunks(len).zip(theirs.chunks(len)).enumerate() {
            assert!(ours != theirs, "{name}: {}", TENSORS[tensor]);
        }
    }
}
