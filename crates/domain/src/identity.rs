//! Identity bindings: an identifier on a channel belongs to one conversation, once and for ever.

use crate::id::{ChannelId, EntityId};

/// What kind of name a provider has for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentifierKind {
    /// Business-scoped user id of Meta, `AR.1349…`.
    Bsuid,
    /// WhatsApp's own id of an account, usually the phone number's digits.
    WaId,
    /// A phone number as given (`whatsapp:+549…` without its scheme).
    Phone,
    /// A mail address, lower case.
    Email,
    /// A WhatsApp user name. Never decides: it can change hands.
    Username,
    /// Meta's id of a person across linked portfolios. Never decides.
    ParentBsuid,
}

impl IdentifierKind {
    pub const ALL: [Self; 6] = [Self::Bsuid, Self::WaId, Self::Phone, Self::Email, Self::Username, Self::ParentBsuid];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bsuid => "bsuid",
            Self::WaId => "wa_id",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Username => "username",
            Self::ParentBsuid => "parent_bsuid",
        }
    }

    /// Whether an identifier of this kind is bound, and so decides to whom a message belongs.
    pub const fn binds(self) -> bool {
        matches!(self, Self::Bsuid | Self::WaId | Self::Phone | Self::Email)
    }
}

/// A fact about one identifier on one channel. Its value is personal and stands in the contact's events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdentityEvent {
    /// The identifier belongs to this contact and, on messaging channels, to this conversation. Never changes.
    Bound {
        kind: IdentifierKind,
        channel: ChannelId,
        contact: EntityId,
        /// Absent on mail channels, where threads decide.
        conversation: Option<EntityId>,
    },
}

impl IdentityEvent {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Bound { .. } => "IdentifierBound",
        }
    }
}
