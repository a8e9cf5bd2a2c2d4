//! Input preferences for given responses (`iopo fipo`), and the groups of their rewrites.
//!
//! The collector is a stage with a record of its own, but no part of the whole pipeline: it runs if a user asks for it. Once it has
//! run, the later stages need its result to be valid.

#[cfg(feature = "endpoint")]
mod forecast;
mod given;

use std::path::{Path, PathBuf};

use iopo_llm::{LanguageModel, LogProb, Progress};
use iopo_pairs::{PairsSummary, build_judged, is_imported_input_preferences};
use iopo_schema::{InputPreferenceRow, Split, file_hash, run_files};
use iopo_synth::fipo::{FipoModels, FipoOptions, FipoSummary, fipo};

use super::{Pipeline, PipelineError, RunDir, Stage, StageState, status};
use crate::config::PipelineConfig;
use crate::roles::{RoleName, Roles};

use given::Given;
pub(super) use given::{TASKS, read_tasks};

/// Name of responses from elsewhere among the inputs of a record.
pub(super) const GIVEN: &str = "given responses";

/// The responses to collect input preferences for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FipoSource {
    /// The accepted responses of the run itself.
    Run,
    /// The accepted responses in the `responses.parquet` of another run, beside its `instructions.parquet`.
    Responses(PathBuf),
    /// Rows of FIPO's published format.
    Rows(PathBuf),
}

impl Pipeline {
    /// Collects input preferences and candidate groups for given responses, with the models of `llm.writer`, `llm.judge` and
    /// `fipo.worse`.
    ///
    /// Responses to tasks that overlap with prompts of the evaluation are left out before the first request. Writes the folder
    /// `fipo` of the run directory. [`pairs`](Self::pairs) then adds the candidates to the groups of the run, and keeps the other
    /// preferences.
    ///
    /// # Errors
    /// Returns an error if the responses cannot be used, synthesis is stale, the directory holds a run and the responses are from
    /// elsewhere, a model cannot be used, a file cannot be read or written, or `progress` cancels.
    pub fn fipo(
        &self,
        source: &FipoSource,
        progress: &dyn Progress,
    ) -> Result<FipoSummary, PipelineError> {
        self.dir.hold()?;
        let given = self.given(source)?;
        Ok(self.perform(Stage::Fipo, progress, |_| self.run_fipo(given, progress))?.0)
    }

    /// Returns whether the collection for these responses is finished and valid, so that it sends no request.
    ///
    /// # Errors
    /// Returns an error if the responses cannot be used or a file cannot be read.
    pub fn fipo_is_complete(&self, source: &FipoSource) -> Result<bool, PipelineError> {
        self.given(source)?;
        self.is_collected()
    }

    fn is_collected(&self) -> Result<bool, PipelineError> {
        let examined = status::examine(self, Stage::Fipo)?.stages;
        let is_valid = examined.last().is_some_and(|own| own.state == StageState::Valid);
        Ok(is_valid && !self.reopens(Stage::Fipo)?)
    }

    fn run_fipo(
        &self,
        given: Given,
        progress: &dyn Progress,
    ) -> Result<FipoSummary, PipelineError> {
        let config = &self.config;
        let (store, names) = (self.models.answers(self.dir.root())?, self.fipo_roles());
        let [journal, other] =
            [Stage::Fipo, Stage::Synth].map(|stage| self.dir.requests_file(stage));
        let roles = Roles::open_journaled(config, &store, names, &journal, &[&other])?;
        let local = || -> Result<&dyn LanguageModel, PipelineError> { Ok(self.base()?.chat()) };
        let writer = roles.model(RoleName::Writer, local)?;
        let judge = roles.model(RoleName::Judge, local)?;
        let worse = match config.fipo.worse.as_str() {
            "" => None,
            _ => Some(roles.model(RoleName::Worse, local)?),
        };
        for note in roles.notes() {
            progress.note(&note);
        }
        let scorer = match config.fipo.min_logp_margin {
            Some(_) => Some(self.base()?.chat()),
            None => None,
        };
        let scorer_name = scorer.map(LanguageModel::fingerprint).transpose();
        let scorer_name = scorer_name.map_err(|error| PipelineError::Fipo(error.into()))?;
        let models = FipoModels {
            writer: &*writer,
            worse: worse.as_deref(),
            judge: &*judge,
            scorer: scorer.map(|model| model as &dyn LogProb),
        };
        let folder = folder(&self.dir);
        self.claim()?;
        if let Some(tasks) = &given.own_tasks {
            given::keep_tasks(tasks, &folder)?;
        }
        self.reopen_failed(Stage::Fipo, progress)?;
        let of_others = self.collected_contamination()?;
        let contamination = match &of_others {
            Some(found) => found,
            None => self.contamination()?,
        };
        let options = FipoOptions {
            seed: config.synth.seed,
            held_out: &config.synth.held_out,
            tasks: &given.task_ids,
            tested: contamination.tested(),
            fail_at_most: config.pairs.judged.fail_at_most,
            scorer: scorer_name.as_deref(),
        };
        let made = fipo(given.seeds, &folder, models, &config.fipo, options, progress);
        self.note_usage(Stage::Fipo, &roles)?;
        let made = made.map_err(PipelineError::Fipo)?;
        if given.own_tasks.is_some() {
            contamination.list(&folder.join(run_files::CONTAMINATION), &self.config, progress)?;
        }
        Ok(made)
    }

    /// Returns the roles of the collector.
    fn fipo_roles(&self) -> &'static [RoleName] {
        if self.config.fipo.worse.is_empty() {
            &[RoleName::Writer, RoleName::Judge]
        } else {
            &[RoleName::Writer, RoleName::Judge, RoleName::Worse]
        }
    }

    /// Counts the input preferences of the train split that training reads; 0 without a weight or a file.
    pub(super) fn count_input_preferences(&self) -> Result<usize, PipelineError> {
        let Some(path) = trained_input_preferences(self) else { return Ok(0) };
        let mut count = 0;
        for batch in iopo_schema::stream::<InputPreferenceRow>(&path)? {
            count += batch?.iter().filter(|row| row.split == Split::Train).count();
        }
        Ok(count)
    }
}

/// Builds groups of rewrites alone, in a directory without other responses.
pub(super) fn pairs_of_rewrites(
    pipeline: &Pipeline,
    dir: &RunDir,
    config: &PipelineConfig,
    progress: &dyn Progress,
) -> Result<PairsSummary, PipelineError> {
    let tasks = read_tasks(&folder(dir))?;
    let ids = tasks.iter().map(|task| task.id.clone()).collect();
    let mut settings = config.pairs.clone();
    if settings.min_full_share > 0.0 {
        progress.note("all groups are rewrites, so pairs.min_full_share is not applied");
        settings.min_full_share = 0.0;
    }
    let file = folder(dir).join(run_files::CANDIDATES);
    let collected = collected(dir);
    let tested = pipeline.tested_rows(&tasks, &settings, &[&file], collected.as_deref())?;
    let collected = (collected.as_deref(), &tested);
    Ok(build_judged(&ids, &[&file], collected, dir.root(), &settings, progress)?)
}

/// Fails if the rewrites were made for other responses than those of the run, which a folder without a record may hold.
pub(super) fn refuse_other_responses(dir: &RunDir, rewrites: &Path) -> Result<(), PipelineError> {
    let made = iopo_schema::provenance(rewrites)?;
    for (name, path) in
        [("instructions", dir.instructions_file()), ("responses", dir.responses_file())]
    {
        if made.inputs.get(name) != Some(&file_hash(&path)?) {
            return Err(PipelineError::OtherResponses {
                rewrites: rewrites.to_owned(),
                file: path,
            });
        }
    }
    Ok(())
}

/// Returns the settings that the collector reads, besides those of its own section.
pub(super) const SETTINGS: [&str; 5] =
    ["fipo", "llm", "synth.seed", "synth.held_out", "pairs.judged.fail_at_most"];

/// Returns whether the base model of the run writes, judges or scores.
pub(super) fn reads_model(config: &PipelineConfig) -> bool {
    let is_local = |role: RoleName| role.of(config).is_local();
    config.fipo.min_logp_margin.is_some() || is_local(RoleName::Writer) || is_local(RoleName::Judge)
}

/// Returns the folder of the collector in a run directory.
pub(super) fn folder(dir: &RunDir) -> PathBuf {
    dir.root().join(run_files::FIPO)
}

/// Returns the candidates of the collector, if there are any.
pub(super) fn candidates(dir: &RunDir) -> Option<PathBuf> {
    Some(folder(dir).join(run_files::CANDIDATES)).filter(|path| path.is_file())
}

/// Returns the preferences of the collector, if there are any.
pub(super) fn collected(dir: &RunDir) -> Option<PathBuf> {
    Some(folder(dir).join(run_files::INPUT_PREFERENCES)).filter(|path| path.is_file())
}

/// Returns the file of input preferences that training reads: an import, or those that pairing kept.
pub(super) fn input_preferences(dir: &RunDir) -> PathBuf {
    dir.root().join(run_files::INPUT_PREFERENCES)
}

/// Returns the same if there is such a file and the settings mix it into training.
pub(super) fn trained_input_preferences(pipeline: &Pipeline) -> Option<PathBuf> {
    let path = input_preferences(&pipeline.dir);
    let weight = pipeline.config.train.input_preference_weight;
    (weight > 0.0 && path.is_file()).then_some(path)
}

/// Returns the file of input preferences that pairing kept, unless it is an import.
pub(super) fn kept_input_preferences(dir: &RunDir) -> Option<PathBuf> {
    Some(input_preferences(dir)).filter(|path| !is_imported_input_preferences(path))
}

/// Returns the files of the collector that pairing reads.
pub(super) fn files(dir: &RunDir) -> Vec<PathBuf> {
    let tasks = Some(folder(dir).join(TASKS)).filter(|path| path.is_file());
    candidates(dir).into_iter().chain(collected(dir)).chain(tasks).collect()
}

/// Whether the responses are from elsewhere: the directory has none of its own.
pub(super) fn is_of_others(dir: &RunDir) -> bool {
    folder(dir).join(TASKS).is_file() && !dir.instructions_file().is_file()
}

/// Whether the directory has candidates for responses from elsewhere, and no responses of its own.
pub(super) fn is_alone(dir: &RunDir) -> bool {
    candidates(dir).is_some() && is_of_others(dir)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iopo_llm::{Request, Scripted, Silent};
    use iopo_pairs::split_tasks;
    use iopo_schema::{Operation, PreferenceRow, read};
    use iopo_synth::Task;
    use iopo_synth::fipo::{FipoSeed, FipoSeeds};

    use super::*;

    /// A writer and judge whose responses differ by task.
    fn answer(request: &Request) -> String {
        let text = &request.messages[request.messages.len() - 1].content;
        let block = |heading: &str| {
            let rest = text.split_once(&format!("{heading}\n```\n")).map_or("", |(_, rest)| rest);
            rest.split_once("\n```").map_or("", |(inner, _)| inner)
        };
        let rewrite = |sentence: &str| {
            let task = block("Instruction to rewrite:");
            let constraint = serde_json::json!({"text": sentence, "dimension": "inclusion"});
            let instruction = format!("{task} {sentence}");
            serde_json::json!({"instruction": instruction, "constraints": [constraint]}).to_string()
        };
        match request.schema.as_ref().map(|schema| schema.name.as_str()) {
            Some("fipo_rewrite") if text.contains("The desired response has these properties") => {
                rewrite("Mention a lamp.")
            }
            Some("fipo_rewrite") => rewrite("Mention a dog."),
            Some("fipo_judge") => {
                let better = if block("Instruction A:").contains("lamp") { "A" } else { "B" };
                serde_json::json!({"explanation": "It has one.", "better": better}).to_string()
            }
            Some(_) => {
                let response = block("Response to grade:");
                let lines =
                    text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("] "));
                let holds = |line: &str| !line.contains("dog") || response.contains("dog");
                let verdicts: Vec<_> = lines
                    .enumerate()
                    .map(|(at, (_, line))| {
                        let score = if holds(line) { 10 } else { 1 };
                        serde_json::json!({"index": at + 1, "explanation": "Seen.", "score": score})
                    })
                    .collect();
                serde_json::json!({ "verdicts": verdicts }).to_string()
            }
            None => format!("A dog waits beside the lamp; {}", words(text.len() as u64, text)),
        }
    }

    /// Words that differ between keys.
    fn words(seed: u64, key: &str) -> String {
        let word = |index: u64| {
            let number = iopo_core::random::keyed_u64(seed, &[key, &index.to_string()]);
            format!("w{}", number % 100_000)
        };
        (0..20).map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn rewrites_of_responses_from_elsewhere_become_groups_of_their_own() {
        let dir = tempfile::tempdir().expect("a folder");
        let seed = |number: u64| {
            let task = format!("Describe the street with the number {number}.");
            let y = format!("The lamp is lit; {}", words(number, "y"));
            FipoSeed { task_id: format!("t{number}"), task, y, ..FipoSeed::default() }
        };
        let seeds = FipoSeeds::new((0..12).map(seed), [].into(), [].into());
        let ids: BTreeSet<String> = seeds.seeds.iter().map(|seed| seed.task_id.clone()).collect();
        let mut config = PipelineConfig::preset("smoke").expect("a preset");
        (config.pairs.test_tasks, config.pairs.dev_tasks, config.pairs.min_test_tasks) = (2, 1, 0);
        config.fipo.offered = 0;
        let splits = split_tasks(&ids, &config.pairs);
        let pipeline = Pipeline::open(config, dir.path()).expect("a run");
        let folder = folder(&pipeline.dir);
        let task = |seed: &FipoSeed| {
            let (id, task) = (seed.task_id.clone(), seed.task.clone());
            Task { id, task, input: None, language: None }
        };
        let tasks: Vec<Task> = seeds.seeds.iter().map(task).collect();
        given::keep_tasks(&tasks, &folder).expect("kept");
        assert_eq!(read_tasks(&folder).expect("read"), tasks);
        let model = Scripted::new(answer);
        let models = FipoModels { writer: &model, worse: None, judge: &model, scorer: None };
        let options = FipoOptions {
            seed: 0,
            held_out: &[],
            tasks: &ids,
            tested: None,
            fail_at_most: 3.0,
            scorer: None,
        };
        let mut settings = pipeline.config.fipo.clone();
        settings.other_share = 1.0;
        let made = fipo(seeds, &folder, models, &settings, options, &Silent).expect("made");
        assert_eq!(made.candidates, 12, "{:?}", made.dropped);
        assert!(is_alone(&pipeline.dir));
        let pairs = pipeline.pairs(&Silent).expect("groups");
        assert_eq!(pairs.groups, 12, "{:?}", pairs.dropped);
        let alone: Vec<InputPreferenceRow> = read(&input_preferences(&pipeline.dir)).expect("rows");
        assert!(alone.is_empty(), "every preference is in a group");
        // An import replaces them without damage, and pairing keeps it.
        let rows = dir.path().join("rows.jsonl");
        let line = serde_json::json!({
            "raw_prompt": "Name a color.",
            "gpt4_response_based_raw": "Blue.",
            "gpt4_optimized_prompt": "Name one color in a word.",
            "chatgpt_optimized_prompt": "Colors, please.",
        });
        std::fs::write(&rows, line.to_string()).expect("written");
        let file = input_preferences(&pipeline.dir);
        iopo_pairs::exchange::import_fipo(&[(Split::Train, &rows)], &file).expect("imported");
        let examined = status::examine(&pipeline, Stage::Pairs).expect("examined").stages;
        assert_eq!(examined.last().map(|own| own.state), Some(StageState::Valid), "{examined:?}");
        pipeline.pairs(&Silent).expect("groups");
        assert!(is_imported_input_preferences(&file));
        let groups: Vec<PreferenceRow> = read(&pipeline.dir.preferences_file()).expect("groups");
        for group in &groups {
            assert_eq!(group.operation, Some(Operation::Rewrite));
            assert_eq!(group.split, splits[&group.task_id]);
        }
        let error = pipeline.given(&FipoSource::Run).err().expect("no responses");
        assert!(matches!(error, PipelineError::MissingInput { .. }), "{error}");
    }
}
