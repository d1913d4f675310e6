//! Mailboxes: what arrives in a mail account becomes raw items on the intake stream, each mail once.
//!
//! One task a folder: it logs in, brings in what is new, and waits for the server to say that there is more. A mail is stored
//! first and its position after it, so that a crash between the two repeats a mail, which intake knows as a duplicate. Nothing
//! here reads a mail; folders are opened read-only and no flag is ever set.

mod careful;
mod check;
mod folder_name;
mod guard;
mod health;
mod link;
mod memory;
mod pause;
mod reader;
mod session;
mod supervise;
mod sync;
mod trouble;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use relevo_domain::{Clock, EndpointId};
use relevo_eventlog::{IntakeLog, MailPositions};
use relevo_providers::{AccountKey, Accounts, HealthBoard, Tokens};
use tokio_util::sync::CancellationToken;

pub use check::check;

/// The largest mail that is ever brought in whole, in bytes: what the raw stream's object store takes, less room for its parts.
pub const MAIL_BYTES_MAX: u32 = 60 * 1024 * 1024;
/// The largest mail that is brought in whole unless somebody says otherwise, in bytes: what Gmail (25 MB) and Microsoft 365
/// (35 MB) take.
pub const MAIL_BYTES_DEFAULT: u32 = 35 * 1024 * 1024;
/// Folders of one mailbox that are read: each has a connection, and Gmail allows 15 for all programs together.
pub const FOLDERS_MAX: usize = 10;

/// Finds the endpoint that a channel's mails are stored under.
pub type EndpointOf = Arc<dyn Fn(&AccountKey) -> Option<EndpointId> + Send + Sync>;

/// What mailboxes are made of.
#[derive(Clone)]
pub struct MailboxParts {
    pub accounts: Accounts,
    pub intake: IntakeLog,
    pub positions: MailPositions,
    pub tokens: Tokens,
    pub board: HealthBoard,
    /// A channel without an endpoint is not read.
    pub endpoint_of: EndpointOf,
    pub clock: Clock,
}

impl fmt::Debug for MailboxParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailboxParts").finish_non_exhaustive()
    }
}

/// Times and sizes. The default is right outside of tests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// A larger mail is brought in as its header alone, in bytes; at most [`MAIL_BYTES_MAX`].
    pub mail_bytes_max: u32,
    /// IDLE is ended and begun again after this time, with a look at the folder between: connections die silently.
    pub idle_renewal: Duration,
    /// Without IDLE, the folder is looked at this often.
    pub poll_every: Duration,
    /// A folder is this node's for so long after it said so last.
    pub lease: Duration,
    /// The first pause after a lost connection; doubled each time, up to a minute.
    pub connection_pause: Duration,
    /// The first pause after a denied login; doubled each time, up to half an hour. Servers lock accounts out that insist.
    pub denied_pause: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mail_bytes_max: MAIL_BYTES_DEFAULT,
            idle_renewal: Duration::from_mins(5),
            poll_every: Duration::from_secs(30),
            lease: Duration::from_secs(30),
            connection_pause: Duration::from_secs(1),
            denied_pause: Duration::from_mins(1),
        }
    }
}

/// Reads every mailbox of the accounts that are in force.
#[derive(Debug)]
pub struct Mailboxes {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) parts: MailboxParts,
    pub(crate) options: Options,
    pub(crate) memory: memory::Memory,
}

impl Mailboxes {
    pub fn new(parts: MailboxParts) -> Self {
        Self::with_options(parts, Options::default())
    }

    pub fn with_options(parts: MailboxParts, options: Options) -> Self {
        let options = Options { mail_bytes_max: options.mail_bytes_max.min(MAIL_BYTES_MAX), ..options };
        Self { shared: Arc::new(Shared { parts, options, memory: memory::Memory::default() }) }
    }

    /// Reads until the token is cancelled. Accounts that come, go or change are followed without a restart; one mailbox never
    /// keeps another waiting.
    pub async fn run(self, stop: CancellationToken) {
        supervise::run(self.shared, stop).await;
    }
}
