//! SmolLM2-135M-Instruct, if its GGUF file exists.

use std::path::Path;

use iopo_model::{Decoder, ModelFiles, device::device};
pub(crate) use iopo_testing::smollm2::gguf as file;

/// Loads the model on the CPU.
pub(crate) fn decoder(path: &Path) -> Decoder {
    let (mut checkpoint, _, _) = ModelFiles::open(path).expect("a model");
    let config = checkpoint.config.clone();
    let device = device("flex").expect("the default device");
    Decoder::from_tensors(&config, &device, |name, shape| checkpoint.tensor(name, shape))
        .expect("a decoder")
}
