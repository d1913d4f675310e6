//! The port to stored files and to the log that `FileService` needs. The binary wires it.

use async_trait::async_trait;
use relevo_domain::{Recorded, TenantId, Timestamp};

use crate::history::HistoryError;

/// Tells where files can be had, and what a commit says.
#[async_trait]
pub trait FileSource: Send + Sync + 'static {
    /// The commit at a position of the log: the HTML of a mail stands there alone.
    async fn commit(&self, sequence: u64) -> Result<Option<Recorded>, HistoryError>;

    /// An address at which the file can be had until its time; `None` if none can be made.
    fn address(&self, tenant: &TenantId, file: &Addressed) -> Option<String>;
}

/// A stored file that somebody may have for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    pub sha256: String,
    /// As found out from the content.
    pub mime_type: String,
    /// Personal.
    pub file_name: Option<String>,
    /// It is saved, never shown inside a page.
    pub download: bool,
    pub valid_until: Timestamp,
}
