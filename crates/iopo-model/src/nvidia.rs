//! NVIDIA's GPUs and their memory, from `nvidia-smi`.

use std::process::{Command, Stdio};

use burn::tensor::Device;

/// A GPU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Free memory in bytes.
    pub free: u64,
    /// Memory in bytes.
    pub total: u64,
    /// Name of the product.
    pub name: String,
}

/// Returns the GPUs that `nvidia-smi` reports, in its order: those in `CUDA_VISIBLE_DEVICES`, or all if this is not set.
pub fn cards() -> Vec<Card> {
    let mut command = Command::new("nvidia-smi");
    command.args(["--query-gpu=memory.free,memory.total,name", "--format=csv,noheader,nounits"]);
    match std::env::var("CUDA_VISIBLE_DEVICES") {
        Ok(visible) if visible.trim().is_empty() => return Vec::new(),
        Ok(visible) => drop(command.arg(format!("--id={visible}"))),
        Err(_) => {}
    }
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let printed = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    printed.unwrap_or_default().lines().map_while(parsed).collect()
}

/// Parses a line such as `80995, 81559, NVIDIA H100 80GB HBM3`, with sizes in MiB.
fn parsed(line: &str) -> Option<Card> {
    let mut fields = line.splitn(3, ',').map(str::trim);
    let mut bytes = || fields.next()?.parse::<u64>().ok()?.checked_mul(1 << 20);
    let (free, total) = (bytes()?, bytes()?);
    Some(Card { free, total, name: fields.next()?.to_owned() })
}

/// Returns the free memory of a device of the backend `cuda`, in bytes.
///
/// CUDA can number the cards in another order, so of several cards, this is the least free memory.
pub(crate) fn free(device: &Device) -> Option<u64> {
    #[cfg(feature = "cuda")]
    if let burn::backend::DispatchDevice::Cube(burn_cubecl::CubeDevice::Cuda(_)) =
        device.as_dispatch()
    {
        // The driver counts pages of freed tensors as used.
        device.memory_cleanup();
        // Memory is freed when the device gets there.
        let _ = device.sync();
        return cards().iter().map(|card| card.free).min();
    }
    let _ = device;
    None
}

#[cfg(test)]
mod tests {
    use super::{Card, parsed};

    #[test]
    fn the_memory_of_a_card_is_read_and_other_output_is_ignored() {
        let name = "NVIDIA H100 80GB HBM3".to_owned();
        let card = Card { free: 80_995 << 20, total: 81_559 << 20, name };
        assert_eq!(parsed("80995, 81559, NVIDIA H100 80GB HBM3"), Some(card));
        for other in ["NVIDIA-SMI has failed", "", "18446744073709551615, 1, a card"] {
            assert_eq!(parsed(other), None);
        }
    }
}
