//! What gRPC alone costs: a service that answers with bytes that it was given beforehand, and streams bytes as they come.

use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::stream::BoxStream;
use tokio::sync::broadcast;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::BroadcastStream;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{NamedService, ServerStreamingService, UnaryService};
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::raw::{self, RawCodec};

const ANSWER: &str = "/relevo.bench.Echo/Answer";
const WATCH: &str = "/relevo.bench.Echo/Watch";
/// Messages that a stream may be behind; one at a time is sent.
const BEHIND_MAX: usize = 16;

/// The service. Clones answer the same.
#[derive(Clone)]
pub struct Echo {
    answer: Arc<RwLock<Bytes>>,
    feed: broadcast::Sender<Bytes>,
}

impl Default for Echo {
    fn default() -> Self {
        Self { answer: Arc::default(), feed: broadcast::Sender::new(BEHIND_MAX) }
    }
}

impl Echo {
    /// What every answer is from now on.
    pub fn set(&self, answer: Bytes) {
        *self.answer.write().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// Sends this to every stream that is open.
    pub fn tell(&self, message: Bytes) {
        self.feed.send(message).unwrap();
    }
}

impl UnaryService<Bytes> for Echo {
    type Response = Bytes;
    type Future = BoxFuture<Response<Bytes>, Status>;

    fn call(&mut self, _request: Request<Bytes>) -> Self::Future {
        let answer = self.answer.read().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move { Ok(Response::new(answer)) })
    }
}

impl ServerStreamingService<Bytes> for Echo {
    type Response = Bytes;
    type ResponseStream = BoxStream<'static, Result<Bytes, Status>>;
    type Future = BoxFuture<Response<Self::ResponseStream>, Status>;

    fn call(&mut self, _request: Request<Bytes>) -> Self::Future {
        let told = BroadcastStream::new(self.feed.subscribe());
        let told = told.map(|message| message.map_err(|behind| Status::internal(behind.to_string())));
        Box::pin(async move { Ok(Response::new(Box::pin(told) as Self::ResponseStream)) })
    }
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let echo = self.clone();
        Box::pin(async move {
            let mut grpc = tonic::server::Grpc::new(RawCodec);
            Ok(match request.uri().path() {
                ANSWER => grpc.unary(echo, request).await,
                WATCH => grpc.server_streaming(echo, request).await,
                _ => Status::new(Code::Unimplemented, "").into_http(),
            })
        })
    }
}

impl NamedService for Echo {
    const NAME: &'static str = "relevo.bench.Echo";
}

/// Asks for the answer, with a request of these bytes.
pub async fn answer(client: &mut Grpc<Channel>, request: Bytes) -> Bytes {
    raw::ask(client, ANSWER, Request::new(request)).await
}

/// Opens a stream.
pub async fn watch(client: &mut Grpc<Channel>) -> Streaming<Bytes> {
    client.ready().await.unwrap();
    let opened = client.server_streaming(Request::new(Bytes::new()), PathAndQuery::from_static(WATCH), RawCodec).await;
    opened.unwrap().into_inner()
}
