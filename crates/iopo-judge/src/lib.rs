//! Verdicts of language-model judges for TRACE, CFBench, FollowBench and ComplexBench.
//!
//! The crate reads the public data files, builds the prompts of each judge, reads the verdicts of its answers, applies the
//! rules that need no judge, and computes the metrics. It contains no model and does no I/O: you call a judge of your choice,
//! or read its answers from a file.
//!
//! | module | content |
//! |---|---|
//! | [`trace`], [`cfbench`], [`followbench`], [`complexbench`] | items, prompts, parsers, rules and metrics of one benchmark |
//! | [`evaluation`] | verdicts and metrics from recorded answers |
//! | [`template`] | prompt templates as text files, with hashes |
//! | [`mean`] | means over judged items, and with unjudged ones as failed |
//! | [`data`], [`error`] | limits of data files, errors, reasons for a missing verdict |
//!
//! ```
//! use iopo_judge::{Language, Mode, Prompt, Template, trace};
//!
//! let file = r#"{"id": "7", "messages": [{"role": "user", "content": "Write a note\n1. Be brief;\n"}],
//!     "description": "Write a note", "constraints_splits": ["1. Be brief;"], "constraints_num": 1,
//!     "input": "NULL", "levels2": ["数值约束"]}"#.replace('\n', "");
//! let items = trace::parse(&file)?;
//! let template = Template::built_in(Prompt::Trace, Language::English);
//! let messages = trace::prompt(&template, &items[0], "See you.");
//! assert!(messages[1].content.contains("Be brief"));
//!
//! // The answer of a judge to these messages.
//! let answer = r#"{"verdicts": [{"index": 1, "explanation": "Three words.", "score": 10}]}"#;
//! let scores = trace::scores(Mode::Repaired, items[0].constraints.len(), answer)?;
//! let totals = trace::totals([(&items[0], Some(scores.as_slice()))]);
//! assert_eq!(totals.all.followed.over_judged(), Some(1.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! In [`Mode::Paper`], parsers and arithmetic are the published ones. [`Mode::Repaired`] accepts harmless variation, such as
//! full-width digits and code fences, and gives no verdict on an ambiguous answer.
//!
//! Text from a judge or a response is never evaluated as code, and text that fills a slot is never expanded as a template. If an
//! answer has no clear verdict, ask the judge again; if that fails too, count the item as unjudged.

pub mod cfbench;
pub mod complexbench;
pub mod data;
pub mod error;
pub mod evaluation;
pub mod followbench;
mod json;
pub mod mean;
pub mod template;
mod text;
pub mod trace;

pub use error::{DataError, Place, TemplateError, Unjudged};
pub use evaluation::{
    Answers, Attempt, Combined, Evaluation, Formula, Metric, Responses, VerdictRow,
};
pub use iopo_core::Mode;
pub use mean::Mean;
pub use template::{Language, Message, Prompt, Role, Slots, Template, fence};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
