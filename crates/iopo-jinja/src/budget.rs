//! The step budget of the rendering on this thread, and its first error.
//!
//! Values are compared, written and dropped in many places, so the budget is a thread-local rather than an argument. Code
//! that exceeds it or refuses a value stops and returns an arbitrary value; the current statement then fails.

use std::cell::{Cell, RefCell};

use crate::error::{Error, Result};
use crate::value::Value;

/// Steps of one rendering. A step is an evaluation, a statement or 64 bytes of a new value.
pub(crate) const STEPS: u64 = 1 << 20;
/// Units of a step. A unit is a comparison of two values, or a value that is written.
const UNITS: u64 = 16;

thread_local! {
    /// Unlimited outside of a rendering.
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
    static REFUSED: RefCell<Option<Error>> = const { RefCell::new(None) };
}

/// Restores the previous budget of the thread when it is dropped.
pub(crate) struct Budget {
    before: u64,
}

impl Budget {
    /// Starts a budget for the thread.
    pub(crate) fn start(steps: u64) -> Self {
        REFUSED.take();
        Self { before: LEFT.replace(steps.saturating_mul(UNITS)) }
    }
}

impl Drop for Budget {
    fn drop(&mut self) {
        LEFT.set(self.before);
        REFUSED.take();
    }
}

/// Takes a number of units. Returns false if the budget is used up or something was refused: the caller stops, and the
/// statement fails.
pub(crate) fn spend(units: usize) -> bool {
    let left = LEFT.get().checked_sub(units as u64);
    LEFT.set(left.unwrap_or(0));
    if left.is_none() {
        REFUSED.with_borrow_mut(|refused| {
            let used_up = "the template takes too many steps or too much memory";
            refused.get_or_insert_with(|| Error::limit(used_up));
        });
    }
    left.is_some()
}

/// Takes a number of steps.
pub(crate) fn charge(steps: usize) -> Result<()> {
    work(steps.saturating_mul(UNITS as usize))
}

/// Takes a number of units, which must be available.
pub(crate) fn work(units: usize) -> Result<()> {
    if spend(units) { Ok(()) } else { check() }
}

/// Takes steps for the memory of a new value.
pub(crate) fn weighed(value: Value) -> Result<Value> {
    charge(value.weight() / 64)?;
    Ok(value)
}

/// Makes the current statement fail.
pub(crate) fn refuse(error: Error) {
    REFUSED.with_borrow_mut(|refused| {
        refused.get_or_insert(error);
    });
}

/// The result of a statement: an error if something was refused. An error of an inner statement already has its line.
pub(crate) fn outcome<T>(result: Result<T>) -> Result<T> {
    match (result, check()) {
        (Err(error), _) if error.line().is_some() => Err(error),
        (_, Err(refused)) => Err(refused),
        (result, Ok(())) => result,
    }
}

/// Returns the first error of [`refuse`].
pub(crate) fn check() -> Result<()> {
    REFUSED.with_borrow(Clone::clone).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::{Budget, charge, check, spend};

    #[test]
    fn a_budget_ends_with_its_guard() {
        {
            let _budget = Budget::start(2);
            assert!(charge(1).is_ok() && spend(16) && check().is_ok());
            assert!(!spend(1) && check().is_err() && charge(1).is_err());
        }
        assert!(check().is_ok() && charge(1 << 20).is_ok());
    }
}
