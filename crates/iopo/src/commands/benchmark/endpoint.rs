//! Responses of an endpoint to a benchmark.

use anyhow::Result;
use iopo::config::{PipelineConfig, Role};
use iopo::roles::{RoleName, Roles};
use iopo_eval::{BenchmarkReport, BenchmarkRun, Decoding};

use super::failure;
use crate::bars::Bars;
use crate::cli::{BenchmarkArgs, RunArgs};
use crate::failure::Failure;
use crate::{fetch, paid, resolve};

/// Lets an endpoint of `--config`, or else of the run, respond, after the question about the cost. Its answers are stored
/// before they are used, so a command that is run again sends no request twice. Returns `None` if no request is to be sent.
pub(super) fn respond(
    args: &BenchmarkArgs,
    name: &str,
    run: BenchmarkRun<'_>,
    run_config: PipelineConfig,
    bars: &Bars,
) -> Result<Option<BenchmarkReport>> {
    let mut config = match &args.config {
        Some(file) => {
            let args = RunArgs { config: Some(file.clone()), ..RunArgs::default() };
            resolve::resolve(&args)?.config
        }
        None => run_config,
    };
    if !config.endpoints.contains_key(name) {
        let known: Vec<&str> = config.endpoints.keys().map(String::as_str).collect();
        let known =
            if known.is_empty() { "none is configured".to_owned() } else { known.join(", ") };
        return Err(Failure::usage(format!("no endpoint `{name}`: {known}"))
            .hint(format!("pass --config with a file that has a section `[endpoints.{name}]`"))
            .into());
    }
    config.llm.writer = Role::One(name.to_owned());
    let roles = Roles::open(&config, &fetch::cache_dir()?.join("answers")).map_err(|error| {
        let usage = error.is_usage().then(|| Failure::usage(error.to_string()));
        let error = anyhow::Error::new(error);
        match usage {
            Some(frame) => error.context(frame),
            None => error,
        }
    })?;
    let Some(model) = roles.remote(RoleName::Writer) else {
        return Err(Failure::usage(format!("`{name}` is no endpoint")).into());
    };
    let max_new_tokens = args.max_new_tokens.get();
    // Stored answers are not requested again, so a command that is run again asks nothing.
    let forecasts = [(name, model.forecast(&run.requests(max_new_tokens))?)];
    if !paid::confirm(&forecasts, &args.paid)? {
        return Ok(None);
    }
    let mut decoding = Decoding::default();
    decoding.max_new_tokens = max_new_tokens;
    decoding.endpoint = Some(name.to_owned());
    run.score_model(model, &decoding, bars).map(Some).map_err(failure)
}
