//! HTTP as every door uses it: one client, bounded in time and size, without redirects, and an answer that says whether the
//! request may have reached the other side.
//!
//! It knows nothing about providers. What an answer means is their modules' affair.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use crate::connect::{Hurried, PublicOnly};
use crate::deadline::Deadline;

/// A connection must be made, TLS included, within this time: after it nothing of the request was written.
pub(crate) const CONNECT_MAX: Duration = Duration::from_secs(5);
/// A whole call. Meta and Twilio answer in well under a second; what takes longer has to count as unknown.
pub(crate) const CALL_MAX: Duration = Duration::from_secs(15);
/// Bytes of an answer that is not a file: a page of a hundred templates has about 200 KiB.
pub(crate) const ANSWER_BYTES_MAX: usize = 1 << 20;
/// An idle connection is kept for this time. Short, because a connection that the other side is just closing costs an unknown
/// outcome.
const IDLE_MAX: Duration = Duration::from_secs(20);
const IDLE_CONNECTIONS_MAX: usize = 8;

const USER_AGENT: &str = concat!("relevo/", env!("CARGO_PKG_VERSION"));

/// The clients of this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Http(Arc<Clients>);

struct Clients {
    any: Client<Hurried<HttpsConnector<HttpConnector>>, Timely>,
    /// For addresses that somebody else chose: connects to public addresses alone.
    public: Client<Hurried<HttpsConnector<HttpConnector<PublicOnly>>>, Timely>,
}

/// Which machines a request may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The operator configured the address.
    Anywhere,
    /// Public addresses alone, checked after the name is resolved and used for the connection itself.
    PublicOnly,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// `None` if it broke off, took too long, or is larger than it may be.
    pub(crate) body: Option<Bytes>,
}

/// Why nothing came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CallError {
    /// No connection, or none in time: the request cannot have been written.
    NotSent(String),
    /// The request may have been written, and there is no answer.
    Unanswered(&'static str),
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(why) => write!(f, "cannot be reached: {why}"),
            Self::Unanswered(why) => f.write_str(why),
        }
    }
}

/// A request's body that looks at the clock when it is asked for its bytes, which is when the request is about to be written: its
/// head is held back until then, and is not written if there is no body to follow it.
struct Timely {
    body: Full<Bytes>,
    by: Option<Deadline>,
    /// Set when it was too late.
    late: Arc<AtomicBool>,
}

/// The time of a request was over before it was written.
#[derive(Debug, thiserror::Error)]
#[error("there was no time left to send it")]
struct Late;

/// An answer of which the head has come and the body has not.
pub(crate) struct Opened {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Incoming,
}

/// Why a body could not be read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    TooLarge,
    /// Nothing came for too long, or the whole took too long.
    TooSlow,
    Broken,
}

// === impl Http ===

impl Http {
    /// With the machine's own certificate authorities.
    pub(crate) fn new() -> io::Result<Self> {
        let mut plain = HttpConnector::new();
        plain.enforce_http(false);
        let mut public = HttpConnector::new_with_resolver(PublicOnly::default());
        public.enforce_http(false);
        Ok(Self(Arc::new(Clients {
            any: client_builder().build(secured(plain)?),
            public: client_builder().build(secured(public)?),
        })))
    }

    /// One call to an address that the operator configured. Answers within `limit`, whatever happens.
    pub(crate) async fn call(&self, request: Request<Bytes>, limit: Duration) -> Result<Answer, CallError> {
        let end = Instant::now() + limit;
        let opened = self.open(request, Reach::Anywhere, end).await?;
        let Opened { status, headers, body } = opened;
        let body = read(body, ANSWER_BYTES_MAX, end, limit).await.ok();
        Ok(Answer { status, headers, body })
    }

    /// One call whose request is written only if `by` is not over when it comes to that: connecting takes time.
    pub(crate) async fn call_by(
        &self,
        request: Request<Bytes>,
        limit: Duration,
        by: Deadline,
    ) -> Result<Answer, CallError> {
        let end = Instant::now() + limit;
        let Opened { status, headers, body } = self.send(request, Reach::Anywhere, end, Some(by)).await?;
        let body = read(body, ANSWER_BYTES_MAX, end, limit).await.ok();
        Ok(Answer { status, headers, body })
    }

    /// One call, of which only the head of the answer is awaited.
    pub(crate) async fn open(&self, request: Request<Bytes>, reach: Reach, end: Instant) -> Result<Opened, CallError> {
        self.send(request, reach, end, None).await
    }

    async fn send(
        &self,
        mut request: Request<Bytes>,
        reach: Reach,
        end: Instant,
        by: Option<Deadline>,
    ) -> Result<Opened, CallError> {
        request.headers_mut().insert(http::header::USER_AGENT, http::HeaderValue::from_static(USER_AGENT));
        match reach {
            Reach::Anywhere => through(&self.0.any, request, end, by).await,
            Reach::PublicOnly => through(&self.0.public, request, end, by).await,
        }
    }
}

async fn through<C: Connect + Clone + Send + Sync + 'static>(
    client: &Client<C, Timely>,
    request: Request<Bytes>,
    end: Instant,
    by: Option<Deadline>,
) -> Result<Opened, CallError> {
    let late = Arc::new(AtomicBool::new(false));
    let request = request.map(|body| Timely { body: Full::new(body), by, late: Arc::clone(&late) });
    match timeout_at(end, client.request(request)).await {
        // Whatever became of the connection, the request was not written.
        Err(_) | Ok(Err(_)) if late.load(Ordering::Acquire) => Err(CallError::NotSent(Late.to_string())),
        Err(_) => Err(CallError::Unanswered("did not answer in time")),
        Ok(Err(error)) if error.is_connect() => Err(CallError::NotSent(innermost(&error))),
        Ok(Err(_)) => Err(CallError::Unanswered("broke the connection off")),
        Ok(Ok(answer)) => {
            let (head, body) = answer.into_parts();
            Ok(Opened { status: head.status, headers: head.headers, body })
        }
    }
}

// === impl Timely ===

impl Body for Timely {
    type Data = Bytes;
    type Error = Late;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Late>>> {
        // Only the first bytes matter: what was begun is on its way.
        if self.by.take().is_some_and(|by| by.is_over()) {
            self.late.store(true, Ordering::Release);
            return Poll::Ready(Some(Err(Late)));
        }
        Pin::new(&mut self.body).poll_frame(context).map_err(|never| match never {})
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// === impl Opened ===

impl Opened {
    /// The body, at most `limit` bytes of it, by `end`; nothing for longer than `stall` counts as the end of it all.
    pub(crate) async fn bytes(self, limit: usize, end: Instant, stall: Duration) -> Result<Bytes, BodyError> {
        let announced = self.headers.get(http::header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
        if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit as u64) {
            return Err(BodyError::TooLarge);
        }
        read(self.body, limit, end, stall).await
    }
}

async fn read(mut body: Incoming, limit: usize, end: Instant, stall: Duration) -> Result<Bytes, BodyError> {
    let mut all = BytesMut::new();
    loop {
        let by = end.min(Instant::now() + stall);
        let Some(frame) = timeout_at(by, body.frame()).await.map_err(|_| BodyError::TooSlow)? else {
            return Ok(all.freeze());
        };
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        if all.len() + data.len() > limit {
            return Err(BodyError::TooLarge);
        }
        all.extend_from_slice(&data);
    }
}

/// HTTP/1.1 alone: its requests are not multiplexed, so a broken connection concerns one of them.
fn secured<C>(connector: C) -> io::Result<Hurried<HttpsConnector<C>>> {
    let builder = HttpsConnectorBuilder::new().with_native_roots()?.https_or_http().enable_http1();
    Ok(Hurried::new(builder.wrap_connector(connector)))
}

fn client_builder() -> hyper_util::client::legacy::Builder {
    let mut builder = Client::builder(TokioExecutor::new());
    builder.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE_MAX).pool_max_idle_per_host(IDLE_CONNECTIONS_MAX);
    builder
}

/// The first cause, in its own words: it names machines, never a person.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut at = error;
    while let Some(source) = at.source() {
        at = source;
    }
    at.to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use http::Uri;
    use hyper_util::rt::TokioIo;
    use relevo_domain::Timestamp;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::{TcpListener, TcpStream};
    use tower::Service;

    use super::*;

    static NOW: AtomicI64 = AtomicI64::new(0);
    const CLAIM: Duration = Duration::from_secs(10);

    fn clock() -> Timestamp {
        Timestamp::from_millis(NOW.load(Ordering::SeqCst))
    }

    /// A connection takes so long that it is another time when it stands.
    #[derive(Clone)]
    struct Slow(Duration);

    impl Service<Uri> for Slow {
        type Response = TokioIo<TcpStream>;
        type Error = io::Error;
        type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

        fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, address: Uri) -> Self::Future {
            let (at, time) = (address.authority().unwrap().to_string(), self.0.as_millis());
            Box::pin(async move {
                let stream = TcpStream::connect(at).await?;
                NOW.fetch_add(i64::try_from(time).unwrap(), Ordering::SeqCst);
                Ok(TokioIo::new(stream))
            })
        }
    }

    /// What a machine hears of a call to it whose connection took that long.
    async fn heard(connecting: Duration) -> (Option<CallError>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/messages", listener.local_addr().unwrap());
        let hears = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = vec![0; 4_096];
            // Nothing, if it is closed before anything came.
            let count = stream.read(&mut bytes).await.unwrap_or(0);
            bytes.truncate(count);
            bytes
        });
        let client = client_builder().build(Slow(connecting));
        let request = Request::post(url).body(Bytes::from_static(b"{}")).unwrap();
        let end = Instant::now() + CALL_MAX;
        let outcome = through(&client, request, end, Some(Deadline::within(CLAIM, clock))).await;
        (outcome.err(), hears.await.unwrap())
    }

    #[tokio::test]
    async fn not_a_byte_is_written_once_the_time_of_the_claim_is_over() {
        let (refused, bytes) = heard(CLAIM).await;
        assert_eq!((refused, bytes.as_slice()), (Some(CallError::NotSent(Late.to_string())), b"".as_slice()));
        let (broken_off, bytes) = heard(Duration::from_millis(9_999)).await;
        assert!(matches!(broken_off, Some(CallError::Unanswered(_))), "{broken_off:?}");
        assert!(bytes.starts_with(b"POST /messages HTTP/1.1\r\n") && bytes.ends_with(b"\r\n\r\n{}"), "{bytes:?}");
    }
}
