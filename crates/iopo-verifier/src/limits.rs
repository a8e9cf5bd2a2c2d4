//! Sizes, counts and times that a server accepts.

use std::num::NonZero;
use std::thread;
use std::time::Duration;

use crate::error::ServerError;

/// The most instructions or constraints of an item.
pub const MOST_CHECKS: usize = 64;
/// The most levels of nesting of an item.
pub const MOST_LEVELS: usize = 32;
/// The most values of an item.
pub const MOST_VALUES: usize = 10_000;
/// The most values of a list in the arguments of an instruction or constraint.
pub const MOST_LISTED: usize = 64;
/// The most bytes of all texts in the arguments of an instruction or constraint.
pub const MOST_TEXT: usize = 256 << 10;

/// What a server accepts. Sizes are in bytes.
///
/// The memory of a server is bounded by about twice `max_pending_size`, plus 100 kB per connection and the working memory of a
/// check per thread, which is a multiple of the length of the response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Maximum size of the body of a request. Larger ones get status 413. Default 16 MiB, range 1 KiB to 1 GiB.
    pub max_body_size: usize,
    /// Maximum number of items of a request. More get status 413. Default 4096, range 1 to 1,000,000.
    pub max_items: usize,
    /// Maximum size of a response to check, in UTF-8. The item of a longer one has an error. Default 1 MiB, range 1 B to 1 GiB.
    pub max_response_size: usize,
    /// Maximum size of all bodies, lists of items and replies in memory. A request that exceeds it gets status 503. Default 256 MiB, range
    /// `max_body_size` to 64 GiB.
    pub max_pending_size: usize,
    /// Maximum number of open connections. Others wait until one closes. Default 512, range 1 to 65,536.
    pub max_connections: usize,
    /// Number of threads that check responses. Default: one per core. Range 1 to 256.
    pub threads: usize,
    /// Time for the checks of a request. Items that are not checked by then have an error; a request for which no thread was free
    /// gets status 503. Default 30 s.
    pub timeout: Duration,
    /// Time in which the body of a request must arrive; afterwards, it gets status 408. Default 30 s.
    pub body_timeout: Duration,
    /// Time after which a connection is closed that sends no complete header or reads no bytes of a reply. Default 60 s.
    pub idle_timeout: Duration,
    /// Time that open requests have to finish when the server stops. Default 10 s.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_size: 16 << 20,
            max_items: 4096,
            max_response_size: 1 << 20,
            max_pending_size: 256 << 20,
            max_connections: 512,
            threads: thread::available_parallelism().map_or(1, NonZero::get).min(256),
            timeout: Duration::from_secs(30),
            body_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_mins(1),
            stop_timeout: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Checks that every limit is in its range; times are from 1 ms to 1 day.
    ///
    /// # Errors
    /// Returns [`ServerError::Limit`] for the first limit that is not.
    pub fn validate(&self) -> Result<(), ServerError> {
        const GIB: usize = 1 << 30;
        let counts = [
            ("max_body_size", self.max_body_size, 1 << 10, GIB),
            ("max_items", self.max_items, 1, 1_000_000),
            ("max_response_size", self.max_response_size, 1, GIB),
            ("max_pending_size", self.max_pending_size, self.max_body_size, 64 * GIB),
            ("max_connections", self.max_connections, 1, 1 << 16),
            ("threads", self.threads, 1, 256),
        ];
        for (name, found, least, most) in counts {
            if !(least..=most).contains(&found) {
                let minimum = if name == "max_pending_size" { " (`max_body_size`)" } else { "" };
                let expected = format!("a number from {least}{minimum} to {most}");
                return Err(ServerError::Limit { name, found: found.to_string(), expected });
            }
        }
        let times = [
            ("timeout", self.timeout),
            ("body_timeout", self.body_timeout),
            ("idle_timeout", self.idle_timeout),
            ("stop_timeout", self.stop_timeout),
        ];
        for (name, found) in times {
            if !(Duration::from_millis(1)..=Duration::from_hours(24)).contains(&found) {
                let expected = "a time from 1 ms to 1 day".to_owned();
                let found = format!("{} s", found.as_secs_f64());
                return Err(ServerError::Limit { name, found, expected });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_in_range_and_a_limit_out_of_range_is_named() {
        Limits::default().validate().expect("valid defaults");
        let cases = [
            ("max_body_size", Limits { max_body_size: 0, ..Limits::default() }),
            ("max_items", Limits { max_items: 0, ..Limits::default() }),
            ("max_response_size", Limits { max_response_size: 0, ..Limits::default() }),
            ("max_pending_size", Limits { max_pending_size: 1 << 20, ..Limits::default() }),
            ("max_connections", Limits { max_connections: 0, ..Limits::default() }),
            ("threads", Limits { threads: 300, ..Limits::default() }),
            ("timeout", Limits { timeout: Duration::ZERO, ..Limits::default() }),
            ("stop_timeout", Limits { stop_timeout: Duration::MAX, ..Limits::default() }),
        ];
        for (name, limits) in cases {
            let error = limits.validate().expect_err(name).to_string();
            assert!(error.starts_with(&format!("limit `{name}`: found ")), "{error}");
        }
        let large = Limits { max_body_size: 1 << 30, ..Limits::default() };
        let error = large.validate().expect_err("more than all bodies together");
        let expected =
            "found 268435456, expected a number from 1073741824 (`max_body_size`) to 68719476736";
        assert_eq!(error.to_string(), format!("limit `max_pending_size`: {expected}"));
        assert!(error.hint().is_some_and(|hint| hint.contains("max_body_size")));
        let none = Limits { timeout: Duration::ZERO, ..Limits::default() };
        let error = none.validate().expect_err("no time").to_string();
        assert_eq!(error, "limit `timeout`: found 0 s, expected a time from 1 ms to 1 day");
    }
}
