//! A tiny random decoder with a byte tokenizer, and groups for it. Tests need no download.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use iopo_core::FalseCells;
use iopo_llm::{Progress, Silent};
use iopo_model::{ChatTemplate, Decoder, LoraConfig, ModelConfig, Tokenizer};
use iopo_schema::{
    GroupKind, Method as VerdictMethod, Operation, PreferenceRow, Proof, Provenance,
    ResponseSource, Split, VerdictRow, content_id,
};
use iopo_train::{
    Base, EncodedGroup, Method, Origin, Override, SequenceLayout, TrainConfig,
    encode::all_sequences,
    evaluate::group_logps,
    optim::{Optimizer, OptimizerName},
    reference::ReferenceLogps,
    trainer::{Trainer, TrainingData},
};

use crate::under_test::{UnderTest, under_test};

pub(crate) const LORA_SEED: u64 = 11;

/// Pseudorandom numbers in [0, 1), the same in every run.
pub(crate) struct Numbers(u64);

impl Numbers {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() * bound as f64) as usize
    }
}

pub(crate) fn config(vocab_size: usize) -> ModelConfig {
    let json = serde_json::json!({
        "model_type": "llama", "vocab_size": vocab_size, "hidden_size": 32, "intermediate_size": 48,
        "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8,
        "rms_norm_eps": 1e-5, "rope_theta": 1e4, "max_position_embeddings": 512,
        "tie_word_embeddings": true, "eos_token_id": 0, "pad_token_id": 0,
    });
    ModelConfig::from_hf_json(&json, Path::new("config.json")).expect("a configuration")
}

/// A decoder with random weights that are large enough for every token to change the logps.
pub(crate) fn decoder(vocab_size: usize, seed: u64) -> Decoder {
    let mut numbers = Numbers::new(seed);
    let UnderTest { device, .. } = under_test();
    Decoder::from_tensors(&config(vocab_size), &device, |name, shape| {
        let size: usize = shape.iter().product();
        let draw = |_| {
            let centered = (numbers.next() - 0.5) as f32;
            if name.contains("norm") { 1.0 + 0.2 * centered } else { 0.5 * centered }
        };
        Ok((0..size).map(draw).collect())
    })
    .expect("a decoder")
}

pub(crate) fn with_adapter(decoder: Decoder, lora: &LoraConfig) -> Decoder {
    decoder.with_lora(lora, LORA_SEED).expect("adapters")
}

/// Groups of random tokens whose instructions share a stem.
pub(crate) fn groups(count: usize, vocab: usize, seed: u64) -> Vec<EncodedGroup> {
    let mut numbers = Numbers::new(seed);
    let mut tokens = |length: usize| -> Vec<u32> {
        (0..length).map(|_| 1 + numbers.below(vocab - 1) as u32).collect()
    };
    (0..count)
        .map(|index| {
            let stem = tokens(6 + index % 4);
            let join = |rest: Vec<u32>| [stem.clone(), rest].concat();
            let end = |mut response: Vec<u32>| {
                response.push(0);
                response
            };
            EncodedGroup {
                id: format!("group-{index:03}"),
                x1: join(tokens(3 + index % 3)),
                x2: join(tokens(4)),
                y1: end(tokens(2 + index % 5)),
                y2: end(tokens(4)),
                false_cells: match index % 4 {
                    1 => FalseCells { x1y2: true, x2y1: false },
                    3 => FalseCells { x1y2: false, x2y1: true },
                    _ => FalseCells::BOTH,
                },
            }
        })
        .collect()
}

/// Settings for the groups of [`groups`]; every test changes what it examines.
pub(crate) fn token_settings(lora: Option<&LoraConfig>) -> TrainConfig {
    let mut config = TrainConfig::default();
    config.groups_per_update = 4;
    config.num_train_epochs = 2;
    config.learning_rate = 1e-2;
    config.tokens_per_micro_batch = Some(200);
    config.save_steps = 2;
    config.use_peft = lora.is_some();
    config.lora = lora.cloned().unwrap_or_default();
    config
}

/// Gives a method these numbers instead of its published ones, and the common learning rate.
pub(crate) fn set_loss(config: &mut TrainConfig, method: Method, (beta, pref_ftx): (f64, f64)) {
    let mut own = Override::default();
    own.learning_rate = Some(config.learning_rate);
    (own.beta, own.pref_ftx, own.gamma) = (Some(beta), Some(pref_ftx), Some(0.5));
    config.overrides.insert(method, own);
}

/// Makes a trainer whose policy differs from its reference from the start.
pub(crate) fn trainer<'a>(
    config: &TrainConfig,
    method: Method,
    data: TrainingData<'a>,
    dir: &Path,
) -> Trainer<'a> {
    Trainer::new(config, method, 3, data, dir, &Origin::default()).starts_at_reference(false)
}

/// Computes the logps of all sequences of some groups, by group.
pub(crate) fn logps(decoder: &Decoder, groups: &[&EncodedGroup]) -> ReferenceLogps {
    let logps = group_logps(decoder, groups, SequenceLayout::Tree, 500, all_sequences, &Silent);
    groups.iter().map(|group| group.id.clone()).zip(logps.expect("logps")).collect()
}

/// Cancels a training after a number of checks.
pub(crate) struct StopAfter(AtomicUsize);

impl StopAfter {
    pub(crate) fn new(checks: usize) -> Self {
        Self(AtomicUsize::new(checks))
    }
}

impl Progress for StopAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }
}

/// The default optimizer.
pub(crate) fn adamw(weight_decay: f64) -> Optimizer {
    Optimizer::new(OptimizerName::Adamw, weight_decay)
}

/// A tokenizer of bytes: 256 tokens after `<eos>`, no merges.
pub(crate) fn tokenizer(dir: &Path) -> Tokenizer {
    // GPT-2 maps bytes that do not print to characters that do.
    let mut next = 256;
    let mut vocab = serde_json::Map::new();
    vocab.insert("<eos>".into(), 0.into());
    for byte in 0..=255u32 {
        let prints = (33..=126).contains(&byte) || (161..=172).contains(&byte) || byte >= 174;
        let visible_byte = if prints {
            byte
        } else {
            next += 1;
            next - 1
        };
        let letter = char::from_u32(visible_byte).expect("a letter").to_string();
        vocab.insert(letter, (byte + 1).into());
    }
    let json = serde_json::json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [{
            "id": 0, "content": "<eos>", "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true,
        }],
        "normalizer": null,
        "pre_tokenizer": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": false },
        "post_processor": null,
        "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true,
            "use_regex": false },
        "model": { "type": "BPE", "dropout": null, "unk_token": null,
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "byte_fallback": false, "vocab": vocab, "merges": [] },
    });
    fs::write(dir.join("tokenizer.json"), json.to_string()).expect("written");
    Tokenizer::from_dir(dir, &config(257)).expect("a tokenizer")
}

pub(crate) fn template() -> ChatTemplate {
    let source = "{% for m in messages %}[{{ m.role }}] {{ m.content }}\n{% endfor %}[assistant] ";
    ChatTemplate::new(source, None, Some("<eos>")).expect("a template")
}

/// Preferences as the pairs stage writes them. x1 and x2 differ in two words, so their stem is long.
pub(crate) fn rows(count: usize) -> Vec<PreferenceRow> {
    let verdict = |satisfied| VerdictRow {
        satisfied,
        score: 10.0,
        method: VerdictMethod::Code,
        evidence: String::new(),
    };
    (0..count)
        .map(|index| {
            let sided = index % 5 == 4;
            let task = format!("Say something about number {index} for a friend who asked you.");
            let x1 = format!("{task}\n1. Write in lower case.\n");
            let x2 = format!("{task}\n1. Write in capitals only.\n");
            let (y1, y2) = (format!("number {index} it is"), format!("NUMBER {index} IT IS!"));
            PreferenceRow {
                id: content_id(&[&x1, &y1, &x2, &y2]),
                task_id: format!("task-{index}"),
                split: if index % 6 == 5 { Split::Dev } else { Split::Train },
                kind: if sided { GroupKind::Sided } else { GroupKind::Full },
                operation: Some(if sided { Operation::Add } else { Operation::Revise }),
                task,
                input: None,
                context: Vec::new(),
                x1,
                y1,
                x2: Some(x2),
                y2,
                x1_constraints: Vec::new(),
                x2_constraints: Vec::new(),
                removed: Vec::new(),
                added: Vec::new(),
                y1_response_id: "r1".into(),
                y2_response_id: "r2".into(),
                y1_source: ResponseSource::BackTranslated,
                y2_source: ResponseSource::BackTranslated,
                y1_original: None,
                y2_original: None,
                proof: Proof {
                    x1y1: vec![verdict(true)],
                    x1y2: vec![verdict(sided)],
                    x2y1: vec![verdict(false)],
                    x2y2: vec![verdict(true)],
                },
            }
        })
        .collect()
}

/// Pairs as an import writes them: the rows without their second instruction.
pub(crate) fn pairs(count: usize) -> Vec<PreferenceRow> {
    let pair = |row: PreferenceRow| PreferenceRow {
        id: format!("pair-{}", row.id),
        task_id: format!("pair-{}", row.task_id),
        kind: GroupKind::Pair,
        operation: None,
        x2: None,
        proof: Proof {
            x1y2: vec![VerdictRow::new(false, VerdictMethod::Judge, "")],
            x2y1: Vec::new(),
            x2y2: Vec::new(),
            ..row.proof.clone()
        },
        ..row
    };
    rows(count).into_iter().map(pair).collect()
}

/// Writes preferences and calls `test` with their path and a base model.
pub(crate) fn with_base<T>(
    dir: &Path,
    rows: &[PreferenceRow],
    test: impl FnOnce(&Path, &Base<'_>) -> T,
) -> T {
    let path = dir.join("preferences.parquet");
    let provenance = Provenance::new("test", serde_json::json!({}));
    iopo_schema::write(&path, rows, &provenance).expect("written");
    let (decoder, tokenizer, template) = (decoder(257, 5), tokenizer(dir), template());
    let base = Base {
        name: "tiny",
        location: "/models/tiny",
        weights_hash: "tiny-hash",
        decoder: &decoder,
        tokenizer: &tokenizer,
        template: &template,
    };
    test(&path, &base)
}

/// Settings for the tiny decoder.
pub(crate) fn settings() -> TrainConfig {
    let mut config = TrainConfig::default();
    config.methods = Method::ALL.to_vec();
    config.num_train_epochs = 1;
    config.sft.num_train_epochs = 2;
    config.groups_per_update = 4;
    config.tokens_per_micro_batch = Some(1200);
    config.save_steps = 1;
    config.lora = LoraConfig::new(2, 4.0);
    config
}
