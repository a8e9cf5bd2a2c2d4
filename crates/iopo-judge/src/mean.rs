//! Means over the judged items, and over all items with unjudged ones counted as failed.

/// The sum of a measure over judged items, and the number of items.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Mean {
    /// The sum over the judged items.
    pub sum: f64,
    /// The number of judged items.
    pub judged: usize,
    /// The number of items.
    pub items: usize,
    /// The sum that unjudged items reach in any case, for instance the levels that hold before the first unjudged one.
    pub certain: f64,
}

impl Mean {
    /// Adds an item. An item without a value is unjudged.
    pub fn add(&mut self, value: Option<f64>) {
        self.items += 1;
        if let Some(value) = value {
            self.sum += value;
            self.judged += 1;
        }
    }

    /// Adds an unjudged item that reaches at least `certain`.
    pub fn add_unjudged(&mut self, certain: f64) {
        self.items += 1;
        self.certain += certain;
    }

    /// Adds the items of another mean.
    pub fn merge(&mut self, other: &Self) {
        self.sum += other.sum;
        self.judged += other.judged;
        self.items += other.items;
        self.certain += other.certain;
    }

    /// The mean over the judged items, if there is one.
    pub fn over_judged(&self) -> Option<f64> {
        (self.judged > 0).then(|| self.sum / self.judged as f64)
    }

    /// The mean over all items, where unjudged ones count as failed.
    pub fn unjudged_as_failed(&self) -> Option<f64> {
        (self.items > 0).then(|| (self.sum + self.certain) / self.items as f64)
    }

    /// The number of items without a verdict.
    pub fn unjudged(&self) -> usize {
        self.items - self.judged
    }
}

impl FromIterator<Option<f64>> for Mean {
    fn from_iter<I: IntoIterator<Item = Option<f64>>>(values: I) -> Self {
        let mut mean = Self::default();
        values.into_iter().for_each(|value| mean.add(value));
        mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unjudged_items_lower_one_of_the_means() {
        let mean: Mean = [Some(1.0), None, Some(0.5), None].into_iter().collect();
        assert_eq!(mean.over_judged(), Some(0.75));
        assert_eq!(mean.unjudged_as_failed(), Some(0.375));
        assert_eq!(mean.unjudged(), 2);
        assert_eq!(Mean::default().over_judged(), None);
        let mut both = mean;
        both.merge(&mean);
        assert_eq!((both.over_judged(), both.items), (Some(0.75), 8));
        both.add_unjudged(9.0);
        assert_eq!((both.over_judged(), both.unjudged_as_failed()), (Some(0.75), Some(12.0 / 9.0)));
    }
}
