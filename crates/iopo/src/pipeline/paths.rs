//! Makes the paths of a run independent of the working directory.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::test_tasks;
use crate::config::PipelineConfig;

/// Makes the relative paths of a configuration absolute, so that a run resumes from any directory.
///
/// A path stays the same after its file is gone. A model and the data of a benchmark can also be names and hub ids, which stay
/// as they are if there is no such path.
pub(super) fn settle(mut config: PipelineConfig) -> PipelineConfig {
    let names = [&mut config.model].into_iter().chain(config.eval.data.values_mut());
    for name in names {
        settle_text(name, existing);
    }
    settle_text(&mut config.tasks, absolute);
    if let Some(tasks) = config.eval.tasks.as_mut().filter(|tasks| *tasks != test_tasks::BUILT_IN) {
        settle_text(tasks, absolute);
    }
    let folders = [&mut config.synth.trace.templates, &mut config.fipo.templates];
    for folder in folders.into_iter().flatten() {
        if let Some(path) = absolute(folder) {
            *folder = path;
        }
    }
    settle_text(&mut config.llm.store, absolute);
    #[cfg(feature = "endpoint")]
    for path in config.endpoints.values_mut().filter_map(|endpoint| endpoint.ca_file.as_mut()) {
        if let Some(absolute) = absolute(path) {
            *path = absolute;
        }
    }
    for path in [&mut config.eval.prompts, &mut config.train.start].into_iter().flatten() {
        if let Some(absolute) = absolute(path) {
            *path = absolute;
        }
    }
    config
}

fn settle_text(name: &mut String, settled: fn(&Path) -> Option<PathBuf>) {
    if let Some(path) = settled(Path::new(name.as_str()))
        && let Ok(path) = path.into_os_string().into_string()
    {
        *name = path;
    }
}

/// Returns the absolute path of an existing file or directory.
pub(super) fn existing(path: &Path) -> Option<PathBuf> {
    if path.exists() { absolute(path) } else { None }
}

/// Returns a path as an absolute one; `None` if it is empty. A relative path loses its `.`, `..` and links, as far as its
/// directories exist.
///
/// The last part of a link's path is kept, because a cache can store a file under a name without an extension.
fn absolute(path: &Path) -> Option<PathBuf> {
    if path.as_os_str().is_empty() {
        return None;
    }
    if path.is_absolute() {
        return Some(path.to_owned());
    }
    let Some(name) = path.file_name() else { return path.canonicalize().ok() };
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    let parent = parent.canonicalize().ok().or_else(|| absolute(parent))?;
    Some(parent.join(name))
}

/// Describes a path and its kind, for an error about a path that names something else.
pub(super) fn found(path: &Path) -> String {
    let shown = path.display();
    match path.metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            format!("`{shown}`, which does not exist")
        }
        Err(error) => format!("`{shown}` ({error})"),
        Ok(metadata) if metadata.is_dir() => format!("the folder `{shown}`"),
        Ok(metadata) if metadata.is_file() => format!("the file `{shown}`"),
        Ok(_) => format!("`{shown}`, which is neither a file nor a folder"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{absolute, existing, settle};
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
        config.eval.data = [("ifeval".to_owned(), "org/name".to_owned())].into();
        let settled = settle(config.clone());
        assert_eq!(Path::new(&settled.model), here.join("src"));
        assert_eq!(Path::new(&settled.tasks), here.join("data").join("tasks.jsonl"));
        assert_eq!(settled.train.start, Some(here.join("src")));
        assert_eq!(settled.eval.prompts, Some(here.join("no-such-file.parquet")));
        assert_eq!(settled.eval.data, config.eval.data);
        for (tasks, expected) in [
            ("built-in", "built-in".into()),
            ("./built-in", here.join("built-in")),
            ("data/test_tasks.jsonl", here.join("data").join("test_tasks.jsonl")),
        ] {
            config.eval.tasks = Some(tasks.to_owned());
            let settled = settle(config.clone()).eval.tasks;
            assert_eq!(settled.as_deref().map(Path::new), Some(expected.as_path()));
        }
        assert_eq!(settle(settled.clone()), settled);
        assert_eq!(settle(PipelineConfig::default()), PipelineConfig::default());
    }

    #[test]
    fn a_path_is_the_same_after_its_file_is_gone() {
        let here = std::env::current_dir().expect("a directory").canonicalize().expect("it exists");
        let dir = tempfile::tempdir_in(".").expect("a directory");
        let name = dir.path().file_name().expect("a name").to_owned();
        let path = Path::new("./src/..").join(&name).join("tasks.jsonl");
        std::fs::write(&path, "x").expect("written");
        let expected = Some(here.join(&name).join("tasks.jsonl"));
        assert_eq!(absolute(&path), expected);
        std::fs::remove_file(&path).expect("removed");
        assert_eq!((absolute(&path), existing(&path)), (expected, None));
        drop(dir);
        let gone = Path::new(&name).join("tasks.jsonl");
        assert_eq!(absolute(&gone), Some(here.join(&name).join("tasks.jsonl")));
        assert_eq!(absolute(Path::new("")), None);
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
