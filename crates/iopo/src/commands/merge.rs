//! `iopo merge`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo::pipeline::Checkpoint;
use iopo_core::directories::AtomicDirectory;
use iopo_model::{ChatModel, Dtype, write_chat_files, write_hf_dir};
use iopo_train::{Metadata, weights};

use crate::cli::MergeArgs;
use crate::failure::{Failure, framed};
use crate::fetch;
use crate::{load, printer};

/// Merges an adapter into its base model and writes the result as a Hugging Face directory with its chat template.
pub(crate) fn run(args: &MergeArgs) -> Result<()> {
    let out = absolute(&args.out)?;
    refuse_filled(&out)?;
    if !args.adapter.join(weights::ADAPTER).is_file() {
        return Err(Failure::usage(format!(
            "{} holds no adapter: expected the file {}",
            args.adapter.display(),
            weights::ADAPTER
        ))
        .hint("pass --adapter with the directory of a method, for instance runs/default/train/iopo; a model trained with train.use_peft = false needs no merging")
        .into());
    }
    let device = load::first_device()?;
    load::check(device, Dtype::F32)?;
    let what = || format!("failed to write the merged model to {}", out.display());
    let scratch = tempfile::tempdir().context("failed to create a temporary directory")?;
    let Checkpoint { path, name, .. } = fetch::resolve(&args.model, scratch.path())?;
    let device = iopo_model::device::device(device)?;
    let base = ChatModel::load(&path, &name, (&device, Dtype::F32), 1).map_err(|error| {
        let what = format!("failed to load the base {}", path.display());
        framed(error, what, "pass --model with the checkpoint that the adapter was trained on")
    })?;
    load::notes(&base);
    let trained = weights::load(&args.adapter, base.decoder(), base.weights_hash());
    let merged = trained
        .map_err(|error| {
            let what = format!("failed to load the adapter {}", args.adapter.display());
            framed(error, what, "pass --model with the checkpoint that the adapter was trained on, and --adapter as iopo wrote it")
        })?
        .merged();

    if !Metadata::exists(&args.adapter) {
        printer::note(&format!(
            "{} does not record its base weights, so only the shapes were checked",
            args.adapter.display()
        ));
    }
    let made = AtomicDirectory::create(&out).with_context(what)?;
    write_chat_files(made.path(), base.tokenizer(), base.template(), merged.config())
        .with_context(what)?;
    write_hf_dir(made.path(), &merged, args.max_shard_size).with_context(what)?;
    made.commit().with_context(what)?;
    printer::note(&format!("merged {} into {name}: {}", args.adapter.display(), out.display()));
    Ok(())
}

/// The path with its parents.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path)
        .with_context(|| format!("failed to resolve the path {}", path.display()))
}

/// Returns an error if the directory has entries: commands never overwrite.
fn refuse_filled(out: &Path) -> Result<()> {
    let is_empty = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_empty {
        return Ok(());
    }
    Err(Failure::usage(format!("{} exists and is not an empty directory", out.display()))
        .hint("pass another --out, or delete it")
        .into())
}
