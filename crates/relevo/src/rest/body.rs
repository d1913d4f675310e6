//! Reads a body within limits of size and time.

use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::limits::Place;

/// What a body may have, in bytes: what gRPC takes.
pub(super) const BYTES_MAX: usize = 4 << 20;
/// A body is a large one from here on, in bytes: commands have a hundredth of it.
const LARGE_BYTES: usize = 64 << 10;
/// How long a body may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(30);
/// What is read of a refused body and dropped, in bytes: most clients write all of it before they look at an answer, and would see a
/// broken connection instead of a reason.
const DROPPED_MAX: usize = 16 << 20;
/// How long that may take.
const DROPPED_WITHIN: Duration = Duration::from_secs(2);

/// Why a body is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    MediaType,
    TooLarge,
    TooSlow,
    /// The connection broke.
    Broken,
    /// Others of this caller, or of everybody, are being read.
    Overloaded,
}

/// The whole body. An empty one needs no type.
pub(super) async fn read(headers: &HeaderMap, mut body: Body, place: &mut Place) -> Result<Bytes, Unread> {
    let read = whole(headers, &mut body, place).await;
    if matches!(read, Err(Unread::TooLarge | Unread::MediaType | Unread::Overloaded)) {
        drop_rest(&mut body).await;
    }
    read
}

async fn drop_rest(body: &mut Body) {
    let end = Instant::now() + DROPPED_WITHIN;
    let mut dropped = 0;
    while dropped < DROPPED_MAX
        && let Ok(Some(Ok(frame))) = timeout_at(end, body.frame()).await
    {
        dropped += frame.data_ref().map_or(0, Bytes::len);
    }
}

async fn whole(headers: &HeaderMap, body: &mut Body, place: &mut Place) -> Result<Bytes, Unread> {
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > BYTES_MAX as u64) {
        return Err(Unread::TooLarge);
    }
    let fits = is_json(headers);
    let end = Instant::now() + ARRIVES_WITHIN;
    let mut bytes = Vec::new();
    loop {
        match timeout_at(end, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let Ok(data) = frame.into_data() else { continue };
                if !fits && !data.is_empty() {
                    return Err(Unread::MediaType);
                }
                let length = bytes.len() + data.len();
                if length > BYTES_MAX {
                    return Err(Unread::TooLarge);
                }
                if length > LARGE_BYTES {
                    place.large().map_err(|_full| Unread::Overloaded)?;
                }
                bytes.extend_from_slice(&data);
            }
            Ok(None) => return Ok(Bytes::from(bytes)),
            Ok(Some(Err(_broken))) => return Err(Unread::Broken),
            Err(_elapsed) => return Err(Unread::TooSlow),
        }
    }
}

/// Whether the body is JSON in UTF-8, as it is.
fn is_json(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
    if !matches!(text(CONTENT_ENCODING).as_str(), "" | "identity") {
        return false;
    }
    let given = text(CONTENT_TYPE);
    let mut parts = given.split(';').map(str::trim);
    let json = parts.next() == Some("application/json");
    json && parts.all(|part| part.strip_prefix("charset=").is_none_or(|set| set.trim_matches('"') == "utf-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_json_in_utf_8_is_json() {
        let json = |kind: &str| is_json(&[(CONTENT_TYPE, kind.parse().unwrap())].into_iter().collect());
        assert!(json("application/json") && json("Application/JSON; charset=UTF-8") && json("application/json;v=1"));
        assert!(!json("text/plain") && !json("application/json; charset=latin1") && !json("application/jsonp"));
        let packed = [(CONTENT_TYPE, "application/json"), (CONTENT_ENCODING, "gzip")];
        assert!(!is_json(&packed.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect()));
    }
}
