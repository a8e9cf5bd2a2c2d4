//! Rows for tests.

use iopo_schema::{MetricRow, Provenance};

pub(crate) fn provenance() -> Provenance {
    Provenance::new(
        "iopo-test 0.1.0",
        serde_json::json!({"seed": 7, "beta": 0.1, "kinds": ["a", "b"]}),
    )
    .with_input("tasks", "c0ffee")
}

pub(crate) fn metrics(range: std::ops::Range<u64>) -> Vec<MetricRow> {
    let row =
        |step| MetricRow { step, name: format!("name/{}", step % 17), value: step as f64 / 3.0 };
    range.map(row).collect()
}
