//! What `nvidia-smi` reports of NVIDIA's GPUs.

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

/// Returns a GPU by its number among those in `CUDA_VISIBLE_DEVICES`, or among all if this is not set; `None` if
/// `nvidia-smi` does not report it.
pub fn card(number: usize) -> Option<Card> {
    let mut command = Command::new("nvidia-smi");
    command.args(["--query-gpu=memory.free,memory.total,name", "--format=csv,noheader,nounits"]);
    let visible = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_default();
    let mut visible = visible.split(',').map(str::trim).filter(|id| !id.is_empty()).peekable();
    let id = match visible.peek() {
        Some(_) => visible.nth(number)?.to_owned(),
        None => number.to_string(),
    };
    command.arg(format!("--id={id}"));
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    parsed(&String::from_utf8(output.stdout).ok()?)
}

/// Parses a line such as `80995, 81559, NVIDIA H100 80GB HBM3`, with sizes in MiB.
fn parsed(printed: &str) -> Option<Card> {
    let mut fields = printed.lines().next()?.splitn(3, ',').map(str::trim);
    let mut bytes = || fields.next()?.parse::<u64>().ok()?.checked_mul(1 << 20);
    let (free, total) = (bytes()?, bytes()?);
    Some(Card { free, total, name: fields.next()?.to_owned() })
}

/// Returns the GPU of a CUDA device.
pub(crate) fn card_of(device: &Device) -> Option<Card> {
    #[cfg(feature = "cuda")]
    if let burn::backend::DispatchDevice::Cube(burn_cubecl::CubeDevice::Cuda(device)) =
        device.as_dispatch()
    {
        return card(device.index);
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
        assert_eq!(parsed("80995, 81559, NVIDIA H100 80GB HBM3\n1, 2, other\n"), Some(card));
        for other in ["NVIDIA-SMI has failed", "", "18446744073709551615, 1, a card"] {
            assert_eq!(parsed(other), None);
        }
    }
}
