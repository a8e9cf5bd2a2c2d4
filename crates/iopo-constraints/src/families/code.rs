//! Code in the response.

use rand::Rng;

use super::{Document, Family, MarkupFormat, Phrases, all};
use crate::{
    bound::Bound,
    constraint::Constraint,
    markup,
    measure::Measure,
    params::{self, OutOfRange, quantity},
    text,
};

family! {
    /// Code in the response.
    Code, CodeKind, code_kinds {
        /// Limits the number of lines of code from above: filled lines in all code blocks, or in the response if it has none.
        /// Blocks of data and output do not count, and those without a language only if no block has one.
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
        /// Requires these names in the code: in code blocks and code spans, or in the response if it has none. Case does not
        /// matter. A tag such as `<p>` may have attributes, and a path such as `java.time.LocalDate` may be imported, so its
        /// last part is enough.
        CodeNames {
            /// Names of functions, modules, commands, tags and the like.
            names: Vec<String>,
        } = "code_names", Inclusion, weight 0.0, slots [], ifeval [], styles [];
        /// Requires a name in its case, not within a longer name.
        IncludeName {
            /// The name of a function, class, object or the like.
            name: String,
        } = "include_name", Inclusion, weight 0.0, slots [], ifeval [], styles [];
    }
}

impl Family for Code {
    type Kind = CodeKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::MaxCodeLines { n } => params::number("n", *n, 1, 9_999),
            Self::MinCodeLines { n } => params::number("n", *n, 2, 10_000),
            Self::CodeLanguage { name } | Self::IncludeName { name } => params::label("name", name),
            Self::CodeNames { names } => params::labels("names", names),
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
            Self::CodeNames { names } => {
                let list = params::quoted_list(names);
                vec![
                    format!("Use {list} in the code."),
                    format!("The code must use {list}."),
                    format!("Write code that uses {list}."),
                ]
            }
            Self::IncludeName { name } => vec![
                format!("Use the name \"{name}\", with these capital letters."),
                format!("The name must be \"{name}\", in exactly this case."),
                format!("Name it \"{name}\" and keep the case of the letters."),
            ],
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        match self {
            Self::MaxCodeLines { n } => vec![Bound::at_most(Measure::CodeLines, *n)],
            Self::MinCodeLines { n } => vec![Bound::at_least(Measure::CodeLines, *n)],
            Self::CodeLanguage { name } => vec![Bound::some(Measure::CodeBlock(text::fold(name)))],
            Self::CodeNames { names } => {
                names.iter().map(|name| Bound::some(Measure::CodeName(text::fold(name)))).collect()
            }
            Self::IncludeName { name } => vec![Bound::some(Measure::ExactName(name.clone()))],
        }
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            Self::MaxCodeLines { n } => all([Self::MinCodeLines { n: n.saturating_add(1) }]),
            Self::MinCodeLines { n } => all([Self::MaxCodeLines { n: n.saturating_sub(1) }]),
            Self::CodeLanguage { .. } => all([Document::NoMarkup { format: MarkupFormat::Code }]),
            Self::CodeNames { names } => {
                let phrases = names.iter().map(|name| markup::stem(&text::fold(name)).to_owned());
                all(phrases.map(|phrase| Phrases::ExcludePhrase { phrase }))
            }
            Self::IncludeName { name } => {
                all([Phrases::ExcludePhrase { phrase: text::fold(name) }])
            }
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
            CodeKind::CodeNames => {
                let names = markup::called(response);
                all((!names.is_empty()).then_some(Self::CodeNames { names }))
            }
            CodeKind::IncludeName => {
                let first = markup::called(response).into_iter().next();
                all(first.map(|name| Self::IncludeName { name }))
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
            CodeKind::IncludeName => Self::IncludeName {
                name: params::one_of(&["ShoppingCart", "parseDate"], "parseDate", rng).to_owned(),
            },
            CodeKind::CodeNames => Self::CodeNames {
                names: vec![
                    params::one_of(&["print", "sorted", "random"], "print", rng).to_owned(),
                ],
            },
        }
    }
}
