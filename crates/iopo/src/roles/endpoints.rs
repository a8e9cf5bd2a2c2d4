//! The endpoints of the roles, and the store of all answers.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use iopo_core::SettingError;
use iopo_llm::endpoint::{
    EndpointConfig, EndpointError, Engine, EngineOptions, Estimate, Forecast, RemoteModel,
    StoreError, Tally,
};
use iopo_llm::{LanguageModel, LlmError};

use super::{RoleName, Roles, Use};
use crate::config::{PipelineConfig, Role, endpoint_error};

/// Why the models of the roles cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolesError {
    /// A setting of an endpoint, or the environment variable that it names, cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The store of answers, or the network, cannot be used.
    #[error("failed to open the store of answers")]
    Endpoint(#[source] EndpointError),
    /// The fingerprint of a model cannot be computed.
    #[error(transparent)]
    Model(#[from] LlmError),
}

impl RolesError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Setting(error) => error.hint.clone(),
            Self::Endpoint(EndpointError::Store(StoreError::NoLocks { .. })) => {
                Some("set `llm.store` to a folder on a local disk".to_owned())
            }
            Self::Endpoint(EndpointError::Store(StoreError::Locked { .. })) => Some(
                "wait until the other run ends, or set `llm.store` to another folder".to_owned(),
            ),
            Self::Endpoint(error) => error.hint().map(str::to_owned),
            Self::Model(error) => error.hint().map(str::to_owned),
        }
    }

    /// Returns whether a setting or the environment is wrong.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Setting(_))
    }
}

/// The engine and the remote models of the roles.
#[derive(Debug)]
pub(super) struct Models {
    engine: Engine,
    remote: BTreeMap<RoleName, RemoteModel>,
}

impl Models {
    pub(super) fn open(
        config: &PipelineConfig,
        store: &Path,
        roles: &[RoleName],
        purpose: &Use<'_>,
    ) -> Result<Self, RolesError> {
        if roles.iter().any(|role| !role.of(config).is_local()) {
            super::disable_core_dumps();
        }
        let options = EngineOptions {
            journal: purpose.journal.map(Path::to_owned),
            other_journals: purpose.others.iter().map(|path| (*path).to_owned()).collect(),
            read_only: purpose.estimate,
            ..options(config)?
        };
        let engine = Engine::open(store, options).map_err(RolesError::Endpoint)?;
        let model = |role: &Role| {
            let named = role.endpoints().iter();
            let named = named.filter_map(|name| Some((name, config.endpoints.get(name)?)));
            let mut endpoints: Vec<EndpointConfig> = Vec::new();
            for (name, endpoint) in named {
                // Alone first, so that an error names its endpoint.
                let one = engine.model(vec![endpoint.clone()]);
                one.map_err(|error| endpoint_error(name, &error))?;
                endpoints.push(endpoint.clone());
            }
            if endpoints.is_empty() {
                return Ok(None);
            }
            engine.model(endpoints).map(Some).map_err(RolesError::Endpoint)
        };
        let mut remote = BTreeMap::new();
        for role in roles {
            remote.extend(model(&role.of(config))?.map(|model| (*role, model)));
        }
        Ok(Self { engine, remote })
    }

    pub(super) fn endpoint<'a>(&self, role: RoleName) -> Option<Box<dyn LanguageModel + 'a>> {
        self.remote(role).map(|model| Box::new(model.clone()) as Box<dyn LanguageModel>)
    }

    pub(super) fn stored<'a>(
        &self,
        local: &'a dyn LanguageModel,
    ) -> Result<Box<dyn LanguageModel + 'a>, RolesError> {
        Ok(Box::new(self.engine.remember(local)?))
    }

    fn remote(&self, role: RoleName) -> Option<&RemoteModel> {
        self.remote.get(&role)
    }
}

/// Returns the options of the engine.
fn options(config: &PipelineConfig) -> Result<EngineOptions, SettingError> {
    let llm = &config.llm;
    let seconds = Duration::from_secs_f64;
    Ok(EngineOptions {
        max_cost: llm.max_money()?,
        retry_failed: llm.retry_failed,
        offline: llm.offline,
        keep_requests: llm.keep_requests,
        drain: seconds(llm.drain_seconds),
        backoff: (seconds(llm.first_wait_seconds), seconds(llm.longest_wait_seconds)),
        ..EngineOptions::default()
    })
}

impl Roles {
    /// Returns the endpoints of a role; `None` if it is the base model of the run.
    pub fn remote(&self, role: RoleName) -> Option<&RemoteModel> {
        self.models.remote(role)
    }

    /// Returns the cost and time of work for a role; `None` if it is the base model of the run.
    pub fn forecast(&self, role: RoleName, work: Estimate) -> Option<Forecast> {
        Some(work.forecast(self.remote(role)?.endpoints()))
    }

    /// Returns what the requests in the journal took, of this process and of earlier ones; `None` without a journal.
    ///
    /// # Errors
    /// Returns an error if the store cannot be read.
    pub fn spent(&self) -> Result<Option<Tally>, RolesError> {
        self.models.engine.spent().map_err(RolesError::Endpoint)
    }

    /// Returns the counts of all roles so far.
    pub fn tally(&self) -> Tally {
        self.models.engine.tally()
    }
}

#[cfg(test)]
mod tests {
    use iopo_llm::endpoint::Estimate;
    use iopo_llm::{LanguageModel, Message, Request, Sampling, Scripted, Silent};

    use super::RolesError;
    use crate::config::{PipelineConfig, parse, resolve};
    use crate::roles::{RoleName, Roles};

    fn config(text: &str) -> PipelineConfig {
        resolve(&parse(text, "the test").expect("TOML")).expect(text)
    }

    const JUDGE: &str =
        "[llm]\njudge = \"j\"\n[endpoints.j]\nbase_url = \"https://host/v1\"\nmodel = \"m\"\n";

    #[test]
    fn a_local_model_is_asked_once_for_both_roles_and_later_runs() {
        let dir = tempfile::tempdir().expect("a folder");
        let asked = std::cell::Cell::new(0);
        let local = Scripted::new(|request: &Request| {
            asked.set(asked.get() + 1);
            request.messages[0].content.to_uppercase()
        });
        let requests = [Request::new(vec![Message::user("hello")], Sampling::greedy(8))];
        for _ in 0..2 {
            let roles = Roles::open(&PipelineConfig::default(), dir.path()).expect("a store");
            assert!(roles.notes()[0].contains("judges its own answers"));
            for role in [RoleName::Writer, RoleName::Judge] {
                let model = roles.model(role, || Ok::<&dyn LanguageModel, RolesError>(&local));
                let model = model.expect("a model");
                let outcomes = model.complete(&requests, &Silent).expect("outcomes");
                assert_eq!(outcomes[0].as_ref().expect("an answer").text, "HELLO");
            }
        }
        assert_eq!(asked.get(), 1);
    }

    #[test]
    fn only_the_role_of_an_endpoint_has_a_cost() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = format!("{JUDGE}prices = {{ input = \"1\", output = \"1\" }}");
        let roles = Roles::open(&config(&text), dir.path()).expect("a store");
        assert!(roles.notes().is_empty());
        let work = Estimate { requests: 1, prompt_tokens: 1, ..Estimate::default() };
        assert!(roles.forecast(RoleName::Writer, work).is_none());
        assert!(roles.forecast(RoleName::Judge, work).is_some_and(|cost| cost.cost.is_some()));
    }

    #[test]
    fn a_missing_key_and_a_store_in_use_are_found_at_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = format!("{JUDGE}api_key_env = \"IOPO_TEST_NO_KEY\"");
        let error = Roles::open(&config(&text), dir.path()).expect_err("no key");
        assert!(error.is_usage());
        let want = "`endpoints.j.api_key_env`: found `IOPO_TEST_NO_KEY`, which holds no API key";
        assert!(error.to_string().starts_with(want), "{error}");
        let _other = Roles::open(&config(JUDGE), dir.path()).expect("a store");
        let error = Roles::open(&config(JUDGE), dir.path()).expect_err("in use");
        assert!(matches!(error, RolesError::Endpoint(_)));
        assert!(error.hint().is_some_and(|hint| hint.contains("llm.store")), "{error}");
    }
}
