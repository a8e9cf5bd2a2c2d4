//! Constraints that code or the judge found to hold in a response, or to be violated by it.

use std::collections::BTreeSet;

use iopo_constraints::{Constraint, CountedResponse, Kind, from_text};
use iopo_core::random::keyed;
use iopo_judge::Language;
use rand::seq::SliceRandom;

use super::source::FipoSeed;

/// A sentence about a response, with the check that decides it, if there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) text: String,
    pub(crate) check: Option<Constraint>,
}

/// Returns sentences that hold in a response, at most `limit`: first those of its own instruction, then others of the checkers,
/// in random order and one of each kind.
pub(crate) fn holding(
    seed: &FipoSeed,
    language: Language,
    held_out: &BTreeSet<Kind>,
    random_seed: u64,
    limit: usize,
) -> Vec<Stated> {
    let mut found: Vec<Stated> = Vec::new();
    for text in &seed.holds {
        let check = from_text(text);
        let is_held_out =
            check.iter().flat_map(Constraint::kinds).any(|kind| held_out.contains(&kind));
        let is_wrong = check.as_ref().is_some_and(|one| !one.check(&seed.y).satisfied);
        if !is_held_out && !is_wrong {
            found.push(Stated { text: text.clone(), check });
        }
    }
    let counted = CountedResponse::new(&seed.y);
    for kind in drawn(held_out, random_seed, "holding", &seed.id()) {
        if found.len() >= limit {
            break;
        }
        let others = found.iter().filter_map(|one| one.check.as_ref());
        let open = kind.back_translate_counted(&counted);
        let fits = open.into_iter().find(|one| one.fits_with(others.clone()));
        found.extend(fits.and_then(|one| stated(one, language)));
    }
    found.truncate(limit);
    found
}

/// Draws a sentence that the response violates and that can hold together with the sentences that hold in it.
pub(crate) fn violated(
    seed: &FipoSeed,
    holding: &[Stated],
    language: Language,
    held_out: &BTreeSet<Kind>,
    random_seed: u64,
) -> Option<Stated> {
    let id = seed.id();
    let mut rng = keyed(random_seed, &["fipo", "parameters", &id]);
    let held: Vec<&Constraint> = holding.iter().filter_map(|one| one.check.as_ref()).collect();
    drawn(held_out, random_seed, "violated", &id).into_iter().find_map(|kind| {
        let one = kind.draw(&seed.task, &mut rng);
        let fits = !one.check(&seed.y).satisfied && one.fits_with(held.iter().copied());
        stated(one, language).filter(|_| fits)
    })
}

/// Returns the kinds that may be used, in random order.
fn drawn(held_out: &BTreeSet<Kind>, random_seed: u64, purpose: &str, id: &str) -> Vec<Kind> {
    let usable = |kind: &Kind| kind.is_drawn() && !held_out.contains(kind);
    let mut kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(usable).collect();
    kinds.shuffle(&mut keyed(random_seed, &["fipo", purpose, id]));
    kinds
}

/// Renders a constraint in a language, if the sentence maps back to it.
fn stated(constraint: Constraint, language: Language) -> Option<Stated> {
    let text = match language {
        Language::English => constraint.render(0),
        Language::Chinese => constraint.render_chinese(0)?,
    };
    let same = from_text(&text).as_ref() == Some(&constraint);
    same.then_some(Stated { text, check: Some(constraint) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(task: &str, y: &str) -> FipoSeed {
        FipoSeed { task_id: "a".into(), task: task.into(), y: y.into(), ..FipoSeed::default() }
    }

    #[test]
    fn what_holds_and_what_does_not_is_proved_in_both_languages() {
        let none = BTreeSet::new();
        for (language, seed) in [
            (
                Language::English,
                seed("Describe a street.", "The street is wet. Nobody walks there today."),
            ),
            (Language::Chinese, seed("描写一条街道。", "街道很湿，今天没有人在那里走路。")),
        ] {
            let held = holding(&seed, language, &none, 7, 5);
            assert!(!held.is_empty() && held.len() <= 5, "{language:?}");
            for one in &held {
                let check = one.check.as_ref().expect("a check");
                assert!(check.check(&seed.y).satisfied, "{}", one.text);
            }
            let broken = violated(&seed, &held, language, &none, 7).expect("a sentence");
            let check = broken.check.as_ref().expect("a check");
            assert!(!check.check(&seed.y).satisfied, "{}", broken.text);
            assert!(held.iter().all(|one| !one.check.as_ref().expect("a check").excludes(check)));
            assert_eq!(holding(&seed, language, &none, 7, 5), held, "the same draw");
        }
    }

    #[test]
    fn held_out_kinds_are_not_offered_and_wrong_sentences_are_left_out() {
        let all: BTreeSet<Kind> = Kind::ALL.iter().copied().collect();
        let mut seed = seed("Describe a street.", "The street is wet.");
        assert!(holding(&seed, Language::English, &all, 7, 5).is_empty());
        assert!(violated(&seed, &[], Language::English, &all, 7).is_none());
        seed.holds = vec!["Use at most 2 words.".into(), "Keep a sad tone.".into()];
        let held = holding(&seed, Language::English, &BTreeSet::new(), 7, 1);
        assert_eq!(held, [Stated { text: "Keep a sad tone.".into(), check: None }]);
    }
}
