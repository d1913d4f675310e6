//! What each event changes in what is known of a contact. Conversations do not repeat it; readers join it.

use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::{IdentifierPersonal, NamePersonal};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{ChannelId, EntityId, TenantId};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::apply::{Moment, changed, number};
use crate::row::{ContactRow, CustomerRow, IdentifierRow, LinkRow};
use crate::{keys, search};

/// Identifiers kept of one contact: far more than a person has; of more, the first learnt go.
pub(crate) const IDENTIFIERS_MAX: usize = 64;

pub(crate) fn apply(rows: &mut dyn Rows, moment: Moment<'_>, event: &ContactEvent) -> Result<(), ApplyError> {
    ordinal(rows, moment.tenant, moment.entity)?;
    match event {
        ContactEvent::Merged { other, cause: _ } => merged(rows, moment, *other)?,
        ContactEvent::Unmerged { other } => unmerged(rows, moment, *other)?,
        ContactEvent::Created { .. }
        | ContactEvent::IdentifierLearned { .. }
        | ContactEvent::Renamed { .. }
        | ContactEvent::CustomerLinked { .. }
        | ContactEvent::CustomerUnlinked => {}
    }
    update(rows, moment, moment.entity, |row| {
        row.version = moment.version;
        match event {
            // The channel of the first meeting stands with the identifier that was learnt there.
            ContactEvent::Created { channel: _, personal } | ContactEvent::Renamed { personal } => named(row, personal),
            ContactEvent::IdentifierLearned { kind, channel, personal } => {
                identifier_learned(row, *kind, channel, personal);
            }
            ContactEvent::CustomerLinked { personal } => {
                let name = personal.name.clone().unwrap_or_default();
                row.customer = Some(CustomerRow { id: personal.id.clone(), name });
            }
            ContactEvent::CustomerUnlinked => row.customer = None,
            ContactEvent::Merged { .. } | ContactEvent::Unmerged { .. } => {}
        }
    })
}

/// The contact's number; it gets one when it is first named.
pub(crate) fn ordinal(rows: &mut dyn Rows, tenant: &TenantId, contact: EntityId) -> Result<u32, ApplyError> {
    let key = keys::contact(tenant, contact);
    if let Some(row) = load::<ContactRow>(&*rows, "contact", &key)? {
        return Ok(row.ordinal);
    }
    let ordinal = number(rows, tenant, |numbers| &mut numbers.contacts)?;
    store(rows, key, &ContactRow { ordinal, ..ContactRow::default() });
    Ok(ordinal)
}

/// Changes a contact's row, and with it what it is found by and where it stands in CHANGED.
fn update(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    contact: EntityId,
    change: impl FnOnce(&mut ContactRow),
) -> Result<(), ApplyError> {
    let key = keys::contact(moment.tenant, contact);
    let mut row: ContactRow = load(&*rows, "contact", &key)?.unwrap_or_default();
    let before = search::terms(&row);
    let stood = row.changed;
    change(&mut row);
    row.changed = moment.sequence;
    let after = search::terms(&row);
    for gone in before.difference(&after) {
        rows.delete(keys::term(moment.tenant, gone, row.ordinal));
    }
    for new in after.difference(&before) {
        rows.put(keys::term(moment.tenant, new, row.ordinal), contact.bytes().to_vec());
    }
    changed(rows, moment.tenant, moment.sequence, contact, stood);
    store(rows, key, &row);
    Ok(())
}

/// A provider that gives no name does not take away the one that we have.
fn named(row: &mut ContactRow, personal: &NamePersonal) {
    if let Some(name) = &personal.name {
        row.name.clone_from(name);
    }
}

fn identifier_learned(row: &mut ContactRow, kind: IdentifierKind, channel: &ChannelId, personal: &IdentifierPersonal) {
    let learned =
        IdentifierRow { kind: kind.as_str().to_owned(), channel: channel.to_string(), value: personal.value.clone() };
    if row.identifiers.contains(&learned) {
        return;
    }
    row.identifiers.push(learned);
    if row.identifiers.len() > IDENTIFIERS_MAX {
        row.identifiers.remove(0);
    }
}

/// Links both ways, also to a contact that we have not met yet. The first time counts.
fn merged(rows: &mut dyn Rows, moment: Moment<'_>, other: EntityId) -> Result<(), ApplyError> {
    if other == moment.entity {
        return Ok(());
    }
    let key = keys::link(moment.tenant, moment.entity, other);
    if rows.get(&key)?.is_some() {
        return Ok(());
    }
    let (ordinal, other_ordinal) = (ordinal(rows, moment.tenant, moment.entity)?, ordinal(rows, moment.tenant, other)?);
    store(rows, key, &LinkRow { since: moment.at, other_ordinal });
    let back = LinkRow { since: moment.at, other_ordinal: ordinal };
    store(rows, keys::link(moment.tenant, other, moment.entity), &back);
    Ok(())
}

/// Takes both links away. The other contact changed, too: it is no longer found by this one's name.
fn unmerged(rows: &mut dyn Rows, moment: Moment<'_>, other: EntityId) -> Result<(), ApplyError> {
    let key = keys::link(moment.tenant, moment.entity, other);
    if rows.get(&key)?.is_none() {
        return Ok(());
    }
    rows.delete(key);
    rows.delete(keys::link(moment.tenant, other, moment.entity));
    update(rows, moment, other, |_row| {})
}
