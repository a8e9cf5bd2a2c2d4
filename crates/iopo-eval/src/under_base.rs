//! Numbers about responses under the base model, computed in parts that survive a kill.

use std::path::Path;

use iopo_llm::{LanguageModel as _, Progress};
use iopo_schema::{Parts, PredictionRow, Provenance, Record, ResponseLogpsRow, file_hash};
use serde_json::json;

use crate::prediction_logps::response_logps;
use crate::score::PRODUCER;
use crate::{EvalError, Models};

/// Responses per part.
const PART: usize = 32;

/// Computes the log-probabilities of the responses of a file, or reads them if `out` has them.
pub(crate) fn logps<M: Models>(
    models: &M,
    predictions: &Path,
    out: &Path,
    progress: &dyn Progress,
) -> Result<Vec<ResponseLogpsRow>, EvalError> {
    let provenance = provenance(models, predictions)?;
    let work = Work { what: "log-probabilities of responses", steps: 1 };
    in_parts(predictions, out, &provenance, work, progress, |rows| {
        let logps = response_logps(models.base(), rows, progress)?;
        let row = |(key, logps): (String, iopo_llm::TokenLogps)| ResponseLogpsRow {
            key,
            logps: logps.sum,
            tokens: logps.tokens,
        };
        Ok(logps.into_iter().map(row).collect())
    })
}

/// Describes what the numbers depend on.
pub(crate) fn provenance<M: Models>(
    models: &M,
    predictions: &Path,
) -> Result<Provenance, EvalError> {
    let config = json!({
        "model": models.base().name(),
        "template_hash": models.template_hash(),
        "end_of_turn": "where it was generated",
    });
    Ok(Provenance::new(PRODUCER, config).with_input("predictions", file_hash(predictions)?))
}

/// How the computation of rows is shown while it runs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work {
    /// Name of the task.
    pub(crate) what: &'static str,
    /// Steps that the model reports for each response.
    pub(crate) steps: u64,
}

/// Computes rows about the responses of a file part by part, or reads them if `out` has them.
pub(crate) fn in_parts<R: Record>(
    predictions: &Path,
    out: &Path,
    provenance: &Provenance,
    work: Work,
    progress: &dyn Progress,
    compute: impl Fn(&[PredictionRow]) -> Result<Vec<R>, EvalError>,
) -> Result<Vec<R>, EvalError> {
    let parts = Parts::<R>::open(out, provenance)?;
    if !parts.is_complete() {
        let rows: Vec<PredictionRow> = iopo_schema::read(predictions)?;
        let Work { what, steps } = work;
        progress.start(what, rows.len() as u64 * steps);
        let advance = |rows: &[PredictionRow]| progress.advance(rows.len() as u64 * steps);
        parts.fill(&rows, PART, advance, &compute)?;
        progress.finish();
    }
    Ok(iopo_schema::read(out)?)
}
