//! Conversions between constraints and their rows (feature `constraints`).

use std::collections::BTreeSet;

use iopo_constraints::{Constraint, ConstraintError, Kind, Verdict};
use iopo_core::SettingError;

use crate::names::Method;
use crate::rows::{CheckRow, ConstraintRow, VerdictRow};

/// Score of a constraint that code finds satisfied.
const SATISFIED: f64 = 10.0;

impl ConstraintRow {
    /// Creates the row of a constraint, rendered in one of its phrasings.
    pub fn from_constraint(constraint: &Constraint, phrasing: usize) -> Self {
        let dimension = constraint.kind().dimension();
        Self {
            text: constraint.render(phrasing),
            constraint_type: dimension.constraint_type().english().to_owned(),
            dimension: dimension.english().to_owned(),
            check: Some(CheckRow {
                id: constraint.kind().id().to_owned(),
                params: constraint.params_json(),
            }),
        }
    }

    /// Reads the constraint back; `None` where only a judge can check it.
    ///
    /// # Errors
    /// Returns the reason why the stored kind or its parameters cannot be read.
    pub fn constraint(&self) -> Option<Result<Constraint, ConstraintError>> {
        self.check.as_ref().map(|check| Constraint::from_parts(&check.id, &check.params))
    }
}

impl From<Verdict> for VerdictRow {
    fn from(verdict: Verdict) -> Self {
        Self {
            satisfied: verdict.satisfied,
            score: if verdict.satisfied { SATISFIED } else { 0.0 },
            method: Method::Code,
            evidence: verdict.evidence,
        }
    }
}

impl VerdictRow {
    /// Checks a response against each constraint, in order.
    pub fn check_all(constraints: &[Constraint], response: &str) -> Vec<Self> {
        constraints.iter().map(|constraint| constraint.check(response).into()).collect()
    }
}

/// Parses the ids of constraint kinds in the setting `key`, for instance `held_out`.
///
/// # Errors
/// Returns an error about the first id that names no kind.
pub fn kinds_named<'a>(
    key: &str,
    ids: impl IntoIterator<Item = &'a String>,
) -> Result<BTreeSet<Kind>, SettingError> {
    let parse = |id: &String| {
        Kind::from_id(id).map_err(|_| {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.id()).collect();
            let expected = format!("constraint kinds, any of {}", known.join(", "));
            SettingError::new(key, format_args!("{id:?}"), expected)
        })
    };
    ids.into_iter().map(parse).collect()
}

#[cfg(test)]
mod tests {
    use iopo_constraints::Constraint;

    use super::kinds_named;
    use crate::{ConstraintRow, VerdictRow};

    #[test]
    fn a_constraint_survives_its_row() {
        let constraint = Constraint::from_parts("max_words", r#"{"n":3}"#).expect("a kind");
        let row = ConstraintRow::from_constraint(&constraint, 0);
        assert_eq!(row.text, constraint.render(0));
        assert_eq!(row.constraint(), Some(Ok(constraint.clone())));
        let judged = ConstraintRow { check: None, ..row };
        assert_eq!(judged.constraint(), None);
        let verdicts = VerdictRow::check_all(&[constraint], "one two three four");
        assert!(!verdicts[0].satisfied && verdicts[0].score.abs() < f64::EPSILON);
    }

    #[test]
    fn an_unknown_kind_is_named() {
        let ids = ["max_words".to_owned(), "nothing".to_owned()];
        let error = kinds_named("held_out", &ids).expect_err("an unknown kind");
        assert_eq!((error.key.as_str(), error.found.as_str()), ("held_out", "\"nothing\""));
        assert_eq!(kinds_named("held_out", &ids[..1]).expect("known").len(), 1);
    }
}
