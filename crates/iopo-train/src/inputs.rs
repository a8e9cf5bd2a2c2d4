//! The files that a run reads.

use std::path::Path;

use crate::responses::Responses;

/// The files that a run reads.
///
/// A path is the inputs of a run that reads preferences only.
#[derive(Debug, Clone, Copy)]
pub struct TrainInputs<'a> {
    /// The preference groups.
    pub preferences: &'a Path,
    /// The verified responses; read with `train.sft.data = "responses"` only.
    pub responses: Option<Responses<'a>>,
}

impl<'a> TrainInputs<'a> {
    /// Makes the inputs of a run that reads preferences only.
    pub fn new(preferences: &'a Path) -> Self {
        Self { preferences, responses: None }
    }

    /// Sets the responses that SFT reads with `train.sft.data = "responses"`.
    #[must_use]
    pub fn with_responses(self, responses: Responses<'a>) -> Self {
        Self { responses: Some(responses), ..self }
    }
}

impl<'a> From<&'a Path> for TrainInputs<'a> {
    fn from(preferences: &'a Path) -> Self {
        Self::new(preferences)
    }
}
