//! Maps the text of a constraint to a checker, where code can decide the whole text.
//!
//! A text maps only if all of it is understood. Four steps lead there, and each may give up:
//!
//! 1. *Normalize*: turn full-width characters into half-width ones, and drop the number in front, the final mark, a
//!    label such as 数值约束： and a purpose such as "so that it is easy to read". Quoted strings become placeholders.
//! 2. *Propose*: a rule whose pattern matches the text from its first to its last character proposes a kind. Where a
//!    pattern accepts free words, such as the subject of 以表格形式, words for conditions, parts of the response, the
//!    output of a program, or a second feature reject the text.
//! 3. *Parse*: [`Constraint::from_parts`] checks the parameters.
//! 4. *Say it back*: the numbers and quoted strings of the text are those of the constraint; limits and negations agree
//!    with the kind; no word such as *each* or 每 narrows the demand. Chinese numerals and full-width digits count as
//!    numbers, and 左右 or 约 mean ±10 %.
//!
//! A text that gives up at any step returns `None`, and a judge decides it.
//!
//! | a text says | kinds |
//! |---|---|
//! | at most, at least, between, about N words | `max_words`, `min_words`, `word_range` |
//! | N字, N字以内, N至N字, N字左右, N Chinese characters | `max_chars`, `min_chars`, `char_range` |
//! | N sentences, N句话, N paragraphs, N个段落 | `exact_sentences`, `max_sentences`, `min_sentences`, `exact_paragraphs` |
//! | a word or phrase occurs or does not occur | `include_word`, `include_words`, `word_frequency`, `exclude_word`, `include_phrase`, `include_phrases`, `exclude_phrase` |
//! | starts or ends with a phrase | `starts_with`, `ends_with`, `ends_with_question`, `wrapped_in_quotes` |
//! | lists | `exact_bullets`, `min_bullets`, `exact_numbered`, `min_numbered`, `min_items`, `no_lists` |
//! | JSON, keys of JSON, tables, columns of tables | `json_object`, `json_array`, `json_keys`, `table`, `table_columns` |
//! | Markdown, LaTeX, HTML, italics, underlining, code, comments, links | `markup`, `plain_text` |
//! | headings, bold text, parts with names | `headings`, `bold`, `named_parts` |
//! | no commas, no digits, one line, letter case | `no_commas`, `no_exclamations`, `no_questions`, `no_digits`, `single_line`, `all_lowercase`, `all_uppercase` |
//! | language, first person, contractions | `language`, `first_person`, `no_first_person`, `no_contractions` |
//! | lines of code, programming language, decimal places | `max_code_lines`, `min_code_lines`, `code_language`, `decimals` |
//!
//! A list, a table, bold text and other features are read as "somewhere in the response": a text that names what goes into
//! the table maps to `table` all the same, unless it lists columns. A list without a number has at least two items. JSON
//! without keys means one object and nothing else.
//!
//! The example `map_constraints` prints all mapped constraints of a file, with their share by kind and language.

mod chinese;
mod english;
mod normal;
mod number;
mod proposal;
mod proposed;
mod rule;
mod stop;

use std::sync::LazyLock;

use crate::{constraint::Constraint, han};
use normal::Normal;
use rule::Grammar;

pub use proposed::from_proposal;

/// Maps the text of a constraint, in English or Chinese, to the constraint that it states.
///
/// Returns `None` if a checker decides the text only in part or not at all.
///
/// ```
/// use iopo_constraints::from_text;
///
/// let constraint = from_text("The answer must not exceed 200 words.").expect("a limit");
/// assert_eq!(constraint.kind().id(), "max_words");
/// assert_eq!(constraint.params_json(), r#"{"n":200}"#);
/// // The limit holds for parts of the response, which no kind counts.
/// assert_eq!(from_text("Each item must not exceed 200 words."), None);
/// ```
pub fn from_text(text: &str) -> Option<Constraint> {
    let normal = Normal::read(text)?;
    let grammar = if han::has(&normal.text) { &CHINESE } else { &ENGLISH };
    let mut proposals = grammar.as_ref()?.proposals(&normal);
    proposals.find_map(|proposal| {
        let constraint = proposal.constraint()?;
        proposal.is_said_back(&normal).then_some(constraint)
    })
}

static CHINESE: LazyLock<Option<Grammar>> =
    LazyLock::new(|| Grammar::new(chinese::PARTS, chinese::RULES).ok());

static ENGLISH: LazyLock<Option<Grammar>> =
    LazyLock::new(|| Grammar::new(english::PARTS, english::RULES).ok());

#[cfg(test)]
mod tests {
    use super::{Grammar, chinese, english};

    #[test]
    fn every_pattern_compiles() {
        for (parts, rules) in [(chinese::PARTS, chinese::RULES), (english::PARTS, english::RULES)] {
            let grammar = Grammar::new(parts, rules);
            assert!(grammar.is_ok(), "{}", grammar.unwrap_err());
        }
    }
}
