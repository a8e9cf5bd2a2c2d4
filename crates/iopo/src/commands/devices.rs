//! `iopo devices`.

use std::process::{Command, Stdio};

use iopo_model::device::{self, available, dtypes};
use iopo_model::memory;

use crate::{panics, printer};

/// Lists what `--device` takes in this binary, the one of `auto` first: the types that it computes in and its memory,
/// or why it does not compute here.
pub(crate) fn run() {
    for (index, name) in available().iter().enumerate() {
        let auto = if index == 0 { " (auto)" } else { "" };
        printer::result(&format!("{name}{auto}: {}", describe(name)));
    }
}

fn describe(name: &str) -> String {
    let device = match device::device(name) {
        Ok(device) => device,
        Err(error) => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            return format!("{line}{}", panics::first_said(&text));
        }
    };
    let types: Vec<&str> = dtypes(&device).into_iter().map(iopo_model::Dtype::name).collect();
    let memory = match memory::obtainable(&device) {
        Some(bytes) => format!("{} of main memory to be had", gigabytes(bytes)),
        None if name == "cuda" => nvidia().unwrap_or_else(unknown),
        None => unknown(),
    };
    format!("{}; {memory}", types.join(", "))
}

fn unknown() -> String {
    "memory unknown".to_owned()
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// What NVIDIA's own tool says of the first GPU.
fn nvidia() -> Option<String> {
    let mut command = Command::new("nvidia-smi");
    command.args(["--query-gpu=memory.free,memory.total,name", "--format=csv,noheader,nounits"]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    first_gpu(&String::from_utf8(output.stdout).ok()?)
}

/// `80995, 81559, NVIDIA H100 80GB HBM3`, in MiB.
fn first_gpu(printed: &str) -> Option<String> {
    let mut fields = printed.lines().next()?.splitn(3, ',').map(str::trim);
    let mut bytes = || Some(fields.next()?.parse::<u64>().ok()? << 20);
    let (free, total) = (bytes()?, bytes()?);
    let name = fields.next()?;
    Some(format!("{} of {} free on {name}", gigabytes(free), gigabytes(total)))
}

#[cfg(test)]
mod tests {
    use super::first_gpu;

    #[test]
    fn a_gpus_memory_is_read_and_nothing_is_made_up() {
        let said = first_gpu("80995, 81559, NVIDIA H100 80GB HBM3\n1, 2, other\n").expect("a GPU");
        assert_eq!(said, "84.9 GB of 85.5 GB free on NVIDIA H100 80GB HBM3");
        assert_eq!(first_gpu("NVIDIA-SMI has failed"), None);
        assert_eq!(first_gpu(""), None);
    }
}
