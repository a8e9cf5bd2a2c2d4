//! Emphasis of words inside of lines.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Document, Family, Layout, MarkupFormat, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    measure::Measure,
    params::{self, OutOfRange},
};

/// A way to emphasize words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// `**like this**`.
    Bold,
    /// `*like this*`.
    Italic,
    /// `<u>like this</u>`.
    Underline,
    /// Between backticks.
    Code,
}

impl Style {
    const ALL: [Self; 4] = [Self::Bold, Self::Italic, Self::Underline, Self::Code];

    pub(crate) fn english(self) -> &'static str {
        match self {
            Self::Bold => "bold type",
            Self::Italic => "italics",
            Self::Underline => "underlining",
            Self::Code => "code formatting",
        }
    }

    /// The Chinese word.
    pub(crate) fn chinese(self) -> &'static str {
        match self {
            Self::Bold => "粗体",
            Self::Italic => "斜体",
            Self::Underline => "下划线",
            Self::Code => "代码格式",
        }
    }

    /// The measure of the same markup anywhere, headings included.
    pub(crate) fn anywhere(self) -> Measure {
        match self {
            Self::Bold => Measure::Bold,
            Self::Italic => Measure::Markup(MarkupFormat::Italic),
            Self::Underline => Measure::Markup(MarkupFormat::Underline),
            Self::Code => Measure::Markup(MarkupFormat::Code),
        }
    }
}

family! {
    /// Emphasis of words inside of lines.
    Emphasis, EmphasisKind, emphasis_kinds {
        /// Requires words in this style inside of a line. A line or heading in the style as a whole does not count: it is a
        /// heading. Which words are important is up to the response.
        Emphasized {
            /// The style.
            style: Style,
        } = "emphasized", TextPattern, weight 0.0, slots [Bold], ifeval [], styles [];
    }
}

impl Family for Emphasis {
    type Kind = EmphasisKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        Ok(())
    }

    fn phrases(&self) -> Vec<String> {
        let Self::Emphasized { style } = self;
        let style = style.english();
        vec![
            format!("Highlight the key words with {style}."),
            format!("Use {style} for important words inside the text."),
            format!("Mark the key terms of your response with {style}."),
        ]
    }

    fn bounds(&self) -> Vec<Bound> {
        let Self::Emphasized { style } = self;
        vec![Bound::some(Measure::Emphasized(*style))]
    }

    fn revisions(&self) -> Vec<Constraint> {
        let Self::Emphasized { style } = self;
        match style {
            Style::Bold => all([Layout::PlainText]),
            Style::Italic => all([Document::NoMarkup { format: MarkupFormat::Italic }]),
            Style::Underline => all([Document::NoMarkup { format: MarkupFormat::Underline }]),
            Style::Code => all([Document::NoMarkup { format: MarkupFormat::Code }]),
        }
    }

    fn edit(&self, _response: &str) -> Option<String> {
        // An author knows which words matter.
        None
    }

    fn back_translate(kind: EmphasisKind, _response: &str) -> Vec<Constraint> {
        match kind {
            EmphasisKind::Emphasized => all(Style::ALL.map(|style| Self::Emphasized { style })),
        }
    }

    fn draw(kind: EmphasisKind, _task: &str, rng: &mut dyn Rng) -> Self {
        match kind {
            EmphasisKind::Emphasized => {
                Self::Emphasized { style: params::one_of(&Style::ALL, Style::Bold, rng) }
            }
        }
    }
}
