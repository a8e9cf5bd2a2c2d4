//! Checks of complete tasks that occur once in the benchmark.

use super::super::{
    lists::CAPITALS,
    text::{first_lower, length, numbers, sentences, trim_edges, without_marks},
    unicode::{digit, to_ascii},
};
use crate::ifeval::python::{is_decimal, is_space, is_word, lower, split, strip};

/// Whether the numbers are the multiples of 7 from 14 to 49.
pub(in super::super) fn multiples(text: &str) -> bool {
    numbers(text).eq(["14", "21", "28", "35", "42", "49"])
}

/// Whether there are four questions with five options each, each question longer than the one before.
pub(in super::super) fn multiple_choice(text: &str) -> bool {
    if !text.starts_with("Question") {
        return false;
    }
    let parts = questions(text).into_iter().map(strip).filter(|part| !part.is_empty());
    let mut longest = None;
    let mut count = 0;
    parts.take(5).all(|part| {
        count += 1;
        let (length, options) = question(part);
        let before = longest.replace(length);
        options == 5 && before.is_none_or(|before| length > before)
    }) && count == 4
}

/// The texts between headings such as `Question 2:`.
fn questions(text: &str) -> Vec<&str> {
    const HEADING: &str = "Question ";
    let mut parts = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(at) = text[from..].find(HEADING).map(|at| from + at) {
        from = at + HEADING.len();
        let number = &text[from..];
        let rest = number.trim_start_matches(is_decimal);
        if rest.len() < number.len() {
            parts.push(text[start..at].trim_end_matches('\n'));
            let rest = rest.strip_prefix(['.', '|', ')', ':', ';']).unwrap_or(rest);
            start = text.len() - rest.trim_start_matches(is_space).len();
            from = start;
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The length of a question and the number of its options.
fn question(part: &str) -> (usize, usize) {
    let (mut said, mut options) = (String::new(), 0);
    for line in part.split('\n').map(strip) {
        if is_choice(line) {
            options += 1;
        } else if options == 0 {
            said.push(' ');
            said.push_str(line);
        }
    }
    (length(strip(&said)), options)
}

/// Whether a line starts with a letter from A to E, a mark and a word.
fn is_choice(line: &str) -> bool {
    let letter = line.strip_prefix(|c: char| matches!(c, 'A'..='E' | 'a'..='e'));
    let text = letter.and_then(|rest| rest.strip_prefix(['.', '|', ')']));
    text.is_some_and(|text| text.trim_start_matches(is_space).starts_with(is_word))
}

/// Whether at least 52 lines from the one with Zimbabwe on are in descending order.
pub(super) fn countries_descend(text: &str) -> bool {
    let lines = text.split('\n').map(trim_edges).filter(|line| !line.is_empty());
    let list: Vec<String> =
        lines.skip_while(|line| !line.contains("Zimbabwe")).map(to_ascii).collect();
    list.len() >= 52 && list.is_sorted_by(|one, next| one >= next)
}

/// Whether the words in reverse order contain "bald eagle".
pub(in super::super) fn reversed_words(text: &str) -> bool {
    let text = without_marks(strip(&lower(text)));
    let mut words: Vec<&str> = split(&text).collect();
    words.reverse();
    words.join(" ").contains("bald eagle")
}

/// Whether "bald eagle" occurs spelled backwards.
pub(in super::super) fn reversed_letters(text: &str) -> bool {
    lower(text).contains("elgae dlab")
}

/// Whether 26 sentences start with the letters of the alphabet.
pub(super) fn sentences_spell_alphabet(text: &str) -> bool {
    let found = sentences(text);
    found.len() == 26
        && found.map(|sentence| first_lower(strip(sentence))).eq(('a'..='z').map(Some))
}

/// Whether a comma-separated list names the published capitals in order.
pub(super) fn capitals(text: &str) -> bool {
    let text = to_ascii(text);
    text.split(',').map(strip).filter(|part| !part.is_empty()).eq(CAPITALS)
}

/// Whether a comma-separated list contains dates from 1769 to 1821.
pub(super) fn dates(text: &str) -> bool {
    strip(text).split(',').all(|part| date(strip(part)).is_some_and(is_plausible))
}

/// The year, month and day of a date such as 1800-12-31, in digits of any script.
pub(in super::super) fn date(text: &str) -> Option<[u32; 3]> {
    let mut parts = text.split('-');
    let mut number = |digits: usize| {
        let part = parts.next().filter(|part| length(part) == digits)?;
        part.chars().try_fold(0, |sum, c| Some(sum * 10 + digit(c)?))
    };
    let found = [number(4)?, number(2)?, number(2)?];
    parts.next().is_none().then_some(found)
}

/// Whether a date is within the years and no day is too high for its month. Months and days may be 0.
fn is_plausible([year, month, day]: [u32; 3]) -> bool {
    let most = match month {
        0 => u32::MAX,
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1769..=1821).contains(&year) && month <= 12 && day <= most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_are_split_at_numbered_headings() {
        let five = "A) x\nb. y\nC| z\nD)v\n(E) no\nE) w";
        let text = |lengths: [usize; 4]| {
            let parts = lengths.map(|length| format!("Question 1: {}\n{five}", "q".repeat(length)));
            parts.join("\n\n")
        };
        assert!(multiple_choice(&text([1, 2, 3, 5])));
        assert!(!multiple_choice(&text([1, 2, 2, 5])) && !multiple_choice(&text([2, 1, 3, 4])));
        assert!(!multiple_choice(&format!(" {}", text([1, 2, 3, 5]))));
        assert_eq!(
            questions(
                "Question 1. a

Question x Question 2b"
            ),
            [
                "",
                "a

Question x ",
                "b"
            ]
        );
    }

    #[test]
    fn words_and_letters_are_reversed() {
        assert!(reversed_words("Far fly eagles, bald!") && !reversed_words("The bald eagle"));
        assert!(reversed_letters("x ELGAE DLAB y") && multiples("14, 21,28 35; 42 (49)"));
        assert!(!multiples("7: 14 21 28 35 42 49"));
    }

    #[test]
    fn dates_may_have_the_month_0() {
        assert!(dates(" 1800-00-99, 1801-02-29,1769-12-31") && dates("١٨٠٠-01-01"));
        for text in
            ["1768-01-01", "1800-04-31", "1800-13-01", "1800-1-1", "1800-01-01,", "1800-01-01-"]
        {
            assert!(!dates(text), "{text}");
        }
    }

    #[test]
    fn sorted_lists_are_exact() {
        let list = CAPITALS.join(", ");
        assert!(capitals(&list) && capitals(&list.replace('u', "ú")));
        assert!(!capitals(&format!("{list}.")));
        let lines = |count: usize| format!("Here:\n{}", "- Zimbabwe\n".repeat(count));
        assert!(countries_descend(&lines(52)) && !countries_descend(&lines(51)));
        assert!(!countries_descend(&format!("{}a", lines(52))));
    }
}
