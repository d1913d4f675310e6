//! Media that customers sent: fetched from the provider, or cut out of the mail, scanned, and stored once by hash.
//!
//! The message was shown long before: what happens here only adds the file, or says why there is none. One task a channel, so
//! that a provider that is slow or broken holds up its own channel alone. Several nodes may run workers: storing is idempotent,
//! and the command that records what came of a medium has a derived id. Nothing is unpacked, converted or looked into beyond its
//! first bytes.

mod channel;
mod fetch;
mod permits;
mod scan;
mod sniff;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use relevo_command::{MediumTurn, SendRef, Sends};
use relevo_domain::conversation::{FetchOutcome, StoredFile};
use relevo_domain::{ChannelId, Clock, EntityId, MessageId, RawId, TenantId};
use relevo_eventlog::{Blobs, IntakeLog, LogError};
use relevo_projection::View;
use relevo_providers::{Account, Accounts, Doors, FetchFailure, FetchedMedium, HealthBoard, MediumRef};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::delivery::lanes;
use channel::ChannelMedia;
use permits::SharedPermits;

pub use scan::{ScanError, Scanner, Verdict};
pub use sniff::{SNIFF_BYTES, UNKNOWN, certain, sniff};

/// The view is looked at this often when nothing says that it has changed.
const IDLE_MAX: Duration = Duration::from_secs(5);
/// How long changes of the view are gathered before it is looked at.
const GATHER: Duration = Duration::from_millis(50);

/// Asks a provider for a medium.
#[async_trait]
pub trait Fetcher: Send + Sync + 'static {
    async fn fetch(&self, account: &Account, medium: &MediumRef, limit: usize) -> Result<FetchedMedium, FetchFailure>;
}

/// Where the raw mails are.
#[async_trait]
pub trait RawMails: Send + Sync + 'static {
    /// The mail of this name on the raw stream; `None` if it is not kept any more.
    async fn raw(&self, id: RawId) -> Result<Option<Bytes>, LogError>;
}

/// Writes to the log what came of a medium.
#[async_trait]
pub trait MediumLog: Send + Sync + 'static {
    /// Answers when it is recorded. Doing it twice records it once.
    async fn record(&self, which: Which<'_>, outcome: FetchOutcome) -> Result<(), RecordError>;

    /// The file of this very medium, if it was stored when the message came, before an edit brought it again.
    async fn stored_before(&self, which: Which<'_>) -> Result<Option<StoredFile>, RecordError>;
}

/// Which medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Which<'w> {
    pub tenant: &'w TenantId,
    pub conversation: EntityId,
    pub message: MessageId,
    /// Which of its attachments, and what stood there when it was to be fetched.
    pub turn: MediumTurn,
}

/// It could not be recorded now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("medium cannot be recorded: {0}")]
pub struct RecordError(pub String);

/// What the worker needs.
#[derive(Clone)]
pub struct MediaParts {
    /// The view `delivery`.
    pub view: Arc<View>,
    pub fetcher: Arc<dyn Fetcher>,
    pub mails: Arc<dyn RawMails>,
    pub blobs: Blobs,
    pub log: Arc<dyn MediumLog>,
    pub accounts: Accounts,
    /// Where operators see how fetching does.
    pub board: HealthBoard,
    /// Nothing is scanned without one.
    pub scanner: Option<Scanner>,
    pub clock: Clock,
}

/// Fetches media until it is told to end.
pub struct MediaWorker {
    parts: Arc<MediaParts>,
}

impl MediaWorker {
    pub fn new(parts: MediaParts) -> Self {
        Self { parts: Arc::new(parts) }
    }

    /// Runs until the token is cancelled. What is being fetched then is fetched again by whoever comes next.
    pub async fn run(self, token: CancellationToken) {
        token.run_until_cancelled(self.follow()).await;
    }

    async fn follow(&self) {
        let permits = SharedPermits::default();
        let (mut busy, mut tasks) = (HashSet::new(), JoinSet::new());
        let mut changes = self.parts.view.changes();
        loop {
            for channel in self.waiting() {
                if busy.insert(channel.clone()) {
                    let media = ChannelMedia::new(Arc::clone(&self.parts), permits.of_channel(), channel.clone());
                    tasks.spawn(async move {
                        media.work().await;
                        channel
                    });
                }
            }
            tokio::select! {
                Some(ended) = tasks.join_next() => ended_with(ended, &mut busy),
                // A change, a lag and an end are all the same here: the view is looked at again.
                _ = timeout(IDLE_MAX, changes.recv()) => {
                    tokio::time::sleep(GATHER).await;
                    changes = changes.resubscribe();
                }
            }
            while let Some(ended) = tasks.try_join_next() {
                ended_with(ended, &mut busy);
            }
        }
    }

    /// The channels with media to fetch.
    fn waiting(&self) -> Vec<Channel> {
        let found = self.parts.view.snapshot().map_err(|error| error.to_string());
        let found = found.and_then(|snapshot| lanes(&snapshot).map_err(|error| error.to_string()));
        match found {
            Ok(lanes) => {
                lanes.into_iter().filter(|lane| lane.media > 0).map(|lane| (lane.tenant, lane.channel)).collect()
            }
            Err(error) => {
                tracing::debug!(error, "view of what is to be fetched cannot be read yet");
                Vec::new()
            }
        }
    }
}

/// A channel's task is over.
fn ended_with(ended: Result<Channel, tokio::task::JoinError>, busy: &mut HashSet<Channel>) {
    match ended {
        Ok(channel) => {
            busy.remove(&channel);
        }
        // Which one it was is not known; all are looked at anew, and none is harmed by being looked at twice.
        Err(error) => {
            tracing::error!(%error, "media of a channel are not fetched any more");
            busy.clear();
        }
    }
}

/// A channel of a tenant.
type Channel = (TenantId, ChannelId);

/// Records by command, at the time of a clock.
pub struct MediumCommands {
    pub sends: Sends,
    pub clock: Clock,
}

#[async_trait]
impl MediumLog for MediumCommands {
    async fn record(&self, which: Which<'_>, outcome: FetchOutcome) -> Result<(), RecordError> {
        let Which { tenant, conversation, message, turn } = which;
        let of = SendRef { tenant: tenant.clone(), conversation, message };
        let recorded = self.sends.medium(&of, turn, outcome, (self.clock)()).await;
        recorded.map_err(|error| RecordError(error.to_string()))
    }

    async fn stored_before(&self, which: Which<'_>) -> Result<Option<StoredFile>, RecordError> {
        let Which { tenant, conversation, message, turn } = which;
        let of = SendRef { tenant: tenant.clone(), conversation, message };
        self.sends.stored_before(&of, turn).await.map_err(|error| RecordError(error.to_string()))
    }
}

#[async_trait]
impl Fetcher for Doors {
    async fn fetch(&self, account: &Account, medium: &MediumRef, limit: usize) -> Result<FetchedMedium, FetchFailure> {
        self.fetch_medium(account, medium, limit).await
    }
}

#[async_trait]
impl RawMails for IntakeLog {
    async fn raw(&self, id: RawId) -> Result<Option<Bytes>, LogError> {
        Ok(self.get(id).await?.map(|stored| stored.input.body))
    }
}

#[cfg(test)]
mod tests;
