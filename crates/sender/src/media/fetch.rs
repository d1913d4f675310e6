//! One medium, from where it is to a stored file: its bytes, what they are, whether they are clean, and where they stay.

use std::time::Duration;

use bytes::Bytes;
use relevo_domain::TenantId;
use relevo_domain::conversation::{FailureClass, FetchOutcome, StoredFile};
use relevo_eventlog::{BLOB_BYTES_MAX, LogError};
use relevo_providers::{Account, FetchFailure, MediumRef};

use super::scan::Verdict;
use super::{MediaParts, sniff};
use crate::delivery::MediumToFetch;

/// The reasons that stand on the log.
pub(super) const GONE: &str = "gone";
pub(super) const TOO_BIG: &str = "too_big";
pub(super) const INFECTED: &str = "infected";
pub(super) const REFUSED: &str = "refused";

/// Why a medium is not there yet. It is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The whole channel waits: its credential, or its provider.
    Channel { wait: Option<Duration>, class: FailureClass, what: &'static str },
    /// What is ours does not work: the store, the log. The channel waits, and nothing is given up for it.
    Ours { class: FailureClass, what: &'static str },
    /// This medium waits.
    Medium { what: &'static str },
    /// The scanner did not answer about this medium.
    Scanner,
}

/// The bytes of a medium that a provider serves.
pub(super) async fn of_provider(
    parts: &MediaParts,
    account: Option<&Account>,
    medium: &MediumToFetch,
) -> Result<Result<Bytes, FetchOutcome>, Trouble> {
    let Some(account) = account else {
        return Err(Trouble::Channel { wait: None, class: FailureClass::Account, what: "no account" });
    };
    if medium.size_bytes.is_some_and(|bytes| bytes > BLOB_BYTES_MAX as u64) {
        return Ok(Err(unavailable(TOO_BIG)));
    }
    let wanted = MediumRef { provider_id: medium.provider_id.clone(), url: medium.url.clone() };
    match parts.fetcher.fetch(account, &wanted, BLOB_BYTES_MAX).await {
        Ok(fetched) => Ok(Ok(fetched.bytes)),
        Err(FetchFailure::Gone) => Ok(Err(unavailable(GONE))),
        Err(FetchFailure::TooBig) => Ok(Err(unavailable(TOO_BIG))),
        Err(FetchFailure::Refused(why)) => {
            tracing::warn!(tenant = %account.tenant, channel = %account.channel, why, "medium's address is refused");
            Ok(Err(unavailable(REFUSED)))
        }
        Err(FetchFailure::Auth) => {
            Err(Trouble::Channel { wait: None, class: FailureClass::Auth, what: "credential refused" })
        }
        Err(FetchFailure::Transient { retry_after: Some(wait), .. }) => {
            Err(Trouble::Channel { wait: Some(wait), class: FailureClass::Throttled, what: "provider asks to wait" })
        }
        Err(FetchFailure::Transient { .. }) => Err(Trouble::Medium { what: "cannot be fetched now" }),
    }
}

/// The bytes of the part of a mail. `raw` is the mail; `None` if it is not kept any more.
pub(super) async fn of_mail(raw: Option<Bytes>, medium: &MediumToFetch) -> Result<Bytes, FetchOutcome> {
    let Some(raw) = raw else { return Err(unavailable(GONE)) };
    let Some(part) = medium.provider_id.as_deref().and_then(|part| part.parse().ok()) else {
        return Err(unavailable(GONE));
    };
    // A mail of 60 MB is decoded, which takes a while.
    let cut = tokio::task::spawn_blocking(move || relevo_channels::email::attachment(&raw, part)).await;
    match cut {
        Ok(Some(bytes)) => Ok(Bytes::from(bytes)),
        Ok(None) => Err(unavailable(GONE)),
        Err(error) => {
            tracing::error!(%error, "part of a mail cannot be cut out");
            Err(unavailable(REFUSED))
        }
    }
}

/// Shows it to the scanner, tells its type, and stores it.
pub(super) async fn keep(
    parts: &MediaParts,
    tenant: &TenantId,
    medium: &MediumToFetch,
    bytes: Bytes,
) -> Result<FetchOutcome, Trouble> {
    if let Some(scanner) = &parts.scanner {
        match scanner.scan(bytes.clone()).await {
            Ok(Verdict::Clean) => {}
            Ok(Verdict::Infected) => return Ok(unavailable(INFECTED)),
            Err(error) => {
                tracing::warn!(%error, "file could not be scanned");
                return Err(Trouble::Scanner);
            }
        }
    }
    let (mime_type, size_bytes) = (sniff::sniff(&bytes, &medium.mime_type), bytes.len() as u64);
    match parts.blobs.put(tenant, bytes).await {
        Ok(sha256) => {
            let file_name = medium.file_name.clone();
            Ok(FetchOutcome::Stored(StoredFile { sha256, mime_type, size_bytes, file_name }))
        }
        Err(LogError::TooLarge { .. }) => Ok(unavailable(TOO_BIG)),
        Err(LogError::Full) => Err(Trouble::Ours { class: FailureClass::File, what: "no room for files" }),
        Err(LogError::Unavailable(_) | LogError::Refused(_) | LogError::Undecodable { .. }) => {
            Err(Trouble::Ours { class: FailureClass::Transient, what: "files cannot be stored" })
        }
    }
}

pub(super) fn unavailable(reason: &str) -> FetchOutcome {
    FetchOutcome::Unavailable { reason: reason.to_owned() }
}
