//! Samples and results in the format of lm-eval 0.4, so that its tools read them.
//!
//! The directory `lm-eval/MODEL` has the files `samples_TASK_DATE.jsonl` and `results_DATE.json`. As in every file of a
//! stage, there are no times: the date in the names is the start of 1970, and the times in the results are 0.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use iopo_core::files;
use iopo_schema::{ConstraintRow, PredictionRow, ScoreRow};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::ifeval;
use super::responses::MatchedResponses;
use crate::EvalError;
use crate::observe::{self, Outcome, Strictness};

/// Folder of the export below the output directory of a benchmark.
pub const FOLDER: &str = "lm-eval";
/// Date in file names. lm-eval sorts files by it.
const DATE: &str = "1970-01-01T00-00-00.000000";
/// Metrics of a prompt and of its instructions, by strictness.
const METRICS: [(Strictness, &str, &str); 2] = [
    (Strictness::Strict, "prompt_level_strict_acc", "inst_level_strict_acc"),
    (Strictness::Loose, "prompt_level_loose_acc", "inst_level_loose_acc"),
];

/// Removes the export of an earlier evaluation.
///
/// # Errors
/// Returns an error if a file cannot be removed.
pub(super) fn remove(out: &Path) -> Result<(), EvalError> {
    let path = out.join(FOLDER);
    match fs::remove_dir_all(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(EvalError::Write { path, source })
        }
        _ => Ok(()),
    }
}

/// Writes the samples and results of a benchmark below `out`. `available` is the number of prompts in the benchmark's file. A
/// failed request has no sample. `responses` are those of a file: how they were generated is not known, and samples have them with the
/// reasoning that was removed.
///
/// # Errors
/// Returns an error if the scores do not belong to the predictions, or a file cannot be written.
pub(super) fn write(
    out: &Path,
    (model, protocol, available): (&str, &Value, usize),
    predictions: &[PredictionRow],
    scores: &[ScoreRow],
    responses: Option<&MatchedResponses>,
) -> Result<(), EvalError> {
    let scored = observe::join(predictions, scores.to_vec())?;
    let task = predictions.first().map_or("", |row| row.benchmark.as_str());
    let generation = match protocol.get("max_new_tokens") {
        Some(most) => json!({ "do_sample": false, "temperature": 0.0, "max_gen_toks": most }),
        None => Value::Null,
    };
    let (mut lines, mut hashes) = (String::new(), String::new());
    let mut totals = Totals::default();
    let mut samples = 0_usize;
    let rows = predictions.iter().zip(&scored).enumerate();
    for (index, (row, response)) in rows.filter(|(_, (row, _))| row.error.is_none()) {
        samples += 1;
        let doc = doc_of(row);
        let texts = [pretty(&doc), row.prompt.clone(), "0".to_owned()];
        let [doc_hash, prompt_hash, target_hash] = texts.map(|text| sha256(&text));
        hashes.extend([doc_hash.as_str(), &prompt_hash, &target_hash]);
        let raw = responses.and_then(|responses| responses.raw(&row.key)).unwrap_or(&row.response);
        let mut sample = json!({
            "doc_id": index,
            "doc": doc,
            "target": "0",
            "arguments": { "gen_args_0": { "arg_0": row.prompt, "arg_1": generation } },
            "resps": [[raw]],
            "filtered_resps": [row.response],
            "filter": "none",
            "metrics": METRICS.map(|(_, prompt, instruction)| [prompt, instruction]).concat(),
            "doc_hash": doc_hash,
            "prompt_hash": prompt_hash,
            "target_hash": target_hash,
        });
        for (strictness, prompt, instruction) in METRICS {
            let follows: Vec<bool> = response
                .outcomes
                .iter()
                .filter_map(|one: &Outcome| one.followed(strictness))
                .collect();
            let all = (!response.is_undecided()).then(|| follows.iter().all(|follows| *follows));
            totals.add(prompt, all.into_iter());
            totals.add(instruction, follows.iter().copied());
            sample[prompt] = json!(all);
            sample[instruction] = json!(follows);
        }
        lines.push_str(&sample.to_string());
        lines.push('\n');
    }
    let about = (model, protocol, [available, samples]);
    let results = results(task, about, &generation, &totals, &sha256(&hashes));
    let dir = out.join(FOLDER).join(sanitized(model));
    fs::create_dir_all(&dir).map_err(|source| EvalError::Folder { path: dir.clone(), source })?;
    for (name, text) in [
        (format!("samples_{task}_{DATE}.jsonl"), lines),
        (format!("results_{DATE}.json"), pretty(&results)),
    ] {
        let path = dir.join(name);
        files::write(&path, text.as_bytes()).map_err(|source| EvalError::Write { path, source })?;
    }
    Ok(())
}

/// Successes and counts by metric.
#[derive(Debug, Default)]
struct Totals(BTreeMap<&'static str, (u64, u64)>);

impl Totals {
    fn add(&mut self, metric: &'static str, verdicts: impl Iterator<Item = bool>) {
        let (followed, all) = self.0.entry(metric).or_default();
        for follows in verdicts {
            *followed += u64::from(follows);
            *all += 1;
        }
    }

    /// Returns the share of a metric and its standard error as lm-eval computes it; NaN without a verdict.
    fn mean(&self, metric: &str) -> (f64, f64) {
        let (followed, all) = self.0.get(metric).copied().unwrap_or_default();
        let (share, count) = (followed as f64 / all as f64, all as f64);
        (share, (share * (1.0 - share) / (count - 1.0)).sqrt())
    }
}

/// Makes the prompt's object as IFEval and IFBench publish it.
fn doc_of(row: &PredictionRow) -> Value {
    let key = match row.key.parse::<u64>() {
        Ok(number) if row.benchmark == ifeval::ID => json!(number),
        _ => json!(row.key),
    };
    let id = |constraint: &ConstraintRow| match &constraint.check {
        Some(check) => check.id.clone(),
        None => constraint.dimension.clone(),
    };
    let kwargs = |constraint: &ConstraintRow| -> Value {
        let check = constraint.check.as_ref();
        check
            .and_then(|check| serde_json::from_str(&check.params).ok())
            .unwrap_or_else(|| json!({}))
    };
    json!({
        "key": key,
        "prompt": row.prompt,
        "instruction_id_list": row.constraints.iter().map(id).collect::<Vec<_>>(),
        "kwargs": row.constraints.iter().map(kwargs).collect::<Vec<_>>(),
    })
}

fn results(
    task: &str,
    (model, protocol, [available, samples]): (&str, &Value, [usize; 2]),
    generation: &Value,
    totals: &Totals,
    hash: &str,
) -> Value {
    let mode = protocol.get("mode").and_then(Value::as_str).unwrap_or_default();
    let version = format!("iopo {} {mode}", env!("CARGO_PKG_VERSION")).trim_end().to_owned();
    let mut metrics = Map::new();
    metrics.insert("alias".to_owned(), json!(task));
    metrics.insert("sample_len".to_owned(), json!(samples));
    let (mut list, mut higher) = (Vec::new(), Map::new());
    for (_, prompt, instruction) in METRICS {
        let (share, error) = totals.mean(prompt);
        metrics.insert(format!("{prompt},none"), json!(share));
        let error = if error.is_finite() { json!(error) } else { json!("N/A") };
        metrics.insert(format!("{prompt}_stderr,none"), error);
        metrics.insert(format!("{instruction},none"), json!(totals.mean(instruction).0));
        metrics.insert(format!("{instruction}_stderr,none"), json!("N/A"));
        for name in [prompt, instruction] {
            list.push(json!({ "metric": name, "higher_is_better": true }));
            higher.insert(name.to_owned(), json!(true));
        }
    }
    let of_task = |value: Value| json!({ task: value });
    json!({
        "results": of_task(Value::Object(metrics)),
        "group_subtasks": of_task(json!([])),
        "configs": of_task(json!({
            "task": task,
            "output_type": "generate_until",
            "num_fewshot": 0,
            "generation_kwargs": generation,
            "metric_list": list,
            "metadata": { "version": version },
        })),
        "versions": of_task(json!(version)),
        "n-shot": of_task(json!(0)),
        "higher_is_better": of_task(Value::Object(higher)),
        "n-samples": of_task(json!({ "original": available, "effective": samples })),
        "config": { "model": "iopo", "model_args": { "pretrained": model }, "limit": protocol["limit"], "protocol": protocol },
        "git_hash": null,
        "date": 0.0,
        "task_hashes": of_task(json!(hash)),
        "model_source": "iopo",
        "model_name": model,
        "model_name_sanitized": sanitized(model),
        "start_time": 0.0,
        "end_time": 0.0,
        "total_evaluation_time_seconds": "0",
    })
}

/// Replaces the characters that lm-eval replaces in a model's name, each run by `__`.
fn sanitized(model: &str) -> String {
    let mut name = String::with_capacity(model.len());
    let mut in_run = false;
    for c in model.chars() {
        let replaced = r#""<>:/|\?*[]"#.contains(c);
        match (replaced, in_run) {
            (false, _) => name.push(c),
            (true, false) => name.push_str("__"),
            (true, true) => {}
        }
        in_run = replaced;
    }
    // A folder must have another name than its parent.
    if matches!(name.as_str(), "" | "." | "..") { "model".to_owned() } else { name }
}

/// Formats a value as Python does with an indentation of two spaces.
fn pretty(value: &impl Serialize) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn sha256(text: &str) -> String {
    let mut hex = String::with_capacity(64);
    for byte in Sha256::digest(text.as_bytes()) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

#[cfg(test)]
mod tests {
    use super::{Totals, sanitized, sha256};

    #[test]
    fn names_of_models_are_names_of_folders() {
        for (model, expected) in [
            ("org/model", "org__model"),
            ("a<>:b?", "a__b__"),
            ("plain-1.0", "plain-1.0"),
            ("..", "model"),
        ] {
            assert_eq!(sanitized(model), expected);
        }
    }

    #[test]
    fn shares_have_the_standard_error_of_a_mean() {
        let mut totals = Totals::default();
        totals.add("m", [true, false, true, true, false].into_iter());
        let (share, error) = totals.mean("m");
        assert!((share - 0.6).abs() < 1e-12 && (error - (0.24_f64 / 4.0).sqrt()).abs() < 1e-12);
        assert!(totals.mean("none").0.is_nan());
    }

    #[test]
    fn hashes_are_those_of_the_text() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), abc);
    }
}
