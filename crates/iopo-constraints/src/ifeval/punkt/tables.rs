//! The English parameters, which `fixtures/punkt/make_tables.py` writes.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

/// Flags of where and how a word was seen in the training corpus.
pub(super) mod seen {
    /// In upper case within a sentence.
    pub(in super::super) const UPPER_MID: u8 = 4;
    /// In upper case anywhere.
    pub(in super::super) const UPPER: u8 = 2 | UPPER_MID | 8;
    /// In lower case at a sentence's start.
    pub(in super::super) const LOWER_START: u8 = 16;
    /// In lower case anywhere.
    pub(in super::super) const LOWER: u8 = LOWER_START | 32 | 64;
}

/// What the training corpus taught.
#[derive(Default)]
pub(super) struct Tables {
    abbreviations: HashSet<&'static str>,
    starters: HashSet<&'static str>,
    collocations: HashSet<(&'static str, &'static str)>,
    orthography: HashMap<&'static str, u8>,
}

static ENGLISH: LazyLock<Tables> =
    LazyLock::new(|| Tables::read(include_str!("../../../data/punkt_english.txt")));

impl Tables {
    pub(super) fn english() -> &'static Self {
        &ENGLISH
    }

    /// Lines under `@` headings; the file is part of the crate and tested below.
    fn read(text: &'static str) -> Self {
        let mut tables = Self::default();
        let mut heading = "";
        let mut flags = 0;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('@').filter(|name| !name.is_empty()) {
                let (name, number) = name.split_once(' ').unwrap_or((name, "0"));
                (heading, flags) = (name, number.parse().unwrap_or(0));
                continue;
            }
            match heading {
                "abbreviations" => {
                    tables.abbreviations.insert(line);
                }
                "starters" => {
                    tables.starters.insert(line);
                }
                "collocations" => tables.collocations.extend(line.split_once('\t')),
                _ => {
                    tables.orthography.insert(line, flags);
                }
            }
        }
        tables
    }

    pub(super) fn is_abbreviation(&self, word: &str) -> bool {
        self.abbreviations.contains(word)
    }

    pub(super) fn is_starter(&self, word: &str) -> bool {
        self.starters.contains(word)
    }

    pub(super) fn is_collocation(&self, first: &str, second: &str) -> bool {
        self.collocations.contains(&(first, second))
    }

    /// The flags of a word, none for one never seen.
    pub(super) fn seen(&self, word: &str) -> u8 {
        self.orthography.get(word).copied().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_whole() {
        let tables = Tables::english();
        assert_eq!(tables.abbreviations.len(), 156);
        assert_eq!(tables.starters.len(), 39);
        assert_eq!(tables.collocations.len(), 37);
        assert_eq!(tables.orthography.len(), 20_366);
        assert!(tables.is_abbreviation("u.s.a") && tables.is_starter("however"));
        assert!(tables.is_collocation("##number##", "abreast"));
        assert_eq!((tables.seen("zoning"), tables.seen("iopo")), (36, 0));
    }
}
