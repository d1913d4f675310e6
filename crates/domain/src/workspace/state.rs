//! The smallest state of a workspace that can answer the rules.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::detection::Policy;
use crate::id::TagId;
use crate::quick_reply::QuickReply;
use crate::tag::{Colour, TagName};
use crate::workspace::event::WorkspaceEvent;

/// What the rules need to know of a workspace. `Default` is one of which nothing is on the log.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct State {
    /// Fingerprint of the tenant's id key, once it is on the log.
    pub id_key: Option<String>,
    /// The tags that exist.
    pub tags: BTreeMap<TagId, Tag>,
    /// By name.
    pub quick_replies: BTreeMap<String, QuickReply>,
    /// What is detected.
    pub detection: Arc<Policy>,
}

/// A tag that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub name: TagName,
    pub colour: Colour,
}

impl State {
    /// The state after one more event. Total.
    #[must_use]
    pub fn evolve(mut self, event: &WorkspaceEvent) -> Self {
        match event {
            WorkspaceEvent::IdKeyFingerprinted { fingerprint } => self.id_key = Some(fingerprint.clone()),
            WorkspaceEvent::TagCreated { tag, name, colour } | WorkspaceEvent::TagChanged { tag, name, colour } => {
                self.tags.insert(*tag, Tag { name: name.clone(), colour: *colour });
            }
            WorkspaceEvent::TagDeleted { tag } => {
                self.tags.remove(tag);
            }
            WorkspaceEvent::QuickReplySet { name, reply } => {
                self.quick_replies.insert(name.clone(), reply.clone());
            }
            WorkspaceEvent::QuickReplyRemoved { name } => {
                self.quick_replies.remove(name);
            }
            WorkspaceEvent::DetectionSet(policy) => self.detection = Arc::clone(policy),
        }
        self
    }

    /// The tag of that name, whatever its case.
    pub fn tag_named(&self, name: &TagName) -> Option<TagId> {
        self.tags.iter().find(|(_, tag)| tag.name.same_as(name)).map(|(id, _)| *id)
    }
}
