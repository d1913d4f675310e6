//! To which conversation an update belongs, by the identifiers that it carries.
//!
//! An identifier on a channel is bound to its conversation once and for ever. Of several, the first *bound* one decides, in
//! the order bsuid, wa_id, phone; unbound ones are then bound to the same conversation, in the same atomic batch as what
//! the update says. So a redelivery reaches the same entity, whatever was learnt in between.

use std::collections::BTreeSet;
use std::sync::Arc;

use relevo_channels::{Fact, Identifier, What};
use relevo_command::decision::{Entity, EntityState};
use relevo_command::{IdKey, Ledger, LedgerError};
use relevo_domain::contact::MergeCause;
use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::{CommandId, EntityId, EntityKind};

use crate::routes::ChannelRef;

/// Where an update belongs.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub conversation: EntityId,
    pub contact: EntityId,
    /// Identifiers to bind along with it.
    pub bind: Vec<Binding>,
    /// Contacts that this update shows to be the same person.
    pub same_as: Vec<(EntityId, MergeCause)>,
    /// What the update shows of the contact, decided or not.
    pub learnt: Vec<Identifier>,
}

/// An identifier that is not bound yet.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    pub identity: EntityId,
    pub base: Arc<Entity>,
    pub kind: IdentifierKind,
}

/// One identifier with what is known of it.
struct Known {
    identifier: Identifier,
    identity: EntityId,
    entity: Arc<Entity>,
    bound: Option<(EntityId, Option<EntityId>)>,
    /// A number whose conversation belongs to another BSUID than this update's: it was given to somebody else.
    recycled: bool,
}

impl Known {
    const fn decides(&self) -> bool {
        self.bound.is_some() && !self.recycled
    }
}

/// Places a message or change on a messaging channel.
pub(crate) async fn on_messaging_channel(
    ledger: &Ledger,
    key: &IdKey,
    at: &ChannelRef,
    fact: &Fact,
    command: &CommandId,
) -> Result<Placed, LedgerError> {
    let known = look_up(ledger, key, at, in_deciding_order(fact)).await?;
    let decider = known.iter().find(|known| known.decides()).and_then(|known| known.bound);
    let (contact, conversation) = match decider {
        Some((contact, Some(conversation))) => (contact, conversation),
        Some((contact, None)) => (contact, fresh_conversation(key, at, &known, command)),
        None => (fresh_contact(key, &known, command), fresh_conversation(key, at, &known, command)),
    };
    let cause = match fact.what {
        What::IdentityChanged { .. } => MergeCause::NumberChanged,
        What::Message(_)
        | What::Echo(_)
        | What::Edit { .. }
        | What::Revoke { .. }
        | What::Reaction { .. }
        | What::Status(_)
        | What::Mail(_)
        | What::ProviderUpdate { .. } => MergeCause::SameUpdate,
    };
    let same_as = known
        .iter()
        .filter(|known| known.decides())
        .filter_map(|known| known.bound)
        .filter(|(other, _)| *other != contact)
        .map(|(other, _)| (other, cause))
        .collect();
    Ok(Placed { conversation, contact, bind: unbound(&known), same_as, learnt: all_identifiers(fact) })
}

/// The conversation that a status belongs to: the one bound to its recipient, or none.
pub(crate) async fn of_recipient(
    ledger: &Ledger,
    key: &IdKey,
    at: &ChannelRef,
    fact: &Fact,
) -> Result<Option<EntityId>, LedgerError> {
    let known = look_up(ledger, key, at, in_deciding_order(fact)).await?;
    Ok(known
        .iter()
        .filter(|known| known.decides())
        .find_map(|known| known.bound.and_then(|(_, conversation)| conversation)))
}

/// The contact of a mail's sender, with the binding to make if the address is new.
pub(crate) async fn of_sender(
    ledger: &Ledger,
    key: &IdKey,
    at: &ChannelRef,
    fact: &Fact,
    command: &CommandId,
) -> Result<(EntityId, Vec<Binding>), LedgerError> {
    let known = look_up(ledger, key, at, in_deciding_order(fact)).await?;
    let bound = known.iter().find_map(|known| known.bound);
    let contact = bound.map_or_else(|| fresh_contact(key, &known, command), |(contact, _)| contact);
    Ok((contact, unbound(&known)))
}

/// Whether another conversation on this channel is paused, of this contact or of one known to be the same person.
pub(crate) fn contact_paused(
    ledger: &Ledger,
    at: &ChannelRef,
    placed: (&EntityId, &EntityId),
    same_as: &[(EntityId, MergeCause)],
) -> Result<bool, LedgerError> {
    let (conversation, contact) = placed;
    let mut contacts = BTreeSet::new();
    for known in same_as.iter().map(|(other, _)| other).chain([contact]) {
        contacts.insert(*known);
        if let EntityState::Contact(state) = &ledger.shared(&at.tenant, known)?.state {
            contacts.extend(&state.merged);
        }
    }
    for contact in contacts {
        if ledger.paused_on(&at.tenant, &contact, &at.channel, Some(conversation))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A binding identifier, and the BSUID that the update gives the same person beside it.
struct Named {
    identifier: Identifier,
    bsuid: Option<Identifier>,
}

/// Binding identifiers: of a changed identity the previous ones first, then bsuid, wa_id, phone. What somebody was called
/// before the change and after it are two sides: a number of one says nothing about a BSUID of the other.
fn in_deciding_order(fact: &Fact) -> Vec<Named> {
    let rank = |identifier: &Identifier| match identifier.kind {
        IdentifierKind::Bsuid => 0,
        IdentifierKind::WaId => 1,
        IdentifierKind::Phone => 2,
        IdentifierKind::Email => 3,
        IdentifierKind::Username | IdentifierKind::ParentBsuid => 4,
    };
    let sides: [Vec<&Identifier>; 2] = match &fact.what {
        What::IdentityChanged { previous, current, .. } => {
            let before = previous.iter().chain(&fact.identifiers).filter(|known| !current.contains(known));
            [before.collect(), current.iter().collect()]
        }
        What::Message(_)
        | What::Echo(_)
        | What::Edit { .. }
        | What::Revoke { .. }
        | What::Reaction { .. }
        | What::Status(_)
        | What::Mail(_)
        | What::ProviderUpdate { .. } => [fact.identifiers.iter().collect(), Vec::new()],
    };
    let mut ordered: Vec<Named> = Vec::new();
    for side in sides {
        let mut side: Vec<&Identifier> =
            side.into_iter().filter(|identifier| identifier.kind.binds() && !identifier.value.is_empty()).collect();
        side.sort_by_key(|identifier| rank(identifier));
        let bsuid =
            side.iter().find(|identifier| identifier.kind == IdentifierKind::Bsuid).map(|found| (*found).clone());
        for identifier in side {
            if !ordered.iter().any(|named| named.identifier == *identifier) {
                ordered.push(Named { identifier: identifier.clone(), bsuid: bsuid.clone() });
            }
        }
    }
    ordered
}

fn all_identifiers(fact: &Fact) -> Vec<Identifier> {
    let mut all = fact.identifiers.clone();
    if let What::IdentityChanged { previous, current, .. } = &fact.what {
        all.extend(previous.iter().chain(current).cloned());
    }
    let mut seen = BTreeSet::new();
    all.retain(|identifier| !identifier.value.is_empty() && seen.insert(identifier.clone()));
    all
}

async fn look_up(ledger: &Ledger, key: &IdKey, at: &ChannelRef, named: Vec<Named>) -> Result<Vec<Known>, LedgerError> {
    let mut all: Vec<Known> = Vec::with_capacity(named.len());
    for Named { identifier, bsuid } in named {
        let identity = key.identity(&at.channel, identifier.kind, &identifier.value);
        let entity = ledger.shared(&at.tenant, &identity)?;
        let bound = match &entity.state {
            EntityState::Identity(Some(IdentityEvent::Bound { contact, conversation, .. })) => {
                Some((*contact, *conversation))
            }
            EntityState::Identity(None)
            | EntityState::Conversation(_)
            | EntityState::Contact(_)
            | EntityState::Channel(_)
            | EntityState::Workspace(_)
            | EntityState::Bulk(_) => None,
        };
        let recycled = match (bsuid, bound) {
            (Some(bsuid), Some((_, Some(conversation)))) if identifier.kind != IdentifierKind::Bsuid => {
                // Most of the time the BSUID was looked up before the number, and is bound to the same conversation.
                let before = all.iter().find(|known| known.identifier == bsuid).map(|known| known.identity);
                let bsuid = before.unwrap_or_else(|| key.identity(&at.channel, bsuid.kind, &bsuid.value));
                let same = |known: &Known| {
                    known.identity == bsuid && known.bound.is_some_and(|(_, bound)| bound == Some(conversation))
                };
                !all.iter().any(same) && has_another_bsuid(ledger, at, &conversation, &bsuid).await?
            }
            _ => false,
        };
        all.push(Known { identifier, identity, entity, bound, recycled });
    }
    Ok(all)
}

/// Whether the conversation of a number is known to be somebody else's: another BSUID is bound to it, and not this one.
async fn has_another_bsuid(
    ledger: &Ledger,
    at: &ChannelRef,
    conversation: &EntityId,
    bsuid: &EntityId,
) -> Result<bool, LedgerError> {
    let bound = |settled: &[(EntityId, IdentifierKind)]| {
        let mut bsuids = settled.iter().filter(|(_, kind)| *kind == IdentifierKind::Bsuid).peekable();
        (bsuids.peek().is_some(), bsuids.any(|(identity, _)| identity == bsuid))
    };
    let look = || ledger.read(|reader| reader.bindings_of(&at.tenant, conversation));
    let (any, this) = bound(&look()?);
    if this {
        return Ok(false);
    }
    if any {
        return Ok(true);
    }
    // No BSUID is known to be bound: only now is it worth waiting for the store to hold this node's latest commits.
    ledger.settle().await?;
    let (any, this) = bound(&look()?);
    Ok(any && !this)
}

fn unbound(known: &[Known]) -> Vec<Binding> {
    known
        .iter()
        .filter(|known| known.bound.is_none())
        .map(|known| Binding { identity: known.identity, base: Arc::clone(&known.entity), kind: known.identifier.kind })
        .collect()
}

fn fresh_conversation(key: &IdKey, at: &ChannelRef, known: &[Known], command: &CommandId) -> EntityId {
    known.iter().find(|known| known.bound.is_none()).map_or_else(
        || key.conversation_of_command(command),
        |first| key.conversation(&at.channel, first.identifier.kind, &first.identifier.value),
    )
}

fn fresh_contact(key: &IdKey, known: &[Known], command: &CommandId) -> EntityId {
    let contact = known.iter().find(|known| known.bound.is_none()).map_or_else(
        || key.contact_of_command(command),
        |first| key.contact(first.identifier.kind, &first.identifier.value),
    );
    debug_assert_eq!(contact.kind(), EntityKind::Contact);
    contact
}
