//! The labels of rows: split, kind of group, operation, author of a turn, method of a verdict, and source and end of a
//! response.

use crate::named::names;

names! {
    /// The use of a task and its rows. All rows of a task are in the same split.
    pub enum Split {
        /// Training.
        Train = "train",
        /// Tuning: learning rate, beta, early stopping.
        Dev = "dev",
        /// Final results.
        Test = "test",
    }
}

names! {
    /// The origin of a verdict.
    pub enum Method {
        /// A checker. The verdict is verified by code.
        Code = "code",
        /// A language model, or the author of an imported row. The verdict is marked as unverified.
        Judge = "judge",
    }
}

names! {
    /// The author of a turn.
    pub enum TurnRole {
        /// The system prompt.
        System = "system",
        /// The user.
        User = "user",
        /// The model.
        Assistant = "assistant",
    }
}

names! {
    /// The instructions of a group and the number of false cells in its truth table.
    pub enum GroupKind {
        /// Two false cells: y1 follows x1 only, and y2 follows x2 only.
        Full = "full",
        /// One false cell: the group has one strict output pair and one strict input pair.
        Sided = "sided",
        /// One instruction with a chosen and a rejected response, as other trainers have them: there is no x2, and y2 is the
        /// rejected response.
        Pair = "pair",
    }
}

names! {
    /// How x2 differs from x1.
    pub enum Operation {
        /// A constraint is replaced by one that excludes it (full).
        Revise = "revise",
        /// A constraint is replaced by a compatible one (full).
        Swap = "swap",
        /// A constraint is added (sided).
        Add = "add",
        /// A constraint is removed (sided).
        Remove = "remove",
        /// The list of constraints is written anew, so the two lists can differ in any way (sided).
        Rewrite = "rewrite",
    }
}

names! {
    /// How a response and its instruction were brought together.
    pub enum ResponseSource {
        /// The response was sampled for this instruction and accepted as it is.
        Sampled = "sampled",
        /// The text was edited so that a constraint holds.
        Edited = "edited",
        /// A failed constraint of the instruction was replaced by one of its revisions that the response satisfies.
        Reversed = "reversed",
        /// The instruction was drawn for an existing response, which satisfies it without an edit.
        Drawn = "drawn",
        /// The constraints were found from the response.
        BackTranslated = "back-translated",
        /// The response was asked for as a worse answer, which breaks a constraint of the instruction.
        Worse = "worse",
        /// Unknown: the response was read from a file, or its server names another reason.
        Given = "given",
    }
}

names! {
    /// How a response ended.
    pub enum ResponseEnd {
        /// The model generated a stop token.
        Stop = "stop",
        /// The response reached its token limit.
        Length = "length",
        /// Unknown: the response was read from a file.
        Given = "given",
        /// There is no response: the request failed.
        Failed = "failed",
    }
}
