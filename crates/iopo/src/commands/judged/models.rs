//! The models of a judged benchmark: the one that responds and the judge, by endpoint or on this machine.

use std::path::Path;

use anyhow::{Context, Result};
use iopo::config::PipelineConfig;
use iopo::pipeline::{BaseModel, ModelSource};
use iopo::roles::{RoleName, Roles, RolesError};
use iopo_eval::JudgedRun;
use iopo_llm::{LanguageModel, Request};
use iopo_model::{ChatModel, Dtype};

use crate::cli::{JudgeArgs, JudgedArgs, PaidArgs, RunArgs};
use crate::failure::Failure;
use crate::load::{self, Downloads};
use crate::resolve::resolve;

/// The endpoints of both roles, and the store of all answers.
pub(super) struct Models {
    /// `None` if nobody is asked whose answers are stored.
    roles: Option<Roles>,
    /// Whether an endpoint responds, and whether one judges.
    remote: [bool; 2],
}

impl Models {
    /// Reads the configuration, and checks the endpoints that respond and judge. They are the roles writer and judge.
    pub(super) fn open(args: &JudgeArgs, endpoints: [Option<&str>; 2]) -> Result<Self> {
        let remote = endpoints.map(|endpoint| endpoint.is_some());
        if args.judge_model.is_none() && remote == [false; 2] {
            return Ok(Self { roles: None, remote });
        }
        let preset = args.config.is_none().then(|| "default".to_owned());
        let set = |(role, endpoint): (&str, Option<&str>)| {
            format!("llm.{role}={:?}", endpoint.unwrap_or("local"))
        };
        let sets = ["writer", "judge"].into_iter().zip(endpoints).map(set).collect();
        let config = args.config.clone();
        let resolved = resolve(&RunArgs { preset, config, sets, ..RunArgs::default() })?;
        let store = Downloads.answers(Path::new("."))?;
        let roles = Roles::open(&resolved.config, &store).map_err(failure)?;
        Ok(Self { roles: Some(roles), remote })
    }

    /// Returns the endpoint that responds, if there is one.
    pub(super) fn writer(&self) -> Result<Option<Box<dyn LanguageModel>>> {
        let Some(roles) = self.roles.as_ref().filter(|_| self.remote[0]) else { return Ok(None) };
        roles.model(RoleName::Writer, no_local).map(Some).map_err(failure)
    }

    /// Returns the judge: an endpoint, or a local model whose answers are stored.
    pub(super) fn judge<'a>(
        &self,
        local: Option<&'a Local>,
    ) -> Result<Box<dyn LanguageModel + 'a>> {
        let own = || match local {
            Some(local) => Ok::<&dyn LanguageModel, RolesError>(&local.judge),
            None => no_local(),
        };
        match &self.roles {
            Some(roles) => roles.model(RoleName::Judge, own).map_err(failure),
            None => Err(Failure::usage("found no judge").into()),
        }
    }

    /// Whether an endpoint responds whose responses are all stored.
    #[cfg(feature = "endpoint")]
    pub(super) fn has_responses(&self, run: &JudgedRun<'_>, args: &JudgedArgs) -> Result<bool> {
        let writer = self.roles.as_ref().filter(|_| self.remote[0]);
        let Some(writer) = writer.and_then(|roles| roles.remote(RoleName::Writer)) else {
            return Ok(false);
        };
        let requests = run.response_requests(args.max_new_tokens.get());
        let missing = writer.unanswered(&requests).context("failed to read the stored answers")?;
        Ok(missing.is_empty())
    }

    /// Without endpoints, none has responses.
    #[cfg(not(feature = "endpoint"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with endpoints")]
    pub(super) fn has_responses(&self, _run: &JudgedRun<'_>, _args: &JudgedArgs) -> Result<bool> {
        Ok(false)
    }

    /// Prints what the requests to endpoints cost, and asks before paid ones. Returns false if nothing is to be sent.
    #[cfg(feature = "endpoint")]
    pub(super) fn confirm(
        &self,
        run: &JudgedRun<'_>,
        args: &JudgedArgs,
        assumed: &str,
    ) -> Result<bool> {
        let mut asked = Vec::new();
        if run.needs_responses() && self.remote[0] {
            let requests = run.response_requests(args.max_new_tokens.get());
            asked.push((RoleName::Writer, "responses", requests));
        }
        if run.needs_judge() && self.remote[1] {
            asked.push((RoleName::Judge, "judge", run.requests(assumed)));
        }
        self.confirm_requests(&asked, &args.by.paid)
    }

    /// Prints what some requests cost, and asks before paid ones.
    #[cfg(feature = "endpoint")]
    pub(super) fn confirm_requests(
        &self,
        asked: &[(RoleName, &str, Vec<Request>)],
        paid: &PaidArgs,
    ) -> Result<bool> {
        let mut forecasts = Vec::new();
        for (role, name, requests) in asked {
            let Some(remote) = self.roles.as_ref().and_then(|roles| roles.remote(*role)) else {
                continue;
            };
            let forecast =
                remote.forecast(requests).context("failed to read the stored answers")?;
            forecasts.push((*name, forecast));
        }
        if forecasts.is_empty() && paid.dry_run {
            crate::printer::note("no requests to endpoints");
        }
        crate::paid::confirm(&forecasts, paid)
    }

    /// Without endpoints, nothing costs money.
    #[cfg(not(feature = "endpoint"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with endpoints")]
    pub(super) fn confirm(
        &self,
        _run: &JudgedRun<'_>,
        args: &JudgedArgs,
        _assumed: &str,
    ) -> Result<bool> {
        Ok(!args.by.paid.dry_run)
    }

    /// Without endpoints, nothing costs money.
    #[cfg(not(feature = "endpoint"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with endpoints")]
    pub(super) fn confirm_requests(
        &self,
        _asked: &[(RoleName, &str, Vec<Request>)],
        paid: &PaidArgs,
    ) -> Result<bool> {
        Ok(!paid.dry_run)
    }
}

/// The role has an endpoint, so no local model is asked for.
fn no_local<'a>() -> Result<&'a dyn LanguageModel, RolesError> {
    Err(RolesError::Model(iopo_llm::LlmError::Failed { reason: "found no model".to_owned() }))
}

fn failure(error: RolesError) -> anyhow::Error {
    let text = error.to_string();
    let frame = if error.is_usage() { Failure::usage(text) } else { Failure::new(text) };
    let frame = match error.hint() {
        Some(hint) => frame.hint(hint),
        None => frame,
    };
    anyhow::Error::new(error).context(frame)
}

/// A model on this machine.
pub(super) struct Local {
    base: BaseModel,
    /// The same model as a judge. A response may spell a special token, which the judge reads as plain text.
    judge: ChatModel,
}

impl Local {
    /// Loads a model.
    pub(super) fn new(
        name: &str,
        on: (&str, Dtype),
        (batch, config, scratch): (usize, &PipelineConfig, &Path),
    ) -> Result<Self> {
        let base = load::load(name, on, batch, config.template_settings()?, scratch)?;
        let judge = base.chat().clone().with_escaped_special_tokens(true);
        Ok(Self { base, judge })
    }

    /// Loads the judge, if it is a model on this machine.
    pub(super) fn load(
        args: &JudgedArgs,
        config: &PipelineConfig,
        scratch: &Path,
    ) -> Result<Option<Self>> {
        let Some(name) = &args.by.judge_model else { return Ok(None) };
        let on = (args.device.as_str(), args.dtype);
        Self::new(name, on, (args.batch.get(), config, scratch)).map(Some)
    }

    /// Loads the model that responds.
    pub(super) fn load_model(
        args: &JudgedArgs,
        config: &PipelineConfig,
        scratch: &Path,
    ) -> Result<Self> {
        let name = args.model.as_deref().unwrap_or_default();
        let on = (args.device.as_str(), args.dtype);
        Self::new(name, on, (args.batch.get(), config, scratch))
    }

    pub(super) fn base(&self) -> &BaseModel {
        &self.base
    }

    /// Returns the model that responds: with the adapter, if there is one.
    pub(super) fn responding(&self, args: &JudgedArgs) -> Result<ChatModel> {
        let model = match &args.adapter {
            Some(adapter) => {
                let name = adapter.file_name();
                let name = name.map_or("adapter".into(), |name| name.to_string_lossy());
                let what = || format!("failed to load {name} from {}", adapter.display());
                self.base.trained(adapter, &name).with_context(what)?
            }
            None => self.base.chat().clone(),
        };
        Ok(model.with_escaped_special_tokens(args.escape_special_tokens))
    }
}
