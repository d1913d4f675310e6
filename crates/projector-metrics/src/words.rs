//! Words that people and providers choose and that figures are told apart by: kept as they are while they are few.
//!
//! Whatever a hostile provider or a careless tool writes, a tenant's figures stay as small as its real vocabulary. Which words
//! are kept is a matter of the log's order alone.

use relevo_domain::TenantId;
use relevo_domain::conversation::DeliveryStatus;
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::keys;
use crate::row::WordsRow;

/// What stands for a word beyond the limit.
const OTHER: &str = "other";

const CLOSE_REASONS: u8 = 1;
const STATUSES: u8 = 2;
/// Close reasons of a tenant: more than anybody chooses from.
const CLOSE_REASONS_MAX: u32 = 200;
/// Statuses of a tenant's providers beyond the ones that Relevo knows.
const STATUSES_MAX: u32 = 32;

/// The label of a close reason; empty for none.
pub(crate) fn close_reason(rows: &mut dyn Rows, tenant: &TenantId, reason: &str) -> Result<String, ApplyError> {
    if reason.is_empty() {
        return Ok(String::new());
    }
    word(rows, tenant, CLOSE_REASONS, CLOSE_REASONS_MAX, reason)
}

/// The label of a reported status.
pub(crate) fn status(rows: &mut dyn Rows, tenant: &TenantId, status: &DeliveryStatus) -> Result<String, ApplyError> {
    match status {
        DeliveryStatus::Other(invented) => word(rows, tenant, STATUSES, STATUSES_MAX, invented),
        DeliveryStatus::Queued
        | DeliveryStatus::Accepted
        | DeliveryStatus::Sent
        | DeliveryStatus::Delivered
        | DeliveryStatus::Read
        | DeliveryStatus::Played
        | DeliveryStatus::Failed
        | DeliveryStatus::Deleted
        | DeliveryStatus::Warning => Ok(status.as_str().to_owned()),
    }
}

fn word(rows: &mut dyn Rows, tenant: &TenantId, kind: u8, max: u32, word: &str) -> Result<String, ApplyError> {
    let key = keys::word(tenant, kind, word);
    if rows.get(&key)?.is_some() {
        return Ok(word.to_owned());
    }
    let count = keys::words(tenant, kind);
    let mut words: WordsRow = load(&*rows, "words", &count)?.unwrap_or_default();
    if words.known >= max {
        return Ok(OTHER.to_owned());
    }
    words.known += 1;
    store(rows, count, &words);
    rows.put(key, Vec::new());
    Ok(word.to_owned())
}
