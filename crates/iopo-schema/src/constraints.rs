//! Conversions between constraints and their rows (feature `constraints`).

use std::collections::{BTreeMap, BTreeSet};

use iopo_constraints::{
    Constraint, ConstraintError, Kind, KindSet, Verdict, kind_set, render_prompt,
};
use iopo_core::SettingError;

use crate::names::Method;
use crate::rows::{CheckRow, ConstraintRow, VerdictRow};

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
    /// Returns the error of [`CheckRow::constraint`].
    pub fn constraint(&self) -> Option<Result<Constraint, ConstraintError>> {
        self.check.as_ref().map(CheckRow::constraint)
    }
}

impl CheckRow {
    /// Reads the constraint back.
    ///
    /// # Errors
    /// Returns the reason why the stored kind or its parameters cannot be read.
    pub fn constraint(&self) -> Result<Constraint, ConstraintError> {
        Constraint::from_parts(&self.id, &self.params)
    }

    /// Returns the kind, and those of the parts of an `all_of`; only the kind if the parameters cannot be read, and none for an
    /// unknown one.
    pub fn kinds(&self) -> Vec<Kind> {
        match self.constraint() {
            Ok(constraint) => constraint.kinds().collect(),
            Err(_) => Kind::from_id(&self.id).into_iter().collect(),
        }
    }
}

impl From<Verdict> for VerdictRow {
    fn from(verdict: Verdict) -> Self {
        Self::new(verdict.satisfied, Method::Code, verdict.evidence)
    }
}

impl VerdictRow {
    /// Checks a response against each constraint, in order.
    pub fn check_all(constraints: &[Constraint], response: &str) -> Vec<Self> {
        constraints.iter().map(|constraint| constraint.check(response).into()).collect()
    }
}

/// Renders the prompt of an instruction from its rows: the task, the numbered sentences of the constraints and the input.
pub fn render_rows(task: &str, constraints: &[ConstraintRow], input: Option<&str>) -> String {
    let texts: Vec<&str> = constraints.iter().map(|row| row.text.as_str()).collect();
    render_prompt(task, &texts, input)
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

/// Parses the names of sets and kinds in the setting `key`, and returns the kinds with their built-in weights.
///
/// # Errors
/// Returns an error about the first name that is neither a set nor a kind.
fn sets_named(key: &str, names: &[String]) -> Result<BTreeMap<Kind, f64>, SettingError> {
    kind_set::kinds(names.iter().map(String::as_str)).map_err(|name| {
        let sets = KindSet::ALL.map(|set| format!("`{set}`")).join(", ");
        let expected = format!("sets of constraint kinds ({sets}) or ids of constraint kinds");
        let error = SettingError::new(key, format_args!("{name:?}"), expected);
        match kind_set::nearest(name) {
            Some(nearest) => error.with_hint(format!("did you mean `{nearest}`?")),
            None => error,
        }
    })
}

/// Returns the kinds that a stage may use, with their weights in its draws.
///
/// `kinds`, `held_out` and `kind_weights` are the settings of these names: kinds and [sets of kinds](KindSet) to use, ids of
/// excluded kinds, and weights by id that replace the [built-in weight](kind_set::kinds). A weight also adds a kind that
/// `kinds` does not name. Kinds of weight 0 are omitted.
///
/// # Errors
/// Returns an error if a setting names an unknown kind or `all_of`, which texts alone have, a weight is not a finite number of
/// at least 0, or no kind is left.
pub fn usable_kinds(
    kinds: &[String],
    held_out: &[String],
    kind_weights: &BTreeMap<String, f64>,
) -> Result<BTreeMap<Kind, f64>, SettingError> {
    let named = sets_named("kinds", kinds)?;
    let held_out = kinds_named("held_out", held_out)?;
    for (id, weight) in kind_weights {
        let key = format!("kind_weights.{id}");
        kinds_named(&key, [id])?;
        if !(weight.is_finite() && *weight >= 0.0) {
            return Err(SettingError::new(key, weight, "a finite weight of at least 0"));
        }
    }
    let joint = Kind::AllOf;
    let key = format!("kind_weights.{joint}");
    let weighted = kind_weights.get(joint.id()).is_some_and(|weight| *weight > 0.0);
    for (key, is_named) in [("kinds", named.contains_key(&joint)), (&key, weighted)] {
        if is_named {
            let expected = "kinds that can be drawn; this one joins the constraints of a text";
            return Err(SettingError::new(key, format_args!("`{joint}`"), expected));
        }
    }
    let weight = |kind: Kind| {
        let built_in = || named.get(&kind).copied().unwrap_or(0.0);
        kind_weights.get(kind.id()).copied().unwrap_or_else(built_in)
    };
    let kinds: BTreeMap<Kind, f64> = Kind::ALL
        .iter()
        .filter(|kind| !held_out.contains(kind))
        .map(|kind| (*kind, weight(*kind)))
        .filter(|(_, weight)| *weight > 0.0)
        .collect();
    if kinds.is_empty() {
        let (key, found) = if held_out.len() == Kind::ALL.len() {
            ("held_out", "every kind")
        } else if named.keys().all(|kind| held_out.contains(kind)) {
            ("kinds", "no kind that is not held out")
        } else {
            ("kind_weights", "0 for every kind that is not held out")
        };
        return Err(SettingError::new(key, found, "at least one kind left to use"));
    }
    Ok(kinds)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use iopo_constraints::{Constraint, Kind};

    use super::{kinds_named, render_rows, usable_kinds};
    use crate::{CheckRow, ConstraintRow, VerdictRow};

    #[test]
    fn a_constraint_survives_its_row() {
        let constraint = Constraint::from_parts("max_words", r#"{"n":3}"#).expect("a kind");
        let row = ConstraintRow::from_constraint(&constraint, 0);
        assert_eq!(row.text, constraint.render(0));
        assert_eq!(row.constraint(), Some(Ok(constraint.clone())));
        let rows = [row.clone()];
        assert_eq!(render_rows("Sing.", &rows, None), "Sing.\n1. Use at most 3 words.\n");
        let judged = ConstraintRow { check: None, ..row };
        assert_eq!(judged.constraint(), None);
        let verdicts = VerdictRow::check_all(&[constraint], "one two three four");
        assert!(!verdicts[0].satisfied && verdicts[0].score.abs() < f64::EPSILON);
    }

    #[test]
    fn the_kinds_of_a_row_are_those_of_the_parts_too() {
        let kinds = |id: &str, params: &str| {
            CheckRow { id: id.to_owned(), params: params.to_owned() }.kinds()
        };
        let parts = r#"{"parts":[{"id":"no_commas","params":{}},{"id":"no_digits","params":{}}]}"#;
        assert_eq!(kinds("all_of", parts), [Kind::AllOf, Kind::NoCommas, Kind::NoDigits]);
        assert_eq!(kinds("max_words", r#"{"n":3}"#), [Kind::MaxWords]);
        assert_eq!(kinds("max_words", "{}"), [Kind::MaxWords], "unreadable");
        assert!(kinds("nothing", "{}").is_empty());
    }

    #[test]
    fn a_kind_that_texts_alone_have_cannot_be_drawn() {
        let named = ["default".to_owned(), "all_of".to_owned()];
        let error = usable_kinds(&named, &[], &BTreeMap::new()).expect_err("not drawn");
        assert_eq!((error.key.as_str(), error.found.as_str()), ("kinds", "`all_of`"));
        let weight = |weight| BTreeMap::from([("all_of".to_owned(), weight)]);
        let error = usable_kinds(&default(), &[], &weight(1.0)).expect_err("not drawn");
        assert_eq!(error.key, "kind_weights.all_of");
        assert!(usable_kinds(&default(), &[], &weight(0.0)).is_ok());
    }

    #[test]
    fn an_unknown_kind_is_named() {
        let ids = ["max_words".to_owned(), "nothing".to_owned()];
        let error = kinds_named("held_out", &ids).expect_err("an unknown kind");
        assert_eq!((error.key.as_str(), error.found.as_str()), ("held_out", "\"nothing\""));
        assert_eq!(kinds_named("held_out", &ids[..1]).expect("known").len(), 1);
    }

    #[test]
    fn held_out_kinds_and_kinds_of_weight_zero_are_not_usable() {
        let weights = |entries: &[(&str, f64)]| -> BTreeMap<String, f64> {
            entries.iter().map(|(id, weight)| ((*id).to_owned(), *weight)).collect()
        };
        let held_out = ["max_words".to_owned()];
        let kinds = usable_kinds(
            &default(),
            &held_out,
            &weights(&[("min_words", 0.0), ("no_commas", 7.0)]),
        )
        .expect("kinds");
        let drawn = Kind::ALL.iter().filter(|kind| kind.is_drawn()).count();
        assert_eq!(kinds.len(), drawn - 2);
        // A kind of weight 0 needs a weight of its own.
        assert!(!kinds.contains_key(&Kind::MaxChars));
        let with = usable_kinds(&default(), &[], &weights(&[("max_chars", 1.0)])).expect("kinds");
        assert_eq!(with.len(), drawn + 1);
        assert!(!kinds.contains_key(&Kind::MaxWords) && !kinds.contains_key(&Kind::MinWords));
        assert_eq!(kinds.get(&Kind::NoCommas), Some(&7.0));
        assert_eq!(kinds.get(&Kind::Table), Some(&Kind::Table.weight()));
        let refused = |held_out: &[String], entries: &[(&str, f64)]| {
            usable_kinds(&default(), held_out, &weights(entries)).expect_err("refused").key
        };
        assert_eq!(refused(&held_out, &[("max_words", -1.0)]), "kind_weights.max_words");
        assert_eq!(refused(&[], &[("min_words", f64::NAN)]), "kind_weights.min_words");
        assert_eq!(refused(&[], &[("nothing", 1.0)]), "kind_weights.nothing");
        let all: Vec<String> = Kind::ALL.iter().map(|kind| kind.id().to_owned()).collect();
        assert_eq!(refused(&all, &[]), "held_out");
        let none: Vec<(&str, f64)> = Kind::ALL.iter().map(|kind| (kind.id(), 0.0)).collect();
        assert_eq!(refused(&[], &none), "kind_weights");
    }

    #[test]
    fn sets_and_kinds_are_switched_on_by_name() {
        let of = |names: &[&str], held_out: &[String]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            usable_kinds(&names, held_out, &BTreeMap::new())
        };
        let default = of(&["default"], &[]).expect("a set");
        assert!(default.keys().all(|kind| kind.is_drawn()));
        let both = of(&["default", "iftrain"], &["first_word".to_owned()]).expect("sets");
        assert_eq!(both.get(&Kind::LastWord), Some(&1.0));
        assert!(!both.contains_key(&Kind::FirstWord), "held out");
        assert!(default.iter().all(|(kind, weight)| both.get(kind) == Some(weight)));
        let own = of(&["no_commas", "max_letters"], &[]).expect("kinds");
        assert_eq!(own.into_keys().collect::<Vec<_>>(), [Kind::NoCommas, Kind::MaxLetters]);
        let error = of(&["default", "if_train"], &[]).expect_err("unknown");
        assert_eq!((error.key.as_str(), error.found.as_str()), ("kinds", "\"if_train\""));
        assert_eq!(error.hint.as_deref(), Some("did you mean `iftrain`?"));
        assert_eq!(of(&[], &[]).expect_err("no kind").key, "kinds");
        let held_out = ["no_commas".to_owned()];
        assert_eq!(of(&["no_commas"], &held_out).expect_err("held out").key, "kinds");
    }

    fn default() -> Vec<String> {
        vec!["default".to_owned()]
    }
}
