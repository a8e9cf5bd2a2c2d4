//! The expected number of requests and tokens of a run.

use std::collections::BTreeMap;

use iopo_judge::Language;
use iopo_schema::MetricRow;

use super::config::FipoConfig;
use super::source::FipoSeeds;
use super::step::{Asked, FipoStep};
use super::templates::FipoPrompt;
use crate::trace::TraceLanguage;
use crate::trace::text::language_of;

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

/// Shares of the responses that pass each stage.
#[derive(Debug, Clone, PartialEq)]
pub struct FipoYields(BTreeMap<FipoStep, f64>);

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
        Self(FipoStep::ALL.into_iter().map(|step| (step, passed(step))).collect())
    }

    /// Returns the yields in the rows of a `synth_stats` file. Stages that it does not cover have the assumed yields.
    pub fn measured(rows: &[MetricRow]) -> Self {
        let mut yields = Self::assumed();
        for step in FipoStep::ALL {
            let name = format!("yield/{}", step.name());
            if let Some(row) = rows.iter().find(|row| row.name == name) {
                yields.0.insert(step, row.value.clamp(0.0, 1.0));
            }
        }
        yields
    }
}

/// Estimates the requests and tokens of a run, by stage.
///
/// Tokens are estimated from the lengths of templates and texts: a token for 4 characters, or 0.7 tokens for a Chinese character.
pub fn estimate(source: &FipoSeeds, config: &FipoConfig, yields: &FipoYields) -> Vec<StepEstimate> {
    let mut source = source.clone();
    source.limit(config.responses_per_task, config.max_seeds);
    let count = source.seeds.len().max(1) as f64;
    let mean = |length: &dyn Fn(&super::FipoSeed) -> f64| {
        source.seeds.iter().map(length).sum::<f64>() / count
    };
    let chinese = |seed: &&super::FipoSeed| language_of(&seed.task) == Some(Language::Chinese);
    let language = match config.language {
        TraceLanguage::Zh => Language::Chinese,
        TraceLanguage::Auto
            if 2 * source.seeds.iter().filter(chinese).count() > source.seeds.len() =>
        {
            Language::Chinese
        }
        TraceLanguage::En | TraceLanguage::Auto => Language::English,
    };
    let task = mean(&|seed| tokens(&seed.task) + seed.input.as_deref().map_or(0.0, tokens));
    let response = mean(&|seed| tokens(&seed.y));
    let naive = mean(&|seed| seed.naive.as_deref().map_or(0.0, tokens));
    let rewrite = 80_usize.min(config.max_words) as f64 * 1.4;
    let template = |prompt: FipoPrompt| tokens(prompt.text(language));
    // The names of the dimensions are in each order, and each optional module is in half of the prompts.
    let meta = template(FipoPrompt::NaivePrompt) + 500.0 + task + f64::midpoint(response, naive);
    let size = |step: FipoStep| match step {
        FipoStep::Better => [meta + template(FipoPrompt::Better) + 100.0, rewrite + 60.0],
        FipoStep::Worse => [meta + template(FipoPrompt::Other), rewrite + 60.0],
        FipoStep::BetterFirst | FipoStep::WorseFirst => {
            [template(FipoPrompt::Judge) + task + response + 2.0 * rewrite, 100.0]
        }
        FipoStep::Margin => [0.0, 0.0],
        FipoStep::Rating | FipoStep::ResponseRating => [300.0 + task + response + rewrite, 120.0],
        FipoStep::Response => [template(FipoPrompt::Response) + task + rewrite, response],
    };
    let mut entering = source.seeds.len() as f64;
    let mut estimates = Vec::new();
    for step in FipoStep::ALL {
        let is_measured = step.asked() != Asked::Scorer;
        let requests = if is_measured { entering } else { 0.0 };
        let [prompt, completion] = size(step);
        estimates.push(StepEstimate {
            step,
            requests,
            prompt_tokens: requests * prompt,
            completion_tokens: requests * completion,
            max_new_tokens: step.limit(&config.max_new_tokens),
        });
        if is_measured || config.min_logp_margin.is_some() {
            entering *= yields.0[&step];
        }
    }
    estimates
}

/// Estimates the number of tokens of a text.
fn tokens(text: &str) -> f64 {
    let han = text.chars().filter(|c| iopo_core::text::is_han(*c)).count() as f64;
    han * 0.7 + (text.chars().count() as f64 - han) / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fipo::FipoSeed;

    #[test]
    fn losses_lower_later_stages_and_the_limits_apply() {
        let seed = |at: usize| FipoSeed {
            task_id: at.to_string(),
            task: "Describe a street.".into(),
            y: "It is wet.".into(),
            ..FipoSeed::default()
        };
        let seeds = FipoSeeds::new((0..20).map(seed), [].into(), [].into());
        let config = FipoConfig { max_seeds: Some(10), ..FipoConfig::default() };
        let all = |yields: &FipoYields| -> Vec<f64> {
            estimate(&seeds, &config, yields).iter().map(|one| one.requests).collect()
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
}
