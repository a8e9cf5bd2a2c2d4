//! Rotary scaling of GGUF files, as llama.cpp reads it.

use std::path::Path;

use super::Metadata;
use crate::config::{Llama3Scaling, ModelConfig, RopeScaling};
use crate::error::ModelError;

const HINT: &str = "use a model with linear scaling, llama3 scaling or none";

/// Reads the scaling of a model of the architecture `name`.
///
/// Without a type, scaling is linear. `rope.scale_linear` is an older name of `rope.scaling.factor`, and a factor of 0 means
/// none.
pub(super) fn scaling(metadata: &Metadata, name: &str) -> Result<Option<RopeScaling>, ModelError> {
    let key = |part: &str| format!("{name}.rope.{part}");
    let kind = metadata.text(&key("scaling.type"))?.unwrap_or("linear");
    match kind {
        "none" | "linear" => {}
        other => {
            let other: String = other.chars().take(40).collect();
            let feature = format!("rope scaling `{other}`");
            return Err(ModelError::unsupported(metadata.path(), feature, HINT));
        }
    }
    // Neutral values of settings that change the rotation whatever the type is.
    for (part, neutral) in [
        ("scaling.attn_factor", 1.0),
        ("scaling.yarn_attn_factor", 1.0),
        ("scaling.yarn_ext_factor", 0.0),
    ] {
        let found = metadata.float(&key(part))?.unwrap_or(neutral);
        let is_neutral = (found - neutral).abs() <= f64::EPSILON;
        if !is_neutral {
            let feature = format!("`{}` = {found}", key(part));
            return Err(ModelError::unsupported(metadata.path(), feature, HINT));
        }
    }
    let factor = match metadata.float(&key("scaling.factor"))? {
        Some(factor) => factor,
        None => metadata.float(&key("scale_linear"))?.unwrap_or(1.0),
    };
    if kind == "none" || factor == 0.0 {
        return Ok(None);
    }
    Ok(RopeScaling::linear(factor))
}

/// Recovers the parameters of Llama 3's scaling from the divisors in a GGUF file.
///
/// The file stores only the result of the formula. The largest divisor is the factor, and the other parameters are those of
/// every Llama 3.x release. It is an error if these parameters do not reproduce all divisors, or if the metadata state another
/// scaling.
pub(super) fn llama3(
    config: &ModelConfig,
    divisors: &[f32],
    path: &Path,
) -> Result<RopeScaling, ModelError> {
    if config.rope_scaling.is_some() {
        return Err(ModelError::unsupported(
            path,
            "`rope_freqs.weight` beside a factor of rope scaling",
            HINT,
        ));
    }
    let factor = divisors.iter().copied().fold(1.0f32, f32::max);
    let scaling = Llama3Scaling {
        factor: f64::from(factor),
        low_freq_factor: 1.0,
        high_freq_factor: 4.0,
        original_max_position_embeddings: 8192,
    };
    let matches = divisors.len() == config.head_dim / 2
        && divisors.iter().enumerate().all(|(i, divisor)| {
            let exponent = -2.0 * i as f64 / config.head_dim as f64;
            let expected = scaling.divisor(config.rope_theta.powf(exponent));
            (f64::from(*divisor) - expected).abs() <= 1e-4 * expected
        });
    if matches {
        Ok(RopeScaling::Llama3(scaling))
    } else {
        Err(ModelError::unsupported(
            path,
            "the frequencies in `rope_freqs.weight`, which are not Llama 3's",
            "use the Hugging Face checkpoint, whose config.json has the scaling",
        ))
    }
}
