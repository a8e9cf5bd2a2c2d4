//! Python's formats: `'%s' % value`, `'{}'.format(value)` and their specifications.

pub(crate) mod brace;
pub(crate) mod percent;
pub(crate) mod spec;
