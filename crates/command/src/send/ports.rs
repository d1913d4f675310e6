//! What sending must know from outside: the limits of channels, the tenant's wishes, and what is known of stored files.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use relevo_domain::conversation::{CatchUp, Medium, Outgoing};
use relevo_domain::{AgentId, ChannelId, TenantId};

use crate::ids::IdKey;

/// The channels and the tenants as the configuration has them now.
pub trait SendPolicy: Send + Sync + 'static {
    /// The channel, if the tenant has it.
    fn channel(&self, tenant: &TenantId, channel: &ChannelId) -> Option<ChannelFacts>;

    /// Whether the channel can send this: lengths, sizes, types, kinds of message, recipients.
    fn check(&self, tenant: &TenantId, channel: &ChannelId, outgoing: &Outgoing) -> Result<(), PolicyProblem>;

    /// Whether staff's own message pauses the bot; true unless the tenant says otherwise.
    fn pauses_bot(&self, tenant: &TenantId) -> bool;

    /// What a bot that is resumed is asked to do with what the customer wrote in the meantime; only to know it unless the tenant says
    /// otherwise.
    fn catch_up(&self, _tenant: &TenantId) -> CatchUp {
        CatchUp::Know
    }

    /// The language of templates that are asked for without one, `es` or `es_AR`.
    fn language(&self, tenant: &TenantId) -> String;

    /// What the business is called; `None` if the configuration does not say.
    fn business_name(&self, tenant: &TenantId) -> Option<String>;

    /// The lines below what the agent writes, if they have any.
    fn signature(&self, tenant: &TenantId, agent: &AgentId) -> Option<String>;

    /// The HTML of a mail without what must not be sent: scripts, styles that reach out, forms.
    fn sanitise(&self, html: &str) -> String;
}

/// What commands must know of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelFacts {
    pub medium: Medium,
    /// The address that a mail channel writes from; absent on others.
    pub address: Option<String>,
    /// What is sent to the address with `+…` before its `@` arrives there too, so that answers may name their conversation.
    pub plus_addressing: bool,
}

/// Why a channel cannot send a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyProblem {
    /// A file is larger than the channel takes.
    AttachmentTooBig { limit_bytes: u64, size_bytes: u64 },
    /// The channel does not take files of this type.
    AttachmentType { mime_type: String },
    /// The channel has no credentials for sending, or cannot send this kind of message (`what`, for example `location`).
    CannotSend { what: String },
    /// Nobody can be written to under this identifier on this channel.
    RecipientInvalid,
    /// A field is missing, empty, too long or out of its range; `limit` is what it may have.
    Invalid { field: &'static str, limit: usize },
}

/// What is known of the files that were stored.
#[async_trait]
pub trait StoredFiles: Send + Sync + 'static {
    /// The file of that content, if the tenant has stored it.
    async fn look(&self, tenant: &TenantId, sha256: &str) -> Result<Option<StoredFacts>, StoredFilesError>;
}

/// A stored file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFacts {
    pub size_bytes: u64,
    /// MIME type as found out from the content, where that is possible.
    pub mime_type: Option<String>,
}

/// Files cannot be looked up now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("stored files are not available: {0}")]
pub struct StoredFilesError(pub String);

/// The id keys of tenants.
pub type Keys = Arc<HashMap<TenantId, IdKey>>;

/// Everything from outside that sending needs. Cheap to clone.
#[derive(Clone)]
pub struct SendPorts {
    pub keys: Keys,
    pub policy: Arc<dyn SendPolicy>,
    pub files: Arc<dyn StoredFiles>,
}

impl fmt::Debug for SendPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendPorts").finish_non_exhaustive()
    }
}
