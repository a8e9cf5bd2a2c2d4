//! What the tests share.

pub(crate) mod page;
pub(crate) mod run;

pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;
