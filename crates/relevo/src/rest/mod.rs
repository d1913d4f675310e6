//! JSON over HTTP for every unary RPC: paths from the protos' `google.api.http` options, messages by descriptors.
//!
//! There is no code for any one RPC. A request becomes the message that a gRPC client would send and goes through the same door and
//! services (`call.rs`), so that it is answered the same; a new RPC with its option is served without a line here.
//! Streams are for gRPC and gRPC-Web alone.

mod answer;
mod body;
mod call;
mod encoded;
mod limits;
mod openapi;
mod read;
mod routes;
mod scalar;
mod schema;
mod wrong;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{Method, StatusCode};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor};
use relevo_catalogue::{Arg, Language};
use relevo_domain::ErrorCode;
use relevo_proto::Problem;
use serde_json::Value as Json;
use tonic::service::Routes;
use tower::Layer as _;

use crate::auth::{Auth, AuthLayer, Credential, Refused, language};
use body::Unread;
use call::{Failed, Stack};
use limits::{Limits, Place};
use routes::{Body, Found, Route, RouteError, Table};
use wrong::Wrongs;

/// The HTTP side of all services. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Rest(Arc<Inner>);

struct Inner {
    table: Table,
    document: Bytes,
    auth: Arc<Auth>,
    limits: Limits,
    /// Comes when the services are there: HTTP listens before them, for webhooks.
    stack: OnceLock<Stack>,
}

/// Why there is no HTTP side: the protos say something that cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RestError {
    #[error("descriptors: {0}")]
    Descriptors(#[from] prost_reflect::DescriptorError),
    #[error("routes: {0}")]
    Routes(String),
}

impl From<RouteError> for RestError {
    fn from(error: RouteError) -> Self {
        Self::Routes(error.to_string())
    }
}

impl Rest {
    /// With `admin`, what only operators do is served, too: the HTTP port is the one that the world reaches.
    pub(crate) fn new(auth: Arc<Auth>, admin: bool) -> Result<Self, RestError> {
        let pool = DescriptorPool::decode(relevo_proto::FILE_DESCRIPTOR_SET)?;
        let table = Table::of(&pool)?;
        let table = if admin { table } else { table.without_admin() };
        let document = Bytes::from(openapi::document(&table).to_string());
        Ok(Self(Arc::new(Inner { table, document, auth, limits: Limits::default(), stack: OnceLock::new() })))
    }

    /// Begins to answer with these services; until then requests are asked to come again.
    pub(crate) fn open(&self, services: Routes) {
        let stack = AuthLayer::new(Arc::clone(&self.0.auth)).layer(services);
        if self.0.stack.set(stack).is_err() {
            tracing::error!("services were given to HTTP twice");
        }
    }

    /// Everything below `/v1` that nothing else answers.
    pub(crate) fn router(&self) -> Router {
        Router::new().route("/v1/openapi.json", get(document)).route("/v1/{*path}", any(serve)).with_state(self.clone())
    }
}

async fn document(State(rest): State<Rest>) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-cache")];
    (headers, rest.0.document.clone()).into_response()
}

async fn serve(State(rest): State<Rest>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let language = language(&head.headers);
    let (route, variables) = match rest.0.table.find(&head.method, head.uri.path()) {
        Found::Route(route, variables) => (route, variables),
        Found::OtherMethod(methods) => return answer::other_method(language, &methods),
        Found::Nothing => {
            return answer::problem(answer::said(language, ErrorCode::EndpointNotFound, "rest-path", &[]));
        }
    };
    let asked = Asked { rest: &rest, route, variables, head, language };
    asked.answer(body).await.unwrap_or_else(|refused| refused)
}

/// A request that leads somewhere.
struct Asked<'a> {
    rest: &'a Rest,
    route: &'a Route,
    variables: Vec<(&'a FieldDescriptor, String)>,
    head: Parts,
    language: Language,
}

impl Asked<'_> {
    /// The answer, or the one that refuses.
    async fn answer(&self, body: axum::body::Body) -> Result<Response, Response> {
        let credential = self.credential().await.map_err(|problem| self.refuse(*problem))?;
        let full = |_full| self.overloaded();
        let mut place = self.rest.0.limits.place(&credential.caller).map_err(full)?;
        let bytes = match self.route.body {
            Body::None => Bytes::new(),
            Body::All | Body::Field(_) => self.body(body, &mut place).await?,
        };
        let request = self.request(&bytes).map_err(|problem| answer::problem(*problem))?;
        drop(bytes);
        let Some(stack) = self.rest.0.stack.get() else {
            return Err(answer::problem(answer::said(self.language, ErrorCode::LogUnavailable, "rest-not-ready", &[])));
        };
        match call::call(stack, self.route.path.clone(), &self.head.headers, request).await {
            Ok(answer) => Ok(answer::message(self.route.rpc.output(), &answer).unwrap_or_else(|| {
                tracing::error!(rpc = self.route.rpc.full_name(), "answer cannot be written as JSON");
                self.refuse(Problem::new(ErrorCode::Internal))
            })),
            Err(Failed::Refused(status)) => Err(answer::error(&status)),
            Err(Failed::TooSlow) => {
                let safe = self.route.method == Method::GET;
                let code = if safe { ErrorCode::LogUnavailable } else { ErrorCode::OutcomeUnknown };
                Err(self.refuse(Problem::new(code)))
            }
        }
    }

    /// Whoever has no credential holds no memory and no place. The door asks again behind this one, as for every request.
    async fn credential(&self) -> Result<Credential, Box<Problem>> {
        let unauthenticated = || Box::new(Problem::new(ErrorCode::Unauthenticated));
        let header = self.head.headers.get(AUTHORIZATION).map(|value| value.to_str().map_err(|_| unauthenticated()));
        let resolved = self.rest.0.auth.resolve(header.transpose()?).await.map_err(|refused| match refused {
            Refused::Expired => Box::new(Problem::new(ErrorCode::TokenExpired)),
            Refused::Unknown => unauthenticated(),
        })?;
        resolved.ok_or_else(unauthenticated)
    }

    async fn body(&self, body: axum::body::Body, place: &mut Place) -> Result<Bytes, Response> {
        let said = |status, key| {
            let problem = answer::said(self.language, ErrorCode::InvalidArgument, key, &[]);
            answer::problem_as(status, problem)
        };
        body::read(&self.head.headers, body, place).await.map_err(|unread| match unread {
            Unread::MediaType => said(StatusCode::UNSUPPORTED_MEDIA_TYPE, "rest-media-type"),
            Unread::TooSlow => said(StatusCode::REQUEST_TIMEOUT, "rest-too-slow"),
            Unread::Broken => said(StatusCode::BAD_REQUEST, "rest-broken"),
            Unread::TooLarge => self.refuse(Problem::new(ErrorCode::TooLarge)),
            Unread::Overloaded => self.overloaded(),
        })
    }

    /// The bytes of the message that a gRPC client would have sent.
    fn request(&self, bytes: &[u8]) -> Result<Bytes, Box<Problem>> {
        let mut message = DynamicMessage::new(self.route.rpc.input());
        let mut wrongs = Wrongs::default();
        let json = if bytes.iter().all(u8::is_ascii_whitespace) { None } else { Some(self.json(bytes)?) };
        match (&self.route.body, json) {
            (Body::None, _) | (_, None) => {}
            (Body::All, Some(Json::Object(object))) => read::object(&mut message, &object, "", &mut wrongs),
            (Body::All, Some(_)) => wrongs.add("body", "field-kind-object"),
            (Body::Field(field), Some(json)) => {
                if let Some(value) = read::one(field, &json, field.json_name(), &mut wrongs) {
                    message.set_field(field, value);
                }
            }
        }
        let Some(parameters) = encoded::pairs(self.head.uri.query().unwrap_or_default()) else {
            return Err(Box::new(answer::said(self.language, ErrorCode::InvalidArgument, "rest-encoding", &[])));
        };
        match self.route.body {
            Body::None | Body::Field(_) => read::query(&mut message, &parameters, &mut wrongs),
            Body::All => parameters.iter().for_each(|(name, _)| wrongs.add(name, "field-not-in-query")),
        }
        for (field, text) in &self.variables {
            match encoded::decoded(text) {
                Some(text) => read::variable(&mut message, field, &text, &mut wrongs),
                None => wrongs.add(field.name(), "field-kind-text"),
            }
        }
        wrongs.done(self.language)?;
        Ok(Bytes::from(message.encode_to_vec()))
    }

    fn json(&self, bytes: &[u8]) -> Result<Json, Box<Problem>> {
        serde_json::from_slice(bytes).map_err(|error| {
            let args =
                [("line", Arg::from(error.line().to_string())), ("column", Arg::from(error.column().to_string()))];
            Box::new(answer::said(self.language, ErrorCode::InvalidArgument, "rest-json", &args))
        })
    }

    fn refuse(&self, problem: Problem) -> Response {
        answer::problem(answer::spoken(self.language, problem))
    }

    fn overloaded(&self) -> Response {
        answer::problem(answer::said(self.language, ErrorCode::LimitReached, "rest-overloaded", &[]))
    }
}
