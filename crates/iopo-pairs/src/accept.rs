//! The limits that a result of pairing has to keep.

use iopo_schema::{Breakdown, Split, Total};

use crate::{PairsConfig, PairsError, PairsSummary};

/// Rejects a run without groups, with too few test tasks or training groups, or with too many edited responses.
pub(crate) fn accept(summary: &PairsSummary, config: &PairsConfig) -> Result<(), PairsError> {
    if summary.groups == 0 {
        let most = summary.dropped.iter().max_by_key(|(_, count)| **count);
        return Err(PairsError::NoGroups {
            tasks: summary.tasks,
            answers: summary.count(Total::Answers.as_str()),
            reason: most.map(|(reason, _)| reason.clone()),
        });
    }
    let found = summary.count(&Breakdown::TasksWithGroups.of(Split::Test));
    if found < config.min_test_tasks as u64 {
        return Err(PairsError::TooFewTestTasks {
            found,
            drawn: summary.count(&Breakdown::Tasks.of(Split::Test)),
            least: config.min_test_tasks as u64,
            tasks: summary.tasks,
        });
    }
    if summary.train < config.min_train_groups as u64 {
        return Err(PairsError::TooFewTrainGroups {
            found: summary.train,
            least: config.min_train_groups as u64,
            groups: summary.groups,
            tasks: summary.count(&Breakdown::Tasks.of(Split::Train)),
        });
    }
    let share = summary.edited_share();
    if share > config.max_edited_share {
        return Err(PairsError::TooManyEdited {
            edited: summary.edited,
            groups: summary.groups,
            share,
            limit: config.max_edited_share,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use iopo_schema::MetricRow;

    use super::accept;
    use crate::{PairsConfig, PairsError, PairsSummary};

    fn summary(counts: &[(&str, u64)]) -> PairsSummary {
        let row = |(name, value): &(&str, u64)| MetricRow {
            step: 0,
            name: (*name).to_owned(),
            value: *value as f64,
        };
        PairsSummary::from_metrics(counts.iter().map(row).collect())
    }

    #[test]
    fn the_limits_of_a_run_are_enforced() {
        let config = PairsConfig { max_edited_share: 0.3, ..PairsConfig::default() };
        let none = accept(&summary(&[("tasks", 3), ("answers", 9)]), &config);
        assert!(matches!(none, Err(PairsError::NoGroups { tasks: 3, answers: 9, .. })));
        let few = accept(&summary(&[("groups", 10), ("tasks_with_groups/test", 59)]), &config);
        assert!(matches!(few, Err(PairsError::TooFewTestTasks { found: 59, least: 60, .. })));
        let enough = [("groups", 10), ("tasks_with_groups/test", 60), ("split/train", 7)];
        let least = |min_train_groups| PairsConfig { min_train_groups, ..PairsConfig::default() };
        let few = accept(&summary(&enough), &least(8));
        assert!(matches!(few, Err(PairsError::TooFewTrainGroups { found: 7, least: 8, .. })));
        assert!(accept(&summary(&enough), &least(7)).is_ok());
        let none = accept(&summary(&enough[..2]), &config);
        assert!(matches!(none, Err(PairsError::TooFewTrainGroups { found: 0, least: 1, .. })));
        let counts = [&enough[..], &[("edited", 4)]].concat();
        let many = accept(&summary(&counts), &config);
        assert!(matches!(many, Err(PairsError::TooManyEdited { edited: 4, .. })));
        let counts = [&enough[..], &[("edited", 3)]].concat();
        assert!(accept(&summary(&counts), &config).is_ok());
    }
}
