//! Overlap of texts with prompts that a model is tested on, by shared n-grams.
//!
//! Equality misses a prompt with one changed word, and one shared phrase is no contamination. As in the decontamination of GPT-3
//! (Brown et al. 2020, appendix C), `PaLM` (Chowdhery et al. 2022, section 8) and Llama 2 (Touvron et al. 2023, section A.6), the
//! measure is the share of a text that shared long n-grams cover:
//!
//! 1. A text becomes a sequence of units: words in lower case, without punctuation, in Unicode's compatibility form (NFKC, so
//!    full-width letters equal narrow ones). Each ideograph and kana is a unit. Texts that consist mostly of these have longer
//!    n-grams, because a word has about 1.5 of them.
//! 2. An n-gram of the prompt that occurs anywhere in the text covers its units on both sides. The order of n-grams does not
//!    matter, so reordered sentences are found.
//! 3. The text overlaps if at least n units and a share of the prompt are covered, or as much of the text. The second case finds
//!    tasks that are a part of a prompt.
//! 4. Texts of fewer than 2n units must be covered more densely ([`DENSE`]), and such prompts are compared by n-grams of a third
//!    of the length, so that one changed word is found in them too. A prompt of fewer than n units overlaps only with an equal
//!    text.
//!
//! ```
//! use iopo_core::overlap::OverlapIndex;
//!
//! let mut tested = OverlapIndex::new(8, 0.5);
//! tested.add("Write a letter to a friend who has moved to Rome, in at most four sentences, without any commas.");
//! let trained = "write a letter to a friend who has moved to Paris in at most four sentences without any commas";
//! assert!(tested.find(trained).is_some());
//! assert!(tested.find("Write a letter to a friend and ask for the new address of the school.").is_none());
//! ```

use std::collections::{BTreeMap, BTreeSet, HashMap};

use unicode_normalization::UnicodeNormalization;

use crate::ContentHasher;

/// The least share of a text of fewer than 2n units that must be covered.
pub const DENSE: f64 = 0.75;

/// Marks a unit that no prompt has.
const UNKNOWN: u32 = u32::MAX;

/// Prompts, indexed by their n-grams.
///
/// The maps are never iterated, so their order does not matter.
#[derive(Debug, Clone)]
pub struct OverlapIndex {
    ngram: usize,
    share: f64,
    units: HashMap<String, u32>,
    prompts: Vec<Indexed>,
    /// The prompts and positions of each n-gram.
    places: HashMap<Box<[u32]>, Vec<Place>>,
    /// The lengths of these n-grams.
    lengths: BTreeSet<usize>,
    /// Prompts that are too short for n-grams, by all of their units.
    short: HashMap<Box<[u32]>, usize>,
    hasher: ContentHasher,
}

/// A prompt in the index.
#[derive(Debug, Clone, Copy)]
struct Indexed {
    /// Number of units.
    units: usize,
    /// Number of units of a full n-gram of its script.
    ngram: usize,
}

/// The position of an n-gram.
#[derive(Debug, Clone, Copy)]
struct Place {
    prompt: usize,
    start: usize,
}

/// A prompt with which a text overlaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Overlap {
    /// Index of the prompt, in the order of [`OverlapIndex::add`].
    pub prompt: usize,
    /// The share of the prompt that the text has.
    pub prompt_share: f64,
    /// The share of the text that the prompt has.
    pub text_share: f64,
    /// The longest shared passage, normalized.
    pub passage: String,
}

impl Overlap {
    /// Returns the larger share.
    pub fn share(&self) -> f64 {
        self.prompt_share.max(self.text_share)
    }
}

/// The units of a prompt and of a text that lie in shared n-grams.
struct Cover {
    prompt: Vec<bool>,
    text: Vec<bool>,
}

impl OverlapIndex {
    /// Creates an index. `ngram` is the number of words of an n-gram, `share` the share of a prompt or text that must lie in
    /// shared n-grams.
    pub fn new(ngram: usize, share: f64) -> Self {
        let mut hasher = ContentHasher::new();
        hasher.part(ngram.to_string()).part(share.to_string());
        Self {
            ngram: ngram.max(1),
            share,
            units: HashMap::new(),
            prompts: Vec::new(),
            places: HashMap::new(),
            lengths: BTreeSet::new(),
            short: HashMap::new(),
            hasher,
        }
    }

    /// Adds a prompt.
    pub fn add(&mut self, prompt: &str) {
        self.hasher.part(prompt);
        let found = units(prompt);
        let full = full_length(&found, self.ngram);
        let index = self.prompts.len();
        let ids: Vec<u32> = found.into_iter().map(|unit| self.id(unit)).collect();
        self.prompts.push(Indexed { units: ids.len(), ngram: full });
        if ids.is_empty() {
            return;
        }
        if ids.len() < full {
            self.short.entry(ids.into()).or_insert(index);
            return;
        }
        let length = if ids.len() < 2 * full { full.div_ceil(3) } else { full };
        self.lengths.insert(length);
        for (start, run) in ids.windows(length).enumerate() {
            let place = Place { prompt: index, start };
            match self.places.get_mut(run) {
                Some(places) => places.push(place),
                None => {
                    self.places.insert(run.into(), vec![place]);
                }
            }
        }
    }

    /// Returns a hash of the settings and the prompts.
    pub fn hash(&self) -> String {
        self.hasher.hex()
    }

    /// Returns the number of prompts.
    pub fn len(&self) -> usize {
        self.prompts.len()
    }

    /// Returns whether there is no prompt.
    pub fn is_empty(&self) -> bool {
        self.prompts.is_empty()
    }

    /// Returns the prompt with which a text overlaps most; the first of equal ones.
    pub fn find(&self, text: &str) -> Option<Overlap> {
        self.find_all(text).into_iter().next()
    }

    /// Returns all prompts with which a text overlaps, those with the largest share first.
    pub fn find_all(&self, text: &str) -> Vec<Overlap> {
        self.search(text, true)
    }

    /// Returns the prompt of which a text has most. Unlike in [`find`](Self::find), the share of the text does not count, so that
    /// a text that has only its constraints in common with a prompt is no copy.
    pub fn find_copied(&self, text: &str) -> Option<Overlap> {
        self.find_all_copied(text).into_iter().next()
    }

    /// Returns all prompts that [`find_copied`](Self::find_copied) chooses from, those with the largest share first.
    pub fn find_all_copied(&self, text: &str) -> Vec<Overlap> {
        self.search(text, false)
    }

    /// Returns the prompts of which a text has enough, or, with `parts`, which have enough of the text.
    fn search(&self, text: &str, parts: bool) -> Vec<Overlap> {
        if self.is_empty() {
            return Vec::new();
        }
        let own = units(text);
        let ids: Vec<u32> =
            own.iter().map(|unit| self.units.get(unit).copied().unwrap_or(UNKNOWN)).collect();
        if let Some(&prompt) = self.short.get(&ids[..]) {
            let passage = joined(&own);
            return vec![Overlap { prompt, prompt_share: 1.0, text_share: 1.0, passage }];
        }
        let full = full_length(&own, self.ngram);
        let covers = self.covers(&ids);
        let mut found: Vec<Overlap> = covers
            .into_iter()
            .filter_map(|(prompt, cover)| {
                let indexed = self.prompts[prompt];
                let [in_prompt, in_text] =
                    [&cover.prompt, &cover.text].map(|side| side.iter().filter(|on| **on).count());
                let overlaps = self.is_most(in_prompt, indexed.units, indexed.ngram)
                    || parts && self.is_most(in_text, ids.len(), full);
                overlaps.then(|| Overlap {
                    prompt,
                    prompt_share: in_prompt as f64 / indexed.units as f64,
                    text_share: in_text as f64 / ids.len() as f64,
                    passage: longest(&own, &cover.text),
                })
            })
            .collect();
        found.sort_by(|one, other| {
            other.share().total_cmp(&one.share()).then(one.prompt.cmp(&other.prompt))
        });
        found
    }

    /// Returns the covered units of every prompt that shares an n-gram with a text.
    fn covers(&self, ids: &[u32]) -> BTreeMap<usize, Cover> {
        let mut covers = BTreeMap::new();
        for &length in &self.lengths {
            for (at, run) in ids.windows(length).enumerate() {
                for place in self.places.get(run).into_iter().flatten() {
                    let cover = covers.entry(place.prompt).or_insert_with(|| Cover {
                        prompt: vec![false; self.prompts[place.prompt].units],
                        text: vec![false; ids.len()],
                    });
                    cover.prompt[place.start..place.start + length].fill(true);
                    cover.text[at..at + length].fill(true);
                }
            }
        }
        covers
    }

    /// Returns whether so many covered units of a text are enough.
    fn is_most(&self, covered: usize, units: usize, ngram: usize) -> bool {
        let least = if units < 2 * ngram { self.share.max(DENSE) } else { self.share };
        covered >= ngram && covered as f64 >= least * units as f64
    }

    fn id(&mut self, unit: String) -> u32 {
        let next = self.units.len() as u32;
        *self.units.entry(unit).or_insert(next)
    }
}

/// Returns the number of units of an n-gram: more for texts of ideographs and kana.
fn full_length(units: &[String], ngram: usize) -> usize {
    let single = units.iter().filter(|unit| unit.chars().any(stands_alone)).count();
    if 2 * single >= units.len().max(1) { ngram * 3 / 2 } else { ngram }
}

/// Returns the units of a text.
fn units(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut word = String::new();
    for c in text.nfkc().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() && !stands_alone(c) {
            word.push(c);
            continue;
        }
        if !word.is_empty() {
            found.push(std::mem::take(&mut word));
        }
        if stands_alone(c) {
            found.push(c.into());
        }
    }
    found.extend((!word.is_empty()).then_some(word));
    found
}

/// Whether a character is an ideograph or kana, which are written without spaces.
fn stands_alone(c: char) -> bool {
    matches!(
        c,
        '\u{3005}'..='\u{3007}'
            | '\u{3041}'..='\u{3096}'
            | '\u{30a1}'..='\u{30fa}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{323af}'
    )
}

/// Returns the longest covered passage.
fn longest(units: &[String], covered: &[bool]) -> String {
    let (mut best, mut start) = (0..0, 0);
    for end in 0..=covered.len() {
        if covered.get(end) == Some(&true) {
            continue;
        }
        if end - start > best.len() {
            best = start..end;
        }
        start = end + 1;
    }
    joined(&units[best])
}

/// Joins units, with spaces between words.
fn joined(units: &[String]) -> String {
    let mut text = String::new();
    for unit in units {
        let alone = |c: Option<char>| c.is_some_and(stands_alone);
        let is_dense = alone(text.chars().next_back()) && alone(unit.chars().next());
        if !text.is_empty() && !is_dense {
            text.push(' ');
        }
        text.push_str(unit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{OverlapIndex, units};

    const LETTER: &str = "Write a letter to a friend who has moved to a large city by the sea. \
        Mention the garden that both of you planted last spring. \
        Close with an invitation for the holidays in December.";
    const STORY: &str = "请写一篇关于小镇图书馆的短篇小说，主人公是一位退休的老教师。\
        故事中至少出现两封旧信件，并且以一场大雨作为结尾。";

    fn index(prompts: &[&str]) -> OverlapIndex {
        let mut index = OverlapIndex::new(8, 0.5);
        for prompt in prompts {
            index.add(prompt);
        }
        index
    }

    fn is_found(prompt: &str, text: &str) -> bool {
        index(&[prompt]).find(text).is_some()
    }

    /// Replaces each unit in turn.
    fn with_one_changed(prompt: &str, by: &str) -> Vec<String> {
        let units = units(prompt);
        let change = |at| {
            let mut changed = units.clone();
            changed[at] = by.to_owned();
            changed.join(" ")
        };
        (0..units.len()).map(change).collect()
    }

    #[test]
    fn units_are_normalized_words_and_single_ideographs() {
        assert_eq!(units("Ｄon’t STOP，２０ café"), ["don", "t", "stop", "20", "café"]);
        assert_eq!(units("用JSON回答，ｏｋ。"), ["用", "json", "回", "答", "ok"]);
        assert_eq!(units("…  "), [""; 0]);
    }

    #[test]
    fn case_punctuation_width_and_spacing_hide_nothing() {
        let shouted = LETTER.to_uppercase().replace(['.', ','], " — ");
        let found = index(&["Name a tea.", LETTER]).find(&shouted).expect("found");
        assert_eq!((found.prompt, found.prompt_share, found.text_share), (1, 1.0, 1.0));
        let wide: String = LETTER
            .chars()
            .map(|c| match c {
                'a'..='z' => char::from_u32(c as u32 - 'a' as u32 + 'ａ' as u32).unwrap_or(c),
                other => other,
            })
            .collect();
        assert!(wide.contains("ｌｅｔｔｅｒ") && is_found(LETTER, &wide));
        assert!(is_found(STORY, &STORY.replace(['，', '。'], " ")));
    }

    #[test]
    fn one_changed_word_is_found_wherever_it_is() {
        for changed in with_one_changed(LETTER, "zebra") {
            assert!(is_found(LETTER, &changed), "{changed}");
        }
        for changed in with_one_changed(STORY, "鲸") {
            assert!(is_found(STORY, &changed), "{changed}");
        }
        // Shorter than two n-grams.
        let short = "Explain to a child why the moon looks larger at the horizon.";
        for changed in with_one_changed(short, "zebra") {
            assert!(is_found(short, &changed), "{changed}");
        }
    }

    #[test]
    fn reordered_sentences_are_found() {
        let mut sentences: Vec<&str> = LETTER.split_inclusive(". ").collect();
        sentences.reverse();
        let reordered = sentences.concat();
        assert_ne!(reordered, LETTER);
        assert!(is_found(LETTER, &reordered));
        let (first, second) = STORY.split_once('。').expect("two sentences");
        assert!(is_found(STORY, &format!("{second}{first}。")));
        // Control: reordered words are another text.
        let mut words: Vec<&str> = LETTER.split(' ').collect();
        words.sort_unstable();
        assert!(!is_found(LETTER, &words.join(" ")));
    }

    #[test]
    fn a_prompt_within_a_longer_text_and_a_task_within_a_prompt_are_found() {
        let long =
            format!("{} {LETTER}", "Here are many other words about tea and rain. ".repeat(9));
        let found = index(&[LETTER]).find(&long).expect("found");
        assert!(found.prompt_share > 0.99 && found.text_share < 0.5, "{found:?}");
        let task = "Write a letter to a friend who has moved to a large city by the sea.";
        let found = index(&[LETTER]).find(task).expect("found");
        assert!(found.prompt_share < 0.6 && found.text_share > 0.99, "{found:?}");
        assert_eq!(
            found.passage,
            "write a letter to a friend who has moved to a large city by the sea"
        );
        assert!(is_found(STORY, "请写一篇关于小镇图书馆的短篇小说。"));
    }

    #[test]
    fn a_shared_phrase_is_no_contamination() {
        for text in [
            "Write a letter to a friend who has just won a chess tournament and is too shy to say so.",
            "Your answer must mention the garden that both of you like, and then describe three plants \
             that grow in the shade of an old wall without any care at all.",
            "Write a letter to a friend.",
            "How do cats sleep?",
            "",
        ] {
            assert!(!is_found(LETTER, text), "{text}");
        }
        assert!(!is_found(
            STORY,
            "请写一篇关于小镇市场的调查报告，列出五种常见的蔬菜以及它们的价格变化。"
        ));
        // Two short prompts that begin alike.
        assert!(!is_found(
            "Make a list of the most popular podcasts about science.",
            "Make a list of the top places in the U.S."
        ));
    }

    #[test]
    fn a_text_with_the_constraints_of_a_prompt_is_no_copy_of_it() {
        let prompt = "Describe a wet street. Use no commas. Answer in exactly two paragraphs and end with a question. \
            Mention the sound of rain on the roof of a tram, and name the city and the year.";
        let text =
            "Name a tea. Use no commas. Answer in exactly two paragraphs and end with a question.";
        let index = index(&[prompt]);
        assert!(index.find(text).is_some() && index.find_copied(text).is_none());
        assert!(index.find_copied(&format!("{prompt} Name a tea.")).is_some());
    }

    #[test]
    fn a_very_short_prompt_overlaps_only_with_an_equal_text() {
        assert!(is_found("Name a tea.", "name a TEA"));
        assert!(!is_found("Name a tea.", "Name a tea that grows in Japan."));
        assert!(is_found("写一首诗。", "写一首诗"));
        assert!(!is_found("写一首诗。", "写一首关于春天的诗"));
    }

    #[test]
    fn the_settings_decide() {
        let half = "Write a letter to a friend who has moved to a large city by the sea. \
            Then list twenty facts about whales, sharks, seals and every other animal that swims there.";
        let found = |ngram, share| {
            let mut index = OverlapIndex::new(ngram, share);
            index.add(LETTER);
            index.find(half).is_some()
        };
        assert!(found(8, 0.4) && !found(8, 0.6));
        assert!(found(8, 0.4) && !found(20, 0.4));
    }
}
