//! Numbers in digits and in words.

use super::{capitalize, person::find_word, prose::is_english, replace_words, swap::swapped};
use crate::{lexicon::NUMERALS, lines, text};

/// Writes a number of the text in digits: a numeral, or the number of list items that the introduction announces.
pub(crate) fn with_figure(response: &str) -> Option<String> {
    if !is_english(response) {
        return None;
    }
    let mut done = false;
    let edited = replace_words(response, |word| {
        let value = NUMERALS.iter().skip(2).position(|numeral| *numeral == word)? + 2;
        let first = !std::mem::replace(&mut done, true);
        first.then(|| value.to_string())
    });
    if done {
        return Some(edited);
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
        return these.map(|end| {
            response.replacen(intro, &format!("{} {items}{}", &intro[..end], &intro[end..]), 1)
        });
    }
    let at = find_word(response, "one of the")?;
    Some(format!("{}1{}", &response[..at], &response[at + 3..]))
}

/// Writes whole numbers and years in words. Amounts, times, decimals and the numbers of list items stay.
pub(crate) fn without_figures(response: &str) -> String {
    let mut edited = String::with_capacity(response.len());
    let mut at = 0;
    for (start, word) in text::bare_words(response) {
        let (before, rest) = (&response[..start], &response[start + word.len()..]);
        let joined = before.ends_with(['$', '€', '£', '.', ':', '/', '#']) && before.len() > at
            || rest.starts_with([':', '/']) && rest[1..].starts_with(|c: char| c.is_ascii_digit());
        let Some(numeral) = word.parse().ok().filter(|_| !joined).and_then(spelled) else {
            continue;
        };
        edited.push_str(&response[at..start]);
        let opens = before.trim_end().is_empty() || before.trim_end().ends_with(['.', '!', '?']);
        edited.push_str(&if opens { capitalize(&numeral) } else { numeral });
        at = start + word.len();
        if let Some(after) = rest.strip_prefix('%') {
            edited.push_str(" percent");
            at = response.len() - after.len();
        } else if let Some(after) = rest.strip_prefix(['-', '–'])
            && after.starts_with(|c: char| c.is_ascii_digit())
        {
            edited.push_str(" to ");
            at = response.len() - after.len();
        }
    }
    edited.push_str(&response[at..]);
    edited
}

/// A number in words: up to 999, whole thousands up to twenty, and years.
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
        1000..=20_000 if n.is_multiple_of(1000) => {
            Some(format!("{} thousand", NUMERALS.get(n / 1000)?))
        }
        2001..2010 => Some(format!("two thousand and {}", NUMERALS.get(n % 100)?)),
        1100..2100 if n % 100 >= 10 => {
            Some(format!("{} {}", below_hundred(n / 100)?, below_hundred(n % 100)?))
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
        assert_eq!(
            without_figures("In 2019, 40% took 2-3 of 150 cups."),
            "In twenty nineteen, forty percent took two to three of one hundred and fifty cups."
        );
        assert_eq!(without_figures("It costs $5 at 7:30."), "It costs $5 at 7:30.");
        assert_eq!(without_figures("3 cups. 24 pots."), "Three cups. Twenty-four pots.");
    }
}
