//! The published benchmarks of a run: the base, the SFT model and the best method side by side.

use std::path::{Path, PathBuf};

use iopo_eval::{
    BenchmarkConfig, BenchmarkRun, Decoding, EvalError, Published, ScoredModel, compare, ifbench,
    published,
};
use iopo_llm::Progress;
use iopo_model::device;
use iopo_schema::run_files;

use super::report::compared;
use super::trained_kinds::{FROM_CONFIGURED, TrainedKinds};
use super::{Pipeline, PipelineError, fipo, rounds};

/// Finds the prompts of every benchmark, before hours are spent on a run that needs them.
pub(super) fn check(pipeline: &Pipeline) -> Result<(), PipelineError> {
    for benchmark in chosen(pipeline) {
        data(pipeline, benchmark)?;
    }
    Ok(())
}

/// Lists the configured benchmarks.
fn chosen(pipeline: &Pipeline) -> impl Iterator<Item = &'static Published> {
    pipeline.config().eval.benchmarks.iter().filter_map(|id| published(id))
}

/// Lists the benchmarks that are evaluated or whose data is configured, with the path or hub id of their prompts.
pub(super) fn named(pipeline: &Pipeline) -> impl Iterator<Item = (&'static Published, &str)> {
    let eval = &pipeline.config().eval;
    eval.named_benchmarks().into_iter().map(|benchmark| {
        let data = eval.data.get(benchmark.id).map(String::as_str);
        (benchmark, data.or(benchmark.source.hub()).unwrap_or_default())
    })
}

/// Returns the file of a benchmark's prompts.
fn data(pipeline: &Pipeline, benchmark: &Published) -> Result<PathBuf, PipelineError> {
    let data = pipeline.config().eval.data.get(benchmark.id).map(String::as_str);
    let data = data.or(benchmark.source.hub()).unwrap_or_default();
    pipeline.models.data(data)
}

/// Reads the kinds that the models of a run were trained on, which divide the types of benchmarks into seen and unseen ones.
pub(super) fn trained_kinds(pipeline: &Pipeline) -> Result<TrainedKinds, PipelineError> {
    let preferences = fipo::trained_input_preferences(pipeline);
    TrainedKinds::read(&trained_in(pipeline), pipeline.config(), preferences.as_deref())
}

/// Lists the directories with the groups that the models of a run were trained on.
fn trained_in(pipeline: &Pipeline) -> Vec<PathBuf> {
    let later = rounds::later_dirs(pipeline).into_iter().map(|dir| dir.root().to_owned());
    std::iter::once(pipeline.dir().root().to_owned()).chain(later).collect()
}

/// Scores the configured benchmarks. Finished responses are kept, so an interrupted call resumes.
pub(super) fn run(pipeline: &Pipeline, progress: &dyn Progress) -> Result<(), PipelineError> {
    let config = pipeline.config();
    let trained_in = trained_in(pipeline);
    let trained = trained_kinds(pipeline)?;
    if !trained.is_complete {
        progress.note(FROM_CONFIGURED);
    }
    let mut setup = trained.setup(config)?;
    if chosen(pipeline).any(|benchmark| benchmark.id == ifbench::ID) {
        setup.tagger = pipeline.models.tagger()?;
        if let Some(note) = config.ifbench_note() {
            progress.note(&note);
        }
    }
    for benchmark in chosen(pipeline) {
        let data = data(pipeline, benchmark)?;
        let Some(mode) = benchmark.modes.first() else { continue };
        let scorer = (mode.make)(&setup);
        let out = pipeline.dir().benchmark_dir(benchmark.id);
        let mut scored = Vec::new();
        for model in compared(pipeline)? {
            let dir = out.join(&model.folder);
            let mut settings = BenchmarkConfig::new(&data, &dir);
            settings.trained_in.clone_from(&trained_in);
            settings.input_preferences =
                fipo::trained_input_preferences(pipeline).into_iter().collect();
            settings.contamination = config.eval.contamination;
            settings.bootstrap = config.eval.bootstrap();
            let run = || BenchmarkRun::prepare(scorer.as_ref(), &settings, progress);
            let trained = model.trained.as_deref();
            match answer(pipeline, run()?, trained, &model.folder, progress) {
                // Responses of an earlier model or of other settings.
                Err(PipelineError::Eval(EvalError::OtherResponses { .. }))
                    if pipeline.replaces.get() =>
                {
                    std::fs::remove_dir_all(&dir).map_err(PipelineError::io("remove", &dir))?;
                    answer(pipeline, run()?, trained, &model.folder, progress)?;
                }
                answered => answered?,
            }
            scored.push(ScoredModel { model: model.folder, dir });
        }
        compare(&scored, &out.join(run_files::SUMMARY), config.eval.bootstrap())?;
    }
    Ok(())
}

/// Lets one model answer and scores its responses.
fn answer(
    pipeline: &Pipeline,
    run: BenchmarkRun<'_>,
    trained: Option<&Path>,
    name: &str,
    progress: &dyn Progress,
) -> Result<(), PipelineError> {
    let (base, config) = (pipeline.base()?, pipeline.config());
    let model = match trained {
        Some(dir) => base.trained(dir, name)?,
        None => base.chat().clone(),
    };
    let model = model.with_escaped_special_tokens(config.eval.escape_special_tokens);
    let mut decoding = Decoding::default();
    decoding.max_new_tokens = config.eval.benchmark_max_new_tokens;
    decoding.batch = config.generation_batch;
    device::resolve(&config.device)?.backend().clone_into(&mut decoding.device);
    config.dtype.name().clone_into(&mut decoding.dtype);
    decoding.template_hash = base.base().template_hash()?;
    decoding.stop = model.stop().to_vec();
    decoding.escape_special_tokens = config.eval.escape_special_tokens;
    Ok(run.score_model(&model, &decoding, progress)?.refuse_failed()?)
}
