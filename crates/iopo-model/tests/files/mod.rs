//! Writers of small model files, valid and damaged, for the tests of hostile files.
#![expect(dead_code, reason = "each test binary uses one of the writers")]

pub(crate) mod safetensors;

pub(crate) use iopo_testing::gguf;

use iopo_model::{Checkpoint, ModelError};

/// Reads every tensor of a checkpoint.
pub(crate) fn read_tensors(checkpoint: &mut Checkpoint) -> Result<(), ModelError> {
    let names: Vec<String> = checkpoint.names().map(str::to_owned).collect();
    for name in names {
        let shape = checkpoint.shape(&name).expect("a listed tensor has a shape").to_vec();
        let values = checkpoint.tensor(&name, &shape)?;
        assert_eq!(values.len(), shape.iter().product::<usize>(), "{name}");
    }
    Ok(())
}
