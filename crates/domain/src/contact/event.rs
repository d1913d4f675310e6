//! What can be true of a contact.

use crate::id::{ChannelId, EntityId};
use crate::identity::IdentifierKind;

/// A fact about a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactEvent {
    /// The contact exists; first met on this channel. True once a contact.
    Created { channel: ChannelId, personal: NamePersonal },
    /// The contact goes by this identifier on this channel. Never means that other identifiers stopped being theirs.
    IdentifierLearned { kind: IdentifierKind, channel: ChannelId, personal: IdentifierPersonal },
    /// The provider shows another name for the contact now.
    Renamed { personal: NamePersonal },
    /// This contact and `other` are the same person. Links them; never rebinds an identifier.
    Merged { other: EntityId, cause: MergeCause },
    /// This contact and `other` are not the same person after all.
    Unmerged { other: EntityId },
    /// The contact is this customer of the business's own records; replaces an earlier link.
    CustomerLinked { personal: CustomerPersonal },
    /// The contact is no customer that we know.
    CustomerUnlinked,
}

/// A customer record of the business: its key there, which may be an identity document, and a name to show.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CustomerPersonal {
    pub id: String,
    pub name: Option<String>,
}

/// A person's name.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NamePersonal {
    pub name: Option<String>,
}

/// The value of an identifier: a phone number, a wa_id, a BSUID, an address.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct IdentifierPersonal {
    pub value: String,
}

/// How we know that two contacts are one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MergeCause {
    /// One update carried identifiers of both.
    SameUpdate,
    /// The provider told us that a number or user id changed.
    NumberChanged,
    /// A person said so.
    Manual,
}

impl ContactEvent {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Created { .. } => "ContactCreated",
            Self::IdentifierLearned { .. } => "IdentifierLearned",
            Self::Renamed { .. } => "ContactRenamed",
            Self::Merged { .. } => "ContactsMerged",
            Self::Unmerged { .. } => "ContactsUnmerged",
            Self::CustomerLinked { .. } => "CustomerLinked",
            Self::CustomerUnlinked => "CustomerUnlinked",
        }
    }
}
