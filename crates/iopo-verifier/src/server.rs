//! Binds an address and serves until it is asked to stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use iopo_constraints::ifbench::Tagger;
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

use crate::connection;
use crate::error::ServerError;
use crate::limits::Limits;
use crate::state::State;

/// Time between two looks at whether the server should stop.
const TICK: Duration = Duration::from_millis(50);

/// Settings of a server.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// What the server accepts.
    pub limits: Limits,
    /// Whether the address may be reachable from other machines, and requests may name any host. Default `false`, because
    /// there is no authentication.
    pub allow_remote: bool,
    /// The table for `words:start_verb` of IFBench. Default `None`: the instruction is an error.
    pub tagger: Option<Tagger>,
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    state: State,
}

/// What a server has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Requests with a reply, errors included.
    pub answered: u64,
    /// Requests that were cut off because they did not finish in time after the stop.
    pub unfinished: usize,
}

impl Server {
    /// Listens on an address. Port 0 means any free port; [`Server::address`] returns it.
    ///
    /// # Errors
    /// Returns an error for an address that is not a loopback address unless the settings allow it, for an address that cannot
    /// be bound, and for a limit out of range.
    pub fn bind(address: SocketAddr, settings: Settings) -> Result<Self, ServerError> {
        settings.limits.validate()?;
        if !settings.allow_remote && !address.ip().is_loopback() {
            return Err(ServerError::NotLoopback { address });
        }
        let fails = |source| ServerError::Bind { address, source };
        let listener = TcpListener::bind(address).map_err(fails)?;
        listener.set_nonblocking(true).map_err(fails)?;
        let address = listener.local_addr().map_err(fails)?;
        let state = State::new(settings.limits, settings.allow_remote, settings.tagger);
        Ok(Self { listener, address, state })
    }

    /// The address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stopped` returns true. Then no connection is accepted, open requests finish within the time limit, and
    /// the rest is cut off.
    ///
    /// `stopped` is called about 20 times a second.
    ///
    /// # Errors
    /// Returns an error if the event loop cannot be started.
    pub fn run(self, stopped: impl Fn() -> bool) -> Result<Summary, ServerError> {
        let fails = |source| ServerError::Start { source };
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(self.state.limits.threads)
            .thread_name("checks")
            .thread_stack_size(8 << 20)
            .build()
            .map_err(fails)?;
        let summary = runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener).map_err(fails)?;
            Ok(serve(Arc::new(self.state), listener, stopped).await)
        });
        // A check that still runs is not waited for.
        runtime.shutdown_background();
        summary
    }
}

async fn serve(
    state: Arc<State>,
    listener: tokio::net::TcpListener,
    stopped: impl Fn() -> bool,
) -> Summary {
    let slots = Arc::new(Semaphore::new(state.limits.max_connections));
    let (stop, stopping) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut ticks = interval(TICK);
    while !stopped() {
        while connections.try_join_next().is_some() {}
        let next = match select(pin!(accept(&listener, &slots)), pin!(ticks.tick())).await {
            Either::Left((Ok(next), _)) => next,
            // Too many open files, or a client that is gone. Connections that close free files.
            Either::Left((Err(_), _)) => {
                sleep(TICK).await;
                continue;
            }
            Either::Right(_) => continue,
        };
        let (slot, stream) = next;
        let serving = connection::serve(Arc::clone(&state), stream, stopping.clone());
        connections.spawn(async move {
            serving.await;
            drop(slot);
        });
    }
    drop(listener);
    // There is no receiver if there is no connection.
    let _ = stop.send(true);
    let finished = timeout(state.limits.stop_timeout, async {
        while connections.join_next().await.is_some() {}
    });
    let unfinished = if finished.await.is_ok() { 0 } else { state.requests.open() };
    connections.shutdown().await;
    Summary { answered: state.requests.answered(), unfinished }
}

/// Accepts a connection when there is a slot for it.
async fn accept(
    listener: &tokio::net::TcpListener,
    slots: &Arc<Semaphore>,
) -> io::Result<(OwnedSemaphorePermit, TcpStream)> {
    let slot = Arc::clone(slots).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((slot, stream))
}
