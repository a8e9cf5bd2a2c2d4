//! One connection of a client.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

use futures_util::future::{Either, select};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::route;
use crate::stalls::Stalls;
use crate::state::State;

/// Maximum size of the header of a request, and of the bytes that are read ahead.
const BUFFER: usize = 64 << 10;

/// A request whose reply is being made.
struct Busy<'a>(&'a AtomicBool);

impl<'a> Busy<'a> {
    fn new(busy: &'a AtomicBool) -> Self {
        busy.store(true, Ordering::Relaxed);
        Self(busy)
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Serves the requests of a connection, one after the other. When `stop` changes, the current one is the last.
pub(crate) async fn serve(state: Arc<State>, stream: TcpStream, mut stop: watch::Receiver<bool>) {
    // Replies are written whole, so waiting for more bytes only delays them.
    let _ = stream.set_nodelay(true);
    let idle = state.limits.idle_timeout;
    let [busy, writing] = [const { AtomicBool::new(false) }; 2];
    let stream = TokioIo::new(Stalls::new(stream, idle, &writing));
    let service = service_fn(|request| {
        let state = Arc::clone(&state);
        let busy = Busy::new(&busy);
        async move {
            let reply = route::respond(&state, request).await;
            drop(busy);
            Ok::<_, Infallible>(reply)
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(BUFFER);
    let mut connection = pin!(http.serve_connection(stream, service));
    // Errors come from clients that disconnect, send no HTTP or are too slow. There is nobody left to tell.
    let stopped = pin!(stop.wait_for(|stopped| *stopped));
    let stopping = match select(connection.as_mut(), stopped).await {
        Either::Left(_) => false,
        Either::Right(_) => true,
    };
    if stopping {
        connection.as_mut().graceful_shutdown();
        // A connection that neither makes nor writes a reply waits for a header, of which the client may have sent a part.
        poll_fn(|context| {
            let ended = connection.as_mut().poll(context).is_ready();
            let waits = !busy.load(Ordering::Relaxed) && !writing.load(Ordering::Relaxed);
            if ended || waits { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }
}
