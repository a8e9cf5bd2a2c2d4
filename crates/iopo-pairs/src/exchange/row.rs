//! The row of an imported group.

use iopo_schema::{
    GroupKind, Method, Operation, PreferenceRow, Proof, ResponseSource, Split, VerdictRow,
    content_id,
};

use super::{Place, SkipReason};

/// The four texts of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) x1: String,
    pub(super) y1: String,
    pub(super) x2: String,
    pub(super) y2: String,
}

/// Creates the row of a full group with unchecked labels.
///
/// Constraints, response ids and the input stay empty, because the file does not have them. The operation is a swap,
/// because a full truth table implies only that each instruction asks for something that the other does not.
///
/// # Errors
/// Returns the reason to skip the group.
pub(super) fn row(texts: Texts, from: Place, split: Split) -> Result<PreferenceRow, SkipReason> {
    let Texts { x1, y1, x2, y2 } = texts;
    if [&x1, &y1, &x2, &y2].into_iter().any(|text| text.trim().is_empty()) {
        return Err(SkipReason::EmptyText);
    }
    if x1.trim() == x2.trim() {
        return Err(SkipReason::SameInstructions);
    }
    if y1.trim() == y2.trim() {
        return Err(SkipReason::SameResponses);
    }
    let task = shared_task(&x1, &x2);
    let task_id = if task.is_empty() {
        content_id(&["imported", &x1, &x2])
    } else {
        content_id(&["imported", &task])
    };
    let verdict = |satisfied: bool| {
        let evidence = format!("said by {from} of the imported {split} file, not checked");
        vec![VerdictRow::new(satisfied, Method::Judge, evidence)]
    };
    Ok(PreferenceRow {
        id: content_id(&[&x1, &y1, &x2, &y2]),
        task_id,
        split,
        kind: GroupKind::Full,
        operation: Operation::Swap,
        task,
        input: None,
        x1,
        y1,
        x2,
        y2,
        x1_constraints: Vec::new(),
        x2_constraints: Vec::new(),
        removed: Vec::new(),
        added: Vec::new(),
        y1_response_id: String::new(),
        y2_response_id: String::new(),
        y1_source: ResponseSource::Given,
        y2_source: ResponseSource::Given,
        y1_original: None,
        y2_original: None,
        proof: Proof {
            x1y1: verdict(true),
            x1y2: verdict(false),
            x2y1: verdict(false),
            x2y2: verdict(true),
        },
    })
}

/// Returns the lines that both instructions begin with, up to the first numbered constraint.
fn shared_task(x1: &str, x2: &str) -> String {
    let both = x1.lines().zip(x2.lines());
    let shared = both.take_while(|(left, right)| left == right && !left.starts_with("1. "));
    shared.map(|(line, _)| line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::shared_task;

    #[test]
    fn the_task_ends_at_the_first_constraint_or_difference() {
        assert_eq!(
            shared_task("Sing.\nLoud.\n1. Be kind.\n", "Sing.\nLoud.\n1. Be kind.\n"),
            "Sing.\nLoud."
        );
        assert_eq!(shared_task("Sing.\nLoud.", "Sing.\nLow."), "Sing.");
        assert_eq!(shared_task("Sing.", "Dance."), "");
    }
}
