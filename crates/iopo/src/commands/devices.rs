//! `iopo devices`.

use std::process::{Command, Stdio};

use anyhow::Result;
use iopo_model::device::{self, available, dtypes};
use iopo_model::memory;

use crate::cli::DevicesArgs;
use crate::failure::Failure;
use crate::probe::{Probe, probe};
use crate::{panics, printer};

/// Lists the devices of this binary, the one of `auto` first: the types that each supports and its memory, or the reason
/// why it cannot be used here.
pub(crate) fn run(args: &DevicesArgs) -> Result<()> {
    let all = available();
    let Some(only) = &args.only else {
        for name in all {
            printer::result(&probed(name))?;
        }
        return Ok(());
    };
    let only = device::resolve(only).map_err(|_| {
        let what = format!("no device `{only}`: expected one of {}", all.join(", "));
        Failure::usage(what)
            .hint("`cargo xtask pipeline --backend NAME` builds with another backend")
    })?;
    let only = &only.to_string();
    let text = if args.here { line(only, &describe(only)) } else { probed(only) };
    printer::result(&text)?;
    Ok(())
}

/// The line of a device. A device with a driver is probed in a child process.
fn probed(name: &str) -> String {
    let has_driver = device::resolve(name).is_ok_and(device::DeviceName::has_driver);
    let outcome = if has_driver { probe(name) } else { Probe::Unknown };
    match outcome {
        Probe::Works(text) => text,
        Probe::Failed(how) => line(name, &how),
        Probe::Unknown => line(name, &describe(name)),
    }
}

fn line(name: &str, text: &str) -> String {
    let auto = if available().first() == Some(&name) { " (auto)" } else { "" };
    format!("{name}{auto}: {text}")
}

fn describe(name: &str) -> String {
    let device = match device::device(name) {
        Ok(device) => device,
        Err(error) => {
            let text = error.to_string();
            let line = panics::shortened(text.lines().next().unwrap_or_default());
            return format!("{line}{}", panics::cause_of(&text));
        }
    };
    let types: Vec<&str> = dtypes(&device).into_iter().map(iopo_model::Dtype::name).collect();
    let memory = match memory::obtainable(&device) {
        Some(bytes) => format!("{} of main memory available", gigabytes(bytes)),
        None if name.starts_with("cuda") => {
            let card = device::resolve(name).ok().and_then(device::DeviceName::card);
            nvidia(card.unwrap_or(0)).unwrap_or_else(unknown)
        }
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

/// The memory and name that `nvidia-smi` reports for a GPU, counted among those in `CUDA_VISIBLE_DEVICES` if this is set.
fn nvidia(card: usize) -> Option<String> {
    let mut command = Command::new("nvidia-smi");
    command.args(["--query-gpu=memory.free,memory.total,name", "--format=csv,noheader,nounits"]);
    let visible = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_default();
    let mut visible = visible.split(',').map(str::trim).filter(|id| !id.is_empty()).peekable();
    let id = match visible.peek() {
        Some(_) => visible.nth(card)?.to_owned(),
        None => card.to_string(),
    };
    command.arg(format!("--id={id}"));
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    first_gpu(&String::from_utf8(output.stdout).ok()?)
}

/// Parses a line such as `80995, 81559, NVIDIA H100 80GB HBM3`, with sizes in MiB.
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
    fn the_memory_of_a_gpu_is_read_and_other_output_is_ignored() {
        let said = first_gpu("80995, 81559, NVIDIA H100 80GB HBM3\n1, 2, other\n").expect("a GPU");
        assert_eq!(said, "84.9 GB of 85.5 GB free on NVIDIA H100 80GB HBM3");
        assert_eq!(first_gpu("NVIDIA-SMI has failed"), None);
        assert_eq!(first_gpu(""), None);
    }
}
