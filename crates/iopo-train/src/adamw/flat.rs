//! The factors of an adapter as one vector.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use iopo_model::Decoder;

use super::moments::Moments;
use super::step::Step;

/// A parameter and its gradient as vectors.
pub(super) struct Vectors {
    id: ParamId,
    weight: Tensor<1>,
    gradient: Tensor<1>,
}

impl Vectors {
    fn len(&self) -> usize {
        self.weight.dims()[0]
    }

    /// Returns the parameter and its length.
    pub(super) fn place(&self) -> (ParamId, usize) {
        (self.id, self.len())
    }
}

/// Returns the parameters that have a gradient.
pub(super) fn collect(decoder: &Decoder, gradients: GradientsParams) -> Vec<Vectors> {
    struct Collect {
        gradients: GradientsParams,
        found: Vec<Vectors>,
    }
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
            let count = gradient.dims().iter().product::<usize>();
            let (weight, gradient) = (param.val().reshape([count]), gradient.reshape([count]));
            self.found.push(Vectors { id: param.id, weight, gradient });
        }
    }
    let mut collect = Collect { gradients, found: Vec::new() };
    decoder.visit(&mut collect);
    collect.found
}

/// The moments of several parameters, one after the other.
pub(super) struct Flat {
    /// Ids and lengths, in order.
    parts: Vec<(ParamId, usize)>,
    /// `None` if there is no part.
    moments: Option<[Tensor<1>; 2]>,
}

impl Flat {
    /// Gathers the moments of the parameters.
    pub(super) fn gather(vectors: &[Vectors], moments: &mut Moments) -> Self {
        let parts = vectors.iter().map(Vectors::place).collect();
        let pairs: Vec<[Tensor<1>; 2]> = vectors
            .iter()
            .map(|part| moments.take(part.id, part.len(), &part.weight.device()))
            .collect();
        let both = |at: usize| Tensor::cat(pairs.iter().map(|pair| pair[at].clone()).collect(), 0);
        let moments = (!pairs.is_empty()).then(|| [both(0), both(1)]);
        Self { parts, moments }
    }

    /// Returns whether these are the moments of the parameters.
    pub(super) fn fits(&self, vectors: &[Vectors]) -> bool {
        self.parts.iter().copied().eq(vectors.iter().map(Vectors::place))
    }

    /// Updates the parameters of a decoder.
    pub(super) fn step(&mut self, step: &Step, vectors: Vec<Vectors>, decoder: Decoder) -> Decoder {
        let Some(moments) = self.moments.take() else { return decoder };
        let (weights, gradients) =
            vectors.into_iter().map(|part| (part.weight, part.gradient)).unzip();
        let (updated, moments) =
            step.apply(Tensor::cat(weights, 0), Tensor::cat(gradients, 0), moments);
        self.moments = Some(moments);
        decoder.map(&mut Split { places: self.places(), updated })
    }

    /// Puts the moments of each parameter apart.
    pub(super) fn scatter(&self, apart: &mut Moments) {
        let Some(moments) = &self.moments else { return };
        for (id, [start, end]) in self.places() {
            apart.put(id, moments.clone().map(|moment| moment.narrow(0, start, end - start)));
        }
    }

    /// Start and end of each parameter.
    fn places(&self) -> HashMap<ParamId, [usize; 2]> {
        let ends = self.parts.iter().scan(0, |end, &(id, length)| {
            *end += length;
            Some((id, [*end - length, *end]))
        });
        ends.collect()
    }
}

/// Takes each parameter out of the vector.
struct Split {
    places: HashMap<ParamId, [usize; 2]>,
    updated: Tensor<1>,
}

impl ModuleMapper for Split {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(&[start, end]) = self.places.get(&param.id) else { return param };
        let shape = param.val().dims();
        let (id, _, mapper) = param.consume();
        let value = self.updated.clone().narrow(0, start, end - start).reshape(shape);
        Param::from_mapped_value(id, value, mapper)
    }
}
