//! Leaves out tasks that overlap with the prompts of the evaluation.
//!
//! Synthesis uses no task that overlaps with a prompt of a benchmark, and no train or dev task that overlaps with a test task of
//! the run. The tasks are listed in `contamination.parquet`. Pairing leaves out rewrites that overlap with a test task. The
//! collector of input preferences leaves out responses from elsewhere whose task overlaps with one of these prompts. Training and
//! evaluation refuse rows that overlap with a benchmark, because imported groups have no synthesis.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use iopo_core::ContentHasher;
use iopo_core::overlap::OverlapIndex;
use iopo_eval::{EvalError, TestTask, TestedPrompts, refuse_held_out_input_preferences};
use iopo_llm::Progress;
use iopo_pairs::{PairsConfig, PairsError, is_imported, split_tasks};
use iopo_schema::{
    ContaminationRow, InputPreferenceRow, PreferenceRow, Provenance, Split, TestPromptRow,
    run_files,
};
use iopo_synth::{Task, TaskFile};

use super::{Pipeline, PipelineError, benchmarks, fipo, tasks, test_tasks};
use crate::config::PipelineConfig;

/// Name of the tasks that are left out among the inputs of a record.
pub(super) const INPUT: &str = "excluded tasks";
/// Name of the prompts that no written instruction may overlap with among the inputs of a record.
pub(super) const PROMPTS: &str = "tested prompts";

/// The tasks of a run that overlap with prompts of its evaluation.
#[derive(Debug)]
pub(super) struct Contamination {
    /// The prompts of the benchmarks.
    benchmarks: TestedPrompts,
    /// One row for each task that is left out, in the order of the tasks.
    rows: Vec<ContaminationRow>,
    /// The benchmark of each of these tasks.
    excluded: BTreeMap<String, String>,
    /// Number of tasks.
    tasks: usize,
}

impl Contamination {
    /// Compares tasks with the prompts of the benchmarks, and the train and dev tasks with the test tasks.
    pub(super) fn find(pipeline: &Pipeline, tasks: &[Task]) -> Result<Self, PipelineError> {
        let benchmarks = prompts(pipeline)?;
        let ids = tasks.iter().map(|task| task.id.clone()).collect();
        let splits = split_tasks(&ids, &pipeline.config.pairs);
        let is_test = |task: &Task| splits.get(&task.id) == Some(&Split::Test);
        let tested = tested_tasks(pipeline, tasks, &splits)?;
        let mut rows = Vec::new();
        for task in tasks {
            let overlap =
                |prompts: &TestedPrompts| prompts.find(&task.id, &task.task, task.input.as_deref());
            let found = overlap(&benchmarks)
                .or_else(|| (!is_test(task)).then(|| overlap(&tested)).flatten());
            rows.extend(found);
        }
        let excluded =
            rows.iter().map(|row| (row.task_id.clone(), row.benchmark.clone())).collect();
        Ok(Self { benchmarks, rows, excluded, tasks: tasks.len() })
    }

    /// Returns the ids of the tasks that are left out, with the benchmark of each.
    pub(super) fn excluded(&self) -> &BTreeMap<String, String> {
        &self.excluded
    }

    /// Returns the prompts that no written instruction may overlap with.
    pub(super) fn tested(&self) -> Option<&OverlapIndex> {
        Some(self.benchmarks.index()).filter(|_| !self.benchmarks.is_empty())
    }

    /// Writes the list of the tasks that are left out, and says how many there are. Without one, there is no file.
    pub(super) fn list(
        &self,
        path: &Path,
        config: &PipelineConfig,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        if self.rows.is_empty() {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(PipelineError::io("remove", path)(error))
                }
                _ => Ok(()),
            };
        }
        progress.note(&format!(
            "{} of {} tasks overlap with prompts of the evaluation and are not used ({}); see {}",
            self.rows.len(),
            self.tasks,
            listed(&self.rows),
            path.display(),
        ));
        let settings = serde_json::json!({ "contamination": config.eval.contamination });
        let provenance = Provenance::new(concat!("iopo ", env!("CARGO_PKG_VERSION")), settings)
            .with_input("benchmark_prompts", self.benchmarks.index().hash());
        Ok(iopo_schema::write(path, &self.rows, &provenance)?)
    }

    /// Returns a file of tasks without those that overlap.
    pub(super) fn without<'a>(&'a self, path: &'a Path) -> TaskFile<'a> {
        TaskFile::new(path).without(&self.excluded).with_tested(self.benchmarks.index())
    }

    /// Returns what the record of synthesis states. It is empty if every task is used, so a further benchmark without an overlap
    /// changes nothing.
    pub(super) fn inputs(&self, writes_instructions: bool) -> BTreeMap<String, String> {
        let mut inputs = BTreeMap::new();
        if !self.excluded.is_empty() {
            let mut hasher = ContentHasher::new();
            for id in self.excluded.keys() {
                hasher.part(id);
            }
            inputs.insert(INPUT.to_owned(), hasher.hex());
        }
        if writes_instructions && !self.benchmarks.is_empty() {
            inputs.insert(PROMPTS.to_owned(), self.benchmarks.index().hash());
        }
        inputs
    }
}

impl Pipeline {
    /// Returns the tasks that overlap with prompts of the evaluation. They are found once.
    ///
    /// # Errors
    /// Returns an error if the tasks or the prompts of a benchmark cannot be read.
    pub(super) fn contamination(&self) -> Result<&Contamination, PipelineError> {
        if let Some(known) = self.contamination.get() {
            return Ok(known);
        }
        let found = Contamination::find(self, &self.original_tasks()?)?;
        Ok(self.contamination.get_or_init(|| found))
    }

    /// Returns the same if it is known, or can be found without a download.
    pub(super) fn known_contamination(&self) -> Option<&Contamination> {
        let known = self.contamination.get();
        known.or_else(|| self.has_prompts().then(|| self.contamination().ok())?)
    }

    /// Returns whether the prompts of all benchmarks are files on this machine.
    pub(super) fn has_prompts(&self) -> bool {
        benchmarks::named(self).all(|(_, data)| Path::new(data).is_file())
    }

    /// Writes the list of the tasks that are left out, and says how many there are.
    pub(super) fn list_contamination(&self, progress: &dyn Progress) -> Result<(), PipelineError> {
        let path = self.dir.root().join(run_files::CONTAMINATION);
        self.contamination()?.list(&path, &self.config, progress)
    }

    /// Adds the number of tasks that are left out to an error about too few groups.
    pub(super) fn with_excluded(&self, error: PipelineError) -> PipelineError {
        let folder = if fipo::is_alone(&self.dir) {
            fipo::folder(&self.dir)
        } else {
            self.dir.root().to_owned()
        };
        let file = folder.join(run_files::CONTAMINATION);
        match error {
            PipelineError::Pairs(
                error @ (PairsError::NoGroups { .. }
                | PairsError::NoneAdmitted { .. }
                | PairsError::TooFewTestTasks { .. }
                | PairsError::TooFewTrainGroups { .. }),
            ) => match iopo_schema::read::<ContaminationRow>(&file) {
                Ok(rows) if !rows.is_empty() => PipelineError::TasksLeftOut {
                    error: Box::new(error),
                    tasks: rows.len(),
                    benchmarks: listed(&rows),
                    file,
                },
                // Without such tasks, there is no file.
                _ => error.into(),
            },
            other => other,
        }
    }

    /// Fails if rows that are about to be trained on overlap with a prompt of a benchmark.
    ///
    /// The prompts may not be at hand before the evaluation, which refuses such a run in any case.
    pub(super) fn refuse_contaminated(
        &self,
        dir: &Path,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        let own = fipo::trained_input_preferences(self);
        if let Some(file) = &own {
            self.refuse_tested_preferences(file)?;
        }
        match prompts(self) {
            Ok(prompts) => {
                prompts.refuse_trained(dir, progress).map_err(untrainable(dir))?;
                let Some(file) = own else { return Ok(()) };
                prompts.refuse_input_preferences(&file).map_err(untrainable(&file))
            }
            Err(error @ (PipelineError::NoData { .. } | PipelineError::Source(_))) => {
                progress.note(&format!(
                    "the groups are not compared with the benchmarks before the evaluation: {error}"
                ));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the ids of candidates and input preferences of train and dev tasks that overlap with a test task.
    ///
    /// A rewrite can come close to another task than its own.
    pub(super) fn tested_rows(
        &self,
        tasks: &[Task],
        pairs: &PairsConfig,
        candidates: &[&Path],
        preferences: Option<&Path>,
    ) -> Result<BTreeSet<String>, PipelineError> {
        let splits = split_tasks(&tasks.iter().map(|task| task.id.clone()).collect(), pairs);
        let tested = tested_tasks(self, tasks, &splits)?;
        let overlaps = |id: &str, (task, input): (&str, Option<&str>), written: [&str; 2]| {
            let copied = |text: &str| tested.find_copied(id, text).is_some();
            splits.get(id) != Some(&Split::Test)
                && (tested.find(id, task, input).is_some() || written.into_iter().any(copied))
        };
        let mut found = BTreeSet::new();
        for path in candidates {
            for batch in iopo_schema::stream::<PreferenceRow>(path)? {
                for row in batch? {
                    let written = [row.x1.as_str(), row.x2.as_deref().unwrap_or_default()];
                    if overlaps(&row.task_id, (&row.task, row.input.as_deref()), written) {
                        found.insert(row.id);
                    }
                }
            }
        }
        if let Some(path) = preferences {
            for batch in iopo_schema::stream::<InputPreferenceRow>(path)? {
                for row in batch? {
                    let written = [row.x_better.as_str(), row.x_worse.as_str()];
                    if overlaps(&row.seed_id, (&row.task, row.input.as_deref()), written) {
                        found.insert(row.id);
                    }
                }
            }
        }
        Ok(found)
    }

    /// Fails if input preferences that are about to be trained on belong to test tasks or have requirements of kinds that are held
    /// out. An import has not passed through the stages that leave such rows out.
    fn refuse_tested_preferences(&self, file: &Path) -> Result<(), PipelineError> {
        let held_out = self.config.eval.held_out_kinds()?;
        refuse_held_out_input_preferences(file, &held_out).map_err(untrainable(file))?;
        let tasks = if is_imported(&self.dir.preferences_file()) {
            test_rows(&self.dir.preferences_file())?
        } else if fipo::is_of_others(&self.dir) {
            fipo::read_tasks(&fipo::folder(&self.dir))?
        } else {
            tasks::used(&self.config, &self.dir)?
        };
        let ids: BTreeSet<String> = tasks.iter().map(|task| task.id.clone()).collect();
        let splits = if is_imported(&self.dir.preferences_file()) {
            ids.into_iter().map(|id| (id, Split::Test)).collect()
        } else {
            split_tasks(&ids, &self.config.pairs)
        };
        let tested = tested_tasks(self, &tasks, &splits)?;
        tested.refuse_input_preferences(file).map_err(untrainable(file))
    }
}

/// Adds the place of the rows to an error about them, for `map_err`.
fn untrainable(path: &Path) -> impl FnOnce(EvalError) -> PipelineError {
    move |source| PipelineError::TrainingRows { path: path.to_owned(), source: Box::new(source) }
}

/// Returns the tasks of the test rows of an import.
fn test_rows(preferences: &Path) -> Result<Vec<Task>, PipelineError> {
    let mut tasks = BTreeMap::new();
    for batch in iopo_schema::stream::<PreferenceRow>(preferences)? {
        for row in batch?.into_iter().filter(|row| row.split == Split::Test) {
            // Imported rows have prompts without tasks.
            let PreferenceRow { task_id: id, task, input, x1, .. } = row;
            let task = if task.trim().is_empty() { x1 } else { task };
            tasks.insert(id.clone(), Task { id, task, input, language: None });
        }
    }
    Ok(tasks.into_values().collect())
}

/// Reads the prompts of the benchmarks.
fn prompts(pipeline: &Pipeline) -> Result<TestedPrompts, PipelineError> {
    let mut prompts = TestedPrompts::new(pipeline.config.eval.contamination);
    for (benchmark, data) in benchmarks::named(pipeline) {
        let data: PathBuf = pipeline.models.data(data)?;
        prompts.add_published(benchmark, &data)?;
    }
    Ok(prompts)
}

/// Returns the test tasks, those of `eval.prompts` and `eval.tasks` among them.
fn tested_tasks(
    pipeline: &Pipeline,
    tasks: &[Task],
    splits: &BTreeMap<String, Split>,
) -> Result<TestedPrompts, PipelineError> {
    let config = &pipeline.config;
    let is_test = |id: &str| splits.get(id) == Some(&Split::Test);
    let mut tested = TestedPrompts::new(config.eval.contamination);
    for Task { id, task, input, .. } in tasks.iter().filter(|task| is_test(&task.id)) {
        let (id, task, input) = (id.clone(), task.clone(), input.clone());
        tested.add_task(&TestTask { id, task, input });
    }
    if let Some(file) = config.eval.prompts.as_ref().filter(|file| file.is_file()) {
        for row in iopo_schema::read::<TestPromptRow>(file)? {
            let (id, task, input) = (row.task_id, row.task, row.input);
            if !is_test(&id) {
                tested.add_task(&TestTask { id, task, input });
            }
        }
    }
    let named = test_tasks::original(config);
    let is_gone = matches!(&named, Some(tasks::Original::File(file)) if !file.is_file());
    if !is_gone {
        for task in test_tasks::read(config)?.unwrap_or_default() {
            tested.add_task(&task);
        }
    }
    Ok(tested)
}

/// Lists the benchmarks of rows with their numbers.
pub(super) fn listed(rows: &[ContaminationRow]) -> String {
    let mut by: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows {
        *by.entry(&row.benchmark).or_default() += 1;
    }
    let listed: Vec<String> =
        by.iter().map(|(benchmark, count)| format!("{benchmark}: {count}")).collect();
    listed.join(", ")
}
