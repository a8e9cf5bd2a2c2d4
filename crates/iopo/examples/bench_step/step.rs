//! An update, the reference pass, and the lower bound of an update.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use iopo::llm::Silent;
use iopo::model::device::in_main_memory;
use iopo::model::{Activations, Decoder, LoraConfig, launches, memory, workers};
use iopo::schema::TrainingMetric;
use iopo::train::evaluate::group_logps;
use iopo::train::optim::{Optimizer, trained_sizes};
use iopo::train::reference::ReferenceLogps;
use iopo::train::schedule::SchedulerType;
use iopo::train::state::TrainerState;
use iopo::train::trainer::{Trainer, TrainingData};
use iopo::train::{Batch, EncodedGroup, Method, Origin, Override, SequenceLayout, TrainConfig};
use serde_json::{Value, json};

use crate::floor::{self, Work};
use crate::{On, inputs, median, wait};

/// Settings of the other side. If both sides do the same work, the losses after the first update agree.
const BETA: f64 = 0.1;
const LEARNING_RATE: f64 = 1e-5;
const WEIGHT_DECAY: f64 = 0.01;
const CLIP_NORM: f64 = 1.0;
/// Maximum number of timed reference passes.
const REFERENCE_PASSES: usize = 5;

/// Flags of `step`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Hugging Face directory or `.gguf` file.
    model: PathBuf,
    /// File of token ids that `prepare` wrote.
    #[arg(long)]
    groups: PathBuf,
    /// Training method, for instance iopo, dpo (both mirrored pairs) or dpo-paper (one pair).
    #[arg(long, default_value = "iopo", value_parser = method)]
    mode: Method,
    /// Train every weight instead of adapters.
    #[arg(long)]
    full: bool,
    /// Compute the four sequences separately instead of as a tree.
    #[arg(long)]
    four_rows: bool,
    /// Recompute activations in the backward pass.
    #[arg(long)]
    gradient_checkpointing: bool,
    /// Groups per update.
    #[arg(long, default_value_t = 1)]
    groups_per_update: usize,
    /// Maximum number of tokens of a micro-batch; by default, each group is one.
    #[arg(long, default_value_t = 1)]
    tokens_per_micro_batch: usize,
    /// Timed updates.
    #[arg(long, default_value_t = 3)]
    repeat: usize,
    /// Untimed updates before the timed ones.
    #[arg(long, default_value_t = 1)]
    warmup: usize,
}

fn method(name: &str) -> Result<Method, String> {
    let found = Method::ALL.iter().copied().find(|method| method.name() == name);
    found.ok_or_else(|| {
        let known: Vec<&str> = Method::ALL.iter().map(|method| method.name()).collect();
        format!("expected one of {}", known.join(", "))
    })
}

impl Args {
    fn sequence_layout(&self) -> SequenceLayout {
        if self.four_rows { SequenceLayout::Rows } else { SequenceLayout::Tree }
    }
}

/// Times updates, the reference pass and the products of a step.
pub(crate) fn run(args: &Args, on: &On) -> Result<Value> {
    let groups = inputs::groups(&args.groups, args.groups_per_update)?;
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let base = on.decoder(&args.model)?;
    let base = if args.full { base } else { base.frozen() };
    let (device, config) = (base.device(), base.config().clone());
    let (reference, reference_times) = reference(args, &base, &members)?;
    let first_sums = reference.get(&members[0].id).copied().unwrap_or_default();

    let lora = (!args.full).then(LoraConfig::default);
    let start = match &lora {
        Some(lora) => base.with_lora(lora, inputs::ADAPTER_SEED)?,
        None => base,
    };
    let trained: usize = trained_sizes(&start).into_iter().sum();
    let updates = args.warmup + args.repeat;
    let mut settings = TrainConfig::default();
    let mut own = Override::default();
    own.learning_rate = Some(LEARNING_RATE);
    own.beta = Some(BETA);
    own.pref_ftx = Some(0.0);
    own.gamma = Some(0.0);
    settings.overrides.insert(args.mode, own);
    settings.lr_scheduler_type = SchedulerType::Constant;
    settings.warmup_ratio = 0.0;
    settings.groups_per_update = members.len();
    // One more, whose launches are counted.
    settings.num_train_epochs = updates + 1;
    settings.tokens_per_micro_batch = Some(args.tokens_per_micro_batch);
    settings.sequence_layout = args.sequence_layout();
    settings.max_grad_norm = CLIP_NORM;
    settings.weight_decay = WEIGHT_DECAY;
    settings.save_steps = 0;
    settings.use_peft = !args.full;
    let data = TrainingData { train: &members, dev: &[], reference: &reference };
    let trainer = Trainer::new(&settings, args.mode, 0, data, "", &Origin::default());
    let each = |seconds: f64| seconds / members.len() as f64;
    let mut state = TrainerState::new(start, Optimizer::new(settings.optim, WEIGHT_DECAY));
    if args.gradient_checkpointing {
        state.activations = Activations::Recomputed;
    }
    let (mut times, mut losses) = (Vec::new(), Vec::new());
    for _ in 0..updates {
        let clock = Instant::now();
        let (next, window) = trainer.update(state, &members)?;
        wait(&device)?;
        times.push(each(clock.elapsed().as_secs_f64()));
        on.note(times[times.len() - 1]);
        state = next;
        losses.push(window.mean(TrainingMetric::Loss));
    }
    let times = &times[args.warmup..];
    let seconds = median(times);
    // Read before the floor is measured, whose matrices are not part of a step.
    let peak = memory::peak();
    // On a GPU, products measured one by one are no lower bound.
    let cpu = in_main_memory(&device);
    let launches =
        if cpu { None } else { launches::count(&device, || trainer.update(state, &members))?.1 };

    let needs = |group: &EncodedGroup| args.mode.needs(group);
    let batch = Batch::new(&members[..1], args.sequence_layout(), needs)?;
    let work = Work::of(&batch, lora.as_ref().map(|lora| lora.r));
    let floor = cpu.then(|| floor::measure(&config, &work, &device)).transpose()?;
    Ok(json!({
        "side": "iopo",
        "mode": args.mode.name(),
        "train": if args.full { "full" } else { "lora" },
        "gradient_checkpointing": args.gradient_checkpointing,
        "sequence_layout": if args.four_rows { "rows" } else { "tree" },
        "device": on.name()?,
        "dtype": on.dtype.name(),
        "prompt": members[0].x1.len(),
        "response": members[0].y1.len(),
        "groups": members.len(),
        "tokens_per_micro_batch": args.tokens_per_micro_batch,
        "threads": workers::count(&device),
        "tokens": batch.layout.token_count(),
        "padded_tokens": batch.padded_tokens,
        "trained": trained,
        "seconds": seconds,
        "times": times,
        "reference_seconds": each(median(&reference_times)),
        "losses": losses,
        "logps": [first_sums.x1y1, first_sums.x1y2, first_sums.x2y2, first_sums.x2y1],
        "launches": launches,
        "peak_bytes": peak,
        "flops": floor.as_ref().map(|floor| floor.flops),
        "gemm_flops_per_second": floor.as_ref().map(|floor| floor.rate),
        "floor_seconds": floor.as_ref().map(|floor| floor.seconds),
        "floor_share": floor.as_ref().map(|floor| floor.seconds / seconds),
    }))
}

/// Returns the reference logps by group, and the seconds of each pass over all groups.
fn reference(
    args: &Args,
    base: &Decoder,
    members: &[&EncodedGroup],
) -> Result<(ReferenceLogps, Vec<f64>)> {
    let needs = |group: &EncodedGroup| args.mode.needs(group);
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..args.warmup + args.repeat.min(REFERENCE_PASSES) {
        let clock = Instant::now();
        let budget = args.tokens_per_micro_batch;
        let sums = group_logps(base, members, args.sequence_layout(), budget, needs, &Silent)?;
        times.push(clock.elapsed().as_secs_f64());
        last = Some(sums);
    }
    let sums = last.context("expected at least one update")?;
    let by_id = members.iter().zip(sums).map(|(group, sums)| (group.id.clone(), sums));
    Ok((by_id.collect(), times.split_off(args.warmup)))
}
