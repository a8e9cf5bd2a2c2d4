//! Text that tries to inject markup into the page.

mod common;

use std::fs;

use common::Outcome;
use common::page::loads_nothing;
use common::run::{cell, make_run, meta, metric, provenance, stats, summary};
use iopo_report::render;
use iopo_schema::{SummaryMetric, write};

/// Text of a model that tries to inject markup.
const HOSTILE: &str = "</pre></details><script src=\"http://evil.example/x.js\">alert('x')</script><img src=x onerror=alert(1)> {{ 7 * 7 }} {% raw %} \u{202e}";

#[test]
fn markup_in_text_is_escaped() -> Outcome {
    let folder = tempfile::tempdir()?;
    make_run(folder.path(), HOSTILE)?;
    let hostile = [metric(1, HOSTILE, 1.0), metric(2, HOSTILE, 2.0)];
    write(&folder.path().join("train/a&b'c/metrics.parquet"), &hostile, &provenance())?;
    write(
        &folder.path().join("synth_stats.parquet"),
        &stats(&[(HOSTILE, 1.0), ("kind", 2.0)]),
        &provenance(),
    )?;
    let mut rows = summary();
    rows.push(cell(HOSTILE, None, SummaryMetric::PromptAccuracyStrict, "all", 0.5, 0.1));
    rows.push(cell("base", Some(HOSTILE), SummaryMetric::PromptAccuracyStrict, "all", 0.5, 0.1));
    rows.push(cell(
        "base",
        None,
        SummaryMetric::InstructionAccuracyStrict,
        &format!("kind/{HOSTILE}"),
        0.5,
        0.1,
    ));
    write(&folder.path().join("eval/summary.parquet"), &rows, &provenance())?;
    let mut meta = meta();
    meta.title = HOSTILE.into();
    meta.notes.push(HOSTILE.into());
    meta.config_toml = HOSTILE.into();
    let out = folder.path().join("report.html");
    render(folder.path(), &out, &meta)?;
    let page = fs::read_to_string(&out)?;
    // An address as text loads nothing; everything else must be absent.
    loads_nothing(
        &page.replace("http://evil.example/x.js", "").replace("http:&#x2f;&#x2f;evil.example", ""),
    );
    assert!(page.contains("&lt;script"), "expected the escaped text");
    assert!(
        page.contains("{{ 7 * 7 }}") && !page.contains(" 49 "),
        "expected the template syntax as text"
    );
    Ok(())
}
