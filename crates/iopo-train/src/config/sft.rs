//! The settings of SFT.

use iopo_core::settings::limits::{MAX_COUNT, MAX_EPOCHS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::named::named;

named! {
    /// Data that SFT reads.
    #[derive(Default)]
    pub enum SftData {
        /// The chosen responses of the training groups.
        #[default]
        Groups = "groups",
        /// Every verified response to an instruction of the train split's tasks.
        Responses = "responses",
    }
}

/// Settings of the SFT stage.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SftConfig {
    /// Passes of SFT over its data. Default: 2.
    #[schemars(range(min = 1, max = MAX_EPOCHS))]
    pub num_train_epochs: usize,
    /// Peak learning rate of SFT. Default: 5e-4.
    #[schemars(range(max = 1.0), extend("exclusiveMinimum" = 0.0))]
    pub learning_rate: f64,
    /// Data that SFT reads. `groups` reads the chosen responses of the training groups, two per group. `responses` reads
    /// every verified response to an instruction of the train split's tasks, in a group or not; an update then reads two
    /// rows in place of each group of `train.groups_per_update`. `sft-continued` always reads the groups, because it is
    /// the control of the preference methods. Default: groups.
    pub data: SftData,
    /// Maximum number of rows that `data = "responses"` reads; 0 reads all. The rows are drawn with `train.seed`, evenly
    /// over constraint kinds and tasks. Default: 0.
    #[schemars(range(max = MAX_COUNT))]
    pub max_rows: usize,
}

impl Default for SftConfig {
    fn default() -> Self {
        Self { num_train_epochs: 2, learning_rate: 5e-4, data: SftData::default(), max_rows: 0 }
    }
}
