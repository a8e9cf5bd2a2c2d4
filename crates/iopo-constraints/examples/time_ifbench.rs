//! Times the checks of IFBench on a file of responses, strict and loose, on one core; `cargo xtask bench --ifbench` compares the
//! result with that of the published Python checks.
//!
//! ```console
//! $ cargo run --release -p iopo-constraints --example time_ifbench -- responses.jsonl 10
//! ```
//!
//! A line of the file is a JSON object with `instruction_id_list`, `kwargs` and `response`. A pass prepares every check from its
//! parameters and decides it strictly and loosely; parsing JSON is no part of it. The first pass warms up. Each of the others is
//! repeated ten times, and its time is the mean: the processor's time on Linux, which other programs do not change, and else the
//! time that passes. The last line of the output is a JSON object with the kind of clock, the seconds of the passes and the
//! verdicts, which are null for a type without a check.
//! `words:start_verb` has one if the tagger's table is in the cache directory that `IOPO_CACHE` names.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use iopo_constraints::ifbench::{Checker, Instruction, Mode, Response, Tagger};
use serde::Deserialize;
use serde_json::{Map, Value, json};

#[derive(Deserialize)]
struct Row {
    instruction_id_list: Vec<String>,
    kwargs: Vec<Map<String, Value>>,
    response: String,
}

/// The strict and the loose verdict on every instruction.
type Verdicts = Vec<Option<(bool, bool)>>;

fn pass(rows: &[Row], tagger: Option<&Tagger>) -> Verdicts {
    let mut verdicts = Vec::new();
    for row in rows {
        let response = Response::new(&row.response);
        for (id, kwargs) in row.instruction_id_list.iter().zip(&row.kwargs) {
            let instruction = Instruction::from_parts(id, kwargs);
            let checker = instruction.and_then(|one| Checker::new(&one, Mode::Paper, tagger));
            verdicts.push(checker.ok().map(|checker| {
                let verdict = checker.verdict(&response);
                (verdict.strict, verdict.loose)
            }));
        }
    }
    verdicts
}

fn tagger() -> Option<Tagger> {
    let cache = std::env::var_os("IOPO_CACHE")?;
    let text = std::fs::read_to_string(Path::new(&cache).join("ifbench/tagger.tsv")).ok()?;
    Tagger::parse(&text).ok()
}

/// Repetitions of a timed pass: the kernel updates the processor's time every few milliseconds.
const REPEATS: u32 = 10;

/// The time that the process has spent on a processor, in seconds; Linux only.
fn processor_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    let nanoseconds: u64 = stat.split(' ').next()?.parse().ok()?;
    Some(nanoseconds as f64 / 1e9)
}

#[expect(clippy::print_stdout, reason = "the result of a program")]
fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("expected a file of responses")?;
    let passes: usize = args.next().as_deref().unwrap_or("10").parse()?;
    let text = std::fs::read_to_string(path)?;
    let rows = text.lines().map(serde_json::from_str).collect::<Result<Vec<Row>, _>>()?;
    let tagger = tagger();
    let verdicts = pass(&rows, tagger.as_ref());
    let begun = Instant::now();
    let has_clock = processor_seconds().is_some();
    let now = || match processor_seconds().filter(|_| has_clock) {
        Some(seconds) => seconds,
        None => begun.elapsed().as_secs_f64(),
    };
    let mut seconds = Vec::new();
    for _ in 0..passes {
        let before = now();
        for _ in 0..REPEATS {
            if pass(&rows, tagger.as_ref()) != verdicts {
                return Err("a pass has other verdicts than the first".into());
            }
        }
        seconds.push((now() - before) / f64::from(REPEATS));
    }
    let clock = if has_clock { "processor" } else { "wall" };
    let said = json!({ "responses": rows.len(), "clock": clock, "seconds": seconds, "verdicts": verdicts });
    println!("{said}");
    Ok(())
}
