//! Computing activations again changes no byte of what a training writes, and can begin or end at any update.

use iopo_train::encode::all_sequences;
use iopo_train::reference::ReferenceLogps;
use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::common::{decoder, groups, trainer, with_adapter};
use iopo_llm::{Progress, Silent};
use iopo_model::{Decoder, LoraConfig};
use iopo_train::{
    EncodedGroup, GradientCheckpointing, SequenceLayout, TrainError, evaluate::group_logps,
    trainer::Trainer, weights,
};

const VOCAB: usize = 61;

/// Notes what is said, and asks to stop after some looks.
struct Watcher {
    looks: AtomicUsize,
    said: Mutex<Vec<String>>,
}

impl Watcher {
    fn new(looks: usize) -> Self {
        Self { looks: AtomicUsize::new(looks), said: Mutex::default() }
    }

    fn say(&self, text: &str) {
        self.said.lock().expect("no panic").push(text.to_owned());
    }
}

impl Progress for Watcher {
    fn advance(&self, steps: u64) {
        if steps > 0 {
            self.say("update");
        }
    }

    fn note(&self, text: &str) {
        self.say(text);
    }

    fn cancelled(&self) -> bool {
        let left = |left: usize| left.checked_sub(1);
        self.looks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_err()
    }
}

/// Hands a training of adapters or of every weight to `test`, whose updates have several micro-batches.
fn with_trainer<T>(
    dir: &Path,
    lora: Option<&LoraConfig>,
    test: impl FnOnce(&mut Trainer<'_>, &Decoder) -> T,
) -> T {
    let groups = groups(10, VOCAB, 31);
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let plain = decoder(VOCAB, 30);
    let start = lora.map_or_else(|| plain.clone(), |lora| with_adapter(plain.clone(), lora));
    let sums = group_logps(&start, &members, SequenceLayout::Tree, 500, all_sequences, &Silent);
    let ids = members.iter().map(|group| group.id.clone());
    let sums: ReferenceLogps = ids.zip(sums.expect("sums")).collect();
    let mut trainer = trainer(&members, &sums, lora, dir);
    trainer.data.dev = &members[..3];
    trainer.tokens_per_micro_batch = 60;
    trainer.starts_at_reference = true;
    test(&mut trainer, &start)
}

/// The weights and metrics that a training writes, stopped and gone on with under one setting after the other.
fn product(
    dir: &Path,
    lora: Option<&LoraConfig>,
    settings: &[GradientCheckpointing],
    change: impl FnOnce(&mut Trainer<'_>),
) -> [Vec<u8>; 2] {
    with_trainer(dir, lora, |trainer, start| {
        change(trainer);
        let (last, before) = settings.split_last().expect("a setting");
        for setting in before {
            trainer.gradient_checkpointing = *setting;
            let stopped = trainer.run(start, &Watcher::new(3));
            assert!(matches!(stopped, Err(TrainError::Cancelled)));
        }
        trainer.gradient_checkpointing = *last;
        trainer.run(start, &Silent).expect("trained");
    });
    let weights = if lora.is_some() { weights::ADAPTER } else { weights::WEIGHTS };
    [weights, "metrics.parquet"].map(|name| std::fs::read(dir.join(name)).expect("written"))
}

#[test]
fn no_byte_changes_with_it_nor_where_it_is_switched_between_updates() {
    use GradientCheckpointing::{Always, Auto, Never};
    let lora = LoraConfig::new(2, 4.0);
    for lora in [Some(&lora), None] {
        let folder = tempfile::tempdir().expect("a folder");
        let made = |name: &str, settings: &[GradientCheckpointing]| {
            product(&folder.path().join(name), lora, settings, |_| {})
        };
        let kept = made("kept", &[Never]);
        assert!(made("recomputed", &[Always]) == kept, "recomputed, lora: {}", lora.is_some());
        assert!(made("resumed", &[Always, Always]) == kept, "resumed, lora: {}", lora.is_some());
        assert!(made("switched", &[Never, Always, Auto]) == kept, "lora: {}", lora.is_some());
        // Control: what does change results is seen in the same bytes.
        let other = product(&folder.path().join("other"), lora, &[Always], |trainer| {
            trainer.objective.beta *= 1.001;
        });
        assert!(other != kept);
    }
}

#[test]
fn what_was_chosen_and_what_it_costs_is_said_before_the_first_update() {
    let lora = LoraConfig::new(2, 4.0);
    let said = |gradient_checkpointing: GradientCheckpointing| {
        let folder = tempfile::tempdir().expect("a folder");
        let watcher = Watcher::new(1000);
        with_trainer(folder.path(), Some(&lora), |trainer, start| {
            trainer.gradient_checkpointing = gradient_checkpointing;
            trainer.run(start, &watcher).expect("trained");
        });
        let said = watcher.said.into_inner().expect("no panic");
        assert_eq!(said.len(), 8, "memory, time, then six updates");
        said.into_iter().next().expect("a line")
    };
    let always = said(GradientCheckpointing::Always);
    let told = always.contains("gradient checkpointing on")
        && always.contains("slower (as configured); off: ");
    assert!(told, "{always}");
    // So little fits anywhere that tells how much it has.
    let auto = said(GradientCheckpointing::Auto);
    let why = if cfg!(target_os = "linux") { "GB available" } else { "does not report" };
    assert!(auto.contains("gradient checkpointing off") && auto.contains(why), "{auto}");
}
