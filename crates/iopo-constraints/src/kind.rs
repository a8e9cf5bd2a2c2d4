//! The kinds of constraints, collected from the families.
//!
//! Each kind is declared in the file of its family, with everything that the methods of [`Kind`] return. Adding a kind
//! is described in the [crate documentation](crate#adding-a-kind).

use std::fmt;

use rand::Rng;
use serde::{Deserialize, Serialize};

#[cfg(feature = "ifeval")]
use crate::ifeval::InstructionKind;
use crate::{
    constraint::Constraint,
    counted::CountedResponse,
    error::ConstraintError,
    families::{self, Home},
    slot::Slot,
    style::StylePrompt,
    taxonomy::{ConstraintType, Dimension},
};

/// Generates [`Kind`] from the declarations of all families.
macro_rules! kinds {
    ({
        $(
            $(#[$about:meta])* $family:ident $kinds:ident $kind:ident $id:literal $dimension:ident
                $weight:literal [$($slot:ident)*] [$($instruction:ident)*] [$($style:ident)*];
        )*
    }) => {
        /// A type of constraint, without its parameters. A [`Constraint`] adds them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Kind { $($(#[$about])* #[serde(rename = $id)] $kind,)* }

        impl Kind {
            /// Every kind, in a stable order.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The stable name in files, in snake case.
            pub fn id(self) -> &'static str {
                match self { $(Self::$kind => $id,)* }
            }

            /// The dimension of the taxonomy that the kind belongs to.
            pub fn dimension(self) -> Dimension {
                match self { $(Self::$kind => Dimension::$dimension,)* }
            }

            /// The prior for choosing among kinds. It is higher for constraints that people often ask for and that tell
            /// everyday responses apart; 1 is ordinary, and kinds of weight 0 are not [drawn](Kind::is_drawn).
            pub fn weight(self) -> f64 {
                match self { $(Self::$kind => $weight,)* }
            }

            /// The IFEval instruction types that ask for the same thing.
            #[cfg(feature = "ifeval")]
            pub fn ifeval(self) -> &'static [InstructionKind] {
                match self { $(Self::$kind => &[$(InstructionKind::$instruction,)*],)* }
            }

            /// The style prompts that elicit the kind, directly or in passing.
            pub fn style_prompts(self) -> &'static [StylePrompt] {
                match self { $(Self::$kind => &[$(StylePrompt::$style,)*],)* }
            }

            /// The parts of a response that the kind governs.
            pub(crate) fn slots(self) -> &'static [Slot] {
                match self { $(Self::$kind => &[$(Slot::$slot,)*],)* }
            }

            /// The family that implements the kind.
            pub(crate) fn home(self) -> Home {
                match self { $(Self::$kind => Home::$family(families::$kinds::$kind),)* }
            }
        }
    };
}

/// Collects the declarations of the families one after the other and passes them to `kinds!`.
macro_rules! collect {
    ({ $($kinds:tt)* }) => { kinds! { { $($kinds)* } } };
    ({ $($kinds:tt)* } $list:ident $($rest:ident)*) => {
        families::$list! { collect { $($kinds)* } $($rest)* }
    };
}

// The order is that of `Kind::ALL`.
collect! {
    {}
    length_kinds words_kinds figures_kinds marks_kinds case_kinds voice_kinds lists_kinds
    layout_kinds framing_kinds situation_kinds example_kinds characters_kinds document_kinds code_kinds
    phrases_kinds fields_kinds outline_kinds
    keywords_kinds ends_kinds letters_kinds periods_kinds wrapping_kinds composition_kinds
    portions_kinds emphasis_kinds citations_kinds joint_kinds
}

impl Kind {
    /// Returns the kind with this id.
    ///
    /// # Errors
    /// Returns [`ConstraintError::UnknownKind`] when there is none.
    pub fn from_id(id: &str) -> Result<Self, ConstraintError> {
        Self::ALL.iter().copied().find(|kind| kind.id() == id).ok_or_else(|| {
            ConstraintError::UnknownKind {
                id: id.chars().take(60).collect(),
                known: Self::ALL.len(),
            }
        })
    }

    /// Whether synthesis and test prompts draw the kind by default.
    ///
    /// The other kinds exist for [texts that people wrote](mod@crate::from_text). A kind weight in the configuration of
    /// synthesis lets it draw them too.
    pub fn is_drawn(self) -> bool {
        self.weight() > 0.0
    }

    /// The type of the taxonomy that the kind belongs to.
    pub fn constraint_type(self) -> ConstraintType {
        self.dimension().constraint_type()
    }

    /// The constraints of this kind that a response satisfies: at most 6, the tightest and most distinctive first, and
    /// only with parameters that a person would ask for.
    pub fn back_translate(self, response: &str) -> Vec<Constraint> {
        self.back_translate_counted(&CountedResponse::new(response))
    }

    /// Like [`Kind::back_translate`], for a response that other kinds count too.
    pub fn back_translate_counted(self, counted: &CountedResponse<'_>) -> Vec<Constraint> {
        let response = counted.response();
        if response.trim().is_empty() {
            return Vec::new();
        }
        let mut kept: Vec<Constraint> = Vec::new();
        for constraint in self.home().back_translate(response) {
            let good = constraint.validate().is_ok() && counted.satisfies(&constraint);
            if good && !kept.contains(&constraint) && kept.len() < 6 {
                kept.push(constraint);
            }
        }
        kept
    }

    /// Draws a constraint of this kind with sensible random parameters, for a task.
    pub fn draw(self, task: &str, rng: &mut impl Rng) -> Constraint {
        self.home().draw(task, rng)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}
