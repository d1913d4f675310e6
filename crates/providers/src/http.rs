//! HTTP as every door uses it: one client, bounded in time and size, without redirects, and an answer that says whether the
//! request may have reached the other side.
//!
//! It knows nothing about providers. What an answer means is their modules' affair.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout_at};

use crate::connect::{Hurried, PublicOnly};

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

type Body = Full<Bytes>;

/// The clients of this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Http(Arc<Clients>);

struct Clients {
    any: Client<Hurried<HttpsConnector<HttpConnector>>, Body>,
    /// For addresses that somebody else chose: connects to public addresses alone.
    public: Client<Hurried<HttpsConnector<HttpConnector<PublicOnly>>>, Body>,
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
    /// No connection: the request cannot have been written.
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

    /// One call, of which only the head of the answer is awaited.
    pub(crate) async fn open(
        &self,
        mut request: Request<Bytes>,
        reach: Reach,
        end: Instant,
    ) -> Result<Opened, CallError> {
        request.headers_mut().insert(http::header::USER_AGENT, http::HeaderValue::from_static(USER_AGENT));
        let request = request.map(Full::new);
        let calling = async {
            match reach {
                Reach::Anywhere => self.0.any.request(request).await,
                Reach::PublicOnly => self.0.public.request(request).await,
            }
        };
        match timeout_at(end, calling).await {
            Err(_) => Err(CallError::Unanswered("did not answer in time")),
            Ok(Err(error)) if error.is_connect() => Err(CallError::NotSent(innermost(&error))),
            Ok(Err(_)) => Err(CallError::Unanswered("broke the connection off")),
            Ok(Ok(answer)) => {
                let (head, body) = answer.into_parts();
                Ok(Opened { status: head.status, headers: head.headers, body })
            }
        }
    }
}

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
