//! The items of lists and tuples.

use std::ops::Deref;

use super::Value;
use super::shape::Shape;

/// Items that do not change.
#[derive(Debug)]
pub(crate) struct Items {
    values: Vec<Value>,
    shape: Shape,
}

impl Items {
    /// Creates the items. Those that are nested too deeply are dropped, and the statement fails.
    pub(crate) fn new(mut values: Vec<Value>) -> Self {
        let shape = Shape::around(&values);
        if !shape.allowed() {
            values.clear();
        }
        Self { values, shape }
    }

    pub(crate) fn shape(&self) -> Shape {
        self.shape
    }
}

impl Deref for Items {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.values
    }
}
