//! Damaged and hostile model files end in an error, never in a panic or in a huge allocation;
//! and the same writers' honest files open, so that the errors are about the damage.

mod files;

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use files::gguf::{self, File, Tensor, Value};
use files::safetensors;
use iopo_model::{Checkpoint, ModelError, ModelFiles};
use serde_json::json;

/// Opens everything and reads all tensors.
fn read_all(path: &Path) -> Result<(), ModelError> {
    let (mut checkpoint, tokenizer, template) = ModelFiles::open(path)?;
    tokenizer.encode("ab<|im_end|>")?;
    template.render(&[iopo_llm::Message::user("ab")], true)?;
    read_tensors(&mut checkpoint)
}

fn read_tensors(checkpoint: &mut Checkpoint) -> Result<(), ModelError> {
    let names: Vec<String> = checkpoint.names().map(str::to_owned).collect();
    for name in names {
        let shape = checkpoint.shape(&name).expect("a listed tensor has a shape").to_vec();
        let values = checkpoint.tensor(&name, &shape)?;
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
    }
    Ok(())
}

/// The error of opening these bytes as a GGUF file.
fn gguf_error(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    fs::write(&path, bytes).expect("written");
    ModelFiles::open(&path).expect_err("a hostile file must not open").to_string()
}

/// The error of opening the honest file after `change`.
fn changed_gguf(change: impl FnOnce(&mut File)) -> String {
    let mut file = gguf::honest();
    change(&mut file);
    gguf_error(&file.bytes())
}

#[test]
fn an_honest_gguf_opens_and_unpermutes() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    fs::write(&path, gguf::honest().bytes()).expect("written");
    read_all(&path).expect("the honest file opens");
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
fn qwen2_files_are_not_permuted_and_keep_their_biases() {
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
fn a_gguf_cut_off_anywhere_is_an_error() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    let bytes = gguf::honest().bytes();
    let header = gguf::honest().header_len();
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
    let honest = gguf::honest();
    let (bytes, header) = (honest.bytes(), honest.header_len());
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
    assert!(refused > header, "most changes to a header break it, {refused} did");
    read_all(&path).expect("every change was undone");
}

#[test]
fn gguf_headers_that_lie_are_refused_with_the_reason() {
    let cases: Vec<(&str, String)> = vec![
        ("tensor count", changed_gguf(|file| file.tensor_count = Some(u64::MAX))),
        ("tensor count", changed_gguf(|file| file.tensor_count = Some(1 << 40))),
        ("metadata count", changed_gguf(|file| file.value_count = Some(u64::MAX / 8))),
        ("metadata count", changed_gguf(|file| file.value_count = Some(1 << 33))),
        ("version", changed_gguf(|file| file.version = 1)),
        ("version", changed_gguf(|file| file.version = 4)),
        ("big-endian", changed_gguf(|file| file.version = 3u32.swap_bytes())),
        ("GGUF", gguf_error(b"PK\x03\x04 and so on, a zip")),
        ("cut off", gguf_error(b"")),
        ("`z`", changed_gguf(|file| file.set("z", Value::RawString(u64::MAX)))),
        ("`z`", changed_gguf(|file| file.set("z", Value::RawString(1 << 50)))),
        ("`z`", changed_gguf(|file| file.set("z", Value::RawArray(8, u64::MAX)))),
        ("`z`", changed_gguf(|file| file.set("z", Value::RawArray(5, 1 << 62)))),
        ("`z`", changed_gguf(|file| file.set("z", Value::RawArray(0, 1 << 40)))),
        ("array of arrays", changed_gguf(|file| file.set("z", Value::RawArray(9, 1)))),
        ("unknown type", changed_gguf(|file| file.set("z", Value::RawArray(77, 1)))),
        ("unknown type", changed_gguf(|file| file.set("z", Value::RawTag(13)))),
        ("there twice", changed_gguf(|file| file.values.push(file.values[0].clone()))),
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
        ("cut off", changed_gguf(|file| file.tensors[0].offset = Some(1 << 40))),
        ("cut off", changed_gguf(|file| file.tensors[0].offset = Some(u64::MAX - 31))),
        ("multiple of 32", changed_gguf(|file| file.tensors[0].offset = Some(4))),
        ("overlap", changed_gguf(|file| file.tensors[1].offset = Some(0))),
        ("listed twice", changed_gguf(|file| file.tensors[1].name = file.tensors[0].name.clone())),
    ];
    for (word, error) in cases {
        assert!(error.contains(word), "expected {word:?} in: {error}");
        assert!(error.len() < 600, "{error}");
    }
}

/// Quantised types: number, name, bytes and values of a block.
const QUANTISED: [(u32, &str, usize, u64); 8] = [
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
fn quantised_blocks_that_are_cut_off_half_full_or_misplaced_are_refused() {
    for (kind, name, bytes, values) in QUANTISED {
        // Two rows of two blocks, as the file's last tensor.
        let with = |row: u64, bytes: usize, offset: Option<u64>| {
            let mut file = gguf::honest();
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
        assert!(cut.contains("ffn_down") && cut.contains("cut off"), "{name}: {cut}");
        for row in [values / 2, values + 1, 2 * values - 1] {
            let half_full = gguf_error(&with(row, 4 * bytes, None));
            for word in [name, "does not fill blocks", &row.to_string()] {
                assert!(half_full.contains(word), "expected {word:?} in: {half_full}");
            }
        }
        let beside = gguf_error(&with(2 * values, 4 * bytes, Some(18)));
        assert!(beside.contains("multiple of 32"), "{name}: {beside}");
        let on_another = gguf_error(&with(2 * values, 4 * bytes, Some(0)));
        assert!(on_another.contains("overlap"), "{name}: {on_another}");
        let behind = gguf_error(&with(2 * values, 4 * bytes, Some(1 << 40)));
        assert!(behind.contains("cut off"), "{name}: {behind}");
        let huge = gguf_error(&with(1 << 63, 4 * bytes, None));
        assert!(huge.contains("overflow"), "{name}: {huge}");
    }
}

#[test]
fn gguf_models_that_cannot_be_run_are_refused_by_name() {
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
        ("split", changed_gguf(|file| file.set("split.count", Value::U32(2)))),
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
            "embedding has 4 rows",
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
            "must be a string",
            changed_gguf(|file| file.set("tokenizer.chat_template", Value::U32(1))),
        ),
    ];
    for (word, error) in cases {
        assert!(error.contains(word), "expected {word:?} in: {error}");
    }
}

#[test]
fn llama3_frequencies_in_a_gguf_give_the_scaling_back() {
    let scaling = iopo_model::config::Llama3Scaling {
        factor: 32.0,
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 8192,
    };
    let mut file = gguf::honest();
    file.set("llama.rope.freq_base", Value::F32(500_000.0));
    file.tensors.push(Tensor::f32("rope_freqs.weight", &[8], |i| {
        scaling.divisor(500_000f64.powf(-2.0 * i as f64 / 16.0)) as f32
    }));
    let dir = tempfile::tempdir().expect("temporary directory");
    let path = dir.path().join("model.gguf");
    fs::write(&path, file.bytes()).expect("written");
    let checkpoint = Checkpoint::open(&path).expect("opens");
    assert_eq!(checkpoint.config.rope_scaling, Some(scaling));
}

/// The error of opening a directory with this as model.safetensors.
fn safetensors_error(bytes: &[u8]) -> String {
    let dir = tempfile::tempdir().expect("temporary directory");
    safetensors::write_config(dir.path(), json!({}));
    fs::write(dir.path().join("model.safetensors"), bytes).expect("written");
    Checkpoint::open(dir.path()).expect_err("a hostile file must not open").to_string()
}

fn with_header(header: &str, data: usize) -> String {
    safetensors_error(&safetensors::raw(header.as_bytes(), &vec![0; data]))
}

#[test]
fn safetensors_headers_that_lie_are_refused_with_the_reason() {
    let tensor = |shape: &str, begin: u64, end: u64| {
        format!(r#"{{"dtype":"F32","shape":{shape},"data_offsets":[{begin},{end}]}}"#)
    };
    let one = |shape: &str, begin, end, data| {
        with_header(&format!(r#"{{"a":{}}}"#, tensor(shape, begin, end)), data)
    };
    let two = |first: &str, second: &str, data| {
        with_header(&format!(r#"{{"a":{first},"b":{second}}}"#), data)
    };
    let mut long = u64::MAX.to_le_bytes().to_vec();
    long.extend(b"{}");
    let mut over = 100u64.to_le_bytes().to_vec();
    over.extend(b"{}");
    let deep = "[".repeat(200_000);
    let twice = format!(r#"{{"a":{t},"a":{t}}}"#, t = tensor("[1]", 0, 4));
    let cases: Vec<(&str, String)> = vec![
        ("at least 8 bytes", safetensors_error(b"{}")),
        ("claims", safetensors_error(&long)),
        ("claims 100 bytes", safetensors_error(&over)),
        ("no JSON", with_header("not json", 0)),
        ("no JSON", with_header("[]", 0)),
        ("no JSON", with_header(&deep, 0)),
        ("no JSON", with_header(r#"{"a":{"dtype":"F32"}}"#, 0)),
        ("no JSON", with_header(r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4)),
        ("listed twice", with_header(&twice, 4)),
        ("cut off", one("[1]", 0, 4, 3)),
        ("claims bytes", one("[1]", 4, 0, 8)),
        ("claims bytes", one("[1]", 0, u64::MAX, 8)),
        ("not 8 bytes long", one("[1]", 0, 8, 8)),
        ("overflows", one("[18446744073709551615,2]", 0, 4, 4)),
        ("dimensions", one("[1,1,1,1,1,1,1,1,1]", 0, 4, 4)),
        ("overlap", two(&tensor("[2]", 0, 8), &tensor("[2]", 4, 12), 12)),
        ("hole", two(&tensor("[1]", 0, 4), &tensor("[1]", 8, 12), 12)),
        ("of data", one("[1]", 0, 4, 5)),
    ];
    for (word, error) in cases {
        assert!(error.contains(word), "expected {word:?} in: {error}");
        assert!(error.len() < 600, "{error}");
    }
}

#[test]
fn a_safetensors_file_cut_off_anywhere_is_an_error() {
    let dir = tempfile::tempdir().expect("temporary directory");
    safetensors::write_config(dir.path(), json!({}));
    let path = dir.path().join("model.safetensors");
    let bytes = safetensors::honest();
    let file = fs::File::create(&path).expect("created");
    (&file).write_all(&bytes).expect("written");
    read_tensors(&mut Checkpoint::open(dir.path()).expect("honest")).expect("reads");
    for len in (0..bytes.len()).rev() {
        file.set_len(len as u64).expect("cut");
        assert!(Checkpoint::open(dir.path()).is_err(), "opened with {len} bytes");
    }
}

#[test]
fn a_safetensors_file_with_any_header_byte_changed_never_panics() {
    let dir = tempfile::tempdir().expect("temporary directory");
    safetensors::write_config(dir.path(), json!({}));
    let bytes = safetensors::honest();
    let path = dir.path().join("model.safetensors");
    for at in 0..bytes.len() - 24 {
        for other in [0, 0xff, b'9', b'"', b'}'] {
            let mut changed = bytes.clone();
            changed[at] = other;
            fs::write(&path, &changed).expect("written");
            if let Ok(mut checkpoint) = Checkpoint::open(dir.path()) {
                let _ = read_tensors(&mut checkpoint);
            }
        }
    }
}

#[test]
fn the_three_dtypes_decode_and_others_are_refused_when_asked_for() {
    let dir = tempfile::tempdir().expect("temporary directory");
    safetensors::write_config(dir.path(), json!({}));
    fs::write(dir.path().join("model.safetensors"), safetensors::honest()).expect("written");
    let mut checkpoint = Checkpoint::open(dir.path()).expect("opens");
    assert_eq!(checkpoint.tensor("bf16", &[2]).expect("bf16"), [1.0, -2.5]);
    assert_eq!(checkpoint.tensor("f16", &[1, 2]).expect("f16"), [1.0, -2.5]);
    assert_eq!(checkpoint.tensor("f32", &[2, 1]).expect("f32"), [1.0, -2.5]);
    let error = {
        let header = r#"{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}}"#;
        let bytes = safetensors::raw(header.as_bytes(), &[0; 8]);
        fs::write(dir.path().join("model.safetensors"), bytes).expect("written");
        Checkpoint::open(dir.path()).expect("opens").tensor("a", &[1]).expect_err("f64")
    };
    let error = error.to_string();
    assert!(error.contains("`a`") && error.contains("F64") && error.contains("BF16"), "{error}");
}

#[test]
fn shards_read_as_one_and_bad_indices_are_refused() {
    let open = |weight_map: serde_json::Value| {
        let dir = tempfile::tempdir().expect("temporary directory");
        safetensors::write_config(dir.path(), json!({}));
        let shard = |name: &str, tensor: &str| {
            let header =
                format!(r#"{{"{tensor}":{{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}}}"#);
            let bytes = safetensors::raw(header.as_bytes(), &2f32.to_le_bytes());
            fs::write(dir.path().join(name), bytes).expect("written");
        };
        shard("s1.safetensors", "a");
        shard("s2.safetensors", "b");
        let index = json!({ "weight_map": weight_map }).to_string();
        fs::write(dir.path().join("model.safetensors.index.json"), index).expect("written");
        let mut checkpoint = Checkpoint::open(dir.path())?;
        let values = checkpoint.tensor("b", &[1])?;
        Ok::<_, ModelError>((values, checkpoint.weights_hash()?))
    };
    let good = || open(json!({"a": "s1.safetensors", "b": "s2.safetensors"}));
    let (values, hash) = good().expect("opens");
    assert_eq!(values, [2.0]);
    assert_eq!(good().expect("opens").1, hash);
    for (map, word) in [
        (json!({"a": "../s1.safetensors"}), "plain file names"),
        (json!({"a": "/etc/passwd"}), "plain file names"),
        (json!({"a": ".."}), "plain file names"),
        (json!({"a": "sub/s1.safetensors"}), "plain file names"),
        (json!({"a": ""}), "plain file names"),
        (json!({"a": "s3.safetensors", "b": "s2.safetensors"}), "`s3.safetensors`"),
        (json!({"a": "s2.safetensors"}), "but it is not"),
        (json!({"a": 1}), "bad index"),
        (json!({}), "`b` is missing"),
    ] {
        let error = open(map).expect_err(word).to_string();
        assert!(error.contains(word), "expected {word:?} in: {error}");
    }
}

#[test]
fn indices_that_are_huge_deep_or_contradictory_are_refused() {
    let error = |index: &[u8], len: u64| {
        let dir = tempfile::tempdir().expect("temporary directory");
        safetensors::write_config(dir.path(), json!({}));
        let path = dir.path().join("model.safetensors.index.json");
        let mut file = fs::File::create(path).expect("created");
        file.write_all(index).expect("written");
        file.set_len(len.max(index.len() as u64)).expect("stretched");
        Checkpoint::open(dir.path()).expect_err("a hostile index must not open").to_string()
    };
    let nested = [br#"{"weight_map": "#.as_slice(), &b"[".repeat(200_000)].concat();
    let twice = br#"{"weight_map": {"a": "s1.safetensors", "a": "s2.safetensors"}}"#;
    for (word, error) in [
        ("at most", error(b"{", 65 << 20)),
        ("bad index", error(&nested, 0)),
        ("bad index", error(b"{}", 0)),
        ("listed twice", error(twice, 0)),
        ("UTF-8", error(&[0xff], 0)),
    ] {
        assert!(error.contains(word), "expected {word:?} in: {error}");
        assert!(error.len() < 600, "{error}");
    }
}

#[test]
fn directories_that_are_no_model_are_refused_with_what_is_missing() {
    let error = |prepare: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().expect("temporary directory");
        prepare(dir.path());
        ModelFiles::open(dir.path()).expect_err("no model").to_string()
    };
    let honest = |dir: &Path| {
        safetensors::write_config(dir, json!({}));
        fs::write(dir.join("model.safetensors"), safetensors::honest()).expect("written");
    };
    let cases: Vec<(&str, String)> = vec![
        ("config.json", error(&|_| {})),
        ("model.safetensors", error(&|dir| safetensors::write_config(dir, json!({})))),
        ("no tokenizer", error(&honest)),
        (
            "bad tokenizer",
            error(&|dir| {
                honest(dir);
                fs::write(dir.join("tokenizer.json"), "{}").expect("written");
            }),
        ),
        ("mamba", error(&|dir| safetensors::write_config(dir, json!({"model_type": "mamba"})))),
        ("JSON", error(&|dir| fs::write(dir.join("config.json"), "{").expect("written"))),
        ("UTF-8", error(&|dir| fs::write(dir.join("config.json"), [0xff]).expect("written"))),
        (
            "at most",
            error(&|dir| fs::write(dir.join("config.json"), vec![b' '; 5 << 20]).expect("written")),
        ),
    ];
    for (word, error) in cases {
        assert!(error.contains(word), "expected {word:?} in: {error}");
    }
    let file = tempfile::Builder::new().suffix(".bin").tempfile().expect("temporary file");
    let error = ModelFiles::open(file.path()).expect_err("a .bin file").to_string();
    assert!(error.contains(".gguf"), "{error}");
}
