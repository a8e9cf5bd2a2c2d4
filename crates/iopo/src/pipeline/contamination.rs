//! Leaves out tasks that overlap with the prompts of the evaluation.
//!
//! Synthesis uses no task that overlaps with a prompt of a benchmark, and no train or dev task that overlaps with a test task of
//! the run. The tasks are listed in `contamination.parquet`. Training and evaluation refuse rows that overlap with a benchmark,
//! because imported groups have no synthesis.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_core::ContentHasher;
use iopo_eval::{TestTask, TestedPrompts};
use iopo_llm::Progress;
use iopo_pairs::split_tasks;
use iopo_schema::{ContaminationRow, Provenance, Split, TestPromptRow, run_files};
use iopo_synth::{Task, TaskFile};

use super::{Pipeline, PipelineError, benchmarks};

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
        let found = find(self)?;
        Ok(self.contamination.get_or_init(|| found))
    }

    /// Returns the same if it is known, or can be found without a download.
    pub(super) fn known_contamination(&self) -> Option<&Contamination> {
        let is_here = || benchmarks::named(self).all(|(_, data)| Path::new(data).is_file());
        self.contamination.get().or_else(|| is_here().then(|| self.contamination().ok())?)
    }

    /// Writes the list of the tasks that are left out, and says how many there are.
    pub(super) fn list_contamination(&self, progress: &dyn Progress) -> Result<(), PipelineError> {
        let found = self.contamination()?;
        let path = self.dir.root().join(run_files::CONTAMINATION);
        if found.rows.is_empty() {
            return match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(PipelineError::io("remove", &path)(error))
                }
                _ => Ok(()),
            };
        }
        let mut by: BTreeMap<&str, usize> = BTreeMap::new();
        for row in &found.rows {
            *by.entry(&row.benchmark).or_default() += 1;
        }
        let listed: Vec<String> =
            by.iter().map(|(benchmark, count)| format!("{benchmark}: {count}")).collect();
        progress.note(&format!(
            "{} of {} tasks overlap with prompts of the evaluation and are not used ({}); see {}",
            found.rows.len(),
            found.tasks,
            listed.join(", "),
            run_files::CONTAMINATION,
        ));
        let config = serde_json::json!({ "contamination": self.config.eval.contamination });
        let provenance = Provenance::new(concat!("iopo ", env!("CARGO_PKG_VERSION")), config)
            .with_input("benchmark_prompts", found.benchmarks.index().hash());
        Ok(iopo_schema::write(&path, &found.rows, &provenance)?)
    }

    /// Fails if rows that are about to be trained on overlap with a prompt of a benchmark.
    ///
    /// The prompts may not be at hand before the evaluation, which refuses such a run in any case.
    pub(super) fn refuse_contaminated(
        &self,
        dir: &Path,
        progress: &dyn Progress,
    ) -> Result<(), PipelineError> {
        match prompts(self) {
            Ok(prompts) => Ok(prompts.refuse_trained(dir, progress)?),
            Err(error @ (PipelineError::NoData { .. } | PipelineError::Source(_))) => {
                progress.note(&format!(
                    "the groups are not compared with the benchmarks before the evaluation: {error}"
                ));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }
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

/// Compares the tasks with the prompts of the benchmarks, and the train and dev tasks with the test tasks.
fn find(pipeline: &Pipeline) -> Result<Contamination, PipelineError> {
    let config = &pipeline.config;
    let benchmarks = prompts(pipeline)?;
    let tasks = pipeline.original_tasks()?;
    let splits = split_tasks(&tasks.iter().map(|task| task.id.clone()).collect(), &config.pairs);
    let is_test = |task: &Task| splits.get(&task.id) == Some(&Split::Test);
    let mut tested = TestedPrompts::new(config.eval.contamination);
    for Task { id, task, input, .. } in tasks.iter().filter(|task| is_test(task)) {
        let (id, task, input) = (id.clone(), task.clone(), input.clone());
        tested.add_task(&TestTask { id, task, input });
    }
    if let Some(file) = config.eval.prompts.as_ref().filter(|file| file.is_file()) {
        for row in iopo_schema::read::<TestPromptRow>(file)? {
            let (id, task, input) = (row.task_id, row.task, row.input);
            if splits.get(&id) != Some(&Split::Test) {
                tested.add_task(&TestTask { id, task, input });
            }
        }
    }
    let mut rows = Vec::new();
    for task in &tasks {
        let overlap =
            |prompts: &TestedPrompts| prompts.find(&task.id, &task.task, task.input.as_deref());
        let found =
            overlap(&benchmarks).or_else(|| (!is_test(task)).then(|| overlap(&tested)).flatten());
        rows.extend(found);
    }
    let excluded = rows.iter().map(|row| (row.task_id.clone(), row.benchmark.clone())).collect();
    Ok(Contamination { benchmarks, rows, excluded, tasks: tasks.len() })
}
