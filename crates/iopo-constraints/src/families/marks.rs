//! Punctuation marks.

use rand::Rng;

use super::{Family, all, say};
use crate::{
    bound::Bound,
    constraint::Constraint,
    edit::{self, aside, prose},
    measure::Measure,
    params::OutOfRange,
    text,
};

family! {
    /// Punctuation marks that must or must not occur.
    Marks, MarksKind, marks_kinds {
        /// Forbids commas.
        NoCommas = "no_commas", GrammarStructure, weight 0.7, slots [], ifeval [NoComma], styles [];
        /// Forbids exclamation marks.
        NoExclamations = "no_exclamations", ToneAndStyle, weight 0.9,
            slots [Exclamations], ifeval [], styles [Formal];
        /// Requires an exclamation mark.
        Exclamation = "exclamation", Emotion, weight 1.0,
            slots [Exclamations], ifeval [], styles [LivelyWithQuestion ToAFriend];
        /// Requires a question mark.
        Question = "question", ToneAndStyle, weight 1.0,
            slots [Questions], ifeval [], styles [LivelyWithQuestion];
        /// Forbids question marks.
        NoQuestions = "no_questions", ToneAndStyle, weight 0.7,
            slots [Questions], ifeval [], styles [];
        /// Requires a question mark as the last character.
        EndsWithQuestion = "ends_with_question", ToneAndStyle, weight 0.8,
            slots [Questions Closing], ifeval [], styles [LivelyWithQuestion];
        /// Requires an opening parenthesis.
        Parentheses = "parentheses", TextPattern, weight 0.7,
            slots [Parentheses], ifeval [], styles [];
        /// Forbids opening parentheses.
        NoParentheses = "no_parentheses", TextPattern, weight 0.6,
            slots [Parentheses], ifeval [], styles [];
        /// Requires two double quotation marks.
        Quotation = "quotation", Citation, weight 0.9, slots [Quotes], ifeval [], styles [];
        /// Forbids double quotation marks.
        NoQuotation = "no_quotation", Citation, weight 0.6, slots [Quotes], ifeval [], styles [];
    }
}

impl Family for Marks {
    type Kind = MarksKind;

    fn validate(&self) -> Result<(), OutOfRange> {
        match self {
            Self::NoCommas
            | Self::NoExclamations
            | Self::Exclamation
            | Self::Question
            | Self::NoQuestions
            | Self::EndsWithQuestion
            | Self::Parentheses
            | Self::NoParentheses
            | Self::Quotation
            | Self::NoQuotation => Ok(()),
        }
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
            // People do not ask for commas directly.
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

    fn edit(&self, response: &str) -> Option<String> {
        match self {
            Self::NoCommas => Some(aside::without_commas(response)),
            Self::NoExclamations => Some(calm(response)),
            Self::Exclamation => {
                let ends = text::sentences(response).into_iter().rev().map(|range| range.end);
                let at = ends.into_iter().find(|end| {
                    let body = &response[..*end];
                    body.ends_with('.') && !body.ends_with("..")
                })?;
                Some(format!("{}!{}", &response[..at - 1], &response[at..]))
            }
            Self::Question => {
                prose::close_with(response, prose::varied(ANSWERED_QUESTIONS, response))
            }
            Self::EndsWithQuestion => {
                prose::close_with(response, prose::varied(QUESTIONS, response))
            }
            Self::NoQuestions => edit::drop_sentences(response, |s| s.contains(['?', '？'])),
            Self::NoParentheses => without_parentheses(response),
            Self::NoQuotation => Some(response.replace(['"', '“', '”', '„', '«', '»'], "")),
            Self::Parentheses => aside::in_parentheses(response),
            Self::Quotation => aside::quoted(response),
        }
    }

    fn back_translate(kind: MarksKind, response: &str) -> Vec<Constraint> {
        // The absence of a mark in a few words is not distinctive.
        let long = text::word_count(response) >= 8;
        match kind {
            MarksKind::NoCommas if long => all([Self::NoCommas]),
            MarksKind::NoExclamations if long => all([Self::NoExclamations]),
            MarksKind::Exclamation => all([Self::Exclamation]),
            MarksKind::Question => all([Self::Question]),
            MarksKind::NoQuestions if long => all([Self::NoQuestions]),
            MarksKind::EndsWithQuestion => all([Self::EndsWithQuestion]),
            MarksKind::Parentheses => all([Self::Parentheses]),
            MarksKind::NoParentheses if long => all([Self::NoParentheses]),
            MarksKind::Quotation => all([Self::Quotation]),
            MarksKind::NoQuotation if long => all([Self::NoQuotation]),
            MarksKind::NoCommas
            | MarksKind::NoExclamations
            | MarksKind::NoQuestions
            | MarksKind::NoParentheses
            | MarksKind::NoQuotation => Vec::new(),
        }
    }

    fn draw(kind: MarksKind, _task: &str, _rng: &mut dyn Rng) -> Self {
        match kind {
            MarksKind::NoExclamations => Self::NoExclamations,
            MarksKind::Exclamation => Self::Exclamation,
            MarksKind::Question => Self::Question,
            MarksKind::NoQuestions => Self::NoQuestions,
            MarksKind::EndsWithQuestion => Self::EndsWithQuestion,
            MarksKind::Parentheses => Self::Parentheses,
            MarksKind::NoParentheses => Self::NoParentheses,
            MarksKind::Quotation => Self::Quotation,
            MarksKind::NoQuotation => Self::NoQuotation,
            MarksKind::NoCommas => Self::NoCommas,
        }
    }
}

/// Questions that suit the end of nearly every response.
const QUESTIONS: &[&str] = &[
    "What do you think?",
    "How does that sound?",
    "Would you like to know more?",
    "Does that answer your question?",
];

/// Questions with a sentence after them that suit the end of nearly every response.
const ANSWERED_QUESTIONS: &[&str] = &[
    "Would you like to know more? Just let me know.",
    "Do you have any questions? Feel free to ask.",
    "Does that answer your question? If not, I am happy to add more.",
];

/// Replaces exclamation marks with periods, and removes those next to a question mark.
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

/// Removes parentheses with their contents. `None` if they are nested or unbalanced.
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
