//! Evaluation during training, early stopping, the best weights.

use iopo_schema::TrainingMetric;
use iopo_train::encode::all_sequences;
use iopo_train::reference::ReferenceLogps;
use std::{fs, path::Path};

use iopo_llm::Silent;
use iopo_model::LoraConfig;
use iopo_schema::MetricRow;
use iopo_train::{
    EncodedGroup, SequenceLayout, TrainError,
    eval_strategy::EvalStrategy,
    evaluate::{evaluate, group_logps},
    events::{self, EVENTS},
    train,
    trainer::{TrainOutput, Trainer},
    weights,
};

use crate::common::{decoder, groups, rows, settings, trainer, with_adapter, with_base};

const VOCAB: usize = 61;

/// Trains on some groups towards chance: the dev split's loss goes up and down.
fn trained(dir: &Path, eval_strategy: EvalStrategy, test: impl FnOnce(&Trainer<'_>, &TrainOutput)) {
    let (groups, mut dev) = (groups(10, VOCAB, 51), groups(4, VOCAB, 52));
    for group in &mut dev {
        group.id.insert_str(0, "dev-");
    }
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let dev: Vec<&EncodedGroup> = dev.iter().collect();
    let all: Vec<&EncodedGroup> = members.iter().chain(&dev).copied().collect();
    let lora = LoraConfig::new(2, 4.0);
    let start = with_adapter(decoder(VOCAB, 50), &lora);
    let sums = group_logps(&start, &all, SequenceLayout::Tree, 500, all_sequences, &Silent);
    let ids = all.iter().map(|group| group.id.clone());
    let sums: ReferenceLogps = ids.zip(sums.expect("sums")).collect();
    let mut trainer = trainer(&members, &sums, Some(&lora), dir);
    trainer.plan.epochs = 6;
    trainer.schedule.total = trainer.plan.updates();
    trainer.schedule.peak = 3e-2;
    trainer.data.dev = &dev;
    trainer.eval_strategy = eval_strategy;
    let output = trainer.run(&start, &Silent).expect("trained");
    assert_eq!(trainer.run(&start, &Silent).expect("finished"), output);
    test(&trainer, &output);
}

fn evaluations(output: &TrainOutput) -> Vec<(u64, f64)> {
    let losses = output.metrics.iter().filter(|row| row.name == "eval_loss");
    losses.map(|row| (row.step, row.value)).collect()
}

#[test]
fn evaluations_come_as_often_as_asked_and_change_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (often, rarely) = (folder.path().join("often"), folder.path().join("rarely"));
    trained(
        &often,
        EvalStrategy { eval_steps: 4, ..EvalStrategy::default() },
        |trainer, output| {
            assert_eq!((output.updates, output.kept), (18, 18));
            let steps: Vec<u64> = evaluations(output).iter().map(|(step, _)| *step).collect();
            assert_eq!(steps, [4, 8, 12, 16, 18]);
            assert_eq!(trainer.plan.updates(), 18);
        },
    );
    trained(&rarely, EvalStrategy::default(), |_, output| assert_eq!(evaluations(output).len(), 6));
    let adapter = |dir: &Path| fs::read(dir.join(weights::ADAPTER)).expect("written");
    assert_eq!(adapter(&often), adapter(&rarely));
}

#[test]
fn the_best_weights_are_kept_and_patience_ends_the_training() {
    let folder = tempfile::tempdir().expect("a folder");
    let watch = EvalStrategy {
        eval_steps: 1,
        early_stopping_patience: 3,
        load_best_model_at_end: true,
        ..EvalStrategy::default()
    };
    trained(folder.path(), watch, |trainer, output| {
        let losses = evaluations(output);
        let least = losses.iter().map(|(_, loss)| *loss).fold(f64::INFINITY, f64::min);
        let best = losses.iter().position(|(_, loss)| *loss <= least).expect("evaluated");
        assert_eq!(output.kept, best + 1);
        if output.updates < trainer.plan.updates() {
            assert_eq!(output.updates, output.kept + 3);
        }
        assert!(output.kept < output.updates, "the last is the best: the test shows nothing");
        // The written weights are those that were evaluated then.
        let written = weights::read_safetensors(&folder.path().join(weights::ADAPTER));
        let base = decoder(VOCAB, 50);
        let kept = base.load_adapter(&written.expect("factors"), 2.0).expect("fits");
        let again = evaluate(
            &kept,
            &trainer.objective,
            trainer.data.dev,
            trainer.data.reference,
            trainer.sequence_layout,
            200,
            &Silent,
        );
        let again = again.expect("evaluated").mean(TrainingMetric::Loss).expect("a loss");
        assert!((again - least).abs() < 1e-9, "{again} is not {least}");
        assert!((output.kept(TrainingMetric::Loss).expect("evaluated") - least).abs() < 1e-15);
    });
}

#[test]
fn the_events_are_the_metrics() {
    let folder = tempfile::tempdir().expect("a folder");
    trained(folder.path(), EvalStrategy::default(), |_, output| {
        let file = fs::read(folder.path().join(EVENTS)).expect("written");
        assert_eq!(file, events::to_bytes(&output.metrics));
        let read: Vec<MetricRow> =
            iopo_schema::read(&folder.path().join("metrics.parquet")).expect("metrics");
        assert_eq!(file, events::to_bytes(&read));
    });
}

#[test]
fn a_run_that_must_choose_needs_something_to_choose_by() {
    let folder = tempfile::tempdir().expect("a folder");
    // The first five rows are all of the train split.
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
