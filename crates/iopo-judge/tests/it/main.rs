//! Tests the crate on goldens of the published code and on hostile texts.

mod cfbench;
mod complexbench;
mod followbench;
mod hostile;
mod support;
mod trace;
