//! Bounded edits that make several constraints hold at once.

use iopo_constraints::satisfy::changed_share;
use iopo_constraints::{Constraint, satisfy};

/// Edits an answer until all constraints hold.
///
/// Returns `None` if no order of edits succeeds, or if the edits add and remove a larger share of the words than `max_edit`.
pub(crate) fn edited_to_satisfy(
    answer: &str,
    constraints: &[Constraint],
    max_edit: f64,
) -> Option<String> {
    let edited = satisfy(answer, constraints)?;
    let text = edited.trim();
    let sound = changed_share(answer, text) <= max_edit
        && constraints.iter().all(|constraint| constraint.check(text).satisfied);
    sound.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use iopo_constraints::Constraint;

    use super::edited_to_satisfy;

    const ANSWER: &str =
        "Warm the pot first, and then add the leaves. Pour hot water over them. Wait.";

    fn constraint(id: &str, params: &str) -> Constraint {
        Constraint::from_parts(id, params).expect("a constraint")
    }

    #[test]
    fn all_constraints_hold_or_there_is_no_text() {
        let ending = constraint("ends_with", r#"{"phrase":"I hope this helps."}"#);
        let both = [ending.clone(), constraint("starts_with", r#"{"phrase":"In short,"}"#)];
        let prose = "The pot is warm. Pour hot water over the leaves.";
        let text = edited_to_satisfy(prose, &both, 1.0).expect("two edits");
        assert_eq!(
            text,
            "In short, the pot is warm. Pour hot water over the leaves. I hope this helps."
        );
        let against = [ending, constraint("ends_with_question", "{}")];
        assert_eq!(edited_to_satisfy(prose, &against, 1.0), None);
    }

    #[test]
    fn an_edit_beyond_the_limit_is_refused() {
        let short = [constraint("max_words", r#"{"n":9}"#)];
        let edited = edited_to_satisfy(ANSWER, &short, 1.0).expect("an edit");
        assert!(short[0].check(&edited).satisfied);
        assert_eq!(edited_to_satisfy(ANSWER, &short, 0.2), None);
        let unchanged = edited_to_satisfy(ANSWER, &[], 0.0);
        assert_eq!(unchanged.as_deref(), Some(ANSWER));
    }
}
