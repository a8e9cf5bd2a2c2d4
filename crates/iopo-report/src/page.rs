//! Renders the page from its sections and writes the file.

use std::fs;
use std::path::Path;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, context};

use crate::run::Run;
use crate::sections::{Sections, accuracy};
use crate::{Headline, ReportError, ReportMeta, ReportSummary};

/// The templates. Every value in an `.html` template is escaped, except the charts that this crate draws.
const TEMPLATES: [(&str, &str); 13] = [
    ("page.html", include_str!("templates/page.html")),
    ("style.css", include_str!("templates/style.css")),
    ("parts.html", include_str!("templates/parts.html")),
    ("yields.html", include_str!("templates/yields.html")),
    ("recipe.html", include_str!("templates/recipe.html")),
    ("training.html", include_str!("templates/training.html")),
    ("accuracy.html", include_str!("templates/accuracy.html")),
    ("benchmarks.html", include_str!("templates/benchmarks.html")),
    ("rounds.html", include_str!("templates/rounds.html")),
    ("answers.html", include_str!("templates/answers.html")),
    ("kinds.html", include_str!("templates/kinds.html")),
    ("checks.html", include_str!("templates/checks.html")),
    ("groups.html", include_str!("templates/groups.html")),
];

/// Writes the report of `run_dir` to `out`, complete or not at all.
///
/// Every file of the run is optional; a section says if its stage has not run. The page depends only on the files and on
/// `meta`: it contains no date and no path.
///
/// # Errors
/// Returns an error if there is no run directory, a file is damaged or of another version, or `out` cannot be written.
pub fn render(run_dir: &Path, out: &Path, meta: &ReportMeta) -> Result<ReportSummary, ReportError> {
    let run = Run::load(run_dir, &meta.compared, &meta.models)?;
    let sections = Sections::of(&run, meta);
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
        // The style sheet contains no values.
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
        headlines => Serde(headlines(meta)),
        coverage => meta.confidence.map(accuracy::coverage).unwrap_or_default(),
        sections => Serde(sections),
    })?)
}

/// Returns the lines of each headline, and whether it is a gain.
fn headlines(meta: &ReportMeta) -> Vec<(String, String, bool)> {
    let lines = |headline: &Headline| {
        (headline.title(), headline.detail(meta.confidence), headline.is_gain)
    };
    meta.headlines.iter().map(lines).collect()
}

fn replace(out: &Path, page: &str) -> Result<(), ReportError> {
    let failed = |path: &Path, action| {
        let path = path.to_path_buf();
        move |source| ReportError::Io { path, action, source }
    };
    if let Some(parent) = out.parent() {
        fs::create_dir_all(parent).map_err(failed(parent, "create this directory"))?;
    }
    iopo_core::files::write(out, page.as_bytes()).map_err(failed(out, "write this file"))
}
