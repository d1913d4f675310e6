//! What each event changes in the workspace's tags. Conversations keep ids; names and colours are joined by readers.

use relevo_domain::tag::{Colour, TagName};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{EntityId, TagId, TenantId};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::apply::{Moment, changed};
use crate::keys;
use crate::row::{NumbersRow, TagRow};

pub(crate) fn apply(rows: &mut dyn Rows, moment: Moment<'_>, event: &WorkspaceEvent) -> Result<(), ApplyError> {
    match event {
        WorkspaceEvent::IdKeyFingerprinted { .. } => return Ok(()),
        WorkspaceEvent::TagCreated { tag, name, colour } | WorkspaceEvent::TagChanged { tag, name, colour } => {
            named(rows, moment.tenant, *tag, name, *colour);
        }
        // Its id does not come back, so whatever still carries it carries nothing.
        WorkspaceEvent::TagDeleted { tag } => rows.delete(keys::tag(moment.tenant, *tag)),
    }
    touched(rows, moment, moment.entity)
}

fn named(rows: &mut dyn Rows, tenant: &TenantId, tag: TagId, name: &TagName, colour: Colour) {
    let row = TagRow { name: name.to_string(), colour: colour.0.to_vec() };
    store(rows, keys::tag(tenant, tag), &row);
}

fn touched(rows: &mut dyn Rows, moment: Moment<'_>, workspace: EntityId) -> Result<(), ApplyError> {
    let key = keys::numbers(moment.tenant);
    let mut numbers: NumbersRow = load(&*rows, "numbers", &key)?.unwrap_or_default();
    changed(rows, moment, workspace, numbers.workspace_changed);
    numbers.workspace_changed = moment.sequence;
    store(rows, key, &numbers);
    Ok(())
}
