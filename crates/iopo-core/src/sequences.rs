//! One value for each of a group's four sequences.

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
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
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

impl<T> PerSequence<T> {
    /// Returns the output comparisons (y1 over y2 under x1; y2 over y1 under x2), the preferred sequence first.
    pub fn output_pairs(&self) -> [(&T, &T); 2] {
        [(&self.x1y1, &self.x1y2), (&self.x2y2, &self.x2y1)]
    }

    /// Returns the input comparisons (y1 under x1 over x2; y2 under x2 over x1), the preferred sequence first.
    pub fn input_pairs(&self) -> [(&T, &T); 2] {
        [(&self.x1y1, &self.x2y1), (&self.x2y2, &self.x1y2)]
    }
}

impl<T> PerSequence<T>
where
    T: Clone + Sub<Output = T>,
{
    /// Returns the log-ratios `s_ij = log π(y_j | x_i) − log π_ref(y_j | x_i)` of logps under a policy and a reference.
    #[must_use]
    pub fn log_ratios(&self, reference: &Self) -> Self {
        self.as_ref()
            .zip(reference.as_ref(), |policy, reference| policy.clone() - reference.clone())
    }

    /// Returns the implicit rewards `β·s_ij` of logps under a policy and a reference.
    ///
    /// A group's partition functions `β·log Z(x_i)` are left out: they cancel in [`margin`](Self::margin).
    #[must_use]
    pub fn rewards(&self, reference: &Self, beta: f64) -> Self
    where
        T: Mul<f64, Output = T>,
    {
        self.log_ratios(reference).map(|log_ratio| log_ratio * beta)
    }

    /// Returns the output margins `x1y1 − x1y2` and `x2y2 − x2y1`: does an instruction prefer its own response?
    pub fn output_margins(&self) -> [T; 2] {
        self.output_pairs().map(|(preferred, other)| preferred.clone() - other.clone())
    }

    /// Returns the input margins `x1y1 − x2y1` and `x2y2 − x1y2`: does a response prefer its own instruction?
    pub fn input_margins(&self) -> [T; 2] {
        self.input_pairs().map(|(preferred, other)| preferred.clone() - other.clone())
    }

    /// Returns `x1y1 + x2y2 − x1y2 − x2y1`; of log-ratios, the margin of IOPO before beta.
    ///
    /// It equals the sum of the output margins and the sum of the input margins.
    pub fn margin(&self) -> T
    where
        T: Add<Output = T>,
    {
        let [x1, x2] = self.output_margins();
        x1 + x2
    }

    /// Returns `x1y1 + x2y2 − w12·x1y2 − w21·x2y1`, the margin of a group of which one mixed sequence may be true.
    ///
    /// With the [weights](FalseCells::weights) of two false cells it is [`margin`](Self::margin).
    pub fn margin_over(&self, weights: FalseCells<T>) -> T
    where
        T: Add<Output = T> + Mul<Output = T>,
    {
        self.x1y1.clone() + self.x2y2.clone()
            - self.x1y2.clone() * weights.x1y2
            - self.x2y1.clone() * weights.x2y1
    }
}

impl<T: PartialOrd> PerSequence<T> {
    /// Returns whether each output margin is strictly positive.
    pub fn output_accuracies(&self) -> [bool; 2] {
        self.output_pairs().map(|(preferred, other)| preferred > other)
    }

    /// Returns whether each input margin is strictly positive.
    pub fn input_accuracies(&self) -> [bool; 2] {
        self.input_pairs().map(|(preferred, other)| preferred > other)
    }
}

/// A value for each mixed sequence of a group; as `bool`, whether that cell of the truth table is false.
///
/// A full group has two false cells: neither response follows the other instruction. A sided group has one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FalseCells<T = bool> {
    /// Of y2 under x1; as `bool`, whether y2 does *not* follow x1.
    pub x1y2: T,
    /// Of y1 under x2; as `bool`, whether y1 does *not* follow x2.
    pub x2y1: T,
}

impl FalseCells {
    /// Both mixed cells are false, as in a full group.
    pub const BOTH: Self = Self { x1y2: true, x2y1: true };

    /// Returns the false cells of a group whose truth table is `follows`.
    pub fn of(follows: PerSequence<bool>) -> Self {
        Self { x1y2: !follows.x1y2, x2y1: !follows.x2y1 }
    }

    /// Returns the weights of the mixed sequences in [`PerSequence::margin_over`]: 1 each where both cells are false, 2
    /// for a single false cell, 0 for a true one.
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

    #[test]
    fn rewards_are_beta_times_the_log_ratios() {
        let policy = VALUES.map(f64::from);
        let reference = PerSequence { x1y1: 2.0, x1y2: 10.0, x2y1: 100.0, x2y2: 5000.0 };
        let rewards = policy.rewards(&reference, 0.5);
        assert_eq!(rewards, PerSequence { x1y1: -0.5, x1y2: 5.0, x2y1: 100.0, x2y2: -500.0 });
        assert_eq!(rewards.output_accuracies(), [false, false]);
        assert_eq!(VALUES.output_accuracies(), [false, true]);
        assert_eq!(VALUES.input_accuracies(), [false, true]);
        let level = PerSequence { x1y1: 1, x1y2: 1, x2y1: 1, x2y2: 1 };
        assert_eq!(level.output_accuracies(), [false, false], "a tie is no success");
    }

    #[test]
    fn a_single_false_cell_counts_twice_and_a_true_one_never() {
        let margin = |x1y2, x2y1| {
            VALUES.map(f64::from).margin_over(FalseCells { x1y2, x2y1 }.weights()) as i32
        };
        assert_eq!(margin(true, true), VALUES.margin());
        assert_eq!(margin(true, false), 1 + 4000 - 2 * 20);
        assert_eq!(margin(false, true), 1 + 4000 - 2 * 300);
        let follows = PerSequence { x1y1: true, x1y2: true, x2y1: false, x2y2: true };
        assert_eq!(FalseCells::of(follows), FalseCells { x1y2: false, x2y1: true });
    }
}
