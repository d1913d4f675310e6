//! Carries one batch after the other, as long as there are enough for one.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::time::Instant;

use super::{GATHER_MIN, Outgoing, Parcel, Pass, Step, Ticket, batch};
use crate::connection::Connection;
use crate::request::{Which, leader_get_until};
use crate::resolve::Answer;
use crate::streams::StreamName;

/// How often a batch is sent again without the one that met a conflict, before everybody in it is sent by itself.
const CULPRITS_MAX: u32 = 4;

/// The one task that sends batches; there is none while there are no batches.
pub(super) struct Driver {
    connection: Connection,
    /// Somebody else may be the driver by now.
    resting: bool,
}

impl Driver {
    /// Begins to carry; the gate says already that a batch is on its way.
    pub(super) fn start(connection: Connection) {
        let driver = Self { connection, resting: false };
        // Without a runtime nobody waits either: this is the end of the process.
        if let Ok(runtime) = Handle::try_current() {
            drop(runtime.spawn(driver.run()));
        }
    }

    async fn run(mut self) {
        loop {
            // Those who were answered just now ask again in a moment, and belong to the next batch.
            tokio::task::yield_now().await;
            let step = self.connection.shared.gate.state().step();
            match step {
                Step::Carry(load) => {
                    self.carry(load).await;
                    let next = self.connection.shared.gate.state().landed();
                    next.run(&self.connection);
                }
                Step::Rest(next) => {
                    self.resting = true;
                    next.run(&self.connection);
                    return;
                }
            }
        }
    }

    async fn carry(&self, mut load: Vec<Parcel>) {
        for _ in 0..=CULPRITS_MAX {
            let messages: Vec<&Outgoing> = load.iter().flat_map(|parcel| parcel.messages.iter()).collect();
            let count = messages.len() as u64;
            // A disconnected client would keep the messages and send them after the outcome was named.
            let (answer, stands_at) = if self.connection.connected() {
                batch::exchange(&self.connection, &messages, Instant::now() + batch::ATTEMPT_TIMEOUT).await
            } else {
                (Answer::Away, None)
            };
            drop(messages);
            match answer {
                Answer::Stored(last) => {
                    let messages = load.iter().flat_map(|parcel| parcel.messages.iter());
                    self.connection.shared.gate.state().stored(messages, last);
                    return stored(load, last - count);
                }
                Answer::Lost | Answer::Away => {
                    for parcel in load {
                        tell(parcel, Ticket::Together(answer.clone()));
                    }
                    return;
                }
                Answer::Conflict if worthy(&load) => match self.culprit(&load, stands_at).await {
                    Some(at) => tell(load.remove(at), Ticket::Together(answer)),
                    None => return self.halves(load).await,
                },
                Answer::Duplicate(_)
                | Answer::BatchDuplicate
                | Answer::Conflict
                | Answer::Busy
                | Answer::Refused(_) => return self.refused(load, answer),
            }
            if !worthy(&load) {
                break;
            }
        }
        self.refused(load, Answer::Conflict);
    }

    /// Nobody is named: whoever it is, is in one half, and the other half need not pay for it. By themselves they would be a sync
    /// each, and a small batch each that has several messages.
    async fn halves(&self, mut load: Vec<Parcel>) {
        let other = load.split_off(load.len() / 2);
        for half in [load, other] {
            if worthy(&half) {
                Box::pin(self.carry(half)).await;
            } else {
                self.refused(half, Answer::Conflict);
            }
        }
    }

    /// Who it was that met a conflict: a conflict names the sequence that its entity stands at.
    async fn culprit(&self, load: &[Parcel], stands_at: Option<u64>) -> Option<usize> {
        let which = Which::At(stands_at.filter(|sequence| *sequence > 0)?);
        let deadline = Instant::now() + batch::ATTEMPT_TIMEOUT;
        let context = &self.connection.shared.context;
        let newest = leader_get_until(context, StreamName::Events.as_str(), &which, deadline).await.ok()??;
        let of = |parcel: &Parcel| parcel.messages.iter().any(|message| *message.subject == *newest.subject);
        load.iter().position(of)
    }

    /// Nothing of this is stored, and each has to find out for itself why.
    fn refused(&self, mut load: Vec<Parcel>, answer: Answer) {
        if load.len() == 1
            && let Some(parcel) = load.pop()
        {
            // Nobody else can be meant.
            return tell(parcel, Ticket::Together(answer));
        }
        tracing::debug!(?answer, parcels = load.len(), "batch refused; each goes by itself");
        for parcel in load {
            let messages = Arc::clone(&parcel.messages);
            self.connection.shared.gate.state().sent(&messages, false);
            let pass = Pass { connection: self.connection.clone(), messages, urgent: false };
            tell(parcel, Ticket::Alone(pass));
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if !self.resting {
            // Ended in the middle, with its runtime. Whoever waits is let go by the next that comes, or by its deadline.
            let next = {
                let mut state = self.connection.shared.gate.state();
                state.batching = false;
                state.landed()
            };
            next.run(&self.connection);
        }
    }
}

/// Everything is stored, behind `before`. The messages of a batch stand next to each other, in order.
fn stored(load: Vec<Parcel>, before: u64) {
    let mut end = before;
    for parcel in load {
        end += parcel.messages.len() as u64;
        tell(parcel, Ticket::Together(Answer::Stored(end)));
    }
}

/// Whether it is worth a batch.
fn worthy(load: &[Parcel]) -> bool {
    load.len() >= GATHER_MIN
}

/// Whoever has gone away is not told; a pass is given back by being dropped.
fn tell(parcel: Parcel, ticket: Ticket) {
    drop(parcel.ticket.send(ticket));
}
