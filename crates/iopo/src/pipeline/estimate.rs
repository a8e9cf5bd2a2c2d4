//! An estimate of the time of a run, from a short measurement on the device.
//!
//! The measurement scores a batch of responses and generates some tokens for each row. The rest counts tokens: those that are
//! generated, those that are scored, and those of training, whose steps cost a fixed multiple of a forward pass.

use std::fmt;
use std::time::{Duration, Instant};

use iopo_llm::{
    Completion, LanguageModel, LogProb, LogProbResponse, Message, Progress, Request, Sampling,
    complete_all,
};
use iopo_model::workers;
use iopo_schema::Split;
use iopo_train::Method;
use iopo_train::estimate::duration;

use super::{Pipeline, PipelineError, Stage, test_tasks};
use crate::config::PipelineConfig;

/// Tokens of a typical prompt.
const PROMPT: f64 = 70.0;
/// Share of the token limit that a typical response reaches.
const LENGTH: f64 = 0.85;
/// Cost of a token in a training step with adapters, in forward passes: the pass itself, its backward pass and the update
/// (docs/benchmarks.md, training steps compared with PyTorch: step divided by reference pass, 2.35 to 2.36).
const STEP_OF_ADAPTERS: f64 = 2.4;
/// The same if every weight is trained, which needs a second product for each weight (there, 3.26 to 3.6).
const STEP_OF_EVERY_WEIGHT: f64 = 3.4;
/// Maximum number of responses in the measurement, even if a batch may have more.
const MOST_ROWS: usize = 256;
/// Tokens generated for each response of the measurement.
const MEASURED: usize = 24;

/// Tokens per second of a model on a device.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Speed {
    /// Generated tokens per second, over all rows of a batch, without the pass over the prompts.
    pub generated: f64,
    /// Tokens per second of a forward pass.
    pub scored: f64,
}

impl Speed {
    /// Measures a model, for some seconds on a CPU.
    ///
    /// # Errors
    /// Returns an error if the model fails or `progress` cancels.
    pub fn measure(
        model: &(impl LanguageModel + LogProb),
        rows: usize,
        progress: &dyn Progress,
    ) -> Result<Self, iopo_llm::LlmError> {
        let text =
            "Explain how a kettle works, and say what to look for when buying one. ".repeat(4);
        let prompt = |row: usize| vec![Message::user(format!("{row}. {text}"))];
        let sampling = Sampling::greedy(MEASURED).with_temperature(0.7).with_top_p(0.9);
        let requests: Vec<Request> = (0..rows)
            .map(|row| Request::new(prompt(row), sampling.clone().with_seed(row as u64)))
            .collect();
        let prompts: Vec<Vec<Message>> = (0..rows).map(prompt).collect();
        let responses = vec![LogProbResponse { text: &text, ended: true }; rows];
        // The first pass allocates memory, so it is not timed.
        let first = rows.div_ceil(4);
        model.response_logps(&prompts[..first], &responses[..first], progress)?;
        let begun = Instant::now();
        let logps = model.response_logps(&prompts, &responses, progress)?;
        // The prompt repeats the response's text.
        let tokens: u32 = logps.iter().map(|one| 2 * one.tokens).sum();
        let scored = f64::from(tokens) / begun.elapsed().as_secs_f64().max(1e-9);
        let begun = Instant::now();
        let completions = complete_all(model, &requests, progress)?;
        let elapsed = begun.elapsed().as_secs_f64();
        let count = |tokens: fn(&Completion) -> Option<usize>| {
            completions.iter().filter_map(tokens).sum::<usize>()
        };
        // Reading the prompts is counted apart, as scored tokens.
        let read = count(|one| one.prompt_tokens) as f64 / scored.max(1e-9);
        let decoding = (elapsed - read).max(0.2 * elapsed).max(1e-9);
        let generated = count(|one| one.completion_tokens) as f64 / decoding;
        Ok(Self { generated, scored })
    }
}

/// The estimated time of a run, by stage.
#[derive(Debug, Clone, PartialEq)]
pub struct TimeEstimate {
    /// The stages that take time, in order.
    pub stages: Vec<(Stage, Duration)>,
}

impl TimeEstimate {
    /// Returns the time of all stages.
    pub fn total(&self) -> Duration {
        self.stages.iter().fold(Duration::ZERO, |sum, (_, time)| sum.saturating_add(*time))
    }
}

/// Displays as one line: `about 52 min (synth 9 min, train 25 min, eval 18 min)`.
impl fmt::Display for TimeEstimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |time: Duration| duration(time.as_secs_f64());
        let stages = self.stages.iter().map(|(stage, time)| format!("{stage} {}", shown(*time)));
        let stages: Vec<String> = stages.collect();
        write!(f, "about {} ({})", shown(self.total()), stages.join(", "))
    }
}

/// The tokens of a stage.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Work {
    generated: f64,
    scored: f64,
}

impl Work {
    /// Returns the time at a speed; the longest time that can be stated if the model is that slow.
    fn time(self, speed: Speed) -> Duration {
        let seconds = self.generated / speed.generated + self.scored / speed.scored;
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    fn plus(self, other: Self) -> Self {
        Self { generated: self.generated + other.generated, scored: self.scored + other.scored }
    }
}

/// The rows that the work of a run depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// Tasks of the run.
    pub(super) tasks: usize,
    /// Tasks of `eval.tasks`; `None` if the test tasks of the run are used.
    pub(super) tested: Option<usize>,
    /// Input preferences.
    pub(super) inputs: usize,
}

/// Estimates a run of so many rows on a device of this speed.
pub(super) fn of(config: &PipelineConfig, rows: Rows, speed: Speed) -> TimeEstimate {
    let Rows { tasks, tested, inputs } = rows;
    let tasks = config.synth.max_tasks.map_or(tasks, |most| most.min(tasks));
    let mut rounds = Work::default();
    for round in 2..=config.rounds {
        let own = config.of_round(round);
        for lineage in config.lineages(round) {
            // A later round samples no test tasks.
            let sampled = tasks.saturating_sub(own.pairs.test_tasks);
            let one = sampling(&own, sampled).plus(training(&own, tasks, inputs, lineage.method));
            rounds = rounds.plus(one);
        }
    }
    let mut train = Work::default();
    for method in config.train.resolved_methods() {
        let seeds = config.train.seeds_of(method).len() as f64;
        train.scored += seeds * training(config, tasks, inputs, method).scored;
    }
    let stages = [
        (Stage::Synth, sampling(config, tasks)),
        (Stage::Train, train),
        (Stage::Rounds, rounds),
        (Stage::Eval, evaluation(config, tested)),
    ];
    let times = stages.map(|(stage, work)| (stage, work.time(speed)));
    TimeEstimate { stages: times.into_iter().filter(|(_, time)| !time.is_zero()).collect() }
}

/// Measures the model of a pipeline and estimates the time of its run.
pub(super) fn measure(
    pipeline: &Pipeline,
    progress: &dyn Progress,
) -> Result<TimeEstimate, PipelineError> {
    let config = pipeline.config();
    let tasks = iopo_synth::read_tasks(&pipeline.tasks()?)?.len();
    // On a CPU, every thread generates a batch.
    let workers = workers::count(&pipeline.base()?.chat().decoder().device());
    let rows = config.generation_batch.max(1).saturating_mul(workers).min(MOST_ROWS);
    let speed = Speed::measure(pipeline.base()?.chat(), rows, progress)
        .map_err(iopo_eval::EvalError::from)?;
    let inputs = pipeline.count_input_preferences()?;
    let tested = test_tasks::read(config)?.map(|tasks| tasks.len());
    let mut estimate = of(config, Rows { tasks, tested, inputs }, speed);
    if config.synth.recipe.is_trace() {
        let mut work = Work::default();
        for (role, asked) in pipeline.trace_work()? {
            // The time of endpoints depends on their servers.
            if role.of(config).is_local() {
                let (generated, scored) = (asked.completion_tokens, asked.prompt_tokens);
                work = work.plus(Work { generated, scored });
            }
        }
        estimate.stages.insert(0, (Stage::Synth, work.time(speed)));
        estimate.stages.retain(|(_, time)| !time.is_zero());
    }
    Ok(estimate)
}

/// The responses of a synthesis, and their relevance. The requests of the recipe `trace` are not among them.
fn sampling(config: &PipelineConfig, tasks: usize) -> Work {
    if config.synth.recipe.is_trace() {
        return Work::default();
    }
    let answers = tasks as f64 * config.synth.samples_per_task as f64;
    let response = LENGTH * config.synth.sampling.max_new_tokens as f64;
    let scored = answers * PROMPT + 2.0 * answers * (PROMPT + response);
    Work { generated: answers * response, scored }
}

/// The steps of one training, and the log-probabilities of its reference.
fn training(config: &PipelineConfig, tasks: usize, inputs: usize, method: Method) -> Work {
    let train = &config.train;
    let response = LENGTH * config.synth.sampling.max_new_tokens as f64;
    let others = config.pairs.test_tasks.saturating_add(config.pairs.dev_tasks);
    let kept = tasks.saturating_sub(others);
    let most = |limit: usize| if limit == 0 { usize::MAX } else { limit };
    let groups = kept
        .saturating_mul(config.pairs.max_groups_per_task.train)
        .min(most(config.pairs.max_groups.train))
        .min(most(train.max_train_groups)) as f64;
    // A tree computes each prompt and each response's prefix once.
    let (pairs, whole) = (2.0 * (PROMPT + response), 2.0 * PROMPT + 4.0 * response);
    let epochs = train.epochs(method) as f64;
    let step = if train.use_peft { STEP_OF_ADAPTERS } else { STEP_OF_EVERY_WEIGHT };
    let scored = if method.starts_from_base() {
        let rows = match train.sft.max_rows {
            _ if train.sft.data == iopo_train::SftData::Groups => 2.0 * groups,
            0 => {
                let answers = kept as f64 * config.synth.samples_per_task as f64;
                answers * config.synth.instructions_per_answer as f64
            }
            rows => rows as f64,
        };
        step * epochs * rows * (PROMPT + response)
    } else if method.is_preference() {
        let reference = if method.has_reference() { groups * whole } else { 0.0 };
        // Each trial of the grid trains on a part of the groups with the first random seed; it is spread over the seeds.
        let grid = &train.grid;
        let trials =
            [&grid.learning_rate, &grid.beta, &grid.pref_ftx].map(|list| list.len().max(1));
        let trials: usize = if grid.is_empty() { 0 } else { trials.into_iter().product() };
        let of_grid =
            if grid.num_train_epochs == 0 { epochs } else { grid.num_train_epochs as f64 };
        let in_trial = groups.min(most(grid.max_train_groups) as f64);
        let seeds = train.seeds_of(method).len().max(1) as f64;
        let search = step * of_grid * trials as f64 * in_trial * whole / seeds;
        // An input preference has two prompts and one response under each; the reference reads it once.
        let inputs = if method.takes_input_preferences() { inputs as f64 * pairs } else { 0.0 };
        step * epochs * (groups * whole + inputs) + reference + inputs + search
    } else {
        step * epochs * groups * pairs
    };
    Work { generated: 0.0, scored }
}

/// The answers of every model, their log-probabilities and their relevance.
fn evaluation(config: &PipelineConfig, tested: Option<usize>) -> Work {
    let eval = &config.eval;
    let response = LENGTH * eval.max_new_tokens as f64;
    let methods = config.train.resolved_methods().into_iter();
    let first: usize = methods.map(|method| config.train.seeds_of(method).len()).sum();
    let later = (2..=config.rounds).map(|round| config.lineages(round).len()).sum::<usize>();
    let models = 1 + first + later;
    let of_tasks = |tasks: usize, groups: usize| {
        let prompts = tasks as f64 * (eval.seen_per_task + eval.unseen_per_task) as f64;
        let prompts =
            if eval.max_prompts == 0 { prompts } else { prompts.min(eval.max_prompts as f64) };
        let answers = prompts + tasks as f64;
        Work {
            generated: answers * response,
            scored: answers * PROMPT
                + (3.0 * prompts + 2.0 * tasks as f64) * (PROMPT + response)
                + groups as f64 * (2.0 * PROMPT + 4.0 * response),
        }
    };
    let groups = |split: Split, tasks: usize| {
        let most = config.pairs.max_groups.get(split);
        let all = tasks.saturating_mul(config.pairs.max_groups_per_task.get(split));
        if most == 0 { all } else { all.min(most) }
    };
    let test = config.pairs.test_tasks;
    let mut one = of_tasks(tested.unwrap_or(test), groups(Split::Test, test));
    if config.rounds > 1 {
        let dev = config.pairs.dev_tasks;
        one = one.plus(of_tasks(dev, groups(Split::Dev, dev)));
    }
    let mut all =
        Work { generated: models as f64 * one.generated, scored: models as f64 * one.scored };
    // IFEval has 541 prompts; the base, SFT and the best method answer them.
    let benchmarks = 3 * 541 * eval.benchmarks.len();
    all.generated += benchmarks as f64 * 0.6 * eval.benchmark_max_new_tokens as f64;
    all.scored += benchmarks as f64 * PROMPT;
    all
}

#[cfg(test)]
mod tests {
    use super::{Rows, Speed, of};
    use crate::config::PipelineConfig;
    use crate::pipeline::Stage;

    const ROWS: Rows = Rows { tasks: 400, tested: None, inputs: 0 };
    const SPEED: Speed = Speed { generated: 300.0, scored: 800.0 };

    fn seconds(config: &PipelineConfig, stage: Stage) -> f64 {
        let estimate = of(config, ROWS, SPEED);
        let found = estimate.stages.iter().find(|(other, _)| *other == stage);
        found.map_or(0.0, |(_, time)| time.as_secs_f64())
    }

    #[test]
    fn more_work_takes_longer_in_its_stage_only() {
        let config = PipelineConfig::preset("default").expect("a preset");
        assert!(seconds(&config, Stage::Rounds).abs() < 1e-9);
        let mut more = config.clone();
        more.synth.samples_per_task *= 2;
        let ratio = seconds(&more, Stage::Synth) / seconds(&config, Stage::Synth);
        assert!((ratio - 2.0).abs() < 1e-9, "{ratio}");
        let mut seeds = config.clone();
        seeds.train.seeds = vec![0, 1, 2];
        let ratio = seconds(&seeds, Stage::Train) / seconds(&config, Stage::Train);
        assert!((ratio - 3.0).abs() < 1e-9, "{ratio}");
        assert!(seconds(&seeds, Stage::Eval) > seconds(&config, Stage::Eval));
        let mut rounds = config.clone();
        rounds.rounds = 2;
        assert!(seconds(&rounds, Stage::Rounds) > seconds(&config, Stage::Rounds));
        let mut whole = config.clone();
        whole.train.use_peft = false;
        assert!(seconds(&whole, Stage::Train) > seconds(&config, Stage::Train));
        let mixed = of(&config, Rows { inputs: 1_000, ..ROWS }, SPEED);
        let train = mixed.stages.iter().find(|(stage, _)| *stage == Stage::Train);
        let train = train.map_or(0.0, |(_, time)| time.as_secs_f64());
        assert!(train > seconds(&config, Stage::Train), "input preferences count");
        let eval = |tested| {
            let estimate = of(&config, Rows { tested, ..ROWS }, SPEED);
            let found = estimate.stages.iter().find(|(stage, _)| *stage == Stage::Eval);
            found.map_or(0.0, |(_, time)| time.as_secs_f64())
        };
        let test = config.pairs.test_tasks;
        assert!((eval(Some(test)) - eval(None)).abs() < 1e-9, "as many tasks as in the split");
        assert!(eval(Some(2 * test)) > eval(None), "more test tasks");
        // A model that generates nothing is no reason to stop a run.
        let slow = Speed { generated: 0.0, ..SPEED };
        assert_eq!(of(&config, ROWS, slow).total(), std::time::Duration::MAX);
    }

    #[test]
    fn an_estimate_is_one_line() {
        let config = PipelineConfig::preset("default").expect("a preset");
        let shown = of(&config, ROWS, SPEED).to_string();
        assert!(shown.starts_with("about ") && shown.contains("(synth "), "{shown}");
        assert!(!shown.contains("rounds"), "a run of one round: {shown}");
    }
}
