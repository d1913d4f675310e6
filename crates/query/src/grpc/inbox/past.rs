//! Reads of the past: one conversation as it was, folded from its commits with the projector of the view and read with the same
//! functions.
//!
//! Who may see the conversation now may see its past, whatever it was assigned to then; so access is decided on the view, and
//! what is folded is read without it. Before its first event a conversation does not exist.

use relevo_domain::conversation::ConversationEvent;
use relevo_domain::{Caller, EntityId, Event, Position, Recorded, Role, Scope, Timestamp};
use relevo_projection::{ApplyError, FoldedRows, fold_commits};
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::as_of::Moment;
use relevo_proto::time::from_wire;

use super::conversation::{AskedThread, thread_page};
use super::visible;
use crate::cursor::PageCursor as _;
use crate::error::{QueryError, Rule};
use crate::history::HistoryError;
use crate::page_token::Belongs;
use crate::render::conversation::Shown;
use crate::request::{Fields, Freshness};
use crate::{Query, access, moment, read, render};

/// Events of a conversation whose past is read: each commit is one question to the log, and all of them are in memory once.
const EVENTS_MAX: usize = 10_000;
/// Reads of the past that go on at the same time; the others wait.
pub(crate) const PAST_READS_MAX: usize = 4;

/// Up to when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Position(Position),
    Time(Timestamp),
}

/// A conversation as it was.
pub(super) struct Past {
    conversation: EntityId,
    contact: EntityId,
    rows: FoldedRows,
    /// The last position in it.
    position: Position,
    /// Decides what was due then.
    now: Timestamp,
}

/// A place in the pages of a thread of the past.
pub(super) struct PastTurn {
    pub(super) when: When,
    pub(super) after: inbox::ThreadCursor,
}

impl When {
    pub(super) fn parse(fields: &mut Fields, asked: Option<wire::AsOf>, now: Timestamp) -> Option<Self> {
        let asked = asked?;
        match asked.moment {
            None => {
                fields.refuse("as_of", Rule::Required);
                None
            }
            Some(Moment::Position(text)) if text.is_empty() => {
                fields.refuse("as_of.position", Rule::Required);
                None
            }
            Some(Moment::Position(text)) => fields.position(&text).map(Self::Position),
            Some(Moment::Time(time)) => {
                let time = from_wire(time);
                if time > now {
                    fields.refuse("as_of.time", Rule::Future);
                }
                Some(Self::Time(time))
            }
        }
    }
}

impl Query {
    /// The conversation as it was, if the caller may see it now.
    pub(super) async fn past(
        &self,
        caller: &Caller,
        conversation: EntityId,
        when: When,
        mut freshness: Freshness,
    ) -> Result<Past, QueryError> {
        if let When::Position(position) = when {
            // A position that the log has not reached is never reached by the view.
            freshness.position = freshness.position.max(Some(position));
        }
        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        let (reader, now) = (caller.clone(), (self.inner.ports.now)());
        let row = read(move || visible(&snapshot, &reader, conversation, now)).await?;
        if row.version > EVENTS_MAX as u64 {
            return Err(QueryError::History(HistoryError::TooLong { limit: EVENTS_MAX }));
        }

        let permit = self.inner.past.acquire().await.map_err(|_closed| QueryError::Stopping)?;
        let mut commits = Vec::new();
        for entity in [EntityId::WORKSPACE, row.contact, conversation] {
            let history = &self.inner.ports.history;
            let all = history.commits(&caller.tenant, entity, EVENTS_MAX).await.map_err(QueryError::History)?;
            commits.extend(all.into_iter().take_while(|commit| when.has(commit)));
        }
        commits.sort_by_key(|commit| commit.sequence);
        let past = read(move || fold(conversation, when, &commits)).await;
        drop(permit);
        past
    }

    pub(super) async fn get_past(
        &self,
        caller: Caller,
        past: Past,
    ) -> Result<wire::GetConversationResponse, QueryError> {
        let query = self.clone();
        read(move || {
            let reader = reader_of(&caller);
            let row = inbox::conversation(&past.rows, &caller.tenant, past.conversation, &reader, past.now)?;
            let row = row.ok_or(QueryError::ConversationNotFound { conversation: past.conversation })?;
            let contact = inbox::contact(&past.rows, &caller.tenant, past.contact, &reader)?;
            let shown = Shown { degraded: false, texts: access::reads_texts(caller.role) };
            Ok(wire::GetConversationResponse {
                conversation: Some(render::conversation::conversation(query.names(&caller), row, shown)),
                contact: contact.map(render::conversation::contact),
                position: past.position.to_string(),
            })
        })
        .await
    }

    /// The place that a page token of a thread of the past names; `None` on the first page.
    pub(super) fn past_turn(&self, belongs: &Belongs, page_token: &str) -> Result<Option<PastTurn>, QueryError> {
        if page_token.is_empty() {
            return Ok(None);
        }
        // No moment is kept: the past does not change. Its place in the token has the position instead.
        let turned = self.inner.tokens.read(belongs, page_token)?;
        let after = inbox::ThreadCursor::from_bytes(&turned.cursor).ok_or(QueryError::CursorExpired)?;
        Ok(Some(PastTurn { when: When::Position(Position::new(turned.moment)), after }))
    }

    pub(super) async fn thread_past(
        &self,
        caller: Caller,
        belongs: Belongs,
        past: Past,
        asked: AskedThread,
        after: Option<inbox::ThreadCursor>,
    ) -> Result<wire::ListMessagesResponse, QueryError> {
        let query = self.clone();
        let position = past.position;
        let (entries, next) = read(move || {
            let page = thread_page(&past.rows, &reader_of(&caller), &asked, after)?;
            let tags = inbox::tags(&past.rows, &caller.tenant)?;
            let names = query.names(&caller);
            let entries: Vec<_> =
                page.entries.into_iter().map(|row| render::thread::entry(names, &tags, row)).collect();
            Ok((entries, page.next))
        })
        .await?;
        let token =
            |next: inbox::ThreadCursor| self.inner.tokens.write(&belongs, position.sequence(), &next.to_bytes());
        let next_page_token = next.map(token).unwrap_or_default();
        Ok(wire::ListMessagesResponse { entries, next_page_token, position: position.to_string() })
    }
}

impl When {
    /// Whether a commit had been made by then. Writers' clocks may disagree; an entity's commits are taken up to the first later one.
    fn has(self, commit: &Recorded) -> bool {
        match self {
            Self::Position(position) => commit.sequence <= position.sequence(),
            Self::Time(time) => commit.commit.recorded_at <= time,
        }
    }
}

fn fold(conversation: EntityId, when: When, commits: &[Recorded]) -> Result<Past, QueryError> {
    let missing = QueryError::ConversationNotFound { conversation };
    let of_conversation = || commits.iter().filter(|commit| commit.commit.entity == conversation);
    let contact = of_conversation().flat_map(|commit| &commit.commit.events).find_map(|event| match event {
        Event::Conversation(ConversationEvent::Opened { contact, .. }) => Some(*contact),
        _ => None,
    });
    let (Some(contact), Some(last)) = (contact, commits.last()) else { return Err(missing) };
    let (position, now) = match when {
        When::Position(position) => (position, last.commit.recorded_at),
        When::Time(time) => (Position::new(last.sequence), time),
    };
    let rows = fold_commits(&inbox::InboxProjector, commits).map_err(|error| match error {
        ApplyError::BadRow(reason) | ApplyError::Store(reason) => QueryError::Store(reason),
    })?;
    Ok(Past { conversation, contact, rows, position, now })
}

/// Reads what is folded without limits of access: those were applied to the conversation as it is now.
fn reader_of(caller: &Caller) -> Caller {
    Caller { role: Role::Supervisor, scope: Scope::Tenant, ..caller.clone() }
}
