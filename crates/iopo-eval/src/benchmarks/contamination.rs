//! Finds tasks and training rows that overlap with the prompts of an evaluation.
//!
//! [`TestedPrompts`] holds the prompts. Before synthesis, [`TestedPrompts::find`] finds the tasks that nothing may be trained on.
//! Before training and before evaluation, [`TestedPrompts::refuse_trained`] refuses a run whose rows overlap,
//! [`TestedPrompts::refuse_training`] one whose training rows overlap with test tasks, and
//! [`TestedPrompts::refuse_input_preferences`] does so for preferences between instructions. The measure is that of
//! [`iopo_core::overlap`].

use std::collections::BTreeSet;
use std::path::Path;

use iopo_constraints::{Kind, from_text};
use iopo_core::overlap::{Overlap, OverlapIndex};
use iopo_llm::Progress;
use iopo_schema::{
    CheckRow, ContaminationRow, InputPreferenceRow, InstructionRow, PreferenceRow, Split, run_files,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::data::read_text;
use super::heldout::{self, TestTask};
use super::{Benchmark, PUBLISHED, Published};
use crate::judged::JudgedBenchmark;
use crate::{EvalError, TestPrompt, TrainingFiles};

/// When a task counts as a copy of a test prompt.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ContaminationConfig {
    /// Number of words in a row that count as shared between a task and a test prompt; half as many again for Chinese and
    /// Japanese characters. Lower values find copies with more changes, and flag more common phrases. Default: 8, as in the
    /// decontamination of `PaLM`. Range: 4 to 50.
    #[schemars(range(min = 4, max = 50))]
    pub ngram: usize,
    /// Does not use a task if shared words make up this share of a test prompt, or of the task. Texts of fewer than two n-grams
    /// need at least 0.75. Default: 0.5. Range: 0.1 to 1.
    #[schemars(range(min = 0.1, max = 1.0))]
    pub share: f64,
}

impl Default for ContaminationConfig {
    fn default() -> Self {
        Self { ngram: 8, share: 0.5 }
    }
}

/// The prompts that a run is tested on, so that nothing like them may be trained on.
#[derive(Debug, Clone)]
pub struct TestedPrompts {
    config: ContaminationConfig,
    index: OverlapIndex,
    names: Vec<Name>,
}

/// The name of a prompt.
#[derive(Debug, Clone)]
struct Name {
    benchmark: String,
    key: String,
    /// The input of a test task.
    input: Option<OverlapIndex>,
}

impl TestedPrompts {
    /// Creates an empty list.
    pub fn new(config: ContaminationConfig) -> Self {
        let index = OverlapIndex::new(config.ngram, config.share);
        Self { config, index, names: Vec::new() }
    }

    /// Adds the prompts of a benchmark.
    pub fn add_prompts<'a>(&mut self, prompts: impl IntoIterator<Item = &'a TestPrompt>) {
        for prompt in prompts {
            let name =
                Name { benchmark: prompt.benchmark.clone(), key: prompt.key.clone(), input: None };
            self.add(name, &prompt.prompt);
        }
    }

    /// Adds the prompts of a published benchmark from their file.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read or parsed.
    pub fn add_published(&mut self, benchmark: &Published, data: &Path) -> Result<(), EvalError> {
        let judged = JudgedBenchmark::ALL.into_iter().find(|one| one.id() == benchmark.id);
        if let Some(judged) = judged {
            for (key, text) in judged.prompt_texts(data)? {
                let name = Name { benchmark: benchmark.id.to_owned(), key, input: None };
                self.add(name, &text);
            }
        }
        let Some(mode) = benchmark.modes.first() else { return Ok(()) };
        let made = (mode.make)(&super::Setup::default());
        self.add_prompts(&read_prompts(made.as_ref(), data)?);
        Ok(())
    }

    /// Adds a test task of the run, with its input. Another task that shares only the request or only the input is no copy.
    pub fn add_task(&mut self, task: &TestTask) {
        let input = task.input.as_deref().map(|input| {
            let mut index = OverlapIndex::new(self.config.ngram, self.config.share);
            index.add(input);
            index
        });
        let name = Name { benchmark: heldout::ID.to_owned(), key: task.id.clone(), input };
        self.add(name, &whole(&task.task, task.input.as_deref()));
    }

    fn add(&mut self, name: Name, text: &str) {
        self.index.add(text);
        self.names.push(name);
    }

    /// Returns whether there is no prompt.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Returns the number of prompts.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Returns the prompt with which a task and its input overlap most.
    pub fn find(&self, task_id: &str, task: &str, input: Option<&str>) -> Option<ContaminationRow> {
        let mut all = self.index.find_all(&whole(task, input)).into_iter();
        let overlap = all.find(|overlap| self.is_on_input(overlap, input))?;
        Some(self.row(task_id, overlap))
    }

    /// Returns whether a task with this input can be a copy of a test task: one of them has no input, or the inputs overlap.
    fn is_on_input(&self, overlap: &Overlap, input: Option<&str>) -> bool {
        let tested = self.names[overlap.prompt].input.as_ref();
        tested.zip(input).is_none_or(|(tested, input)| tested.find(input).is_some())
    }

    /// Returns the prompt of which an instruction for a task with this input has most.
    fn find_written(
        &self,
        task_id: &str,
        input: Option<&str>,
        instruction: &str,
    ) -> Option<ContaminationRow> {
        let mut all = self.index.find_all_copied(instruction).into_iter();
        let overlap = all.find(|overlap| self.is_on_input(overlap, input))?;
        Some(self.row(task_id, overlap))
    }

    /// Returns the prompt of which an instruction has most. Constraints that it shares with a prompt do not make it a copy.
    pub fn find_copied(&self, task_id: &str, instruction: &str) -> Option<ContaminationRow> {
        let overlap = self.index.find_copied(instruction)?;
        Some(self.row(task_id, overlap))
    }

    /// Returns the index of the prompts, for texts without a task.
    pub fn index(&self) -> &OverlapIndex {
        &self.index
    }

    fn row(&self, task_id: &str, overlap: Overlap) -> ContaminationRow {
        let name = &self.names[overlap.prompt];
        ContaminationRow {
            task_id: task_id.to_owned(),
            benchmark: name.benchmark.clone(),
            key: name.key.clone(),
            prompt_share: overlap.prompt_share,
            task_share: overlap.text_share,
            passage: overlap.passage,
        }
    }

    /// Refuses a run whose tasks, instructions or earlier turns of the user overlap with a prompt.
    ///
    /// # Errors
    /// Returns [`EvalError::BenchmarkInTraining`] with the first of them, and an error if a file cannot be read.
    pub fn refuse_trained(&self, run: &Path, progress: &dyn Progress) -> Result<(), EvalError> {
        if self.is_empty() {
            return Ok(());
        }
        let [instructions, preferences] =
            [run_files::INSTRUCTIONS, run_files::PREFERENCES].map(|name| run.join(name));
        let [has_instructions, has_preferences] =
            [&instructions, &preferences].map(|path| path.is_file());
        let mut found = Overlapping::default();
        if has_instructions {
            self.find_in_instructions(&instructions, |_| true, &mut found)?;
        }
        if has_preferences {
            self.find_in_preferences(&preferences, |_| true, &mut found)?;
        }
        if !has_instructions && !has_preferences {
            progress.note(&format!(
                "{} holds neither instructions nor preferences, so the benchmark cannot be compared with its tasks",
                run.display()
            ));
        }
        match found.first {
            Some(first) => {
                let tasks = found.tasks.len();
                Err(EvalError::BenchmarkInTraining { tasks, first: Box::new(first) })
            }
            None => Ok(()),
        }
    }

    /// Refuses training files with tasks, instructions or earlier turns of the user that overlap with a test task. Nothing is
    /// trained on rows of `split`, so they may overlap, and so may instructions of a task without a split.
    ///
    /// # Errors
    /// Returns [`EvalError::TestTasksInTraining`] with the first of them, and an error if a file cannot be read.
    pub fn refuse_training(&self, files: &TrainingFiles, split: Split) -> Result<(), EvalError> {
        let mut found = Overlapping::default();
        if let Some(instructions) = &files.instructions {
            let is_trained = |row: &InstructionRow| {
                files.splits.get(&row.task_id).is_some_and(|own| *own != split)
            };
            self.find_in_instructions(instructions, is_trained, &mut found)?;
        }
        let is_trained = |row: &PreferenceRow| row.split != split;
        self.find_in_preferences(&files.preferences, is_trained, &mut found)?;
        match found.first {
            Some(first) => {
                let tasks = found.tasks.len();
                Err(EvalError::TestTasksInTraining { tasks, first: Box::new(first) })
            }
            None => Ok(()),
        }
    }

    /// Finds the tasks of instructions that overlap, among those that are trained on.
    fn find_in_instructions(
        &self,
        path: &Path,
        is_trained: impl Fn(&InstructionRow) -> bool,
        found: &mut Overlapping,
    ) -> Result<(), EvalError> {
        for batch in iopo_schema::stream::<InstructionRow>(path)? {
            for row in batch?.into_iter().filter(&is_trained) {
                let (id, input) = (&row.task_id, row.input.as_deref());
                let own = self.find(id, &row.task, input);
                found.add(own.or_else(|| self.find_written(id, input, &row.prompt)));
            }
        }
        Ok(())
    }

    /// Finds the tasks of groups and pairs that overlap, among those that are trained on.
    fn find_in_preferences(
        &self,
        path: &Path,
        is_trained: impl Fn(&PreferenceRow) -> bool,
        found: &mut Overlapping,
    ) -> Result<(), EvalError> {
        for batch in iopo_schema::stream::<PreferenceRow>(path)? {
            for row in batch?.into_iter().filter(&is_trained) {
                let (id, input) = (&row.task_id, row.input.as_deref());
                let turns = || row.user_texts().find_map(|text| self.find_written(id, input, text));
                found.add(self.find(id, &row.task, input).or_else(turns));
            }
        }
        Ok(())
    }

    /// Refuses input preferences of the train split whose tasks or instructions overlap with a prompt. Other rows are not trained
    /// on.
    ///
    /// # Errors
    /// Returns [`EvalError::InputPreferencesInTraining`] with the first of them, and an error if the file cannot be read.
    pub fn refuse_input_preferences(&self, file: &Path) -> Result<(), EvalError> {
        let mut found: Option<ContaminationRow> = None;
        let mut rows = 0;
        for batch in iopo_schema::stream::<InputPreferenceRow>(file)? {
            for row in batch?.iter().filter(|row| row.split == Split::Train) {
                let written = || {
                    let texts = [&row.x_better, &row.x_worse];
                    texts.into_iter().find_map(|text| self.find_copied(&row.seed_id, text))
                };
                let own = self.find(&row.seed_id, &row.task, row.input.as_deref());
                if let Some(overlap) = own.or_else(written) {
                    rows += 1;
                    found.get_or_insert(overlap);
                }
            }
        }
        match found.map(Box::new) {
            Some(first) => {
                Err(EvalError::InputPreferencesInTraining { path: file.to_owned(), rows, first })
            }
            None => Ok(()),
        }
    }
}

/// The tasks of a run that overlap with a prompt.
#[derive(Debug, Default)]
struct Overlapping {
    tasks: BTreeSet<String>,
    /// The first of them, with the prompt that it overlaps with most.
    first: Option<ContaminationRow>,
}

impl Overlapping {
    fn add(&mut self, row: Option<ContaminationRow>) {
        if let Some(row) = row {
            self.tasks.insert(row.task_id.clone());
            self.first.get_or_insert(row);
        }
    }
}

/// Refuses input preferences of the train split with a requirement of a kind that is held out.
///
/// A requirement counts by its check and by its sentence, and so does every sentence of an instruction, because imported rows list
/// no requirements.
///
/// # Errors
/// Returns [`EvalError::HeldOutKindSeen`] for the first of them, and an error if the file cannot be read.
pub fn refuse_held_out_input_preferences(
    file: &Path,
    held_out: &BTreeSet<Kind>,
) -> Result<(), EvalError> {
    if held_out.is_empty() {
        return Ok(());
    }
    for batch in iopo_schema::stream::<InputPreferenceRow>(file)? {
        for row in batch?.iter().filter(|row| row.split == Split::Train) {
            let checks = row.better_constraints.iter().chain(&row.worse_constraints);
            let checks = checks.filter_map(|one| one.check.as_ref()).flat_map(CheckRow::kinds);
            let listed = row.better_constraints.iter().chain(&row.worse_constraints);
            let texts = [&row.x_better, &row.x_worse].into_iter().flat_map(|text| sentences(text));
            let stated = listed
                .map(|one| one.text.as_str())
                .chain(texts)
                .filter_map(from_text)
                .flat_map(|found| found.kinds().collect::<Vec<_>>());
            if let Some(kind) = checks.chain(stated).find(|kind| held_out.contains(kind)) {
                return Err(EvalError::HeldOutKindSeen {
                    kind: kind.id().to_owned(),
                    place: "an input preference",
                    task_id: row.seed_id.clone(),
                });
            }
        }
    }
    Ok(())
}

/// Splits a text after each sentence end and each line.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| matches!(c, '.' | '!' | '?' | '。' | '！' | '？' | ';' | '；' | '\n');
    text.split_inclusive(ends).map(str::trim).filter(|sentence| !sentence.is_empty())
}

/// Reads and parses the prompt file of a benchmark.
pub(super) fn read_prompts(
    benchmark: &dyn Benchmark,
    data: &Path,
) -> Result<Vec<TestPrompt>, EvalError> {
    benchmark
        .parse(&read_text(data)?)
        .map_err(|source| EvalError::Prompts { path: data.to_owned(), source: Box::new(source) })
}

/// Lists the published benchmarks whose prompts a configuration evaluates or names.
pub(crate) fn named<'a>(
    benchmarks: &'a [String],
    data: impl IntoIterator<Item = &'a String>,
) -> Vec<&'static Published> {
    let ids: Vec<&String> = benchmarks.iter().chain(data).collect();
    PUBLISHED.iter().filter(|benchmark| ids.iter().any(|id| *id == benchmark.id)).collect()
}

/// Returns a task with its input.
fn whole(task: &str, input: Option<&str>) -> String {
    match input {
        Some(input) => format!("{task}\n{input}"),
        None => task.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ContaminationConfig, TestTask, TestedPrompts};

    fn task(id: &str, task: &str, input: Option<&str>) -> TestTask {
        let (id, task, input) = (id.to_owned(), task.to_owned(), input.map(str::to_owned));
        TestTask { id, task, input }
    }

    #[test]
    fn tasks_with_the_same_request_and_other_inputs_are_no_copies() {
        let ask =
            "Tell in one sentence whether the author of the following review recommends the film.";
        let review = "The plot is thin, but the two actors carry it, and I laughed more than once.";
        let mut tested = TestedPrompts::new(ContaminationConfig::default());
        tested.add_task(&task("a", ask, Some(review)));
        let found = |ask: &str, input| tested.find("b", ask, input).is_some();
        assert!(found(
            ask,
            Some("the plot is THIN but the two actors carry it and I laughed more than twice")
        ));
        assert!(!found(ask, Some("I fell asleep.")));
        assert!(!found(
            ask,
            Some("A long and loud film about cars that nobody asked for, and nobody will miss.")
        ));
        assert!(found(ask, None), "the request alone is most of the task");
    }

    #[test]
    fn the_row_names_the_prompt_and_the_passage() {
        let mut tested = TestedPrompts::new(ContaminationConfig::default());
        tested.add_task(&task(
            "a",
            "Name three rivers that flow through more than one country.",
            None,
        ));
        let found =
            tested.find("b", "name three rivers that flow through more than one COUNTRY!", None);
        let row = found.expect("found");
        let names = (row.task_id.as_str(), row.benchmark.as_str(), row.key.as_str());
        assert_eq!(names, ("b", "heldout", "a"));
        assert_eq!((row.prompt_share, row.task_share), (1.0, 1.0));
        assert_eq!(row.passage, "name three rivers that flow through more than one country");
    }
}
