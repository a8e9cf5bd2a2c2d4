//! A server with an OpenAI-compatible API on this machine. It repeats the key that it gets, as careless servers do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A running server. It stops when its process ends.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    /// The headers and bodies of all requests.
    seen: Arc<Mutex<String>>,
}

impl Server {
    /// Starts a server that answers every request with this status.
    pub(crate) fn start(status: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let seen = Arc::new(Mutex::new(String::new()));
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client may close its connection at any time.
                std::thread::spawn(move || serve(stream, status, &shared).unwrap_or_default());
            }
        });
        Self { url, seen }
    }

    pub(crate) fn seen(&self) -> String {
        self.seen.lock().expect("a lock").clone()
    }
}

/// Answers one request, then closes the connection.
fn serve(mut stream: TcpStream, status: u16, seen: &Mutex<String>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.trim().is_empty() {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut all = seen.lock().expect("a lock");
    all.push_str(&head);
    all.push_str(&asked.to_string());
    all.push('\n');
    drop(all);
    let key = head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("none");
    let reply = if status != 200 {
        json!({ "error": { "message": format!("Incorrect API key provided: {key}") } })
    } else if head.starts_with("POST /tokenize") {
        json!({ "tokens": [] })
    } else {
        let text = if asked.get("response_format").is_some() {
            r#"{"river":"Rhine","european":true}"#
        } else {
            "The Rhine."
        };
        json!({
            "id": key, "model": "served", "system_fingerprint": key,
            "choices": [{ "message": { "content": text }, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": 10, "completion_tokens": 20 },
        })
    }
    .to_string();
    write!(
        stream,
        "HTTP/1.1 {status} status\r\ncontent-type: application/json\r\nconnection: close\r\n\
         x-request-id: {key}\r\nx-ratelimit-limit-requests: 500\r\ncontent-length: {}\r\n\r\n{reply}",
        reply.len()
    )
}
