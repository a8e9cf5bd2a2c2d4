//! A hostile server: a function of the test decides how it answers each request.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::Sleep;
use tokio_rustls::TlsAcceptor;

/// What the server does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Answers the chat with this text.
    Answer(String),
    /// Answers after blank lines that keep the connection alive.
    BlankLines(String),
    /// Answers after a while.
    Late(Duration, String),
    /// Answers with this body after a while.
    LateSay(Duration, String),
    /// Answers with this status, headers and body.
    Say(u16, Vec<(&'static str, String)>, String),
    /// Breaks off in the middle of an answer.
    Cut,
    /// Closes the connection without an answer.
    Reset,
}

impl Act {
    #[expect(clippy::needless_pass_by_value, reason = "calls pass the value of `json!`")]
    pub(crate) fn say(status: u16, body: Value) -> Self {
        Self::Say(status, Vec::new(), body.to_string())
    }

    pub(crate) fn error(status: u16, message: &str) -> Self {
        Self::say(status, json!({ "error": { "message": message, "code": status } }))
    }
}

/// A request as the server sees it.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) body: Value,
    /// The last message.
    pub(crate) prompt: String,
    /// Number of earlier requests with the same last message.
    pub(crate) before: u32,
    /// Requests in flight, including this one.
    pub(crate) in_flight: usize,
    pub(crate) authorization: Option<String>,
    pub(crate) at: Instant,
}

/// What the server has counted for a prompt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) asked: u32,
    /// Complete and valid answers.
    pub(crate) answered: u32,
    /// These, and complete bodies without text, which a server charges for, too: refusals and empty answers.
    pub(crate) paid: u32,
}

#[derive(Default)]
struct State {
    counts: BTreeMap<String, Count>,
    in_flight: usize,
    most_in_flight: usize,
}

/// A running server. It stops when its process ends.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) url: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Starts a server on a free port of this machine.
    pub(crate) fn start(act: impl Fn(&Asked) -> Act + Send + Sync + 'static) -> Self {
        Self::start_with(None, act)
    }

    /// Starts a server, which may use TLS.
    pub(crate) fn start_with(
        tls: Option<TlsAcceptor>,
        act: impl Fn(&Asked) -> Act + Send + Sync + 'static,
    ) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        let state = Arc::new(Mutex::new(State::default()));
        let (sender, receiver) = std::sync::mpsc::channel();
        let (act, shared) = (Arc::new(act), Arc::clone(&state));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                sender.send(listener.local_addr().expect("an address")).expect("a receiver");
                loop {
                    let (stream, _) = listener.accept().await.expect("a connection");
                    stream.set_nodelay(true).expect("an option");
                    // Closing a connection with unsent bytes resets it.
                    stream.set_zero_linger().expect("an option");
                    let (act, state) = (Arc::clone(&act), Arc::clone(&shared));
                    let service = service_fn(move |request| {
                        let (act, state) = (Arc::clone(&act), Arc::clone(&state));
                        async move { serve(request, &*act, &state).await }
                    });
                    let http = hyper::server::conn::http1::Builder::new();
                    let tls = tls.clone();
                    tokio::spawn(async move {
                        // Errors come from disconnected clients and from the connections that this server breaks.
                        let _ = match tls {
                            None => http.serve_connection(TokioIo::new(stream), service).await,
                            Some(tls) => {
                                let Ok(stream) = tls.accept(stream).await else { return };
                                http.serve_connection(TokioIo::new(stream), service).await
                            }
                        };
                    });
                }
            });
        });
        let address = receiver.recv().expect("an address");
        Self { url: format!("{scheme}://{address}/v1"), state }
    }

    pub(crate) fn counts(&self) -> BTreeMap<String, Count> {
        self.state.lock().expect("a lock").counts.clone()
    }

    pub(crate) fn asked(&self) -> u32 {
        self.counts().values().map(|count| count.asked).sum()
    }

    pub(crate) fn answered(&self) -> u32 {
        self.counts().values().map(|count| count.answered).sum()
    }

    pub(crate) fn paid(&self) -> u32 {
        self.counts().values().map(|count| count.paid).sum()
    }

    pub(crate) fn most_in_flight(&self) -> usize {
        self.state.lock().expect("a lock").most_in_flight
    }
}

/// Counts a request as in flight until it is dropped.
struct Flying(Arc<Mutex<State>>);

impl Drop for Flying {
    fn drop(&mut self) {
        self.0.lock().expect("a lock").in_flight -= 1;
    }
}

async fn serve(
    request: Request<Incoming>,
    act: &(impl Fn(&Asked) -> Act + Send + Sync),
    state: &Arc<Mutex<State>>,
) -> Result<Response<Script>, std::io::Error> {
    let path = request.uri().path().to_owned();
    let authorization = request.headers().get("authorization");
    let authorization = authorization.map(|text| text.to_str().expect("text").to_owned());
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    let body: Value = serde_json::from_slice(&body).expect("JSON");
    let last = body["messages"].as_array().and_then(|messages| messages.last());
    let prompt = last.and_then(|last| last["content"].as_str()).unwrap_or_default().to_owned();
    let (asked, _flying) = {
        let mut locked = state.lock().expect("a lock");
        locked.in_flight += 1;
        locked.most_in_flight = locked.most_in_flight.max(locked.in_flight);
        let in_flight = locked.in_flight;
        let count = locked.counts.entry(prompt.clone()).or_default();
        count.asked += 1;
        let before = count.asked - 1;
        let at = Instant::now();
        let asked = Asked { path, body, prompt, before, in_flight, authorization, at };
        (asked, Flying(Arc::clone(state)))
    };
    let answer = |text: &str| {
        let mut locked = state.lock().expect("a lock");
        let count = locked.counts.entry(asked.prompt.clone()).or_default();
        (count.answered, count.paid) = (count.answered + 1, count.paid + 1);
        completion(text)
    };
    let pay = |body: &str| {
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        if body["choices"].is_array() {
            let mut locked = state.lock().expect("a lock");
            locked.counts.entry(asked.prompt.clone()).or_default().paid += 1;
        }
    };
    let (status, headers, frames, cut) = match act(&asked) {
        Act::Answer(text) => (200, vec![], vec![answer(&text)], false),
        Act::BlankLines(text) => {
            let blank = || "\n".to_owned();
            (200, vec![], vec![blank(), blank(), answer(&text)], false)
        }
        Act::Late(time, text) => {
            tokio::time::sleep(time).await;
            (200, vec![], vec![answer(&text)], false)
        }
        Act::LateSay(time, body) => {
            tokio::time::sleep(time).await;
            pay(&body);
            (200, vec![], vec![body], false)
        }
        Act::Say(status, headers, body) => {
            if status == 200 {
                pay(&body);
            }
            (status, headers, vec![body], false)
        }
        Act::Cut => {
            let whole = completion("a cut answer");
            (200, vec![], vec![whole[..whole.len() / 2].to_owned()], true)
        }
        Act::Reset => return Err(std::io::Error::other("reset")),
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    let frames = frames.into_iter().map(Bytes::from).collect();
    Ok(response.body(Script { frames, cut, sleep: None }).expect("a response"))
}

/// The body of a valid answer.
fn completion(text: &str) -> String {
    json!({
        "id": "chatcmpl-1",
        "model": "test-model-0001",
        "choices": [{
            "index": 0,
            "message": { "role": "assistant", "content": text },
            "finish_reason": "stop",
        }],
        "usage": { "prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30 },
    })
    .to_string()
}

/// A body that is sent in pieces, and may break off.
struct Script {
    frames: VecDeque<Bytes>,
    cut: bool,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Body for Script {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(sleep) = &mut self.sleep {
            if sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
        match self.frames.pop_front() {
            Some(frame) => {
                if !self.frames.is_empty() || self.cut {
                    self.sleep = Some(Box::pin(tokio::time::sleep(Duration::from_millis(1))));
                }
                Poll::Ready(Some(Ok(Frame::data(frame))))
            }
            None if self.cut => Poll::Ready(Some(Err(std::io::Error::other("cut")))),
            None => Poll::Ready(None),
        }
    }
}
