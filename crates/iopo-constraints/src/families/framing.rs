//! Opening and closing.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Example, Family, Layout, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::prose,
    lexicon::{ASKED_OPENERS, CLOSINGS},
    lines,
    measure::Measure,
    params::{self, OutOfRange},
    text,
};

/// The language of a greeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GreetingLanguage {
    /// "Bonjour".
    French,
    /// "Hola".
    Spanish,
    /// "Hallo".
    German,
    /// "Ciao".
    Italian,
}

impl GreetingLanguage {
    const ALL: [Self; 4] = [Self::French, Self::Spanish, Self::German, Self::Italian];

    fn english(self) -> &'static str {
        match self {
            Self::French => "French",
            Self::Spanish => "Spanish",
            Self::German => "German",
            Self::Italian => "Italian",
        }
    }

    fn greeting(self) -> &'static str {
        match self {
            Self::French => "Bonjour",
            Self::Spanish => "Hola",
            Self::German => "Hallo",
            Self::Italian => "Ciao",
        }
    }
}

family! {
    /// Opening and closing, ignoring case.
    Framing, FramingKind, framing_kinds {
        /// Requires a phrase at the start.
        StartsWith {
            /// The phrase.
            phrase: String,
        } = "starts_with", Template, weight 1.2, slots [Opening], ifeval [], styles [];
        /// Requires a phrase at the end.
        EndsWith {
            /// The phrase.
            phrase: String,
        } = "ends_with", Template, weight 0.9,
            slots [Closing], ifeval [EndChecker], styles [SummaryAtEnd];
        /// Requires double quotation marks (`"`) as the first and the last character.
        WrappedInQuotes = "wrapped_in_quotes", TextPattern, weight 0.6,
            slots [Opening Closing Quotes], ifeval [Quotation], styles [];
        /// Requires several paragraphs, the last of which starts with "P.S.".
        Postscript = "postscript", Template, weight 0.5,
            slots [Closing Blocks], ifeval [Postscript], styles [ClosingNote];
        /// Requires a greeting in another language at the start.
        ForeignGreeting {
            /// The language.
            language: GreetingLanguage,
        } = "foreign_greeting", Multilingual, weight 0.4, slots [Opening], ifeval [], styles [];
    }
}

impl Family for Framing {
    type Kind = FramingKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::StartsWith { phrase } | Self::EndsWith { phrase } => {
                params::phrase("phrase", phrase)
            }
            Self::WrappedInQuotes | Self::Postscript | Self::ForeignGreeting { .. } => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::StartsWith { phrase } => {
                let quoted = params::quoted_end(phrase);
                vec![
                    format!("Start your response with {quoted}"),
                    format!("The very beginning of the answer must be {quoted}"),
                    format!("Begin the answer with {quoted}"),
                ]
            }
            Self::EndsWith { phrase } => {
                let quoted = params::quoted_end(phrase);
                vec![
                    format!("End your response with {quoted}"),
                    format!("The very last words must be {quoted}"),
                    format!("Finish the answer with {quoted}"),
                ]
            }
            Self::WrappedInQuotes => say([
                "Wrap your entire response in double quotation marks.",
                "Put double quotation marks around the whole answer.",
                "The response must start and end with a double quotation mark.",
            ]),
            Self::Postscript => say([
                "Add a postscript that starts with \"P.S.\" as the last paragraph.",
                "Close with a separate paragraph that begins with \"P.S.\".",
                "After a blank line, end with a postscript starting with \"P.S.\".",
            ]),
            Self::ForeignGreeting { language } => {
                let (name, greeting) = (language.english(), language.greeting());
                vec![
                    format!("Open with the {name} greeting \"{greeting}\"."),
                    format!("Greet the reader in {name} first: start with \"{greeting}\"."),
                    format!("Begin with \"{greeting}\", as one says in {name}."),
                ]
            }
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match self {
            Self::StartsWith { phrase } => Bound::some(Measure::Opening(text::fold(phrase))),
            Self::EndsWith { phrase } => Bound::some(Measure::Closing(text::fold(phrase))),
            Self::WrappedInQuotes => Bound::some(Measure::Quoted),
            Self::Postscript => Bound::some(Measure::Postscript),
            Self::ForeignGreeting { language } => {
                Bound::some(Measure::Opening(text::fold(language.greeting())))
            }
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        let opening = |phrase: &&str| Self::StartsWith { phrase: (*phrase).to_owned() };
        match self {
            Self::StartsWith { phrase } => {
                let mut found = all([Example::NotOpening { phrase: phrase.clone() }]);
                found.extend(all(ASKED_OPENERS.iter().take(3).map(opening)));
                found
            }
            Self::EndsWith { .. } => {
                let others = CLOSINGS.iter().take(3);
                all(others.map(|other| Self::EndsWith { phrase: (*other).to_owned() }))
            }
            Self::WrappedInQuotes => all(ASKED_OPENERS.iter().take(2).map(opening)),
            Self::Postscript => {
                let mut found = all([super::Length::ExactParagraphs { n: 1 }]);
                found.push(Layout::SingleLine.into());
                found
            }
            Self::ForeignGreeting { language } => {
                let others = GreetingLanguage::ALL.into_iter().filter(|other| other != language);
                let mut found = all(others.map(|language| Self::ForeignGreeting { language }));
                found.push(Example::NotOpening { phrase: language.greeting().to_owned() }.into());
                found
            }
        }
    }

    fn edit(&self, response: &str) -> Option<String> {
        let body = response.trim();
        match self {
            Self::StartsWith { phrase } if phrase.ends_with(',') => prose::open_with(body, phrase),
            Self::EndsWith { phrase } if phrase.ends_with(['.', '!', '?']) => {
                prose::close_with(body, phrase)
            }
            Self::WrappedInQuotes => wrapped(body),
            Self::Postscript => postscript(body),
            Self::ForeignGreeting { language } => {
                let greeting = language.greeting();
                let first = body.lines().next()?;
                // A bare greeting in English makes room.
                let rest = first.split_once([',', '!']).filter(|(hello, _)| {
                    ["hello", "hi", "hey"].contains(&text::fold(hello).as_str())
                });
                if let Some((hello, _)) = rest {
                    return Some(format!("{greeting}{}", &body[hello.len()..]));
                }
                let good = !lines::is_apart(first) && !body.starts_with(['{', '[', '<']);
                (good && prose::is_english(body)).then(|| format!("{greeting}! {body}"))
            }
            Self::StartsWith { .. } | Self::EndsWith { .. } => None,
        }
    }

    fn back_translate(kind: FramingKind, response: &str) -> Vec<Constraint> {
        match kind {
            FramingKind::StartsWith => openings(response),
            FramingKind::EndsWith => closings(response),
            FramingKind::WrappedInQuotes => all([Self::WrappedInQuotes]),
            FramingKind::Postscript => all([Self::Postscript]),
            FramingKind::ForeignGreeting => {
                all(GreetingLanguage::ALL.map(|language| Self::ForeignGreeting { language }))
            }
        }
    }

    fn draw(kind: FramingKind, _task: &str, rng: &mut dyn Rng) -> Self {
        match kind {
            FramingKind::EndsWith => Self::EndsWith {
                phrase: params::one_of(CLOSINGS, "I hope this helps.", rng).to_owned(),
            },
            FramingKind::WrappedInQuotes => Self::WrappedInQuotes,
            FramingKind::Postscript => Self::Postscript,
            FramingKind::ForeignGreeting => Self::ForeignGreeting {
                language: params::one_of(&GreetingLanguage::ALL, GreetingLanguage::French, rng),
            },
            FramingKind::StartsWith => Self::StartsWith {
                phrase: params::one_of(ASKED_OPENERS, "In short,", rng).to_owned(),
            },
        }
    }
}

/// Candidates for openings: the words up to an early comma, and the first word.
fn openings(response: &str) -> Vec<Constraint> {
    let line = response.trim_start().lines().next().unwrap_or_default().trim_end();
    let word: String =
        line.chars().take_while(|c| c.is_alphanumeric() || "'’-".contains(*c)).collect();
    let comma = line.find(',').map(|at| &line[..=at]);
    let phrase = comma.filter(|phrase| (2..=5).contains(&text::word_count(phrase)));
    let found = phrase.map(str::to_owned).into_iter().chain(Some(word));
    all(found.map(|phrase| Framing::StartsWith { phrase }))
}

/// Candidates for closings: a known closing phrase, and a short last sentence.
fn closings(response: &str) -> Vec<Constraint> {
    let last = text::sentences(response).into_iter().next_back();
    let phrase = last.map_or("", |range| &response[range]);
    let known = CLOSINGS.iter().find(|closing| text::closes_with(response, closing));
    // A truncated response has no closing.
    let ended = phrase.ends_with(['.', '!', '?']);
    let short = (ended && (2..=7).contains(&text::word_count(phrase))).then_some(phrase);
    let found = known.copied().into_iter().chain(short);
    all(found.map(|phrase| Framing::EndsWith { phrase: phrase.to_owned() }))
}

/// A text in double quotation marks, with single ones for quotations in it.
fn wrapped(body: &str) -> Option<String> {
    let first = body.lines().next().filter(|line| !lines::is_apart(line))?;
    let marks: Vec<usize> = body.match_indices('"').map(|(at, _)| at).collect();
    let paired = marks.len().is_multiple_of(2) && !body.contains('\'');
    let code = first.starts_with(['{', '[', '<']) || body.contains("```");
    let good = !code && (marks.is_empty() || paired);
    good.then(|| format!("\"{}\"", body.replace('"', "'")))
}

/// Moves the last sentence into a postscript, or adds one that offers more.
fn postscript(body: &str) -> Option<String> {
    const OFFERS: &[&str] = &[
        "Let me know if you would like to hear more.",
        "I am happy to answer any questions.",
        "Feel free to ask if anything is unclear.",
    ];
    if prose::is_running(body)
        && let [.., before, last] = text::sentences(body).as_slice()
        && text::sentences(body).len() >= 3
    {
        return Some(format!("{}\n\nP.S. {}", &body[..before.end], &body[last.clone()]));
    }
    let good = prose::is_english(body) && !body.starts_with(['{', '[']);
    good.then(|| format!("{body}\n\nP.S. {}", prose::varied(OFFERS, body)))
}
