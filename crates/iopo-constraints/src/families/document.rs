//! The language and the markup of the response.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Family, Lists, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    han,
    measure::Measure,
    params::{self, OutOfRange, quantity},
};

/// The language of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerLanguage {
    /// At least 30 % of the letters are Chinese characters.
    Chinese,
    /// Letters from A to Z with English function words.
    English,
}

impl AnswerLanguage {
    const ALL: [Self; 2] = [Self::Chinese, Self::English];

    fn english(self) -> &'static str {
        match self {
            Self::Chinese => "Chinese",
            Self::English => "English",
        }
    }
}

/// A kind of markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkupFormat {
    /// Markdown: headings, bold or italic text, lists, tables, links, quotations or code.
    Markdown,
    /// Italic text in Markdown: `*like this*`.
    Italic,
    /// LaTeX: an environment, a command or a formula between dollar signs.
    Latex,
    /// A LaTeX document: `\\documentclass`, `\\begin{document}` or `\\section`.
    LatexDocument,
    /// HTML: an element with its closing tag.
    Html,
    /// Underlined text: `<u>like this</u>`.
    Underline,
    /// A fenced code block, or code between backticks.
    Code,
    /// A comment in a code block: `//`, `#`, `/*`, `--` or `<!--`.
    Comments,
    /// A link: an address or a Markdown link.
    Link,
    /// A fenced code block.
    CodeBlock,
}

impl MarkupFormat {
    const ALL: [Self; 10] = [
        Self::Markdown,
        Self::Italic,
        Self::Latex,
        Self::LatexDocument,
        Self::Html,
        Self::Underline,
        Self::Code,
        Self::Comments,
        Self::Link,
        Self::CodeBlock,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Markdown => "Markdown",
            Self::Italic => "italics",
            Self::Latex => "LaTeX",
            Self::LatexDocument => "a LaTeX document",
            Self::Html => "HTML",
            Self::Underline => "underlining",
            Self::Code => "code formatting",
            Self::Comments => "comments in code",
            Self::Link => "links",
            Self::CodeBlock => "code blocks",
        }
    }
}

family! {
    /// The language and the markup of the response.
    Document, DocumentKind, document_kinds {
        /// Requires a language.
        Language {
            /// The language.
            language: AnswerLanguage,
        } = "language", Multilingual, weight 0.0, slots [], ifeval [], styles [];
        /// Requires markup of a kind.
        Markup {
            /// The markup.
            format: MarkupFormat,
        } = "markup", OutputFormat, weight 0.0, slots [], ifeval [], styles [];
        /// Forbids markup of a kind.
        NoMarkup {
            /// The markup.
            format: MarkupFormat,
        } = "no_markup", OutputFormat, weight 0.0, slots [], ifeval [], styles [];
        /// Requires a minimum number of list items, bulleted or numbered.
        MinItems {
            /// The limit.
            n: usize,
        } = "min_items", NumberingAndList, weight 0.0, slots [List], ifeval [], styles [];
    }
}

impl Family for Document {
    type Kind = DocumentKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::MinItems { n } => params::number("n", *n, 1, 50),
            Self::Language { .. } | Self::Markup { .. } | Self::NoMarkup { .. } => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::Language { language } => {
                let language = language.english();
                vec![
                    format!("Answer in {language}."),
                    format!("Write your response in {language}."),
                    format!("The response must be in {language}."),
                ]
            }
            Self::Markup { format } => {
                let format = format.name();
                vec![
                    format!("Use {format}."),
                    format!("Format your response with {format}."),
                    format!("The response must use {format}."),
                ]
            }
            Self::NoMarkup { format } => {
                let format = format.name();
                vec![
                    format!("Do not use {format}."),
                    format!("Write your response without {format}."),
                    format!("The response must not use {format}."),
                ]
            }
            Self::MinItems { n } => {
                let items = quantity(*n, "item");
                vec![
                    format!("Include a list with at least {items}."),
                    format!("Give the answer as a list with at least {items}."),
                    format!("Your response must contain a list with {items} or more."),
                ]
            }
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        match self {
            Self::Language { language: AnswerLanguage::Chinese } => {
                vec![Bound::at_least(Measure::HanShare, han::LEAST_SHARE)]
            }
            Self::Language { language: AnswerLanguage::English } => vec![
                Bound::at_most(Measure::HanShare, han::LEAST_SHARE - 1),
                Bound::some(Measure::English),
            ],
            Self::Markup { format } => vec![Bound::some(Measure::Markup(*format))],
            Self::NoMarkup { format } => vec![Bound::none(Measure::Markup(*format))],
            Self::MinItems { n } => vec![Bound::at_least(Measure::Items, *n)],
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            Self::Language { language } => {
                let others = AnswerLanguage::ALL.into_iter().filter(|other| other != language);
                all(others.map(|language| Self::Language { language }))
            }
            Self::Markup { format } => all([Self::NoMarkup { format: *format }]),
            Self::NoMarkup { format } => all([Self::Markup { format: *format }]),
            Self::MinItems { .. } => all([Lists::NoLists]),
        }
    }

    fn edit(&self, _response: &str) -> Option<String> {
        // A translation or markup needs an author.
        None
    }

    fn back_translate(kind: DocumentKind, response: &str) -> Vec<Constraint> {
        match kind {
            DocumentKind::Language => {
                all(AnswerLanguage::ALL.map(|language| Self::Language { language }))
            }
            DocumentKind::Markup => all(MarkupFormat::ALL.map(|format| Self::Markup { format })),
            DocumentKind::NoMarkup => {
                all(MarkupFormat::ALL.map(|format| Self::NoMarkup { format }))
            }
            DocumentKind::MinItems => {
                let items = Measure::Items.count(response);
                all((items > 1).then_some(Self::MinItems { n: items.min(10) }))
            }
        }
    }

    fn draw(kind: DocumentKind, _task: &str, rng: &mut dyn Rng) -> Self {
        let n = params::between(2, 6, rng);
        let format = params::one_of(&MarkupFormat::ALL, MarkupFormat::Markdown, rng);
        match kind {
            DocumentKind::Language => Self::Language {
                language: params::one_of(&AnswerLanguage::ALL, AnswerLanguage::English, rng),
            },
            DocumentKind::Markup => Self::Markup { format },
            DocumentKind::NoMarkup => Self::NoMarkup { format },
            DocumentKind::MinItems => Self::MinItems { n },
        }
    }
}
