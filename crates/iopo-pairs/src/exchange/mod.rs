//! Export and import of preference groups and pairs as rows of other trainers.
//!
//! | format | one row is | fields |
//! |---|---|---|
//! | [`Format::Trl`], plain | one pair | `prompt`, `chosen`, `rejected`: texts |
//! | [`Format::Trl`], conversational | one pair | the same three, each a list of `{role, content}`: a chat that ends with a `user` turn, one `assistant` turn each |
//! | [`Format::LlamaFactory`] | one group | `conversations`: two turns `{from: "human", value}`, x1 and x2; `chosen` and `rejected`: one turn `{from: "gpt", value}` each, y1 and y2 |
//!
//! Files are JSON lines or Parquet. A JSON list of rows, such as the IOPO authors' `trace.json`, can be read too.
//!
//! **Export.** TRL gets every strict pair of a group: (x1, y1, y2) if y2 does not follow x1, and (x2, y2, y1) if y1
//! does not follow x2. A full group becomes two rows, a sided group or a pair one. A row of LLaMA-Factory implies a full truth
//! table, so sided groups and pairs are skipped and counted. Plain rows cannot contain turns before the prompt.
//!
//! **Import.** The labels are not checked. The verdicts of a group have [`iopo_schema::Method::Judge`] and state this
//! in their evidence, and the group has no constraints. Two rows of TRL that mirror each other (two prompts, chosen and
//! rejected swapped) give a full group, and so does a row of LLaMA-Factory with two instructions. All other rows are pairs:
//! one prompt with a chosen and a rejected response, and the turns before the prompt. Rows with turns that cannot be
//! represented as text (tool calls, null) or with something beside the text (tools, images, videos, sounds) are skipped and
//! counted. A file with an invalid row is rejected with the line number.
//!
//! **FIPO.** [`import_fipo`] reads its published rows, in which one response has a better and a worse prompt, as
//! `input_preferences`, and [`export_fipo`] writes such rows for the training of an optimizer of prompts. [`read_fipo`] reads
//! the prompts and responses only, to rewrite the prompts anew.
//!
//! You can import several files at once, each with its split, and [hold out](HoldOut) prompts of the train file. A prompt is
//! never in two splits. [`crate::build`] never replaces imported groups.

mod beside_text;
mod cells;
mod error;
mod export;
mod fipo;
mod hold_out;
mod import;
mod imported;
mod lines;
mod llama_factory;
mod mirrors;
mod object;
mod records;
mod row;
mod sink;
mod skip_reason;
mod table;
mod taken;
mod trl;
mod turns;

use iopo_schema::Place;

pub use error::ExchangeError;
pub use export::{Export, ExportSummary, export};
pub use fipo::{FipoPrompt, FipoPrompts, FipoSummary, export_fipo, import_fipo, read_fipo};
pub use hold_out::HoldOut;
pub use import::{Import, ImportSummary, import};
pub use imported::is_imported;
pub use records::Container;
pub use skip_reason::SkipReason;

/// Largest size of a row in bytes, for import and export.
pub const MAX_ROW_BYTES: usize = 16 << 20;

/// The format of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Preference rows of TRL and the Hugging Face hub.
    Trl,
    /// IOPO rows of the authors' LLaMA-Factory fork.
    LlamaFactory,
}

impl Format {
    /// Returns the name on the command line and in provenance.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trl => "trl",
            Self::LlamaFactory => "llama-factory",
        }
    }
}
