//! Adds rewrites, candidates with verdicts of a judge, to the groups that code makes of a task.

use std::collections::BTreeMap;

use iopo_core::Counts;
use iopo_schema::{Breakdown, GroupKind, PreferenceRow, Split};

use crate::admit_judged::JudgedRules;
use crate::balance::Balance;
use crate::judged::{self, judged_groups};
use crate::minhash::SeenSignatures;
use crate::{PairsConfig, PairsError};

/// The candidates by task, and what is known of the earlier ones.
pub(crate) struct Rewrites<'a> {
    tasks: BTreeMap<&'a str, Vec<&'a PreferenceRow>>,
    rules: JudgedRules,
    /// The settings, without the limits that depend on the other groups of a task.
    config: PairsConfig,
    min_full_share: f64,
    balances: BTreeMap<Split, Balance<String>>,
    seen: SeenSignatures,
}

impl<'a> Rewrites<'a> {
    pub(crate) fn new(rows: &'a [PreferenceRow], config: &PairsConfig) -> Result<Self, PairsError> {
        Ok(Self {
            tasks: judged::by_task(rows).into_iter().collect(),
            rules: config.judged_rules()?,
            config: PairsConfig { min_full_share: 0.0, ..config.clone() },
            min_full_share: config.min_full_share,
            balances: BTreeMap::new(),
            seen: SeenSignatures::default(),
        })
    }

    /// Adds the rewrites of a task to its groups, as far as `min_full_share` allows. At the limit of a task, a rewrite replaces the
    /// last group. Counts each group that is left out by its reason.
    pub(crate) fn add(
        &mut self,
        task_id: &str,
        split: Split,
        groups: &mut Vec<PreferenceRow>,
        counts: &mut Counts,
    ) {
        let Some(rows) = self.tasks.get(task_id) else { return };
        let balance = self.balances.entry(split).or_default();
        let mut own = Counts::default();
        let (rules, config) = (&self.rules, &self.config);
        let made = judged_groups(rows, split, rules, config, &mut self.seen, balance, &mut own);
        // The totals are those of the task's own responses.
        for (name, count) in own.iter() {
            let breakdown = Breakdown::parse(name).map(|(breakdown, _)| breakdown);
            if matches!(breakdown, Some(Breakdown::Dropped | Breakdown::Candidates)) {
                counts.add(name, count);
            }
        }
        let limit = self.config.max_groups_per_task.get(split);
        for group in made.groups {
            let mut kept = groups.clone();
            if kept.len() >= limit {
                // The last group of a task is the one that was chosen last.
                kept.pop();
            }
            kept.push(group);
            let full = kept.iter().filter(|group| group.kind == GroupKind::Full).count();
            if kept.len() <= limit && full as f64 >= self.min_full_share * kept.len() as f64 {
                counts.add(
                    Breakdown::Dropped.of("not_chosen"),
                    (groups.len() + 1 - kept.len()) as u64,
                );
                *groups = kept;
            } else {
                counts.one(Breakdown::Dropped.of("not_chosen"));
            }
        }
    }
}
