//! Compiled kernels and the results of autotune, kept between processes.

use std::env;

use burn_cubecl::cubecl::config::cache::CacheConfig;
use burn_cubecl::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};

/// Keeps compiled kernels and the results of autotune in the user's cache directory (`~/.cache/cubecl` on Linux), so that only
/// the first process on a machine waits for them.
///
/// A `cubecl.toml` or `burn.toml` in the current directory or above it, or a configuration that the program has set, decides
/// instead. Must be called before the first device of a GPU is made.
pub(crate) fn keep() {
    let names = CubeClRuntimeConfig::file_names().iter().copied();
    let sections = CubeClRuntimeConfig::section_file_names().iter().map(|&(name, _)| name);
    let mut names = names.chain(sections);
    let Ok(current) = env::current_dir() else { return };
    if names.any(|name| current.ancestors().any(|dir| dir.join(name).exists())) {
        return;
    }
    let mut config = CubeClRuntimeConfig::default().override_from_env();
    config.compilation.cache = true;
    config.environment.path = CacheConfig::Global;
    let _ = CubeClRuntimeConfig::try_set(config);
}
