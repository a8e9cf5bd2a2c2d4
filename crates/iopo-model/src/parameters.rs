//! A decoder's weights by their Hugging Face names.

use burn::module::Param;
use burn::tensor::Tensor;

use crate::host::to_host;
use crate::{Decoder, ModelError, NamedTensors};

/// A weight that stays on its device until it is read.
pub(crate) enum Parameter<'a> {
    Vector(&'a Param<Tensor<1>>),
    Matrix(&'a Param<Tensor<2>>),
}

impl Parameter<'_> {
    pub(crate) fn shape(&self) -> Vec<usize> {
        match self {
            Self::Vector(param) => param.val().dims().to_vec(),
            Self::Matrix(param) => param.val().dims().to_vec(),
        }
    }

    /// Returns the values in row-major order.
    pub(crate) fn values(&self) -> Result<Vec<f32>, ModelError> {
        match self {
            Self::Vector(param) => to_host(param.val()),
            Self::Matrix(param) => to_host(param.val()),
        }
    }
}

impl Decoder {
    /// Returns every weight of the base, without the adapter, layer by layer.
    pub(crate) fn parameters(&self) -> Vec<(String, Parameter<'_>)> {
        let mut found =
            vec![("model.embed_tokens.weight".to_owned(), Parameter::Matrix(&self.embed))];
        for (index, layer) in self.layers.iter().enumerate() {
            let prefix = format!("model.layers.{index}");
            for (name, norm) in [
                ("input_layernorm", &layer.input_norm),
                ("post_attention_layernorm", &layer.post_norm),
            ] {
                found.push((format!("{prefix}.{name}.weight"), Parameter::Vector(&norm.gamma)));
            }
            for (linear, projection) in layer.projections() {
                let prefix = linear.path(index);
                found.push((format!("{prefix}.weight"), Parameter::Matrix(&projection.weight)));
                if let Some(bias) = &projection.bias {
                    found.push((format!("{prefix}.bias"), Parameter::Vector(bias)));
                }
            }
        }
        found.push(("model.norm.weight".to_owned(), Parameter::Vector(&self.norm.gamma)));
        if let Some(head) = &self.head {
            found.push(("lm_head.weight".to_owned(), Parameter::Matrix(head)));
        }
        found
    }

    /// Returns every weight of the base by its Hugging Face name, without the adapter.
    ///
    /// # Errors
    /// Returns an error if the device cannot be read.
    pub fn full_parameters(&self) -> Result<NamedTensors, ModelError> {
        let read = |(name, parameter): (String, Parameter<'_>)| {
            Ok((name, (parameter.shape(), parameter.values()?)))
        };
        self.parameters().into_iter().map(read).collect()
    }
}
