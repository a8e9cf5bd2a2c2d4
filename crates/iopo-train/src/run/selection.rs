//! The rows that the methods of a run train on.

use iopo_core::SettingError;

use super::data::{Data, check_dev};
use crate::{
    Method, TrainConfig, TrainError,
    batch::{limited, smaller},
    encode::EncodedGroup,
};

/// The rows of a run within its limits: groups, and pairs without a second instruction.
#[derive(Clone)]
pub(super) struct Selection<'a> {
    pub(super) train: Vec<&'a EncodedGroup>,
    /// Rows that a trial of the grid trains on.
    pub(super) trial: Vec<&'a EncodedGroup>,
    pub(super) dev: Vec<&'a EncodedGroup>,
}

impl<'a> Selection<'a> {
    /// Selects among all rows but the pairs with a worse answer.
    pub(super) fn all(config: &TrainConfig, data: &'a Data) -> Self {
        Self::among(config, data, |row| !data.worse.contains(&row.id))
    }

    /// Selects among the pairs with a worse answer, the paper's data for DPO. There may be none.
    ///
    /// # Errors
    /// Returns an error if `dpo-paper` trains on them, no dev row is among them, and a setting needs a dev split.
    pub(super) fn worse(
        config: &TrainConfig,
        data: &'a Data,
        methods: &[Method],
    ) -> Result<Self, TrainError> {
        let made = Self::among(config, data, |row| data.worse.contains(&row.id));
        if methods.contains(&Method::DpoPaper) && !made.train.is_empty() {
            check_dev(config, made.dev.len(), "no pair with a worse answer is left")?;
        }
        Ok(made)
    }

    /// Adds input preferences to the rows to train on.
    pub(super) fn with(mut self, input_preferences: &'a [EncodedGroup]) -> Self {
        self.train.extend(input_preferences);
        self.trial.extend(input_preferences);
        self
    }

    /// Applies the limits to the rows that `takes` accepts.
    fn among(config: &TrainConfig, data: &'a Data, takes: impl Fn(&EncodedGroup) -> bool) -> Self {
        let rows =
            |rows: &'a [EncodedGroup], limit| limited(rows.iter().filter(|row| takes(row)), limit);
        let trial = smaller(config.max_train_groups, config.grid.max_train_groups);
        Self {
            train: rows(&data.train, config.max_train_groups),
            trial: rows(&data.train, trial),
            dev: rows(&data.dev, config.max_eval_groups),
        }
    }

    /// Selects among the rows that are not pairs, for methods that compare two instructions.
    ///
    /// # Errors
    /// Returns an error if one of `methods` compares instructions and no train row has two, or no dev row has two and a setting
    /// needs a dev split.
    pub(super) fn without_pairs(
        config: &TrainConfig,
        data: &'a Data,
        methods: &[Method],
    ) -> Result<Self, TrainError> {
        let made = Self::among(config, data, EncodedGroup::has_second_instruction);
        let methods: Vec<&str> = methods
            .iter()
            .filter(|method| method.compares_instructions())
            .map(|method| method.name())
            .collect();
        if methods.is_empty() {
            return Ok(made);
        }
        if made.train.is_empty() || made.trial.is_empty() {
            let found = format!(
                "{}, but no group with two instructions among the {} rows of the train split; the others are pairs",
                methods.join(", "),
                data.train.len()
            );
            let other: Vec<&str> = Method::ALL
                .iter()
                .filter(|method| !method.compares_instructions())
                .map(|method| method.name())
                .collect();
            let expected = format!("methods that train on pairs: {}", other.join(", "));
            let hint = "remove the method, or import rows together with their mirrored rows, which form groups";
            return Err(SettingError::new("train.methods", found, expected).with_hint(hint).into());
        }
        check_dev(config, made.dev.len(), "only pairs are left")?;
        Ok(made)
    }
}
