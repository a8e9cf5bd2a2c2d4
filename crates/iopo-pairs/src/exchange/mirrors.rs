//! Joins pairs that mirror each other to groups.

use std::collections::BTreeMap;
use std::rc::Rc;

use iopo_schema::content_id;

use super::Place;
use super::row::Texts;
use super::trl::Pair;

/// Pairs without a mirror so far. Only their prompts are stored, each once.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    /// Pairs by the hash of (chosen, rejected). No entry is empty.
    waiting: BTreeMap<String, Waiting>,
}

impl Mirrors {
    /// Joins a pair with the latest earlier pair that has another prompt with chosen and rejected swapped, and returns
    /// the group. Stores the pair if there is none. The earlier pair is (x1, y1, y2).
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

    /// Returns the number of pairs without a mirror.
    pub(super) fn alone(&self) -> u64 {
        let places = self.waiting.values().flat_map(|waiting| waiting.places.values());
        places.map(|places| places.len() as u64).sum()
    }
}

/// Pairs with the same two responses.
#[derive(Debug, Default)]
struct Waiting {
    /// The places of the pairs of each prompt, the latest last.
    places: BTreeMap<Rc<str>, Vec<Place>>,
    /// The prompts by the latest place of each, so that finding another prompt skips at most one.
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

    /// Removes and returns the latest pair with another prompt.
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
    fn the_latest_pair_with_another_prompt_is_used_and_removed() {
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
    fn many_rows_with_one_prompt_take_linear_time() {
        let mut mirrors = Mirrors::default();
        for line in 0..200_000 {
            let row = if line % 2 == 0 { pair("p", "a", "b") } else { pair("p", "b", "a") };
            assert_eq!(mirrors.add(Place::Line(line), row), None);
        }
        assert_eq!(mirrors.alone(), 200_000);
    }
}
