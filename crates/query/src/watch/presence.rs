//! Who looks at a conversation and who is writing, in the memory of this node alone.
//!
//! Presence is a hint for colleagues, so it is never on the log and may be lost. A report ends by itself; an open watch of a
//! member of staff counts as viewing. Everything is bounded: rooms, people in one, and reports of one person.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use relevo_domain::{AgentId, Caller, EntityId, TenantId, Timestamp};
use relevo_proto::query::v1::PresenceState;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::error::QueryError;

/// How long a report holds: a browser that is closed without a word is forgotten within it.
pub(crate) const REPORT_HOLDS: Duration = Duration::from_secs(15);
/// Conversations that somebody looks at, on this node.
const ROOMS_MAX: usize = 10_000;
/// People that are shown on one conversation.
const PEOPLE_MAX: usize = 32;
/// Conversations that one person reports on at the same time.
const REPORTS_MAX: usize = 32;

type Key = (TenantId, EntityId);

/// The presences of this node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Presences {
    table: Arc<Mutex<Table>>,
}

#[derive(Debug, Default)]
struct Table {
    rooms: HashMap<Key, Room>,
    /// Until when each person's reports hold.
    reports: HashMap<(TenantId, AgentId), BTreeMap<EntityId, Instant>>,
}

/// One conversation that somebody looks at.
#[derive(Debug)]
struct Room {
    people: BTreeMap<AgentId, Person>,
    /// Places that have not been dropped.
    places: usize,
    /// Counts changes; its receivers are the watches of the conversation.
    stirred: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Person {
    watches: usize,
    viewing_until: Option<Instant>,
    typing_until: Option<Instant>,
    /// What was shown last, and since when.
    shown: Option<(PresenceState, Timestamp)>,
}

/// Somebody who is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Present {
    pub(crate) agent: AgentId,
    pub(crate) state: PresenceState,
    pub(crate) since: Timestamp,
}

/// A watch's place in a room: hears of changes, and counts as viewing if it is of staff, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    table: Arc<Mutex<Table>>,
    key: Key,
    /// Set if it counts as viewing.
    agent: Option<AgentId>,
    stirred: watch::Receiver<u64>,
}

impl Presences {
    /// Enters the room of a conversation that the caller watches.
    pub(crate) fn enter(&self, caller: &Caller, conversation: EntityId) -> Place {
        let key = (caller.tenant.clone(), conversation);
        let now = Instant::now();
        let mut table = lock(&self.table);
        // A watch is never refused for want of a room: there are no more of them than watches.
        table.make_room(&key, now);
        let room = table.rooms.entry(key.clone()).or_insert_with(Room::new);
        room.forget_absent(now);
        room.places += 1;
        let counted = caller.role.is_staff() && room.has_room_for(&caller.name);
        let agent = counted.then(|| caller.name.clone());
        if let Some(agent) = &agent {
            room.people.entry(agent.clone()).or_default().watches += 1;
        }
        let stirred = room.stirred.subscribe();
        if agent.is_some() {
            room.stir();
        }
        Place { table: Arc::clone(&self.table), key, agent, stirred }
    }

    /// Somebody says what they do.
    pub(crate) fn report(
        &self,
        caller: &Caller,
        conversation: EntityId,
        state: PresenceState,
    ) -> Result<(), QueryError> {
        let now = Instant::now();
        let key = (caller.tenant.clone(), conversation);
        let mut table = lock(&self.table);
        if state != PresenceState::Gone {
            table.admit(caller, &key, now)?;
        }
        let until = now + REPORT_HOLDS;
        let Some(room) = table.rooms.get_mut(&key) else { return Ok(()) };
        let person = room.people.entry(caller.name.clone()).or_default();
        (person.viewing_until, person.typing_until) = match state {
            PresenceState::Typing => (Some(until), Some(until)),
            PresenceState::Viewing => (Some(until), None),
            PresenceState::Gone | PresenceState::Unspecified => (None, None),
        };
        room.forget_absent(now);
        room.stir();
        table.tidy(&key);
        let reports = table.reports.entry((caller.tenant.clone(), caller.name.clone())).or_default();
        if state == PresenceState::Gone {
            reports.remove(&conversation);
        } else {
            reports.insert(conversation, until);
        }
        Ok(())
    }
}

impl Table {
    /// Makes sure that there is room for a report.
    fn admit(&mut self, caller: &Caller, key: &Key, now: Instant) -> Result<(), QueryError> {
        let owner = (caller.tenant.clone(), caller.name.clone());
        if let Some(reports) = self.reports.get_mut(&owner) {
            reports.retain(|_, until| *until > now);
            if reports.len() >= REPORTS_MAX && !reports.contains_key(&key.1) {
                return Err(QueryError::LimitReached { what: "presence_reports", limit: REPORTS_MAX });
            }
        }
        if !self.make_room(key, now) {
            return Err(QueryError::LimitReached { what: "presence_rooms", limit: ROOMS_MAX });
        }
        let room = self.rooms.entry(key.clone()).or_insert_with(Room::new);
        room.forget_absent(now);
        if room.has_room_for(&caller.name) {
            Ok(())
        } else {
            Err(QueryError::LimitReached { what: "presence_people", limit: PEOPLE_MAX })
        }
    }

    /// Lets go of whatever is over, if there is no room for one more. Whether there is then.
    fn make_room(&mut self, key: &Key, now: Instant) -> bool {
        if self.rooms.contains_key(key) || self.rooms.len() < ROOMS_MAX {
            return true;
        }
        self.rooms.retain(|_, room| {
            room.forget_absent(now);
            room.is_used()
        });
        self.reports.retain(|_, reports| {
            reports.retain(|_, until| *until > now);
            !reports.is_empty()
        });
        self.rooms.len() < ROOMS_MAX
    }

    /// Lets go of a room that nobody needs.
    fn tidy(&mut self, key: &Key) {
        if self.rooms.get(key).is_some_and(|room| !room.is_used()) {
            self.rooms.remove(key);
        }
    }
}

impl Room {
    fn new() -> Self {
        Self { people: BTreeMap::new(), places: 0, stirred: watch::Sender::new(0) }
    }

    fn has_room_for(&self, agent: &AgentId) -> bool {
        self.people.contains_key(agent) || self.people.len() < PEOPLE_MAX
    }

    fn stir(&self) {
        self.stirred.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    fn is_used(&self) -> bool {
        !self.people.is_empty() || self.places > 0
    }

    fn forget_absent(&mut self, now: Instant) {
        self.people.retain(|_, person| person.state(now).is_some());
    }
}

impl Person {
    fn state(&self, now: Instant) -> Option<PresenceState> {
        let holds = |until: Option<Instant>| until.is_some_and(|until| until > now);
        if holds(self.typing_until) {
            return Some(PresenceState::Typing);
        }
        (self.watches > 0 || holds(self.viewing_until)).then_some(PresenceState::Viewing)
    }
}

impl Place {
    /// Who is there now, by name in the configuration; and when that changes by itself.
    pub(crate) fn people(&mut self, now: Timestamp) -> (Vec<Present>, Option<Timestamp>) {
        let clock = Instant::now();
        // Before reading: a change while reading is heard of again.
        self.stirred.mark_unchanged();
        let mut table = lock(&self.table);
        let Some(room) = table.rooms.get_mut(&self.key) else { return (Vec::new(), None) };
        room.forget_absent(clock);
        let mut next: Option<Instant> = None;
        let mut found = Vec::new();
        for (agent, person) in &mut room.people {
            let Some(state) = person.state(clock) else { continue };
            let shown = person.shown.filter(|(shown, _)| *shown == state).unwrap_or((state, now));
            person.shown = Some(shown);
            let ends = [person.typing_until, person.viewing_until].into_iter().flatten().filter(|until| *until > clock);
            next = ends.chain(next).min();
            found.push(Present { agent: agent.clone(), state, since: shown.1 });
        }
        (found, next.map(|next| now + next.saturating_duration_since(clock)))
    }

    /// Ends when somebody came, went or does something else.
    pub(crate) async fn stirred(&mut self) {
        if self.stirred.changed().await.is_err() {
            // The room lives as long as this place.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = lock(&self.table);
        let Some(room) = table.rooms.get_mut(&self.key) else { return };
        room.places = room.places.saturating_sub(1);
        if let Some(agent) = &self.agent {
            if let Some(person) = room.people.get_mut(agent) {
                person.watches = person.watches.saturating_sub(1);
            }
            room.forget_absent(Instant::now());
            room.stir();
        }
        table.tidy(&self.key);
    }
}

fn lock(table: &Mutex<Table>) -> MutexGuard<'_, Table> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use relevo_domain::{EntityKind, Role, Scope};

    use super::*;

    #[tokio::test]
    async fn a_room_goes_with_its_last_place_whoever_still_listens() {
        let (tenant, name) = (TenantId::new("demo").unwrap(), AgentId::new("carla").unwrap());
        let caller = Caller { tenant, role: Role::Supervisor, name, scope: Scope::Tenant };
        let presences = Presences::default();
        let conversation = EntityId::new(EntityKind::Conversation, [1; 16]);
        let places = [0, 1].map(|_| presences.enter(&caller, conversation));
        // As of places that are dropped at the same time: their receivers go after their names.
        let listening = places.each_ref().map(|place| place.stirred.clone());
        drop(places);
        assert!(lock(&presences.table).rooms.is_empty());
        drop(listening);
    }
}
