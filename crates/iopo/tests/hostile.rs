//! Damaged, foreign and malicious files: one clear error, no panic, and no allocation of the sizes that they claim.

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use common::{Outcome, finish, iopo, run, succeed, text};

/// Returns a finished synthesis with the tiny model, created once. Tests copy the files that they damage.
fn synthesis() -> &'static Path {
    static MADE: OnceLock<tempfile::TempDir> = OnceLock::new();
    MADE.get_or_init(|| {
        let dir = tempfile::tempdir().expect("temporary directory");
        let out = dir.path().join("run");
        let mut args = vec!["synth", "--preset", "smoke", "--out", text(&out)];
        for set in ["synth.max_tasks=4", "pairs.test_tasks=1", "pairs.dev_tasks=1"] {
            args.extend(["--set", set]);
        }
        succeed(&args);
        dir
    })
    .path()
}

fn run_copy(dir: &Path) -> PathBuf {
    let (from, to) = (synthesis().join("run"), dir.join("run"));
    fs::create_dir_all(&to).expect("made");
    for name in ["config.toml", "tasks.jsonl", "instructions.parquet", "responses.parquet"] {
        fs::copy(from.join(name), to.join(name)).expect("copied");
    }
    to
}

fn model_copy(dir: &Path) -> PathBuf {
    let (from, to) = (synthesis().join("run").join("model"), dir.join("model"));
    fs::create_dir_all(&to).expect("made");
    for entry in fs::read_dir(from).expect("model") {
        let entry = entry.expect("entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
    to
}

/// Loads a model as every stage does.
fn load(model: &Path, dir: &Path) -> Outcome {
    let out = dir.join("out");
    let args = ["synth", "--preset", "smoke", "--model", text(model), "--out", text(&out)];
    limited(&args)
}

/// Runs the binary with an address space of 6 GB, far less than the files claim to need.
fn limited(args: &[&str]) -> Outcome {
    if cfg!(not(target_os = "linux")) {
        return run(args);
    }
    let binary = iopo(&[]);
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -v 6000000; exec \"$@\"", "sh"]).arg(binary.get_program()).args(args);
    finish(&mut shell)
}

#[test]
fn a_truncated_parquet_file() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = run_copy(dir.path());
    let file = out.join("instructions.parquet");
    let bytes = fs::read(&file).expect("bytes");
    // Cut in the data, in the footer, and right after the leading magic number.
    for keep in [bytes.len() / 2, bytes.len() - 6, 4, 0] {
        fs::write(&file, &bytes[..keep]).expect("written");
        let error = limited(&["pairs", "--out", text(&out)]).error(1);
        assert!(error.contains("instructions.parquet"), "{error}");
        limited(&["inspect", text(&file)]).error(1);
    }
}

#[test]
fn a_parquet_file_with_flipped_bytes_never_panics() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = run_copy(dir.path());
    let file = out.join("instructions.parquet");
    let bytes = fs::read(&file).expect("bytes");
    for at in (5..bytes.len()).step_by(bytes.len() / 12) {
        let mut damaged = bytes.clone();
        damaged[at..(at + 8).min(bytes.len())].fill(0xff);
        fs::write(&file, damaged).expect("written");
        let outcome = limited(&["inspect", text(&file)]);
        assert!(!outcome.stderr.contains("panicked"), "byte {at}: {}", outcome.stderr);
        assert_eq!(outcome.code, Some(1), "byte {at} was not noticed");
    }
}

#[test]
fn a_parquet_file_of_another_program() {
    use arrow_array::RecordBatch;
    use arrow_array::{ArrayRef, Int64Array};
    use parquet::arrow::ArrowWriter;

    let dir = tempfile::tempdir().expect("temporary directory");
    let out = run_copy(dir.path());
    let file = out.join("instructions.parquet");
    let column: ArrayRef = std::sync::Arc::new(Int64Array::from(vec![1, 2, 3]));
    let batch = RecordBatch::try_from_iter([("x", column)]).expect("batch");
    let target = fs::File::create(&file).expect("created");
    let mut writer = ArrowWriter::try_new(target, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    let error = limited(&["pairs", "--out", text(&out)]).error(1);
    assert!(error.contains("instructions.parquet"), "{error}");
}

#[test]
fn an_iopo_file_under_the_name_of_another() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = run_copy(dir.path());
    fs::copy(out.join("responses.parquet"), out.join("instructions.parquet")).expect("copied");
    let error = limited(&["pairs", "--out", text(&out)]).error(1);
    assert!(error.contains("instructions") && error.contains("responses"), "{error}");
}

#[test]
fn safetensors_with_a_false_header() {
    let lies: BTreeMap<&str, Vec<u8>> = BTreeMap::from([
        ("a header longer than the file", u64::MAX.to_le_bytes().to_vec()),
        ("a header of 40 GB", (40_u64 << 30).to_le_bytes().to_vec()),
        ("offsets outside the file", {
            let header = br#"{"lm_head.weight":{"dtype":"F32","shape":[298,64],"data_offsets":[0,9999999999]}}"#;
            [&(header.len() as u64).to_le_bytes()[..], header].concat()
        }),
        ("a shape of 2^80 elements", {
            let side = 1_u64 << 40;
            let header = format!(
                r#"{{"lm_head.weight":{{"dtype":"F32","shape":[{side},{side}],"data_offsets":[0,4]}}}}"#
            );
            [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &[0; 4]].concat()
        }),
        ("no header at all", vec![0; 3]),
    ]);
    for (lie, bytes) in lies {
        let dir = tempfile::tempdir().expect("temporary directory");
        let model = model_copy(dir.path());
        fs::write(model.join("model.safetensors"), bytes).expect("written");
        let error = load(&model, dir.path()).error(1);
        assert!(error.contains("model"), "{lie}: {error}");
    }
}

#[test]
fn gguf_with_a_huge_tensor_count() {
    let header = |tensors: u64, metadata: u64| {
        [&b"GGUF"[..], &3_u32.to_le_bytes(), &tensors.to_le_bytes(), &metadata.to_le_bytes()]
            .concat()
    };
    for (tensors, metadata) in [(u64::MAX, 0), (1 << 40, 0), (0, u64::MAX), (1, 1 << 40)] {
        let dir = tempfile::tempdir().expect("temporary directory");
        let file = dir.path().join("huge.gguf");
        fs::write(&file, header(tensors, metadata)).expect("written");
        let error = load(&file, dir.path()).error(1);
        assert!(error.contains("huge.gguf"), "{error}");
    }
}

#[test]
fn a_missing_tokenizer() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let model = model_copy(dir.path());
    fs::remove_file(model.join("tokenizer.json")).expect("removed");
    let error = load(&model, dir.path()).error(1);
    assert!(error.contains("tokenizer"), "{error}");
}

#[test]
fn an_unknown_architecture() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let model = model_copy(dir.path());
    let config = fs::read_to_string(model.join("config.json")).expect("config");
    let config =
        config.replace("LlamaForCausalLM", "MambaForCausalLM").replace("\"llama\"", "\"mamba\"");
    fs::write(model.join("config.json"), config).expect("written");
    let error = load(&model, dir.path()).error(1);
    assert!(error.to_lowercase().contains("mamba"), "{error}");
}

#[test]
fn an_empty_tasks_file_and_an_invalid_line() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let tasks = dir.path().join("tasks.jsonl");
    let set = format!("tasks={}", text(&tasks));
    for (name, content) in
        [("empty", ""), ("blank", "\n\n"), ("bad", "{\"id\": \"a\"}\n"), ("binary", "\u{0}\u{1}")]
    {
        fs::write(&tasks, content).expect("written");
        let out = dir.path().join(name);
        let error =
            limited(&["synth", "--preset", "smoke", "--set", &set, "--out", text(&out)]).error(2);
        assert!(error.contains("tasks.jsonl"), "{name}: {error}");
    }
}
