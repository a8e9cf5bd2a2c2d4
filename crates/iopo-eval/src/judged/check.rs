//! Whether a judge can be trusted: it judges constraints that code decides, and its verdicts are compared.
//!
//! [`JudgeCheckRun::run`] builds responses and constraints with known verdicts, about as many that hold as that do not, for
//! every kind that synthesis draws. The judge is asked with the template of TRACE, in `repaired`: once, once more, and with
//! the constraints in reversed order.

mod identity;
mod items;
mod report;

use std::collections::BTreeMap;
use std::path::Path;

use iopo_core::text::counted;
use iopo_judge::trace::{Score, prompt, scores};
use iopo_judge::{Answers, Attempt, Language, Mode, Prompt, Template, Unjudged};
use iopo_llm::{LanguageModel, Progress, Request, Sampling, complete_each};
use serde::{Deserialize, Serialize};

use self::items::{CheckItem, check_items};
use super::ask::without_reasoning;
use super::items::messages;
use crate::{Bootstrap, EvalError};

pub use self::identity::JudgeIdentity;
pub use self::report::{JudgeCheck, KindCheck, Rate};

/// Settings of a [`JudgeCheck`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JudgeCheckConfig {
    /// Responses to judge, each three times. Default: 100.
    pub items: usize,
    /// Constraints of each response. Default: 3.
    pub constraints: usize,
    /// Softmax temperature of the judge; 0 decodes greedily. Default: 0.
    pub temperature: f32,
    /// Maximum number of tokens of an answer. Default: 2048.
    pub max_new_tokens: usize,
    /// Random seed of the items and the resamples. Default: 0.
    pub seed: u64,
}

impl Default for JudgeCheckConfig {
    fn default() -> Self {
        Self { items: 100, constraints: 3, temperature: 0.0, max_new_tokens: 2048, seed: 0 }
    }
}

/// How a judge is asked about an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    First,
    Repeated,
    Reversed,
}

impl Pass {
    const ALL: [Self; 3] = [Self::First, Self::Repeated, Self::Reversed];

    fn id(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Repeated => "repeated",
            Self::Reversed => "reversed",
        }
    }
}

/// A prepared check: the items, and the requests about them.
#[derive(Debug)]
pub struct JudgeCheckRun {
    config: JudgeCheckConfig,
    endpoint: Option<String>,
    template: Template,
    items: Vec<CheckItem>,
}

impl JudgeCheckRun {
    /// Builds the items.
    pub fn new(config: JudgeCheckConfig) -> Self {
        Self { config, endpoint: None, template: template(), items: check_items(&config) }
    }

    /// Sets the name of the endpoint that judges, with a hash of its address, which the result records. Default: none.
    #[must_use]
    pub fn with_endpoint(self, endpoint: Option<String>) -> Self {
        Self { endpoint, ..self }
    }

    /// Returns the requests to the judge, to estimate their cost.
    pub fn requests(&self) -> Vec<Request> {
        Pass::ALL.into_iter().flat_map(|pass| self.requests_of(pass)).collect()
    }

    /// Says that the responses have fewer constraints than wanted: code draws only so many that fit together and whose verdict on the
    /// response is known.
    pub fn shortfall(&self) -> Option<String> {
        let found: usize = self.items.iter().map(|item| item.constraints.len()).sum();
        let wanted = self.config.items.saturating_mul(self.config.constraints);
        (found < wanted).then(|| {
            format!(
                "found {found} constraints that fit {}, fewer than the {wanted} asked for",
                counted(self.items.len(), "response")
            )
        })
    }

    fn requests_of(&self, pass: Pass) -> impl Iterator<Item = Request> {
        let sampling = Sampling::greedy(self.config.max_new_tokens)
            .with_temperature(self.config.temperature)
            .with_seed(self.config.seed);
        self.items.iter().map(move |item| {
            let item = if pass == Pass::Reversed { &item.reversed() } else { item };
            let messages = messages(prompt(&self.template, &item.item(), &item.response));
            // Another sample, so that a store of answers asks again.
            let sample = u32::from(pass == Pass::Repeated);
            Request::new(messages, sampling.clone()).with_sample(sample)
        })
    }

    /// Asks the judge and compares its verdicts with those of code. Writes `judge_check.json` and the answers into a
    /// directory.
    ///
    /// # Errors
    /// Returns an error if the judge fails, `progress` cancels or a file cannot be written.
    pub fn run(
        &self,
        judge: &dyn LanguageModel,
        out: &Path,
        progress: &dyn Progress,
    ) -> Result<JudgeCheck, EvalError> {
        std::fs::create_dir_all(out)
            .map_err(|source| EvalError::Folder { path: out.to_owned(), source })?;
        let requests = self.requests();
        progress.start(&format!("verdicts of {}", judge.name()), requests.len() as u64);
        let outcomes =
            complete_each(judge, &requests, progress).map_err(super::ask::judge_failed)?;
        progress.finish();
        let mut answers = Answers::default();
        let mut verdicts: BTreeMap<(&str, usize), Vec<Option<bool>>> = BTreeMap::new();
        let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
        let places =
            Pass::ALL.into_iter().flat_map(|pass| (0..self.items.len()).map(move |at| (pass, at)));
        for ((pass, at), outcome) in places.zip(outcomes) {
            let count = self.items[at].constraints.len();
            let (attempt, found) = match outcome {
                Ok(completion) => {
                    let text = without_reasoning(&completion.text).to_owned();
                    let found = scores(Mode::Repaired, count, &text);
                    (Attempt::Answer(text), found.map_err(|reason| reason.id().to_owned()))
                }
                Err(failure) => {
                    let class = failure.class.name();
                    let reason = format!("{}: {class}", Unjudged::NoAnswer.id());
                    (Attempt::Failure(class.to_owned()), Err(reason))
                }
            };
            if let (Pass::First, Err(reason)) = (pass, &found) {
                *reasons.entry(reason.clone()).or_default() += count;
            }
            answers.push(&format!("{}/{}", self.items[at].key, pass.id()), 0, attempt);
            let holds = |one: &Score| one.score >= 10.0;
            let mut list: Vec<Option<bool>> = match &found {
                Ok(scores) => scores.iter().map(|one| Some(holds(one))).collect(),
                Err(_) => vec![None; count],
            };
            if pass == Pass::Reversed {
                list.reverse();
            }
            verdicts.insert((pass.id(), at), list);
        }
        let of = |pass: Pass| -> Vec<&[Option<bool>]> {
            let of = |at| verdicts.get(&(pass.id(), at)).map_or(&[][..], Vec::as_slice);
            (0..self.items.len()).map(of).collect()
        };
        let bootstrap = Bootstrap::default().with_seed(self.config.seed);
        let check = report::compare(
            &self.items,
            [of(Pass::First), of(Pass::Repeated), of(Pass::Reversed)],
            report::About {
                judge: judge.name(),
                fingerprint: judge.fingerprint()?,
                endpoint: self.endpoint.clone(),
                template: self.template.hash().to_owned(),
                config: self.config,
                reasons,
            },
            bootstrap,
        )?;
        let path = out.join(super::write::ANSWERS);
        iopo_core::files::write(&path, answers.to_lines(&judge.name()).as_bytes())
            .map_err(|source| EvalError::Write { path, source })?;
        check.write(&out.join(FILE))?;
        Ok(check)
    }
}

/// The file with the result.
pub const FILE: &str = "judge_check.json";

/// Returns the template of the check.
fn template() -> Template {
    Template::built_in(Prompt::Trace, Language::English)
}
