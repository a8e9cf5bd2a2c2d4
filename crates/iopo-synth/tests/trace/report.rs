//! The report of a run with a scripted writer and judge.

use iopo_llm::Request;
use iopo_report::{ReportMeta, Roles, Usage, recipe_lines, render};

use crate::world::{Model, TASKS, config, constraints, run, said, scores, user};

/// The text of the section, without tags and pictures.
fn section(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("<section id=\"recipe\">")?;
    let (section, _) = rest.split_once("</section>")?;
    let mut text = String::new();
    let mut rest = section;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        text.push(' ');
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

fn page(dir: &std::path::Path, meta: &ReportMeta) -> String {
    let out = dir.join("report.html");
    render(&dir.join("out"), &out, meta).expect("rendered");
    std::fs::read_to_string(out).expect("written")
}

#[test]
fn the_report_shows_yields_reasons_requests_agreement_and_cost() {
    // One task is called poor, and the judge calls every limit broken, which code finds kept.
    let replace = |step: &str, request: &Request| match step {
        "trace_structure" if user(request).contains("harbour") => Some(said(
            r#"{"quality": "poor", "reason": "unclear", "task": "", "constraints": [], "input": null}"#,
        )),
        "trace_rating" => {
            let list = constraints(user(request));
            let is_limit = |text: &String| text.contains("40 words");
            list.iter().any(is_limit).then(|| {
                said(scores(
                    &list
                        .iter()
                        .map(|text| if is_limit(text) { 0 } else { 10 })
                        .collect::<Vec<_>>(),
                ))
            })
        }
        _ => None,
    };
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&replace);
    let settings = config(|config| {
        config.agreement_share = 1.0;
        config.min_agreement_cases = 1;
        config.tasks_per_part = 1;
    });
    let made = run(dir.path(), TASKS, &model, &[], &settings).expect("a run");
    let value =
        |name: &str| made.metrics.iter().find(|row| row.name == name).map_or(0.0, |row| row.value);
    let mut meta = ReportMeta::new("A run", "trace");
    let mut roles = Roles::default();
    roles.writer = vec!["large (a)".to_owned()];
    roles.judge = vec!["other (b)".to_owned()];
    let mut usage = Usage::default();
    (usage.answered, usage.unknown_cost) = (model.asked.get() as u64, 3);
    roles.usage = Some(usage.clone());
    meta.roles = Some(roles.clone());
    let html = page(dir.path(), &meta);
    let text = section(&html).expect("a section");

    assert!(text.contains("Writer large (a) Judge other (b)"), "{text}");
    assert!(text.contains("From 5 tasks to groups"), "{text}");
    assert!(text.contains("expand 5 5 100.0 %") && text.contains("structure 5 4 80.0 %"), "{text}");
    assert!(text.contains("structure poor 1"), "{text}");
    for step in ["expand", "structure", "rating"] {
        let tokens = |name: &str| value(&format!("{name}/{step}"));
        let line = format!(
            "{step} {} {} {} {}",
            tokens("requests"),
            tokens("asked_again"),
            tokens("prompt_tokens"),
            tokens("completion_tokens")
        );
        assert!(tokens("requests") > 0.0 && text.contains(&line), "{line}: {text}");
    }
    let (same, different) =
        (value("agreement/same/max_words"), value("agreement/different/max_words"));
    assert!(different >= 1.0);
    let share = 100.0 * same / (same + different);
    let (low, high) =
        (100.0 * value("agreement_low/max_words"), 100.0 * value("agreement_high/max_words"));
    let line = format!("{} {different} {share:.1} ", same + different);
    assert!(text.contains(&format!("max words switched off {line}")), "{line}: {text}");
    assert!(text.contains(&format!("{low:.1} to {high:.1}")), "{low} {high}: {text}");
    assert!(text.contains("disagreed too often about max words"), "{text}");
    assert!(text.contains("Cost unknown for 3 answers"), "an unknown cost is not 0: {text}");
    assert!(!text.contains("same model"), "{text}");
    // The section of the yields leaves these counters to this one.
    assert_eq!(
        html.matches("<caption>Yield").count() + html.matches("<caption>Entered").count(),
        0
    );

    // The same run with a local model in both roles.
    (roles.writer, roles.judge, roles.is_same) = (Vec::new(), Vec::new(), true);
    meta.roles = Some(roles);
    let local = section(&page(dir.path(), &meta)).expect("a section");
    assert!(
        local.contains("Cost none, the model is local") && local.contains("are the same model"),
        "{local}"
    );

    let lines = recipe_lines(&made.metrics);
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("yields: expand 100.0 %, structure 80.0 %"), "{lines:?}");
    assert!(lines[1].contains("structure · poor (1)"), "{lines:?}");
    assert!(
        lines[2].starts_with("judge against code: ") && lines[2].contains("verdicts agree"),
        "{lines:?}"
    );
}

#[test]
fn another_recipe_has_no_such_section_and_no_such_lines() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("out")).expect("created");
    let row = |name: &str, value| iopo_schema::MetricRow { step: 0, name: name.to_owned(), value };
    let rows = [row("tasks", 3.0), row("dropped/empty", 2.0), row("answers", 12.0)];
    let provenance = iopo_schema::Provenance::new("test 1", serde_json::json!({}));
    iopo_schema::write(&dir.path().join("out/synth_stats.parquet"), &rows, &provenance)
        .expect("written");
    let html = page(dir.path(), &ReportMeta::new("A run", "edit"));
    assert!(
        section(&html).is_none()
            && !html.contains("#recipe")
            && html.contains("Dropped, by reason")
    );
    assert!(recipe_lines(&rows).is_empty());
}
