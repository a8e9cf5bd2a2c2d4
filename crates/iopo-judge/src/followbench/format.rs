//! Rules about the format of an answer.

use regex::Regex;

use super::view::{View, is_word, without_numbers};
use crate::text::{is_decimal, is_space, words};
use crate::{Language, Mode, Unjudged};

/// Whether a whole answer fits a template, where `{answer}` stands for a line or a part of one.
pub(super) fn example(target: &str, answer: &str) -> Result<bool, Unjudged> {
    let plain = target.replace("{instruction}\n", "").replace("{{", "{").replace("}}", "}");
    let parts: Vec<String> = plain.split("{answer}").map(regex::escape).collect();
    let pattern = format!(r"\A{}\z", parts.join(".*"));
    let regex = Regex::new(&pattern).map_err(|_| Unjudged::ReferenceRaises)?;
    Ok(regex.is_match(answer))
}

/// The conditions of group 22: three long points of one or two sentences, then numbers, then a closing line.
///
/// `paper` requires more than 20 words in every piece, so the number of a point makes an English answer fail. `repaired`
/// removes numbers before it counts, and accepts a short closing line without a number.
pub(super) fn group_22(view: View<'_>, level: usize) -> Vec<bool> {
    let closing = match view.language {
        Language::English => "Those are suggestions",
        Language::Chinese => "这些是建议",
    };
    let parts: Vec<&str> = view.text.split("\n\n").collect();
    let parts: Vec<&str> = match view.mode {
        Mode::Paper => parts,
        Mode::Repaired => parts.into_iter().filter(|part| !part.trim().is_empty()).collect(),
    };
    let end = match view.mode {
        Mode::Paper => view.text,
        Mode::Repaired => view.text.trim_end_matches(['.', '。', '!', '！']),
    };
    let points = match view.mode {
        Mode::Paper => parts.as_slice(),
        Mode::Repaired => parts.get(..3).unwrap_or(&parts),
    };
    let texts: Vec<String> = points
        .iter()
        .map(|point| match view.mode {
            Mode::Paper => (*point).to_owned(),
            Mode::Repaired => without_numbers(point).into_owned(),
        })
        .collect();
    let short = |text: &String| view.part(text).pieces().len() < 3;
    let long = |text: &String| {
        let point = view.part(text);
        point.pieces().iter().all(|piece| point.piece_words(piece) > 20)
    };
    vec![
        parts.len() == if level == 5 { 4 } else { 3 },
        texts.iter().take(3).all(short),
        texts.iter().all(long),
        points.iter().all(|point| starts_with_number(view.mode, point)),
        end.ends_with(closing),
    ]
}

fn starts_with_number(mode: Mode, part: &str) -> bool {
    let part = match mode {
        Mode::Paper => part,
        Mode::Repaired => part.trim_start(),
    };
    let rest = part.trim_start_matches(is_decimal);
    rest.len() < part.len() && rest.starts_with('.')
}

/// The conditions of group 30: five points with bold keywords.
///
/// `paper` checks them in a different order than the instructions list them, and looks for words that end in "-ly".
/// `repaired` follows the instructions: bold text, points of one sentence, sentences of 10 to 15 words, no word that
/// ends in "ly", keywords first.
pub(super) fn group_30(view: View<'_>) -> Vec<bool> {
    match view.mode {
        Mode::Paper => {
            let sentences = sentences(view.text);
            let numbered =
                |sentence: &str| (1..=5).any(|number| sentence.contains(&format!("{number}.")));
            let count = |sentence: &str| words(sentence).count();
            vec![
                view.text.contains("**"),
                bold_numbers(view.text) == 5,
                sentences.iter().filter(|one| numbered(one)).all(|one| one.split('.').count() < 3),
                sentences.iter().all(|one| (10..=15).contains(&count(one))),
                !words(view.text).any(|word| word.ends_with("-ly")),
            ]
        }
        Mode::Repaired => {
            let is_point = |line: &&str| {
                let line = line.trim_start().trim_start_matches("**");
                line.starts_with(['-', '*', '•']) || line.starts_with(|c: char| c.is_ascii_digit())
            };
            let points: Vec<String> = view
                .text
                .lines()
                .filter(|line| is_point(line) || line.trim_start().starts_with("**"))
                .map(|line| without_numbers(line).trim_start_matches(['-', '•', ' ']).to_owned())
                .collect();
            let plain = without_numbers(view.text).replace("**", "");
            let whole = view.part(&plain);
            let ly = |word: &str| {
                let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
                word.len() > 2 && word.ends_with("ly")
            };
            let keyword = |point: &&String| {
                point
                    .strip_prefix("**")
                    .and_then(|rest| rest.split_once(':'))
                    .is_some_and(|(keyword, _)| !keyword.trim_end_matches('*').trim().is_empty())
            };
            vec![
                view.text.contains("**"),
                !points.is_empty()
                    && points.iter().all(|point| view.part(point).pieces().len() < 2),
                whole.pieces().iter().all(|piece| (10..=15).contains(&words(piece).count())),
                !words(&plain).any(ly),
                points.iter().filter(keyword).count() == 5,
            ]
        }
    }
}

/// The number of `**`, a digit, at least one character, then the next colon of the line.
fn bold_numbers(text: &str) -> usize {
    let count = |line: &str| {
        let mut rest = line;
        let mut count = 0;
        while let Some((_, after)) = rest.split_once("**") {
            let mut chars = after.chars();
            if !chars.next().is_some_and(is_decimal) {
                // The second asterisk can start a match.
                rest = &rest[rest.len() - after.len() - 1..];
                continue;
            }
            chars.next();
            // No other start matches in a line without a further colon.
            let Some((_, found)) = chars.as_str().split_once(':') else { break };
            count += 1;
            rest = found;
        }
        count
    };
    text.split('\n').map(count).sum()
}

/// Splits at white space after a period or a question mark, but not after abbreviations.
fn sentences(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut sentences = vec![String::new()];
    for (at, &c) in chars.iter().enumerate() {
        let before = &chars[..at];
        let splits = is_space(c)
            && matches!(before.last(), Some('.' | '?'))
            && !is_initial(before)
            && !is_abbreviation(before);
        if splits {
            sentences.push(String::new());
        } else if let Some(sentence) = sentences.last_mut() {
            sentence.push(c);
        }
    }
    sentences
}

/// A word character, a period, a word character and any character.
fn is_initial(before: &[char]) -> bool {
    matches!(before, [.., a, '.', b, _] if is_word(*a) && is_word(*b))
}

/// An upper-case letter, a lower-case letter and a period.
fn is_abbreviation(before: &[char]) -> bool {
    matches!(before, [.., a, b, '.'] if a.is_ascii_uppercase() && b.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(mode: Mode, text: &str) -> View<'_> {
        View { mode, language: Language::English, text }
    }

    #[test]
    fn sentences_end_before_white_space() {
        assert_eq!(sentences("A b. C? D! E"), ["A b.", "C?", "D! E"]);
        assert_eq!(sentences("Mr. A, i.e. b. C"), ["Mr. A, i.e. b.", "C"]);
        assert_eq!(bold_numbers("**1. a: **2:x **x**3 b: **4\n:"), 2);
    }

    #[test]
    fn repaired_group_30_follows_its_instructions() {
        let point = |number| {
            format!("{number}. **Growth:** it helps people in every town across the whole land")
        };
        let text: Vec<String> = (1..=5).map(point).collect();
        let text = text.join("\n");
        let all = |text: &str| group_30(view(Mode::Repaired, text));
        assert_eq!(all(&text.replace('\n', ".\n")), [true; 5]);
        assert!(!all(&text.replace("helps", "truly helps").replace('\n', ".\n"))[3]);
        assert!(!all(&text.replace("it helps", "Yes. It helps").replace('\n', ".\n"))[1]);
        assert!(all(&text.replace("every town", "town").replace('\n', ".\n"))[2]);
        assert!(!all(&text.replace("in every town across", "in").replace('\n', ".\n"))[2]);
        assert!(!all(&text.replace("3. **Growth:**", "3. Growth:").replace('\n', ".\n"))[4]);
    }

    #[test]
    fn repaired_group_22_can_be_met() {
        let long = "word ".repeat(21);
        let text = format!("1. {long}.\n\n2. {long}.\n\n3. {long}.\n\nThose are suggestions.");
        assert_eq!(group_22(view(Mode::Repaired, &text), 5), [true; 5]);
        assert_eq!(group_22(view(Mode::Paper, &text), 5), [true, true, false, false, false]);
        let three = format!("{long}.\n\n{long}. {long}. {long}.\n\nshort.");
        assert_eq!(group_22(view(Mode::Repaired, &three), 3), [true, false, false, false, false]);
    }

    #[test]
    fn an_answer_fits_its_template_as_a_whole() {
        let fits = |target, answer| example(target, answer).expect("a template");
        assert!(fits("{instruction}\n<a>{answer}</a>.+", "<a>x</a>.+"));
        assert!(!fits("{instruction}\n<a>{answer}</a>.+", "<a>x</a>bb"));
        assert!(!fits("{answer}!", "a\n!"));
    }
}
