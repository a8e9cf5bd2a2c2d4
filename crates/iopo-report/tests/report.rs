//! Reports of small made-up runs.

mod common;

use std::fs;

use common::Outcome;
use common::page::loads_nothing;
use common::run::{make_run, meta, summary};
use iopo_report::{ReportError, render, terminal_table};

/// Returns the page without its style sheet and its charts.
fn outline(page: &str) -> String {
    let mut text = page.to_owned();
    for (start, end) in [("<style>", "</style>"), ("<svg", "</svg>")] {
        let mut rest = text.as_str();
        let mut kept = String::new();
        while let Some((before, after)) = rest.split_once(start) {
            kept.push_str(before);
            kept.extend(["[", start.trim_matches(['<', '>']), "]"]);
            rest = after.split_once(end).map_or("", |parts| parts.1);
        }
        kept.push_str(rest);
        text = kept;
    }
    text
}

#[test]
fn a_complete_run_fills_every_section() -> Outcome {
    let folder = tempfile::tempdir()?;
    make_run(folder.path(), "Plain words.")?;
    let out = folder.path().join("report.html");
    let summary = render(folder.path(), &out, &meta())?;
    assert_eq!(summary.methods, ["sft", "dpo", "iopo"]);
    assert_eq!(summary.models, ["base", "sft", "dpo", "iopo"]);
    assert_eq!((summary.groups, summary.missing.len()), (30, 0));
    let page = fs::read_to_string(&out)?;
    assert_eq!(summary.bytes, page.len() as u64);
    loads_nothing(&page);
    assert!(
        !page.contains("NaN") && !page.contains("undefined") && !page.contains("has not run yet")
    );
    assert_eq!(page.matches("<details class=\"group\"").count(), 12 + 10, "groups and answers");
    assert_eq!(page.matches("class=\"chart\"").count(), 11, "of training, and of the rounds");
    assert_eq!(page.matches("<details class=\"values\"").count(), 10, "the values of the training");
    insta::assert_snapshot!("report", outline(&page));
    // The same files give the same page.
    render(folder.path(), &out, &meta())?;
    assert_eq!(fs::read_to_string(&out)?, page);
    if let Ok(copy) = std::env::var("IOPO_REPORT_COPY") {
        fs::copy(&out, copy)?;
    }
    Ok(())
}

#[test]
fn an_empty_run_names_the_missing_stages() -> Outcome {
    let folder = tempfile::tempdir()?;
    let out = folder.path().join("report.html");
    let summary = render(folder.path(), &out, &meta())?;
    assert_eq!(summary.missing, ["synthesis", "pairs", "training", "evaluation"]);
    let page = fs::read_to_string(&out)?;
    for stage in ["Synthesis", "Pairing", "Training", "Evaluation"] {
        assert!(page.contains(&format!("{stage} has not run yet.")), "{stage}");
    }
    loads_nothing(&page);
    Ok(())
}

#[test]
fn groups_and_curves_of_later_rounds_are_shown_by_their_model() -> Outcome {
    let folder = tempfile::tempdir()?;
    make_run(folder.path(), "Plain words.")?;
    let out = folder.path().join("report.html");
    render(folder.path(), &out, &meta())?;
    assert!(!fs::read_to_string(&out)?.contains("iopo-round2"));
    let round = folder.path().join("rounds/2/iopo");
    fs::create_dir_all(round.join("train/iopo"))?;
    for file in ["preferences.parquet", "train/iopo/metrics.parquet"] {
        fs::copy(folder.path().join(file), round.join(file))?;
    }
    let summary = render(folder.path(), &out, &meta())?;
    assert_eq!(summary.methods, ["sft", "dpo", "iopo", "iopo-round2"]);
    let page = fs::read_to_string(&out)?;
    assert!(page.contains("<h3>iopo-round2</h3>"));
    assert_eq!(page.matches("<details class=\"group\"").count(), 12 + 12 + 10);
    Ok(())
}

#[test]
fn every_file_is_optional() -> Outcome {
    let files = [
        "synth_stats.parquet",
        "pairs_stats.parquet",
        "preferences.parquet",
        "train/sft/metrics.parquet",
        "eval/iopo/predictions.parquet",
        "eval/iopo/scores.parquet",
        "eval/iopo/flaws.parquet",
        "eval/summary.parquet",
    ];
    for file in files {
        let folder = tempfile::tempdir()?;
        make_run(folder.path(), "")?;
        fs::remove_file(folder.path().join(file))?;
        render(folder.path(), &folder.path().join("report.html"), &meta())?;
    }
    Ok(())
}

#[test]
fn a_damaged_file_is_an_error_and_keeps_the_old_page() -> Outcome {
    let folder = tempfile::tempdir()?;
    make_run(folder.path(), "")?;
    let out = folder.path().join("report.html");
    fs::write(&out, "the earlier page")?;
    fs::write(folder.path().join("preferences.parquet"), "PAR1 and no more")?;
    let error = render(folder.path(), &out, &meta()).unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("preferences.parquet: found a file of 16 bytes"), "{source}");
    assert_eq!(fs::read_to_string(&out)?, "the earlier page");
    Ok(())
}

#[test]
fn a_missing_run_directory_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    let error =
        render(&folder.path().join("none"), &folder.path().join("r.html"), &meta()).unwrap_err();
    assert!(matches!(error, ReportError::NoRun { .. }), "{error}");
    Ok(())
}

#[test]
fn the_terminal_table_shows_accuracies_and_intervals() {
    insta::assert_snapshot!("terminal", terminal_table(&summary(), &meta().headlines, Some(0.95)));
}
