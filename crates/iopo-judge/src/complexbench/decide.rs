//! Applies rules to the copied parts of a response.

use std::collections::BTreeSet;

use super::Rule;
use super::marks::{bare, full_width, only};
use super::rule::{Check, Test};
use crate::text::{string_list, words};
use crate::{Mode, Unjudged};

/// The verdict on a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PointVerdict {
    /// The requirement is met.
    Yes,
    /// The requirement is not met.
    No,
    /// The published code does not know the rule and returns 2, which counts as met in some tables and as not met in others;
    /// `paper` only.
    UnknownRule,
}

impl From<bool> for PointVerdict {
    fn from(verdict: bool) -> Self {
        if verdict { Self::Yes } else { Self::No }
    }
}

/// Applies a rule to the parts that [`objects`](super::objects) returns.
///
/// # Errors
/// `paper` returns [`Unjudged::ReferenceRaises`] where the published code raises an exception. `repaired` returns
/// [`Unjudged::UnknownRule`] for a rule without a known meaning.
pub fn decide(mode: Mode, rule: &Rule, objects: &[String]) -> Result<PointVerdict, Unjudged> {
    let Some(checks) = &rule.checks else {
        return match mode {
            Mode::Paper => Ok(PointVerdict::UnknownRule),
            Mode::Repaired => Err(Unjudged::UnknownRule),
        };
    };
    let tests: Vec<Test> = checks.iter().map(|check| check.test).collect();
    if mode == Mode::Paper && tests == [Test::Keyword, Test::Forbidden] {
        return Err(Unjudged::ReferenceRaises);
    }
    let mut all = true;
    for check in checks {
        all &= if check.model {
            of_objects(mode, check, objects)?
        } else {
            plain(mode, check, objects)?
        };
    }
    Ok(all.into())
}

/// The rules whose names start with `model_`.
fn of_objects(mode: Mode, check: &Check, objects: &[String]) -> Result<bool, Unjudged> {
    let Some(first) = objects.first() else {
        return Ok(is_negative(check.test));
    };
    let chosen = if check.each { objects } else { std::slice::from_ref(first) };
    match check.test {
        Test::Number => {
            let [low, high] = bounds(mode, check)?;
            Ok((low..=high).contains(&(objects.len() as f64)))
        }
        Test::StartsWithList => {
            let list = check.list();
            let starts = |(object, entry): (&String, &String)| {
                full_width(object).starts_with(&full_width(entry))
            };
            Ok(list.len() == objects.len() && objects.iter().zip(&list).all(starts))
        }
        Test::Keyword if mode == Mode::Paper && !check.each => {
            // Here, the published code converts the marks of the keywords to full width, but not those of the text.
            Ok(check.list().iter().all(|word| first.contains(&full_width(word))))
        }
        Test::EndsWith if check.each && mode == Mode::Paper && objects.len() > 1 => {
            every(mode, check, &objects[..objects.len() - 1])
        }
        _ => every(mode, check, chosen),
    }
}

fn every(mode: Mode, check: &Check, objects: &[String]) -> Result<bool, Unjudged> {
    let mut all = true;
    for object in objects {
        all &= match check.test {
            Test::Length | Test::LengthWords => {
                let forms = [object.as_str(), bare_or(mode, object)?];
                any_of(forms, |form| holds(mode, check, form))?
            }
            _ => holds(mode, check, object)?,
        };
    }
    Ok(all)
}

/// The older rules, on the first object with or without its quotes.
fn plain(mode: Mode, check: &Check, objects: &[String]) -> Result<bool, Unjudged> {
    let text = objects.first().map_or("", String::as_str);
    if text.is_empty() || text.contains("None") {
        return Ok(is_negative(check.test));
    }
    any_of([bare_or(mode, text)?, text], |form| holds(mode, check, form))
}

/// Whether a rule holds if there is no text.
fn is_negative(test: Test) -> bool {
    matches!(test, Test::Forbidden | Test::NotStartsWith | Test::NotEndsWith)
}

fn any_of(
    forms: [&str; 2],
    holds: impl Fn(&str) -> Result<bool, Unjudged>,
) -> Result<bool, Unjudged> {
    Ok(holds(forms[0])? || holds(forms[1])?)
}

fn bare_or(mode: Mode, text: &str) -> Result<&str, Unjudged> {
    match (bare(text), mode) {
        (Err(_), Mode::Repaired) => Ok(""),
        (found, Mode::Paper | Mode::Repaired) => found,
    }
}

/// Whether one text meets one check.
fn holds(mode: Mode, check: &Check, text: &str) -> Result<bool, Unjudged> {
    let marked = || full_width(text);
    let value = || full_width(check.value.trim());
    let has = |text: &str, word: &String| text.contains(&full_width(word));
    Ok(match check.test {
        Test::Keyword => {
            let marked = marked();
            check.list().iter().all(|word| has(&marked, word))
        }
        Test::Forbidden => {
            let marked = marked();
            !check.list().iter().any(|word| has(&marked, word))
        }
        Test::KeywordNumber => {
            let (marked, list) = (marked(), check.list());
            let [low, high] = bounds(mode, check)?;
            let found = list.iter().skip(2).filter(|word| has(&marked, word)).count();
            (low..=high).contains(&(found as f64))
        }
        Test::Length => {
            let [low, high] = bounds(mode, check)?;
            (low..=high).contains(&(text.chars().count() as f64))
        }
        Test::LengthWords => {
            let [low, high] = bounds(mode, check)?;
            (low..=high).contains(&(words(text).count() as f64))
        }
        Test::StartsWith => marked().starts_with(&value()),
        Test::NotStartsWith => !marked().starts_with(&value()),
        Test::EndsWith => ends_with(&marked(), &value()),
        Test::NotEndsWith => !ends_with(&marked(), &value()),
        Test::Punctuation => only(text, &check.list()),
        Test::Match => {
            let (marked, value) = (marked(), value());
            marked.strip_prefix(&value).is_some_and(|rest| rest.is_empty() || rest == "。")
        }
        Test::Json => json(mode, check, text)?,
        // Decided over all objects.
        Test::Number | Test::StartsWithList => false,
    })
}

/// Whether a text ends with a value, optionally followed by a period or a question mark.
fn ends_with(text: &str, value: &str) -> bool {
    let shorter = text.strip_suffix(['。', '？']);
    text.ends_with(value) || shorter.is_some_and(|text| text.ends_with(value))
}

/// The first two parameters.
fn bounds(mode: Mode, check: &Check) -> Result<[f64; 2], Unjudged> {
    let list = check.list();
    let number = |at: usize| list.get(at).and_then(|one| one.parse::<f64>().ok());
    match (number(0), number(1)) {
        (Some(low), Some(high)) => Ok([low, high]),
        _ if mode == Mode::Paper => Err(Unjudged::ReferenceRaises),
        _ => Err(Unjudged::UnknownRule),
    }
}

/// Whether the first balanced braces enclose a JSON object with the keys of the rule, or with any keys if it lists none.
fn json(mode: Mode, check: &Check, text: &str) -> Result<bool, Unjudged> {
    let keys = match (string_list(check.value.trim()), mode) {
        (Some(keys), _) => keys,
        (None, Mode::Paper) => return Err(Unjudged::ReferenceRaises),
        (None, Mode::Repaired) => {
            let quotes = ['"', '\'', '“', '”'];
            check.list().iter().map(|key| key.trim_matches(quotes).to_owned()).collect()
        }
    };
    let object = balanced(text).and_then(|text| {
        serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(text).ok()
    });
    let Some(object) = object else { return Ok(false) };
    let wanted: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
    let found: BTreeSet<&str> = object.keys().map(String::as_str).collect();
    Ok(wanted.is_empty() || wanted == found)
}

fn balanced(text: &str) -> Option<&str> {
    let start = text.find('{')?;
    let mut depth = 0_usize;
    for (at, c) in text[start..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(&text[start..=start + at]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn yes(mode: Mode, rule: &str, objects: &[&str]) -> Result<bool, Unjudged> {
        let objects: Vec<String> = objects.iter().map(|&object| object.to_owned()).collect();
        decide(mode, &Rule::new(rule), &objects).map(|verdict| verdict == PointVerdict::Yes)
    }

    #[test]
    fn repaired_rules_do_not_raise() {
        for (rule, object, expected) in [
            ("keyword:[花]\nforbidden_word:[雪]", "花开", true),
            ("keyword:[花]\nforbidden_word:[雪]", "雪花", false),
            ("Json:[名字]", "{\"名字\": 1}", true),
            ("model_length:[1,10]", "\n\n", true),
            ("model_keyword:[U.S]", "the U.S team", true),
        ] {
            assert_eq!(yes(Mode::Repaired, rule, &[object]), Ok(expected), "{rule}");
            assert_ne!(yes(Mode::Paper, rule, &[object]), Ok(true), "{rule}");
        }
        assert_eq!(yes(Mode::Repaired, "model_length:[a,b]", &["x"]), Err(Unjudged::UnknownRule));
        assert_eq!(yes(Mode::Repaired, "color:[1]", &["x"]), Err(Unjudged::UnknownRule));
    }

    #[test]
    fn the_last_object_counts_when_repaired() {
        let objects = ["好！", "嗯"];
        assert_eq!(yes(Mode::Paper, "model_endswith_each:！", &objects), Ok(true));
        assert_eq!(yes(Mode::Repaired, "model_endswith_each:！", &objects), Ok(false));
    }

    #[test]
    fn nothing_meets_a_prohibition_only() {
        assert_eq!(yes(Mode::Paper, "model_not_endswith_each:a", &[]), Ok(true));
        assert_eq!(yes(Mode::Paper, "not endswith:a", &["None"]), Ok(true));
        assert_eq!(yes(Mode::Paper, "model_number_each:[0,3]", &[]), Ok(false));
        assert_eq!(yes(Mode::Paper, "length:[0,3]", &[]), Ok(false));
    }
}
