//! The expected number of requests and tokens of a run.

use std::collections::BTreeMap;

use iopo_judge::Language;
use iopo_schema::MetricRow;

use super::checks::kinds;
use super::config::TraceConfig;
use super::run::language;
use super::step::Step;
use super::templates::{Ask, Templates};
use crate::measured::{Calls, Measured, text_tokens as tokens};
use crate::{SynthConfig, SynthError, Task};

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
    /// Expected number of generated tokens of all requests.
    pub completion_tokens: f64,
    /// Maximum number of generated tokens of one request.
    pub max_new_tokens: usize,
}

/// Shares of the tasks that pass each stage, and tokens per request.
#[derive(Debug, Clone, PartialEq)]
pub struct Yields {
    passed: BTreeMap<Step, f64>,
    /// The requests of each stage, where they were measured.
    measured: BTreeMap<Step, Calls>,
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
        let measured = Measured::new(rows);
        for step in Step::ALL {
            yields.passed.extend(measured.passed(step.name()).map(|share| (step, share)));
            yields.measured.extend(measured.calls(step.name()).map(|calls| (step, calls)));
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
/// A response counts as 400 tokens, or the token limit if that is lower. Measured numbers of tokens replace these, but a prompt
/// has at least the tokens of its template, which may have changed since.
///
/// # Errors
/// Returns an error if a template cannot be read, or a setting names an unknown kind.
pub fn estimate(
    tasks: &[Task],
    synth: &SynthConfig,
    yields: &Yields,
) -> Result<Vec<StepEstimate>, SynthError> {
    let config = &synth.trace;
    let templates = Templates::open(config.templates.as_deref())?;
    let chinese = tasks.iter().filter(|task| language(task, config) == Language::Chinese).count();
    let language = if 2 * chinese > tasks.len() { Language::Chinese } else { Language::English };
    let mut sizes = Sizes::new(tasks, language, config, &templates);
    if config.propose_checks {
        let offered = synth.offered_kinds(config)?;
        let list = kinds(language, |kind| offered.contains(&kind));
        sizes.checks = sizes.template(Ask::Checks) + tokens(&list);
    }
    let mut entering = tasks.len() as f64;
    let mut estimates = Vec::new();
    for step in Step::ALL {
        let (entries, asks) = entries(step, entering, config, yields);
        let measured = yields.measured.get(&step);
        let requests_each = measured.map_or(asks, |calls| calls.each);
        let requests = entries * requests_each;
        let Size { template, slots, answer } = sizes.of(step);
        let [prompt, completion] = match measured.and_then(|calls| calls.tokens) {
            Some([prompt, completion]) => [prompt.max(template), completion],
            None => [template + slots, answer],
        };
        let max_new_tokens = config.max_new_tokens.of(step);
        estimates.push(StepEstimate {
            step,
            requests,
            prompt_tokens: requests * prompt,
            completion_tokens: requests * completion.min(max_new_tokens as f64),
            max_new_tokens,
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
    Ok(estimates)
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

/// The tokens of a request: the template of its prompt, the texts in the template's slots, and the answer.
struct Size {
    template: f64,
    slots: f64,
    answer: f64,
}

/// Assumed numbers of tokens.
struct Sizes<'a> {
    templates: &'a Templates,
    joint: bool,
    language: Language,
    task: f64,
    instruction: f64,
    response: f64,
    constraints: f64,
    /// Tokens of the request for checks; 0 if the settings do not ask for them.
    checks: f64,
}

impl<'a> Sizes<'a> {
    fn new(
        tasks: &[Task],
        language: Language,
        config: &TraceConfig,
        templates: &'a Templates,
    ) -> Self {
        let length = |task: &Task| tokens(&task.task) + task.input.as_deref().map_or(0.0, tokens);
        let task = tasks.iter().map(length).sum::<f64>() / tasks.len().max(1) as f64;
        let weights = config.weights();
        let total: f64 = weights.iter().sum();
        let mean = weights.iter().enumerate().map(|(at, weight)| (at + 1) as f64 * weight);
        let constraints = mean.sum::<f64>() / total.max(f64::MIN_POSITIVE);
        let response = 400_usize.min(config.max_new_tokens.response) as f64;
        let instruction = task + 20.0 * constraints;
        let joint = config.qc.joint;
        let checks = 0.0;
        Self { templates, joint, language, task, instruction, response, constraints, checks }
    }

    /// Returns the tokens of a template's own text.
    fn template(&self, ask: Ask) -> f64 {
        let messages = self.templates.of(ask, self.language).fill(&[]);
        messages.iter().map(|message| tokens(&message.content)).sum()
    }

    /// Returns the tokens of a request.
    fn of(&self, step: Step) -> Size {
        let (instruction, response) = (self.instruction, self.response);
        let size = |ask, slots, answer| Size { template: self.template(ask), slots, answer };
        let complete = if self.joint { Ask::Quality } else { Ask::Complete };
        match step {
            Step::Expand => size(Ask::Expand, self.task + 100.0, instruction),
            Step::Structure => {
                size(Ask::Structure, instruction + 400.0 + self.checks, instruction + 100.0)
            }
            Step::Complete | Step::ChangeComplete => size(complete, instruction, 60.0),
            Step::Redundant | Step::ChangeRedundant => size(Ask::Redundant, instruction, 60.0),
            Step::Response | Step::SecondResponse => size(Ask::Response, instruction, response),
            Step::Worse => size(Ask::Worse, instruction + response, response),
            Step::Rating | Step::SecondRating | Step::WorseRating => {
                self.rating(instruction + response, 40.0 * self.constraints)
            }
            Step::Change => size(Ask::Revise, instruction + response + 400.0 + self.checks, 40.0),
            Step::Compatible => size(Ask::Compatible, self.task + 40.0, 60.0),
            Step::Cross => self.rating(self.task + response + 20.0, 40.0),
        }
    }

    /// Returns the tokens of a rating.
    fn rating(&self, slots: f64, answer: f64) -> Size {
        let messages = self.templates.rating(self.language).fill(&[]);
        let template = messages.iter().map(|message| tokens(&message.content)).sum();
        Size { template, slots, answer }
    }
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

    fn estimated(tasks: &[Task], config: &TraceConfig, yields: &Yields) -> Vec<StepEstimate> {
        let synth = SynthConfig { trace: config.clone(), ..SynthConfig::default() };
        estimate(tasks, &synth, yields).expect("templates")
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
        let found = estimated(&tasks(10), &config, &Yields::measured(&rows));
        let all: f64 = found.iter().map(|one| one.requests).sum();
        // Expansion, structuring, two checks, response, rating, change, two checks, comparison, response, rating, two cells.
        assert!((all - 140.0).abs() < 1e-9, "{all}");
        config.qc.joint = true;
        let found = estimated(&tasks(10), &config, &Yields::measured(&rows));
        assert!((found.iter().map(|one| one.requests).sum::<f64>() - 120.0).abs() < 1e-9);
        assert!(found.iter().all(|one| one.requests == 0.0 || one.prompt_tokens > 0.0));
    }

    #[test]
    fn losses_lower_later_stages_and_samples_raise_them() {
        let config = TraceConfig::default();
        let one = estimated(&tasks(100), &config, &Yields::assumed());
        assert!((requests(&one, Step::Expand) - 100.0).abs() < 1e-9);
        assert!(requests(&one, Step::SecondResponse) < 50.0);
        let config = TraceConfig { samples: 4, ..config };
        let four = estimated(&tasks(100), &config, &Yields::assumed());
        assert!(requests(&four, Step::Change) > 1.5 * requests(&one, Step::Change));
    }

    #[test]
    fn measured_tokens_replace_assumed_ones() {
        let row = |name: &str, value: f64| MetricRow { step: 0, name: name.into(), value };
        let rows = [
            row("entered/expand", 10.0),
            row("requests/expand", 12.0),
            row("known_tokens/expand", 12.0),
            row("prompt_tokens/expand", 12_000.0),
            row("completion_tokens/expand", 600.0),
        ];
        let found = estimated(&tasks(100), &TraceConfig::default(), &Yields::measured(&rows));
        assert!((found[0].requests - 120.0).abs() < 1e-9);
        assert!((found[0].prompt_tokens - 120_000.0).abs() < 1e-6);
        assert!((found[0].completion_tokens - 6_000.0).abs() < 1e-6);
    }

    #[test]
    fn an_answer_is_expected_below_its_limit() {
        let mut config = TraceConfig::default();
        let of = |config: &TraceConfig| estimated(&tasks(10), config, &Yields::assumed());
        let limits = |config: &TraceConfig| {
            let limit = |one: &StepEstimate| (one.step, one.max_new_tokens);
            of(config).iter().map(limit).collect::<BTreeMap<_, _>>()
        };
        for one in of(&config) {
            let most = one.requests * one.max_new_tokens as f64;
            assert!(one.completion_tokens < most, "{:?}", one.step);
        }
        config.max_new_tokens.response = 10;
        config.max_new_tokens.judge = 20;
        config.max_new_tokens.instruction = 30;
        let limits = limits(&config);
        assert_eq!(
            [Step::Expand, Step::Worse, Step::Cross].map(|step| limits[&step]),
            [30, 10, 20]
        );
        for one in of(&config) {
            let most = one.requests * one.max_new_tokens as f64;
            assert!(one.completion_tokens <= most, "{:?}", one.step);
        }
    }

    #[test]
    fn a_longer_template_has_more_prompt_tokens() {
        let dir = tempfile::tempdir().expect("a directory");
        let config = TraceConfig { templates: Some(dir.path().into()), ..TraceConfig::default() };
        let prompt = |step: Step, yields: &Yields| {
            let found = estimated(&tasks(10), &config, yields);
            found.iter().find(|one| one.step == step).map_or(0.0, |one| one.prompt_tokens)
        };
        let steps = [Step::Complete, Step::Rating, Step::Expand];
        let before = steps.map(|step| prompt(step, &Yields::assumed()));
        let row = |name: &str, value: f64| MetricRow { step: 0, name: name.into(), value };
        let measured = [
            row("entered/complete", 10.0),
            row("requests/complete", 10.0),
            row("known_tokens/complete", 10.0),
            row("prompt_tokens/complete", 3_000.0),
        ];
        let measured = Yields::measured(&measured);
        let short = prompt(Step::Complete, &measured);
        let long = "Decide with care. ".repeat(1_000);
        for (name, text) in [
            ("complete", Ask::Complete.text(Language::English)),
            ("rating", iopo_judge::Prompt::Trace.text(Language::English)),
        ] {
            let text = text.replacen("=== user\n", &format!("=== user\n{long}\n"), 1);
            std::fs::write(dir.path().join(format!("{name}.en.txt")), text).expect("written");
        }
        let after = steps.map(|step| prompt(step, &Yields::assumed()));
        assert!(after[0] > before[0] + 30_000.0 && after[1] > before[1] + 10_000.0, "{after:?}");
        assert!((after[2] - before[2]).abs() < 1e-9, "negative control: an unchanged template");
        assert!(prompt(Step::Complete, &measured) > 5.0 * short, "measured with another template");
        std::fs::write(dir.path().join("complete.en.txt"), "=== user\nNo slot").expect("written");
        let synth = SynthConfig { trace: config, ..SynthConfig::default() };
        assert!(estimate(&tasks(10), &synth, &Yields::assumed()).is_err());
    }

    #[test]
    fn offered_kinds_make_prompts_longer() {
        let prompt = |kinds: &[&str], propose_checks| {
            let kinds = kinds.iter().map(|id| (*id).to_owned()).collect();
            let mut synth = SynthConfig { kinds, ..SynthConfig::default() };
            synth.trace.propose_checks = propose_checks;
            let found = estimate(&tasks(10), &synth, &Yields::assumed()).expect("templates");
            let structure = found.iter().find(|one| one.step == Step::Structure);
            structure.expect("a step").prompt_tokens
        };
        let (one, all) = (prompt(&["no_parentheses"], true), prompt(&["default"], true));
        assert!(all > one + 1_000.0 && one > prompt(&["default"], false), "{one} {all}");
    }
}
