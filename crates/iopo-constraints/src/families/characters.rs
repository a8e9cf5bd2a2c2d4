//! The length of the response in characters.

use rand::Rng;

use super::{Family, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit, han,
    measure::Measure,
    params::{self, OutOfRange, quantity, round_down, round_up},
    readable,
};

/// The longest response that a constraint can ask for.
const MOST_CHARS: usize = 100_000;

family! {
    /// The length of the response in characters as Chinese readers count them (字): each ideograph counts one, and so does
    /// each run of other letters and digits. Spaces and punctuation do not count. A LaTeX or HTML document is counted without
    /// its marks: commands, tags, comments, and what stands around the document.
    Characters, CharactersKind, characters_kinds {
        /// Limits the number of characters from above.
        MaxChars {
            /// The limit.
            n: usize,
        } = "max_chars", Numerical, weight 0.0, slots [WordsHigh], ifeval [], styles [];
        /// Limits the number of characters from below.
        MinChars {
            /// The limit.
            n: usize,
        } = "min_chars", Numerical, weight 0.0, slots [WordsLow], ifeval [], styles [];
        /// Requires a number of characters in a range.
        CharRange {
            /// The minimum.
            low: usize,
            /// The maximum.
            high: usize,
        } = "char_range", Numerical, weight 0.0, slots [WordsHigh WordsLow], ifeval [], styles [];
    }
}

impl Family for Characters {
    type Kind = CharactersKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match *self {
            Self::MaxChars { n } | Self::MinChars { n } => params::number("n", n, 1, MOST_CHARS),
            Self::CharRange { low, high } => {
                params::number("low", low, 1, MOST_CHARS)?;
                params::number("high", high, 1, MOST_CHARS)?;
                params::ordered("high", low, high)
            }
        }
    }

    fn phrases(&self) -> Vec<String> {
        match *self {
            Self::MaxChars { n } => {
                let chars = quantity(n, "Chinese character");
                vec![
                    format!("Use at most {chars}."),
                    format!("Your answer must not be longer than {chars}."),
                    format!("Do not write more than {chars}."),
                ]
            }
            Self::MinChars { n } => {
                let chars = quantity(n, "Chinese character");
                vec![
                    format!("Use at least {chars}."),
                    format!("Your answer must be at least {chars} long."),
                    format!("Write no fewer than {chars}."),
                ]
            }
            Self::CharRange { low, high } => vec![
                format!("Use between {low} and {high} Chinese characters."),
                format!("The response should be {low} to {high} Chinese characters long."),
                format!("Write at least {low} but at most {high} Chinese characters."),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match *self {
            Self::MaxChars { n } => Bound::at_most(Measure::Characters, n),
            Self::MinChars { n } => Bound::at_least(Measure::Characters, n),
            Self::CharRange { low, high } => Bound { measure: Measure::Characters, low, high },
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        match *self {
            Self::MaxChars { n } => {
                let up = round_up(n.saturating_add(1));
                all([Self::MinChars { n: up }, Self::MinChars { n: up.saturating_add(up / 2) }])
            }
            Self::MinChars { n } => {
                let down = n.saturating_sub(1);
                all([Self::MaxChars { n: round_down(down).max(1) }, Self::MaxChars { n: down / 2 }])
            }
            Self::CharRange { low, high } => all([
                Self::MinChars { n: round_up(high.saturating_add(1)) },
                Self::MaxChars { n: round_down(low.saturating_sub(1)) },
            ]),
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        match *self {
            // A document that is cut is no document any more.
            _ if readable::is_document(response) => None,
            Self::MaxChars { n: high } | Self::CharRange { high, .. } => {
                let mut chars = 0;
                edit::keep_sentences(response, |_, sentence| {
                    chars += han::characters(sentence);
                    chars <= high
                })
            }
            // More text would be invented.
            Self::MinChars { .. } => None,
        }
    }

    fn back_translate(kind: CharactersKind, response: &str) -> Vec<Constraint> {
        let chars = Measure::Characters.count(response);
        let (low, high) = (round_down(chars), round_up(chars + 1));
        // A person counts characters in Chinese only.
        match kind {
            _ if !han::is_chinese(&readable::readable(response)) => Vec::new(),
            CharactersKind::MaxChars => all([Self::MaxChars { n: round_up(chars) }]),
            CharactersKind::MinChars if low >= 10 => all([Self::MinChars { n: low }]),
            CharactersKind::CharRange if low >= 10 => all([Self::CharRange { low, high }]),
            CharactersKind::MinChars | CharactersKind::CharRange => Vec::new(),
        }
    }

    fn draw(kind: CharactersKind, _task: &str, rng: &mut dyn Rng) -> Self {
        let low = params::one_of(&[50, 100, 150, 200, 300], 100, rng);
        match kind {
            CharactersKind::MaxChars => Self::MaxChars { n: low },
            CharactersKind::MinChars => Self::MinChars { n: low },
            CharactersKind::CharRange => Self::CharRange { low, high: low + low / 2 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A LaTeX document and an HTML page with 80 characters each.
    fn documents() -> [String; 2] {
        let text = "绿茶很香。红茶也香。".repeat(10);
        [
            format!("\\documentclass{{ctexart}}\n\\begin{{document}}\n{text}\n\\end{{document}}"),
            format!("<html>\n<body class=\"a b\"><p>{text}</p></body>\n</html>"),
        ]
    }

    #[test]
    fn constraints_of_a_document_hold_for_it() {
        for document in documents() {
            assert_eq!(Measure::Characters.count(&document), 80);
            for kind in
                [CharactersKind::MaxChars, CharactersKind::MinChars, CharactersKind::CharRange]
            {
                let found = Characters::back_translate(kind, &document);
                assert_eq!(found.len(), 1, "{kind:?}");
                assert!(found.iter().all(|constraint| constraint.check(&document).satisfied));
            }
            let low = Characters::back_translate(CharactersKind::MinChars, &document);
            assert_eq!(low, all([Characters::MinChars { n: 80 }]));
        }
    }

    #[test]
    fn a_document_is_not_cut() {
        let limits = [Characters::MaxChars { n: 40 }, Characters::CharRange { low: 10, high: 40 }];
        for limit in &limits {
            for document in documents() {
                assert_eq!(limit.edit(&document), None);
            }
            // The negative control: prose is cut.
            let prose = "Green tea is good. ".repeat(20);
            let edited = limit.edit(&prose).expect("prose can be cut");
            assert!((10..=40).contains(&Measure::Characters.count(&edited)));
        }
    }
}
