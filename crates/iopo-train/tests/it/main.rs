//! Behaviour of training, by area. One binary: the areas share their tiny decoder, and Burn is linked
//! once.

mod common;
mod full;
mod golden_trace;
mod stopping;
mod training;
mod tree;
