//! Input preferences for given responses (`iopo fipo`), and the groups of their rewrites.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use iopo_core::files;
use iopo_llm::{LanguageModel, LogProb, Progress};
use iopo_pairs::exchange::read_fipo;
use iopo_pairs::{PairsSummary, build_judged, split_tasks};
#[cfg(feature = "endpoint")]
use iopo_schema::MetricRow;
use iopo_schema::{InputPreferenceRow, Split, file_hash, run_files};
use iopo_synth::fipo::{
    FipoModels, FipoOptions, FipoSeed, FipoSeeds, FipoSummary, accepted_responses, fipo,
};
#[cfg(feature = "endpoint")]
use iopo_synth::fipo::{FipoStep, FipoYields, StepEstimate, estimate};

use super::{Pipeline, PipelineError, RunDir, Stage, StageState, needs, status, tasks};
use crate::config::PipelineConfig;
use crate::roles::{RoleName, Roles};

/// The tasks of responses from elsewhere, one JSON object per line.
const TASKS: &str = run_files::TASKS;
/// The name of responses without a model in the `generator` column.
const GIVEN: &str = "gpt-4 (FIPO)";

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

/// The seeds of a source, with the split of each task.
struct Given {
    seeds: FipoSeeds,
    splits: BTreeMap<String, Split>,
    /// The ids of all tasks, if they are not those of the run.
    tasks: Option<BTreeSet<String>>,
}

impl Pipeline {
    /// Collects input preferences and candidate groups for given responses, with the models of `llm.writer`, `llm.judge` and
    /// `fipo.worse`.
    ///
    /// Writes the folder `fipo` of the run directory. [`pairs`](Self::pairs) then adds the candidates to the groups of the run.
    ///
    /// # Errors
    /// Returns an error if the responses cannot be used, the directory holds a run and the responses are from elsewhere, a model
    /// cannot be used, a file cannot be read or written, or `progress` cancels.
    pub fn fipo(
        &self,
        source: &FipoSource,
        progress: &dyn Progress,
    ) -> Result<FipoSummary, PipelineError> {
        self.dir.hold()?;
        let Given { seeds, splits, tasks } = self.given(source)?;
        let config = &self.config;
        let roles = self.fipo_roles()?;
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
        let options = FipoOptions {
            seed: config.synth.seed,
            held_out: &config.synth.held_out,
            splits: &splits,
            fail_at_most: config.pairs.judged.fail_at_most,
            scorer: scorer_name.as_deref(),
        };
        let folder = folder(&self.dir);
        self.dir.write_config(config)?;
        if let Some(ids) = tasks {
            keep_tasks(&ids, &folder)?;
        }
        fipo(seeds, &folder, models, &config.fipo, options, progress).map_err(PipelineError::Fipo)
    }

    /// Opens the store of answers, and checks the endpoints of the roles.
    fn fipo_roles(&self) -> Result<Roles, PipelineError> {
        let roles: &[RoleName] = if self.config.fipo.worse.is_empty() {
            &[RoleName::Writer, RoleName::Judge]
        } else {
            &[RoleName::Writer, RoleName::Judge, RoleName::Worse]
        };
        let store = self.models.answers(self.dir.root())?;
        Ok(Roles::open_for(&self.config, &store, roles)?)
    }

    /// Reads the responses of a source, and splits their tasks as pairing does.
    fn given(&self, source: &FipoSource) -> Result<Given, PipelineError> {
        let (instructions, responses) = (self.dir.instructions_file(), self.dir.responses_file());
        if *source == FipoSource::Run {
            needs(&instructions, Stage::Synth)?;
            needs(&responses, Stage::Synth)?;
            let examined = status::examine(self, Stage::Synth)?.stages;
            let usable = [StageState::Valid, StageState::Missing];
            if let Some(input) = examined.into_iter().find(|one| !usable.contains(&one.state)) {
                return Err(PipelineError::FipoInput { input });
            }
            let seeds =
                accepted_responses(&instructions, &responses).map_err(PipelineError::Fipo)?;
            return Ok(Given { seeds, splits: self.splits()?, tasks: None });
        }
        if instructions.is_file() || self.dir.preferences_file().is_file() && !is_alone(&self.dir) {
            return Err(PipelineError::FipoInRun { dir: self.dir.root().to_owned() });
        }
        let seeds = match source {
            FipoSource::Rows(file) => rows(file)?,
            FipoSource::Responses(file) => {
                let instructions = file.with_file_name(run_files::INSTRUCTIONS);
                accepted_responses(&instructions, file).map_err(PipelineError::Fipo)?
            }
            FipoSource::Run => FipoSeeds::default(),
        };
        let ids: BTreeSet<String> = seeds.seeds.iter().map(|seed| seed.task_id.clone()).collect();
        tasks::check_count(ids.len(), &self.config)?;
        let splits = split_tasks(&ids, &self.config.pairs);
        Ok(Given { seeds, splits, tasks: Some(ids) })
    }

    /// Estimates the requests of each stage by the yields of an earlier collection, or by assumed ones.
    #[cfg(feature = "endpoint")]
    fn fipo_steps(&self, source: &FipoSource) -> Result<Vec<StepEstimate>, PipelineError> {
        let given = self.given(source)?;
        let stats = folder(&self.dir).join(run_files::SYNTH_STATS);
        let yields = match iopo_schema::read::<MetricRow>(&stats) {
            Ok(rows) => FipoYields::measured(&rows),
            Err(_) => FipoYields::assumed(),
        };
        Ok(estimate(&given.seeds, &self.config.fipo, &yields))
    }

    /// Counts the input preferences of the train split that training reads; 0 without a weight or a file.
    pub(super) fn count_input_preferences(&self) -> Result<usize, PipelineError> {
        let path = input_preferences(&self.dir);
        if self.config.train.input_preference_weight <= 0.0 || !path.is_file() {
            return Ok(0);
        }
        let mut count = 0;
        for batch in iopo_schema::stream::<InputPreferenceRow>(&path)? {
            count += batch?.iter().filter(|row| row.split == Split::Train).count();
        }
        Ok(count)
    }
}

/// Builds groups of rewrites alone, in a directory without other responses.
pub(super) fn pairs_of_rewrites(
    dir: &RunDir,
    config: &PipelineConfig,
    progress: &dyn Progress,
) -> Result<PairsSummary, PipelineError> {
    let ids = read_tasks(&folder(dir))?;
    let mut settings = config.pairs.clone();
    if settings.min_full_share > 0.0 {
        progress.note("all groups are rewrites, so pairs.min_full_share is not applied");
        settings.min_full_share = 0.0;
    }
    let file = folder(dir).join(run_files::CANDIDATES);
    Ok(build_judged(&ids, &[&file], dir.root(), &settings, progress)?)
}

/// Returns the role of a stage. Without a weaker model, the writer writes the worse instructions.
#[cfg(feature = "endpoint")]
fn role_of(step: FipoStep, weaker: bool) -> RoleName {
    match step {
        step if step.asks_judge() => RoleName::Judge,
        step if weaker && step.asks_for_worse() => RoleName::Worse,
        _ => RoleName::Writer,
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
        generator: GIVEN.to_owned(),
        ..FipoSeed::default()
    });
    let inputs = [("rows".to_owned(), file_hash(file)?)].into();
    let skipped = found.skipped.into_iter();
    let skipped = skipped.map(|(reason, count)| (reason.to_string().replace(' ', "_"), count));
    Ok(FipoSeeds::new(seeds, inputs, skipped.collect()))
}

/// Returns the folder of the collector in a run directory.
pub(super) fn folder(dir: &RunDir) -> PathBuf {
    dir.root().join(run_files::FIPO)
}

/// Returns the candidates of the collector, if there are any.
pub(super) fn candidates(dir: &RunDir) -> Option<PathBuf> {
    Some(folder(dir).join(run_files::CANDIDATES)).filter(|path| path.is_file())
}

/// Returns the file of input preferences that training reads: an imported one, or that of the collector.
pub(super) fn input_preferences(dir: &RunDir) -> PathBuf {
    let imported = dir.root().join(run_files::INPUT_PREFERENCES);
    if imported.is_file() { imported } else { folder(dir).join(run_files::INPUT_PREFERENCES) }
}

/// Returns the files of the collector that pairing reads.
pub(super) fn files(dir: &RunDir) -> Vec<PathBuf> {
    let tasks = Some(folder(dir).join(TASKS)).filter(|path| path.is_file());
    candidates(dir).into_iter().chain(tasks).collect()
}

/// Whether the directory has candidates for responses from elsewhere, and no responses of its own.
pub(super) fn is_alone(dir: &RunDir) -> bool {
    candidates(dir).is_some()
        && folder(dir).join(TASKS).is_file()
        && !dir.instructions_file().is_file()
}

/// Writes the ids of all tasks, which decide the splits.
fn keep_tasks(ids: &BTreeSet<String>, folder: &Path) -> Result<(), PipelineError> {
    std::fs::create_dir_all(folder).map_err(PipelineError::io("create", folder))?;
    let line = |id: &String| serde_json::json!({ "id": id }).to_string() + "\n";
    let (text, path) = (ids.iter().map(line).collect::<String>(), folder.join(TASKS));
    if files::read(&path).ok().as_deref() != Some(text.as_bytes()) {
        files::write(&path, text.as_bytes()).map_err(PipelineError::io("write", &path))?;
    }
    Ok(())
}

/// Reads the ids of all tasks.
fn read_tasks(folder: &Path) -> Result<BTreeSet<String>, PipelineError> {
    #[derive(serde::Deserialize)]
    struct Line {
        id: String,
    }
    let path = folder.join(TASKS);
    let text = files::read_to_string(&path).map_err(PipelineError::io("read", &path))?;
    let parse = |line: &str| serde_json::from_str::<Line>(line).map(|line| line.id);
    let parsed: Result<_, serde_json::Error> = text.lines().map(parse).collect();
    parsed.map_err(|error| PipelineError::io("parse", &path)(error.into()))
}

#[cfg(feature = "endpoint")]
mod forecast {
    use iopo_llm::endpoint::{Estimate, Forecast};
    use iopo_synth::fipo::StepEstimate;

    use super::{FipoSource, role_of};
    use crate::pipeline::{Pipeline, PipelineError};
    use crate::roles::{RoleName, Roles};

    impl Pipeline {
        /// Forecasts the cost and time of the requests that [`fipo`](Pipeline::fipo) sends to endpoints, by role. It is empty if no
        /// role has an endpoint, or if `llm.offline` forbids requests.
        ///
        /// The forecast includes answers that are stored already, so the run may cost less.
        ///
        /// # Errors
        /// Returns an error if the responses cannot be used, or the store of answers or an endpoint cannot be used.
        pub fn fipo_forecast(
            &self,
            source: &FipoSource,
        ) -> Result<Vec<(&'static str, Forecast)>, PipelineError> {
            if self.config.llm.offline {
                return Ok(Vec::new());
            }
            let (steps, roles) = (self.fipo_steps(source)?, self.fipo_roles()?);
            let weaker = !self.config.fipo.worse.is_empty();
            let forecast = |role: RoleName| {
                let own: Vec<&StepEstimate> =
                    steps.iter().filter(|one| role_of(one.step, weaker) == role).collect();
                Some((role.name(), of_endpoints(&roles, role, &own)?))
            };
            let all = [RoleName::Writer, RoleName::Worse, RoleName::Judge];
            Ok(all.into_iter().filter_map(forecast).collect())
        }
    }

    /// Forecasts the requests of a role; `None` if it is the base model of the run, or is not asked.
    fn of_endpoints(roles: &Roles, role: RoleName, own: &[&StepEstimate]) -> Option<Forecast> {
        let model = roles.remote(role).filter(|_| !own.is_empty())?;
        let sum = |of: &dyn Fn(&StepEstimate) -> f64| {
            own.iter().map(|one| of(one)).sum::<f64>().ceil() as u64
        };
        let most = own.iter().map(|one| {
            let limit = model.most_new_tokens(one.max_new_tokens as u64);
            (one.requests.ceil() as u64).saturating_mul(limit)
        });
        let most_new_tokens = most.fold(0, u64::saturating_add);
        let estimate = Estimate {
            requests: sum(&|one| one.requests),
            prompt_tokens: sum(&|one| one.prompt_tokens),
            new_tokens: Some(sum(&|one| one.completion_tokens).min(most_new_tokens)),
            most_new_tokens,
        };
        roles.forecast(role, estimate)
    }
}

#[cfg(test)]
mod tests {
    use iopo_llm::{Request, Scripted, Silent};
    use iopo_schema::{Operation, PreferenceRow, read};

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
        keep_tasks(&ids, &folder).expect("kept");
        let model = Scripted::new(answer);
        let models = FipoModels { writer: &model, worse: None, judge: &model, scorer: None };
        let options = FipoOptions {
            seed: 0,
            held_out: &[],
            splits: &splits,
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
        let groups: Vec<PreferenceRow> = read(&pipeline.dir.preferences_file()).expect("groups");
        for group in &groups {
            assert_eq!(group.operation, Some(Operation::Rewrite));
            assert_eq!(group.split, splits[&group.task_id]);
        }
        let error = pipeline.given(&FipoSource::Run).err().expect("no responses");
        assert!(matches!(error, PipelineError::MissingInput { .. }), "{error}");
    }
}
