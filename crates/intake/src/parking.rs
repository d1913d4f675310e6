//! What operators do with parked items: look, try again, give up.

use relevo_domain::Position;
use relevo_eventlog::{LogError, ParkedEntry, ParkedItem, ParkedLog, RawInput, StoredInput};

use crate::adapt;
use crate::handle::{HandleError, Handler};
use crate::routes::ChannelRef;
use crate::tally::{FoldError, Tally};
use crate::worker::{WorkError, handle_all};

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
    NotFound(u64),
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

    /// Parked items after `after` (an id; 0 for the first), oldest first.
    pub async fn list(&self, after: u64, limit: usize) -> Result<Vec<ParkedEntry>, ParkingError> {
        Ok(self.parked.list(limit, after).await?)
    }

    pub async fn get(&self, id: u64) -> Result<ParkedItem, ParkingError> {
        self.parked.get(id).await?.ok_or(ParkingError::NotFound(id))
    }

    /// Hands the parked updates of an item to intake again, as if they had just arrived. What is understood now leaves the
    /// parking; the rest stays.
    pub async fn retry(&self, id: u64) -> Result<Retried, ParkingError> {
        let parked = self.get(id).await?;
        let item = stored(&parked);
        let updates = adapt::updates(&item.input, &self.handler.routes);
        let ordinals: Vec<u32> = parked.reasons.iter().map(|reason| reason.ordinal).collect();
        // Another node's worker may be at the same messages; the command ids make that harmless.
        self.handler.ledger.catch_up().await.map_err(HandleError::from).map_err(WorkError::from)?;
        let reasons = handle_all(&self.handler, &item, &updates, &ordinals).await?;
        let tried = ordinals.len() as u64;
        let still_parked = reasons.len() as u64;
        if reasons.is_empty() {
            self.parked.remove(id).await?;
        } else if reasons.len() < parked.reasons.len() {
            self.parked.replace(&ParkedItem { reasons, ..parked }).await?;
        }
        self.handler.ledger.catch_up().await.map_err(HandleError::from).map_err(WorkError::from)?;
        self.tally.recount(&item)?;
        Ok(Retried { tried, stored: tried - still_parked, still_parked })
    }

    /// Gives an item up. Its updates stay counted as parked.
    pub async fn discard(&self, id: u64) -> Result<(), ParkingError> {
        if self.parked.remove(id).await? { Ok(()) } else { Err(ParkingError::NotFound(id)) }
    }

    /// Where the log stands with everything included that this node wrote.
    pub fn position(&self) -> Position {
        self.handler.ledger.newest()
    }

    /// The channel that each update of a parked item names, if it is configured, by ordinal.
    pub fn channels_of(&self, item: &ParkedItem) -> Vec<Option<ChannelRef>> {
        let updates = adapt::updates(&stored(item).input, &self.handler.routes);
        let routes = &self.handler.routes;
        updates.iter().map(|update| routes.find(&item.endpoint, &update.target).cloned()).collect()
    }

    /// How many items are parked.
    pub async fn count(&self) -> Result<u64, ParkingError> {
        Ok(self.parked.count().await?)
    }
}

/// The raw item that was parked.
fn stored(parked: &ParkedItem) -> StoredInput {
    let input = RawInput {
        endpoint: parked.endpoint.clone(),
        kind: parked.kind,
        received_at: parked.received_at,
        content_type: parked.content_type.clone(),
        body: parked.body.clone(),
    };
    StoredInput { sequence: parked.sequence, input }
}
