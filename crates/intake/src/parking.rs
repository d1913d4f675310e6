//! What operators do with parked items: look, try again, give up.

use std::collections::BTreeSet;

use relevo_channels::Update;
use relevo_domain::{EndpointId, Position, RawId};
use relevo_eventlog::{LogError, ParkedEntry, ParkedItem, ParkedLog, ParkedReason, RawInput, StoredInput};

use crate::adapt;
use crate::handle::{HandleError, Handler, NOT_YET, UNREADABLE};
use crate::routes::ChannelRef;
use crate::tally::{FoldError, Tally};
use crate::worker::{WorkError, handle_all, ordinal};

/// Which updates somebody may retry or discard: by endpoint, and by channel where the update names one that is configured.
pub type May<'m> = &'m (dyn Fn(&EndpointId, Option<&ChannelRef>) -> bool + Send + Sync);

/// What a retry came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Retried {
    /// Updates that were tried.
    pub tried: u64,
    /// Updates that are stored now, as something new or as a duplicate.
    pub stored: u64,
    /// Updates that stay parked.
    pub still_parked: u64,
}

/// Why parked items could not be looked at or changed.
#[derive(Debug, thiserror::Error)]
pub enum ParkingError {
    #[error("there is no parked item {0}")]
    NotFound(RawId),
    #[error("parked stream failed")]
    Log(#[from] LogError),
    #[error("item could not be handled")]
    Work(#[from] WorkError),
    #[error("tally failed")]
    Tally(#[from] FoldError),
}

/// The parked items of an installation.
#[derive(Clone)]
pub struct Parking {
    handler: Handler,
    parked: ParkedLog,
    tally: Tally,
}

impl Parking {
    pub const fn new(handler: Handler, parked: ParkedLog, tally: Tally) -> Self {
        Self { handler, parked, tally }
    }

    /// Parked items after `after` (a cursor; 0 for the first), oldest first.
    pub async fn list(&self, after: u64, limit: usize) -> Result<Vec<ParkedEntry>, ParkingError> {
        Ok(self.parked.list(limit, after).await?)
    }

    pub async fn get(&self, id: RawId) -> Result<ParkedItem, ParkingError> {
        self.parked.get(id).await?.ok_or(ParkingError::NotFound(id))
    }

    /// A parked item without its bytes.
    pub async fn entry(&self, id: RawId) -> Result<ParkedEntry, ParkingError> {
        self.parked.entry(id).await?.ok_or(ParkingError::NotFound(id))
    }

    /// Hands an item to intake again, as if it had just arrived: every update that `may` allows, because what was parked as one
    /// may be many by now. What is stored already is known by its command id. What is understood leaves the parking; the rest
    /// stays, and so does what belongs to somebody else.
    pub async fn retry(&self, id: RawId, may: May<'_>) -> Result<Retried, ParkingError> {
        let parked = self.get(id).await?;
        let recorded: BTreeSet<u32> = parked
            .reasons
            .iter()
            .filter(|reason| may(&parked.endpoint, channel_of(reason).as_ref()))
            .map(|reason| reason.ordinal)
            .collect();
        let Some(item) = self.raw(&parked).await? else {
            let tried = recorded.len() as u64;
            return Ok(Retried { tried, stored: 0, still_parked: tried });
        };
        let routes = self.handler.routes();
        let updates = adapt::updates(&item.input, &routes);
        // Another node's worker may be at the same messages; the command ids make that harmless.
        self.handler.ledger.catch_up().await.map_err(HandleError::from).map_err(WorkError::from)?;
        let waiting = self.tally.waiting(&item, &updates)?;
        let allowed = |update: &Update| may(&parked.endpoint, routes.find(&parked.endpoint, &update.target));
        let (own, others): (Vec<u32>, Vec<u32>) = (0..updates.len()).map(ordinal).partition(|ordinal| {
            // What the operator saw parked is theirs to retry, wherever it belongs by now: an unrouted update is the
            // endpoint owner's until somebody's channel is configured for it.
            recorded.contains(ordinal) || at(&updates, *ordinal).is_some_and(allowed)
        });
        let mut reasons = handle_all(&self.handler, &item, &updates, &own).await?;
        let lost = lost(&parked, &updates);
        let still_parked =
            (reasons.len() + lost.iter().filter(|reason| recorded.contains(&reason.ordinal)).count()) as u64;
        let tried = own.iter().filter(|ordinal| waiting.contains(ordinal) || recorded.contains(ordinal)).count() as u64;
        let tried = tried + lost.iter().filter(|reason| recorded.contains(&reason.ordinal)).count() as u64;
        reasons.extend(lost);
        let kept = others.iter().filter(|ordinal| waiting.contains(ordinal));
        reasons.extend(kept.filter_map(|ordinal| self.kept(&parked, &updates, *ordinal)));
        reasons.sort_by_key(|reason| reason.ordinal);
        self.settle(&parked, reasons).await?;
        self.handler.ledger.catch_up().await.map_err(HandleError::from).map_err(WorkError::from)?;
        self.tally.recount(&item)?;
        Ok(Retried { tried, stored: tried.saturating_sub(still_parked), still_parked })
    }

    /// Gives up the updates of an item that `may` allows; the item is deleted when nothing of it is left. They stay counted as
    /// parked. Answers how many were given up.
    pub async fn discard(&self, id: RawId, may: May<'_>) -> Result<u64, ParkingError> {
        let parked = self.get(id).await?;
        let (own, rest): (Vec<ParkedReason>, Vec<ParkedReason>) =
            parked.reasons.iter().cloned().partition(|reason| may(&parked.endpoint, channel_of(reason).as_ref()));
        if own.is_empty() {
            return Err(ParkingError::NotFound(id));
        }
        if rest.is_empty() {
            self.parked.remove(id).await?;
        } else {
            self.parked.replace(&ParkedItem { reasons: rest, ..parked }).await?;
        }
        Ok(own.len() as u64)
    }

    /// The raw item that was parked, if its bytes are anywhere.
    async fn raw(&self, parked: &ParkedItem) -> Result<Option<StoredInput>, ParkingError> {
        let unreadable = parked.reasons.iter().any(|reason| reason.reason == UNREADABLE);
        if unreadable && let Some(item) = self.tally.raw(parked.id).await? {
            return Ok(Some(item));
        }
        let lost = parked.body.is_empty() && (unreadable || parked.stub);
        Ok(if lost { None } else { stored(parked) })
    }

    /// Why an update stays parked that belongs to somebody else.
    fn kept(&self, parked: &ParkedItem, updates: &[Update], ordinal: u32) -> Option<ParkedReason> {
        let routes = self.handler.routes();
        let channel = routes.find(&parked.endpoint, &at(updates, ordinal)?.target);
        let channel = channel.map(|found| (found.tenant.clone(), found.channel.clone()));
        let recorded = parked.reasons.iter().find(|reason| reason.ordinal == ordinal && reason.channel == channel);
        Some(recorded.cloned().unwrap_or_else(|| ParkedReason {
            ordinal,
            reason: NOT_YET.to_owned(),
            detail: String::new(),
            at: self.handler.now(),
            channel,
        }))
    }

    /// Leaves of an item what stays parked.
    async fn settle(&self, parked: &ParkedItem, reasons: Vec<ParkedReason>) -> Result<(), ParkingError> {
        if reasons.is_empty() {
            self.parked.remove(parked.id).await?;
            return Ok(());
        }
        match self.parked.replace(&ParkedItem { reasons, ..parked.clone() }).await {
            // What it says of itself is older than it could be; a retry looks at every update anyway.
            Err(error @ (LogError::Full | LogError::TooLarge { .. })) => {
                tracing::warn!(raw = %parked.id, %error, "parked item keeps its former reasons");
                Ok(())
            }
            replaced => Ok(replaced?),
        }
    }

    /// Where the log stands with everything included that this node wrote.
    pub fn position(&self) -> Position {
        self.handler.ledger.newest()
    }

    /// The channel that each update of a parked item names, if it is configured, by ordinal.
    pub fn channels_of(&self, item: &ParkedItem) -> Vec<Option<ChannelRef>> {
        let Some(item) = stored(item) else { return Vec::new() };
        let routes = self.handler.routes();
        let updates = adapt::updates(&item.input, &routes);
        updates.iter().map(|update| routes.find(&item.input.endpoint, &update.target).cloned()).collect()
    }

    /// How many items are parked.
    pub async fn count(&self) -> Result<u64, ParkingError> {
        Ok(self.parked.count().await?)
    }
}

/// The channel that a parked update named.
pub fn channel_of(reason: &ParkedReason) -> Option<ChannelRef> {
    reason.channel.clone().map(|(tenant, channel)| ChannelRef { tenant, channel })
}

fn at(updates: &[Update], ordinal: u32) -> Option<&Update> {
    updates.get(usize::try_from(ordinal).ok()?)
}

/// Recorded reasons whose updates the adapter does not find any more: done where it understands the item otherwise now, and
/// not where it understands nothing of it.
fn lost(parked: &ParkedItem, updates: &[Update]) -> Vec<ParkedReason> {
    if updates.iter().any(|update| update.content.is_ok()) {
        return Vec::new();
    }
    parked.reasons.iter().filter(|reason| at(updates, reason.ordinal).is_none()).cloned().collect()
}

/// The raw item as it was parked, if it says what kind it is of.
fn stored(parked: &ParkedItem) -> Option<StoredInput> {
    let input = RawInput {
        endpoint: parked.endpoint.clone(),
        kind: parked.kind?,
        received_at: parked.received_at,
        content_type: parked.content_type.clone(),
        notes: parked.notes.clone(),
        body: parked.body.clone(),
    };
    Some(StoredInput { id: parked.id, input })
}
