//! The taxonomy of the IOPO paper: 5 types and 26 dimensions of constraints.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One of the five types of constraints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConstraintType {
    /// The content of the response.
    Content,
    /// The situation of speaker and audience.
    Situation,
    /// Style and tone.
    Style,
    /// Layout and structure.
    Format,
    /// Examples to follow or avoid.
    Example,
}

impl ConstraintType {
    /// All five types, in the order of the paper.
    pub const ALL: [Self; 5] =
        [Self::Content, Self::Situation, Self::Style, Self::Format, Self::Example];

    /// The English name.
    pub fn english(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Situation => "situation",
            Self::Style => "style",
            Self::Format => "format",
            Self::Example => "example",
        }
    }
}

impl fmt::Display for ConstraintType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.english())
    }
}

macro_rules! dimensions {
    ($($(#[$meta:meta])* $name:ident $group:ident $english:literal)*) => {
        /// One of the 26 dimensions. Each belongs to one type.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Dimension { $($(#[$meta])* $name,)* }

        impl Dimension {
            /// All 26 dimensions, grouped by type in the order of the paper.
            pub const ALL: [Self; 26] = [$(Self::$name,)*];

            /// The type that the dimension belongs to.
            pub fn constraint_type(self) -> ConstraintType {
                match self { $(Self::$name => ConstraintType::$group,)* }
            }

            /// The English name.
            pub fn english(self) -> &'static str {
                match self { $(Self::$name => $english,)* }
            }
        }
    };
}

dimensions! {
    /// The topic.
    Theme Content "theme"
    /// Content to avoid.
    Exclusion Content "exclusion"
    /// Content to include.
    Inclusion Content "inclusion"
    /// Values to uphold.
    Value Content "value"
    /// Private details to withhold.
    Privacy Content "privacy"
    /// Quantities and lengths.
    Numerical Content "numerical"
    /// The role of the speaker.
    RolePlaying Situation "role-playing"
    /// The audience.
    TargetAudience Situation "target audience"
    /// Conditions given beforehand.
    PriorCondition Situation "prior condition"
    /// A process described in prose.
    ProcessBackground Situation "natural-language process background"
    /// A process described in Markdown.
    MarkdownBackground Situation "markdown process background"
    /// Background given as a table.
    TableBackground Situation "table background"
    /// Background given as a text.
    TextBackground Situation "text background"
    /// Tone and register.
    ToneAndStyle Style "tone and style"
    /// The emotion to express.
    Emotion Style "emotion"
    /// Language features such as letter case or grammatical person.
    Linguistic Style "linguistic characteristics"
    /// The languages to use.
    Multilingual Style "multilingual"
    /// The document format.
    OutputFormat Format "output format"
    /// Patterns in running text, such as bold words.
    TextPattern Format "text pattern"
    /// Sentence structure and punctuation.
    GrammarStructure Format "grammar structure"
    /// Quotations and references.
    Citation Format "citation"
    /// Numbered and bulleted lists.
    NumberingAndList Format "numbering and list"
    /// Titles, headings and sections.
    Hierarchy Format "hierarchical structure"
    /// Fixed openings, closings and templates.
    Template Format "template"
    /// An example to follow.
    PositiveExample Example "positive example"
    /// An example to avoid.
    NegativeExample Example "negative example"
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.english())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_26_dimensions_with_distinct_names_over_5_types() {
        let english: BTreeSet<_> = Dimension::ALL.iter().map(|d| d.english()).collect();
        let types: BTreeSet<_> = Dimension::ALL.iter().map(|d| d.constraint_type()).collect();
        assert_eq!((english.len(), types.len()), (26, 5));
        let of = |t| Dimension::ALL.iter().filter(|d| d.constraint_type() == t).count();
        assert_eq!(ConstraintType::ALL.map(of), [6, 7, 4, 7, 2]);
    }
}
