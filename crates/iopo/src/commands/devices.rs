//! `iopo devices`.

use std::process::{Command, Stdio};

use anyhow::Result;
use iopo_model::device::{self, available, dtypes, has_driver};
use iopo_model::memory;

use crate::cli::DevicesArgs;
use crate::failure::Failure;
use crate::trial::{self, Trial};
use crate::{panics, printer};

/// Lists what `--device` takes in this binary, the one of `auto` first: the types that it computes in and its memory,
/// or why it does not compute here.
pub(crate) fn run(args: &DevicesArgs) -> Result<()> {
    let all = available();
    let Some(only) = &args.only else {
        for name in all {
            printer::result(&tried(name));
        }
        return Ok(());
    };
    if !all.contains(&only.as_str()) {
        let built_in = format!("this binary was built with {}", all.join(", "));
        return Err(Failure::usage(format!("no device `{only}`")).way_out(built_in).into());
    }
    let told = if args.here { line(only, &describe(only)) } else { tried(only) };
    printer::result(&told);
    Ok(())
}

/// The line of a device, which is tried in another process where it has a driver.
fn tried(name: &str) -> String {
    let trial = if has_driver(name) { trial::of(name) } else { Trial::Untried };
    match trial {
        Trial::Described(told) => told,
        Trial::Crashed(how) => line(name, &how),
        Trial::Untried => line(name, &describe(name)),
    }
}

fn line(name: &str, told: &str) -> String {
    let auto = if available().first() == Some(&name) { " (auto)" } else { "" };
    format!("{name}{auto}: {told}")
}

fn describe(name: &str) -> String {
    let device = match device::device(name) {
        Ok(device) => device,
        Err(error) => {
            let text = error.to_string();
            let line = panics::shortened(text.lines().next().unwrap_or_default());
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

/// What NVIDIA's own tool says of the first GPU, or of the first that `CUDA_VISIBLE_DEVICES` names.
fn nvidia() -> Option<String> {
    let mut command = Command::new("nvidia-smi");
    command.args(["--query-gpu=memory.free,memory.total,name", "--format=csv,noheader,nounits"]);
    let visible = std::env::var("CUDA_VISIBLE_DEVICES").unwrap_or_default();
    if let Some(first) = visible.split(',').map(str::trim).find(|id| !id.is_empty()) {
        command.arg(format!("--id={first}"));
    }
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
