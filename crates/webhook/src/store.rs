//! Storing a body that was found genuine: one append, one answer.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::CONTENT_TYPE;
use relevo_domain::{EndpointId, RawId, Timestamp};
use relevo_eventlog::{InputKind, Notes, RawInput};
use tokio::time::timeout;

use crate::Shared;
use crate::body::Held;
use crate::problem::Problem;

/// The longest content type that is kept beside a body, in bytes; it is a hint, and anybody can write anything there.
const CONTENT_TYPE_BYTES_MAX: usize = 200;

/// Appends the body and says yes only after the log did.
pub(crate) async fn store(
    shared: &Shared,
    endpoint: &EndpointId,
    kind: InputKind,
    headers: &HeaderMap,
    notes: Notes,
    body: Held,
) -> Result<RawId, Problem> {
    let input = RawInput {
        endpoint: endpoint.clone(),
        kind,
        received_at: now(),
        content_type: content_type(headers),
        notes,
        body: body.bytes.clone(),
    };
    let started = Instant::now();
    let appended = timeout(shared.options.append_timeout, shared.inlet.append(&input)).await;
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let endpoint = endpoint.as_str();
    match appended {
        Ok(Ok(raw)) => {
            shared.metrics.stored(input.body.len(), started.elapsed());
            tracing::debug!(
                endpoint,
                kind = kind.as_str(),
                %raw,
                bytes = input.body.len(),
                elapsed_ms,
                "input stored"
            );
            Ok(raw)
        }
        Ok(Err(error)) => {
            tracing::warn!(endpoint, kind = kind.as_str(), %error, elapsed_ms, "input not stored");
            Err(Problem::from(&error))
        }
        Err(_elapsed) => {
            tracing::warn!(endpoint, kind = kind.as_str(), elapsed_ms, "log did not answer in time");
            Err(Problem::OutcomeUnknown)
        }
    }
}

fn content_type(headers: &HeaderMap) -> String {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .filter(|value| value.len() <= CONTENT_TYPE_BYTES_MAX)
        .unwrap_or_default()
        .to_owned()
}

/// When the input was received. A clock before 1970 is a clock that was never set.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
