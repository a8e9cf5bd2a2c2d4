//! The macro that declares a closed list of instruction types.

/// Declares the instruction types of a benchmark. Each parameter names the method of `Params` that reads it.
macro_rules! instructions {
    ($benchmark:literal: $(
        $(#[$about:meta])*
        $id:literal $kind:ident $({
            $($(#[$doc:meta])* $field:ident: $type:ty = $read:ident($($argument:literal),*)),* $(,)?
        })?;
    )*) => {
        /// A type of instruction, without its parameters. An [`Instruction`] adds them.
        #[derive(
            Debug,
            Clone,
            Copy,
            PartialEq,
            Eq,
            PartialOrd,
            Ord,
            Hash,
            serde::Serialize,
            serde::Deserialize,
        )]
        pub enum InstructionKind {
            $($(#[$about])* #[serde(rename = $id)] $kind,)*
        }

        impl InstructionKind {
            /// Every type, ordered by id.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The id in data files.
            pub fn id(self) -> &'static str {
                match self { $(Self::$kind => $id,)* }
            }

            /// Returns the type with this id.
            ///
            /// # Errors
            /// Returns [`InstructionError::UnknownInstruction`] when the benchmark has no such type.
            ///
            /// [`InstructionError::UnknownInstruction`]: crate::ifeval::InstructionError::UnknownInstruction
            pub fn from_id(id: &str) -> Result<Self, $crate::ifeval::InstructionError> {
                Self::ALL.iter().copied().find(|kind| kind.id() == id).ok_or_else(|| {
                    $crate::ifeval::InstructionError::UnknownInstruction {
                        id: $crate::ifeval::error::excerpt(id),
                        known: Self::ALL.len(),
                        benchmark: $benchmark,
                    }
                })
            }
        }

        impl std::fmt::Display for InstructionKind {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.id())
            }
        }

        /// An instruction with its parameters.
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Instruction {
            $($(#[$about])* $kind $({ $($(#[$doc])* $field: $type,)* })?,)*
        }

        impl $crate::ifeval::NamedInstruction for Instruction {
            fn from_parts(
                id: &str,
                kwargs: &serde_json::Map<String, serde_json::Value>,
            ) -> Result<Self, $crate::ifeval::InstructionError> {
                Self::from_parts(id, kwargs)
            }
        }

        impl Instruction {
            /// Reads an instruction from its id and keyword arguments. Null arguments count as absent.
            ///
            /// # Errors
            /// Returns an error for an unknown id and for an argument that is missing, unknown, of the wrong type or
            /// out of range.
            pub fn from_parts(
                id: &str,
                kwargs: &serde_json::Map<String, serde_json::Value>,
            ) -> Result<Self, $crate::ifeval::InstructionError> {
                let kind = InstructionKind::from_id(id)?;
                let mut params = $crate::ifeval::params::Params::new(kind.id(), kwargs);
                let instruction = match kind {
                    $(InstructionKind::$kind => Self::$kind $({
                        $($field: params.$read($($argument),*)?,)*
                    })?,)*
                };
                params.finish()?;
                Ok(instruction)
            }

            /// The type of the instruction.
            pub fn kind(&self) -> InstructionKind {
                match self { $(Self::$kind { .. } => InstructionKind::$kind,)* }
            }
        }
    };
}

pub(crate) use instructions;
