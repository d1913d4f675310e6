//! What arrives at an endpoint together is appended together: one message is on its way per endpoint, and what comes meanwhile is
//! framed into the next one. Nothing waits for company: what comes when nothing is on its way is appended at once, alone.
//!
//! The raw stream needs no condition, so parts cannot be in each other's way. Each is answered after the server has the message that
//! holds it. Whoever goes away while waiting takes only their own with them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_nats::HeaderMap;
use bytes::Bytes;
use relevo_domain::{EndpointId, RawId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use super::frame::{self, Part};
use crate::connection::Connection;
use crate::log::LogError;
use crate::request::{PUBLISH_DEADLINE, publish_until};
use crate::streams::StreamName;
use crate::subject;

/// The most parts of a frame: what a reader has in hand at least, and a quarter of what an id can name.
const FRAME_PARTS_MAX: usize = 256;
/// The most bytes of a frame: what the server copies and syncs in some milliseconds.
const FRAME_BYTES_MAX: usize = 1024 * 1024;
/// What is larger gains nothing from company, and is appended alone, at once. In bytes.
const PART_BYTES_MAX: usize = 128 * 1024;
/// How much waits at a time, in KiB, each at least one; who comes later waits to be let in.
const WAITING_KIB_MAX: usize = 32 * 1024;

/// The lanes of one connection.
#[derive(Debug)]
pub(crate) struct Lanes {
    /// A lane is here for as long as a carrier is at work on it: as many as endpoints that something arrives at.
    open: Mutex<HashMap<EndpointId, VecDeque<Member>>>,
    room: Arc<Semaphore>,
}

/// One item that waits for its message.
#[derive(Debug)]
struct Member {
    part: Part,
    deadline: Instant,
    answer: oneshot::Sender<Result<RawId, LogError>>,
    room: OwnedSemaphorePermit,
}

/// The one task that appends to an endpoint's lane.
struct Carrier {
    connection: Connection,
    endpoint: EndpointId,
    resting: bool,
}

impl Lanes {
    pub(crate) fn new() -> Self {
        Self { open: Mutex::default(), room: Arc::new(Semaphore::new(WAITING_KIB_MAX)) }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<EndpointId, VecDeque<Member>>> {
        // Nothing in here can panic between two changes that belong together.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets an item wait; tells whether somebody has to begin to carry.
    fn join(&self, endpoint: &EndpointId, member: Member) -> bool {
        let mut open = self.open();
        if let Some(lane) = open.get_mut(endpoint) {
            lane.push_back(member);
            return false;
        }
        open.insert(endpoint.clone(), VecDeque::from([member]));
        true
    }

    /// What travels together next, in order; the lane is closed if there is nothing.
    fn load(&self, endpoint: &EndpointId) -> Vec<Member> {
        let mut open = self.open();
        let (mut load, mut bytes) = (Vec::new(), 0);
        if let Some(lane) = open.get_mut(endpoint) {
            while let Some(member) = lane.pop_front() {
                if member.answer.is_closed() {
                    continue;
                }
                bytes += member.part.bytes();
                if load.len() == FRAME_PARTS_MAX || bytes > FRAME_BYTES_MAX {
                    lane.push_front(member);
                    break;
                }
                load.push(member);
            }
        }
        if load.is_empty() {
            open.remove(endpoint);
        }
        load
    }
}

/// Appends an item, with what else arrives at its endpoint. After `Unavailable` it may be stored too.
pub(super) async fn append(connection: &Connection, endpoint: &EndpointId, part: Part) -> Result<RawId, LogError> {
    let deadline = Instant::now() + PUBLISH_DEADLINE;
    let bytes = part.bytes();
    if bytes > PART_BYTES_MAX {
        return alone(connection, endpoint, &part, deadline).await;
    }
    let late = || LogError::Unavailable("the raw stream did not answer in time".to_owned());
    let lanes = &connection.shared.lanes;
    let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(u32::MAX);
    // At once where there is room, so that who comes first stands first.
    let room = match Arc::clone(&lanes.room).try_acquire_many_owned(kib) {
        Ok(room) => room,
        Err(_full) => match timeout_at(deadline, Arc::clone(&lanes.room).acquire_many_owned(kib)).await {
            Ok(Ok(room)) => room,
            Ok(Err(_)) | Err(_) => return Err(late()),
        },
    };
    let (answer, answered) = oneshot::channel();
    if lanes.join(endpoint, Member { part, deadline, answer, room }) {
        let carrier = Carrier { connection: connection.clone(), endpoint: endpoint.clone(), resting: false };
        drop(tokio::spawn(carrier.run()));
    }
    match timeout_at(deadline, answered).await {
        Ok(Ok(answer)) => answer,
        // Whoever carried it was ended in the middle, or it took too long.
        Ok(Err(_)) | Err(_) => Err(late()),
    }
}

/// Appends an item as a message of its own.
async fn alone(
    connection: &Connection,
    endpoint: &EndpointId,
    part: &Part,
    deadline: Instant,
) -> Result<RawId, LogError> {
    publish(connection, endpoint, part.headers(), part.body.clone(), deadline).await.map(RawId::alone)
}

/// Appends a message to the raw stream; its sequence.
pub(super) async fn publish(
    connection: &Connection,
    endpoint: &EndpointId,
    headers: HeaderMap,
    payload: Bytes,
    deadline: Instant,
) -> Result<u64, LogError> {
    // Random: two equal inputs are two inputs. It keeps the attempts of this call together.
    let id = format!("{:032x}", rand::random::<u128>());
    let subject = subject::intake(endpoint);
    publish_until(connection, StreamName::Intake, &subject, &id, headers, payload, deadline).await
}

impl Carrier {
    async fn run(mut self) {
        loop {
            // Those who were answered just now ask again in a moment, and belong to the next message.
            tokio::task::yield_now().await;
            let load = self.connection.shared.lanes.load(&self.endpoint);
            if load.is_empty() {
                self.resting = true;
                return;
            }
            self.carry(load).await;
        }
    }

    async fn carry(&self, mut load: Vec<Member>) {
        if load.len() == 1
            && let Some(member) = load.pop()
        {
            return self.carry_alone(member).await;
        }
        // Whose time is over is not waiting any more; the others have theirs.
        let Some(deadline) = load.iter().map(|member| member.deadline).max() else { return };
        let (mut parts, mut members) = (Vec::with_capacity(load.len()), Vec::with_capacity(load.len()));
        for Member { part, deadline, answer, room } in load {
            parts.push(part);
            members.push((deadline, answer, room));
        }
        let (headers, payload) = frame::encode(&parts);
        match publish(&self.connection, &self.endpoint, headers, payload, deadline).await {
            Ok(sequence) => {
                for (part, (_, answer, _)) in (0..).zip(members) {
                    drop(answer.send(Ok(RawId { sequence, part })));
                }
            }
            // Nothing of it is stored; each may be small enough.
            Err(LogError::TooLarge { .. }) => {
                for (part, (deadline, answer, room)) in parts.into_iter().zip(members) {
                    self.carry_alone(Member { part, deadline, answer, room }).await;
                }
            }
            Err(error) => {
                for (_, answer, _) in members {
                    drop(answer.send(Err(error.clone())));
                }
            }
        }
    }

    async fn carry_alone(&self, member: Member) {
        let answer = alone(&self.connection, &self.endpoint, &member.part, member.deadline).await;
        // Whoever has gone away is not told.
        drop(member.answer.send(answer));
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        if !self.resting {
            // Ended in the middle, with its runtime. Whoever waits is let go.
            self.connection.shared.lanes.open().remove(&self.endpoint);
        }
    }
}
