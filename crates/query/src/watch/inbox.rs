//! A watched list: its first conversations in order, and the counters of the tabs.
//!
//! What is kept is a window: the places of the first conversations, some more than are shown so that one that leaves is replaced
//! without a new read of the list, and of each shown one a hash of what the client has got. Each change places its conversation
//! anew; nothing that the caller may not see leaves a trace.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use relevo_domain::{Caller, EntityId, Position, Role, Timestamp};
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::watch_inbox_response::Event;

use super::{Seen, Step, Watched};
use crate::Query;
use crate::error::QueryError;
use crate::filter::AskedFilter;
use crate::render;

/// Places that are kept beyond those that are shown: so many may leave before the list is read again. Tests come to its end.
const SPARE: usize = if cfg!(test) { 2 } else { 25 };
/// Changes that are placed one by one; with more of them a new snapshot costs less.
const CHANGES_MAX: usize = 100;

/// What is watched, and what the client has got of it.
pub(crate) struct InboxWatch {
    query: Query,
    caller: Caller,
    asked: AskedFilter,
    sort: inbox::Sort,
    /// Conversations that are shown.
    size: usize,
    /// `None` before the first look.
    window: Option<Window>,
    counters: Option<wire::InboxCounters>,
    /// When the list changes by itself.
    turns_at: Option<Timestamp>,
    /// Of the view's rows at the last look.
    epoch: u64,
}

/// The beginning of a list.
#[derive(Default)]
struct Window {
    places: BTreeMap<inbox::Cursor, EntityId>,
    of: HashMap<EntityId, inbox::Cursor>,
    /// The list has nothing after the last place.
    complete: bool,
    /// What the client shows, in order.
    shown: Vec<EntityId>,
    /// Hash of each row that the client has got.
    told: HashMap<EntityId, u64>,
}

/// One look at one snapshot.
struct Look<'a> {
    watch: &'a InboxWatch,
    seen: &'a Seen<'a>,
    filter: inbox::Filter,
}

impl InboxWatch {
    pub(crate) fn new(query: Query, caller: Caller, asked: AskedFilter, sort: inbox::Sort, size: usize) -> Self {
        let (window, counters, turns_at) = (None, None, None);
        Self { query, caller, asked, sort, size, window, counters, turns_at, epoch: 0 }
    }
}

impl Watched for InboxWatch {
    type Message = wire::WatchInboxResponse;

    fn look(&mut self, seen: &Seen<'_>) -> Result<Step<Self::Message>, QueryError> {
        let window = self.window.take();
        let look = Look::new(self, seen)?;
        let same_view = self.epoch == seen.rows.epoch();
        let position = seen.rows.position();
        let (window, event) = match (window, seen.since) {
            (None, Some(since)) if seen.first && !self.asked.takes_away_with_time() => look.resumed(since)?,
            (Some(window), Some(since)) if same_view => look.moved(window, since)?,
            (Some(_) | None, _) => look.snapshot()?,
        };
        let counters = self.query.tally(seen.rows, &self.caller, seen.now)?;
        let turns_at = look.turns_at()?;
        let event = told(event, counters, self.counters.as_ref());
        (self.window, self.counters) = (Some(window), Some(counters));
        (self.turns_at, self.epoch) = (turns_at, seen.rows.epoch());
        let message = |event| wire::WatchInboxResponse { position: position.to_string(), event: Some(event) };
        Ok(event.map_or(Step::Nothing, |event| Step::Say(message(event))))
    }

    fn heartbeat(&self, position: Position) -> Self::Message {
        let event = Some(Event::Heartbeat(wire::WatchHeartbeat {}));
        wire::WatchInboxResponse { position: position.to_string(), event }
    }

    fn look_again_at(&self) -> Option<Timestamp> {
        self.turns_at
    }
}

/// Puts the counters into the message, or leaves it away if nothing is different.
fn told(event: Told, counters: wire::InboxCounters, before: Option<&wire::InboxCounters>) -> Option<Event> {
    match event {
        Told::Snapshot { conversations, total } => {
            Some(Event::Snapshot(wire::InboxSnapshot { conversations, counters: Some(counters), total }))
        }
        Told::Delta(delta) => {
            let quiet = !delta.resumed
                && delta.upserts.is_empty()
                && delta.removed_ids.is_empty()
                && delta.order.is_empty()
                && delta.alerts.is_empty()
                && delta.pause_alerts.is_empty()
                && before == Some(&counters);
            (!quiet).then_some(Event::Delta(wire::InboxDelta { counters: Some(counters), ..*delta }))
        }
    }
}

/// To whom the caller is asked to attend: by people, and because nobody does.
type Alerts = (Vec<wire::EscalationAlert>, Vec<wire::PauseAlert>);

/// What is different, without the counters.
enum Told {
    Snapshot { conversations: Vec<wire::Conversation>, total: u64 },
    Delta(Box<wire::InboxDelta>),
}

impl<'a> Look<'a> {
    fn new(watch: &'a InboxWatch, seen: &'a Seen<'a>) -> Result<Self, QueryError> {
        let filter = watch.asked.in_rows(seen.rows, &watch.caller.tenant, seen.now)?;
        Ok(Self { watch, seen, filter })
    }

    /// The list as it is.
    fn snapshot(&self) -> Result<(Window, Told), QueryError> {
        let (mut window, rows, total) = self.read()?;
        let mut conversations = Vec::with_capacity(window.shown.len());
        for row in rows.into_iter().take(self.watch.size) {
            let id = row.conversation;
            let row = self.show(row)?;
            window.told.insert(id, hash(&row));
            conversations.push(row);
        }
        Ok((window, Told::Snapshot { conversations, total }))
    }

    /// What is different for a client that has seen everything up to `since`, and whose rows we do not know.
    fn resumed(&self, since: Position) -> Result<(Window, Told), QueryError> {
        let Some(changed) = self.changes(since)?.filter(|changed| changed.len() <= self.watch.size / 2) else {
            return self.snapshot();
        };
        let (alerts, pause_alerts) = self.alerts(&changed, since)?;
        let (mut window, rows, _total) = self.read()?;
        // All of them: since then the caller's access, the labels of the configuration or how rows are shown may have changed,
        // of which no change tells.
        let mut upserts = Vec::with_capacity(window.shown.len());
        for row in rows.into_iter().take(self.watch.size) {
            let id = row.conversation;
            let row = self.show(row)?;
            window.told.insert(id, hash(&row));
            upserts.push(row);
        }
        let order = texts(&window.shown);
        Ok((
            window,
            Told::Delta(Box::new(wire::InboxDelta {
                upserts,
                order,
                resumed: true,
                alerts,
                pause_alerts,
                ..Default::default()
            })),
        ))
    }

    /// What is different since the last look.
    fn moved(&self, mut window: Window, since: Position) -> Result<(Window, Told), QueryError> {
        let Some(changed) = self.changes(since)? else { return self.snapshot() };
        let mut rows = HashMap::new();
        let turned = self.watch.turns_at.is_some_and(|time| time <= self.seen.now);
        if turned {
            // What time does is not in the changes.
            for row in self.reread(&mut window)? {
                rows.insert(row.conversation, row);
            }
        }
        for id in &changed {
            if let Some(placed) = self.place(*id)? {
                window.put(*id, placed.key, self.capacity());
                rows.insert(*id, placed.conversation);
            } else {
                window.remove(*id);
            }
        }
        if !window.complete && window.places.len() < self.watch.size {
            for row in self.reread(&mut window)? {
                rows.insert(row.conversation, row);
            }
        }
        let delta = self.delta(&mut window, rows)?;
        let (alerts, pause_alerts) = self.alerts(&changed, since)?;
        let delta = wire::InboxDelta { alerts, pause_alerts, ..delta };
        Ok((window, Told::Delta(Box::new(delta))))
    }

    /// Brings what is shown up to the places. `rows` are those that were read anew.
    fn delta(
        &self,
        window: &mut Window,
        mut rows: HashMap<EntityId, inbox::Conversation>,
    ) -> Result<wire::InboxDelta, QueryError> {
        let shown: Vec<_> = window.places.values().take(self.watch.size).copied().collect();
        let mut upserts = Vec::new();
        let mut told = HashMap::with_capacity(shown.len());
        for id in &shown {
            let before = window.told.get(id).copied();
            let row = match (rows.remove(id), before) {
                (None, Some(before)) => {
                    told.insert(*id, before);
                    continue;
                }
                (Some(row), _) => row,
                // It moved up from beyond what was shown.
                (None, None) => match self.place(*id)? {
                    Some(placed) => placed.conversation,
                    None => continue,
                },
            };
            let row = self.show(row)?;
            let now = hash(&row);
            told.insert(*id, now);
            if before != Some(now) {
                upserts.push(row);
            }
        }
        let removed: Vec<_> = window.shown.iter().filter(|id| !told.contains_key(id)).copied().collect();
        let order = if shown == window.shown { Vec::new() } else { texts(&shown) };
        (window.shown, window.told) = (shown, told);
        Ok(wire::InboxDelta { upserts, removed_ids: texts(&removed), order, ..Default::default() })
    }

    /// Which conversations changed; `None` if there are too many to look at one by one.
    fn changes(&self, since: Position) -> Result<Option<HashSet<EntityId>>, QueryError> {
        let changes = inbox::changed_since(self.seen.rows, &self.watch.caller.tenant, since, CHANGES_MAX)?;
        Ok(changes.complete.then(|| changes.conversations.into_iter().collect()))
    }

    /// Escalations to the caller and alerts since then, in the order of the log. What the watch filters does not matter; what the
    /// caller may see does.
    fn alerts(&self, changed: &HashSet<EntityId>, since: Position) -> Result<Alerts, QueryError> {
        let caller = &self.watch.caller;
        let names = self.watch.query.names(caller);
        let (mut asked, mut left_alone) = (Vec::new(), Vec::new());
        for id in changed {
            let row = inbox::conversation(self.seen.rows, &caller.tenant, *id, caller, self.seen.now)?;
            let Some(row) = row else { continue };
            let inbox::Conversation { bot: inbox::Bot::Paused(pause), contact_name, agent, .. } = row else { continue };
            let is_new = |sequence: u64| sequence > since.sequence();
            let (conversation_id, own) = (id.to_string(), agent.as_ref() == Some(&caller.name));
            if own || matches!(caller.role, Role::Supervisor | Role::Admin) {
                left_alone.extend(pause.alerts.iter().filter(|row| is_new(row.sequence)).map(|row| {
                    let alert = Some(render::conversation::alert(row));
                    let (conversation_id, contact_name) = (conversation_id.clone(), contact_name.clone());
                    (row.sequence, wire::PauseAlert { conversation_id, contact_name, alert })
                }));
            }
            let Some(row) = pause.escalation.filter(|row| row.to == caller.name && is_new(row.sequence)) else {
                continue;
            };
            let escalation = Some(render::conversation::escalation(names, &row));
            asked.push((row.sequence, wire::EscalationAlert { conversation_id, contact_name, escalation }));
        }
        asked.sort_by_key(|(sequence, _)| *sequence);
        left_alone.sort_by_key(|(sequence, _)| *sequence);
        let asked = asked.into_iter().map(|(_, alert)| alert).collect();
        Ok((asked, left_alone.into_iter().map(|(_, alert)| alert).collect()))
    }

    fn place(&self, id: EntityId) -> Result<Option<inbox::Placed>, QueryError> {
        let (rows, caller) = (self.seen.rows, &self.watch.caller);
        Ok(inbox::place(rows, &caller.tenant, &self.filter, self.watch.sort, caller, self.seen.now, id)?)
    }

    fn read(&self) -> Result<(Window, Vec<inbox::Conversation>, u64), QueryError> {
        let caller = &self.watch.caller;
        let list = inbox::ListQuery {
            filter: &self.filter,
            sort: self.watch.sort,
            visible: caller,
            now: self.seen.now,
            after: None,
            limit: self.capacity(),
        };
        let page = inbox::list(self.seen.rows, &caller.tenant, &list)?;
        let mut window = Window { complete: page.next.is_none(), ..Window::default() };
        for row in &page.rows {
            let key = inbox::Cursor::of(self.watch.sort, row);
            window.places.insert(key, row.conversation);
            window.of.insert(row.conversation, key);
        }
        window.shown = window.places.values().take(self.watch.size).copied().collect();
        Ok((window, page.rows, page.total))
    }

    /// The places read anew; what the client has got stays.
    fn reread(&self, window: &mut Window) -> Result<Vec<inbox::Conversation>, QueryError> {
        let (fresh, rows, _total) = self.read()?;
        (window.places, window.of, window.complete) = (fresh.places, fresh.of, fresh.complete);
        Ok(rows)
    }

    fn capacity(&self) -> usize {
        (self.watch.size + SPARE).min(inbox::LIST_LIMIT_MAX)
    }

    fn show(&self, row: inbox::Conversation) -> Result<wire::Conversation, QueryError> {
        self.watch.query.show(&self.watch.caller, self.seen.rows, row)
    }

    fn turns_at(&self) -> Result<Option<Timestamp>, QueryError> {
        self.watch.query.turns_at(self.seen.rows, &self.watch.caller, &self.watch.asked, self.seen.now)
    }
}

impl Window {
    /// A conversation is in the list, here.
    fn put(&mut self, id: EntityId, key: inbox::Cursor, capacity: usize) {
        self.remove(id);
        let beyond = self.places.last_key_value().is_none_or(|(last, _)| key > *last);
        if beyond && !self.complete {
            // Somewhere after the window; where, only the list knows.
            return;
        }
        self.places.insert(key, id);
        self.of.insert(id, key);
        if self.places.len() > capacity
            && let Some((_, last)) = self.places.pop_last()
        {
            self.of.remove(&last);
            self.complete = false;
        }
    }

    fn remove(&mut self, id: EntityId) {
        if let Some(key) = self.of.remove(&id) {
            self.places.remove(&key);
        }
    }
}

fn texts(ids: &[EntityId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}

/// Tells two states of a row apart. Of this process alone.
pub(super) fn hash(row: &impl prost::Message) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.encode_to_vec().hash(&mut hasher);
    hasher.finish()
}
