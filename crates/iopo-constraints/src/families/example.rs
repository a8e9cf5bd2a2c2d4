//! Examples to follow and to avoid.

use rand::Rng;

use super::{Family, Framing, Layout, Lists, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{
        self,
        outline::Outline,
        prose::{open_with, varied},
    },
    lexicon::{self, ASKED_OPENERS, OPENERS},
    lines::{self, Marker},
    measure::Measure,
    params::{self, OutOfRange},
    text,
};

family! {
    /// An example to follow or avoid.
    Example, ExampleKind, example_kinds {
        /// Requires at least two list items, all with the marker of the example.
        LikeItem {
            /// The marker.
            marker: Marker,
        } = "like_item", PositiveExample, weight 0.9,
            slots [List Blocks Sentences], ifeval [], styles [BulletPoints NumberedSteps];
        /// Requires at least two lines, all of the form "Key: value", the first with the key of the example.
        KeyValueLines {
            /// The first key.
            key: String,
        } = "key_value_lines", PositiveExample, weight 0.5,
            slots [List Blocks Sentences Opening], ifeval [], styles [];
        /// Forbids the opening of the example.
        NotOpening {
            /// The opening to avoid.
            phrase: String,
        } = "not_opening", NegativeExample, weight 0.8, slots [Opening], ifeval [], styles [];
    }
}

impl Family for Example {
    type Kind = ExampleKind;

    fn validate(&self) -> Result<(), OutOfRange> {
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
                Bound::at_least(Measure::Marked(*marker), 2),
                Bound::none(Measure::MarkedElse(*marker)),
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

    fn edit(&self, response: &str) -> Option<String> {
        match self {
            Self::LikeItem { marker } => {
                let mut number = 0;
                if Measure::Items.count(response) < 2 {
                    let outline = Outline::read(response)?.with_at_least(2)?;
                    return Some(outline.list(|at, body| format!("{} {body}", marker.write(at))));
                }
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
            // An opener that ends with a comma or exclamation mark can be dropped.
            Self::NotOpening { phrase } => {
                let body = response.trim_start();
                let Some(at) = body.find([',', '!']) else { return opened_else(body, phrase) };
                let whole =
                    text::fold(&body[..at]) == text::fold(phrase.trim_end_matches([',', '!']));
                let rest = body[at + 1..].trim_start();
                let good = rest.starts_with(char::is_alphabetic);
                if whole && good { Some(edit::capitalize(rest)) } else { opened_else(body, phrase) }
            }
            Self::KeyValueLines { key } => Outline::read(response)?.key_values(key),
        }
    }

    fn back_translate(kind: ExampleKind, response: &str) -> Vec<Constraint> {
        match kind {
            ExampleKind::LikeItem => all(Marker::ALL.map(|marker| Self::LikeItem { marker })),
            ExampleKind::KeyValueLines => {
                let key = lines::filled(response).next().and_then(lines::key_value);
                let key = key.filter(|key| text::word_count(key) <= 3);
                all(key.map(|key| Self::KeyValueLines { key: key.to_owned() }))
            }
            ExampleKind::NotOpening => all(lexicon::rotated(OPENERS, text::word_count(response))
                .filter(|opener| !text::opens_with(response, opener))
                .take(6)
                .map(|opener| Self::NotOpening { phrase: (*opener).to_owned() })),
        }
    }

    fn draw(kind: ExampleKind, _task: &str, rng: &mut dyn Rng) -> Self {
        match kind {
            ExampleKind::LikeItem => {
                Self::LikeItem { marker: params::one_of(&Marker::ALL, Marker::Dash, rng) }
            }
            ExampleKind::KeyValueLines => {
                Self::KeyValueLines { key: params::one_of(KEYS, "Topic", rng).to_owned() }
            }
            ExampleKind::NotOpening => {
                Self::NotOpening { phrase: params::one_of(OPENERS, "Here", rng).to_owned() }
            }
        }
    }
}

/// First keys of lines of the form "Key: value".
const KEYS: &[&str] =
    &["Topic", "Name", "Summary", "Title", "Subject", "Answer", "Overview", "Main point"];

/// A text with another opening before its first sentence.
fn opened_else(body: &str, phrase: &str) -> Option<String> {
    let others: Vec<&str> =
        ASKED_OPENERS.iter().copied().filter(|opener| !text::opens_with(opener, phrase)).collect();
    open_with(body, varied(&others, body))
}
