//! Servers with an OpenAI-compatible API on this machine. They repeat the key that they get, as careless servers do.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use iopo_testing::trace::Asked;
use serde_json::{Value, json};

/// Stands for the key of a request in the text of an answer.
pub(crate) const YOUR_KEY: &str = "(your key)";

/// Returns the text of an answer. A text such as `!500` is the status of an error.
type Script = dyn Fn(Asked<'_>) -> String + Send + Sync;

/// A running server. It stops when its process ends.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<State>,
}

/// What the connections of a server share.
struct State {
    status: u16,
    script: Box<Script>,
    /// The headers and bodies of all requests.
    seen: Mutex<String>,
    /// Number of answers.
    answered: AtomicUsize,
    /// Number of answers after which requests wait.
    most: AtomicUsize,
}

impl Server {
    /// Starts a server that answers every request with this status.
    pub(crate) fn start(status: u16) -> Self {
        let script = |asked: Asked<'_>| match asked.schema {
            Some(_) => r#"{"river":"Rhine","european":true}"#.to_owned(),
            None => "The Rhine.".to_owned(),
        };
        Self::with(status, script)
    }

    /// Starts a server whose answers a script writes.
    pub(crate) fn scripted(script: impl Fn(Asked<'_>) -> String + Send + Sync + 'static) -> Self {
        Self::with(200, script)
    }

    fn with(status: u16, script: impl Fn(Asked<'_>) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let state = Arc::new(State {
            status,
            script: Box::new(script),
            seen: Mutex::default(),
            answered: AtomicUsize::new(0),
            most: AtomicUsize::new(usize::MAX),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                // A client may close its connection at any time.
                std::thread::spawn(move || serve(stream, &shared).unwrap_or_default());
            }
        });
        Self { url, state }
    }

    pub(crate) fn seen(&self) -> String {
        self.state.seen.lock().expect("a lock").clone()
    }

    /// Returns the number of answers so far.
    pub(crate) fn answered(&self) -> usize {
        self.state.answered.load(Ordering::SeqCst)
    }

    /// Lets requests wait after this number of answers in total.
    pub(crate) fn stop_after(&self, answers: usize) {
        self.state.most.store(answers, Ordering::SeqCst);
    }
}

impl State {
    /// Waits until one more answer is allowed, and counts it.
    fn take(&self) {
        let more =
            |answered: usize| (answered < self.most.load(Ordering::SeqCst)).then_some(answered + 1);
        while self.answered.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_err() {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Returns what a request asks.
fn asked(request: &Value) -> Asked<'_> {
    let messages = request["messages"].as_array().map_or(&[][..], Vec::as_slice);
    let system = messages.iter().find(|message| message["role"] == "system");
    Asked {
        schema: request["response_format"]["json_schema"]["name"].as_str(),
        system: system.and_then(|message| message["content"].as_str()).unwrap_or_default(),
        user: messages.last().and_then(|message| message["content"].as_str()).unwrap_or_default(),
    }
}

/// Answers one request, then closes the connection.
fn serve(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    let mut status = state.status;
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
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut all = state.seen.lock().expect("a lock");
    all.push_str(&head);
    all.push_str(&request.to_string());
    all.push('\n');
    drop(all);
    let key = head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or("none");
    let refused = json!({ "error": { "message": format!("Incorrect API key provided: {key}") } });
    let reply = if status != 200 {
        refused
    } else if head.starts_with("POST /tokenize") {
        json!({ "tokens": [] })
    } else {
        state.take();
        let text = (state.script)(asked(&request)).replace(YOUR_KEY, key);
        if let Some(code) = text.strip_prefix('!').and_then(|code| code.parse().ok()) {
            status = code;
            refused
        } else {
            json!({
                "id": key, "model": "served", "system_fingerprint": key,
                "choices": [{ "message": { "content": text }, "finish_reason": "stop" }],
                "usage": { "prompt_tokens": 10, "completion_tokens": 20 },
            })
        }
    }
    .to_string();
    write!(
        stream,
        "HTTP/1.1 {status} status\r\ncontent-type: application/json\r\nconnection: close\r\n\
         x-request-id: {key}\r\nx-ratelimit-limit-requests: 500\r\ncontent-length: {}\r\n\r\n{reply}",
        reply.len()
    )
}
