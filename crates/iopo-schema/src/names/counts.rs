//! Counters of the data stages: totals, and breakdowns by reason, kind or split.

use std::fmt::Display;

use crate::named::names;

names! {
    /// A number of a `*_stats` file about the whole run.
    pub enum Total {
        /// Tasks read; in pairing, tasks with a usable response.
        Tasks = "tasks",
        /// Responses sampled; in pairing, distinct usable responses.
        Answers = "answers",
        /// Responses that passed cleaning and decontamination.
        Kept = "kept",
        /// `kept` over `answers`.
        KeptShare = "kept_share",
        /// Instructions written.
        Instructions = "instructions",
        /// Responses written; in pairing, responses read.
        Responses = "responses",
        /// Tasks with at least one written response.
        TasksWithResponses = "tasks_with_responses",
        /// `tasks_with_responses` over `tasks`.
        TasksWithResponsesShare = "tasks_with_responses_share",
        /// Attempted edits.
        EditsTried = "edits_tried",
        /// Responses, or groups with a response, that an edit changed.
        Edited = "edited",
        /// `edited` over the responses or groups written.
        EditedShare = "edited_share",
        /// Pairs of responses to one task that were compared.
        Pairs = "pairs",
        /// Preference groups written.
        Groups = "groups",
        /// Groups with a full truth table.
        Full = "full",
        /// Groups with one false cell.
        Sided = "sided",
        /// `full` over `groups`.
        FullShare = "full_share",
        /// Pairs of an accepted and a worse response written.
        WorsePairs = "worse_pairs",
        /// Verdicts of the written groups and pairs, if a judge gave some of them.
        Verdicts = "verdicts",
        /// Those of `verdicts` that code decided.
        CodeVerdicts = "code_verdicts",
        /// `code_verdicts` over `verdicts`.
        CodeVerdictsShare = "code_verdicts_share",
    }
}

names! {
    /// A counter of a `*_stats` file with one value per member, for instance per reason, kind or split.
    pub enum Breakdown {
        /// Groups written, by operation and kind of group.
        Yield = "yield",
        /// Responses or combinations dropped, by reason.
        Dropped = "dropped",
        /// Tasks that are not used because they overlap with prompts of an evaluation, by benchmark.
        Contaminated = "contaminated",
        /// Constraints not used for pairing, by reason.
        DroppedConstraints = "dropped_constraints",
        /// Instructions drawn for a response and dropped, by reason.
        DroppedInstructions = "dropped_instructions",
        /// Responses that a filter could not check, by filter.
        Unchecked = "unchecked",
        /// Edits dropped, by reason.
        DroppedEdits = "dropped_edits",
        /// Responses cut back to their last complete sentence, by the reason of the cut.
        Trimmed = "trimmed",
        /// Groups written, by split.
        Split = "split",
        /// Tasks, by split.
        Tasks = "tasks",
        /// Tasks with at least one group, by split.
        TasksWithGroups = "tasks_with_groups",
        /// Combinations considered, by operation.
        Candidates = "candidates",
        /// Constraints written, by type.
        Type = "type",
        /// Constraints written, by dimension.
        Dimension = "dimension",
        /// Constraints written, by kind.
        Kind = "kind",
        /// Constraints that differ between x1 and x2, by kind.
        Changed = "changed",
        /// Tasks with a response that satisfies a constraint of the kind, by kind.
        Reached = "reached",
        /// Responses written, by recipe.
        Recipe = "recipe",
        /// Responses written, by source.
        Source = "source",
        /// Responses written after an edit, by kind of the constraint that it made hold.
        Edited = "edited",
        /// Input preferences: those written, by split, and the others, by reason.
        InputPreferences = "input_preferences",
        /// Instructions, by number of constraints.
        ConstraintsPerInstruction = "constraints_per_instruction",
    }
}

impl Breakdown {
    /// Returns the name of one member's counter, for instance `dropped/empty`.
    pub fn of(self, member: impl Display) -> String {
        format!("{self}/{member}")
    }

    /// Splits a counter's name into its breakdown and member. Returns `None` for other names.
    pub fn parse(name: &str) -> Option<(Self, &str)> {
        let (breakdown, member) = name.split_once('/')?;
        Some((breakdown.parse().ok()?, member))
    }
}

#[cfg(test)]
mod tests {
    use super::Breakdown;

    #[test]
    fn a_member_can_contain_a_slash() {
        let name = Breakdown::Yield.of("full/revise");
        assert_eq!(name, "yield/full/revise");
        assert_eq!(Breakdown::parse(&name), Some((Breakdown::Yield, "full/revise")));
        assert_eq!(Breakdown::parse("loss"), None);
        assert_eq!(Breakdown::parse("rewards/margins"), None);
    }
}
