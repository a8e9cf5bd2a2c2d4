//! The words around a phrase, which decide whether another phrase can take its place.

use crate::{
    lexicon::{NUMERALS, STOP_WORDS},
    text,
};

/// A phrase in a text with the words next to it.
pub(crate) struct Place<'a> {
    /// Whether the phrase starts with a capital.
    capital: bool,
    /// Whether the phrase starts a sentence or a line.
    opens: bool,
    /// The word before the one before, in lower case; empty across the border of a sentence.
    earlier: String,
    before: String,
    next: String,
    second: String,
    /// The text after the phrase.
    rest: &'a str,
}

/// Words between "is" or an article and which an adjective can stand with a degree such as "very".
const GRADABLE: &[&str] = &["is", "are", "was", "were", "be", "a", "an", "it's", "they're"];

const PRONOUNS: &[&str] = &["i", "you", "he", "she", "it", "we", "they", "this", "that", "there"];

const DETERMINERS: &[&str] = &[
    "a", "an", "the", "this", "that", "his", "her", "my", "your", "our", "their", "its", "all",
    "no", "with", "of", "tin",
];

/// Adjectives between "a lot of" and a plural.
const ADJECTIVES: &[&str] = &[
    "different",
    "other",
    "small",
    "new",
    "healthy",
    "fresh",
    "good",
    "great",
    "useful",
    "simple",
    "common",
    "young",
    "popular",
    "large",
    "old",
    "interesting",
];

impl<'a> Place<'a> {
    /// Reads the words around the `length` bytes at `at`.
    pub(crate) fn read(text: &'a str, at: usize, length: usize) -> Self {
        let (start, rest) = (&text[..at], &text[at + length..]);
        let border = ['.', '!', '?', '\n', ':', ';'];
        let sentence = &start[start.rfind(border).map_or(0, |at| at + 1)..];
        let mut back = text::keys(sentence).collect::<Vec<_>>().into_iter().rev();
        let near = &rest[..rest.find(border).unwrap_or(rest.len())];
        let mut on = text::keys(near);
        Self {
            capital: text[at..].starts_with(char::is_uppercase),
            opens: sentence.chars().all(|c| !c.is_alphanumeric()),
            before: back.next().unwrap_or_default(),
            earlier: back.next().unwrap_or_default(),
            // A comma separates the phrase from the next word.
            next: on.next().filter(|_| near.starts_with(' ')).unwrap_or_default(),
            second: on.next().unwrap_or_default(),
            rest,
        }
    }

    /// Whether `to` can take the place of the phrase `from` here.
    pub(crate) fn suits(&self, from: &str, to: &str) -> bool {
        if let Some(from) = from.strip_prefix('^') {
            return self.opens && self.capital && self.suits(from, to);
        }
        // A capital within a sentence marks a name: May, Will, Great Britain.
        if self.capital && !self.opens && !from.starts_with('I') {
            return false;
        }
        // "very easy" for "easy".
        if to.ends_with(from) && !from.contains(' ') {
            return self.is_gradable();
        }
        let known = self.as_verb(from).or_else(|| self.as_adjective(from, to));
        known.or_else(|| self.as_other(from)).unwrap_or(true)
    }

    /// Whether an adjective stands between a verb or an article and the rest.
    fn is_gradable(&self) -> bool {
        GRADABLE.contains(&self.before.as_str())
            && !among(&self.next, "enough as deal many number luck morning night")
    }

    fn as_verb(&self, from: &str) -> Option<bool> {
        let (before, next) = (self.before.as_str(), self.next.as_str());
        let follows = !next.is_empty()
            && !PRONOUNS.contains(&next)
            && !among(next, "not of a an the opener have");
        let determined = DETERMINERS.contains(&before);
        Some(match from {
            "can" | "may" | "might" => {
                let month = among(before, "in since until by last next") || before.is_empty();
                follows
                    && !determined
                    && !month
                    && next != "able"
                    && !self.rest.starts_with(" be able")
            }
            "you can" | "it can" | "they can" => follows,
            "must" | "should" => follows && !determined && !self.opens,
            "need to" | "have to" => {
                among(before, "you we they people")
                    && !among(&self.earlier, "do did if when that don't may all")
            }
            "is going to" | "are going to" => {
                next == "be" || (follows && !STOP_WORDS.contains(&next))
            }
            "helps" | "improves" | "reduces" | "helps to" | "helps you" => {
                let adverb = before.ends_with("ly") || among(before, "and also always often or");
                let sentence = self.rest.split(['.', ';', '\n']).next().unwrap_or_default();
                !adverb && !before.is_empty() && !sentence.contains(" and ")
            }
            _ => return None,
        })
    }

    fn as_adjective(&self, from: &str, to: &str) -> Option<bool> {
        let (before, next) = (self.before.as_str(), self.next.as_str());
        Some(match from {
            "essential" | "vital" => {
                let fixed = among(next, "oil oils worker workers amino sign signs organ organs");
                let graded = to == "indispensable" && among(next, "to that");
                !(fixed || graded || next.is_empty() || before == "the")
            }
            "important" => !among(before, "most more less the"),
            "beneficial" | "in addition" => next != "to",
            "great" | "good" | "nice" | "excellent" | "wonderful" | "delicious" | "fantastic"
            | "amazing" => {
                let fixed = among(next, "deal many number luck morning night evening bit day job")
                    || among(before, "for no not as so too how do the more most");
                !fixed && (!among(from, "good great nice") || GRADABLE.contains(&before))
            }
            "easy" | "simple" | "special" | "clever" | "interesting" | "beautiful" | "lovely" => {
                self.is_gradable()
            }
            "the ideal" | "the perfect" => !next.is_empty() && !STOP_WORDS.contains(&next),
            _ => return None,
        })
    }

    fn as_other(&self, from: &str) -> Option<bool> {
        let (before, next) = (self.before.as_str(), self.next.as_str());
        let negated = before == "not" || before.ends_with("n't");
        Some(match from {
            "a lot of" | "lots of" | "a variety of" | "a number of" | "a wide range of" => {
                !among(before, "such quite") && self.plural_follows()
            }
            "several" | "numerous" | "various" | "countless" => {
                before != "a" && self.plural_follows()
            }
            "many" => {
                !among(before, "how so too as not that a very great good") && self.plural_follows()
            }
            "very" | "extremely" => {
                !among(before, "the this that not")
                    && !next.is_empty()
                    && !among(next, "much few little first last same own best well")
            }
            "really" => !negated && !next.is_empty(),
            "always" => !negated && !among(before, "as almost nearly for"),
            "truly" => before != "yours",
            "constantly" => among(before, "is are was were be"),
            "because" => {
                next != "of" && !before.is_empty() && !among(before, "is are was only just simply")
            }
            "due to" => next != "be" && !before.is_empty(),
            "however" => self.rest.starts_with(','),
            "individuals" | "people" | "humans" => {
                !among(before, "the all of") && self.earlier != "the"
            }
            "about" => {
                next.starts_with(|c: char| c.is_ascii_digit())
                    || NUMERALS.iter().skip(2).any(|numeral| *numeral == next)
            }
            "chance" => before == "a" && next == "to",
            _ => return None,
        })
    }

    /// Whether a plural follows, at most one adjective away, without a verb for a singular after it.
    fn plural_follows(&self) -> bool {
        let plural = |word: &str| {
            among(word, "people children men women")
                || (word.len() >= 4
                    && word.ends_with('s')
                    && !word.ends_with("ss")
                    && !STOP_WORDS.contains(&word)
                    && !among(word, "news mathematics physics politics economics times"))
        };
        let singular = |word: &str| among(word, "is was has");
        (plural(&self.next) && !singular(&self.second))
            || (ADJECTIVES.contains(&self.next.as_str()) && plural(&self.second))
    }
}

/// Whether a word is one of a list.
fn among(word: &str, list: &str) -> bool {
    list.split(' ').any(|other| other == word)
}
