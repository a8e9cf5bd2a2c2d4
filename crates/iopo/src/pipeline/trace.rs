//! The recipe `trace` in a run: the models of its roles, and the forecast of their requests.

use iopo_llm::{LanguageModel, Progress};
use iopo_schema::{MetricRow, run_files};
use iopo_synth::trace::{StepEstimate, TraceModels, TraceSummary, Yields, estimate, trace};

use super::{Pipeline, PipelineError, Stage, tasks};
use crate::roles::{RoleName, Roles};

/// Both roles.
const ROLES: [RoleName; 2] = [RoleName::Writer, RoleName::Judge];

/// The requests of one role.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct RoleWork {
    pub(super) requests: f64,
    pub(super) prompt_tokens: f64,
    pub(super) completion_tokens: f64,
}

impl Pipeline {
    /// Makes candidate groups with the models of the roles.
    pub(super) fn run_trace(&self, progress: &dyn Progress) -> Result<TraceSummary, PipelineError> {
        let (source, synth) = (self.tasks()?, &self.config.synth);
        let store = self.models.answers(self.dir.root())?;
        let [journal, other] =
            [Stage::Synth, Stage::Fipo].map(|stage| self.dir.requests_file(stage));
        let roles = Roles::open_journaled(&self.config, &store, &ROLES, &journal, &[&other])?;
        let local = || -> Result<&dyn LanguageModel, PipelineError> { Ok(self.base()?.chat()) };
        let writer = roles.model(RoleName::Writer, local)?;
        let judge = roles.model(RoleName::Judge, local)?;
        for note in roles.notes() {
            progress.note(&note);
        }
        let tasks = tasks::keep(&source, &self.dir)?;
        self.claim()?;
        let file = self.contamination()?.without(&tasks);
        self.reopen_failed(Stage::Synth, progress)?;
        let models = TraceModels { writer: &*writer, judge: &*judge };
        let made = trace(file, self.dir.root(), models, synth, &synth.trace, progress);
        self.note_usage(Stage::Synth, &roles)?;
        let made = made?;
        self.list_contamination(progress)?;
        Ok(made)
    }

    /// Checks the endpoints of the roles, and opens the store of answers for an estimate.
    #[cfg(feature = "endpoint")]
    fn roles(&self) -> Result<Roles, PipelineError> {
        let store = self.models.answers(self.dir.root())?;
        Ok(Roles::open_for_estimate(&self.config, &store, &ROLES)?)
    }

    /// Estimates the requests of each role.
    pub(super) fn trace_work(&self) -> Result<[(RoleName, RoleWork); 2], PipelineError> {
        let steps = self.trace_steps()?;
        Ok(ROLES.map(|role| (role, of_role(role, &steps))))
    }

    /// Estimates the requests of each step by the yields of the run so far, or by assumed ones.
    fn trace_steps(&self) -> Result<Vec<StepEstimate>, PipelineError> {
        let config = &self.config.synth;
        let tasks = tasks::estimated(&self.config, &self.dir)?;
        let stats = self.dir.root().join(run_files::SYNTH_STATS);
        // The counters of other recipes have other names.
        let yields = match iopo_schema::read::<MetricRow>(&stats) {
            Ok(rows) => Yields::measured(&rows),
            Err(_) => Yields::assumed(),
        };
        Ok(estimate(&tasks, config, &yields)?)
    }
}

/// Returns the steps that ask a role.
fn own(role: RoleName, steps: &[StepEstimate]) -> impl Iterator<Item = &StepEstimate> {
    steps.iter().filter(move |one| one.step.is_writer() == (role == RoleName::Writer))
}

/// Adds up the requests of a role.
fn of_role(role: RoleName, steps: &[StepEstimate]) -> RoleWork {
    own(role, steps).fold(RoleWork::default(), |sum, one| RoleWork {
        requests: sum.requests + one.requests,
        prompt_tokens: sum.prompt_tokens + one.prompt_tokens,
        completion_tokens: sum.completion_tokens + one.completion_tokens,
    })
}

#[cfg(feature = "endpoint")]
mod forecast {
    use iopo_llm::endpoint::{Estimate, Forecast};
    use iopo_schema::{Breakdown, MetricRow, run_files};
    use iopo_synth::trace::Step;

    use iopo_synth::trace::StepEstimate;

    use super::super::{Pipeline, PipelineError, Stage, StageState, status};
    use super::{ROLES, RoleWork, of_role, own};
    use crate::roles::{RoleName, Roles};

    impl Pipeline {
        /// Forecasts the cost and time of the requests that synthesis sends to endpoints, by role. It is empty if no role has an
        /// endpoint, if `llm.offline` forbids requests, or if synthesis is finished and sends no failed requests again. Nothing is
        /// written or locked.
        ///
        /// The forecast includes answers that are stored already, so the run may cost less.
        ///
        /// # Errors
        /// Returns an error if the tasks cannot be read, or the store of answers or an endpoint cannot be used.
        pub fn forecast(&self) -> Result<Vec<(&'static str, Forecast)>, PipelineError> {
            if !self.config.synth.recipe.is_trace() || self.config.llm.offline {
                return Ok(Vec::new());
            }
            self.check_files(Stage::Synth)?;
            if self.dir.is_run() {
                let examined = status::examine(self, Stage::Synth)?.stages;
                let is_finished = examined.iter().all(|status| status.state == StageState::Valid);
                if is_finished && !self.reopens(Stage::Synth)? {
                    return Ok(Vec::new());
                }
            }
            let (roles, steps) = (self.roles()?, self.trace_steps()?);
            let forecast =
                |role: RoleName| Some((role.name(), of_endpoints(&roles, role, &steps)?));
            Ok(ROLES.into_iter().filter_map(forecast).collect())
        }

        /// Returns whether a run of the recipe in this directory has measured the share of the tasks that passes each stage.
        /// Otherwise, the forecast assumes it.
        pub fn has_yields(&self) -> bool {
            let stats = self.dir.root().join(run_files::SYNTH_STATS);
            let first = Breakdown::Yield.of(Step::Expand.name());
            let rows = iopo_schema::read::<MetricRow>(&stats);
            rows.is_ok_and(|rows| rows.iter().any(|row| row.name == first))
        }
    }

    /// Forecasts the requests of a role; `None` if it is the base model of the run.
    fn of_endpoints(roles: &Roles, role: RoleName, steps: &[StepEstimate]) -> Option<Forecast> {
        let model = roles.remote(role)?;
        let RoleWork { requests, prompt_tokens, completion_tokens } = of_role(role, steps);
        let count = |number: f64| number.ceil() as u64;
        let most = own(role, steps).map(|one| {
            let limit = model.most_new_tokens(one.max_new_tokens as u64);
            count(one.requests).saturating_mul(limit)
        });
        let most_new_tokens = most.fold(0, u64::saturating_add);
        let estimate = Estimate {
            requests: count(requests),
            prompt_tokens: count(prompt_tokens),
            new_tokens: Some(count(completion_tokens).min(most_new_tokens)),
            most_new_tokens,
        };
        roles.forecast(role, estimate)
    }
}

#[cfg(test)]
mod tests {
    use iopo_synth::SynthConfig;
    use iopo_synth::trace::{Yields, estimate};

    use super::{ROLES, of_role};
    use crate::pipeline::BUILT_IN_TASKS;

    #[test]
    fn every_request_belongs_to_one_role() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("tasks.jsonl");
        std::fs::write(&path, BUILT_IN_TASKS).expect("written");
        let tasks = iopo_synth::read_tasks(&path).expect("tasks");
        let steps =
            estimate(&tasks, &SynthConfig::default(), &Yields::assumed()).expect("templates");
        let [writer, judge] = ROLES.map(|role| of_role(role, &steps));
        let all: f64 = steps.iter().map(|one| one.requests).sum();
        assert!(writer.requests > 0.0 && judge.requests > 0.0);
        assert!((writer.requests + judge.requests - all).abs() < 1e-6);
    }
}
