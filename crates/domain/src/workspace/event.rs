//! What can be true of a workspace.

use std::sync::Arc;

use crate::detection::Policy;
use crate::id::TagId;
use crate::quick_reply::QuickReply;
use crate::tag::{Colour, TagName};

/// A fact about a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkspaceEvent {
    /// The tenant's id key has this fingerprint. A start with another key would derive other ids, so it refuses to run.
    IdKeyFingerprinted { fingerprint: String },
    /// There is a tag of this name and colour.
    TagCreated { tag: TagId, name: TagName, colour: Colour },
    /// The tag is called and coloured like this now. Conversations keep it.
    TagChanged { tag: TagId, name: TagName, colour: Colour },
    /// The tag is gone, from every conversation at once; its id does not come back.
    TagDeleted { tag: TagId },
    /// There is a quick reply of this name, and this is what it says.
    QuickReplySet { name: String, reply: QuickReply },
    /// The quick reply is gone.
    QuickReplyRemoved { name: String },
    /// This is what is detected from here on, and what is done about it.
    DetectionSet(Arc<Policy>),
}

impl WorkspaceEvent {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::IdKeyFingerprinted { .. } => "IdKeyFingerprinted",
            Self::TagCreated { .. } => "TagCreated",
            Self::TagChanged { .. } => "TagChanged",
            Self::TagDeleted { .. } => "TagDeleted",
            Self::QuickReplySet { .. } => "QuickReplySet",
            Self::QuickReplyRemoved { .. } => "QuickReplyRemoved",
            Self::DetectionSet(_) => "DetectionSet",
        }
    }
}
