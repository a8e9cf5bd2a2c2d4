//! Helpers for tests against golden numbers. Tests without their files are skipped with a message.

#![expect(
    dead_code,
    clippy::print_stderr,
    reason = "each test binary uses some helpers; skipped tests print a message"
)]

pub(crate) use iopo_testing::under_test;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_model::NamedTensors;

/// A tensor of a golden file, as f64.
#[derive(Debug, Clone)]
pub(crate) struct Golden {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

/// Finds SmolLM2's GGUF file; prints a message if it is absent.
pub(crate) fn smollm2() -> Option<PathBuf> {
    let path = iopo_testing::smollm2::gguf();
    if path.is_none() {
        eprintln!(
            "skipped: no SmolLM2 GGUF file; hint: set IOPO_SMOLLM2_GGUF, or run the pipeline once"
        );
    }
    path
}

/// Finds a file or folder of the shared golden numbers; prints a message if it is absent.
pub(crate) fn golden(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/golden").join(path);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: {} does not exist", path.display());
    None
}

/// Returns the checkpoints with golden numbers: those of the repository and, if they exist, the shared ones.
pub(crate) fn checkpoints() -> Vec<PathBuf> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/golden/tiny");
    let mut found: Vec<PathBuf> = [Some(repository), golden("tiny")]
        .into_iter()
        .flatten()
        .flat_map(|root| std::fs::read_dir(root).expect("a folder"))
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

pub(crate) fn read(path: &Path) -> BTreeMap<String, Golden> {
    let bytes = std::fs::read(path).expect("golden file");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    tensors
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            let data = view.data();
            let values = match view.dtype() {
                safetensors::Dtype::F64 => numbers(data, f64::from_le_bytes),
                safetensors::Dtype::F32 => numbers(data, |b| f64::from(f32::from_le_bytes(b))),
                safetensors::Dtype::I64 => numbers(data, |b| i64::from_le_bytes(b) as f64),
                other => panic!("dtype {other:?}"),
            };
            (name, Golden { shape: view.shape().to_vec(), values })
        })
        .collect()
}

fn numbers<const N: usize>(data: &[u8], f: impl Fn([u8; N]) -> f64) -> Vec<f64> {
    data.chunks_exact(N).map(|chunk| f(chunk.try_into().expect("chunk"))).collect()
}

/// Loads a checkpoint directory.
pub(crate) fn load(dir: &Path) -> iopo_model::Decoder {
    under_test::under_test().load(dir)
}

pub(crate) fn adapter(dir: &Path) -> NamedTensors {
    read(&dir.join("adapter_model.safetensors"))
        .into_iter()
        .map(|(name, golden)| {
            (name, (golden.shape, golden.values.iter().map(|v| *v as f32).collect()))
        })
        .collect()
}

/// Computes ‖a − b‖ / ‖b‖.
pub(crate) fn relative(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    norm(&mut a.iter().zip(b).map(|(a, b)| f64::from(*a) - b))
        / norm(&mut b.iter().copied()).max(1e-12)
}
