//! A recorded step, which a device replays at once instead of being asked for each operation.

use std::rc::Rc;

use burn::tensor::{Graph, Tensor, capture};

use super::{Caches, GpuStep, Output, uploaded};
use crate::kernels::gpu;

type Made = Option<Tensor<2>>;

/// A step that has been recorded with its tensors. It owns its inputs and shares the caches; while it exists, nothing else may
/// replace a tensor of the caches.
pub(super) struct StepGraph<'a> {
    inputs: Tensor<1>,
    graph: Graph<Made, Box<dyn FnMut() -> Made + 'a>>,
    output: Output,
    step: Rc<GpuStep<'a>>,
}

impl<'a> StepGraph<'a> {
    /// Records a step; `None` if the device cannot.
    ///
    /// The step is run a few times before, which changes nothing: each run writes the same keys and values into the same column.
    pub(super) fn record(
        step: &Rc<GpuStep<'a>>,
        values: &[f32],
        rows: usize,
        caches: &Caches,
        output: Output,
    ) -> Option<Self> {
        let inputs = uploaded(values.to_vec(), step.decoder);
        let run: Box<dyn FnMut() -> Made + 'a> = Box::new({
            let (step, inputs, caches) = (step.clone(), inputs.clone(), caches.clone());
            move || step.run(&inputs, rows, &mut caches.borrow_mut(), output, true)
        });
        let graph = capture(&step.decoder.device(), run);
        graph.is_hardware().then(|| Self { inputs, graph, output, step: step.clone() })
    }

    /// Returns what the step computes.
    pub(super) fn output(&self) -> Output {
        self.output
    }

    /// Runs the step with new inputs. The next replay overwrites the result.
    pub(super) fn replay(&mut self, values: Vec<f32>) -> Made {
        // Held, because the device skips an operation whose result is gone.
        self.inputs = gpu::overwrite(self.inputs.clone(), uploaded(values, self.step.decoder));
        #[expect(
            unsafe_code,
            reason = "the closure owns weights, inputs and caches, so all tensors of the recording exist, and one thread \
                      asks the device for everything"
        )]
        // SAFETY: see the reason.
        let made = unsafe { self.graph.replay() };
        made.clone()
    }
}
