//! The smallest state of a contact that can answer the rules.

use std::collections::BTreeSet;

use crate::contact::event::{ContactEvent, CustomerPersonal};
use crate::id::{ChannelId, EntityId};
use crate::identity::IdentifierKind;

/// What the rules need to know of a contact. `Default` is a contact that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct State {
    pub exists: bool,
    pub name: Option<String>,
    pub identifiers: BTreeSet<(ChannelId, IdentifierKind, String)>,
    pub merged: BTreeSet<EntityId>,
    /// Contacts that a person said are somebody else: what a provider shows does not merge them again.
    pub parted: BTreeSet<EntityId>,
    /// The customer record that it is linked to.
    pub customer: Option<CustomerPersonal>,
}

impl State {
    /// The state after one more event. Total.
    #[must_use]
    pub fn evolve(mut self, event: &ContactEvent) -> Self {
        match event {
            ContactEvent::Created { personal, .. } => {
                self.exists = true;
                self.name.clone_from(&personal.name);
            }
            ContactEvent::IdentifierLearned { kind, channel, personal } => {
                self.identifiers.insert((channel.clone(), *kind, personal.value.clone()));
            }
            ContactEvent::Renamed { personal } => self.name.clone_from(&personal.name),
            ContactEvent::Merged { other, .. } => {
                self.parted.remove(other);
                self.merged.insert(*other);
            }
            ContactEvent::Unmerged { other } => {
                self.merged.remove(other);
                self.parted.insert(*other);
            }
            ContactEvent::CustomerLinked { personal } => self.customer = Some(personal.clone()),
            ContactEvent::CustomerUnlinked => self.customer = None,
        }
        self
    }
}
