//! Waiting for a condition, never for time.

use std::time::Duration;

use tokio::time::Instant;

/// Long enough for a loaded machine, short enough to notice a hang.
pub const EVENTUALLY_DEADLINE: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(5);

/// Polls until the condition holds; panics with `what` if it does not within [`EVENTUALLY_DEADLINE`].
pub async fn eventually<T>(what: &str, condition: impl AsyncFnMut() -> Option<T>) -> T {
    eventually_within(what, EVENTUALLY_DEADLINE, condition).await
}

/// Polls until the condition holds; panics with `what` if it does not within `deadline`.
pub async fn eventually_within<T>(what: &str, deadline: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(value) = condition().await {
            return value;
        }
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        tokio::time::sleep(POLL_EVERY).await;
    }
}
