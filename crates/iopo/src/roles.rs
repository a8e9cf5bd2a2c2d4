//! The models that write and judge data: the base model of the run, or endpoints.
//!
//! [`Roles::open`] opens the store of answers and checks the endpoints of both roles, including their environment variables,
//! before any work starts. [`Roles::model`] returns the model of a role. The answers of every model are stored, so that a
//! killed run resumes without asking for them again. A third role, the writer of worse instructions, exists for `iopo fipo`
//! only.
//!
//! Without the Cargo feature `endpoint`, both roles are the base model, and its answers are not stored.

#[cfg(feature = "endpoint")]
mod core_dumps;
#[cfg(feature = "endpoint")]
mod endpoints;
#[cfg(not(feature = "endpoint"))]
mod local;

use std::borrow::Cow;
use std::path::Path;

use iopo_llm::LanguageModel;

use crate::config::{PipelineConfig, Role};

#[cfg(feature = "endpoint")]
pub use core_dumps::disable_core_dumps;
#[cfg(feature = "endpoint")]
use endpoints::Models;
#[cfg(feature = "endpoint")]
pub use endpoints::RolesError;
#[cfg(not(feature = "endpoint"))]
use local::Models;
#[cfg(not(feature = "endpoint"))]
pub use local::RolesError;

/// A role of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RoleName {
    /// Writes data.
    Writer,
    /// Judges data.
    Judge,
    /// Writes the worse instructions of `iopo fipo`.
    Worse,
}

impl RoleName {
    /// Returns the setting of the role. The writer writes the worse instructions, too, if `fipo.worse` is empty.
    pub fn of(self, config: &PipelineConfig) -> Cow<'_, Role> {
        match self {
            Self::Worse if !config.fipo.worse.is_empty() => {
                Cow::Owned(Role::One(config.fipo.worse.clone()))
            }
            Self::Writer | Self::Worse => Cow::Borrowed(&config.llm.writer),
            Self::Judge => Cow::Borrowed(&config.llm.judge),
        }
    }

    /// Returns the name in estimates.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Writer => "writer",
            Self::Judge => "judge",
            Self::Worse => "worse",
        }
    }
}

/// What the store of answers is opened for.
#[derive(Debug, Clone, Copy, Default)]
#[cfg_attr(not(feature = "endpoint"), expect(dead_code, reason = "local answers have no cost"))]
struct Use<'a> {
    /// File with the requests that are sent.
    journal: Option<&'a Path>,
    /// Files with requests whose cost counts towards `llm.max_cost`, too.
    others: &'a [&'a Path],
    /// Whether nothing is sent.
    estimate: bool,
}

/// The models of the roles of a run.
#[derive(Debug)]
pub struct Roles {
    /// Whether the writer judges its own answers.
    judges_itself: bool,
    models: Models,
}

impl Roles {
    /// Opens the store of answers, and checks the endpoints of writer and judge. `store` is the folder if `llm.store` is empty.
    ///
    /// # Errors
    /// Returns an error if another process uses the store, it cannot be read, an environment variable holds no key, or a file
    /// with certificates cannot be read.
    pub fn open(config: &PipelineConfig, store: &Path) -> Result<Self, RolesError> {
        Self::open_for(config, store, &[RoleName::Writer, RoleName::Judge])
    }

    /// Opens the store of answers, and checks the endpoints of these roles.
    ///
    /// # Errors
    /// Returns the errors of [`open`](Self::open).
    pub fn open_for(
        config: &PipelineConfig,
        store: &Path,
        roles: &[RoleName],
    ) -> Result<Self, RolesError> {
        Self::opened(config, store, roles, &Use::default())
    }

    /// Opens the roles as [`open_for`](Self::open_for) does. The keys of the requests that are sent are appended to `journal`, so that
    /// the store tells what they took, also after a kill. The cost of its requests, and of those in the journals of `others`, counts
    /// towards `llm.max_cost`.
    ///
    /// # Errors
    /// Returns the errors of [`open`](Self::open), and an error if a journal cannot be read.
    pub fn open_journaled(
        config: &PipelineConfig,
        store: &Path,
        roles: &[RoleName],
        journal: &Path,
        others: &[&Path],
    ) -> Result<Self, RolesError> {
        Self::opened(config, store, roles, &Use { journal: Some(journal), others, estimate: false })
    }

    /// Opens the roles to estimate their requests. Nothing is created, locked or sent.
    ///
    /// # Errors
    /// Returns the errors of [`open`](Self::open), except that another process may use the store.
    pub fn open_for_estimate(
        config: &PipelineConfig,
        store: &Path,
        roles: &[RoleName],
    ) -> Result<Self, RolesError> {
        Self::opened(config, store, roles, &Use { estimate: true, ..Use::default() })
    }

    fn opened(
        config: &PipelineConfig,
        store: &Path,
        roles: &[RoleName],
        purpose: &Use<'_>,
    ) -> Result<Self, RolesError> {
        let own = config.llm.store.as_str();
        let store = if own.is_empty() { store } else { Path::new(own) };
        let models = Models::open(config, store, roles, purpose)?;
        Ok(Self { judges_itself: judges_itself(config), models })
    }

    /// Returns whether the writer and the judge are the same model.
    pub fn judges_itself(&self) -> bool {
        self.judges_itself
    }

    /// Returns notes for the user about the choice of models.
    pub fn notes(&self) -> Vec<String> {
        let note = "the writer judges its own answers, which it tends to prefer; set `llm.judge` to another model";
        self.judges_itself.then(|| note.to_owned()).into_iter().collect()
    }

    /// Returns the model of a role. `local` returns the base model of the run, and is called if the role has no endpoint.
    ///
    /// # Errors
    /// Returns the error of `local`, and an error if the fingerprint of the base model cannot be computed.
    pub fn model<'a, E: From<RolesError>>(
        &self,
        role: RoleName,
        local: impl FnOnce() -> Result<&'a dyn LanguageModel, E>,
    ) -> Result<Box<dyn LanguageModel + 'a>, E> {
        match self.models.endpoint(role) {
            Some(model) => Ok(model),
            None => Ok(self.models.stored(local()?)?),
        }
    }
}

/// Returns whether both roles have a model in common: the same name of a model at the same address, or the base model.
pub(crate) fn judges_itself(config: &PipelineConfig) -> bool {
    let [writer, judge] = [&config.llm.writer, &config.llm.judge];
    if writer.is_local() || judge.is_local() {
        return writer.is_local() && judge.is_local();
    }
    let judges: Vec<_> = judge.endpoints().iter().map(|name| config.served(name)).collect();
    writer.endpoints().iter().any(|name| judges.contains(&config.served(name)))
}
