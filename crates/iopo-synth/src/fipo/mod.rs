//! Input preferences by rewriting instructions, after FIPO (Lu et al., 2024).
//!
//! For a given response, the writer rewrites its plain instruction twice. The *better* rewrite states requirements that the
//! response meets; the *worse* one is vague, asks for something that the response does not do, or comes from a weaker model. The
//! judge is asked twice which rewrite the response answers better, with the two in either order. It must name the better one
//! both times.
//!
//! Where the worse rewrite has a requirement that the response clearly violates, and the writer finds a second response that
//! meets both rewrites, the requirements and responses are a candidate group of the operation `rewrite`. Every preference, with
//! or without a group, is a row of `input_preferences`, which has no second response. Pairing uses the rows whose candidate
//! becomes no group, and gives them the split of their task.
//!
//! The instructions of a group are the plain task with the requirements of each rewrite, not the text of the rewrite. Admission
//! checks, as for [`trace`](crate::trace), that a prompt is the rendering of its task, constraints and input, so that the truth
//! table covers every difference between x1 and x2. Two free texts also differ in words that no verdict is about, and a model
//! could learn these. The texts of the rewrites are in `input_preferences`, which has no truth table.
//!
//! | file | rows |
//! |---|---|
//! | `instructions.parquet` | the instructions of the candidate groups, and those of refused second responses |
//! | `responses.parquet` | their responses, with verdicts, and failed requests |
//! | `candidates.parquet` | candidate groups with a complete truth table |
//! | `input_preferences.parquet` | all preferences, with a placeholder as split |
//! | `synth_stats.parquet` | counters by stage and reason |
//!
//! The meta prompt consists of modules, each a template file: the role and the plain instruction, an ordinary response, the desired
//! response, and an order. The two responses are optional; a random draw chooses one of the four combinations for each response.
//!
//! The files depend on the given responses, the settings and the answers of the models only. A resumed run skips finished parts
//! and asks again for the part that it was in, so give it models that remember their answers.

mod config;
mod estimate;
mod evidence;
mod flow;
mod group;
mod judge;
mod margin;
mod rate;
mod refusal;
mod rewrite;
mod run;
mod seed;
mod source;
mod step;
mod summary;
mod templates;

pub use config::{FipoConfig, FipoTokens};
pub use estimate::{FipoYields, StepEstimate, estimate};
pub use refusal::FipoRefusal;
pub use run::{FipoModels, FipoOptions, fipo};
pub use source::{FipoSeed, FipoSeeds, accepted_responses};
pub use step::FipoStep;
pub use summary::FipoSummary;
pub use templates::{FipoPrompt, built_in_templates, template_files};
