//! The worker of a node: works through the raw stream, and parks what must be parked. How many items are worked on at a time,
//! and in which order, is `flow`'s.
//!
//! One node works at a time; the others stand by and take over when it falls silent. A raw item is acknowledged after all
//! of its commits and parkings are stored, so whatever dies in between is done again, and finds its own commits.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use relevo_channels::Update;
use relevo_domain::RawId;
use relevo_eventlog::{
    IntakeLog, LogError, Notes, ParkedItem, ParkedLog, ParkedReason, RawItem, StoredInput, Unreadable, WorkerOptions,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::flow;
use crate::handle::{HandleError, Handled, Handler, Source, UNREADABLE};
use crate::tally::{TallyStore, fold};

/// First and longest pause between attempts while the log is away; it doubles in between.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// How often the operator is told that something waits.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// The intake worker of a node.
pub struct IntakeWorker {
    pub(crate) handler: Handler,
    intake: IntakeLog,
    parked: ParkedLog,
    pub(crate) handled: watch::Sender<u64>,
    tally: Option<Arc<TallyStore>>,
    /// When the operator was last told that something waits.
    told: Mutex<Option<Instant>>,
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
        Self { handler, intake, parked, handled: watch::Sender::new(0), tally: None, told: Mutex::new(None) }
    }

    /// Lets the worker know what this node has counted as parked, so that a repeat of the same bytes is not parked twice.
    #[must_use]
    pub fn with_tally(mut self, tally: Arc<TallyStore>) -> Self {
        self.tally = Some(tally);
        self
    }

    /// Tells up to which raw item everything is handled.
    pub fn handled(&self) -> watch::Receiver<u64> {
        self.handled.subscribe()
    }

    /// Works until cancelled.
    pub async fn run(self, token: CancellationToken) {
        let mut pause = BACKOFF_FIRST;
        let worker = Arc::new(self);
        while !token.is_cancelled() {
            match worker.intake.worker(WorkerOptions::default()).await {
                Ok(source) => {
                    pause = BACKOFF_FIRST;
                    flow::run(&worker, source, &token).await;
                }
                Err(error) => tracing::warn!(%error, "intake cannot start yet"),
            }
            tokio::select! {
                () = token.cancelled() => return,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(BACKOFF_MAX),
            }
        }
    }

    /// Parks what must be parked of an item whose updates are all handled, or the item itself, if it cannot be read.
    pub(crate) async fn put_away(
        &self,
        raw: &RawItem,
        item: Option<&StoredInput>,
        reasons: &[ParkedReason],
    ) -> Result<(), WorkError> {
        match (raw, item) {
            (RawItem::Unreadable(unreadable), _) => self.put_aside(unreadable).await,
            (RawItem::Input(_), None) => Ok(()),
            (RawItem::Input(_), Some(item)) => {
                let reasons = self.not_parked_already(item, reasons.to_vec()).await?;
                if reasons.is_empty() { Ok(()) } else { self.park(&parked_item(item, reasons)).await }
            }
        }
    }

    /// Tells the operator that something cannot be handled now; once in a while, because much waits then.
    pub(crate) fn waits(&self, raw: RawId, error: &WorkError) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            *told = Some(Instant::now());
            tracing::warn!(%raw, cause = %cause(error), "intake waits");
        }
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
        if let Some(first) = first.filter(|first| *first != item.id)
            && let Some(waiting) = self.parked.entry(first).await?
        {
            reasons.retain(|reason| !waiting.reasons.iter().any(|known| known.ordinal == reason.ordinal));
        }
        Ok(reasons)
    }

    /// Parks what stands on the raw stream and cannot be read: waiting for it to change would stop everything behind it.
    async fn put_aside(&self, unreadable: &Unreadable) -> Result<(), WorkError> {
        let (raw, now) = (unreadable.id, self.handler.now());
        let Some(endpoint) = unreadable.endpoint.clone() else {
            tracing::error!(%raw, reason = unreadable.reason, "raw item of no endpoint stays on the raw stream");
            return Ok(());
        };
        tracing::error!(%raw, reason = unreadable.reason, "raw item cannot be read and is parked");
        let (reason, detail) = (UNREADABLE.to_owned(), unreadable.reason.to_owned());
        let kind = unreadable.kind.or_else(|| self.handler.routes().kind(&endpoint));
        let parked = ParkedItem {
            id: raw,
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
                tracing::error!(raw = %item.id, %error, "item cannot be parked; it is on the raw stream alone");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Handler {
    /// Handles one update of an item, by its ordinal; answers why it must be parked, if it must.
    pub(crate) async fn of_item(
        &self,
        item: &StoredInput,
        updates: &[Update],
        ordinal: u32,
    ) -> Result<Option<ParkedReason>, WorkError> {
        let at = usize::try_from(ordinal).ok();
        let Some(update) = at.and_then(|at| updates.get(at)) else { return Ok(None) };
        let source = Source {
            endpoint: item.input.endpoint.clone(),
            received_at: item.input.received_at,
            pointer: item.id.update(ordinal),
        };
        Ok(match self.handle(&source, update).await? {
            handled @ (Handled::Stored | Handled::Duplicate) => {
                if let (Some(channel), Ok(fact)) =
                    (self.routes().find(&source.endpoint, &update.target), &update.content)
                {
                    let class = (handled == Handled::Stored).then(|| fact.class());
                    self.stored.remember(source.pointer, updates.len(), channel, class);
                }
                None
            }
            Handled::Parked { reason, detail } => {
                let routes = self.routes();
                let channel = routes.find(&item.input.endpoint, &update.target);
                let channel = channel.map(|found| (found.tenant.clone(), found.channel.clone()));
                Some(ParkedReason { ordinal, reason: reason.to_owned(), detail, at: self.now(), channel })
            }
        })
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
        reasons.extend(handler.of_item(item, updates, *ordinal).await?);
    }
    Ok(reasons)
}

fn parked_item(item: &StoredInput, reasons: Vec<ParkedReason>) -> ParkedItem {
    let input = item.input.clone();
    ParkedItem {
        id: item.id,
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
pub(crate) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
