//! What must hold for any groups and settings: how an update is cut and ordered changes nothing, and a
//! resumed training is the uninterrupted one.

use iopo_train::encode::all_sequences;
use iopo_train::reference::ReferenceLogps;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use burn::tensor::Bytes;
use burn_pack::Reader;
use iopo_llm::{Progress, Silent};
use iopo_model::{Decoder, LoraConfig, NamedTensors};
use iopo_train::{
    EncodedGroup, Method, Objective, SequenceLayout, TrainError,
    eval_strategy::{BestModelMetric, EvalStrategy},
    evaluate::group_logps,
    events::EVENTS,
    metrics::MetricMeans,
    optim::{Optimizer, OptimizerName},
    schedule::SchedulerType,
    state::TrainerState,
    trainer::Trainer,
    weights::{self, ADAPTER},
};
use proptest::prelude::*;

use crate::common::{adamw, decoder, groups, trainer, with_adapter};

const VOCAB: usize = 61;
/// Of a loss, and of a gradient beside its global norm.
const TOLERANCE: f64 = 5e-6;

fn lora() -> LoraConfig {
    LoraConfig::new(2, 4.0)
}

fn sums(decoder: &Decoder, groups: &[&EncodedGroup]) -> ReferenceLogps {
    let sums = group_logps(decoder, groups, SequenceLayout::Tree, 500, all_sequences, &Silent);
    groups.iter().map(|group| group.id.clone()).zip(sums.expect("sums")).collect()
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(Method::ALL.to_vec())
}

/// Loss and gradients of an update.
fn gradients(
    trainer: &Trainer<'_>,
    start: &Decoder,
    members: &[&EncodedGroup],
) -> (f64, NamedTensors) {
    let mut state = TrainerState::new(start.clone(), adamw(0.0));
    let mut means = MetricMeans::default();
    let (gradients, loss) = trainer.gradients(&mut state, members, &mut means).expect("gradients");
    (loss, start.named_gradients(&gradients).expect("names"))
}

/// How far two updates are apart: in loss, and in the gradient beside its norm.
fn apart(a: &(f64, NamedTensors), b: &(f64, NamedTensors)) -> (f64, f64) {
    assert_eq!(a.1.keys().collect::<Vec<_>>(), b.1.keys().collect::<Vec<_>>());
    let (mut difference, mut norm) = (0.0, 0.0);
    for (name, (_, values)) in &b.1 {
        for (one, other) in a.1[name].1.iter().zip(values) {
            difference += f64::from(one - other).powi(2);
            norm += f64::from(*other).powi(2);
        }
    }
    assert!(norm > 0.0, "no gradient: the test would show nothing");
    ((a.0 - b.0).abs() / b.0.abs().max(1.0), (difference / norm).sqrt())
}

fn same(apart: (f64, f64)) -> bool {
    apart.0 < TOLERANCE && apart.1 < TOLERANCE
}

/// The optimizer's state by name; Burn writes it in no fixed order.
fn moments(state: &TrainerState) -> BTreeMap<String, Vec<u8>> {
    let bytes = state.optimizer.to_bytes().expect("moments");
    let reader = Reader::from_bytes(Bytes::from_bytes_vec(bytes)).expect("Burn's format");
    let mut kept: BTreeMap<String, Vec<u8>> = reader
        .scalars()
        .iter()
        .map(|(name, value)| (name.clone(), format!("{value:?}").into_bytes()))
        .collect();
    for tensor in reader.into_tensors().expect("tensors") {
        let (name, _, _, _, bytes) = tensor.into_parts().expect("bytes");
        kept.insert(name, bytes.to_vec());
    }
    assert!(!kept.is_empty());
    kept
}

/// Asks to stop after some looks.
struct StopAfter(AtomicUsize);

impl Progress for StopAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }
}

/// What a training is to be resumed in.
#[derive(Debug, Clone, Copy)]
struct Settings {
    method: Method,
    lr_scheduler_type: SchedulerType,
    eval_strategy: EvalStrategy,
    save_steps: usize,
}

fn settings() -> impl Strategy<Value = Settings> {
    let scheduler_types =
        vec![SchedulerType::Constant, SchedulerType::Linear, SchedulerType::Cosine];
    let watch = (
        0usize..4,
        0usize..3,
        prop::sample::select(vec![BestModelMetric::Loss, BestModelMetric::Accuracy]),
        any::<bool>(),
    );
    let watch = watch.prop_map(
        |(eval_steps, early_stopping_patience, metric_for_best_model, load_best_model_at_end)| {
            EvalStrategy {
                eval_steps,
                early_stopping_patience,
                metric_for_best_model,
                load_best_model_at_end,
            }
        },
    );
    (method(), prop::sample::select(scheduler_types), watch, 1usize..4).prop_map(
        |(method, lr_scheduler_type, eval_strategy, save_steps)| Settings {
            method,
            lr_scheduler_type,
            eval_strategy,
            save_steps,
        },
    )
}

/// Trains, stopping after every `looks` looks, until it is done; answers with the stops.
fn train(dir: &Path, settings: Settings, looks: usize) -> usize {
    let groups = groups(10, VOCAB, 71);
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let adapter = lora();
    let start = with_adapter(decoder(VOCAB, 70), &adapter);
    let sums = sums(&decoder(VOCAB, 72), &members);
    let mut trainer = trainer(&members, &sums, Some(&adapter), dir);
    trainer.objective = Objective::new(settings.method, 0.5, 0.5);
    trainer.schedule.lr_scheduler_type = settings.lr_scheduler_type;
    trainer.data.dev = &members[..3];
    trainer.eval_strategy = settings.eval_strategy;
    trainer.save_steps = settings.save_steps;
    let mut stops = 0;
    loop {
        match trainer.run(&start, &StopAfter(AtomicUsize::new(looks))) {
            Ok(_) => return stops,
            Err(TrainError::Cancelled) => stops += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn how_an_update_is_cut_and_ordered_changes_neither_loss_nor_gradients(
        method in method(),
        seed in 0u64..1 << 40,
        order in Just((0..4usize).collect::<Vec<_>>()).prop_shuffle(),
        adapted in any::<bool>(),
    ) {
        let groups = groups(4, VOCAB, seed);
        let members: Vec<&EncodedGroup> = groups.iter().collect();
        let adapter = lora();
        let plain = decoder(VOCAB, seed ^ 1);
        let start = if adapted { with_adapter(plain, &adapter) } else { plain };
        let reference = sums(&decoder(VOCAB, seed ^ 2), &members);
        let folder = tempfile::tempdir().expect("a folder");
        let mut trainer = trainer(&members, &reference, adapted.then_some(&adapter), folder.path());
        trainer.objective = Objective { gamma: 0.5, ..Objective::new(method, 0.3, 0.5) };
        let mut of = |budget: usize, members: &[&EncodedGroup]| {
            trainer.tokens_per_micro_batch = budget;
            gradients(&trainer, &start, members)
        };
        let whole = of(1 << 20, &members);
        let one_by_one = apart(&of(1, &members), &whole);
        prop_assert!(same(one_by_one), "{method}: one by one is off by {one_by_one:?}");
        let shuffled: Vec<&EncodedGroup> = order.iter().map(|&at| members[at]).collect();
        let other_order = apart(&of(1 << 20, &shuffled), &whole);
        prop_assert!(same(other_order), "{method}: another order is off by {other_order:?}");
    }

    #[test]
    fn a_resumed_training_is_the_uninterrupted_one(settings in settings(), looks in 2usize..9) {
        let folder = tempfile::tempdir().expect("a folder");
        let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
        prop_assert_eq!(train(&whole, settings, usize::MAX), 0);
        train(&pieces, settings, looks);
        for name in [ADAPTER, "metrics.parquet", "finished.json", EVENTS] {
            let [a, b] = [&whole, &pieces].map(|dir| std::fs::read(dir.join(name)).expect("written"));
            prop_assert!(a == b, "{name} differs");
        }
    }

    #[test]
    fn a_resumed_learner_has_the_same_weights_moments_and_rates(
        method in method(),
        optimizer in proptest::sample::select(OptimizerName::ALL.to_vec()),
        before in 1usize..4,
        after in 1usize..4,
    ) {
        let groups = groups(4, VOCAB, 81);
        let members: Vec<&EncodedGroup> = groups.iter().collect();
        let adapter = lora();
        let start = with_adapter(decoder(VOCAB, 80), &adapter);
        let reference = sums(&decoder(VOCAB, 82), &members);
        let folder = tempfile::tempdir().expect("a folder");
        let mut trainer = trainer(&members, &reference, Some(&adapter), folder.path());
        trainer.objective = Objective::new(method, 0.3, 0.5);
        (trainer.schedule.warmup, trainer.schedule.total) = (2, 8);
        let advance = |mut state: TrainerState, updates: usize| {
            for _ in 0..updates {
                state = trainer.update(state, &members).expect("an update").0;
            }
            state
        };
        let half = advance(TrainerState::new(start.clone(), Optimizer::new(optimizer, 0.01)), before);
        let saved = half.checkpoint().expect("a checkpoint");
        let resumed = TrainerState::resume(&start, Optimizer::new(optimizer, 0.01), Some(&adapter), saved).expect("fits");
        let [a, b] = [half, resumed].map(|state| {
            let state = advance(state, after);
            let kept = moments(&state);
            (weights::trained_tensors(&state.decoder).expect("factors"), kept, state.metrics)
        });
        prop_assert!(a.0 == b.0, "other weights");
        prop_assert!(a.1 == b.1, "other moments");
        prop_assert_eq!(a.2, b.2);
    }
}
