//! Examples to follow and to avoid.

use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Family, Framing, Layout, Lists, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit,
    kind::Kind,
    lexicon::{self, OPENERS},
    lines::{self, Mark},
    measure::Measure,
    params::{self, Refusal},
    text,
};

/// What list items start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marker {
    /// `-`.
    Dash,
    /// `*`.
    Star,
    /// `•`.
    Dot,
    /// `1.`.
    NumberDot,
    /// `1)`.
    NumberParen,
}

impl Marker {
    const ALL: [Self; 5] = [Self::Dash, Self::Star, Self::Dot, Self::NumberDot, Self::NumberParen];

    fn mark(self) -> Mark {
        match self {
            Self::Dash => Mark::Dash,
            Self::Star => Mark::Star,
            Self::Dot => Mark::Dot,
            Self::NumberDot => Mark::NumberDot,
            Self::NumberParen => Mark::NumberParen,
        }
    }

    /// The marker of the item with this number.
    fn write(self, number: usize) -> String {
        match self {
            Self::Dash => "-".to_owned(),
            Self::Star => "*".to_owned(),
            Self::Dot => "•".to_owned(),
            Self::NumberDot => format!("{number}."),
            Self::NumberParen => format!("{number})"),
        }
    }
}

family! {
    /// The example that a response follows or avoids.
    Example {
        /// Two list items at least, all with the marker of the example.
        LikeItem {
            /// The marker.
            marker: Marker
        };
        /// Two lines at least, all "Key: value", the first with the key of the example.
        KeyValueLines {
            /// The first key.
            key: String
        };
        /// It does not open like the example.
        NotOpening {
            /// The words that it must not open with.
            phrase: String
        };
    }
}

impl Family for Example {
    fn kind(&self) -> Kind {
        self.kind_of()
    }

    fn value(&self) -> Value {
        self.value_of()
    }

    fn validate(&self) -> Result<(), Refusal> {
        match self {
            Self::LikeItem { .. } => Ok(()),
            Self::KeyValueLines { key } => params::name("key", key),
            Self::NotOpening { phrase } => params::phrase("phrase", phrase),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::LikeItem { marker } => {
                let (first, second) = (marker.write(1), marker.write(2));
                vec![
                    format!(
                        "Write a list whose items all look like this example: \"{first} item\"."
                    ),
                    format!("Format every list item as in this example: \"{first} some text\"."),
                    format!(
                        "Follow this example for the list: \"{first} one thing\", then \"{second} another thing\"."
                    ),
                ]
            }
            Self::KeyValueLines { key } => vec![
                format!(
                    "Write every line as in this example, starting with this key: \"{key}: ...\"."
                ),
                format!(
                    "Follow the pattern \"Key: value\" on each line; the first line is \"{key}: ...\"."
                ),
                format!(
                    "Give only lines like this example, beginning with it: \"{key}: (your text)\"."
                ),
            ],
            Self::NotOpening { phrase } => vec![
                format!("Do not begin like this bad example: \"{phrase} ...\"."),
                format!("Avoid this opening: \"{phrase} ...\"."),
                format!("A bad answer starts with \"{phrase} ...\"; yours must not."),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        match self {
            Self::LikeItem { marker } => vec![
                Bound::at_least(Measure::Marked(marker.mark()), 2),
                Bound::none(Measure::MarkedElse(marker.mark())),
            ],
            Self::KeyValueLines { key } => vec![
                Bound::at_least(Measure::KeyValues, 2),
                Bound::some(Measure::FirstKey(text::fold(key))),
            ],
            Self::NotOpening { phrase } => {
                vec![Bound::none(Measure::Opening(text::fold(phrase)))]
            }
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            Self::LikeItem { marker } => {
                let others = Marker::ALL.into_iter().filter(|other| other != marker);
                let mut found = all(others.map(|marker| Self::LikeItem { marker }));
                found.push(Lists::NoLists.into());
                found
            }
            Self::KeyValueLines { .. } => {
                let mut found = all([Lists::MinBullets { n: 2 }, Lists::MinNumbered { n: 2 }]);
                found.push(Layout::SingleLine.into());
                found
            }
            Self::NotOpening { phrase } => all([Framing::StartsWith { phrase: phrase.clone() }]),
        }
    }

    fn repair(&self, response: &str) -> Option<String> {
        match self {
            Self::LikeItem { marker } => {
                let mut number = 0;
                Some(edit::map_lines(response, |line| {
                    lines::item(line).map_or_else(
                        || line.to_owned(),
                        |(_, body)| {
                            number += 1;
                            format!("{} {body}", marker.write(number))
                        },
                    )
                }))
            }
            // An opener with a comma or exclamation mark can be left out.
            Self::NotOpening { phrase } => {
                let body = response.trim_start();
                let at = body.find([',', '!'])?;
                let whole =
                    text::fold(&body[..at]) == text::fold(phrase.trim_end_matches([',', '!']));
                let rest = body[at + 1..].trim_start();
                let good = rest.starts_with(char::is_alphabetic);
                (whole && good).then(|| edit::capitalise(rest))
            }
            Self::KeyValueLines { .. } => None,
        }
    }

    fn back_translate(kind: Kind, response: &str) -> Vec<Constraint> {
        match kind {
            Kind::LikeItem => all(Marker::ALL.map(|marker| Self::LikeItem { marker })),
            Kind::KeyValueLines => {
                let key = lines::filled(response).next().and_then(lines::key_value);
                let key = key.filter(|key| text::word_count(key) <= 3);
                all(key.map(|key| Self::KeyValueLines { key: key.to_owned() }))
            }
            Kind::NotOpening => all(lexicon::rotated(OPENERS, text::word_count(response))
                .filter(|opener| !text::opens_with(response, opener))
                .take(6)
                .map(|opener| Self::NotOpening { phrase: (*opener).to_owned() })),
            _ => Vec::new(),
        }
    }

    fn draw(kind: Kind, _task: &str, rng: &mut dyn Rng) -> Constraint {
        match kind {
            Kind::LikeItem => {
                Self::LikeItem { marker: params::one_of(&Marker::ALL, Marker::Dash, rng) }
            }
            Kind::KeyValueLines => Self::KeyValueLines {
                key: params::one_of(&["Topic", "Name", "Summary"], "Topic", rng).to_owned(),
            },
            _ => Self::NotOpening { phrase: params::one_of(OPENERS, "Here", rng).to_owned() },
        }
        .into()
    }
}
