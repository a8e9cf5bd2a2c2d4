//! Paths, methods, headers and bodies.

use iopo_verifier::{Limits, Server, ServerError, Settings};

use crate::support::{QUICK, QUICK_RESULT, Running, body, request};

fn raw(server: &Running, head: &str) -> crate::support::Reply {
    let mut client = server.connect();
    client.send(head.as_bytes());
    client.reply().unwrap_or_else(|error| panic!("{head}: {error}"))
}

#[test]
fn each_path_has_its_methods() {
    let server = Running::start(Limits::default());
    let health = server.get("/health");
    assert_eq!((health.status, health.header("content-type")), (200, Some("application/json")));
    assert_eq!(health.json()["status"], "ok");
    assert_eq!(server.get("/openapi.json").status, 200);
    for (line, status, error) in [
        ("GET / HTTP/1.1", 404, "NotFound"),
        ("GET /v1/verify/ HTTP/1.1", 404, "NotFound"),
        ("GET /v1/verify HTTP/1.1", 405, "MethodNotAllowed"),
        ("OPTIONS /v1/verify HTTP/1.1", 405, "MethodNotAllowed"),
        ("DELETE /health HTTP/1.1", 405, "MethodNotAllowed"),
        ("BREW /openapi.json HTTP/1.1", 405, "MethodNotAllowed"),
    ] {
        let reply = raw(&server, &format!("{line}\r\nHost: localhost\r\n\r\n"));
        assert_eq!((reply.status, reply.error().as_str()), (status, error), "{line}");
    }
    let reply = raw(&server, "GET /v1/verify HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(reply.header("allow"), Some("post"));
    let mut client = server.connect();
    client.send(b"HEAD /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_eq!(client.reply_to(false).expect("a reply").status, 200);
    // The connection is still good.
    assert_eq!(client.post(&body(&[QUICK])).expect("a reply").status, 200);
}

#[test]
fn a_request_must_name_this_machine() {
    let server = Running::start(Limits::default());
    let get = |headers: &str| raw(&server, &format!("GET /health HTTP/1.1\r\n{headers}\r\n"));
    for good in ["Host: localhost:1\r\n", "Host: 127.0.0.1\r\n", "Host: [::1]:99\r\n"] {
        assert_eq!(get(good).status, 200, "{good}");
    }
    for (bad, status) in [
        ("Host: example.com\r\n", 403),
        ("Host: localhost.example.com\r\n", 403),
        ("Host: \r\n", 403),
        ("", 400),
        ("Host: localhost\r\nHost: localhost\r\n", 400),
    ] {
        assert_eq!(get(bad).status, status, "{bad}");
    }
    let line = "GET http://example.com/health HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(raw(&server, line).error(), "ForbiddenHost");
    let any = Running::start_with(Settings { allow_remote: true, ..Settings::default() });
    assert_eq!(raw(&any, "GET /health HTTP/1.1\r\nHost: example.com\r\n\r\n").status, 200);
}

#[test]
fn other_machines_need_a_setting() {
    let bind = |allow_remote| {
        let settings = Settings { allow_remote, ..Settings::default() };
        Server::bind(([0, 0, 0, 0], 0).into(), settings)
    };
    let error = bind(false).expect_err("not a loopback address");
    assert!(matches!(error, ServerError::NotLoopback { .. }) && error.hint().is_some());
    assert!(bind(true).is_ok());
    let server = Running::start(Limits::default());
    let taken = Server::bind(server.address, Settings::default()).expect_err("taken");
    assert!(taken.hint().is_some_and(|hint| hint.contains("port 0")), "{taken}");
}

#[test]
fn only_plain_json_is_read() {
    let server = Running::start(Limits::default());
    let text = body(&[QUICK]);
    let send = |headers: &str| {
        let head = format!("POST /v1/verify HTTP/1.1\r\nHost: localhost\r\n{headers}");
        raw(&server, &format!("{head}Content-Length: {}\r\n\r\n{text}", text.len()))
    };
    for good in [
        "Content-Type: application/json\r\n",
        "content-type: Application/JSON; charset=UTF-8\r\n",
        "Content-Type: application/json;charset=utf8\r\n",
        "Content-Type: application/json; charset=\"utf-8\"\r\nContent-Encoding: identity\r\n",
    ] {
        assert_eq!(send(good).status, 200, "{good}");
    }
    for bad in [
        "",
        "Content-Type: text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\n",
        "Content-Type: application/json; charset=latin1\r\n",
        "Content-Type: application/json\r\nContent-Encoding: gzip\r\n",
    ] {
        let reply = send(bad);
        assert_eq!((reply.status, reply.error().as_str()), (415, "UnsupportedMediaType"), "{bad}");
    }
}

#[test]
fn an_item_with_an_error_does_not_fail_the_others() {
    let server = Running::start(Limits::default());
    let items = ["3", QUICK, r#"{"response": "a", "constraints": [{"id": "x"}]}"#, QUICK];
    let reply = server.post(&body(&items));
    assert_eq!(reply.status, 200);
    let text = String::from_utf8(reply.body.clone()).expect("UTF-8");
    assert_eq!(text.matches(QUICK_RESULT).count(), 2, "{text}");
    let results = reply.json()["results"].clone();
    assert_eq!(results[0]["error"]["type"], "InvalidItem");
    assert_eq!(results[2]["error"]["type"], "ConstraintError");
    assert_eq!(results[2]["error"]["hint"], "check the spelling and the version of the file");
    assert!(results[2]["reward"].is_null() && results[2]["verdicts"].is_null());
    assert_eq!(server.post(r#"{"items": []}"#).body, br#"{"mode":"paper","results":[]}"#);
}

#[test]
fn requests_in_a_row_are_answered_in_order() {
    let server = Running::start(Limits::default());
    let responses: Vec<String> = (0..5).map(|at| "tea ".repeat(at + 1)).collect();
    let item = |text: &str| {
        format!(
            r#"{{"response": "{text}", "constraints": [{{"id": "max_words", "params": {{"n": 3}}}}]}}"#
        )
    };
    let mut client = server.connect();
    let all: Vec<u8> = responses.iter().flat_map(|text| request(&body(&[item(text)]))).collect();
    client.send(&all);
    for at in 0..5 {
        let results = client.reply().expect("a reply").json()["results"][0].clone();
        let evidence = results["verdicts"][0]["evidence"].as_str().expect("evidence");
        assert!(evidence.starts_with(&format!("{} word", at + 1)), "{evidence}");
    }
}

#[test]
fn chunked_bodies_and_permission_to_send_work() {
    let server = Running::start(Limits { max_body_size: 1 << 10, ..Limits::default() });
    let text = body(&[QUICK]);
    let head = "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let mut client = server.connect();
    client.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes());
    for byte in text.as_bytes() {
        client.send(&[b"1\r\n", &[*byte][..], b"\r\n"].concat());
    }
    client.send(b"0\r\n\r\n");
    assert_eq!(client.reply().expect("a reply").status, 200);

    let mut client = server.connect();
    client.send(
        format!("{head}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n", text.len()).as_bytes(),
    );
    assert_eq!(client.reply_to(false).expect("a reply").status, 100);
    client.send(text.as_bytes());
    assert_eq!(client.reply().expect("a reply").status, 200);

    // Refused before the body is sent.
    let mut client = server.connect();
    client
        .send(format!("{head}Expect: 100-continue\r\nContent-Length: 5000000\r\n\r\n").as_bytes());
    assert_eq!(client.reply().expect("a reply").status, 413);
}

#[test]
fn bytes_that_are_no_http_are_refused() {
    let server = Running::start(Limits::default());
    let long =
        format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    let many =
        format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(5000));
    let mut statuses = std::collections::BTreeSet::new();
    for text in [
        "\r\n\r\n",
        "hello\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /health HTTP/9.9\r\n\r\n",
        "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "GET /health HTTP/1.1\r\nHost: localhost\r\nA\0: b\r\n\r\n",
        &long,
        &many,
    ] {
        let mut client = server.connect();
        client.send(text.as_bytes());
        let _ = client.stream.shutdown(std::net::Shutdown::Write);
        if let Ok(reply) = client.reply() {
            assert!([400, 431].contains(&reply.status), "{text:.80}: {reply:?}");
            // As the description says.
            assert!(reply.body.is_empty(), "{text:.80}: {reply:?}");
            statuses.insert(reply.status);
        }
    }
    assert!(statuses.contains(&431), "{statuses:?}");
    assert_eq!(server.get("/health").status, 200);
}
