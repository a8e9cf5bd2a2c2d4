//! `iopo synth`.

use std::cell::Cell;
use std::path::Path;

use anyhow::Result;
use iopo_llm::{Completion, LanguageModel, LlmError, Progress, Request};
use iopo_synth::{SynthConfig, SynthError, SynthSummary};

use crate::bars::Bars;
use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::run_dir::RunDir;
use crate::session::Session;
use iopo::config::PipelineConfig;

/// Runs this stage alone.
pub(crate) fn run(args: &RunArgs) -> Result<()> {
    stage(&mut Session::open(args)?)
}

/// Samples answers to the tasks and writes instructions out of what is true of them.
pub(crate) fn stage(session: &mut Session) -> Result<()> {
    session.timed("synth", |session| {
        let (run, config, tasks) =
            (session.run.clone(), session.config.synth.clone(), session.tasks()?);
        // What is wrong with a small file is said before a large one is loaded.
        config.validate()?;
        enough_tasks(iopo_synth::read_tasks(&tasks)?.len(), &session.config)?;
        let made = if let Some(made) = without_model(&run, &tasks, &config, &session.bars)? {
            made
        } else {
            let (model, bars) = session.base()?;
            iopo_synth::synthesize(&tasks, run.root(), &model.chat, &config, bars)?
        };
        Ok(format!(
            "{} tasks, {} answers kept of {}, {} instructions, {:.0} % repaired",
            made.tasks,
            made.kept,
            made.answers,
            made.instructions,
            100.0 * made.repaired_share()
        ))
    })
}

/// Refuses to sample for hours what pairing would then put into the test and dev splits whole.
fn enough_tasks(in_file: usize, config: &PipelineConfig) -> Result<()> {
    let used = config.synth.max_tasks.map_or(in_file, |limit| limit.min(in_file));
    let (test, dev) = (config.pairs.test_tasks, config.pairs.dev_tasks);
    let kept = test.saturating_add(dev);
    if used > kept {
        return Ok(());
    }
    let what = format!(
        "{used} tasks leave none to train on: {test} are kept for testing and {dev} for choices"
    );
    let more = if used < in_file {
        format!("set synth.max_tasks above {kept} (the file has {in_file} tasks)")
    } else {
        format!("give at least {} tasks", kept.saturating_add(1))
    };
    Err(Failure::usage(what)
        .hint(format!(
            "{more}, or lower pairs.test_tasks, pairs.dev_tasks and pairs.min_test_tasks"
        ))
        .into())
}

/// What synthesis comes to where every answer is already there: then no model is loaded.
fn without_model(
    run: &RunDir,
    tasks: &Path,
    config: &SynthConfig,
    bars: &Bars,
) -> Result<Option<SynthSummary>> {
    let answers = run.root().join("answers.parquet");
    // With parts beside it another sampling is under way, which only the model can go on with.
    if !answers.is_file() || answers.with_extension("parquet.parts").exists() {
        return Ok(None);
    }
    let known = iopo_schema::provenance(&answers)?.config;
    let Some(name) = known.get("generator").and_then(serde_json::Value::as_str) else {
        return Ok(None);
    };
    let absent = Absent { name: name.to_owned(), asked: Cell::new(false) };
    match iopo_synth::synthesize(tasks, run.root(), &absent, config, bars) {
        Ok(made) => Ok(Some(made)),
        // The answers belong to other tasks: the model must be loaded after all.
        Err(SynthError::Model(_)) if absent.asked.get() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A model that is known by what it has answered; it answers nothing more.
struct Absent {
    name: String,
    asked: Cell<bool>,
}

impl LanguageModel for Absent {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn complete(&self, _: &[Request], _: &dyn Progress) -> Result<Vec<Completion>, LlmError> {
        self.asked.set(true);
        Err(LlmError::Failed { reason: "the model is not loaded".to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::enough_tasks;
    use crate::failure::{Exit, exit_of, render};
    use iopo::config::PipelineConfig;

    #[test]
    fn seeds_that_leave_nothing_to_train_on_are_refused_before_sampling() {
        let mut config = PipelineConfig::default();
        (config.pairs.test_tasks, config.pairs.dev_tasks) = (6, 3);
        enough_tasks(10, &config).expect("one is left");
        let error = enough_tasks(9, &config).expect_err("none is left");
        assert_eq!(exit_of(&error), Exit::Usage);
        assert!(render(&error).contains("at least 10 tasks"), "{}", render(&error));
        config.synth.max_tasks = Some(9);
        let error = enough_tasks(400, &config).expect_err("none is left");
        assert!(render(&error).contains("synth.max_tasks above 9"), "{}", render(&error));
    }
}
