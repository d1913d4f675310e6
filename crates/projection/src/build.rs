//! Brings an applier to a position of the log: for rebuilds and verifications, with progress. Serves nobody.

use std::sync::Arc;
use std::time::Duration;

use relevo_domain::Position;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::applier::{Applier, ApplyFailure, Item};
use crate::error::MaintenanceError;
use crate::feed::Feed;
use crate::hub::{Hub, Sharing};

/// How long a log that has more may give nothing. Longer than it takes a server to restart.
const STALL: Duration = Duration::from_mins(1);

/// How far a long work has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    pub applied: Position,
    pub target: Position,
    /// Over the whole work so far; 0 until there is something to measure.
    pub commits_per_second: f64,
    /// At the rate so far; unknown until there is one.
    pub left: Option<Duration>,
}

/// The circumstances of a build.
pub(crate) struct Builder {
    pub(crate) hub: Arc<Hub>,
    pub(crate) token: CancellationToken,
    pub(crate) clock: Clock,
}

/// Measures the rate of one work.
pub(crate) struct Clock {
    started: Instant,
    from: Position,
}

impl Builder {
    /// Applies everything up to `target` and nothing after it.
    pub(crate) async fn catch_up(
        &self,
        mut applier: Applier,
        target: Position,
        progress: &mut (dyn FnMut(Progress) + Send),
    ) -> Result<Applier, MaintenanceError> {
        progress(self.clock.progress(applier.position(), target));
        if applier.position() >= target {
            return Ok(applier);
        }
        applier.aim(target);
        let mut feed = Feed::after(applier.position(), target, &self.hub, Sharing::Alone, self.token.clone());
        while applier.position() < target {
            let applied = applier.position();
            let stalled = |_elapsed| MaintenanceError::Stalled { applied, target, seconds: STALL.as_secs() };
            let mut batch = timeout(STALL, feed.batch()).await.map_err(stalled)?;
            if batch.is_empty() {
                return Err(MaintenanceError::Cancelled);
            }
            let last = batch.last().map_or(0, Item::sequence);
            batch.retain(|item| item.sequence() <= target.sequence());
            applier = apply_off_thread(applier, batch).await.map_err(MaintenanceError::from)?;
            progress(self.clock.progress(applier.position(), target));
            // The target itself may be a sequence that holds nothing.
            if last >= target.sequence() {
                break;
            }
        }
        Ok(applier)
    }
}

/// Applies where blocking is allowed. A failing applier is dropped: what it had written is whole.
pub(crate) async fn apply_off_thread(mut applier: Applier, batch: Vec<Item>) -> Result<Applier, ApplyFailure> {
    let position = applier.position();
    let work = tokio::task::spawn_blocking(move || applier.apply(&batch).map(|()| applier));
    match work.await {
        Ok(applied) => applied,
        Err(stopped) => Err(ApplyFailure::Panicked { after: position, reason: stopped.to_string() }),
    }
}

// === impl Clock ===

impl Clock {
    pub(crate) fn start(from: Position) -> Self {
        Self { started: Instant::now(), from }
    }

    fn progress(&self, applied: Position, target: Position) -> Progress {
        let done = applied.sequence().saturating_sub(self.from.sequence());
        let seconds = self.started.elapsed().as_secs_f64();
        let rate = if done == 0 || seconds <= 0.0 { 0.0 } else { done as f64 / seconds };
        let remaining = target.sequence().saturating_sub(applied.sequence());
        let left = if remaining == 0 {
            Some(Duration::ZERO)
        } else {
            Some(remaining as f64 / rate).filter(|_| rate > 0.0).and_then(|left| Duration::try_from_secs_f64(left).ok())
        };
        Progress { applied, target, commits_per_second: rate, left }
    }
}

impl From<ApplyFailure> for MaintenanceError {
    fn from(failure: ApplyFailure) -> Self {
        match failure {
            ApplyFailure::Projector { .. } | ApplyFailure::Panicked { .. } | ApplyFailure::Companion { .. } => {
                Self::Projector(failure.to_string())
            }
            ApplyFailure::Store(error) => Self::Store(error),
        }
    }
}
