//! Adapts the limit on requests in flight to the server.
//!
//! The limit rises by one after a number of successes and falls to three quarters when the server signals overload, once per
//! burst. After a fall, the limit that failed is remembered; above it, the limit rises slowly and by a tenth at most. Servers
//! with unbounded queues never signal overload, so the limit also stops rising when more requests no longer raise throughput, and
//! falls by a tenth when answers take three times as long as at best.
//!
//! Throughput and time are counted in generated tokens. If a server does not report them, an answer counts as one.

use std::time::{Duration, Instant};

/// Initial limit, which keeps the number of requests low until the first answers arrive.
const FIRST: f64 = 2.0;
/// The limit above which growth is slow.
const START: f64 = 8.0;
/// How long a failed limit is remembered.
const MEMORY: Duration = Duration::from_mins(10);
/// Growth of the limit that triggers a comparison of rates, and the growth of the rate that must result.
const COMPARE: f64 = 1.25;
const GAIN: f64 = 1.05;
/// How much the mean length of answers may change, as a factor, before rates can no longer be compared.
const LENGTHS: f64 = 1.5;
/// A server is too slow for the limit if a token takes this many times as long as at best. Then the limit falls to the share below.
const SLOWER: f64 = 3.0;
const FALL: f64 = 0.9;
/// Answers that take less time than this on average are not slow, whatever the best time is.
const FAST: f64 = 0.03;

#[derive(Debug)]
pub(super) struct Limit {
    max: f64,
    allowed: f64,
    /// The highest limit that works, and the time when a higher one failed.
    ceiling: Option<(f64, Instant)>,
    last_cut: Option<Instant>,
    successes: f64,
    window: Window,
    baseline: Option<Baseline>,
    best: Option<Best>,
}

/// The length of answers: the mean number of tokens, or none if the server does not report it for each.
#[derive(Debug, Clone, Copy)]
struct Length(Option<f64>);

impl Length {
    /// Returns whether rates and times of answers of both lengths can be compared.
    fn is_like(self, other: Self) -> bool {
        match (self.0, other.0) {
            (Some(one), Some(other)) => one <= LENGTHS * other && other <= LENGTHS * one,
            (None, None) => true,
            _ => false,
        }
    }
}

/// The window whose throughput later ones are compared with.
#[derive(Debug, Clone, Copy)]
struct Baseline {
    limit: f64,
    /// Tokens per second.
    rate: f64,
    length: Length,
}

/// The window with the shortest time per token.
#[derive(Debug, Clone, Copy)]
struct Best {
    limit: f64,
    /// Seconds of a request per token.
    time: f64,
    length: Length,
    at: Instant,
}

/// Counts of recent answers.
#[derive(Debug)]
struct Window {
    since: Instant,
    answers: f64,
    tokens: f64,
    /// Whether the server reports the tokens of every answer.
    known: bool,
    /// Sum of the seconds between a request and its answer.
    seconds: f64,
}

impl Window {
    fn new(since: Instant) -> Self {
        Self { since, answers: 0.0, tokens: 0.0, known: true, seconds: 0.0 }
    }

    fn add(&mut self, tokens: Option<u64>, took: Duration) {
        self.answers += 1.0;
        self.tokens += tokens.unwrap_or(0) as f64;
        self.known &= tokens.is_some();
        self.seconds += took.as_secs_f64();
    }

    /// Returns the tokens, or the answers without them, and the length of an answer.
    fn work(&self) -> (f64, Length) {
        if self.known && self.tokens > 0.0 {
            (self.tokens, Length(Some(self.tokens / self.answers)))
        } else {
            (self.answers, Length(None))
        }
    }
}

impl Limit {
    pub(super) fn new(max: usize, now: Instant) -> Self {
        let max = max.max(1) as f64;
        Self {
            max,
            allowed: FIRST.min(max),
            ceiling: None,
            last_cut: None,
            successes: 0.0,
            window: Window::new(now),
            baseline: None,
            best: None,
        }
    }

    /// Returns how many requests may be in flight, at least one.
    pub(super) fn current(&self) -> usize {
        self.allowed as usize
    }

    /// Records that a request is sent while no other is in flight. The time before it does not count.
    pub(super) fn resume(&mut self, now: Instant) {
        self.window = Window::new(now);
    }

    /// Records an answer of so many tokens, if the server counts them, and the time since its request was sent.
    pub(super) fn success(&mut self, now: Instant, tokens: Option<u64>, took: Duration) {
        if self.ceiling.is_some_and(|(_, at)| now.saturating_duration_since(at) > MEMORY) {
            self.ceiling = None;
        }
        self.successes += 1.0;
        let wanted = match self.ceiling {
            None if self.allowed < START && self.last_cut.is_none() => 1.0,
            None => self.allowed.max(25.0),
            Some((ceiling, _)) if self.allowed < ceiling => (self.allowed / 2.0).max(4.0),
            Some(_) => (self.allowed * 10.0).max(50.0),
        };
        if self.successes >= wanted {
            self.raise(now);
        }
        self.window.add(tokens, took);
        if self.window.answers >= (2.0 * self.allowed).max(20.0) {
            self.compare(now);
        }
    }

    fn raise(&mut self, now: Instant) {
        self.successes = 0.0;
        if let Some((ceiling, at)) = &mut self.ceiling
            && self.allowed >= *ceiling
        {
            // A limit above the ceiling has worked for a while: it is the new ceiling.
            *ceiling = self.allowed;
            *at = now;
        }
        self.allowed = (self.allowed + 1.0).min(self.max);
    }

    /// Records that the server signals overload to a request.
    pub(super) fn overload(&mut self, started: Instant, now: Instant) {
        if self.last_cut.is_some_and(|cut| started < cut) {
            return;
        }
        self.last_cut = Some(now);
        self.successes = 0.0;
        self.window = Window::new(now);
        match self.ceiling {
            Some((ceiling, _)) if self.allowed > ceiling => {
                self.allowed = ceiling;
                self.ceiling = Some((ceiling, now));
            }
            _ => {
                self.ceiling = Some(((self.allowed - 1.0).max(1.0), now));
                self.allowed = (self.allowed * 0.75).floor().max(1.0);
            }
        }
    }

    /// Compares a full window with earlier ones.
    fn compare(&mut self, now: Instant) {
        let window = std::mem::replace(&mut self.window, Window::new(now));
        if self.is_slow(&window, now) {
            self.allowed = (self.allowed * FALL).floor().max(1.0);
            self.ceiling = Some((self.allowed, now));
            self.successes = 0.0;
            self.baseline = None;
            return;
        }
        let elapsed = now.saturating_duration_since(window.since).as_secs_f64();
        if elapsed <= 0.0 {
            return;
        }
        let (work, length) = window.work();
        let new = Baseline { limit: self.allowed, rate: work / elapsed, length };
        // Other work, as of another role, has another rate at the same limit.
        match self.baseline.filter(|old| old.length.is_like(length)) {
            Some(old) if self.allowed >= COMPARE * old.limit => {
                if new.rate < GAIN * old.rate {
                    self.allowed = old.limit;
                    self.ceiling = Some((old.limit, now));
                    self.successes = 0.0;
                } else {
                    self.baseline = Some(new);
                }
            }
            Some(old) if self.allowed > old.limit => {}
            _ => self.baseline = Some(new),
        }
    }

    /// Returns whether the answers of a window took far longer than the best ones, and remembers the best ones.
    ///
    /// More requests at a time make each slower at a server that computes them together, so times are compared only as long as
    /// the limit has not grown much. Whether growth pays is a question of throughput.
    fn is_slow(&mut self, window: &Window, now: Instant) -> bool {
        let (work, length) = window.work();
        let new = Best { limit: self.allowed, time: window.seconds / work, length, at: now };
        let old = self.best.filter(|old| {
            old.length.is_like(length)
                && self.allowed < COMPARE * old.limit
                && now.saturating_duration_since(old.at) <= MEMORY
        });
        match old {
            Some(old) if new.time >= old.time => {
                new.time > SLOWER * old.time && window.seconds / window.answers > FAST
            }
            _ => {
                self.best = Some(new);
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Limit;

    /// Runs a server for some answers: `serve(in flight)` says whether it accepts and how long it takes. Returns the
    /// answers per second, and the limit at the end.
    fn simulate(
        max: usize,
        answers: usize,
        serve: impl Fn(usize) -> (bool, Duration),
    ) -> (f64, usize) {
        let begin = Instant::now();
        let mut limit = Limit::new(max, begin);
        let mut now = begin;
        let mut flying: Vec<(Instant, Duration)> = Vec::new();
        let mut done = 0;
        while done < answers {
            while flying.len() < limit.current() {
                let (accepts, time) = serve(flying.len() + 1);
                if !accepts {
                    limit.overload(now, now);
                    now += Duration::from_millis(1);
                    break;
                }
                flying.push((now + time, time));
            }
            flying.sort_unstable();
            let (landed, took) = flying.remove(0);
            now = now.max(landed);
            limit.success(now, Some(100), took);
            done += 1;
        }
        (done as f64 / (now - begin).as_secs_f64(), limit.current())
    }

    #[test]
    fn a_limit_of_requests_in_flight_is_found_and_used() {
        let time = Duration::from_secs(1);
        let (rate, _) = simulate(64, 2000, |flying| (flying <= 16, time));
        assert!(rate > 0.85 * 16.0, "{rate}");
        let (rate, last) = simulate(8, 2000, |flying| (flying <= 16, time));
        assert!(rate > 7.5 && last == 8, "{rate} {last}");
    }

    #[test]
    fn a_server_that_queues_is_not_flooded() {
        // Four slots: with more requests in flight, each takes longer.
        let queue = |flying: usize| (true, Duration::from_secs_f64(flying.max(4) as f64 / 4.0));
        let (rate, last) = simulate(64, 3000, queue);
        assert!(rate > 3.5 && last <= 12, "{rate} {last}");
        // Negative control: with a server that scales, the limit reaches the maximum.
        let (_, last) = simulate(64, 6000, |_| (true, Duration::from_secs(1)));
        assert_eq!(last, 64);
    }

    /// Answers requests that all take the same time, evenly spaced, with as many in flight as the limit allows.
    fn answers(
        limit: &mut Limit,
        now: &mut Instant,
        count: usize,
        seconds: f64,
        tokens: impl Into<Option<u64>> + Copy,
    ) {
        for _ in 0..count {
            *now += Duration::from_secs_f64(seconds / limit.current() as f64);
            limit.success(*now, tokens.into(), Duration::from_secs_f64(seconds));
        }
    }

    #[test]
    fn a_server_that_slows_down_at_a_steady_limit_gets_fewer_requests() {
        for tokens in [Some(100), None] {
            let mut now = Instant::now();
            let mut limit = Limit::new(16, now);
            answers(&mut limit, &mut now, 2000, 1.0, tokens);
            assert_eq!(limit.current(), 16, "{tokens:?}");
            // Twice as slow is not too slow.
            answers(&mut limit, &mut now, 200, 2.0, tokens);
            assert_eq!(limit.current(), 16, "{tokens:?}");
            answers(&mut limit, &mut now, 70, 4.0, tokens);
            assert_eq!(limit.current(), 12, "twice a tenth less: {tokens:?}");
            // As long as it stays slow, fewer and fewer.
            answers(&mut limit, &mut now, 100, 5.0, tokens);
            let slow = limit.current();
            assert!(slow < 10, "{slow} {tokens:?}");
            // It recovers, and is asked more again after a while.
            answers(&mut limit, &mut now, 6000, 1.0, tokens);
            assert!(limit.current() > slow, "{} {tokens:?}", limit.current());
        }
    }

    #[test]
    fn growth_is_judged_by_throughput_and_not_by_the_time_of_an_answer() {
        // A server that computes requests together: each takes longer, but all of them take less time.
        let together = |flying: usize| (true, Duration::from_secs_f64(1.0 + flying as f64 / 16.0));
        let (_, last) = simulate(64, 20_000, together);
        assert!(last > 32, "{last}");
    }

    #[test]
    fn fast_answers_are_not_slow() {
        let mut now = Instant::now();
        let mut limit = Limit::new(16, now);
        answers(&mut limit, &mut now, 2000, 0.001, Some(100));
        answers(&mut limit, &mut now, 2000, 0.02, Some(100));
        assert_eq!(limit.current(), 16);
    }

    #[test]
    fn a_server_without_token_counts_that_queues_is_not_flooded() {
        let mut now = Instant::now();
        let mut limit = Limit::new(64, now);
        for _ in 0..3000 {
            // Four slots answer four requests a second, whatever waits.
            now += Duration::from_millis(250);
            limit.success(now, None, Duration::from_secs_f64(limit.current() as f64 / 4.0));
        }
        assert!(limit.current() <= 12, "{}", limit.current());
    }

    #[test]
    fn shorter_answers_do_not_lower_the_limit() {
        let mut now = Instant::now();
        let mut limit = Limit::new(32, now);
        answers(&mut limit, &mut now, 3000, 5.0, 500);
        assert_eq!(limit.current(), 32);
        // Ten times as many seconds a token, and a tenth of the tokens a second.
        answers(&mut limit, &mut now, 3000, 0.5, 5);
        assert_eq!(limit.current(), 32);
        // In the middle of growth, too.
        let mut limit = Limit::new(64, now);
        answers(&mut limit, &mut now, 200, 5.0, 500);
        let before = limit.current();
        answers(&mut limit, &mut now, 3000, 0.5, 5);
        assert!(before < 20 && limit.current() == 64, "{before} {}", limit.current());
    }

    #[test]
    fn time_without_requests_does_not_lower_the_limit() {
        let after_a_break = |resumes: bool| {
            let mut now = Instant::now();
            let mut limit = Limit::new(64, now);
            answers(&mut limit, &mut now, 400, 1.0, 100);
            let before = limit.current();
            // Growth brings more tokens a second, unless the break counts.
            for _ in 0..8 {
                now += Duration::from_mins(1);
                if resumes {
                    limit.resume(now);
                }
                answers(&mut limit, &mut now, 4 * before, 1.0, 100);
            }
            (before, limit.current())
        };
        let (before, after) = after_a_break(true);
        assert!(after >= before + 8, "{before} {after}");
        let (before, after) = after_a_break(false);
        assert!(after < before + 8, "negative control: {before} {after}");
    }

    #[test]
    fn one_burst_is_one_cut_and_the_limit_stays_positive() {
        let mut now = Instant::now();
        let mut limit = Limit::new(32, now);
        answers(&mut limit, &mut now, 200, 1.0, None);
        let before = limit.current();
        let started = now;
        for _ in 0..10 {
            limit.overload(started, started + Duration::from_secs(1));
        }
        assert_eq!(limit.current(), before * 3 / 4);
        for second in 300..400 {
            let at = now + Duration::from_secs(second);
            limit.overload(at, at);
        }
        assert_eq!(limit.current(), 1);
    }
}
