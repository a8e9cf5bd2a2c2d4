//! Punctuation marks.

use rand::Rng;
use serde_json::Value;

use super::{Family, all, say};
use crate::{
    bound::Bound, constraint::Constraint, edit, kind::Kind, measure::Measure, params::Refusal, text,
};

family! {
    /// Which punctuation marks a response uses.
    Marks {
        /// No comma.
        NoCommas;
        /// No exclamation mark.
        NoExclamations;
        /// An exclamation mark.
        Exclamation;
        /// A question mark.
        Question;
        /// No question mark.
        NoQuestions;
        /// A question mark as the last character.
        EndsWithQuestion;
        /// An opening parenthesis.
        Parentheses;
        /// No opening parenthesis.
        NoParentheses;
        /// Two double quotation marks.
        Quotation;
        /// No double quotation mark.
        NoQuotation;
    }
}

impl Family for Marks {
    fn kind(&self) -> Kind {
        self.kind_of()
    }

    fn value(&self) -> Value {
        self.value_of()
    }

    fn validate(&self) -> Result<(), Refusal> {
        Ok(())
    }

    fn phrases(&self) -> Vec<String> {
        match self {
            Self::NoCommas => say([
                "Do not use any commas.",
                "Write the whole response without commas.",
                "Avoid commas in your answer.",
            ]),
            Self::NoExclamations => say([
                "Do not use exclamation marks.",
                "Keep a calm tone and avoid exclamation marks.",
                "Your response must not contain any exclamation marks.",
            ]),
            Self::Exclamation => say([
                "Show enthusiasm with at least one exclamation mark.",
                "Use at least one exclamation mark.",
                "Sound excited and include an exclamation mark.",
            ]),
            Self::Question => say([
                "Include at least one question.",
                "Ask the reader a question somewhere in your response.",
                "Use at least one question mark.",
            ]),
            Self::NoQuestions => say([
                "Do not ask any questions.",
                "Your response must not contain a question mark.",
                "Make statements only, without any question marks.",
            ]),
            Self::EndsWithQuestion => say([
                "End your response with a question.",
                "The last sentence must be a question.",
                "Close the answer with a question, so that it ends in a question mark.",
            ]),
            Self::Parentheses => say([
                "Use parentheses at least once.",
                "Include at least one remark in parentheses.",
                "Put at least one piece of extra information in parentheses.",
            ]),
            Self::NoParentheses => say([
                "Do not use parentheses.",
                "Avoid remarks in parentheses.",
                "Write the answer without any parentheses.",
            ]),
            Self::Quotation => say([
                "Put at least one word or phrase in double quotation marks.",
                "Include something quoted in double quotation marks.",
                "Use double quotation marks around at least one expression.",
            ]),
            Self::NoQuotation => say([
                "Do not use double quotation marks.",
                "Avoid quoting anything in double quotation marks.",
                "Your response must not contain double quotation marks.",
            ]),
        }
    }

    fn bounds(&self) -> Vec<Bound> {
        vec![match self {
            Self::NoCommas => Bound::none(Measure::Commas),
            Self::NoExclamations => Bound::none(Measure::Exclamations),
            Self::Exclamation => Bound::some(Measure::Exclamations),
            Self::Question => Bound::some(Measure::Questions),
            Self::NoQuestions => Bound::none(Measure::Questions),
            Self::EndsWithQuestion => Bound::some(Measure::FinalQuestion),
            Self::Parentheses => Bound::some(Measure::Parentheses),
            Self::NoParentheses => Bound::none(Measure::Parentheses),
            Self::Quotation => Bound::at_least(Measure::QuoteMarks, 2),
            Self::NoQuotation => Bound::none(Measure::QuoteMarks),
        }]
    }

    fn revisions(&self) -> Vec<Constraint> {
        match self {
            // Nobody asks for commas as such.
            Self::NoCommas => all([super::Framing::StartsWith { phrase: "In short,".to_owned() }]),
            Self::NoExclamations => all([Self::Exclamation]),
            Self::Exclamation => all([Self::NoExclamations]),
            Self::Question | Self::EndsWithQuestion => all([Self::NoQuestions]),
            Self::NoQuestions => all([Self::Question, Self::EndsWithQuestion]),
            Self::Parentheses => all([Self::NoParentheses]),
            Self::NoParentheses => all([Self::Parentheses]),
            Self::Quotation => all([Self::NoQuotation]),
            Self::NoQuotation => all([Self::Quotation]),
        }
    }

    fn repair(&self, response: &str) -> Option<String> {
        match self {
            Self::NoCommas => Some(response.replace(',', "")),
            Self::NoExclamations => Some(calm(response)),
            Self::Exclamation => {
                let body = response.trim_end().strip_suffix('.')?;
                (!body.ends_with('.')).then(|| format!("{body}!"))
            }
            Self::Question | Self::EndsWithQuestion => {
                let body = response.trim_end();
                let ended = body.ends_with(['.', '!', '?']);
                ended.then(|| format!("{body} What do you think?"))
            }
            Self::NoQuestions => edit::drop_sentences(response, |s| s.contains(['?', '？'])),
            Self::NoParentheses => without_parentheses(response),
            Self::NoQuotation => Some(response.replace(['"', '“', '”', '„', '«', '»'], "")),
            Self::Parentheses | Self::Quotation => None,
        }
    }

    fn back_translate(kind: Kind, response: &str) -> Vec<Constraint> {
        // That a few words lack some mark tells nothing.
        let long = text::word_count(response) >= 8;
        match kind {
            Kind::NoCommas if long => all([Self::NoCommas]),
            Kind::NoExclamations if long => all([Self::NoExclamations]),
            Kind::Exclamation => all([Self::Exclamation]),
            Kind::Question => all([Self::Question]),
            Kind::NoQuestions if long => all([Self::NoQuestions]),
            Kind::EndsWithQuestion => all([Self::EndsWithQuestion]),
            Kind::Parentheses => all([Self::Parentheses]),
            Kind::NoParentheses if long => all([Self::NoParentheses]),
            Kind::Quotation => all([Self::Quotation]),
            Kind::NoQuotation if long => all([Self::NoQuotation]),
            _ => Vec::new(),
        }
    }

    fn draw(kind: Kind, _task: &str, _rng: &mut dyn Rng) -> Constraint {
        match kind {
            Kind::NoExclamations => Self::NoExclamations,
            Kind::Exclamation => Self::Exclamation,
            Kind::Question => Self::Question,
            Kind::NoQuestions => Self::NoQuestions,
            Kind::EndsWithQuestion => Self::EndsWithQuestion,
            Kind::Parentheses => Self::Parentheses,
            Kind::NoParentheses => Self::NoParentheses,
            Kind::Quotation => Self::Quotation,
            Kind::NoQuotation => Self::NoQuotation,
            _ => Self::NoCommas,
        }
        .into()
    }
}

/// Full stops for exclamation marks; beside a question mark they just go.
fn calm(response: &str) -> String {
    let mut calm = String::with_capacity(response.len());
    for c in response.chars() {
        match c {
            '!' if calm.ends_with(['.', '?', '!']) => {}
            '!' => calm.push('.'),
            '！' => calm.push('。'),
            '?' if calm.ends_with('.') => {
                calm.pop();
                calm.push('?');
            }
            _ => calm.push(c),
        }
    }
    calm
}

/// Removes parentheses with what they hold; `None` where they nest or do not match.
fn without_parentheses(response: &str) -> Option<String> {
    let mut plain = String::with_capacity(response.len());
    let mut rest = response;
    while let Some((before, after)) = rest.split_once('(') {
        let (inner, behind) = after.split_once(')')?;
        if inner.contains(['(', '\n']) {
            return None;
        }
        plain.push_str(before.trim_end_matches(' '));
        rest = behind;
    }
    plain.push_str(rest);
    Some(plain)
}
