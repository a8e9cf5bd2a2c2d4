//! Metadata of a trained model, in `iopo.json` beside its weights.

use std::{collections::BTreeMap, path::Path};

use iopo_model::{Dtype, LoraConfig};
use iopo_schema::content_hash::{read_json, write_json};
use serde::{Deserialize, Serialize};

use crate::{
    Method, TrainConfig, TrainError, batch::Plan, encode::TruncationMode,
    eval_strategy::EvalStrategy, grid::Settings, group_weights::WeightsOrigin, loss::LossType,
    optim::OptimizerName, schedule::SchedulerType, tree::SequenceLayout,
};

/// File with the metadata of a trained model.
pub const METADATA: &str = "iopo.json";

/// Where a training comes from: the base model and the data, by name and hash.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// Name of the base model.
    pub base: String,
    /// Hub id or absolute path of the base model, which adapters record. It is not part of a training's identity.
    pub location: String,
    /// Hash of the base's weight files.
    pub base_weights_hash: String,
    /// Hash of tokenizer and chat template.
    pub template_hash: String,
    /// Hash of the preferences file.
    pub preferences_hash: String,
    /// The rows of SFT, if it reads responses.
    pub sft_rows: Option<SftRowsOrigin>,
    /// Hash of the trained tensors and the scale that training started from, if it continues a trained model.
    pub start_hash: Option<String>,
}

/// The rows that SFT reads with `train.sft.data = "responses"`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SftRowsOrigin {
    /// Hash of the responses file.
    pub responses_hash: String,
    /// Number of rows trained on.
    pub rows: usize,
    /// Hash of their ids, which are content hashes of prompt and response.
    pub rows_hash: String,
}

/// Metadata of a trained model: the base that it fits, and how it was trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Metadata {
    /// Name of the base model.
    pub base: String,
    /// Hash of the base's weight files. The adapter fits only these.
    pub base_weights_hash: String,
    /// Hash of tokenizer and chat template.
    pub template_hash: String,
    /// Training method.
    pub method: Method,
    /// Hash of the preferences file.
    pub preferences_hash: String,
    /// The rows of SFT, if it reads responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sft_rows: Option<SftRowsOrigin>,
    /// Hash of the trained tensors and the scale that training started from, if it continues a trained model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_hash: Option<String>,
    /// Content hashes of the files of the weights. A changed file is refused.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// The weights of the groups, if they are not equal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group_weights: Option<WeightsOrigin>,
    /// Settings that the result depends on.
    pub settings: ResultSettings,
}

/// Settings that the result of a training depends on. An optional setting is recorded where it is not the default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResultSettings {
    /// Settings of the method; with a grid, the chosen ones.
    #[serde(rename = "settings")]
    pub method: Settings,
    /// Groups of each update.
    pub plan: Plan,
    /// Share of the updates over which the learning rate rises.
    pub warmup_ratio: f64,
    /// Maximum number of tokens of one forward and backward pass, if the configuration gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens_per_micro_batch: Option<usize>,
    /// Tree or rows.
    pub sequence_layout: SequenceLayout,
    /// Settings of the adapters; `None` if every weight is trained.
    pub lora: Option<LoraConfig>,
    /// Maximum number of tokens of a sequence.
    pub max_length: usize,
    /// Bound of the gradient's global norm; 0 for none.
    pub max_grad_norm: f64,
    /// Weight decay of the optimizer.
    pub weight_decay: f64,
    /// Groups of the dev split that evaluations use.
    pub dev_groups: usize,
    /// Type of the base's weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dtype: Option<Dtype>,
    /// Treatment of groups that exceed `max_length`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncation_mode: Option<TruncationMode>,
    /// Course of the learning rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr_scheduler_type: Option<SchedulerType>,
    /// Optimizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optim: Option<OptimizerName>,
    /// Evaluation, early stopping and the choice of the weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_strategy: Option<EvalStrategy>,
    /// Type of the preference loss and its label smoothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<(LossType, f64)>,
}

impl ResultSettings {
    /// Selects the settings that the result of one method depends on.
    pub(crate) fn new(
        config: &TrainConfig,
        method: Method,
        settings: Settings,
        plan: Plan,
        dev_groups: usize,
        dtype: Dtype,
    ) -> Self {
        let default = TrainConfig::default();
        let loss = (config.loss_type, config.label_smoothing);
        let default_loss = (default.loss_type, default.label_smoothing);
        Self {
            method: settings,
            plan,
            warmup_ratio: config.warmup_ratio,
            tokens_per_micro_batch: config.tokens_per_micro_batch,
            sequence_layout: config.sequence_layout,
            lora: config.use_peft.then(|| config.lora.clone()),
            max_length: config.max_length,
            max_grad_norm: config.max_grad_norm,
            weight_decay: config.weight_decay,
            dev_groups,
            dtype: changed(dtype, Dtype::F32),
            truncation_mode: changed(config.truncation_mode, default.truncation_mode),
            lr_scheduler_type: changed(config.lr_scheduler_type, default.lr_scheduler_type),
            optim: changed(config.optim, default.optim),
            eval_strategy: changed(config.eval_strategy(), default.eval_strategy()),
            loss: changed(loss, default_loss).filter(|_| method.has_loss_type()),
        }
    }
}

/// Returns a value that differs from its default.
fn changed<T: Copy + PartialEq>(value: T, default: T) -> Option<T> {
    (value != default).then_some(value)
}

impl Metadata {
    /// Returns whether a directory has metadata. An adapter of PEFT has none.
    pub fn exists(dir: &Path) -> bool {
        dir.join(METADATA).exists()
    }

    /// Reads the metadata in a directory.
    ///
    /// # Errors
    /// Returns an error if the file cannot be read, differs from its content hash, lacks a field or has an unknown one.
    pub fn read(dir: &Path) -> Result<Self, TrainError> {
        Ok(read_json(&dir.join(METADATA))?)
    }

    /// Writes the metadata into a directory.
    ///
    /// # Errors
    /// Returns an error if the file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<(), TrainError> {
        Ok(write_json(&dir.join(METADATA), self)?)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use iopo_model::Dtype;
    use iopo_schema::content_hash::write_json;
    use serde_json::{Value, json};

    use super::{METADATA, Metadata, ResultSettings};
    use crate::{Method, TrainConfig, batch::Plan, loss::LossType};

    fn metadata(config: &TrainConfig, method: Method) -> Metadata {
        let plan = Plan { groups: 5, per_update: 2, epochs: 1, seed: 3, group_by_length: false };
        let settings = config.settings(method);
        Metadata {
            base: "base".to_owned(),
            base_weights_hash: "b".to_owned(),
            template_hash: "t".to_owned(),
            method,
            preferences_hash: "p".to_owned(),
            sft_rows: None,
            start_hash: None,
            files: BTreeMap::new(),
            group_weights: None,
            settings: ResultSettings::new(config, method, settings, plan, 4, Dtype::F32),
        }
    }

    #[test]
    fn metadata_reads_back_and_default_settings_are_omitted() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(METADATA);
        assert!(!Metadata::exists(dir.path()));
        let mut config = TrainConfig::default();
        let written = metadata(&config, Method::TpoL);
        written.write(dir.path()).expect("written");
        assert!(Metadata::exists(dir.path()));
        assert_eq!(Metadata::read(dir.path()).expect("read"), written);
        let text = std::fs::read_to_string(&path).expect("read");
        assert!(text.contains("\"method\": \"tpo-l\"") && !text.contains("loss"), "{text}");

        config.loss_type = LossType::Hinge;
        assert_eq!(metadata(&config, Method::Sft).settings.loss, None, "SFT has no loss type");
        let written = metadata(&config, Method::Dpo);
        assert_eq!(written.settings.loss, Some((LossType::Hinge, 0.0)));
        written.write(dir.path()).expect("written");
        assert_eq!(Metadata::read(dir.path()).expect("read"), written);
    }

    #[test]
    fn unknown_and_missing_fields_are_refused_by_name() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join(METADATA);
        let text = json!(metadata(&TrainConfig::default(), Method::Iopo)).to_string();
        let write = |text: String| {
            let value: Value = serde_json::from_str(&text).expect("JSON");
            write_json(&path, &value).expect("written");
        };
        for (from, to) in [("\"beta\"", "\"betta\""), ("\"base\"", "\"basis\"")] {
            write(text.replace(from, to));
            let error = Metadata::read(dir.path()).expect_err("another field").to_string();
            assert!(error.contains(to.trim_matches('"')), "{error}");
        }
        write(text.replace("\"max_length\":1024,", ""));
        let error = Metadata::read(dir.path()).expect_err("a field is missing").to_string();
        assert!(error.contains("max_length"), "{error}");
    }
}
