//! The whole stage with a scripted model.

mod excluded;
mod unusable;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};

use iopo_constraints::satisfy::changed_share;
use iopo_constraints::{Constraint, Kind, render_prompt};
use iopo_llm::{LanguageModel, LlmError, Outcome, Progress, Request, Scripted, Silent};
use iopo_schema::{InstructionRow, MetricRow, ResponseRow, ResponseSource, read};
use iopo_synth::answers::SampleInfo;
use iopo_synth::text::grams;
use iopo_synth::{Recipe, SynthConfig, SynthError, SynthSummary, synthesize, synthesize_sampled};
use iopo_testing::answers::{natural, write_tasks};

const FILES: [&str; 4] =
    ["answers.parquet", "instructions.parquet", "responses.parquet", "synth_stats.parquet"];

/// Asks to stop after a number of queries.
struct StopAfter(AtomicI64);

impl Progress for StopAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

fn config() -> SynthConfig {
    config_with(|_| ())
}

fn config_with(change: impl FnOnce(&mut SynthConfig)) -> SynthConfig {
    let mut config = SynthConfig::default();
    config.tasks_per_part = 3;
    // The model is scripted and writes about no task.
    config.recipe = Recipe::BackTranslate.into();
    config.instructions_per_answer = 1;
    config.check_relevance = false;
    config.max_edit = 0.2;
    change(&mut config);
    config
}

fn run(dir: &Path, config: &SynthConfig) -> Result<SynthSummary, SynthError> {
    synthesize(&dir.join("tasks.jsonl"), dir, &Scripted::new(natural), None, config, &Silent)
}

fn bytes(dir: &Path) -> Vec<Vec<u8>> {
    FILES.iter().map(|name| std::fs::read(dir.join(name)).expect("written")).collect()
}

fn stat(dir: &Path, name: &str) -> f64 {
    let rows: Vec<MetricRow> = read(&dir.join("synth_stats.parquet")).expect("stats");
    rows.iter().find(|row| row.name == name).map_or(0.0, |row| row.value)
}

fn rows(dir: &Path) -> (Vec<InstructionRow>, Vec<ResponseRow>) {
    let instructions = read(&dir.join("instructions.parquet")).expect("instructions");
    (instructions, read(&dir.join("responses.parquet")).expect("responses"))
}

#[test]
fn the_checkers_confirm_every_label_and_no_held_out_kind_appears() {
    let dir = tempfile::tempdir().expect("folder");
    write_tasks(&dir.path().join("tasks.jsonl"), 20);
    let held_out: BTreeSet<&str> = ["max_words", "include_word", "no_commas"].into();
    let config = config_with(|config| {
        config.held_out = held_out.iter().map(ToString::to_string).collect();
        config.instructions_per_answer = 2;
    });
    let summary = run(dir.path(), &config).expect("a run");
    let (instructions, responses) = rows(dir.path());
    assert_eq!(summary.instructions, instructions.len() as u64);
    assert_eq!(summary.responses, responses.len() as u64);
    assert!(responses.len() >= 60, "{}", responses.len());
    let by_id: BTreeMap<&str, &InstructionRow> =
        instructions.iter().map(|row| (row.id.as_str(), row)).collect();
    assert_eq!(by_id.len(), instructions.len(), "ids are unique");
    let mut kinds = BTreeSet::new();
    for response in &responses {
        let instruction = by_id[response.instruction_id.as_str()];
        assert!(response.accepted && response.error.is_none());
        assert_eq!(response.task_id, instruction.task_id);
        assert_eq!(response.verdicts.len(), instruction.constraints.len());
        assert!((1..=3).contains(&instruction.constraints.len()));
        let texts: Vec<&str> = instruction.constraints.iter().map(|c| c.text.as_str()).collect();
        let prompt = render_prompt(&instruction.task, &texts, instruction.input.as_deref());
        assert_eq!(instruction.prompt, prompt);
        for (row, verdict) in instruction.constraints.iter().zip(&response.verdicts) {
            let check = row.check.as_ref().expect("checkable");
            let constraint = Constraint::from_parts(&check.id, &check.params).expect("readable");
            let again = constraint.check(&response.text);
            assert!(verdict.satisfied && again.satisfied);
            assert_eq!(verdict.evidence, again.evidence);
            assert!(!held_out.contains(check.id.as_str()), "{} is held out", check.id);
            kinds.insert(check.id.clone());
        }
        for style_prompt in &config.style_prompts {
            assert!(
                !instruction.prompt.contains(style_prompt),
                "a style prompt became part of an instruction"
            );
        }
    }
    assert!(kinds.len() >= 10, "{kinds:?}");
}

#[test]
fn the_bytes_depend_on_the_seed_only() {
    let (one, two) = (tempfile::tempdir().expect("folder"), tempfile::tempdir().expect("folder"));
    for dir in [&one, &two] {
        write_tasks(&dir.path().join("tasks.jsonl"), 10);
        run(dir.path(), &config()).expect("a run");
    }
    assert_eq!(bytes(one.path()), bytes(two.path()));
    let before = bytes(one.path());
    let summary = run(one.path(), &config()).expect("nothing to do");
    assert_eq!(bytes(one.path()), before);
    assert!(summary.responses > 0, "a finished run returns its summary again");
    run(two.path(), &config_with(|config| config.seed = 1)).expect("a run");
    assert_ne!(bytes(one.path()), bytes(two.path()));
}

#[test]
fn a_resumed_run_ends_with_the_bytes_of_an_uninterrupted_one() {
    let config = config_with(|config| {
        config.tasks_per_part = 2;
        config.samples_per_task = 3;
    });
    let whole = tempfile::tempdir().expect("folder");
    write_tasks(&whole.path().join("tasks.jsonl"), 5);
    run(whole.path(), &config).expect("a run");
    let wanted = bytes(whole.path());
    // The stage asks before each of 3 parts and 15 answers, and twice per task.
    let queries = 3 + 15 + 2 * 5;
    for after in (0..queries).step_by(3) {
        let dir = tempfile::tempdir().expect("folder");
        write_tasks(&dir.path().join("tasks.jsonl"), 5);
        let (model, tasks) = (Scripted::new(natural), dir.path().join("tasks.jsonl"));
        let stop = StopAfter(AtomicI64::new(after));
        let stopped = synthesize(&tasks, dir.path(), &model, None, &config, &stop);
        assert!(matches!(stopped, Err(SynthError::Cancelled)), "{after}: not stopped");
        run(dir.path(), &config).expect("the rest");
        assert_eq!(bytes(dir.path()), wanted, "stopped after {after} queries");
        assert!(!dir.path().join("answers.parquet.parts").exists());
    }
}

/// Fails after some batches and records the largest one.
struct Flaky {
    left: AtomicI64,
    largest: AtomicI64,
}

impl LanguageModel for Flaky {
    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        self.largest.fetch_max(requests.len() as i64, Ordering::Relaxed);
        if self.left.fetch_sub(1, Ordering::Relaxed) <= 0 {
            return Err(LlmError::Failed { reason: "out of memory".to_owned() });
        }
        Scripted::new(natural).complete(requests, progress)
    }
}

#[test]
fn finished_parts_are_kept_if_the_model_fails_and_no_batch_spans_two_parts() {
    let dir = tempfile::tempdir().expect("folder");
    let tasks = dir.path().join("tasks.jsonl");
    write_tasks(&tasks, 10);
    let mut failures = 0;
    loop {
        let model = Flaky { left: AtomicI64::new(1), largest: AtomicI64::new(0) };
        let result = synthesize(&tasks, dir.path(), &model, None, &config(), &Silent);
        let limit = (config().tasks_per_part * config().samples_per_task) as i64;
        assert!(model.largest.load(Ordering::Relaxed) <= limit);
        match result {
            Ok(_) => break,
            Err(SynthError::Model(_)) => failures += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(failures, 3, "each run finishes one of 4 parts");
    let whole = tempfile::tempdir().expect("folder");
    write_tasks(&whole.path().join("tasks.jsonl"), 10);
    run(whole.path(), &config()).expect("a run");
    assert_eq!(bytes(dir.path()), bytes(whole.path()));
}

/// Models with the same name whose tokenizers or chat templates differ.
struct Templated {
    fingerprint: &'static str,
    calls: AtomicI64,
}

impl LanguageModel for Templated {
    fn name(&self) -> String {
        "scripted".to_owned()
    }

    fn fingerprint(&self) -> Result<String, LlmError> {
        Ok(self.fingerprint.to_owned())
    }

    fn complete(
        &self,
        requests: &[Request],
        progress: &dyn Progress,
    ) -> Result<Vec<Outcome>, LlmError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        Scripted::new(natural).complete(requests, progress)
    }
}

#[test]
fn answers_are_sampled_again_if_the_template_of_the_model_changed() {
    let dir = tempfile::tempdir().expect("folder");
    let tasks = dir.path().join("tasks.jsonl");
    write_tasks(&tasks, 3);
    let calls = |fingerprint| {
        let model = Templated { fingerprint, calls: AtomicI64::new(0) };
        synthesize(&tasks, dir.path(), &model, None, &config(), &Silent).expect("a run");
        model.calls.load(Ordering::Relaxed)
    };
    assert_eq!([calls("a"), calls("a"), calls("b"), calls("b"), calls("a")], [1, 0, 1, 0, 1]);
    let sampled = synthesize_sampled(&tasks, dir.path(), &config(), &Silent).expect("readable");
    assert!(sampled.is_some(), "any model's answers are finished");
}

#[test]
fn finished_answers_need_no_model_and_other_settings_or_tasks_do() {
    let dir = tempfile::tempdir().expect("folder");
    let tasks = dir.path().join("tasks.jsonl");
    write_tasks(&tasks, 10);
    let sampled = |config: &SynthConfig| {
        synthesize_sampled(&tasks, dir.path(), config, &Silent).expect("no failure")
    };
    assert!(sampled(&config()).is_none(), "nothing is sampled yet");
    let summary = run(dir.path(), &config()).expect("a run");
    let whole = bytes(dir.path());
    for name in ["instructions.parquet", "responses.parquet", "synth_stats.parquet"] {
        std::fs::remove_file(dir.path().join(name)).expect("removed");
    }
    assert_eq!(sampled(&config()), Some(summary));
    assert_eq!(bytes(dir.path()), whole);
    let mut other = config();
    other.seed += 1;
    assert!(sampled(&other).is_none(), "other settings");
    write_tasks(&tasks, 9);
    assert!(sampled(&config()).is_none(), "other tasks");
    assert_eq!(bytes(dir.path()), whole, "nothing was changed");
}

#[test]
fn too_many_edited_responses_are_an_error_until_the_limit_is_raised() {
    let dir = tempfile::tempdir().expect("folder");
    write_tasks(&dir.path().join("tasks.jsonl"), 8);
    let mut config = config_with(|config| {
        config.samples_per_task = 2;
        config.back_translate.edits_per_task = 4;
        config.back_translate.edit_probability = 1.0;
        config.back_translate.edit_reach = 1.1;
        config.max_edit = 1.0;
        config.max_edited_share = 0.05;
    });
    let error = run(dir.path(), &config).expect_err("too many").to_string();
    assert!(error.contains("max_edited_share"), "{error}");
    assert!(!dir.path().join("responses.parquet").exists());
    assert!(stat(dir.path(), "edited_share") > 0.05, "the stats have the reason");
    config.max_edited_share = 1.0;
    let summary = run(dir.path(), &config).expect("the limit allows all");
    let (_, responses) = rows(dir.path());
    let flagged = responses.iter().filter(|row| row.original.is_some()).count() as u64;
    assert_eq!(flagged, summary.edited);
    assert!(flagged > 0);
}

#[test]
fn an_edit_changes_few_tokens_and_only_for_rarely_reached_kinds() {
    let dir = tempfile::tempdir().expect("folder");
    write_tasks(&dir.path().join("tasks.jsonl"), 12);
    let config = config_with(|config| config.back_translate.edit_probability = 1.0);
    run(dir.path(), &config).expect("a run");
    let (_, responses) = rows(dir.path());
    let answers: Vec<ResponseRow> = read(&dir.path().join("answers.parquet")).expect("answers");
    let mut edited = 0;
    for row in &responses {
        let Some(original) = &row.original else {
            assert_eq!(row.source, ResponseSource::BackTranslated);
            continue;
        };
        assert_eq!(row.source, ResponseSource::Edited);
        let own = |answer: &&ResponseRow| answer.task_id == row.task_id;
        assert!(answers.iter().filter(own).any(|answer| answer.text.trim() == original));
        let share = changed_share(original, &row.text);
        assert!(row.text != *original && share <= 0.2, "{share}: {}", row.text);
        edited += 1;
    }
    assert!(edited > 0);
    let stats: Vec<MetricRow> = read(&dir.path().join("synth_stats.parquet")).expect("stats");
    for row in stats.iter().filter(|row| row.name.starts_with("edited/")) {
        let kind = row.name.trim_start_matches("edited/");
        let reached = stat(dir.path(), &format!("reached/{kind}"));
        assert!(reached < 0.05 * 12.0, "{kind} is reached by {reached} of 12 tasks");
    }
}

#[test]
fn two_tasks_share_an_8_gram_only_if_both_instructions_have_it() {
    let dir = tempfile::tempdir().expect("folder");
    let tasks = dir.path().join("tasks.jsonl");
    write_tasks(&tasks, 12);
    let model = Scripted::new(|request: &Request| {
        let own = natural(request);
        if request.sampling.seed.is_multiple_of(3) {
            format!("I hope this finds you well and in the best of spirits. {own}")
        } else {
            own
        }
    });
    synthesize(&tasks, dir.path(), &model, None, &config(), &Silent).expect("a run");
    assert!(stat(dir.path(), "dropped/shared_ngram") > 0.0);
    let (instructions, responses) = rows(dir.path());
    let mut owner: BTreeMap<u64, &str> = BTreeMap::new();
    for row in &responses {
        let prompt = instructions.iter().find(|i| i.id == row.instruction_id).expect("known");
        let stems: BTreeSet<u64> = grams(&prompt.prompt, 8).into_iter().collect();
        for run in grams(&row.text, 8).into_iter().filter(|run| !stems.contains(run)) {
            let first = owner.entry(run).or_insert(&row.task_id);
            assert_eq!(*first, row.task_id, "{}", row.text);
        }
    }
}

#[test]
fn a_style_prompt_that_elicits_a_held_out_kind_is_not_used() {
    let dir = tempfile::tempdir().expect("folder");
    write_tasks(&dir.path().join("tasks.jsonl"), 6);
    let mut config = config_with(|config| config.samples_per_task = 19);
    let asked = |config: &SynthConfig| -> BTreeSet<String> {
        run(dir.path(), config).expect("a run");
        let answers: Vec<ResponseRow> = read(&dir.path().join("answers.parquet")).expect("answers");
        answers
            .iter()
            .filter_map(|row| {
                let info: SampleInfo = serde_json::from_str(&row.sampling).expect("sampling");
                info.style_prompt
            })
            .collect()
    };
    let style_prompts: BTreeSet<String> = config.style_prompts.iter().cloned().collect();
    assert_eq!(asked(&config), style_prompts, "without held-out kinds, all are used");
    config.held_out = vec!["min_numbered".to_owned(), "postscript".to_owned()];
    let closed = ["Write numbered steps.", "Add a short note, beginning with P.S., at the end."];
    let left: BTreeSet<String> =
        style_prompts.into_iter().filter(|text| !closed.contains(&text.as_str())).collect();
    assert_eq!(asked(&config), left);
}

#[test]
fn a_kind_with_weight_zero_is_never_used() {
    let dir = tempfile::tempdir().expect("folder");
    write_tasks(&dir.path().join("tasks.jsonl"), 8);
    let kind_weights = Kind::ALL
        .iter()
        .filter(|kind| !kind.id().contains("words"))
        .map(|kind| (kind.id().to_owned(), 0.0))
        .collect();
    run(dir.path(), &config_with(|config| config.kind_weights = kind_weights)).expect("a run");
    let (instructions, _) = rows(dir.path());
    for constraint in instructions.iter().flat_map(|row| &row.constraints) {
        assert!(constraint.check.as_ref().is_some_and(|check| check.id.contains("words")));
    }
}
