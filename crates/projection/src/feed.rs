//! Reads the log ahead of its applier, in order, through every outage of the log.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use relevo_domain::Position;
use relevo_eventlog::{Log, LogError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::applier::Item;

/// Commits that are read ahead: two batches, so that reading goes on while one is applied.
const READ_AHEAD_COMMITS_MAX: usize = 2 * BATCH_COMMITS_MAX;
/// Commits that are written together: large enough that a write costs nothing a commit, small enough that readers wait for
/// milliseconds.
pub(crate) const BATCH_COMMITS_MAX: usize = 512;
/// How long a log that cannot be read is left alone, at first and at most.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Commits of a log from a position on. Dropping it ends the reading.
pub(crate) struct Feed {
    items: mpsc::Receiver<Item>,
}

/// Waits between attempts, longer each time.
pub(crate) struct Backoff {
    next: Duration,
}

impl Feed {
    /// Reads everything after `position`, then what comes.
    pub(crate) fn after(position: Position, log: Arc<dyn Log>, view: &'static str, token: CancellationToken) -> Self {
        let (sender, items) = mpsc::channel(READ_AHEAD_COMMITS_MAX);
        tokio::spawn(async move {
            tokio::select! {
                () = token.cancelled() => {}
                () = sender.closed() => {}
                () = read(position.sequence() + 1, log.as_ref(), view, &sender) => {}
            }
        });
        Self { items }
    }

    /// What is there, at most one batch; waits for the first. Empty once the reading has ended.
    pub(crate) async fn batch(&mut self) -> Vec<Item> {
        let mut batch = Vec::new();
        self.items.recv_many(&mut batch, BATCH_COMMITS_MAX).await;
        batch
    }
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { next: RETRY_MIN }
    }

    pub(crate) const fn reset(&mut self) {
        self.next = RETRY_MIN;
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(RETRY_MAX);
    }
}

/// Ends only when nobody takes the items any more: for as long as the process runs, a log that is away may come back.
async fn read(mut next: u64, log: &dyn Log, view: &'static str, sender: &mpsc::Sender<Item>) {
    let mut backoff = Backoff::new();
    loop {
        let error = match log.read(next).await {
            Err(error) => error,
            Ok(mut commits) => loop {
                let item = match commits.next().await {
                    Some(Ok(commit)) => Item::Commit(Box::new(commit)),
                    Some(Err(LogError::Undecodable { sequence, reason })) => Item::Undecodable { sequence, reason },
                    Some(Err(error)) => break error,
                    None => break LogError::Unavailable("the log ended the reading".to_owned()),
                };
                backoff.reset();
                next = item.sequence() + 1;
                if sender.send(item).await.is_err() {
                    return;
                }
            },
        };
        tracing::warn!(view, next, %error, "log cannot be read, trying again");
        backoff.wait().await;
    }
}
