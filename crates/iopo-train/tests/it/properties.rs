//! Properties of any groups and settings: the micro-batches and the order of an update do not change its result, and a
//! resumed training equals an uninterrupted one.

use std::{collections::BTreeMap, path::Path};

use burn::tensor::Bytes;
use burn_pack::Reader;
use iopo_model::{Decoder, LoraConfig, NamedTensors};
use iopo_train::{
    EncodedGroup, Method, TrainError,
    eval_strategy::BestModelMetric,
    events::EVENTS,
    metrics::MetricMeans,
    optim::{Optimizer, OptimizerName},
    schedule::SchedulerType,
    state::TrainerState,
    trainer::{Trainer, TrainingData},
    weights::{self, ADAPTER},
};
use proptest::prelude::*;
use safetensors::SafeTensors;

use crate::common::{
    StopAfter, adamw, decoder, groups, logps, set_loss, token_settings, trainer, with_adapter,
};

const VOCAB: usize = 61;
/// Largest relative difference of a loss and of a gradient.
const TOLERANCE: f64 = 5e-6;

fn lora() -> LoraConfig {
    LoraConfig::new(2, 4.0)
}

fn method() -> impl Strategy<Value = Method> {
    prop::sample::select(Method::ALL.to_vec())
}

/// Computes loss and gradients of an update.
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

/// Returns the relative differences of two updates, in loss and in the gradient.
fn apart(a: &(f64, NamedTensors), b: &(f64, NamedTensors)) -> (f64, f64) {
    assert_eq!(a.1.keys().collect::<Vec<_>>(), b.1.keys().collect::<Vec<_>>());
    let (mut difference, mut norm) = (0.0, 0.0);
    for (name, (_, values)) in &b.1 {
        for (one, other) in a.1[name].1.iter().zip(values) {
            difference += f64::from(one - other).powi(2);
            norm += f64::from(*other).powi(2);
        }
    }
    assert!(norm > 0.0, "the gradient is 0, so nothing is tested");
    ((a.0 - b.0).abs() / b.0.abs().max(1.0), (difference / norm).sqrt())
}

fn same(apart: (f64, f64)) -> bool {
    apart.0 < TOLERANCE && apart.1 < TOLERANCE
}

/// Returns the optimizer's state by name, because Burn does not write it in a fixed order. That of `AdamW` has one.
fn moments(state: &TrainerState) -> BTreeMap<String, Vec<u8>> {
    let bytes = state.optimizer.to_bytes().expect("moments");
    if SafeTensors::deserialize(&bytes).is_ok() {
        return BTreeMap::from([("adamw".to_owned(), bytes)]);
    }
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

/// Settings of a training that is resumed.
#[derive(Debug, Clone, Copy)]
struct Settings {
    method: Method,
    lr_scheduler_type: SchedulerType,
    eval_steps: usize,
    early_stopping_patience: usize,
    metric_for_best_model: BestModelMetric,
    load_best_model_at_end: bool,
    save_steps: usize,
}

fn settings() -> impl Strategy<Value = Settings> {
    let evaluation = (
        0usize..4,
        0usize..3,
        prop::sample::select(vec![BestModelMetric::Loss, BestModelMetric::Accuracy]),
        any::<bool>(),
    );
    (method(), prop::sample::select(SchedulerType::ALL), evaluation, 1usize..4).prop_map(
        |(method, lr_scheduler_type, evaluation, save_steps)| {
            let (
                eval_steps,
                early_stopping_patience,
                metric_for_best_model,
                load_best_model_at_end,
            ) = evaluation;
            Settings {
                method,
                lr_scheduler_type,
                eval_steps,
                early_stopping_patience,
                metric_for_best_model,
                load_best_model_at_end,
                save_steps,
            }
        },
    )
}

/// Trains, cancelling after every `checks` checks of the flag and resuming until it is done. Returns the cancellations.
fn train(dir: &Path, settings: Settings, checks: usize) -> usize {
    let groups = groups(10, VOCAB, 71);
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let adapter = lora();
    let start = with_adapter(decoder(VOCAB, 70), &adapter);
    let reference = logps(&decoder(VOCAB, 72), &members);
    let mut config = token_settings(Some(&adapter));
    set_loss(&mut config, settings.method, (0.5, 0.5));
    config.lr_scheduler_type = settings.lr_scheduler_type;
    config.eval_steps = settings.eval_steps;
    config.early_stopping_patience = settings.early_stopping_patience;
    config.metric_for_best_model = settings.metric_for_best_model;
    config.load_best_model_at_end = settings.load_best_model_at_end;
    config.save_steps = settings.save_steps;
    let data = TrainingData { train: &members, dev: &members[..3], reference: &reference };
    let trainer = trainer(&config, settings.method, data, dir);
    let mut cancellations = 0;
    loop {
        match trainer.run(&start, &StopAfter::new(checks)) {
            Ok(_) => return cancellations,
            Err(TrainError::Cancelled) => cancellations += 1,
            Err(error) => panic!("{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn micro_batches_and_order_change_neither_loss_nor_gradients(
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
        let reference = logps(&decoder(VOCAB, seed ^ 2), &members);
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = token_settings(adapted.then_some(&adapter));
        set_loss(&mut config, method, (0.3, 0.5));
        let data = TrainingData { train: &members, dev: &[], reference: &reference };
        let mut of = |budget: usize, members: &[&EncodedGroup]| {
            config.tokens_per_micro_batch = Some(budget);
            gradients(&trainer(&config, method, data, folder.path()), &start, members)
        };
        let whole = of(1 << 20, &members);
        let one_by_one = apart(&of(1, &members), &whole);
        prop_assert!(same(one_by_one), "{method}: micro-batches of one group differ by {one_by_one:?}");
        let shuffled: Vec<&EncodedGroup> = order.iter().map(|&at| members[at]).collect();
        let other_order = apart(&of(1 << 20, &shuffled), &whole);
        prop_assert!(same(other_order), "{method}: another order differs by {other_order:?}");
    }

    #[test]
    fn a_resumed_training_equals_an_uninterrupted_one(settings in settings(), checks in 2usize..9) {
        let folder = tempfile::tempdir().expect("a folder");
        let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
        prop_assert_eq!(train(&whole, settings, usize::MAX), 0);
        train(&pieces, settings, checks);
        for name in [ADAPTER, "metrics.parquet", "finished.json", EVENTS] {
            let [a, b] = [&whole, &pieces].map(|dir| std::fs::read(dir.join(name)).expect("written"));
            prop_assert!(a == b, "{name} differs");
        }
    }

    #[test]
    fn a_resumed_trainer_has_the_same_weights_moments_and_rates(
        method in method(),
        optimizer in proptest::sample::select(OptimizerName::ALL.to_vec()),
        before in 1usize..4,
        after in 1usize..4,
    ) {
        let groups = groups(4, VOCAB, 81);
        let members: Vec<&EncodedGroup> = groups.iter().collect();
        let adapter = lora();
        let start = with_adapter(decoder(VOCAB, 80), &adapter);
        let reference = logps(&decoder(VOCAB, 82), &members);
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = token_settings(Some(&adapter));
        set_loss(&mut config, method, (0.3, 0.5));
        // 8 updates, 2 of them warm-up.
        (config.num_train_epochs, config.sft.num_train_epochs) = (8, 8);
        config.warmup_ratio = 0.25;
        let data = TrainingData { train: &members, dev: &[], reference: &reference };
        let trainer = trainer(&config, method, data, folder.path());
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
