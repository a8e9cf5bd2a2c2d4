//! The rules for Chinese texts.

mod code;
mod content;
mod format;
mod length;
mod more;
mod parts;
mod portions;
mod wording;

use super::rule::Rule;
pub(super) use parts::PARTS;

/// The rules by subject, tried in order.
pub(super) const RULES: &[&[Rule]] = &[
    length::RULES,
    format::RULES,
    content::RULES,
    code::RULES,
    super::training::CHINESE,
    portions::RULES,
    more::RULES,
    wording::RULES,
];

/// The rules for limits of parts, tried after the others.
pub(super) const LIMITS: &[&[Rule]] = portions::LIMITS;
