//! Pairs that mirror each other make a group.

use std::collections::BTreeMap;
use std::rc::Rc;

use iopo_schema::content_id;

use super::Place;
use super::taken::Texts;
use super::trl::Pair;

/// Pairs that wait for their mirror; of each only the prompt is held, and a prompt once.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    /// By the hash of (chosen, rejected); none of them is empty.
    waiting: BTreeMap<String, Waiting>,
}

impl Mirrors {
    /// The group that a pair makes with the latest one before it that has another prompt and chosen and rejected
    /// swapped; without one the pair waits. The earlier pair is (x1, y1, y2).
    pub(super) fn add(&mut self, place: Place, pair: Pair) -> Option<(Place, Texts)> {
        let Pair { prompt, chosen, rejected } = pair;
        let mirrored = content_id(&[&rejected, &chosen]);
        if let Some(waiting) = self.waiting.get_mut(&mirrored)
            && let Some((place, x1)) = waiting.take_other(&prompt)
        {
            if waiting.latest.is_empty() {
                self.waiting.remove(&mirrored);
            }
            return Some((
                place,
                Texts { x1: x1.to_string(), y1: rejected, x2: prompt, y2: chosen },
            ));
        }
        let waiting = self.waiting.entry(content_id(&[&chosen, &rejected])).or_default();
        waiting.push(place, prompt.into());
        None
    }

    /// Pairs that wait still.
    pub(super) fn alone(&self) -> u64 {
        let places = self.waiting.values().flat_map(|waiting| waiting.places.values());
        places.map(|places| places.len() as u64).sum()
    }
}

/// Pairs with the same two responses.
#[derive(Debug, Default)]
struct Waiting {
    /// Where the pairs of a prompt stand, the latest last.
    places: BTreeMap<Rc<str>, Vec<Place>>,
    /// The prompts by the latest place of each, so that at most one need be passed over to find another.
    latest: BTreeMap<Place, Rc<str>>,
}

impl Waiting {
    fn push(&mut self, place: Place, prompt: Rc<str>) {
        let places = self.places.entry(Rc::clone(&prompt)).or_default();
        if let Some(before) = places.last() {
            self.latest.remove(before);
        }
        places.push(place);
        self.latest.insert(place, prompt);
    }

    /// Takes the latest pair whose prompt is another.
    fn take_other(&mut self, than: &str) -> Option<(Place, Rc<str>)> {
        let (place, prompt) = self.latest.iter().rev().find(|(_, prompt)| &***prompt != than)?;
        let (place, prompt) = (*place, Rc::clone(prompt));
        self.latest.remove(&place);
        let places = self.places.get_mut(&prompt)?;
        places.pop();
        match places.last() {
            Some(before) => {
                self.latest.insert(*before, Rc::clone(&prompt));
            }
            None => {
                self.places.remove(&prompt);
            }
        }
        Some((place, prompt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(prompt: &str, chosen: &str, rejected: &str) -> Pair {
        let [prompt, chosen, rejected] = [prompt, chosen, rejected].map(str::to_owned);
        Pair { prompt, chosen, rejected }
    }

    #[test]
    fn the_latest_pair_of_another_prompt_is_taken_and_nothing_is_kept_of_it() {
        let mut mirrors = Mirrors::default();
        for (line, prompt) in [(1, "p"), (2, "q"), (3, "p"), (4, "r")] {
            assert_eq!(mirrors.add(Place::Line(line), pair(prompt, "a", "b")), None);
        }
        let mut taken = |line, prompt: &str| {
            let (place, texts) = mirrors.add(Place::Line(line), pair(prompt, "b", "a"))?;
            assert_eq!((texts.y1.as_str(), texts.y2.as_str(), &*texts.x2), ("a", "b", prompt));
            Some((place, texts.x1))
        };
        assert_eq!(taken(5, "r"), Some((Place::Line(3), "p".to_owned())));
        assert_eq!(taken(6, "s"), Some((Place::Line(4), "r".to_owned())));
        assert_eq!(taken(7, "q"), Some((Place::Line(1), "p".to_owned())));
        assert_eq!(taken(8, "q"), None);
        assert_eq!(taken(9, "s"), Some((Place::Line(2), "q".to_owned())));
        assert_eq!(mirrors.alone(), 1);
        assert_eq!(
            mirrors.add(Place::Line(10), pair("t", "a", "b")).map(|found| found.0),
            Some(Place::Line(8))
        );
        assert!(mirrors.waiting.is_empty());
    }

    #[test]
    fn many_rows_of_one_prompt_and_two_responses_are_not_compared_with_each_other() {
        let mut mirrors = Mirrors::default();
        for line in 0..200_000 {
            let row = if line % 2 == 0 { pair("p", "a", "b") } else { pair("p", "b", "a") };
            assert_eq!(mirrors.add(Place::Line(line), row), None);
        }
        assert_eq!(mirrors.alone(), 200_000);
    }
}
