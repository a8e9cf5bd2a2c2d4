//! Input preferences that are mixed into the training of methods with a reference.

use std::{fs, path::Path};

use iopo_llm::Silent;
use iopo_schema::{
    InputPreferenceRow, Method as Judged, MetricRow, PreferenceRow, Provenance, Split, VerdictRow,
    read, write,
};
use iopo_train::{Metadata, Method, TrainConfig, TrainError, TrainInputs, train, weights::ADAPTER};

use crate::common::{StopAfter, rows, settings, with_base};

fn of(methods: &[Method], weight: f64) -> TrainConfig {
    let mut config = settings();
    config.methods = methods.to_vec();
    config.learning_rate = 1e-2;
    config.input_preference_weight = weight;
    config
}

fn adapter(out: &Path, method: Method) -> Vec<u8> {
    fs::read(out.join(method.name()).join(ADAPTER)).expect("an adapter")
}

/// An input preference of the instructions and the first response of a group.
fn input_preference(row: &PreferenceRow, seed_id: &str, split: Split) -> InputPreferenceRow {
    let verdict = VerdictRow::new(true, Judged::Judge, "said so");
    InputPreferenceRow {
        id: format!("input {}", row.id),
        seed_id: seed_id.to_owned(),
        split,
        task: row.task.clone(),
        input: None,
        x_better: row.x1.clone(),
        x_worse: row.x2.clone().expect("a second instruction"),
        y: row.y1.clone(),
        better_constraints: Vec::new(),
        worse_constraints: Vec::new(),
        verdict_better_first: verdict.clone(),
        verdict_worse_first: verdict,
        logp_margin: None,
        generator: "test".to_owned(),
    }
}

#[test]
fn input_preferences_reach_methods_with_a_reference_and_resume_exactly() {
    let folder = tempfile::tempdir().expect("a folder");
    let groups = rows(12);
    with_base(folder.path(), &groups, |preferences, base| {
        let file = folder.path().join("input_preferences.parquet");
        let made = Provenance::new("test", serde_json::json!({}));
        let mut inputs: Vec<InputPreferenceRow> = groups[..4]
            .iter()
            .map(|row| input_preference(row, &format!("own {}", row.id), Split::Train))
            .collect();
        inputs.push(input_preference(&groups[5], "test task", Split::Test));
        write(&file, &inputs, &made).expect("written");
        let given = || TrainInputs::new(preferences).with_input_preferences(&file);

        let methods = [Method::Dpo, Method::Simpo, Method::Iopo];
        let trained = |name: &str, weight: f64| {
            let out = folder.path().join(name);
            let made = train(&of(&methods, weight), given(), base, &out, &Silent).expect("trained");
            (out, made)
        };
        let ((without, before), (with, after)) = (trained("without", 0.0), trained("with", 0.5));
        for method in [Method::Sft, Method::Simpo] {
            assert!(adapter(&without, method) == adapter(&with, method), "{method} differs");
        }
        for method in [Method::Dpo, Method::Iopo] {
            assert!(adapter(&without, method) != adapter(&with, method), "{method} is equal");
            let updates = |made: &iopo_train::TrainSummary| {
                made.runs.iter().find(|run| run.method == method).expect("a run").updates
            };
            assert!(updates(&after) > updates(&before), "the rows count as members of updates");
            let metadata = Metadata::read(&with.join(method.name())).expect("metadata");
            assert!(metadata.group_weights.is_some(), "the weights identify the rows");
            let metrics: Vec<MetricRow> =
                read(&with.join(method.name()).join("metrics.parquet")).expect("metrics");
            assert!(metrics.iter().all(|row| row.value.is_finite()), "{metrics:?}");
        }
        assert_eq!(before.groups, after.groups);

        let (pieces, mut cancellations) = (folder.path().join("pieces"), 0);
        loop {
            let config = of(&[Method::Iopo], 0.5);
            match train(&config, given(), base, &pieces, &StopAfter::new(5)) {
                Ok(_) => break,
                Err(TrainError::Cancelled) => cancellations += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(cancellations >= 1);
        assert!(adapter(&with, Method::Iopo) == adapter(&pieces, Method::Iopo));
    });
}

#[test]
fn a_missing_file_or_a_held_out_task_is_an_error_before_training() {
    let folder = tempfile::tempdir().expect("a folder");
    let groups = rows(12);
    with_base(folder.path(), &groups, |preferences, base| {
        let out = folder.path().join("out");
        let config = of(&[Method::Iopo], 0.5);
        let refused = |inputs: TrainInputs<'_>| {
            train(&config, inputs, base, &out, &Silent).expect_err("refused").to_string()
        };
        let error = refused(TrainInputs::new(preferences));
        assert!(
            error.starts_with("`train.input_preference_weight`: found 0.5 with no file"),
            "{error}"
        );
        let file = folder.path().join("absent.parquet");
        let error = refused(TrainInputs::new(preferences).with_input_preferences(&file));
        assert!(error.contains("absent.parquet`, which does not exist"), "{error}");
        let made = Provenance::new("test", serde_json::json!({}));
        let file = folder.path().join("input_preferences.parquet");
        write(&file, &[input_preference(&groups[0], "t", Split::Dev)], &made).expect("written");
        let error = refused(TrainInputs::new(preferences).with_input_preferences(&file));
        assert!(error.contains("no row of the train split"), "{error}");
        let held_out = groups.iter().find(|row| row.split != Split::Train);
        if let Some(row) = held_out {
            let rows = [input_preference(row, &row.task_id, Split::Train)];
            write(&file, &rows, &made).expect("written");
            let error = refused(TrainInputs::new(preferences).with_input_preferences(&file));
            assert!(error.contains(&row.task_id), "{error}");
        }
        assert!(!out.exists());
    });
}
