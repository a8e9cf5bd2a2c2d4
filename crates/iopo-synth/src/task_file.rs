//! The tasks of a synthesis: a file, without the tasks that overlap with prompts of an evaluation.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_core::overlap::OverlapIndex;
use iopo_core::{ContentHasher, Counts};
use iopo_schema::{Breakdown, Provenance, file_hash};

use crate::{SynthConfig, SynthError, Task, used_tasks};

/// Name among the inputs of files that were made without some of the tasks.
const EXCLUDED: &str = "excluded_tasks";

/// A file of tasks.
///
/// A path alone means all tasks of the file. The caller decides which tasks overlap with prompts of an evaluation, because this
/// crate knows no benchmark.
#[derive(Debug, Clone, Copy)]
pub struct TaskFile<'a> {
    path: &'a Path,
    excluded: Option<&'a BTreeMap<String, String>>,
    tested: Option<&'a OverlapIndex>,
}

impl<'a> TaskFile<'a> {
    /// Names the file.
    pub fn new(path: &'a Path) -> Self {
        Self { path, excluded: None, tested: None }
    }

    /// Leaves out tasks: ids with the benchmark whose prompts they overlap with, for the counters.
    #[must_use]
    pub fn without(self, excluded: &'a BTreeMap<String, String>) -> Self {
        Self { excluded: Some(excluded).filter(|tasks| !tasks.is_empty()), ..self }
    }

    /// Sets the prompts that no written instruction may overlap with. Only [`trace`](crate::trace) uses them, because its
    /// instructions are written by a model; those of the other recipes have the words of their tasks.
    #[must_use]
    pub fn with_tested(self, tested: &'a OverlapIndex) -> Self {
        Self { tested: Some(tested).filter(|tested| !tested.is_empty()), ..self }
    }

    /// Returns the path.
    pub(crate) fn path(&self) -> &'a Path {
        self.path
    }

    /// Returns the prompts that no written instruction may overlap with.
    pub(crate) fn tested(&self) -> Option<&'a OverlapIndex> {
        self.tested
    }

    /// Reads the tasks that a synthesis uses.
    pub(crate) fn read(&self, config: &SynthConfig) -> Result<UsedTasks, SynthError> {
        let mut tasks = used_tasks(self.path, config)?;
        let mut counts = Counts::default();
        let mut left_out = Vec::new();
        if let Some(excluded) = self.excluded {
            tasks.retain(|task| {
                let Some(benchmark) = excluded.get(&task.id) else { return true };
                counts.one(Breakdown::Contaminated.of(benchmark));
                left_out.push(task.id.clone());
                false
            });
        }
        if tasks.is_empty() {
            return Err(SynthError::AllExcluded {
                path: self.path.to_owned(),
                tasks: left_out.len(),
            });
        }
        let excluded = (!left_out.is_empty()).then(|| {
            let mut hasher = ContentHasher::new();
            for id in &left_out {
                hasher.part(id);
            }
            hasher.hex()
        });
        Ok(UsedTasks { tasks, hash: file_hash(self.path)?, excluded, counts })
    }
}

/// The tasks that a synthesis uses.
#[derive(Debug)]
pub(crate) struct UsedTasks {
    /// The tasks, in the order of the file.
    pub(crate) tasks: Vec<Task>,
    /// Hash of the whole file.
    hash: String,
    /// Hash of the ids that are left out, if there are any.
    excluded: Option<String>,
    /// The number of tasks that are left out, by benchmark.
    pub(crate) counts: Counts,
}

impl UsedTasks {
    /// Names the tasks as inputs of a file.
    pub(crate) fn origin(&self, provenance: Provenance) -> Provenance {
        let provenance = provenance.with_input("tasks", &self.hash);
        match &self.excluded {
            Some(hash) => provenance.with_input(EXCLUDED, hash),
            None => provenance,
        }
    }
}

impl<'a> From<&'a Path> for TaskFile<'a> {
    fn from(path: &'a Path) -> Self {
        Self::new(path)
    }
}

impl<'a> From<&'a PathBuf> for TaskFile<'a> {
    fn from(path: &'a PathBuf) -> Self {
        Self::new(path)
    }
}
