//! Layout: headings, bold text, tables, parts, JSON.

use rand::Rng;

use super::{Family, Framing, Lists, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{
        self,
        outline::{self, Outline},
        prose::is_english,
        topic,
    },
    lines,
    measure::Measure,
    params::{self, OutOfRange, quantity},
    text,
};

family! {
    /// Layout.
    Layout, LayoutKind, layout_kinds {
        /// Requires a minimum number of Markdown headings.
        Headings {
            /// The limit.
            n: usize,
        } = "headings", Hierarchy, weight 0.7, slots [Headings], ifeval [], styles [Title Headings];
        /// Requires a title in double angle brackets on the first line.
        AngleTitle = "angle_title", Hierarchy, weight 0.4,
            slots [Opening Headings], ifeval [Title], styles [Title];
        /// Requires a minimum number of phrases in bold (`**like this**`).
        Bold {
            /// The limit.
            n: usize,
        } = "bold", TextPattern, weight 0.9,
            slots [Bold], ifeval [NumberHighlightedSections], styles [BoldKeyWords];
        /// Forbids Markdown headings, bold text, tables and backticks.
        PlainText = "plain_text", OutputFormat, weight 0.9,
            slots [Bold Headings], ifeval [], styles [FewSentences];
        /// Requires a Markdown table.
        Table = "table", OutputFormat, weight 0.4,
            slots [List Blocks Sentences], ifeval [], styles [Table];
        /// Requires a single line.
        SingleLine = "single_line", OutputFormat, weight 0.9,
            slots [List Blocks], ifeval [], styles [ShortParagraph Brief FewSentences];
        /// Requires an exact number of parts separated by lines of three asterisks.
        DividedParts {
            /// The number.
            n: usize,
        } = "divided_parts", Template, weight 0.4,
            slots [Blocks], ifeval [NumberParagraphs], styles [Headings];
        /// Requires an exact number of parts headed "Section 1", "Section 2" and so on, in order.
        Sections {
            /// The number.
            n: usize,
        } = "sections", Hierarchy, weight 0.4,
            slots [Blocks Headings], ifeval [MultipleSections], styles [Headings];
        /// Requires a JSON object, optionally in a code block, and nothing else.
        JsonObject = "json_object", OutputFormat, weight 0.4,
            slots [List Blocks Sentences Opening Closing Headings Bold Quotes Parentheses],
            ifeval [JsonFormat], styles [];
    }
}

impl Family for Layout {
    type Kind = LayoutKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match *self {
            Self::Headings { n } => params::number("n", n, 1, 20),
            Self::Bold { n } => params::number("n", n, 1, 30),
            Self::DividedParts { n } | Self::Sections { n } => params::number("n", n, 2, 20),
            Self::AngleTitle
            | Self::PlainText
            | Self::Table
            | Self::SingleLine
            | Self::JsonObject => Ok(()),
        }
    }

    fn phrases(&self) -> Vec<String> {
        match *self {
            Self::Headings { n } => {
                let headings = quantity(n, "Markdown heading");
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
                Self::DividedParts { n: n.saturating_add(1) },
                Self::DividedParts { n: n.saturating_sub(1) },
                Self::SingleLine,
            ]),
            Self::Sections { n } => all([
                Self::Sections { n: n.saturating_add(1) },
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

    fn edit(&self, response: &str) -> Option<String> {
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
            Self::Headings { n } => headed(response, n),
            Self::AngleTitle => {
                let (title, rest) = titled(response)?;
                Some(format!("<<{title}>>\n{rest}"))
            }
            Self::Bold { n } => Some(emboldened(response, n)),
            Self::SingleLine if edit::is_prose(response) => Some(edit::join_lines(response)),
            Self::SingleLine => {
                let plain = super::lists::running(response)?;
                edit::is_prose(&plain).then(|| edit::join_lines(&plain))
            }
            Self::DividedParts { n } => Some(outline::parts(response, n)?.join("\n\n***\n\n")),
            Self::Sections { n } => {
                let parts = outline::parts(response, n)?.into_iter().enumerate();
                let headed = parts.map(|(index, part)| format!("Section {}\n{part}", index + 1));
                Some(headed.collect::<Vec<_>>().join("\n\n"))
            }
            Self::Table => {
                let outline = Outline::read(response)?;
                let outline = if outline.listed { outline } else { outline.with_at_least(2)? };
                outline.table()
            }
            Self::JsonObject => Outline::read(response)
                .and_then(|outline| outline.json())
                .or_else(|| outline::json_text(response)),
        }
    }

    fn back_translate(kind: LayoutKind, response: &str) -> Vec<Constraint> {
        let count = |measure: Measure| measure.count(response);
        let long = text::word_count(response) >= 8;
        let some = |n: usize| (n > 0).then_some(n.min(10));
        match kind {
            LayoutKind::Headings => {
                all(some(count(Measure::Headings)).map(|n| Self::Headings { n }))
            }
            LayoutKind::AngleTitle => all([Self::AngleTitle]),
            LayoutKind::Bold => {
                let bold = some(count(Measure::Bold));
                let fewer = bold.filter(|&n| n > 3).map(|_| 3);
                all(bold.into_iter().chain(fewer).map(|n| Self::Bold { n }))
            }
            LayoutKind::PlainText if long => all([Self::PlainText]),
            LayoutKind::Table => all([Self::Table]),
            LayoutKind::SingleLine if long => all([Self::SingleLine]),
            LayoutKind::DividedParts => all([Self::DividedParts { n: count(Measure::Parts) }]),
            LayoutKind::Sections => all([Self::Sections { n: count(Measure::Sections) }]),
            LayoutKind::JsonObject => all([Self::JsonObject]),
            LayoutKind::PlainText | LayoutKind::SingleLine => Vec::new(),
        }
    }

    fn draw(kind: LayoutKind, _task: &str, rng: &mut dyn Rng) -> Self {
        let n = params::between(1, 3, rng);
        match kind {
            LayoutKind::Headings => Self::Headings { n },
            LayoutKind::AngleTitle => Self::AngleTitle,
            LayoutKind::Bold => Self::Bold { n },
            LayoutKind::Table => Self::Table,
            LayoutKind::SingleLine => Self::SingleLine,
            LayoutKind::DividedParts => Self::DividedParts { n: n + 1 },
            LayoutKind::Sections => Self::Sections { n: n + 1 },
            LayoutKind::JsonObject => Self::JsonObject,
            LayoutKind::PlainText => Self::PlainText,
        }
    }
}

/// Splits off a first line that is already a title: bold, after "Title:", or a heading.
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

/// A title for a text and the text below it: the title that it has, or its topic.
fn titled(response: &str) -> Option<(String, &str)> {
    let body = response.trim();
    let own = || {
        let line = body.lines().next()?;
        let good = !lines::is_apart(line) && is_english(body) && !outline::is_letter(body);
        let first = text::sentences(body).into_iter().next().filter(|_| good)?;
        Some((topic::topic(&body[first])?, body))
    };
    title(response).map(|(title, rest)| (title.to_owned(), rest)).or_else(own)
}

/// Writes a heading above the text, or above each of at least `n` parts of it.
fn headed(response: &str, n: usize) -> Option<String> {
    if n == 1 {
        let (title, rest) = titled(response)?;
        return Some(format!("# {title}\n\n{}", rest.trim_start_matches('\n')));
    }
    if Measure::Headings.count(response) > 0 {
        return None;
    }
    // The items of a list with labels become parts of their own.
    let labels =
        Outline::read(response).filter(|outline| outline.listed && outline.points.len() >= n);
    if let Some(outline) = labels
        && outline.points.iter().all(|point| topic::labeled(point).is_some())
    {
        let pairs = topic::pairs(&outline.points)?;
        let parts =
            pairs.iter().map(|(label, rest)| format!("## {label}\n\n{}", edit::capitalize(rest)));
        return Some(outline.around(&parts.collect::<Vec<_>>().join("\n\n")));
    }
    let paragraphs = text::paragraphs(response).len().min(6);
    let parts =
        outline::parts(response, n.max(paragraphs)).or_else(|| outline::parts(response, n))?;
    // Numbers stand in where a topic is not certain.
    let numbers = || (1..=parts.len()).map(|at| format!("Part {at}")).collect();
    let topics = topic::topics(&parts).unwrap_or_else(numbers).into_iter().zip(&parts);
    let headed: Vec<String> = topics.map(|(topic, part)| format!("## {topic}\n\n{part}")).collect();
    Some(headed.join("\n\n"))
}

/// Sets distinctive words in bold until there are `n` bold phrases.
fn emboldened(response: &str, n: usize) -> String {
    let missing = n.saturating_sub(Measure::Bold.count(response));
    let mut telling = edit::telling_words(response, missing);
    edit::replace_words(response, |word| {
        let at = telling.iter().position(|known| *known == text::key(word))?;
        telling.swap_remove(at);
        Some(format!("**{word}**"))
    })
}
