//! Many raw items at a time: their updates are handled side by side, those of one person or thread in the order of the raw
//! stream, and an item is done when all of its updates are stored or parked.
//!
//! What cannot be handled now is tried again here, and everything of its keys waits behind it; the rest goes on, until the
//! window is full. So nothing is handed back, and nothing is overtaken.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use relevo_channels::Update;
use relevo_domain::RawId;
use relevo_eventlog::{Delivery, ParkedReason, RawItem, StoredInput, Worker};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::adapt;
use crate::handle::HandleError;
use crate::keys::Keys;
use crate::queue::{Queue, TaskId};
use crate::worker::{IntakeWorker, WorkError, cause, ordinal};

/// First and longest pause between attempts while the log is away; it doubles in between.
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(5);
/// Updates that are handled at the same time. Each waits for the log most of its life; the log takes some hundred commits at once.
const RUNNING_MAX: usize = 512;
/// Updates in hand above which no further item is taken: a POST may hold a thousand.
const UPDATES_MAX: usize = 2_048;
/// Bytes of bodies in hand above which no further item is taken: their updates are several times as large.
const BYTES_MAX: usize = 32 * 1024 * 1024;
/// Items between the raw stream and those in hand: what keeps both busy.
const ITEMS_READY_MAX: usize = 64;
/// After a take-over everything that another worker had in hand comes again; the log's end is asked for once in this time.
const CAUGHT_UP_FOR: Duration = Duration::from_millis(250);
/// How long what has begun may go on when the worker stops. What is not done then is done by the next one.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Names an item in hand; the same raw item can come twice.
type ItemId = u64;

/// An item's content, shared with whoever handles its updates.
struct Content {
    item: StoredInput,
    updates: Vec<Update>,
}

/// An item in hand.
struct InHand {
    delivery: Delivery,
    bytes: usize,
    /// Updates that are not done.
    open: usize,
    content: Option<Arc<Content>>,
    reasons: Vec<ParkedReason>,
}

/// One update in hand.
struct Waiting {
    item: ItemId,
    ordinal: u32,
    content: Arc<Content>,
}

/// What ended.
enum Ended {
    Update {
        task: TaskId,
        item: ItemId,
        reason: Option<ParkedReason>,
    },
    Item(ItemId),
    /// The worker stops.
    Stopped,
}

/// Everything in hand.
struct Flow {
    worker: Arc<IntakeWorker>,
    token: CancellationToken,
    keys: Keys,
    queue: Queue,
    waiting: HashMap<TaskId, Waiting>,
    ready: VecDeque<TaskId>,
    running: JoinSet<Ended>,
    items: HashMap<ItemId, InHand>,
    next_item: ItemId,
    bytes: usize,
    caught_up: Option<Instant>,
}

/// Takes items until cancelled.
pub(crate) async fn run(worker: &Arc<IntakeWorker>, source: Worker, token: &CancellationToken) {
    let (pump, mut deliveries) = pump(source, token.clone());
    let mut flow = Flow {
        worker: Arc::clone(worker),
        token: token.clone(),
        keys: Keys::default(),
        queue: Queue::default(),
        waiting: HashMap::new(),
        ready: VecDeque::new(),
        running: JoinSet::new(),
        items: HashMap::new(),
        next_item: 0,
        bytes: 0,
        caught_up: None,
    };
    loop {
        flow.begin();
        tokio::select! {
            () = token.cancelled() => break,
            Some(ended) = flow.running.join_next() => flow.ended(ended),
            delivery = deliveries.recv(), if flow.has_room() => match delivery {
                Some(delivery) => flow.admit(delivery).await,
                None => break,
            },
        }
    }
    flow.stop().await;
    drop(deliveries);
    match pump.await {
        Ok(source) => source.stop().await,
        Err(error) => resume(error),
    }
}

/// Reads ahead: what is read here is not lost when the reader of the channel looks elsewhere.
fn pump(mut source: Worker, token: CancellationToken) -> (JoinHandle<Worker>, mpsc::Receiver<Delivery>) {
    let (items, deliveries) = mpsc::channel(ITEMS_READY_MAX);
    let pump = tokio::spawn(async move {
        loop {
            let delivery = tokio::select! {
                () = token.cancelled() => break,
                () = items.closed() => break,
                delivery = source.next() => delivery,
            };
            if items.send(delivery).await.is_err() {
                break;
            }
        }
        source
    });
    (pump, deliveries)
}

impl Flow {
    fn has_room(&self) -> bool {
        self.queue.len() < UPDATES_MAX && self.bytes < BYTES_MAX
    }

    /// Takes an item in: its updates get their places in the queue.
    async fn admit(&mut self, delivery: Delivery) {
        if delivery.takes_over && !self.catch_up().await {
            return;
        }
        let (id, worker) = (self.next_item, Arc::clone(&self.worker));
        self.next_item += 1;
        let RawItem::Input(item) = &delivery.item else {
            let item = InHand { delivery, bytes: 0, open: 0, content: None, reasons: Vec::new() };
            self.items.insert(id, item);
            return self.conclude(id);
        };
        let item = item.clone();
        let updates = adapt::updates(&item.input, &worker.handler.routes());
        let bytes = item.input.body.len();
        let content = Arc::new(Content { item, updates });
        self.bytes += bytes;
        let open = content.updates.len();
        let in_hand = InHand { delivery, bytes, open, content: Some(Arc::clone(&content)), reasons: Vec::new() };
        self.items.insert(id, in_hand);
        for (index, update) in content.updates.iter().enumerate() {
            let keys = self.keys.of(&worker.handler, &content.item.input.endpoint, update);
            let (task, at_once) = self.queue.admit(keys);
            self.waiting.insert(task, Waiting { item: id, ordinal: ordinal(index), content: Arc::clone(&content) });
            if at_once {
                self.ready.push_back(task);
            }
        }
        if open == 0 {
            self.conclude(id);
        }
    }

    /// After another node's turn, or our own restart, this node must know the log up to its end before it decides. Answers
    /// whether it does; if not, the worker stops.
    async fn catch_up(&mut self) -> bool {
        if self.caught_up.is_some_and(|since| since.elapsed() < CAUGHT_UP_FOR) {
            return true;
        }
        let mut pause = BACKOFF_FIRST;
        loop {
            let began = Instant::now();
            let error = tokio::select! {
                () = self.token.cancelled() => return false,
                caught_up = self.worker.handler.ledger.catch_up() => match caught_up {
                    Ok(()) => {
                        self.caught_up = Some(began);
                        return true;
                    }
                    Err(error) => error,
                },
            };
            tracing::warn!(cause = %cause(&error), "intake waits");
            tokio::select! {
                () = self.token.cancelled() => return false,
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(BACKOFF_MAX),
            }
        }
    }

    /// Begins what may begin.
    fn begin(&mut self) {
        while self.running.len() < RUNNING_MAX
            && let Some(task) = self.ready.pop_front()
        {
            let Some(waiting) = self.waiting.remove(&task) else { continue };
            let (worker, token) = (Arc::clone(&self.worker), self.token.clone());
            self.running.spawn(async move {
                let Waiting { item, ordinal, content } = waiting;
                let stored = &content.item;
                let handle = || worker.handler.of_item(stored, &content.updates, ordinal);
                match until_done(&worker, stored.id, &token, handle).await {
                    Some(reason) => Ended::Update { task, item, reason },
                    None => Ended::Stopped,
                }
            });
        }
    }

    fn ended(&mut self, ended: Result<Ended, JoinError>) {
        match ended {
            Ok(Ended::Update { task, item, reason }) => {
                self.ready.extend(self.queue.finish(task));
                let Some(in_hand) = self.items.get_mut(&item) else { return };
                in_hand.reasons.extend(reason);
                in_hand.open -= 1;
                if in_hand.open == 0 {
                    self.conclude(item);
                }
            }
            Ok(Ended::Item(item)) => self.done(item),
            Ok(Ended::Stopped) => {}
            Err(error) => resume(error),
        }
    }

    /// Everything of the item is handled: what must be parked is parked, and it is done.
    fn conclude(&mut self, id: ItemId) {
        let Some(in_hand) = self.items.get_mut(&id) else { return };
        let mut reasons = std::mem::take(&mut in_hand.reasons);
        let readable = in_hand.content.is_some();
        if readable && reasons.is_empty() {
            return self.done(id);
        }
        reasons.sort_by_key(|reason| reason.ordinal);
        let (worker, token) = (Arc::clone(&self.worker), self.token.clone());
        let (raw, content) = (in_hand.delivery.item.clone(), in_hand.content.clone());
        self.running.spawn(async move {
            let name = raw.id();
            let park = || worker.put_away(&raw, content.as_ref().map(|content| &content.item), &reasons);
            match until_done(&worker, name, &token, park).await {
                Some(()) => Ended::Item(id),
                None => Ended::Stopped,
            }
        });
    }

    fn done(&mut self, id: ItemId) {
        let Some(in_hand) = self.items.remove(&id) else { return };
        self.bytes -= in_hand.bytes;
        let Some(floor) = in_hand.delivery.ack() else { return };
        let handled = &self.worker.handled;
        handled.send_if_modified(|handled| std::mem::replace(handled, floor.max(*handled)) < floor);
    }

    /// Lets what has begun come to its end, within reason.
    async fn stop(&mut self) {
        let end = async {
            while let Some(ended) = self.running.join_next().await {
                self.ended(ended);
            }
        };
        if tokio::time::timeout(STOP_WITHIN, end).await.is_err() {
            tracing::debug!("what has begun is left to the next worker");
            self.running.abort_all();
        }
    }
}

/// Tries until it succeeds; `None` if the worker stops before. What was tried before may have been stored, by this node or
/// another: the log is read to its end before it is tried again.
async fn until_done<T, F>(
    worker: &IntakeWorker,
    raw: RawId,
    token: &CancellationToken,
    mut attempt: impl FnMut() -> F,
) -> Option<T>
where
    F: Future<Output = Result<T, WorkError>>,
{
    let mut pause = BACKOFF_FIRST;
    let mut error = match attempt().await {
        Ok(done) => return Some(done),
        Err(error) => error,
    };
    loop {
        worker.waits(raw, &error);
        tokio::select! {
            () = token.cancelled() => return None,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(BACKOFF_MAX),
        }
        let again = async {
            worker.handler.ledger.catch_up().await.map_err(HandleError::from)?;
            attempt().await
        };
        match again.await {
            Ok(done) => return Some(done),
            Err(failed) => error = failed,
        }
    }
}

/// A panic is the whole worker's.
fn resume(error: JoinError) {
    if error.is_panic() {
        std::panic::resume_unwind(error.into_panic());
    }
}
