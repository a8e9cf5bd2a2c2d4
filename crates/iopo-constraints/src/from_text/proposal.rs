//! A proposed kind with its parameters, and the comparison with the text that it was read from.

use serde_json::{Map, Value};

use super::{normal::Normal, number, stop, task::Task};
use crate::{
    constraint::Constraint,
    families::{Joint, NO_LIMIT, Portions, Unit},
};

/// Formats whose marks do not count as characters.
const READABLE: &[&str] = &["latex", "html"];

/// What a text calls the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Subject {
    /// The response, or nothing.
    Response,
    /// A document, such as 文章.
    Document(String),
    /// Something that can be a part of a response, such as 摘要.
    Part(String),
    /// The entries of the list that the response consists of, such as 策略 (*strategy*).
    Entry(String),
    /// A part of a longer response, such as 引言 (*introduction*).
    Section(String),
    /// Something that the task asks for in the same words, such as 计算过程.
    Object(String),
    /// The fields of a response for which the task asks for JSON.
    Json,
    /// References, in a response that the instruction asks to list them.
    References,
}

/// A kind with parameters that a text seems to state.
#[derive(Debug)]
pub(super) struct Proposal {
    pub(super) id: &'static str,
    pub(super) subject: Subject,
    /// Whether the text is about the code of the response.
    pub(super) is_about_code: bool,
    /// The words for "each" of a limit that holds for each part; empty if there are none.
    pub(super) each: String,
    /// Whether the text asks for a title beside the parts that it names.
    pub(super) has_title: bool,
    params: Map<String, Value>,
    /// The numbers that the text states.
    numbers: Vec<usize>,
    /// The lengths of a list that the text states.
    lengths: Vec<usize>,
}

impl Proposal {
    /// A kind with parameters as JSON; `None` if they are not an object.
    pub(super) fn new(id: &'static str, params: &str) -> Option<Self> {
        let params = serde_json::from_str(params).ok()?;
        let (numbers, lengths) = (Vec::new(), Vec::new());
        let each = String::new();
        let subject = Subject::Response;
        Some(Self {
            id,
            subject,
            is_about_code: false,
            each,
            has_title: false,
            params,
            numbers,
            lengths,
        })
    }

    pub(super) fn set_string(&mut self, name: &str, string: &str) {
        self.params.insert(name.to_owned(), string.into());
    }

    pub(super) fn set_list(&mut self, name: &str, list: Vec<String>) {
        self.params.insert(name.to_owned(), list.into());
    }

    /// Sets a number. The text states another one if it excludes the limit itself.
    pub(super) fn set_number(&mut self, name: &str, n: usize, stated: usize) {
        self.params.insert(name.to_owned(), n.into());
        self.numbers.push(stated);
    }

    /// Notes that the text states the length of the list.
    pub(super) fn expect_length(&mut self, length: usize) {
        self.lengths.push(length);
    }

    /// The constraint, if its parameters are in range.
    pub(super) fn constraint(&self) -> Option<Constraint> {
        let params = Value::Object(self.params.clone()).to_string();
        let constraint = Constraint::from_parts(self.id, &params).ok()?;
        if !self.has_title {
            return Some(constraint);
        }
        let title = Portions::PartCount { unit: Unit::Title, low: 1, high: NO_LIMIT };
        let joint: Constraint = Joint::AllOf { parts: vec![constraint, title.into()] }.into();
        joint.validate().is_ok().then_some(joint)
    }

    /// Whether the proposal says what the text says: the same numbers, quotations and polarity, for the whole response to
    /// the task.
    pub(super) fn is_said_back(&self, normal: &Normal, task: Option<&Task>) -> bool {
        let words = self.without_items(normal);
        self.has_numbers_of(&normal.text)
            && self.has_quotations_of(normal)
            && stop::polarity_agrees(&words, self.id)
            && !stop::is_hedged(&words)
            && (stop::is_scoped(self.id) || !stop::has_scope(&words))
            && !stop::is_total(&words, self.id)
            && self.is_about_response(&words, task)
    }

    /// Whether the text is about the response itself, rather than a part of it or the output of a program.
    fn is_about_response(&self, words: &str, task: Option<&Task>) -> bool {
        let is_about_code = self.is_about_code || stop::is_about_code(self.id);
        let Some(task) = task else {
            let part = !matches!(self.subject, Subject::Response | Subject::Document(_));
            return !part && (is_about_code || !stop::names_output(words));
        };
        let whole = match &self.subject {
            Subject::Response => true,
            Subject::Document(noun) => task.may_be(noun),
            Subject::Part(noun) => task.asks_only_for(noun),
            Subject::Entry(noun) => task.lists(noun),
            Subject::Section(name) => task.has_section(name),
            Subject::Object(words) => task.asks_for_all(words),
            Subject::Json => task.wants_json(),
            Subject::References => task.lists_references(),
        };
        let references = matches!(self.subject, Subject::References);
        let counts = stop::counts_marks(self.id) && !is_about_code;
        let except = if stop::reads_text(self.id) { READABLE } else { &[] };
        let marks = (task.has_marks(except) || task.is_marked_up(except)) && (references || counts);
        let encoded = is_about_code && stop::counts_code(self.id) && task.is_marked_up(&[]);
        let is_section = self.params.get("unit").is_some_and(|unit| unit == "section");
        // The chapters of a book whose table of contents is asked for stand elsewhere, and \\section is no heading.
        let elsewhere = is_section
            && (task.asks_for_contents() || task.has_marks(&[]) || task.is_marked_up(&[]));
        let part = counts && (task.is_about_texts() || task.shortens_a_choice());
        // Parts of a LaTeX document can be environments and commands: an abstract, an author.
        let framed = self.id == "named_parts"
            && (task.places_parts() || task.has_marks(&["html"]) || task.is_marked_up(&["html"]));
        let foreign = task.wants_english() && stop::has_names(self.id);
        let marked = self.id == "part_range" && task.marks_parts();
        let question = self.id == "citation_style" && task.sets_a_question();
        let beside = self.id.starts_with("json") && task.wants_text_beside_json();
        whole
            && !marks
            && !marked
            && !question
            && !encoded
            && !part
            && !elsewhere
            && !framed
            && !beside
            && !foreign
            && !self.is_hidden(task)
            && (!task.is_program() || is_about_code || stop::names_answer(words))
    }

    /// Whether a response can do what the text says in a form that the check does not see: code in JSON, colored
    /// words without marks of Markdown, English code with comments in another language.
    fn is_hidden(&self, task: &Task) -> bool {
        let words: &[&str] = match (self.id, self.params.get("format").and_then(Value::as_str)) {
            ("markup", Some("code_block")) => &["json"],
            ("markup", Some("markdown")) => &["色字体"],
            ("language", _) => &["代码"],
            _ => &[],
        };
        words.iter().any(|word| task.mentions(word))
    }

    /// The text without the names that the proposal takes as parameters.
    fn without_items(&self, normal: &Normal) -> String {
        let lists = self.params.values().filter_map(Value::as_array).flatten();
        let names = lists.filter_map(Value::as_str).filter(|name| name.chars().nth(1).is_some());
        let text = names.fold(normal.text.clone(), |text, name| text.replace(name, "_"));
        if self.each.is_empty() { text } else { text.replacen(&self.each, "", 1) }
    }

    fn has_numbers_of(&self, text: &str) -> bool {
        let lists = self.params.values().filter_map(Value::as_array);
        let mut lengths = lists.map(Vec::len);
        let length = lengths.next();
        let stated = self.lengths.iter().all(|n| Some(*n) == length);
        let known = |n: &usize| self.numbers.contains(n) || self.lengths.contains(n);
        stated && digits(text).is_some_and(|found| found.iter().all(known))
    }

    fn has_quotations_of(&self, normal: &Normal) -> bool {
        let lists = self.params.values().filter_map(Value::as_array).flatten();
        let strings: Vec<&str> =
            self.params.values().chain(lists).filter_map(Value::as_str).collect();
        normal.quotations.iter().all(|quoted| strings.contains(&quoted.as_str()))
    }
}

/// All numbers in digits outside words; `None` if one is not a count.
fn digits(text: &str) -> Option<Vec<usize>> {
    let mut found = Vec::new();
    let mut before = None;
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if c.is_ascii_digit() && !before.is_some_and(|c: char| c.is_ascii_alphabetic()) {
            let (number, len) = number::leading(&text[at..])?;
            found.push(number);
            at += len;
        } else {
            at += c.len_utf8();
        }
        before = text[..at].chars().next_back();
    }
    Some(found)
}
