//! Reads the body of a request within limits.

use std::time::Duration;

use bytes::Buf;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Body, Incoming};
use hyper::header::EXPECT;
use tokio::time::timeout;

use crate::budget::{Held, Taken};
use crate::error::RequestError;
use crate::reply::seconds;
use crate::state::State;

/// A body that is refused is read up to this multiple of the limit, because many clients read a reply only after they have
/// sent the whole body.
const DRAINED: usize = 4;
/// Time for reading a body that is refused.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// Reads a body. Its bytes are taken from the budget as they arrive.
pub(crate) async fn read(
    state: &State,
    request: &mut Request<Incoming>,
) -> Result<Held<Vec<u8>>, RequestError> {
    let limit = state.limits.body_timeout;
    let late = |_| RequestError::RequestTimeout { seconds: seconds(limit) };
    let read = timeout(limit, collect(state, request.body_mut())).await;
    read.map_err(late).flatten()
}

async fn collect(state: &State, body: &mut Incoming) -> Result<Held<Vec<u8>>, RequestError> {
    let most = state.limits.max_body_size;
    let too_large = RequestError::BodyTooLarge { most };
    if body.size_hint().lower() > most as u64 {
        return Err(too_large);
    }
    let mut held = Held { value: Vec::new(), taken: Taken::default() };
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| RequestError::BrokenBody)?.into_data() else { continue };
        let length = held.value.len() + data.len();
        if length > most {
            return Err(too_large);
        }
        let capacity = held.value.capacity();
        if length > capacity {
            // The vector grows by doubling, and never by more than it takes from the budget.
            let grown = length.max(2 * capacity).min(most);
            state.budget.take(&mut held.taken, grown - capacity)?;
            held.value.reserve_exact(grown - held.value.len());
        }
        held.value.extend_from_slice(&data);
    }
    Ok(held)
}

/// Reads the rest of a body that is refused, so that the client gets the reply. A client that waits for permission to send
/// its body does not send it.
pub(crate) async fn drain(state: &State, request: &mut Request<Incoming>) {
    let waits = request.headers().contains_key(EXPECT);
    let most = state.limits.max_body_size.saturating_mul(DRAINED);
    let body = request.body_mut();
    if waits || body.size_hint().lower() > most as u64 {
        return;
    }
    let rest = async {
        let mut read = 0;
        while let Some(Ok(frame)) = body.frame().await {
            read += frame.data_ref().map_or(0, Buf::remaining);
            if read > most {
                break;
            }
        }
    };
    // A client that is slow gets its reply while it still sends.
    let _ = timeout(DRAIN_TIME.min(state.limits.body_timeout), rest).await;
}
