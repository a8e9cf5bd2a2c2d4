//! The expected number of requests and tokens of a run.

use std::collections::BTreeMap;

use iopo_judge::Language;
use iopo_schema::MetricRow;

use super::config::TraceConfig;
use super::run::language;
use super::step::Step;
use super::templates::Ask;
use crate::Task;

/// The expected requests and tokens of one stage.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StepEstimate {
    /// The stage.
    pub step: Step,
    /// Number of requests.
    pub requests: f64,
    /// Number of prompt tokens of all requests.
    pub prompt_tokens: f64,
    /// Number of generated tokens of all requests.
    pub completion_tokens: f64,
}

/// Shares of the tasks that pass each stage, and tokens per request.
#[derive(Debug, Clone, PartialEq)]
pub struct Yields {
    passed: BTreeMap<Step, f64>,
    /// Requests for each entry into a stage, and the tokens of a request, where they were measured.
    measured: BTreeMap<Step, [f64; 3]>,
}

impl Yields {
    /// Returns assumed yields, because the paper states none.
    pub fn assumed() -> Self {
        let passed = |step: Step| match step {
            Step::Expand | Step::Structure | Step::Compatible => 0.9,
            Step::Complete | Step::Redundant | Step::ChangeComplete | Step::ChangeRedundant => 0.85,
            Step::Response | Step::Worse | Step::SecondResponse | Step::Cross => 0.95,
            Step::Rating | Step::SecondRating => 0.5,
            Step::WorseRating | Step::Change => 0.8,
        };
        let passed = Step::ALL.into_iter().map(|step| (step, passed(step))).collect();
        Self { passed, measured: BTreeMap::new() }
    }

    /// Returns the yields in the rows of a `synth_stats` file. Stages that it does not cover have the assumed yields.
    pub fn measured(rows: &[MetricRow]) -> Self {
        let mut yields = Self::assumed();
        let values: BTreeMap<&str, f64> =
            rows.iter().map(|row| (row.name.as_str(), row.value)).collect();
        for step in Step::ALL {
            let get =
                |prefix: &str| values.get(format!("{prefix}/{}", step.name()).as_str()).copied();
            if let Some(share) = get("yield") {
                yields.passed.insert(step, share.min(1.0));
            }
            if let (Some(requests), Some(entered)) = (get("requests"), get("entered"))
                && requests > 0.0
                && entered > 0.0
            {
                let each = |name: &str| get(name).unwrap_or(0.0) / requests;
                let numbers =
                    [requests / entered, each("prompt_tokens"), each("completion_tokens")];
                yields.measured.insert(step, numbers);
            }
        }
        yields
    }

    /// The probability that at least one of `samples` responses passes.
    fn of_samples(&self, steps: [Step; 2], samples: usize) -> f64 {
        let one = self.passed[&steps[0]] * self.passed[&steps[1]];
        1.0 - (1.0 - one).powi(samples as i32)
    }
}

/// Estimates the requests and tokens of a run on these tasks, by stage.
///
/// Tokens are estimated from the lengths of templates and tasks: a token for 4 characters, or 0.7 tokens for a Chinese character.
/// A response counts as 400 tokens, or the token limit if that is lower.
pub fn estimate(tasks: &[Task], config: &TraceConfig, yields: &Yields) -> Vec<StepEstimate> {
    let chinese = tasks.iter().filter(|task| language(task, config) == Language::Chinese).count();
    let language = if 2 * chinese > tasks.len() { Language::Chinese } else { Language::English };
    let sizes = Sizes::new(tasks, language, config);
    let mut entering = tasks.len() as f64;
    let mut estimates = Vec::new();
    for step in Step::ALL {
        let (entries, asks) = entries(step, entering, config, yields);
        let requests_each = yields.measured.get(&step).map_or(asks, |numbers| numbers[0]);
        let requests = entries * requests_each;
        let [prompt, completion] = match yields.measured.get(&step) {
            Some([_, prompt, completion]) if prompt + completion > 0.0 => [*prompt, *completion],
            Some(_) | None => sizes.of(step),
        };
        estimates.push(StepEstimate {
            step,
            requests,
            prompt_tokens: requests * prompt,
            completion_tokens: requests * completion,
        });
        entering *= match step {
            // One accepted response is enough. The pass of the rating is that of both stages.
            Step::Response
            | Step::SecondResponse
            | Step::Worse
            | Step::WorseRating
            | Step::Compatible => 1.0,
            Step::Rating => yields.of_samples([Step::Response, step], config.samples),
            Step::SecondRating => yields.of_samples([Step::SecondResponse, step], config.samples),
            Step::Redundant | Step::ChangeRedundant if config.qc.joint => 1.0,
            _ => yields.passed[&step],
        };
    }
    estimates
}

/// Returns how many entries a stage has, and the requests for each of them.
fn entries(step: Step, seeds: f64, config: &TraceConfig, yields: &Yields) -> (f64, f64) {
    let samples = config.samples as f64;
    let weights = &config.operations;
    let total = weights.revise + weights.add + weights.remove;
    let share = |weight: f64| weight / total;
    match step {
        Step::Response | Step::SecondResponse => (seeds * samples, 1.0),
        Step::Rating => (seeds * samples * yields.passed[&Step::Response], 1.0),
        Step::SecondRating => (seeds * samples * yields.passed[&Step::SecondResponse], 1.0),
        Step::Worse | Step::WorseRating if !config.worse_answers => (0.0, 0.0),
        Step::WorseRating => (seeds * yields.passed[&Step::Worse], 1.0),
        Step::Redundant | Step::ChangeRedundant if config.qc.joint => (seeds, 0.0),
        Step::Change => (seeds, share(weights.revise + weights.add)),
        Step::Compatible => (seeds * share(weights.revise), 1.0),
        Step::Cross => (seeds, 1.0 + share(weights.revise)),
        _ => (seeds, 1.0),
    }
}

/// Assumed numbers of tokens.
struct Sizes {
    language: Language,
    task: f64,
    instruction: f64,
    response: f64,
    constraints: f64,
}

impl Sizes {
    fn new(tasks: &[Task], language: Language, config: &TraceConfig) -> Self {
        let length = |task: &Task| tokens(&task.task) + task.input.as_deref().map_or(0.0, tokens);
        let task = tasks.iter().map(length).sum::<f64>() / tasks.len().max(1) as f64;
        let weights = config.weights();
        let total: f64 = weights.iter().sum();
        let mean = weights.iter().enumerate().map(|(at, weight)| (at + 1) as f64 * weight);
        let constraints = mean.sum::<f64>() / total.max(f64::MIN_POSITIVE);
        let response = 400_usize.min(config.max_new_tokens.response) as f64;
        Self { language, task, instruction: task + 20.0 * constraints, response, constraints }
    }

    /// Returns the tokens of a request's prompt and answer.
    fn of(&self, step: Step) -> [f64; 2] {
        let template = |ask: Ask| tokens(ask.text(self.language));
        let (instruction, response) = (self.instruction, self.response);
        let verdicts = 40.0 * self.constraints;
        match step {
            Step::Expand => [template(Ask::Expand) + self.task + 100.0, instruction],
            Step::Structure => {
                [template(Ask::Structure) + instruction + 400.0, instruction + 100.0]
            }
            Step::Complete | Step::ChangeComplete => [template(Ask::Quality) + instruction, 60.0],
            Step::Redundant | Step::ChangeRedundant => {
                [template(Ask::Redundant) + instruction, 60.0]
            }
            Step::Response | Step::SecondResponse => {
                [template(Ask::Response) + instruction, response]
            }
            Step::Worse => [template(Ask::Worse) + instruction + response, response],
            Step::Rating | Step::SecondRating | Step::WorseRating => {
                [300.0 + instruction + response, verdicts]
            }
            Step::Change => [template(Ask::Revise) + instruction + response + 400.0, 40.0],
            Step::Compatible => [template(Ask::Compatible) + self.task + 40.0, 60.0],
            Step::Cross => [320.0 + self.task + response, 40.0],
        }
    }
}

/// Estimates the number of tokens of a text.
fn tokens(text: &str) -> f64 {
    let han = text.chars().filter(|c| iopo_core::text::is_han(*c)).count() as f64;
    han * 0.7 + (text.chars().count() as f64 - han) / 4.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(count: usize) -> Vec<Task> {
        let task = |at| Task {
            id: format!("{at}"),
            task: "Describe a street.".into(),
            input: None,
            language: None,
        };
        (0..count).map(task).collect()
    }

    fn requests(estimates: &[StepEstimate], step: Step) -> f64 {
        estimates.iter().find(|one| one.step == step).map_or(0.0, |one| one.requests)
    }

    #[test]
    fn without_losses_a_group_takes_a_fixed_number_of_requests() {
        let rows: Vec<MetricRow> = Step::ALL
            .iter()
            .map(|step| MetricRow { step: 0, name: format!("yield/{}", step.name()), value: 1.0 })
            .collect();
        let mut config = TraceConfig { worse_answers: false, ..TraceConfig::default() };
        config.operations.add = 0.0;
        config.operations.remove = 0.0;
        let found = estimate(&tasks(10), &config, &Yields::measured(&rows));
        let all: f64 = found.iter().map(|one| one.requests).sum();
        // Expansion, structuring, two checks, response, rating, change, two checks, comparison, response, rating, two cells.
        assert!((all - 140.0).abs() < 1e-9, "{all}");
        config.qc.joint = true;
        let found = estimate(&tasks(10), &config, &Yields::measured(&rows));
        assert!((found.iter().map(|one| one.requests).sum::<f64>() - 120.0).abs() < 1e-9);
        assert!(found.iter().all(|one| one.requests == 0.0 || one.prompt_tokens > 0.0));
    }

    #[test]
    fn losses_lower_later_stages_and_samples_raise_them() {
        let config = TraceConfig::default();
        let one = estimate(&tasks(100), &config, &Yields::assumed());
        assert!((requests(&one, Step::Expand) - 100.0).abs() < 1e-9);
        assert!(requests(&one, Step::SecondResponse) < 50.0);
        let config = TraceConfig { samples: 4, ..config };
        let four = estimate(&tasks(100), &config, &Yields::assumed());
        assert!(requests(&four, Step::Change) > 1.5 * requests(&one, Step::Change));
    }

    #[test]
    fn measured_tokens_replace_assumed_ones() {
        let row = |name: &str, value: f64| MetricRow { step: 0, name: name.into(), value };
        let rows = [
            row("entered/expand", 10.0),
            row("requests/expand", 12.0),
            row("prompt_tokens/expand", 1_200.0),
            row("completion_tokens/expand", 600.0),
        ];
        let found = estimate(&tasks(100), &TraceConfig::default(), &Yields::measured(&rows));
        assert!((found[0].requests - 120.0).abs() < 1e-9);
        assert!((found[0].prompt_tokens - 12_000.0).abs() < 1e-6);
        assert!((found[0].completion_tokens - 6_000.0).abs() < 1e-6);
    }
}
