//! `iopo serve-verifier`.
#![cfg(all(unix, feature = "serve"))]

#[expect(dead_code, reason = "each test binary uses its own part of it")]
mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::{Outcome, iopo, run, succeed};

/// A server on a free port.
struct Running {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let args = [&["serve-verifier", "--port", "0"], args].concat();
        let mut command = iopo(&args);
        // No table of a tagger.
        command.env("IOPO_CACHE", "/nonexistent");
        let mut child =
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        out.read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("http://").map(str::to_owned);
        let address = address.unwrap_or_else(|| panic!("no address: {line}"));
        Self { child, out, address }
    }

    fn send(&self, head: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_mins(1))).expect("an option");
        let length = body.len();
        let head = format!(
            "{head} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.write_all((head + body).as_bytes()).expect("sent");
        stream
    }

    fn ask(&self, head: &str, body: &str) -> String {
        read(self.send(head, body))
    }

    fn signal(&self, signal: &str) {
        let status = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(status.expect("kill").success());
    }

    fn end(mut self) -> Outcome {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.out.read_to_string(&mut stdout).expect("text");
        self.child.stderr.take().expect("a pipe").read_to_string(&mut stderr).expect("text");
        Outcome { code: self.child.wait().expect("an end").code(), stdout, stderr }
    }
}

fn read(mut stream: TcpStream) -> String {
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("a reply");
    reply
}

const QUICK: &str = r#"{"response": "Tea is hot.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}"#;

/// A body with a quick item, and one that keeps a thread busy for a tenth of a second or so per check.
fn slow(checks: usize) -> String {
    let sentence = "Mr. Smith went to Washington, D.C., at 5 p.m. on Jan. 3rd. ";
    let response = sentence.repeat((1 << 20) / sentence.len());
    let ids = vec![r#""length_constraints:number_sentences""#; checks].join(",");
    let kwargs = vec![r#"{"relation": "at least", "num_sentences": 3000000}"#; checks].join(",");
    format!(
        r#"{{"items": [{QUICK}, {{"response": "{response}", "instruction_id_list": [{ids}], "kwargs": [{kwargs}]}}]}}"#
    )
}

#[test]
fn help_names_every_flag() {
    insta::assert_snapshot!(succeed(&["serve-verifier", "--help"]).stdout);
}

#[test]
fn each_signal_lets_open_requests_finish() {
    for signal in ["-INT", "-TERM"] {
        let server = Running::start(&["--stop-timeout", "100", "--threads", "1"]);
        let reply = server.ask("POST /v1/verify", &format!("{{\"items\": [{QUICK}]}}"));
        let result = r#"{"mode":"paper","results":[{"reward":1.0,"verdicts":[{"strict":true,"loose":true,"loose_variant":0}]}]}"#;
        assert!(reply.starts_with("HTTP/1.1 200") && reply.ends_with(result), "{reply}");
        let open = server.send("POST /v1/verify", &slow(10));
        while !server.ask("GET /health", "").contains("\"open\":2") {
            std::thread::sleep(Duration::from_millis(5));
        }
        server.signal(signal);
        let reply = read(open);
        assert!(
            reply.contains(r#"{"strict":false,"loose":false,"loose_variant":null}"#),
            "{reply}"
        );
        let outcome = server.end();
        assert_eq!(outcome.code, Some(0), "{signal}: {}", outcome.stderr);
        for part in ["stopping after the open requests", "stopped after "] {
            assert!(outcome.stderr.contains(part), "{}", outcome.stderr);
        }
        assert!(outcome.stderr.contains("cargo xtask tagger"), "{}", outcome.stderr);
        assert_eq!(outcome.stdout, "");
    }
}

#[test]
fn ctrl_c_after_sigterm_ends_the_server_at_once() {
    let server = Running::start(&["--stop-timeout", "1000", "--timeout", "1000", "--threads", "1"]);
    let _open = server.send("POST /v1/verify", &slow(64));
    while !server.ask("GET /health", "").contains("\"open\":2") {
        std::thread::sleep(Duration::from_millis(5));
    }
    server.signal("-TERM");
    // The server no longer listens when it stops.
    while TcpStream::connect(&server.address).is_ok() {
        std::thread::sleep(Duration::from_millis(20));
    }
    server.signal("-INT");
    let outcome = server.end();
    assert_eq!(outcome.code, Some(130), "{}", outcome.stderr);
    let note = "stopping after the open requests (Ctrl-C stops at once)";
    assert!(outcome.stderr.contains(note), "{}", outcome.stderr);
}

#[test]
fn a_request_that_does_not_finish_is_a_failure() {
    let server = Running::start(&["--stop-timeout", "0.05", "--threads", "1"]);
    let _open = server.send("POST /v1/verify", &slow(64));
    while !server.ask("GET /health", "").contains("\"open\":2") {
        std::thread::sleep(Duration::from_millis(5));
    }
    server.signal("-TERM");
    let outcome = server.end();
    assert!(outcome.error(1).contains("1 request did not finish within --stop-timeout"));
}

#[test]
fn wrong_flags_are_usage_errors() {
    insta::assert_snapshot!(run(&["serve-verifier", "--host", "0.0.0.0"]).error(2), @r"
    error: cannot use --host 0.0.0.0
      caused by: address 0.0.0.0:8765 is not a loopback address: found no permission to serve other machines
      hint: use 127.0.0.1; there is no authentication, so pass --allow-remote only on a network that you trust
    ");
    insta::assert_snapshot!(run(&["serve-verifier", "--max-items", "0"]).error(2), @r"
    error: cannot use --max-items
      caused by: limit `max_items`: found 0, expected a number from 1 to 1000000
    ");
    insta::assert_snapshot!(run(&["serve-verifier", "--max-body-size", "1GiB"]).error(2), @r"
    error: cannot use --max-pending-size
      caused by: limit `max_pending_size`: found 268435456, expected a number from 1073741824 (`max_body_size`) to 68719476736
      hint: it must be at least --max-body-size; pass both
    ");
    insta::assert_snapshot!(run(&["serve-verifier", "--timeout", "0"]).error(2), @r"
    error: cannot use --timeout
      caused by: limit `timeout`: found 0 s, expected a time from 1 ms to 1 day
    ");
    for flags in [["--host", "example.com"], ["--port", "99999"], ["--timeout", "soon"]] {
        assert_eq!(run(&[&["serve-verifier"], &flags[..]].concat()).code, Some(2), "{flags:?}");
    }
    let server = Running::start(&[]);
    let port = server.address.rsplit(':').next().expect("a port").to_owned();
    let error = run(&["serve-verifier", "--port", &port]).error(1);
    assert!(error.contains("failed to listen on 127.0.0.1") && error.contains("port 0"), "{error}");
    server.signal("-TERM");
    assert_eq!(server.end().code, Some(0));
}
