//! `cargo xtask accessibility`: checks the report with axe-core in Chromium; see `fixtures/accessibility/README.md`.

mod audit;
mod axe;
mod chromium;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cargo::{cargo, root, run, say};
use audit::{Audit, Screen};
use chromium::Browser;

/// Flags of `cargo xtask accessibility`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Report to check; can be given several times. Without it, the report of a new smoke run is checked.
    #[arg(long, value_name = "FILE")]
    report: Vec<PathBuf>,
}

/// Audits a page with known faults, then the reports, and prints every fault.
///
/// # Errors
/// Returns an error if Chromium or npm is missing, a known fault is not found, or a report has a fault.
pub(crate) fn run_args(args: &Args) -> Result<()> {
    let dir = root().join("target").join("accessibility");
    let program = chromium::find()?;
    let axe = axe::source(&dir)?;
    let reports = if args.report.is_empty() { vec![smoke(&dir)?] } else { args.report.clone() };
    let mut browser = Browser::start(&program, &dir.join("profile"))?;
    control(&mut browser, &axe)?;
    let mut faults = 0;
    for report in &reports {
        let report = report
            .canonicalize()
            .with_context(|| format!("failed to find the report {}", report.display()))?;
        for screen in Screen::ALL {
            faults += audit(&mut browser, &axe, &report, screen)?;
        }
    }
    if faults > 0 {
        bail!("accessibility: found {faults} faults, listed above");
    }
    say("accessibility: no faults");
    Ok(())
}

/// Audits a page on one screen and prints what it finds; returns the number of faults.
fn audit(browser: &mut Browser, axe: &str, page: &Path, screen: Screen) -> Result<usize> {
    let mut count = 0;
    for open in [false, true] {
        let audit = Audit::of(browser, axe, page, screen, open)?;
        let faults = audit.faults(screen)?;
        let details = if open { "open" } else { "as they are" };
        say(&format!(
            "{} at {screen}, details {details}: {} rules pass, {} faults",
            page.display(),
            audit.passes,
            faults.len()
        ));
        for fault in &faults {
            say(&format!("  {fault}"));
        }
        count += faults.len();
    }
    Ok(count)
}

/// Fails if the audit misses a fault of the damaged page.
fn control(browser: &mut Browser, axe: &str) -> Result<()> {
    const WANTED: [&str; 8] = [
        "image-alt",
        "color-contrast",
        "heading-order",
        "text-contrast",
        "scroll-region",
        "table-caption",
        "table-scope",
        "width",
    ];
    let page = axe::fixture("damaged.html");
    let screen = Screen::ALL[0];
    let faults = Audit::of(browser, axe, &page, screen, false)?.faults(screen)?;
    for wanted in WANTED {
        if faults.iter().all(|fault| fault.rule != wanted) {
            bail!("the audit of {} found no fault of `{wanted}`", page.display());
        }
    }
    say(&format!("{}: all known faults are found", page.display()));
    Ok(())
}

/// Creates the report of a smoke run.
fn smoke(dir: &Path) -> Result<PathBuf> {
    let out = dir.join("run");
    if out.exists() {
        fs::remove_dir_all(&out).with_context(|| format!("failed to clear {}", out.display()))?;
    }
    let args = ["run", "--quiet", "--package", "iopo", "--bin", "iopo", "--", "pipeline"];
    run(cargo(&args).args(["--preset", "smoke", "--out"]).arg(&out))?;
    Ok(out.join("report.html"))
}
