//! `iopo merge`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use iopo_model::{ChatModel, Dtype, write_chat_files, write_hf_dir};
use iopo_train::weights;

use crate::cli::MergeArgs;
use crate::failure::Failure;
use crate::fetch::{self, Found};
use crate::{printer, run_dir, session};

/// Folds an adapter into its base and writes the result with everything that a chat needs.
pub(crate) fn run(args: &MergeArgs) -> Result<()> {
    let out = absolute(&args.out)?;
    refuse_filled(&out)?;
    if !args.adapter.join(weights::ADAPTER).is_file() {
        return Err(Failure::usage(format!(
            "{} holds no adapter: expected {} in it",
            args.adapter.display(),
            weights::ADAPTER
        ))
        .way_out("pass --adapter with a method's directory, for instance runs/default/train/iopo; a model that was trained whole (train.use_peft = false) needs no merging")
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
            .way_out("pass --model with the checkpoint that the adapter was trained on")
    })?;
    let trained = weights::load(&args.adapter, base.decoder(), base.weights_hash());
    let merged = trained
        .with_context(|| {
            Failure::new(format!("failed to load the adapter {}", args.adapter.display()))
                .way_out("pass --model with the checkpoint that the adapter was trained on, and --adapter as iopo wrote it")
        })?
        .merged();

    if !weights::has_card(&args.adapter) {
        printer::note(&format!(
            "nothing in {} says which weights it was trained on: it fits these by its shapes alone",
            args.adapter.display()
        ));
    }
    // Whole or absent: the directory gets its name when everything is in it.
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
    printer::note(&format!(
        "{} and what {} learned: {}",
        name,
        args.adapter.display(),
        out.display()
    ));
    Ok(())
}

/// A path whose parent is known.
fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).with_context(|| format!("failed to make sense of {}", path.display()))
}

/// Never writes over anything.
fn refuse_filled(out: &Path) -> Result<()> {
    let is_empty = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    };
    if is_empty {
        return Ok(());
    }
    Err(Failure::usage(format!("{} is there and not an empty directory", out.display()))
        .way_out("pass another --out, or delete it")
        .into())
}
