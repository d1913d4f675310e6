//! One contact: names, identifiers, conversations, and the contacts that are the same person.

use std::collections::VecDeque;

use relevo_domain::{Caller, EntityId, EntityKind, Scope, TenantId};
use relevo_projection::RowSource;
use relevo_readstore::{Direction, KeyRange};

use super::{Customer, ReadError, bad, load, visible_row};
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
    /// The customer record that it is linked to.
    pub customer: Option<Customer>,
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
    source: &dyn RowSource,
    tenant: &TenantId,
    contact: EntityId,
    visible: &Caller,
) -> Result<Option<Contact>, ReadError> {
    if visible.tenant != *tenant || contact.kind() != EntityKind::Contact {
        return Ok(None);
    }
    let row: Option<ContactRow> = load(source, "contact", &keys::contact(tenant, contact))?;
    // A row of version 0 was only named by others.
    let Some(row) = row.filter(|row| row.version > 0) else { return Ok(None) };
    let conversations = contact_conversations(source, tenant, contact, visible)?;
    if conversations.is_empty() && visible.scope != Scope::Tenant {
        return Ok(None);
    }
    let mut linked = Vec::new();
    for other in linked_to(source, tenant, contact)? {
        if sees_contact(source, tenant, other, visible)? {
            let row: Option<ContactRow> = load(source, "contact", &keys::contact(tenant, other))?;
            linked.push(ContactLink { contact: other, name: row.unwrap_or_default().name });
        }
    }
    let customer = row.customer.map(|customer| Customer { id: customer.id, name: customer.name });
    Ok(Some(Contact { contact, name: row.name, identifiers: row.identifiers, customer, linked, conversations }))
}

/// Whether the caller sees the contact: the whole tenant, or one of the contact's newest conversations. Reads up to the first
/// of them that the caller sees.
pub fn sees_contact(
    source: &dyn RowSource,
    tenant: &TenantId,
    contact: EntityId,
    visible: &Caller,
) -> Result<bool, ReadError> {
    if visible.tenant != *tenant || visible.scope == Scope::Tenant {
        return Ok(visible.tenant == *tenant);
    }
    for conversation in newest_of(source, tenant, contact, CONTACT_CONVERSATIONS_MAX)? {
        if visible_row(source, tenant, conversation, visible)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The contact's own conversations that the caller may see, the newest first; at most [`CONTACT_CONVERSATIONS_MAX`].
pub fn contact_conversations(
    source: &dyn RowSource,
    tenant: &TenantId,
    contact: EntityId,
    visible: &Caller,
) -> Result<Vec<EntityId>, ReadError> {
    let mut found = Vec::new();
    for conversation in newest_of(source, tenant, contact, CONTACT_CONVERSATIONS_MAX)? {
        if visible_row(source, tenant, conversation, visible)?.is_some() {
            found.push(conversation);
        }
    }
    Ok(found)
}

/// The contact's newest conversations, whoever may see them.
pub(super) fn newest_of(
    source: &dyn RowSource,
    tenant: &TenantId,
    contact: EntityId,
    limit: usize,
) -> Result<Vec<EntityId>, ReadError> {
    let range = KeyRange::prefix(keys::of_contact_prefix(tenant, contact));
    let id = |(_, value): &(Vec<u8>, Vec<u8>)| {
        let bytes = value.as_slice().try_into().map_err(|_length| bad("conversation of a contact"))?;
        Ok(EntityId::new(EntityKind::Conversation, bytes))
    };
    source.scan(&range, Direction::Forward, limit)?.iter().map(id).collect()
}

/// Whoever is linked to the contact, directly or through others, whether the caller may see them or not: by id, at most
/// [`LINKED_CONTACTS_MAX`].
pub fn linked_to(source: &dyn RowSource, tenant: &TenantId, contact: EntityId) -> Result<Vec<EntityId>, ReadError> {
    let (mut found, mut open) = (Vec::new(), VecDeque::from([contact]));
    while let Some(next) = open.pop_front() {
        let range = KeyRange::prefix(keys::link_prefix(tenant, next));
        for (key, _) in source.scan(&range, Direction::Forward, LINKED_CONTACTS_MAX)? {
            let other = keys::read_link(&key)?;
            if other != contact && !found.contains(&other) && found.len() < LINKED_CONTACTS_MAX {
                found.push(other);
                open.push_back(other);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}
