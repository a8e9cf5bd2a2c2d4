//! Edits for several constraints in turn.

use std::collections::BTreeMap;

use crate::{constraint::Constraint, text};

/// The number of orders that are tried.
const MOST_ORDERS: usize = 24;

/// Edits a response until all constraints hold.
///
/// An edit can break a constraint that held before, so the edits are tried in different orders: in each order for up to
/// four constraints, in 24 of them for more. Of the texts that satisfy all constraints, the one with the fewest changed
/// words is returned. Returns the response unchanged when all constraints hold already, and `None` when no order
/// succeeds.
///
/// ```
/// use iopo_constraints::{Constraint, satisfy};
///
/// let response = "Tea is a warm drink! Many people like it. It's good for the heart.";
/// let constraints = [
///     Constraint::from_parts("exact_bullets", r#"{"n":3}"#)?,
///     Constraint::from_parts("no_exclamations", "{}")?,
/// ];
/// let edited = satisfy(response, &constraints).expect("both edits are natural");
/// assert_eq!(edited, "- Tea is a warm drink.\n- Many people like it.\n- It's good for the heart.");
/// # Ok::<(), iopo_constraints::ConstraintError>(())
/// ```
pub fn satisfy(response: &str, constraints: &[Constraint]) -> Option<String> {
    let mut search = Search { response, constraints, orders: 0, best: None };
    search.go_on(response, &mut (0..constraints.len()).collect(), 0);
    search.best.map(|(_, text)| text)
}

struct Search<'a> {
    response: &'a str,
    constraints: &'a [Constraint],
    orders: usize,
    best: Option<(f64, String)>,
}

impl Search<'_> {
    /// Edits for the constraints from the position `at` of `order` on, in each order.
    fn go_on(&mut self, text: &str, order: &mut Vec<usize>, at: usize) {
        if self.orders == MOST_ORDERS {
            return;
        }
        if self.constraints.iter().all(|constraint| constraint.check(text).satisfied) {
            self.orders += 1;
            let share = changed_share(self.response, text);
            if self.best.as_ref().is_none_or(|(least, _)| share < *least) {
                self.best = Some((share, text.to_owned()));
            }
            return;
        }
        if at == order.len() {
            self.orders += 1;
            return;
        }
        for next in at..order.len() {
            order.swap(at, next);
            match self.constraints[order[at]].edit(text) {
                Some(edited) => self.go_on(&edited, order, at + 1),
                None => self.orders += 1,
            }
            order.swap(at, next);
            if self.orders >= MOST_ORDERS {
                return;
            }
        }
    }
}

/// Returns the words that an edit adds or removes, in any place, divided by the words of the original. Case and
/// punctuation do not count, so that a response in capitals or as a list counts as the same words.
///
/// ```
/// use iopo_constraints::satisfy::changed_share;
///
/// assert_eq!(changed_share("Tea is hot. Ice is cold.", "- TEA IS HOT."), 0.5);
/// ```
pub fn changed_share(original: &str, edited: &str) -> f64 {
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for key in text::keys(original) {
        *counts.entry(key).or_default() += 1;
    }
    let words = counts.values().sum::<i64>();
    for key in text::keys(edited) {
        *counts.entry(key).or_default() -= 1;
    }
    let changed = counts.values().map(|count| count.unsigned_abs()).sum::<u64>();
    changed as f64 / words.max(1) as f64
}
