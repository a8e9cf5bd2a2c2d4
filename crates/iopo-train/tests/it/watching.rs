//! Evaluation during training, early stopping and the best weights.

use std::{fs, path::Path};

use iopo_llm::Silent;
use iopo_model::LoraConfig;
use iopo_schema::{MetricRow, TrainingMetric};
use iopo_train::{
    EncodedGroup, Method, Objective, SequenceLayout, TrainConfig, TrainError,
    evaluate::evaluate,
    events::{self, EVENTS},
    train,
    trainer::{TrainOutput, TrainingData},
    weights,
};

use crate::common::{
    decoder, groups, logps, rows, settings, token_settings, trainer, with_adapter, with_base,
};

const VOCAB: usize = 61;

/// Updates of a training by [`trained`].
const UPDATES: usize = 18;

/// Trains on random groups, from which nothing about the dev split can be learned: its loss rises and falls.
fn trained(
    dir: &Path,
    change: impl FnOnce(&mut TrainConfig),
    test: impl FnOnce(&Objective, TrainingData<'_>, &TrainOutput),
) {
    let (groups, mut dev) = (groups(10, VOCAB, 51), groups(4, VOCAB, 52));
    for group in &mut dev {
        group.id.insert_str(0, "dev-");
    }
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let dev: Vec<&EncodedGroup> = dev.iter().collect();
    let all: Vec<&EncodedGroup> = members.iter().chain(&dev).copied().collect();
    let lora = LoraConfig::new(2, 4.0);
    let start = with_adapter(decoder(VOCAB, 50), &lora);
    let reference = logps(&start, &all);
    let mut config = token_settings(Some(&lora));
    config.num_train_epochs = 6;
    (config.learning_rate, config.warmup_ratio) = (3e-2, 1.0 / UPDATES as f64);
    change(&mut config);
    let data = TrainingData { train: &members, dev: &dev, reference: &reference };
    let trainer = trainer(&config, Method::Iopo, data, dir);
    assert_eq!(trainer.plan().updates(), UPDATES);
    let output = trainer.run(&start, &Silent).expect("trained");
    assert_eq!(trainer.run(&start, &Silent).expect("finished"), output);
    test(trainer.objective(), data, &output);
}

fn evaluations(output: &TrainOutput) -> Vec<(u64, f64)> {
    let losses = output.metrics.iter().filter(|row| row.name == "eval_loss");
    losses.map(|row| (row.step, row.value)).collect()
}

#[test]
fn evaluations_follow_eval_steps_and_change_no_weight() {
    let folder = tempfile::tempdir().expect("a folder");
    let (often, rarely) = (folder.path().join("often"), folder.path().join("rarely"));
    trained(
        &often,
        |config| config.eval_steps = 4,
        |_, _, output| {
            assert_eq!((output.updates, output.kept), (UPDATES, UPDATES));
            let steps: Vec<u64> = evaluations(output).iter().map(|(step, _)| *step).collect();
            assert_eq!(steps, [4, 8, 12, 16, 18]);
        },
    );
    trained(&rarely, |_| {}, |_, _, output| assert_eq!(evaluations(output).len(), 6));
    let adapter = |dir: &Path| fs::read(dir.join(weights::ADAPTER)).expect("written");
    assert_eq!(adapter(&often), adapter(&rarely));
}

#[test]
fn the_best_weights_are_kept_and_patience_ends_the_training() {
    let folder = tempfile::tempdir().expect("a folder");
    let keep_best = |config: &mut TrainConfig| {
        (config.eval_steps, config.early_stopping_patience) = (1, 3);
        config.load_best_model_at_end = true;
    };
    trained(folder.path(), keep_best, |objective, data, output| {
        let losses = evaluations(output);
        let least = losses.iter().map(|(_, loss)| *loss).fold(f64::INFINITY, f64::min);
        let best = losses.iter().position(|(_, loss)| *loss <= least).expect("evaluated");
        assert_eq!(output.kept, best + 1);
        if output.updates < UPDATES {
            assert_eq!(output.updates, output.kept + 3);
        }
        assert!(
            output.kept < output.updates,
            "the last evaluation is the best, so nothing is tested"
        );
        // The written weights are those of the best evaluation.
        let written = weights::read_safetensors(&folder.path().join(weights::ADAPTER));
        let base = decoder(VOCAB, 50);
        let kept = base.load_adapter(&written.expect("factors"), 2.0).expect("fits");
        let again = evaluate(
            0,
            &kept,
            objective,
            (data.dev, data.reference),
            SequenceLayout::Tree,
            200,
            &Silent,
        );
        let again = again.expect("evaluated").mean(TrainingMetric::Loss).expect("a loss");
        assert!((again - least).abs() < 1e-9, "{again} is not {least}");
        assert!((output.kept(TrainingMetric::Loss).expect("evaluated") - least).abs() < 1e-15);
    });
}

#[test]
fn the_event_file_holds_the_metrics() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(
        folder.path(),
        |_| {},
        |_, _, output| {
            let file = fs::read(folder.path().join(EVENTS)).expect("written");
            assert_eq!(file, events::to_bytes(&output.metrics));
            let read: Vec<MetricRow> =
                iopo_schema::read(&folder.path().join("metrics.parquet")).expect("metrics");
            assert_eq!(file, events::to_bytes(&read));
        },
    );
}

#[test]
fn a_run_that_keeps_the_best_weights_needs_a_dev_split() {
    let folder = tempfile::tempdir().expect("a folder");
    // The first five rows belong to the train split.
    with_base(folder.path(), &rows(5), |preferences, base| {
        let mut config = settings();
        config.load_best_model_at_end = true;
        let out = folder.path().join("train");
        let error = train(&config, preferences, base, &out, &Silent).expect_err("no dev split");
        assert!(
            matches!(&error, TrainError::Setting(error) if error.key == "train.load_best_model_at_end"),
            "{error}"
        );
    });
}
