//! What each event changes in the workspace's tags and quick replies. Conversations keep ids of tags; names and colours are
//! joined by readers.

use relevo_domain::tag::{Colour, TagName};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{EntityId, TagId, TenantId};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::apply::{Moment, changed};
use crate::keys;
use crate::row::{NumbersRow, QuickReplyRow, TagRow};

pub(crate) fn apply(rows: &mut dyn Rows, moment: Moment<'_>, event: &WorkspaceEvent) -> Result<(), ApplyError> {
    match event {
        WorkspaceEvent::IdKeyFingerprinted { .. } | WorkspaceEvent::DetectionSet(_) => return Ok(()),
        WorkspaceEvent::TagCreated { tag, name, colour } | WorkspaceEvent::TagChanged { tag, name, colour } => {
            named(rows, moment.tenant, *tag, name, *colour);
        }
        // Its id does not come back, so whatever still carries it carries nothing.
        WorkspaceEvent::TagDeleted { tag } => rows.delete(keys::tag(moment.tenant, *tag)),
        // Nothing that is watched shows a quick reply: the mark that the workspace changed stays where it is.
        WorkspaceEvent::QuickReplySet { name, reply } => {
            let row = QuickReplyRow { title: reply.title.clone(), text: reply.text.clone() };
            store(rows, keys::quick_reply(moment.tenant, name), &row);
            return Ok(());
        }
        WorkspaceEvent::QuickReplyRemoved { name } => {
            rows.delete(keys::quick_reply(moment.tenant, name));
            return Ok(());
        }
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
    changed(rows, moment.tenant, moment.sequence, workspace, numbers.workspace_changed);
    numbers.workspace_changed = moment.sequence;
    store(rows, key, &numbers);
    Ok(())
}
