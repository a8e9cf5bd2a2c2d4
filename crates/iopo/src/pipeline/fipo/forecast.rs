//! The cost and time of the requests to endpoints, before the first one is sent.

use iopo_llm::endpoint::{Estimate, Forecast};
use iopo_schema::{MetricRow, run_files};
use iopo_synth::fipo::{FipoStep, FipoYields, StepEstimate, estimate};

use super::{FipoSource, folder};
use crate::pipeline::{Pipeline, PipelineError};
use crate::roles::{RoleName, Roles};

impl Pipeline {
    /// Forecasts the cost and time of the requests that [`fipo`](Pipeline::fipo) sends to endpoints, by role. It is empty if no
    /// role has an endpoint, if `llm.offline` forbids requests, or if the collection is finished.
    ///
    /// The forecast includes answers that are stored already, so the run may cost less.
    ///
    /// # Errors
    /// Returns an error if the responses or the templates cannot be used, or the store of answers or an endpoint cannot be used.
    pub fn fipo_forecast(
        &self,
        source: &FipoSource,
    ) -> Result<Vec<(&'static str, Forecast)>, PipelineError> {
        if self.config.llm.offline {
            return Ok(Vec::new());
        }
        let given = self.given(source)?;
        if self.is_collected()? {
            return Ok(Vec::new());
        }
        let stats = folder(&self.dir).join(run_files::SYNTH_STATS);
        let yields = match iopo_schema::read::<MetricRow>(&stats) {
            Ok(rows) => FipoYields::measured(&rows),
            Err(_) => FipoYields::assumed(),
        };
        let steps = estimate(&given.seeds, &self.config.fipo, &yields);
        let steps = steps.map_err(PipelineError::Fipo)?;
        let store = self.models.answers(self.dir.root())?;
        let roles = Roles::open_for_estimate(&self.config, &store, self.fipo_roles())?;
        let weaker = !self.config.fipo.worse.is_empty();
        let forecast = |role: RoleName| {
            let own: Vec<&StepEstimate> =
                steps.iter().filter(|one| role_of(one.step, weaker) == role).collect();
            Some((role.name(), of_endpoints(&roles, role, &own)?))
        };
        let all = [RoleName::Writer, RoleName::Worse, RoleName::Judge];
        Ok(all.into_iter().filter_map(forecast).collect())
    }
}

/// Returns the role of a stage. Without a weaker model, the writer writes the worse instructions.
fn role_of(step: FipoStep, weaker: bool) -> RoleName {
    match step {
        step if step.asks_judge() => RoleName::Judge,
        step if weaker && step.asks_for_worse() => RoleName::Worse,
        _ => RoleName::Writer,
    }
}

/// Forecasts the requests of a role; `None` if it is the base model of the run, or is not asked.
fn of_endpoints(roles: &Roles, role: RoleName, own: &[&StepEstimate]) -> Option<Forecast> {
    let model = roles.remote(role).filter(|_| !own.is_empty())?;
    let sum = |of: &dyn Fn(&StepEstimate) -> f64| {
        own.iter().map(|one| of(one)).sum::<f64>().ceil() as u64
    };
    let most = own.iter().map(|one| {
        let limit = model.most_new_tokens(one.max_new_tokens as u64);
        (one.requests.ceil() as u64).saturating_mul(limit)
    });
    let most_new_tokens = most.fold(0, u64::saturating_add);
    let estimate = Estimate {
        requests: sum(&|one| one.requests),
        prompt_tokens: sum(&|one| one.prompt_tokens),
        new_tokens: Some(sum(&|one| one.completion_tokens).min(most_new_tokens)),
        most_new_tokens,
    };
    roles.forecast(role, estimate)
}
