//! The gRPC door: puts the caller where services look for it, and turns away what no service needs to see.
//!
//! A request without a credential goes on without a caller: services answer UNAUTHENTICATED in the caller's language, health and
//! reflection answer anybody.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{Extensions, Request, Response};
use relevo_domain::{ErrorCode, Role};
use relevo_proto::Problem;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::refusal::{code, language, spoken};
use super::{Auth, Credential};

/// Services of ours; what is not below this needs no credential.
const OURS: &str = "/relevo.";
/// The one service that a key of role `service` may use.
const AUTH_SERVICE: &str = "/relevo.auth.v1.AuthService/";

/// The door as a layer.
#[derive(Clone)]
pub(crate) struct AuthLayer(Arc<Auth>);

/// The door before a service.
#[derive(Clone)]
pub(crate) struct Admitting<S> {
    auth: Arc<Auth>,
    inner: S,
}

impl AuthLayer {
    pub(crate) fn new(auth: Arc<Auth>) -> Self {
        Self(auth)
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Admitting<S>;

    fn layer(&self, inner: S) -> Admitting<S> {
        Admitting { auth: Arc::clone(&self.0), inner }
    }
}

impl<S> Service<Request<Body>> for Admitting<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let auth = Arc::clone(&self.auth);
        // The one that was polled ready is used, its clone waits for the next request.
        let waiting = self.inner.clone();
        let mut ready = std::mem::replace(&mut self.inner, waiting);
        Box::pin(async move {
            // In two parts: a body cannot be shared, and the door does not look at it.
            let (mut parts, body) = request.into_parts();
            if parts.uri.path().starts_with(OURS)
                && let Err(status) = admit(&auth, &mut parts).await
            {
                return Ok(status.into_http());
            }
            ready.call(Request::from_parts(parts, body)).await
        })
    }
}

async fn admit(auth: &Auth, request: &mut Parts) -> Result<(), Status> {
    let say = |problem| Status::from(spoken(language(&request.headers), problem));
    let header = match request.headers.get(AUTHORIZATION) {
        None => return Ok(()),
        Some(value) => value.to_str().map_err(|_not_text| say(Problem::new(ErrorCode::Unauthenticated)))?,
    };
    let resolved = auth.resolve(Some(header)).await.map_err(|refused| say(Problem::new(code(refused))))?;
    let Some(credential) = resolved else { return Ok(()) };
    let role = credential.caller.role;
    if role == Role::Service && !request.uri.path().starts_with(AUTH_SERVICE) {
        return Err(say(Problem::new(ErrorCode::Forbidden).about("role", role.as_str())));
    }
    insert(&mut request.extensions, credential);
    Ok(())
}

fn insert(extensions: &mut Extensions, credential: Credential) {
    extensions.insert(credential.caller.clone());
    if let Some(valid_until) = credential.valid_until {
        extensions.insert(valid_until);
    }
    extensions.insert(credential);
}
