//! Telling worlds apart: what decides how a world can go on, as one number.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::time::Duration;

use relevo_domain::Timestamp;
use relevo_domain::conversation::{CALL_OVER_AFTER, Stage, State};

use super::scene::{self, CALL_MAX, CONVERSATIONS};
use super::sending::{News, Turn};
use super::world::{World, is_paused};

impl World {
    /// What decides how this world can go on: everything but the way that led here. Times count from now.
    pub fn fingerprint(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        self.left.hash(&mut hash);
        for asked in &self.asked {
            let ready = asked.answer.as_ref().map(|ready| (ready.node, ready.from.is_some()));
            (asked.conversation, ready).hash(&mut hash);
        }
        self.taken.hash(&mut hash);
        self.lied.hash(&mut hash);
        self.late.len().hash(&mut hash);
        self.held.hash(&mut hash);
        for flight in &self.wire {
            (flight.node, flight.conversation, flight.message, flight.attempt).hash(&mut hash);
            self.since(flight.written, CALL_MAX).hash(&mut hash);
        }
        for n in CONVERSATIONS {
            self.hash_state(&self.truth(n), &mut hash);
            for promise in self.promises.iter().filter(|promise| promise.conversation == n) {
                (self.in_force(promise), &promise.listed).hash(&mut hash);
            }
        }
        for (at, node) in self.nodes.iter().enumerate() {
            for n in CONVERSATIONS {
                self.hash_state(&self.shown(at, n), &mut hash);
                self.hash_state(&self.known(at, n), &mut hash);
                let entity = scene::conversation(n);
                (self.base(at, entity) == self.journal.sequence(entity, self.journal.last())).hash(&mut hash);
            }
            (&node.link, &node.giving).hash(&mut hash);
            for (n, turn) in &node.turns {
                n.hash(&mut hash);
                self.hash_turn(turn, &mut hash);
            }
            for asked in &self.asked {
                let id = scene::command_id("pause", asked.command);
                let entity = scene::conversation(asked.conversation);
                self.knows(entity, self.base(at, entity), &id).hash(&mut hash);
            }
        }
        hash.finish()
    }

    /// How long ago, as far as that makes a difference.
    fn since(&self, time: Timestamp, most: Duration) -> u64 {
        self.now.since(time).min(most).as_secs()
    }

    fn hash_turn(&self, turn: &Turn, hash: &mut DefaultHasher) {
        std::mem::discriminant(turn).hash(hash);
        match turn {
            Turn::Asking { message, begun, claim: _ } => (message, self.since(*begun, CALL_MAX)).hash(hash),
            Turn::Holding { message, attempt, begun } => {
                (message, attempt, self.since(*begun, CALL_MAX)).hash(hash);
            }
            Turn::Calling { message, attempt } => (message, attempt).hash(hash),
            Turn::Telling { message, attempt, news } => {
                (message, attempt, std::mem::discriminant(news)).hash(hash);
                if let News::Failed { retry_at } = news {
                    retry_at.since(self.now).hash(hash);
                }
            }
        }
    }

    fn hash_state(&self, state: &State, hash: &mut DefaultHasher) {
        let Some(opened) = &state.opened else { return };
        (is_paused(opened), opened.episode, std::mem::discriminant(&opened.status)).hash(hash);
        opened.window_expires_at().is_some_and(|expires| self.now < expires).hash(hash);
        if self.turned {
            let turns = &opened.turns;
            (opened.version, turns.new_from, turns.due, turns.context_through, turns.failed).hash(hash);
            let running = turns.running.as_ref();
            running.map(|running| (running.number, running.given.until.since(self.now))).hash(hash);
        }
        for pending in &opened.outbox {
            (pending.id, pending.author, pending.attempts, std::mem::discriminant(&pending.stage)).hash(hash);
            match &pending.stage {
                Stage::Queued { not_before } => not_before.map(|time| time.since(self.now)).hash(hash),
                Stage::Claimed { until, .. } => {
                    (until.since(self.now), self.since(*until, CALL_OVER_AFTER)).hash(hash);
                }
                Stage::Unknown { .. } => {}
            }
        }
    }
}
