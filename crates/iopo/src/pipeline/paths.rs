//! Paths of a run that mean the same from every working directory.

use std::path::{Path, PathBuf};

use crate::config::PipelineConfig;

/// Makes the relative paths of a configuration absolute, so that a run resumes from any directory.
///
/// Names that are no existing path stay as they are: those of known models, hub ids, and files that are gone.
pub(super) fn settle(mut config: PipelineConfig) -> PipelineConfig {
    let names = [&mut config.model, &mut config.tasks];
    for name in names.into_iter().chain(config.eval.benchmark_data.values_mut()) {
        if let Some(path) = existing(Path::new(name.as_str()))
            && let Ok(path) = path.into_os_string().into_string()
        {
            *name = path;
        }
    }
    for path in [&mut config.eval.prompts, &mut config.train.start].into_iter().flatten() {
        if let Some(absolute) = existing(path) {
            *path = absolute;
        }
    }
    config
}

/// Returns the absolute path of an existing file or directory, without `.` and `..`.
///
/// The last part of a link's path is kept, because a cache can store a file under a name without an extension.
pub(super) fn existing(path: &Path) -> Option<PathBuf> {
    if path.as_os_str().is_empty() || !path.exists() {
        return None;
    }
    if path.is_absolute() {
        return Some(path.to_owned());
    }
    let Some(name) = path.file_name() else { return path.canonicalize().ok() };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    Some(parent.unwrap_or(Path::new(".")).canonicalize().ok()?.join(name))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{existing, settle};
    use crate::config::PipelineConfig;

    #[test]
    fn existing_paths_become_absolute_and_names_stay() {
        // Tests run in the directory of the package.
        let here = std::env::current_dir().expect("a directory").canonicalize().expect("it exists");
        let mut config = PipelineConfig::default();
        config.model = "src".to_owned();
        config.tasks = "./data/../data/tasks.jsonl".to_owned();
        config.eval.prompts = Some("no-such-file.parquet".into());
        config.train.start = Some("src/../src".into());
        config.eval.benchmark_data = [("ifeval".to_owned(), "org/name".to_owned())].into();
        let settled = settle(config.clone());
        assert_eq!(Path::new(&settled.model), here.join("src"));
        assert_eq!(Path::new(&settled.tasks), here.join("data").join("tasks.jsonl"));
        assert_eq!(settled.train.start, Some(here.join("src")));
        assert_eq!(settled.eval.prompts, config.eval.prompts);
        assert_eq!(settled.eval.benchmark_data, config.eval.benchmark_data);
        assert_eq!(settle(settled.clone()), settled);
        assert_eq!(settle(PipelineConfig::default()), PipelineConfig::default());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_keeps_its_name() {
        assert_eq!(existing(Path::new("")), None);
        let dir = tempfile::tempdir_in(".").expect("a directory");
        let name = dir.path().file_name().expect("a name");
        let link = Path::new(name).join("model.gguf");
        std::fs::write(dir.path().join("blob"), b"x").expect("written");
        std::os::unix::fs::symlink("blob", &link).expect("linked");
        let found = existing(&link).expect("it exists");
        assert!(found.is_absolute() && found.ends_with(&link), "{}", found.display());
    }
}
