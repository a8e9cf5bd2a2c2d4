//! What weights are held in.

use std::str::FromStr;

use burn::tensor::{DType, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The type of the weights that are not trained. Whatever is trained, its gradients and the optimiser's moments, and
/// everything that is summed (norms, softmax over logits) is f32 in any case; losses are f32 or f64. A GPU or LibTorch computes a
/// layer's product with a weight of 16 bits in 16 bits; the head's, and every product on flex, is computed in f32 from the
/// rounded weight.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dtype {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with the range of f32 and 8 bits of precision: half the memory, and the matrix units of GPUs.
    Bf16,
}

impl Dtype {
    /// Every type.
    pub const ALL: [Self; 2] = [Self::F32, Self::Bf16];

    /// As it is spelt in a configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::Bf16 => "bf16",
        }
    }

    /// Bytes of a weight.
    pub fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::Bf16 => 2,
        }
    }

    /// Burn's name of it.
    pub(crate) fn burn(self) -> DType {
        match self {
            Self::F32 => DType::F32,
            Self::Bf16 => DType::BF16,
        }
    }
}

impl FromStr for Dtype {
    type Err = String;

    /// By its name; the error says which names there are.
    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|dtype| dtype.name() == name);
        found.ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}

/// The tensor in f32, which it mostly is already.
pub(crate) fn wide<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    if tensor.dtype() == DType::F32 { tensor } else { tensor.cast(DType::F32) }
}
