//! Weighted groups: whether the weights reach the training, and what a run records about them.

use std::{collections::BTreeMap, fs, path::Path};

use iopo_llm::Silent;
use iopo_schema::{CheckRow, ConstraintRow, MetricRow, PreferenceRow, read};
use iopo_train::{
    GroupWeighting, Metadata, Method, TrainConfig, TrainError, TrainInputs, train, weights::ADAPTER,
};

use crate::common::{StopAfter, rows, settings, with_base};

fn of(methods: &[Method], group_weighting: GroupWeighting) -> TrainConfig {
    let mut config = settings();
    config.methods = methods.to_vec();
    config.learning_rate = 1e-2;
    config.group_weighting = group_weighting;
    config
}

fn adapter(out: &Path, method: Method) -> Vec<u8> {
    fs::read(out.join(method.name()).join(ADAPTER)).expect("an adapter")
}

/// Groups that each change one constraint: `case` or `length`.
fn with_kinds() -> Vec<PreferenceRow> {
    let mut rows = rows(12);
    for (index, row) in rows.iter_mut().enumerate() {
        let id = if index % 2 == 0 { "case" } else { "length" }.to_owned();
        row.added.push(ConstraintRow {
            text: id.clone(),
            constraint_type: "Format".to_owned(),
            dimension: "Case".to_owned(),
            check: Some(CheckRow { id, params: "{}".to_owned() }),
        });
    }
    rows
}

#[test]
fn weights_by_hardness_change_preference_methods_only_and_resume_exactly() {
    let folder = tempfile::tempdir().expect("a folder");
    with_base(folder.path(), &rows(12), |preferences, base| {
        let methods = [Method::SftContinued, Method::Dpo, Method::Iopo];
        let [equal, weighted] = [GroupWeighting::None, GroupWeighting::Hardness].map(|weighting| {
            let out = folder.path().join(weighting.name());
            let config = of(&methods, weighting);
            train(&config, preferences, base, &out, &Silent).expect("trained");
            out
        });
        for method in [Method::Sft, Method::SftContinued] {
            assert!(adapter(&equal, method) == adapter(&weighted, method), "{method} differs");
        }
        for method in [Method::Dpo, Method::Iopo] {
            assert!(adapter(&equal, method) != adapter(&weighted, method), "{method} is equal");
            let recorded = |out: &Path| {
                Metadata::read(&out.join(method.name())).expect("metadata").group_weights
            };
            assert_eq!(recorded(&equal), None);
            let weights = recorded(&weighted).expect("weights");
            assert_eq!(weights.weighting, GroupWeighting::Hardness);
        }

        let config = of(&[Method::Iopo], GroupWeighting::Hardness);
        let (pieces, mut cancellations) = (folder.path().join("pieces"), 0);
        loop {
            match train(&config, preferences, base, &pieces, &StopAfter::new(5)) {
                Ok(_) => break,
                Err(TrainError::Cancelled) => cancellations += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert!(cancellations >= 1);
        assert!(adapter(&weighted, Method::Iopo) == adapter(&pieces, Method::Iopo));
    });
}

#[test]
fn weights_by_rarity_follow_the_rates() {
    let folder = tempfile::tempdir().expect("a folder");
    with_base(folder.path(), &with_kinds(), |preferences, base| {
        let config = of(&[Method::Iopo], GroupWeighting::Rarity);
        let error = train(&config, preferences, base, &folder.path().join("none"), &Silent);
        let error = error.expect_err("no rates").to_string();
        assert!(error.starts_with("`train.group_weighting`: found rarity without"), "{error}");

        let with_rates = |config: &TrainConfig, name: &str, case: f64, length: f64| {
            let rates = [("case", case), ("length", length)];
            let rates: BTreeMap<String, f64> =
                rates.into_iter().map(|(kind, rate)| (kind.to_owned(), rate)).collect();
            let inputs = TrainInputs::new(preferences).with_satisfaction_rates(rates);
            let out = folder.path().join(name);
            train(config, inputs, base, &out, &Silent).map(|_| out)
        };
        let plain = of(&[Method::Iopo], GroupWeighting::None);
        let plain = with_rates(&plain, "plain", 0.9, 0.2).expect("trained");
        let even = with_rates(&config, "even", 0.5, 0.5).expect("trained");
        let uneven = with_rates(&config, "uneven", 0.9, 0.2).expect("trained");
        // Equal rates give equal weights.
        assert!(adapter(&plain, Method::Iopo) == adapter(&even, Method::Iopo));
        assert!(adapter(&plain, Method::Iopo) != adapter(&uneven, Method::Iopo));

        // Other rates in the same directory are another run.
        let other = with_rates(&config, "uneven", 0.8, 0.2).expect_err("other rates");
        assert!(matches!(other, TrainError::OtherRun { .. }), "{other}");
        let error = with_rates(&config, "bad", 1.5, 0.2).expect_err("no share").to_string();
        assert!(error.contains("the rate 1.5 of case"), "{error}");
    });
}

#[test]
fn the_ablations_continue_an_adapter_with_weighted_groups() {
    let folder = tempfile::tempdir().expect("a folder");
    with_base(folder.path(), &rows(12), |preferences, base| {
        let first = folder.path().join("first");
        let config = of(&[Method::Iopo], GroupWeighting::None);
        train(&config, preferences, base, &first, &Silent).expect("trained");
        let ablations = [Method::Iopo, Method::IopoNoOutput, Method::IopoThree];
        let mut config = of(&ablations, GroupWeighting::Hardness);
        config.start = Some(first.join("iopo"));
        let out = folder.path().join("second");
        let summary = train(&config, preferences, base, &out, &Silent).expect("trained");
        assert_eq!(summary.runs.len(), 3);
        for run in summary.runs {
            let metrics: Vec<MetricRow> =
                read(&run.adapter.join("metrics.parquet")).expect("metrics");
            let first = |name: &str| {
                metrics.iter().find(|row| row.step == 1 && row.name == name).expect(name).value
            };
            assert!(first("rewards/input_margins_v1").abs() < 1e-4, "{}", run.method);
            assert!(first("loss").is_finite());
        }
    });
}
