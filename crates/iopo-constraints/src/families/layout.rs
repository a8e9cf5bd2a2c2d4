//! Headings, bold print, tables, parts, JSON.

use rand::Rng;
use serde_json::Value;

use super::{Family, Framing, Lists, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit,
    kind::Kind,
    lines,
    measure::Measure,
    params::{self, Refusal, counted},
    text,
};

family! {
    /// The layout of a response.
    Layout {
        /// At least so many Markdown headings.
        Headings {
            /// The limit.
            n: usize
        };
        /// The first line is a title in double angle brackets.
        AngleTitle;
        /// At least so many phrases in bold (`**so**`).
        Bold {
            /// The limit.
            n: usize
        };
        /// No Markdown headings, bold print, tables or backticks.
        PlainText;
        /// A Markdown table.
        Table;
        /// One line.
        SingleLine;
        /// So many parts divided by lines of three asterisks.
        DividedParts {
            /// The number.
            n: usize
        };
        /// So many parts headed "Section 1", "Section 2" … in order.
        Sections {
            /// The number.
            n: usize
        };
        /// The whole is a JSON object, in a code block or not.
        JsonObject;
    }
}

impl Family for Layout {
    fn kind(&self) -> Kind {
        self.kind_of()
    }

    fn value(&self) -> Value {
        self.value_of()
    }

    fn validate(&self) -> Result<(), Refusal> {
        match *self {
            Self::Headings { n } => params::number("n", n, 1, 20),
            Self::Bold { n } => params::number("n", n, 1, 30),
            Self::DividedParts { n } | Self::Sections { n } => params::number("n", n, 2, 20),
            _ => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match *self {
            Self::Headings { n } => {
                let headings = counted(n, "Markdown heading");
                vec![
                    format!("Use at least {headings} (a line that starts with #)."),
                    format!("Structure the answer with {headings} or more, marked with #."),
                    format!("Include no fewer than {headings}, with # at the start of the line."),
                ]
            }
            Self::AngleTitle => say([
                "Start with a title in double angle brackets, such as <<title>>, on its own line.",
                "The first line must be a title wrapped in double angle brackets, like <<title>>.",
                "Give the answer a title on the first line, written as <<title>>.",
            ]),
            Self::Bold { n } => {
                let phrases = if n == 1 {
                    "1 word or phrase".to_owned()
                } else {
                    format!("{n} words or phrases")
                };
                vec![
                    format!("Put at least {phrases} in bold with **double asterisks**."),
                    format!("Highlight at least {phrases} in **bold**."),
                    format!("Use bold, like **this**, for at least {phrases}."),
                ]
            }
            Self::PlainText => say([
                "Write plain text without Markdown: no bold, headings, tables or backticks.",
                "Do not use Markdown formatting such as bold text, headings or code.",
                "Use no bold text, no headings, no tables and no code formatting.",
            ]),
            Self::Table => say([
                "Include a Markdown table.",
                "Present the information in a Markdown table.",
                "Use a table in Markdown, with columns separated by | signs.",
            ]),
            Self::SingleLine => say([
                "Write everything on a single line, without line breaks.",
                "Do not use line breaks.",
                "Your whole response must be one line of text.",
            ]),
            Self::DividedParts { n } => vec![
                format!("Write {n} parts and separate them with a line that contains only ***."),
                format!(
                    "Divide the answer into exactly {n} parts, with *** on its own line between them."
                ),
                format!("Your response must have {n} parts; put a line of *** between two parts."),
            ],
            Self::Sections { n } => vec![
                format!(
                    "Divide the answer into {n} sections, headed \"Section 1\" to \"Section {n}\"."
                ),
                format!(
                    "Write exactly {n} sections and start them with \"Section 1\", \"Section 2\" and so on."
                ),
                format!(
                    "Your response must have {n} parts whose first lines start with \"Section\" and their number."
                ),
            ],
            Self::JsonObject => say([
                "Give the whole answer as a JSON object.",
                "Respond with one valid JSON object and nothing else.",
                "Your entire response must be a JSON object.",
            ]),
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match *self {
            Self::Headings { n } => Bound::at_least(Measure::Headings, n),
            Self::AngleTitle => Bound::some(Measure::AngleTitle),
            Self::Bold { n } => Bound::at_least(Measure::Bold, n),
            Self::PlainText => Bound::none(Measure::Markdown),
            Self::Table => Bound::some(Measure::Tables),
            Self::SingleLine => Bound::exactly(Measure::Lines, 1),
            Self::DividedParts { n } => Bound::exactly(Measure::Parts, n),
            Self::Sections { n } => Bound::exactly(Measure::Sections, n),
            Self::JsonObject => Bound::some(Measure::Json),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        let opening = || Framing::StartsWith { phrase: "In short,".to_owned() };
        match *self {
            Self::Headings { .. } | Self::Bold { .. } => all([Self::PlainText]),
            Self::AngleTitle => all([opening(), Framing::WrappedInQuotes]),
            Self::PlainText => {
                all([Self::Bold { n: 1 }, Self::Bold { n: 2 }, Self::Headings { n: 1 }])
            }
            Self::Table => all([Self::PlainText, Self::SingleLine]),
            Self::SingleLine => {
                let mut found = all([super::Length::ExactParagraphs { n: 2 }]);
                found.extend(all([Lists::MinBullets { n: 2 }, Lists::MinNumbered { n: 2 }]));
                found
            }
            Self::DividedParts { n } => all([
                Self::DividedParts { n: n + 1 },
                Self::DividedParts { n: n.saturating_sub(1) },
                Self::SingleLine,
            ]),
            Self::Sections { n } => all([
                Self::Sections { n: n + 1 },
                Self::Sections { n: n.saturating_sub(1) },
                Self::SingleLine,
            ]),
            Self::JsonObject => {
                let mut found = all([Lists::MinBullets { n: 2 }, Lists::MinNumbered { n: 2 }]);
                found.push(opening().into());
                found
            }
        }
    }

    fn repair(&self, response: &str) -> Option<String> {
        match *self {
            Self::PlainText => {
                if Measure::Tables.count(response) > 0 || response.contains("```") {
                    return None;
                }
                let plain = response.replace("**", "").replace('`', "");
                Some(edit::map_lines(&plain, |line| {
                    lines::heading(line).unwrap_or(line).to_owned()
                }))
            }
            Self::Headings { n: 1 } => {
                let (title, rest) = title(response)?;
                Some(format!("# {title}\n{rest}"))
            }
            Self::AngleTitle => {
                let (title, rest) = title(response)?;
                Some(format!("<<{title}>>\n{rest}"))
            }
            Self::Bold { n } => Some(emboldened(response, n)),
            Self::SingleLine if edit::is_prose(response) => Some(edit::join_lines(response)),
            Self::DividedParts { n } => {
                let parts = text::paragraphs(response);
                let fits = parts.len() == n && edit::is_prose(response);
                let parts: Vec<&str> = parts.into_iter().map(|range| &response[range]).collect();
                fits.then(|| parts.join("\n***\n"))
            }
            Self::Sections { n } => {
                let parts = text::paragraphs(response);
                let fits = parts.len() == n && edit::is_prose(response);
                let headed = parts
                    .into_iter()
                    .enumerate()
                    .map(|(index, range)| format!("Section {}\n{}", index + 1, &response[range]));
                fits.then(|| headed.collect::<Vec<_>>().join("\n\n"))
            }
            _ => None,
        }
    }

    fn back_translate(kind: Kind, response: &str) -> Vec<Constraint> {
        let count = |measure: Measure| measure.count(response);
        let long = text::word_count(response) >= 8;
        let some = |n: usize| (n > 0).then_some(n.min(10));
        match kind {
            Kind::Headings => all(some(count(Measure::Headings)).map(|n| Self::Headings { n })),
            Kind::AngleTitle => all([Self::AngleTitle]),
            Kind::Bold => {
                let bold = some(count(Measure::Bold));
                let fewer = bold.filter(|&n| n > 3).map(|_| 3);
                all(bold.into_iter().chain(fewer).map(|n| Self::Bold { n }))
            }
            Kind::PlainText if long => all([Self::PlainText]),
            Kind::Table => all([Self::Table]),
            Kind::SingleLine if long => all([Self::SingleLine]),
            Kind::DividedParts => all([Self::DividedParts { n: count(Measure::Parts) }]),
            Kind::Sections => all([Self::Sections { n: count(Measure::Sections) }]),
            Kind::JsonObject => all([Self::JsonObject]),
            _ => Vec::new(),
        }
    }

    fn draw(kind: Kind, _task: &str, rng: &mut dyn Rng) -> Constraint {
        let n = params::between(1, 3, rng);
        match kind {
            Kind::Headings => Self::Headings { n },
            Kind::AngleTitle => Self::AngleTitle,
            Kind::Bold => Self::Bold { n },
            Kind::Table => Self::Table,
            Kind::SingleLine => Self::SingleLine,
            Kind::DividedParts => Self::DividedParts { n: n + 1 },
            Kind::Sections => Self::Sections { n: n + 1 },
            Kind::JsonObject => Self::JsonObject,
            _ => Self::PlainText,
        }
        .into()
    }
}

/// A first line that is a title already (bold, or after "Title:", or a heading), and what follows.
fn title(response: &str) -> Option<(&str, &str)> {
    let (first, rest) = response.trim_start().split_once('\n')?;
    let first = first.trim();
    let bold = first.strip_prefix("**").and_then(|inner| inner.strip_suffix("**"));
    let title = bold
        .or_else(|| first.strip_prefix("Title:").map(|title| title.trim().trim_matches('"')))
        .or_else(|| lines::heading(first))?;
    let good = text::has_text(title) && !title.contains(['*', '<', '>']);
    (good && !rest.trim().is_empty()).then_some((title, rest))
}

/// Puts telling words in bold until there are `n` bold phrases.
fn emboldened(response: &str, n: usize) -> String {
    let missing = n.saturating_sub(Measure::Bold.count(response));
    let mut telling: Vec<String> = edit::content_words(response)
        .into_iter()
        .map(|(word, _)| word)
        .filter(|word| word.len() >= 5)
        .take(missing)
        .collect();
    edit::replace_words(response, |word| {
        let at = telling.iter().position(|known| *known == text::key(word))?;
        telling.swap_remove(at);
        Some(format!("**{word}**"))
    })
}
