//! `GET /v1/files/{token}`: the file that the address grants, whole or a range of it.
//!
//! Whoever has the address has the file until its time, so there is no other credential. The answer tells browsers to run
//! nothing, to guess nothing and to send the address nowhere.

use std::ops::Range;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, IF_RANGE, RANGE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use relevo_domain::ErrorCode;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;

use super::memory::Room;
use super::pace::Pace;
use super::token::Grant;
use super::upload::code;
use super::{Shared, disposition};
use crate::auth::{http as refuse, language};

/// What is handed to the connection at a time, in bytes.
const PIECE_BYTES: usize = 64 * 1024;
/// How long a client may take for one piece; then its file is not kept in memory for it any longer.
const STALLED_AFTER: Duration = Duration::from_secs(30);
/// Nothing runs, nothing is loaded but the file itself, and it is of no origin.
const POLICY: &str = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox";
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

pub(super) async fn answer(State(shared): State<Shared>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    let language = language(&headers);
    let Some(grant) = shared.doors.tokens.open(&token) else {
        return refuse(language, ErrorCode::AttachmentNotFound);
    };
    let now = (shared.doors.clock)();
    if grant.valid_until <= now {
        let mut gone = refuse(language, ErrorCode::TokenExpired);
        *gone.status_mut() = StatusCode::GONE;
        return gone;
    }
    let remaining = grant.valid_until.since(now);
    match file(&shared, &grant, &headers, remaining).await {
        Ok(response) => response,
        Err(code) => refuse(language, code),
    }
}

async fn file(shared: &Shared, grant: &Grant, headers: &HeaderMap, remaining: Duration) -> Result<Response, ErrorCode> {
    let blobs = &shared.doors.blobs;
    let size = blobs.size(&grant.tenant, &grant.sha256).await.map_err(code)?.ok_or(ErrorCode::AttachmentNotFound)?;
    let etag = HeaderValue::from_str(&format!("\"{}\"", grant.sha256)).map_err(|_| ErrorCode::AttachmentNotFound)?;
    if headers.get(IF_NONE_MATCH) == Some(&etag) {
        return Ok(described(StatusCode::NOT_MODIFIED, grant, &etag, remaining, Body::empty()));
    }
    // A range of another version is no use; there is none, but a client may have mixed two files up.
    let wanted = headers.get(RANGE).filter(|_| headers.get(IF_RANGE).is_none_or(|known| known == etag));
    let range = match wanted.and_then(|range| range.to_str().ok()).map_or(Ranged::Whole, |range| ranged(range, size)) {
        Ranged::Whole => None,
        Ranged::Part(range) => Some(range),
        Ranged::Beyond => {
            let mut refused = described(StatusCode::RANGE_NOT_SATISFIABLE, grant, &etag, remaining, Body::empty());
            set(&mut refused, CONTENT_RANGE, &format!("bytes */{size}"));
            return Ok(refused);
        }
    };
    let mut room = shared.memory.room(&grant.tenant, None);
    room.hold(range.as_ref().map_or(size, |range| range.end - range.start))
        .await
        .map_err(|_full| ErrorCode::LimitReached)?;
    let (status, part) = match range.as_ref().filter(|range| **range != (0..size)) {
        None => (StatusCode::OK, blobs.get(&grant.tenant, &grant.sha256).await),
        Some(range) => {
            let length = usize::try_from(range.end - range.start).map_err(|_| ErrorCode::Internal)?;
            (StatusCode::PARTIAL_CONTENT, blobs.part(&grant.tenant, &grant.sha256, range.start, length).await)
        }
    };
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { status };
    let part = part.map_err(code)?.ok_or(ErrorCode::AttachmentNotFound)?;
    let length = part.len();
    let mut response = described(status, grant, &etag, remaining, handed_over(part, room));
    set(&mut response, CONTENT_LENGTH, &length.to_string());
    if let Some(range) = range {
        set(&mut response, CONTENT_RANGE, &format!("bytes {}-{}/{size}", range.start, range.end - 1));
    }
    Ok(response)
}

/// Everything that browsers must know about a file.
fn described(status: StatusCode, grant: &Grant, etag: &HeaderValue, remaining: Duration, body: Body) -> Response {
    let inline = !grant.download && disposition::shown(&grant.mime_type);
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, disposition::content_type(&grant.mime_type));
    headers.insert(CONTENT_DISPOSITION, disposition::header(inline, grant.file_name.as_deref()));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // The frontend that shows it may be of another origin.
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(ETAG, etag.clone());
    set(&mut response, CACHE_CONTROL, &format!("private, max-age={}", remaining.as_secs()));
    response
}

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// The body, piece by piece. A client that does not take the next one, or takes them too slowly, gets no more, and the memory is
/// free again.
fn handed_over(bytes: Bytes, room: Room) -> Body {
    let (pieces, taken) = mpsc::channel(1);
    let pace = Pace::begin();
    tokio::spawn(async move {
        let (mut rest, mut taken) = (bytes, 0);
        while !rest.is_empty() {
            let piece = rest.split_to(rest.len().min(PIECE_BYTES));
            let end = pace.end(taken).min(Instant::now() + STALLED_AFTER);
            taken += piece.len();
            match timeout_at(end, pieces.send(Ok(piece))).await {
                Ok(Ok(())) => {}
                Ok(Err(_gone)) => break,
                Err(_stalled) => {
                    // Said as an error, so that the client does not take the beginning for the whole.
                    let stalled = std::io::Error::from(std::io::ErrorKind::TimedOut);
                    pieces.try_send(Err(stalled)).ok();
                    break;
                }
            }
        }
        drop(room);
    });
    Body::from_stream(ReceiverStream::new(taken))
}

/// What a header `Range` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Ranged {
    /// None, one that is malformed, or several: then everything is sent, as the standard allows.
    Whole,
    Part(Range<u64>),
    /// It begins behind the end.
    Beyond,
}

fn ranged(header: &str, size: u64) -> Ranged {
    let Some((first, last)) = header.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Ranged::Whole;
    };
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    match (first, number(first), last, number(last)) {
        ("", _, _, Some(0)) => Ranged::Beyond,
        ("", _, _, Some(_)) if size == 0 => Ranged::Beyond,
        ("", _, _, Some(suffix)) => Ranged::Part(size.saturating_sub(suffix)..size),
        (_, Some(first), _, Some(last)) if first > last => Ranged::Whole,
        (_, Some(first), _, _) if first >= size && !last.contains(',') => Ranged::Beyond,
        (_, Some(first), "", _) => Ranged::Part(first..size),
        (_, Some(first), _, Some(last)) => Ranged::Part(first..last.saturating_add(1).min(size)),
        _ => Ranged::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let table = [
            ("bytes=0-0", Ranged::Part(0..1)),
            ("bytes=2-4", Ranged::Part(2..5)),
            ("bytes=2-", Ranged::Part(2..10)),
            ("bytes=-3", Ranged::Part(7..10)),
            ("bytes=-30", Ranged::Part(0..10)),
            ("bytes=5-500", Ranged::Part(5..10)),
            ("bytes=0-18446744073709551615", Ranged::Part(0..10)),
            ("bytes=10-", Ranged::Beyond),
            ("bytes=-0", Ranged::Beyond),
            ("bytes=4-2", Ranged::Whole),
            ("bytes=0-1,3-4", Ranged::Whole),
            ("bytes=a-b", Ranged::Whole),
            ("bytes=-", Ranged::Whole),
            ("lines=1-2", Ranged::Whole),
            ("bytes=+1-2", Ranged::Whole),
        ];
        for (header, wanted) in table {
            assert_eq!(ranged(header, 10), wanted, "{header}");
        }
        assert_eq!(ranged("bytes=-1", 0), Ranged::Beyond);
        assert_eq!(ranged("bytes=0-", 0), Ranged::Beyond);
    }
}
