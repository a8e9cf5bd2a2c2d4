//! Joins pairs that mirror each other to groups.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use iopo_schema::content_id;

use super::Place;
use super::row::{Texts, flat};
use super::trl::Pair;
use super::turns::Prompt;

/// A row of the file: its number, and its location, which rows of the same line share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub(super) number: u64,
    pub(super) place: Place,
}

/// Pairs without a mirror so far. Only their prompts are stored, each once.
#[derive(Debug, Default)]
pub(super) struct Mirrors {
    /// Pairs by the hash of (chosen, rejected) and the turns before the prompt. No entry is empty.
    waiting: BTreeMap<String, Waiting>,
}

impl Mirrors {
    /// Joins a pair with the latest earlier pair that has another prompt with chosen and rejected swapped, and returns
    /// the group. Stores the pair if there is none. The earlier pair is (x1, y1, y2).
    pub(super) fn add(&mut self, source: Source, pair: Pair) -> Option<(Place, Texts)> {
        let Pair { prompt: Prompt { context, text: prompt }, chosen, rejected } = pair;
        let key = |first: &str, second: &str| {
            content_id(&[&[first, second][..], &flat(&context)].concat())
        };
        let mirrored = key(&rejected, &chosen);
        if let Some(waiting) = self.waiting.get_mut(&mirrored)
            && let Some((earlier, x1)) = waiting.take_other(&prompt)
        {
            if waiting.latest.is_empty() {
                self.waiting.remove(&mirrored);
            }
            let (x1, x2) = (x1.to_string(), Some(prompt));
            return Some((earlier.place, Texts { context, x1, y1: rejected, x2, y2: chosen }));
        }
        let waiting = self.waiting.entry(key(&chosen, &rejected)).or_default();
        waiting.push(source, prompt.into());
        None
    }

    /// Returns the numbers of the rows without a mirror.
    pub(super) fn alone(&self) -> BTreeSet<u64> {
        let sources = self.waiting.values().flat_map(|waiting| waiting.sources.values());
        sources.flatten().map(|source| source.number).collect()
    }
}

/// Pairs with the same two responses.
#[derive(Debug, Default)]
struct Waiting {
    /// The rows of the pairs of each prompt, in order.
    sources: BTreeMap<Rc<str>, Vec<Source>>,
    /// The prompts, keyed by the latest row of each, so that a search for another prompt skips at most one entry.
    latest: BTreeMap<Source, Rc<str>>,
}

impl Waiting {
    fn push(&mut self, source: Source, prompt: Rc<str>) {
        let sources = self.sources.entry(Rc::clone(&prompt)).or_default();
        if let Some(before) = sources.last() {
            self.latest.remove(before);
        }
        sources.push(source);
        self.latest.insert(source, prompt);
    }

    /// Removes and returns the latest pair with another prompt.
    fn take_other(&mut self, than: &str) -> Option<(Source, Rc<str>)> {
        let (source, prompt) = self.latest.iter().rev().find(|(_, prompt)| &***prompt != than)?;
        let (source, prompt) = (*source, Rc::clone(prompt));
        self.latest.remove(&source);
        let sources = self.sources.get_mut(&prompt)?;
        sources.pop();
        match sources.last() {
            Some(before) => {
                self.latest.insert(*before, Rc::clone(&prompt));
            }
            None => {
                self.sources.remove(&prompt);
            }
        }
        Some((source, prompt))
    }
}

#[cfg(test)]
mod tests {
    use iopo_schema::{TurnRole, TurnRow};

    use super::*;

    fn pair(prompt: &str, chosen: &str, rejected: &str) -> Pair {
        let [chosen, rejected] = [chosen, rejected].map(str::to_owned);
        Pair { prompt: Prompt::plain(prompt), chosen, rejected }
    }

    /// A row of a file whose rows share one line.
    fn row(number: u64) -> Source {
        Source { number, place: Place::Line(1) }
    }

    #[test]
    fn the_latest_pair_with_another_prompt_is_used_and_removed() {
        let mut mirrors = Mirrors::default();
        for (number, prompt) in [(1, "p"), (2, "q"), (3, "p"), (4, "r")] {
            assert_eq!(mirrors.add(row(number), pair(prompt, "a", "b")), None);
        }
        let taken = |mirrors: &mut Mirrors, number, prompt: &str| {
            let before = mirrors.alone();
            let (_, texts) = mirrors.add(row(number), pair(prompt, "b", "a"))?;
            assert_eq!((texts.y1.as_str(), texts.y2.as_str()), ("a", "b"));
            assert_eq!(texts.x2.as_deref(), Some(prompt));
            let gone: Vec<u64> = before.difference(&mirrors.alone()).copied().collect();
            Some((gone, texts.x1))
        };
        assert_eq!(taken(&mut mirrors, 5, "r"), Some((vec![3], "p".to_owned())));
        assert_eq!(taken(&mut mirrors, 6, "s"), Some((vec![4], "r".to_owned())));
        assert_eq!(taken(&mut mirrors, 7, "q"), Some((vec![1], "p".to_owned())));
        assert_eq!(taken(&mut mirrors, 8, "q"), None);
        assert_eq!(taken(&mut mirrors, 9, "s"), Some((vec![2], "q".to_owned())));
        assert_eq!(mirrors.alone(), [8].into());
        assert!(mirrors.add(row(10), pair("t", "a", "b")).is_some());
        assert!(mirrors.waiting.is_empty());
    }

    #[test]
    fn pairs_with_other_turns_before_the_prompt_do_not_mirror_each_other() {
        let mut mirrors = Mirrors::default();
        let with_system = |mut pair: Pair, system: &str| {
            let content = system.to_owned();
            pair.prompt.context = vec![TurnRow { role: TurnRole::System, content }];
            pair
        };
        assert!(mirrors.add(row(1), with_system(pair("p", "a", "b"), "Be brief.")).is_none());
        assert!(mirrors.add(row(2), pair("q", "b", "a")).is_none());
        assert!(mirrors.add(row(3), with_system(pair("q", "b", "a"), "Sing.")).is_none());
        let group = mirrors.add(row(4), with_system(pair("q", "b", "a"), "Be brief."));
        assert_eq!(group.map(|(_, texts)| texts.context.len()), Some(1));
        assert_eq!(mirrors.alone(), [2, 3].into());
    }

    #[test]
    fn many_rows_with_one_prompt_take_linear_time() {
        let mut mirrors = Mirrors::default();
        for number in 0..200_000 {
            let pair = if number % 2 == 0 { pair("p", "a", "b") } else { pair("p", "b", "a") };
            assert_eq!(mirrors.add(row(number), pair), None);
        }
        assert_eq!(mirrors.alone().len(), 200_000);
    }
}
