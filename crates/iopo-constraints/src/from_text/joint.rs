//! Texts of several clauses, each of which states a demand of its own: 诗歌至少包含四节，每节四行.
//!
//! Every clause has to map by itself, with the others as further constraints of the instruction. A clause behind another one
//! leaves out its subject, so the first one has to be about the response as a whole.

use super::{normal::Normal, proposal::Subject, rule::Grammar, task::Task};
use crate::{
    constraint::Constraint,
    families::{Document, Joint, MarkupFormat},
};

/// Kinds after which a clause without a subject is about the response.
const WHOLE: &[&str] = &[
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

/// Kinds of a clause that needs no subject: it names the parts, the marks or the names that it is about.
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

/// Words of a clause about the whole response.
const NAMES: &[&str] = &["全文", "整篇", "全篇", "总字数"];

/// Marks between clauses, and the words behind them.
const MARKS: [char; 2] = [',', ';'];
const LINKS: [&str; 5] = ["并且", "同时", "并", "且", "但"];

/// The constraint of all clauses of a Chinese text.
pub(super) fn read(grammar: &Grammar, normal: &Normal, task: Option<&Task>) -> Option<Constraint> {
    normal.text.char_indices().find_map(|(at, mark)| {
        let (first, rest) = (&normal.text[..at], &normal.text[at..]);
        let rest = MARKS.contains(&mark).then(|| without_link(&rest[1..]))?;
        let beside = |other: &str| task.map(|task| task.beside(other));
        let (constraint, subject) = grammar.reading(&normal.part(first), beside(rest).as_ref())?;
        let names_whole = NAMES.iter().any(|name| rest.starts_with(name));
        let is_whole =
            matches!(subject, Subject::Response | Subject::Document(_) | Subject::References)
                && WHOLE.contains(&constraint.kind().id());
        if !is_whole && !names_whole {
            return None;
        }
        let (rest, task) = (normal.part(rest), beside(first));
        let later = match grammar.reading(&rest, task.as_ref()) {
            Some((later, _)) => later,
            None => read(grammar, &rest, task.as_ref())?,
        };
        let needs_no_subject = |part: &Constraint| LATER.contains(&part.kind().id());
        if !names_whole && !later.parts().iter().all(needs_no_subject) {
            return None;
        }
        let parts = [&[constraint], later.parts()].concat();
        let joint: Constraint = Joint::AllOf { parts }.into();
        (joint.validate().is_ok() && !splits_markdown(&joint)).then_some(joint)
    })
}

fn without_link(clause: &str) -> &str {
    LINKS.iter().find_map(|link| clause.strip_prefix(link)).unwrap_or(clause)
}

/// Whether a constraint asks for Markdown and elements in two checks. The elements have to be in Markdown, which
/// `markdown_elements` checks.
fn splits_markdown(constraint: &Constraint) -> bool {
    let markdown = Constraint::Document(Document::Markup { format: MarkupFormat::Markdown });
    let parts = constraint.parts();
    parts.contains(&markdown) && parts.iter().any(|part| part.kind().id() == "elements")
}
