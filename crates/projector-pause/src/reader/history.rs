//! Everything that happened to the bot of one conversation.

use std::time::Duration;

use relevo_domain::{Actor, Caller, EntityId, TenantId, Timestamp};
use relevo_projection::merged::Merged;
use relevo_projection::row::{ReadError, bad, decode};
use relevo_readstore::{Direction, KeyRange, Snapshot};

use super::{Cursor, Pause, read_actor, read_note, read_pause, seen};
use crate::keys;
use crate::row::{HistoryRow, ResumedRow};

/// The longest page of a history, in entries.
pub const HISTORY_LIMIT_MAX: usize = 200;

/// A pause or a resumption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryEntry {
    Paused(Pause),
    /// The terms of the pause were changed to these: `by`, `since`, `note` and `automatic` are the change's.
    Changed(Pause),
    Resumed {
        by: Actor,
        at: Timestamp,
        /// How long the bot had been silent, over pauses that replaced each other.
        paused_for: Duration,
        /// Personal data.
        note: Option<String>,
    },
}

/// Part of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// In the order of the log.
    pub entries: Vec<HistoryEntry>,
    /// Present if there are more.
    pub next: Option<Cursor>,
}

/// Pauses and resumptions of one conversation, oldest first; `None` if there is no such conversation for the caller.
pub fn history(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    after: Option<&Cursor>,
    limit: usize,
) -> Result<Option<HistoryPage>, ReadError> {
    if seen(snapshot, tenant, conversation, visible)?.is_none() {
        return Ok(None);
    }
    let limit = limit.clamp(1, HISTORY_LIMIT_MAX);
    let prefix = keys::history_prefix(tenant, conversation).finish();
    let mut list = Merged::new(snapshot, [prefix], after.map(|after| after.place.as_slice()));
    let (mut entries, mut last) = (Vec::new(), None);
    while let Some(found) = list.next()? {
        if entries.len() == limit {
            return Ok(Some(HistoryPage { entries, next: last }));
        }
        entries.push(entry(&found.value)?);
        last = Some(Cursor { now: Timestamp::default(), place: found.place() });
    }
    Ok(Some(HistoryPage { entries, next: None }))
}

/// The last entries, oldest first.
pub(super) fn latest(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
) -> Result<Vec<HistoryEntry>, ReadError> {
    let range = KeyRange::prefix(keys::history_prefix(tenant, conversation));
    let entries = snapshot.scan(&range, Direction::Reverse, HISTORY_LIMIT_MAX)?;
    entries.iter().rev().map(|(_, value)| entry(value)).collect()
}

fn entry(value: &[u8]) -> Result<HistoryEntry, ReadError> {
    let row: HistoryRow = decode("history", value)?;
    match (row.paused, row.resumed) {
        (Some(paused), None) if row.changed => read_pause(paused).map(HistoryEntry::Changed),
        (Some(paused), None) => read_pause(paused).map(HistoryEntry::Paused),
        (None, Some(ResumedRow { by, at, note, silent_since })) => {
            let at = Timestamp::from_millis(at);
            let paused_for = at.since(Timestamp::from_millis(silent_since));
            Ok(HistoryEntry::Resumed { by: read_actor(&by)?, at, paused_for, note: read_note(note) })
        }
        (Some(_), Some(_)) | (None, None) => Err(bad("history entry")),
    }
}
