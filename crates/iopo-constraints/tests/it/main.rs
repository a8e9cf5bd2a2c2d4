//! Tests of the public interface, one module per area.

mod checks;
mod choosing;
mod edit;
mod from_text;
#[cfg(feature = "ifbench")]
mod ifbench;
#[cfg(feature = "ifeval")]
mod ifeval;
mod iftrain;
mod joint;
#[cfg(feature = "ifbench")]
mod large;
mod listed;
mod parts;
mod properties;
mod satisfy;
mod support;
