//! Every event that the log can hold, one variant an entity kind.

use crate::bulk::BulkEvent;
use crate::channel::ChannelEvent;
use crate::contact::ContactEvent;
use crate::conversation::ConversationEvent;
use crate::identity::IdentityEvent;
use crate::workspace::WorkspaceEvent;

/// One fact about one entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Conversation(ConversationEvent),
    Contact(ContactEvent),
    Identity(IdentityEvent),
    Channel(ChannelEvent),
    Workspace(WorkspaceEvent),
    Bulk(BulkEvent),
}

impl Event {
    /// The event's name on the log (header `Relevo-Types`, `relevo log`), for example `MessageReceived`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Conversation(event) => event.name(),
            Self::Contact(event) => event.name(),
            Self::Identity(event) => event.name(),
            Self::Channel(event) => event.name(),
            Self::Workspace(event) => event.name(),
            Self::Bulk(event) => event.name(),
        }
    }
}
