//! The endpoint's name in an address.

use std::convert::Infallible;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;

/// The name as it was decoded. Empty if it cannot be: no endpoint has that name, so it is refused like any unknown one, in
/// the same form and counted in the same series.
pub(crate) struct EndpointName(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for EndpointName {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let name = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(name.map(|Path(name)| name).unwrap_or_default()))
    }
}
