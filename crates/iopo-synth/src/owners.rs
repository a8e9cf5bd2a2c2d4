//! The cross-task rule: two tasks never share a run of words that does not stem from their
//! instructions.

use std::collections::{BTreeSet, HashMap};

use crate::text::grams;

/// Set where the run stems from its owner's instruction.
const OWN: u32 = 1 << 31;

/// Which task used a run of words first, and whether it stems from that task's instruction.
///
/// Twelve bytes a run; the map is only looked up, never iterated, so its order does not matter.
#[derive(Debug)]
pub struct Owners {
    words: usize,
    runs: HashMap<u64, u32>,
}

impl Owners {
    /// No run has an owner yet; a run is `words` words long.
    pub fn new(words: usize) -> Self {
        Self { words, runs: HashMap::new() }
    }

    /// The runs that stem from an instruction made of these texts.
    pub fn instruction_runs<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<u64> {
        texts.into_iter().flat_map(|text| grams(text, self.words)).collect()
    }

    /// Gives the runs of `text` to task number `task`, or refuses (and changes nothing) where
    /// another task owns one that does not stem from both instructions.
    pub fn admit(&mut self, task: u32, text: &str, instruction: &BTreeSet<u64>) -> bool {
        let runs = grams(text, self.words);
        let offends = |run: &u64| {
            self.runs.get(run).is_some_and(|owner| {
                owner & !OWN != task && !(owner & OWN != 0 && instruction.contains(run))
            })
        };
        if runs.iter().any(offends) {
            return false;
        }
        for run in runs {
            let mark = if instruction.contains(&run) { OWN } else { 0 };
            let owner = self.runs.entry(run).or_insert(task | mark);
            // A run that the task uses once without its instruction (a repaired row's constraint
            // covers only that row) is exempt no longer.
            if *owner & !OWN == task && mark == 0 {
                *owner = task;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Owners;

    #[test]
    fn a_later_seed_may_not_repeat_a_run_of_an_earlier_one() {
        let mut owners = Owners::new(3);
        let none = owners.instruction_runs([]);
        assert!(owners.admit(0, "the red fox sleeps", &none));
        assert!(owners.admit(0, "the red fox wakes", &none));
        assert!(!owners.admit(1, "Behold, the RED fox!", &none));
        assert!(owners.admit(1, "the red hen", &none));
    }

    #[test]
    fn a_run_that_stems_from_both_instructions_may_be_shared() {
        let mut owners = Owners::new(3);
        let task = owners.instruction_runs(["Tell of the red fox."]);
        let none = owners.instruction_runs([]);
        assert!(owners.admit(0, "the red fox sleeps", &task));
        assert!(owners.admit(1, "so the red fox ran", &task));
        assert!(!owners.admit(2, "once the red fox ate", &none));
    }
}
