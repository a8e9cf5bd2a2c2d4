//! The pipeline as a library, on the tiny random model.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use iopo::config::PipelineConfig;
use iopo::llm::{Progress, Request, Scripted, Silent};
use iopo::model::Dtype;
use iopo::pipeline::{
    BaseModel, Checkpoint, ModelSource, Pipeline, PipelineError, Stage, StageSummary,
};
use iopo::schema::{InstructionRow, TestPromptRow};
use iopo::synth::Recipe;
use iopo::train::Method;

/// The smoke preset with fewer tasks and methods.
fn config() -> PipelineConfig {
    let mut config = PipelineConfig::preset("smoke").expect("the preset");
    "mine".clone_into(&mut config.model);
    config.synth.max_tasks = Some(16);
    (config.pairs.test_tasks, config.pairs.dev_tasks) = (4, 2);
    config.train.methods = vec![Method::Iopo];
    config
}

fn tiny(dir: &Path) -> BaseModel {
    let found = Checkpoint::find("tiny", dir).expect("created").expect("found");
    found.load("flex", Dtype::F32, 3).expect("loaded")
}

/// A source that has no model.
struct NoModel;

impl ModelSource for NoModel {
    fn load(&self, _: &PipelineConfig, _: &Path) -> Result<BaseModel, PipelineError> {
        Err(PipelineError::Source("no model here".into()))
    }
}

/// Cancels after a number of checks.
struct CancelAfter(AtomicUsize);

impl Progress for CancelAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }
}

#[test]
fn a_program_runs_every_stage_with_its_own_model_and_resumes() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let open = || Pipeline::open(config(), &out).expect("opened");
    let pipeline = open().with_models(tiny(dir.path()));

    let cancelled = pipeline.run(&CancelAfter(AtomicUsize::new(40)), |_| ());
    let error = cancelled.expect_err("cancelled");
    assert!(error.is_cancelled() && !error.is_usage(), "{error:?}");

    let mut stages = Vec::new();
    let mut models = 0;
    pipeline
        .run(&Silent, |outcome| {
            stages.push(outcome.summary.stage());
            if let StageSummary::Eval(eval) = outcome.summary {
                models = eval.models;
            }
        })
        .expect("a run");
    assert_eq!(stages, Stage::ALL);
    assert_eq!(models, 4, "base, SFT, and IOPO after each round");
    let files = pipeline.dir();
    for file in [files.preferences_file(), files.summary_file(), files.report_file()] {
        assert!(file.is_file(), "{}", file.display());
    }
    let groups = std::fs::read(files.preferences_file()).expect("groups");
    assert!(matches!(Pipeline::open(config(), &out), Err(PipelineError::Locked { .. })));
    drop(pipeline);

    let again = open().with_models(NoModel);
    let synth = again.synth(&Silent).expect("finished, so no model is needed");
    assert_eq!(synth.tasks, 16);
    again.pairs(&Silent).expect("finished");
    assert_eq!(std::fs::read(again.dir().preferences_file()).expect("groups"), groups);
    let error = again.train(&Silent).expect_err("training needs the model");
    assert!(matches!(error, PipelineError::Source(_)), "{error:?}");
}

#[test]
fn another_model_can_write_the_responses() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let pipeline = Pipeline::open(config(), dir.path().join("run")).expect("opened");
    let model = Scripted::new(|request: &Request| {
        let words = ["tea", "rain", "stone", "light", "north", "paper", "river"];
        let start = request.sampling.seed as usize;
        let sentence = |number: usize| {
            let word = |step: usize| words[(start / (number + 1) + step * number) % words.len()];
            format!("{} {} {} and {}.", word(0), word(1), word(2), word(3))
        };
        (1..4 + start % 3).map(sentence).collect::<Vec<_>>().join(" ")
    });
    let synth = pipeline.synth_with(&model, &Silent).expect("synthesized");
    assert!(synth.instructions > 0);
    // The responses are complete, so the configured model, which does not exist, is not loaded.
    assert_eq!(pipeline.synth(&Silent).expect("finished"), synth);
    let error = pipeline.train(&Silent).expect_err("no groups yet");
    assert!(matches!(&error, PipelineError::MissingInput { stage: Stage::Pairs, .. }), "{error:?}");
    assert_eq!(error.hint().as_deref(), Some("run the stage `pairs` first"));
}

#[test]
fn a_model_that_does_not_exist_is_an_error_with_a_hint() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let pipeline = Pipeline::open(config(), dir.path().join("run")).expect("opened");
    let error = pipeline.synth(&Silent).expect_err("no such model");
    assert_eq!(error.to_string(), "no model `mine`: no such file or directory");
    assert!(error.is_usage() && error.hint().is_some_and(|hint| hint.contains(".gguf")));
}

#[test]
fn an_invalid_configuration_is_refused_before_a_file_is_written() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut config = config();
    config.train.learning_rate = 2.0;
    let out = dir.path().join("run");
    let error = Pipeline::open(config, &out).expect_err("refused");
    assert!(matches!(error, PipelineError::Config(_)) && error.is_usage(), "{error:?}");
    assert!(error.to_string().starts_with("`train.learning_rate`: found 2"), "{error}");
    assert!(!out.exists());
}

/// Runs the pipeline with a recipe and returns its test prompts and instructions.
fn with_recipe(recipe: Recipe) -> (Vec<TestPromptRow>, Vec<InstructionRow>) {
    let dir = tempfile::tempdir().expect("temporary directory");
    let mut config = config();
    config.rounds = 1;
    config.round.clear();
    config.train.methods = Vec::new();
    config.synth.recipe = recipe.into();
    let pipeline = Pipeline::open(config, dir.path().join("run")).expect("opened");
    let pipeline = pipeline.with_models(tiny(dir.path()));
    pipeline.run(&Silent, |_| ()).expect("a run");
    let files = pipeline.dir();
    let prompts = iopo::schema::read(&files.test_prompts_file()).expect("prompts");
    (prompts, iopo::schema::read(&files.instructions_file()).expect("instructions"))
}

#[test]
fn recipes_differ_in_their_instructions_and_share_the_test_prompts() {
    let (prompts, instructions) = with_recipe(Recipe::Edit);
    let (same_prompts, others) = with_recipe(Recipe::OnPolicy);
    assert!(prompts.len() >= 8, "{}", prompts.len());
    assert_eq!(prompts, same_prompts);
    assert_ne!(instructions, others);
}
