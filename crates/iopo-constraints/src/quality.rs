//! Signs that a response satisfies its constraints without answering: echoes, loops and thin responses.
//!
//! Texts are compared by words. A character of Chinese or Japanese counts as five eighths of a word, because a text takes
//! about 1.6 times as many characters in Chinese as words in English. A run of five words is therefore a run of eight
//! such characters.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Constraint, measure::Measure, text};

/// Thresholds below which a response that satisfies its constraints counts as an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "settings", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct QualityConfig {
    /// Counts a response as an echo if it repeats this many words of a constraint's sentence in a row. Default: 5. Range: 2 to
    /// 10000.
    #[cfg_attr(feature = "settings", schemars(range(min = 2, max = 10_000)))]
    pub echo_words: usize,
    /// Counts a response as a loop if a larger share of its 4-grams repeats. Default: 0.3. Range: 0 to 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0, max = 1.0)))]
    pub max_repetition: f64,
    /// Counts a response as thin if it has fewer words and no constraint asks for fewer. Default: 12. Range: 0
    /// to 10000.
    #[cfg_attr(feature = "settings", schemars(range(max = 10_000)))]
    pub min_words: usize,
    /// Counts a response of fewer than 40 words as thin if a smaller share of its words is distinct. Default: 0.35. Range: 0
    /// to 1.
    #[cfg_attr(feature = "settings", schemars(range(min = 0.0, max = 1.0)))]
    pub min_distinct: f64,
    /// Counts a response as off its task if it is not this much likelier given its own task than given another one, under the
    /// base model; in nats per token. Default: 0. Range: -1000 to 1000.
    #[cfg_attr(feature = "settings", schemars(range(min = -1000.0, max = 1000.0)))]
    pub min_relevance: f64,
}

impl Default for QualityConfig {
    fn default() -> Self {
        Self {
            echo_words: 5,
            max_repetition: 0.3,
            min_words: 12,
            min_distinct: 0.35,
            min_relevance: 0.0,
        }
    }
}

impl QualityConfig {
    /// Whether a response echoes a constraint's sentence. `asked` has each constraint with its sentence in the prompt.
    pub fn is_echo<'a>(
        &self,
        response: &str,
        asked: impl IntoIterator<Item = (&'a Constraint, &'a str)>,
    ) -> bool {
        let mut asked = asked.into_iter();
        asked.any(|(constraint, sentence)| echoes(response, sentence, constraint, self.echo_words))
    }

    /// Whether a response repeats itself.
    pub fn is_loop(&self, response: &str) -> bool {
        repetition(response) > self.max_repetition
    }

    /// Whether a response says little: it is short although no constraint asks for that, or has hardly any distinct words.
    pub fn is_thin<'a>(
        &self,
        response: &str,
        constraints: impl IntoIterator<Item = &'a Constraint>,
    ) -> bool {
        let (words, distinct) = distinct_words(response);
        (words < FEW_WORDS && distinct < self.min_distinct)
            || is_short(response, constraints, self.min_words)
    }
}

/// Responses of fewer words are thin if they have hardly any distinct words. In longer ones, words repeat naturally.
const FEW_WORDS: f64 = 40.0;

/// Length of a word. All lengths in this file are multiples of an eighth of a word.
const WORD: usize = 8;
/// Length of a Chinese or Japanese character.
const CHARACTER: usize = 5;

/// A word, or a character of a script without spaces.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Token {
    key: String,
    length: usize,
}

/// Whether a response repeats a run of `words` words of a constraint's sentence.
///
/// Phrases that the constraint asks for, such as a required ending, are part of a good response and do not count.
///
/// ```
/// use iopo_constraints::{Constraint, quality::echoes};
///
/// let constraint = Constraint::from_parts("max_words", r#"{"n":30}"#)?;
/// let sentence = "Keep the whole response below 31 words.";
/// assert!(echoes("1. Keep the whole response below 31 words. Tea is warm.", sentence, &constraint, 5));
/// assert!(!echoes("Keep the whole pot warm below a cloth.", sentence, &constraint, 5));
/// # Ok::<(), iopo_constraints::ConstraintError>(())
/// ```
pub fn echoes(response: &str, sentence: &str, constraint: &Constraint, words: usize) -> bool {
    let response = tokens(response);
    let said: BTreeSet<&[Token]> = runs(&response, words).collect();
    let mut parts = vec![text::fold(sentence)];
    for phrase in phrases(constraint) {
        parts = parts.iter().flat_map(|part| part.split(&phrase)).map(str::to_owned).collect();
    }
    parts.iter().any(|part| runs(&tokens(part), words).any(|run| said.contains(run)))
}

/// Returns the share of runs of four words that repeat an earlier run; 0 for texts of fewer than 12 words.
///
/// ```
/// use iopo_constraints::quality::repetition;
///
/// assert!(repetition(&"the cat sat down and ".repeat(12)) > 0.8);
/// assert_eq!(repetition("the cat sat down"), 0.0);
/// ```
pub fn repetition(response: &str) -> f64 {
    let tokens = tokens(response);
    if length(&tokens) < 12 * WORD {
        return 0.0;
    }
    let all: Vec<&[Token]> = runs(&tokens, 4).collect();
    let distinct: BTreeSet<&[Token]> = all.iter().copied().collect();
    1.0 - distinct.len() as f64 / all.len().max(1) as f64
}

/// Whether a response has fewer than `words` words although no constraint asks for fewer.
///
/// A constraint asks for fewer if it limits the words, or together with others the sentences and their length.
pub fn is_short<'a>(
    response: &str,
    constraints: impl IntoIterator<Item = &'a Constraint>,
    words: usize,
) -> bool {
    let (mut most, mut sentences, mut longest) = (usize::MAX, usize::MAX, usize::MAX);
    for bound in constraints.into_iter().flat_map(Constraint::bounds) {
        match bound.measure {
            Measure::Words => most = most.min(bound.high),
            Measure::Sentences => sentences = sentences.min(bound.high),
            Measure::LongestSentence => longest = longest.min(bound.high),
            _ => {}
        }
    }
    let asked = most.min(sentences.saturating_mul(longest));
    asked >= words && length(&tokens(response)) < words * WORD
}

/// Returns the number of words, and distinct words over words; 1 for a text without words.
pub fn distinct_words(response: &str) -> (f64, f64) {
    let tokens = tokens(response);
    let distinct: BTreeSet<&Token> = tokens.iter().collect();
    let share = distinct.len() as f64 / tokens.len() as f64;
    (length(&tokens) as f64 / WORD as f64, if tokens.is_empty() { 1.0 } else { share })
}

/// Returns the phrases of several words that a constraint has as parameters, in lower case, longest first.
fn phrases(constraint: &Constraint) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(phrase) if tokens(phrase).len() > 1 => {
                found.push(text::fold(phrase.trim()));
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, found)),
            Value::Object(fields) => fields.values().for_each(|value| collect(value, found)),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = Vec::new();
    collect(&Value::Object(constraint.family().params()), &mut found);
    found.sort_by_key(|phrase| std::cmp::Reverse(phrase.len()));
    found
}

/// Splits a text into tokens in lower case.
fn tokens(text: &str) -> Vec<Token> {
    let token = |(_, word): (usize, &str)| {
        let mut characters = word.chars();
        let alone = characters.next().is_some_and(is_character) && characters.next().is_none();
        Token { key: text::key(word), length: if alone { CHARACTER } else { WORD } }
    };
    text::bare_words(text).map(token).collect()
}

/// Whether a character is Han, Hiragana or Katakana.
fn is_character(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

fn length(tokens: &[Token]) -> usize {
    tokens.iter().map(|token| token.length).sum()
}

/// Returns the run of at least `words` words from each token on, where the text is long enough.
fn runs(tokens: &[Token], words: usize) -> impl Iterator<Item = &[Token]> {
    let (wanted, mut end, mut sum) = (words.max(1) * WORD, 0, 0);
    (0..tokens.len()).map_while(move |start| {
        while sum < wanted {
            sum += tokens.get(end)?.length;
            end += 1;
        }
        sum -= tokens[start].length;
        Some(&tokens[start..end])
    })
}

#[cfg(test)]
mod tests {
    use super::{distinct_words, echoes, is_short, repetition};
    use crate::Constraint;

    fn constraint(id: &str, params: &str) -> Constraint {
        Constraint::from_parts(id, params).expect("a constraint")
    }

    #[test]
    fn five_words_of_the_sentence_are_an_echo_and_four_are_not() {
        let limit = constraint("max_words", r#"{"n":30}"#);
        let sentence = "Keep the whole response below 31 words.";
        assert!(echoes("Sure! I'll keep The Whole response, below that.", sentence, &limit, 5));
        assert!(!echoes("The whole response below is short.", sentence, &limit, 5));
        assert!(!echoes("", sentence, &limit, 5));
        // Across the end of the sentence there is no run.
        assert!(!echoes("below 31 words keep the whole", sentence, &limit, 5));
    }

    #[test]
    fn a_required_phrase_is_no_echo_but_the_words_around_it_are() {
        let phrase = "Is there anything else I can help with";
        let ending = constraint("ends_with", &format!(r#"{{"phrase":"{phrase}"}}"#));
        let sentence = format!("Finish your response with the exact words \"{phrase}\" and stop.");
        assert!(!echoes(&format!("Tea is warm. {phrase}"), &sentence, &ending, 5));
        assert!(echoes("I finish your response with the exact words.", &sentence, &ending, 5));
    }

    #[test]
    fn chinese_echoes_take_eight_characters() {
        let limit = constraint("max_words", r#"{"n":30}"#);
        let sentence = "请把整个回答控制在五十个字以内。";
        assert!(echoes("好的，我会把整个回答控制在五十个字。", sentence, &limit, 5));
        assert!(!echoes("整个回答控制在这里。", sentence, &limit, 5), "seven characters");
    }

    #[test]
    fn loops_repeat_and_lists_with_the_same_start_do_not() {
        assert!(repetition(&"I am a helpful assistant. ".repeat(6)) > 0.5);
        assert!(repetition(&"我是一个很有帮助的助手。".repeat(6)) > 0.5);
        let list = "- Use a kettle for the water.\n- Use a pot for the leaves.\n- Use a cup for the tea.\n\
                    - Use a spoon for the sugar.";
        assert!(repetition(list) < 0.3, "{}", repetition(list));
        let chinese =
            "先把水烧开，再把茶叶放进茶壶里，然后倒入热水，等三分钟，最后把茶倒进杯子，慢慢喝。";
        assert!(repetition(chinese) < 0.1, "{}", repetition(chinese));
        assert!(repetition("no no no no no no no no no no no").abs() < 1e-12, "too short to tell");
    }

    #[test]
    fn a_short_response_is_good_where_it_was_asked_for() {
        let eight = [constraint("max_words", r#"{"n":8}"#)];
        let thirty = [constraint("max_words", r#"{"n":30}"#)];
        let other = [constraint("no_questions", "{}")];
        assert!(is_short("Tea is warm.", &other, 12));
        assert!(is_short("Tea is warm.", &thirty, 12));
        assert!(!is_short("Tea is warm.", &eight, 12));
        assert!(is_short("茶是热的，很好喝。", &other, 12));
        assert!(!is_short("茶是一种温热的饮料，很多人每天早上都会喝上一杯。", &other, 12));
        let twelve = "Tea is a warm drink that many people like in the morning.";
        assert!(!is_short(twelve, &other, 12));
        let both = [constraint("max_sentences", r#"{"n":1}"#), other[0].clone()];
        assert!(is_short("Tea is warm.", &both, 12), "one sentence may have many words");
    }

    #[test]
    fn distinct_words_reveal_filler() {
        let (words, share) = distinct_words("[name] [name] [name] [name] [name]");
        assert!((words - 5.0).abs() < 1e-12 && (share - 0.2).abs() < 1e-12);
        let (words, share) = distinct_words("茶茶茶茶茶茶茶茶");
        assert!((words - 5.0).abs() < 1e-12 && (share - 0.125).abs() < 1e-12);
        assert!((distinct_words("Tea is warm.").1 - 1.0).abs() < 1e-12);
        assert!((distinct_words("…").1 - 1.0).abs() < 1e-12);
    }
}
