//! The sender of a node, step by step: a look at the view, the claim, the call, the record. After `relevo_sender`'s lane and attempt.

use relevo_domain::conversation::{Author, CALL_OVER_AFTER, Command, ConversationEvent, Pending, Stage};
use relevo_domain::{MessageId, Timestamp};
use relevo_sender::{CLAIM_LIMIT, may_call};

use super::promise::Violation;
use super::scene::{self, CALL_MAX, Who};
use super::world::{Luck, Recorded, Variant, World, is_paused};

/// Pause before the next attempt: the sender's first one.
const RETRY_AFTER: std::time::Duration = std::time::Duration::from_secs(1);

/// What a sender does for a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Turn {
    /// It is about to ask for the claim, or asks again.
    Asking { message: MessageId, claim: usize, begun: Timestamp },
    /// The claim is its own; the call is next.
    Holding { message: MessageId, attempt: u32, begun: Timestamp },
    /// The request is on its way.
    Calling { message: MessageId, attempt: u32 },
    /// It knows what came of it, and says so.
    Telling { message: MessageId, attempt: u32, news: News },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum News {
    Accepted,
    Failed { retry_at: Timestamp },
    Unknown,
}

/// A request that was written and has no answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Flight {
    pub node: usize,
    pub conversation: u8,
    pub message: MessageId,
    pub attempt: u32,
    pub written: Timestamp,
}

/// What the provider does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fate {
    Taken,
    /// Not taken, and to be tried again.
    Refused,
    /// Taken, and the answer says that it was not.
    Lied,
    /// Taken, and the answer is lost.
    Silent,
    /// Never got there, and nobody knows.
    Gone,
}

impl World {
    /// The message whose turn it is, as a node's view shows it.
    fn next(&self, node: usize, n: u8) -> Option<Pending> {
        self.shown(node, n).opened.and_then(|opened| opened.head().cloned())
    }

    pub fn may_ask(&self, node: usize, n: u8) -> bool {
        let due = |pending: &Pending| match &pending.stage {
            Stage::Queued { not_before } => not_before.is_none_or(|time| time <= self.now),
            Stage::Claimed { .. } | Stage::Unknown { .. } => false,
        };
        !self.nodes[node].turns.contains_key(&n) && self.next(node, n).as_ref().is_some_and(due)
    }

    pub fn ask(&mut self, node: usize, n: u8) {
        let Some(pending) = self.next(node, n) else { return };
        let (message, begun) = (pending.id, self.now);
        self.commands += 1;
        let turn = if self.variant == Variant::CheckThenAct {
            // It looks at what is so at this very moment, which is the most that looking can do.
            let silent = self.truth(n).opened.as_ref().is_some_and(is_paused) && pending.author == Author::Bot;
            let waits = self.truth(n).opened.is_some_and(|opened| opened.head() == Some(&pending));
            if silent || !waits {
                return;
            }
            Turn::Holding { message, attempt: pending.attempts + 1, begun }
        } else {
            Turn::Asking { message, claim: self.commands, begun }
        };
        self.nodes[node].turns.insert(n, turn);
    }

    pub fn claim(&mut self, node: usize, n: u8, luck: Luck) -> Result<(), Violation> {
        let Some(Turn::Asking { message, claim, begun }) = self.nodes[node].turns.get(&n).cloned() else {
            return Ok(());
        };
        if self.variant == Variant::StaleClaim {
            let head = self.known(node, n).opened.and_then(|opened| opened.head().cloned());
            if let Some(head) = head.filter(|head| head.id == message && matches!(head.stage, Stage::Queued { .. })) {
                self.nodes[node].turns.insert(n, Turn::Holding { message, attempt: head.attempts + 1, begun });
            }
            return Ok(());
        }
        let id = scene::command_id("claim", claim);
        let command = Command::ClaimSend { message, claim: claim.to_string(), until: begun + CLAIM_LIMIT };
        match self.record(node, n, Who::Relevo, &command, &id, luck)? {
            Recorded::Stored { events, .. } => {
                let attempt = events.iter().find_map(|event| match event {
                    ConversationEvent::SendStarted { attempt, .. } => Some(*attempt),
                    _other_events => None,
                });
                let Some(attempt) = attempt else { return Ok(()) };
                self.nodes[node].turns.insert(n, Turn::Holding { message, attempt, begun });
            }
            Recorded::AlreadySo { .. } | Recorded::Rejected => {
                self.nodes[node].turns.remove(&n);
            }
            // It asks again, under the same name.
            Recorded::Unclear => {}
        }
        Ok(())
    }

    /// The look at the clock, and with nothing in between the request.
    pub fn write(&mut self, node: usize, n: u8) -> Result<(), Violation> {
        let Some(Turn::Holding { message, attempt, begun }) = self.nodes[node].turns.get(&n).cloned() else {
            return Ok(());
        };
        let in_time = may_call(self.now.since(begun), self.now, begun + CLAIM_LIMIT);
        if !in_time && self.variant != Variant::NoClock {
            let news = News::Failed { retry_at: self.now + RETRY_AFTER };
            self.nodes[node].turns.insert(n, Turn::Telling { message, attempt, news });
            return Ok(());
        }
        self.nodes[node].turns.insert(n, Turn::Calling { message, attempt });
        self.wire.push(Flight { node, conversation: n, message, attempt, written: self.now });
        if self.breaks_a_promise(n, message) { Err(Violation::Leak(message)) } else { Ok(()) }
    }

    /// A request reaches the provider, or nobody.
    pub fn reach(&mut self, flight: usize, fate: Fate) -> Result<(), Violation> {
        let Flight { node, conversation, message, attempt, .. } = self.wire.remove(flight);
        let (taken, news) = match fate {
            Fate::Taken => (true, News::Accepted),
            Fate::Refused => (false, News::Failed { retry_at: self.now + RETRY_AFTER }),
            Fate::Lied => (true, News::Failed { retry_at: self.now + RETRY_AFTER }),
            Fate::Silent => (true, News::Unknown),
            Fate::Gone => (false, News::Unknown),
        };
        // Who died meanwhile hears nothing.
        let turn = Turn::Calling { message, attempt };
        if self.nodes[node].turns.get(&conversation) == Some(&turn) {
            self.nodes[node].turns.insert(conversation, Turn::Telling { message, attempt, news });
        }
        if fate == Fate::Lied {
            self.lied.insert(message);
        }
        if fate != Fate::Gone && self.breaks_a_promise(conversation, message) {
            return Err(Violation::Leak(message));
        }
        if taken {
            let times = self.taken.entry(message).or_default();
            *times += 1;
            // Of one of which the provider said that it did not take it, nobody can know better.
            if *times > 1 && !self.lied.contains(&message) {
                return Err(Violation::Twice(message));
            }
        }
        Ok(())
    }

    /// Calls that have taken as long as a call may.
    pub fn give_calls_up(&mut self) {
        let over = |flight: &Flight, now: Timestamp| flight.written + CALL_MAX <= now;
        for at in (0..self.wire.len()).rev() {
            if over(&self.wire[at], self.now) {
                // Whether it got there at the last moment is another step's doing.
                drop(self.reach(at, Fate::Gone));
            }
        }
    }

    pub fn tell(&mut self, node: usize, n: u8, luck: Luck) -> Result<(), Violation> {
        let Some(Turn::Telling { message, attempt, news }) = self.nodes[node].turns.get(&n).cloned() else {
            return Ok(());
        };
        let turn = usize::from(message.bytes()[0]) * 100 + usize::try_from(attempt).unwrap();
        if matches!(self.variant, Variant::CheckThenAct | Variant::StaleClaim) {
            // What was called without a claim is claimed for the record.
            let until = self.now + CLAIM_LIMIT;
            let claim = Command::ClaimSend { message, claim: String::new(), until };
            drop(self.record(node, n, Who::Relevo, &claim, &scene::command_id("afterwards", turn), Luck::Good)?);
        }
        let (what, command) = match news {
            News::Accepted => {
                ("accepted", Command::RecordAccepted { message, attempt, alias: message, provider_id: String::new() })
            }
            News::Failed { retry_at } => {
                let (failure, retry_at) = (scene::trouble(), Some(retry_at));
                ("failed", Command::RecordSendFailed { message, attempt, failure, retry_at })
            }
            News::Unknown => ("unknown", Command::RecordSendUnknown { message, attempt }),
        };
        match self.record(node, n, Who::Relevo, &command, &scene::command_id(what, turn), luck)? {
            Recorded::Stored { .. } | Recorded::AlreadySo { .. } | Recorded::Rejected => {
                self.nodes[node].turns.remove(&n);
            }
            Recorded::Unclear => {}
        }
        Ok(())
    }

    /// Whether a node may say that nobody knows what became of a claim.
    pub fn may_doubt(&self, node: usize, n: u8) -> bool {
        let over = |pending: &Pending| match &pending.stage {
            Stage::Claimed { until, .. } => *until + CALL_OVER_AFTER <= self.now,
            Stage::Queued { .. } | Stage::Unknown { .. } => false,
        };
        !self.nodes[node].turns.contains_key(&n) && self.next(node, n).as_ref().is_some_and(over)
    }

    pub fn doubt(&mut self, node: usize, n: u8) {
        if let Some(Pending { id: message, attempts: attempt, .. }) = self.next(node, n) {
            self.nodes[node].turns.insert(n, Turn::Telling { message, attempt, news: News::Unknown });
        }
    }
}
