//! `iopo devices`.

use anyhow::Result;
use iopo_model::device::{self, available, dtypes};
use iopo_model::memory;
use iopo_model::nvidia::{self, Card};

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
    let memory = if name.starts_with("cuda") {
        let number = device::resolve(name).ok().and_then(device::DeviceName::card);
        nvidia::cards().get(number.unwrap_or(0)).map(free)
    } else {
        let bytes = memory::obtainable(&device);
        bytes.map(|bytes| format!("{} of main memory available", gigabytes(bytes)))
    };
    let memory = memory.unwrap_or_else(|| "memory unknown".to_owned());
    format!("{}; {memory}", types.join(", "))
}

fn free(card: &Card) -> String {
    let Card { free, total, name } = card;
    format!("{} of {} free on {name}", gigabytes(*free), gigabytes(*total))
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
