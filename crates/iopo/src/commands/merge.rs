//! `iopo merge`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo_model::{ChatModel, Dtype, write_chat_files, write_hf_dir};
use iopo_train::{Metadata, weights};

use crate::cli::MergeArgs;
use crate::failure::Failure;
use crate::fetch::{self, Found};
use crate::{printer, run_dir, session};

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
        .hint("pass --adapter with a method's directory, for instance runs/default/train/iopo; a model trained with train.use_peft = false needs no merging")
        .into());
    }
    let device = session::first_device()?;
    session::check(device, Dtype::F32)?;
    let what = || format!("failed to write the merged model to {}", out.display());
    let parent = out.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent).with_context(what)?;
    let scratch = run_dir::scratch().tempdir_in(parent).with_context(what)?;

    let Found { path, name } = fetch::resolve(&args.model, scratch.path())?;
    let device = iopo_model::device::device(device)?;
    let base = ChatModel::load(&path, &name, (&device, Dtype::F32), 1).with_context(|| {
        Failure::new(format!("failed to load the base {}", path.display()))
            .hint("pass --model with the checkpoint that the adapter was trained on")
    })?;
    let trained = weights::load(&args.adapter, base.decoder(), base.weights_hash());
    let merged = trained
        .with_context(|| {
            Failure::new(format!("failed to load the adapter {}", args.adapter.display()))
                .hint("pass --model with the checkpoint that the adapter was trained on, and --adapter as iopo wrote it")
        })?
        .merged();

    if !Metadata::exists(&args.adapter) {
        printer::note(&format!(
            "{} does not name its base weights: only the shapes were checked",
            args.adapter.display()
        ));
    }
    // The directory gets its name when it is complete.
    let made = scratch.path().join("merged");
    fs::create_dir(&made).with_context(what)?;
    write_chat_files(&made, base.tokenizer(), base.template(), merged.config())
        .with_context(what)?;
    write_hf_dir(&made, &merged, args.max_shard_size).with_context(what)?;
    refuse_filled(&out)?;
    if out.exists() {
        fs::remove_dir(&out).with_context(what)?;
    }
    fs::rename(&made, &out).with_context(what)?;
    printer::note(&format!("{} merged with {}: {}", name, args.adapter.display(), out.display()));
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
