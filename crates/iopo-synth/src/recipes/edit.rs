//! The `edit` recipe: draws instructions for an answer to a plain task and edits the answer until their constraints hold.

use iopo_constraints::{Constraint, Kind};
use iopo_core::random::{keyed, weighted};
use iopo_schema::{Breakdown, ResponseSource};
use rand::{Rng, RngExt};

use crate::SynthError;
use crate::clean::Drop;
use crate::rows::instruction_row;
use crate::satisfy::edited_to_satisfy;
use crate::survey::CleanSample;
use crate::write::{Draft, Place, Writer, Written};

impl Writer<'_> {
    /// Writes up to `instructions_per_answer` instructions for an answer.
    pub(crate) fn edit_recipe(
        &mut self,
        place: &mut Place<'_>,
        answer: &CleanSample,
        out: &mut Written,
    ) -> Result<(), SynthError> {
        let mut failed = Some(Drop::NoConstraint);
        for turn in 0..self.config.instructions_per_answer {
            let (sample, turn) = (answer.info.sample.to_string(), turn.to_string());
            let key = ["edit", &place.task.id, &sample, &turn];
            let mut rng = keyed(self.config.seed, &key);
            let (constraints, text) = self.draw_for(&place.task.task, &answer.text, &mut rng);
            if constraints.is_empty() {
                continue;
            }
            let source =
                if text == answer.text { ResponseSource::Drawn } else { ResponseSource::Edited };
            let instruction = instruction_row(place.task, &constraints, self.config, &mut rng);
            let draft = Draft { instruction, constraints, text, source };
            self.emit_or_count(place, answer, draft, &mut failed, out)?;
        }
        if let Some(reason) = failed {
            out.counts.one(Breakdown::Dropped.of(reason.name()));
        }
        Ok(())
    }

    /// Draws constraints for an answer and edits its text until they hold. Returns the constraints and the text.
    ///
    /// The number and the parameters of the constraints are drawn as for test prompts. A constraint that holds already is
    /// kept with the probability `keep_probability`, and another one if an edit reaches it without breaking the earlier ones.
    /// For a kind with fewer examples than the average, a constraint that the text satisfies can take its place.
    fn draw_for(&self, task: &str, answer: &str, rng: &mut impl Rng) -> (Vec<Constraint>, String) {
        let config = self.config;
        let count = weighted(&config.constraints_per_instruction, rng).map_or(1, |i| i + 1);
        let mut chosen: Vec<Constraint> = Vec::new();
        let mut text = answer.to_owned();
        for kind in self.shuffled_kinds(rng) {
            if chosen.len() >= count {
                break;
            }
            let constraint = kind.draw(task, rng);
            if !constraint.fits_with(&chosen) {
                continue;
            }
            if constraint.check(&text).satisfied {
                if rng.random_bool(config.keep_probability) {
                    chosen.push(constraint);
                }
                continue;
            }
            chosen.push(constraint);
            if let Some(edited) = edited_to_satisfy(answer, &chosen, config.max_edit) {
                text = edited;
            } else {
                chosen.pop();
                chosen.extend(self.found_in(&text, kind, &chosen, rng));
            }
        }
        (chosen, text)
    }

    /// Finds a constraint of a rare kind that a text satisfies, for kinds whose drawn parameters hardly ever hold.
    fn found_in(
        &self,
        text: &str,
        kind: Kind,
        chosen: &[Constraint],
        rng: &mut impl Rng,
    ) -> Option<Constraint> {
        let total: u64 = self.examples.values().sum();
        let examples = self.examples.get(&kind).copied().unwrap_or(0);
        if examples * self.kinds.len() as u64 > total {
            return None;
        }
        let mut found = kind.back_translate(text);
        found.retain(|constraint| constraint.fits_with(chosen));
        (!found.is_empty()).then(|| found.swap_remove(rng.random_range(0..found.len())))
    }

    /// Returns the usable kinds in random order. A kind tends to be earlier the fewer examples it has.
    fn shuffled_kinds(&self, rng: &mut impl Rng) -> Vec<Kind> {
        let total: u64 = self.examples.values().sum();
        let mean = total as f64 / self.kinds.len().max(1) as f64;
        let mut order: Vec<(f64, Kind)> = Vec::with_capacity(self.kinds.len());
        for &(kind, _) in self.kinds {
            let examples = self.examples.get(&kind).copied().unwrap_or(0) as f64;
            let rate = ((mean + 1.0) / (examples + 1.0)).powf(self.config.kind_balance);
            // Exponential waiting times with these rates give a weighted shuffle (Efraimidis and Spirakis 2006,
            // doi 10.1016/j.ipl.2005.11.003).
            order.push((-(1.0 - rng.random::<f64>()).ln() / rate, kind));
        }
        order.sort_by(|one, other| one.0.total_cmp(&other.0));
        order.into_iter().map(|(_, kind)| kind).collect()
    }
}
