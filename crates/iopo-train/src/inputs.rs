//! The files and the models that a run reads.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{Method, responses::Responses};

/// The files and the models that a run reads.
///
/// A path is the inputs of a run that reads preferences only.
#[derive(Debug, Clone)]
pub struct TrainInputs<'a> {
    /// The preference groups.
    pub preferences: &'a Path,
    /// The input preferences; read with `train.input_preference_weight` above 0 only.
    pub input_preferences: Option<&'a Path>,
    /// The verified responses; read with `train.sft.data = "responses"` only.
    pub responses: Option<Responses<'a>>,
    /// Models that methods continue, by method; see [`TrainInputs::with_start`].
    pub starts: BTreeMap<Method, PathBuf>,
    /// Share of verdicts that a model satisfies, by constraint kind; read with `train.group_weighting = "rarity"` only.
    pub satisfaction_rates: BTreeMap<String, f64>,
    /// Whether results of other settings, data or models are replaced; see [`TrainInputs::with_replace`].
    pub replace: bool,
}

impl<'a> TrainInputs<'a> {
    /// Makes the inputs of a run that reads preferences only.
    pub fn new(preferences: &'a Path) -> Self {
        Self {
            preferences,
            input_preferences: None,
            responses: None,
            starts: BTreeMap::new(),
            satisfaction_rates: BTreeMap::new(),
            replace: false,
        }
    }

    /// Sets the file of input preferences that `train.input_preference_weight` mixes in.
    #[must_use]
    pub fn with_input_preferences(self, path: &'a Path) -> Self {
        Self { input_preferences: Some(path), ..self }
    }

    /// Sets the responses that SFT reads with `train.sft.data = "responses"`.
    #[must_use]
    pub fn with_responses(self, responses: Responses<'a>) -> Self {
        Self { responses: Some(responses), ..self }
    }

    /// Sets the satisfaction rates that weight groups with `train.group_weighting = "rarity"`, for instance those of
    /// the policy's own answers.
    #[must_use]
    pub fn with_satisfaction_rates(self, satisfaction_rates: BTreeMap<String, f64>) -> Self {
        Self { satisfaction_rates, ..self }
    }

    /// Sets whether finished trainings, checkpoints and reference logps of other settings, data or models are replaced, and
    /// damaged ones made again. Default: false; they are an error.
    #[must_use]
    pub fn with_replace(self, replace: bool) -> Self {
        Self { replace, ..self }
    }

    /// Starts a method, with every random seed, from the model in `dir`, which an earlier training or PEFT wrote for the
    /// same base model. Replaces `train.start` for this method.
    ///
    /// Policy and reference start as this model. An adapter keeps its weights; its rank, scale and layers must be those of
    /// `train.lora`. SFT is trained only if a method has no start, or if SFT has one and the configuration names it.
    #[must_use]
    pub fn with_start(mut self, method: Method, dir: impl Into<PathBuf>) -> Self {
        self.starts.insert(method, dir.into());
        self
    }
}

impl<'a> From<&'a Path> for TrainInputs<'a> {
    fn from(preferences: &'a Path) -> Self {
        Self::new(preferences)
    }
}
