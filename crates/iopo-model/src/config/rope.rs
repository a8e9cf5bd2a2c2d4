//! Rotary settings of `config.json`, from every place where transformers 4 and 5 put them.

use super::fields::Fields;
use super::limits;
use crate::error::ModelError;

/// Base of the rotary frequencies without a setting.
const THETA: f64 = 10_000.0;

/// Scaling of the rotary frequencies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RopeScaling {
    /// Divides every frequency by `factor`.
    Linear {
        /// Ratio of the new context length to the original one.
        factor: f64,
    },
    /// Llama 3's scaling, which divides slow frequencies only.
    Llama3(Llama3Scaling),
}

impl RopeScaling {
    /// Returns linear scaling, or `None` for a factor of 1, which scales nothing.
    pub(crate) fn linear(factor: f64) -> Option<Self> {
        // NaN is kept, to be refused later.
        let is_one = (factor - 1.0).abs() <= f64::EPSILON;
        (!is_one).then_some(Self::Linear { factor })
    }

    /// Returns the divisor of the frequency `freq`.
    pub fn divisor(&self, freq: f64) -> f64 {
        match self {
            Self::Linear { factor } => *factor,
            Self::Llama3(scaling) => scaling.divisor(freq),
        }
    }

    /// Returns the allowed values if one is out of range.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Linear { factor } => {
                let valid = *factor > 0.0 && factor.is_finite();
                (!valid).then_some("a finite factor above 0")
            }
            Self::Llama3(scaling) => {
                let valid = scaling.factor >= 1.0
                    && scaling.factor.is_finite()
                    && scaling.low_freq_factor > 0.0
                    && scaling.high_freq_factor > scaling.low_freq_factor
                    && scaling.high_freq_factor.is_finite();
                (!valid).then_some("factor >= 1 and high_freq_factor > low_freq_factor > 0")
            }
        }
    }
}

/// Llama 3's scaling of the rotary frequencies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Llama3Scaling {
    /// Ratio of the new context length to the original one.
    pub factor: f64,
    /// Wavelengths above `original / low_freq_factor` are scaled by `factor`.
    pub low_freq_factor: f64,
    /// Wavelengths below `original / high_freq_factor` are not scaled.
    pub high_freq_factor: f64,
    /// The original context length.
    pub original_max_position_embeddings: usize,
}

impl Llama3Scaling {
    /// Returns the divisor of the frequency `freq`.
    pub fn divisor(&self, freq: f64) -> f64 {
        let wavelength = 2.0 * std::f64::consts::PI / freq;
        let original = self.original_max_position_embeddings as f64;
        if wavelength < original / self.high_freq_factor {
            1.0
        } else if wavelength > original / self.low_freq_factor {
            self.factor
        } else {
            let smooth = (original / wavelength - self.low_freq_factor)
                / (self.high_freq_factor - self.low_freq_factor);
            1.0 / ((1.0 - smooth) / self.factor + smooth)
        }
    }
}

/// The settings of one object, `rope_scaling` or `rope_parameters`.
struct Nested {
    theta: Option<f64>,
    scaling: Option<RopeScaling>,
}

/// Reads theta and scaling of a model with `positions` positions, with the precedence of transformers 5.
///
/// A non-empty `rope_scaling` replaces `rope_parameters`, and theta is at the top level unless that object has one. It is an
/// error if the object that is replaced has another theta or another scaling.
pub(super) fn read(
    fields: &Fields<'_>,
    positions: usize,
) -> Result<(f64, Option<RopeScaling>), ModelError> {
    let top = fields.number("rope_theta", Some(THETA))?;
    let parameters = nested(fields, "rope_parameters", positions)?;
    let scaling = nested(fields, "rope_scaling", positions)?;
    let (used, replaced) = match (scaling, parameters) {
        (Some(scaling), parameters) => (scaling, parameters),
        (None, Some(parameters)) => (parameters, None),
        (None, None) => return Ok((top, None)),
    };
    let theta = used.theta.unwrap_or(top);
    if let Some(replaced) = replaced {
        const WHY: &str = "because `rope_scaling` replaces `rope_parameters`";
        if let Some(other) = replaced.theta.filter(|other| differ(*other, theta)) {
            let (key, expected) = ("rope_parameters.rope_theta", format!("{theta}, {WHY}"));
            return Err(ModelError::config(fields.path, key, expected, other.to_string()));
        }
        if replaced.scaling.is_some() && replaced.scaling != used.scaling {
            let expected = format!("the scaling of `rope_scaling`, {WHY}");
            return Err(ModelError::config(
                fields.path,
                "rope_parameters",
                expected,
                "another scaling",
            ));
        }
    }
    Ok((theta, used.scaling))
}

fn differ(a: f64, b: f64) -> bool {
    (a - b).abs() > f64::EPSILON * b.abs()
}

/// Reads one object; `None` if it is absent or empty.
fn nested(
    fields: &Fields<'_>,
    key: &'static str,
    positions: usize,
) -> Result<Option<Nested>, ModelError> {
    let Some(nested) = fields.nested(key)?.filter(|nested| !nested.object.is_empty()) else {
        return Ok(None);
    };
    if let Some((kind, _)) = nested.object.iter().find(|(_, value)| value.is_object()) {
        let kind: String = kind.chars().take(40).collect();
        return Err(ModelError::unsupported(
            fields.path,
            format!("rotary settings of some layers only, `{key}.{kind}`"),
            "use a model with the same rotary settings in all layers",
        ));
    }
    nested.refuse_partial_rotation()?;
    let theta = match nested.get("rope_theta") {
        Some(_) => Some(nested.number("rope_theta", None)?),
        None => None,
    };
    Ok(Some(Nested { theta, scaling: scaling(fields, &nested, positions)? }))
}

fn scaling(
    top: &Fields<'_>,
    nested: &Fields<'_>,
    positions: usize,
) -> Result<Option<RopeScaling>, ModelError> {
    let (kind, old) = (nested.text("rope_type")?, nested.text("type")?);
    if let (Some(kind), Some(old)) = (kind, old)
        && kind != old
    {
        // transformers 4 takes the old key and transformers 5 the new one.
        let (key, expected) = (nested.key("type"), format!("{kind:?}, as in `rope_type`"));
        return Err(ModelError::config(top.path, key, expected, format!("{old:?}")));
    }
    match kind.or(old) {
        Some("default") => Ok(None),
        Some("linear") => Ok(RopeScaling::linear(nested.number("factor", None)?)),
        Some("llama3") => Ok(Some(RopeScaling::Llama3(Llama3Scaling {
            factor: nested.number("factor", None)?,
            low_freq_factor: nested.number("low_freq_factor", None)?,
            high_freq_factor: nested.number("high_freq_factor", None)?,
            original_max_position_embeddings: original_positions(top, nested, positions)?,
        }))),
        Some(other) => Err(ModelError::unsupported(
            top.path,
            format!("rope scaling `{}`", other.chars().take(40).collect::<String>()),
            "use a model with linear scaling, llama3 scaling or none",
        )),
        None if RopeScaling::linear(nested.number("factor", Some(1.0))?).is_some() => {
            let (key, expected) = (nested.key("rope_type"), "the kind of scaling beside `factor`");
            Err(ModelError::config(top.path, key, expected, "nothing"))
        }
        None => Ok(None),
    }
}

/// Returns the original context length, which some configurations have at the top level.
fn original_positions(
    top: &Fields<'_>,
    nested: &Fields<'_>,
    positions: usize,
) -> Result<usize, ModelError> {
    const KEY: &str = "original_max_position_embeddings";
    let outside = top.size(KEY, limits::POSITIONS, Some(positions))?;
    let inside = nested.size(KEY, limits::POSITIONS, Some(outside))?;
    if top.get(KEY).is_some() && inside != outside {
        // transformers 4 takes the inner value and transformers 5 the outer one.
        let expected = format!("{outside}, as at the top level");
        return Err(ModelError::config(top.path, nested.key(KEY), expected, inside.to_string()));
    }
    Ok(inside)
}

#[cfg(test)]
mod tests;
