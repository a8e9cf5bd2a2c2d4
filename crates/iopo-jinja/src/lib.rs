//! Renders the Jinja chat templates of language models as `transformers` does.
//!
//! A template of a model is written for Jinja2 and Python: it calls methods of `str` and `dict`, formats with `%`, and
//! relies on the order of keys. This crate has the grammar of Jinja 3.1 with all its filters, tests and globals, the values
//! and methods of Python that the sandbox of `transformers` allows, and its additions: `{% generation %}`, loop controls,
//! `tojson` without HTML escapes, `raise_exception` and `strftime_now`. The date is an argument; nothing reads the clock.
//! The filter `random` takes the first item and `lipsum` writes fixed words, so that a text never changes.
//!
//! Untrusted templates cannot exhaust the machine. Each rendering has a budget of about a million steps, which evaluations,
//! statements, and creating, comparing or writing values use up; a rendering that uses all of them takes seconds. Values nest at
//! most 256 levels deep, and no text exceeds 16 MiB. Included templates and values that contain themselves are not supported.
//!
//! | module | content |
//! |---|---|
//! | [`template`] | compiled templates and their renderings |
//! | [`date`] | the date of `strftime_now` |
//! | [`error`] | errors by the class of Python's exception |
//!
//! ```
//! use iopo_jinja::{Date, Template};
//! use serde_json::json;
//!
//! let template = Template::new("{% for m in messages %}<{{ m.role }}>{{ m.content.strip() }}\n{% endfor %}")?;
//! let json = json!({"messages": [{"role": "user", "content": " Hi "}]});
//! let variables = json.as_object().cloned().unwrap_or_default();
//! assert_eq!(template.render(&variables, Date::default())?.text, "<user>Hi\n");
//! # Ok::<(), iopo_jinja::Error>(())
//! ```

mod args;
mod ast;
mod budget;
pub mod date;
pub mod error;
mod filters;
mod format;
mod globals;
mod json;
mod lexer;
mod machine;
mod methods;
mod operators;
mod parser;
mod predicates;
pub mod template;
mod unicode;
mod value;

pub use date::Date;
pub use error::{Error, ErrorKind};
pub use template::{Rendered, Template};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
