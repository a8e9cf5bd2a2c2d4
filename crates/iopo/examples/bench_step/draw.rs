//! Instructions by rules, without sampling: draws and renders constraints, revises one for x2, checks a scripted answer
//! against both instructions, and writes Parquet files.

use std::time::Instant;

use anyhow::{Error, Result};
use iopo::constraints::{Constraint, Kind, compatible};
use iopo::core::random::keyed;
use iopo::llm::{Message, Request, Sampling};
use iopo::model::{memory, workers};
use iopo::schema::{
    InstructionRow, Parts, Provenance, ResponseRow, ResponseSource, VerdictRow, content_id,
};
use iopo::synth::rows::{finish, instruction_row};
use iopo::synth::{SynthConfig, Task};
use iopo_testing::answers;
use rand::seq::{IndexedRandom, SliceRandom};
use serde_json::{Value, json};

use crate::On;

/// Tasks in one part of the files.
const PART: usize = 4096;
/// Kinds drawn for a task, and the maximum number of their constraints to keep.
const DRAWN: (usize, usize) = (5, 3);

/// Flags of `draw`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Tasks; each yields two instructions.
    #[arg(long, default_value_t = 100_000)]
    count: usize,
}

/// The rows of a part.
#[derive(Default)]
struct Rows {
    instructions: Vec<InstructionRow>,
    responses: Vec<ResponseRow>,
}

/// Times it on all threads, from drawing to written files.
pub(crate) fn run(args: &Args, on: &On) -> Result<Value> {
    let (dir, config, device) = (tempfile::tempdir()?, SynthConfig::default(), on.device()?);
    let provenance = Provenance::new("bench", json!({}));
    let instructions = Parts::open(&dir.path().join("instructions.parquet"), &provenance)?;
    let responses = Parts::open(&dir.path().join("responses.parquet"), &provenance)?;
    let threads = workers::count(&device);
    let clock = Instant::now();
    let starts: Vec<usize> = (0..args.count).step_by(PART).collect();
    let part = |index: usize| -> Result<usize> {
        let tasks = starts[index]..args.count.min(starts[index] + PART);
        let mut rows = Rows::default();
        tasks.for_each(|task| draw(task, &config, &mut rows));
        instructions.write(index, &rows.instructions)?;
        responses.write(index, &rows.responses)?;
        Ok(rows.instructions.len())
    };
    let each = |index| part(index).map_err(Failed);
    let counts = workers::map(&device, (0..starts.len()).collect(), each).map_err(|e| e.0)?;
    finish(starts.len(), &instructions, &responses)?;
    let seconds = clock.elapsed().as_secs_f64();
    let rows: usize = counts.into_iter().sum();
    Ok(json!({
        "side": "iopo",
        "mode": "draw",
        "threads": threads,
        "instructions": rows,
        "seconds": seconds,
        "rows_per_second": rows as f64 / seconds,
        "peak_bytes": memory::peak(),
    }))
}

/// An error of a worker.
struct Failed(Error);

impl From<iopo::model::ModelError> for Failed {
    fn from(error: iopo::model::ModelError) -> Self {
        Self(error.into())
    }
}

/// Appends x1 and x2 of one task, and the verdicts on an answer to both.
fn draw(index: usize, config: &SynthConfig, rows: &mut Rows) {
    let id = format!("task-{index:07}");
    let mut rng = keyed(config.seed, &["draw", &id]);
    let task =
        Task { id, task: format!("Write about number {index}."), input: None, language: None };
    let kinds = Kind::ALL.sample(&mut rng, DRAWN.0);
    let drawn: Vec<Constraint> = kinds
        .copied()
        .collect::<Vec<_>>()
        .iter()
        .map(|kind| kind.draw(&task.task, &mut rng))
        .collect();
    let x1 = compatible(&drawn, DRAWN.1, &mut rng);
    let Some((last, others)) = x1.split_last() else { return };
    let mut revisions = last.revisions();
    revisions.shuffle(&mut rng);
    let fits = |revision: &Constraint| !others.iter().any(|other| other.conflicts_with(revision));
    let Some(revision) = revisions.into_iter().find(fits) else { return };
    let x2 = [others, &[revision]].concat();
    let sampling = Sampling::greedy(64).with_seed(index as u64);
    let answer = answers::natural(&Request::new(vec![Message::user(task.task.clone())], sampling));
    for constraints in [x1, x2] {
        let instruction = instruction_row(&task, &constraints, config, &mut rng);
        let verdicts: Vec<VerdictRow> = VerdictRow::check_all(&constraints, &answer);
        rows.responses.push(ResponseRow {
            id: content_id(&["response", &instruction.id, &answer]),
            instruction_id: instruction.id.clone(),
            task_id: task.id.clone(),
            accepted: verdicts.iter().all(|verdict| verdict.satisfied),
            text: answer.clone(),
            verdicts,
            source: ResponseSource::Drawn,
            original: None,
            error: None,
            generator: "scripted".to_owned(),
            sampling: String::new(),
        });
        rows.instructions.push(instruction);
    }
}
