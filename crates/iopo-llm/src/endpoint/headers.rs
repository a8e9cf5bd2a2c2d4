//! Parses the headers that tell how long to wait.

use std::time::{Duration, SystemTime};

use reqwest::header::HeaderMap;

/// Longest wait that is accepted from a header. A longer one is a server error, or exceeds the length of any run.
const LONGEST: Duration = Duration::from_hours(7 * 24);

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Returns how long the server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date. Zero, a negative
/// number and a past date are no waits: with them, all attempts would follow at once.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let number = |text: &str, unit: f64| {
        let number = text.parse::<f64>().ok().filter(|number| *number > 0.0)?;
        Duration::try_from_secs_f64(number * unit).ok().filter(|wait| !wait.is_zero())
    };
    if let Some(wait) = text(headers, "retry-after-ms").and_then(|text| number(text, 1e-3)) {
        return Some(wait.min(LONGEST));
    }
    let value = text(headers, "retry-after")?;
    let date = || {
        let at = httpdate::parse_http_date(value).ok()?;
        at.duration_since(now).ok().filter(|wait| !wait.is_zero())
    };
    number(value, 1.0).or_else(date).map(|wait| wait.min(LONGEST))
}

/// Returns whether the server says that a retry makes sense.
pub(super) fn should_retry(headers: &HeaderMap) -> Option<bool> {
    match text(headers, "x-should-retry")? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Returns the limits of requests and of tokens that a server states. Some servers send zero or a negative number, which is
/// no limit.
pub(super) fn limits(headers: &HeaderMap) -> (Option<u64>, Option<u64>) {
    let limit = |kind: &str| {
        let number = text(headers, &format!("x-ratelimit-limit-{kind}"))?.parse::<u64>().ok();
        number.filter(|number| *number > 0)
    };
    (limit("requests"), limit("tokens"))
}

/// Returns how long to pause because the server reports that no requests or tokens are left.
///
/// The reset header tells when the full allowance is available again. If the allowance is known, the pause lasts only until
/// one request is available.
pub(super) fn exhausted(headers: &HeaderMap) -> Option<Duration> {
    let wait = |kind: &str| {
        let number =
            |part: &str| text(headers, &format!("x-ratelimit-{part}-{kind}"))?.parse::<f64>().ok();
        if number("remaining")? != 0.0 {
            return None;
        }
        let reset = duration(text(headers, &format!("x-ratelimit-reset-{kind}"))?)?;
        match number("limit").filter(|limit| *limit >= 1.0) {
            Some(limit) if kind == "requests" => Some(reset.div_f64(limit)),
            _ => Some(reset.min(Duration::from_secs(1))),
        }
    };
    wait("requests").max(wait("tokens"))
}

/// Reads a duration such as `1s`, `6m0s`, `12ms` or `0.5`, in seconds without a unit.
fn duration(text: &str) -> Option<Duration> {
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !(letter.is_ascii_digit() || letter == '.'));
        let (number, tail) = rest.split_at(digits.unwrap_or(rest.len()));
        let unit_end = tail.find(|letter: char| letter.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let seconds = match unit {
            "ms" => 1e-3,
            "" | "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * seconds;
        rest = tail;
    }
    Duration::try_from_secs_f64(total).ok().map(|wait| wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{duration, exhausted, retry_after};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let value = |text| HeaderValue::from_str(text).expect("a value");
        pairs.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
    }

    #[test]
    fn waits_are_seconds_milliseconds_or_dates() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_747);
        let wait = |pairs: &[(&'static str, &str)]| retry_after(&headers(pairs), now);
        assert_eq!(wait(&[("retry-after", "2")]), Some(Duration::from_secs(2)));
        assert_eq!(wait(&[("retry-after", "0.5")]), Some(Duration::from_millis(500)));
        let both = [("retry-after", "2"), ("retry-after-ms", "30")];
        assert_eq!(wait(&both), Some(Duration::from_millis(30)));
        let date = [("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT")];
        assert_eq!(wait(&date), Some(Duration::from_secs(30)));
        let past = [("retry-after", "Tue, 06 Nov 1984 08:49:37 GMT")];
        // A wait of zero would use up all attempts within a second: the backoff decides.
        assert_eq!(wait(&past), None);
        let zero = [("retry-after", "3"), ("retry-after-ms", "0")];
        assert_eq!(wait(&zero), Some(Duration::from_secs(3)));
        for bad in ["-1", "0", "0.0", "1e-30", "soon", "nan", "inf", ""] {
            assert_eq!(wait(&[("retry-after", bad)]), None, "{bad}");
        }
    }

    #[test]
    fn an_exhausted_allowance_pauses_until_one_request_is_left() {
        let wait = |pairs: &[(&'static str, &str)]| exhausted(&headers(pairs));
        let pairs = [
            ("x-ratelimit-limit-requests", "60"),
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "1m0s"),
        ];
        assert_eq!(wait(&pairs), Some(Duration::from_secs(1)));
        assert_eq!(wait(&pairs[1..]), Some(Duration::from_secs(1)));
        assert_eq!(wait(&pairs[..2]), None);
        let nonsense = [("x-ratelimit-remaining-tokens", "-1"), ("x-ratelimit-reset-tokens", "5s")];
        assert_eq!(wait(&nonsense), None);
    }

    #[test]
    fn only_positive_limits_count() {
        let pairs = [("x-ratelimit-limit-requests", "500"), ("x-ratelimit-limit-tokens", "30000")];
        assert_eq!(super::limits(&headers(&pairs)), (Some(500), Some(30_000)));
        let nonsense = [("x-ratelimit-limit-requests", "-1"), ("x-ratelimit-limit-tokens", "0")];
        assert_eq!(super::limits(&headers(&nonsense)), (None, None));
    }

    #[test]
    fn durations_have_units() {
        let read = |text| duration(text).map(|wait| wait.as_millis());
        assert_eq!(read("6m0s"), Some(360_000));
        assert_eq!(read("12ms"), Some(12));
        assert_eq!(read("1h2m3.5s"), Some(3_723_500));
        assert_eq!(read("7"), Some(7000));
        assert_eq!(read("-1s"), None);
        assert_eq!(read("1y"), None);
        assert_eq!(read("1.2.3s"), None);
    }
}
