//! The collected preferences between two instructions that no group uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_core::Counts;
use iopo_core::turns::kept_in_turn;
use iopo_schema::{Breakdown, InputPreferenceRow, Operation, PreferenceRow, Split};

use crate::admit_judged::{JudgedRefusal, JudgedRules, read};
use crate::producer::was_made_by;
use crate::{PairsConfig, PairsError};

/// Why a row is left out that a limit does not admit.
const OVER: &str = "over_the_limit";

/// Tells whether an `input_preferences` file was written by an import, so that its rows come from elsewhere.
///
/// Returns `false` if the file is missing, damaged or foreign. The code that reads the file reports these errors.
pub fn is_imported_input_preferences(file: &Path) -> bool {
    was_made_by(file, "+fipo.")
}

/// Tells whether an `input_preferences` file was written by [`crate::build_judged`] or [`crate::build_with_rewrites`] of any
/// release, which replace and remove no other file.
///
/// Returns `false` if the file is missing, damaged or foreign.
pub fn is_kept_input_preferences(file: &Path) -> bool {
    was_made_by(file, "+judged.")
}

/// Returns the rows that become no group, each with the split of its task, and counts the others by their reason. A task has at
/// most `max_groups_per_task` rows, and a split at most `max_groups`.
pub(crate) fn without_groups(
    rows: Vec<InputPreferenceRow>,
    groups: &[Vec<PreferenceRow>],
    splits: &BTreeMap<String, Split>,
    config: &PairsConfig,
    counts: &mut Counts,
) -> Result<Vec<InputPreferenceRow>, PairsError> {
    let rules = config.judged_rules()?;
    let grouped: BTreeSet<[&str; 2]> = groups
        .iter()
        .flatten()
        .filter(|group| group.operation == Some(Operation::Rewrite))
        .map(|group| [group.task_id.as_str(), &group.y1])
        .collect();
    let mut left_out = |reason: &str| counts.one(Breakdown::InputPreferences.of(reason));
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut tasks: Vec<(Split, Vec<InputPreferenceRow>)> = Vec::new();
    for mut row in rows {
        let Some(&split) = splits.get(&row.seed_id) else {
            return Err(PairsError::UnknownTask { task_id: row.seed_id });
        };
        if grouped.contains(&[row.seed_id.as_str(), &row.y]) {
            left_out("grouped");
        } else if let Err(refusal) = admitted(&row, &rules) {
            left_out(refusal.name());
        } else {
            row.split = split;
            let place = *places.entry(row.seed_id.clone()).or_insert_with(|| {
                tasks.push((split, Vec::new()));
                tasks.len() - 1
            });
            let rows = &mut tasks[place].1;
            if rows.len() < config.max_groups_per_task.get(split) {
                rows.push(row);
            } else {
                left_out(OVER);
            }
        }
    }
    for split in Split::ALL.iter().copied() {
        let own = tasks.iter_mut().filter(|(of, _)| *of == split);
        let own: Vec<&mut Vec<InputPreferenceRow>> = own.map(|(_, rows)| rows).collect();
        let lengths: Vec<usize> = own.iter().map(|rows| rows.len()).collect();
        let most = config.max_groups.get(split);
        let kept = if most == 0 { lengths } else { kept_in_turn(&lengths, most) };
        for (rows, kept) in own.into_iter().zip(kept) {
            let over = rows.len().saturating_sub(kept) as u64;
            if over > 0 {
                counts.add(Breakdown::InputPreferences.of(OVER), over);
            }
            counts.add(Breakdown::InputPreferences.of(split), kept as u64);
            rows.truncate(kept);
        }
    }
    Ok(tasks.into_iter().flat_map(|(_, rows)| rows).collect())
}

/// Checks that no requirement of either instruction is of a kind that is held out, and that each states its check.
fn admitted(row: &InputPreferenceRow, rules: &JudgedRules) -> Result<(), JudgedRefusal> {
    read(&row.better_constraints, &row.task, rules)?;
    read(&row.worse_constraints, &row.task, rules).map(drop)
}
