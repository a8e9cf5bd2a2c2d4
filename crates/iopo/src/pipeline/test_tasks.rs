//! The tasks of `eval.tasks`, which replace the test tasks of the run in the evaluation.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use iopo_constraints::Kind;
use iopo_core::SettingError;
use iopo_core::text::counted;
use iopo_eval::{EvalError, TestTask, TestedPrompts, TrainingFiles, draw_prompts};
use iopo_pairs::is_imported;
use iopo_schema::{Split, TestPromptRow};
use iopo_synth::{Task, is_task_file, read_tasks};

use super::tasks::Original;
use super::{Pipeline, PipelineError, paths, tasks};
use crate::config::{ConfigError, PipelineConfig};

/// The setting that names the tasks, and their name among the inputs of a record.
pub(super) const SETTING: &str = "eval.tasks";

/// The value of the setting that names the built-in test tasks.
pub(super) const BUILT_IN: &str = "built-in";

/// The built-in test tasks, as JSON lines. No text of them shares eight words in a row with one of
/// [`BUILT_IN_TASKS`](super::BUILT_IN_TASKS).
pub const BUILT_IN_TEST_TASKS: &str = include_str!("../../data/test_tasks.jsonl");

/// Returns the tasks that a configuration names.
pub(super) fn original(config: &PipelineConfig) -> Option<Original> {
    config.eval.tasks.as_deref().map(|name| match name {
        BUILT_IN => Original::BuiltIn,
        path => Original::File(PathBuf::from(path)),
    })
}

/// Reads the tasks that a configuration names; `None` if it names none.
pub(super) fn read(config: &PipelineConfig) -> Result<Option<Vec<TestTask>>, PipelineError> {
    let tasks = match original(config) {
        None => return Ok(None),
        Some(Original::BuiltIn) => built_in()?,
        Some(Original::File(file)) => of_file(&file)?,
    };
    Ok(Some(tasks.into_iter().map(test_task).collect()))
}

/// Parses the built-in test tasks.
fn built_in() -> Result<Vec<Task>, PipelineError> {
    tasks::parse(BUILT_IN_TEST_TASKS, "the built-in test tasks")
}

/// Reads the tasks of a file. A file that holds none is an error of the setting.
fn of_file(file: &Path) -> Result<Vec<Task>, PipelineError> {
    let expected = "`built-in` or a file of tasks (`.jsonl`, `.ndjson` or `.parquet`)";
    let refused = |found: String, hint: String| {
        let error = SettingError::new(SETTING, found, expected).with_hint(hint);
        PipelineError::from(ConfigError::from(error))
    };
    if !file.is_file() {
        return Err(refused(paths::found(file), "check the path".to_owned()));
    }
    if !is_task_file(file) {
        let hint = "write one JSON object with the field `task` per line".to_owned();
        return Err(refused(paths::found(file), hint));
    }
    read_tasks(file).map_err(|error| {
        let hint = error.hint().unwrap_or_else(|| "correct the file".to_owned());
        refused(format!("tasks that cannot be used ({error})"), hint)
    })
}

/// Returns a task as the evaluation takes it.
pub(super) fn test_task(Task { id, task, input, .. }: Task) -> TestTask {
    TestTask { id, task, input }
}

/// Draws the prompts for some tasks. All drawn kinds that are not held out are seen, whatever weights the recipe gives them.
pub(super) fn draw(
    tasks: &[TestTask],
    config: &PipelineConfig,
) -> Result<Vec<TestPromptRow>, EvalError> {
    draw_prompts(tasks, &seen_kinds(config)?, &config.eval)
}

/// Returns the kinds of prompts with seen kinds.
pub(super) fn seen_kinds(config: &PipelineConfig) -> Result<Vec<Kind>, EvalError> {
    let held_out = config.eval.held_out_kinds()?;
    let is_seen = |kind: &Kind| kind.is_drawn() && !held_out.contains(kind);
    Ok(Kind::ALL.iter().copied().filter(is_seen).collect())
}

/// Fails if rows that are trained on overlap with one of the tasks.
pub(super) fn refuse_training(
    config: &PipelineConfig,
    training: &[TrainingFiles],
) -> Result<(), PipelineError> {
    let Some(tasks) = read(config)? else { return Ok(()) };
    let mut tested = TestedPrompts::new(config.eval.contamination);
    for task in &tasks {
        tested.add_task(task);
    }
    for files in training {
        let refused = |error| refused(config, error);
        tested.refuse_training(files, Split::Test).map_err(refused)?;
    }
    Ok(())
}

/// Returns the error for tasks that no model may be tested on, or that no prompt can be drawn for.
pub(super) fn refused(config: &PipelineConfig, error: EvalError) -> PipelineError {
    if matches!(error, EvalError::Schema(_)) {
        return error.into();
    }
    let name = config.eval.tasks.as_deref().unwrap_or_default();
    let found = format!("`{name}` ({error})");
    let hint = match &error {
        EvalError::TaskInTwoSplits { .. } => {
            "remove the task from the tasks of the run, or remove or rename it in the test tasks"
                .to_owned()
        }
        EvalError::TaskInTraining { .. } | EvalError::PromptInTraining { .. } => {
            "remove the task from the tasks of the run, or from the test tasks".to_owned()
        }
        other => other.hint().unwrap_or_else(|| "check the tasks".to_owned()),
    };
    let expected = "tasks that are not trained on";
    ConfigError::from(SettingError::new(SETTING, found, expected).with_hint(hint)).into()
}

/// Describes what the models were tested on, for the report; `None` without an evaluation on prompts.
pub(super) fn described(pipeline: &Pipeline) -> Result<Option<String>, PipelineError> {
    let (config, dir) = (pipeline.config(), pipeline.dir());
    let eval = &config.eval;
    let file = eval.prompts.clone().unwrap_or_else(|| dir.test_prompts_file());
    let is_named = eval.prompts.is_some() || eval.tasks.is_some();
    let has_prompts = is_named || !is_imported(&dir.preferences_file());
    if !has_prompts || !dir.summary_file().is_file() || !file.is_file() {
        return Ok(None);
    }
    let rows: Vec<TestPromptRow> = iopo_schema::read(&file)?;
    let tasks: BTreeSet<&str> = rows.iter().map(|row| row.task_id.as_str()).collect();
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let source = match (original(config), &eval.prompts) {
        (Some(Original::BuiltIn), _) => "the built-in test tasks".to_owned(),
        (Some(Original::File(path)), _) => name(&path),
        (None, Some(path)) => name(path),
        (None, None) => "the test split".to_owned(),
    };
    let (tasks, prompts) = (counted(tasks.len(), "task"), counted(rows.len(), "prompt"));
    Ok(Some(format!("{tasks} of {source}, {prompts}")))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use iopo_core::text::words;
    use iopo_eval::TestTask;
    use iopo_synth::Task;

    use super::super::tasks;
    use super::{BUILT_IN, BUILT_IN_TEST_TASKS, SETTING, built_in, draw, read};
    use crate::config::PipelineConfig;

    fn config(tasks: &str) -> PipelineConfig {
        let mut config = PipelineConfig::preset("study-small").expect("a preset");
        config.eval.tasks = Some(tasks.to_owned());
        config
    }

    /// Returns the runs of eight words of a text, in lower case.
    fn runs(text: &str) -> BTreeSet<Vec<String>> {
        let words: Vec<String> = words(text).map(str::to_lowercase).collect();
        words.windows(8).map(<[String]>::to_vec).collect()
    }

    /// Lists the texts that share a run of eight words, by the tasks' ids.
    fn shared<'a>(tested: &'a [Task], others: &'a [Task]) -> Vec<(&'a str, &'a str)> {
        let texts = |task: &'a Task| [Some(&task.task), task.input.as_ref()];
        let mut owners = BTreeMap::new();
        for task in others {
            let found = texts(task).into_iter().flatten().flat_map(|text| runs(text));
            owners.extend(found.map(|run| (run, task.id.as_str())));
        }
        let mut found = BTreeSet::new();
        for task in tested {
            let own = texts(task).into_iter().flatten().flat_map(|text| runs(text));
            found.extend(own.filter_map(|run| Some((task.id.as_str(), *owners.get(&run)?))));
        }
        found.into_iter().collect()
    }

    #[test]
    fn the_built_in_test_tasks_share_no_eight_words_with_the_built_in_tasks() {
        let (tested, seeds) = (built_in().expect("parsed"), tasks::built_in().expect("parsed"));
        assert_eq!(tested.len(), 100);
        let ids: BTreeSet<&str> = tested.iter().map(|task| task.id.as_str()).collect();
        assert_eq!(ids.len(), tested.len());
        assert!(ids.iter().all(|id| id.starts_with("test-")), "no id of a built-in task");
        assert_eq!(shared(&tested, &seeds), []);
        // Control: a task with the text of a built-in one.
        let long = seeds.iter().find(|task| task.input.is_some()).expect("a task with a text");
        let mut leaked = tested.clone();
        leaked[7].input.clone_from(&long.input);
        assert_eq!(shared(&leaked, &seeds), [(leaked[7].id.as_str(), long.id.as_str())]);
    }

    #[test]
    fn the_built_in_test_tasks_are_those_of_their_file() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = dir.path().join("test_tasks.jsonl");
        std::fs::write(&file, BUILT_IN_TEST_TASKS).expect("written");
        let of_file = read(&config(file.to_str().expect("a path"))).expect("read");
        assert_eq!(of_file, read(&config(BUILT_IN)).expect("parsed"));
        assert_eq!(read(&PipelineConfig::default()).expect("none"), None);
    }

    #[test]
    fn prompts_are_drawn_for_every_task_and_are_the_same_again() {
        let config = config(BUILT_IN);
        let tasks: Vec<TestTask> = read(&config).expect("parsed").expect("named");
        let rows = draw(&tasks, &config).expect("drawn");
        assert_eq!(rows, draw(&tasks, &config).expect("drawn"));
        let by_id: BTreeMap<&str, &TestTask> =
            tasks.iter().map(|task| (task.id.as_str(), task)).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &rows {
            let task = by_id[row.task_id.as_str()];
            assert_eq!((&row.task, &row.input), (&task.task, &task.input));
            assert!(row.prompt.contains(&task.task), "{}", row.prompt);
            *counts.entry(&row.task_id).or_default() += 1;
        }
        assert_eq!(counts.len(), 100);
        assert!(counts.values().all(|count| *count == 5), "three seen and two unseen: {counts:?}");
        let mut other = config.clone();
        other.eval.seed += 1;
        assert_ne!(rows, draw(&tasks, &other).expect("drawn"), "another seed");
    }

    #[test]
    fn files_that_are_no_tasks_are_refused_by_name() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).expect("written");
            path.to_str().expect("a path").to_owned()
        };
        for (name, found) in [
            (path("tasks.txt", "Write a poem."), "found the file `"),
            (path("broken.jsonl", "{\"task\": 1}\n"), "broken.jsonl:1: "),
            (path("empty.jsonl", "\n"), "found no task"),
            (path("empty_task.jsonl", "{\"id\": \"a\", \"task\": \" \"}\n"), "empty `task`"),
            (dir.path().display().to_string(), "found the folder `"),
            (path("x.jsonl", "") + "-gone", "does not exist"),
            (String::new(), "does not exist"),
        ] {
            let error = read(&config(&name)).expect_err("refused");
            let shown = error.to_string();
            assert!(shown.contains(&format!("`{SETTING}`: found ")), "{shown}");
            assert!(shown.contains(found) && error.hint().is_some(), "{shown}");
            assert!(error.is_usage(), "{shown}");
        }
    }
}
