//! Responses and constraints whose verdicts code knows.

use std::collections::BTreeMap;

use iopo_constraints::{Constraint, Kind};
use iopo_core::random::keyed;
use iopo_judge::trace::Item;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use serde::Deserialize;

use super::JudgeCheckConfig;

/// Tasks with plain responses.
const TEXTS: &str = include_str!("../../../data/judge_check.jsonl");

/// Number of draws in a row that find no constraint, after which a response gets no more.
const MOST_MISSES: usize = 20;

#[derive(Debug, Clone, Deserialize)]
struct Text {
    task: String,
    response: String,
}

/// A response with constraints that hold or do not.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct CheckItem {
    pub(super) key: String,
    /// The text that the response is, or from which an edit made it. Items with one text belong together.
    pub(super) text: String,
    pub(super) task: String,
    pub(super) response: String,
    pub(super) constraints: Vec<Known>,
}

/// A constraint with its verdict by code.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Known {
    pub(super) constraint: Constraint,
    pub(super) text: String,
    pub(super) holds: bool,
}

impl CheckItem {
    /// Returns the item for the judge's prompt.
    pub(super) fn item(&self) -> Item {
        Item {
            id: self.key.clone(),
            messages: Vec::new(),
            task: self.task.clone(),
            constraints: self.constraints.iter().map(|one| one.text.clone()).collect(),
            input: None,
            dimensions: Vec::new(),
        }
    }

    /// Returns the item with its constraints in reversed order.
    pub(super) fn reversed(&self) -> Self {
        let mut item = self.clone();
        item.constraints.reverse();
        item
    }
}

/// Builds the items: of the kinds that synthesis draws, each about as often as the others, and about as many constraints that
/// hold as that do not.
pub(super) fn check_items(config: &JudgeCheckConfig) -> Vec<CheckItem> {
    let texts: Vec<Text> = TEXTS
        .lines()
        .map(|line| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| unreachable!("a test parses the texts: {error}"))
        })
        .collect();
    let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_drawn()).collect();
    let mut used: BTreeMap<(Kind, bool), usize> = BTreeMap::new();
    (0..config.items)
        .map(|at| item(config, &texts[at % texts.len()], (at, &kinds), &mut used))
        .collect()
}

fn item(
    config: &JudgeCheckConfig,
    text: &Text,
    (at, kinds): (usize, &[Kind]),
    used: &mut BTreeMap<(Kind, bool), usize>,
) -> CheckItem {
    let mut rng = keyed(config.seed, &["judge check", &at.to_string()]);
    // An edit adds a list, a heading or another trait that the plain response lacks.
    let edited = kinds
        .choose(&mut rng)
        .and_then(|kind| kind.draw(&text.task, &mut rng).edit(&text.response));
    let response = edited.filter(|_| at % 2 == 1).unwrap_or_else(|| text.response.clone());
    let mut picked: Vec<(Constraint, bool)> = Vec::new();
    let mut misses = 0;
    for _ in 0..config.constraints {
        if misses == MOST_MISSES {
            break;
        }
        let wanted = rng.random::<bool>();
        let mut order: Vec<Kind> = kinds.to_vec();
        order.shuffle(&mut rng);
        order.sort_by_key(|kind| used.get(&(*kind, wanted)).copied().unwrap_or(0));
        let found = order.into_iter().find_map(|kind| {
            let drawn = [kind.draw(&text.task, &mut rng)];
            let mut candidates: Vec<Constraint> = drawn.into();
            let own = kind.back_translate(&response);
            if wanted {
                candidates.extend(own);
            } else {
                let turned = kinds.iter().flat_map(|kind| kind.back_translate(&response));
                candidates.extend(
                    turned.flat_map(|one| one.revisions()).filter(|one| one.kind() == kind),
                );
            }
            candidates.into_iter().find(|one| {
                one.check(&response).satisfied == wanted
                    && one.fits_with(picked.iter().map(|(one, _)| one))
            })
        });
        let Some(constraint) = found else {
            misses += 1;
            continue;
        };
        misses = 0;
        *used.entry((constraint.kind(), wanted)).or_default() += 1;
        picked.push((constraint, wanted));
    }
    let constraints = picked.into_iter().map(|(constraint, holds)| Known {
        text: constraint.render(constraint.draw_phrasing(&mut rng)),
        constraint,
        holds,
    });
    CheckItem {
        key: at.to_string(),
        text: text.task.clone(),
        task: text.task.clone(),
        response,
        constraints: constraints.collect(),
    }
}

#[cfg(test)]
mod tests {
    use iopo_constraints::{from_proposal, from_text_in_task};

    use super::super::JudgeCheckConfig;
    use super::{Known, check_items};

    #[test]
    fn kinds_and_verdicts_are_balanced_and_follow_from_the_seed() {
        let config = JudgeCheckConfig { items: 60, ..JudgeCheckConfig::default() };
        let items = check_items(&config);
        assert_eq!(items, check_items(&config));
        assert_ne!(items, check_items(&JudgeCheckConfig { seed: 1, ..config }));
        let all: Vec<_> = items.iter().flat_map(|item| &item.constraints).collect();
        let holding = all.iter().filter(|one| one.holds).count();
        assert!(all.len() > 170, "{}", all.len());
        assert!((0.4..0.6).contains(&(holding as f64 / all.len() as f64)), "{holding}");
        let kinds: std::collections::BTreeSet<_> =
            all.iter().map(|one| one.constraint.kind()).collect();
        assert!(kinds.len() > 30, "{}", kinds.len());
    }

    #[test]
    fn sentences_state_what_code_decided() {
        let items = check_items(&JudgeCheckConfig { items: 30, ..JudgeCheckConfig::default() });
        let (mut stated, mut read) = (0, 0);
        for item in &items {
            for Known { constraint, text, holds } in &item.constraints {
                let (kind, params) = (constraint.kind().id(), constraint.params_json());
                assert_eq!(from_proposal(text, kind, &params).as_ref(), Some(constraint), "{text}");
                assert_eq!(constraint.check(&item.response).satisfied, *holds, "{text}");
                stated += 1;
                // The grammar knows no constraint beforehand, and maps a sentence only if it accounts for every word.
                if let Some(found) = from_text_in_task(text, &item.task) {
                    read += 1;
                    assert_eq!(found.check(&item.response).satisfied, *holds, "{text}");
                }
            }
        }
        assert!(stated > 80 && read > 25, "{stated} {read}");
        // Control: a sentence does not state another constraint.
        let all = || items.iter().flat_map(|item| &item.constraints);
        let other = |one: &Known| all().find(|two| two.constraint.kind() != one.constraint.kind());
        for one in all() {
            let constraint = &other(one).expect("another kind").constraint;
            let (kind, params) = (constraint.kind().id(), constraint.params_json());
            assert_eq!(from_proposal(&one.text, kind, &params), None, "{}", one.text);
        }
    }
}
