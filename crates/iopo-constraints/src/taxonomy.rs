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

    /// The Chinese name.
    pub fn chinese(self) -> &'static str {
        match self {
            Self::Content => "内容约束",
            Self::Situation => "情境约束",
            Self::Style => "风格约束",
            Self::Format => "格式约束",
            Self::Example => "示例约束",
        }
    }
}

impl fmt::Display for ConstraintType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.english())
    }
}

macro_rules! dimensions {
    ($($(#[$meta:meta])* $name:ident $group:ident $english:literal $chinese:literal)*) => {
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

            /// The Chinese label, as the evaluation file writes it.
            pub fn chinese(self) -> &'static str {
                match self { $(Self::$name => $chinese,)* }
            }
        }
    };
}

dimensions! {
    /// The topic.
    Theme Content "theme" "主题约束"
    /// Content to avoid.
    Exclusion Content "exclusion" "排除约束"
    /// Content to include.
    Inclusion Content "inclusion" "包含约束"
    /// Values to uphold.
    Value Content "value" "价值观约束"
    /// Private details to withhold.
    Privacy Content "privacy" "隐私约束"
    /// Quantities and lengths.
    Numerical Content "numerical" "数值约束"
    /// The role of the speaker.
    RolePlaying Situation "role-playing" "角色扮演约束"
    /// The audience.
    TargetAudience Situation "target audience" "受众目标约束"
    /// Conditions given beforehand.
    PriorCondition Situation "prior condition" "先验条件约束"
    /// A process described in prose.
    ProcessBackground Situation "natural-language process background" "自然语言流程背景信息约束"
    /// A process described in Markdown.
    MarkdownBackground Situation "markdown process background" "markdown流程背景信息约束"
    /// Background given as a table.
    TableBackground Situation "table background" "表格背景信息约束"
    /// Background given as a text.
    TextBackground Situation "text background" "文本背景信息约束"
    /// Tone and register.
    ToneAndStyle Style "tone and style" "语气风格约束"
    /// The emotion to express.
    Emotion Style "emotion" "情感情绪约束"
    /// Language features such as letter case or grammatical person.
    Linguistic Style "linguistic characteristics" "语言特征约束"
    /// The languages to use.
    Multilingual Style "multilingual" "多语言约束"
    /// The document format.
    OutputFormat Format "output format" "输出格式约束"
    /// Patterns in running text, such as bold words.
    TextPattern Format "text pattern" "文本样式约束"
    /// Sentence structure and punctuation.
    GrammarStructure Format "grammar structure" "语法结构约束"
    /// Quotations and references.
    Citation Format "citation" "引用和参考约束"
    /// Numbered and bulleted lists.
    NumberingAndList Format "numbering and list" "编号和列表约束"
    /// Titles, headings and sections.
    Hierarchy Format "hierarchical structure" "层次化结构约束"
    /// Fixed openings, closings and templates.
    Template Format "template" "模版约束"
    /// An example to follow.
    PositiveExample Example "positive example" "正例约束"
    /// An example to avoid.
    NegativeExample Example "negative example" "负例约束"
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
        let chinese: BTreeSet<_> = Dimension::ALL.iter().map(|d| d.chinese()).collect();
        let types: BTreeSet<_> = Dimension::ALL.iter().map(|d| d.constraint_type()).collect();
        assert_eq!((english.len(), chinese.len(), types.len()), (26, 26, 5));
        let of = |t| Dimension::ALL.iter().filter(|d| d.constraint_type() == t).count();
        assert_eq!(ConstraintType::ALL.map(of), [6, 7, 4, 7, 2]);
    }
}
