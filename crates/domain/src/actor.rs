//! Who did it: the actor of a commit.

use crate::id::AgentId;

/// Who caused a commit. Comes from the caller's credential or from Relevo itself, never from a request's body.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Actor {
    /// The customer, through a provider.
    Customer,
    /// A person of the staff (agent, supervisor, admin, analyst or ops).
    Staff(AgentId),
    /// A bot, by the name of its API key.
    Bot(AgentId),
    /// The WhatsApp Business app on the owner's phone.
    PhoneApp,
    /// A provider: delivery reports, account updates.
    Provider,
    /// Relevo itself.
    System,
}
