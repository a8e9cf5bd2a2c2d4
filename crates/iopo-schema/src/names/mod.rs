//! Typed names of labels, metrics, subsets and counters, shared by the code that writes and reads them.
//!
//! | type | where its names are stored |
//! |---|---|
//! | [`Split`], [`Method`], [`GroupKind`], [`Operation`], [`TurnRole`], [`ResponseEnd`], [`ResponseSource`] | label columns of several files |
//! | [`SummaryMetric`], [`Subset`] | `metric` and `subset` of a `summary` file |
//! | [`TrainingMetric`] | `name` of a training run's `metrics` file |
//! | [`Total`], [`Breakdown`] | `name` of a data stage's `*_stats` file |

mod counts;
mod labels;
mod subset;
mod summary_metric;
mod training_metric;

pub use counts::{Breakdown, Total};
pub use labels::{GroupKind, Method, Operation, ResponseEnd, ResponseSource, Split, TurnRole};
pub use subset::Subset;
pub use summary_metric::{MetricFamily, SummaryMetric};
pub use training_metric::TrainingMetric;
