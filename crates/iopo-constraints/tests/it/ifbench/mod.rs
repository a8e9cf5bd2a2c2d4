//! The checks of IFBench.

mod files;
mod own;
mod properties;
mod reference;
mod repaired;
mod verdicts;
