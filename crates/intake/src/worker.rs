//! The worker: takes raw items in order, handles all of their updates, parks what must be parked, acknowledges.
//!
//! One node works at a time; the others stand by and take over when it falls silent. A raw item is acknowledged after all
//! of its commits and parkings are stored, so whatever dies in between is done again, and finds its own commits.

use std::sync::Arc;
use std::time::Duration;

use relevo_channels::Update;
use relevo_domain::IntakePointer;
use relevo_eventlog::{
    IntakeLog, LogError, Notes, ParkedItem, ParkedLog, ParkedReason, RawItem, StoredInput, Unreadable, Worker,
    WorkerOptions,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::adapt;
use crate::handle::{HandleError, Handled, Handler, Source, UNREADABLE};
use crate::tally::{TallyStore, fold};

/// First and longest pause between attempts while the log is away; it doubles in between.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// The intake worker of a node.
pub struct IntakeWorker {
    handler: Handler,
    intake: IntakeLog,
    parked: ParkedLog,
    handled: watch::Sender<u64>,
    tally: Option<Arc<TallyStore>>,
}

/// Why an item is not done yet.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    #[error("update could not be handled")]
    Handle(#[from] HandleError),
    #[error("raw stream failed")]
    Log(#[from] LogError),
}

impl IntakeWorker {
    pub fn new(handler: Handler, intake: IntakeLog, parked: ParkedLog) -> Self {
        Self { handler, intake, parked, handled: watch::Sender::new(0), tally: None }
    }

    /// Lets the worker know what this node has counted as parked, so that a repeat of the same bytes is not parked twice.
    #[must_use]
    pub fn with_tally(mut self, tally: Arc<TallyStore>) -> Self {
        self.tally = Some(tally);
        self
    }

    /// Tells the sequence of the last raw item that this node has handled.
    pub fn handled(&self) -> watch::Receiver<u64> {
        self.handled.subscribe()
    }

    /// Works until cancelled.
    pub async fn run(self, token: CancellationToken) {
        let mut pause = BACKOFF_FIRST;
        while !token.is_cancelled() {
            match self.intake.worker(WorkerOptions::default()).await {
                Ok(worker) => {
                    pause = BACKOFF_FIRST;
                    self.work(worker, &token).await;
                }
                Err(error) => tracing::warn!(%error, "intake cannot start yet"),
            }
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(BACKOFF_MAX),
            }
        }
    }

    /// Takes items until cancelled. An item that cannot be handled now goes back and comes again, before its successors.
    async fn work(&self, mut worker: Worker, token: &CancellationToken) {
        let mut last = None;
        let mut pause = BACKOFF_FIRST;
        loop {
            let delivery = tokio::select! {
                () = token.cancelled() => break,
                delivery = worker.next() => delivery,
            };
            let sequence = delivery.item.sequence();
            // After another node's turn, or our own restart, this node must know the log up to its end before it decides.
            let takes_over = delivery.attempt > 1 || last.is_none_or(|last| sequence != last + 1);
            let done = match self.deliver(&delivery.item, takes_over).await {
                Ok(()) => delivery.ack().await.map_err(WorkError::from),
                Err(error) => {
                    if let Err(error) = delivery.nak(pause).await {
                        tracing::debug!(%error, "raw item comes again by time-out");
                    }
                    Err(error)
                }
            };
            match done {
                Ok(()) => {
                    (last, pause) = (Some(sequence), BACKOFF_FIRST);
                    self.handled
                        .send_if_modified(|handled| std::mem::replace(handled, sequence.max(*handled)) < sequence);
                }
                Err(error) => {
                    tracing::warn!(sequence, cause = %cause(&error), "intake waits");
                    (last, pause) = (None, (pause * 2).min(BACKOFF_MAX));
                }
            }
        }
        worker.stop().await;
    }

    async fn deliver(&self, item: &RawItem, takes_over: bool) -> Result<(), WorkError> {
        let item = match item {
            RawItem::Input(item) => item,
            RawItem::Unreadable(unreadable) => return self.put_aside(unreadable).await,
        };
        if takes_over {
            self.handler.ledger.catch_up().await.map_err(HandleError::from)?;
        }
        let updates = adapt::updates(&item.input, &self.handler.routes());
        let every: Vec<u32> = (0..updates.len()).map(ordinal).collect();
        let reasons = handle_all(&self.handler, item, &updates, &every).await?;
        let reasons = self.not_parked_already(item, reasons).await?;
        if reasons.is_empty() { Ok(()) } else { self.park(&parked_item(item, reasons)).await }
    }

    /// Without what an earlier delivery of the very same bytes has parked already, if it still waits there.
    async fn not_parked_already(
        &self,
        item: &StoredInput,
        mut reasons: Vec<ParkedReason>,
    ) -> Result<Vec<ParkedReason>, WorkError> {
        let Some(tally) = self.tally.as_ref().filter(|_| !reasons.is_empty()) else { return Ok(reasons) };
        let content = fold::content(&item.input.endpoint, &item.input.body);
        // All updates of one input were parked together, so the first one's item stands for all.
        let first = reasons.first().and_then(|reason| tally.first_parked(&content, reason.ordinal).ok().flatten());
        if let Some(first) = first.filter(|first| *first != item.sequence)
            && let Some(waiting) = self.parked.entry(first).await?
        {
            reasons.retain(|reason| !waiting.reasons.iter().any(|known| known.ordinal == reason.ordinal));
        }
        Ok(reasons)
    }

    /// Parks what stands on the raw stream and cannot be read: waiting for it to change would stop everything behind it.
    async fn put_aside(&self, unreadable: &Unreadable) -> Result<(), WorkError> {
        let (sequence, now) = (unreadable.sequence, self.handler.now());
        let Some(endpoint) = unreadable.endpoint.clone() else {
            tracing::error!(sequence, reason = unreadable.reason, "raw item of no endpoint stays on the raw stream");
            return Ok(());
        };
        tracing::error!(sequence, reason = unreadable.reason, "raw item cannot be read and is parked");
        let (reason, detail) = (UNREADABLE.to_owned(), unreadable.reason.to_owned());
        let kind = unreadable.kind.or_else(|| self.handler.routes().kind(&endpoint));
        let parked = ParkedItem {
            sequence,
            endpoint,
            kind,
            received_at: unreadable.received_at.unwrap_or(now),
            content_type: unreadable.content_type.clone(),
            notes: Notes::default(),
            reasons: vec![ParkedReason { ordinal: 0, reason, detail, at: now, channel: None }],
            body: unreadable.payload.clone(),
            stub: false,
        };
        self.park(&parked).await
    }

    /// Parks an item. Where there is no room at all, the item is left to the raw stream, which has its bytes: other tenants'
    /// messages must not wait behind it. It is counted as parked either way.
    async fn park(&self, item: &ParkedItem) -> Result<(), WorkError> {
        match self.parked.park(item).await {
            Ok(_) => Ok(()),
            Err(error @ (LogError::Full | LogError::TooLarge { .. })) => {
                tracing::error!(sequence = item.sequence, %error, "item cannot be parked; it is on the raw stream alone");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Handles the updates of an item that `ordinals` names, in order; answers why some must be parked.
pub(crate) async fn handle_all(
    handler: &Handler,
    item: &StoredInput,
    updates: &[Update],
    ordinals: &[u32],
) -> Result<Vec<ParkedReason>, WorkError> {
    let mut reasons = Vec::new();
    for ordinal in ordinals {
        let Some(update) = usize::try_from(*ordinal).ok().and_then(|ordinal| updates.get(ordinal)) else { continue };
        let source = Source {
            endpoint: item.input.endpoint.clone(),
            received_at: item.input.received_at,
            pointer: IntakePointer { sequence: item.sequence, ordinal: *ordinal },
        };
        match handler.handle(&source, update).await? {
            Handled::Stored | Handled::Duplicate => {}
            Handled::Parked { reason, detail } => {
                let (reason, at) = (reason.to_owned(), handler.now());
                let routes = handler.routes();
                let channel = routes.find(&item.input.endpoint, &update.target);
                let channel = channel.map(|found| (found.tenant.clone(), found.channel.clone()));
                reasons.push(ParkedReason { ordinal: *ordinal, reason, detail, at, channel });
            }
        }
    }
    Ok(reasons)
}

fn parked_item(item: &StoredInput, reasons: Vec<ParkedReason>) -> ParkedItem {
    let input = item.input.clone();
    ParkedItem {
        sequence: item.sequence,
        endpoint: input.endpoint,
        kind: Some(input.kind),
        received_at: input.received_at,
        content_type: input.content_type,
        notes: input.notes,
        reasons,
        body: input.body,
        stub: false,
    }
}

pub(crate) fn ordinal(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// The innermost cause, for the operator's log.
fn cause(error: &WorkError) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
