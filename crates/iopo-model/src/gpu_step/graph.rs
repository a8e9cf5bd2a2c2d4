//! A recorded step, which a device replays at once instead of being asked for each operation.

use std::rc::Rc;

use burn::tensor::{Graph, Tensor, capture};

use super::{GpuStep, Output, uploaded};
use crate::cache::Caches;
use crate::kernels::gpu;

type Made = Option<Tensor<2>>;

/// A step that has been recorded with its tensors.
pub(super) struct StepGraph<'a> {
    inputs: Tensor<1>,
    graph: Graph<Made, Box<dyn FnMut() -> Made + 'a>>,
    output: Output,
    replays: usize,
    step: Rc<GpuStep<'a>>,
}

impl<'a> StepGraph<'a> {
    /// Records a step; `None` if the device cannot.
    ///
    /// It runs a few times before, which does no harm: each run writes the same keys and values into the same column. If the device
    /// refuses, what the recorded run would have written counts as failed until something else writes it. The next step does: it
    /// writes the caches before it reads them.
    pub(super) fn record(
        step: &Rc<GpuStep<'a>>,
        values: &[f32],
        rows: usize,
        caches: &Caches,
        output: Output,
    ) -> Option<Self> {
        let inputs = uploaded(values.to_vec(), step.decoder);
        let run: Box<dyn FnMut() -> Made + 'a> = Box::new({
            let (step, inputs, layers) = (step.clone(), inputs.clone(), caches.layers().clone());
            move || step.run(&inputs, rows, &mut layers.borrow_mut(), output, true)
        });
        let graph = capture(&step.decoder.device(), run);
        let recorded = graph.is_hardware();
        recorded.then(|| Self { inputs, graph, output, replays: 0, step: step.clone() })
    }

    /// Returns what the step computes.
    pub(super) fn output(&self) -> Output {
        self.output
    }

    /// Returns how often the step was replayed.
    pub(super) fn replays(&self) -> usize {
        self.replays
    }

    /// Runs the step with new inputs. The next replay overwrites the result.
    ///
    /// The caches must not have [changed](Caches::change) since the recording; [`super::GpuSteps`] compares.
    pub(super) fn replay(&mut self, values: Vec<f32>) -> Made {
        self.replays += 1;
        // Held, because the device skips an operation whose result is gone.
        self.inputs = gpu::overwrite(self.inputs.clone(), uploaded(values, self.step.decoder));
        #[expect(
            unsafe_code,
            reason = "Burn leaves to the caller that the tensors of the recording exist"
        )]
        // SAFETY:
        // - The tensors that a replay reads and writes exist. The closure holds the weights (through the step, which borrows
        //   the decoder), the inputs and the caches, whose tensors are those of the recording while `Caches::change` is not
        //   called. Burn holds the output, and the device the memory of everything between.
        // - Nothing else uses them meanwhile: `Rc` keeps the graph on one thread, which asks the device for everything.
        let made = unsafe { self.graph.replay() };
        made.clone()
    }
}
