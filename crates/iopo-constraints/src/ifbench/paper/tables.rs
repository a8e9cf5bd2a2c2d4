//! Tables as comma- or tab-separated values.

use super::super::{
    csv::{Dialect, Field, records},
    lists::{CITY_COLUMNS, GRADE_COLUMNS, PRODUCT_COLUMNS},
};
use crate::ifeval::python::{is_space, is_word, strip};

/// The records of a text, if there are exactly `count`.
fn exactly(text: &str, delimiter: char, count: usize) -> Option<Vec<Vec<Field>>> {
    let dialect = Dialect { delimiter, skips_spaces: false, most: count + 1 };
    records(text, dialect).ok().filter(|records| records.len() == count)
}

/// Whether a text is a table of seven cities.
pub(super) fn cities(text: &str) -> bool {
    let Some(records) = exactly(text, ',', 8) else { return false };
    let names = records[0].iter().map(|field| field.text.as_str());
    names.eq(CITY_COLUMNS) && records.iter().all(|record| record.len() == 5)
}

/// Whether a text is a table of products, and the records up to one with a quoted special character are complete.
pub(super) fn products(text: &str) -> bool {
    if !starts_with_columns(text, PRODUCT_COLUMNS, ',') {
        return false;
    }
    // Tripled quotes are read as literal ones within quotes.
    let Some(records) = exactly(&text.replace('"', "\"\"\""), ',', 15) else { return false };
    for record in &records[1..] {
        if record.len() != 5 {
            return false;
        }
        if record.iter().any(|field| has_quoted_mark(&field.text)) {
            return true;
        }
    }
    false
}

/// Whether a text is a table of three grades, with all fields in quotes.
pub(super) fn grades(text: &str) -> bool {
    if !starts_with_columns(text, GRADE_COLUMNS, '\t') {
        return false;
    }
    let Some(records) = exactly(&text.replace('"', "\"\"\""), '\t', 4) else { return false };
    let is_quoted = |field: &Field| {
        let field = strip(&field.text);
        field.starts_with('"') && field.ends_with('"')
    };
    records.iter().all(|record| record.len() == 5 && record.iter().all(is_quoted))
}

/// Whether the first line consists of these columns, with or without quotes. Spaces may follow any delimiter, and tabs
/// may follow a comma.
fn starts_with_columns(text: &str, columns: [&str; 5], delimiter: char) -> bool {
    let line = text.split('\n').next().unwrap_or_default();
    let mut rest = strip(line);
    for (at, column) in columns.into_iter().enumerate() {
        if at > 0 {
            let Some(after) = rest.strip_prefix(delimiter) else { return false };
            rest = after.trim_start_matches(|c| c == ' ' || c == '\t' && delimiter == ',');
        }
        let quoted = rest
            .strip_prefix('"')
            .and_then(|rest| rest.strip_prefix(column).and_then(|rest| rest.strip_prefix('"')));
        let Some(after) = quoted.or_else(|| rest.strip_prefix(column)) else { return false };
        rest = after;
    }
    rest.is_empty()
}

/// Whether a field starts with a quote and contains, before another quote of the same line, a mark or symbol.
fn has_quoted_mark(field: &str) -> bool {
    let Some(inner) = field.strip_prefix('"') else { return false };
    let line = inner.split('\n').next().unwrap_or_default();
    let special = |c| !is_word(c) && !is_space(c);
    line.rfind('"').is_some_and(|end| line[..end].contains(special))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_may_be_quoted() {
        let starts = |text| starts_with_columns(text, PRODUCT_COLUMNS, ',');
        assert!(starts("ProductID,\"Category\", Brand,\tPrice,Stock \nx"));
        assert!(
            !starts("ProductID,Category,Brand,Price")
                && !starts("ProductID,\"Category,Brand,Price,Stock")
        );
    }

    #[test]
    fn a_special_character_is_quoted() {
        assert!(has_quoted_mark("\"a,b\"") && has_quoted_mark("\"\"\""));
        for field in ["\"b_\"", "\"bé\"", "\"b \"", " \"a,b\"", "\"a\n,b\"", "a,b"] {
            assert!(!has_quoted_mark(field), "{field}");
        }
    }

    #[test]
    fn rows_are_counted_with_empty_ones() {
        let text = format!("ID,\"Country\",City,Year,Count\n{}", "1,a,b,2,3\n".repeat(7));
        assert!(cities(&text) && !cities(&format!("{text}\n")));
        let text =
            format!("ProductID,Category,Brand,Price,Stock\n{}", "1,a,\"b!\",2,3\n".repeat(14));
        assert!(products(&text) && !products(&text.replace('!', "")));
        let row = "\"a\"\t\"b\"\t\"c\"\t\"d\"\t\"e\"\n";
        let head = "\"StudentID\"\t\"Subject\"\t\"Grade\"\t\"Semester\"\t\"Score\"\n";
        assert!(grades(&format!("{head}{}", row.repeat(3))));
        assert!(!grades(&format!("{}{}", head.replace('"', ""), row.repeat(3))));
    }
}
