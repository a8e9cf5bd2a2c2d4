//! The verdict on one item.

use super::paper::{self, Parsed};
use super::totals::round2;
use super::{Criterion, Priority, repaired};
use crate::{Mode, Unjudged};

/// How much of an answer could be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsing {
    /// A mark for every criterion.
    Complete,
    /// Only the marks 1 of a malformed answer; `paper` only.
    OnlyOnes,
    /// Nothing; `paper` only.
    Nothing,
}

impl Parsing {
    /// The published code of the outcome.
    pub const fn code(self) -> i8 {
        match self {
            Self::Complete => 1,
            Self::OnlyOnes => 0,
            Self::Nothing => -1,
        }
    }
}

/// The verdict on one item.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    /// How much of the answer could be parsed.
    pub parsing: Parsing,
    /// One mark per criterion if the parsing is complete, else empty.
    pub marks: Vec<bool>,
    /// The marks as the published code stores them; empty in `repaired`.
    pub stored: Vec<String>,
    /// Share of criteria that hold. `paper` rounds it to two decimals.
    pub csr: f64,
    /// Whether all criteria hold.
    pub isr: bool,
    /// Whether all primary and enough secondary criteria hold.
    pub psr: bool,
}

/// Reads the verdict of an answer.
///
/// # Errors
/// `repaired` returns the reason if the answer gives no verdict. `paper` returns [`Unjudged::ReferenceRaises`] where the
/// published program raises an exception.
pub fn verdict(mode: Mode, criteria: &[Criterion], answer: &str) -> Result<Verdict, Unjudged> {
    let texts: Vec<&str> = criteria.iter().map(|criterion| criterion.text.as_str()).collect();
    match mode {
        Mode::Paper => Ok(match paper::parse(&texts, answer)? {
            Parsed::Complete(stored) => {
                // Each stored mark is a number equal to 0 or 1.
                let marks: Vec<bool> =
                    stored.iter().map(|mark| crate::text::float(mark) == Some(1.0)).collect();
                published(criteria, marks, stored)
            }
            Parsed::Ones(stored) => Verdict {
                parsing: Parsing::OnlyOnes,
                marks: Vec::new(),
                stored,
                csr: 1.0,
                isr: true,
                psr: true,
            },
            Parsed::Nothing => Verdict {
                parsing: Parsing::Nothing,
                marks: Vec::new(),
                stored: vec!["0".to_owned()],
                csr: 0.0,
                isr: false,
                psr: false,
            },
        }),
        Mode::Repaired => {
            let marks = repaired::marks(&texts, answer)?;
            let isr = marks.iter().all(|&mark| mark);
            let psr = integer_psr(criteria, &marks);
            let csr = share(&marks);
            Ok(Verdict { parsing: Parsing::Complete, marks, stored: Vec::new(), csr, isr, psr })
        }
    }
}

fn share(marks: &[bool]) -> f64 {
    marks.iter().filter(|&&mark| mark).count() as f64 / marks.len() as f64
}

fn of(priority: Priority, criteria: &[Criterion], marks: &[bool]) -> Vec<bool> {
    let pairs = criteria.iter().zip(marks);
    pairs.filter(|(criterion, _)| criterion.priority == priority).map(|(_, &mark)| mark).collect()
}

/// The metrics as published, with rounding in between.
fn published(criteria: &[Criterion], marks: Vec<bool>, stored: Vec<String>) -> Verdict {
    let csr = round2(share(&marks));
    let primaries = of(Priority::Primary, criteria, &marks);
    let secondaries = of(Priority::Secondary, criteria, &marks);
    let psr = if primaries.contains(&false) {
        false
    } else if primaries.is_empty() {
        csr > 0.8
    } else if secondaries.is_empty() {
        true
    } else {
        0.5 + 0.5 * round2(share(&secondaries)) > 0.8
    };
    Verdict { parsing: Parsing::Complete, marks, stored, csr, isr: csr >= 1.0, psr }
}

/// The same condition in whole numbers.
fn integer_psr(criteria: &[Criterion], marks: &[bool]) -> bool {
    let primaries = of(Priority::Primary, criteria, marks);
    let secondaries = of(Priority::Secondary, criteria, marks);
    let held = secondaries.iter().filter(|&&mark| mark).count();
    if primaries.contains(&false) {
        false
    } else if primaries.is_empty() {
        5 * held > 4 * secondaries.len()
    } else {
        secondaries.is_empty() || 5 * held > 3 * secondaries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_changes_no_decision_up_to_14_criteria() {
        for primaries in 0..=14 {
            for secondaries in usize::from(primaries == 0)..=14 - primaries {
                for held in 0..=secondaries {
                    let priority = |at| {
                        if at < primaries { Priority::Primary } else { Priority::Secondary }
                    };
                    let all = primaries + secondaries;
                    let criteria: Vec<_> =
                        (0..all).map(|at| Criterion::new("", priority(at))).collect();
                    let marks: Vec<_> = (0..all).map(|at| at < primaries + held).collect();
                    let paper = published(&criteria, marks.clone(), Vec::new());
                    assert_eq!(paper.psr, integer_psr(&criteria, &marks), "{primaries} {held}");
                    assert_eq!(paper.isr, marks.iter().all(|&mark| mark));
                }
            }
        }
    }
}
