//! The tables of `cargo xtask bench --peer`.

use anyhow::Result;

use super::cases::{Case, DECODING, OWN, STEPS, SYNTHESIS};
use super::machine;
use super::measured::{Rounds, Who, median};
use super::peer::{NO_LENGTH, Plan};
use super::store::Store;
use crate::backend::Backend;

/// A table with a row for each measured case.
struct Table {
    head: &'static str,
    rows: String,
}

impl Table {
    fn new(head: &'static str) -> Self {
        Self { head, rows: String::new() }
    }

    fn push(&mut self, row: &str) {
        self.rows.push_str(row);
        self.rows.push('\n');
    }

    /// Returns the table after a blank line, or nothing if it has no rows.
    fn text(&self) -> String {
        if self.rows.is_empty() { String::new() } else { format!("\n{}\n{}", self.head, self.rows) }
    }
}

const STEP: &str = "\
| step | prompt + response | iopo, s per group | PyTorch, s per group | iopo's reference pass, s | × without it | × charged to one epoch | × charged to three epochs | iopo, GB | PyTorch, GB | loss of the last update, iopo / PyTorch |
|---|---|---|---|---:|---|---:|---:|---:|---:|---|";
const FLOOR: &str = "\
| iopo's step | prompt + response | required TFLOP | GEMM alone on its shapes, GFLOP/s | floor, s | step, s | share of the floor |
|---|---|---:|---:|---:|---:|---:|";
const OURS: &str = "\
| iopo alone | prompt + response | tokens computed | as padded rows | s per group | × a group's time | GB |
|---|---|---:|---:|---:|---:|---:|";
const DECODE: &str = "\
| greedy decoding after 60 tokens | iopo, tokens/s | PyTorch, tokens/s | × | iopo's prefill, s | PyTorch's prefill, s | iopo, tokens/s with the prefill | the same, with the prompts split across its threads | PyTorch, tokens/s with the prefill | iopo, GB | PyTorch, GB |
|---|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|";
const SYNTH: &str = "\
| iopo | tasks | answers/s | instructions/s | GB |
|---|---:|---:|---:|---:|";

/// Formats the tables of all rounds in the store.
pub(super) fn render(store: &Store, plan: &Plan, threads: usize) -> Result<String> {
    let [mut steps, mut floors, mut own] = [STEP, FLOOR, OURS].map(Table::new);
    let [mut decoding, mut synthesis] = [DECODE, SYNTH].map(Table::new);
    let mut torch = None;
    for length in &store.lengths() {
        let group = store.rounds(OWN[0], length);
        for case in &STEPS {
            let rounds = store.rounds(case.name, length);
            if rounds.0.is_empty() {
                continue;
            }
            torch = torch.or(rounds.torch());
            if case.theirs.is_some() {
                steps.push(&step(case, length, &rounds)?);
            }
            if case.floor {
                floors.push(&floor(case, length, &rounds)?);
            }
            if OWN.contains(&case.name) && !group.0.is_empty() {
                own.push(&ours(case, length, &rounds, &group)?);
            }
        }
    }
    for case in &DECODING {
        let rounds = store.rounds(case.name, NO_LENGTH);
        if !rounds.0.is_empty() {
            torch = torch.or(rounds.torch());
            decoding.push(&decode(case, &rounds)?);
        }
    }
    let rounds = store.rounds(SYNTHESIS.name, NO_LENGTH);
    if !rounds.0.is_empty() {
        synthesis.push(&synth(&rounds)?);
    }
    let tables = [&steps, &floors, &own, &decoding, &synthesis].map(Table::text).concat();
    let torch = torch.as_deref().unwrap_or("none");
    Ok(format!("{}{tables}", head(plan, threads, torch, store.others())))
}

fn head(plan: &Plan, threads: usize, torch: &str, others: Option<f64>) -> String {
    let others = others.map_or("unknown".to_owned(), |others| format!("at most {others:.1}"));
    format!(
        "{}; `cargo xtask bench --peer`, features `{}`, PyTorch {torch}, {threads} threads each; {} alternating rounds, each {} \
         timed updates after {} untimed ones; other threads running before a round: {others}.\n\nMedians (least–most). A ratio \
         above 1 means that iopo is faster. Peak memory covers the whole process. PyTorch's IOPO step is four padded rows \
         with logits everywhere and the reference in every step, without gradient checkpointing.\n",
        machine::describe(),
        Backend::Flex.fastest(),
        plan.rounds,
        plan.repeat,
        plan.warmup,
    )
}

/// Formats the row of a training step: the speedup without our reference pass, and with its time spread over one epoch and
/// over three. The other side computes its reference in every step.
fn step(case: &Case, length: &str, rounds: &Rounds) -> Result<String> {
    let ratio = |share| Ok::<_, anyhow::Error>(median(rounds.ratios(share)?));
    Ok(format!(
        "| {} | {length} | {} | {} | {:.2} | {} | {:.2} | {:.2} | {} | {} | {:.4} / {:.4} |",
        case.title,
        spread(rounds.times(Who::Ours)?),
        spread(rounds.times(Who::Theirs)?),
        rounds.median(Who::Ours, "reference_seconds")?,
        spread(rounds.ratios(0.0)?),
        ratio(1.0)?,
        ratio(1.0 / 3.0)?,
        rounds.peak(Who::Ours),
        rounds.peak(Who::Theirs),
        rounds.last_loss(Who::Ours)?,
        rounds.last_loss(Who::Theirs)?,
    ))
}

fn floor(case: &Case, length: &str, rounds: &Rounds) -> Result<String> {
    let number = |key| rounds.median(Who::Ours, key);
    Ok(format!(
        "| {} | {length} | {:.3} | {:.0} | {:.2} | {:.2} | {:.0} % |",
        case.title,
        number("flops")? / 1e12,
        number("gemm_flops_per_second")? / 1e9,
        number("floor_seconds")?,
        number("seconds")?,
        100.0 * number("floor_share")?,
    ))
}

fn ours(case: &Case, length: &str, rounds: &Rounds, group: &Rounds) -> Result<String> {
    let number = |key| rounds.median(Who::Ours, key);
    Ok(format!(
        "| {} | {length} | {:.0} | {:.0} | {:.2} | {:.2} | {} |",
        case.title,
        number("tokens")?,
        number("padded_tokens")?,
        number("seconds")?,
        number("seconds")? / group.median(Who::Ours, "seconds")?,
        rounds.peak(Who::Ours),
    ))
}

fn decode(case: &Case, rounds: &Rounds) -> Result<String> {
    const RATE: &str = "decode_tokens_per_second";
    let (ours, theirs) = (rounds.all(Who::Ours, RATE)?, rounds.all(Who::Theirs, RATE)?);
    let ratios = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
    Ok(format!(
        "| {} | {:.1} | {:.1} | {} | {:.2} | {:.2} | {:.1} | {:.1} | {:.1} | {} | {} |",
        case.title,
        median(ours),
        median(theirs),
        spread(ratios),
        rounds.median(Who::Ours, "prefill_seconds")?,
        rounds.median(Who::Theirs, "prefill_seconds")?,
        rounds.median(Who::Ours, "tokens_per_second")?,
        rounds.median(Who::Ours, "tokens_per_second_dealt")?,
        rounds.median(Who::Theirs, "tokens_per_second")?,
        rounds.peak(Who::Ours),
        rounds.peak(Who::Theirs),
    ))
}

fn synth(rounds: &Rounds) -> Result<String> {
    let number = |key| rounds.median(Who::Ours, key);
    Ok(format!(
        "| {} | {:.0} | {:.2} | {:.2} | {} |",
        SYNTHESIS.title,
        number("tasks")?,
        number("answers_per_second")?,
        number("rows_per_second")?,
        rounds.peak(Who::Ours),
    ))
}

/// Formats the median and the range of numbers: `2.31 (2.25–2.60)`.
fn spread(numbers: Vec<f64>) -> String {
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let most = numbers.iter().copied().fold(0.0, f64::max);
    format!("{:.2} ({least:.2}–{most:.2})", median(numbers))
}

#[cfg(test)]
mod tests {
    use super::{STEP, Table, spread};

    #[test]
    fn a_median_is_shown_with_its_range() {
        assert_eq!(spread(vec![3.0, 1.0, 2.5]), "2.50 (1.00–3.00)");
    }

    #[test]
    fn a_table_without_rows_is_not_shown() {
        let mut table = Table::new(STEP);
        assert!(table.text().is_empty());
        table.push("| a |");
        assert!(table.text().ends_with("|---|\n| a |\n"));
    }
}
