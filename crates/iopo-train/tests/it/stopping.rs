//! Cancelling at every check of the flag loses no finished work.

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use iopo_llm::{Progress, Silent};
use iopo_model::{Decoder, LoraConfig};
use iopo_schema::{MetricRow, read};
use iopo_train::{
    EncodedGroup, Method, TrainError,
    trainer::{Trainer, TrainingData},
    weights::ADAPTER,
};

use crate::common::{decoder, groups, logps, token_settings, trainer, with_adapter};

const VOCAB: usize = 61;
/// Updates of an epoch; there are two epochs.
const EPOCH: usize = 3;

/// Counts the checks of the flag and cancels from one of them on.
struct StopAt {
    checks: AtomicUsize,
    at: usize,
}

impl StopAt {
    fn new(at: usize) -> Self {
        Self { checks: AtomicUsize::new(0), at }
    }
}

impl Progress for StopAt {
    fn cancelled(&self) -> bool {
        self.checks.fetch_add(1, Ordering::SeqCst) >= self.at
    }
}

/// Makes a trainer that writes a checkpoint only when it is cancelled.
fn with_trainer<T>(dir: &Path, test: impl FnOnce(&Trainer<'_>, &Decoder) -> T) -> T {
    let groups = groups(10, VOCAB, 31);
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let lora = LoraConfig::new(2, 4.0);
    let start = with_adapter(decoder(VOCAB, 30), &lora);
    let reference = logps(&start, &members);
    let mut config = token_settings(Some(&lora));
    config.save_steps = 1000;
    let data = TrainingData { train: &members, dev: &members[..3], reference: &reference };
    test(&trainer(&config, Method::Iopo, data, dir), &start)
}

fn product(dir: &Path) -> [Vec<u8>; 2] {
    [ADAPTER, "metrics.parquet"].map(|name| std::fs::read(dir.join(name)).expect("written"))
}

/// Returns the updates in the only checkpoint of a cancelled training, and whether the last one was evaluated.
fn stopped_at(dir: &Path) -> Option<(usize, bool)> {
    let entries = std::fs::read_dir(dir.join("checkpoint")).ok()?;
    let paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(paths.len(), 1, "{paths:?}");
    let name = paths[0].file_name()?.to_str()?;
    let step: usize = name.strip_prefix("step-")?.parse().ok()?;
    let metrics: Vec<MetricRow> = read(&paths[0].join("metrics.parquet")).expect("metrics");
    let evaluated = metrics.iter().any(|row| row.step == step as u64 && row.name == "eval_loss");
    Some((step, evaluated))
}

#[test]
fn cancelling_anywhere_keeps_every_update_and_a_resumed_training_is_the_same_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    let counter = StopAt::new(usize::MAX);
    with_trainer(&whole, |trainer, start| trainer.run(start, &counter)).expect("trained");
    let wanted = product(&whole);
    let checks = counter.checks.into_inner();
    let mut inside_evaluation = 0;
    for at in 0..checks {
        let dir = folder.path().join(format!("stopped-{at}"));
        with_trainer(&dir, |trainer, start| {
            let stop = StopAt::new(at);
            let stopped = trainer.run(start, &stop);
            assert!(
                matches!(stopped, Err(TrainError::Cancelled)),
                "{at}: finished before it was cancelled"
            );
            match stopped_at(&dir) {
                None => assert_eq!(at, 0, "no checkpoint was written"),
                Some((step, evaluated)) => {
                    // One check precedes each update and each evaluation; the others are inside evaluations.
                    let evaluations = (checks - 2 * EPOCH) / 2;
                    let done = (at > EPOCH).then(|| at.saturating_sub(evaluations).max(EPOCH));
                    assert_eq!(step, done.unwrap_or(at).min(2 * EPOCH), "check {at} of {checks}");
                    inside_evaluation += usize::from(step.is_multiple_of(EPOCH) && !evaluated);
                }
            }
            trainer.run(start, &Silent).expect("resumes");
        });
        assert_eq!(product(&dir), wanted, "cancelled at check {at}");
    }
    assert!(
        inside_evaluation >= 4,
        "expected checks before and inside both evaluations, found {inside_evaluation}"
    );
}
