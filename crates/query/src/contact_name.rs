//! Names of contacts beside rows of other views: what the inbox has now, not at the row's moment. A list of ids helps nobody.

use relevo_domain::{Caller, EntityId, Timestamp};
use relevo_projection::ViewSnapshot;
use relevo_projector_inbox as inbox;

use crate::Query;
use crate::error::QueryError;

/// Looks names up in the inbox, with the caller's access.
pub(crate) struct ContactNames<'a> {
    /// `None` while the inbox cannot be read: a list of assignments does not fail for lack of names.
    inbox: Option<ViewSnapshot>,
    caller: &'a Caller,
    now: Timestamp,
}

impl<'a> ContactNames<'a> {
    pub(crate) fn now(query: &Query, caller: &'a Caller) -> Self {
        let now = (query.inner.ports.now)();
        Self { inbox: query.inner.views.inbox.snapshot().ok(), caller, now }
    }

    /// Name of the conversation's contact; empty if the inbox does not know it, or not yet.
    pub(crate) fn of(&self, conversation: EntityId) -> Result<String, QueryError> {
        let Some(snapshot) = &self.inbox else { return Ok(String::new()) };
        let row = inbox::conversation(snapshot, &self.caller.tenant, conversation, self.caller, self.now)?;
        Ok(row.map(|row| row.contact_name).unwrap_or_default())
    }
}
