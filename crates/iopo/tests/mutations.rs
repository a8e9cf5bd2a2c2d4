//! Flips single bits in the files of a finished run: each is detected, and what can be computed again is healed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use iopo::config::PipelineConfig;
use iopo::llm::Silent;
use iopo::model::Dtype;
use iopo::pairs::exchange::{Container, Export, Format};
use iopo::pairs::export;
use iopo::pipeline::{BaseModel, Checkpoint, Pipeline, RunDir, StageState, status};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Damaged files to detect.
const MUTATIONS: usize = 200;
/// Damaged files to compute again.
const HEALED: usize = 12;

/// The smoke preset with few tasks, without later rounds.
fn config() -> PipelineConfig {
    let mut config = PipelineConfig::preset("smoke").expect("the preset");
    config.rounds = 1;
    config.round.clear();
    config.synth.max_tasks = Some(16);
    (config.pairs.test_tasks, config.pairs.dev_tasks) = (4, 2);
    config
}

/// Every file of a run by its path, except those that no command reads: the lock and the times.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("listed") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with(".lock") && !path.ends_with("times.tsv") {
            let bytes = fs::read(&path).expect("bytes");
            found.insert(path, bytes);
        }
    }
    found
}

/// Flips a random bit of a random file. Large files are not more likely than small ones.
fn mutate(files: &BTreeMap<PathBuf, Vec<u8>>, rng: &mut ChaCha8Rng) -> PathBuf {
    let (path, bytes) = files.iter().nth(rng.random_range(0..files.len())).expect("a file");
    let mut bytes = bytes.clone();
    let at = rng.random_range(0..bytes.len());
    bytes[at] ^= 1 << rng.random_range(0..8);
    fs::write(path, bytes).expect("written");
    path.clone()
}

/// Returns whether a command notices that a file of the run is damaged.
fn is_noticed(out: &Path, path: &Path, original: &[u8]) -> bool {
    if path.starts_with(out.join("model")) {
        // The tiny model of a smoke run is made again when it is loaded.
        Checkpoint::find("tiny", out).expect("made").expect("found");
        return fs::read(path).expect("bytes") == original;
    }
    if RunDir::read_config(out).is_err() {
        return true;
    }
    let stages = status(config(), out);
    stages.map_or(true, |stages| stages.iter().any(|stage| stage.state != StageState::Valid))
}

fn open(out: &Path, model: &BaseModel) -> Pipeline {
    Pipeline::open(config(), out).expect("opened").with_models(model.clone())
}

#[test]
fn two_hundred_flipped_bits_are_detected_and_healed() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let out = dir.path().join("run");
    let found = Checkpoint::find("tiny", &out).expect("made").expect("found");
    let model = found.load("flex", Dtype::F32, 3).expect("loaded");
    open(&out, &model).run(&Silent, |_| ()).expect("a run");
    let original = files(&out);
    assert!(original.len() > 40, "{:?}", original.keys());
    assert!(!is_noticed(&out, &out.join("config.toml"), b""), "an intact run is valid");

    let mut rng = ChaCha8Rng::seed_from_u64(200);
    for index in 0..MUTATIONS {
        let path = mutate(&original, &mut rng);
        let bytes = &original[&path];
        assert!(is_noticed(&out, &path, bytes), "{index}: {} was used", path.display());
        fs::write(&path, bytes).expect("restored");
    }

    refused_by_readers_alone(&out, &model, &mut rng);

    // Whatever was damaged, the next run either fails or ends with the files of the first.
    let mut healed = 0;
    for index in 0..HEALED {
        let path = mutate(&original, &mut rng);
        let ran = open(&out, &model).run(&Silent, |_| ());
        if let Err(error) = ran {
            println!("{index}: {} is an error: {error}", path.display());
            fs::write(&path, &original[&path]).expect("restored");
            continue;
        }
        healed += 1;
        for (file, bytes) in &original {
            if path.starts_with(out.join("model")) && *file == path {
                // The pipeline was given a loaded model, so it did not read this one.
                fs::write(&path, bytes).expect("restored");
            }
            let now = fs::read(file).expect("there");
            assert!(now == *bytes, "{index}: {} differs after {}", file.display(), path.display());
        }
    }
    assert!(healed > HEALED / 2, "only {healed} of {HEALED} were healed");
}

/// Damages an adapter and the groups, and reads them without the records of the run.
fn refused_by_readers_alone(out: &Path, model: &BaseModel, rng: &mut ChaCha8Rng) {
    let adapter = out.join("train").join("iopo");
    model.trained(&adapter, "iopo").expect("intact");
    for name in ["adapter_model.safetensors", "adapter_config.json", "iopo.json"] {
        let path = adapter.join(name);
        let original = BTreeMap::from([(path.clone(), fs::read(&path).expect("bytes"))]);
        for _ in 0..20 {
            mutate(&original, rng);
            assert!(model.trained(&adapter, "iopo").is_err(), "{} was used", path.display());
        }
        fs::write(&path, &original[&path]).expect("restored");
    }
    let groups = out.join("preferences.parquet");
    let rows = Export::new(Format::Trl, Container::Jsonl);
    let exported = |name: &str| export(&groups, &out.with_file_name(name), &rows);
    exported("intact.jsonl").expect("intact");
    let original = BTreeMap::from([(groups.clone(), fs::read(&groups).expect("bytes"))]);
    for index in 0..20 {
        mutate(&original, rng);
        assert!(iopo::schema::preview(&groups, 1).is_err());
        exported(&format!("{index}.jsonl")).expect_err("damaged");
    }
    fs::write(&groups, &original[&groups]).expect("restored");
}
