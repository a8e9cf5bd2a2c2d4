//! The tasks of a run, and the run's own copy of them.

use std::path::{Path, PathBuf};

use iopo_core::{SettingError, files};
use iopo_schema::{file_hash, run_files};
use iopo_synth::{SynthError, Task, used_tasks};

use super::record::Record;
use super::{PipelineError, RunDir, Stage, paths};
use crate::config::{ConfigError, PipelineConfig};

/// Name of the tasks among the inputs of a record.
pub(super) const INPUT: &str = "tasks";

/// The built-in tasks, as JSON lines.
pub const BUILT_IN_TASKS: &str = include_str!("../../data/tasks.jsonl");

/// The tasks that a configuration names.
pub(super) enum Original {
    /// The built-in tasks.
    BuiltIn,
    /// A file.
    File(PathBuf),
}

/// Returns the tasks that a configuration names.
pub(super) fn original(config: &PipelineConfig) -> Original {
    if config.tasks.is_empty() {
        return Original::BuiltIn;
    }
    Original::File(PathBuf::from(&config.tasks))
}

/// Lists the run's copies of its tasks: one, after synthesis has begun.
pub(super) fn copies(dir: &RunDir) -> Vec<PathBuf> {
    let jsonl = dir.root().join(run_files::TASKS);
    let parquet = jsonl.with_extension("parquet");
    [jsonl, parquet].into_iter().filter(|path| path.is_file()).collect()
}

/// Returns the file of tasks that synthesis reads: the original, or the run's copy if the original is gone. The run's copy is
/// not changed; built-in tasks that it does not have are written to another file.
pub(super) fn source(config: &PipelineConfig, dir: &RunDir) -> Result<PathBuf, PipelineError> {
    let file = match original(config) {
        Original::BuiltIn => {
            let copy = dir.root().join(run_files::TASKS);
            let is_copy = std::fs::read(&copy).ok().as_deref() == Some(BUILT_IN_TASKS.as_bytes());
            let staged = dir.staged_tasks_file();
            return if is_copy { Ok(copy) } else { keep_text(BUILT_IN_TASKS.as_bytes(), &staged) };
        }
        Original::File(file) => file,
    };
    if file.exists() {
        return Ok(file);
    }
    let before = Record::read(&dir.record_file(Stage::Synth))?;
    let recorded = before.as_ref().and_then(|record| recorded_hash(record, config));
    for copy in copies(dir) {
        if recorded.is_some() && recorded == Some(file_hash(&copy)?) {
            return Ok(copy);
        }
    }
    Err(missing(config))
}

/// Returns the tasks that synthesis would read and use. Nothing is written or locked.
pub(super) fn estimated(config: &PipelineConfig, dir: &RunDir) -> Result<Vec<Task>, PipelineError> {
    let mut tasks = match original(config) {
        Original::BuiltIn => built_in()?,
        Original::File(_) => iopo_synth::read_tasks(&source(config, dir)?)?,
    };
    check_count(tasks.len(), config)?;
    tasks.truncate(config.synth.max_tasks.unwrap_or(usize::MAX));
    Ok(tasks)
}

/// Returns the hash of the tasks that synthesis read, if they are those that the configuration names.
pub(super) fn recorded_hash(record: &Record, config: &PipelineConfig) -> Option<String> {
    let same = record.tasks.as_ref() == Some(&config.tasks);
    record.inputs.get(INPUT).filter(|_| same).cloned()
}

/// Parses the built-in tasks.
pub(super) fn built_in() -> Result<Vec<Task>, PipelineError> {
    parse(BUILT_IN_TASKS, "the built-in tasks")
}

/// Parses tasks that are part of the program. `what` names them in an error.
pub(super) fn parse(lines: &str, what: &str) -> Result<Vec<Task>, PipelineError> {
    let parsed = lines.lines().map(serde_json::from_str);
    let failed = PipelineError::io("parse", what);
    parsed.collect::<Result<_, _>>().map_err(|error| failed(error.into()))
}

/// Returns the error for tasks that are not a file.
pub(super) fn missing(config: &PipelineConfig) -> PipelineError {
    let path = Path::new(&config.tasks);
    let found = if path.exists() {
        paths::found(path)
    } else {
        format!("{:?}, which does not exist", config.tasks)
    };
    let error = SettingError::new("tasks", found, "a file of tasks").with_hint(
        "check the path; the run's copy is used only in place of the file that the run was made from",
    );
    PipelineError::from(ConfigError::from(error))
}

/// Returns the error for a file whose extension names no format of tasks.
pub(super) fn unreadable(config: &PipelineConfig) -> PipelineError {
    let expected = "a file of JSON lines (`.jsonl`, `.ndjson`) or Parquet (`.parquet`)";
    let hint = "write one JSON object with the field `task` per line";
    let error = SettingError::new("tasks", format!("{:?}", config.tasks), expected).with_hint(hint);
    PipelineError::from(ConfigError::from(error))
}

/// Copies the tasks into the run directory, so that a change of the original is noticed. Returns the copy.
pub(super) fn keep(source: &Path, dir: &RunDir) -> Result<PathBuf, PipelineError> {
    let is_parquet = source.extension().is_some_and(|extension| extension == "parquet");
    let jsonl = dir.root().join(run_files::TASKS);
    let parquet = jsonl.with_extension("parquet");
    let (copy, other) = if is_parquet { (parquet, jsonl) } else { (jsonl, parquet) };
    if source != copy {
        let bytes = files::read(source).map_err(PipelineError::io("read", source))?;
        keep_text(&bytes, &copy)?;
    }
    for old in [other, dir.staged_tasks_file()] {
        if old.is_file() {
            std::fs::remove_file(&old).map_err(PipelineError::io("remove", &old))?;
        }
    }
    Ok(copy)
}

/// Writes a file unless it has these bytes.
fn keep_text(bytes: &[u8], path: &Path) -> Result<PathBuf, PipelineError> {
    if files::read(path).ok().as_deref() != Some(bytes) {
        files::write(path, bytes).map_err(PipelineError::io("write", path))?;
    }
    Ok(path.to_owned())
}

/// Reads the tasks that synthesis used, from the run's copy. Fails if the instructions were made from another file.
pub(super) fn used(config: &PipelineConfig, dir: &RunDir) -> Result<Vec<Task>, PipelineError> {
    let file = match copies(dir).into_iter().next() {
        Some(copy) => copy,
        None => source(config, dir)?,
    };
    let instructions = dir.instructions_file();
    let synthesized = iopo_schema::provenance(&instructions).map_err(SynthError::from)?;
    let hash = file_hash(&file).map_err(SynthError::from)?;
    // Instructions of another program may not name their tasks.
    if synthesized.inputs.get("tasks").is_some_and(|tasks| *tasks != hash) {
        return Err(PipelineError::OtherTasks { file, instructions });
    }
    Ok(used_tasks(&file, &config.synth)?)
}

/// Fails if pairing would put all tasks into the test and dev splits. Sampling takes hours, so this is checked before.
pub(super) fn check_count(in_file: usize, config: &PipelineConfig) -> Result<(), PipelineError> {
    let used = config.synth.max_tasks.map_or(in_file, |limit| limit.min(in_file));
    let (test, dev) = (config.pairs.test_tasks, config.pairs.dev_tasks);
    if used > test.saturating_add(dev) {
        return Ok(());
    }
    Err(PipelineError::TooFewTasks { used, in_file, test, dev })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{
        BUILT_IN_TASKS, INPUT, Record, RunDir, Stage, built_in, check_count, copies, keep, source,
    };
    use crate::config::PipelineConfig;

    #[test]
    fn tasks_that_leave_none_to_train_on_are_refused_with_a_remedy() {
        let mut config = PipelineConfig::default();
        (config.pairs.test_tasks, config.pairs.dev_tasks) = (6, 3);
        check_count(10, &config).expect("one is left");
        let refused = |in_file, config: &PipelineConfig| {
            let error = check_count(in_file, config).expect_err("none is left");
            assert!(error.is_usage());
            error.hint().expect("a hint")
        };
        let hint = refused(9, &config);
        assert!(hint.starts_with("use at least 10 tasks"), "{hint}");
        config.synth.max_tasks = Some(9);
        let hint = refused(400, &config);
        assert!(hint.starts_with("set synth.max_tasks above 9 (the file has 400"), "{hint}");
    }

    #[test]
    fn the_built_in_tasks_are_those_of_their_file() {
        let temporary = tempfile::tempdir().expect("temporary directory");
        let file = temporary.path().join("tasks.jsonl");
        fs::write(&file, BUILT_IN_TASKS).expect("written");
        let tasks = built_in().expect("parsed");
        assert_eq!(tasks, iopo_synth::read_tasks(&file).expect("read"));
    }

    #[test]
    fn the_copy_is_changed_only_by_keeping_and_there_is_one() {
        let temporary = tempfile::tempdir().expect("temporary directory");
        let dir = RunDir::at(temporary.path());
        let (jsonl, parquet) = (dir.tasks_file(), dir.root().join("tasks.parquet"));
        fs::write(&jsonl, "own").expect("written");
        fs::write(&parquet, "own").expect("written");
        let built_in = source(&PipelineConfig::default(), &dir).expect("built-in tasks");
        assert_eq!(fs::read_to_string(&jsonl).expect("copy"), "own");
        assert_eq!(keep(&built_in, &dir).expect("kept"), jsonl);
        assert_eq!(fs::read_to_string(&jsonl).expect("copy"), BUILT_IN_TASKS);
        assert_eq!(copies(&dir), std::slice::from_ref(&jsonl));
        let files = fs::read_dir(dir.root()).expect("listed").count();
        assert_eq!(files, 1, "the other file and the staged one are gone");
        assert_eq!(source(&PipelineConfig::default(), &dir).expect("the copy"), jsonl);
    }

    #[test]
    fn a_copy_replaces_only_the_file_that_it_was_made_from() {
        let temporary = tempfile::tempdir().expect("temporary directory");
        let dir = RunDir::at(temporary.path());
        let at = |path: &str| {
            let mut config = PipelineConfig::default();
            path.clone_into(&mut config.tasks);
            source(&config, &dir)
        };
        let error = at("mine.jsonl").expect_err("no run");
        assert!(error.is_usage() && error.to_string().starts_with("`tasks`: found \"mine.jsonl\""));
        fs::write(dir.tasks_file(), "own").expect("written");
        let mut record = Record { tasks: Some("mine.jsonl".to_owned()), ..Record::default() };
        record.inputs.insert(INPUT.to_owned(), iopo_core::hash::bytes("own"));
        record.write(&dir.record_file(Stage::Synth)).expect("written");
        assert_eq!(at("mine.jsonl").expect("the original is gone"), dir.tasks_file());
        let error = at("mien.jsonl").expect_err("mistyped");
        assert!(error.is_usage() && error.hint().is_some_and(|hint| hint.contains("path")));
        fs::write(dir.tasks_file(), "edited").expect("written");
        at("mine.jsonl").expect_err("not the copy that synthesis read");
    }
}
