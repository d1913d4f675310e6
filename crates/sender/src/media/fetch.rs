//! One medium, from where it is to a stored file: its bytes, what they are, whether they are clean, and where they stay.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use bytes::Bytes;
use relevo_domain::conversation::{FailureClass, FetchOutcome, StoredFile};
use relevo_domain::{RawId, TenantId};
use relevo_eventlog::{BLOB_BYTES_MAX, LogError};
use relevo_providers::{Account, FetchFailure, MediumRef};
use tokio::time::timeout;

use super::scan::Verdict;
use super::{MediaParts, sniff};
use crate::delivery::MediumToFetch;

/// The reasons that stand on the log.
pub(super) const GONE: &str = "gone";
pub(super) const TOO_BIG: &str = "too_big";
pub(super) const INFECTED: &str = "infected";
pub(super) const REFUSED: &str = "refused";
/// How long a raw mail may take to arrive.
const RAW_WITHIN: Duration = Duration::from_secs(30);

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

/// The bytes of parts of a mail by their number; of all that are wanted at once, because finding one means decoding them all.
type MailParts = BTreeMap<usize, Bytes>;

/// Which part of its mail a medium is.
fn part_number(medium: &MediumToFetch) -> Option<usize> {
    medium.provider_id.as_deref()?.parse().ok()
}

/// The parts of a message's mail, or why they cannot be had.
pub(super) type Cut = Result<MailParts, CutFailure>;

/// Why nothing was cut out of a mail.
#[derive(Clone, Debug)]
pub(super) enum CutFailure {
    /// The mail is not kept any more, or cannot be taken apart.
    Final(&'static str),
    Trouble(Trouble),
}

/// Reads a message's mail and cuts these media out, if they are parts of one; the mail itself is not needed after that.
pub(super) async fn cut_mail(parts: &MediaParts, media: impl Iterator<Item = &MediumToFetch> + Clone) -> Option<Cut> {
    let of_mail = media.filter(|medium| medium.of_mail);
    let pointer = of_mail.clone().next()?.intake;
    let raw = match pointer {
        Some(pointer) => raw_mail(parts, pointer.raw()).await.map_err(CutFailure::Trouble),
        None => Ok(None),
    };
    match raw.and_then(|raw| raw.ok_or(CutFailure::Final(GONE))) {
        Ok(raw) => Some(cut(raw, of_mail).await.ok_or(CutFailure::Final(REFUSED))),
        Err(failure) => Some(Err(failure)),
    }
}

async fn raw_mail(parts: &MediaParts, id: RawId) -> Result<Option<Bytes>, Trouble> {
    let read = timeout(RAW_WITHIN, parts.mails.raw(id)).await;
    match read {
        Ok(Ok(raw)) => Ok(raw),
        // This one will not get better, and holds up no other.
        Ok(Err(error @ LogError::Undecodable { .. })) => {
            tracing::error!(%error, "raw mail cannot be read");
            Err(Trouble::Medium { what: "raw mail is damaged" })
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "raw mail cannot be read");
            Err(Trouble::Ours { class: FailureClass::Transient, what: "raw mail cannot be read" })
        }
        Err(_elapsed) => Err(Trouble::Ours { class: FailureClass::Transient, what: "raw mail does not arrive" }),
    }
}

/// Cuts these media out of their mail. `None`: it cannot be done, whatever the reason; it was logged.
async fn cut(raw: Bytes, media: impl Iterator<Item = &MediumToFetch>) -> Option<MailParts> {
    let wanted: BTreeSet<usize> = media.filter_map(part_number).collect();
    // A mail of 60 MB is decoded, which takes a while.
    let cut = tokio::task::spawn_blocking(move || relevo_channels::email::attachments(&raw, &wanted)).await;
    match cut {
        Ok(parts) => Some(parts.into_iter().map(|(number, bytes)| (number, Bytes::from(bytes))).collect()),
        Err(error) => {
            tracing::error!(%error, "parts of a mail cannot be cut out");
            None
        }
    }
}

/// The bytes of one part, which are needed once.
pub(super) fn of_mail(parts: &mut MailParts, medium: &MediumToFetch) -> Result<Bytes, FetchOutcome> {
    part_number(medium).and_then(|number| parts.remove(&number)).ok_or_else(|| unavailable(GONE))
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
