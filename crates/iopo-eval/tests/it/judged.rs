//! Judged benchmarks: goldens, files of answers, hostile judges, missing verdicts, resumed runs, and the check of a judge.

mod answers;
mod check;
mod goldens;
mod run;
pub(crate) mod support;
