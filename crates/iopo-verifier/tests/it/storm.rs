//! Two hundred clients among hostile ones: no crash, bounded memory, the verdicts of the libraries.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::net::{Shutdown, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use iopo_constraints::ifbench::Mode;
use iopo_verifier::{Limits, Server, Settings};
use serde_json::Value;

use crate::rows;
use crate::support::{Client, QUICK, body, request};

const CLIENTS: usize = 200;
/// Requests of each client.
const REQUESTS: usize = 4;
const HOSTILE: usize = 40;
const MEBIBYTE: usize = 1 << 20;
/// The memory that the server may use at most: twice `max_pending_size`, and 150 MiB for everything else.
const MEMORY: usize = (2 * 64 + 150) * MEBIBYTE;

fn limits() -> Limits {
    Limits {
        max_body_size: 4 * MEBIBYTE,
        max_pending_size: 64 * MEBIBYTE,
        body_timeout: Duration::from_secs(20),
        idle_timeout: Duration::from_secs(20),
        timeout: Duration::from_mins(1),
        ..Limits::default()
    }
}

/// Not a test: the server of the storm, in a process whose memory can be measured.
#[test]
#[ignore = "the server of another test"]
fn serve() {
    let settings = Settings { limits: limits(), ..Settings::default() };
    let server = Server::bind(([127, 0, 0, 1], 0).into(), settings).expect("a server");
    println!("\naddress {}", server.address());
    // Until the test closes its end of the pipe.
    let closed = Arc::new(AtomicBool::new(false));
    let close = Arc::clone(&closed);
    thread::spawn(move || {
        let _ = std::io::stdin().read(&mut [0]);
        close.store(true, Ordering::Relaxed);
    });
    let summary = server.run(|| closed.load(Ordering::Relaxed)).expect("a summary");
    println!("\nunfinished {}", summary.unfinished);
}

struct Process {
    child: Child,
    out: BufReader<std::process::ChildStdout>,
    address: SocketAddr,
}

impl Process {
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "storm::serve", "--ignored", "--nocapture"]);
        let spawned = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = spawned.expect("a process");
        let mut out = BufReader::new(child.stdout.take().expect("a pipe"));
        let address = value(&mut out, "address ").parse().expect("an address");
        Self { child, out, address }
    }

    /// The most memory that the process has used, in bytes.
    fn memory(&self) -> Option<usize> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? * 1024)
    }

    /// Stops the server; returns the number of unfinished requests.
    fn stop(mut self) -> String {
        drop(self.child.stdin.take());
        let unfinished = value(&mut self.out, "unfinished ");
        // The rest is the report of the test harness.
        let mut rest = String::new();
        let _ = self.out.read_to_string(&mut rest);
        assert!(self.child.wait().expect("an end").success(), "{rest}");
        unfinished
    }
}

fn value(out: &mut impl BufRead, name: &str) -> String {
    let mut lines = out.lines().map(|line| line.expect("a line"));
    let found = lines.find_map(|line| line.strip_prefix(name).map(str::to_owned));
    found.unwrap_or_else(|| panic!("the server has not said `{name}`"))
}

/// Sends a body until the server has time for it.
fn post(client: &mut Client, address: SocketAddr, text: &str) -> Vec<u8> {
    for _ in 0..200 {
        match client.post(text) {
            Ok(reply) if reply.status == 200 => return reply.body,
            Ok(reply) => assert_eq!(reply.status, 503, "{reply:?}"),
            Err(_) => *client = Client::connect(address).expect("a connection"),
        }
        thread::sleep(Duration::from_millis(50));
    }
    panic!("no time in 200 tries");
}

/// Bodies that are refused, or whose items are.
fn hostile_bodies() -> Vec<Vec<u8>> {
    let item = |text: &str| format!(r#"{{"items": [{{"response": "a", {text}}}]}}"#);
    let big = 3_900_000;
    let keywords: Vec<String> = (0..16).map(|at| format!("{}{at}", "a.*".repeat(30))).collect();
    let pattern = serde_json::json!({"items": [{
        "response": "a".repeat(20_000), "instruction_id_list": ["keywords:existence"], "kwargs": [{"keywords": keywords}],
    }]});
    let ids = vec!["punctuation:no_comma"; 64];
    let reply = serde_json::json!({"response": "a", "instruction_id_list": ids, "kwargs": vec![serde_json::json!({}); 64]});
    let mut bodies = vec![
        Vec::new(),
        b"{".to_vec(),
        b"{\"items\": [\"\xff\xfe\"]}".to_vec(),
        b"{\"items\": [{\"response\": \"\\ud800\", \"kwargs\": [NaN, Infinity]}]}".to_vec(),
        b"{\"items\": [{\"response\": \"a\", \"response\": \"b\"}], \"items\": []}".to_vec(),
        format!("{}{}", "[".repeat(big / 2), "]".repeat(big / 2)).into_bytes(),
        "{\"a\":".repeat(big / 5).into_bytes(),
        item(&format!("\"kwargs\": [{}0]", "0,".repeat(big / 2))).into_bytes(),
        item(&format!("\"kwargs\": [{}0]", "{},".repeat(big / 3))).into_bytes(),
        item(&format!("\"kwargs\": {}{}", "[".repeat(100), "]".repeat(100))).into_bytes(),
        item(&format!("\"constraints\": [{{\"id\": \"{}\"}}]", "x".repeat(big))).into_bytes(),
        item(&format!(
            "\"constraints\": [{{\"id\": \"max_words\", \"params\": \"{}\"}}]",
            "[".repeat(big)
        ))
        .into_bytes(),
        item(&format!("\"{}\": 1", "y".repeat(big))).into_bytes(),
        format!("{{\"items\": [{}0]}}", "0,".repeat(big / 2)).into_bytes(),
        format!("{{\"items\": [{}0]}}", "{},".repeat(4000)).into_bytes(),
        format!("{{{}\"a\": 1}}", "\"mode\": \"paper\",".repeat(big / 16)).into_bytes(),
        body(&vec![reply.to_string(); 1000]).into_bytes(),
        pattern.to_string().into_bytes(),
        b"\x1f\x8b\x08\x00\x00\x00".to_vec(),
    ];
    bodies.push(vec![b' '; big + 500_000]);
    bodies
}

/// Sends one hostile request; most of them break the connection.
fn attack(address: SocketAddr, bodies: &[Vec<u8>], turn: usize) {
    let Ok(mut client) = Client::connect(address) else { return };
    let _ = client.stream.set_read_timeout(Some(Duration::from_mins(1)));
    let head = "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    match turn % 10 {
        // A body, read to the end of the reply.
        0..=4 => {
            let body = &bodies[(turn / 10 + turn) % bodies.len()];
            client.send(format!("{head}Content-Length: {}\r\n\r\n", body.len()).as_bytes());
            client.send(body);
            if let Ok(reply) = client.reply() {
                assert!([200, 400, 413, 422, 503].contains(&reply.status), "{reply:?}");
                assert!(serde_json::from_slice::<Value>(&reply.body).is_ok());
            }
        }
        // A body that breaks off, or whose reply nobody reads.
        5 => {
            client.send(format!("{head}Content-Length: 4000000\r\n\r\n").as_bytes());
            client.send(&bodies[turn % bodies.len()]);
            let _ = client.stream.shutdown(Shutdown::Both);
        }
        6 => {
            client.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes());
            for _ in 0..200 {
                client.send(b"1\r\n \r\n");
                thread::sleep(Duration::from_millis(1));
            }
        }
        // A header without an end, too large, or not HTTP.
        7 => client.send(format!("{head}{}", "A: b\r\n".repeat(20_000)).as_bytes()),
        8 => {
            client.send(&bodies[5]);
            let _ = client.reply();
        }
        // Many requests at once.
        _ => {
            let one = request(&body(&[QUICK]));
            client.send(&one.repeat(50));
            for _ in 0..turn % 50 {
                let _ = client.reply();
            }
        }
    }
}

#[test]
fn two_hundred_clients_and_hostile_bodies() {
    let server = Process::start();
    let address = server.address;
    let mut all = rows::fixtures();
    all.extend(rows::labeled(29).unwrap_or_default());
    let batches: Vec<(String, String)> = all
        .chunks(17)
        .enumerate()
        .map(|(at, rows)| {
            let mode = Mode::ALL[at % 2];
            (rows::body(rows, mode), rows::reply(rows, mode))
        })
        .collect();
    let bodies = hostile_bodies();
    let (done, attacks) = (AtomicBool::new(false), AtomicUsize::new(0));
    let begun = Instant::now();
    thread::scope(|scope| {
        for at in 0..HOSTILE {
            let (done, attacks, bodies) = (&done, &attacks, &bodies);
            scope.spawn(move || {
                let mut turn = at;
                while !done.load(Ordering::Relaxed) {
                    attack(address, bodies, turn);
                    attacks.fetch_add(1, Ordering::Relaxed);
                    turn += 7;
                }
            });
        }
        let clients: Vec<_> = (0..CLIENTS)
            .map(|at| {
                let batches = &batches;
                scope.spawn(move || {
                    let mut client = Client::connect(address).expect("a connection");
                    for turn in 0..REQUESTS {
                        let (text, expected) = &batches[(at * REQUESTS + turn) % batches.len()];
                        let found = post(&mut client, address, text);
                        assert_eq!(String::from_utf8_lossy(&found), expected.as_str());
                    }
                })
            })
            .collect();
        let ends: Vec<_> = clients.into_iter().map(thread::ScopedJoinHandle::join).collect();
        done.store(true, Ordering::Relaxed);
        assert!(ends.iter().all(Result::is_ok), "a client failed");
    });
    let (memory, attacks) = (server.memory(), attacks.load(Ordering::Relaxed));
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{CLIENTS} clients, {} requests, {attacks} attacks in {seconds:.1} s, at most {} MiB",
        CLIENTS * REQUESTS,
        memory.unwrap_or(0) / MEBIBYTE,
    );
    assert!(attacks > 50, "{attacks}");
    assert!(memory.is_none_or(|memory| memory < MEMORY), "{memory:?}");
    let mut client = Client::connect(address).expect("a connection");
    assert_eq!(post(&mut client, address, &batches[0].0), batches[0].1.as_bytes());
    // The negative control: other rows have another reply.
    assert_ne!(post(&mut client, address, &batches[0].0), batches[1].1.as_bytes());
    drop(client);
    assert_eq!(server.stop(), "0");
}
