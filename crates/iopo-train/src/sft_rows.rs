//! The rows of SFT with `train.sft.data = "responses"`: chosen evenly, and joined in pairs.
//!
//! Two rows take the place of a group, as its sequences `x1y1` and `x2y2`. An update, its micro-batches, the estimates and
//! the metrics therefore have the same unit for both kinds of data, and two rows of a task share the beginning of their
//! prompts in one tree.

use std::collections::{BTreeMap, BTreeSet};

use iopo_core::{ContentHasher, FalseCells, random::keyed_hash};
use iopo_model::ModelError;

use crate::{
    encode::{DropReason, Encoded, EncodedGroup, Encoder},
    responses::VerifiedRow,
};

/// The rows that SFT reads.
#[derive(Debug, Clone, Default)]
pub struct SftRows {
    /// The rows in pairs. The last pair has one row if their number is odd.
    pub pairs: Vec<EncodedGroup>,
    /// Number of rows.
    pub rows: usize,
    /// Number of dropped rows, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
}

impl SftRows {
    /// Encodes rows, chooses at most `max_rows` of those that fit, and joins them in pairs; 0 takes all.
    ///
    /// `rows` are sorted by id. `seed` is the random seed of the choice.
    ///
    /// # Errors
    /// Returns an error if the template rejects a chat or the tokenizer rejects a text.
    pub fn new(
        rows: &[VerifiedRow],
        encoder: &Encoder<'_>,
        max_rows: usize,
        seed: u64,
    ) -> Result<Self, ModelError> {
        let (mut fitting, mut tokens) = (Vec::new(), Vec::new());
        let mut dropped = BTreeMap::new();
        for row in rows {
            match encoder.row(&row.id, &row.prompt, &row.response)? {
                Encoded::Group(encoded) => {
                    fitting.push(row);
                    tokens.push(encoded);
                }
                Encoded::Dropped(reason) => *dropped.entry(reason).or_default() += 1,
            }
        }
        let chosen = choose(&fitting, max_rows, seed);
        let kept = (0..fitting.len()).filter(|index| chosen.contains(index));
        let kept = kept.map(|index| (fitting[index].task_id.as_str(), &tokens[index]));
        Ok(Self { rows: chosen.len(), pairs: pairs(kept), dropped })
    }

    /// Hashes the ids of the rows in their order, for the identity of a training.
    pub fn hash(&self) -> String {
        let mut hasher = ContentHasher::new();
        for pair in &self.pairs {
            hasher.part(&pair.id);
        }
        hasher.hex()
    }
}

/// Chooses `limit` rows, or all if `limit` is 0.
///
/// One after the other, it takes a row with the constraint kind that the chosen rows have least often, among these a row
/// of the task that they have least often, and among these the first by a hash of `seed` and id.
fn choose(rows: &[&VerifiedRow], limit: usize, seed: u64) -> BTreeSet<usize> {
    if limit == 0 || rows.len() <= limit {
        return (0..rows.len()).collect();
    }
    let tasks = numbered(rows.iter().map(|row| row.task_id.as_str()));
    let kinds = numbered(rows.iter().flat_map(|row| &row.kinds).map(String::as_str));
    let (mut of_task, mut of_kind) = (vec![0usize; tasks.len()], vec![0usize; kinds.len()]);
    let mut left: Vec<(usize, usize, Vec<usize>)> = rows
        .iter()
        .enumerate()
        .map(|(index, row)| {
            let own = row.kinds.iter().map(|kind| kinds[kind.as_str()]).collect();
            (index, tasks[row.task_id.as_str()], own)
        })
        .collect();
    left.sort_by_cached_key(|(index, ..)| keyed_hash(seed, &["sft row", &rows[*index].id]));
    let mut chosen = BTreeSet::new();
    while chosen.len() < limit {
        let rank = |(_, task, own): &(usize, usize, Vec<usize>)| {
            // A row without a kind that code can check is the last choice.
            let rarest = own.iter().map(|kind| of_kind[*kind]).min().unwrap_or(usize::MAX);
            (rarest, of_task[*task])
        };
        let ranked = left.iter().enumerate().min_by_key(|(_, row)| rank(row));
        let Some(at) = ranked.map(|(at, _)| at) else { break };
        let (index, task, own) = left.remove(at);
        of_task[task] += 1;
        for kind in own {
            of_kind[kind] += 1;
        }
        chosen.insert(index);
    }
    chosen
}

/// Numbers distinct names in their order.
fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, usize> {
    let names: BTreeSet<&str> = names.collect();
    names.into_iter().enumerate().map(|(number, name)| (name, number)).collect()
}

/// Joins rows in pairs: rows of a task with the longest common beginnings first, then the rows that are left over.
fn pairs<'a>(rows: impl Iterator<Item = (&'a str, &'a EncodedGroup)>) -> Vec<EncodedGroup> {
    let mut of_task: BTreeMap<&str, Vec<&EncodedGroup>> = BTreeMap::new();
    for (task, row) in rows {
        of_task.entry(task).or_default().push(row);
    }
    let (mut made, mut left) = (Vec::new(), Vec::new());
    for (_, mut rows) in of_task {
        rows.sort_by(|a, b| (&a.x1, &a.id).cmp(&(&b.x1, &b.id)));
        let twos = rows.chunks_exact(2);
        left.extend(twos.remainder());
        made.extend(twos.map(joined));
    }
    made.extend(left.chunks(2).map(joined));
    made
}

fn joined(rows: &[&EncodedGroup]) -> EncodedGroup {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let second = rows.get(1);
    EncodedGroup {
        id: ids.join("+"),
        x1: rows[0].x1.clone(),
        y1: rows[0].y1.clone(),
        x2: second.map(|row| row.x1.clone()).unwrap_or_default(),
        y2: second.map(|row| row.y1.clone()).unwrap_or_default(),
        false_cells: FalseCells::BOTH,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use iopo_core::FalseCells;

    use super::{choose, pairs};
    use crate::{encode::EncodedGroup, responses::VerifiedRow};

    fn row(index: usize, task: usize, kinds: &[&str]) -> VerifiedRow {
        VerifiedRow {
            id: format!("row-{index:03}"),
            task_id: format!("task-{task}"),
            prompt: String::new(),
            response: String::new(),
            kinds: kinds.iter().map(ToString::to_string).collect(),
        }
    }

    #[test]
    fn the_choice_is_even_over_kinds_and_tasks_and_follows_the_seed() {
        // Kind `a` has nine times the rows of `b`, and task 0 three times those of the others.
        let rows: Vec<VerifiedRow> = (0..100)
            .map(|index| {
                let task = [0, 0, 0, 1, 2][index % 5];
                row(index, task, if index % 10 == 7 { &["b"] } else { &["a"] })
            })
            .collect();
        let rows: Vec<&VerifiedRow> = rows.iter().collect();
        let chosen = choose(&rows, 18, 1);
        let (mut of_kind, mut of_task) = (BTreeMap::new(), BTreeMap::new());
        for &index in &chosen {
            *of_kind.entry(rows[index].kinds.first().expect("a kind")).or_insert(0) += 1;
            *of_task.entry(&rows[index].task_id).or_insert(0) += 1;
        }
        assert_eq!(of_kind.into_values().collect::<Vec<i32>>(), [9, 9]);
        let most =
            of_task.values().max().expect("a task") - of_task.values().min().expect("a task");
        // Every row of `b` is of task 0.
        assert!(most <= 9 - 4, "{of_task:?}");
        assert_eq!(chosen, choose(&rows, 18, 1));
        assert_ne!(chosen, choose(&rows, 18, 2));
        assert_eq!(choose(&rows, 0, 1).len(), 100);
        assert_eq!(choose(&rows, 1000, 1).len(), 100);
    }

    #[test]
    fn tasks_are_even_where_every_row_has_the_same_kind() {
        let rows: Vec<VerifiedRow> =
            (0..60).map(|index| row(index, usize::from(index >= 48), &["a"])).collect();
        let rows: Vec<&VerifiedRow> = rows.iter().collect();
        let of_second = choose(&rows, 20, 3).into_iter().filter(|index| *index >= 48).count();
        assert_eq!(of_second, 10);
    }

    #[test]
    fn rows_of_a_task_are_paired_and_an_odd_row_is_left_alone() {
        let encoded = |id: &str, x1: &[u32]| EncodedGroup {
            id: id.to_owned(),
            x1: x1.to_vec(),
            x2: Vec::new(),
            y1: vec![9, 0],
            y2: Vec::new(),
            false_cells: FalseCells::BOTH,
        };
        let rows = [
            ("s", encoded("a", &[1, 2, 3])),
            ("s", encoded("b", &[1, 5])),
            ("s", encoded("c", &[1, 2, 4])),
            ("t", encoded("d", &[1, 2, 3])),
            ("u", encoded("e", &[1, 7])),
        ];
        let made = pairs(rows.iter().map(|(task, row)| (*task, row)));
        let ids: Vec<&str> = made.iter().map(|pair| pair.id.as_str()).collect();
        assert_eq!(ids, ["a+c", "b+d", "e"]);
        assert_eq!((&made[0].x1, &made[0].x2), (&vec![1, 2, 3], &vec![1, 2, 4]));
        assert!(made[2].x2.is_empty() && made[2].y2.is_empty());
    }
}
