//! CFBench's published parser.

use crate::Unjudged;
use crate::text::{float, same, strip};

/// The result of the published parser.
pub(super) enum Parsed {
    /// One mark per criterion.
    Complete(Vec<String>),
    /// The marks 1 of a malformed answer.
    Ones(Vec<String>),
    /// No marks.
    Nothing,
}

pub(super) fn parse(criteria: &[&str], answer: &str) -> Result<Parsed, Unjudged> {
    if let Some(marks) = complete(criteria, answer) {
        return Ok(Parsed::Complete(marks));
    }
    let mut ones = Vec::new();
    for line in answer.split('\n') {
        let Some((_, mark)) = one_tab(line) else { continue };
        // The published program raises an exception here, because the mark is not a number.
        let value = float(mark).ok_or(Unjudged::ReferenceRaises)?;
        // 0 is false in Python, so it is dropped.
        if same(value, 1.0) {
            ones.push(strip(mark).to_owned());
        }
    }
    Ok(if ones.is_empty() { Parsed::Nothing } else { Parsed::Ones(ones) })
}

/// The marks of an answer that repeats every criterion exactly.
fn complete(criteria: &[&str], answer: &str) -> Option<Vec<String>> {
    let pieces: Vec<&str> = answer.split("\n\n").collect();
    if pieces.len() != criteria.len() {
        return None;
    }
    let marks = pieces.iter().zip(criteria).map(|(piece, &criterion)| {
        let (text, mark) = one_tab(piece)?;
        let value = float(mark)?;
        (text == criterion && (same(value, 0.0) || same(value, 1.0)))
            .then(|| strip(mark).to_owned())
    });
    marks.collect()
}

/// The two parts of a text with exactly one tab.
fn one_tab(text: &str) -> Option<(&str, &str)> {
    text.split_once('\t').filter(|(_, mark)| !mark.contains('\t'))
}
