//! Checks of complete tasks. Code fences, blank lines, the marks of list items and a final mark are ignored.

use super::super::{
    csv::{Dialect, Field, records},
    lists::{CAPITALS, CITY_COLUMNS, GRADE_COLUMNS, PRODUCT_COLUMNS},
    natural::{content, trim, unfenced},
    paper::custom,
    text::is_alphanumeric,
    unicode::to_ascii,
};
use crate::ifeval::python::{is_space, lower, strip};

/// The content without a final mark.
fn plain(text: &str) -> String {
    let text = content(text).collect::<Vec<_>>().join("\n");
    let text = strip(&text);
    strip(text.trim_end_matches(['.', '!', '。'])).to_owned()
}

/// Whether the numbers are the multiples, with or without the numbers of list items.
pub(super) fn multiples(text: &str) -> bool {
    custom::multiples(text) || custom::multiples(&plain(text))
}

pub(super) fn multiple_choice(text: &str) -> bool {
    custom::multiple_choice(&plain(text))
}

/// Whether the words in reverse order contain "bald eagle", and the words as written do not.
pub(super) fn reversed_words(text: &str) -> bool {
    custom::reversed_words(text) && !lower(text).contains("bald eagle")
}

/// Whether 54 lines from Zimbabwe to Algeria are in descending order.
pub(super) fn countries_descend(text: &str) -> bool {
    let mut list: Vec<String> = Vec::new();
    for line in content(text).map(trim).skip_while(|line| !line.starts_with("Zimbabwe")) {
        list.push(lower(&to_ascii(line)));
        if line.starts_with("Algeria") {
            return list.len() == 54 && list.is_sorted_by(|one, next| one >= next);
        }
    }
    false
}

/// Whether a comma-separated list names the capitals in order. Kyiv may stand between Brussels and Prague.
pub(super) fn capitals(text: &str) -> bool {
    let text = to_ascii(&plain(text));
    let mut found: Vec<&str> = text.split(',').map(strip).filter(|part| !part.is_empty()).collect();
    let prague = found.iter().position(|name| *name == "Prague");
    if let Some(at) = prague.filter(|at| *at > 0 && matches!(found[*at - 1], "Kyiv" | "Kiev")) {
        found.remove(at - 1);
    }
    found == CAPITALS
}

/// Whether a comma-separated list contains real dates from 1769 to 1821.
pub(super) fn dates(text: &str) -> bool {
    let text = plain(text);
    text.is_ascii() && text.split(',').all(|part| custom::date(strip(part)).is_some_and(is_real))
}

fn is_real([year, month, day]: [u32; 3]) -> bool {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let most = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1769..=1821).contains(&year) && (1..=most).contains(&day)
}

/// The records of a table with these columns, without blank ones and without the columns themselves.
fn table(text: &str, delimiter: char, columns: [&str; 5], count: usize) -> Option<Vec<Vec<Field>>> {
    let text = unfenced(text).collect::<Vec<_>>().join("\n");
    let dialect = Dialect { delimiter, skips_spaces: true, most: count + 2 };
    let mut found = records(&text, dialect).ok()?;
    let whole = found.len() == count + 1 && found.iter().all(|record| record.len() == 5);
    let names = found.first()?.iter().map(|field| strip(&field.text));
    if !whole || !names.eq(columns) {
        return None;
    }
    found.remove(0);
    Some(found)
}

/// Whether a text is a table of seven cities.
pub(super) fn cities(text: &str) -> bool {
    table(text, ',', CITY_COLUMNS, 7).is_some()
}

/// Whether a text is a table of 14 products with a special character in a quoted field.
pub(super) fn products(text: &str) -> bool {
    let special = |c| !is_alphanumeric(c) && !is_space(c);
    let quoted = |field: &Field| field.quoted && field.text.contains(special);
    table(text, ',', PRODUCT_COLUMNS, 14)
        .is_some_and(|records| records.iter().flatten().any(quoted))
}

/// Whether a text is a table of three grades, with all fields in quotes.
pub(super) fn grades(text: &str) -> bool {
    let head = unfenced(text).next().is_some_and(|line| line.matches('"').count() == 10);
    let quoted = |records: Vec<Vec<Field>>| records.iter().flatten().all(|field| field.quoted);
    head && table(text, '\t', GRADE_COLUMNS, 3).is_some_and(quoted)
}

#[cfg(test)]
mod tests {
    use super::multiples;

    #[test]
    fn a_number_with_a_period_is_no_list_mark_where_it_is_the_answer() {
        for text in [
            "14. 21. 28. 35. 42. 49",
            "14, 21, 28,\n35. 42. 49.",
            "- 14\n- 21\n- 28\n- 35\n- 42\n- 49",
        ] {
            assert!(multiples(text), "{text}");
        }
        assert!(multiples("1. 14\n2. 21\n3. 28\n4. 35\n5. 42\n6. 49"));
        assert!(!multiples("21. 28. 35. 42. 49") && !multiples("1. 14 21 28 35 42\n7. 50"));
    }
}
