//! Gradient checkpointing changes no byte of the files that training writes, and can start or end at any update.

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use iopo_llm::{Progress, Silent};
use iopo_model::LoraConfig;
use iopo_train::{
    EncodedGroup, GradientCheckpointing, Method, TrainConfig, TrainError,
    trainer::{TrainOutput, TrainingData},
    weights,
};

use crate::common::{decoder, groups, logps, token_settings, trainer, with_adapter};

const VOCAB: usize = 61;

/// Records messages, and cancels after a number of checks.
struct Watcher {
    checks: AtomicUsize,
    messages: Mutex<Vec<String>>,
}

impl Watcher {
    fn new(checks: usize) -> Self {
        Self { checks: AtomicUsize::new(checks), messages: Mutex::default() }
    }

    fn record(&self, text: &str) {
        self.messages.lock().expect("no panic").push(text.to_owned());
    }
}

impl Progress for Watcher {
    fn advance(&self, steps: u64) {
        if steps > 0 {
            self.record("update");
        }
    }

    fn note(&self, text: &str) {
        self.record(text);
    }

    fn cancelled(&self) -> bool {
        let left = |left: usize| left.checked_sub(1);
        self.checks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_err()
    }
}

/// Trains adapters or every weight; each update has several micro-batches.
fn run(
    dir: &Path,
    lora: Option<&LoraConfig>,
    gradient_checkpointing: GradientCheckpointing,
    change: impl FnOnce(&mut TrainConfig),
    progress: &dyn Progress,
) -> Result<TrainOutput, TrainError> {
    let groups = groups(10, VOCAB, 31);
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let plain = decoder(VOCAB, 30);
    let start = lora.map_or_else(|| plain.clone(), |lora| with_adapter(plain.clone(), lora));
    let reference = logps(&start, &members);
    let mut config = token_settings(lora);
    config.tokens_per_micro_batch = Some(60);
    config.gradient_checkpointing = gradient_checkpointing;
    change(&mut config);
    let data = TrainingData { train: &members, dev: &members[..3], reference: &reference };
    trainer(&config, Method::Iopo, data, dir).starts_at_reference(true).run(&start, progress)
}

/// Returns the weights and metrics of a training that stops and resumes with each of these settings.
fn product(
    dir: &Path,
    lora: Option<&LoraConfig>,
    settings: &[GradientCheckpointing],
    change: impl Fn(&mut TrainConfig),
) -> [Vec<u8>; 2] {
    let (last, before) = settings.split_last().expect("a setting");
    for setting in before {
        let stopped = run(dir, lora, *setting, &change, &Watcher::new(3));
        assert!(matches!(stopped, Err(TrainError::Cancelled)));
    }
    run(dir, lora, *last, &change, &Silent).expect("trained");
    let weights = if lora.is_some() { weights::ADAPTER } else { weights::WEIGHTS };
    [weights, "metrics.parquet"].map(|name| std::fs::read(dir.join(name)).expect("written"))
}

#[test]
fn gradient_checkpointing_changes_no_byte_even_if_it_is_switched_between_updates() {
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
        // Negative control: a setting that changes results changes the same bytes.
        let other = product(&folder.path().join("other"), lora, &[Always], |config| {
            config.beta *= 1.001;
        });
        assert!(other != kept);
    }
}

#[test]
fn the_choice_and_its_cost_are_reported_before_the_first_update() {
    let lora = LoraConfig::new(2, 4.0);
    let first_message = |setting: GradientCheckpointing| {
        let folder = tempfile::tempdir().expect("a folder");
        let watcher = Watcher::new(1000);
        run(folder.path(), Some(&lora), setting, |_| {}, &watcher).expect("trained");
        let messages = watcher.messages.into_inner().expect("no panic");
        assert_eq!(messages.len(), 8, "memory, time, then six updates");
        messages.into_iter().next().expect("a line")
    };
    let always = first_message(GradientCheckpointing::Always);
    assert!(always.contains("gradient checkpointing on"), "{always}");
    assert!(always.contains("slower (as configured); off: "), "{always}");
    // The tiny model fits every machine that reports its memory.
    let auto = first_message(GradientCheckpointing::Auto);
    let reason = if cfg!(target_os = "linux") { "GB available" } else { "does not report" };
    assert!(auto.contains("gradient checkpointing off") && auto.contains(reason), "{auto}");
}
