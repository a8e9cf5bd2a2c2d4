//! Texts, constraints, instructions and files that several tests use.

pub(crate) mod constraints;
#[cfg(feature = "ifeval")]
pub(crate) mod examples;
#[cfg(feature = "ifbench")]
pub(crate) mod ifbench;
#[cfg(feature = "ifeval")]
pub(crate) mod instructions;
#[cfg(feature = "ifeval")]
pub(crate) mod labeled;
