//! Scores responses with IFEval in memory and prints outcomes and accuracies.
//!
//! Run it with `cargo run -p iopo-eval --example ifeval_in_memory`.

#![expect(clippy::print_stdout, reason = "an example prints its results")]

use iopo_eval::EvalError;
use iopo_eval::ifeval::{Ifeval, Mode};
use iopo_schema::{Subset, SummaryMetric};

/// Prompts in the format of IFEval's `input_data.jsonl`.
const PROMPTS: &str = r#"{"key": 1, "prompt": "Name a tea. Use no commas.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
{"key": 2, "prompt": "Describe tea in at least 5 words, in quotation marks.", "instruction_id_list": ["length_constraints:number_words", "startend:quotation"], "kwargs": [{"relation": "at least", "num_words": 5}, {}]}
"#;

fn main() -> Result<(), EvalError> {
    let ifeval = Ifeval::new(Mode::Paper);
    let prompts = ifeval.prompts(PROMPTS)?;

    // One response per prompt, in the order of the prompts; they can come from any model.
    let responses = ["Assam", "Sure: \"Tea is hot water with leaves.\""];
    let result = ifeval.evaluate(&prompts, responses)?;

    for score in &result.scores {
        println!(
            "prompt {}  {:34} strict {:?}  loose {:?}",
            score.key, score.instruction_id, score.strict, score.loose
        );
    }
    for metric in [SummaryMetric::PromptAccuracyStrict, SummaryMetric::InstructionAccuracyStrict] {
        if let Some(row) = result.accuracy(metric, &Subset::All) {
            println!(
                "{metric}: {:.2} [{:.2}, {:.2}] (n = {})",
                row.value, row.low, row.high, row.n
            );
        }
    }
    Ok(())
}
