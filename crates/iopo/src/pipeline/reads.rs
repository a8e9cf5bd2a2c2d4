//! The settings and files that each stage reads, and the files that it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use iopo_core::ContentHasher;
use iopo_schema::run_files;
use iopo_train::metadata::METADATA;
use iopo_train::{SftData, weights};
use toml::{Table, Value};

use super::eval::run_models;
use super::record::{ModelRecord, Record};
use super::{Pipeline, PipelineError, Stage, rounds, tasks};

/// Settings that change no file but the report: use of memory and time, and limits that only accept or refuse a result.
const NO_RESULT: [&str; 5] = [
    "pairs.min_test_tasks",
    "pairs.min_train_groups",
    "synth.max_edited_share",
    "train.gradient_checkpointing",
    "train.save_steps",
];
/// Settings of the base model that change its answers.
pub(super) const OF_MODEL: [&str; 3] = ["dtype", "eos_token", "template_date"];
/// Settings that name files, whose contents count instead.
const FILES: [&str; 2] = ["eval.prompts", "train.start"];

/// Returns the earlier stages whose results a stage reads.
pub(super) fn upstream(stage: Stage) -> &'static [Stage] {
    let before = Stage::ALL.iter().position(|other| *other == stage).unwrap_or(0);
    &Stage::ALL[..before]
}

/// Returns whether the result of a stage depends on a setting.
fn depends(stage: Stage, key: &str, rounds: usize) -> bool {
    if stage == Stage::Report {
        // The report shows the configuration.
        return key != "device";
    }
    if NO_RESULT.contains(&key) || FILES.contains(&key) {
        return false;
    }
    let inside = |sections: &[&str]| {
        sections.iter().any(|section| {
            key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let of_model = || OF_MODEL.contains(&key);
    match stage {
        Stage::Synth => inside(&["synth"]) || of_model(),
        Stage::Pairs => inside(&["pairs", "synth.max_tasks"]),
        Stage::Train => inside(&["train"]) || of_model(),
        Stage::Rounds if rounds < 2 => key == "rounds",
        Stage::Rounds => inside(&["rounds", "round", "synth", "pairs", "train"]) || of_model(),
        // The margins of a gain are those of the headline.
        Stage::Eval => {
            let of_training =
                ["train.beta", "train.sequence_layout", "train.tokens_per_micro_batch"];
            (inside(&["eval", "rounds"]) && !inside(&["eval.gain"]))
                || of_model()
                || of_training.contains(&key)
        }
        Stage::Report => true,
    }
}

/// Describes what a stage would read now. `before` is its record, if it has one.
pub(super) fn plan(
    pipeline: &Pipeline,
    stage: Stage,
    before: Option<&Record>,
    hashes: &mut Hashes,
) -> Result<Record, PipelineError> {
    let config = pipeline.config();
    let settings = flat(&config.to_table()?)
        .into_iter()
        .filter(|(key, _)| depends(stage, key, config.rounds))
        .collect();
    let reads_model = match stage {
        Stage::Synth | Stage::Train | Stage::Eval => true,
        Stage::Rounds => config.rounds > 1,
        Stage::Pairs | Stage::Report => false,
    };
    let hash = pipeline.model_hash()?;
    let name = config.model.clone();
    let model = reads_model.then(|| ModelRecord { name, hash, ..ModelRecord::default() });
    let mut inputs = BTreeMap::new();
    for (name, path) in files(pipeline, stage) {
        inputs.extend(hashes.of(&path)?.map(|hash| (name, hash)));
    }
    if stage == Stage::Synth {
        let own = before.and_then(|record| record.inputs.get("tasks").cloned());
        let now = match tasks::original(config) {
            tasks::Original::BuiltIn => Some(iopo_core::hash::bytes(tasks::BUILT_IN_TASKS)),
            tasks::Original::File(path) => hashes.of(&path)?,
        };
        // The run keeps its copy if the original is gone.
        inputs.extend(now.or(own).map(|hash| ("tasks".to_owned(), hash)));
    }
    let start = config.train.start.as_ref().filter(|dir| stage == Stage::Train && dir.is_dir());
    if let Some(dir) = start {
        inputs.insert("train.start".to_owned(), start_hash(dir)?);
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(Record { version, settings, model, inputs, outputs: None })
}

/// Lists the files that a stage reads, by the names of its record.
fn files(pipeline: &Pipeline, stage: Stage) -> Vec<(String, PathBuf)> {
    let (dir, config) = (pipeline.dir(), pipeline.config());
    let (instructions, responses) = (dir.instructions_file(), dir.responses_file());
    let tasks = tasks::copies(dir);
    let mut found: Vec<PathBuf> = match stage {
        Stage::Synth => Vec::new(),
        Stage::Pairs => [tasks, vec![instructions, responses]].concat(),
        Stage::Train if config.train.sft.data == SftData::Responses => {
            vec![dir.preferences_file(), instructions, responses]
        }
        Stage::Train => vec![dir.preferences_file()],
        Stage::Rounds if config.rounds < 2 => Vec::new(),
        Stage::Rounds => {
            let starts = config.lineages(2).into_iter();
            let starts =
                starts.map(|lineage| rounds::trained_dir(pipeline, 1, lineage).join(METADATA));
            tasks.iter().cloned().chain(starts).collect()
        }
        Stage::Eval => {
            let trained = run_models(pipeline).into_iter().filter_map(|model| model.trained);
            let groups = [dir.preferences_file(), instructions];
            let later = rounds::later_dirs(pipeline).into_iter();
            let later = later.flat_map(|dir| [dir.preferences_file(), dir.instructions_file()]);
            let metadata = trained.map(|dir| dir.join(METADATA));
            tasks.iter().cloned().chain(groups).chain(later).chain(metadata).collect()
        }
        Stage::Report => upstream(stage).iter().map(|stage| dir.record_file(*stage)).collect(),
    };
    found.sort();
    let mut named: Vec<(String, PathBuf)> =
        found.into_iter().map(|path| (name_in(dir.root(), &path), path)).collect();
    if stage == Stage::Eval {
        let prompts = config.eval.prompts.iter().cloned();
        named.extend(prompts.map(|path| ("eval.prompts".to_owned(), path)));
        let data = config.eval.benchmark_data.iter();
        let data =
            data.map(|(id, path)| (format!("eval.benchmark_data.{id}"), PathBuf::from(path)));
        // A hub id is no file; the benchmark's protocol has the hash of what was downloaded.
        named.extend(data.filter(|(_, path)| path.is_file()));
    }
    named
}

/// Lists the files that a stage has written, by their names in the run.
pub(super) fn outputs(pipeline: &Pipeline, stage: Stage) -> Vec<(String, PathBuf)> {
    let (dir, config) = (pipeline.dir(), pipeline.config());
    let root = dir.root();
    let of_run = |names: &[&str]| names.iter().map(|name| root.join(name)).collect::<Vec<_>>();
    let mut found = match stage {
        Stage::Synth => {
            let files = of_run(&[
                run_files::ANSWERS,
                run_files::RELEVANCE,
                run_files::INSTRUCTIONS,
                run_files::RESPONSES,
                run_files::SYNTH_STATS,
            ]);
            [files, tasks::copies(dir)].concat()
        }
        Stage::Pairs => of_run(&[run_files::PREFERENCES, run_files::PAIRS_STATS]),
        Stage::Train => trained_files(pipeline),
        Stage::Rounds if config.rounds < 2 => Vec::new(),
        Stage::Rounds => below(&root.join(run_files::ROUNDS)),
        Stage::Eval => below(&dir.eval_dir()),
        Stage::Report => vec![dir.report_file()],
    };
    found.retain(|path| path.is_file());
    found.sort();
    found.into_iter().map(|path| (name_in(root, &path), path)).collect()
}

/// Lists the files of the models of the configuration, not those of methods that it no longer has.
fn trained_files(pipeline: &Pipeline) -> Vec<PathBuf> {
    let train = &pipeline.config().train;
    let methods = train.resolved_methods().into_iter();
    let models: BTreeSet<String> = methods
        .flat_map(|method| {
            train.seeds_of(method).into_iter().map(move |seed| train.folder(method, seed))
        })
        .collect();
    let dir = pipeline.dir().train_dir();
    let shared = entries(&dir).into_iter().filter(|path| path.is_file() && !is_progress(path));
    shared.chain(models.iter().flat_map(|model| below(&dir.join(model)))).collect()
}

/// Lists all files below a directory, without the progress of unfinished work.
fn below(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in entries(dir).into_iter().filter(|path| !is_progress(path)) {
        if path.is_dir() {
            found.extend(below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// Lists the entries of a directory in order; none if there is no such directory.
fn entries(dir: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(dir).into_iter().flatten();
    let mut paths: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    paths
}

/// Returns whether a path is a checkpoint, a directory of parts, or a temporary or hidden file.
fn is_progress(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default();
    name.starts_with('.') || name == "checkpoint" || extension == "parts" || extension == "tmp"
}

/// Returns the name of a file in the run, with `/` between its parts.
fn name_in(root: &Path, path: &Path) -> String {
    let inside = path.strip_prefix(root).unwrap_or(path);
    let parts: Vec<_> =
        inside.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    parts.join("/")
}

/// Hashes the weights and settings of a model that training starts from.
fn start_hash(dir: &Path) -> Result<String, PipelineError> {
    let mut hasher = ContentHasher::new();
    for (name, hash) in weights::file_hashes(dir)? {
        hasher.part(name).part(hash);
    }
    Ok(hasher.hex())
}

/// Returns every setting of a configuration as a TOML value, by its key.
fn flat(table: &Table) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (key, value) in table {
        match value {
            Value::Table(inner) => {
                let inner = flat(inner).into_iter();
                found.extend(inner.map(|(rest, value)| (format!("{key}.{rest}"), value)));
            }
            other => {
                found.insert(key.clone(), other.to_string());
            }
        }
    }
    found
}

/// Hashes of files that are read once.
#[derive(Debug, Default)]
pub(super) struct Hashes(BTreeMap<PathBuf, Option<String>>);

impl Hashes {
    /// Returns the content hash of a file; `None` if there is none.
    pub(super) fn of(&mut self, path: &Path) -> Result<Option<String>, PipelineError> {
        if let Some(known) = self.0.get(path) {
            return Ok(known.clone());
        }
        let hash = if path.is_file() { Some(iopo_schema::file_hash(path)?) } else { None };
        self.0.insert(path.to_owned(), hash.clone());
        Ok(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::{Stage, depends, flat, is_progress, upstream};
    use crate::config::PipelineConfig;

    #[test]
    fn each_stage_reads_its_own_settings() {
        for (stage, key, reads) in [
            (Stage::Synth, "synth.seed", true),
            (Stage::Synth, "pairs.seed", false),
            (Stage::Synth, "synthetic", false),
            (Stage::Pairs, "pairs.seed", true),
            (Stage::Pairs, "synth.max_tasks", true),
            (Stage::Pairs, "pairs.min_test_tasks", false),
            (Stage::Train, "train.learning_rate", true),
            (Stage::Train, "eval.seed", false),
            (Stage::Train, "train.save_steps", false),
            (Stage::Rounds, "round.2.methods", true),
            (Stage::Eval, "eval.max_new_tokens", true),
            (Stage::Eval, "eval.gain.clean_accuracy", false),
            (Stage::Eval, "train.learning_rate", false),
            (Stage::Report, "name", true),
            (Stage::Report, "device", false),
        ] {
            assert_eq!(depends(stage, key, 2), reads, "{stage} {key}");
        }
        assert!(!depends(Stage::Rounds, "train.beta", 1), "a run of one round");
    }

    #[test]
    fn every_setting_is_read_by_a_stage_before_the_report_or_changes_no_result() {
        let config = PipelineConfig::preset("smoke").expect("a preset");
        let all = flat(&config.to_table().expect("a table"));
        let reads = |key: &String| {
            upstream(Stage::Report).iter().any(|stage| depends(*stage, key, config.rounds))
        };
        let unused: Vec<String> = all.into_keys().filter(|key| !reads(key)).collect();
        // The sections have copies of `seed`, `held_out` and `quality`; `model` and `tasks` count by content.
        let known = |key: &String| {
            let top = [
                "demonstration",
                "device",
                "generation_batch",
                "held_out",
                "model",
                "name",
                "notes",
                "quality",
                "seed",
                "tasks",
                "eval.gain",
            ];
            let inside = |top: &&str| {
                key.strip_prefix(*top).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            top.iter().any(inside) || super::NO_RESULT.contains(&key.as_str())
        };
        let surprising: Vec<&String> = unused.iter().filter(|key| !known(key)).collect();
        assert!(surprising.is_empty(), "{surprising:?}");
        assert!(unused.contains(&"device".to_owned()));
    }

    #[test]
    fn progress_is_no_output() {
        for name in ["checkpoint", "a.parquet.parts", ".a.parquet.tmp", "b.tmp"] {
            assert!(is_progress(std::path::Path::new(name)), "{name}");
        }
        assert!(!is_progress(std::path::Path::new("train/iopo/metrics.parquet")));
    }
}
