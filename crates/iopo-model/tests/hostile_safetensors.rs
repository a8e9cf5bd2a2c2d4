//! Damaged and hostile safetensors files fail with an error, never with a panic or a huge allocation.
//!
//! The undamaged files of the same writers open, so the errors are about the damage.

mod files;

use std::fs;
use std::io::Write;
use std::path::Path;

use files::{read_tensors, safetensors};
use iopo_model::{Checkpoint, ModelError, ModelFiles};
use serde_json::json;

/// Returns the error of opening a directory with these bytes as model.safetensors.
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
fn false_safetensors_headers_are_errors_that_name_the_reason() {
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
        ("found 2 bytes, expected at least 8", safetensors_error(b"{}")),
        ("claims", safetensors_error(&long)),
        ("claims 100 bytes", safetensors_error(&over)),
        ("not a JSON", with_header("not json", 0)),
        ("not a JSON", with_header("[]", 0)),
        ("not a JSON", with_header(&deep, 0)),
        ("not a JSON", with_header(r#"{"a":{"dtype":"F32"}}"#, 0)),
        (
            "not a JSON",
            with_header(r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4),
        ),
        ("listed twice", with_header(&twice, 4)),
        ("truncated", one("[1]", 0, 4, 3)),
        ("claims bytes", one("[1]", 4, 0, 8)),
        ("claims bytes", one("[1]", 0, u64::MAX, 8)),
        ("not 8 bytes long", one("[1]", 0, 8, 8)),
        ("overflows", one("[18446744073709551615,2]", 0, 4, 4)),
        ("dimensions", one("[1,1,1,1,1,1,1,1,1]", 0, 4, 4)),
        ("overlap", two(&tensor("[2]", 0, 8), &tensor("[2]", 4, 12), 12)),
        ("gap", two(&tensor("[1]", 0, 4), &tensor("[1]", 8, 12), 12)),
        ("of data", one("[1]", 0, 4, 5)),
    ];
    for (word, error) in cases {
        assert!(error.contains(word), "expected {word:?} in: {error}");
        assert!(error.len() < 600, "{error}");
    }
}

#[test]
fn a_truncated_safetensors_file_is_an_error() {
    let dir = tempfile::tempdir().expect("temporary directory");
    safetensors::write_config(dir.path(), json!({}));
    let path = dir.path().join("model.safetensors");
    let bytes = safetensors::valid();
    let file = fs::File::create(&path).expect("created");
    (&file).write_all(&bytes).expect("written");
    read_tensors(&mut Checkpoint::open(dir.path()).expect("valid")).expect("reads");
    for len in (0..bytes.len()).rev() {
        file.set_len(len as u64).expect("cut");
        assert!(Checkpoint::open(dir.path()).is_err(), "opened with {len} bytes");
    }
}

#[test]
fn a_safetensors_file_with_any_header_byte_changed_never_panics() {
    let dir = tempfile::tempdir().expect("temporary directory");
    safetensors::write_config(dir.path(), json!({}));
    let bytes = safetensors::valid();
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
fn three_dtypes_decode_and_reading_another_one_is_an_error() {
    let dir = tempfile::tempdir().expect("temporary directory");
    safetensors::write_config(dir.path(), json!({}));
    fs::write(dir.path().join("model.safetensors"), safetensors::valid()).expect("written");
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
fn shards_read_as_one_checkpoint_and_bad_indices_are_errors() {
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
        (json!({"a": "s2.safetensors"}), "does not contain it"),
        (json!({"a": 1}), "invalid index"),
        (json!({}), "`b` is missing"),
    ] {
        let error = open(map).expect_err(word).to_string();
        assert!(error.contains(word), "expected {word:?} in: {error}");
    }
}

#[test]
fn huge_deep_and_contradictory_indices_are_errors() {
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
        ("invalid index", error(&nested, 0)),
        ("invalid index", error(b"{}", 0)),
        ("listed twice", error(twice, 0)),
        ("UTF-8", error(&[0xff], 0)),
    ] {
        assert!(error.contains(word), "expected {word:?} in: {error}");
        assert!(error.len() < 600, "{error}");
    }
}

#[test]
fn incomplete_directories_are_errors_that_name_the_cause() {
    let error = |prepare: &dyn Fn(&Path)| {
        let dir = tempfile::tempdir().expect("temporary directory");
        prepare(dir.path());
        ModelFiles::open(dir.path()).expect_err("no model").to_string()
    };
    let valid = |dir: &Path| {
        safetensors::write_config(dir, json!({}));
        fs::write(dir.join("model.safetensors"), safetensors::valid()).expect("written");
    };
    let cases: Vec<(&str, String)> = vec![
        ("config.json", error(&|_| {})),
        ("model.safetensors", error(&|dir| safetensors::write_config(dir, json!({})))),
        ("no tokenizer", error(&valid)),
        (
            "invalid tokenizer",
            error(&|dir| {
                valid(dir);
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
