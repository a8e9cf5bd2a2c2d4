//! The elements of the layout, and the title.

use rand::Rng;
use serde::{Deserialize, Serialize};

use super::{Family, Layout, Lists, MarkupFormat, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    measure::Measure,
    params::{self, OutOfRange},
    text,
};

/// An element of the layout of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// Headings, in Markdown, as lines in bold, or with Chinese numerals.
    Heading,
    /// Headings of two levels.
    Subheading,
    /// A list of at least two items, with bullets or numbers.
    List,
    /// A numbered list of at least two items.
    NumberedList,
    /// A bulleted list of at least two items.
    BulletList,
    /// A Markdown table.
    Table,
    /// Bold text.
    Bold,
    /// Italic text.
    Italic,
    /// A fenced code block.
    CodeBlock,
    /// A comment in a fenced code block.
    Comment,
}

impl Element {
    const ALL: [Self; 10] = [
        Self::Heading,
        Self::Subheading,
        Self::List,
        Self::NumberedList,
        Self::BulletList,
        Self::Table,
        Self::Bold,
        Self::Italic,
        Self::CodeBlock,
        Self::Comment,
    ];

    pub(crate) fn english(self) -> &'static str {
        match self {
            Self::Heading => "headings",
            Self::Subheading => "subheadings",
            Self::List => "lists",
            Self::NumberedList => "numbered lists",
            Self::BulletList => "bullet points",
            Self::Table => "tables",
            Self::Bold => "bold text",
            Self::Italic => "italics",
            Self::CodeBlock => "code blocks",
            Self::Comment => "code comments",
        }
    }

    /// The Chinese word.
    pub(crate) fn chinese(self) -> &'static str {
        match self {
            Self::Heading => "标题",
            Self::Subheading => "子标题",
            Self::List => "列表",
            Self::NumberedList => "编号列表",
            Self::BulletList => "项目符号列表",
            Self::Table => "表格",
            Self::Bold => "粗体",
            Self::Italic => "斜体",
            Self::CodeBlock => "代码块",
            Self::Comment => "代码注释",
        }
    }

    /// The bound of a response that has the element.
    pub(crate) fn bound(self) -> Bound {
        match self {
            Self::Heading => Bound::some(Measure::HeadingLevels),
            Self::Subheading => Bound::at_least(Measure::HeadingLevels, 2),
            Self::List => Bound::at_least(Measure::Items, 2),
            Self::NumberedList => Bound::at_least(Measure::Numbered, 2),
            Self::BulletList => Bound::at_least(Measure::Bullets, 2),
            Self::Table => Bound::some(Measure::Tables),
            Self::Bold => Bound::some(Measure::Bold),
            Self::Italic => Bound::some(Measure::Markup(MarkupFormat::Italic)),
            Self::CodeBlock => Bound::some(Measure::Markup(MarkupFormat::CodeBlock)),
            Self::Comment => Bound::some(Measure::Markup(MarkupFormat::Comments)),
        }
    }

    fn is_in(self, response: &str) -> bool {
        let bound = self.bound();
        bound.holds(bound.measure.count(response))
    }
}

family! {
    /// The elements of the layout, and the title.
    Outline, OutlineKind, outline_kinds {
        /// Requires each of these elements.
        Elements {
            /// The elements, at least two.
            elements: Vec<Element>,
        } = "elements", Hierarchy, weight 0.0, slots [Headings List], ifeval [], styles [];
        /// Requires each of these elements, written in Markdown: headings with `#` or as bold lines, items with `-`, `*` or a
        /// number.
        MarkdownElements {
            /// The elements, at least one.
            elements: Vec<Element>,
        } = "markdown_elements", MarkdownBackground, weight 0.0, slots [Headings List], ifeval [], styles [];
        /// Requires a line that consists of this title, as a heading, in bold or plain, ignoring case.
        Titled {
            /// The title.
            title: String,
        } = "titled", Template, weight 0.0, slots [Headings], ifeval [], styles [];
    }
}

impl Family for Outline {
    type Kind = OutlineKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::Elements { elements } => {
                params::number("elements", elements.len(), 2, Element::ALL.len())?;
                let names: Vec<String> =
                    elements.iter().map(|one| one.english().to_owned()).collect();
                params::labels("elements", &names)
            }
            Self::MarkdownElements { elements } => {
                let names: Vec<String> =
                    elements.iter().map(|one| one.english().to_owned()).collect();
                params::labels("elements", &names)
            }
            Self::Titled { title } => params::label("title", title),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::Elements { elements } => {
                let names: Vec<&str> = elements.iter().map(|one| one.english()).collect();
                let list = joined(&names);
                vec![
                    format!("Use {list}."),
                    format!("Structure your response with {list}."),
                    format!("The response must contain {list}."),
                ]
            }
            Self::MarkdownElements { elements } => {
                let names: Vec<&str> = elements.iter().map(|one| one.english()).collect();
                let list = joined(&names);
                vec![
                    format!("Use Markdown with {list}."),
                    format!("Format your response as Markdown, with {list}."),
                    format!("The response must contain {list} in Markdown."),
                ]
            }
            Self::Titled { title } => vec![
                format!("The title must be \"{title}\"."),
                format!("Give your response the title \"{title}\"."),
                format!("Put the title \"{title}\" on a line of its own."),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        match self {
            Self::Elements { elements } => elements.iter().map(|element| element.bound()).collect(),
            Self::MarkdownElements { elements } => {
                elements.iter().map(|element| Bound::some(Measure::InMarkdown(*element))).collect()
            }
            Self::Titled { title } => vec![Bound::some(Measure::TitleLine(text::fold(title)))],
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        let mut found = all([Layout::JsonObject, Layout::PlainText]);
        found.push(Lists::NoLists.into());
        found
    }

    fn edit(&self, _response: &str) -> Option<String> {
        // A layout or a title needs an author.
        None
    }

    fn back_translate(kind: OutlineKind, response: &str) -> Vec<Constraint> {
        match kind {
            OutlineKind::Elements => {
                let elements: Vec<Element> =
                    Element::ALL.into_iter().filter(|element| element.is_in(response)).collect();
                all((elements.len() > 1).then_some(Self::Elements { elements }))
            }
            OutlineKind::MarkdownElements => {
                let found = |one: &Element| crate::structure::in_markdown(*one, response) > 0;
                let elements: Vec<Element> = Element::ALL.into_iter().filter(found).collect();
                all((!elements.is_empty()).then_some(Self::MarkdownElements { elements }))
            }
            OutlineKind::Titled => {
                let first = crate::structure::headings(response).into_iter().next();
                all(first.map(|title| Self::Titled { title }))
            }
        }
    }

    fn draw(kind: OutlineKind, _task: &str, rng: &mut dyn Rng) -> Self {
        match kind {
            OutlineKind::Elements => {
                let others = [Element::Subheading, Element::List, Element::Table];
                let other = params::one_of(&others, Element::List, rng);
                Self::Elements { elements: vec![Element::Heading, other] }
            }
            OutlineKind::MarkdownElements => {
                let others = [Element::Subheading, Element::List, Element::Table];
                let other = params::one_of(&others, Element::List, rng);
                Self::MarkdownElements { elements: vec![Element::Heading, other] }
            }
            OutlineKind::Titled => Self::Titled { title: "A short guide".to_owned() },
        }
    }
}

/// "a, b and c".
fn joined(names: &[&str]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}
