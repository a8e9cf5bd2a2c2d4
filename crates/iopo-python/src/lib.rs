//! The native half of the Python package `iopo`; `python/iopo` is the other half.
//!
//! | module | contents |
//! |---|---|
//! | [`constraint`] | `Constraint`, `Kind` and their verdicts |
//! | [`instructions`] | `Instructions`: IFEval's and IFBench's checks |
//! | [`checks`] | functions over batches of responses |
//! | [`table`] | `Table`: groups and scores through Arrow's C interface |
//! | [`batch`] | work without the GIL, on several threads |
//! | [`text`] | Python strings and sequences as text |
//! | [`number`] | integers within bounds |
//! | [`json`] | Python values as JSON |
//! | [`errors`] | Python exceptions with the text of the command line |
//!
//! Two rules hold for every function: a bad argument raises an exception that names it, and a panic of a library becomes an
//! `iopo.InternalError`.

mod batch;
mod checks;
mod constraint;
mod errors;
mod instructions;
mod json;
mod number;
mod table;
mod text;

/// Native code of the package `iopo`. Import `iopo` instead.
#[pyo3::pymodule]
mod _native {
    #[pymodule_export]
    use super::checks::{
        changed_share, check_constraints, check_instructions, render_prompt, satisfied, satisfy,
    };
    #[pymodule_export]
    use super::constraint::{Constraint, Kind, Verdict, kinds, listed_constraint};
    #[pymodule_export]
    use super::instructions::{InstructionVerdict, Instructions, Tagger, instruction_ids};
    #[pymodule_export]
    use super::table::{Table, read_groups, read_scores, read_table};
}
