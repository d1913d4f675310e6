//! What changed since a position, so that whoever watches looks at that and at nothing else.

use std::collections::HashSet;

use relevo_domain::{EntityId, EntityKind, Position, TenantId};
use relevo_projection::RowSource;
use relevo_readstore::{Direction, KeyRange};

use super::contact::{linked_to, newest_of};
use super::{ReadError, load};
use crate::keys;
use crate::row::ConversationRow;

/// Conversations that one change of a contact is said to change: the newest. A contact with more of them makes the answer
/// incomplete, which happens with mail alone.
pub const CHANGED_OF_CONTACT_MAX: usize = 200;
/// Changes told at most, whatever is asked for: beyond, a new list costs less than looking at each.
pub const CHANGES_LIMIT_MAX: usize = 10_000;
/// Changes looked at for one conversation: beyond, reading it anew costs less.
const TOUCHED_EXAMINED_MAX: usize = 100;

/// Conversations that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changes {
    /// Each once. Whoever may see them: the reader of each applies access.
    pub conversations: Vec<EntityId>,
    /// False if there are more than were asked for, or if the workspace's tags changed, which shows on any conversation:
    /// read the list anew.
    pub complete: bool,
}

/// Conversations whose row, contact, customer or merged contacts changed in a commit after `after`, in the order of their last
/// change; at most `limit`, which is read as at least 1 and at most [`CHANGES_LIMIT_MAX`]. Costs as much as there are changes.
/// What only time changes (a snooze becomes due) is not a change.
pub fn changed_since(
    source: &dyn RowSource,
    tenant: &TenantId,
    after: Position,
    limit: usize,
) -> Result<Changes, ReadError> {
    let limit = limit.clamp(1, CHANGES_LIMIT_MAX);
    let all = KeyRange::prefix(keys::changed_prefix(tenant));
    let range = KeyRange { start: keys::changed_after(tenant, after.sequence()), ..all };
    let entries = source.scan(&range, Direction::Forward, limit + 1)?;
    let mut found = Found { limit, seen: HashSet::new(), conversations: Vec::new(), complete: entries.len() <= limit };
    for (key, _) in entries.iter().take(limit) {
        let entity = keys::read_changed(key)?;
        match entity.kind() {
            EntityKind::Conversation => found.add(entity),
            EntityKind::Contact => found.contact(source, tenant, entity)?,
            EntityKind::Workspace => found.complete = false,
            // They show nothing, so they never stand here.
            EntityKind::Identity | EntityKind::Channel | EntityKind::Bulk => {}
        }
    }
    Ok(Changes { conversations: found.conversations, complete: found.complete })
}

/// Whether anything that one conversation shows changed in a commit after `after`: the conversation, one of the `people` behind
/// it (its contact, and whoever is the same person), another conversation of theirs, or the workspace's tags. Costs as much as
/// there are changes; with more than a hundred of them it says yes without looking.
pub fn touched_since(
    source: &dyn RowSource,
    tenant: &TenantId,
    after: Position,
    conversation: EntityId,
    people: &[EntityId],
) -> Result<bool, ReadError> {
    let all = KeyRange::prefix(keys::changed_prefix(tenant));
    let range = KeyRange { start: keys::changed_after(tenant, after.sequence()), ..all };
    let entries = source.scan(&range, Direction::Forward, TOUCHED_EXAMINED_MAX + 1)?;
    if entries.len() > TOUCHED_EXAMINED_MAX {
        return Ok(true);
    }
    for (key, _) in entries {
        let entity = keys::read_changed(&key)?;
        let touched = match entity.kind() {
            EntityKind::Conversation => entity == conversation || is_of(source, tenant, entity, people)?,
            EntityKind::Contact => {
                let linked = linked_to(source, tenant, entity)?;
                people.contains(&entity) || linked.iter().any(|other| people.contains(other))
            }
            EntityKind::Workspace => true,
            EntityKind::Identity | EntityKind::Channel | EntityKind::Bulk => false,
        };
        if touched {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether it is a conversation of one of them.
fn is_of(
    source: &dyn RowSource,
    tenant: &TenantId,
    conversation: EntityId,
    people: &[EntityId],
) -> Result<bool, ReadError> {
    let row: Option<ConversationRow> = load(source, "conversation", &keys::conversation(tenant, conversation))?;
    Ok(row.is_some_and(|row| people.iter().any(|contact| contact.bytes().as_slice() == row.contact)))
}

struct Found {
    limit: usize,
    seen: HashSet<EntityId>,
    conversations: Vec<EntityId>,
    complete: bool,
}

impl Found {
    fn add(&mut self, conversation: EntityId) {
        if self.seen.contains(&conversation) {
            return;
        }
        if self.conversations.len() == self.limit {
            self.complete = false;
            return;
        }
        self.seen.insert(conversation);
        self.conversations.push(conversation);
    }

    /// The contact's own, and those of the contacts that are the same person: they are found by its name.
    fn contact(&mut self, source: &dyn RowSource, tenant: &TenantId, contact: EntityId) -> Result<(), ReadError> {
        let linked = linked_to(source, tenant, contact)?;
        for contact in std::iter::once(contact).chain(linked) {
            let newest = newest_of(source, tenant, contact, CHANGED_OF_CONTACT_MAX + 1)?;
            self.complete &= newest.len() <= CHANGED_OF_CONTACT_MAX;
            newest.into_iter().take(CHANGED_OF_CONTACT_MAX).for_each(|conversation| self.add(conversation));
        }
        Ok(())
    }
}
