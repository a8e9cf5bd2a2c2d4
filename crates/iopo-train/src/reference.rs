//! Log-probabilities of the frozen start, computed once: no second model is ever held.

use std::{collections::BTreeMap, path::Path};

use iopo_llm::Progress;
use iopo_model::Decoder;
use iopo_schema::{Parts, PerSequence, Provenance, ReferenceRow, clear_parts, read};
use serde_json::json;

use crate::{TrainError, encode::EncodedGroup, evaluate::group_logps, tree::SequenceLayout};

/// Groups of one part of the file: what a killed run computes again at most.
const PART: usize = 32;

/// What reference log-probabilities belong to.
#[derive(Debug, Clone, Copy)]
pub struct Identity<'a> {
    /// Hash of the reference model's weights.
    pub model_hash: &'a str,
    /// Hash of tokenizer and chat template.
    pub template_hash: &'a str,
    /// Hash of the preferences file.
    pub preferences_hash: &'a str,
}

/// The four sums of every group under `decoder`, from `path` where they are there, else computed and
/// written.
///
/// # Errors
/// When the file belongs to another model, template or data set, the model fails, or `progress` asks
/// to stop.
pub fn reference(
    path: &Path,
    decoder: &Decoder,
    groups: &[&EncodedGroup],
    identity: Identity<'_>,
    sequence_layout: SequenceLayout,
    budget: usize,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, [f64; 4]>, TrainError> {
    if path.exists() {
        let sums = load(path, groups, identity)?;
        clear_parts(path);
        return Ok(sums);
    }
    let config = json!({
        "model_hash": identity.model_hash,
        "template_hash": identity.template_hash,
        "groups": groups.len(),
    });
    let provenance = Provenance::new(concat!("iopo-train ", env!("CARGO_PKG_VERSION")), config)
        .with_input("preferences", identity.preferences_hash);
    let parts = Parts::<ReferenceRow>::open(path, &provenance)?;
    progress.start("reference log-probabilities", groups.len() as u64);
    for (index, members) in groups.chunks(PART).enumerate() {
        if parts.has(index) {
            progress.advance(members.len() as u64);
            continue;
        }
        let sums = group_logps(decoder, members, sequence_layout, budget, |_| [true; 4], progress)?;
        let rows: Vec<ReferenceRow> = members
            .iter()
            .zip(sums)
            .map(|(group, logps)| ReferenceRow {
                group_id: group.id.clone(),
                model_hash: identity.model_hash.to_owned(),
                template_hash: identity.template_hash.to_owned(),
                logps: named(logps),
                tokens: named(group.response_tokens()),
            })
            .collect();
        parts.write(index, &rows)?;
    }
    parts.finish(groups.len().div_ceil(PART))?;
    progress.finish();
    load(path, groups, identity)
}

/// Names the values of an array in the order of a group's sequences.
fn named<V>([x1y1, x1y2, x2y2, x2y1]: [V; 4]) -> PerSequence<V> {
    PerSequence { x1y1, x1y2, x2y1, x2y2 }
}

/// Reads reference log-probabilities and refuses those that do not fit the groups.
///
/// # Errors
/// When a hash, a group or a token count differs.
pub fn load(
    path: &Path,
    groups: &[&EncodedGroup],
    identity: Identity<'_>,
) -> Result<BTreeMap<String, [f64; 4]>, TrainError> {
    let mismatch = |expected: String, got: String| {
        Err(TrainError::ReferenceMismatch { path: path.to_owned(), expected, got })
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
    let mut sums = BTreeMap::new();
    for group in groups {
        let Some(row) = rows.get(&group.id) else {
            return mismatch(format!("a row for group {}", group.id), "none".to_owned());
        };
        if row.tokens != named(group.response_tokens()) {
            let expected =
                format!("{:?} response tokens for {}", group.response_tokens(), group.id);
            return mismatch(expected, format!("{:?}", row.tokens));
        }
        if row.logps.iter().any(|(_, logp)| !logp.is_finite()) {
            let expected = format!("finite log-probabilities for {}", group.id);
            return mismatch(expected, format!("{:?}", row.logps));
        }
        let PerSequence { x1y1, x1y2, x2y1, x2y2 } = row.logps;
        sums.insert(group.id.clone(), [x1y1, x1y2, x2y2, x2y1]);
    }
    Ok(sums)
}
