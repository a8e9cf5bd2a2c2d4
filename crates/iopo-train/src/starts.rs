//! Trained models that trainings start from.
//!
//! A method with a start continues that model: its policy and its reference are the start. Rounds of training use this, so
//! that an adapter need not be merged into the base model before the next round.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use iopo_core::SettingError;
use iopo_model::{Decoder, ModelError, NamedTensors};

use crate::{
    Base, Method, TrainConfig, TrainError, peft,
    weights::{self, ADAPTER, WEIGHTS},
};

const KEY: &str = "train.start";
/// File that lists the weights of a model in several files.
const INDEX: &str = "model.safetensors.index.json";

/// The starts of a run: for single methods, or `train.start` for all of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Starts<'a> {
    config: &'a TrainConfig,
    by_method: &'a BTreeMap<Method, PathBuf>,
}

impl<'a> Starts<'a> {
    pub(crate) fn new(config: &'a TrainConfig, by_method: &'a BTreeMap<Method, PathBuf>) -> Self {
        Self { config, by_method }
    }

    /// Returns the start of a method. Without one, SFT starts from the base model and any other method from the SFT model.
    pub(crate) fn of(&self, method: Method) -> Option<&'a Path> {
        self.by_method.get(&method).or(self.config.start.as_ref()).map(PathBuf::as_path)
    }

    /// Returns the methods to train, SFT first. SFT is trained if a method starts from it, or no other method is, or it
    /// has a start and the configuration names it.
    pub(crate) fn methods(&self) -> Vec<Method> {
        let mut methods: Vec<Method> = Method::ALL
            .iter()
            .copied()
            .filter(|method| !method.starts_from_base() && self.config.methods.contains(method))
            .collect();
        let is_wanted =
            self.of(Method::Sft).is_some() && self.config.methods.contains(&Method::Sft);
        if is_wanted
            || methods.is_empty()
            || methods.iter().any(|method| self.of(*method).is_none())
        {
            methods.insert(0, Method::Sft);
        }
        methods
    }

    /// Loads the start of each method once and returns the hashes of their tensors and scales, so that a wrong one is found
    /// before the first update.
    pub(crate) fn hashes(&self, base: &Base<'_>) -> Result<BTreeMap<Method, String>, TrainError> {
        let mut by_path = BTreeMap::new();
        let mut hashes = BTreeMap::new();
        for method in self.methods() {
            let Some(dir) = self.of(method) else { continue };
            if !by_path.contains_key(dir) {
                by_path.insert(dir, hash(&load(dir, base, self.config)?, self.config)?);
            }
            hashes.insert(method, by_path[dir].clone());
        }
        Ok(hashes)
    }
}

/// Hashes the trained tensors of a start. The factors of an adapter are hashed with their scale, which is not among the
/// tensors.
///
/// # Errors
/// Returns an error if the device cannot be read.
pub(crate) fn hash(start: &Decoder, config: &TrainConfig) -> Result<String, TrainError> {
    let tensors = weights::hash(&weights::trained_tensors(start)?);
    Ok(if start.has_adapter() {
        iopo_core::hash::bytes(format!("{tensors} {}", config.lora.scale()))
    } else {
        tensors
    })
}

/// Checks that a folder holds files of the kind of model that is trained: an adapter with `use_peft`, otherwise a whole model.
///
/// # Errors
/// Returns an error that names the first missing file, or an adapter in place of a whole model.
pub fn check_start(dir: &Path, use_peft: bool) -> Result<(), SettingError> {
    let (found, has) = (dir.display(), |name: &str| dir.join(name).is_file());
    let without = |name: &str, expected: &str| {
        SettingError::new(KEY, format!("{found}, a folder without {name}"), expected)
    };
    if use_peft {
        let missing = [ADAPTER, peft::CONFIG].into_iter().find(|name| !dir.join(name).is_file());
        return missing.map_or(Ok(()), |name| {
            let error = without(name, "the folder of a LoRA adapter");
            Err(error.with_hint("pass a whole model as the base model"))
        });
    }
    let expected = "the folder of a whole model, because `train.use_peft` is false";
    if has(ADAPTER) {
        return Err(SettingError::new(KEY, format!("{found}, the folder of an adapter"), expected));
    }
    if !has(WEIGHTS) && !has(INDEX) {
        return Err(without(WEIGHTS, expected));
    }
    Ok(())
}

/// Loads a start on top of `base`.
///
/// # Errors
/// Returns an error if the folder holds no model of the kind that the configuration trains, the adapter has other settings
/// than `train.lora`, or the model was trained on another base.
pub(crate) fn load(
    dir: &Path,
    base: &Base<'_>,
    config: &TrainConfig,
) -> Result<Decoder, TrainError> {
    check_start(dir, config.use_peft)?;
    let start = weights::load(dir, base.decoder, base.weights_hash)?;
    if config.use_peft {
        check_lora(dir, &start.adapter()?, base.decoder, config)?;
    }
    Ok(start)
}

/// Refuses an adapter whose rank, scale or layers differ from `train.lora`, because training it would write other settings
/// than it has.
fn check_lora(
    dir: &Path,
    found: &NamedTensors,
    base: &Decoder,
    config: &TrainConfig,
) -> Result<(), TrainError> {
    let lora = &config.lora;
    let differs = |key: &str, ours: String, theirs: String| {
        let expected = format!("{theirs}, as in the start {}", dir.display());
        TrainError::from(SettingError::new(format!("train.lora.{key}"), ours, expected))
    };
    let factors: Vec<peft::Factors> = peft::layers(dir, base.config())?.into_values().collect();
    if factors.windows(2).any(|pair| pair[0] != pair[1]) {
        let reason = "found layers with different ranks or scales, expected the same in every layer, because training \
                      continues with one `train.lora`";
        return Err(
            ModelError::BadAdapter { path: dir.to_owned(), reason: reason.to_owned() }.into()
        );
    }
    for factors in factors {
        let peft::Factors { rank, scale } = factors;
        if rank != lora.r {
            return Err(differs("r", lora.r.to_string(), rank.to_string()));
        }
        if (scale - lora.scale()).abs() > 1e-9 * scale {
            let alpha = scale * rank as f64;
            return Err(differs("lora_alpha", lora.lora_alpha.to_string(), alpha.to_string()));
        }
    }
    let expected = base.clone().without_adapter().with_lora(lora, 0)?.adapter()?;
    if !found.keys().eq(expected.keys()) {
        let [ours, theirs] = [&expected, found].map(layers);
        if ours == theirs {
            let reason = "it adapts some layers of the model only".to_owned();
            return Err(ModelError::BadAdapter { path: dir.to_owned(), reason }.into());
        }
        return Err(differs("target_modules", ours, theirs));
    }
    Ok(())
}

/// Lists the linear layers that factors belong to.
fn layers(factors: &NamedTensors) -> String {
    let names: BTreeSet<&str> =
        factors.keys().filter_map(|name| name.split(".lora_").next()?.rsplit('.').next()).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::PathBuf};

    use super::{INDEX, Starts, check_start};
    use crate::{
        Method::{self, Dpo, Iopo, Sft},
        TrainConfig,
        weights::{ADAPTER, WEIGHTS},
    };

    #[test]
    fn a_folder_without_the_files_of_a_start_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let refused =
            |use_peft| check_start(dir.path(), use_peft).expect_err("incomplete").to_string();
        let write = |name: &str| fs::write(dir.path().join(name), "x").expect("written");
        assert!(refused(true).contains("a folder without adapter_model.safetensors"));
        assert!(refused(false).contains("a folder without model.safetensors"));
        write(INDEX);
        check_start(dir.path(), false).expect("shards");
        write(WEIGHTS);
        check_start(dir.path(), false).expect("one file");
        write(ADAPTER);
        assert!(refused(false).contains("the folder of an adapter"));
        assert!(refused(true).contains("a folder without adapter_config.json"));
        write("adapter_config.json");
        check_start(dir.path(), true).expect("an adapter");
    }

    #[test]
    fn sft_is_trained_only_if_a_method_needs_it() {
        let trained = |named: &[Method], common: Option<&str>, own: &[Method]| {
            let config = TrainConfig {
                methods: named.to_vec(),
                start: common.map(PathBuf::from),
                ..TrainConfig::default()
            };
            let own: BTreeMap<Method, PathBuf> =
                own.iter().map(|method| (*method, PathBuf::from(method.name()))).collect();
            Starts::new(&config, &own).methods()
        };
        assert_eq!(trained(&[Iopo], None, &[]), [Sft, Iopo]);
        assert_eq!(trained(&[Sft, Dpo, Iopo], None, &[Dpo, Iopo]), [Dpo, Iopo]);
        assert_eq!(trained(&[Sft, Dpo, Iopo], None, &[Iopo]), [Sft, Dpo, Iopo]);
        assert_eq!(trained(&[Iopo], Some("adapter"), &[]), [Iopo]);
        assert_eq!(trained(&[Sft, Iopo], Some("adapter"), &[]), [Sft, Iopo]);
        assert_eq!(trained(&[Sft], Some("adapter"), &[]), [Sft]);
        assert_eq!(trained(&[Dpo], None, &[Sft]), [Sft, Dpo]);
    }
}
