//! A stop lets open requests finish.

use std::time::{Duration, Instant};

use iopo_verifier::Limits;

use crate::support::{Client, QUICK, Running, body, request, slow_item, slow_item_of};

#[test]
fn open_requests_finish_and_new_connections_are_refused() {
    let limits = Limits {
        threads: 1,
        stop_timeout: Duration::from_mins(2),
        timeout: Duration::from_mins(2),
        ..Limits::default()
    };
    let server = Running::start(limits);
    let mut idle = server.connect();
    assert_eq!(idle.post(&body(&[QUICK])).expect("a reply").status, 200);
    let mut busy = server.connect();
    busy.send(&request(&body(&[QUICK, &slow_item_of(10), QUICK])));
    std::thread::sleep(Duration::from_millis(300));
    server.ask();
    // The connection without a request is closed.
    assert!(idle.reply().is_err());
    let refused = Instant::now();
    while Client::connect(server.address).is_ok() {
        assert!(refused.elapsed() < Duration::from_secs(10), "still listening");
    }
    let reply = busy.reply().expect("a reply");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["results"].as_array().map(Vec::len), Some(3));
    assert!(reply.json()["results"][1]["reward"].is_number());
    let summary = server.stop();
    assert_eq!((summary.answered, summary.unfinished), (2, 0));
}

#[test]
fn a_part_of_a_header_does_not_hold_up_the_stop() {
    let limits = Limits { threads: 1, stop_timeout: Duration::from_mins(1), ..Limits::default() };
    let server = Running::start(limits);
    let mut partial = server.connect();
    partial.send(b"POST /v1/verify HTTP/1.1\r\nHost: local");
    let mut second = server.connect();
    assert_eq!(second.post(&body(&[QUICK])).expect("a reply").status, 200);
    second.send(b"POST /v1/ver");
    // A request whose body is still missing is open, so it gets its reply.
    let mut open = server.connect();
    let bytes = request(&body(&[QUICK]));
    let (sent, missing) = bytes.split_at(bytes.len() - 5);
    open.send(sent);
    while server.get("/health").json()["requests"]["open"] != 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let begun = Instant::now();
    server.ask();
    assert!(partial.reply().is_err() && second.reply().is_err());
    open.send(missing);
    assert_eq!(open.reply().expect("a reply").status, 200);
    assert_eq!(server.stop().unfinished, 0);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

#[test]
fn requests_that_take_too_long_are_cut_off() {
    let limits =
        Limits { threads: 1, stop_timeout: Duration::from_millis(300), ..Limits::default() };
    let server = Running::start(limits);
    let mut busy = server.connect();
    busy.send(&request(&body(&vec![slow_item(); 8])));
    let mut partial = server.connect();
    partial.send(b"POST /v1/ver");
    while server.get("/health").json()["requests"]["open"] != 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    let begun = Instant::now();
    let summary = server.stop();
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(summary.unfinished, 1);
    assert!(busy.reply().is_err() && partial.reply().is_err());
}
