//! N-gram decontamination: responses to two tasks share no n-gram of words, except those that both instructions contain.

use std::collections::{BTreeSet, HashMap};

use crate::text::grams;

/// Marks an n-gram that comes from its owner's instruction.
const OWN: u32 = 1 << 31;

/// The task that used each n-gram first, and whether the n-gram comes from that task's instruction.
///
/// The map keeps a hash and a task number per n-gram, not its words. It is never iterated, so its order does not matter.
#[derive(Debug)]
pub struct NgramOwners {
    words: usize,
    runs: HashMap<u64, u32>,
}

impl NgramOwners {
    /// Creates an empty index of n-grams of `words` words.
    pub fn new(words: usize) -> Self {
        Self { words, runs: HashMap::new() }
    }

    /// Returns the n-grams of an instruction made of these texts.
    pub fn instruction_runs<'a>(&self, texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<u64> {
        texts.into_iter().flat_map(|text| grams(text, self.words)).collect()
    }

    /// Assigns the n-grams of `text` to task number `task`. Returns `false`, and changes nothing, if another task
    /// owns one that does not come from both instructions.
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
            // The task no longer shares the n-gram once it uses it outside an instruction. The constraint of an edited
            // row applies to that row only.
            if *owner & !OWN == task && mark == 0 {
                *owner = task;
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::NgramOwners;

    #[test]
    fn a_later_task_may_not_repeat_an_n_gram_of_an_earlier_one() {
        let mut owners = NgramOwners::new(3);
        let none = owners.instruction_runs([]);
        assert!(owners.admit(0, "the red fox sleeps", &none));
        assert!(owners.admit(0, "the red fox wakes", &none));
        assert!(!owners.admit(1, "Behold, the RED fox!", &none));
        assert!(owners.admit(1, "the red hen", &none));
    }

    #[test]
    fn an_n_gram_from_both_instructions_may_be_shared() {
        let mut owners = NgramOwners::new(3);
        let task = owners.instruction_runs(["Tell of the red fox."]);
        let none = owners.instruction_runs([]);
        assert!(owners.admit(0, "the red fox sleeps", &task));
        assert!(owners.admit(1, "so the red fox ran", &task));
        assert!(!owners.admit(2, "once the red fox ate", &none));
    }
}
