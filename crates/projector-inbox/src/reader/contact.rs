//! One contact: names, identifiers, conversations, and the contacts that are the same person.

use std::collections::VecDeque;

use relevo_domain::{Caller, EntityId, EntityKind, Scope, TenantId};
use relevo_readstore::{Direction, KeyRange, Snapshot};

use super::{ReadError, bad, bad_key, load, visible_row};
use crate::keys;
use crate::row::{ContactRow, IdentifierRow};

/// Conversations shown of one contact: the newest. A person has few, except by mail.
pub const CONTACT_CONVERSATIONS_MAX: usize = 200;
/// Contacts shown as the same person, at most.
pub const LINKED_CONTACTS_MAX: usize = 32;

/// A person who writes to the business. `name` and the identifiers' values are personal data.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_field_names, reason = "the id is called after its entity everywhere")]
pub struct Contact {
    pub contact: EntityId,
    /// As the provider last gave it; empty if unknown.
    pub name: String,
    pub identifiers: Vec<IdentifierRow>,
    /// The same person under other contacts, by id.
    pub linked: Vec<ContactLink>,
    /// The contact's own conversations that the caller may see, the newest first.
    pub conversations: Vec<EntityId>,
}

/// Another contact that is the same person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactLink {
    pub contact: EntityId,
    pub name: String,
}

/// One contact, if the caller sees the whole tenant or one of the contact's conversations.
pub fn contact(
    snapshot: &Snapshot,
    tenant: &TenantId,
    contact: EntityId,
    visible: &Caller,
) -> Result<Option<Contact>, ReadError> {
    if visible.tenant != *tenant || contact.kind() != EntityKind::Contact {
        return Ok(None);
    }
    let Some(row): Option<ContactRow> = load(snapshot, "contact", &keys::contact(tenant, contact))? else {
        return Ok(None);
    };
    let conversations = conversations_of(snapshot, tenant, contact, visible)?;
    if conversations.is_empty() && visible.scope != Scope::Tenant {
        return Ok(None);
    }
    let mut linked = Vec::new();
    for other in linked_to(snapshot, tenant, contact)? {
        if visible.scope == Scope::Tenant || !conversations_of(snapshot, tenant, other, visible)?.is_empty() {
            let row: Option<ContactRow> = load(snapshot, "contact", &keys::contact(tenant, other))?;
            linked.push(ContactLink { contact: other, name: row.unwrap_or_default().name });
        }
    }
    Ok(Some(Contact { contact, name: row.name, identifiers: row.identifiers, linked, conversations }))
}

fn conversations_of(
    snapshot: &Snapshot,
    tenant: &TenantId,
    contact: EntityId,
    visible: &Caller,
) -> Result<Vec<EntityId>, ReadError> {
    let range = KeyRange::prefix(keys::of_contact_prefix(tenant, contact));
    let entries = snapshot.scan(&range, Direction::Forward, CONTACT_CONVERSATIONS_MAX).map_err(ReadError::Store)?;
    let mut found = Vec::new();
    for (_, value) in entries {
        let bytes = value.as_slice().try_into().map_err(|_length| bad("conversation of a contact"))?;
        let conversation = EntityId::new(EntityKind::Conversation, bytes);
        if visible_row(snapshot, tenant, conversation, visible)?.is_some() {
            found.push(conversation);
        }
    }
    Ok(found)
}

/// Whoever is linked to the contact, directly or through others.
fn linked_to(snapshot: &Snapshot, tenant: &TenantId, contact: EntityId) -> Result<Vec<EntityId>, ReadError> {
    let (mut found, mut open) = (Vec::new(), VecDeque::from([contact]));
    while let Some(next) = open.pop_front() {
        let range = KeyRange::prefix(keys::link_prefix(tenant, next));
        for (key, _) in snapshot.scan(&range, Direction::Forward, LINKED_CONTACTS_MAX).map_err(ReadError::Store)? {
            let other = keys::read_link(&key).map_err(bad_key)?;
            if other != contact && !found.contains(&other) && found.len() < LINKED_CONTACTS_MAX {
                found.push(other);
                open.push_back(other);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
