//! Trainings that continue an adapter, as the second round of a run does.

use std::{fs, path::Path};

use iopo_llm::Silent;
use iopo_model::LoraConfig;
use iopo_schema::{MetricRow, ReferenceRow, read};
use iopo_train::{
    Base, Metadata, Method, TrainConfig, TrainError, TrainInputs, train,
    weights::{self, ADAPTER},
};

use crate::common::{StopAfter, decoder, rows, settings, with_base};

fn of(methods: &[Method]) -> TrainConfig {
    let mut config = settings();
    config.methods = methods.to_vec();
    config.learning_rate = 1e-2;
    config
}

fn value(dir: &Path, step: u64, name: &str) -> f64 {
    let metrics: Vec<MetricRow> = read(&dir.join("metrics.parquet")).expect("metrics");
    metrics.iter().find(|row| row.step == step && row.name == name).expect(name).value
}

/// Trains a first round of continued SFT, DPO and IOPO in `first`, and calls `test`.
fn after_a_round(test: impl FnOnce(&Path, &Path, &Base<'_>)) {
    let folder = tempfile::tempdir().expect("a folder");
    with_base(folder.path(), &rows(12), |preferences, base| {
        let first = folder.path().join("first");
        let config = of(&[Method::SftContinued, Method::Dpo, Method::Iopo]);
        train(&config, preferences, base, &first, &Silent).expect("trained");
        test(folder.path(), preferences, base);
    });
}

#[test]
fn a_second_round_continues_each_method_from_its_own_policy() {
    after_a_round(|folder, preferences, base| {
        let methods = [Method::SftContinued, Method::Dpo, Method::Iopo];
        let first = |method: Method| folder.join("first").join(method.name());
        let inputs = methods.iter().fold(TrainInputs::new(preferences), |inputs, method| {
            inputs.with_start(*method, first(*method))
        });
        let second = folder.join("second");
        let mut config = of(&methods);
        config.methods.push(Method::Sft);
        let summary = train(&config, inputs.clone(), base, &second, &Silent).expect("trained");
        // No new SFT, although the configuration names it.
        assert_eq!(summary.runs.iter().map(|run| run.method).collect::<Vec<_>>(), methods);
        assert!(!second.join("sft").exists());
        for run in &summary.runs {
            let [before, after] = [first(run.method), run.adapter.clone()]
                .map(|dir| fs::read(dir.join(ADAPTER)).expect("an adapter"));
            assert!(before != after, "{} was not trained", run.method);
            assert!(Metadata::read(&run.adapter).expect("metadata").start_hash.is_some());
            if run.method.has_reference() {
                let margin = value(&run.adapter, 1, "rewards/margins");
                assert!(margin.abs() < 1e-4, "{}: {margin}", run.method);
                // The margin against the SFT model, which the first round ended with, is another one.
                assert!(value(&first(run.method), 3, "rewards/margins").abs() > 1e-3);
            }
        }
        // Each method has its own reference, which is its start.
        let reference = |name: &str| -> Vec<ReferenceRow> {
            read(&second.join(format!("reference_logps-{name}.parquet"))).expect("reference")
        };
        let [dpo, iopo] = ["dpo", "iopo"].map(reference);
        assert_ne!(dpo[0].model_hash, iopo[0].model_hash);
        assert_ne!(dpo[0].logps, iopo[0].logps);
        assert!(!second.join("reference_logps.parquet").exists());

        // A second call does nothing; another start in the same directory is refused.
        let again = train(&config, inputs.clone(), base, &second, &Silent).expect("finished");
        assert_eq!(again, summary);
        let other = inputs.with_start(Method::SftContinued, first(Method::Iopo));
        let error = train(&config, other, base, &second, &Silent).expect_err("another start");
        assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
    });
}

#[test]
fn a_round_from_an_adapter_equals_the_trainer_that_continues_its_decoder() {
    after_a_round(|folder, preferences, base| {
        // With the setting, every method starts from the same adapter and shares one reference.
        let mut config = of(&[Method::Dpo, Method::Iopo]);
        config.start = Some(folder.join("first").join("iopo"));
        let both = folder.join("both");
        let summary = train(&config, preferences, base, &both, &Silent).expect("trained");
        assert_eq!(summary.runs.len(), 2);
        assert!(both.join("reference_logps.parquet").is_file());
        // By method, with the same adapter: the same weights.
        let start = folder.join("first").join("iopo");
        let inputs = TrainInputs::new(preferences)
            .with_start(Method::Dpo, &start)
            .with_start(Method::Iopo, &start);
        let own = folder.join("own");
        let config = of(&[Method::Dpo, Method::Iopo]);
        train(&config, inputs, base, &own, &Silent).expect("trained");
        for method in ["dpo", "iopo"] {
            let [a, b] =
                [&both, &own].map(|run| fs::read(run.join(method).join(ADAPTER)).expect("written"));
            assert!(a == b, "{method} differs");
        }
        // The two methods have the same start, so its logps were computed once.
        assert!(own.join("reference_logps-dpo.parquet").is_file());
        assert!(!own.join("reference_logps-iopo.parquet").exists());
    });
}

#[test]
fn a_start_with_another_scale_has_another_reference() {
    after_a_round(|folder, preferences, base| {
        // As PEFT writes it: without the metadata of a training.
        let start = folder.join("foreign");
        fs::create_dir(&start).expect("a folder");
        for file in [ADAPTER, "adapter_config.json"] {
            let from = folder.join("first").join("iopo").join(file);
            fs::copy(from, start.join(file)).expect("copied");
        }
        let out = folder.join("out");
        let mut config = of(&[Method::Dpo]);
        config.start = Some(start.clone());
        let rows = || -> Vec<ReferenceRow> {
            read(&out.join("reference_logps.parquet")).expect("reference")
        };
        let start_hash =
            || Metadata::read(&out.join("dpo")).expect("metadata").start_hash.expect("a start");
        let inputs = || TrainInputs::new(preferences).with_replace(true);
        train(&config, inputs(), base, &out, &Silent).expect("trained");
        let (before, hash) = (rows(), start_hash());
        // Control: the same scale keeps the reference.
        train(&config, inputs(), base, &out, &Silent).expect("finished");
        assert_eq!(
            (rows()[0].model_hash.clone(), start_hash()),
            (before[0].model_hash.clone(), hash.clone())
        );

        let path = start.join("adapter_config.json");
        let text = fs::read_to_string(&path).expect("settings");
        let mut settings: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        config.lora.lora_alpha *= 2.0;
        settings["lora_alpha"] = config.lora.lora_alpha.into();
        fs::write(&path, settings.to_string()).expect("written");
        train(&config, inputs(), base, &out, &Silent).expect("trained");
        assert_ne!(rows()[0].model_hash, before[0].model_hash);
        assert_ne!(
            rows()[0].logps,
            before[0].logps,
            "the policy of the new scale is compared with itself"
        );
        assert_ne!(start_hash(), hash);
        let margin = value(&out.join("dpo"), 1, "rewards/margins");
        assert!(margin.abs() < 1e-4, "{margin}");
    });
}

#[test]
fn sft_continues_an_adapter_that_the_setting_names() {
    after_a_round(|folder, preferences, base| {
        let mut config = of(&[Method::Sft]);
        config.start = Some(folder.join("first").join("sft"));
        let out = folder.join("more");
        train(&config, preferences, base, &out, &Silent).expect("trained");
        let last = value(&folder.join("first").join("sft"), 6, "eval_loss");
        let first = value(&out.join("sft"), 3, "eval_loss");
        assert!(first < last, "the loss went from {last} to {first}");
    });
}

#[test]
fn an_interrupted_round_ends_with_the_same_bytes() {
    after_a_round(|folder, preferences, base| {
        let config = of(&[Method::Iopo]);
        let inputs = TrainInputs::new(preferences)
            .with_start(Method::Iopo, folder.join("first").join("iopo"));
        let whole = folder.join("whole");
        train(&config, inputs.clone(), base, &whole, &Silent).expect("trained");
        let (pieces, mut cancellations) = (folder.join("pieces"), 0);
        loop {
            match train(&config, inputs.clone(), base, &pieces, &StopAfter::new(4)) {
                Ok(_) => break,
                Err(TrainError::Cancelled) => cancellations += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(cancellations >= 1);
        for name in [ADAPTER, "iopo.json", "metrics.parquet"] {
            let [a, b] =
                [&whole, &pieces].map(|run| fs::read(run.join("iopo").join(name)).expect(name));
            assert!(a == b, "{name} differs");
        }
    });
}

#[test]
fn a_start_that_does_not_fit_is_refused_before_training() {
    after_a_round(|folder, preferences, base| {
        let start = folder.join("first").join("iopo");
        let out = folder.join("refused");
        let refused = |config: &TrainConfig, base: &Base<'_>, expected: &str| {
            let error = train(config, preferences, base, &out, &Silent).expect_err(expected);
            assert!(error.to_string().contains(expected), "{error}");
        };
        let mut config = of(&[Method::Iopo]);
        config.start = Some(start.clone());

        let (another, decoder) = ("another-hash", decoder(257, 6));
        let other = Base { weights_hash: another, decoder: &decoder, ..*base };
        refused(&config, &other, "trained on base weights tiny-hash");

        let with_lora = |lora: LoraConfig| {
            let mut config = config.clone();
            config.lora = lora;
            config
        };
        refused(&with_lora(LoraConfig::new(4, 8.0)), base, "`train.lora.r`: found 4, expected 2");
        let alpha = "`train.lora.lora_alpha`: found 8, expected 4";
        refused(&with_lora(LoraConfig::new(2, 8.0)), base, alpha);
        let mut narrow = LoraConfig::new(2, 4.0);
        narrow.target_modules.truncate(2);
        refused(&with_lora(narrow), base, "`train.lora.target_modules`: found ");

        let mut full = config.clone();
        full.use_peft = false;
        refused(&full, base, "because `train.use_peft` is false");
        config.start = Some(folder.to_owned());
        refused(&config, base, "expected the folder of a LoRA adapter");
        assert!(!out.exists());
    });
}

#[test]
fn a_fully_trained_model_continues_without_adapters() {
    let folder = tempfile::tempdir().expect("a folder");
    with_base(folder.path(), &rows(8), |preferences, base| {
        let mut config = of(&[Method::Iopo]);
        config.use_peft = false;
        let first = folder.path().join("first");
        train(&config, preferences, base, &first, &Silent).expect("trained");
        config.start = Some(first.join("iopo"));
        let second = folder.path().join("second");
        train(&config, preferences, base, &second, &Silent).expect("continued");
        let margin = value(&second.join("iopo"), 1, "rewards/margins");
        assert!(margin.abs() < 1e-4, "{margin}");
        let loaded = weights::load(&second.join("iopo"), base.decoder, base.weights_hash);
        assert!(!loaded.expect("a model").has_adapter());
    });
}
