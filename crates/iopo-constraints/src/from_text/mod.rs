//! Maps the text of a constraint to a checker, where code can decide the whole text.
//!
//! A text maps only if all of it is understood. Four steps lead there, and each may give up:
//!
//! 1. *Normalize*: turn full-width characters into half-width ones, drop the number in front and the final mark.
//!    Quoted strings become placeholders.
//! 2. *Propose*: a rule whose pattern matches the text from its first to its last character proposes a kind. A pattern
//!    consists of listed words, numbers, quotations, and the names of columns and parts. It accepts no other word, so a
//!    second demand, a condition or an unknown object leaves the text unmapped. Words that add nothing are listed too:
//!    请, 数值约束：, "please", and purposes such as 以便阅读. Behind a demand, 确保 (*ensure*) is a purpose if it names what the form
//!    brings by itself (确保内容清晰); otherwise it states another demand.
//! 3. *Parse*: [`Constraint::from_parts`] checks the parameters.
//! 4. *Say it back*: the numbers and quoted strings of the text are those of the constraint; limits and negations agree
//!    with the kind; no word such as *each*, 每, 第 or 其中 narrows the demand; no word such as *if possible*, 或 or 尽量
//!    makes it optional. Chinese numerals and full-width digits count as numbers, and 左右 or 约 mean ±10 %.
//!
//! A Chinese text of several clauses, each of which maps, is the conjunction of their constraints (`all_of`).
//!
//! A text that gives up at any step returns `None`, and a judge decides it.
//!
//! [`from_text_in_task`] reads the task too. A 摘要 (*abstract*) is the whole response if the task asks for nothing else,
//! and 返回结果 (*the returned result*) is the response unless the task asks for a program. [`from_text`] maps neither. If
//! the task asks for a program, only lengths and languages of code map, and texts that name the response as such. Some texts
//! name something of the task, such as 规格 (*specification*) in 以表格形式呈现规格. They map only if the task contains it.
//! [`from_text_in_instruction`] reads the other constraints as well: they can ask for the same thing, or for a list of references.
//!
//! | a text says | kinds |
//! |---|---|
//! | at most, at least, between, about N words | `max_words`, `min_words`, `word_range` |
//! | N字, N字以内, N至N字, N字左右, N Chinese characters | `max_chars`, `min_chars`, `char_range` |
//! | N sentences, N句话, N paragraphs, N个段落 | `exact_sentences`, `max_sentences`, `min_sentences`, `exact_paragraphs` |
//! | a word or phrase occurs or does not occur | `include_word`, `include_words`, `word_frequency`, `exclude_word`, `include_phrase`, `include_phrases`, `exclude_phrase` |
//! | starts or ends with a phrase, the title is | `starts_with`, `ends_with`, `ends_with_question`, `wrapped_in_quotes`, `titled` |
//! | lists | `exact_bullets`, `min_bullets`, `exact_numbered`, `min_numbered`, `min_items`, `no_lists`, `count_range` (Chinese) |
//! | JSON, keys of JSON, tables, columns of tables | `json`, `json_object`, `json_array`, `json_keys`, `json_block`, `json_block_keys` (Chinese), `table`, `table_columns` |
//! | Markdown, LaTeX, HTML, code blocks, comments | `markup`, `plain_text` |
//! | headings and subheadings, lists, tables and other elements | `elements`, `markdown_elements`, `headings`, `bold` |
//! | parts with names, of reports and the like | `named_parts` |
//! | no commas, no digits, one line, letter case | `no_commas`, `no_exclamations`, `no_questions`, `no_digits`, `single_line`, `all_lowercase`, `all_uppercase` |
//! | language, first person, contractions | `language`, `first_person`, `no_first_person`, `no_contractions` |
//! | a word exactly N times, or as the first, the last or the Nth word | `word_once`, `exact_frequency`, `once_and_twice`, `word_at_position`, `first_word`, `last_word` |
//! | every sentence starts or ends with a word, the first word is the last one | `sentence_starts`, `sentence_ends`, `same_ends`, `no_same_ends` |
//! | N letters, N words in lower case, no periods, initials of neighboring words | `min_letters`, `max_letters`, `min_lowercase_words`, `max_lowercase_words`, `no_periods`, `no_consecutive_initials` |
//! | words in brackets, parts of equal length | `bracketed_words`, `wrapped_pairs`, `even_parts` |
//! | lines of code, programming language, names in code, decimal places | `max_code_lines`, `min_code_lines`, `code_language`, `code_names`, `include_name`, `decimals` |
//! | limits of paragraphs, titles, stanzas, sections, programs, named parts (Chinese) | `unit_range`, `part_range` |
//! | numbers of rows, verses, stanzas, paragraphs, sections, references (Chinese) | `count_range` |
//! | APA style, emphasis of key words (Chinese) | `citation_style`, `emphasized` |
//!
//! A list or a table is read as "somewhere in the response", and only if the text does not say what goes into it. A list
//! without a number has at least two items. Bold or italic type of certain words maps to nothing.
//!
//! The example `map_constraints` prints all mapped constraints of a file, with their share by kind and language.

mod chinese;
mod english;
mod joint;
mod normal;
mod number;
mod proposal;
mod proposed;
mod rule;
mod stop;
mod task;
mod training;

use std::sync::LazyLock;

use crate::{constraint::Constraint, han};
use normal::Normal;
use rule::{Grammar, Rule};
use task::Task;

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
    read(text, None)
}

/// Like [`from_text`], for the text of a constraint on a response to a task.
///
/// If both functions map a text, they map it to the same constraint.
///
/// ```
/// use iopo_constraints::{from_text, from_text_in_task};
///
/// let text = "摘要不超过100字";
/// assert!(from_text(text).is_none() && from_text_in_task(text, "写一篇论文摘要").is_some());
/// // The output of the program, not the response, is JSON.
/// assert!(from_text("输出格式为JSON").is_some());
/// assert!(from_text_in_task("输出格式为JSON", "编写一个排序的函数").is_none());
/// ```
pub fn from_text_in_task(text: &str, task: &str) -> Option<Constraint> {
    read(text, Some(&Task::new(task)))
}

/// An instruction: a task with constraints on the response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instruction<'a> {
    /// The task.
    pub task: &'a str,
    /// The texts of the other constraints.
    pub others: &'a [&'a str],
}

/// Like [`from_text_in_task`], for one constraint of an instruction whose other constraints are known.
///
/// Another constraint can ask for what a text names, so that only the form is the demand of the text itself. It can also
/// say that the response has a list of references, whose entries code can count, or that it is JSON, whose keys would
/// count to its length. The marks of LaTeX and HTML do not. If both functions map a text, they map it to the same constraint.
///
/// ```
/// use iopo_constraints::{Instruction, from_text_in_instruction, from_text_in_task};
///
/// let (text, task) = ("技术细节以表格形式呈现", "解释执行计划缓存");
/// assert_eq!(from_text_in_task(text, task), None);
/// let others = ["回答中需要包含以下技术细节：缓存大小、生命周期"];
/// let found = from_text_in_instruction(text, Instruction { task, others: &others });
/// assert_eq!(found.expect("a table").kind().id(), "table");
/// ```
pub fn from_text_in_instruction(text: &str, instruction: Instruction<'_>) -> Option<Constraint> {
    read(text, Some(&Task::within(instruction.task, instruction.others)))
}

fn read(text: &str, task: Option<&Task>) -> Option<Constraint> {
    let normal = Normal::read(text)?;
    if han::has(&normal.text) {
        CHINESE.read(&normal, task).or_else(|| joint::read(&CHINESE, &normal, task))
    } else {
        ENGLISH.read(&normal, task)
    }
}

static CHINESE: LazyLock<Grammar> =
    LazyLock::new(|| Grammar::new(chinese::PARTS, &[chinese::RULES, chinese::LIMITS]));

static ENGLISH: LazyLock<Grammar> =
    LazyLock::new(|| Grammar::new(english::PARTS, &[&english_rules()]));

/// The rules for English texts, tried in order.
fn english_rules() -> Vec<&'static [Rule]> {
    [english::RULES, &[training::ENGLISH]].concat()
}

#[cfg(test)]
mod tests {
    use super::{Grammar, chinese, english};

    #[test]
    fn every_pattern_compiles() {
        let english = super::english_rules();
        let chinese: &[_] = &[chinese::RULES, chinese::LIMITS];
        for (parts, rules) in [(chinese::PARTS, chinese), (english::PARTS, &[&english[..]])] {
            let error = Grammar::new(parts, rules).error();
            assert!(error.is_none(), "{error:?}");
        }
    }
}
