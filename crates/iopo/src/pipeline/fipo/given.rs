//! The responses that the collector starts from, and their tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use iopo_core::files;
use iopo_pairs::exchange::read_fipo;
use iopo_schema::{content_id, file_hash, run_files};
use iopo_synth::Task;
use iopo_synth::fipo::{FipoSeed, FipoSeeds, accepted_responses};

use super::{FipoSource, folder, is_alone};
use crate::pipeline::contamination::Contamination;
use crate::pipeline::{Pipeline, PipelineError, Stage, needs, tasks};

/// The tasks of responses from elsewhere, one JSON object per line.
pub(in crate::pipeline) const TASKS: &str = run_files::TASKS;
/// The name of responses without a model in the `generator` column.
const GENERATOR: &str = "gpt-4 (FIPO)";

/// The seeds of a source, without those of tasks that overlap with prompts of the evaluation.
pub(super) struct Given {
    pub(super) seeds: FipoSeeds,
    /// The ids of the tasks that decide the splits.
    pub(super) task_ids: BTreeSet<String>,
    /// The tasks, if they are not those of the run.
    pub(super) own_tasks: Option<Vec<Task>>,
}

impl Pipeline {
    /// Reads the responses of a source, and compares their tasks with the prompts of the evaluation.
    pub(super) fn given(&self, source: &FipoSource) -> Result<Given, PipelineError> {
        if *source == FipoSource::Run {
            return self.given_of_run();
        }
        let instructions = self.dir.instructions_file();
        if instructions.is_file() || self.dir.preferences_file().is_file() && !is_alone(&self.dir) {
            return Err(PipelineError::FipoInRun {
                dir: self.dir.root().to_owned(),
                collection: folder(&self.dir),
                has_responses: instructions.is_file(),
            });
        }
        let mut seeds = match source {
            FipoSource::Rows(file) => rows(file)?,
            FipoSource::Responses(file) => {
                let instructions = file.with_file_name(run_files::INSTRUCTIONS);
                accepted_responses(&instructions, file, &BTreeMap::new())
                    .map_err(PipelineError::Fipo)?
            }
            FipoSource::Run => FipoSeeds::default(),
        };
        // Only tasks with a response that is used are split.
        seeds.limit(&self.config.fipo);
        let mut own: Vec<Task> = Vec::new();
        let mut task_ids = BTreeSet::new();
        for seed in &seeds.seeds {
            if task_ids.insert(seed.task_id.clone()) {
                let FipoSeed { task_id, task, input, .. } = seed.clone();
                own.push(Task { id: task_id, task, input, language: None });
            }
        }
        let (test, dev) = (self.config.pairs.test_tasks, self.config.pairs.dev_tasks);
        if task_ids.len() <= test.saturating_add(dev) {
            let (tasks, reasons) = (task_ids.len(), seeds.reasons());
            return Err(PipelineError::TooFewGivenTasks { tasks, reasons, test, dev });
        }
        let hashes: Vec<&str> = seeds.inputs.values().map(String::as_str).collect();
        let hash = Some(content_id(&hashes));
        // A command reads the responses for its check, its forecast and its work, and compares their tasks once.
        let is_known = *self.given_hash.borrow() == hash;
        let known = self.collected.borrow().clone().filter(|_| is_known);
        let found = match known {
            Some(found) => found,
            None => Arc::new(Contamination::find(self, &own)?),
        };
        self.given_hash.replace(hash);
        seeds.leave_out(found.excluded());
        self.collected.replace(Some(found));
        Ok(Given { seeds, task_ids, own_tasks: Some(own) })
    }

    /// Reads the accepted responses of the run itself.
    fn given_of_run(&self) -> Result<Given, PipelineError> {
        let (instructions, responses) = (self.dir.instructions_file(), self.dir.responses_file());
        needs(&instructions, Stage::Synth)?;
        needs(&responses, Stage::Synth)?;
        let used = tasks::used(&self.config, &self.dir)?;
        let language = |task: &Task| Some((task.id.clone(), task.language.clone()?));
        let languages = used.iter().filter_map(language).collect();
        let mut seeds = accepted_responses(&instructions, &responses, &languages)
            .map_err(PipelineError::Fipo)?;
        seeds.limit(&self.config.fipo);
        seeds.leave_out(self.contamination()?.excluded());
        let task_ids = used.into_iter().map(|task| task.id).collect();
        self.given_hash.replace(None);
        self.collected.replace(None);
        Ok(Given { seeds, task_ids, own_tasks: None })
    }

    /// Compares the tasks of responses from elsewhere with the prompts of the evaluation; `None` if the tasks are those of the run.
    pub(in crate::pipeline) fn collected_contamination(
        &self,
    ) -> Result<Option<Arc<Contamination>>, PipelineError> {
        if let Some(known) = &*self.collected.borrow() {
            return Ok(Some(Arc::clone(known)));
        }
        if !super::is_of_others(&self.dir) {
            return Ok(None);
        }
        let found = Arc::new(Contamination::find(self, &read_tasks(&folder(&self.dir))?)?);
        self.collected.replace(Some(Arc::clone(&found)));
        Ok(Some(found))
    }
}

/// Reads the prompts and responses of rows of FIPO.
fn rows(file: &Path) -> Result<FipoSeeds, PipelineError> {
    let found = read_fipo(file).map_err(PipelineError::FipoRows)?;
    let seeds = found.prompts.into_iter().map(|prompt| FipoSeed {
        task_id: prompt.task_id,
        task: prompt.task,
        y: prompt.response,
        naive: prompt.naive,
        generator: GENERATOR.to_owned(),
        ..FipoSeed::default()
    });
    let inputs = [("rows".to_owned(), file_hash(file)?)].into();
    let skipped = found.skipped.into_iter();
    let skipped = skipped.map(|(reason, count)| (reason.to_string().replace(' ', "_"), count));
    Ok(FipoSeeds::new(seeds, inputs, skipped.collect()))
}

/// Writes the tasks, which decide the splits.
pub(super) fn keep_tasks(tasks: &[Task], folder: &Path) -> Result<(), PipelineError> {
    std::fs::create_dir_all(folder).map_err(PipelineError::io("create", folder))?;
    let path = folder.join(TASKS);
    let mut text = String::new();
    for task in tasks {
        text += &serde_json::to_string(task)
            .map_err(|error| PipelineError::io("write", &path)(error.into()))?;
        text.push('\n');
    }
    if files::read(&path).ok().as_deref() != Some(text.as_bytes()) {
        files::write(&path, text.as_bytes()).map_err(PipelineError::io("write", &path))?;
    }
    Ok(())
}

/// Reads the tasks of responses from elsewhere.
pub(in crate::pipeline) fn read_tasks(folder: &Path) -> Result<Vec<Task>, PipelineError> {
    let path = folder.join(TASKS);
    let text = files::read_to_string(&path).map_err(PipelineError::io("read", &path))?;
    let parsed: Result<_, serde_json::Error> = text.lines().map(serde_json::from_str).collect();
    parsed.map_err(|error| PipelineError::io("parse", &path)(error.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::PipelineConfig;

    #[test]
    fn the_tasks_of_given_responses_are_compared_with_prompts_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("rows.jsonl");
        let write = |count: usize| {
            let row = |number: usize| {
                serde_json::json!({
                    "id": number,
                    "raw_prompt": format!("Describe the street with the number {number}."),
                    "text003_response_based_raw": "A street.",
                    "gpt4_response_based_raw": format!("Street {number} is wet and quiet."),
                    "chatgpt_optimized_prompt": "x",
                    "gpt4_optimized_prompt": "y",
                })
                .to_string()
            };
            let rows: Vec<String> = (0..count).map(row).collect();
            std::fs::write(&file, rows.join("\n")).expect("written");
        };
        let mut config = PipelineConfig::preset("smoke").expect("a preset");
        (config.pairs.test_tasks, config.pairs.dev_tasks) = (1, 1);
        let pipeline = Pipeline::open(config, dir.path().join("run")).expect("a run");
        let source = FipoSource::Rows(file.clone());
        let compared = || {
            let given = pipeline.given(&source).expect("responses");
            let found = pipeline.collected_contamination().expect("read").expect("compared");
            (given.seeds.seeds.len(), found)
        };
        write(5);
        let (first, second) = (compared(), compared());
        assert_eq!((first.0, second.0), (5, 5));
        assert!(Arc::ptr_eq(&first.1, &second.1));
        // Control: other responses are compared again.
        write(4);
        let third = compared();
        assert!(third.0 == 4 && !Arc::ptr_eq(&first.1, &third.1));
    }
}
