//! Answers that leave their task, measured by a base model that knows the words of its prompt.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use iopo_llm::{Overlap, Progress, Request, Scripted, Silent};
use iopo_schema::{MetricRow, RelevanceRow, ResponseRow, read};
use iopo_synth::{
    Recipe, RelevanceModel, SynthConfig, SynthError, SynthSummary, synthesize, synthesize_sampled,
};
use iopo_testing::answers::{natural, write_tasks};
use tempfile::TempDir;

const OFF: &str = "I am glad to help with whatever you would like to know today, so please ask me.";
const BASE: RelevanceModel<'static> = RelevanceModel { fingerprint: "overlap", model: &Overlap };

/// Names the topic of the task, the fourth word of the prompt, or leaves the task.
fn answer(request: &Request) -> String {
    let topic = request.messages[0].content.split_whitespace().nth(3).unwrap_or_default();
    match request.sampling.seed % 3 {
        0 => OFF.to_owned(),
        _ => format!("{} Here is the {topic} with another {topic} today.", natural(request)),
    }
}

fn config(recipe: Recipe) -> SynthConfig {
    let mut config = SynthConfig::default();
    config.recipe = recipe.into();
    config.tasks_per_part = 2;
    config.quality.min_relevance = 0.001;
    config
}

fn folder(tasks: usize) -> TempDir {
    let dir = tempfile::tempdir().expect("folder");
    write_tasks(&dir.path().join("tasks.jsonl"), tasks);
    dir
}

fn run(
    dir: &Path,
    base: Option<RelevanceModel<'_>>,
    config: &SynthConfig,
    progress: &dyn Progress,
) -> Result<SynthSummary, SynthError> {
    let model = Scripted::new(answer);
    synthesize(&dir.join("tasks.jsonl"), dir, &model, base, config, progress)
}

fn unchecked(dir: &Path) -> u64 {
    let rows: Vec<MetricRow> = read(&dir.join("synth_stats.parquet")).expect("stats");
    let row = rows.iter().find(|row| row.name == "unchecked/relevance");
    row.map_or(0, |row| row.value as u64)
}

#[test]
fn answers_that_leave_their_task_are_dropped() {
    for recipe in Recipe::ALL {
        let (dir, config) = (folder(9), config(recipe));
        let summary = run(dir.path(), Some(BASE), &config, &Silent).expect("a run");
        let answers: Vec<ResponseRow> = read(&dir.path().join("answers.parquet")).expect("answers");
        let off = answers.iter().filter(|row| row.text == OFF).count() as u64;
        assert!(off > 0 && summary.dropped["off_task"] == off, "{:?}", summary.dropped);
        assert_eq!(unchecked(dir.path()), 0);
        let rows: Vec<RelevanceRow> = read(&dir.path().join("relevance.parquet")).expect("rows");
        let by_id: BTreeMap<&str, &RelevanceRow> =
            rows.iter().map(|row| (row.key.as_str(), row)).collect();
        for answer in &answers {
            let value = by_id[answer.id.as_str()].relevance();
            assert_eq!(value < 0.001, answer.text == OFF, "{value}: {}", answer.text);
        }
        let responses: Vec<ResponseRow> =
            read(&dir.path().join("responses.parquet")).expect("responses");
        assert!(responses.iter().all(|row| !row.text.contains("whatever you would like")));
    }
}

#[test]
fn without_a_base_model_answers_are_counted_as_unchecked() {
    let (dir, mut config) = (folder(9), config(Recipe::Edit));
    let summary = run(dir.path(), None, &config, &Silent).expect("a run");
    assert!(!summary.dropped.contains_key("off_task"));
    assert_eq!(unchecked(dir.path()), summary.kept);
    assert!(!dir.path().join("relevance.parquet").exists());
    config.check_relevance = false;
    let summary = run(dir.path(), Some(BASE), &config, &Silent).expect("a run");
    assert!(!summary.dropped.contains_key("off_task"));
    assert_eq!(unchecked(dir.path()), 0, "it was not asked for");
}

#[test]
fn finished_relevances_need_no_model() {
    let (dir, config) = (folder(9), config(Recipe::Edit));
    let tasks = dir.path().join("tasks.jsonl");
    let sampled = || synthesize_sampled(&tasks, dir.path(), &config, &Silent).expect("no failure");
    let summary = run(dir.path(), Some(BASE), &config, &Silent).expect("a run");
    let remove = |name: &str| std::fs::remove_file(dir.path().join(name)).expect("removed");
    remove("responses.parquet");
    assert_eq!(sampled(), Some(summary.clone()));
    remove("responses.parquet");
    remove("relevance.parquet");
    assert!(sampled().is_none(), "the base model must measure again");
    assert_eq!(run(dir.path(), Some(BASE), &config, &Silent).expect("a run"), summary);
}

/// Asks to stop after a number of queries.
struct StopAfter(AtomicI64);

impl Progress for StopAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

#[test]
fn a_stopped_run_resumes_with_the_same_relevances() {
    let bytes = |dir: &Path| {
        ["relevance.parquet", "responses.parquet", "synth_stats.parquet"]
            .map(|name| std::fs::read(dir.join(name)).expect("written"))
    };
    let config = config(Recipe::OnPolicy);
    let whole = folder(5);
    run(whole.path(), Some(BASE), &config, &Silent).expect("a run");
    // Sampling asks 3 + 20 times, the three parts of relevances three times each.
    for after in 23..23 + 9 {
        let dir = folder(5);
        let stop = StopAfter(AtomicI64::new(after));
        let stopped = run(dir.path(), Some(BASE), &config, &stop);
        assert!(matches!(stopped, Err(SynthError::Cancelled)), "{after}: not stopped");
        run(dir.path(), Some(BASE), &config, &Silent).expect("the rest");
        assert_eq!(bytes(dir.path()), bytes(whole.path()), "stopped after {after} queries");
    }
}
