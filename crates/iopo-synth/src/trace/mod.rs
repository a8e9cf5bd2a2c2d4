//! The data recipe of the IOPO paper (Zhang et al., 2025) by two language models, a writer and a judge.
//!
//! Each task passes through [stages](Step): the writer expands it with constraints and splits the result into its parts; the judge
//! checks the parts; the writer answers, and the judge rates the answer by each constraint. The second instruction differs from
//! the first in its last constraint and gets an answer in the same way. Last, each answer is rated by the changed constraint of
//! the other instruction, which completes the truth table of the candidate group.
//!
//! Code decides wherever it can: a constraint whose text maps to a checker is never left to the judge. Each task or response
//! that is dropped has a [`Refusal`], which is counted.
//!
//! | file | rows |
//! |---|---|
//! | `instructions.parquet` | the first and second instructions that passed quality control |
//! | `responses.parquet` | all responses, with verdicts or the reason why there are none, and failed requests |
//! | `candidates.parquet` | groups with a complete truth table, right or wrong, and pairs with a worse response |
//! | `synth_stats.parquet` | counters by stage, reason and kind |
//!
//! A response names the model that wrote it, and the keys of its request and rating in a store of answers. The header of each
//! file but the counters has a hash of all requests and answers.
//!
//! The second instruction changes one constraint, never the whole list as in the paper: the changed constraint must be the last one
//! of both instructions, and the first response is written before a free change is known.
//!
//! The files depend on the tasks, the settings and the answers of the models only. A resumed run skips finished parts and asks
//! again for the part that it was in, so give it models that remember their answers.

pub(crate) mod ask;
mod candidate;
mod change;
mod checks;
mod config;
pub(crate) mod dimension;
mod estimate;
mod flow;
mod instruct;
mod rate;
pub(crate) mod read;
mod respond;
mod run;
pub(crate) mod schema;
pub(crate) mod seed;
mod step;
mod summary;
pub(crate) mod templates;
pub(crate) mod text;

pub use config::{
    MAX_CONSTRAINTS, OperationWeights, QualityControl, TraceConfig, TraceLanguage, TraceTokens,
};
pub use estimate::{StepEstimate, Yields, estimate};
pub use run::{TraceModels, trace};
pub use step::{REFUSALS, Refusal, Step};
pub use summary::TraceSummary;
pub use templates::{Ask, built_in_templates, template_files};
