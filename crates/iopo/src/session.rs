//! State that the stages of one command share: the configuration, the run directory, the progress bars.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use iopo::config::PipelineConfig;
use iopo_model::Dtype;
use iopo_model::device::{available, dtypes, has_driver};

use crate::bars::{Bars, duration};
use crate::base_model::BaseModel;
use crate::cli::RunArgs;
use crate::failure::Failure;
use crate::fetch::{self, Found};
use crate::probe::{Probe, probe};
use crate::resolve::{Resolved, resolve};
use crate::run_dir::{RunDir, write_whole};
use crate::{panics, printer};

/// The built-in tasks.
const TASKS: &str = include_str!("../data/tasks.jsonl");

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

    /// Returns an error if the file of an earlier stage is missing.
    pub(crate) fn needs(&self, file: &Path, stage: &str) -> Result<()> {
        if file.is_file() {
            return Ok(());
        }
        let out = self.run.root().display();
        Err(Failure::new(format!("{} does not exist", file.display()))
            .hint(format!(
                "run `iopo {stage} --out {out}` first, or `iopo pipeline`, which runs every stage"
            ))
            .into())
    }

    /// The file of tasks: the configured one, else the built-in tasks, written into the run directory.
    pub(crate) fn tasks(&self) -> Result<PathBuf> {
        if !self.config.tasks.is_empty() {
            return Ok(PathBuf::from(&self.config.tasks));
        }
        let path = self.run.root().join("tasks.jsonl");
        if !path.is_file() {
            write_whole(&path, TASKS.as_bytes())?;
        }
        Ok(path)
    }

    /// The base model, loaded on first use, and the progress bars.
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

    /// Runs a stage, then prints its summary and duration.
    pub(crate) fn timed(
        &mut self,
        stage: &str,
        work: impl FnOnce(&mut Self) -> Result<String>,
    ) -> Result<()> {
        let begun = Instant::now();
        // Plain text as context, so that a `Failure` below keeps its exit code and hint.
        let said = work(self).with_context(|| format!("{stage} failed"))?;
        let took = begun.elapsed();
        self.run.note_time(stage, took)?;
        printer::stage(stage, &format!("{said} ({})", duration(took)));
        Ok(())
    }
}

/// Finds a model and loads it; files that must be made for it go into `scratch`.
pub(crate) fn load(
    model: &str,
    (device, dtype): (&str, Dtype),
    batch: usize,
    scratch: &Path,
) -> Result<BaseModel> {
    let device = device_name(device)?;
    // Before anything is downloaded.
    check(&device, dtype)?;
    let Found { path, name } = fetch::resolve(model, scratch)?;
    printer::stage("model", &format!("{} on {device}", path.display()));
    BaseModel::load(&path, &name, (&device, dtype), batch).with_context(|| {
        Failure::new(format!("failed to load the model {}", path.display())).hint(
            "pass --model with a Hugging Face directory or a .gguf file of a Llama or Qwen2 model",
        )
    })
}

/// Returns an error if the device cannot be used here, or does not support the type.
pub(crate) fn check(name: &str, dtype: Dtype) -> Result<()> {
    let others: Vec<&str> = available().into_iter().filter(|other| *other != name).collect();
    let hint = if others.is_empty() {
        "build with another backend; `cargo xtask pipeline --backend flex` runs on any CPU"
            .to_owned()
    } else {
        format!("pass --device with one of {}", others.join(", "))
    };
    let cannot =
        |why: &str| Failure::usage(format!("cannot compute on `{name}`{why}")).hint(hint.clone());
    if has_driver(name)
        && let Probe::Crashed(how) = probe(name)
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
    Err(Failure::usage(format!("`{name}` does not support {}", dtype.name()))
        .hint(format!("pass --dtype with one of {}", known.join(", ")))
        .into())
}

/// The name of a device, with `auto` resolved.
fn device_name(device: &str) -> Result<String> {
    if device == "auto" { first_device().map(str::to_owned) } else { Ok(device.to_owned()) }
}

/// The device that `auto` stands for.
pub(crate) fn first_device() -> Result<&'static str> {
    let first = available().first().copied();
    first.ok_or_else(|| {
        Failure::new("this binary was built without any device")
            .hint("build with a backend: `cargo xtask pipeline --backend flex`")
            .into()
    })
}
