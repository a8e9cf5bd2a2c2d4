//! Letter case.

use rand::Rng;

use super::{Family, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit,
    measure::{Measure, is_capital_word},
    params::{self, OutOfRange, quantity},
    text,
};

family! {
    /// Letter case.
    Case, CaseKind, case_kinds {
        /// Requires letters, all of them lower-case.
        AllLowercase = "all_lowercase", Linguistic, weight 1.0,
            slots [Case], ifeval [EnglishLowercase], styles [];
        /// Requires letters, all of them capitals.
        AllUppercase = "all_uppercase", Linguistic, weight 0.6,
            slots [Case], ifeval [EnglishCapital], styles [];
        /// Requires a minimum number of words in capitals. Words have at least two letters.
        MinCapitalWords {
            /// The limit.
            n: usize,
        } = "min_capital_words", Linguistic, weight 0.4,
            slots [Case], ifeval [CapitalWordFrequency], styles [];
        /// Limits the number of words in capitals. Words have at least two letters.
        MaxCapitalWords {
            /// The limit.
            n: usize,
        } = "max_capital_words", Linguistic, weight 0.3,
            slots [Case], ifeval [CapitalWordFrequency], styles [];
    }
}

impl Family for Case {
    type Kind = CaseKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match *self {
            Self::AllLowercase | Self::AllUppercase => Ok(()),
            Self::MinCapitalWords { n } => params::number("n", n, 1, 50),
            Self::MaxCapitalWords { n } => params::number("n", n, 0, 50),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match *self {
            Self::AllLowercase => say([
                "Write everything in lowercase letters.",
                "Use only lowercase letters, with no capital letters at all.",
                "Your entire response must be in lowercase.",
            ]),
            Self::AllUppercase => say([
                "Write everything in capital letters.",
                "Use only uppercase letters.",
                "Your entire response must be in all capitals.",
            ]),
            Self::MinCapitalWords { n } => {
                let words = quantity(n, "word");
                vec![
                    format!("Write at least {words} in all capital letters."),
                    format!("Put at least {words} in ALL CAPS for emphasis."),
                    format!("Use all capitals for {words} or more."),
                ]
            }
            Self::MaxCapitalWords { n: 0 } => say([
                "Do not write any word in all capital letters.",
                "Avoid words in ALL CAPS.",
                "No word of two or more letters may be in all capitals.",
            ]),
            Self::MaxCapitalWords { n } => {
                let words = quantity(n, "word");
                vec![
                    format!("Write at most {words} in all capital letters."),
                    format!("Use ALL CAPS for no more than {words}."),
                    format!("Keep words in all capitals to {n} or fewer."),
                ]
            }
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        match *self {
            Self::AllLowercase => {
                vec![Bound::none(Measure::Capitals), Bound::some(Measure::SmallLetters)]
            }
            Self::AllUppercase => {
                vec![Bound::none(Measure::SmallLetters), Bound::some(Measure::Capitals)]
            }
            Self::MinCapitalWords { n } => vec![Bound::at_least(Measure::CapitalWords, n)],
            Self::MaxCapitalWords { n } => vec![Bound::at_most(Measure::CapitalWords, n)],
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        match *self {
            Self::AllLowercase => all([
                Self::AllUppercase,
                Self::MinCapitalWords { n: 1 },
                Self::MinCapitalWords { n: 2 },
            ]),
            Self::AllUppercase => all([Self::AllLowercase]),
            Self::MinCapitalWords { n } => all([
                Self::MaxCapitalWords { n: 0 },
                Self::MaxCapitalWords { n: n.saturating_sub(1) },
                Self::AllLowercase,
            ]),
            Self::MaxCapitalWords { n } => {
                all([n.saturating_add(1), n.saturating_add(2)].map(|n| Self::MinCapitalWords { n }))
            }
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        match *self {
            Self::AllLowercase => Some(response.to_lowercase()),
            Self::AllUppercase => Some(response.to_uppercase()),
            Self::MinCapitalWords { n } => {
                let have = Measure::CapitalWords.count(response);
                let mut missing = n.saturating_sub(have);
                let mut telling = edit::telling_words(response, missing);
                Some(edit::replace_words(response, |word| {
                    let key = text::key(word);
                    let at = telling.iter().position(|known| *known == key)?;
                    if missing == 0 || is_capital_word(word) {
                        return None;
                    }
                    telling.swap_remove(at);
                    missing -= 1;
                    Some(word.to_uppercase())
                }))
            }
            // Acronyms in lower case would be misspelled.
            Self::MaxCapitalWords { .. } => None,
        }
    }

    fn back_translate(kind: CaseKind, response: &str) -> Vec<Constraint> {
        let capitals = Measure::CapitalWords.count(response);
        let shouted = Measure::SmallLetters.count(response) == 0;
        match kind {
            CaseKind::AllLowercase => all([Self::AllLowercase]),
            CaseKind::AllUppercase => all([Self::AllUppercase]),
            CaseKind::MinCapitalWords if capitals > 0 && !shouted => {
                all([Self::MinCapitalWords { n: capitals.min(10) }])
            }
            CaseKind::MaxCapitalWords if capitals <= 2 && text::word_count(response) >= 8 => {
                all([Self::MaxCapitalWords { n: capitals }])
            }
            CaseKind::MinCapitalWords | CaseKind::MaxCapitalWords => Vec::new(),
        }
    }

    fn draw(kind: CaseKind, _task: &str, rng: &mut dyn Rng) -> Self {
        match kind {
            CaseKind::AllUppercase => Self::AllUppercase,
            CaseKind::MinCapitalWords => Self::MinCapitalWords { n: params::between(1, 5, rng) },
            CaseKind::MaxCapitalWords => Self::MaxCapitalWords { n: params::between(0, 2, rng) },
            CaseKind::AllLowercase => Self::AllLowercase,
        }
    }
}
