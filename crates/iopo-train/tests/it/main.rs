//! Behavior of training, by area. One binary, so that Burn is linked once and the areas share their tiny decoder.

mod budgets;
mod common;
mod encoding;
mod full;
mod golden_smollm2;
mod golden_trace;
mod gradient_checkpointing;
mod inputs;
mod losses;
mod optimizers;
mod pairs;
mod peft;
mod properties;
mod responses;
mod sign;
mod smollm2;
mod starts;
mod stopping;
mod training;
mod tree;
mod watching;
mod weights;

use iopo_testing::under_test;
