//! The bootstrap against theory.

use iopo_eval::{Bootstrap, Estimate, EvalError, Observation, Statistic};
use proptest::prelude::*;

fn rows(values: impl IntoIterator<Item = (usize, f64)>) -> Vec<Observation> {
    values
        .into_iter()
        .enumerate()
        .map(|(row, (cluster, value))| {
            Observation::mean(format!("row-{row:04}"), format!("task-{cluster:04}"), value)
        })
        .collect()
}

fn estimate(rows: &[Observation]) -> Estimate {
    Bootstrap::default().estimate(rows, Statistic::Ratio).expect("usable rows")
}

fn width(estimate: Estimate) -> f64 {
    estimate.high - estimate.low
}

#[test]
fn equal_rows_have_an_interval_of_no_width() {
    let found = estimate(&rows((0..60).map(|row| (row / 3, 0.75))));
    assert_eq!((found.value, found.low, found.high, found.n), (0.75, 0.75, 0.75, 60));
}

#[test]
fn single_row_clusters_give_the_normal_interval_of_a_proportion() {
    let n = 400_usize;
    let found = estimate(&rows((0..n).map(|row| (row, f64::from(u8::from(row % 10 < 3))))));
    let analytic = 2.0 * 1.959_964 * (0.3_f64 * 0.7 / n as f64).sqrt();
    assert!((found.value - 0.3).abs() < 1e-12);
    assert!((width(found) / analytic - 1.0).abs() < 0.1, "{} against {analytic}", width(found));
    assert!((f64::midpoint(found.low, found.high) - 0.3).abs() < 0.01);
}

#[test]
fn the_width_follows_the_confidence() {
    let data = rows((0..400).map(|row| (row, f64::from(u8::from(row % 2 == 0)))));
    let at = |confidence| {
        let bootstrap = Bootstrap::default().with_confidence(confidence);
        width(bootstrap.estimate(&data, Statistic::Ratio).expect("usable"))
    };
    // Ratio of the normal quantiles: 1.645 to 1.960.
    assert!((at(0.90) / at(0.95) - 1.644_854 / 1.959_964).abs() < 0.08);
}

#[test]
fn correlated_rows_of_a_task_widen_the_interval_and_a_row_bootstrap_misses_it() {
    // Fifty tasks of eight equal rows: fifty independent values, not four hundred.
    let value = |task: usize| f64::from(u8::from(task.is_multiple_of(2)));
    let clustered = estimate(&rows((0..400).map(|row| (row / 8, value(row / 8)))));
    let naive = estimate(&rows((0..400).map(|row| (row, value(row / 8)))));
    let analytic = 2.0 * 1.959_964 * (0.25_f64 / 50.0).sqrt();
    assert!((width(clustered) / analytic - 1.0).abs() < 0.12, "{clustered:?}");
    // Negative control: the row bootstrap is too narrow by about √8.
    let ratio = width(clustered) / width(naive);
    assert!((2.4..3.3).contains(&ratio), "{ratio}");
}

#[test]
fn rows_within_a_task_are_resampled_too() {
    // All tasks have the same mean, so only the second stage adds variance.
    let found = estimate(&rows((0..200).map(|row| (row / 10, f64::from(u8::from(row % 2 == 0))))));
    assert!(width(found) > 0.05, "{found:?}");
}

#[test]
fn the_difference_of_a_model_to_itself_is_exactly_zero() {
    let data = rows((0..90).map(|row| (row / 3, (row as f64).sin())));
    let found = Bootstrap::default()
        .difference(("iopo", &data), ("iopo again", &data), Statistic::Ratio)
        .expect("same keys");
    assert_eq!((found.value, found.low, found.high, found.n), (0.0, 0.0, 0.0, 90));
}

#[test]
fn pairing_removes_what_two_models_share() {
    // The right model fails every 20th row and equals the left one otherwise: prompts vary a lot, differences little.
    let left = rows((0..400).map(|row| (row, f64::from(u8::from(row % 2 == 0)))));
    let right = rows((0..400).map(|row| (row, f64::from(u8::from(row % 2 == 0 && row % 20 != 0)))));
    let found = Bootstrap::default()
        .difference(("left", &left), ("right", &right), Statistic::Ratio)
        .expect("same keys");
    assert!((found.value - 0.05).abs() < 1e-12);
    let analytic = 2.0 * 1.959_964 * (0.05_f64 * 0.95 / 400.0).sqrt();
    assert!((width(found) / analytic - 1.0).abs() < 0.15, "{found:?}");
    let unpaired = width(estimate(&left)).hypot(width(estimate(&right)));
    assert!(width(found) < unpaired / 2.0);
}

#[test]
fn tables_with_different_rows_are_refused() {
    let left = rows((0..10).map(|row| (row, 1.0)));
    let compare = |right: &[Observation]| {
        Bootstrap::default().difference(("left", &left), ("right", right), Statistic::Ratio)
    };
    assert!(matches!(compare(&left[1..]), Err(EvalError::KeysDiffer { .. })));
    let mut more = left.clone();
    more.push(Observation::mean("another", "seed", 1.0));
    let error = compare(&more).expect_err("one more row").to_string();
    assert!(error.contains("`another` is only in right"), "{error}");
    let mut moved = left.clone();
    moved[3].cluster = "another task".to_owned();
    assert!(matches!(compare(&moved), Err(EvalError::Observation { .. })));
}

#[test]
fn duplicate_keys_and_numbers_that_are_not_finite_are_refused() {
    let bootstrap = Bootstrap::default();
    let mut twice = rows((0..4).map(|row| (row, 1.0)));
    twice[1].key = twice[0].key.clone();
    let result = bootstrap.estimate(&twice, Statistic::Ratio);
    assert!(matches!(result, Err(EvalError::DuplicateKey { .. })));
    for value in [f64::NAN, f64::INFINITY] {
        let result = bootstrap.estimate(&rows([(0, value)]), Statistic::Ratio);
        assert!(matches!(result, Err(EvalError::Observation { .. })));
    }
}

#[test]
fn a_single_task_has_no_interval_and_no_rows_have_no_value() {
    let one = estimate(&rows((0..10).map(|row| (0, row as f64))));
    assert!((one.value - 4.5).abs() < 1e-12 && one.low.is_nan() && one.high.is_nan());
    let none = estimate(&[]);
    assert!(none.value.is_nan() && none.n == 0);
}

#[test]
fn perplexity_is_the_exponential_of_the_pooled_rate() {
    let data: Vec<Observation> = (0..50)
        .map(|row| {
            Observation::ratio(format!("{row}"), "", f64::from(row + 1) * 2.0, f64::from(row + 1))
        })
        .collect();
    let found = Bootstrap::default().estimate(&data, Statistic::ExpRatio).expect("usable");
    assert!((found.value - 2.0_f64.exp()).abs() < 1e-9);
    assert!(width(found).abs() < 1e-9);
}

/// Rows of three runs, each of which adds its offset to every row.
fn of_runs(offsets: [f64; 3]) -> Vec<Observation> {
    let mut data = rows((0..60).map(|row| (row, f64::from(u8::from(row % 3 == 0)))));
    for row in &mut data {
        row.runs = offsets.map(|offset| (row.num + offset, row.den)).into();
        row.num += offsets.iter().sum::<f64>() / 3.0;
    }
    data
}

#[test]
fn the_spread_between_runs_widens_an_interval() {
    let single = estimate(&rows((0..60).map(|row| (row, f64::from(u8::from(row % 3 == 0))))));
    let alike = estimate(&of_runs([0.0; 3]));
    assert!((width(single) - width(alike)).abs() < 1e-9, "runs that agree add nothing");
    let apart = estimate(&of_runs([-0.3, 0.0, 0.3]));
    assert!((apart.value - single.value).abs() < 1e-9);
    // The mean of three drawn offsets has a standard deviation of 0.3·√(2∕3)∕√3 = 0.141, that of the rows is 0.061.
    let expected = width(single) * (0.141_f64.hypot(0.061) / 0.061);
    assert!((width(apart) / expected - 1.0).abs() < 0.2, "{apart:?} {expected}");
}

#[test]
fn a_difference_between_models_of_the_same_seeds_cancels_what_the_seeds_share() {
    let (left, right) = (of_runs([0.7, 1.0, 1.3]), of_runs([-0.3, 0.0, 0.3]));
    let of = |left: &[Observation], right: &[Observation]| {
        let bootstrap = Bootstrap::default();
        bootstrap.difference(("a", left), ("b", right), Statistic::Ratio).expect("the same rows")
    };
    let paired = of(&left, &right);
    assert!((paired.value - 1.0).abs() < 1e-9 && width(paired) < 1e-9, "{paired:?}");
    // Control: seeds in another order share nothing.
    let turned = of(&left, &of_runs([0.3, 0.0, -0.3]));
    assert!(width(turned) > 0.5, "{turned:?}");
}

#[test]
fn rows_with_different_numbers_of_runs_are_refused() {
    let mut data = of_runs([0.0; 3]);
    data[4].runs.pop();
    let result = Bootstrap::default().estimate(&data, Statistic::Ratio);
    assert!(matches!(result, Err(EvalError::Observation { .. })));
}

#[test]
fn any_statistic_can_be_resampled() {
    let values: Vec<f64> = (0..101).map(f64::from).collect();
    let alone = vec![""; values.len()];
    let median = |chosen: &[usize]| {
        let mut chosen: Vec<f64> = chosen.iter().map(|&row| values[row]).collect();
        chosen.sort_by(f64::total_cmp);
        chosen[chosen.len() / 2]
    };
    let (low, high) = Bootstrap::default().interval(&alone, median);
    // Order statistics around 50 ± 1.96·√101∕2.
    assert!((35.0..45.0).contains(&low) && (55.0..65.0).contains(&high), "{low} {high}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn intervals_hold_the_data_and_depend_on_no_order(
        data in prop::collection::vec((0_usize..6, -5.0_f64..5.0), 2..40),
        seed in any::<u64>(),
    ) {
        let bootstrap = Bootstrap::default().with_samples(100).with_seed(seed);
        let mut data = rows(data);
        let found = bootstrap.estimate(&data, Statistic::Ratio).expect("usable");
        let most = data.iter().map(|row| row.num).fold(f64::MIN, f64::max);
        let least = data.iter().map(|row| row.num).fold(f64::MAX, f64::min);
        if !found.low.is_nan() {
            prop_assert!(found.low <= found.high);
            prop_assert!(least - 1e-9 <= found.low && found.high <= most + 1e-9);
        }
        data.reverse();
        let turned = bootstrap.estimate(&data, Statistic::Ratio).expect("usable");
        prop_assert_eq!(format!("{found:?}"), format!("{turned:?}"));
    }
}
