//! A writer of small safetensors files, valid and damaged, and a reader of whole checkpoints.

pub(crate) mod safetensors;

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
