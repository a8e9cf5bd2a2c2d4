//! The number of requests in flight, adapted to the server.
//!
//! It rises by one after a number of successes and falls to three quarters when the server signals overload, once per
//! burst. The limit that failed is remembered: above it, the number rises slowly and by a tenth at most. Servers that queue
//! without bound never signal overload, so the number also stops rising when more requests no longer bring more tokens.

use std::time::{Duration, Instant};

/// Where a run begins to count: fewer requests are sent until the first answers are there.
const FIRST: f64 = 2.0;
/// Where slow growth begins.
const START: f64 = 8.0;
/// How long a failed limit is remembered.
const MEMORY: Duration = Duration::from_mins(10);
/// Growth of the limit that calls for a comparison of rates, and the growth of the rate that it has to bring.
const COMPARE: f64 = 1.25;
const GAIN: f64 = 1.05;
/// How much slower than at its best a token may be.
const SLOW: f64 = 3.0;

#[derive(Debug)]
pub(super) struct Limit {
    max: f64,
    allowed: f64,
    /// The highest limit that works, and when a higher one failed.
    ceiling: Option<(f64, Instant)>,
    last_cut: Option<Instant>,
    successes: f64,
    window: Window,
    /// Limit and tokens a second of the window that later ones are compared with.
    baseline: Option<(f64, f64)>,
    /// The fewest seconds per token in any window.
    best: Option<f64>,
}

/// Counts of recent answers.
#[derive(Debug)]
struct Window {
    since: Instant,
    answers: f64,
    tokens: f64,
    seconds: f64,
}

impl Window {
    fn new(since: Instant) -> Self {
        Self { since, answers: 0.0, tokens: 0.0, seconds: 0.0 }
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

    /// Records an answer. `tokens` were generated since `started`, if the server counts them.
    pub(super) fn success(&mut self, started: Instant, now: Instant, tokens: Option<u64>) {
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
        let seconds = now.saturating_duration_since(started).as_secs_f64();
        self.window.answers += 1.0;
        self.window.tokens += tokens.unwrap_or(0) as f64;
        self.window.seconds += seconds;
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
        let elapsed = now.saturating_duration_since(window.since).as_secs_f64();
        if window.tokens <= 0.0 || elapsed <= 0.0 {
            return;
        }
        let rate = window.tokens / elapsed;
        let per_token = window.seconds / window.tokens;
        let best = self.best.map_or(per_token, |best| best.min(per_token));
        self.best = Some(best);
        if per_token > SLOW * best && self.allowed > 1.0 {
            self.allowed = (self.allowed * 0.9).floor().max(1.0);
            self.ceiling = Some((self.allowed, now));
            self.successes = 0.0;
            return;
        }
        match self.baseline {
            Some((limit, before)) if self.allowed >= COMPARE * limit => {
                if rate < GAIN * before {
                    self.allowed = limit;
                    self.ceiling = Some((limit, now));
                    self.successes = 0.0;
                } else {
                    self.baseline = Some((self.allowed, rate));
                }
            }
            Some((limit, _)) if self.allowed > limit => {}
            _ => self.baseline = Some((self.allowed, rate)),
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
        let mut flying: Vec<(Instant, Instant)> = Vec::new();
        let mut done = 0;
        while done < answers {
            while flying.len() < limit.current() {
                let (accepts, time) = serve(flying.len() + 1);
                if !accepts {
                    limit.overload(now, now);
                    now += Duration::from_millis(1);
                    break;
                }
                flying.push((now + time, now));
            }
            flying.sort_unstable();
            let (end, started) = flying.remove(0);
            now = now.max(end);
            limit.success(started, now, Some(100));
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
        // Negative control: a server that scales is used to the maximum.
        let (_, last) = simulate(64, 6000, |_| (true, Duration::from_secs(1)));
        assert_eq!(last, 64);
    }

    #[test]
    fn one_burst_is_one_cut_and_the_limit_stays_positive() {
        let now = Instant::now();
        let mut limit = Limit::new(32, now);
        for second in 0..200 {
            limit.success(now, now + Duration::from_secs(second), None);
        }
        let before = limit.current();
        let started = now + Duration::from_secs(200);
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
