//! Calls an RPC inside of the process, through the same layers and services that a gRPC client reaches.
//!
//! The message goes in and comes out as bytes: what it means is known by descriptors alone.

use std::time::Duration;

use bytes::{Buf as _, BufMut as _, Bytes};
use http::header::{ACCEPT_LANGUAGE, AUTHORIZATION};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName};
use tokio::time::timeout;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Request, Status};
use tower::Layer;

use crate::auth::AuthLayer;

/// How long a call may take: longer than anything that is asked by one request and answered by one.
const ANSWERED_WITHIN: Duration = Duration::from_mins(2);
/// What services look at.
const PASSED_ON: [HeaderName; 2] = [AUTHORIZATION, ACCEPT_LANGUAGE];

/// The door and the services behind it.
pub(super) type Stack = <AuthLayer as Layer<Routes>>::Service;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Failed {
    Refused(Box<Status>),
    TooSlow,
}

/// Calls the RPC at the path.
pub(super) async fn call(
    stack: &Stack,
    path: PathAndQuery,
    headers: &HeaderMap,
    bytes: Bytes,
) -> Result<Bytes, Failed> {
    let passed = PASSED_ON.iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
    let mut request = Request::new(bytes);
    *request.metadata_mut() = MetadataMap::from_headers(passed.collect());
    // It is our own answer, of a size that the services limit.
    let mut grpc = tonic::client::Grpc::new(stack.clone()).max_decoding_message_size(usize::MAX);
    let called = async {
        match grpc.ready().await {
            Ok(()) => grpc.unary(request, path, Raw).await,
            Err(never) => match never {},
        }
    };
    match timeout(ANSWERED_WITHIN, called).await {
        Ok(Ok(answer)) => Ok(answer.into_inner()),
        Ok(Err(status)) => Err(Failed::Refused(Box::new(status))),
        Err(_elapsed) => Err(Failed::TooSlow),
    }
}

/// Bytes are what they are.
#[derive(Clone, Copy, Debug)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        *self
    }

    fn decoder(&mut self) -> Self {
        *self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
