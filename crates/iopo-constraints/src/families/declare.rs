//! The macro that declares the kinds of a family.

/// Declares the kinds of a family: their parameters and their properties.
///
/// ```text
/// family! {
///     /// The aspect of a response that the family covers.
///     Family, FamilyKind, family_kinds {
///         /// The requirement, as a verb phrase.
///         Variant {
///             /// The meaning of the parameter.
///             parameter: Type,
///         } = "stable_id", Dimension, weight 1.0,
///             slots [Slot …], ifeval [InstructionKind …], styles [StylePrompt …];
///     }
/// }
/// ```
///
/// `slots` are the parts of a response that the kind governs, `ifeval` the IFEval instruction types that ask for the
/// same thing, and `styles` the style prompts that elicit the kind. The macro generates
///
/// - the enum `Family`, with the parameters of each kind;
/// - the enum `FamilyKind`, without them, over which draws and back-translation match exhaustively;
/// - the macro `family_kinds!`, from which `kind.rs` collects [`Kind`](crate::Kind).
macro_rules! family {
    (
        $(#[$meta:meta])*
        $family:ident, $kinds:ident, $list:ident {
            $(
                $(#[$about:meta])*
                $kind:ident $({ $($(#[$doc:meta])* $field:ident: $type:ty),* $(,)? })?
                    = $id:literal, $dimension:ident, weight $weight:literal,
                    slots [$($slot:ident)*], ifeval [$($instruction:ident)*],
                    styles [$($style:ident)*];
            )*
        }
    ) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
            serde::Deserialize,
        )]
        #[serde(deny_unknown_fields)]
        pub enum $family {
            $(
                $(#[$about])*
                #[serde(rename = $id)]
                $kind $({ $($(#[$doc])* $field: $type),* })?,
            )*
        }

        /// The kinds of the family, without parameters.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $kinds { $($kind,)* }

        impl $crate::families::Declared for $family {
            fn kind(&self) -> $crate::kind::Kind {
                match self { $(Self::$kind { .. } => $crate::kind::Kind::$kind,)* }
            }

            fn value(&self) -> serde_json::Value {
                // Strings, numbers and unit enums always have a JSON form.
                serde_json::to_value(self).unwrap_or_default()
            }
        }

        impl From<$family> for $crate::constraint::Constraint {
            fn from(family: $family) -> Self {
                Self::$family(family)
            }
        }

        list! {
            ($) $list {
                $(
                    $(#[$about])* $family $kinds $kind $id $dimension $weight
                        [$($slot)*] [$($instruction)*] [$($style)*];
                )*
            }
        }
    };
}

/// Defines a macro that appends the kinds of a family to those collected so far and passes them on.
///
/// `$d` is a dollar sign, which a macro can write into another macro only in this way.
macro_rules! list {
    (($d:tt) $list:ident { $($kinds:tt)* }) => {
        macro_rules! $list {
            ($d next:ident { $d($d known:tt)* } $d($d rest:ident)*) => {
                $d next! { { $d($d known)* $($kinds)* } $d($d rest)* }
            };
        }
        pub(crate) use $list;
    };
}
