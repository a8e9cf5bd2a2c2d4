//! A compiled template and its renderings.

use std::ops::Range;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use crate::ast::{Block, Node};
use crate::budget::{self, Budget};
use crate::date::Date;
use crate::error::{Error, Result};
use crate::machine::Machine;
use crate::parser::parse;
use crate::value::Value;

/// Largest source in bytes.
const MAX_SOURCE: usize = 1 << 20;

/// A compiled template.
#[derive(Debug)]
pub struct Template {
    pub(crate) body: Vec<Node>,
    pub(crate) blocks: Vec<Arc<Block>>,
}

/// A rendered template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The text.
    pub text: String,
    /// The bytes of the text that `{% generation %}` blocks wrote, in order; `None` if a block is inside a macro, a filter
    /// or another captured text, whose place in the text is not known.
    pub generated: Option<Vec<Range<usize>>>,
}

impl Template {
    /// Compiles a template.
    ///
    /// # Errors
    /// Returns an error if the source exceeds 1 MiB or is not valid Jinja.
    pub fn new(source: &str) -> Result<Self> {
        if source.len() > MAX_SOURCE {
            return Err(Error::limit(format!(
                "found a source of {} bytes, expected at most {MAX_SOURCE}",
                source.len()
            )));
        }
        let parsed = parse(source)?;
        Ok(Self { body: parsed.body, blocks: parsed.blocks })
    }

    /// Renders the template. `strftime_now` writes the date `now`.
    ///
    /// # Errors
    /// Returns an error if the template raises one, takes too many steps or too much memory, or writes more than 16 MiB.
    pub fn render(&self, variables: &Map<String, Json>, now: Date) -> Result<Rendered> {
        let _budget = Budget::start(budget::STEPS);
        let variables = variables
            .iter()
            .map(|(name, value)| (Arc::from(name.as_str()), Value::from_json(value)))
            .collect::<Vec<_>>();
        budget::check()?;
        let (text, blocks) = Machine::new(self, variables, now).render()?;
        budget::check()?;
        let generated = blocks
            .iter()
            .map(|(start, block)| {
                let range = *start..start + block.len();
                (text.get(range.clone()) == Some(block.as_str())).then_some(range)
            })
            .collect();
        Ok(Rendered { text, generated })
    }
}
