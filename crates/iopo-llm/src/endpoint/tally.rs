//! Counts of requests, tokens and cost.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::time::{Duration, Instant};

use super::{Money, Usage};
use crate::FailureClass;

/// Counts of an [`Engine`](super::Engine) since it was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tally {
    /// Requests with an answer from a server.
    pub answered: u64,
    /// Requests with an answer or failure from the store. They cost nothing.
    pub from_store: u64,
    /// Requests that failed, by class.
    pub failed: BTreeMap<FailureClass, u64>,
    /// Attempts.
    pub sent: u64,
    /// Attempts after the first one of each request.
    pub resent: u64,
    /// Attempts that the server refused because of its rate limit.
    pub rate_limited: u64,
    /// Attempts without a result that a server may charge for.
    pub maybe_paid: u64,
    /// Tokens of the prompts, as far as they are known.
    pub prompt_tokens: u64,
    /// Prompt tokens that a server had cached.
    pub cached_tokens: u64,
    /// Generated tokens, as far as they are known.
    pub completion_tokens: u64,
    /// Generated tokens of reasoning.
    pub reasoning_tokens: u64,
    /// Results without token counts.
    pub unknown_usage: u64,
    /// Cost of the results with token counts and prices.
    pub cost: Money,
    /// Results whose cost is unknown.
    pub unknown_cost: u64,
    /// Damaged records, whose requests were sent again.
    pub damaged: u64,
    /// Answers that repeated the API key, which was replaced by `***`.
    pub keys_removed: u64,
}

impl Tally {
    /// Counts the tokens of a result, and its cost if it is known.
    pub(super) fn usage(&mut self, usage: &Usage, cost: Option<Money>) {
        let add = |sum: &mut u64, tokens: Option<u64>| {
            *sum = sum.saturating_add(tokens.unwrap_or(0));
        };
        add(&mut self.prompt_tokens, usage.prompt);
        add(&mut self.cached_tokens, usage.cached);
        add(&mut self.completion_tokens, usage.completion);
        add(&mut self.reasoning_tokens, usage.reasoning);
        self.unknown_usage += u64::from(usage.prompt.is_none() || usage.completion.is_none());
        match cost {
            Some(cost) => self.cost += cost,
            None => self.unknown_cost += 1,
        }
    }

    /// Describes the state of a run in a line.
    pub(super) fn line(
        &self,
        tokens_per_second: f64,
        (in_flight, limit): (usize, usize),
    ) -> String {
        let mut line = format!("{tokens_per_second:.0} tokens/s · {in_flight}/{limit} in flight");
        // Writing to a string does not fail.
        if self.cost > Money::ZERO || self.unknown_cost == 0 {
            let _ = write!(line, " · cost {}", self.cost);
        }
        if self.unknown_cost > 0 {
            let _ = write!(line, " · cost of {} answers unknown", self.unknown_cost);
        }
        for (name, count) in [("rate-limited", self.rate_limited), ("resent", self.resent)] {
            if count > 0 {
                let _ = write!(line, " · {count} {name}");
            }
        }
        if !self.failed.is_empty() {
            let classes: Vec<String> = self
                .failed
                .iter()
                .map(|(class, count)| format!("{} {count}", class.name()))
                .collect();
            let _ = write!(line, " · failed: {}", classes.join(", "));
        }
        line
    }
}

/// The rate of tokens within the last half minute.
#[derive(Debug, Default)]
pub(super) struct Recent {
    since: Option<Instant>,
    answers: VecDeque<(Instant, u64)>,
}

/// Time span of the rate.
const SPAN: Duration = Duration::from_secs(30);
/// Maximum number of answers that the rate covers.
const MOST: usize = 4096;

impl Recent {
    pub(super) fn add(&mut self, now: Instant, tokens: u64) {
        self.since.get_or_insert(now);
        self.answers.push_back((now, tokens));
        if self.answers.len() > MOST {
            self.answers.pop_front();
        }
    }

    /// Returns tokens per second.
    pub(super) fn rate(&mut self, now: Instant) -> f64 {
        while self.answers.front().is_some_and(|(at, _)| now.saturating_duration_since(*at) > SPAN)
        {
            self.answers.pop_front();
        }
        let oldest = self.answers.front().map(|(at, _)| *at);
        let Some((first, oldest)) = self.since.zip(oldest) else { return 0.0 };
        // During the first span, the rate covers the time since the first answer.
        let begin = if self.answers.len() == MOST { oldest } else { first };
        let time = now.saturating_duration_since(begin).min(SPAN).as_secs_f64().max(1.0);
        self.answers.iter().map(|(_, tokens)| *tokens as f64).sum::<f64>() / time
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Recent, Tally};
    use crate::FailureClass;
    use crate::endpoint::Usage;

    #[test]
    fn unknown_cost_is_shown_as_unknown() {
        let mut tally = Tally::default();
        assert_eq!(tally.line(0.0, (0, 2)), "0 tokens/s · 0/2 in flight · cost 0.00");
        tally.usage(&Usage::default(), None);
        tally.failed.insert(FailureClass::Empty, 2);
        let line = tally.line(12.4, (1, 2));
        let expected = "12 tokens/s · 1/2 in flight · cost of 1 answers unknown · failed: empty 2";
        assert_eq!(line, expected);
        assert_eq!((tally.unknown_usage, tally.unknown_cost), (1, 1));
    }

    #[test]
    fn the_rate_covers_half_a_minute() {
        let now = Instant::now();
        let mut recent = Recent::default();
        assert!(recent.rate(now) < 1e-9);
        for second in 0..120 {
            recent.add(now + Duration::from_secs(second), 10);
        }
        let rate = recent.rate(now + Duration::from_mins(2));
        assert!((rate - 10.0).abs() < 0.5, "{rate}");
    }
}
