//! The port to the channels that can be written from. The binary wires it: they are configured, or added while it runs.

use relevo_domain::{ChannelId, EntityId, TenantId};

/// Tells which channels there are.
pub trait SendingChannels: Send + Sync + 'static {
    /// The tenant's channels, each with the entity that its templates and pauses stand under on the log.
    fn of(&self, tenant: &TenantId) -> Vec<(ChannelId, EntityId)>;

    /// The language of templates that are asked for without one, `es` or `es_AR`: the one that sending takes.
    fn language(&self, tenant: &TenantId) -> String;
}
