//! A token bucket: an allowance per minute that refills continuously.

use std::time::{Duration, Instant};

/// An allowance that refills continuously. It holds at most the amount of one second.
#[derive(Debug, Clone)]
pub(super) struct Bucket {
    per_second: f64,
    burst: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn new(per_minute: f64, now: Instant) -> Self {
        let per_second = per_minute / 60.0;
        let burst = per_second.max(1.0);
        Self { per_second, burst, level: burst, at: now }
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + elapsed * self.per_second).min(self.burst);
        self.at = self.at.max(now);
    }

    /// Returns how long to wait until `amount` can be taken. If `amount` exceeds one second's allowance, it is
    /// taken from a full bucket, whose balance becomes negative.
    pub(super) fn wait(&mut self, amount: f64, now: Instant) -> Duration {
        self.refill(now);
        let missing = amount.min(self.burst) - self.level;
        if missing <= 1e-9 {
            Duration::ZERO
        } else {
            Duration::try_from_secs_f64(missing / self.per_second).unwrap_or(Duration::MAX)
        }
    }

    pub(super) fn take(&mut self, amount: f64) {
        self.level -= amount;
    }

    /// Returns a reserved amount that was not used. A negative amount takes more.
    pub(super) fn give_back(&mut self, amount: f64) {
        self.level = (self.level + amount).min(self.burst);
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::Bucket;

    /// Seconds that `count` requests of `amount` take.
    fn time(bucket: &mut Bucket, count: usize, amount: f64, used: f64) -> f64 {
        let start = Instant::now();
        let mut now = start;
        for _ in 0..count {
            now += bucket.wait(amount, now);
            bucket.take(amount);
            bucket.give_back(amount - used);
        }
        (now - start).as_secs_f64()
    }

    #[test]
    fn the_rate_is_kept_and_the_burst_is_one_second() {
        let mut bucket = Bucket::new(600.0, Instant::now());
        let seconds = time(&mut bucket, 110, 1.0, 1.0);
        assert!((seconds - 10.0).abs() < 0.1, "{seconds}");
        assert_eq!(bucket.wait(5.0, Instant::now() + Duration::from_hours(1)), Duration::ZERO);
    }

    #[test]
    fn unused_reservations_are_given_back() {
        let full = time(&mut Bucket::new(60_000.0, Instant::now()), 50, 1000.0, 1000.0);
        let half = time(&mut Bucket::new(60_000.0, Instant::now()), 50, 1000.0, 500.0);
        assert!((full - 49.0).abs() < 0.1 && (half - 24.5).abs() < 0.6, "{full} {half}");
    }

    #[test]
    fn a_request_above_the_burst_waits_for_a_full_bucket_and_delays_the_next() {
        let now = Instant::now();
        let mut bucket = Bucket::new(60.0, now);
        assert_eq!(bucket.wait(10.0, now), Duration::ZERO);
        bucket.take(10.0);
        assert!((bucket.wait(1.0, now).as_secs_f64() - 10.0).abs() < 1e-6);
    }

    #[test]
    fn a_huge_debt_is_a_long_wait() {
        let now = Instant::now();
        let mut bucket = Bucket::new(1.0, now);
        bucket.take(u64::MAX as f64);
        assert!(bucket.wait(1.0, now) > Duration::from_hours(1000));
    }
}
