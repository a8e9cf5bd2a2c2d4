//! The rules for Chinese texts.

mod content;
mod format;
mod length;
mod parts;

use super::rule::Rule;
pub(super) use parts::PARTS;

/// The rules by subject, tried in order.
pub(super) const RULES: &[&[Rule]] =
    &[length::RULES, format::RULES, content::RULES, super::training::CHINESE];
