//! One value for each of a group's four sequences.

use std::fmt;
use std::ops::{Add, Sub};

/// One of the four sequences of a group (x1, y1, x2, y2): a response under an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sequence {
    /// y1 under x1.
    X1Y1,
    /// y2 under x1.
    X1Y2,
    /// y1 under x2.
    X2Y1,
    /// y2 under x2.
    X2Y2,
}

impl Sequence {
    /// All four.
    pub const ALL: [Self; 4] = [Self::X1Y1, Self::X1Y2, Self::X2Y1, Self::X2Y2];

    /// Returns the field's name, for instance `x1y2`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::X1Y1 => "x1y1",
            Self::X1Y2 => "x1y2",
            Self::X2Y1 => "x2y1",
            Self::X2Y2 => "x2y2",
        }
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.as_str())
    }
}

/// A value for each sequence of a group: `xiyj` belongs to the response yj under the instruction xi.
///
/// The fields are named so that no code depends on an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PerSequence<T> {
    /// y1 under x1: y1 was written for x1.
    pub x1y1: T,
    /// y2 under x1.
    pub x1y2: T,
    /// y1 under x2.
    pub x2y1: T,
    /// y2 under x2: y2 was written for x2.
    pub x2y2: T,
}

impl<T> PerSequence<T> {
    /// Makes a value for each sequence.
    pub fn from_fn(mut value: impl FnMut(Sequence) -> T) -> Self {
        Self {
            x1y1: value(Sequence::X1Y1),
            x1y2: value(Sequence::X1Y2),
            x2y1: value(Sequence::X2Y1),
            x2y2: value(Sequence::X2Y2),
        }
    }

    /// Makes a value for each sequence, or returns the first error.
    ///
    /// # Errors
    /// Returns the first error of `value`.
    pub fn try_from_fn<E>(mut value: impl FnMut(Sequence) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            x1y1: value(Sequence::X1Y1)?,
            x1y2: value(Sequence::X1Y2)?,
            x2y1: value(Sequence::X2Y1)?,
            x2y2: value(Sequence::X2Y2)?,
        })
    }

    /// Returns one sequence's value.
    pub fn get(&self, sequence: Sequence) -> &T {
        match sequence {
            Sequence::X1Y1 => &self.x1y1,
            Sequence::X1Y2 => &self.x1y2,
            Sequence::X2Y1 => &self.x2y1,
            Sequence::X2Y2 => &self.x2y2,
        }
    }

    /// Applies `f` to each value.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> PerSequence<U> {
        PerSequence {
            x1y1: f(self.x1y1),
            x1y2: f(self.x1y2),
            x2y1: f(self.x2y1),
            x2y2: f(self.x2y2),
        }
    }

    /// Borrows each value.
    pub fn as_ref(&self) -> PerSequence<&T> {
        PerSequence { x1y1: &self.x1y1, x1y2: &self.x1y2, x2y1: &self.x2y1, x2y2: &self.x2y2 }
    }

    /// Combines the values of two groups sequence by sequence.
    pub fn zip<U, V>(self, other: PerSequence<U>, mut f: impl FnMut(T, U) -> V) -> PerSequence<V> {
        PerSequence {
            x1y1: f(self.x1y1, other.x1y1),
            x1y2: f(self.x1y2, other.x1y2),
            x2y1: f(self.x2y1, other.x2y1),
            x2y2: f(self.x2y2, other.x2y2),
        }
    }

    /// Iterates over the values with the sequences that they belong to.
    pub fn iter(&self) -> impl Iterator<Item = (Sequence, &T)> {
        Sequence::ALL.into_iter().map(|sequence| (sequence, self.get(sequence)))
    }
}

impl<T> PerSequence<T>
where
    T: Clone + Add<Output = T> + Sub<Output = T>,
{
    /// Returns `x1y1 + x2y2 − x1y2 − x2y1`; of log-ratios, the margin of IOPO before beta.
    pub fn margin(&self) -> T {
        let [v1, v2] = self.output_margins();
        v1 + v2
    }

    /// Returns the output margins `x1y1 − x1y2` and `x2y2 − x2y1`: does an instruction prefer its own response?
    pub fn output_margins(&self) -> [T; 2] {
        [self.x1y1.clone() - self.x1y2.clone(), self.x2y2.clone() - self.x2y1.clone()]
    }

    /// Returns the input margins `x1y1 − x2y1` and `x2y2 − x1y2`: does a response prefer its own instruction?
    pub fn input_margins(&self) -> [T; 2] {
        [self.x1y1.clone() - self.x2y1.clone(), self.x2y2.clone() - self.x1y2.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::{PerSequence, Sequence};

    const VALUES: PerSequence<i32> = PerSequence { x1y1: 1, x1y2: 20, x2y1: 300, x2y2: 4000 };

    #[test]
    fn every_way_of_reading_reads_the_named_field() {
        for (sequence, value) in VALUES.iter() {
            assert_eq!(VALUES.get(sequence), value);
        }
        assert_eq!(PerSequence::from_fn(|sequence| *VALUES.get(sequence)), VALUES);
        assert_eq!(VALUES.map(|value| value + 1).x2y1, 301);
        assert_eq!(VALUES.zip(VALUES, |left, right| left * right).x1y2, 400);
        let names = PerSequence::from_fn(Sequence::as_str);
        assert_eq!(
            (names.x1y1, names.x1y2, names.x2y1, names.x2y2),
            ("x1y1", "x1y2", "x2y1", "x2y2")
        );
        let failed = PerSequence::<()>::try_from_fn(|sequence| match sequence {
            Sequence::X1Y1 => Ok(()),
            other => Err(other),
        });
        assert_eq!(failed, Err(Sequence::X1Y2));
    }

    #[test]
    fn the_margin_is_the_sum_of_either_pair_of_margins() {
        assert_eq!(VALUES.margin(), 1 + 4000 - 20 - 300);
        assert_eq!(VALUES.output_margins(), [1 - 20, 4000 - 300]);
        assert_eq!(VALUES.input_margins(), [1 - 300, 4000 - 20]);
        assert_eq!(VALUES.margin(), VALUES.input_margins().into_iter().sum::<i32>());
    }
}
