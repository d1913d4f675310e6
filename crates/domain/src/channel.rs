//! A channel as an entity: what a provider says about an account or number, and delivery reports that belong nowhere yet.

use crate::conversation::DeliveryReport;

/// A fact about a channel or its provider account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelEvent {
    /// A delivery report about a message that no known conversation has.
    DeliveryReported(DeliveryReport),
    /// Anything else that the provider said: template and account updates, calls, history, errors.
    ProviderUpdated {
        /// The provider's name for it, for example `message_template_status_update`.
        field: String,
        personal: ProviderUpdatePersonal,
    },
}

/// The personal part of [`ChannelEvent::ProviderUpdated`].
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ProviderUpdatePersonal {
    /// The update as the provider sent it, as JSON text.
    pub json: String,
}

impl ChannelEvent {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::DeliveryReported(_) => "DeliveryReported",
            Self::ProviderUpdated { .. } => "ProviderUpdated",
        }
    }
}
