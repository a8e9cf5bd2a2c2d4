//! What the stages of one command share: the configuration, the run directory, the progress bars.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use iopo_model::Dtype;
use iopo_model::device::{available, dtypes, has_driver};

use crate::bars::{Bars, duration};
use crate::base_model::BaseModel;
use crate::cli::RunArgs;
use crate::config::{PipelineConfig, Resolved, resolve};
use crate::failure::Failure;
use crate::fetch::{self, Found};
use crate::run_dir::{RunDir, write_whole};
use crate::trial::{self, Trial};
use crate::{panics, printer};

/// The tasks that the binary carries.
const SEEDS: &str = include_str!("../data/tasks.jsonl");

/// One command's work on one run directory.
pub(crate) struct Session {
    pub(crate) config: PipelineConfig,
    pub(crate) run: RunDir,
    pub(crate) bars: Bars,
    base: Option<BaseModel>,
}

impl Session {
    /// Resolves the flags and opens the run directory.
    pub(crate) fn open(args: &RunArgs) -> Result<Self> {
        let Resolved { config, out } = resolve(args)?;
        let run = RunDir::open(&out, &config)?;
        Ok(Self { config, run, bars: Bars::new(), base: None })
    }

    /// Refuses to go on without the file that an earlier stage writes.
    pub(crate) fn needs(&self, file: &Path, stage: &str) -> Result<()> {
        if file.is_file() {
            return Ok(());
        }
        let out = self.run.root().display();
        Err(Failure::new(format!("{} is not there", file.display()))
            .way_out(format!(
                "run `iopo {stage} --out {out}` first, or `iopo pipeline`, which runs every stage"
            ))
            .into())
    }

    /// The tasks: the configured file, else the ones that the binary carries.
    pub(crate) fn tasks(&self) -> Result<PathBuf> {
        if !self.config.tasks.is_empty() {
            return Ok(PathBuf::from(&self.config.tasks));
        }
        let path = self.run.root().join("tasks.jsonl");
        if !path.is_file() {
            write_whole(&path, SEEDS.as_bytes())?;
        }
        Ok(path)
    }

    /// The base model, loaded once a command, and the bars beside it.
    pub(crate) fn base(&mut self) -> Result<(&BaseModel, &Bars)> {
        if self.base.is_none() {
            let (model, batch) = (&self.config.model, self.config.generation_batch);
            self.base = Some(load(
                model,
                (&self.config.device, self.config.dtype),
                batch,
                self.run.root(),
            )?);
        }
        Ok((self.base.as_ref().context("the model was just loaded")?, &self.bars))
    }

    /// Runs a stage, says what came of it and how long it took.
    pub(crate) fn timed(
        &mut self,
        stage: &str,
        work: impl FnOnce(&mut Self) -> Result<String>,
    ) -> Result<()> {
        let begun = Instant::now();
        // A plain text, so that an exit code or a way out below is the one that counts.
        let said = work(self).with_context(|| format!("{stage} failed"))?;
        let took = begun.elapsed();
        self.run.note_time(stage, took)?;
        printer::stage(stage, &format!("{said} ({})", duration(took)));
        Ok(())
    }
}

/// Finds a model and loads it; `scratch` takes what is made for it.
pub(crate) fn load(
    model: &str,
    (device, dtype): (&str, Dtype),
    batch: usize,
    scratch: &Path,
) -> Result<BaseModel> {
    let device = device_name(device)?;
    // Before anything is fetched for it.
    check(&device, dtype)?;
    let Found { path, name } = fetch::resolve(model, scratch)?;
    printer::stage("model", &format!("{} on {device}", path.display()));
    BaseModel::load(&path, &name, (&device, dtype), batch).with_context(|| {
        Failure::new(format!("failed to load the model {}", path.display())).way_out(
            "pass --model with a Hugging Face directory or a .gguf file of a Llama or Qwen2 model",
        )
    })
}

/// Refuses a device that does not compute here, or not in that type.
pub(crate) fn check(name: &str, dtype: Dtype) -> Result<()> {
    let others: Vec<&str> = available().into_iter().filter(|other| *other != name).collect();
    let way_out = if others.is_empty() {
        "build it with another one: `cargo xtask pipeline --backend flex` computes on any CPU"
            .to_owned()
    } else {
        format!("pass --device, where the command has it, with one of {}", others.join(", "))
    };
    let cannot = |why: &str| {
        Failure::usage(format!("cannot compute on `{name}`{why}")).way_out(way_out.clone())
    };
    if has_driver(name)
        && let Trial::Crashed(how) = trial::of(name)
    {
        return Err(cannot(&format!(": {how}")).into());
    }
    let device = iopo_model::device::device(name).map_err(|error| {
        let failure = cannot(&panics::first_said(&error.to_string()));
        anyhow::Error::from(error).context(failure)
    })?;
    let known: Vec<&str> = dtypes(&device).into_iter().map(Dtype::name).collect();
    if known.contains(&dtype.name()) {
        return Ok(());
    }
    Err(Failure::usage(format!("`{name}` does not compute in {}", dtype.name()))
        .way_out(format!("pass --dtype with one of {}", known.join(", ")))
        .into())
}

/// A device by its name, `auto` resolved.
fn device_name(device: &str) -> Result<String> {
    if device == "auto" { first_device().map(str::to_owned) } else { Ok(device.to_owned()) }
}

/// The device of `auto`.
pub(crate) fn first_device() -> Result<&'static str> {
    let first = available().first().copied();
    first.ok_or_else(|| {
        Failure::new("this binary was built without any device")
            .way_out("build it with one: `cargo xtask pipeline --backend flex`")
            .into()
    })
}
