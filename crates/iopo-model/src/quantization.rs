//! Weights in 8 bits for sampling.

use std::sync::Arc;

use iopo_llm::Quantization;

use crate::device::in_process;
use crate::kernels::Int8Matrix;
use crate::{Decoder, ModelError};

impl Decoder {
    /// Returns a decoder that generates with weights of the given type.
    ///
    /// [`Quantization::Int8`] rounds every matrix, the head included, to 8 bits with one scale per row, and rounds the inputs
    /// of each product per token. Adapters are added in f32, norms and attention stay f32. The weights of this decoder
    /// are shared, so the copy needs about one more byte per weight. It only generates: log-probabilities and gradients
    /// need the exact weights and are refused.
    ///
    /// # Errors
    /// Returns [`ModelError::Other`] if the device does not compute on threads of this process, the weights are not f32, or
    /// a weight is not finite.
    pub fn quantized(&self, quantization: Quantization) -> Result<Self, ModelError> {
        let mut decoder = self.without_quantization();
        match quantization {
            Quantization::None => return Ok(decoder),
            Quantization::Int8 => {}
        }
        if !in_process(&self.device()) {
            let reason = "the device does not sample with 8-bit weights; set `quantization = \"none\"`, \
                          or run on the CPU (`device = \"flex\"`)";
            return Err(ModelError::Other { reason: reason.to_owned() });
        }
        let round = |name: &str, weight| {
            let matrix = Int8Matrix::new(&weight).ok_or_else(|| ModelError::Other {
                reason: format!("cannot round `{name}` to 8 bits: expected finite values in f32"),
            })?;
            Ok::<_, ModelError>(Some(Arc::new(matrix)))
        };
        for (index, layer) in decoder.layers.iter_mut().enumerate() {
            for (linear, projection) in layer.projections_mut() {
                projection.rounded = round(&linear.path(index), projection.weight.val())?;
            }
        }
        decoder.rounded_head = round("lm_head", decoder.head_param().val())?;
        Ok(decoder)
    }

    /// Returns the type of the weights that it generates with.
    pub fn quantization(&self) -> Quantization {
        if self.rounded_head.is_some() { Quantization::Int8 } else { Quantization::None }
    }

    /// Returns the bytes of the rounded weights.
    pub fn quantized_bytes(&self) -> usize {
        let projections = self.layers.iter().flat_map(|layer| layer.projections());
        let rounded = projections.filter_map(|(_, projection)| projection.rounded.as_ref());
        rounded.chain(&self.rounded_head).map(|matrix| matrix.bytes()).sum()
    }

    /// Returns the decoder with its exact weights.
    pub(crate) fn without_quantization(&self) -> Self {
        let mut decoder = self.clone();
        for layer in &mut decoder.layers {
            for (_, projection) in layer.projections_mut() {
                projection.rounded = None;
            }
        }
        decoder.rounded_head = None;
        decoder
    }

    /// Checks that log-probabilities and gradients are exact.
    pub(crate) fn check_exact(&self) -> Result<(), ModelError> {
        match self.quantization() {
            Quantization::None => Ok(()),
            Quantization::Int8 => Err(ModelError::Other {
                reason: "a decoder with 8-bit weights only generates".to_owned(),
            }),
        }
    }
}
