//! The part-of-speech tag of the first word of a text.
//!
//! The weights of the averaged perceptron have no license, so the crate does not contain them. `cargo xtask tagger` writes
//! a table of the weights that are needed for a first word.

use std::{collections::HashMap, sync::Arc};

use super::text::is_digit;
use crate::ifeval::{InstructionError, python::lower};

/// The name of the table in errors.
pub(super) const TABLE: &str = "the table of the part-of-speech tagger";

/// The first line of a table.
const HEADER: &str = "iopo-tagger 1";

/// The table of a part-of-speech tagger. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct Tagger {
    table: Arc<Table>,
}

#[derive(Debug)]
struct Table {
    classes: Vec<String>,
    /// The class of each unambiguous word.
    words: HashMap<String, usize>,
    /// The weights of a feature in thousandths, by class.
    features: HashMap<String, Vec<(usize, i32)>>,
}

impl Tagger {
    /// Reads a table: a header, the classes, one line for each known word, an empty line, and one line for each
    /// feature. Tabs separate the fields of a line.
    ///
    /// # Errors
    /// Returns [`InstructionError::BadTable`] for the first line that is not in this format.
    pub fn parse(text: &str) -> Result<Self, InstructionError> {
        let bad = |at: usize, reason: &str| InstructionError::BadTable {
            table: TABLE,
            line: at + 1,
            reason: reason.to_owned(),
        };
        let mut lines = text.split_terminator('\n').enumerate();
        if lines.next().map(|(_, line)| line) != Some(HEADER) {
            return Err(bad(0, "expected `iopo-tagger 1`"));
        }
        let classes = lines.next().map_or("", |(_, line)| line);
        let classes: Vec<String> = classes.split('\t').map(str::to_owned).collect();
        if classes.len() < 2 {
            return Err(bad(1, "expected classes separated by tabs"));
        }
        let class = |field: &str| field.parse().ok().filter(|&class: &usize| class < classes.len());
        let mut words = HashMap::new();
        for (at, line) in lines.by_ref().take_while(|(_, line)| !line.is_empty()) {
            let word = line.split_once('\t').and_then(|(word, tag)| Some((word, class(tag)?)));
            let (word, tag) = word.ok_or_else(|| bad(at, "expected a word and its class"))?;
            words.insert(word.to_owned(), tag);
        }
        let weight = |field: &str| {
            let (tag, weight) = field.split_once(':')?;
            Some((class(tag)?, weight.parse::<i32>().ok().filter(|w| w.abs() < 100_000_000)?))
        };
        let mut features = HashMap::new();
        for (at, line) in lines {
            let mut fields = line.split('\t');
            let name = fields.next().unwrap_or_default();
            let weights: Option<Vec<_>> = fields.map(weight).collect();
            let weights = weights.filter(|weights| !weights.is_empty());
            let weights = weights.ok_or_else(|| bad(at, "expected a feature and its weights"))?;
            features.insert(name.to_owned(), weights);
        }
        if words.is_empty() || features.is_empty() {
            return Err(bad(2, "expected words and features"));
        }
        Ok(Self { table: Arc::new(Table { classes, words, features }) })
    }

    /// The tag of the first token of a text, which depends on up to two tokens after it. `None` if there is no token.
    pub fn first_tag(&self, tokens: &[String]) -> Option<&str> {
        let table = &*self.table;
        let first = tokens.first()?;
        if let Some(&class) = table.words.get(first) {
            return table.classes.get(class).map(String::as_str);
        }
        let mut sums = vec![0_i64; table.classes.len()];
        for feature in features(first, tokens.get(1), tokens.get(2)) {
            for &(class, weight) in table.features.get(&feature).into_iter().flatten() {
                sums[class] += i64::from(weight);
            }
        }
        let scored = sums.iter().zip(&table.classes);
        scored.max().map(|(_, class)| class.as_str())
    }

    /// Whether the first token of a text is tagged as a verb.
    pub(super) fn starts_with_verb(&self, tokens: &[String]) -> bool {
        self.first_tag(tokens).is_some_and(|tag| tag.contains("VB"))
    }
}

/// The features of a first token. As in training, the padding before it has different names as a word and as a tag.
fn features(first: &str, second: Option<&String>, third: Option<&String>) -> [String; 14] {
    let word = normal(first);
    let ends = if second.is_some() { ["", "-END-"] } else { ["-END-", "-END2-"] };
    let next = second.map_or_else(|| ends[0].to_owned(), |token| normal(token));
    let after = third.map_or_else(|| ends[1].to_owned(), |token| normal(token));
    let start = first.chars().next().map(String::from).unwrap_or_default();
    [
        "bias".to_owned(),
        format!("i suffix {}", suffix(first)),
        format!("i pref1 {start}"),
        "i-1 tag -START-".to_owned(),
        "i-2 tag -START2-".to_owned(),
        "i tag+i-2 tag -START- -START2-".to_owned(),
        format!("i word {word}"),
        format!("i-1 tag+i word -START- {word}"),
        "i-1 word -START2-".to_owned(),
        "i-1 suffix T2-".to_owned(),
        "i-2 word -START-".to_owned(),
        format!("i+1 word {next}"),
        format!("i+1 suffix {}", suffix(&next)),
        format!("i+2 word {after}"),
    ]
}

/// The last three characters.
fn suffix(word: &str) -> &str {
    word.char_indices().rev().nth(2).map_or(word, |(at, _)| &word[at..])
}

/// The form of a word in features: compounds and numbers by their class, other words in lower case.
fn normal(word: &str) -> String {
    if word.contains('-') && !word.starts_with('-') {
        "!HYPHEN".to_owned()
    } else if word.chars().all(is_digit) && word.chars().count() == 4 {
        "!YEAR".to_owned()
    } else if word.starts_with(is_digit) {
        "!DIGITS".to_owned()
    } else {
        lower(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "iopo-tagger 1\nNN\tVB\nthe\t0\nBrew\t1\n\ni word brew\t1:1500\n\
                         i+1 word -END-\t0:1600\ni suffix rew\t1:-20\nbias\t0:10\t1:20\n";

    fn tag(tagger: &Tagger, text: &str) -> Option<String> {
        let tokens: Vec<String> = text.split(' ').map(str::to_owned).collect();
        tagger.first_tag(&tokens).map(str::to_owned)
    }

    #[test]
    fn known_words_have_one_tag_and_others_the_best_sum() {
        let tagger = Tagger::parse(SMALL).unwrap();
        for (text, expected) in
            [("the brew", "NN"), ("Brew", "VB"), ("brew", "NN"), ("brew tea", "VB"), ("x y", "VB")]
        {
            assert_eq!(tag(&tagger, text).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(tagger.first_tag(&[]), None);
    }

    #[test]
    fn damaged_tables_are_errors_with_the_line() {
        for (from, to, line) in [
            ("iopo-tagger 1", "iopo-tagger 2", 1),
            ("NN\tVB", "NN", 2),
            ("the\t0", "the\t2", 3),
            ("1:1500", "1:x", 6),
            ("bias\t0:10\t1:20", "bias", 9),
        ] {
            let error = Tagger::parse(&SMALL.replace(from, to)).unwrap_err();
            assert!(error.to_string().starts_with(&format!("line {line} of")), "{error}");
        }
        assert!(Tagger::parse("").is_err() && Tagger::parse("iopo-tagger 1\nNN\tVB\n").is_err());
    }

    #[test]
    fn compounds_and_numbers_are_normalized() {
        for (word, expected) in [
            ("Well-known", "!HYPHEN"),
            ("-x", "-x"),
            ("2020", "!YEAR"),
            ("3rd", "!DIGITS"),
            ("Tea", "tea"),
        ] {
            assert_eq!(normal(word), expected);
        }
        assert_eq!((suffix("ab"), suffix("tea"), suffix("très")), ("ab", "tea", "rès"));
    }
}
