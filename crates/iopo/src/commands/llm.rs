//! `iopo llm`.

use anyhow::Result;
use iopo::config::PipelineConfig;

use crate::cli::{CheckArgs, LlmArgs, LlmCommand, RunArgs};
use crate::resolve::resolve;

#[cfg(feature = "endpoint")]
mod check;
mod templates;

/// Runs a command about endpoints.
pub(crate) fn run(args: &LlmArgs) -> Result<()> {
    match &args.command {
        LlmCommand::Templates(args) => templates::run(args),
        #[cfg(feature = "endpoint")]
        LlmCommand::Check(args) => check::run(args, &config(args)?),
        #[cfg(not(feature = "endpoint"))]
        LlmCommand::Check(args) => {
            // An error about endpoints in the configuration comes first.
            config(args)?;
            Err(crate::failure::Failure::usage(
                "this binary was built without the feature `endpoint`",
            )
            .hint("build iopo with its default features, or add `--features endpoint`")
            .into())
        }
    }
}

/// Reads the configuration as other commands do.
fn config(args: &CheckArgs) -> Result<PipelineConfig> {
    let CheckArgs { config, out, sets, .. } = args.clone();
    Ok(resolve(&RunArgs { config, out, sets, ..RunArgs::default() })?.config)
}
