//! Parameters of equal width, updated as one matrix.
//!
//! On a GPU each operation takes time, and an adapter on SmolLM2-135M has 420 factors. Their rows are copied into three long
//! matrices, and these are updated.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use iopo_model::Decoder;

use super::moments::Moments;
use super::step::Step;

/// Largest number of values in a stack of several parameters, 64 MiB, because a stack is copied. The embedding of
/// SmolLM2-135M, which is updated alone, has nearly twice as many.
const VALUES: usize = 1 << 24;

/// A parameter's gradient, `[rows, width]`, and a copy of its weight. A vector has one row.
pub(super) struct Part {
    id: ParamId,
    gradient: Tensor<2>,
    /// `None` for a parameter that is updated alone, so that the update can be in place.
    weight: Option<Tensor<2>>,
}

/// A parameter's id, rows and width.
type Place = (ParamId, [usize; 2]);

impl Part {
    pub(super) fn place(&self) -> Place {
        (self.id, self.gradient.dims())
    }
}

/// Takes the gradients, and returns their parameters in stacks of equal width.
pub(super) fn collect(decoder: &Decoder, gradients: GradientsParams) -> Vec<Vec<Part>> {
    struct Collect {
        gradients: GradientsParams,
        stacks: Vec<Vec<Part>>,
        /// The stack that grows, by width.
        open: HashMap<usize, Open>,
    }
    struct Open {
        stack: usize,
        values: usize,
    }
    impl ModuleVisitor for Collect {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let Some(gradient) = self.gradients.remove::<D>(param.id) else { return };
            let [rows, width] = as_matrix(&gradient.dims());
            let matrix = |tensor: Tensor<D>| tensor.reshape([rows, width]);
            let part = Part {
                id: param.id,
                gradient: matrix(gradient),
                weight: Some(matrix(param.val())),
            };
            let values = rows * width;
            match self.open.get_mut(&width) {
                Some(open) if open.values + values <= VALUES => {
                    open.values += values;
                    self.stacks[open.stack].push(part);
                }
                _ => {
                    self.open.insert(width, Open { stack: self.stacks.len(), values });
                    self.stacks.push(vec![part]);
                }
            }
        }
    }
    let mut collect = Collect { gradients, stacks: Vec::new(), open: HashMap::new() };
    decoder.visit(&mut collect);
    for parts in &mut collect.stacks {
        if let [alone] = &mut parts[..] {
            alone.weight = None;
        }
    }
    collect.stacks
}

/// Rows and width of a shape.
fn as_matrix(shape: &[usize]) -> [usize; 2] {
    let width = shape.last().copied().unwrap_or(1);
    [shape.iter().product::<usize>() / width.max(1), width]
}

/// The moments of all parameters, in stacks.
pub(super) struct Stacks(Vec<Stack>);

/// The moments of some parameters, one below the other.
struct Stack {
    places: Vec<Place>,
    /// `[rows, width]` each; taken out while they are updated.
    moments: Option<[Tensor<2>; 2]>,
}

impl Stacks {
    /// Gathers the moments of the parameters.
    pub(super) fn gather(stacks: &[Vec<Part>], moments: &mut Moments) -> Self {
        Self(stacks.iter().map(|parts| Stack::gather(parts, moments)).collect())
    }

    /// Returns whether these are the moments of the parameters.
    pub(super) fn fit(&self, stacks: &[Vec<Part>]) -> bool {
        let places = |parts: &Vec<Part>| parts.iter().map(Part::place).collect::<Vec<_>>();
        self.0.iter().map(|stack| &stack.places).eq(&stacks.iter().map(places).collect::<Vec<_>>())
    }

    /// Updates the parameters of a decoder.
    pub(super) fn step(
        &mut self,
        step: &Step,
        stacks: Vec<Vec<Part>>,
        decoder: Decoder,
    ) -> Decoder {
        self.0
            .iter_mut()
            .zip(stacks)
            .fold(decoder, |decoder, (stack, parts)| stack.step(step, parts, decoder))
    }

    /// Puts the moments of each parameter apart.
    pub(super) fn scatter(&self, apart: &mut Moments) {
        self.0.iter().for_each(|stack| stack.scatter(apart));
    }
}

impl Stack {
    fn gather(parts: &[Part], moments: &mut Moments) -> Self {
        let of_part = |part: &Part| {
            let (id, [rows, width]) = part.place();
            let moments = moments.take(id, rows * width, &part.gradient.device());
            moments.map(|moment| moment.reshape([rows, width]))
        };
        let moments = parts.iter().map(of_part).map(|[first, second]| (first, second));
        let (first, second): (Vec<_>, Vec<_>) = moments.unzip();
        Self {
            places: parts.iter().map(Part::place).collect(),
            moments: Some([stacked(first), stacked(second)]),
        }
    }

    fn step(&mut self, step: &Step, parts: Vec<Part>, decoder: Decoder) -> Decoder {
        let Some(moments) = self.moments.take() else { return decoder };
        let (weights, gradients): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|part| (part.weight, part.gradient)).unzip();
        let gradient = stacked(gradients);
        let Some(weights) = weights.into_iter().collect::<Option<Vec<_>>>() else {
            let (id, _) = self.places[0];
            let mut alone = Alone { id, step, gradient, moments: Some(moments) };
            let decoder = decoder.map(&mut alone);
            self.moments = alone.moments;
            return decoder;
        };
        let (updated, moments) = step.plain(stacked(weights), gradient, moments);
        self.moments = Some(moments);
        decoder.map(&mut Split { rows: self.rows().collect(), updated })
    }

    fn scatter(&self, apart: &mut Moments) {
        let Some(moments) = &self.moments else { return };
        for (id, [start, end]) in self.rows() {
            let moments = moments.clone().map(|moment| {
                let rows = some_rows(moment, start, end);
                let count: usize = rows.dims().iter().product();
                rows.reshape([count])
            });
            apart.put(id, moments);
        }
    }

    /// First row and end of each parameter.
    fn rows(&self) -> impl Iterator<Item = (ParamId, [usize; 2])> + '_ {
        self.places.iter().scan(0, |end, &(id, [rows, _])| {
            *end += rows;
            Some((id, [*end - rows, *end]))
        })
    }
}

/// Puts matrices of equal width one below the other.
fn stacked(mut parts: Vec<Tensor<2>>) -> Tensor<2> {
    if parts.len() == 1 { parts.remove(0) } else { Tensor::cat(parts, 0) }
}

fn some_rows(matrix: Tensor<2>, start: usize, end: usize) -> Tensor<2> {
    if matrix.dims()[0] == end - start { matrix } else { matrix.narrow(0, start, end - start) }
}

/// Updates one parameter.
struct Alone<'a> {
    id: ParamId,
    step: &'a Step,
    gradient: Tensor<2>,
    moments: Option<[Tensor<2>; 2]>,
}

impl ModuleMapper for Alone<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(moments) = self.moments.take_if(|_| param.id == self.id) else { return param };
        let (id, weight, mapper) = param.consume();
        let shape = weight.dims();
        let weight = weight.reshape(self.gradient.dims());
        let (weight, moments) = self.step.plain(weight, self.gradient.clone(), moments);
        self.moments = Some(moments);
        Param::from_mapped_value(id, weight.reshape(shape), mapper)
    }
}

/// Takes each parameter out of its stack.
struct Split {
    rows: HashMap<ParamId, [usize; 2]>,
    updated: Tensor<2>,
}

impl ModuleMapper for Split {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(&[start, end]) = self.rows.get(&param.id) else { return param };
        let shape = param.val().dims();
        let (id, _, mapper) = param.consume();
        let value = some_rows(self.updated.clone(), start, end).reshape(shape);
        Param::from_mapped_value(id, value, mapper)
    }
}
