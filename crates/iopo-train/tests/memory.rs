//! The estimated memory of a training, compared with the peak of the process, so it is the only test of its binary. It is
//! skipped with a message if SmolLM2's GGUF file is missing or the system does not report the peak.

#[path = "it/smollm2.rs"]
mod smollm2;

use iopo_core::{FalseCells, PerSequence};
use iopo_llm::Progress;
use iopo_model::{LoraConfig, memory};
use iopo_train::{
    EncodedGroup, GradientCheckpointing, Method, Origin, TrainConfig,
    reference::ReferenceLogps,
    trainer::{Trainer, TrainingData},
};

/// Collects the messages.
#[derive(Default)]
struct Messages(std::sync::Mutex<Vec<String>>);

impl Progress for Messages {
    fn message(&self, text: &str) {
        self.0.lock().expect("not poisoned").push(text.to_owned());
    }
}

/// Returns the number between two texts: 1.9 of `about 1.9 GB`.
fn number(text: &str, before: &str, after: &str) -> f64 {
    let found = text.split(before).nth(1).and_then(|rest| rest.split(after).next());
    found.expect("there").trim().parse().expect("a number")
}

#[test]
fn a_training_needs_about_the_estimated_memory() {
    let (Some(path), Some(before)) = (smollm2::file(), memory::peak()) else {
        eprintln!("skipped: SmolLM2's GGUF file or the peak memory of the process is missing");
        return;
    };
    let lora = LoraConfig::default();
    let start = smollm2::decoder(&path).with_lora(&lora, 1).expect("an adapter");
    let tokens = |from: u32, count: u32| (0..count).map(|at| 1000 + from + at * 7).collect();
    let groups: Vec<EncodedGroup> = (0..2)
        .map(|index: u32| EncodedGroup {
            id: index.to_string(),
            x1: tokens(index, 256),
            x2: tokens(index + 1, 256),
            y1: tokens(index + 2, 128),
            y2: tokens(index + 3, 128),
            false_cells: FalseCells::BOTH,
        })
        .collect();
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let reference: ReferenceLogps =
        groups.iter().map(|group| (group.id.clone(), PerSequence::from_fn(|_| -300.0))).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = TrainConfig::default();
    config.groups_per_update = 2;
    config.num_train_epochs = 1;
    config.learning_rate = 1e-5;
    config.warmup_ratio = 0.0;
    config.pref_ftx = 0.0;
    config.gradient_checkpointing = GradientCheckpointing::Never;
    config.tokens_per_micro_batch = Some(1);
    config.weight_decay = 0.0;
    config.save_steps = 0;
    let data = TrainingData { train: &members, dev: &[], reference: &reference };
    let trainer = Trainer::new(&config, Method::Iopo, 0, data, folder.path(), &Origin::default())
        .starts_at_reference(false)
        .writes_weights(false);
    let messages = Messages::default();
    trainer.run(&start, &messages).expect("trained");
    let messages = messages.0.into_inner().expect("not poisoned");
    let estimated = number(&messages[0], "about ", " GB");
    let took = (memory::peak().expect("known") - before) as f64 / 1e9;
    eprintln!("{}; took {took:.2} GB", messages[0]);
    assert!(messages[1].contains("about") && messages[1].contains("1 updates"), "{}", messages[1]);
    let last = messages.last().expect("a last message");
    assert!(last.contains("took") && last.contains("estimated"), "{last}");
    // A factor of 2 is enough to tell whether a training fits.
    assert!(took < 2.0 * estimated && estimated < 2.0 * took, "{took} GB, estimated {estimated}");
}
