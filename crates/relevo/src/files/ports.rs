//! Stored files as the other parts know them: providers read and link them, commands look at them, readers get addresses.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use relevo_command::send::{StoredFacts, StoredFiles, StoredFilesError};
use relevo_domain::conversation::StoredFile;
use relevo_domain::{Clock, Recorded, TenantId};
use relevo_eventlog::{Blobs, Log, LogError};
use relevo_providers::{FileLinks, Files, FilesError};
use relevo_query::{Addressed, FileSource, HistoryError};
use relevo_sender::media::{SNIFF_BYTES, Scanner, certain};

use super::token::{FileTokens, Grant};

/// Addresses of files, under the address by which the HTTP listener is reached from outside.
#[derive(Clone)]
pub(crate) struct Links {
    tokens: Arc<FileTokens>,
    /// Without a slash at its end.
    public_url: String,
    clock: Clock,
}

impl Links {
    pub(crate) fn new(tokens: Arc<FileTokens>, public_url: &str, clock: Clock) -> Self {
        Self { tokens, public_url: public_url.trim_end_matches('/').to_owned(), clock }
    }

    fn address(&self, grant: &Grant) -> Option<String> {
        Some(format!("{}/v1/files/{}", self.public_url, self.tokens.seal(grant)?))
    }
}

impl FileLinks for Links {
    fn link(&self, tenant: &TenantId, file: &StoredFile, lifetime: Duration) -> String {
        let grant = Grant {
            tenant: tenant.clone(),
            sha256: file.sha256.clone(),
            mime_type: file.mime_type.clone(),
            file_name: file.file_name.clone(),
            download: false,
            valid_until: (self.clock)() + lifetime,
        };
        self.address(&grant).unwrap_or_else(|| {
            // The provider finds nothing there, and the message fails with its reason.
            tracing::error!("address of a file cannot be made");
            format!("{}/v1/files/none", self.public_url)
        })
    }
}

/// Stored files, for whoever needs their content or facts.
#[derive(Clone)]
pub(crate) struct FilePorts {
    pub(crate) blobs: Blobs,
    pub(crate) links: Links,
    pub(crate) log: Arc<dyn Log>,
    /// Looks at every file before it is stored, whoever brings it; nobody does without one. One a node: it counts its scans.
    pub(crate) scanner: Option<Scanner>,
}

#[async_trait]
impl Files for FilePorts {
    async fn read(&self, tenant: &TenantId, sha256: &str) -> Result<Option<Bytes>, FilesError> {
        self.blobs.get(tenant, sha256).await.map_err(|error| FilesError(error.to_string()))
    }
}

#[async_trait]
impl StoredFiles for FilePorts {
    async fn look(&self, tenant: &TenantId, sha256: &str) -> Result<Option<StoredFacts>, StoredFilesError> {
        let head = self.blobs.head(tenant, sha256, SNIFF_BYTES).await;
        let head = head.map_err(|error| StoredFilesError(error.to_string()))?;
        Ok(head.map(|head| StoredFacts { size_bytes: head.size_bytes, mime_type: certain(&head.bytes) }))
    }
}

#[async_trait]
impl FileSource for FilePorts {
    async fn commit(&self, sequence: u64) -> Result<Option<Recorded>, HistoryError> {
        self.log.get(sequence).await.map_err(|error| match error {
            LogError::Undecodable { .. } => HistoryError::Unreadable(error.to_string()),
            LogError::Unavailable(_) | LogError::Full | LogError::TooLarge { .. } | LogError::Refused(_) => {
                HistoryError::Unavailable(error.to_string())
            }
        })
    }

    fn address(&self, tenant: &TenantId, file: &Addressed) -> Option<String> {
        let Addressed { sha256, mime_type, file_name, download, valid_until } = file.clone();
        self.links.address(&Grant { tenant: tenant.clone(), sha256, mime_type, file_name, download, valid_until })
    }
}
