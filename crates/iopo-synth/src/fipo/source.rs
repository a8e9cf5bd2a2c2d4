//! The responses that the collector starts from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_schema::{InstructionRow, ResponseRow, ResponseSource, content_id, file_hash, read};

use super::config::FipoConfig;
use crate::{SynthError, TaskLanguage};

/// A response, with the plain task that it answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FipoSeed {
    /// The id of the task, which decides the split.
    pub task_id: String,
    /// The plain task.
    pub task: String,
    /// The text that the task works on, if any.
    pub input: Option<String>,
    /// The response.
    pub y: String,
    /// An ordinary response to the same task, if there is one.
    pub naive: Option<String>,
    /// Sentences of constraints that are known to hold in the response.
    pub holds: Vec<String>,
    /// The language of the task and the response; `None` if their letters decide.
    pub language: Option<TaskLanguage>,
    /// Name of the model that wrote the response.
    pub generator: String,
}

impl FipoSeed {
    /// Returns a hash of the task and the response.
    pub(crate) fn id(&self) -> String {
        let input = self.input.as_deref().unwrap_or_default();
        content_id(&["fipo", &self.task_id, &self.task, input, &self.y])
    }
}

/// The responses of a source, and where they come from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct FipoSeeds {
    /// The responses, without repetitions.
    pub seeds: Vec<FipoSeed>,
    /// The hash of each file that they were read from, by name.
    pub inputs: BTreeMap<String, String>,
    /// Number of rows that give no seed, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Number of responses to tasks that overlap with prompts of an evaluation, by benchmark.
    pub contaminated: BTreeMap<String, u64>,
}

impl FipoSeeds {
    /// Creates the seeds of a source, without repetitions.
    pub fn new(
        seeds: impl IntoIterator<Item = FipoSeed>,
        inputs: BTreeMap<String, String>,
        skipped: BTreeMap<String, u64>,
    ) -> Self {
        let contaminated = BTreeMap::new();
        let mut found = Self { seeds: Vec::new(), inputs, skipped, contaminated };
        let mut known = BTreeSet::new();
        for seed in seeds {
            if known.insert(seed.id()) {
                found.seeds.push(seed);
            } else {
                *found.skipped.entry("repeated".to_owned()).or_default() += 1;
            }
        }
        found
    }

    /// Keeps the first [`responses_per_task`](FipoConfig::responses_per_task) seeds of each task, and the first
    /// [`max_seeds`](FipoConfig::max_seeds) of all. The others are counted.
    pub fn limit(&mut self, config: &FipoConfig) {
        let (per_task, most) = (config.responses_per_task, config.max_seeds);
        let before = self.seeds.len();
        let mut used: BTreeMap<String, usize> = BTreeMap::new();
        self.seeds.retain(|seed| {
            let used = used.entry(seed.task_id.clone()).or_default();
            *used += 1;
            *used <= per_task
        });
        self.seeds.truncate(most.unwrap_or(usize::MAX));
        let dropped = (before - self.seeds.len()) as u64;
        if dropped > 0 {
            *self.skipped.entry("over_the_limit".to_owned()).or_default() += dropped;
        }
    }
}

impl FipoSeeds {
    /// Leaves out the seeds of tasks that overlap with prompts of an evaluation: ids with the benchmark, for the counters.
    pub fn leave_out(&mut self, excluded: &BTreeMap<String, String>) {
        let contaminated = &mut self.contaminated;
        self.seeds.retain(|seed| {
            let Some(benchmark) = excluded.get(&seed.task_id) else { return true };
            *contaminated.entry(benchmark.clone()).or_default() += 1;
            false
        });
    }

    /// Describes why rows give no seed, with the number of rows for each reason. Empty if all of them give one.
    pub fn reasons(&self) -> String {
        let skipped = self.skipped.iter().map(|(reason, count)| format!("{reason}: {count}"));
        let contaminated = self.contaminated.iter();
        let contaminated =
            contaminated.map(|(benchmark, count)| format!("contaminated/{benchmark}: {count}"));
        skipped.chain(contaminated).collect::<Vec<_>>().join(", ")
    }
}

/// Reads the accepted responses of a run from its `instructions` and `responses`.
///
/// `languages` has the tags of tasks that name a language. Other tasks have the language of their instruction. Responses in other
/// languages than English and Chinese are skipped, because no prompt is written in them.
///
/// The ordinary response of a task is the first one that was rated and not accepted, but not one that was asked to be worse.
///
/// # Errors
/// Returns an error if a file cannot be read, or a response answers an instruction that is not in the file.
pub fn accepted_responses(
    instructions: &Path,
    responses: &Path,
    languages: &BTreeMap<String, String>,
) -> Result<FipoSeeds, SynthError> {
    let rows: Vec<InstructionRow> = read(instructions)?;
    let known: BTreeMap<&str, &InstructionRow> =
        rows.iter().map(|row| (row.id.as_str(), row)).collect();
    let mut naive: BTreeMap<&str, &str> = BTreeMap::new();
    let found: Vec<ResponseRow> = read(responses)?;
    for row in &found {
        let is_asked_worse = row.source == ResponseSource::Worse;
        if !row.accepted && !is_asked_worse && row.error.is_none() && !row.text.trim().is_empty() {
            naive.entry(&row.task_id).or_insert(&row.text);
        }
    }
    let mut skipped = BTreeMap::new();
    let mut seeds = Vec::new();
    for row in &found {
        if !row.accepted || row.error.is_some() || row.text.trim().is_empty() {
            *skipped.entry("not_accepted".to_owned()).or_default() += 1;
            continue;
        }
        let Some(instruction) = known.get(row.instruction_id.as_str()) else {
            return Err(SynthError::GivenResponses {
                got: format!("a response to the instruction {}", row.instruction_id),
                expected: format!("responses to the instructions of {}", instructions.display()),
            });
        };
        let tag = languages.get(&row.task_id).unwrap_or(&instruction.language);
        let language = TaskLanguage::from_tag(tag);
        if language.is_none() && !tag.trim().is_empty() {
            *skipped.entry("other_language".to_owned()).or_default() += 1;
            continue;
        }
        let holds = instruction.constraints.iter().zip(&row.verdicts);
        let holds = holds.filter(|(_, verdict)| verdict.satisfied);
        seeds.push(FipoSeed {
            task_id: row.task_id.clone(),
            task: instruction.task.clone(),
            input: instruction.input.clone(),
            y: row.text.clone(),
            naive: naive.get(row.task_id.as_str()).map(|text| (*text).to_owned()),
            holds: holds.map(|(constraint, _)| constraint.text.clone()).collect(),
            language,
            generator: row.generator.clone(),
        });
    }
    let inputs = [("instructions", instructions), ("responses", responses)];
    let inputs = inputs.map(|(name, path)| Ok((name.to_owned(), file_hash(path)?)));
    let inputs = inputs.into_iter().collect::<Result<_, SynthError>>()?;
    Ok(FipoSeeds::new(seeds, inputs, skipped))
}

#[cfg(test)]
mod tests {
    use super::{FipoConfig, FipoSeed, FipoSeeds};

    #[test]
    fn repetitions_and_limits_are_counted() {
        let seed = |task: &str, y: &str| FipoSeed {
            task_id: task.to_owned(),
            task: task.to_owned(),
            y: y.to_owned(),
            ..FipoSeed::default()
        };
        let all = [seed("a", "1"), seed("a", "1"), seed("a", "2"), seed("b", "1"), seed("c", "1")];
        let mut seeds = FipoSeeds::new(all, [].into(), [].into());
        seeds.limit(&FipoConfig { max_seeds: Some(2), ..FipoConfig::default() });
        let kept: Vec<&str> = seeds.seeds.iter().map(|seed| seed.task_id.as_str()).collect();
        assert_eq!(kept, ["a", "b"]);
        let skipped = [("over_the_limit".to_owned(), 2), ("repeated".to_owned(), 1)];
        assert_eq!(seeds.skipped, skipped.into());
        seeds.leave_out(&[("a".to_owned(), "ifeval".to_owned())].into());
        assert_eq!((seeds.seeds.len(), seeds.seeds[0].task_id.as_str()), (1, "b"));
        assert_eq!(seeds.reasons(), "over_the_limit: 2, repeated: 1, contaminated/ifeval: 1");
    }
}
