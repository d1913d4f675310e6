//! Group commit: commits that arrive at the log together go there as one atomic batch, which the server syncs to disk once.
//!
//! A gate stands before the events stream, which many write to at once. While few wait, each goes by itself, at once, several on their
//! way. When enough wait, all of them that may travel together become one batch; one batch is on its way at a time, because the
//! server gains nothing from a second. What a person waits for never stands in this queue: it goes by itself, also while a batch
//! is on its way. Two never write to one entity at the same time, as far as this gate knows of both: what comes or waits behind a
//! write to its entity has decided upon a state that is gone, so it is told of a conflict instead of making a batch meet one, and
//! what a person waits for lets a batch with its entity pass. The conflict of one is never the failure of others: whoever a refused
//! batch's conflict names is taken out of it, and where nobody is named, it is sent in halves, until there are too few for a
//! batch. What an answer means for an append is not decided here.

mod batch;
mod driver;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet, VecDeque};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use bytes::Bytes;
use lru::LruCache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::connection::Connection;
use crate::resolve::Answer;
use driver::Driver;

pub(crate) use batch::send;

/// How many go by themselves at a time, before others wait: enough to hide the round trip. A single append costs one sync
/// whether others are on their way or not.
const ALONE_MAX: usize = 8;
/// So many must wait to become a batch: one of fewer takes longer than they would by themselves.
const GATHER_MIN: usize = 8;
/// How many urgent ones are on their way at a time; above it they are many, and gain more from a batch than from haste.
const URGENT_MAX: usize = 32;
/// The most messages of one batch: what an urgent message may find before it on the server, some milliseconds of work.
const BATCH_MESSAGES_MAX: usize = 256;
/// The most bytes of one batch, payloads and headers, for the same reason.
const BATCH_BYTES_MAX: usize = 1024 * 1024;
/// What is larger gains nothing from a batch, and goes by itself. In bytes.
const PARCEL_BYTES_MAX: usize = 128 * 1024;
/// What has more messages is a batch already.
const PARCEL_MESSAGES_MAX: usize = 64;
/// How much waits at a time, in KiB, each at least one; who comes later waits to be let in.
const WAITING_KIB_MAX: usize = 32 * 1024;

/// Of so many entities it is remembered where they stand: more than are written to within the time that a decision takes.
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(4096).unwrap();

/// One message as it is sent.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    pub(crate) subject: String,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

impl Outgoing {
    /// The sequence that its entity must stand at.
    fn expected(&self) -> Option<u64> {
        self.headers.get(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE)?.as_str().parse().ok()
    }

    /// Roughly what it is on the wire.
    fn bytes(&self) -> usize {
        const ENVELOPE_BYTES: usize = 256;
        self.payload.len() + self.subject.len() + ENVELOPE_BYTES
    }
}

/// How a parcel travels.
#[derive(Debug)]
pub(crate) enum Ticket {
    /// By itself, now; the pass is kept until the answer is there.
    Alone(Pass),
    /// It has travelled with others, or waited in vain; the answer is its own. `Stored` names its own last message.
    Together(Answer),
}

/// The right to send one parcel by itself.
#[derive(Debug)]
pub(crate) struct Pass {
    connection: Connection,
    messages: Arc<[Outgoing]>,
    urgent: bool,
}

/// The gate of one connection.
#[derive(Debug)]
pub(crate) struct Gate {
    state: Mutex<State>,
    room: Arc<Semaphore>,
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Parcel>,
    /// Passes that are out.
    alone: usize,
    urgent: usize,
    /// What the passes that are out write to: subjects, and how many passes each.
    afoot: HashMap<String, usize>,
    /// What the batch that is on its way writes to.
    carried: HashSet<String>,
    /// Where entities stand that were written to last.
    stands: LruCache<String, u64>,
    /// Those that do not queue and whose entity the batch writes to.
    behind: Vec<Waiter>,
    /// A batch is on its way, or about to be put together.
    batching: bool,
    /// It is one only because somebody in it has several messages: so few that nobody else waits for its end.
    small: bool,
    /// Names the parcels.
    next: u64,
}

/// What waits: the messages of one append, which stay together.
#[derive(Debug)]
struct Parcel {
    number: u64,
    messages: Arc<[Outgoing]>,
    bytes: usize,
    ticket: oneshot::Sender<Ticket>,
    _room: OwnedSemaphorePermit,
}

/// Something that follows from a change of the state and is done without holding it.
#[derive(Debug, Default)]
struct Next {
    released: Vec<Waiter>,
    /// Whoever waited for an entity that another has written to meanwhile.
    overtaken: Vec<oneshot::Sender<Ticket>>,
    batch: bool,
}

/// Somebody who waits outside of the queue, or whose pass is counted and not handed out yet.
#[derive(Debug)]
struct Waiter {
    messages: Arc<[Outgoing]>,
    ticket: oneshot::Sender<Ticket>,
    urgent: bool,
}

/// What becomes of a parcel at the gate.
#[derive(Debug)]
enum Way {
    Now(Pass),
    /// When the batch is done.
    Behind(oneshot::Receiver<Ticket>),
    Queue,
    /// Not at all: another was before.
    Late,
}

/// What the driver does next.
#[derive(Debug)]
enum Step {
    Carry(Vec<Parcel>),
    /// There is no batch to be made.
    Rest(Next),
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { state: Mutex::new(State::default()), room: Arc::new(Semaphore::new(WAITING_KIB_MAX)) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in here can panic between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            alone: 0,
            urgent: 0,
            afoot: HashMap::new(),
            carried: HashSet::new(),
            stands: LruCache::new(REMEMBERED_MAX),
            behind: Vec::new(),
            batching: false,
            small: false,
            next: 0,
        }
    }
}

impl State {
    /// Remembers messages that are stored next to each other, the last one at `last`.
    fn stored<'m>(&mut self, messages: impl DoubleEndedIterator<Item = &'m Outgoing>, last: u64) {
        // From the end: of an entity that has several the last one counts.
        let sequences = (0..=last).rev();
        let mut seen: HashSet<&str> = HashSet::new();
        for (message, sequence) in messages.rev().zip(sequences) {
            if seen.insert(&message.subject) {
                self.stands.put(message.subject.clone(), sequence);
            }
        }
    }

    /// Whether one of these was decided upon a state that is gone.
    fn stale(&self, messages: &[Outgoing]) -> bool {
        let is_stale = |message: &Outgoing| {
            let stands = self.stands.peek(&message.subject);
            message.expected().zip(stands).is_some_and(|(expected, stands)| expected < *stands)
        };
        messages.iter().any(is_stale)
    }

    /// Whether one more may go by itself without overtaking anybody.
    fn open(&self) -> bool {
        self.waiting.is_empty() && (!self.batching || self.small) && self.alone < ALONE_MAX
    }

    /// Lets go whoever may go now.
    fn pump(&mut self) -> Next {
        if self.batching {
            let enough = !self.small || self.waiting.len() >= GATHER_MIN;
            return if enough { Next::default() } else { self.release() };
        }
        // Several messages are a batch in any case: whoever waits goes with them.
        if self.waiting.len() >= GATHER_MIN || self.waiting.iter().any(|parcel| parcel.messages.len() > 1) {
            (self.batching, self.small) = (true, false);
            return Next { batch: true, ..Next::default() };
        }
        self.release()
    }

    /// Lets as many of one message go by themselves as may.
    fn release(&mut self) -> Next {
        let mut next = Next::default();
        while self.alone < ALONE_MAX
            && let Some(at) =
                self.waiting.iter().position(|parcel| parcel.messages.len() == 1 && !self.busy(&parcel.messages))
            && let Some(Parcel { messages, ticket, .. }) = self.waiting.remove(at)
        {
            if !ticket.is_closed() {
                self.sent(&messages, false);
                next.released.push(Waiter { messages, ticket, urgent: false });
            }
        }
        next
    }

    /// Whether somebody who is on the way writes to one of these entities.
    fn busy(&self, messages: &[Outgoing]) -> bool {
        messages
            .iter()
            .any(|Outgoing { subject, .. }| self.afoot.contains_key(subject) || self.carried.contains(subject))
    }

    /// Counts a pass.
    fn sent(&mut self, messages: &[Outgoing], urgent: bool) {
        *(if urgent { &mut self.urgent } else { &mut self.alone }) += 1;
        for message in messages {
            *self.afoot.entry(message.subject.clone()).or_default() += 1;
        }
    }

    /// A pass has come back.
    fn back(&mut self, messages: &[Outgoing], urgent: bool) -> Next {
        *(if urgent { &mut self.urgent } else { &mut self.alone }) -= 1;
        for Outgoing { subject, .. } in messages {
            if let Some(passes) = self.afoot.get_mut(subject) {
                *passes -= 1;
                if *passes == 0 {
                    self.afoot.remove(subject);
                }
            }
        }
        let overtaken = self.overtaken(|subject| messages.iter().any(|message| message.subject == *subject));
        Next { overtaken, ..self.pump() }
    }

    /// The batch is done, whatever came of it.
    fn landed(&mut self) -> Next {
        let carried = std::mem::take(&mut self.carried);
        let overtaken = self.overtaken(|subject| carried.contains(subject));
        let mut next = Next { overtaken, ..Next::default() };
        for behind in std::mem::take(&mut self.behind) {
            if !behind.ticket.is_closed() {
                self.sent(&behind.messages, behind.urgent);
                next.released.push(behind);
            }
        }
        next
    }

    /// Takes whoever waits to write to one of these subjects out of the queue.
    fn overtaken(&mut self, written: impl Fn(&String) -> bool) -> Vec<oneshot::Sender<Ticket>> {
        let is_stale = |parcel: &Parcel| parcel.messages.iter().any(|message| written(&message.subject));
        if !self.waiting.iter().any(is_stale) {
            return Vec::new();
        }
        let (stale, left) = std::mem::take(&mut self.waiting).into_iter().partition::<VecDeque<_>, _>(is_stale);
        self.waiting = left;
        stale.into_iter().map(|parcel| parcel.ticket).collect()
    }

    /// Puts a batch together, if it is worth one.
    fn step(&mut self) -> Step {
        let load = self.load();
        self.small = load.len() < GATHER_MIN;
        if !self.small || load.iter().any(|parcel| parcel.messages.len() > 1) {
            let messages = load.iter().flat_map(|parcel| parcel.messages.iter());
            self.carried = messages.map(|message| message.subject.clone()).collect();
            return Step::Carry(load);
        }
        for parcel in load.into_iter().rev() {
            self.waiting.push_front(parcel);
        }
        self.batching = false;
        Step::Rest(self.release())
    }

    /// Takes what travels together out of the queue, in order; what has to wait keeps its place. Two parcels of one entity never
    /// share a batch: the second's condition could not be told from the first's.
    fn load(&mut self) -> Vec<Parcel> {
        let (mut load, mut left) = (Vec::new(), VecDeque::new());
        let (mut messages, mut bytes) = (0, 0);
        // Of what stays too: nobody behind it may overtake it.
        let mut subjects: HashSet<String> = HashSet::new();
        while let Some(parcel) = self.waiting.pop_front() {
            if parcel.ticket.is_closed() {
                continue;
            }
            if messages + parcel.messages.len() > BATCH_MESSAGES_MAX || bytes + parcel.bytes > BATCH_BYTES_MAX {
                left.push_back(parcel);
                break;
            }
            let collides = self.busy(&parcel.messages)
                || parcel.messages.iter().any(|message| subjects.contains(&message.subject));
            subjects.extend(parcel.messages.iter().map(|message| message.subject.clone()));
            if collides {
                left.push_back(parcel);
            } else {
                messages += parcel.messages.len();
                bytes += parcel.bytes;
                load.push(parcel);
            }
        }
        left.append(&mut self.waiting);
        self.waiting = left;
        load
    }
}

impl Next {
    fn run(self, connection: &Connection) {
        for Waiter { messages, ticket, urgent } in self.released {
            let pass = Pass { connection: connection.clone(), messages, urgent };
            // Whoever has gone away gives the pass back by dropping it.
            drop(ticket.send(Ticket::Alone(pass)));
        }
        for ticket in self.overtaken {
            drop(ticket.send(Ticket::Together(Answer::Conflict)));
        }
        if self.batch {
            Driver::start(connection.clone());
        }
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let next = self.connection.shared.gate.state().back(&self.messages, self.urgent);
        next.run(&self.connection);
    }
}

/// Asks for a way to send `messages`, and waits for it until `deadline`. If the caller goes away before they were sent, they
/// are not.
pub(crate) async fn enter(
    connection: &Connection,
    messages: &Arc<[Outgoing]>,
    urgent: bool,
    deadline: Instant,
) -> Ticket {
    let bytes: usize = messages.iter().map(Outgoing::bytes).sum();
    match way(connection, messages, bytes, urgent) {
        Way::Now(pass) => return Ticket::Alone(pass),
        Way::Behind(turn) => {
            return match timeout_at(deadline, turn).await {
                Ok(Ok(ticket)) => ticket,
                // Nothing of it was sent.
                Ok(Err(_)) | Err(_) => Ticket::Together(Answer::Away),
            };
        }
        Way::Late => return Ticket::Together(Answer::Conflict),
        Way::Queue => {}
    }
    let gate = &connection.shared.gate;
    let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
    match timeout_at(deadline, Arc::clone(&gate.room).acquire_many_owned(kib)).await {
        Ok(Ok(room)) => queue(connection, (messages, bytes, room), deadline).await,
        Ok(Err(_)) | Err(_) => Ticket::Together(Answer::Away),
    }
}

/// Tells the gate that messages are stored next to each other, the last one at `last`.
pub(crate) fn stored(connection: &Connection, messages: &[Outgoing], last: u64) {
    connection.shared.gate.state().stored(messages.iter(), last);
}

/// What need not wait goes now.
fn way(connection: &Connection, messages: &Arc<[Outgoing]>, bytes: usize, urgent: bool) -> Way {
    let mut state = connection.shared.gate.state();
    if state.stale(messages) {
        return Way::Late;
    }
    // Those who wait for the batch to be done go at once then, and count.
    let urgent = urgent && state.urgent + state.behind.len() < URGENT_MAX;
    let unfit = bytes > PARCEL_BYTES_MAX || messages.len() > PARCEL_MESSAGES_MAX;
    // Before a batch with its entity it would refuse the whole batch; behind it, it is the one that decides anew.
    if (urgent || unfit) && messages.iter().any(|message| state.carried.contains(&message.subject)) {
        let (ticket, turn) = oneshot::channel();
        state.behind.push(Waiter { messages: Arc::clone(messages), ticket, urgent });
        return Way::Behind(turn);
    }
    if !(urgent || unfit || messages.len() == 1 && state.open() && !state.busy(messages)) {
        return Way::Queue;
    }
    state.sent(messages, urgent);
    Way::Now(Pass { connection: connection.clone(), messages: Arc::clone(messages), urgent })
}

async fn queue(
    connection: &Connection,
    (messages, bytes, room): (&Arc<[Outgoing]>, usize, OwnedSemaphorePermit),
    deadline: Instant,
) -> Ticket {
    let gate = &connection.shared.gate;
    let (ticket, mut answer) = oneshot::channel();
    let (number, next) = {
        let mut state = gate.state();
        let number = state.next;
        state.next += 1;
        state.waiting.push_back(Parcel { number, messages: Arc::clone(messages), bytes, ticket, _room: room });
        (number, state.pump())
    };
    next.run(connection);
    match timeout_at(deadline, &mut answer).await {
        Ok(Ok(ticket)) => return ticket,
        // Whoever carried it was ended in the middle.
        Ok(Err(_)) => return Ticket::Together(Answer::Lost),
        Err(_elapsed) => {}
    }
    let mut state = gate.state();
    if let Some(at) = state.waiting.iter().position(|parcel| parcel.number == number) {
        state.waiting.remove(at);
        return Ticket::Together(Answer::Away);
    }
    drop(state);
    answer.try_recv().unwrap_or(Ticket::Together(Answer::Lost))
}
