//! Checks a response against the constraints of an instruction, edits it, and revises the instruction.
//!
//! ```console
//! $ cargo run -p iopo-constraints --example check_edit_revise
//! ```

use iopo_constraints::{Constraint, ConstraintError, render_prompt};

const TASK: &str = "Explain to a friend how to brew green tea.";

const RESPONSE: &str = "Warm the pot first! Add two spoons of leaves, and pour in water that isn't boiling. \
    Let the tea steep for 3 minutes. Take the leaves out. Enjoy your cup, and tell me how it tastes!";

#[expect(clippy::print_stdout, reason = "an example prints what it computes")]
fn main() -> Result<(), ConstraintError> {
    let constraints = [
        Constraint::from_parts("max_sentences", r#"{"n":4}"#)?,
        Constraint::from_parts("no_exclamations", "{}")?,
        Constraint::from_parts("no_digits", "{}")?,
        Constraint::from_parts("no_contractions", "{}")?,
    ];
    println!("Instruction:\n{}", instruction(&constraints));

    // Check: which constraints does the response violate, and by how much?
    println!("Response:\n{RESPONSE}\n");
    for constraint in &constraints {
        let verdict = constraint.check(RESPONSE);
        let mark = if verdict.satisfied { "ok  " } else { "FAIL" };
        println!("{mark} {} ({})", constraint.render(0), verdict.evidence);
    }

    // Edit: small edits in turn. `edit` returns `None` rather than an unnatural text.
    let mut edited = RESPONSE.to_owned();
    for constraint in &constraints {
        match constraint.edit(&edited) {
            Some(text) => edited = text,
            None => println!("no natural edit: {}", constraint.render(0)),
        }
    }
    let all_hold = constraints.iter().all(|constraint| constraint.check(&edited).satisfied);
    println!("\nEdited response, all constraints hold: {all_hold}\n{edited}\n");

    // Revise: an instruction that the edited response violates for certain, because a revision excludes its original.
    let mut revised = constraints.to_vec();
    if let Some(revision) = constraints[0].revisions().into_iter().next() {
        println!("\"{}\" becomes \"{}\"", constraints[0].render(0), revision.render(0));
        println!("Satisfied now: {}\n", revision.check(&edited).satisfied);
        revised[0] = revision;
    }
    println!("Revised instruction:\n{}", instruction(&revised));
    Ok(())
}

/// The instruction as the model receives it.
fn instruction(constraints: &[Constraint]) -> String {
    let sentences: Vec<String> = constraints.iter().map(|one| one.render(0)).collect();
    render_prompt(TASK, &sentences, None)
}
