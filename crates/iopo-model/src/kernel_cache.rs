//! Compiled kernels and the results of autotune, kept between processes.

use std::path::Path;
use std::{env, fs};

use burn_cubecl::cubecl::config::cache::CacheConfig;
use burn_cubecl::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};

/// Keeps compiled kernels and the results of autotune in the user's cache directory (on Linux `$XDG_CACHE_HOME/cubecl`, or
/// `~/.cache/cubecl`), so that later processes do not wait for them again.
///
/// A `cubecl.toml`, or a `burn.toml` with a section for CubeCL, in the current directory or above it decides instead, and so does
/// a configuration that the program has set. Must be called before the first device of a GPU is made.
pub(crate) fn keep() {
    let files = CubeClRuntimeConfig::file_names().iter().map(|&name| (name, None));
    let sections = CubeClRuntimeConfig::section_file_names().iter();
    let sections = sections.map(|&(name, section)| (name, Some(format!("[{section}"))));
    let configures = |dir: &Path, name: &str, section: Option<&str>| {
        let text = fs::read_to_string(dir.join(name));
        text.is_ok_and(|text| section.is_none_or(|section| text.contains(section)))
    };
    let Ok(current) = env::current_dir() else { return };
    let mut names = files.chain(sections);
    let configured = names.any(|(name, section)| {
        current.ancestors().any(|dir| configures(dir, name, section.as_deref()))
    });
    if configured {
        return;
    }
    let mut config = CubeClRuntimeConfig::default().override_from_env();
    config.compilation.cache = true;
    config.environment.path = CacheConfig::Global;
    let _ = CubeClRuntimeConfig::try_set(config);
}
