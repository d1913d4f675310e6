//! The worker: takes raw items in order, handles all of their updates, parks what must be parked, acknowledges.
//!
//! One node works at a time; the others stand by and take over when it falls silent. A raw item is acknowledged after all
//! of its commits and parkings are stored, so whatever dies in between is done again, and finds its own commits.

use std::time::Duration;

use relevo_channels::Update;
use relevo_domain::IntakePointer;
use relevo_eventlog::{IntakeLog, LogError, ParkedItem, ParkedLog, ParkedReason, StoredInput, Worker, WorkerOptions};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::adapt;
use crate::handle::{HandleError, Handled, Handler, Source};

/// First and longest pause between attempts while the log is away; it doubles in between.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// The intake worker of a node.
pub struct IntakeWorker {
    handler: Handler,
    intake: IntakeLog,
    parked: ParkedLog,
    handled: watch::Sender<u64>,
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
        Self { handler, intake, parked, handled: watch::Sender::new(0) }
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
            let sequence = delivery.stored.sequence;
            // After another node's turn, or our own restart, this node must know the log up to its end before it decides.
            let takes_over = delivery.attempt > 1 || last.is_none_or(|last| sequence != last + 1);
            let done = match self.deliver(&delivery.stored, takes_over).await {
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

    async fn deliver(&self, item: &StoredInput, takes_over: bool) -> Result<(), WorkError> {
        if takes_over {
            self.handler.ledger.catch_up().await.map_err(HandleError::from)?;
        }
        let updates = adapt::updates(&item.input, &self.handler.routes);
        let every: Vec<u32> = (0..updates.len()).map(ordinal).collect();
        let reasons = handle_all(&self.handler, item, &updates, &every).await?;
        if !reasons.is_empty() {
            self.parked.park(&parked_item(item, reasons)).await?;
        }
        Ok(())
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
                let at = handler.now();
                reasons.push(ParkedReason { ordinal: *ordinal, reason: reason.to_owned(), detail, at });
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
        kind: input.kind,
        received_at: input.received_at,
        content_type: input.content_type,
        reasons,
        body: input.body,
    }
}

fn ordinal(index: usize) -> u32 {
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
