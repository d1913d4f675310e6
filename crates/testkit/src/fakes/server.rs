//! An HTTP server on a port of its own, which can also do what servers should not: hang up, fall silent, stop in the middle.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};

/// Connections at a time; more wait.
const CONNECTIONS_MAX: usize = 512;
/// What a client may send: an upload of the largest document.
const REQUEST_BYTES_MAX: usize = 110 << 20;

/// A request, whole.
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What is done about it.
pub(crate) enum Reply {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    },
    /// The head and the beginning of a body that never ends.
    Stall,
    /// The connection is closed without an answer.
    HangUp,
    /// Nothing, until the client gives up.
    Silence,
}

/// What answers.
pub(crate) trait Handler: Send + Sync + 'static {
    fn handle(self: Arc<Self>, asked: Asked) -> impl Future<Output = Reply> + Send;
}

/// A running server. Its port is free again when it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

/// A body that may stop in the middle.
struct Paced {
    data: Option<Bytes>,
    stalls: bool,
}

// === impl Server ===

impl Server {
    pub(crate) async fn start<H: Handler>(handler: Arc<H>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { address, serving: tokio::spawn(serve(listener, handler)) })
    }

    /// `127.0.0.1:1234`.
    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve<H: Handler>(listener: TcpListener, handler: Arc<H>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Dropped with this task, and the connections with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else { continue };
        while connections.try_join_next().is_some() {}
        let handler = Arc::clone(&handler);
        connections.spawn(async move {
            converse(stream, handler).await;
            drop(permit);
        });
    }
}

async fn converse<H: Handler>(stream: TcpStream, handler: Arc<H>) {
    let service = service_fn(move |request| {
        let handler = Arc::clone(&handler);
        async move { answer(handler, request).await }
    });
    // A client that goes away is its own affair.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

/// An error makes the connection end without an answer.
async fn answer<H: Handler>(handler: Arc<H>, request: Request<Incoming>) -> io::Result<Response<Paced>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, REQUEST_BYTES_MAX).collect().await.map_err(io::Error::other)?.to_bytes();
    let asked = Asked {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    match handler.handle(asked).await {
        Reply::Answer { status, headers, body } => {
            let builder = Response::builder().status(status);
            let builder = headers.into_iter().fold(builder, |builder, (name, value)| builder.header(name, value));
            builder.body(Paced { data: Some(body), stalls: false }).map_err(io::Error::other)
        }
        Reply::Stall => Ok(Response::new(Paced { data: Some(Bytes::from_static(b"{\"mess")), stalls: true })),
        Reply::HangUp => Err(io::Error::other("hangs up")),
        Reply::Silence => std::future::pending().await,
    }
}

// === impl Reply ===

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json".to_owned())];
        Self::Answer { status, headers, body: Bytes::from(body.to_string()) }
    }

    pub(crate) fn html(status: u16, body: &'static str) -> Self {
        let headers = vec![("content-type", "text/html".to_owned())];
        Self::Answer { status, headers, body: Bytes::from_static(body.as_bytes()) }
    }

    pub(crate) fn file(mime_type: &str, body: Bytes) -> Self {
        Self::Answer { status: 200, headers: vec![("content-type", mime_type.to_owned())], body }
    }

    pub(crate) fn redirect(to: String) -> Self {
        Self::Answer { status: 307, headers: vec![("location", to)], body: Bytes::new() }
    }
}

impl Asked {
    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        parameter(self.query.as_bytes(), name)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// A parameter of a form or a query.
pub(crate) fn parameter(form: &[u8], name: &str) -> Option<String> {
    form_urlencoded::parse(form).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

// === impl Body for Paced ===

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.data.take() {
            Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
            // Nobody wakes it: the client's time-out ends it.
            None if self.stalls => Poll::Pending,
            None => Poll::Ready(None),
        }
    }
}
