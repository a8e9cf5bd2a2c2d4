//! Prints for how many answers each kind of constraint holds or has an edit.
//!
//! ```console
//! $ cargo run -p iopo-constraints --example edit_coverage
//! ```
//!
//! With a file of `{"task": …, "answer": …}` objects as its argument, the example reads that file. A kind as the second
//! argument shows the edited answers of that kind.

use std::{collections::BTreeSet, env, error::Error, fs};

use iopo_constraints::{Kind, satisfy::changed_share};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::Deserialize;

const ANSWERS: &str = include_str!("../data/answers.json");

/// Constraints of each kind that are drawn for each answer.
const DRAWS: usize = 8;

#[derive(Deserialize)]
struct Answer {
    task: String,
    answer: String,
}

#[expect(clippy::print_stdout, reason = "an example prints what it computes")]
fn main() -> Result<(), Box<dyn Error>> {
    let text = env::args().nth(1).map_or_else(|| Ok(ANSWERS.to_owned()), fs::read_to_string)?;
    let answers: Vec<Answer> = serde_json::from_str(&text)?;
    let shown = env::args().nth(2);
    println!("| kind | holds | edited | neither | changed words |\n|---|---|---|---|---|");
    for kind in Kind::ALL {
        let mut rng = ChaCha8Rng::seed_from_u64(18);
        let (mut held, mut edits, mut draws) = (0.0, Vec::new(), 0.0);
        let mut seen = BTreeSet::new();
        for Answer { task, answer } in &answers {
            for _ in 0..DRAWS {
                let constraint = kind.draw(task, &mut rng);
                draws += 1.0;
                if constraint.check(answer).satisfied {
                    held += 1.0;
                    continue;
                }
                let Some(edited) = constraint.edit(answer) else { continue };
                edits.push(changed_share(answer, &edited));
                if shown.as_deref() == Some(kind.id()) && seen.insert(edited.clone()) {
                    println!("\n--- {}\n{answer}\n==>\n{edited}", constraint.render(0));
                }
            }
        }
        let (made, changed) = (edits.len() as f64, edits.iter().sum::<f64>());
        println!(
            "| {kind} | {:.0} % | {:.0} % | {:.0} % | {} |",
            100.0 * held / draws,
            100.0 * made / draws,
            100.0 * (draws - held - made) / draws,
            if made > 0.0 { format!("{:.0} %", 100.0 * changed / made) } else { "–".to_owned() },
        );
    }
    Ok(())
}
