//! The estimate of a training's memory beside what the process then takes; alone in its process, whose peak it
//! reads. Left out, and says so, where SmolLM2's GGUF file is not there or the system does not tell the peak.

#[path = "it/smollm2.rs"]
mod smollm2;

use iopo_train::reference::ReferenceLogps;

use iopo_core::PerSequence;
use iopo_llm::Progress;
use iopo_model::{LoraConfig, memory};
use iopo_train::{
    EncodedGroup, GradientCheckpointing, Method, TrainConfig,
    trainer::{Trainer, TrainingData},
    weights::Card,
};

/// Collects what a user would be told.
#[derive(Default)]
struct Told(std::sync::Mutex<Vec<String>>);

impl Progress for Told {
    fn message(&self, text: &str) {
        self.0.lock().expect("not poisoned").push(text.to_owned());
    }
}

/// The number before a unit, after a word: `about 1.9 GB`.
fn number(text: &str, before: &str, after: &str) -> f64 {
    let found = text.split(before).nth(1).and_then(|rest| rest.split(after).next());
    found.expect("there").trim().parse().expect("a number")
}

#[test]
fn a_training_takes_about_the_memory_that_was_estimated() {
    let (Some(path), Some(before)) = (smollm2::file(), memory::peak()) else {
        eprintln!("left out: SmolLM2's GGUF file or the process's peak memory is not here");
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
            false_cells: [true, true],
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
    config.tokens_per_micro_batch = 1;
    config.weight_decay = 0.0;
    config.save_steps = 0;
    let metadata = Card {
        base: "smollm2".to_owned(),
        base_weights_hash: String::new(),
        template_hash: String::new(),
        method: "iopo".to_owned(),
        preferences_hash: String::new(),
        settings: serde_json::Value::Null,
    };
    let data = TrainingData { train: &members, dev: &[], reference: &reference };
    let mut trainer = Trainer::new(&config, Method::Iopo, 0, data, folder.path(), metadata);
    trainer.starts_at_reference = false;
    trainer.keep_weights = false;
    let told = Told::default();
    trainer.run(&start, &told).expect("trained");
    let told = told.0.into_inner().expect("not poisoned");
    let estimated = number(&told[0], "about ", " GB");
    let took = (memory::peak().expect("known") - before) as f64 / 1e9;
    eprintln!("{}; took {took:.2} GB", told[0]);
    assert!(told[1].contains("about") && told[1].contains("1 updates"), "{}", told[1]);
    let last = told.last().expect("a last message");
    assert!(last.contains("took") && last.contains("estimated"), "{last}");
    // Within a half and twice: it tells what fits from what does not.
    assert!(took < 2.0 * estimated && estimated < 2.0 * took, "{took} GB, estimated {estimated}");
}
