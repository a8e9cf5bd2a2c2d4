//! Preference groups in the rows of other trainers, out and in.
//!
//! | format | a row | fields |
//! |---|---|---|
//! | [`Format::Trl`], plain | one pair | `prompt`, `chosen`, `rejected`: texts |
//! | [`Format::Trl`], conversational | one pair | the same three, each a list of `{role, content}`: one `user` turn, one `assistant` turn each |
//! | [`Format::LlamaFactory`] | one group | `conversations`: two turns `{from: "human", value}`, x1 and x2; `chosen` and `rejected`: one turn `{from: "gpt", value}` each, y1 and y2 |
//!
//! Files are JSON lines or Parquet; a JSON list of rows (as the IOPO authors' `trace.json` is) can be read too.
//!
//! **Out.** TRL gets every strict pair of a group: (x1, y1, y2) where y2 does not follow x1, (x2, y2, y1) where y1
//! does not follow x2; so two of a full group and one of a sided one. A row of LLaMA-Factory says that the whole truth
//! table holds, so sided groups are left out there, and counted.
//!
//! **In.** Nobody here checked what such a row says, so the group's verdicts have [`iopo_schema::Method::Judge`] and say
//! so in their evidence, and no constraints are known. Two rows of TRL that mirror each other (two prompts, chosen and
//! rejected swapped) are a full group, and so are such pairs of two sided groups. A pair without a mirror says nothing
//! about a second instruction: it is no group of any kind, and is left out and counted. A file with a row that is not of
//! its format is refused whole, by the line. Several files come in together, each with its split; a task that two of
//! them have stays with the first. [`crate::build`] refuses to replace what was imported.

mod cells;
mod error;
mod export;
mod import;
mod imported;
mod left_out;
mod lines;
mod llama_factory;
mod mirrors;
mod records;
mod sink;
mod table;
mod taken;
mod trl;
mod turns;

pub use error::ExchangeError;
pub use export::{Export, ExportSummary, export};
pub use import::{ImportSummary, import};
pub use imported::is_imported;
pub use left_out::LeftOut;
pub use records::{Container, Place};

/// Bytes of one row; longer ones are refused on both ways.
pub const MAX_ROW_BYTES: usize = 16 << 20;

/// Whose rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Preference rows of TRL and of the Hugging Face hub.
    Trl,
    /// IOPO rows of the authors' LLaMA-Factory fork.
    LlamaFactory,
}

impl Format {
    /// The name on the command line and in provenance.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trl => "trl",
            Self::LlamaFactory => "llama-factory",
        }
    }
}
