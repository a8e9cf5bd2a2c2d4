//! TRACE's constraints by whether their dimension occurs in the training data.

use std::collections::{BTreeMap, BTreeSet};

use iopo_judge::{Evaluation, Mean, Metric};

/// The metric that is split, by dimension.
const METRIC: &str = "constraint accuracy";
/// Names of the two parts.
const PARTS: [(bool, &str); 2] = [(true, "seen dimensions"), (false, "unseen dimensions")];

/// Adds the constraint accuracy over the constraints whose dimension is seen, and over the others, before that of single dimensions.
pub(super) fn split(evaluation: &mut Evaluation, seen: &BTreeSet<String>) {
    let labels: BTreeSet<&str> = evaluation.rows.iter().map(|row| row.label.as_str()).collect();
    let is_dimension = |one: &Metric| one.name == METRIC && labels.contains(one.subset.as_str());
    let Some(first) = evaluation.metrics.iter().position(is_dimension) else { return };
    let part = |(is_seen, name): (bool, &str)| {
        let (mut mean, mut parts) = (Mean::default(), BTreeMap::<usize, Mean>::new());
        let dimensions = evaluation.metrics.iter().filter(|one| is_dimension(one));
        for metric in dimensions.filter(|one| seen.contains(&one.subset) == is_seen) {
            mean.merge(&metric.mean);
            for (cluster, own) in &metric.parts {
                parts.entry(*cluster).or_default().merge(own);
            }
        }
        let parts = parts.into_iter().collect();
        Metric { name: METRIC, subset: name.to_owned(), mean, parts }
    };
    let added = PARTS.map(part);
    evaluation.metrics.splice(first..first, added);
}

#[cfg(test)]
mod tests {
    use iopo_judge::{Answers, Mode, trace};

    use super::split;

    #[test]
    fn constraints_of_seen_and_unseen_dimensions_are_counted_apart() {
        let item = |id: &str, dimensions: &[&str]| trace::Item {
            id: id.to_owned(),
            messages: Vec::new(),
            task: "T".to_owned(),
            constraints: vec!["c".to_owned(); dimensions.len()],
            input: None,
            dimensions: dimensions.iter().map(|one| (*one).to_owned()).collect(),
        };
        let items = [item("1", &["主题约束", "数值约束"]), item("2", &["数值约束", "隐私约束"])];
        let mut answers = Answers::default();
        answers.add("1", 0, "Fine Grained Score: [0, 10]".to_owned());
        answers.add("2", 0, "Fine Grained Score: [10, 2]".to_owned());
        let mut evaluation = trace::evaluate(Mode::Repaired, &items, &answers);
        let before = evaluation.metrics.len();
        split(&mut evaluation, &["数值约束".to_owned()].into());
        assert_eq!(evaluation.metrics.len(), before + 2);
        let mean = |subset: &str| {
            let mean = evaluation.metric("constraint accuracy", subset).expect("a metric");
            (mean.items, mean.over_judged())
        };
        assert_eq!(mean("seen dimensions"), (2, Some(1.0)));
        assert_eq!(mean("unseen dimensions"), (2, Some(0.0)));
        assert_eq!(mean("all"), (4, Some(0.5)));
    }
}
