//! The base model of a run in both roles, for a build without endpoints. Its answers are not stored.

use std::path::Path;

use iopo_llm::{AnsweredBy, LanguageModel, LlmError, Outcome, Progress, Request};

use super::{RoleName, Use};
use crate::config::PipelineConfig;

/// Why the models of the roles cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolesError {
    /// The fingerprint of a model cannot be computed.
    #[error(transparent)]
    Model(#[from] LlmError),
}

impl RolesError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        let Self::Model(error) = self;
        error.hint().map(str::to_owned)
    }

    /// Returns whether a setting or the environment is wrong.
    pub fn is_usage(&self) -> bool {
        false
    }
}

/// No model beside the base model.
#[derive(Debug)]
pub(super) struct Models;

impl Models {
    #[expect(clippy::unnecessary_wraps, reason = "endpoints can be unusable")]
    pub(super) fn open(
        _config: &PipelineConfig,
        _store: &Path,
        _roles: &[RoleName],
        _purpose: &Use<'_>,
    ) -> Result<Self, RolesError> {
        Ok(Self)
    }

    #[expect(clippy::unused_self, reason = "as with endpoints")]
    pub(super) fn endpoint<'a>(&self, _role: RoleName) -> Option<Box<dyn LanguageModel + 'a>> {
        None
    }

    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with endpoints")]
    pub(super) fn stored<'a>(
        &self,
        local: &'a dyn LanguageModel,
    ) -> Result<Box<dyn LanguageModel + 'a>, RolesError> {
        Ok(Box::new(Local(local)))
    }
}

/// The base model.
struct Local<'a>(&'a dyn LanguageModel);

impl LanguageModel for Local<'_> {
    fn name(&self) -> String {
        self.0.name()
    }

    fn fingerprint(&self) -> Result<String, LlmError> {
        self.0.fingerprint()
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        self.0.complete(requests, progress)
    }

    fn answered_by(&self, request: &Request) -> Result<AnsweredBy, LlmError> {
        self.0.answered_by(request)
    }

    fn fits(&self, request: &Request) -> Result<bool, LlmError> {
        self.0.fits(request)
    }
}
