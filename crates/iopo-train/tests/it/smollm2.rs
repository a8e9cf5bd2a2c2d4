//! SmolLM2-135M-Instruct, if its GGUF file is cached.

use std::path::{Path, PathBuf};

use iopo_model::{Decoder, ModelFiles, device::device};

/// Returns the file that the pipeline caches, or the one that `IOPO_SMOLLM2_GGUF` names.
pub(crate) fn file() -> Option<PathBuf> {
    const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
    let var = |name| std::env::var_os(name).map(PathBuf::from);
    var("IOPO_SMOLLM2_GGUF")
        .or_else(|| var("IOPO_CACHE").map(|dir| dir.join(FILE)))
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("iopo").join(FILE)))
        .or_else(|| var("HOME").map(|dir| dir.join(".cache/iopo").join(FILE)))
        .filter(|path| path.is_file())
}

/// Loads the weights.
pub(crate) fn decoder(path: &Path) -> Decoder {
    let (mut checkpoint, _, _) = ModelFiles::open(path).expect("a model");
    let config = checkpoint.config.clone();
    let device = device("flex").expect("the default device");
    Decoder::from_tensors(&config, &device, |name, shape| checkpoint.tensor(name, shape))
        .expect("a decoder")
}
