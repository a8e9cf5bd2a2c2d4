//! Finds, checks and loads models, and prints which.

use std::path::{Path, PathBuf};

use anyhow::Result;
use iopo::config::{ConfigError, PipelineConfig};
use iopo::pipeline::{BaseModel, ModelSource, PipelineError};
use iopo_eval::TaggerTable;
use iopo_model::device::{self, DeviceName, available, dtypes};
use iopo_model::{ChatModel, Dtype, ModelError, TemplateSettings};

use crate::failure::{Failure, framed, pipeline};
use crate::fetch;
use crate::interrupt;
use crate::panics;
use crate::printer;
use crate::probe::{Probe, probe};
use crate::resolve::usage;

/// Loads the base model of a run, downloading it if needed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Downloads;

impl ModelSource for Downloads {
    fn load(&self, config: &PipelineConfig, scratch: &Path) -> Result<BaseModel, PipelineError> {
        let on = (config.device.as_str(), config.dtype);
        let settings = config.template_settings().map_err(ModelError::from)?;
        load(&config.model, on, config.generation_batch, settings, scratch)
            .map_err(pipeline::to_source)
    }

    fn answers(&self, _scratch: &Path) -> Result<PathBuf, PipelineError> {
        let dir = fetch::cache_dir().map_err(pipeline::to_source)?;
        Ok(dir.join("answers"))
    }

    fn data(&self, data: &str) -> Result<PathBuf, PipelineError> {
        fetch::resolve_data(data).map_err(pipeline::to_source)
    }

    fn tagger(&self) -> Result<Option<TaggerTable>, PipelineError> {
        fetch::tagger().map_err(pipeline::to_source)
    }
}

/// Finds a model and loads it. Files that must be created for it go into `scratch`.
pub(crate) fn load(
    model: &str,
    (device, dtype): (&str, Dtype),
    batch: usize,
    settings: TemplateSettings,
    scratch: &Path,
) -> Result<BaseModel> {
    let device = if device == "auto" { first_device()? } else { device };
    // Before anything is downloaded.
    let device = &check(device, dtype)?.to_string();
    let found = fetch::resolve(model, scratch)?;
    let path = found.path.display();
    printer::stage("model", &format!("{path} on {device}"));
    let loaded = found.load(device, dtype, batch);
    let base = loaded.and_then(|base| base.with_template_settings(settings)).map_err(|error| {
        if let ModelError::Setting(error) = error {
            return usage(&format!("cannot use the model {path}"), &ConfigError::from(error))
                .into();
        }
        let what = format!("failed to load the model {path}");
        framed(
            error,
            what,
            "pass --model with a Hugging Face directory or a .gguf file of a Llama or Qwen2 model",
        )
    })?;
    notes(base.chat());
    if let Some(end) = base.chat().end_of_turn() {
        printer::stage("model", &format!("answers end with {end}"));
    }
    Ok(base)
}

/// Prints the remarks about a model's files.
pub(crate) fn notes(model: &ChatModel) {
    for note in model.notes() {
        printer::stage("note", note);
    }
}

/// Resolves a device; returns an error if it cannot be used here, or does not support the type.
pub(crate) fn check(name: &str, dtype: Dtype) -> Result<DeviceName> {
    let resolved = device::resolve(name);
    let backend = resolved.as_ref().map_or(name, |found| found.backend());
    let others: Vec<&str> = available().into_iter().filter(|other| *other != backend).collect();
    let hint = if others.is_empty() {
        "build with another backend; `cargo xtask pipeline --backend flex` runs on any CPU"
            .to_owned()
    } else {
        format!("pass --device with one of {}", others.join(", "))
    };
    let cannot =
        |why: &str| Failure::usage(format!("cannot compute on `{name}`{why}")).hint(hint.as_str());
    let has_driver = resolved.as_ref().is_ok_and(|found| found.has_driver());
    if has_driver {
        if let Probe::Failed(how) = probe(name) {
            return Err(cannot(&format!(": {how}")).into());
        }
        // A driver that hangs would hang here again.
        if interrupt::requested() {
            return Err(PipelineError::from(ModelError::Cancelled).into());
        }
    }
    let device = iopo_model::device::device(name).map_err(|error| {
        let failure = cannot(&panics::cause_of(&error.to_string()));
        let failure = match error.hint() {
            Some(build) => failure.hint(format!("{hint}, or {build}")),
            None => failure,
        };
        anyhow::Error::from(error).context(failure)
    })?;
    let known: Vec<&str> = dtypes(&device).into_iter().map(Dtype::name).collect();
    if known.contains(&dtype.name()) {
        return Ok(resolved?);
    }
    Err(Failure::usage(format!("`{name}` does not support {}", dtype.name()))
        .hint(format!("pass --dtype with one of {}", known.join(", ")))
        .into())
}

/// Returns the device that `auto` stands for.
pub(crate) fn first_device() -> Result<&'static str> {
    available().first().copied().ok_or_else(|| {
        Failure::new("this binary was built without any device")
            .hint("build with a backend: `cargo xtask pipeline --backend flex`")
            .into()
    })
}
