//! What each event changes in what is known of a contact. Conversations do not repeat it; readers join it.

use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::{IdentifierPersonal, NamePersonal};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{ChannelId, EntityId};
use relevo_projection::{ApplyError, Rows};

use crate::apply::Moment;
use crate::keys;
use crate::row::{ContactRow, IdentifierRow, LinkRow, load, store};

/// Identifiers kept of one contact: far more than a person has; of more, the first learnt go.
pub(crate) const IDENTIFIERS_MAX: usize = 64;

pub(crate) fn apply(rows: &mut dyn Rows, moment: Moment<'_>, event: &ContactEvent) -> Result<(), ApplyError> {
    let key = keys::contact(moment.tenant, moment.entity);
    let mut row: ContactRow = load(&*rows, "contact", &key)?.unwrap_or_default();
    match event {
        // The channel of the first meeting stands with the identifier that was learnt there.
        ContactEvent::Created { channel: _, personal } | ContactEvent::Renamed { personal } => {
            named(&mut row, personal);
        }
        ContactEvent::IdentifierLearned { kind, channel, personal } => {
            identifier_learned(&mut row, *kind, channel, personal);
        }
        ContactEvent::Merged { other, cause: _ } => merged(rows, moment, *other)?,
        ContactEvent::Unmerged { .. } | ContactEvent::CustomerLinked { .. } | ContactEvent::CustomerUnlinked => {}
    }
    row.version = moment.version;
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
    let link = LinkRow { since: moment.at };
    store(rows, key, &link);
    store(rows, keys::link(moment.tenant, other, moment.entity), &link);
    Ok(())
}
