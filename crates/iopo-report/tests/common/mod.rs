//! Helpers of several test files.

pub(crate) mod page;
pub(crate) mod run;

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;
