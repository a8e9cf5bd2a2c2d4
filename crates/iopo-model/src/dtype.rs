//! Types of weights.

use std::str::FromStr;

use burn::tensor::{DType, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Type of the frozen weights.
///
/// Trained parameters, their gradients and optimizer state, and sums (norms, softmax) are always f32; losses are f32 or f64.
/// GPUs and LibTorch multiply 16-bit weights in 16 bits. The head, and every product on flex, computes in f32 with the
/// rounded weights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of f32 and 8 bits of precision. Halves memory and uses the matrix units of GPUs.
    Bf16,
}

impl Dtype {
    /// Every type.
    pub const ALL: [Self; 2] = [Self::F32, Self::Bf16];

    /// Returns the name used in configurations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    /// Returns the bytes per weight.
    pub fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    /// Returns Burn's type.
    pub(crate) fn burn(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
        }
    }
}

impl FromStr for Dtype {
    type Err = String;

    /// Parses a name; the error lists the names.
    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|dtype| dtype.name() == name);
        found.ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// Converts a tensor to f32 if needed.
pub(crate) fn wide<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    if tensor.dtype() == DType::F32 { tensor } else { tensor.cast(DType::F32) }
}
