//! Tests of IFEval's instructions in both modes.

mod files;
mod properties;
mod reference;
mod repaired;
mod verdicts;
