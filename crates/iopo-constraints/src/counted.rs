//! A response with cached counts, for many checks of the same text.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

use crate::constraint::Constraint;
use crate::han;
use crate::measure::Measure;
use crate::text;

/// A response with the counts taken so far. Each count is taken once, for all constraints that need it.
///
/// ```
/// use iopo_constraints::{CountedResponse, Kind};
///
/// let answer = "Warm the pot. Add the leaves. Pour hot water and wait.";
/// let counted = CountedResponse::new(answer);
/// for constraint in Kind::ALL.iter().flat_map(|kind| kind.back_translate(answer)) {
///     assert!(counted.satisfies(&constraint) && constraint.check(answer).satisfied);
/// }
/// ```
#[derive(Debug)]
pub struct CountedResponse<'a> {
    response: &'a str,
    is_blank: bool,
    counts: RefCell<HashMap<Measure, usize>>,
    /// The number of occurrences of each word, by [`text::key`].
    words: OnceCell<HashMap<String, usize>>,
}

impl<'a> CountedResponse<'a> {
    /// Wraps a response. Counts are taken when a check needs them.
    pub fn new(response: &'a str) -> Self {
        Self {
            response,
            is_blank: response.trim().is_empty(),
            counts: RefCell::default(),
            words: OnceCell::new(),
        }
    }

    /// The response.
    pub fn response(&self) -> &'a str {
        self.response
    }

    /// Whether the response satisfies a constraint. The result is that of [`Constraint::check`].
    pub fn satisfies(&self, constraint: &Constraint) -> bool {
        !self.is_blank
            && constraint.bounds().iter().all(|bound| bound.holds(self.count(&bound.measure)))
    }

    fn count(&self, measure: &Measure) -> usize {
        if let Measure::Word(word) = measure
            && !han::has(word)
        {
            return self.words().get(word).copied().unwrap_or(0);
        }
        if let Some(count) = self.counts.borrow().get(measure) {
            return *count;
        }
        let count = measure.count(self.response);
        self.counts.borrow_mut().insert(measure.clone(), count);
        count
    }

    fn words(&self) -> &HashMap<String, usize> {
        self.words.get_or_init(|| {
            let mut words = HashMap::new();
            for key in text::keys(self.response) {
                *words.entry(key).or_insert(0) += 1;
            }
            words
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::CountedResponse;
    use crate::Kind;

    proptest! {
        #[test]
        fn cached_counts_agree_with_the_checks(response in "[ -~\n“’é…]{0,160}", seed in any::<u64>()) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let counted = CountedResponse::new(&response);
            for kind in Kind::ALL {
                let drawn = kind.draw(&response, &mut rng);
                let revised = drawn.revisions();
                // The second check uses the cache.
                for constraint in [drawn.clone(), drawn].into_iter().chain(revised) {
                    prop_assert_eq!(
                        counted.satisfies(&constraint),
                        constraint.check(&response).satisfied,
                        "{:?}", constraint
                    );
                }
                for constraint in kind.back_translate_counted(&counted) {
                    prop_assert!(constraint.check(&response).satisfied, "{:?}", constraint);
                }
            }
        }
    }
    #[test]
    fn counts_are_kept_per_response() {
        let (short, long) =
            ("Warm the pot!", "Warm the pot. Then add two leaves, and wait: 3 minutes.");
        let constraints: Vec<_> =
            Kind::ALL.iter().flat_map(|kind| kind.back_translate(short)).collect();
        let (of_short, of_long) = (CountedResponse::new(short), CountedResponse::new(long));
        assert!(constraints.iter().all(|constraint| of_short.satisfies(constraint)));
        assert!(constraints.iter().any(|constraint| !of_long.satisfies(constraint)));
        assert!(!CountedResponse::new(" \n").satisfies(&constraints[0]));
    }
}
