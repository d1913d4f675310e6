//! Pages of one conversation's thread, oldest first.

use std::ops::ControlFlow;

use relevo_domain::{Caller, EntityId, TenantId, Timestamp};
use relevo_readstore::{Direction, KeyRange, Snapshot};

use super::{ReadError, bad, bad_key, visible_row};
use crate::keys;
use crate::row::{Entry, ThreadRow, decode};

/// The longest page, in entries.
pub const THREAD_LIMIT_MAX: usize = 200;
/// The largest page, in stored bytes: half of what a gRPC client accepts by default. A page ends early rather than pass it;
/// it has one entry at least.
pub const THREAD_PAGE_BYTES_MAX: usize = 2 << 20;

/// The last entry of a page. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ThreadCursor {
    pub sequence: u64,
    pub ordinal: u32,
}

/// One entry of a thread. Contains personal data.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadEntry {
    pub place: ThreadCursor,
    pub occurred_at: Timestamp,
    pub entry: Entry,
}

/// Part of a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadPage {
    pub entries: Vec<ThreadEntry>,
    /// Present if there is more.
    pub next: Option<ThreadCursor>,
}

/// A page of a conversation's thread, in the order of the log; `None` if there is no such conversation for the caller.
/// `limit` is read as at least 1 and at most [`THREAD_LIMIT_MAX`].
pub fn thread(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    after: Option<ThreadCursor>,
    limit: usize,
) -> Result<Option<ThreadPage>, ReadError> {
    if visible_row(snapshot, tenant, conversation, visible)?.is_none() {
        return Ok(None);
    }
    let limit = limit.clamp(1, THREAD_LIMIT_MAX);
    let mut range = KeyRange::prefix(keys::thread_prefix(tenant, conversation));
    if let Some(after) = after {
        range = range.after(&keys::thread(tenant, conversation, after.sequence, after.ordinal));
    }
    let (mut entries, mut bytes, mut more) = (Vec::new(), 0, false);
    let mut outcome = Ok(());
    let visited = snapshot.for_each(&range, Direction::Forward, |key, value| {
        bytes += value.len();
        more = entries.len() == limit || (bytes > THREAD_PAGE_BYTES_MAX && !entries.is_empty());
        if more {
            return ControlFlow::Break(());
        }
        match read_entry(key, value) {
            Ok(entry) => entries.push(entry),
            Err(error) => outcome = Err(error),
        }
        if outcome.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    visited.map_err(ReadError::Store)?;
    outcome?;
    let next = entries.last().filter(|_| more).map(|entry: &ThreadEntry| entry.place);
    Ok(Some(ThreadPage { entries, next }))
}

fn read_entry(key: &[u8], value: &[u8]) -> Result<ThreadEntry, ReadError> {
    let (sequence, ordinal) = keys::read_thread(key).map_err(bad_key)?;
    let row: ThreadRow = decode("thread", value).map_err(ReadError::BadRow)?;
    let mut entry = row.entry.ok_or_else(|| bad("thread entry"))?;
    if let Entry::Message(message) = &mut entry {
        // What was taken back is kept for the writer only.
        message.reactions.retain(|reaction| !reaction.emoji.is_empty());
    }
    let place = ThreadCursor { sequence, ordinal };
    Ok(ThreadEntry { place, occurred_at: Timestamp::from_millis(row.occurred_at), entry })
}
