//! Edits that make several constraints hold at once.

use iopo_constraints::Constraint;

use crate::text::edit_share;

/// Edits for each constraint. An edit can break an earlier constraint, which is then edited again.
const ROUNDS: usize = 2;

/// Edits a text until all constraints hold.
///
/// Returns `None` if an edit for one constraint keeps breaking another, or if the result differs from `original` by a larger
/// share of its words than `max_edit`.
pub(crate) fn edited_to_satisfy(
    text: &str,
    constraints: &[Constraint],
    original: &str,
    max_edit: f64,
) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..=ROUNDS * constraints.len() {
        let fails = |constraint: &&Constraint| !constraint.check(&text).satisfied;
        let Some(constraint) = constraints.iter().find(fails) else {
            return (edit_share(original, &text) <= max_edit).then_some(text);
        };
        constraint.edit(&text)?.trim().clone_into(&mut text);
    }
    None
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
        let both =
            [constraint("no_commas", "{}"), constraint("postscript", r#"{"marker":"P.S."}"#)];
        let text = edited_to_satisfy(ANSWER, &both, ANSWER, 1.0);
        if let Some(text) = &text {
            assert!(both.iter().all(|constraint| constraint.check(text).satisfied), "{text}");
        }
        let commas = edited_to_satisfy(ANSWER, &both[..1], ANSWER, 1.0).expect("an edit");
        assert!(!commas.contains(','));
    }

    #[test]
    fn an_edit_beyond_the_limit_is_refused() {
        let short = [constraint("max_words", r#"{"n":9}"#)];
        let edited = edited_to_satisfy(ANSWER, &short, ANSWER, 1.0).expect("an edit");
        assert!(short[0].check(&edited).satisfied);
        assert_eq!(edited_to_satisfy(ANSWER, &short, ANSWER, 0.2), None);
    }
}
