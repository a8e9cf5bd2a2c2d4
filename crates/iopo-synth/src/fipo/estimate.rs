//! The expected number of requests and tokens of a run.

use std::collections::BTreeMap;

use iopo_constraints::Dimension;
use iopo_judge::Language;
use iopo_schema::MetricRow;

use super::config::FipoConfig;
use super::run::language;
use super::source::{FipoSeed, FipoSeeds};
use super::step::{Asked, FipoStep};
use super::templates::{FipoPrompt, Templates};
use crate::SynthError;
use crate::measured::{Calls, Measured, text_tokens};
use crate::trace::dimension::list;

/// The expected requests and tokens of one stage.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StepEstimate {
    /// The stage.
    pub step: FipoStep,
    /// Number of requests.
    pub requests: f64,
    /// Number of prompt tokens of all requests.
    pub prompt_tokens: f64,
    /// Number of generated tokens of all requests.
    pub completion_tokens: f64,
    /// Maximum number of generated tokens of one request.
    pub max_new_tokens: usize,
}

/// Shares of the responses that pass each stage, and tokens per request.
#[derive(Debug, Clone, PartialEq)]
pub struct FipoYields {
    passed: BTreeMap<FipoStep, f64>,
    /// The requests of each stage, where they were measured.
    measured: BTreeMap<FipoStep, Calls>,
}

impl FipoYields {
    /// Returns assumed yields.
    pub fn assumed() -> Self {
        let passed = |step: FipoStep| match step {
            FipoStep::Better | FipoStep::Worse | FipoStep::Margin => 0.85,
            FipoStep::BetterFirst | FipoStep::WorseFirst => 0.8,
            FipoStep::Rating => 0.4,
            FipoStep::Response => 0.95,
            FipoStep::ResponseRating => 0.5,
        };
        let passed = FipoStep::ALL.into_iter().map(|step| (step, passed(step))).collect();
        Self { passed, measured: BTreeMap::new() }
    }

    /// Returns the yields in the rows of a `synth_stats` file. Stages that it does not cover have the assumed yields.
    pub fn measured(rows: &[MetricRow]) -> Self {
        let mut yields = Self::assumed();
        let measured = Measured::new(rows);
        for step in FipoStep::ALL {
            yields.passed.extend(measured.passed(step.name()).map(|share| (step, share)));
            yields.measured.extend(measured.calls(step.name()).map(|calls| (step, calls)));
        }
        yields
    }
}

/// Estimates the requests and tokens of a run, by stage.
///
/// Tokens are estimated from the lengths of templates and texts: a token for 4 characters, or 0.7 tokens for a Chinese character.
/// Measured numbers of tokens replace these, but a prompt has at least the tokens of its template, which may have changed since.
///
/// # Errors
/// Returns an error if a template cannot be read.
pub fn estimate(
    source: &FipoSeeds,
    config: &FipoConfig,
    yields: &FipoYields,
) -> Result<Vec<StepEstimate>, SynthError> {
    let templates = Templates::open(config.templates.as_deref())?;
    let mut source = source.clone();
    source.limit(config);
    let sizes = Sizes::new(&source.seeds, config, &templates);
    let mut entering = source.seeds.len() as f64;
    let mut estimates = Vec::new();
    for step in FipoStep::ALL {
        let asks = step.asked() != Asked::Scorer;
        let measured = yields.measured.get(&step);
        let requests = if asks { entering * measured.map_or(1.0, |calls| calls.each) } else { 0.0 };
        let Size { template, slots, answer } = sizes.of(step);
        let [prompt, completion] = match measured.and_then(|calls| calls.tokens) {
            Some([prompt, completion]) => [prompt.max(template), completion],
            None => [template + slots, answer],
        };
        let max_new_tokens = step.limit(&config.max_new_tokens);
        estimates.push(StepEstimate {
            step,
            requests,
            prompt_tokens: requests * prompt,
            completion_tokens: requests * completion.min(max_new_tokens as f64),
            max_new_tokens,
        });
        if asks || config.min_logp_margin.is_some() {
            entering *= yields.passed[&step];
        }
    }
    Ok(estimates)
}

/// The tokens of a request: the templates of its prompt, the texts in their slots, and the answer.
struct Size {
    template: f64,
    slots: f64,
    answer: f64,
}

/// Assumed numbers of tokens.
struct Sizes<'a> {
    templates: &'a Templates,
    config: &'a FipoConfig,
    language: Language,
    /// Means over the responses.
    task: f64,
    response: f64,
    naive: f64,
}

impl<'a> Sizes<'a> {
    fn new(seeds: &[FipoSeed], config: &'a FipoConfig, templates: &'a Templates) -> Self {
        let count = seeds.len().max(1) as f64;
        let mean =
            |length: &dyn Fn(&FipoSeed) -> f64| seeds.iter().map(length).sum::<f64>() / count;
        let is_chinese = |seed: &&FipoSeed| language(seed, config) == Language::Chinese;
        let chinese = seeds.iter().filter(is_chinese).count();
        let optional = |text: &Option<String>| text.as_deref().map_or(0.0, text_tokens);
        Self {
            templates,
            config,
            language: if 2 * chinese > seeds.len() { Language::Chinese } else { Language::English },
            task: mean(&|seed| text_tokens(&seed.task) + optional(&seed.input)),
            response: mean(&|seed| text_tokens(&seed.y)),
            naive: mean(&|seed| optional(&seed.naive)),
        }
    }

    /// Returns the tokens of a template's own text.
    fn template(&self, prompt: FipoPrompt) -> f64 {
        let messages = self.templates.fill(prompt, self.language, &[]);
        messages.iter().map(|message| text_tokens(&message.content)).sum()
    }

    /// Returns the tokens of a request.
    fn of(&self, step: FipoStep) -> Size {
        let (task, response) = (self.task, self.response);
        let rewrite = 80_usize.min(self.config.max_words) as f64 * 1.4;
        let dimensions = text_tokens(&list(&Dimension::ALL, self.language));
        let meta = |order: f64, slots: f64| Size {
            // Each optional module is in half of the prompts.
            template: order
                + self.template(FipoPrompt::NaivePrompt)
                + f64::midpoint(
                    self.template(FipoPrompt::NaiveResponse),
                    self.template(FipoPrompt::ReferenceResponse),
                ),
            slots: dimensions + task + f64::midpoint(response, self.naive) + slots,
            answer: rewrite + 60.0,
        };
        match step {
            FipoStep::Better => {
                meta(self.template(FipoPrompt::Better), 12.0 * self.config.offered as f64)
            }
            FipoStep::Worse if self.config.worse.is_empty() => {
                let share = self.config.other_share;
                let [other, vague] =
                    [FipoPrompt::Other, FipoPrompt::Vague].map(|one| self.template(one));
                meta(share * other + (1.0 - share) * vague, 12.0)
            }
            FipoStep::Worse => meta(self.template(FipoPrompt::Plain), 0.0),
            FipoStep::BetterFirst | FipoStep::WorseFirst => Size {
                template: self.template(FipoPrompt::Judge),
                slots: task + response + 2.0 * rewrite,
                answer: 100.0,
            },
            FipoStep::Margin => Size { template: 0.0, slots: 0.0, answer: 0.0 },
            FipoStep::Rating | FipoStep::ResponseRating => {
                let messages = self.templates.rating(self.language).fill(&[]);
                let template = messages.iter().map(|one| text_tokens(&one.content)).sum();
                Size { template, slots: task + response + rewrite, answer: 120.0 }
            }
            FipoStep::Response => Size {
                template: self.template(FipoPrompt::Response),
                slots: task + rewrite,
                answer: response,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(count: usize) -> FipoSeeds {
        let seed = |at: usize| FipoSeed {
            task_id: at.to_string(),
            task: "Describe a street.".into(),
            y: "It is wet.".into(),
            ..FipoSeed::default()
        };
        FipoSeeds::new((0..count).map(seed), [].into(), [].into())
    }

    #[test]
    fn losses_lower_later_stages_and_the_limits_apply() {
        let seeds = seeds(20);
        let config = FipoConfig { max_seeds: Some(10), ..FipoConfig::default() };
        let all = |yields: &FipoYields| -> Vec<f64> {
            estimate(&seeds, &config, yields)
                .expect("templates")
                .iter()
                .map(|one| one.requests)
                .collect()
        };
        let row = |step: &FipoStep| MetricRow {
            step: 0,
            name: format!("yield/{}", step.name()),
            value: 1.0,
        };
        let rows: Vec<MetricRow> = FipoStep::ALL.iter().map(row).collect();
        assert_eq!(
            all(&FipoYields::measured(&rows)),
            [10.0, 10.0, 10.0, 10.0, 0.0, 10.0, 10.0, 10.0]
        );
        let assumed = all(&FipoYields::assumed());
        assert!(assumed[0] > 9.9 && assumed[7] < 5.0, "{assumed:?}");
    }

    #[test]
    fn own_templates_and_measured_tokens_count() {
        let dir = tempfile::tempdir().expect("a directory");
        let config = FipoConfig { templates: Some(dir.path().into()), ..FipoConfig::default() };
        let of = |step: FipoStep, yields: &FipoYields| {
            let found = estimate(&seeds(10), &config, yields).expect("templates");
            let one = found.into_iter().find(|one| one.step == step).expect("a stage");
            [one.requests, one.prompt_tokens, one.completion_tokens]
                .map(|count| count.round() as u64)
        };
        let row = |name: &str, value: f64| MetricRow { step: 0, name: name.into(), value };
        let rows = [
            row("entered/better", 10.0),
            row("requests/better", 12.0),
            row("known_tokens/better", 6.0),
            row("unknown_tokens/better", 6.0),
            row("prompt_tokens/better", 9_000.0),
            row("completion_tokens/better", 300.0),
        ];
        let measured = FipoYields::measured(&rows);
        assert_eq!(of(FipoStep::Better, &measured), [12, 18_000, 600]);
        let steps = [FipoStep::Better, FipoStep::WorseFirst, FipoStep::ResponseRating];
        let before = steps.map(|step| of(step, &FipoYields::assumed())[1]);
        let long = "Decide with care. ".repeat(5_000);
        let text = FipoPrompt::Judge.text(Language::English);
        let text = text.replacen("=== user\n", &format!("=== user\n{long}\n"), 1);
        std::fs::write(dir.path().join("judge.en.txt"), text).expect("written");
        let after = steps.map(|step| of(step, &FipoYields::assumed())[1]);
        assert!(after[1] > before[1] + 100_000, "{after:?}");
        assert_eq!((after[0], after[2]), (before[0], before[2]), "control: unchanged templates");
        std::fs::write(dir.path().join("judge.en.txt"), "=== user\nNo slot").expect("written");
        assert!(estimate(&seeds(1), &config, &measured).is_err());
    }
}
