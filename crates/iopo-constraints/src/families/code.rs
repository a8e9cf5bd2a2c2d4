//! Code in the response.

use rand::Rng;

use super::{Document, Family, MarkupFormat, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    measure::Measure,
    params::{self, OutOfRange, quantity},
    text,
};

family! {
    /// Code in the response.
    Code, CodeKind, code_kinds {
        /// Limits the number of lines of code from above: filled lines in code blocks, or in the response if it has none.
        MaxCodeLines {
            /// The limit.
            n: usize,
        } = "max_code_lines", Numerical, weight 0.0, slots [], ifeval [], styles [];
        /// Limits the number of lines of code from below.
        MinCodeLines {
            /// The limit.
            n: usize,
        } = "min_code_lines", Numerical, weight 0.0, slots [], ifeval [], styles [];
        /// Requires a code block that is marked with a programming language.
        CodeLanguage {
            /// The language, as after the fence of a Markdown code block.
            name: String,
        } = "code_language", Multilingual, weight 0.0, slots [], ifeval [], styles [];
    }
}

impl Family for Code {
    type Kind = CodeKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::MaxCodeLines { n } => params::number("n", *n, 1, 9_999),
            Self::MinCodeLines { n } => params::number("n", *n, 2, 10_000),
            Self::CodeLanguage { name } => params::label("name", name),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::MaxCodeLines { n } => {
                let lines = quantity(*n, "line");
                vec![
                    format!("The code must have at most {lines}."),
                    format!("Write at most {lines} of code."),
                    format!("Keep the code to {lines} or fewer."),
                ]
            }
            Self::MinCodeLines { n } => {
                let lines = quantity(*n, "line");
                vec![
                    format!("The code must have at least {lines}."),
                    format!("Write at least {lines} of code."),
                    format!("Make the code {lines} long or longer."),
                ]
            }
            Self::CodeLanguage { name } => vec![
                format!("Write the code in {name}."),
                format!("Include a code block marked as {name}."),
                format!("The code must be written in {name}."),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match self {
            Self::MaxCodeLines { n } => Bound::at_most(Measure::CodeLines, *n),
            Self::MinCodeLines { n } => Bound::at_least(Measure::CodeLines, *n),
            Self::CodeLanguage { name } => Bound::some(Measure::CodeBlock(text::fold(name))),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            Self::MaxCodeLines { n } => all([Self::MinCodeLines { n: n.saturating_add(1) }]),
            Self::MinCodeLines { n } => all([Self::MaxCodeLines { n: n.saturating_sub(1) }]),
            Self::CodeLanguage { .. } => all([Document::NoMarkup { format: MarkupFormat::Code }]),
        }
    }

    fn edit(&self, _response: &str) -> Option<String> {
        // Code needs an author.
        None
    }

    fn back_translate(kind: CodeKind, response: &str) -> Vec<Constraint> {
        let n = Measure::CodeLines.count(response);
        match kind {
            CodeKind::MaxCodeLines if response.contains("```") => all([Self::MaxCodeLines { n }]),
            CodeKind::MinCodeLines if response.contains("```") => all([Self::MinCodeLines { n }]),
            CodeKind::CodeLanguage => {
                let known = ["python", "rust", "java", "sql"].map(str::to_owned);
                all(known.map(|name| Self::CodeLanguage { name }))
            }
            CodeKind::MaxCodeLines | CodeKind::MinCodeLines => Vec::new(),
        }
    }

    fn draw(kind: CodeKind, _task: &str, rng: &mut dyn Rng) -> Self {
        let n = params::between(2, 6, rng);
        match kind {
            CodeKind::MaxCodeLines => Self::MaxCodeLines { n: 10 * n },
            CodeKind::MinCodeLines => Self::MinCodeLines { n: 5 * n },
            CodeKind::CodeLanguage => Self::CodeLanguage {
                name: params::one_of(&["python", "rust", "java"], "python", rng).to_owned(),
            },
        }
    }
}
