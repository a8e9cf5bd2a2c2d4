//! Starts servers and talks to them, byte by byte.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use iopo_verifier::{Limits, Server, Settings, Summary};
use serde_json::Value;

/// A server in this process. It stops when it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<Summary>>,
}

impl Running {
    pub(crate) fn start(limits: Limits) -> Self {
        Self::start_with(Settings { limits, ..Settings::default() })
    }

    pub(crate) fn start_with(settings: Settings) -> Self {
        let server = Server::bind(([127, 0, 0, 1], 0).into(), settings).expect("a server");
        let (address, stopped) = (server.address(), Arc::new(AtomicBool::new(false)));
        let asked = Arc::clone(&stopped);
        let run = move || server.run(|| asked.load(Ordering::Relaxed)).expect("a summary");
        Self { address, stopped, thread: Some(std::thread::spawn(run)) }
    }

    /// Asks the server to stop, without waiting.
    pub(crate) fn ask(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Stops the server.
    pub(crate) fn stop(mut self) -> Summary {
        self.ask();
        self.thread.take().expect("running").join().expect("no panic")
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address).expect("a connection")
    }

    pub(crate) fn post(&self, body: &str) -> Reply {
        self.connect().post(body).expect("a reply")
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        let mut client = self.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes());
        client.reply().expect("a reply")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.ask();
    }
}

/// A reply.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// The header, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
    }

    /// The name of the error, `""` if there is none.
    pub(crate) fn error(&self) -> String {
        self.json()["error"]["type"].as_str().unwrap_or_default().to_owned()
    }
}

/// A connection of a client.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    read: Vec<u8>,
}

/// The bytes of a request.
pub(crate) fn request(body: &str) -> Vec<u8> {
    let head = "POST /v1/verify HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_mins(2)))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: Vec::new() })
    }

    /// Sends bytes. The server may have closed the connection.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes);
    }

    pub(crate) fn post(&mut self, body: &str) -> io::Result<Reply> {
        self.send(&request(body));
        self.reply()
    }

    /// Reads the next reply.
    pub(crate) fn reply(&mut self) -> io::Result<Reply> {
        self.reply_to(true)
    }

    /// Reads the next reply, which has no body if it answers `HEAD`.
    pub(crate) fn reply_to(&mut self, has_body: bool) -> io::Result<Reply> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8_lossy(&self.read[..end]).to_lowercase();
        let status = head.get(9..12).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status: {head}")))?;
        let mut reply = Reply { status, head, body: Vec::new() };
        let length = reply.header("content-length").and_then(|text| text.parse().ok());
        let length: usize = length.filter(|_| has_body).unwrap_or(0);
        while self.read.len() < end + length {
            self.more()?;
        }
        reply.body = self.read[end..end + length].to_vec();
        self.read.drain(..end + length);
        Ok(reply)
    }

    /// Reads until the server closes the connection; returns the number of bytes.
    pub(crate) fn rest(&mut self) -> usize {
        while self.more().is_ok() {}
        self.read.len()
    }

    fn more(&mut self) -> io::Result<()> {
        let mut bytes = [0; 1 << 13];
        match self.stream.read(&mut bytes)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            read => {
                self.read.extend_from_slice(&bytes[..read]);
                Ok(())
            }
        }
    }
}

/// An item that one thread checks for several seconds.
pub(crate) fn slow_item() -> String {
    slow_item_of(64)
}

/// An item with many checks, each of which takes a tenth of a second or so.
pub(crate) fn slow_item_of(checks: usize) -> String {
    let sentence = "Mr. Smith went to Washington, D.C., at 5 p.m. on Jan. 3rd. ";
    let response = sentence.repeat((1 << 20) / sentence.len());
    let ids = vec!["length_constraints:number_sentences"; checks];
    let kwargs =
        vec![serde_json::json!({"relation": "at least", "num_sentences": 3_000_000}); checks];
    serde_json::json!({"response": response, "instruction_id_list": ids, "kwargs": kwargs})
        .to_string()
}

/// A body with these items.
pub(crate) fn body<S: AsRef<str>>(items: &[S]) -> String {
    let items: Vec<&str> = items.iter().map(AsRef::as_ref).collect();
    format!("{{\"items\": [{}]}}", items.join(", "))
}

/// An item that is checked at once.
pub(crate) const QUICK: &str = r#"{"response": "Tea is hot.", "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}"#;

/// The result of [`QUICK`].
pub(crate) const QUICK_RESULT: &str =
    r#"{"reward":1.0,"verdicts":[{"strict":true,"loose":true,"loose_variant":0}]}"#;
