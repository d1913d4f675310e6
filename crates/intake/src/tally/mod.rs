//! The tally: what arrived and what became of it, as a fold over the raw stream and the log.
//!
//! `updates = messages + statuses + other_updates + duplicates + parked`, each update in exactly one. Nothing is counted
//! while it is handled, so no crash can count twice: an update is *stored* if the commit with its command id carries its own
//! pointer, a *duplicate* if that commit carries another, and *parked* if there is no such commit. Every node folds for
//! itself; the folder can be deleted, and the counts come again from what the raw stream still holds.

mod counters;
pub(crate) mod fold;
mod keys;
mod store;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use relevo_channels::Update;
use relevo_domain::{EndpointId, RawId};
use relevo_eventlog::{IntakeLog, LogError, RawItem, StoredInput};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::adapt;
use crate::handle::{HandleError, Handler};
use crate::routes::ChannelRef;

pub use counters::Counters;
use fold::Content;
use store::CountedItem;
pub use store::{TallyError, TallyStore};

/// How often a node asks how far the active node has come. The active node itself is told at once.
const FLOOR_POLL: Duration = Duration::from_millis(500);
/// Pause after a failure (log away, store behind) before the tally goes on where it stood.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// Parked updates that are read at a time when all of them are looked at again.
const RECONCILED_PAGE: usize = 1_000;
/// Messages of the raw stream that are counted in one write, at most: each may hold hundreds of items.
const COUNTED_TOGETHER: usize = 64;

/// Counts of everything that this node has folded so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    pub endpoints: Vec<EndpointCount>,
    pub channels: Vec<(ChannelRef, Counters)>,
    /// What named no configured channel, by the endpoint where it arrived.
    pub unrouted: Vec<(EndpointId, Counters)>,
    /// Messages of the raw stream that are stored and not handled and counted yet. At 0 the counts are complete.
    pub backlog: u64,
    /// Sequence of the last message of the raw stream that is counted.
    pub counted: u64,
}

/// What one endpoint received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointCount {
    pub endpoint: EndpointId,
    pub received_posts: u64,
}

/// The tally of a node.
#[derive(Clone)]
pub struct Tally {
    store: Arc<TallyStore>,
    handler: Handler,
    intake: IntakeLog,
    /// Messages of the raw stream handled by this node's own worker.
    handled: watch::Receiver<u64>,
}

impl Tally {
    pub const fn new(
        store: Arc<TallyStore>,
        handler: Handler,
        intake: IntakeLog,
        handled: watch::Receiver<u64>,
    ) -> Self {
        Self { store, handler, intake, handled }
    }

    /// Folds until cancelled.
    pub async fn run(mut self, token: CancellationToken) {
        while !token.is_cancelled() {
            let folded = tokio::select! {
                () = token.cancelled() => return,
                folded = self.follow() => folded,
            };
            if let Err(error) = folded {
                tracing::warn!(error = %error, "intake tally waits");
            }
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(RETRY_AFTER) => {}
            }
        }
    }

    async fn follow(&mut self) -> Result<(), FoldError> {
        let from = self.store.counted()? + 1;
        // What has arrived is counted together: a write an item would cost more than the counting.
        let mut messages = self.intake.messages(from).ready_chunks(COUNTED_TOGETHER);
        let mut settled = 0;
        while let Some(chunk) = messages.next().await {
            let mut counted = Vec::with_capacity(chunk.len());
            for message in chunk {
                // All items of a message are counted in one write, because the checkpoint is the message's.
                let items = message?;
                let sequence = items.first().map_or(0, RawItem::sequence);
                if sequence > settled {
                    self.store.add_all(std::mem::take(&mut counted))?;
                    settled = self.settled(sequence).await?;
                }
                for item in items {
                    counted.push(self.counted_item(item).await?);
                }
            }
            self.store.add_all(counted)?;
        }
        Ok(())
    }

    /// Waits until all of the message is handled and the decision store knows what came of it; answers how far that is so.
    async fn settled(&mut self, sequence: u64) -> Result<u64, FoldError> {
        loop {
            let own = *self.handled.borrow_and_update();
            if own >= sequence {
                // This node's own worker did it, so what came of it is what this node has seen.
                self.handler.ledger.settle().await.map_err(HandleError::from)?;
                return Ok(own);
            }
            // Woken by this node's worker; the poll is for another node's.
            if tokio::time::timeout(FLOOR_POLL, self.handled.changed()).await.is_err() {
                let floor = self.intake.ack_floor().await?;
                if floor >= sequence {
                    self.handler.ledger.catch_up().await.map_err(HandleError::from)?;
                    return Ok(floor);
                }
            }
        }
    }

    async fn counted_item(&self, item: RawItem) -> Result<CountedItem, FoldError> {
        let unreadable = match item {
            RawItem::Input(item) => return self.counted(&item),
            RawItem::Unreadable(unreadable) => unreadable,
        };
        // It may have been read too early; the worker decides later than this reader reads.
        if let Some(item) = self.raw(unreadable.id).await? {
            return self.counted(&item);
        }
        let id = unreadable.id;
        let Some(endpoint) = unreadable.endpoint else {
            tracing::error!(raw = %id, reason = unreadable.reason, "raw item of no endpoint is not counted");
            return Ok(CountedItem { id, endpoint: None, content: Content::default(), entries: Vec::new() });
        };
        let content = fold::content(&endpoint, &unreadable.payload);
        let entries = vec![fold::unreadable(&endpoint)];
        Ok(CountedItem { id, endpoint: Some(endpoint), content, entries })
    }

    /// A raw item, if it is still kept and can be read.
    pub(crate) async fn raw(&self, id: RawId) -> Result<Option<StoredInput>, FoldError> {
        Ok(self.intake.get(id).await?)
    }

    /// The updates of an item that nothing has stored.
    pub(crate) fn waiting(&self, item: &StoredInput, updates: &[Update]) -> Result<BTreeSet<u32>, FoldError> {
        let entries = fold::entries(&self.handler, item, updates)?;
        let parked = entries.iter().filter(|entry| entry.became == counters::Became::Parked);
        Ok(parked.map(|entry| entry.ordinal).collect())
    }

    fn counted(&self, item: &StoredInput) -> Result<CountedItem, FoldError> {
        if let Some(stored) = self.handler.stored.take(item.id) {
            let entries = stored.into_iter().map(fold::Entry::stored).collect();
            let endpoint = Some(item.input.endpoint.clone());
            return Ok(CountedItem { id: item.id, endpoint, content: Content::default(), entries });
        }
        let updates = adapt::updates(&item.input, &self.handler.routes());
        let entries = fold::entries(&self.handler, item, &updates)?;
        let endpoint = item.input.endpoint.clone();
        let parked = entries.iter().any(|entry| entry.became == counters::Became::Parked);
        let content = if parked { fold::content(&endpoint, &item.input.body) } else { Content::default() };
        Ok(CountedItem { id: item.id, endpoint: Some(endpoint), content, entries })
    }

    /// Looks again at what a retry may have stored.
    pub fn recount(&self, item: &StoredInput) -> Result<(), FoldError> {
        let updates = adapt::updates(&item.input, &self.handler.routes());
        let entries = fold::entries(&self.handler, item, &updates)?;
        let content = fold::content(&item.input.endpoint, &item.input.body);
        self.store.recount(item.id, &content, entries)?;
        Ok(())
    }

    /// The counts, with every configured channel and endpoint, those without traffic too.
    pub async fn status(&self) -> Result<Status, FoldError> {
        self.reconcile()?;
        let last = self.intake.last_sequence().await?;
        let counted = self.store.counted()?;
        let routes = self.handler.routes();
        let mut endpoints: Vec<&EndpointId> = routes.endpoints.keys().collect();
        endpoints.sort();
        let posts = endpoints.iter().map(|endpoint| {
            let received_posts = self.store.posts(endpoint)?;
            Ok(EndpointCount { endpoint: (*endpoint).clone(), received_posts })
        });
        let channels = routes.channels().into_iter().map(|channel| {
            let counters = self.store.channel(&channel)?;
            Ok((channel, counters))
        });
        let unrouted = endpoints.iter().map(|endpoint| Ok(((*endpoint).clone(), self.store.unrouted(endpoint)?)));
        Ok(Status {
            endpoints: posts.collect::<Result<_, TallyError>>()?,
            channels: channels.collect::<Result<_, TallyError>>()?,
            unrouted: unrouted.collect::<Result<_, TallyError>>()?,
            backlog: last.saturating_sub(counted),
            counted,
        })
    }

    /// What another node's retry stored: parked here, on the log by now.
    fn reconcile(&self) -> Result<(), FoldError> {
        let mut next = Some(Vec::new());
        while let Some(after) = next {
            let page = self.store.parked_with_command(&after, RECONCILED_PAGE)?;
            for parked in page.updates {
                let channel = ChannelRef { tenant: parked.tenant.clone(), channel: parked.channel.clone() };
                let applied = fold::applied(&self.handler, &channel, &parked.command)?;
                if let Some(now) = fold::became(&applied, parked.pointer, parked.class) {
                    self.store.unpark(&parked, now)?;
                }
            }
            next = page.next;
        }
        Ok(())
    }
}

/// Why the fold stopped for now. It goes on where it stood.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    #[error("raw stream failed")]
    Log(#[from] LogError),
    #[error("decision store cannot say")]
    Decision(#[from] HandleError),
    #[error("tally store failed")]
    Store(#[from] TallyError),
}
