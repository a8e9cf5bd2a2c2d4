//! Stopping at every look that a training takes: nothing that was computed is lost.

use iopo_train::encode::all_sequences;
use iopo_train::reference::ReferenceLogps;
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::common::{decoder, groups, trainer, with_adapter};
use iopo_llm::{Progress, Silent};
use iopo_model::{Decoder, LoraConfig};
use iopo_schema::{MetricRow, read};
use iopo_train::{
    EncodedGroup, SequenceLayout, TrainError, evaluate::group_logps, trainer::Trainer,
    weights::ADAPTER,
};

const VOCAB: usize = 61;
/// Updates of an epoch; there are two epochs.
const EPOCH: usize = 3;

/// Counts the looks at the stop flag and asks to stop from one of them on.
struct StopAt {
    looks: AtomicUsize,
    at: usize,
}

impl StopAt {
    fn new(at: usize) -> Self {
        Self { looks: AtomicUsize::new(0), at }
    }
}

impl Progress for StopAt {
    fn cancelled(&self) -> bool {
        self.looks.fetch_add(1, Ordering::SeqCst) >= self.at
    }
}

/// A trainer whose only checkpoints are those of its stops.
fn with_trainer<T>(dir: &Path, test: impl FnOnce(&Trainer<'_>, &Decoder) -> T) -> T {
    let groups = groups(10, VOCAB, 31);
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let lora = LoraConfig::new(2, 4.0);
    let start = with_adapter(decoder(VOCAB, 30), &lora);
    let sums = group_logps(&start, &members, SequenceLayout::Tree, 500, all_sequences, &Silent);
    let ids = members.iter().map(|group| group.id.clone());
    let sums: ReferenceLogps = ids.zip(sums.expect("sums")).collect();
    let mut trainer = trainer(&members, &sums, Some(&lora), dir);
    trainer.data.dev = &members[..3];
    trainer.save_steps = 1000;
    test(&trainer, &start)
}

fn product(dir: &Path) -> [Vec<u8>; 2] {
    [ADAPTER, "metrics.parquet"].map(|name| std::fs::read(dir.join(name)).expect("written"))
}

/// The one checkpoint of a stopped training: updates done, and whether the last of them was evaluated.
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
fn a_stop_anywhere_keeps_every_update_and_the_rest_is_the_same_bit_for_bit() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    let counter = StopAt::new(usize::MAX);
    with_trainer(&whole, |trainer, start| trainer.run(start, &counter)).expect("trained");
    let wanted = product(&whole);
    let looks = counter.looks.into_inner();
    let mut inside_evaluation = 0;
    for at in 0..looks {
        let dir = folder.path().join(format!("stopped-{at}"));
        with_trainer(&dir, |trainer, start| {
            let stop = StopAt::new(at);
            let stopped = trainer.run(start, &stop);
            assert!(matches!(stopped, Err(TrainError::Cancelled)), "{at}: there was work left");
            match stopped_at(&dir) {
                None => assert_eq!(at, 0, "updates were lost"),
                Some((step, evaluated)) => {
                    // One look before each update and each evaluation, the others inside evaluations.
                    let evaluations = (looks - 2 * EPOCH) / 2;
                    let done = (at > EPOCH).then(|| at.saturating_sub(evaluations).max(EPOCH));
                    assert_eq!(step, done.unwrap_or(at).min(2 * EPOCH), "look {at} of {looks}");
                    inside_evaluation += usize::from(step.is_multiple_of(EPOCH) && !evaluated);
                }
            }
            trainer.run(start, &Silent).expect("goes on");
        });
        assert_eq!(product(&dir), wanted, "stopped at look {at}");
    }
    assert!(
        inside_evaluation >= 4,
        "before and inside each of two evaluations: {inside_evaluation}"
    );
}
