//! Logps of the reference, computed once and cached in a file, so that training holds one model in memory.

use std::{collections::BTreeMap, path::Path};

use iopo_core::PerSequence;
use iopo_llm::Progress;
use iopo_model::Decoder;
use iopo_schema::{Parts, Provenance, ReferenceRow, SchemaError, clear_parts, read};
use serde_json::json;

use crate::{
    PRODUCER, TrainError,
    encode::{EncodedGroup, all_sequences},
    evaluate::group_logps,
    tree::SequenceLayout,
};

/// Groups per part of the file; a killed run repeats at most one part.
const PART: usize = 32;

/// Logps of each group under the reference, by the group's id.
pub type ReferenceLogps = BTreeMap<String, PerSequence<f64>>;

/// The inputs that reference logps depend on.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// Hash of the reference model's weights.
    pub model_hash: &'a str,
    /// Hash of tokenizer and chat template.
    pub template_hash: &'a str,
    /// Hash of the preferences file.
    pub preferences_hash: &'a str,
}

/// Returns the logps of every group under `decoder`: read from `path` if the file exists, otherwise computed and written
/// there.
///
/// # Errors
/// Returns an error if the file belongs to another model, template or dataset, if the model fails, or if `progress` is
/// cancelled.
pub fn reference(
    path: &Path,
    decoder: &Decoder,
    groups: &[&EncodedGroup],
    identity: Identity<'_>,
    sequence_layout: SequenceLayout,
    budget: usize,
    progress: &dyn Progress,
) -> Result<ReferenceLogps, TrainError> {
    if path.exists() {
        let logps = load(path, groups, identity)?;
        clear_parts(path);
        return Ok(logps);
    }
    let config = json!({
        "model_hash": identity.model_hash,
        "template_hash": identity.template_hash,
        "groups": groups.len(),
    });
    let provenance =
        Provenance::new(PRODUCER, config).with_input("preferences", identity.preferences_hash);
    let parts = Parts::<ReferenceRow>::open(path, &provenance)?;
    progress.start("reference log-probabilities", groups.len() as u64);
    let row = |(group, logps): (&&EncodedGroup, PerSequence<f64>)| ReferenceRow {
        group_id: group.id.clone(),
        model_hash: identity.model_hash.to_owned(),
        template_hash: identity.template_hash.to_owned(),
        logps,
        tokens: group.response_tokens(),
    };
    parts.fill(
        groups,
        PART,
        |groups| progress.advance(groups.len() as u64),
        |groups| {
            let logps =
                group_logps(decoder, groups, sequence_layout, budget, all_sequences, progress)?;
            Ok::<_, TrainError>(groups.iter().zip(logps).map(row).collect())
        },
    )?;
    progress.finish();
    load(path, groups, identity)
}

/// Removes the file of reference logps if it is damaged or belongs to another model, template or dataset.
///
/// # Errors
/// Returns an error if the file cannot be removed.
pub fn discard_other(
    path: &Path,
    groups: &[&EncodedGroup],
    identity: Identity<'_>,
) -> Result<(), TrainError> {
    if !path.exists() {
        return Ok(());
    }
    match load(path, groups, identity) {
        // A file that cannot be read may still be intact.
        Err(error @ TrainError::Schema(SchemaError::Io { .. })) => Err(error),
        Err(TrainError::ReferenceMismatch { .. } | TrainError::Schema(_)) => {
            std::fs::remove_file(path).map_err(TrainError::io("remove this file", path))
        }
        loaded => loaded.map(drop),
    }
}

/// Reads reference logps and checks that they belong to the groups.
///
/// # Errors
/// Returns [`TrainError::ReferenceMismatch`] if a hash, a group or a token count differs.
pub fn load(
    path: &Path,
    groups: &[&EncodedGroup],
    identity: Identity<'_>,
) -> Result<ReferenceLogps, TrainError> {
    let mismatch = |expected: String, found: String| {
        Err(TrainError::ReferenceMismatch { path: path.to_owned(), expected, found })
    };
    let mut rows = BTreeMap::new();
    for row in read::<ReferenceRow>(path)? {
        if row.model_hash != identity.model_hash {
            return mismatch(format!("model {}", identity.model_hash), row.model_hash);
        }
        if row.template_hash != identity.template_hash {
            return mismatch(format!("template {}", identity.template_hash), row.template_hash);
        }
        rows.insert(row.group_id.clone(), row);
    }
    let mut logps = ReferenceLogps::new();
    for group in groups {
        let Some(row) = rows.get(&group.id) else {
            return mismatch(format!("a row for group {}", group.id), "none".to_owned());
        };
        if row.tokens != group.response_tokens() {
            let expected =
                format!("{:?} response tokens for {}", group.response_tokens(), group.id);
            return mismatch(expected, format!("{:?}", row.tokens));
        }
        if row.logps.iter().any(|(_, logp)| !logp.is_finite()) {
            let expected = format!("finite log-probabilities for {}", group.id);
            return mismatch(expected, format!("{:?}", row.logps));
        }
        logps.insert(group.id.clone(), row.logps);
    }
    Ok(logps)
}
