//! Texts of several clauses, each of which states a demand of its own: 诗歌至少包含四节，每节四行.
//!
//! Every clause has to map by itself, with the others as further constraints of the instruction. A clause behind another one
//! leaves out its subject. So the first clause has to be about the response as a whole, and a later one has to name what it is
//! about.

use super::{normal::Normal, proposal::Subject, rule::Grammar, task::Task};
use crate::{
    constraint::Constraint,
    families::{Document, Joint, MOST_PARTS, MarkupFormat},
};

/// Kinds of a first clause that let the next clause omit its subject.
const FIRST: &[&str] = &[
    "markup",
    "elements",
    "markdown_elements",
    "count_range",
    "citation_style",
    "max_chars",
    "min_chars",
    "char_range",
    "language",
    "first_person",
    "no_first_person",
    "code_names",
    "code_language",
    "min_code_lines",
    "max_code_lines",
];

/// Kinds of a later clause, which names the parts, the marks or the names that it is about.
const LATER: &[&str] = &[
    "markup",
    "elements",
    "unit_range",
    "count_range",
    "named_parts",
    "citation_style",
    "code_names",
    "first_person",
    "no_first_person",
];

/// The words for the whole response at the start of a later clause, which may then have any kind.
const WHOLE: &[&str] = &["全文", "整篇", "全篇", "总字数"];

/// Marks between clauses, and the words behind them.
const MARKS: [char; 2] = [',', ';'];
const LINKS: [&str; 5] = ["并且", "同时", "并", "且", "但"];

/// The most marks of a text that is read by clauses. A clause can have marks too, so every way to divide the text is tried.
const MOST_MARKS: usize = 8;

/// The constraint of all clauses of a Chinese text.
pub(super) fn read(grammar: &Grammar, normal: &Normal, task: Option<&Task>) -> Option<Constraint> {
    if normal.text.matches(MARKS).nth(MOST_MARKS).is_some() {
        return None;
    }
    divisions(normal).find_map(|(first, rest)| {
        let (constraint, subject) = grammar.reading(&first, beside(task, &rest).as_ref())?;
        let is_whole =
            matches!(subject, Subject::Response | Subject::Document(_) | Subject::References)
                && FIRST.contains(&constraint.kind().id());
        if !is_whole && !names_whole(&rest) {
            return None;
        }
        let later = later(grammar, &rest, beside(task, &first).as_ref(), MOST_PARTS - 1)?;
        let joint: Constraint = Joint::AllOf { parts: [vec![constraint], later].concat() }.into();
        (joint.validate().is_ok() && !splits_markdown(&joint)).then_some(joint)
    })
}

/// The constraints of up to `most` clauses behind the first one.
fn later(
    grammar: &Grammar,
    normal: &Normal,
    task: Option<&Task>,
    most: usize,
) -> Option<Vec<Constraint>> {
    let fits = |constraint: &Constraint, clause: &Normal| {
        names_whole(clause) || LATER.contains(&constraint.kind().id())
    };
    if let Some(constraint) = grammar.read(normal, task)
        && fits(&constraint, normal)
    {
        return Some(vec![constraint]);
    }
    if most < 2 {
        return None;
    }
    divisions(normal).find_map(|(first, rest)| {
        let constraint = grammar.read(&first, beside(task, &rest).as_ref())?;
        let more = fits(&constraint, &first)
            .then(|| later(grammar, &rest, beside(task, &first).as_ref(), most - 1))??;
        Some([vec![constraint], more].concat())
    })
}

/// The two parts of a text around each mark, without the word behind it.
fn divisions(normal: &Normal) -> impl Iterator<Item = (Normal, Normal)> {
    normal.text.match_indices(MARKS).map(|(at, mark)| {
        let rest = &normal.text[at + mark.len()..];
        let rest = LINKS.iter().find_map(|link| rest.strip_prefix(link)).unwrap_or(rest);
        (normal.part(&normal.text[..at]), normal.part(rest))
    })
}

/// The task with a clause as a further constraint.
fn beside(task: Option<&Task>, clause: &Normal) -> Option<Task> {
    task.map(|task| task.beside(&clause.text))
}

fn names_whole(clause: &Normal) -> bool {
    WHOLE.iter().any(|word| clause.text.starts_with(word))
}

/// Whether a constraint asks for Markdown and elements in two checks. The elements have to be in Markdown, which
/// `markdown_elements` checks.
fn splits_markdown(constraint: &Constraint) -> bool {
    let markdown = Constraint::Document(Document::Markup { format: MarkupFormat::Markdown });
    let parts = constraint.parts();
    parts.contains(&markdown) && parts.iter().any(|part| part.kind().id() == "elements")
}
