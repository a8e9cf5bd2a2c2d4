//! Tasks and written instructions that overlap with prompts of a benchmark.

use std::collections::BTreeMap;

use iopo_core::overlap::OverlapIndex;
use iopo_llm::{Request, Silent};
use iopo_schema::{InstructionRow, provenance, read};
use iopo_synth::trace::{TraceModels, TraceSummary, trace};
use iopo_synth::{SynthConfig, TaskFile};

use crate::world::{Model, TASKS, config, said, stage};

/// A prompt of a benchmark that the writer knows by heart.
const KNOWN: &str = "Describe a rainy street for a visitor. Use at most 40 words. Keep a cheerful tone. \
    Mention an umbrella and do not use the letter e more than twelve times in the whole text.";

fn run(
    dir: &std::path::Path,
    model: &Model<'_>,
    file: impl for<'a> Fn(TaskFile<'a>) -> TaskFile<'a>,
) -> TraceSummary {
    let tasks = dir.join("tasks.jsonl");
    std::fs::write(&tasks, TASKS).expect("written");
    let models = TraceModels { writer: model, judge: model };
    let (synth, config) = (SynthConfig::default(), config(|_| ()));
    trace(file(TaskFile::new(&tasks)), &dir.join("out"), models, &synth, &config, &Silent)
        .expect("a run")
}

#[test]
fn a_task_that_is_left_out_is_counted_and_costs_no_request() {
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&|_, _| None);
    let all = run(dir.path(), &model, |file| file);
    assert_eq!((all.tasks, all.candidates), (5, 5));
    let asked = model.asked.get();
    let excluded: BTreeMap<String, String> = [("a".to_owned(), "ifeval".to_owned())].into();
    let fresh = Model::new(&|_, _| None);
    let made = {
        let tasks = dir.path().join("tasks.jsonl");
        let models = TraceModels { writer: &fresh, judge: &fresh };
        let file = TaskFile::new(&tasks).without(&excluded);
        trace(
            file,
            &dir.path().join("out"),
            models,
            &SynthConfig::default(),
            &config(|_| ()),
            &Silent,
        )
        .expect("a run")
    };
    assert_eq!((made.tasks, made.candidates), (4, 4));
    assert!(fresh.asked.get() < asked);
    let counted = made.metrics.iter().find(|row| row.name == "contaminated/ifeval");
    assert_eq!(counted.map(|row| row.value), Some(1.0));
    let rows: Vec<InstructionRow> =
        read(&dir.path().join("out/instructions.parquet")).expect("rows");
    assert!(!rows.is_empty() && rows.iter().all(|row| row.task_id != "a"));
}

#[test]
fn an_instruction_that_the_writer_took_from_a_benchmark_is_dropped() {
    let mut tested = OverlapIndex::new(8, 0.5);
    tested.add(KNOWN);
    let by_heart = |step: &str, request: &Request| {
        let is_own = request.messages.iter().any(|one| one.content.contains("rainy street"));
        (step == "expand" && is_own && stage(request) == "expand").then(|| said(KNOWN))
    };
    let dir = tempfile::tempdir().expect("a directory");
    let model = Model::new(&by_heart);
    let dropped = {
        let tasks = dir.path().join("tasks.jsonl");
        std::fs::write(&tasks, TASKS).expect("written");
        let models = TraceModels { writer: &model, judge: &model };
        let file = TaskFile::new(&tasks).with_tested(&tested);
        trace(
            file,
            &dir.path().join("out"),
            models,
            &SynthConfig::default(),
            &config(|_| ()),
            &Silent,
        )
        .expect("a run")
    };
    assert_eq!(dropped.dropped.get("structure/contaminated"), Some(&1), "{:?}", dropped.dropped);
    assert_eq!(dropped.candidates, 4);
    let inputs = provenance(&dir.path().join("out/synth_stats.parquet")).expect("written").inputs;
    assert_eq!(inputs.get("tested_prompts"), Some(&tested.hash()));
    // Control: without the prompt, the same instruction is used.
    let other = tempfile::tempdir().expect("a directory");
    let made = run(other.path(), &Model::new(&by_heart), |file| file);
    assert_eq!(made.dropped.get("structure/contaminated"), None);
}
