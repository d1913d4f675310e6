//! Which pages may call from a browser: the origins of the configuration, none by default. Other programs are not asked.
//!
//! No cookies are involved, so a page that is not allowed here can do nothing that it could not do without a browser.

use std::time::Duration;

use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_RANGE, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    RANGE, RETRY_AFTER,
};
use http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser may remember the answer; two hours are the most that Chromium keeps.
const MAX_AGE: Duration = Duration::from_hours(2);

/// What gRPC-Web clients send beside the usual.
const SENT: [HeaderName; 4] = [
    HeaderName::from_static("x-grpc-web"),
    HeaderName::from_static("x-user-agent"),
    HeaderName::from_static("grpc-timeout"),
    HeaderName::from_static("connect-protocol-version"),
];
/// What a page must be allowed to read, or an error that has no body is only "unknown" to it.
const READ: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

/// For gRPC-Web.
pub(super) fn grpc_web(origins: &[HeaderValue]) -> CorsLayer {
    let usual = [ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE];
    origins_only(origins)
        .allow_methods([Method::POST])
        .allow_headers(usual.into_iter().chain(SENT).collect::<Vec<_>>())
        .expose_headers(READ)
}

/// For the routes of the HTTP listener that pages may call.
pub(super) fn http(origins: &[HeaderValue]) -> CorsLayer {
    origins_only(origins)
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([ACCEPT, ACCEPT_LANGUAGE, AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH, RANGE])
        .expose_headers([CONTENT_DISPOSITION, CONTENT_RANGE, ETAG, RETRY_AFTER])
}

fn origins_only(origins: &[HeaderValue]) -> CorsLayer {
    CorsLayer::new().allow_origin(AllowOrigin::list(origins.iter().cloned())).max_age(MAX_AGE)
}
