//! The GGUF file of SmolLM2, which some tests compare with golden numbers.

use std::path::PathBuf;

/// Returns the path of SmolLM2's GGUF file, or `None` if there is no such file.
///
/// The path is `IOPO_SMOLLM2_GGUF`, or the file in the cache of the `iopo` command.
pub fn gguf() -> Option<PathBuf> {
    const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
    let var = |name| std::env::var_os(name).map(PathBuf::from);
    var("IOPO_SMOLLM2_GGUF")
        .or_else(|| var("IOPO_CACHE").map(|dir| dir.join(FILE)))
        .or_else(|| var("XDG_CACHE_HOME").map(|dir| dir.join("iopo").join(FILE)))
        .or_else(|| var("HOME").map(|dir| dir.join(".cache/iopo").join(FILE)))
        .filter(|path| path.is_file())
}
