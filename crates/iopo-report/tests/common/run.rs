//! Writes a small run with made-up numbers.

use std::path::Path;

use iopo_report::{Headline, ReportMeta};
use iopo_schema::*;

pub(crate) fn provenance() -> Provenance {
    Provenance::new("iopo-test 0.1.0", serde_json::json!({}))
}

pub(crate) fn meta() -> ReportMeta {
    let mut meta = ReportMeta::new("SmolLM2-135M on synthetic groups", "smoke");
    meta.notes = vec![
        "A demonstration: a small model, few groups, one task. It shows that the pipeline works, not how good a method is.".into(),
    ];
    meta.facts = [
        ("iopo", "0.1.0"),
        ("model", "SmolLM2-135M-Instruct.Q4_1.gguf"),
        ("weights", "f3a1b2c4d5e6"),
        ("device", "flex"),
        ("random seed", "0"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    meta.confidence = Some(0.95);
    meta.headlines = vec![Headline {
        over: "seen kinds".into(),
        models: vec![("base".into(), 0.2), ("sft".into(), 0.49), ("iopo".into(), 0.6)],
        difference: (0.4, 0.33, 0.47),
        is_gain: true,
        caveats: Vec::new(),
    }];
    meta.compared = ["base", "sft", "iopo"].map(String::from).into();
    meta.config_toml = "[train]\nmethods = [\"sft\", \"dpo\", \"iopo\"]\nbeta = 0.1\n".into();
    meta
}

pub(crate) fn metric(step: u64, name: &str, value: f64) -> MetricRow {
    MetricRow { step, name: name.into(), value }
}

pub(crate) fn stats(rows: &[(&str, f64)]) -> Vec<MetricRow> {
    rows.iter().map(|(name, value)| metric(0, name, *value)).collect()
}

/// Makes varied curves that are the same on every machine, because they use no transcendental functions.
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

pub(crate) fn cell(
    model: &str,
    baseline: Option<&str>,
    metric: SummaryMetric,
    subset: &str,
    value: f64,
    half: f64,
) -> SummaryRow {
    SummaryRow {
        model: model.into(),
        baseline: baseline.map(Into::into),
        metric,
        subset: subset.parse().expect("a subset"),
        value,
        low: value - half,
        high: value + half,
        n: 240,
    }
}

pub(crate) fn summary() -> Vec<SummaryRow> {
    let models = [("base", 0.23), ("sft", 0.52), ("dpo", 0.58), ("iopo", 0.63)];
    let mut rows = Vec::new();
    for (model, level) in models {
        for (subset, shift) in
            [("all", 0.0), ("seen", 0.05), ("unseen", -0.1), ("constraints/2", 0.02)]
        {
            for (metric, level) in [
                (SummaryMetric::PromptAccuracyStrict, level),
                (SummaryMetric::CleanAccuracy, level - 0.08),
            ] {
                rows.push(cell(model, None, metric, subset, level + shift, 0.06));
            }
            rows.push(cell(
                model,
                None,
                SummaryMetric::InstructionAccuracyStrict,
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
                SummaryMetric::InstructionAccuracyStrict,
                &format!("kind/{kind}"),
                value,
                0.1,
            ));
        }
        rows.push(cell(
            model,
            None,
            SummaryMetric::ResponseWords,
            "all",
            180.0 - 60.0 * level,
            9.0,
        ));
        rows.push(cell(model, None, SummaryMetric::Distinct2, "all", 0.91, 0.01));
        rows.push(cell(model, None, SummaryMetric::CorpusDistinct2, "all", 0.61, f64::NAN));
        for (metric, value) in [
            (SummaryMetric::EmptyShare, 0.02),
            (SummaryMetric::LengthCutShare, 0.21),
            (SummaryMetric::RepeatedLines, 0.07),
        ] {
            rows.push(cell(model, None, metric, "all", value, 0.01));
        }
        rows.push(cell(model, None, SummaryMetric::PerplexityBase, "all", 4.0 + 2.0 * level, 0.4));
        rows.push(cell(model, None, SummaryMetric::LogpsChosen, "all", -61.5 + 10.0 * level, 3.0));
        if model != "base" {
            rows.push(cell(model, None, SummaryMetric::RewardAccuracy, "all", level + 0.3, 0.05));
            for (baseline, from) in [("base", 0.23), ("sft", 0.52)] {
                if model != baseline {
                    for subset in ["all", "seen", "unseen"] {
                        let value = level - from;
                        for metric in
                            [SummaryMetric::PromptAccuracyStrict, SummaryMetric::CleanAccuracy]
                        {
                            rows.push(cell(model, Some(baseline), metric, subset, value, 0.07));
                        }
                        rows.push(cell(
                            model,
                            Some(baseline),
                            SummaryMetric::InstructionAccuracyStrict,
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

/// The dev prompts after two rounds.
fn dev() -> Vec<SummaryRow> {
    let accuracy = |model: &str, value: f64| {
        cell(model, None, SummaryMetric::CleanAccuracy, "all", value, 0.05)
    };
    vec![accuracy("base", 0.2), accuracy("iopo", 0.4), accuracy("iopo-round2", 0.5)]
}

/// A published benchmark.
fn benchmark() -> Vec<SummaryRow> {
    let mut rows = Vec::new();
    for (model, level) in [("base", 0.3), ("sft", 0.4), ("iopo", 0.5)] {
        for subset in ["all", "seen", "unseen"] {
            for metric in [SummaryMetric::PromptAccuracyStrict, SummaryMetric::PromptAccuracyLoose]
            {
                rows.push(cell(model, None, metric, subset, level, 0.05));
                if model != "base" {
                    rows.push(cell(model, Some("base"), metric, subset, level - 0.3, 0.06));
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
    // Revise and swap make full groups, add and remove sided ones.
    let sided = index % 4 > 1;
    PreferenceRow {
        id: content_id(&[&index.to_string()]),
        task_id: format!("task-{index}"),
        split: [Split::Train, Split::Dev, Split::Test][index % 3],
        kind: if sided { GroupKind::Sided } else { GroupKind::Full },
        operation: Some(Operation::ALL[index % 4]),
        task: format!("Explain how rain forms. {text}"),
        input: index.is_multiple_of(2).then(|| format!("An input. {text}")),
        context: Vec::new(),
        x1: String::new(),
        y1: format!("Water rises as vapour cools and falls.\n{text}"),
        x2: Some(String::new()),
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
        y1_source: if index.is_multiple_of(5) {
            ResponseSource::Edited
        } else {
            ResponseSource::BackTranslated
        },
        y2_source: ResponseSource::BackTranslated,
        y1_original: index.is_multiple_of(5).then(|| "Rain forms from clouds.".to_owned()),
        y2_original: None,
        proof: Proof {
            x1y1: vec![verdict(true, "no commas"), verdict(true, "7 words, at most 20 allowed")],
            x1y2: vec![verdict(true, "no commas"), verdict(false, &format!("57 words {text}"))],
            x2y1: vec![verdict(true, "no commas"), verdict(sided, "7 words, at least 40 wanted")],
            x2y2: vec![verdict(true, "no commas"), verdict(true, "57 words")],
        },
    }
}

fn score(kind: &str, seen: bool) -> ScoreRow {
    ScoreRow {
        benchmark: "heldout".into(),
        key: "k".into(),
        task_id: "s".into(),
        index: 0,
        instruction_id: kind.into(),
        seen,
        strict: Some(true),
        loose: None,
        method: Method::Code,
        raw: None,
        mode: None,
        score: None,
        error: None,
        near: None,
    }
}

/// The answers of a model to twelve prompts with one constraint each.
fn answers(folder: &Path, model: &str, text: &str) -> Result<(), SchemaError> {
    let keys: Vec<String> = (0..12).map(|index| format!("p{index}")).collect();
    let prediction = |key: &String| PredictionRow {
        benchmark: "heldout".into(),
        key: key.clone(),
        task_id: format!("task of {key}"),
        prompt: format!("Explain tides. {text}\n1. Use at most 20 words."),
        constraints: vec![constraint("Use at most 20 words.", "max_words")],
        response: format!("The answer of {model} to {key}. {text}"),
        finish_reason: ResponseEnd::Stop,
        prompt_tokens: 12,
        completion_tokens: 9,
        error: None,
    };
    let scored = |(at, key): (usize, &String)| ScoreRow {
        key: key.clone(),
        strict: Some(model != "base" && at % 2 == 0),
        ..score("max_words", at % 3 > 0)
    };
    let flaws = |(at, key): (usize, &String)| FlawsRow {
        key: key.clone(),
        echo: model == "base",
        repeats: false,
        thin: at == 4,
        off_task: false,
    };
    let dir = folder.join("eval").join(model);
    let predictions: Vec<PredictionRow> = keys.iter().map(prediction).collect();
    let scores: Vec<ScoreRow> = keys.iter().enumerate().map(scored).collect();
    let flaws: Vec<FlawsRow> = keys.iter().enumerate().map(flaws).collect();
    write(&dir.join("predictions.parquet"), &predictions, &provenance())?;
    write(&dir.join("scores.parquet"), &scores, &provenance())?;
    write(&dir.join("flaws.parquet"), &flaws, &provenance())
}

/// Writes a complete run with `text` wherever a model writes text.
pub(crate) fn make_run(folder: &Path, text: &str) -> Result<(), SchemaError> {
    let synthesis = [
        ("tasks", 320.0),
        ("answers", 2_560.0),
        ("instructions", 1_412.0),
        ("responses", 1_391.0),
        ("edited_share", 0.114),
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
    write(&folder.join("eval/dpo/scores.parquet"), &scores, &provenance())?;
    for model in ["base", "sft", "iopo"] {
        answers(folder, model, text)?;
    }
    let eval = folder.join(run_files::EVAL);
    write(&eval.join(run_files::DEV).join(run_files::SUMMARY), &dev(), &provenance())?;
    let scored = eval.join(run_files::BENCHMARKS).join("ifeval");
    write(&scored.join(run_files::SUMMARY), &benchmark(), &provenance())?;
    write(&eval.join(run_files::SUMMARY), &summary(), &provenance())
}
