//! Reports of small made-up runs.

use std::fs;
use std::path::Path;

use iopo_report::{ReportError, ReportMeta, render, terminal_table};
use iopo_schema::*;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// What a model could say to break out of the page.
const HOSTILE: &str = "</pre></details><script src=\"http://evil.example/x.js\">alert('x')</script><img src=x onerror=alert(1)> {{ 7 * 7 }} {% raw %} \u{202e}";

fn provenance() -> Provenance {
    Provenance::new("iopo-test 0.1.0", serde_json::json!({}))
}

fn meta() -> ReportMeta {
    let mut meta = ReportMeta::new("SmolLM2-135M on synthetic groups", "smoke");
    meta.notes = vec![
        "A demonstration: a small model, few groups, one seed. It shows that the pipeline works, not how good a method is.".into(),
    ];
    meta.versions.insert("iopo".into(), "0.1.0".into());
    meta.versions.insert("model".into(), "SmolLM2-135M-Instruct.Q4_1.gguf".into());
    meta.confidence = Some(0.95);
    meta.config_toml = "[train]\nmethods = [\"sft\", \"dpo\", \"iopo\"]\nbeta = 0.1\n".into();
    meta
}

fn metric(step: u64, name: &str, value: f64) -> MetricRow {
    MetricRow { step, name: name.into(), value }
}

fn stats(rows: &[(&str, f64)]) -> Vec<MetricRow> {
    rows.iter().map(|(name, value)| metric(0, name, *value)).collect()
}

/// Curves with some life in them, the same on every machine: no transcendental functions.
fn curves(method: usize) -> Vec<MetricRow> {
    let mut rows = Vec::new();
    for step in 1..=60_u64 {
        let x = step as f64 / 60.0;
        let noise = ((step * 7_919 + method as u64 * 104_729) % 97) as f64 / 97.0 - 0.5;
        let gain = x * (2.0 - x) * (1.0 + method as f64 * 0.4);
        rows.push(metric(step, "loss", (1.4 + noise * 0.2) / (1.0 + gain)));
        rows.push(metric(step, "learning_rate", 1e-4 * (1.0 - x)));
        rows.push(metric(step, "grad_norm", 1.0 + noise));
        if method > 0 {
            for (index, side) in ["v1", "v2"].into_iter().enumerate() {
                let tilt = 1.0 + index as f64 * 0.2;
                rows.push(metric(
                    step,
                    &format!("rewards/chosen_{side}"),
                    gain * 0.4 * tilt + noise * 0.1,
                ));
                rows.push(metric(
                    step,
                    &format!("rewards/rejected_{side}"),
                    -gain * tilt + noise * 0.2,
                ));
                rows.push(metric(step, &format!("rewards/margins_{side}"), gain * 1.4 * tilt));
                rows.push(metric(
                    step,
                    &format!("rewards/input_margins_{side}"),
                    gain * tilt + noise * 0.2,
                ));
                rows.push(metric(
                    step,
                    &format!("rewards/accuracies_{side}"),
                    0.5 + 0.45 * x * (2.0 - x),
                ));
                rows.push(metric(
                    step,
                    &format!("logps/chosen_{side}"),
                    -40.0 - gain * 3.0 + noise,
                ));
            }
        }
        rows.push(metric(step, "tokens", 1_000.0 + step as f64));
    }
    rows
}

fn cell(
    model: &str,
    baseline: Option<&str>,
    metric: &str,
    subset: &str,
    value: f64,
    half: f64,
) -> SummaryRow {
    SummaryRow {
        model: model.into(),
        baseline: baseline.map(Into::into),
        metric: metric.into(),
        subset: subset.into(),
        value,
        low: value - half,
        high: value + half,
        n: 240,
    }
}

fn summary() -> Vec<SummaryRow> {
    let models = [("base", 0.23), ("sft", 0.52), ("dpo", 0.58), ("iopo", 0.63)];
    let mut rows = Vec::new();
    for (model, level) in models {
        for (subset, shift) in
            [("all", 0.0), ("seen", 0.05), ("unseen", -0.1), ("constraints/2", 0.02)]
        {
            rows.push(cell(model, None, "prompt_accuracy_strict", subset, level + shift, 0.06));
            rows.push(cell(
                model,
                None,
                "instruction_accuracy_strict",
                subset,
                level + shift + 0.2,
                0.04,
            ));
        }
        for (index, kind) in
            ["max_words", "no_commas", "bullet_count", "json_object"].into_iter().enumerate()
        {
            let value = (level + 0.08 * index as f64).min(1.0);
            rows.push(cell(
                model,
                None,
                "instruction_accuracy_strict",
                &format!("kind/{kind}"),
                value,
                0.1,
            ));
        }
        rows.push(cell(model, None, "response_words", "all", 180.0 - 60.0 * level, 9.0));
        rows.push(cell(model, None, "distinct_2", "all", 0.91, 0.01));
        rows.push(cell(model, None, "corpus_distinct_2", "all", 0.61, f64::NAN));
        for (metric, value) in
            [("empty_share", 0.02), ("length_cut_share", 0.21), ("repeated_lines", 0.07)]
        {
            rows.push(cell(model, None, metric, "all", value, 0.01));
        }
        rows.push(cell(model, None, "perplexity_base", "all", 4.0 + 2.0 * level, 0.4));
        rows.push(cell(model, None, "logps_chosen", "all", -61.5 + 10.0 * level, 3.0));
        if model != "base" {
            rows.push(cell(model, None, "reward_accuracy", "all", level + 0.3, 0.05));
            for (baseline, from) in [("base", 0.23), ("sft", 0.52)] {
                if model != baseline {
                    for subset in ["all", "seen", "unseen"] {
                        let value = level - from;
                        rows.push(cell(
                            model,
                            Some(baseline),
                            "prompt_accuracy_strict",
                            subset,
                            value,
                            0.07,
                        ));
                        rows.push(cell(
                            model,
                            Some(baseline),
                            "instruction_accuracy_strict",
                            subset,
                            value,
                            0.05,
                        ));
                    }
                }
            }
        }
    }
    rows
}

fn constraint(text: &str, id: &str) -> ConstraintRow {
    ConstraintRow {
        text: text.into(),
        constraint_type: "Format".into(),
        dimension: "Length".into(),
        check: Some(CheckRow { id: id.into(), params: "{}".into() }),
    }
}

fn verdict(satisfied: bool, evidence: &str) -> VerdictRow {
    VerdictRow {
        satisfied,
        score: if satisfied { 10.0 } else { 0.0 },
        method: Method::Code,
        evidence: evidence.into(),
    }
}

fn group(index: usize, text: &str) -> PreferenceRow {
    let few = constraint("Use at most 20 words.", "max_words");
    let many = constraint("Use at least 40 words.", "min_words");
    let plain = constraint("Do not use any commas.", "no_commas");
    // Revise and swap give full groups, add and remove sided ones.
    let sided = index % 4 > 1;
    PreferenceRow {
        id: content_id(&[&index.to_string()]),
        seed_id: format!("seed-{index}"),
        split: [Split::Train, Split::Dev, Split::Test][index % 3],
        kind: if sided { GroupKind::Sided } else { GroupKind::Full },
        operation: Operation::ALL[index % 4],
        task: format!("Explain how rain forms. {text}"),
        input: index.is_multiple_of(2).then(|| format!("An input. {text}")),
        x1: String::new(),
        y1: format!("Water rises as vapour cools and falls.\n{text}"),
        x2: String::new(),
        y2: format!(
            "Rain begins when the sun warms the sea. {}{text}",
            "Water rises and cools in the air. ".repeat(7)
        ),
        x1_constraints: vec![plain.clone(), few.clone()],
        x2_constraints: vec![plain, many.clone()],
        removed: vec![few],
        added: vec![many],
        y1_response_id: "r1".into(),
        y2_response_id: "r2".into(),
        repaired: index.is_multiple_of(5),
        proof: Proof {
            y1_x1: vec![verdict(true, "no commas"), verdict(true, "7 words, at most 20 allowed")],
            y2_x1: vec![verdict(true, "no commas"), verdict(false, &format!("57 words {text}"))],
            y1_x2: vec![verdict(true, "no commas"), verdict(sided, "7 words, at least 40 wanted")],
            y2_x2: vec![verdict(true, "no commas"), verdict(true, "57 words")],
        },
    }
}

fn score(kind: &str, seen: bool) -> ScoreRow {
    ScoreRow {
        benchmark: "heldout".into(),
        key: "k".into(),
        seed_id: "s".into(),
        index: 0,
        instruction_id: kind.into(),
        seen,
        strict: true,
        loose: None,
        method: Method::Code,
        raw: None,
    }
}

/// A whole run; `text` stands in every place where a model's words go.
fn make_run(folder: &Path, text: &str) -> Result<(), SchemaError> {
    let synthesis = [
        ("seeds", 320.0),
        ("answers", 2_560.0),
        ("instructions", 1_412.0),
        ("responses", 1_391.0),
        ("repaired_share", 0.114),
        ("type/Format", 1_204.0),
        ("type/Content", 411.0),
        ("type/Style", 201.0),
        ("type/Situation", 97.0),
        ("dimension/Length", 402.0),
        ("dimension/Keyword", 311.0),
        ("kind/max_words", 220.0),
        ("kind/no_commas", 180.0),
        ("kind/bullet_count", 121.0),
        ("dropped/near_duplicate", 33.0),
        ("dropped/too_short", 12.0),
    ];
    write(&folder.join("synth_stats.parquet"), &stats(&synthesis), &provenance())?;
    let pairs = [
        ("groups", 160.0),
        ("full_share", 0.72),
        ("yield/revise/full", 80.0),
        ("yield/swap/full", 35.0),
        ("yield/add/sided", 25.0),
        ("yield/remove/sided", 20.0),
        ("dropped/duplicate", 14.0),
    ];
    write(&folder.join("pairs_stats.parquet"), &stats(&pairs), &provenance())?;
    let groups: Vec<PreferenceRow> = (0..30).map(|index| group(index, text)).collect();
    write(&folder.join("preferences.parquet"), &groups, &provenance())?;
    for (index, method) in ["sft", "dpo", "iopo"].into_iter().enumerate() {
        write(
            &folder.join("train").join(method).join("metrics.parquet"),
            &curves(index),
            &provenance(),
        )?;
    }
    let scores = [score("max_words", true), score("json_object", false)];
    write(&folder.join("eval/iopo/scores.parquet"), &scores, &provenance())?;
    write(&folder.join("eval/summary.parquet"), &summary(), &provenance())
}

/// What would make a browser fetch or run something.
fn loads_nothing(page: &str) {
    for needle in [
        "<script",
        "<img",
        "<link",
        "<iframe",
        "<object",
        "<embed",
        "@import",
        "url(",
        "javascript:",
    ] {
        assert!(!page.to_lowercase().contains(needle), "the page contains {needle}");
    }
    for attribute in [" src=", " srcset=", " onerror=", " data="] {
        let tags = page.split('<').filter_map(|rest| rest.split_once('>').map(|tag| tag.0));
        for tag in tags.map(unquoted) {
            assert!(!tag.contains(attribute), "<{tag}> has{attribute}");
        }
    }
    for link in page.split("href=\"").skip(1) {
        assert!(link.starts_with('#'), "a link out of the page: {}", &link[..40]);
    }
    assert!(!page.contains("http://") && !page.contains("https://"), "the page names an address");
}

/// A tag without the values of its attributes.
fn unquoted(tag: &str) -> String {
    tag.split('"').step_by(2).collect()
}

/// The page without its style sheet and its drawings.
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
fn a_whole_run() -> Outcome {
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
    assert_eq!(page.matches("<details class=\"group\">").count(), 12);
    assert_eq!(page.matches("class=\"chart\"").count(), 10);
    insta::assert_snapshot!("report", outline(&page));
    let chart = page.split("<svg class=\"bars\"").nth(1).and_then(|rest| rest.split_once("</svg>"));
    insta::assert_snapshot!("bars", chart.map_or("", |parts| parts.0).replace("><", ">\n<"));
    // The same files give the same page.
    render(folder.path(), &out, &meta())?;
    assert_eq!(fs::read_to_string(&out)?, page);
    if let Ok(copy) = std::env::var("IOPO_REPORT_COPY") {
        fs::copy(&out, copy)?;
    }
    Ok(())
}

#[test]
fn hostile_text_stays_text() -> Outcome {
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
    rows.push(cell(HOSTILE, None, "prompt_accuracy_strict", "all", 0.5, 0.1));
    rows.push(cell("base", Some(HOSTILE), "prompt_accuracy_strict", "all", 0.5, 0.1));
    rows.push(cell("base", None, HOSTILE, "all", 0.5, 0.1));
    rows.push(cell(
        "base",
        None,
        "instruction_accuracy_strict",
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
    // An address as text is no load; everything else must not be there at all.
    loads_nothing(
        &page.replace("http://evil.example/x.js", "").replace("http:&#x2f;&#x2f;evil.example", ""),
    );
    assert!(page.contains("&lt;script"), "the text itself is shown");
    assert!(page.contains("{{ 7 * 7 }}") && !page.contains(" 49 "), "a template in a text is text");
    Ok(())
}

#[test]
fn an_empty_run_says_what_has_not_run() -> Outcome {
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
fn each_file_may_be_missing() -> Outcome {
    let files = [
        "synth_stats.parquet",
        "pairs_stats.parquet",
        "preferences.parquet",
        "train/sft/metrics.parquet",
        "eval/iopo/scores.parquet",
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
fn a_damaged_file_is_an_error_and_leaves_the_old_page() -> Outcome {
    let folder = tempfile::tempdir()?;
    make_run(folder.path(), "")?;
    let out = folder.path().join("report.html");
    fs::write(&out, "the page of yesterday")?;
    fs::write(folder.path().join("preferences.parquet"), "PAR1 and no more")?;
    let error = render(folder.path(), &out, &meta()).unwrap_err();
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("preferences.parquet: expected a whole Parquet file"), "{source}");
    assert_eq!(fs::read_to_string(&out)?, "the page of yesterday");
    Ok(())
}

#[test]
fn no_run_directory() -> Outcome {
    let folder = tempfile::tempdir()?;
    let error =
        render(&folder.path().join("none"), &folder.path().join("r.html"), &meta()).unwrap_err();
    assert!(matches!(error, ReportError::NoRun { .. }), "{error}");
    Ok(())
}

#[test]
fn the_table_in_the_terminal() {
    insta::assert_snapshot!("terminal", terminal_table(&summary(), Some(0.95)));
}
