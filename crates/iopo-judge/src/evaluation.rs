//! Evaluates a benchmark from recorded answers of a judge.
//!
//! ```
//! use iopo_judge::{Answers, Mode, trace};
//!
//! let file = r#"{"id": "7", "messages": [{"role": "user", "content": "Hi\n1. Be brief;\n"}],
//!     "description": "Hi", "constraints_splits": ["1. Be brief;"], "constraints_num": 1,
//!     "input": "NULL", "levels2": ["数值约束"]}"#.replace('\n', "");
//! let items = trace::parse(&file)?;
//! let answers = Answers::parse(r#"{"key": "7", "answer": "Fine Grained Score: [10]"}"#)?;
//! let evaluation = trace::evaluate(Mode::Repaired, &items, &answers);
//! assert_eq!(evaluation.metric("IF", "all").and_then(|mean| mean.over_judged()), Some(1.0));
//! # Ok::<(), iopo_judge::DataError>(())
//! ```

mod answers;
mod metric;

pub(crate) use answers::Reading;
pub use answers::{Answers, Attempt, Responses};
pub(crate) use metric::Table;
pub use metric::{Combined, Formula, Metric};

use crate::{Mean, Unjudged};

/// The largest share of unjudged items in a run that does not count as failed.
pub const MAX_UNJUDGED_SHARE: f64 = 0.02;

/// The verdict on one constraint, criterion or question.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictRow {
    /// Key of the item.
    pub key: String,
    /// Position of the constraint or criterion, or id of the question. 0 for a rule about a whole item.
    pub index: i64,
    /// Dimension or type. Empty where the data has none.
    pub label: String,
    /// Whether it holds. `None` without a verdict.
    pub verdict: Option<bool>,
    /// The score from 0 to 10, for benchmarks with scores.
    pub score: Option<f64>,
    /// Why there is no verdict.
    pub error: Option<Unjudged>,
    /// Whether code decided, possibly on a part that a judge copied.
    pub by_rule: bool,
    /// The attempt that gave the verdict, by its position in [`Answers::to`]; without a verdict, the last attempt.
    pub attempt: Option<usize>,
}

/// Verdicts and metrics of a benchmark.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evaluation {
    /// Verdicts in the order of the items.
    pub rows: Vec<VerdictRow>,
    /// Metrics in the order of tables.
    pub metrics: Vec<Metric>,
    /// Numbers that follow from several metrics.
    pub combined: Vec<Combined>,
    /// The clusters that a bootstrap resamples, by name: items, or groups of items that belong together.
    pub clusters: Vec<String>,
    /// Judged and unjudged items, or questions if each is asked separately.
    pub judged: Mean,
}

impl Evaluation {
    /// The value of a metric.
    pub fn metric(&self, name: &str, subset: &str) -> Option<&Mean> {
        let mut metrics = self.metrics.iter();
        metrics.find(|one| one.name == name && one.subset == subset).map(|one| &one.mean)
    }

    /// The share of items without a verdict. Above [`MAX_UNJUDGED_SHARE`], a run should end with an error after it has written
    /// its files.
    pub fn unjudged_share(&self) -> f64 {
        self.judged.unjudged() as f64 / self.judged.items.max(1) as f64
    }

    /// The value of a combined number, by the means over judged items or by those with unjudged items as failed.
    pub fn combined(&self, name: &str, rate: fn(&Mean) -> Option<f64>) -> Option<f64> {
        let found = self.combined.iter().find(|one| one.name == name)?;
        found.formula.value(|at| rate(&self.metrics.get(at)?.mean))
    }

    /// The position of a metric.
    pub(crate) fn position(&self, name: &str, subset: &str) -> Option<usize> {
        self.metrics.iter().position(|one| one.name == name && one.subset == subset)
    }
}
