//! Reading a body: never more than the limit, never longer than the time allowed, never more memory than there is.
//! A body that stops coming is given up long before its time is over.
//!
//! The limit holds while the body is read, so that a body without a length cannot fill the memory. What is refused is still
//! read to its end within the same time, and thrown away: a client that is cut off while it writes never sees the answer.
//! What is refused by its head alone is answered first and thrown away afterwards.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_LENGTH;
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

/// The memory budget is counted in pieces of this many bytes: a semaphore counts to 2³², bodies go further.
const PIECE_BYTES: usize = 1024;
/// How much of a refused body is read and thrown away before the connection is closed.
const DRAIN_BYTES_MAX: usize = 128 << 20;

/// How long a body may pause: a provider writes without stopping, and a connection that is silent for longer is dead, or held
/// open on purpose.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Memory and requests that may be in use at one time, over all endpoints.
pub(crate) struct Budget {
    pieces: Arc<Semaphore>,
    requests: Arc<Semaphore>,
}

/// A body that was read, with its share of the budget; keep it until the body is stored.
pub(crate) struct Held {
    pub(crate) bytes: Bytes,
    _pieces: Option<OwnedSemaphorePermit>,
    _request: OwnedSemaphorePermit,
}

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It is larger than the limit.
    TooLarge,
    /// It did not arrive in time.
    TooSlow,
    /// The memory or request budget is used up.
    Overloaded,
    /// The client went away or broke the protocol.
    Broken,
}

impl Budget {
    pub(crate) fn new(memory_bytes: usize, requests: usize) -> Self {
        Self {
            pieces: Arc::new(Semaphore::new(memory_bytes.div_ceil(PIECE_BYTES).min(Semaphore::MAX_PERMITS))),
            requests: Arc::new(Semaphore::new(requests.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// Reads a whole body of at most `limit` bytes.
    pub(crate) async fn read(
        &self,
        headers: &HeaderMap,
        mut body: Body,
        limit: usize,
        allowed: Duration,
    ) -> Result<Held, Unread> {
        let deadline = Instant::now() + allowed;
        let outcome = match Arc::clone(&self.requests).try_acquire_owned() {
            Err(_none_left) => Err(Unread::Overloaded),
            Ok(_) if declared_length(headers).is_some_and(|length| length > limit) => Err(Unread::TooLarge),
            Ok(request) => self.collect(&mut body, limit, deadline, request).await,
        };
        if matches!(outcome, Err(Unread::TooLarge | Unread::Overloaded)) {
            drain(&mut body, deadline).await;
        }
        outcome
    }

    async fn collect(
        &self,
        body: &mut Body,
        limit: usize,
        deadline: Instant,
        request: OwnedSemaphorePermit,
    ) -> Result<Held, Unread> {
        let mut bytes = BytesMut::new();
        let mut held: Option<OwnedSemaphorePermit> = None;
        while let Some(data) = next(body, deadline).await? {
            if bytes.len() + data.len() > limit {
                return Err(Unread::TooLarge);
            }
            let wanted = (bytes.len() + data.len()).div_ceil(PIECE_BYTES);
            let missing = wanted.saturating_sub(held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits));
            if missing > 0 {
                let missing = u32::try_from(missing).map_err(|_above| Unread::Overloaded)?;
                let more = Arc::clone(&self.pieces)
                    .try_acquire_many_owned(missing)
                    .map_err(|_none_left| Unread::Overloaded)?;
                match held.as_mut() {
                    Some(held) => held.merge(more),
                    None => held = Some(more),
                }
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Held { bytes: bytes.freeze(), _pieces: held, _request: request })
    }
}

/// Throws a body away while its refusal is already on its way: it uses no share of the budget, and the answer does not wait.
pub(crate) fn discard(mut body: Body, allowed: Duration) {
    if body.is_end_stream() {
        return;
    }
    let deadline = Instant::now() + allowed;
    tokio::spawn(async move { drain(&mut body, deadline).await });
}

/// Reads what is left of a body that nobody wants, as long as it stays polite.
async fn drain(body: &mut Body, deadline: Instant) {
    let mut thrown_away = 0;
    while thrown_away < DRAIN_BYTES_MAX {
        match next(body, deadline).await {
            Ok(Some(data)) => thrown_away += data.len(),
            Ok(None) | Err(_) => return,
        }
    }
}

/// The next data of a body, or nothing at its end. Trailers are of no use to anybody here.
async fn next(body: &mut Body, deadline: Instant) -> Result<Option<Bytes>, Unread> {
    let deadline = deadline.min(Instant::now() + PAUSE_MAX);
    loop {
        let frame = timeout_at(deadline, body.frame()).await.map_err(|_elapsed| Unread::TooSlow)?;
        match frame {
            None => return Ok(None),
            Some(Err(_broken)) => return Err(Unread::Broken),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data()
                    && !data.is_empty()
                {
                    return Ok(Some(data));
                }
            }
        }
    }
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures::stream;

    use super::*;

    const ALLOWED: Duration = Duration::from_secs(5);

    async fn read(budget: &Budget, body: &'static [u8], limit: usize) -> Result<Held, Unread> {
        budget.read(&HeaderMap::new(), Body::from(body), limit, ALLOWED).await
    }

    #[tokio::test]
    async fn the_limit_holds_without_a_declared_length() {
        let budget = Budget::new(1 << 20, 4);
        assert_eq!(read(&budget, b"1234567890", 10).await.map(|held| held.bytes).unwrap(), "1234567890");
        assert_eq!(read(&budget, b"12345678901", 10).await.err(), Some(Unread::TooLarge));
    }

    #[tokio::test]
    async fn a_held_body_keeps_its_memory_until_it_is_dropped() {
        let budget = Budget::new(2 * PIECE_BYTES, 4);
        let first = read(&budget, &[0; PIECE_BYTES + 1], PIECE_BYTES * 2).await.unwrap();
        assert_eq!(read(&budget, b"x", 10).await.err(), Some(Unread::Overloaded));
        drop(first);
        assert!(read(&budget, b"x", 10).await.is_ok());
    }

    /// A body of `pieces` bytes, one every `pause` of the test's own clock, that then stops without an end.
    fn halting(pieces: usize, pause: Duration) -> Body {
        Body::from_stream(stream::unfold(pieces, move |left| async move {
            if left == 0 {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep_until(Instant::now() + pause).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b"x")), left - 1))
        }))
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_coming_is_given_up_before_its_time_and_a_slow_one_is_not() {
        let budget = Budget::new(1 << 20, 4);
        let allowed = Duration::from_secs(30);
        let took = async |body: Body| {
            let started = Instant::now();
            let outcome = budget.read(&HeaderMap::new(), body, 100, allowed).await;
            assert_eq!(outcome.err(), Some(Unread::TooSlow));
            started.elapsed().as_secs()
        };
        assert_eq!(took(halting(0, PAUSE_MAX)).await, 5);
        assert_eq!(took(halting(3, Duration::from_secs(4))).await, 17, "the pause counts from the last byte");
        assert_eq!(took(halting(100, Duration::from_secs(4))).await, 30, "but the whole has its time too");
    }

    #[tokio::test]
    async fn requests_are_limited_too() {
        let budget = Budget::new(1 << 20, 1);
        let first = read(&budget, b"", 10).await.unwrap();
        assert_eq!(read(&budget, b"", 10).await.err(), Some(Unread::Overloaded));
        drop(first);
        assert!(read(&budget, b"", 10).await.is_ok());
    }
}
