//! The rows of every recipe: how they were made, proved by the checkers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

use iopo_constraints::satisfy::changed_share;
use iopo_constraints::{Constraint, Kind};
use iopo_llm::{Progress, Request, Scripted, Silent};
use iopo_schema::{InstructionRow, MetricRow, ResponseRow, ResponseSource, read};
use iopo_synth::answers::SampleInfo;
use iopo_synth::recipes::on_policy::drawn_instruction;
use iopo_synth::{
    Recipe, RecipeMix, SynthConfig, SynthError, SynthSummary, read_tasks, synthesize,
};
use iopo_testing::answers::{natural, write_tasks};
use tempfile::TempDir;

const FILES: [&str; 4] =
    ["answers.parquet", "instructions.parquet", "responses.parquet", "synth_stats.parquet"];

fn mixture() -> RecipeMix {
    [(Recipe::Edit, 1.0), (Recipe::BackTranslate, 1.0), (Recipe::OnPolicy, 2.0)]
        .into_iter()
        .collect()
}

fn config(recipe: impl Into<RecipeMix>) -> SynthConfig {
    let mut config = SynthConfig::default();
    config.tasks_per_part = 3;
    config.recipe = recipe.into();
    config
}

fn folder(tasks: usize) -> TempDir {
    let dir = tempfile::tempdir().expect("folder");
    write_tasks(&dir.path().join("tasks.jsonl"), tasks);
    dir
}

fn run(dir: &Path, config: &SynthConfig) -> SynthSummary {
    run_with(dir, config, natural).expect("a run")
}

fn run_with(
    dir: &Path,
    config: &SynthConfig,
    answer: impl Fn(&Request) -> String,
) -> Result<SynthSummary, SynthError> {
    synthesize(&dir.join("tasks.jsonl"), dir, &Scripted::new(answer), None, config, &Silent)
}

fn bytes(dir: &Path) -> Vec<Vec<u8>> {
    FILES.iter().map(|name| std::fs::read(dir.join(name)).expect("written")).collect()
}

fn counter(dir: &Path, name: &str) -> f64 {
    let rows: Vec<MetricRow> = read(&dir.join("synth_stats.parquet")).expect("stats");
    rows.iter().find(|row| row.name == name).map_or(0.0, |row| row.value)
}

fn info(row: &ResponseRow) -> SampleInfo {
    serde_json::from_str(&row.sampling).expect("sampling parameters")
}

/// A written row with the sampled answer that it comes from.
struct Made {
    instruction: InstructionRow,
    response: ResponseRow,
    constraints: Vec<Constraint>,
    answer: ResponseRow,
    info: SampleInfo,
}

fn made(dir: &Path) -> Vec<Made> {
    let instructions: Vec<InstructionRow> =
        read(&dir.join("instructions.parquet")).expect("instructions");
    let by_id: BTreeMap<&str, &InstructionRow> =
        instructions.iter().map(|row| (row.id.as_str(), row)).collect();
    let answers: Vec<ResponseRow> = read(&dir.join("answers.parquet")).expect("answers");
    let answers: BTreeMap<(String, usize), ResponseRow> =
        answers.into_iter().map(|row| ((row.task_id.clone(), info(&row).sample), row)).collect();
    let responses: Vec<ResponseRow> = read(&dir.join("responses.parquet")).expect("responses");
    let one = |response: ResponseRow| {
        let instruction = by_id[response.instruction_id.as_str()].clone();
        let read = |row: &iopo_schema::ConstraintRow| row.constraint().expect("checkable");
        let constraints = instruction.constraints.iter().map(read).map(|c| c.expect("readable"));
        let constraints = constraints.collect();
        let info = info(&response);
        let answer = answers[&(response.task_id.clone(), info.sample)].clone();
        Made { instruction, response, constraints, answer, info }
    };
    responses.into_iter().map(one).collect()
}

fn all_hold(constraints: &[Constraint], text: &str) -> bool {
    constraints.iter().all(|constraint| constraint.check(text).satisfied)
}

#[test]
fn the_checkers_prove_every_row_of_every_recipe() {
    let held_out: BTreeSet<Kind> = [Kind::MaxWords, Kind::NoCommas, Kind::Postscript].into();
    let mut seen: BTreeMap<Recipe, BTreeSet<ResponseSource>> = BTreeMap::new();
    let recipes = Recipe::ALL.map(RecipeMix::from).into_iter().chain([mixture()]);
    for recipe in recipes {
        let dir = folder(24);
        let mut config = config(recipe);
        config.held_out = held_out.iter().map(|kind| kind.id().to_owned()).collect();
        run(dir.path(), &config);
        let tasks = read_tasks(&dir.path().join("tasks.jsonl")).expect("tasks");
        let kinds = config.kinds().expect("kinds");
        let rows = made(dir.path());
        assert!(rows.len() >= 24, "{}", rows.len());
        for row in &rows {
            let Made { response, answer, .. } = row;
            let verdicts: Vec<_> =
                row.constraints.iter().map(|one| one.check(&response.text)).collect();
            assert!(!verdicts.is_empty() && verdicts.iter().all(|verdict| verdict.satisfied));
            assert!(response.accepted);
            for (stored, verdict) in response.verdicts.iter().zip(&verdicts) {
                assert_eq!(stored.evidence, verdict.evidence);
            }
            assert!(row.constraints.iter().all(|one| !held_out.contains(&one.kind())));
            for (index, one) in row.constraints.iter().enumerate() {
                assert!(one.fits_with(&row.constraints[index + 1..]));
            }
            match &response.original {
                None => assert_eq!(response.text, answer.text.trim()),
                Some(original) => {
                    assert_eq!(original, answer.text.trim());
                    assert!(!all_hold(&row.constraints, original), "the edit was needed");
                    assert!(changed_share(original, &response.text) <= config.max_edit);
                }
            }
            seen.entry(row.info.recipe).or_default().insert(response.source);
            let edited = response.original.is_some();
            let task = tasks.iter().find(|task| task.id == response.task_id).expect("a task");
            let asked = (row.info.recipe == Recipe::OnPolicy)
                .then(|| drawn_instruction(task, row.info.sample, &kinds, &config));
            assert_eq!(answer.instruction_id, asked.as_ref().map_or("", |(row, _)| &row.id));
            let own = asked.as_ref().is_some_and(|(asked, _)| asked.id == row.instruction.id);
            match response.source {
                ResponseSource::Sampled => assert!(own && !edited),
                ResponseSource::Edited => assert!(edited && (own || asked.is_none())),
                ResponseSource::Drawn | ResponseSource::BackTranslated => assert!(!edited),
                ResponseSource::Reversed => {
                    let (_, asked) = asked.expect("an instruction before sampling");
                    assert_eq!(asked.len(), row.constraints.len());
                    let changed: Vec<_> = asked.iter().zip(&row.constraints).collect();
                    assert!(changed.iter().any(|(before, now)| before != now));
                    for (before, now) in changed.into_iter().filter(|(b, n)| b != n) {
                        assert!(!before.check(&response.text).satisfied, "{before:?}");
                        assert!(now.excludes(before), "{before:?} {now:?}");
                    }
                }
                ResponseSource::Worse | ResponseSource::Given => {
                    panic!("no recipe by rules asks for worse answers or reads responses")
                }
            }
        }
    }
    assert_eq!(seen[&Recipe::Edit], [ResponseSource::Edited, ResponseSource::Drawn].into());
    assert!(seen[&Recipe::BackTranslate].contains(&ResponseSource::BackTranslated));
    assert!(
        seen[&Recipe::OnPolicy]
            .is_superset(&[ResponseSource::Edited, ResponseSource::Reversed].into()),
        "{seen:?}"
    );
}

#[test]
fn an_answer_that_satisfies_its_instruction_is_used_as_it_is() {
    let dir = folder(6);
    let mut config = config(Recipe::OnPolicy);
    config.kind_weights = Kind::ALL
        .iter()
        .filter(|kind| **kind != Kind::NoQuestions)
        .map(|kind| (kind.id().to_owned(), 0.0))
        .collect();
    run(dir.path(), &config);
    let rows = made(dir.path());
    let sampled = |row: &&Made| row.response.source == ResponseSource::Sampled;
    assert!(rows.iter().filter(sampled).count() >= 6, "{}", rows.len());
    for row in rows.iter().filter(sampled) {
        assert!(all_hold(&row.constraints, &row.answer.text));
        assert_eq!(row.answer.instruction_id, row.instruction.id);
    }
}

#[test]
fn the_model_is_never_asked_for_a_held_out_kind() {
    let dir = folder(12);
    let mut config = config(Recipe::OnPolicy);
    config.samples_per_task = 8;
    let open = [Kind::NoCommas, Kind::MaxWords, Kind::MinBullets];
    config.held_out = Kind::ALL
        .iter()
        .filter(|kind| !open.contains(kind))
        .map(|kind| kind.id().to_owned())
        .collect();
    let prompts = Mutex::new(BTreeSet::new());
    let answer = |request: &Request| {
        prompts.lock().expect("one thread").insert(request.messages[0].content.clone());
        natural(request)
    };
    run_with(dir.path(), &config, answer).expect("a run");
    let tasks = read_tasks(&dir.path().join("tasks.jsonl")).expect("tasks");
    let kinds = config.kinds().expect("kinds");
    let drawn = tasks
        .iter()
        .flat_map(|task| (0..8).map(|sample| drawn_instruction(task, sample, &kinds, &config)));
    let mut expected = BTreeSet::new();
    for (row, constraints) in drawn {
        assert!(constraints.iter().all(|constraint| open.contains(&constraint.kind())));
        expected.insert(row.prompt);
    }
    assert_eq!(prompts.into_inner().expect("one thread"), expected);
}

#[test]
fn echoes_loops_and_thin_answers_are_dropped() {
    let good = "Warm the pot first, add two spoons of leaves, pour hot water over them and wait.";
    for recipe in [Recipe::Edit, Recipe::OnPolicy] {
        let dir = folder(12);
        let answer = |request: &Request| match request.sampling.seed % 5 {
            0 => "I am a helpful assistant. ".repeat(12),
            1 => "[name] ".repeat(9),
            2 => "先把水烧开，再把茶叶放进茶壶里，然后倒入热水。".to_owned(),
            // The sentences of the constraints, if the prompt has some.
            3 => request.messages[0].content.lines().skip(1).collect::<Vec<_>>().join("\n"),
            _ => format!("{good} {}", natural(request)),
        };
        let mut config = config(recipe);
        config.samples_per_task = 10;
        let summary = run_with(dir.path(), &config, answer).expect("a run");
        assert!(summary.dropped["looping"] > 0, "{:?}", summary.dropped);
        assert!(summary.dropped["other_language"] > 0, "{:?}", summary.dropped);
        if recipe == Recipe::OnPolicy {
            assert!(summary.dropped["echo"] > 0, "{:?}", summary.dropped);
        }
        let rows = made(dir.path());
        assert!(!rows.is_empty());
        for row in &rows {
            let text = &row.response.text;
            let asked = row.constraints.iter().zip(&row.instruction.constraints);
            assert!(!config.quality.is_echo(text, asked.map(|(one, row)| (one, &*row.text))));
            assert!(!config.quality.is_loop(text), "{text}");
            assert!(!config.quality.is_thin(text, &row.constraints), "{text}");
            assert!(!text.contains("[name] [name]"), "{text}");
        }
        // Control: without filters, such rows are written.
        let dir = folder(12);
        config.quality.max_repetition = 1.0;
        config.quality.min_words = 0;
        config.quality.min_distinct = 0.0;
        config.quality.echo_words = 1000;
        run_with(dir.path(), &config, answer).expect("a run");
        let bad = |row: &&Made| row.response.text.contains("[name]");
        assert!(made(dir.path()).iter().any(|row| bad(&row)));
    }
}

#[test]
fn a_mixture_shares_the_samples_of_every_task() {
    let dir = folder(10);
    let mut config = config(mixture());
    config.samples_per_task = 6;
    run(dir.path(), &config);
    let answers: Vec<ResponseRow> = read(&dir.path().join("answers.parquet")).expect("answers");
    let count = |recipe: Recipe, rows: &[ResponseRow]| {
        rows.iter().filter(|row| info(row).recipe == recipe).count()
    };
    assert_eq!(Recipe::ALL.map(|recipe| count(recipe, &answers)), [15, 15, 30]);
    for task in answers.chunks(6) {
        let [edit, found, policy] = Recipe::ALL.map(|recipe| count(recipe, task));
        assert!((1..=2).contains(&edit) && (1..=2).contains(&found) && policy == 3);
    }
    for recipe in Recipe::ALL {
        assert!(counter(dir.path(), &format!("recipe/{recipe}")) > 0.0, "{recipe}");
    }
    let sources: f64 = ResponseSource::ALL
        .iter()
        .map(|source| counter(dir.path(), &format!("source/{source}")))
        .sum();
    assert!((sources - counter(dir.path(), "responses")).abs() < 1e-9);
}

/// Asks to stop after a number of queries.
struct StopAfter(AtomicI64);

impl Progress for StopAfter {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) <= 0
    }
}

#[test]
fn every_recipe_resumes_with_the_bytes_of_an_uninterrupted_run() {
    let recipes = Recipe::ALL.map(RecipeMix::from).into_iter().chain([mixture()]);
    for recipe in recipes {
        let mut config = config(recipe);
        config.tasks_per_part = 2;
        config.samples_per_task = 4;
        let whole = folder(5);
        run(whole.path(), &config);
        let wanted = bytes(whole.path());
        for after in (0..3 + 20 + 10).step_by(4) {
            let dir = folder(5);
            let (model, tasks) = (Scripted::new(natural), dir.path().join("tasks.jsonl"));
            let stop = StopAfter(AtomicI64::new(after));
            let stopped = synthesize(&tasks, dir.path(), &model, None, &config, &stop);
            assert!(matches!(stopped, Err(SynthError::Cancelled)), "{after}: not stopped");
            run(dir.path(), &config);
            assert_eq!(bytes(dir.path()), wanted, "stopped after {after} queries");
        }
    }
}

#[test]
fn rare_kinds_are_tried_first() {
    let neglected = |balance: f64| {
        let dir = folder(40);
        let mut config = config(Recipe::Edit);
        config.kind_balance = balance;
        run(dir.path(), &config);
        let kinds = config.kinds().expect("kinds");
        let mut counts: BTreeMap<Kind, usize> = kinds.iter().map(|(kind, _)| (*kind, 0)).collect();
        for row in made(dir.path()) {
            for constraint in row.constraints {
                *counts.entry(constraint.kind()).or_default() += 1;
            }
        }
        // The number of kinds with less than half of the examples that every kind would have in equal shares.
        let total: usize = counts.values().sum();
        counts.values().filter(|count| 2 * *count * counts.len() < total).count()
    };
    let (even, uneven) = (neglected(4.0), neglected(0.0));
    assert!(even < uneven, "{even} {uneven}");
}
