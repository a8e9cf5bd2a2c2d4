//! The rounds after the first.
//!
//! Each policy of a round has its own directory, `rounds/2/iopo`, with the files of synthesis, pairing and training. Its
//! samples come from the policy that the same method had after the round before, and training continues from that policy,
//! which is also the reference.

use std::path::PathBuf;

use iopo_core::files;
use iopo_llm::{LanguageModel as _, Progress};
use iopo_schema::Split;
use iopo_schema::run_files::{model_folder, model_name};
use iopo_synth::{RelevanceModel, SynthError, synthesize};
use iopo_train::TrainInputs;
use iopo_train::metadata::{METADATA, Metadata};

use super::{Pipeline, PipelineError, RunDir, Stage, fipo, needs, tasks};
use crate::config::{Lineage, PipelineConfig};

/// Result of the rounds after the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundsSummary {
    /// Rounds of the run, with the first.
    pub rounds: usize,
    /// Models trained in the rounds after the first.
    pub models: usize,
    /// Preference groups that they were trained on.
    pub groups: usize,
}

/// Runs every round after the first. Finished work is skipped.
pub(super) fn run(
    pipeline: &Pipeline,
    progress: &dyn Progress,
) -> Result<RoundsSummary, PipelineError> {
    let config = pipeline.config();
    let mut summary = RoundsSummary { rounds: config.rounds, models: 0, groups: 0 };
    for round in 2..=config.rounds {
        let own = config.of_round(round);
        for lineage in config.lineages(round) {
            progress.note(&format!("round {round}: {} seed {}", lineage.method, lineage.seed));
            summary.groups += run_one(pipeline, &own, round, lineage, progress)?;
            summary.models += 1;
        }
    }
    Ok(summary)
}

/// Runs synthesis, pairing and training of one policy in one round. Returns the number of its training groups.
fn run_one(
    pipeline: &Pipeline,
    config: &PipelineConfig,
    round: usize,
    lineage: Lineage,
    progress: &dyn Progress,
) -> Result<usize, PipelineError> {
    let start = trained_dir(pipeline, round - 1, lineage);
    needs(&start.join(METADATA), Stage::Train)?;
    let dir = dir(pipeline, round, lineage);
    let tasks = write_tasks(pipeline, &dir)?;
    // Always with the policy, because samples of another one would be replaced.
    let policy = pipeline.base()?.trained(&start, &name(pipeline, round - 1, lineage))?;
    let chat = pipeline.base()?.chat();
    let fingerprint = chat.fingerprint().map_err(SynthError::from)?;
    let base = RelevanceModel { fingerprint: &fingerprint, model: chat };
    let mut synth = config.synth.clone();
    synth.max_tasks = None;
    let tasks = pipeline.contamination()?.without(&tasks);
    synthesize(tasks, dir.root(), &policy, Some(base), &synth, progress)?;
    pipeline.pairs_in(&dir, config, progress)?;
    let mut train = config.train.clone();
    train.methods = vec![lineage.method];
    train.seed = lineage.seed;
    train.seeds = Vec::new();
    if !lineage.method.takes_input_preferences() {
        train.input_preference_weight = 0.0;
    }
    let chosen = Metadata::read(&start)?.settings.method;
    let own = train.overrides.entry(lineage.method).or_default();
    own.num_seeds = None;
    own.beta = Some(chosen.beta);
    own.pref_ftx = lineage.method.has_sft_weight().then_some(chosen.pref_ftx);
    own.gamma = chosen.gamma;
    let in_round = pipeline.config().round.get(&round.to_string());
    if in_round.is_none_or(|own| own.learning_rate.is_none()) {
        own.learning_rate = Some(chosen.learning_rate);
    }
    let preferences = dir.preferences_file();
    // The splits of its tasks are those of the run.
    let input_preferences = fipo::input_preferences(pipeline.dir());
    let inputs = TrainInputs::new(&preferences)
        .with_input_preferences(&input_preferences)
        .with_start(lineage.method, &start)
        .with_replace(pipeline.replaces.get());
    let base = pipeline.base()?;
    let made = iopo_train::train(&train, inputs, &base.base(), &dir.train_dir(), progress)?;
    Ok(made.groups)
}

/// Writes the tasks that a round samples: those of the train and dev splits. Returns the file.
///
/// No model is evaluated on groups of a later round, so samples for the test tasks would be wasted.
fn write_tasks(pipeline: &Pipeline, dir: &RunDir) -> Result<PathBuf, PipelineError> {
    let splits = pipeline.splits()?;
    let used = tasks::used(pipeline.config(), pipeline.dir())?;
    let kept = used.iter().filter(|task| splits.get(&task.id) != Some(&Split::Test));
    let mut lines = String::new();
    for task in kept {
        lines += &serde_json::to_string(task)
            .map_err(|error| PipelineError::io("write", dir.tasks_file())(error.into()))?;
        lines.push('\n');
    }
    let path = dir.tasks_file();
    let root = dir.root();
    std::fs::create_dir_all(root).map_err(PipelineError::io("create", root))?;
    if std::fs::read(&path).ok().as_deref() != Some(lines.as_bytes()) {
        files::write(&path, lines.as_bytes()).map_err(PipelineError::io("write", &path))?;
    }
    Ok(path)
}

/// Lists the directories of every round after the first, one for each policy.
pub(super) fn later_dirs(pipeline: &Pipeline) -> Vec<RunDir> {
    let config = pipeline.config();
    let of_round = |round| config.lineages(round).into_iter().map(move |lineage| (round, lineage));
    let all = (2..=config.rounds).flat_map(of_round);
    all.map(|(round, lineage)| dir(pipeline, round, lineage)).collect()
}

/// Returns the directory of a policy's round.
pub(super) fn dir(pipeline: &Pipeline, round: usize, lineage: Lineage) -> RunDir {
    let folder = pipeline.config().train.folder(lineage.method, lineage.seed);
    pipeline.dir().of_round(round, &folder)
}

/// Returns the directory of a policy's weights after a round.
pub(super) fn trained_dir(pipeline: &Pipeline, round: usize, lineage: Lineage) -> PathBuf {
    if round < 2 {
        let folder = pipeline.config().train.folder(lineage.method, lineage.seed);
        return pipeline.dir().train_dir().join(folder);
    }
    dir(pipeline, round, lineage).train_dir().join(lineage.method.name())
}

/// Returns the folder name of a policy after a round.
fn name(pipeline: &Pipeline, round: usize, Lineage { method, seed }: Lineage) -> String {
    let several = pipeline.config().train.resolved_seeds().len() > 1;
    model_folder(&model_name(method.name(), round), several.then_some(seed))
}
