//! The models of an evaluation: the one that responds and the judge, by endpoint or on this machine.

use std::path::Path;

use anyhow::{Context, Result};
use iopo::config::PipelineConfig;
use iopo::pipeline::{BaseModel, ModelSource};
use iopo::roles::{RoleName, Roles, RolesError};
use iopo_eval::Decoding;
use iopo_llm::{LanguageModel, Request};
use iopo_model::{ChatModel, TemplateSettings, device};

use crate::cli::{ComputeArgs, EvaluatedArgs, PaidArgs, RunArgs};
use crate::failure::Failure;
use crate::fetch;
use crate::load::{self, Downloads};
use crate::resolve::resolve;

/// The endpoints of both roles, and the store of all answers.
pub(super) struct Models {
    /// `None` if nobody is asked whose answers are stored.
    roles: Option<Roles>,
    /// The endpoints that respond and judge, with a hash of their addresses.
    remote: [Option<String>; 2],
    /// Host and path of the endpoint that responds.
    address: Option<String>,
}

impl Models {
    /// Reads the configuration, the default preset without a file, and checks the endpoints that respond and judge. They are the
    /// roles writer and judge. `stores_local` means that a judge on this machine needs the store of answers. The cost of the
    /// requests for the same output directory counts towards `llm.max_cost`.
    pub(super) fn open(
        config: Option<&Path>,
        endpoints: [Option<&str>; 2],
        stores_local: bool,
        (out, paid): (&Path, &PaidArgs),
    ) -> Result<Self> {
        if !stores_local && endpoints == [None; 2] {
            return Ok(Self { roles: None, remote: [None, None], address: None });
        }
        let preset = config.is_none().then(|| "default".to_owned());
        let config = config.map(Path::to_owned);
        let args = RunArgs { preset, config, ..RunArgs::default() };
        let known = resolve(&args)?.config;
        let [writer, judge] = endpoints.map(|name| name.map(|name| described(&known, name)));
        let remote = [writer.transpose()?, judge.transpose()?];
        let set = |(role, endpoint): (&str, Option<&str>)| {
            format!("llm.{role}={:?}", endpoint.unwrap_or("local"))
        };
        let sets = ["writer", "judge"].into_iter().zip(endpoints).map(set).collect();
        let resolved = resolve(&RunArgs { sets, ..args })?;
        let store = Downloads.answers(Path::new("."))?;
        let (names, journal) = ([RoleName::Writer, RoleName::Judge], out.join(REQUESTS));
        let roles = if paid.dry_run {
            Roles::open_for_estimate(&resolved.config, &store, &names)
        } else if endpoints == [None; 2] {
            // The answers of a model on this machine cost nothing.
            Roles::open(&resolved.config, &store)
        } else {
            Roles::open_journaled(&resolved.config, &store, &names, &journal, &[])
        };
        let roles = roles.map_err(failure)?;
        if remote.iter().all(Option::is_some) && roles.judges_itself() {
            crate::printer::note(
                "the model judges its own responses, which it tends to prefer; pass another --judge",
            );
        }
        let address = endpoints[0].and_then(|name| address(&known, name));
        Ok(Self { roles: Some(roles), remote, address })
    }

    /// Returns the name of the endpoint that judges, with a hash of its address.
    pub(super) fn judge_endpoint(&self) -> Option<&str> {
        self.remote[1].as_deref()
    }

    /// Returns how the endpoint that responds decodes.
    pub(super) fn decoding(&self, name: &str, args: &EvaluatedArgs) -> Decoding {
        let mut decoding = Decoding::default();
        decoding.max_new_tokens = args.max_new_tokens.get();
        decoding.endpoint = Some(name.to_owned());
        decoding.address.clone_from(&self.address);
        decoding
    }

    /// Returns the endpoint that responds, if there is one.
    pub(super) fn writer(&self) -> Result<Option<Box<dyn LanguageModel>>> {
        let roles = self.roles.as_ref().filter(|_| self.remote[0].is_some());
        let Some(roles) = roles else { return Ok(None) };
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

    /// Returns those of some requests that an endpoint has not answered yet; all without an endpoint.
    #[cfg(feature = "endpoint")]
    pub(super) fn unanswered<'r>(
        &self,
        role: RoleName,
        requests: &'r [Request],
    ) -> Result<Vec<&'r Request>> {
        match self.roles.as_ref().and_then(|roles| roles.remote(role)) {
            Some(remote) => {
                remote.unanswered(requests).context("failed to read the stored answers")
            }
            None => Ok(requests.iter().collect()),
        }
    }

    /// Without endpoints, nothing is answered.
    #[cfg(not(feature = "endpoint"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with endpoints")]
    pub(super) fn unanswered<'r>(
        &self,
        _role: RoleName,
        requests: &'r [Request],
    ) -> Result<Vec<&'r Request>> {
        Ok(requests.iter().collect())
    }

    /// Prints what some requests cost, each with its name, and asks before paid ones. Returns false if nothing is to be sent.
    #[cfg(feature = "endpoint")]
    pub(super) fn confirm(
        &self,
        asked: &[(RoleName, String, Vec<Request>)],
        paid: &PaidArgs,
    ) -> Result<bool> {
        let mut forecasts = Vec::new();
        for (role, name, requests) in asked {
            let Some(remote) = self.roles.as_ref().and_then(|roles| roles.remote(*role)) else {
                continue;
            };
            let forecast =
                remote.forecast(requests).context("failed to read the stored answers")?;
            forecasts.push((name.as_str(), forecast));
        }
        if forecasts.is_empty() && paid.dry_run {
            crate::printer::note(NO_REQUESTS);
        }
        crate::paid::confirm(&forecasts, paid)
    }

    /// Without endpoints, nothing costs money.
    #[cfg(not(feature = "endpoint"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with endpoints")]
    pub(super) fn confirm(
        &self,
        _asked: &[(RoleName, String, Vec<Request>)],
        paid: &PaidArgs,
    ) -> Result<bool> {
        if paid.dry_run {
            crate::printer::note(NO_REQUESTS);
        }
        Ok(!paid.dry_run)
    }
}

/// List of the requests that were sent for an output directory, for the cost so far.
const REQUESTS: &str = "eval.requests";

/// What a dry run says if no endpoint is asked.
const NO_REQUESTS: &str = "no request to an endpoint, so nothing to estimate";

/// Describes an endpoint by its name and a hash of its address, because the address may be private.
#[cfg(feature = "endpoint")]
fn described(config: &PipelineConfig, name: &str) -> Result<String> {
    let Some(endpoint) = config.endpoints.get(name) else {
        let known: Vec<&str> = config.endpoints.keys().map(String::as_str).collect();
        let known = if known.is_empty() {
            "none is configured".to_owned()
        } else {
            format!("expected one of {}", known.join(", "))
        };
        return Err(Failure::usage(format!("no endpoint `{name}`: {known}"))
            .hint(format!("pass --config with a file that has a section `[endpoints.{name}]`"))
            .into());
    };
    let mut hash = iopo_schema::content_id(&[endpoint.base_url.trim_end_matches('/')]);
    hash.truncate(8);
    Ok(format!("{name} (address {hash})"))
}

/// Returns host and path of an endpoint.
#[cfg(feature = "endpoint")]
fn address(config: &PipelineConfig, name: &str) -> Option<String> {
    config.endpoints.get(name).map(|endpoint| host_and_path(&endpoint.base_url))
}

/// Returns the address without scheme, user and query.
#[cfg(feature = "endpoint")]
fn host_and_path(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{host}{}", path.trim_end_matches('/'))
}

/// Without endpoints, there is no address.
#[cfg(not(feature = "endpoint"))]
fn address(_config: &PipelineConfig, _name: &str) -> Option<String> {
    None
}

/// Refuses an endpoint.
#[cfg(not(feature = "endpoint"))]
fn described(_config: &PipelineConfig, name: &str) -> Result<String> {
    let what = format!("no endpoint `{name}`: this binary was built without endpoints");
    let hint = "build iopo with its default features, or add `--features endpoint`";
    Err(Failure::usage(what).hint(hint).into())
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
    /// Finds a model, downloading it if needed, and checks the device. Call it before long work whose result the model reads.
    pub(super) fn find(name: &str, on: &ComputeArgs, scratch: &Path) -> Result<()> {
        if on.device != "auto" {
            load::check(&on.device, on.dtype)?;
        }
        fetch::resolve(name, scratch).map(drop)
    }

    /// Loads a model. Files that must be created for it go into `scratch`.
    pub(super) fn load(
        name: &str,
        on: &ComputeArgs,
        settings: TemplateSettings,
        scratch: &Path,
    ) -> Result<Self> {
        let place = (on.device.as_str(), on.dtype);
        let base = load::load(name, place, on.batch.get(), settings, scratch)?.frozen();
        let judge = base.chat().clone().with_escaped_special_tokens(true);
        Ok(Self { base, judge })
    }

    /// Returns the model that responds, with the adapter if there is one, and how it decodes.
    pub(super) fn responding(&self, args: &EvaluatedArgs) -> Result<(ChatModel, Decoding)> {
        let model = match &args.adapter {
            Some(adapter) => {
                let name = adapter.file_name();
                let name = name.map_or("adapter".into(), |name| name.to_string_lossy());
                let what = || format!("failed to load {name} from {}", adapter.display());
                self.base.trained(adapter, &name).with_context(what)?
            }
            None => self.base.chat().clone(),
        };
        let mut decoding = Decoding::default();
        decoding.max_new_tokens = args.max_new_tokens.get();
        decoding.batch = args.on.batch.get();
        device::resolve(&args.on.device)?.backend().clone_into(&mut decoding.device);
        args.on.dtype.name().clone_into(&mut decoding.dtype);
        decoding.template_hash = self.base.base().template_hash()?;
        decoding.stop = model.stop().to_vec();
        decoding.escape_special_tokens = args.escape_special_tokens;
        Ok((model.with_escaped_special_tokens(args.escape_special_tokens), decoding))
    }
}

#[cfg(all(test, feature = "endpoint"))]
mod tests {
    use super::host_and_path;

    #[test]
    fn an_address_has_no_credentials() {
        for (url, expected) in [
            ("http://127.0.0.1:8000/v1/", "127.0.0.1:8000/v1"),
            ("https://me:secret@host/a/v1?key=secret#x", "host/a/v1"),
            ("https://host", "host"),
            ("https://host?key=a@b", "host"),
        ] {
            assert_eq!(host_and_path(url), expected);
        }
    }
}
