//! The page: sections into templates, and the file to its place.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::run::Run;
use crate::sections::{Sections, accuracy};
use crate::{ReportError, ReportMeta, ReportSummary};

/// The name ends in `.html`: everything that goes into these templates is escaped unless this crate drew it.
const TEMPLATES: [(&str, &str); 9] = [
    ("page.html", include_str!("templates/page.html")),
    ("style.css", include_str!("templates/style.css")),
    ("parts.html", include_str!("templates/parts.html")),
    ("yields.html", include_str!("templates/yields.html")),
    ("training.html", include_str!("templates/training.html")),
    ("accuracy.html", include_str!("templates/accuracy.html")),
    ("kinds.html", include_str!("templates/kinds.html")),
    ("signs.html", include_str!("templates/signs.html")),
    ("groups.html", include_str!("templates/groups.html")),
];

/// Writes the report of `run_dir` to `out`, replacing it whole or not at all.
///
/// Every file of the run is optional, and the section of a stage that has not run says so. A file that is damaged or
/// of another version is an error. The page is a function of the files and of `meta`: no date, no path.
pub fn render(run_dir: &Path, out: &Path, meta: &ReportMeta) -> Result<ReportSummary, ReportError> {
    let run = Run::load(run_dir)?;
    let sections = Sections::of(&run);
    let missing = sections.missing();
    let notes = accuracy::reading(run.summary.as_deref().unwrap_or_default(), meta.confidence);
    let page = fill(&sections, meta, &missing, &notes)?;
    replace(out, &page)?;
    let summary = run.summary.as_deref().unwrap_or_default();
    Ok(ReportSummary {
        out: out.to_path_buf(),
        bytes: page.len() as u64,
        methods: run.training.into_iter().map(|(name, _)| name).collect(),
        models: accuracy::models(summary).into_iter().map(str::to_owned).collect(),
        groups: run.preferences.map_or(0, |groups| groups.len()),
        missing,
    })
}

fn fill(
    sections: &Sections,
    meta: &ReportMeta,
    missing: &[String],
    notes: &[String],
) -> Result<String, ReportError> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match name {
        // Our own style sheet, in which nothing is filled in.
        "style.css" => AutoEscape::None,
        _ => AutoEscape::Html,
    });
    for (name, source) in TEMPLATES {
        environment.add_template(name, source)?;
    }
    let page = environment.get_template("page.html")?;
    Ok(page.render(context! {
        meta => Serde(meta),
        missing => Serde(missing),
        notes => Serde(notes),
        coverage => meta.confidence.map(accuracy::coverage).unwrap_or_default(),
        sections => Serde(sections),
    })?)
}

fn replace(out: &Path, page: &str) -> Result<(), ReportError> {
    let failed = |path: &Path, action| {
        let path = path.to_path_buf();
        move |source| ReportError::Io { path, action, source }
    };
    if let Some(parent) = out.parent() {
        fs::create_dir_all(parent).map_err(failed(parent, "create this directory"))?;
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(out.file_name().unwrap_or_default());
    name.push(".tmp");
    let temporary = out.with_file_name(name);
    let mut file = File::create(&temporary).map_err(failed(&temporary, "create it"))?;
    file.write_all(page.as_bytes()).map_err(failed(&temporary, "write it"))?;
    file.sync_all().map_err(failed(&temporary, "flush it to disk"))?;
    fs::rename(&temporary, out).map_err(failed(out, "move it into place"))
}
