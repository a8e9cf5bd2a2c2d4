//! Damaged and hostile GGUF files fail with an error, never with a panic or a huge allocation.
//!
//! The undamaged files of the same writers open, so the errors are about the damage.

#[expect(dead_code, reason = "only other tests write safetensors files")]
mod files;

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use files::read_tensors;
use iopo_model::config::{Llama3Scaling, RopeScaling};
use iopo_model::{Checkpoint, ModelError, ModelFiles};
use iopo_testing::gguf::{self, File, Tensor, Value};

/// Opens everything and reads all tensors.
fn read_all(path: &Path) -> Result<(), ModelError> {
    let (mut checkpoint, tokenizer, template) = ModelFiles::open(path)?;
    tokenizer.encode("ab<|im_end|>")?;
    template.render(&[iopo_llm::Message::user("ab")], true)?;
    read_tensors(&mut checkpoint)
}

/// Returns the error of opening these bytes as a GGUF file.
fn gguf_error(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    fs::write(&path, bytes).expect("written");
    ModelFiles::open(&path).expect_err("a hostile file must not open").to_string()
}

/// Returns the error of opening the valid file after `change`.
fn changed_gguf(change: impl FnOnce(&mut File)) -> String {
    let mut file = gguf::valid();
    change(&mut file);
    gguf_error(&file.bytes())
}

#[test]
fn a_valid_gguf_opens_and_its_q_and_k_are_deinterleaved() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    fs::write(&path, gguf::valid().bytes()).expect("written");
    read_all(&path).expect("the valid file opens");
    let (mut checkpoint, tokenizer, _) = ModelFiles::open(&path).expect("opens");
    assert_eq!(tokenizer.encode("abab<|im_end|>").expect("encodes"), [2, 2, 3]);
    assert_eq!(tokenizer.eos_id(), Some(3));
    assert_eq!(checkpoint.config.rms_norm_eps.to_string(), "0.00001");
    // Row r of the file holds r everywhere; two heads of width 16.
    let q = checkpoint.tensor("model.layers.0.self_attn.q_proj.weight", &[32, 32]).expect("q");
    let rows: Vec<f32> = q.chunks(32).map(|row| row[31]).collect();
    assert_eq!(rows[..4], [0.0, 2.0, 4.0, 6.0]);
    assert_eq!(rows[8..12], [1.0, 3.0, 5.0, 7.0]);
    assert_eq!(rows[16..18], [16.0, 18.0]);
    let down = checkpoint.tensor("model.layers.0.mlp.down_proj.weight", &[32, 32]).expect("down");
    assert_eq!((down[0], down[16]), (-1.0, -0.75));
    let missing = checkpoint.tensor("lm_head.weight", &[4, 32]).expect_err("tied").to_string();
    assert!(missing.contains("lm_head.weight"), "{missing}");
    let shape = checkpoint.tensor("model.norm.weight", &[31]).expect_err("shape").to_string();
    assert!(shape.contains("[32]") && shape.contains("[31]"), "{shape}");
}

#[test]
fn qwen2_files_are_not_deinterleaved_and_keep_their_biases() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    fs::write(&path, gguf::qwen2().bytes()).expect("written");
    let mut checkpoint = Checkpoint::open(&path).expect("opens");
    assert!(checkpoint.config.qkv_bias);
    let q = checkpoint.tensor("model.layers.0.self_attn.q_proj.weight", &[32, 32]).expect("q");
    let rows: Vec<f32> = q.chunks(32).map(|row| row[0]).collect();
    assert_eq!(rows[..3], [0.0, 1.0, 2.0]);
    checkpoint.tensor("model.layers.0.self_attn.q_proj.bias", &[32]).expect("bias");
}

#[test]
fn a_truncated_gguf_is_an_error() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    let bytes = gguf::valid().bytes();
    let header = gguf::valid().header_len();
    let file = fs::File::create(&path).expect("created");
    (&file).write_all(&bytes).expect("written");
    for len in (0..bytes.len()).rev().filter(|len| *len <= header + 64 || len % 251 == 0) {
        file.set_len(len as u64).expect("cut");
        assert!(ModelFiles::open(&path).is_err(), "opened with {len} of {} bytes", bytes.len());
    }
}

#[test]
fn a_gguf_with_any_byte_changed_never_panics() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    let valid = gguf::valid();
    let (bytes, header) = (valid.bytes(), valid.header_len());
    fs::write(&path, &bytes).expect("written");
    let mut file = OpenOptions::new().write(true).open(&path).expect("opened");
    let mut put = |at: usize, byte: u8| {
        file.seek(SeekFrom::Start(at as u64)).expect("sought");
        file.write_all(&[byte]).expect("written");
    };
    let mut refused = 0;
    for (at, byte) in bytes.iter().enumerate().take(header) {
        for other in [0xff, byte ^ 0x80, byte.wrapping_add(1)] {
            put(at, other);
            refused += usize::from(read_all(&path).is_err());
        }
        put(at, *byte);
    }
    assert!(refused > header, "expected most changes to break the header, found {refused}");
    read_all(&path).expect("every change was undone");
}

#[test]
fn false_gguf_headers_are_errors_that_name_the_reason() {
    let cases: Vec<(&str, String)> = vec![
        ("tensor count", changed_gguf(|file| file.tensor_count = Some(u64::MAX))),
        ("tensor count", changed_gguf(|file| file.tensor_count = Some(1 << 40))),
        ("metadata count", changed_gguf(|file| file.value_count = Some(u64::MAX / 8))),
        ("metadata count", changed_gguf(|file| file.value_count = Some(1 << 33))),
        ("version", changed_gguf(|file| file.version = 1)),
        ("version", changed_gguf(|file| file.version = 4)),
        ("big-endian", changed_gguf(|file| file.version = 3u32.swap_bytes())),
        ("GGUF", gguf_error(b"PK\x03\x04 and so on, a zip")),
        ("truncated", gguf_error(b"")),
        ("`z`", changed_gguf(|file| file.set("z", Value::RawString(u64::MAX)))),
        ("`z`", changed_gguf(|file| file.set("z", Value::RawString(1 << 50)))),
        ("`z`", changed_gguf(|file| file.set("z", Value::RawArray(8, u64::MAX)))),
        ("`z`", changed_gguf(|file| file.set("z", Value::RawArray(5, 1 << 62)))),
        ("`z`", changed_gguf(|file| file.set("z", Value::RawArray(0, 1 << 40)))),
        ("array of arrays", changed_gguf(|file| file.set("z", Value::RawArray(9, 1)))),
        ("unknown type", changed_gguf(|file| file.set("z", Value::RawArray(77, 1)))),
        ("unknown type", changed_gguf(|file| file.set("z", Value::RawTag(13)))),
        ("listed twice", changed_gguf(|file| file.values.push(file.values[0].clone()))),
        ("general.alignment", changed_gguf(|file| file.set("general.alignment", Value::U32(0)))),
        ("general.alignment", changed_gguf(|file| file.set("general.alignment", Value::U32(3)))),
        (
            "general.alignment",
            changed_gguf(|file| file.set("general.alignment", Value::U32(1 << 31))),
        ),
        ("0 dimensions", changed_gguf(|file| file.tensors[0].dims = vec![])),
        ("5 dimensions", changed_gguf(|file| file.tensors[0].dims = vec![1; 5])),
        ("overflow", changed_gguf(|file| file.tensors[0].dims = vec![u64::MAX, u64::MAX])),
        ("overflow", changed_gguf(|file| file.tensors[0].dims = vec![1 << 62, 1 << 62])),
        ("truncated", changed_gguf(|file| file.tensors[0].offset = Some(1 << 40))),
        ("truncated", changed_gguf(|file| file.tensors[0].offset = Some(u64::MAX - 31))),
        ("multiple of 32", changed_gguf(|file| file.tensors[0].offset = Some(4))),
        ("overlap", changed_gguf(|file| file.tensors[1].offset = Some(0))),
        ("listed twice", changed_gguf(|file| file.tensors[1].name = file.tensors[0].name.clone())),
    ];
    for (word, error) in cases {
        assert!(error.contains(word), "expected {word:?} in: {error}");
        assert!(error.len() < 600, "{error}");
    }
}

/// Quantized types: number, name, bytes and values of a block.
const QUANTIZED: [(u32, &str, usize, u64); 8] = [
    (2, "Q4_0", 18, 32),
    (3, "Q4_1", 20, 32),
    (6, "Q5_0", 22, 32),
    (7, "Q5_1", 24, 32),
    (8, "Q8_0", 34, 32),
    (12, "Q4_K", 144, 256),
    (13, "Q5_K", 176, 256),
    (14, "Q6_K", 210, 256),
];

#[test]
fn truncated_incomplete_and_misplaced_quantized_blocks_are_errors() {
    for (kind, name, bytes, values) in QUANTIZED {
        // Two rows of two blocks, as the file's last tensor.
        let with = |row: u64, bytes: usize, offset: Option<u64>| {
            let mut file = gguf::valid();
            let data = vec![0; bytes];
            let mut tensor = Tensor::new("blk.0.ffn_down.weight", &[2, row], kind, data);
            tensor.offset = offset;
            file.tensors.pop();
            file.tensors.push(tensor);
            file.bytes()
        };
        let dir = tempfile::tempdir().expect("temporary directory");
        let path = dir.path().join("model.gguf");
        fs::write(&path, with(2 * values, 4 * bytes, None)).expect("written");
        read_all(&path).expect("whole blocks open");

        let cut = gguf_error(&with(2 * values, 4 * bytes - 1, None));
        assert!(cut.contains("ffn_down") && cut.contains("truncated"), "{name}: {cut}");
        for row in [values / 2, values + 1, 2 * values - 1] {
            let incomplete = gguf_error(&with(row, 4 * bytes, None));
            for word in [name, "does not fill blocks", &row.to_string()] {
                assert!(incomplete.contains(word), "expected {word:?} in: {incomplete}");
            }
        }
        let unaligned = gguf_error(&with(2 * values, 4 * bytes, Some(18)));
        assert!(unaligned.contains("multiple of 32"), "{name}: {unaligned}");
        let overlapping = gguf_error(&with(2 * values, 4 * bytes, Some(0)));
        assert!(overlapping.contains("overlap"), "{name}: {overlapping}");
        let outside = gguf_error(&with(2 * values, 4 * bytes, Some(1 << 40)));
        assert!(outside.contains("truncated"), "{name}: {outside}");
        let huge = gguf_error(&with(1 << 63, 4 * bytes, None));
        assert!(huge.contains("overflow"), "{name}: {huge}");
    }
}

#[test]
fn unsupported_and_incomplete_gguf_models_are_errors_that_name_the_cause() {
    let cases: Vec<(&str, String)> = vec![
        ("Q3_K", changed_gguf(|file| file.tensors[2].kind = 11)),
        ("blk.0.", changed_gguf(|file| file.tensors[2].kind = 11)),
        ("number 99", changed_gguf(|file| file.tensors[2].kind = 99)),
        ("mamba", changed_gguf(|file| file.set("general.architecture", Value::text("mamba")))),
        ("general.architecture", changed_gguf(|file| file.unset("general.architecture"))),
        ("llama.block_count", changed_gguf(|file| file.unset("llama.block_count"))),
        (
            "llama.block_count",
            changed_gguf(|file| file.set("llama.block_count", Value::U32(u32::MAX))),
        ),
        (
            "llama.attention.head_count",
            changed_gguf(|file| file.set("llama.attention.head_count", Value::U32(0))),
        ),
        (
            "head_count_kv",
            changed_gguf(|file| file.set("llama.attention.head_count_kv", Value::U32(0))),
        ),
        ("experts", changed_gguf(|file| file.set("llama.expert_count", Value::U32(8)))),
        ("yarn", changed_gguf(|file| file.set("llama.rope.scaling.type", Value::text("yarn")))),
        ("more than one file", changed_gguf(|file| file.set("split.count", Value::U32(2)))),
        ("token_embd.weight", changed_gguf(|file| drop(file.tensors.remove(0)))),
        (
            "attn_q_norm",
            changed_gguf(|file| {
                file.tensors.push(Tensor::f32("blk.0.attn_q_norm.weight", &[32], |_| 0.0));
            }),
        ),
        (
            "rope_freqs",
            changed_gguf(|file| {
                file.tensors.push(Tensor::f32("rope_freqs.weight", &[8], |i| i as f32));
            }),
        ),
        ("no tokenizer", changed_gguf(|file| file.unset("tokenizer.ggml.model"))),
        ("spm", changed_gguf(|file| file.set("tokenizer.ggml.model", Value::text("spm")))),
        ("mystery", changed_gguf(|file| file.set("tokenizer.ggml.pre", Value::text("mystery")))),
        ("tokens", changed_gguf(|file| file.unset("tokenizer.ggml.tokens"))),
        ("merges", changed_gguf(|file| file.unset("tokenizer.ggml.merges"))),
        (
            "merges do not fit",
            changed_gguf(|file| file.set("tokenizer.ggml.merges", Value::texts(&["a zz"]))),
        ),
        ("merge 0", changed_gguf(|file| file.set("tokenizer.ggml.merges", Value::texts(&["ab"])))),
        (
            "ids 0 and 1",
            changed_gguf(|file| {
                file.set("tokenizer.ggml.tokens", Value::texts(&["a", "a", "ab", "c"]));
            }),
        ),
        (
            "embedding has only 4 rows",
            changed_gguf(|file| {
                file.set("tokenizer.ggml.tokens", Value::texts(&["a", "b", "ab", "c", "d"]));
                file.unset("tokenizer.ggml.token_type");
            }),
        ),
        (
            "token types",
            changed_gguf(|file| file.set("tokenizer.ggml.token_type", Value::I32s(vec![1]))),
        ),
        ("no chat template", changed_gguf(|file| file.unset("tokenizer.chat_template"))),
        (
            "template failed",
            changed_gguf(|file| file.set("tokenizer.chat_template", Value::text("{% if %}"))),
        ),
        (
            "expected a string",
            changed_gguf(|file| file.set("tokenizer.chat_template", Value::U32(1))),
        ),
    ];
    for (word, error) in cases {
        assert!(error.contains(word), "expected {word:?} in: {error}");
    }
}

#[test]
fn llama3_scaling_is_recovered_from_the_frequencies_of_a_gguf() {
    let scaling = Llama3Scaling {
        factor: 32.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 8192,
    };
    let mut file = gguf::valid();
    file.set("llama.rope.freq_base", Value::F32(500_000.0));
    file.tensors.push(Tensor::f32("rope_freqs.weight", &[8], |i| {
        scaling.divisor(500_000f64.powf(-2.0 * i as f64 / 16.0)) as f32
    }));
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    fs::write(&path, file.bytes()).expect("written");
    let checkpoint = Checkpoint::open(&path).expect("opens");
    assert_eq!(checkpoint.config.rope_scaling, Some(RopeScaling::Llama3(scaling)));
}
