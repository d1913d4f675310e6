//! Reads of the past: one conversation as it was, folded from its commits with the projector of the view and read with the same
//! functions.
//!
//! Who may see the conversation now may see its past, whatever it was assigned to then; so access is decided on the view, and
//! what is folded is read without it. Before its first event a conversation does not exist.

use std::sync::Arc;

use relevo_domain::conversation::ConversationEvent;
use relevo_domain::{Caller, EntityId, Event, Position, Recorded, Role, Scope, Timestamp};
use relevo_projection::{ApplyError, FoldedRows, ViewSnapshot, fold_commits};
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;
use relevo_proto::query::v1::as_of::Moment;
use relevo_proto::time::from_wire;

use super::conversation::{AskedThread, thread_page};
use super::visible;
use crate::cursor::PageCursor as _;
use crate::error::{QueryError, Rule};
use crate::history::When;
use crate::page_token::Belongs;
use crate::render::conversation::Shown;
use crate::request::{Fields, Freshness};
use crate::{Query, access, moment, read, render};

/// Commits of a conversation, of its contact or of the workspace whose past is read: each is one question to the log, and all of
/// them are in memory once.
const COMMITS_MAX: usize = 10_000;

/// A conversation as it was, whoever asks.
#[derive(Debug)]
pub(super) struct Past {
    conversation: EntityId,
    contact: EntityId,
    rows: FoldedRows,
    /// The last position in it.
    position: Position,
    /// Decides what was due then.
    now: Timestamp,
}

/// What a caller reads of the past, and what they see of the present.
pub(super) struct AskedPast {
    past: Arc<Past>,
    present: ViewSnapshot,
}

/// A place in the pages of a thread of the past.
pub(super) struct PastTurn {
    pub(super) when: When,
    pub(super) after: inbox::ThreadCursor,
}

pub(super) fn asked_when(fields: &mut Fields, asked: Option<wire::AsOf>, now: Timestamp) -> Option<When> {
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
        Some(Moment::Position(text)) => fields.position(&text).map(When::Position),
        Some(Moment::Time(time)) => {
            let time = from_wire(time);
            if time > now {
                fields.refuse("as_of.time", Rule::Future);
            }
            Some(When::Time(time))
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
    ) -> Result<AskedPast, QueryError> {
        if let When::Position(position) = when {
            // A position that the log has not reached is never reached by the view.
            freshness.position = freshness.position.max(Some(position));
        }
        let snapshot = moment::take(&self.inner.views.inbox, freshness).await?;
        let (rows, reader, now) = (snapshot.clone(), caller.clone(), (self.inner.ports.now)());
        let row = read(move || visible(&rows, &reader, conversation, now)).await?;
        let asked = |past| AskedPast { past, present: snapshot };

        let pasts = &self.inner.pasts;
        let _turn = pasts.turn(caller, freshness.wait).await?;
        // After the turn: the same caller may have had it read meanwhile.
        if let Some(past) = pasts.find(&caller.tenant, conversation, when) {
            return Ok(asked(past));
        }
        let (history, tenant) = (&self.inner.ports.history, &caller.tenant);
        let commits_of = |entity| history.commits(tenant, entity, when, COMMITS_MAX);
        let parts =
            tokio::try_join!(commits_of(EntityId::WORKSPACE), commits_of(row.contact), commits_of(conversation));
        let (workspace, contact, own) = parts.map_err(QueryError::History)?;
        let past = read(move || {
            let mut commits: Vec<_> = [workspace, contact, own].into_iter().flatten().collect();
            commits.sort_by_key(|commit| commit.sequence);
            fold(conversation, when, &commits)
        });
        let past = Arc::new(past.await?);
        pasts.keep(&caller.tenant, conversation, when, &past);
        Ok(asked(past))
    }

    pub(super) async fn get_past(
        &self,
        caller: Caller,
        AskedPast { past, present }: AskedPast,
    ) -> Result<wire::GetConversationResponse, QueryError> {
        let query = self.clone();
        read(move || {
            let reader = reader_of(&caller);
            let row = inbox::conversation(&past.rows, &caller.tenant, past.conversation, &reader, past.now)?;
            let row = row.ok_or(QueryError::ConversationNotFound { conversation: past.conversation })?;
            let mut contact = inbox::contact(&past.rows, &caller.tenant, past.contact, &reader)?;
            if let Some(contact) = &mut contact {
                contact.linked = seen_now(&present, &caller, std::mem::take(&mut contact.linked))?;
            }
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
        AskedPast { past, .. }: AskedPast,
        asked: AskedThread,
        after: Option<inbox::ThreadCursor>,
    ) -> Result<wire::ListMessagesResponse, QueryError> {
        let query = self.clone();
        let position = past.position;
        let (entries, next) = read(move || {
            let page = thread_page(&past.rows, &reader_of(&caller), &asked, after)?;
            let tags = inbox::tags(&past.rows, &caller.tenant)?;
            let names = query.names_in(&caller, asked.language);
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

/// Those of the linked contacts that exist for the caller now.
fn seen_now(
    present: &ViewSnapshot,
    caller: &Caller,
    linked: Vec<inbox::ContactLink>,
) -> Result<Vec<inbox::ContactLink>, QueryError> {
    let mut seen = Vec::with_capacity(linked.len());
    for link in linked {
        if inbox::sees_contact(present, &caller.tenant, link.contact, caller)? {
            seen.push(link);
        }
    }
    Ok(seen)
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
