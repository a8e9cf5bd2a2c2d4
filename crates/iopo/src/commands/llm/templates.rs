//! `iopo llm templates`.

use std::fs::OpenOptions;
use std::io::Write;

use anyhow::{Context, Result};
use iopo_synth::{fipo, trace};

use crate::cli::{TemplateRecipe, TemplatesArgs};
use crate::failure::Failure;
use crate::printer;

/// Writes the built-in templates of a recipe. Fails before it writes anything if one of the files exists.
pub(crate) fn run(args: &TemplatesArgs) -> Result<()> {
    let TemplatesArgs { out, recipe } = args;
    let (name, templates, setting) = match recipe {
        TemplateRecipe::Trace => ("trace", trace::built_in_templates(), "synth.trace.templates"),
        TemplateRecipe::Fipo => ("fipo", fipo::built_in_templates(), "fipo.templates"),
    };
    std::fs::create_dir_all(out)
        .with_context(|| Failure::new(format!("failed to create {}", out.display())))?;
    let is_there = |path: &std::path::PathBuf| path.symlink_metadata().is_ok();
    if let Some(path) = templates.iter().map(|(name, _)| out.join(name)).find(is_there) {
        let found = format!("found {}, expected a folder without templates", path.display());
        return Err(Failure::usage(found).hint("pass another --out, or remove the file").into());
    }
    for (file, text) in &templates {
        let path = out.join(file);
        let mut options = OpenOptions::new();
        let written = options.write(true).create_new(true).open(&path);
        let written = written.and_then(|mut file| file.write_all(text.as_bytes()));
        written.with_context(|| Failure::new(format!("failed to write {}", path.display())))?;
    }
    printer::note(&format!("set `{setting}` to the folder, and change or remove files"));
    let count = templates.len();
    printer::result(&format!("{count} templates of {name} in {}", out.display()))
}
