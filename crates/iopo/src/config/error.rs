//! Errors of a configuration.

use iopo_core::SettingError;

/// Why a configuration is invalid.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key is unknown, or its value has the wrong type, is out of range, or contradicts another setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A setting of training is invalid.
    #[error(transparent)]
    Train(#[from] iopo_train::TrainError),
    /// A setting of synthesis is invalid.
    #[error(transparent)]
    Synth(#[from] iopo_synth::SynthError),
    /// A setting of pairing is invalid.
    #[error(transparent)]
    Pairs(#[from] iopo_pairs::PairsError),
    /// A setting of evaluation is invalid.
    #[error(transparent)]
    Eval(#[from] iopo_eval::EvalError),
    /// The text is not TOML.
    #[error("{name} is not valid TOML: {reason}")]
    Toml {
        /// The file or preset.
        name: String,
        /// The place and the reason.
        reason: String,
    },
    /// An assignment has no key or no value.
    #[error("cannot read `{assignment}`: expected `SECTION.KEY=VALUE`")]
    Assignment {
        /// The assignment found.
        assignment: String,
    },
    /// No preset has this name.
    #[error("no preset `{name}`: expected one of {}", expected.join(", "))]
    Preset {
        /// The name found.
        name: String,
        /// The names of the presets.
        expected: Vec<&'static str>,
    },
}

impl ConfigError {
    /// Returns a remedy, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Setting(error)
            | Self::Synth(iopo_synth::SynthError::Setting(error))
            | Self::Pairs(iopo_pairs::PairsError::Setting(error))
            | Self::Train(iopo_train::TrainError::Setting(error))
            | Self::Eval(iopo_eval::EvalError::Setting(error)) => Some(setting_hint(error)),
            Self::Train(_) => {
                Some("`iopo config train` lists the settings of that section".to_owned())
            }
            Self::Assignment { .. } => Some("for instance `--set synth.max_tasks=20`".to_owned()),
            Self::Preset { .. } => Some("pass a configuration file with --config".to_owned()),
            Self::Synth(error) => error.hint(),
            Self::Pairs(error) => error.hint(),
            Self::Eval(error) => error.hint(),
            Self::Toml { .. } => None,
        }
    }
}

/// Returns the remedy of a setting's error: its own, or the list of the settings beside it.
pub(crate) fn setting_hint(error: &SettingError) -> String {
    match (&error.hint, error.key.split_once('.')) {
        (Some(hint), _) => hint.clone(),
        (None, Some((section, _))) => {
            format!("`iopo config {section}` lists the settings of that section")
        }
        (None, None) => "`iopo config` lists the settings".to_owned(),
    }
}
