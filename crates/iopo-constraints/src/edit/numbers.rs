//! Numbers in digits and in words.

use super::{capitalize, person::find_word, prose::is_english, swap::swapped};
use crate::{
    lexicon::{NUMERALS, STOP_WORDS},
    lines, text,
};

/// Writes a number of the text in digits: a numeral, or the number of list items that the introduction announces.
pub(crate) fn with_figure(response: &str) -> Option<String> {
    if !is_english(response) {
        return None;
    }
    let numeral = |word: &str| NUMERALS.iter().skip(2).position(|numeral| *numeral == word);
    // "One" is rarely a number, and a numeral next to another word for a number is part of one.
    let words: Vec<(usize, &str)> = text::bare_words(response).collect();
    let found = words.iter().enumerate().find_map(|(at, (start, word))| {
        let value = numeral(word)? + 2;
        let end = start + word.len();
        let next = words.get(at + 1).map_or("", |(_, word)| *word);
        let before = at.checked_sub(1).map_or("", |at| words[at].1);
        let number = |word: &str| numeral(word).is_some() || PARTS.contains(&word);
        let touched = response[..*start].ends_with('-') || response[end..].starts_with('-');
        (!touched && !number(next) && !number(before)).then_some((*start, end, value))
    });
    if let Some((start, end, value)) = found {
        return Some(format!("{}{value}{}", &response[..start], &response[end..]));
    }
    let items = lines::filled(response).filter(|line| lines::item(line).is_some()).count();
    let intro = lines::filled(response).next().filter(|line| lines::item(line).is_none())?;
    let some = ["some", "several", "a few", "many", "a number of", "a couple of"];
    if items >= 2 {
        let announced =
            some.into_iter().find_map(|some| Some((find_word(intro, some)?, some.len())));
        if let Some((at, length)) = announced {
            return Some(response.replacen(
                intro,
                &swapped(intro, at, length, &items.to_string()),
                1,
            ));
        }
        let these = find_word(intro, "these").map(|at| at + "these".len());
        let these = these.filter(|end| {
            let next = text::keys(&intro[*end..]).next().unwrap_or_default();
            intro[*end..].starts_with(' ')
                && next.ends_with('s')
                && !STOP_WORDS.contains(&next.as_str())
        });
        return these.map(|end| {
            response.replacen(intro, &format!("{} {items}{}", &intro[..end], &intro[end..]), 1)
        });
    }
    None
}

/// Words next to a numeral that is no number of its own.
const PARTS: &[&str] = &["of", "or", "to", "and", "hundred", "thousand", "million", "half", "by"];

/// Writes whole numbers below a thousand in words. `None` if a number is part of a code, an amount, a range, a date, a
/// time or a telephone number.
pub(crate) fn without_figures(response: &str) -> Option<String> {
    const MONTHS: &[&str] = &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
        "dec",
    ];
    let mut edited = String::with_capacity(response.len());
    let mut at = 0;
    while let Some(length) = response[at..].find(|c: char| c.is_ascii_digit()) {
        let start = at + length;
        let digits = response[start..].bytes().take_while(u8::is_ascii_digit).count();
        let (before, rest) = (&response[..start], &response[start + digits..]);
        let percent = rest.strip_prefix('%');
        let after = percent.unwrap_or(rest);
        let touches = |c: char| c.is_alphanumeric() || "-–—'’:/\\$€£#@°+*=_<>[]{}%.,".contains(c);
        let ends = after.is_empty()
            || after.starts_with([' ', '\n', '!', '?', ';', '"', '”'])
            || after
                .strip_prefix(['.', ',', ':', ')'])
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\n', '"', '”']));
        let near = |text: &str, back: bool| {
            let line = if back { text.rsplit('\n').next() } else { text.split('\n').next() };
            let mut keys = text::keys(line.unwrap_or_default());
            if back { keys.last() } else { keys.next() }.unwrap_or_default()
        };
        let (word, next) = (near(before, true), near(after, false));
        let part = |word: &str| {
            MONTHS.contains(&word)
                || matches!(word, "am" | "pm" | "a.m" | "p.m" | "o'clock" | "ad" | "bc" | "x")
                || word.starts_with(|c: char| c.is_ascii_digit())
        };
        // A number after a name belongs to it: "Room 12".
        let last = before.trim_end_matches(' ').rsplit([' ', '\n', '"', '“', '(']).next();
        let opening = text::sentences(before)
            .last()
            .is_some_and(|range| text::word_count(&before[range.clone()]) == 1);
        let named = last.is_some_and(|last| last.starts_with(char::is_uppercase)) && !opening;
        if before.ends_with(touches) || !ends || part(&next) || part(&word) || named {
            return None;
        }
        let numeral = response[start..start + digits].parse().ok().and_then(spelled)?;
        edited.push_str(&response[at..start]);
        let opens = before.trim_end().is_empty()
            || before.trim_end().ends_with(['.', '!', '?'])
            || before.ends_with(['\n'])
            || before.ends_with("\n- ");
        edited.push_str(&if opens { capitalize(&numeral) } else { numeral });
        edited.push_str(if percent.is_some() { " percent" } else { "" });
        at = response.len() - after.len();
    }
    edited.push_str(&response[at..]);
    Some(edited)
}

/// A number below a thousand in words.
fn spelled(n: usize) -> Option<String> {
    const TENS: &[&str] =
        &["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];
    let below_hundred = |n: usize| match (NUMERALS.get(n), n % 10) {
        (Some(numeral), _) => Some((*numeral).to_owned()),
        (None, 0) => TENS.get(n / 10 - 2).map(|ten| (*ten).to_owned()),
        (None, one) => Some(format!("{}-{}", TENS.get(n / 10 - 2)?, NUMERALS.get(one)?)),
    };
    match n {
        0..100 => below_hundred(n),
        100..1000 if n.is_multiple_of(100) => Some(format!("{} hundred", NUMERALS.get(n / 100)?)),
        100..1000 => {
            Some(format!("{} hundred and {}", NUMERALS.get(n / 100)?, below_hundred(n % 100)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_change_between_digits_and_words() {
        assert_eq!(with_figure("Take three cups of two.").as_deref(), Some("Take 3 cups of two."));
        assert_eq!(
            with_figure("Here are some drinks:\n- tea\n- milk").as_deref(),
            Some("Here are 2 drinks:\n- tea\n- milk")
        );
        assert_eq!(with_figure("Tea is hot."), None);
        for none in [
            "It is one of the best.",
            "No one likes one another.",
            "Take one or two cups.",
            "It has thirty-two.",
        ] {
            assert_eq!(with_figure(none), None, "{none}");
        }
        assert_eq!(
            without_figures("In all, 40% took 2 of 150 cups.").as_deref(),
            Some("In all, forty percent took two of one hundred and fifty cups.")
        );
        for none in [
            "It costs $5.",
            "Be here at 7:30.",
            "Call 555-1234.",
            "Call 555 1234.",
            "COVID-19 came.",
            "Take 2-3 cups.",
            "It was in 2019.",
            "Come at 7 pm on May 5.",
            "Run 5km.",
            "I like Bones 2 very much.",
            "It is 2.5 cups.",
            "It is 1,000 cups.",
        ] {
            assert_eq!(without_figures(none), None, "{none}");
        }
        assert_eq!(
            without_figures("3 cups. 24 pots.").as_deref(),
            Some("Three cups. Twenty-four pots.")
        );
    }
}
