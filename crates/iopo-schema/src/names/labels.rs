//! The labels of rows: split, kind of group, operation, and who decided a verdict.

use crate::named::names;

names! {
    /// What a task and its rows are used for. Splits are made by task, never by row.
    pub enum Split {
        /// Training.
        Train = "train",
        /// Choices during training: learning rate, beta, early stopping.
        Dev = "dev",
        /// Final results only.
        Test = "test",
    }
}

names! {
    /// Who decided a verdict.
    pub enum Method {
        /// A checker: the verdict is proved.
        Code = "code",
        /// A language model, or the author of an imported row: the verdict is not proved.
        Judge = "judge",
    }
}

names! {
    /// How many cells of a group's truth table are false.
    pub enum GroupKind {
        /// Two: y1 follows x1 and not x2, y2 follows x2 and not x1.
        Full = "full",
        /// One: the group holds one strict output pair and one strict input pair.
        Sided = "sided",
    }
}

names! {
    /// How x2 was made from x1.
    pub enum Operation {
        /// A constraint was replaced by one that excludes it (full).
        Revise = "revise",
        /// A constraint was replaced by one that is compatible with it (full).
        Swap = "swap",
        /// A constraint was added (sided).
        Add = "add",
        /// A constraint was removed (sided).
        Remove = "remove",
    }
}
