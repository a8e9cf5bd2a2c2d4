//! The training constraints of IFTrain: labels, sentences, and the distance of kinds from the checks of IFBench.

#[cfg(feature = "ifbench")]
mod distance;
#[cfg(feature = "ifeval")]
mod labels;
mod sentences;
