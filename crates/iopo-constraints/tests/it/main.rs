//! Tests of the public interface, one module per area.

mod checks;
mod choosing;
#[cfg(feature = "ifeval")]
mod ifeval;
mod parts;
mod properties;
mod repair;
mod support;
