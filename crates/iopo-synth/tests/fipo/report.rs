//! The report of a run with a collection.

use std::path::Path;

use iopo_llm::{Completion, FinishReason, Request};
use iopo_report::{ReportMeta, Roles, Usage, render};
use iopo_schema::{MetricRow, Provenance, write};

use crate::world::{Model, config, four, run, user};

/// The text of a section, without tags and pictures.
fn section(page: &str, id: &str) -> Option<String> {
    let (_, rest) = page.split_once(&format!("<section id=\"{id}\">"))?;
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

fn page(dir: &Path, meta: &ReportMeta) -> String {
    let out = dir.join("report.html");
    render(dir, &out, meta).expect("rendered");
    std::fs::read_to_string(out).expect("written")
}

#[test]
fn the_report_shows_yields_requests_tokens_and_cost_of_a_collection() {
    let dir = tempfile::tempdir().expect("a directory");
    // The server leaves out the numbers of tokens of some answers.
    let replace = |kind: &str, request: &Request| {
        let is_second = kind == "response" && user(request).contains('街');
        is_second.then(|| {
            Ok(Completion {
                text: "街边很热闹：欢快，雨伞，小狗。".to_owned(),
                finish_reason: FinishReason::Stop,
                prompt_tokens: None,
                completion_tokens: None,
            })
        })
    };
    run(dir.path(), four(), &Model::new(&replace), &[], &config(|_| ())).expect("a run");
    std::fs::rename(dir.path().join("out"), dir.path().join("fipo")).expect("moved");
    // Of six groups, three are rewrites. There are other candidates in the run itself.
    let counts = [("groups", 6.0), ("yield/add/sided", 3.0), ("yield/rewrite/sided", 3.0)];
    let row = |(name, value): (&str, f64)| MetricRow { step: 0, name: name.to_owned(), value };
    let provenance = Provenance::new("test 1", serde_json::json!({}));
    write(&dir.path().join("pairs_stats.parquet"), &counts.map(row), &provenance).expect("written");
    let own = [("entered/expand", 5.0), ("candidates/add", 3.0), ("table/right", 3.0)];
    write(&dir.path().join("synth_stats.parquet"), &own.map(row), &provenance).expect("written");
    let mut meta = ReportMeta::new("A run", "trace");
    let mut roles = Roles::default();
    roles.writer = vec!["large (a)".to_owned()];
    roles.judge = vec!["other (b)".to_owned()];
    roles.worse = vec!["small (c)".to_owned()];
    let mut usage = Usage::default();
    (usage.answered, usage.cost) = (31, Some("0.25".to_owned()));
    roles.usage = Some(usage);
    meta.fipo_roles = Some(roles);
    let html = page(dir.path(), &meta);
    let text = section(&html, "fipo").expect("a section");
    for part in [
        "Writer large (a) Writer of worse instructions small (c) Judge other (b)",
        "Answered requests 31",
        "Cost 0.25",
        "From 4 seeds to groups",
        "better 4 4 100.0 %",
        "preference to candidate 4 4 100.0 %",
        "admission to the groups 4 3 75.0 %",
        "better 4 0 40 20",
        "response 4 0 20, unknown for 2 answers 10, unknown for 2 answers",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("truth table"), "{text}");
    // The rewrites are no candidates of synthesis, so its share stays below 100 %.
    let trace = section(&html, "recipe").expect("a section");
    assert!(trace.contains("admission to the groups 3 3 100.0 %"), "{trace}");
    // Control: without a collection, there is no section.
    std::fs::remove_dir_all(dir.path().join("fipo")).expect("removed");
    assert!(section(&page(dir.path(), &meta), "fipo").is_none());
}
