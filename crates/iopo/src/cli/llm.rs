//! The flags of `iopo llm`, and those of commands that send paid requests.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// Flags of `iopo llm`.
#[derive(Debug, Args)]
pub(crate) struct LlmArgs {
    /// The command to run.
    #[command(subcommand)]
    pub(crate) command: LlmCommand,
}

/// The commands of `iopo llm`.
#[derive(Debug, Subcommand)]
pub(crate) enum LlmCommand {
    /// Check what the configured endpoints support, with a few short requests each.
    ///
    /// Tells for each endpoint whether it answers, repeats answers for equal seeds, enforces JSON schemas, returns
    /// log-probabilities, and reports token counts and limits. Fails if an endpoint does not answer.
    Check(CheckArgs),
    /// Write the prompt templates of a recipe into a folder, to change them.
    ///
    /// Set `synth.trace.templates` or `fipo.templates` to the folder. A file that is removed stands for the built-in template.
    Templates(TemplatesArgs),
}

/// Flags of `iopo llm templates`.
#[derive(Debug, Clone, Args)]
pub(crate) struct TemplatesArgs {
    /// Folder to write the files to. It is created; existing files are not replaced.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The recipe whose templates are written.
    #[arg(long, value_enum, default_value_t = TemplateRecipe::Trace)]
    pub(crate) recipe: TemplateRecipe,
}

/// A recipe with prompt templates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TemplateRecipe {
    /// `synth.recipe = "trace"`.
    Trace,
    /// `iopo fipo`.
    Fipo,
}

/// Flags of `iopo llm check`.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    /// Endpoints to check, by name [default: all].
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Configuration file with a section `[endpoints.NAME]` for each endpoint.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Run directory whose config.toml has the endpoints.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub(crate) out: Option<PathBuf>,
    /// Set any other setting to a TOML value; can be repeated. `iopo config endpoints` lists the settings.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub(crate) sets: Vec<String>,
    #[command(flatten)]
    pub(crate) paid: PaidArgs,
}

/// Flags of commands that send requests to endpoints.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct PaidArgs {
    /// Send requests that may cost money without asking first.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Print the estimate of the requests, tokens, cost and time, and stop.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
