//! Metrics under TRL's names: weighted means over the groups of an update.

use std::collections::BTreeMap;

use iopo_core::{PerSequence, Sequence};
use iopo_schema::{MetricRow, TrainingMetric};

use crate::{
    Method,
    objective::{GroupWithLogps, Objective, sequences},
};

/// Weighted means that accumulate over micro-batches; they do not depend on how an update is split.
#[derive(Debug, Clone, Default)]
pub struct MetricMeans {
    /// Weighted total and weight, by the metric's name, so that rows are sorted by name.
    totals: BTreeMap<&'static str, (f64, f64)>,
}

impl MetricMeans {
    /// Adds a value that stands for `weight` rows.
    pub fn add(&mut self, metric: TrainingMetric, value: f64, weight: f64) {
        let entry = self.totals.entry(metric.as_str()).or_default();
        entry.0 += value * weight;
        entry.1 += weight;
    }

    /// Iterates over the means so far, by name.
    pub fn means(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.totals
            .iter()
            .filter(|(_, (_, weight))| *weight > 0.0)
            .map(|(name, (total, weight))| (*name, total / weight))
    }

    /// Returns one mean; `None` if nothing was added.
    pub fn mean(&self, metric: TrainingMetric) -> Option<f64> {
        self.means().find(|(found, _)| *found == metric.as_str()).map(|(_, mean)| mean)
    }

    /// Returns the means as rows of a step; `prefix` is empty or [`TrainingMetric::EVAL_PREFIX`].
    pub fn rows(&self, step: u64, prefix: &str) -> Vec<MetricRow> {
        self.means()
            .map(|(name, value)| MetricRow { step, name: format!("{prefix}{name}"), value })
            .collect()
    }

    /// Adds the logps that a method read and, for preference methods, the rewards, margins and accuracies of the pairs
    /// that it read whole.
    pub fn observe(&mut self, objective: &Objective, groups: &[GroupWithLogps<'_>]) {
        for scored in groups {
            let needs = objective.method.needs(scored.group);
            self.observe_logps(scored, needs);
            if objective.method.is_preference() {
                self.observe_rewards(objective.rewards(scored), needs);
            }
        }
    }

    fn observe_logps(&mut self, scored: &GroupWithLogps<'_>, needs: PerSequence<bool>) {
        let tokens = scored.group.response_tokens();
        for sequence in sequences(needs) {
            let logp = *scored.policy.get(sequence);
            self.add(logps_metric(sequence), logp, 1.0);
            if matches!(sequence, Sequence::X1Y1 | Sequence::X2Y2) {
                let count = f64::from(*tokens.get(sequence));
                self.add(TrainingMetric::NllChosen, -logp / count.max(1.0), count);
            }
        }
    }

    fn observe_rewards(&mut self, rewards: PerSequence<f64>, needs: PerSequence<bool>) {
        use TrainingMetric as Metric;
        for sequence in sequences(needs) {
            self.add(rewards_metric(sequence), *rewards.get(sequence), 1.0);
        }
        let read =
            |pairs: [(&bool, &bool); 2]| pairs.map(|(preferred, other)| *preferred && *other);
        let output = [
            (Metric::RewardsMarginsV1, Metric::RewardsAccuraciesV1),
            (Metric::RewardsMarginsV2, Metric::RewardsAccuraciesV2),
        ];
        let margins = rewards.output_margins().into_iter().zip(read(needs.output_pairs()));
        for ((margin, is_read), (margin_metric, accuracy_metric)) in margins.zip(output) {
            if is_read {
                let accuracy = f64::from(u8::from(margin > 0.0));
                self.add(margin_metric, margin, 1.0);
                self.add(accuracy_metric, accuracy, 1.0);
                self.add(Metric::RewardsMargins, margin, 1.0);
                self.add(Metric::RewardsAccuracies, accuracy, 1.0);
            }
        }
        let input = [Metric::RewardsInputMarginsV1, Metric::RewardsInputMarginsV2];
        let margins = rewards.input_margins().into_iter().zip(read(needs.input_pairs()));
        for ((margin, is_read), metric) in margins.zip(input) {
            if is_read {
                self.add(metric, margin, 1.0);
            }
        }
    }
}

fn logps_metric(sequence: Sequence) -> TrainingMetric {
    match sequence {
        Sequence::X1Y1 => TrainingMetric::LogpsChosenV1,
        Sequence::X1Y2 => TrainingMetric::LogpsRejectedV1,
        Sequence::X2Y1 => TrainingMetric::LogpsRejectedV2,
        Sequence::X2Y2 => TrainingMetric::LogpsChosenV2,
    }
}

fn rewards_metric(sequence: Sequence) -> TrainingMetric {
    match sequence {
        Sequence::X1Y1 => TrainingMetric::RewardsChosenV1,
        Sequence::X1Y2 => TrainingMetric::RewardsRejectedV1,
        Sequence::X2Y1 => TrainingMetric::RewardsRejectedV2,
        Sequence::X2Y2 => TrainingMetric::RewardsChosenV2,
    }
}

/// Formats loss, margin and accuracy for the progress bar.
pub fn line(method: Method, means: &MetricMeans) -> String {
    let mut parts = vec![method.to_string()];
    for (metric, label) in [
        (TrainingMetric::Loss, "loss"),
        (TrainingMetric::RewardsMargins, "margin"),
        (TrainingMetric::RewardsAccuracies, "accuracy"),
    ] {
        if let Some(value) = means.mean(metric) {
            parts.push(format!("{label} {value:.4}"));
        }
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use iopo_core::{FalseCells, PerSequence};
    use iopo_schema::TrainingMetric;

    use super::MetricMeans;
    use crate::{
        Method,
        encode::EncodedGroup,
        objective::{GroupWithLogps, Objective},
    };

    fn group(false_cells: FalseCells) -> EncodedGroup {
        EncodedGroup {
            id: "g".into(),
            x1: vec![1],
            x2: vec![1],
            y1: vec![1; 2],
            y2: vec![1; 4],
            false_cells,
        }
    }

    #[test]
    fn means_are_weighted_by_the_rows_behind_them() {
        let mut means = MetricMeans::default();
        means.add(TrainingMetric::Loss, 1.0, 3.0);
        means.add(TrainingMetric::Loss, 5.0, 1.0);
        assert_eq!(means.mean(TrainingMetric::Loss), Some(2.0));
        assert_eq!(means.rows(4, "eval_")[0].name, "eval_loss");
    }

    #[test]
    fn only_strict_pairs_count_as_pairs() {
        let sided = FalseCells { x1y2: false, x2y1: true };
        let (full, sided) = (group(FalseCells::BOTH), group(sided));
        let scored = |group| GroupWithLogps {
            group,
            policy: PerSequence { x1y1: -1.0, x1y2: -5.0, x2y1: -9.0, x2y2: -2.0 },
            reference: PerSequence { x1y1: -2.0, x1y2: -4.0, x2y1: -8.0, x2y2: -2.0 },
            weight: 1.0,
        };
        let objective = Objective::new(Method::Iopo, 0.5, 1.0);
        let mut means = MetricMeans::default();
        means.observe(&objective, &[scored(&full), scored(&sided)]);
        assert_eq!(means.mean(TrainingMetric::RewardsMarginsV1), Some(1.0));
        assert_eq!(means.mean(TrainingMetric::RewardsMarginsV2), Some(0.5));
        assert_eq!(means.mean(TrainingMetric::RewardsAccuracies), Some(1.0));
        assert_eq!(means.mean(TrainingMetric::RewardsMargins), Some(2.0 / 3.0));
        assert_eq!(means.mean(TrainingMetric::RewardsInputMarginsV2), Some(0.5));
        assert_eq!(means.mean(TrainingMetric::LogpsRejectedV1), Some(-5.0));
        assert_eq!(means.mean(TrainingMetric::NllChosen), Some(0.5));
    }

    #[test]
    fn a_pair_has_one_margin_and_no_input_margin() {
        let mut pair = group(FalseCells { x1y2: true, x2y1: false });
        pair.x2.clear();
        let scored = GroupWithLogps {
            group: &pair,
            policy: PerSequence { x1y1: -1.0, x1y2: -5.0, ..PerSequence::default() },
            reference: PerSequence { x1y1: -2.0, x1y2: -4.0, ..PerSequence::default() },
            weight: 1.0,
        };
        let mut means = MetricMeans::default();
        means.observe(&Objective::new(Method::Dpo, 0.5, 1.0), &[scored]);
        assert_eq!(means.mean(TrainingMetric::RewardsMargins), Some(1.0));
        assert_eq!(means.mean(TrainingMetric::RewardsAccuracies), Some(1.0));
        for metric in [
            TrainingMetric::RewardsMarginsV2,
            TrainingMetric::RewardsInputMarginsV1,
            TrainingMetric::RewardsInputMarginsV2,
            TrainingMetric::LogpsChosenV2,
        ] {
            assert_eq!(means.mean(metric), None, "{metric}");
        }
    }

    #[test]
    fn sft_has_no_rewards() {
        let full = group(FalseCells::BOTH);
        let scored = GroupWithLogps {
            group: &full,
            policy: PerSequence::from_fn(|_| -1.0),
            reference: PerSequence::default(),
            weight: 1.0,
        };
        let objective = Objective::new(Method::Sft, 0.5, 1.0);
        let mut means = MetricMeans::default();
        means.observe(&objective, &[scored]);
        assert_eq!(means.mean(TrainingMetric::RewardsMargins), None);
        assert_eq!(means.mean(TrainingMetric::LogpsChosenV1), Some(-1.0));
    }
}
