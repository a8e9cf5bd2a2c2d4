//! The stage: `instructions` and `responses` in, `preferences` and `pairs_stats` out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use iopo_llm::Progress;
use iopo_schema::{
    InstructionRow, MetricRow, Parts, PreferenceRow, Provenance, ResponseRow, Split, file_hash,
    made_with, read, write,
};

use crate::admit::verify;
use crate::answers::{Task, by_seed, task_of};
use crate::balance::Balance;
use crate::choose::seed_groups;
use crate::exchange::is_imported;
use crate::near::Seen;
use crate::split::split_seeds;
use crate::stats::{Counts, split_name};
use crate::{PairsConfig, PairsError, PairsSummary};

/// Makes preference groups from instructions and the responses to them.
///
/// Writes `preferences.parquet` and `pairs_stats.parquet` into `out_dir`. No language model is
/// asked; the groups are a function of the two files and the configuration, so a killed run that
/// is started again ends with the same bytes. Both files are held in memory, beside 24 bytes of
/// signature for every answer.
///
/// # Errors
/// Besides unreadable files: imported groups where its own would go, no group at all, fewer than `min_test_seeds` test
/// seeds with a group, fewer than `min_train_groups` groups for training, more repaired groups than
/// `max_repaired_share` allows. The stats are written first, so that the reasons can be looked at.
pub fn build(
    instructions_path: &Path,
    responses_path: &Path,
    out_dir: &Path,
    config: &PairsConfig,
    progress: &dyn Progress,
) -> Result<PairsSummary, PairsError> {
    config.validate()?;
    let preferences = out_dir.join("preferences.parquet");
    if is_imported(&preferences) {
        return Err(PairsError::Imported { path: preferences });
    }
    std::fs::create_dir_all(out_dir)
        .map_err(|source| PairsError::Io { path: out_dir.to_owned(), source })?;
    let provenance = Provenance::new(crate::PRODUCER, config.rows_json()?)
        .with_input("instructions", file_hash(instructions_path)?)
        .with_input("responses", file_hash(responses_path)?);
    let stats_path = out_dir.join("pairs_stats.parquet");
    let parts = Parts::<PreferenceRow>::open(&preferences, &provenance)?;
    let stats_done = made_with::<MetricRow>(&stats_path, &provenance);
    if parts.is_complete() && stats_done {
        let summary = PairsSummary::from_metrics(read::<MetricRow>(&stats_path)?);
        accept(&summary, config)?;
        return Ok(summary);
    }

    let instructions = read::<InstructionRow>(instructions_path)?;
    let responses = read::<ResponseRow>(responses_path)?;
    let (groups, counts) = make_groups(&instructions, &responses, config, progress)?;
    let summary = PairsSummary::from_metrics(counts.into_metrics());
    write(&stats_path, &summary.metrics, &provenance)?;
    accept(&summary, config)?;
    let chunks = groups.chunks(config.seeds_per_part);
    let count = chunks.len();
    if !parts.is_complete() {
        progress.start("writing preference groups", count as u64);
        for (index, seeds) in chunks.enumerate() {
            if progress.cancelled() {
                return Err(PairsError::Cancelled);
            }
            if !parts.has(index) {
                let rows: Vec<PreferenceRow> = seeds.iter().flatten().cloned().collect();
                for row in &rows {
                    verify(row)
                        .map_err(|reason| PairsError::Admission { id: row.id.clone(), reason })?;
                }
                parts.write(index, &rows)?;
            }
            progress.advance(1);
        }
        progress.finish();
    }
    parts.finish(count)?;
    Ok(summary)
}

/// The groups of every seed, in the order of the seeds, and what was counted on the way.
pub fn make_groups(
    instructions: &[InstructionRow],
    responses: &[ResponseRow],
    config: &PairsConfig,
    progress: &dyn Progress,
) -> Result<(Vec<Vec<PreferenceRow>>, Counts), PairsError> {
    let kinds = config.kinds()?;
    let ids: BTreeSet<String> =
        instructions.iter().map(|instruction| instruction.seed_id.clone()).collect();
    let splits = split_seeds(&ids, config.seed, config.test_seeds, config.dev_seeds);
    let seeds = by_seed(instructions, responses)?;
    let mut counts = Counts::default();
    for split in splits.values() {
        counts.one(format!("seeds/{}", split_name(*split)));
    }
    let mut balances: BTreeMap<Split, Balance> = BTreeMap::new();
    let mut seen = Seen::default();
    let mut groups = Vec::with_capacity(seeds.len());
    progress.start("making preference groups", seeds.len() as u64);
    for (seed_id, rows) in &seeds {
        if progress.cancelled() {
            return Err(PairsError::Cancelled);
        }
        let split = splits.get(*seed_id).copied().unwrap_or(Split::Train);
        let made = match task_of(seed_id, rows, &kinds, &mut counts)? {
            Some(mut task) => {
                drop_seen(&mut task, &mut seen, &mut counts);
                counts.one("seeds");
                counts.add("answers", task.answers.len() as u64);
                let balance = balances.entry(split).or_default();
                seed_groups(&task, split, &kinds, config, balance, &mut counts)
            }
            None => Vec::new(),
        };
        groups.push(made);
        progress.advance(1);
    }
    progress.finish();
    limit(&mut groups, config, &mut counts);
    for made in &groups {
        for row in made {
            counts.group(row);
        }
        if let Some(row) = made.first() {
            counts.one(format!("seeds_with_groups/{}", split_name(row.split)));
        }
    }
    Ok((groups, counts))
}

/// Drops answers that are near duplicates of an answer to an earlier seed.
fn drop_seen(task: &mut Task, seen: &mut Seen, counts: &mut Counts) {
    let bands: Vec<Vec<u64>> =
        task.answers.iter().map(|answer| Seen::bands(&answer.runs)).collect();
    let fresh: Vec<bool> = bands.iter().map(|bands| !seen.contains(bands)).collect();
    let mut kept = fresh.iter();
    task.answers.retain(|_| kept.next().copied().unwrap_or(true));
    for (bands, fresh) in bands.iter().zip(fresh) {
        if fresh {
            seen.insert(bands);
        } else {
            counts.one("dropped/near_duplicate_across_seeds");
        }
    }
}

/// Keeps at most the configured number of groups of each split: the first group of every seed,
/// then the second of every seed, and so on, so that the limit costs as few seeds as it can.
fn limit(groups: &mut [Vec<PreferenceRow>], config: &PairsConfig, counts: &mut Counts) {
    for split in [Split::Train, Split::Dev, Split::Test] {
        let most = config.max_groups.get(split);
        if most == 0 {
            continue;
        }
        let of_split =
            |made: &Vec<PreferenceRow>| made.first().is_some_and(|row| row.split == split);
        let mut left = most;
        let mut kept = vec![0_usize; groups.len()];
        let longest = groups.iter().map(Vec::len).max().unwrap_or(0);
        for round in 0..longest {
            for (place, made) in groups.iter().enumerate().filter(|(_, made)| of_split(made)) {
                if left > 0 && made.len() > round {
                    kept[place] += 1;
                    left -= 1;
                }
            }
        }
        for (made, kept) in groups.iter_mut().zip(kept) {
            if of_split(made) {
                counts.add("dropped/over_the_limit", (made.len() - kept) as u64);
                made.truncate(kept);
            }
        }
    }
}

/// Refuses a run without groups, with too few test seeds or training groups, or with too many repaired responses.
fn accept(summary: &PairsSummary, config: &PairsConfig) -> Result<(), PairsError> {
    if summary.groups == 0 {
        return Err(PairsError::NoGroups {
            seeds: summary.seeds,
            answers: summary.count("answers"),
        });
    }
    let found = summary.count("seeds_with_groups/test");
    if found < config.min_test_seeds as u64 {
        return Err(PairsError::TooFewTestSeeds {
            found,
            drawn: summary.count("seeds/test"),
            least: config.min_test_seeds as u64,
            seeds: summary.seeds,
        });
    }
    if summary.train < config.min_train_groups as u64 {
        return Err(PairsError::TooFewTrainGroups {
            found: summary.train,
            least: config.min_train_groups as u64,
            groups: summary.groups,
            seeds: summary.count("seeds/train"),
        });
    }
    let share = summary.repaired_share();
    if share > config.max_repaired_share {
        return Err(PairsError::TooManyRepaired {
            repaired: summary.repaired,
            groups: summary.groups,
            share,
            limit: config.max_repaired_share,
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
    fn the_bounds_of_a_run_are_enforced() {
        let config = PairsConfig::default();
        let none = accept(&summary(&[("seeds", 3), ("answers", 9)]), &config);
        assert!(matches!(none, Err(PairsError::NoGroups { seeds: 3, answers: 9 })));
        let few = accept(&summary(&[("groups", 10), ("seeds_with_groups/test", 59)]), &config);
        assert!(matches!(few, Err(PairsError::TooFewTestSeeds { found: 59, least: 60, .. })));
        let enough = [("groups", 10), ("seeds_with_groups/test", 60), ("split/train", 7)];
        let least = |min_train_groups| PairsConfig { min_train_groups, ..PairsConfig::default() };
        let few = accept(&summary(&enough), &least(8));
        assert!(matches!(few, Err(PairsError::TooFewTrainGroups { found: 7, least: 8, .. })));
        assert!(accept(&summary(&enough), &least(7)).is_ok());
        let none = accept(&summary(&enough[..2]), &config);
        assert!(matches!(none, Err(PairsError::TooFewTrainGroups { found: 0, least: 1, .. })));
        let counts = [&enough[..], &[("repaired", 4)]].concat();
        let many = accept(&summary(&counts), &config);
        assert!(matches!(many, Err(PairsError::TooManyRepaired { repaired: 4, .. })));
        let counts = [&enough[..], &[("repaired", 3)]].concat();
        assert!(accept(&summary(&counts), &config).is_ok());
    }
}
