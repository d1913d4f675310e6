//! Rows of people: contacts, and what an identifier belongs to.

use relevo_domain::identity::IdentityEvent;
use relevo_domain::{ChannelId, EntityId, contact};

use super::{BadRow, identifier_kind, unreadable};

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ContactRow {
    #[prost(bool, tag = "1")]
    exists: bool,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(message, repeated, tag = "3")]
    identifiers: Vec<IdentifierRow>,
    #[prost(string, repeated, tag = "4")]
    merged: Vec<String>,
    #[prost(message, optional, tag = "5")]
    customer: Option<CustomerRow>,
    #[prost(string, repeated, tag = "6")]
    parted: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct CustomerRow {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct IdentifierRow {
    #[prost(string, tag = "1")]
    channel: String,
    #[prost(string, tag = "2")]
    kind: String,
    #[prost(string, tag = "3")]
    value: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct IdentityRow {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "2")]
    channel: String,
    #[prost(string, tag = "3")]
    contact: String,
    #[prost(string, optional, tag = "4")]
    conversation: Option<String>,
}

pub(super) fn contact_row(state: &contact::State) -> ContactRow {
    ContactRow {
        exists: state.exists,
        name: state.name.clone(),
        identifiers: state
            .identifiers
            .iter()
            .map(|(channel, kind, value)| IdentifierRow {
                channel: channel.to_string(),
                kind: kind.as_str().to_owned(),
                value: value.clone(),
            })
            .collect(),
        merged: state.merged.iter().map(EntityId::to_string).collect(),
        parted: state.parted.iter().map(EntityId::to_string).collect(),
        customer: state
            .customer
            .as_ref()
            .map(|customer| CustomerRow { id: customer.id.clone(), name: customer.name.clone() }),
    }
}

pub(super) fn contact(row: ContactRow) -> Result<contact::State, BadRow> {
    let identifiers = row
        .identifiers
        .into_iter()
        .map(|row| Ok((ChannelId::new(row.channel).map_err(unreadable)?, identifier_kind(&row.kind)?, row.value)));
    let merged = row.merged.iter().map(|id| id.parse().map_err(unreadable));
    let parted = row.parted.iter().map(|id| id.parse().map_err(unreadable));
    Ok(contact::State {
        exists: row.exists,
        name: row.name,
        identifiers: identifiers.collect::<Result<_, BadRow>>()?,
        merged: merged.collect::<Result<_, BadRow>>()?,
        parted: parted.collect::<Result<_, BadRow>>()?,
        customer: row.customer.map(|row| contact::CustomerPersonal { id: row.id, name: row.name }),
    })
}

pub(super) fn identity_row(binding: &IdentityEvent) -> IdentityRow {
    let IdentityEvent::Bound { kind, channel, contact, conversation } = binding;
    IdentityRow {
        kind: kind.as_str().to_owned(),
        channel: channel.to_string(),
        contact: contact.to_string(),
        conversation: conversation.as_ref().map(EntityId::to_string),
    }
}

pub(super) fn identity(row: IdentityRow) -> Result<IdentityEvent, BadRow> {
    Ok(IdentityEvent::Bound {
        kind: identifier_kind(&row.kind)?,
        channel: ChannelId::new(row.channel).map_err(unreadable)?,
        contact: row.contact.parse().map_err(unreadable)?,
        conversation: row.conversation.map(|id| id.parse()).transpose().map_err(unreadable)?,
    })
}
