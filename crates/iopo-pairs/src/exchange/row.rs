//! The rows of imported groups and pairs.

use iopo_schema::{
    GroupKind, Method, Operation, PreferenceRow, Proof, ResponseSource, Split, TurnRole, TurnRow,
    VerdictRow, content_id,
};

use super::{Place, SkipReason};

/// The texts of a group, or those of a pair: its prompt x1, the chosen y1 and the rejected y2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Texts {
    pub(super) context: Vec<TurnRow>,
    pub(super) x1: String,
    pub(super) y1: String,
    pub(super) x2: Option<String>,
    pub(super) y2: String,
}

/// Where a row comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) place: Place,
    /// The split that the file was imported as.
    pub(super) file: Split,
}

/// Creates the row of a full group or of a pair, in the train split and with unchecked labels.
///
/// Constraints, response ids and the input stay empty, because the file does not have them. The operation of a group is a
/// swap, because a full truth table implies only that each instruction asks for something that the other does not.
///
/// # Errors
/// Returns the reason to skip the row.
pub(super) fn row(texts: Texts, from: Origin) -> Result<PreferenceRow, SkipReason> {
    let Texts { context, x1, y1, x2, y2 } = texts;
    let before = context.iter().map(|turn| &turn.content);
    if [&x1, &y1, &y2].into_iter().chain(&x2).chain(before).any(|text| text.trim().is_empty()) {
        return Err(SkipReason::EmptyText);
    }
    if x2.as_ref().is_some_and(|x2| x1.trim() == x2.trim()) {
        return Err(SkipReason::SameInstructions);
    }
    if y1.trim() == y2.trim() {
        return Err(SkipReason::SameResponses);
    }
    let own = [Some(&x1), Some(&y1), x2.as_ref(), Some(&y2)].into_iter().flatten();
    let id: Vec<&str> = own.map(String::as_str).chain(flat(&context)).collect();
    let id = content_id(&id);
    let (task, task_id) = task(&context, &x1, x2.as_deref());
    let verdicts = |satisfied: bool| {
        let Origin { place, file } = from;
        let evidence = format!("said by {place} of the imported {file} file, not checked");
        vec![VerdictRow::new(satisfied, Method::Judge, evidence)]
    };
    let of_second = |satisfied| if x2.is_some() { verdicts(satisfied) } else { Vec::new() };
    let proof = Proof {
        x1y1: verdicts(true),
        x1y2: verdicts(false),
        x2y1: of_second(false),
        x2y2: of_second(true),
    };
    Ok(PreferenceRow {
        id,
        task_id,
        split: Split::Train,
        kind: if x2.is_some() { GroupKind::Full } else { GroupKind::Pair },
        operation: x2.is_some().then_some(Operation::Swap),
        task,
        input: None,
        context,
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
        proof,
    })
}

/// Lists the roles and texts of turns, for a hash.
pub(super) fn flat(context: &[TurnRow]) -> Vec<&str> {
    context.iter().flat_map(|turn| [turn.role.as_str(), turn.content.as_str()]).collect()
}

/// Returns a hash of a prompt. Rows with the same hash get the same split. The system turn is not part of the hash.
pub(super) fn prompt_key(context: &[TurnRow], prompt: &str) -> String {
    let turns = context.iter().filter(|turn| turn.role != TurnRole::System);
    let texts: Vec<&str> = turns.map(|turn| turn.content.trim()).chain([prompt.trim()]).collect();
    content_id(&[&["prompt"][..], &texts].concat())
}

/// Returns the task and its id. The task consists of the lines that the two instructions share, or of the prompt of a pair.
fn task(context: &[TurnRow], x1: &str, x2: Option<&str>) -> (String, String) {
    let Some(x2) = x2 else { return (x1.to_owned(), prompt_key(context, x1)) };
    let task = shared_task(x1, x2);
    let id = if task.is_empty() {
        content_id(&["imported", x1, x2])
    } else {
        content_id(&["imported", &task])
    };
    (task, id)
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
