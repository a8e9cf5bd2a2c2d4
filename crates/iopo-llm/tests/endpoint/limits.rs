//! Rates: configured limits are respected, and a server's limits are fully used.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use iopo_llm::endpoint::EndpointConfig;
use iopo_llm::{LanguageModel, Silent};

use crate::server::{Act, Server};
use crate::{config, open, options, requests};

/// Answers requests and returns the seconds that it took. No request fails.
fn time(settings: EndpointConfig, count: usize) -> f64 {
    let dir = tempfile::tempdir().expect("a folder");
    let (_engine, model) = open(dir.path(), options(), settings);
    let started = Instant::now();
    let outcomes = model.complete(&requests("rate", count), &Silent).expect("outcomes");
    assert!(outcomes.iter().all(Result::is_ok));
    started.elapsed().as_secs_f64()
}

#[test]
fn configured_rates_are_kept() {
    let server = Server::start(|_| Act::Answer("yes".to_owned()));
    let mut settings = config(&server);
    settings.requests_per_minute = Some(3000);
    // 50 a second, of which the first 50 are a burst. A busy machine may take longer.
    let requests = time(settings.clone(), 150);
    assert!(requests >= 1.9, "{requests}");
    settings.requests_per_minute = None;
    // 1000 tokens a second, and 30 tokens an answer.
    settings.tokens_per_minute = Some(60_000);
    let tokens = time(settings.clone(), 100);
    assert!(tokens >= 1.9, "{tokens}");
    settings.tokens_per_minute = None;
    let unlimited = time(settings, 100);
    assert!(unlimited < requests && unlimited < tokens, "negative control: {unlimited}");
}

#[test]
fn no_more_requests_are_in_flight_than_allowed() {
    let server = Server::start(|_| Act::Late(Duration::from_millis(5), "yes".to_owned()));
    let mut settings = config(&server);
    settings.max_concurrency = 6;
    time(settings.clone(), 400);
    assert_eq!(server.most_in_flight(), 6);
    // The first requests of a run do not come all at once.
    let server = Server::start(|_| Act::Late(Duration::from_millis(100), "yes".to_owned()));
    settings.base_url.clone_from(&server.url);
    settings.max_concurrency = 64;
    time(settings, 6);
    assert!(server.most_in_flight() < 6, "{}", server.most_in_flight());
}

#[test]
fn an_exhausted_allowance_pauses_all_requests() {
    let times = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&times);
    let server = Server::start(move |asked| {
        shared.lock().expect("a lock").push(asked.at);
        let header = |name, value: &str| (name, value.to_owned());
        let left = [
            header("x-ratelimit-remaining-requests", "0"),
            header("x-ratelimit-reset-requests", "400ms"),
        ];
        let body = r#"{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}]}"#;
        let first = asked.prompt == "rate 0";
        Act::Say(200, if first { left.to_vec() } else { Vec::new() }, body.to_owned())
    });
    let mut settings = config(&server);
    settings.max_concurrency = 1;
    time(settings, 20);
    let times = times.lock().expect("a lock");
    let mut gaps: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(gaps[0] >= Duration::from_millis(390), "{gaps:?}");
    gaps.sort();
    assert!(gaps[9] < Duration::from_millis(390), "the others do not wait: {gaps:?}");
}

/// The share of a server's limit that is used if none is configured.
fn share_of_in_flight_limit() -> f64 {
    const SLOTS: usize = 16;
    let time_of_answer = Duration::from_millis(50);
    let server = Server::start(move |asked| match asked.in_flight {
        0..=SLOTS => Act::Late(time_of_answer, "yes".to_owned()),
        _ => Act::error(429, "too many requests in flight"),
    });
    let count = 4000;
    let possible = SLOTS as f64 / time_of_answer.as_secs_f64();
    count as f64 / time(config(&server), count) / possible
}

fn share_of_rate_limit(retry_after: bool) -> f64 {
    const PER_SECOND: f64 = 200.0;
    let bucket = Mutex::new((PER_SECOND / 10.0, Instant::now()));
    let server = Server::start(move |asked| {
        let mut bucket = bucket.lock().expect("a lock");
        let passed = asked.at.saturating_duration_since(bucket.1).as_secs_f64();
        *bucket = ((bucket.0 + passed * PER_SECOND).min(PER_SECOND / 10.0), asked.at);
        if bucket.0 >= 1.0 {
            bucket.0 -= 1.0;
            return Act::Late(Duration::from_millis(30), "yes".to_owned());
        }
        let wait = ("retry-after-ms", "20".to_owned());
        let headers = if retry_after { vec![wait] } else { Vec::new() };
        Act::Say(429, headers, "slow down".to_owned())
    });
    let count = 3000;
    count as f64 / time(config(&server), count) / PER_SECOND
}

#[test]
#[ignore = "measures throughput, which needs an idle machine"]
fn the_throughput_is_within_15_percent_of_the_server_s_own_limit() {
    let in_flight = share_of_in_flight_limit();
    let rate = share_of_rate_limit(false);
    let told = share_of_rate_limit(true);
    for (limit, share) in [
        ("16 requests in flight", in_flight),
        ("200 requests per second", rate),
        ("200 requests per second, with waits in its answers", told),
    ] {
        let share = 100.0 * share;
        println!(
            "soak: throughput at a server's own limit of {limit} | {share:.1} % | at least 85 %"
        );
    }
    assert!(in_flight > 0.85 && rate > 0.85 && told > 0.85, "{in_flight} {rate} {told}");
}

/// The most requests in flight at the end of a run whose server answers fast, and after 100 requests in `later`.
fn in_flight_at_the_end(usage: bool, later: Duration) -> usize {
    const REQUESTS: usize = 200;
    let most = Arc::new(Mutex::new(0));
    let seen = Arc::clone(&most);
    let server = Server::start(move |asked| {
        let number: usize =
            asked.prompt.rsplit(' ').next().and_then(|at| at.parse().ok()).unwrap_or(0);
        let time = if number < 100 { Duration::from_millis(40) } else { later };
        if number > REQUESTS - 20 {
            let mut seen = seen.lock().expect("a lock");
            *seen = asked.in_flight.max(*seen);
        }
        if usage {
            return Act::Late(time, "yes".to_owned());
        }
        Act::LateSay(time, r#"{"choices":[{"message":{"content":"yes"}}]}"#.to_owned())
    });
    let mut settings = config(&server);
    settings.max_concurrency = 8;
    time(settings, REQUESTS);
    let most = most.lock().expect("a lock");
    *most
}

/// Real time passes here, so a busy machine can make fast answers slow. One of a few tries has to hold.
#[test]
fn a_server_that_slows_down_gets_fewer_requests_with_and_without_token_counts() {
    let holds = |check: &dyn Fn(usize) -> bool, usage, later| {
        let later = Duration::from_millis(later);
        let mut tries = (0..4).map(|_| in_flight_at_the_end(usage, later));
        assert!(tries.any(check), "{usage} {later:?}");
    };
    for usage in [true, false] {
        holds(&|most| most < 7, usage, 400);
    }
    // Negative control: a server as fast as before.
    holds(&|most| most >= 7, true, 40);
}
