//! Each limit.

use std::time::{Duration, Instant};

use iopo_verifier::Limits;
use serde_json::json;

use crate::support::{QUICK, QUICK_RESULT, Reply, Running, body, slow_item};

const HEAD: &str =
    "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

#[test]
fn a_large_body_is_refused_and_the_client_can_read_why() {
    let server = Running::start(Limits { max_body_size: 100_000, ..Limits::default() });
    for spaces in [99_999, 200_000, 399_000] {
        let text = body(&[QUICK]) + &" ".repeat(spaces);
        let reply = server.post(&text);
        assert_eq!((reply.status, reply.error().as_str()), (413, "BodyTooLarge"));
        let mut client = server.connect();
        client.send(
            format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", text.len()).as_bytes(),
        );
        client.send(text.as_bytes());
        client.send(b"\r\n0\r\n\r\n");
        assert_eq!(client.reply().expect("a reply").status, 413);
    }
    let fits = body(&[QUICK]);
    let fits = fits.clone() + &" ".repeat(100_000 - fits.len());
    assert_eq!(server.post(&fits).status, 200);
}

#[test]
fn too_many_items_are_refused() {
    let server = Running::start(Limits { max_items: 3, ..Limits::default() });
    assert_eq!(server.post(&body(&[QUICK; 3])).status, 200);
    let reply = server.post(&body(&[QUICK; 4]));
    assert_eq!((reply.status, reply.error().as_str()), (413, "TooManyItems"));
}

#[test]
fn a_body_that_does_not_arrive_ends_with_a_timeout() {
    let body_timeout = Duration::from_millis(300);
    let server = Running::start(Limits { body_timeout, ..Limits::default() });
    let mut missing = server.connect();
    missing.send(format!("{HEAD}Content-Length: 50\r\n\r\n{{").as_bytes());
    let mut endless = server.connect();
    endless.send(format!("{HEAD}Transfer-Encoding: chunked\r\n\r\n").as_bytes());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(600) {
        endless.send(b"1\r\n \r\n");
        std::thread::sleep(Duration::from_millis(5));
    }
    for client in [&mut missing, &mut endless] {
        let reply = client.reply().expect("a reply");
        assert_eq!((reply.status, reply.error().as_str()), (408, "RequestTimeout"));
    }
}

#[test]
fn idle_connections_and_slow_headers_are_closed() {
    let idle_timeout = Duration::from_millis(300);
    let server = Running::start(Limits { idle_timeout, ..Limits::default() });
    let mut slow = server.connect();
    let mut idle = server.connect();
    assert_eq!(idle.post(&body(&[QUICK])).expect("a reply").status, 200);
    let begun = Instant::now();
    let mut sent = 0;
    // A byte now and then does not extend the time.
    while begun.elapsed() < Duration::from_secs(2) {
        slow.send(&HEAD.as_bytes()[sent..=sent]);
        sent += 1;
        std::thread::sleep(Duration::from_millis(40));
    }
    let begun = Instant::now();
    for mut client in [slow, idle] {
        assert!(client.reply().is_err() || client.rest() < 200);
    }
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_client_that_does_not_read_its_reply_is_dropped() {
    let idle_timeout = Duration::from_millis(300);
    let server = Running::start(Limits { idle_timeout, ..Limits::default() });
    let ids = vec!["punctuation:no_comma"; 64];
    let item = json!({"response": "a", "instruction_id_list": ids, "kwargs": vec![json!({}); 64]});
    let text = body(&vec![item.to_string(); 4096]);
    let reply = server.post(&text);
    assert!(reply.status == 200 && reply.body.len() > 10_000_000, "{}", reply.body.len());
    let mut client = server.connect();
    client.send(&crate::support::request(&text));
    let begun = Instant::now();
    while server.get("/health").json()["requests"]["open"] != 1 {
        assert!(begun.elapsed() < Duration::from_mins(1), "no reply");
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_secs(2));
    let read = client.rest();
    assert!(read < reply.body.len(), "{read} of {}", reply.body.len());
    assert_eq!(server.get("/health").status, 200);
}

#[test]
fn a_slow_item_does_not_hold_up_the_others_or_other_requests() {
    let limits = Limits { timeout: Duration::from_millis(1500), threads: 2, ..Limits::default() };
    let server = Running::start(limits);
    let slow = slow_item();
    let text = body(&[QUICK, &slow, QUICK]);
    let begun = Instant::now();
    let reply = server.post(&text);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(reply.status, 200);
    let result = |at: usize| reply.json()["results"][at].clone();
    assert_eq!(result(0).to_string(), QUICK_RESULT);
    assert_eq!(result(1)["error"]["type"], "Timeout");
    assert_eq!(result(1)["error"]["message"], "not checked within 1.5 s");
    assert_eq!(result(2).to_string(), QUICK_RESULT);

    // A request would not get further if it were sent again.
    let reply = server.post(&body(&[&slow]));
    assert_eq!(reply.status, 200);
    let error = &reply.json()["results"][0]["error"];
    assert_eq!(error["type"], "Timeout");
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("more time")), "{error}");
}

#[test]
fn a_request_for_which_no_thread_is_free_may_be_sent_again() {
    let size = 32 << 20;
    let limits = Limits {
        max_body_size: 2 * size,
        max_response_size: size,
        timeout: Duration::from_secs(1),
        threads: 1,
        ..Limits::default()
    };
    let server = Running::start(limits);
    // One check that takes seconds and cannot be interrupted.
    let sentence = "Mr. Smith went to Washington, D.C., at 5 p.m. on Jan. 3rd. ";
    let kwargs = json!([{"relation": "at least", "num_sentences": 3_000_000}]);
    let long = json!({
        "response": sentence.repeat(size / sentence.len()), "kwargs": kwargs,
        "instruction_id_list": ["length_constraints:number_sentences"],
    });
    let long = crate::support::request(&body(&[long.to_string()]));
    // Reading the long request takes a while, and until its check begins, the thread is free for others.
    let is_refused = |reply: &Reply| {
        if reply.status == 200 {
            return false;
        }
        let retry = reply.header("retry-after");
        assert_eq!((reply.status, reply.error().as_str(), retry), (503, "Overloaded", Some("1")));
        let message = reply.json()["error"]["message"].clone();
        assert_eq!(message, "no thread was free within 1 s");
        true
    };
    let refused = (0..5).any(|_| {
        let mut busy = server.connect();
        busy.send(&long);
        (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(50));
            is_refused(&server.post(&body(&[QUICK])))
        })
    });
    assert!(refused);
}

#[test]
fn the_server_answers_while_all_threads_check() {
    let server = Running::start(Limits { threads: 2, ..Limits::default() });
    let text = body(&vec![slow_item(); 4]);
    let mut busy = server.connect();
    busy.send(&crate::support::request(&text));
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    let health = server.get("/health");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!(health.json()["requests"]["open"], 2);
    // The work ends when its client is gone.
    drop(busy);
    let begun = Instant::now();
    while server.get("/health").json()["requests"]["open"] != 1 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the request is still open");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(server.post(&body(&[QUICK])).status, 200);
    assert!(begun.elapsed() < Duration::from_secs(25), "{:?}", begun.elapsed());
}

#[test]
fn bodies_in_memory_are_limited() {
    let limits = Limits { max_body_size: 1 << 20, max_pending_size: 1 << 20, ..Limits::default() };
    let server = Running::start(limits);
    let mut large = server.connect();
    large.send(format!("{HEAD}Content-Length: 1000000\r\n\r\n{}", " ".repeat(900_000)).as_bytes());
    let text = body(&[QUICK]) + &" ".repeat(600_000);
    // Otherwise the first body may be the one that is refused.
    std::thread::sleep(Duration::from_millis(500));
    let begun = Instant::now();
    let reply = loop {
        let reply = server.post(&text);
        if reply.status != 200 || begun.elapsed() > Duration::from_secs(10) {
            break reply;
        }
    };
    assert_eq!((reply.status, reply.error().as_str()), (503, "Overloaded"));
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert_eq!(server.get("/health").status, 200);
    drop(large);
    while server.post(&text).status != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "the memory is not free");
    }
}

#[test]
fn results_in_memory_are_limited() {
    let limits = Limits { max_body_size: 1 << 20, max_pending_size: 1 << 20, ..Limits::default() };
    let server = Running::start(limits);
    let ids = vec!["punctuation:no_comma"; 64];
    let item = json!({"response": "a", "instruction_id_list": ids, "kwargs": vec![json!({}); 64]});
    let text = |count| body(&vec![item.to_string(); count]);
    assert_eq!(server.post(&text(20)).status, 200);
    // The body fits, the results do not.
    assert!(text(220).len() < 500_000);
    let reply = server.post(&text(220));
    assert_eq!((reply.status, reply.error().as_str()), (503, "Overloaded"));
    assert_eq!(server.post(&text(20)).status, 200);
}

#[test]
fn connections_beyond_the_limit_wait() {
    let limits = Limits { max_connections: 2, ..Limits::default() };
    let server = Running::start(limits);
    let mut open = [server.connect(), server.connect()];
    for client in &mut open {
        assert_eq!(client.post(&body(&[QUICK])).expect("a reply").status, 200);
    }
    let mut third = server.connect();
    third.stream.set_read_timeout(Some(Duration::from_millis(300))).expect("an option");
    assert!(third.post(&body(&[QUICK])).is_err(), "a third connection is served");
    let [first, _second] = open;
    drop(first);
    third.stream.set_read_timeout(Some(Duration::from_secs(20))).expect("an option");
    assert_eq!(third.reply().expect("a reply").status, 200);
}

#[test]
fn answers_of_ten_megabytes_are_checked_in_seconds() {
    let limits = Limits {
        max_body_size: 32 << 20,
        max_response_size: 16 << 20,
        timeout: Duration::from_secs(100),
        ..Limits::default()
    };
    let server = Running::start(limits);
    let pieces = ["a", "a ", "\\\"", "(", ", \\n* ", "é😀. ", "1,2 ", "<<a>>", "\\n\\n"];
    let checks = [
        (
            "keywords:frequency",
            json!({"keyword": "aaaaaaab", "relation": "at least", "frequency": 3}),
        ),
        (
            "length_constraints:number_sentences",
            json!({"relation": "at least", "num_sentences": 3}),
        ),
        ("ratio:overlap", json!({"reference_text": "tea", "percentage": 50})),
        ("words:palindrome", json!({})),
        ("format:parentheses", json!({})),
    ];
    for (piece, (id, kwargs)) in pieces.iter().zip(checks.iter().cycle()) {
        let text = piece.repeat(10_000_000 / piece.len());
        let item = format!(
            r#"{{"response": "{text}", "instruction_id_list": ["{id}"], "kwargs": [{kwargs}]}}"#
        );
        let begun = Instant::now();
        let reply = server.post(&body(&[item]));
        assert_eq!(reply.status, 200, "{piece} {id}: {:?}", reply.error());
        assert!(reply.json()["results"][0]["reward"].is_number(), "{piece} {id}");
        assert!(begun.elapsed() < Duration::from_mins(1), "{piece} {id}: {:?}", begun.elapsed());
    }
}
