//! Lets a model respond to the prompts of any benchmark.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use iopo_core::settings::limits::MAX_BATCH;
use iopo_llm::{LanguageModel, Progress};
use iopo_schema::{PredictionRow, Provenance, run_files};
use serde_json::Value;

use super::Decoding;
use super::origin::claim;
use super::protocol::describe_model;
use crate::answer::{Answering, Failures, fill, refuse_misfits};
use crate::prompt::Asked;
use crate::score::PRODUCER;
use crate::{EvalConfig, EvalError};

/// Responds greedily to every prompt, writes `predictions.parquet` into `out`, and returns its path. Adds the model to the
/// protocol, by which `out` is claimed.
///
/// An interrupted call resumes where it stopped. A request that fails has a row with its error. The next call asks an endpoint
/// again, which answers from its store if the failure is permanent.
pub(crate) fn respond<P: Asked>(
    prompts: &[P],
    model: &dyn LanguageModel,
    out: &Path,
    (protocol, decoding): (&mut Value, &Decoding),
    progress: &dyn Progress,
) -> Result<PathBuf, EvalError> {
    let max_new_tokens = decoding.max_new_tokens;
    let config = EvalConfig { max_new_tokens, ..EvalConfig::default() };
    config.validate()?;
    refuse_misfits(prompts, model, max_new_tokens)?;
    create(out)?;
    describe_model(protocol, model, decoding)?;
    claim(out, protocol)?;
    let path = out.join(run_files::PREDICTIONS);
    let mut part_size = config.part_size;
    if decoding.endpoint.is_some() {
        // The store keeps the answers of an endpoint, so one part does not lose them, and requests run side by side.
        part_size = prompts.len().clamp(1, MAX_BATCH);
        forget_failures(&path)?;
    }
    let settings = Answering { max_new_tokens, part_size, failures: Failures::Kept };
    let provenance = Provenance::new(PRODUCER, protocol.clone());
    fill(prompts, model, (&path, &provenance), settings, progress)?;
    decoding.describe_address(protocol);
    Ok(path)
}

/// Creates the output directory.
pub(crate) fn create(out: &Path) -> Result<(), EvalError> {
    std::fs::create_dir_all(out)
        .map_err(|source| EvalError::Folder { path: out.to_owned(), source })
}

/// Removes predictions with failed requests, so that the next call asks again. The store has the other answers.
fn forget_failures(path: &Path) -> Result<(), EvalError> {
    if !path.is_file() {
        return Ok(());
    }
    let rows = iopo_schema::read::<PredictionRow>(path)?;
    if rows.iter().all(|row| row.error.is_none()) { Ok(()) } else { remove(path) }
}

/// Removes a file that may be absent.
pub(crate) fn remove(path: &Path) -> Result<(), EvalError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(EvalError::Write { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

/// Counts failed requests by class.
pub(crate) fn failed(rows: &[PredictionRow]) -> BTreeMap<String, usize> {
    let mut classes = BTreeMap::new();
    for class in rows.iter().filter_map(|row| row.error.clone()) {
        *classes.entry(class).or_insert(0) += 1;
    }
    classes
}
