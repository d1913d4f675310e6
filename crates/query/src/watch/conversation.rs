//! A watched conversation: its line, the end of its thread, and who looks at it.

use std::collections::HashSet;

use relevo_catalogue::Language;
use relevo_domain::{Caller, EntityId, Position, Timestamp};
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::watch_conversation_response::Event;

use super::inbox::hash;
use super::presence::{Place, Present};
use super::{Seen, Step, Watched};
use crate::Query;
use crate::error::QueryError;
use crate::render;
use crate::request::Session;

/// Changes since a resumed watch's position that are looked through for one of the tags; of more, the client gets a snapshot.
const WORKSPACE_EXAMINED_MAX: usize = 1_000;

/// What is watched, and what the client has got of it.
pub(crate) struct ConversationWatch {
    query: Query,
    caller: Caller,
    conversation: EntityId,
    /// Of what is explained.
    language: Language,
    /// Entries of the thread that are followed.
    size: usize,
    place: Place,
    /// What the line was made of; `None` before the first look.
    told: Option<Told>,
    window: Vec<inbox::ThreadCursor>,
    present: Option<Vec<Present>>,
    /// When a presence ends, or the snooze becomes due.
    turns_at: Option<Timestamp>,
    /// Of the view's rows at the last look.
    epoch: u64,
}

/// What the client has got of the line, and what may change it.
struct Told {
    /// Of conversation and contact.
    hash: u64,
    /// The contact, and those who are the same person, seen or not: an assignment may show them.
    people: Vec<EntityId>,
    degraded: bool,
    due_at: Option<Timestamp>,
    /// The workspace's tags: the thread names them, also in entries that did not change.
    tags: Vec<inbox::Tag>,
}

/// The conversation at one look.
struct Line {
    conversation: wire::Conversation,
    contact: Option<wire::Contact>,
    people: Vec<EntityId>,
    /// When it changes by itself.
    due_at: Option<Timestamp>,
    tags: Vec<inbox::Tag>,
}

impl Line {
    fn hash(&self) -> u64 {
        let contact = self.contact.as_ref().map_or(0, hash);
        hash(&self.conversation) ^ contact.rotate_left(1)
    }

    fn told(&self) -> Told {
        let (people, degraded) = (self.people.clone(), self.conversation.degraded);
        Told { hash: self.hash(), people, degraded, due_at: self.due_at, tags: self.tags.clone() }
    }
}

impl ConversationWatch {
    pub(crate) fn new(query: Query, session: &Session, conversation: EntityId, size: usize) -> Self {
        let (caller, language) = (session.caller.clone(), session.language);
        let place = query.inner.presences.enter(&caller, conversation);
        let (told, window, present, turns_at) = (None, Vec::new(), None, None);
        Self { query, caller, conversation, language, size, place, told, window, present, turns_at, epoch: 0 }
    }

    fn line(&self, seen: &Seen<'_>) -> Result<Line, QueryError> {
        let (caller, id) = (&self.caller, self.conversation);
        let row = inbox::conversation(seen.rows, &caller.tenant, id, caller, seen.now)?;
        let row = row.ok_or(QueryError::ConversationNotFound { conversation: id })?;
        let contact = inbox::contact(seen.rows, &caller.tenant, row.contact, caller)?;
        let mut people = inbox::linked_to(seen.rows, &caller.tenant, row.contact)?;
        people.push(row.contact);
        let due_at = row.snoozed_until.filter(|_| row.status == inbox::Status::Snoozed);
        let conversation = self.query.show(caller, seen.rows, row)?;
        let tags = inbox::tags(seen.rows, &caller.tenant)?;
        Ok(Line { conversation, contact: contact.map(render::conversation::contact), people, due_at, tags })
    }

    /// Whether nothing can have changed since the last look. Every commit of any tenant asks for one: this costs little.
    fn is_as_told(&self, seen: &Seen<'_>, since: Position) -> Result<bool, QueryError> {
        let Some(told) = &self.told else { return Ok(false) };
        if self.epoch != seen.rows.epoch() || told.due_at.is_some_and(|due| due <= seen.now) {
            return Ok(false);
        }
        let (tenant, id) = (&self.caller.tenant, self.conversation);
        let degraded = seen.rows.parked(tenant, &id).map_err(QueryError::store)?;
        Ok(degraded == told.degraded && !inbox::touched_since(seen.rows, tenant, since, id, &told.people)?)
    }

    /// What is different but presence.
    fn changed(&mut self, seen: &Seen<'_>) -> Result<Option<Event>, QueryError> {
        if let Some(since) = seen.since
            && self.is_as_told(seen, since)?
        {
            return Ok(None);
        }
        let line = self.line(seen)?;
        let told = line.told();
        let same_view = seen.first || self.epoch == seen.rows.epoch();
        let same_tags = match (&self.told, seen.since) {
            (Some(before), _) => before.tags == told.tags,
            // Nobody knows which tags the client was shown: they are the same if the workspace did not change.
            (None, Some(since)) => self.is_workspace_unchanged(seen, since)?,
            (None, None) => true,
        };
        let event = match seen.since.filter(|_| same_view && same_tags) {
            Some(since) => {
                let changed = self.told.as_ref().is_none_or(|before| before.hash != told.hash);
                self.moved(seen, since, line, changed)?
            }
            None => Some(self.snapshot(seen, line)?),
        };
        (self.told, self.epoch) = (Some(told), seen.rows.epoch());
        Ok(event)
    }

    /// Whether the tags are those of `since`; also false if too much happened since then to tell.
    fn is_workspace_unchanged(&self, seen: &Seen<'_>, since: Position) -> Result<bool, QueryError> {
        Ok(inbox::changed_since(seen.rows, &self.caller.tenant, since, WORKSPACE_EXAMINED_MAX)?.complete)
    }

    /// The end of the thread: its places, and the entries that changed after `since`.
    fn thread(&self, seen: &Seen<'_>, since: u64) -> Result<inbox::ThreadChanges, QueryError> {
        let (caller, id) = (&self.caller, self.conversation);
        let changes = inbox::thread_changed_since(seen.rows, &caller.tenant, id, caller, since, self.size)?;
        changes.ok_or(QueryError::ConversationNotFound { conversation: id })
    }

    fn has_entries_before(&self, seen: &Seen<'_>, first: Option<inbox::ThreadCursor>) -> Result<bool, QueryError> {
        let (caller, id) = (&self.caller, self.conversation);
        let before = inbox::thread_before(seen.rows, &caller.tenant, id, caller, first, 1)?;
        Ok(before.is_some_and(|page| !page.entries.is_empty()))
    }

    fn entries(&self, seen: &Seen<'_>, rows: Vec<inbox::ThreadEntry>) -> Result<Vec<wire::ThreadEntry>, QueryError> {
        let names = self.query.names_in(&self.caller, self.language);
        let tags = inbox::tags(seen.rows, &self.caller.tenant)?;
        Ok(rows.into_iter().map(|row| render::thread::entry(names, &tags, row)).collect())
    }

    fn snapshot(&mut self, seen: &Seen<'_>, line: Line) -> Result<Event, QueryError> {
        let thread = self.thread(seen, 0)?;
        let first = thread.window.first().copied();
        let earlier_entries = first.is_some() && self.has_entries_before(seen, first)?;
        let entries = self.entries(seen, thread.entries)?;
        self.window = thread.window;
        let (present, _) = self.place.people(seen.now);
        let presence = Some(self.presence(&present));
        self.present = Some(present);
        let Line { conversation, contact, .. } = line;
        let conversation = Some(conversation);
        Ok(Event::Snapshot(wire::ConversationSnapshot { conversation, contact, entries, earlier_entries, presence }))
    }

    /// What is different since the last look; `None` if nothing is.
    fn moved(
        &mut self,
        seen: &Seen<'_>,
        since: Position,
        line: Line,
        changed: bool,
    ) -> Result<Option<Event>, QueryError> {
        let resumed = self.told.is_none();
        if !changed && !resumed {
            return Ok(None);
        }
        let thread = self.thread(seen, since.sequence())?;
        let all_new = thread.window.first().filter(|first| first.sequence > since.sequence()).copied();
        if all_new.is_some() && self.has_entries_before(seen, all_new)? {
            // There may be new ones among those: the client's thread would have a hole.
            return self.snapshot(seen, line).map(Some);
        }
        let removed = removed(&self.window, &thread.window);
        let window_entry_ids = if resumed { entry_ids(&thread.window) } else { Vec::new() };
        let entries = self.entries(seen, thread.entries)?;
        self.window = thread.window;
        let Line { conversation, contact, .. } = line;
        Ok(Some(Event::Delta(wire::ConversationDelta {
            conversation: Some(conversation),
            contact,
            entries,
            removed_entry_ids: entry_ids(&removed),
            window_entry_ids,
        })))
    }

    fn presence(&self, present: &[Present]) -> wire::PresenceList {
        let names = self.query.names(&self.caller);
        let person = |present: &Present| wire::Presence {
            agent_id: present.agent.to_string(),
            agent_name: names.directory.agent_name(names.tenant, &present.agent),
            state: present.state.into(),
            since: Some(render::words::time(present.since)),
        };
        wire::PresenceList { people: present.iter().map(person).collect() }
    }
}

impl Watched for ConversationWatch {
    type Message = wire::WatchConversationResponse;

    fn look(&mut self, seen: &Seen<'_>) -> Result<Step<Self::Message>, QueryError> {
        let event = self.changed(seen)?;
        let due_at = self.told.as_ref().and_then(|told| told.due_at);
        let (present, changes_at) = self.place.people(seen.now);
        self.turns_at = [due_at, changes_at].into_iter().flatten().min();
        let stirred = self.present.as_ref() != Some(&present);
        let message = |event| wire::WatchConversationResponse { position: seen.rows.position().to_string(), event };
        Ok(match event {
            Some(event) if stirred => Step::SayMore(message(Some(event))),
            Some(event) => Step::Say(message(Some(event))),
            None if stirred => {
                let presence = self.presence(&present);
                self.present = Some(present);
                Step::Say(message(Some(Event::Presence(presence))))
            }
            None => Step::Nothing,
        })
    }

    fn heartbeat(&self, position: Position) -> Self::Message {
        let event = Some(Event::Heartbeat(wire::WatchHeartbeat {}));
        wire::WatchConversationResponse { position: position.to_string(), event }
    }

    fn look_again_at(&self) -> Option<Timestamp> {
        self.turns_at
    }

    async fn stirred(&mut self) {
        self.place.stirred().await;
    }
}

/// Entries that were in the window and are not any more, though the window has not moved past them.
fn removed(before: &[inbox::ThreadCursor], now: &[inbox::ThreadCursor]) -> Vec<inbox::ThreadCursor> {
    let still: HashSet<_> = now.iter().map(|place| (place.sequence, place.ordinal)).collect();
    let Some(first) = now.first() else { return before.to_vec() };
    let gone = |place: &&inbox::ThreadCursor| *place > first && !still.contains(&(place.sequence, place.ordinal));
    before.iter().filter(gone).copied().collect()
}

fn entry_ids(places: &[inbox::ThreadCursor]) -> Vec<String> {
    places.iter().map(render::thread::entry_id).collect()
}
