//! Metrics by their TRL names: weighted means over the groups of an update.

use std::collections::BTreeMap;

use iopo_schema::MetricRow;

use crate::{
    Method,
    objective::{Objective, Scored},
};

/// Weighted means that grow micro-batch by micro-batch: each value counts as often as rows stand
/// behind it, however the update was cut.
#[derive(Debug, Clone, Default)]
pub struct Window {
    sums: BTreeMap<&'static str, (f64, f64)>,
}

impl Window {
    /// Adds a value that stands for `weight` rows.
    pub fn add(&mut self, name: &'static str, value: f64, weight: f64) {
        let entry = self.sums.entry(name).or_default();
        entry.0 += value * weight;
        entry.1 += weight;
    }

    /// The means so far.
    pub fn means(&self) -> impl Iterator<Item = (&'static str, f64)> {
        self.sums
            .iter()
            .filter(|(_, (_, weight))| *weight > 0.0)
            .map(|(name, (sum, weight))| (*name, sum / weight))
    }

    /// One mean.
    pub fn mean(&self, name: &str) -> Option<f64> {
        self.means().find(|(found, _)| *found == name).map(|(_, mean)| mean)
    }

    /// The means as rows of a step; `prefix` is `""` or `"eval_"`.
    pub fn rows(&self, step: u64, prefix: &str) -> Vec<MetricRow> {
        self.means()
            .map(|(name, value)| MetricRow { step, name: format!("{prefix}{name}"), value })
            .collect()
    }

    /// Log-probabilities of what a method read, and, for preference methods, rewards, margins and
    /// accuracies of the strict pairs.
    pub fn observe(&mut self, objective: &Objective, groups: &[Scored<'_>]) {
        const LOGPS: [&str; 4] =
            ["logps/chosen_v1", "logps/rejected_v1", "logps/chosen_v2", "logps/rejected_v2"];
        const REWARDS: [&str; 4] = [
            "rewards/chosen_v1",
            "rewards/rejected_v1",
            "rewards/chosen_v2",
            "rewards/rejected_v2",
        ];
        for scored in groups {
            let needs = objective.method.needs(scored.group);
            let tokens = scored.group.response_tokens();
            for sequence in (0..4).filter(|&sequence| needs[sequence]) {
                self.add(LOGPS[sequence], scored.policy[sequence], 1.0);
                if sequence % 2 == 0 {
                    let count = f64::from(tokens[sequence]);
                    self.add("nll/chosen", -scored.policy[sequence] / count.max(1.0), count);
                }
            }
            if !objective.method.is_preference() {
                continue;
            }
            let reward = |sequence: usize| objective.reward(scored, sequence);
            for sequence in (0..4).filter(|&sequence| needs[sequence]) {
                self.add(REWARDS[sequence], reward(sequence), 1.0);
            }
            // Output margins compare two responses, input margins two instructions.
            let pairs: [(usize, usize, &'static str, Option<&'static str>); 4] = [
                (0, 1, "rewards/margins_v1", Some("rewards/accuracies_v1")),
                (2, 3, "rewards/margins_v2", Some("rewards/accuracies_v2")),
                (0, 3, "rewards/input_margins_v1", None),
                (2, 1, "rewards/input_margins_v2", None),
            ];
            for (chosen, rejected, margin_name, accuracy_name) in pairs {
                if !(needs[chosen] && needs[rejected]) {
                    continue;
                }
                let margin = reward(chosen) - reward(rejected);
                self.add(margin_name, margin, 1.0);
                if let Some(name) = accuracy_name {
                    let right = f64::from(u8::from(margin > 0.0));
                    self.add(name, right, 1.0);
                    self.add("rewards/margins", margin, 1.0);
                    self.add("rewards/accuracies", right, 1.0);
                }
            }
        }
    }
}

/// A line for the progress bar.
pub fn line(method: Method, window: &Window) -> String {
    let mut parts = vec![method.to_string()];
    for (name, label) in
        [("loss", "loss"), ("rewards/margins", "margin"), ("rewards/accuracies", "accuracy")]
    {
        if let Some(value) = window.mean(name) {
            parts.push(format!("{label} {value:.4}"));
        }
    }
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::Window;
    use crate::{
        Method,
        encode::EncodedGroup,
        objective::{Objective, Scored},
    };

    fn group(false_cells: [bool; 2]) -> EncodedGroup {
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
        let mut window = Window::default();
        window.add("loss", 1.0, 3.0);
        window.add("loss", 5.0, 1.0);
        assert_eq!(window.mean("loss"), Some(2.0));
        assert_eq!(window.rows(4, "eval_")[0].name, "eval_loss");
    }

    #[test]
    fn only_strict_pairs_count_as_pairs() {
        let (full, sided) = (group([true, true]), group([false, true]));
        let scored = |group| Scored {
            group,
            policy: [-1.0, -5.0, -2.0, -9.0],
            reference: [-2.0, -4.0, -2.0, -8.0],
        };
        let objective = Objective::new(Method::Iopo, 0.5, 1.0);
        let mut window = Window::default();
        window.observe(&objective, &[scored(&full), scored(&sided)]);
        assert_eq!(window.mean("rewards/margins_v1"), Some(1.0));
        assert_eq!(window.mean("rewards/margins_v2"), Some(0.5));
        assert_eq!(window.mean("rewards/accuracies"), Some(1.0));
        assert_eq!(window.mean("rewards/margins"), Some(2.0 / 3.0));
        assert_eq!(window.mean("rewards/input_margins_v2"), Some(0.5));
        assert_eq!(window.mean("logps/rejected_v1"), Some(-5.0));
        assert_eq!(window.mean("nll/chosen"), Some(0.5));
    }

    #[test]
    fn sft_has_no_rewards() {
        let full = group([true, true]);
        let scored = Scored { group: &full, policy: [-1.0; 4], reference: [0.0; 4] };
        let objective = Objective::new(Method::Sft, 0.5, 1.0);
        let mut window = Window::default();
        window.observe(&objective, &[scored]);
        assert_eq!(window.mean("rewards/margins"), None);
        assert_eq!(window.mean("logps/chosen_v1"), Some(-1.0));
    }
}
