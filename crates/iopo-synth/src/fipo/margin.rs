//! How much likelier the response is under the better rewrite, by the base model.

use iopo_constraints::render_prompt;
use iopo_llm::{LogProb, LogProbResponse, Message, TokenLogps, response_logps_all};

use super::flow::Flow;
use super::refusal::FipoRefusal;
use super::seed::Item;
use super::step::FipoStep;
use crate::SynthError;

impl Flow<'_> {
    /// Measures the margin of each open item, and drops those with a small one. Does nothing without a limit.
    pub(super) fn margin(&mut self, items: &mut [Item<'_>]) -> Result<(), SynthError> {
        let (Some(least), Some(scorer)) = (self.config.min_logp_margin, self.models.scorer) else {
            return Ok(());
        };
        let step = FipoStep::Margin;
        let open = self.enter(step, items);
        let none: [&str; 0] = [];
        let mut asked = Vec::new();
        for &at in &open {
            let item = &items[at];
            let (Some(better), Some(worse)) = (&item.better, &item.worse) else { continue };
            let render = |text: &str| {
                vec![Message::user(render_prompt(text, &none, item.seed.input.as_deref()))]
            };
            asked.push((at, [render(&better.instruction), render(&worse.instruction)]));
        }
        self.progress.start(step.name(), 2 * asked.len() as u64);
        for (at, prompts) in asked {
            if self.progress.cancelled() {
                return Err(SynthError::Cancelled);
            }
            let response = LogProbResponse { text: &items[at].seed.y, ended: true };
            let result = match self.score(scorer, &prompts, response)? {
                Some([better, worse]) => {
                    let per_token = |one: TokenLogps| one.sum / f64::from(one.tokens);
                    let margin = per_token(better) - per_token(worse);
                    items[at].margin = Some(margin);
                    if margin >= least { Ok(()) } else { Err(FipoRefusal::LowMargin) }
                }
                None => Err(FipoRefusal::Unscored),
            };
            self.settle(step, &mut items[at], None, result);
        }
        self.progress.finish();
        Ok(())
    }

    /// Scores a response after two prompts; `None` if the model cannot process one of them.
    fn score(
        &self,
        scorer: &dyn LogProb,
        prompts: &[Vec<Message>; 2],
        response: LogProbResponse<'_>,
    ) -> Result<Option<[TokenLogps; 2]>, SynthError> {
        match response_logps_all(scorer, prompts, &[response; 2], self.progress) {
            Ok(found) => Ok(<[TokenLogps; 2]>::try_from(found).ok()),
            Err(error) if error.index().is_some() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
