//! The settings and files that each stage reads, and the files that it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use iopo_core::ContentHasher;
use iopo_schema::run_files;
use iopo_synth::fipo::template_files as fipo_template_files;
use iopo_synth::trace::template_files;
use iopo_train::metadata::METADATA;
use iopo_train::{SftData, weights};
use toml::{Table, Value};

use super::eval::run_models;
use super::record::{ModelRecord, Record};
use super::{Pipeline, PipelineError, Stage, contamination, fipo, rounds, tasks, test_tasks};

/// Settings that change no file but the report: use of memory and time, and limits that only accept or refuse a result.
const NO_RESULT: [&str; 6] = [
    "fipo.max_failed_share",
    "pairs.min_test_tasks",
    "pairs.min_train_groups",
    "synth.max_edited_share",
    "train.gradient_checkpointing",
    "train.save_steps",
];
/// Settings of the base model that can change its answers.
pub(super) const OF_MODEL: [&str; 3] = ["dtype", "eos_token", "template_date"];
/// The settings that name a directory, whose files count instead.
const START: &str = "train.start";
const TEMPLATES: &str = "synth.trace.templates";
const FIPO_TEMPLATES: &str = "fipo.templates";

/// Returns the earlier stages whose results a stage reads.
pub(super) fn upstream(stage: Stage) -> &'static [Stage] {
    let before = Stage::ORDER.iter().position(|other| *other == stage).unwrap_or(0);
    &Stage::ORDER[..before]
}

/// Returns whether the result of a stage depends on a setting.
fn depends(stage: Stage, key: &str, rounds: usize) -> bool {
    if stage == Stage::Report {
        // The report shows the configuration.
        return key != "device";
    }
    if NO_RESULT.contains(&key) || key == START {
        return false;
    }
    let inside = |sections: &[&str]| {
        sections.iter().any(|section| {
            key.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    };
    let of_model = || OF_MODEL.contains(&key);
    match stage {
        Stage::Synth => inside(&["synth", "llm"]) || of_model(),
        Stage::Fipo => inside(&fipo::SETTINGS) || of_model(),
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
    let is_trace = config.synth.recipe.is_trace() || matches!(stage, Stage::Fipo | Stage::Report);
    let of_trace = |key: &str| key.starts_with("synth.trace.") || key.starts_with("llm.");
    let files = files(pipeline, stage);
    // If a setting names a file, its content is compared rather than its path, so the file can be moved.
    let is_file = |key: &str| {
        let is_folder = [TEMPLATES, FIPO_TEMPLATES].contains(&key);
        stage != Stage::Report && (is_folder || files.iter().any(|(name, _)| name == key))
    };
    let settings = flat(&config.without_endpoints(config.to_table()?))
        .into_iter()
        .filter(|(key, _)| {
            depends(stage, key, config.rounds) && !is_file(key) && (is_trace || !of_trace(key))
        })
        .collect();
    let reads_model = match stage {
        Stage::Synth | Stage::Train | Stage::Eval => true,
        Stage::Rounds => config.rounds > 1,
        Stage::Fipo => fipo::reads_model(config),
        Stage::Pairs | Stage::Report => false,
    };
    let hash = pipeline.model_hash()?;
    let name = config.model.clone();
    let weights = pipeline.weights.clone();
    let model = reads_model.then(|| ModelRecord { name, hash, weights, ..ModelRecord::default() });
    let mut inputs = BTreeMap::new();
    for (name, path) in files {
        inputs.extend(hashes.of(&path)?.map(|hash| (name, hash)));
    }
    if stage == Stage::Synth {
        let now = match tasks::original(config) {
            tasks::Original::BuiltIn => Some(iopo_core::hash::bytes(tasks::BUILT_IN_TASKS)),
            tasks::Original::File(path) => hashes.of(&path)?,
        };
        // The run keeps its copy if the original is gone.
        let now = match (now, before) {
            (None, Some(record)) => {
                let own = tasks::recorded_hash(record, config);
                Some(own.ok_or_else(|| tasks::missing(config))?)
            }
            (now, _) => now,
        };
        inputs.extend(now.map(|hash| (tasks::INPUT.to_owned(), hash)));
        let found = pipeline.known_contamination();
        let found = found.map(|found| found.inputs(config.synth.recipe.is_trace()));
        inputs.extend(found.unwrap_or_else(|| recorded_contamination(before)));
    }
    if stage == Stage::Eval
        && let Some(tasks::Original::BuiltIn) = test_tasks::original(config)
    {
        let hash = iopo_core::hash::bytes(test_tasks::BUILT_IN_TEST_TASKS);
        inputs.insert(test_tasks::SETTING.to_owned(), hash);
    }
    if stage == Stage::Fipo {
        inputs.extend(given(pipeline, before));
        let own = pipeline.given_hash.borrow().is_some() || fipo::is_of_others(pipeline.dir());
        let found = match (own, pipeline.has_prompts() || pipeline.given_hash.borrow().is_some()) {
            (true, true) => pipeline.collected_contamination()?.map(|found| found.inputs(true)),
            (false, _) => pipeline.known_contamination().map(|found| found.inputs(true)),
            (true, false) => None,
        };
        inputs.extend(found.unwrap_or_else(|| recorded_contamination(before)));
    }
    let start = config.train.start.as_ref().filter(|dir| stage == Stage::Train && dir.is_dir());
    if let Some(dir) = start {
        inputs.insert(START.to_owned(), start_hash(dir)?);
    }
    let version = env!("CARGO_PKG_VERSION").to_owned();
    let tasks = (stage == Stage::Synth).then(|| config.tasks.clone());
    let usage = before.and_then(|before| before.usage.clone());
    Ok(Record { version, settings, model, tasks, inputs, outputs: None, usage })
}

/// Returns what a record states about overlaps: if the prompts are not at hand, they are taken to be the same.
fn recorded_contamination(before: Option<&Record>) -> BTreeMap<String, String> {
    let names = [contamination::INPUT, contamination::PROMPTS].into_iter();
    let recorded = names.filter_map(|name| before?.inputs.get_key_value(name));
    recorded.map(|(name, hash)| (name.clone(), hash.clone())).collect()
}

/// Returns the hash of responses from elsewhere: those of this command, or those of the record if the directory has no others.
fn given(pipeline: &Pipeline, before: Option<&Record>) -> Option<(String, String)> {
    let recorded = || {
        let hash = before?.inputs.get(fipo::GIVEN)?;
        fipo::is_of_others(pipeline.dir()).then(|| hash.clone())
    };
    let now = pipeline.given_hash.borrow().clone();
    now.or_else(recorded).map(|hash| (fipo::GIVEN.to_owned(), hash))
}

/// Lists the files that a stage reads, by the names of its record.
fn files(pipeline: &Pipeline, stage: Stage) -> Vec<(String, PathBuf)> {
    let (dir, config) = (pipeline.dir(), pipeline.config());
    let (instructions, responses) = (dir.instructions_file(), dir.responses_file());
    let tasks = tasks::copies(dir);
    let mut found: Vec<PathBuf> = match stage {
        Stage::Synth => Vec::new(),
        Stage::Fipo => [vec![instructions, responses], tasks].concat(),
        Stage::Pairs => {
            let own = if config.synth.recipe.is_trace() {
                vec![dir.candidates_file()]
            } else {
                vec![instructions, responses]
            };
            // The rewrites of `iopo fipo`, if it has run.
            [tasks, own, fipo::files(dir)].concat()
        }
        Stage::Train => {
            let mut files = vec![dir.preferences_file()];
            if config.train.sft.data == SftData::Responses {
                files.extend([instructions, responses]);
            }
            if config.train.input_preference_weight > 0.0 {
                files.push(fipo::input_preferences(dir));
            }
            files
        }
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
    let of_trace = config.synth.trace.templates.as_ref();
    let of_trace = of_trace.filter(|_| stage == Stage::Synth && config.synth.recipe.is_trace());
    let of_fipo = config.fipo.templates.as_ref().filter(|_| stage == Stage::Fipo);
    let templates = of_trace
        .map(|folder| (TEMPLATES, folder, template_files(folder)))
        .or_else(|| of_fipo.map(|folder| (FIPO_TEMPLATES, folder, fipo_template_files(folder))));
    if let Some((key, folder, files)) = templates {
        let name = |path: &Path| format!("{key}/{}", name_in(folder, path));
        named.extend(files.into_iter().map(|path| (name(&path), path)));
    }
    if stage == Stage::Eval {
        let prompts = config.eval.prompts.iter().cloned();
        named.extend(prompts.map(|path| ("eval.prompts".to_owned(), path)));
        if let Some(tasks::Original::File(path)) = test_tasks::original(config) {
            named.push((test_tasks::SETTING.to_owned(), path));
        }
        let data = config.eval.data.iter();
        let data = data.map(|(id, path)| (format!("eval.data.{id}"), PathBuf::from(path)));
        // A hub id is no file; the benchmark's protocol has the hash of what was downloaded.
        named.extend(data.filter(|(_, path)| path.is_file()));
    }
    named
}

/// Lists the files that a stage has written, by their names in the run.
///
/// # Errors
/// Returns an error if a directory cannot be listed.
pub(super) fn outputs(
    pipeline: &Pipeline,
    stage: Stage,
) -> Result<Vec<(String, PathBuf)>, PipelineError> {
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
                run_files::CANDIDATES,
                run_files::SYNTH_STATS,
                run_files::CONTAMINATION,
            ]);
            [files, tasks::copies(dir)].concat()
        }
        Stage::Fipo => all_below(std::iter::once(fipo::folder(dir)))?,
        Stage::Pairs => {
            let files = of_run(&[run_files::PREFERENCES, run_files::PAIRS_STATS]);
            files.into_iter().chain(fipo::kept_input_preferences(dir)).collect()
        }
        Stage::Train => trained_files(pipeline)?,
        Stage::Rounds if config.rounds < 2 => Vec::new(),
        Stage::Rounds => {
            let policies = rounds::later_dirs(pipeline);
            all_below(policies.iter().map(|policy| policy.root().to_owned()))?
        }
        Stage::Eval => evaluated_files(pipeline)?,
        Stage::Report => vec![dir.report_file()],
    };
    found.retain(|path| path.is_file());
    found.sort();
    Ok(found.into_iter().map(|path| (name_in(root, &path), path)).collect())
}

/// Lists the files of the models of the configuration, not those of methods that it no longer has.
fn trained_files(pipeline: &Pipeline) -> Result<Vec<PathBuf>, PipelineError> {
    let train = &pipeline.config().train;
    let methods = train.resolved_methods().into_iter();
    let models: BTreeSet<String> = methods
        .flat_map(|method| {
            train.seeds_of(method).into_iter().map(move |seed| train.folder(method, seed))
        })
        .collect();
    of_models(&pipeline.dir().train_dir(), &models)
}

/// Lists the files of the evaluation of the configured models and benchmarks.
fn evaluated_files(pipeline: &Pipeline) -> Result<Vec<PathBuf>, PipelineError> {
    let (dir, config) = (pipeline.dir(), pipeline.config());
    let models = run_models(pipeline).into_iter().map(|model| model.folder).collect();
    let mut dirs = vec![dir.eval_dir()];
    dirs.extend((config.rounds > 1).then(|| dir.dev_dir()));
    dirs.extend(config.eval.benchmarks.iter().map(|id| dir.benchmark_dir(id)));
    let mut found = Vec::new();
    for dir in dirs {
        found.extend(of_models(&dir, &models)?);
    }
    Ok(found)
}

/// Lists the files in a directory and those below the folders of models in it.
fn of_models(dir: &Path, models: &BTreeSet<String>) -> Result<Vec<PathBuf>, PipelineError> {
    let mut found: Vec<PathBuf> = entries(dir)?.into_iter().filter(|path| path.is_file()).collect();
    found.extend(all_below(models.iter().map(|model| dir.join(model)))?);
    Ok(found)
}

/// Lists all files below some directories.
fn all_below(dirs: impl Iterator<Item = PathBuf>) -> Result<Vec<PathBuf>, PipelineError> {
    let mut found = Vec::new();
    for dir in dirs {
        found.extend(below(&dir)?);
    }
    Ok(found)
}

/// Lists all files below a directory. Links to directories are not followed, because they can form a cycle.
fn below(dir: &Path) -> Result<Vec<PathBuf>, PipelineError> {
    let mut found = Vec::new();
    for path in entries(dir)? {
        if !path.is_dir() {
            found.push(path);
        } else if !path.is_symlink() {
            found.extend(below(&path)?);
        }
    }
    Ok(found)
}

/// Lists the entries of a directory in order, without the progress of unfinished work; none if there is no such directory.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, PipelineError> {
    let failed = || PipelineError::io("list", dir);
    let listed = match fs::read_dir(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(failed())?,
    };
    let mut paths = Vec::new();
    for entry in listed {
        paths.push(entry.map_err(failed())?.path());
    }
    paths.retain(|path| !is_progress(path));
    paths.sort();
    Ok(paths)
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
    use super::{Stage, below, depends, entries, flat, is_progress, upstream};
    use crate::config::PipelineConfig;

    #[test]
    fn each_stage_reads_its_own_settings() {
        for (stage, key, reads) in [
            (Stage::Synth, "synth.seed", true),
            (Stage::Synth, "pairs.seed", false),
            (Stage::Synth, "synthetic", false),
            (Stage::Fipo, "fipo.max_words", true),
            (Stage::Fipo, "pairs.judged.fail_at_most", true),
            (Stage::Fipo, "pairs.seed", false),
            (Stage::Fipo, "fipo.max_failed_share", false),
            (Stage::Synth, "fipo.max_words", false),
            (Stage::Pairs, "pairs.seed", true),
            (Stage::Pairs, "synth.max_tasks", true),
            (Stage::Pairs, "pairs.min_test_tasks", false),
            (Stage::Train, "train.learning_rate", true),
            (Stage::Train, "eval.seed", false),
            (Stage::Train, "train.save_steps", false),
            (Stage::Rounds, "round.2.methods", true),
            (Stage::Eval, "eval.max_new_tokens", true),
            (Stage::Eval, "eval.tasks", true),
            (Stage::Synth, "eval.tasks", false),
            (Stage::Train, "eval.tasks", false),
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

    #[cfg(unix)]
    #[test]
    fn links_that_form_a_cycle_are_not_followed_and_an_unreadable_directory_is_an_error() {
        let dir = tempfile::tempdir().expect("temporary directory");
        let inner = dir.path().join("a");
        std::fs::create_dir(&inner).expect("made");
        std::fs::write(inner.join("file"), "x").expect("written");
        std::os::unix::fs::symlink(dir.path(), inner.join("up")).expect("linked");
        std::os::unix::fs::symlink(inner.join("file"), dir.path().join("link")).expect("linked");
        let found = below(dir.path()).expect("listed");
        assert_eq!(found, [inner.join("file"), dir.path().join("link")]);
        assert!(entries(&dir.path().join("none")).expect("nothing").is_empty());
        // A file is not a directory.
        let error = entries(&inner.join("file")).expect_err("not a directory").to_string();
        assert!(error.starts_with("failed to list "), "{error}");
    }

    #[test]
    fn progress_is_no_output() {
        for name in ["checkpoint", "a.parquet.parts", ".a.parquet.tmp", "b.tmp"] {
            assert!(is_progress(std::path::Path::new(name)), "{name}");
        }
        assert!(!is_progress(std::path::Path::new("train/iopo/metrics.parquet")));
    }
}
