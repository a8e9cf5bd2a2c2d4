//! Judged benchmarks: goldens, hostile judges, missing verdicts, resumed runs, and the check of a judge.

mod check;
mod goldens;
mod run;
pub(crate) mod support;
