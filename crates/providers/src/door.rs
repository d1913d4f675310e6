//! The door to a provider: a message is prepared (rendered, files uploaded) as often as needed, then handed over once.
//!
//! The two are apart because the claim stands between them: everything that takes time or may be repeated comes before it, and
//! behind it there is one call.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use relevo_domain::conversation::{Outgoing, SendFailure, StoredFile};
use relevo_domain::{TenantId, Timestamp};

use crate::account::Account;
use crate::deadline::Deadline;

/// A message with all that is needed to hand it over.
#[derive(Clone, Copy, Debug)]
pub struct Job<'j> {
    pub account: &'j Account,
    pub outgoing: &'j Outgoing,
    /// When it was queued: what a mail is dated, the same at every attempt.
    pub queued_at: Timestamp,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider has it, under this id (a wamid, a SID, a Message-ID).
    Accepted { provider_id: String },
    /// The provider does not have it, for certain. `retry_after` is the provider's wish, where it has one.
    Failed { failure: SendFailure, retry_after: Option<Duration> },
    /// The call was begun and its answer is not known. Never to be repeated blindly.
    Unknown { detail: String },
}

/// A rendered message: everything but the call. Its content is the door's own business.
#[derive(Clone, Debug)]
pub enum Prepared {
    /// The JSON body for Meta.
    Meta(String),
    /// The form for Twilio.
    Twilio(Vec<(String, String)>),
    /// The mail as it goes over the wire, with its envelope.
    Mail { from: String, to: Vec<String>, bytes: Bytes },
}

/// Hands messages over.
#[async_trait]
pub trait Door: Send + Sync + 'static {
    /// Renders the message and uploads its files. May be repeated; nothing reaches the customer.
    async fn prepare(&self, job: Job<'_>) -> Result<Prepared, (SendFailure, Option<Duration>)>;

    /// The one call. What can take time comes first (a connection, a login, a token); the last step before the request, or a
    /// mail's text, is a look at `by`: once it is over nothing is written, and the message has failed for certain. The answer
    /// is known within the door's own time-out ([`Door::call_limit`]).
    async fn hand_over(&self, account: &Account, prepared: Prepared, by: Deadline) -> Outcome;

    /// How long [`Door::hand_over`] can take at most.
    fn call_limit(&self) -> Duration;
}

/// Where stored files are read.
#[async_trait]
pub trait Files: Send + Sync + 'static {
    /// The file, or `None` if it is not there (any more).
    async fn read(&self, tenant: &TenantId, sha256: &str) -> Result<Option<Bytes>, FilesError>;
}

/// Why a file could not be read or stored; about now, not for ever.
#[derive(Clone, Debug, thiserror::Error)]
#[error("files are not available: {0}")]
pub struct FilesError(pub String);

/// Makes addresses under which a provider can fetch a file for a while.
pub trait FileLinks: Send + Sync + 'static {
    /// `https://…`, good for `lifetime` from now.
    fn link(&self, tenant: &TenantId, file: &StoredFile, lifetime: Duration) -> String;
}
