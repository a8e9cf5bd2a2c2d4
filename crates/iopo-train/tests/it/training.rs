//! Gradient accumulation, resuming and whole runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use iopo_llm::Silent;
use iopo_model::{Decoder, LoraConfig};
use iopo_schema::{MetricRow, ReferenceRow, TrainingMetric, read};
use iopo_train::{
    EncodedGroup, Method, TrainError, TrainInputs,
    events::EVENTS,
    state::TrainerState,
    train,
    trainer::{Trainer, TrainingData},
    weights::{self, ADAPTER},
};

use crate::common::{
    StopAfter, adamw, decoder, groups, logps, rows, set_loss, settings, token_settings, trainer,
    with_adapter, with_base,
};

const VOCAB: usize = 61;

fn lora() -> LoraConfig {
    LoraConfig::new(2, 4.0)
}

#[test]
fn four_micro_batches_of_one_group_equal_one_of_four() {
    let groups = groups(4, VOCAB, 21);
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let folder = tempfile::tempdir().expect("a folder");
    for &method in Method::ALL {
        let start = decoder(VOCAB, 20);
        let reference = logps(&decoder(VOCAB, 22), &members);
        let update = |budget: usize| {
            let mut config = token_settings(None);
            set_loss(&mut config, method, (0.1, 1.0));
            (config.tokens_per_micro_batch, config.warmup_ratio) = (Some(budget), 0.0);
            let data = TrainingData { train: &members, dev: &[], reference: &reference };
            let trainer = trainer(&config, method, data, folder.path());
            let state = TrainerState::new(start.clone(), adamw(0.0));
            let (state, means) = trainer.update(state, &members).expect("an update");
            let numbers: Vec<f64> =
                [TrainingMetric::Loss, TrainingMetric::GradNorm, TrainingMetric::LogpsChosenV1]
                    .into_iter()
                    .filter_map(|metric| means.mean(metric))
                    .collect();
            (state.decoder.full_parameters().expect("weights"), numbers)
        };
        let (one, four) = (update(1), update(1 << 20));
        for (a, b) in one.1.iter().zip(&four.1) {
            assert!((a - b).abs() < 1e-5 * b.abs().max(1.0), "{method}: {a} is not {b}");
        }
        for (name, (_, values)) in &four.0 {
            for (a, b) in one.0[name].1.iter().zip(values) {
                // A step of Adam has about the size of the learning rate even for tiny gradients, whose rounding
                // can change it. So the bound is a part of the learning rate.
                assert!((a - b).abs() < 2e-3, "{method}, {name}: {a} is not {b}");
            }
        }
    }
}

/// Calls `test` with a trainer that starts at its reference, and the start.
fn with_trainer<T>(
    dir: &Path,
    adapter: Option<&LoraConfig>,
    test: impl FnOnce(&Trainer<'_>, &Decoder) -> T,
) -> T {
    let groups = groups(10, VOCAB, 31);
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let plain = decoder(VOCAB, 30);
    let start = match adapter {
        Some(lora) => with_adapter(plain, lora),
        None => plain,
    };
    let reference = logps(&start, &members);
    let data = TrainingData { train: &members, dev: &members[..3], reference: &reference };
    let trainer = trainer(&token_settings(adapter), Method::Iopo, data, dir);
    test(&trainer.starts_at_reference(true), &start)
}

/// Trains, cancelling after every `checks` checks of the flag and resuming until it is done. Returns the cancellations.
fn in_pieces(dir: &Path, adapter: Option<&LoraConfig>, checks: usize) -> usize {
    with_trainer(dir, adapter, |trainer, start| {
        let mut cancellations = 0;
        loop {
            match trainer.run(start, &StopAfter::new(checks)) {
                Ok(output) => {
                    assert_eq!(output.updates, 6);
                    return cancellations;
                }
                Err(TrainError::Cancelled) => cancellations += 1,
                Err(error) => panic!("{error}"),
            }
        }
    })
}

fn bytes(dir: &Path, name: &str) -> Vec<u8> {
    fs::read(dir.join(name)).expect("written")
}

#[test]
fn a_resumed_run_equals_an_uninterrupted_one_bit_for_bit() {
    for adapter in [Some(lora()), None] {
        let folder = tempfile::tempdir().expect("a folder");
        let (whole, pieces) = (folder.path().join("whole"), folder.path().join("pieces"));
        assert_eq!(in_pieces(&whole, adapter.as_ref(), 1000), 0);
        assert!(in_pieces(&pieces, adapter.as_ref(), 4) >= 1);
        let name = if adapter.is_some() { weights::ADAPTER } else { weights::WEIGHTS };
        assert_eq!(bytes(&whole, name), bytes(&pieces, name));
        assert_eq!(bytes(&whole, "metrics.parquet"), bytes(&pieces, "metrics.parquet"));
        assert!(!pieces.join("checkpoint").exists());
    }
}

#[test]
fn a_kill_inside_a_checkpoint_falls_back_to_the_previous_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    in_pieces(&whole, Some(&lora()), 1000);
    with_trainer(&killed, Some(&lora()), |trainer, start| {
        let stopped = trainer.run(start, &StopAfter::new(6));
        assert!(matches!(stopped, Err(TrainError::Cancelled)));
        // A kill leaves an unfinished directory, and can truncate the newest checkpoint.
        let checkpoints = killed.join("checkpoint");
        let unfinished = checkpoints.join(".step-00000009.tmp");
        fs::create_dir(&unfinished).expect("made");
        let mut found: Vec<PathBuf> = fs::read_dir(&checkpoints)
            .expect("listed")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| *path != unfinished)
            .collect();
        found.sort();
        assert_eq!(found.len(), 2);
        fs::write(found[1].join("optimizer.bin"), b"cut").expect("damaged");
        trainer.run(start, &Silent).expect("resumes");
    });
    assert_eq!(bytes(&whole, weights::ADAPTER), bytes(&killed, weights::ADAPTER));
}

#[test]
fn moments_are_restored_and_those_of_other_parameters_are_refused() {
    let groups = groups(4, VOCAB, 41);
    let members: Vec<&EncodedGroup> = groups.iter().collect();
    let start = with_adapter(decoder(VOCAB, 40), &lora());
    let reference = logps(&start, &members);
    let folder = tempfile::tempdir().expect("a folder");
    let adapter = lora();
    let mut config = token_settings(Some(&adapter));
    (config.num_train_epochs, config.warmup_ratio) = (100, 0.0);
    let data = TrainingData { train: &members, dev: &[], reference: &reference };
    let trainer = trainer(&config, Method::Iopo, data, folder.path());
    let mut state = TrainerState::new(start.clone(), adamw(0.0));
    for _ in 0..2 {
        state = trainer.update(state, &members).expect("an update").0;
    }
    let saved = state.checkpoint().expect("a checkpoint");
    let resumed =
        TrainerState::resume(&start, adamw(0.0), Some(&adapter), saved.clone()).expect("fits");
    // The next steps agree bit for bit; with fresh moments the step would differ.
    let next = |state: TrainerState| {
        let state = trainer.update(state, &members).expect("an update").0;
        weights::trained_tensors(&state.decoder).expect("factors")
    };
    let fresh = TrainerState { step: 2, ..TrainerState::new(resumed.decoder.clone(), adamw(0.0)) };
    let (expected, forgotten) = (next(state), next(fresh));
    assert!(next(resumed) == expected, "the restored moments differ from the saved ones");
    assert!(forgotten != expected, "fresh moments give the same step, so nothing is tested");
    // Moments of adapters do not fit full fine-tuning.
    let whole = adamw(0.0).restore(saved.optimizer, &decoder(VOCAB, 40));
    assert!(whole.expect_err("other parameters").to_string().contains("moments"));
}

#[test]
fn a_run_trains_every_method_once_and_a_second_run_does_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = rows(18);
    with_base(folder.path(), &rows, |preferences, base| {
        let out = folder.path().join("train");
        let summary = train(&settings(), preferences, base, &out, &Silent).expect("trained");
        let methods: Vec<Method> = summary.runs.iter().map(|run| run.method).collect();
        assert_eq!(methods, Method::ALL);
        assert_eq!((summary.groups, summary.dev_groups), (15, 3));
        let updates = |method: Method| {
            summary.runs.iter().find(|run| run.method == method).expect("trained").updates
        };
        assert_eq!(updates(Method::Sft), 8);
        for method in &Method::ALL[1..] {
            assert_eq!(updates(*method), 4, "{method}");
        }
        let iopo = summary.runs.iter().find(|run| run.method == Method::Iopo).expect("iopo");
        assert!(iopo.token_ratio() < 0.8, "{}", iopo.token_ratio());

        // Margins are 0 before the first update, and the reference logps of every group are cached.
        let metrics: Vec<MetricRow> = read(&iopo.adapter.join("metrics.parquet")).expect("metrics");
        let first = |name: &str| {
            metrics.iter().find(|row| row.step == 1 && row.name == name).expect(name).value
        };
        assert!(first("rewards/margins").abs() < 1e-4);
        let expected = std::f64::consts::LN_2 + 2.0 * first("nll/chosen");
        assert!((first("loss") - expected).abs() < 0.3, "{} {expected}", first("loss"));
        let cached: Vec<ReferenceRow> =
            read(&out.join("reference_logps.parquet")).expect("reference");
        assert_eq!(cached.len(), 18);

        // The adapter loads onto its base and onto no other.
        let trained = weights::load(&iopo.adapter, base.decoder, base.weights_hash).expect("fits");
        assert!(trained.has_adapter());
        assert!(weights::load(&iopo.adapter, base.decoder, "another").is_err());

        // A second run does nothing; other settings in the same directory are refused.
        let before = bytes(&iopo.adapter, weights::ADAPTER);
        let again = train(&settings(), preferences, base, &out, &Silent).expect("finished");
        assert_eq!(again, summary);
        assert_eq!(bytes(&iopo.adapter, weights::ADAPTER), before);
        let mut other = settings();
        other.beta = 0.2;
        let error = train(&other, preferences, base, &out, &Silent).expect_err("other settings");
        assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
    });
}

#[test]
fn results_of_other_settings_and_damaged_ones_are_replaced_on_request() {
    let folder = tempfile::tempdir().expect("a folder");
    with_base(folder.path(), &rows(8), |preferences, base| {
        let [out, new] = ["train", "new"].map(|name| folder.path().join(name));
        train(&settings(), preferences, base, &out, &Silent).expect("trained");
        let mut other = settings();
        other.sft.learning_rate /= 2.0;
        let error = train(&other, preferences, base, &out, &Silent).expect_err("other settings");
        assert!(matches!(error, TrainError::OtherRun { .. }), "{error}");
        let replacing = || TrainInputs::new(preferences).with_replace(true);
        let made = train(&other, replacing(), base, &out, &Silent).expect("replaced");
        train(&other, preferences, base, &new, &Silent).expect("trained");
        let same = |name: &str| {
            let [a, b] = [&out, &new].map(|dir| fs::read(dir.join(name)).expect("a file"));
            assert!(a == b, "{name} differs from that of a new run");
        };
        let names: Vec<String> = made
            .runs
            .iter()
            .map(|run| format!("{}/{ADAPTER}", run.method))
            .chain(["reference_logps.parquet".to_owned()])
            .collect();
        for name in &names {
            same(name);
        }

        // The event file follows from the metrics; a damaged result is trained again.
        let first = out.join(made.runs[0].method.name());
        fs::remove_file(first.join(EVENTS)).expect("removed");
        fs::write(first.join("finished.json"), "{}").expect("damaged");
        assert!(train(&other, preferences, base, &out, &Silent).is_err());
        train(&other, replacing(), base, &out, &Silent).expect("trained again");
        for name in &names {
            same(name);
        }
        assert!(first.join(EVENTS).is_file());
    });
}

#[test]
fn a_reference_of_another_model_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    with_base(folder.path(), &rows(8), |preferences, base| {
        let out = folder.path().join("train");
        let mut only_sft = settings();
        only_sft.methods = vec![Method::Sft];
        train(&only_sft, preferences, base, &out, &Silent).expect("trained");
        // A check of the group ids alone would accept the logps of the base model.
        let row = ReferenceRow {
            group_id: "g".into(),
            model_hash: "base".into(),
            template_hash: "t".into(),
            logps: iopo_schema::PerSequence::from_fn(|_| -1.0),
            tokens: iopo_schema::PerSequence::from_fn(|_| 1),
        };
        let provenance = iopo_schema::Provenance::new("test", serde_json::json!({}));
        iopo_schema::write(&out.join("reference_logps.parquet"), &[row], &provenance)
            .expect("written");
        let error =
            train(&settings(), preferences, base, &out, &Silent).expect_err("another model");
        assert!(matches!(error, TrainError::ReferenceMismatch { .. }), "{error}");
    });
}

#[test]
fn parts_that_a_kill_left_beside_a_complete_reference_are_removed() {
    let folder = tempfile::tempdir().expect("a folder");
    with_base(folder.path(), &rows(8), |preferences, base| {
        let out = folder.path().join("train");
        train(&settings(), preferences, base, &out, &Silent).expect("trained");
        let parts = out.join("reference_logps.parquet.parts");
        fs::create_dir(&parts).expect("made");
        fs::write(parts.join("part-00000.parquet"), "left").expect("written");
        train(&settings(), preferences, base, &out, &Silent).expect("finished already");
        assert!(!parts.exists() && out.join("reference_logps.parquet").is_file());
    });
}

#[test]
fn groups_that_do_not_fit_are_dropped_and_counted() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rows = rows(8);
    rows[0].y1 = "a".repeat(600);
    rows[1].x1.push_str("<eos>");
    rows[2].y2 = String::new();
    with_base(folder.path(), &rows, |preferences, base| {
        let mut config = settings();
        config.methods = vec![Method::Sft];
        config.max_length = 300;
        let out = folder.path().join("train");
        let summary = train(&config, preferences, base, &out, &Silent).expect("trained");
        let dropped = summary.dropped.iter().map(|(reason, count)| (reason.name(), *count));
        let dropped: Vec<(&str, u64)> = dropped.collect();
        assert_eq!(dropped, [("empty_response", 1), ("special_token", 1), ("too_long", 1)]);
        config.max_length = 10;
        let out = folder.path().join("none");
        let error = train(&config, preferences, base, &out, &Silent).expect_err("nothing left");
        assert!(error.to_string().contains("too_long: "), "{error}");
    });
}

#[test]
fn a_grid_chooses_on_the_dev_split() {
    let folder = tempfile::tempdir().expect("a folder");
    with_base(folder.path(), &rows(12), |preferences, base| {
        let mut config = settings();
        config.methods = vec![Method::Iopo];
        config.grid.learning_rate = vec![1e-7, 1e-2];
        config.grid.max_train_groups = 6;
        let out = folder.path().join("train");
        let summary = train(&config, preferences, base, &out, &Silent).expect("trained");
        let chosen = summary.runs.last().expect("iopo").settings;
        let rows: Vec<MetricRow> = read(&out.join("grid.parquet")).expect("grid");
        let value = |name: &str, step: u64| {
            rows.iter().find(|row| row.name == name && row.step == step).expect(name).value
        };
        let step = u64::from(chosen.learning_rate > 1e-3);
        assert!(value("grid/iopo/chosen", step) > 0.5);
        assert!(value("grid/iopo/chosen", 1 - step) < 0.5);
        assert!(value("grid/iopo/dev_accuracy", step) >= value("grid/iopo/dev_accuracy", 1 - step));
    });
}
