//! Types for one value per sequence of a group.

use std::fmt;
use std::ops::{Add, Mul, Sub};

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
    /// All four sequences.
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

/// One value per sequence of a group. `xiyj` belongs to response yj under instruction xi.
///
/// The fields are named so that no code depends on an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct PerSequence<T> {
    /// y1 under x1, the instruction that y1 follows.
    pub x1y1: T,
    /// y2 under x1.
    pub x1y2: T,
    /// y1 under x2.
    pub x2y1: T,
    /// y2 under x2, the instruction that y2 follows.
    pub x2y2: T,
}

impl<T> PerSequence<T> {
    /// Creates a value for each sequence.
    pub fn from_fn(mut value: impl FnMut(Sequence) -> T) -> Self {
        Self {
            x1y1: value(Sequence::X1Y1),
            x1y2: value(Sequence::X1Y2),
            x2y1: value(Sequence::X2Y1),
            x2y2: value(Sequence::X2Y2),
        }
    }

    /// Creates a value for each sequence, or returns the first error.
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

    /// Iterates over the sequences and their values.
    pub fn iter(&self) -> impl Iterator<Item = (Sequence, &T)> {
        Sequence::ALL.into_iter().map(|sequence| (sequence, self.get(sequence)))
    }
}

impl<T> PerSequence<T> {
    /// Returns the output comparisons, y1 over y2 under x1 and y2 over y1 under x2. The preferred sequence is first.
    pub fn output_pairs(&self) -> [(&T, &T); 2] {
        [(&self.x1y1, &self.x1y2), (&self.x2y2, &self.x2y1)]
    }

    /// Returns the input comparisons, y1 under x1 over x2 and y2 under x2 over x1. The preferred sequence is first.
    pub fn input_pairs(&self) -> [(&T, &T); 2] {
        [(&self.x1y1, &self.x2y1), (&self.x2y2, &self.x1y2)]
    }
}

impl<T> PerSequence<T>
where
    T: Clone + Sub<Output = T>,
{
    /// Returns the log-ratios `s_ij = log π(y_j | x_i) − log π_ref(y_j | x_i)`, where `self` are the policy's logps.
    #[must_use]
    pub fn log_ratios(&self, reference: &Self) -> Self {
        self.as_ref()
            .zip(reference.as_ref(), |policy, reference| policy.clone() - reference.clone())
    }

    /// Returns the implicit rewards `β·s_ij`, where `self` are the policy's logps.
    ///
    /// The partition functions `β·log Z(x_i)` are omitted because they cancel in [`margin`](Self::margin).
    #[must_use]
    pub fn rewards(&self, reference: &Self, beta: f64) -> Self
    where
        T: Mul<f64, Output = T>,
    {
        self.log_ratios(reference).map(|log_ratio| log_ratio * beta)
    }

    /// Returns the output margins `x1y1 − x1y2` and `x2y2 − x2y1`. Each is positive if an instruction prefers its own
    /// response.
    pub fn output_margins(&self) -> [T; 2] {
        self.output_pairs().map(|(preferred, other)| preferred.clone() - other.clone())
    }

    /// Returns the input margins `x1y1 − x2y1` and `x2y2 − x1y2`. Each is positive if a response prefers its own
    /// instruction.
    pub fn input_margins(&self) -> [T; 2] {
        self.input_pairs().map(|(preferred, other)| preferred.clone() - other.clone())
    }

    /// Returns `x1y1 + x2y2 − x1y2 − x2y1`. For log-ratios, this is the margin of IOPO without the factor beta.
    ///
    /// It equals the sum of the output margins, and also the sum of the input margins.
    pub fn margin(&self) -> T
    where
        T: Add<Output = T>,
    {
        let [x1, x2] = self.output_margins();
        x1 + x2
    }

    /// Returns `x1y1 + x2y2 − w12·x1y2 − w21·x2y1`, the margin of a full or sided group.
    ///
    /// With the [weights](FalseCells::weights) of a full group it equals [`margin`](Self::margin).
    pub fn margin_over(&self, weights: FalseCells<T>) -> T
    where
        T: Add<Output = T> + Mul<Output = T>,
    {
        self.x1y1.clone() + self.x2y2.clone()
            - self.x1y2.clone() * weights.x1y2
            - self.x2y1.clone() * weights.x2y1
    }
}

/// One value for each of the two mixed sequences of a group. A `bool` tells whether that cell of the truth table is
/// false.
///
/// A full group has two false cells: neither response follows the other instruction. A sided group has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FalseCells<T = bool> {
    /// y2 under x1. A `bool` is true if y2 does *not* follow x1.
    pub x1y2: T,
    /// y1 under x2. A `bool` is true if y1 does *not* follow x2.
    pub x2y1: T,
}

impl<T> FalseCells<T> {
    /// Returns the cells that the output comparisons reject, in the order of [`PerSequence::output_pairs`].
    pub fn rejected_outputs(&self) -> [&T; 2] {
        [&self.x1y2, &self.x2y1]
    }

    /// Returns the cells that the input comparisons reject, in the order of [`PerSequence::input_pairs`].
    pub fn rejected_inputs(&self) -> [&T; 2] {
        [&self.x2y1, &self.x1y2]
    }
}

impl FalseCells {
    /// Both mixed cells are false, as in a full group.
    pub const BOTH: Self = Self { x1y2: true, x2y1: true };

    /// Returns the false cells of a group whose truth table is `follows`.
    pub fn of(follows: PerSequence<bool>) -> Self {
        Self { x1y2: !follows.x1y2, x2y1: !follows.x2y1 }
    }

    /// Returns the weights of the mixed sequences in [`PerSequence::margin_over`]: 1 each if both cells are false, 2
    /// for a single false cell, 0 for a true cell.
    pub fn weights(self) -> FalseCells<f64> {
        let share = if self.x1y2 && self.x2y1 { 1.0 } else { 2.0 };
        let weight = |is_false: bool| if is_false { share } else { 0.0 };
        FalseCells { x1y2: weight(self.x1y2), x2y1: weight(self.x2y1) }
    }
}

#[cfg(test)]
mod tests {
    use super::{FalseCells, PerSequence, Sequence};

    const VALUES: PerSequence<i32> = PerSequence { x1y1: 1, x1y2: 20, x2y1: 300, x2y2: 4000 };

    #[test]
    fn every_accessor_reads_the_named_field() {
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
    fn the_margin_is_the_sum_of_the_output_or_input_margins() {
        assert_eq!(VALUES.margin(), 1 + 4000 - 20 - 300);
        assert_eq!(VALUES.output_margins(), [1 - 20, 4000 - 300]);
        assert_eq!(VALUES.input_margins(), [1 - 300, 4000 - 20]);
        assert_eq!(VALUES.margin(), VALUES.input_margins().into_iter().sum::<i32>());
    }

    #[test]
    fn rewards_are_beta_times_the_log_ratios() {
        let policy = VALUES.map(f64::from);
        let reference = PerSequence { x1y1: 2.0, x1y2: 10.0, x2y1: 100.0, x2y2: 5000.0 };
        let rewards = policy.rewards(&reference, 0.5);
        assert_eq!(rewards, PerSequence { x1y1: -0.5, x1y2: 5.0, x2y1: 100.0, x2y2: -500.0 });
    }

    #[test]
    fn a_single_false_cell_has_weight_two_and_a_true_cell_zero() {
        let margin = |x1y2, x2y1| {
            VALUES.map(f64::from).margin_over(FalseCells { x1y2, x2y1 }.weights()) as i32
        };
        assert_eq!(margin(true, true), VALUES.margin());
        assert_eq!(margin(true, false), 1 + 4000 - 2 * 20);
        assert_eq!(margin(false, true), 1 + 4000 - 2 * 300);
        let cells = FalseCells { x1y2: VALUES.x1y2, x2y1: VALUES.x2y1 };
        assert_eq!(cells.rejected_outputs(), VALUES.output_pairs().map(|(_, rejected)| rejected));
        assert_eq!(cells.rejected_inputs(), VALUES.input_pairs().map(|(_, rejected)| rejected));
        let follows = PerSequence { x1y1: true, x1y2: true, x2y1: false, x2y2: true };
        assert_eq!(FalseCells::of(follows), FalseCells { x1y2: false, x2y1: true });
    }
}
