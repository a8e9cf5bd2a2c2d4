//! The names under which enums are stored and shown.

use std::fmt;
use std::str::FromStr;

use crate::rows::{GroupKind, Method, Operation, Split};

/// A name that an enum does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, found `{got}`")]
pub struct UnknownName {
    /// The names that there are.
    pub expected: String,
    /// The name that was given.
    pub got: String,
}

/// An enum that Parquet holds as its lower-case name.
pub(crate) trait Named: Copy + 'static {
    const VALUES: &'static [Self];
    fn name(self) -> &'static str;

    fn expected() -> String {
        let names: Vec<String> =
            Self::VALUES.iter().map(|value| format!("`{}`", value.name())).collect();
        format!("one of {}", names.join(", "))
    }

    fn named(name: &str) -> Option<Self> {
        Self::VALUES.iter().copied().find(|value| value.name() == name)
    }
}

macro_rules! named {
    ($type:ident { $($variant:ident => $name:literal),+ $(,)? }) => {
        impl $type {
            /// All values, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stored name.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl Named for $type {
            const VALUES: &'static [Self] = Self::ALL;

            fn name(self) -> &'static str {
                self.as_str()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.pad(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = UnknownName;

            fn from_str(name: &str) -> Result<Self, Self::Err> {
                Self::named(name)
                    .ok_or_else(|| UnknownName { expected: Self::expected(), got: name.to_owned() })
            }
        }
    };
}

named!(Split { Train => "train", Dev => "dev", Test => "test" });
named!(Method { Code => "code", Judge => "judge" });
named!(GroupKind { Full => "full", Sided => "sided" });
named!(Operation { Revise => "revise", Swap => "swap", Add => "add", Remove => "remove" });

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serde_display_and_parsing_agree() {
        for operation in Operation::ALL {
            assert_eq!(operation.to_string().parse(), Ok(*operation));
            let json = serde_json::to_string(operation).unwrap_or_default();
            assert_eq!(json, format!("\"{operation}\""));
        }
        assert_eq!(format!("{:>6}", Split::Dev), "   dev");
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "half".parse::<GroupKind>().unwrap_err();
        assert_eq!(error.to_string(), "expected one of `full`, `sided`, found `half`");
    }
}
