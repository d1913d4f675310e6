//! Pages of one conversation's thread, in both directions, and what changed at its end.

use std::ops::ControlFlow;

use relevo_domain::{Caller, EntityId, MessageId, TenantId, Timestamp};
use relevo_projection::{RowSource, row};
use relevo_readstore::{Direction, KeyRange};

use super::{ReadError, bad, load, visible_row};
use crate::keys;
use crate::row::{Entry, PlaceRow, ThreadRow};

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
    /// Sequence of the commit that changed this entry last: a report or an edit comes after the message.
    pub changed: u64,
    pub entry: Entry,
}

/// Part of a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadPage {
    pub entries: Vec<ThreadEntry>,
    /// Present if there is more.
    pub next: Option<ThreadCursor>,
}

/// What is new at the end of a thread.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreadChanges {
    /// Every entry of the window, oldest first. An entry that was there before and is not any more has moved out at the front,
    /// or became part of the message that it was about.
    pub window: Vec<ThreadCursor>,
    /// Those of them that changed, oldest first.
    pub entries: Vec<ThreadEntry>,
}

/// A page of a conversation's thread, in the order of the log; `None` if there is no such conversation for the caller.
/// `limit` is read as at least 1 and at most [`THREAD_LIMIT_MAX`].
pub fn thread(
    source: &dyn RowSource,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    after: Option<ThreadCursor>,
    limit: usize,
) -> Result<Option<ThreadPage>, ReadError> {
    if visible_row(source, tenant, conversation, visible)?.is_none() {
        return Ok(None);
    }
    let mut range = KeyRange::prefix(keys::thread_prefix(tenant, conversation));
    if let Some(after) = after {
        range = range.after(&keys::thread(tenant, conversation, after.sequence, after.ordinal));
    }
    let mut page = page(source, &range, Direction::Forward, limit)?;
    name_quoted(source, tenant, conversation, &mut page.entries)?;
    Ok(Some(page))
}

/// The same backwards: what came before `before`, or the end of the thread, the newest entry first.
pub fn thread_before(
    source: &dyn RowSource,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    before: Option<ThreadCursor>,
    limit: usize,
) -> Result<Option<ThreadPage>, ReadError> {
    if visible_row(source, tenant, conversation, visible)?.is_none() {
        return Ok(None);
    }
    let mut range = KeyRange::prefix(keys::thread_prefix(tenant, conversation));
    if let Some(before) = before {
        range.end = Some(keys::thread(tenant, conversation, before.sequence, before.ordinal));
    }
    let mut page = page(source, &range, Direction::Reverse, limit)?;
    name_quoted(source, tenant, conversation, &mut page.entries)?;
    Ok(Some(page))
}

/// One message of a conversation's thread; `None` if there is no such message, or no such conversation for the caller.
pub fn thread_message(
    source: &dyn RowSource,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    message: MessageId,
) -> Result<Option<ThreadEntry>, ReadError> {
    if visible_row(source, tenant, conversation, visible)?.is_none() {
        return Ok(None);
    }
    let place: Option<PlaceRow> = load(source, "message", &keys::message(tenant, conversation, message))?;
    let Some(spot) = place.and_then(|place| place.known) else { return Ok(None) };
    let key = keys::thread(tenant, conversation, spot.sequence, spot.ordinal);
    source.get(&key)?.map(|value| read_entry(&key, &value)).transpose()
}

fn page(source: &dyn RowSource, range: &KeyRange, direction: Direction, limit: usize) -> Result<ThreadPage, ReadError> {
    let limit = limit.clamp(1, THREAD_LIMIT_MAX);
    let (mut entries, mut bytes, mut more) = (Vec::new(), 0, false);
    let mut outcome = Ok(());
    source.visit(range, direction, &mut |key, value| {
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
    })?;
    outcome?;
    let next = entries.last().filter(|_| more).map(|entry: &ThreadEntry| entry.place);
    Ok(ThreadPage { entries, next })
}

/// Which of the last `window` entries of a thread were written or changed by a commit after `after`; all of them after 0.
/// `None` if there is no such conversation for the caller. `window` is read as at least 1 and at most [`THREAD_LIMIT_MAX`];
/// it is cut at its old end where its entries would pass [`THREAD_PAGE_BYTES_MAX`].
pub fn thread_changed_since(
    source: &dyn RowSource,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
    after: u64,
    window: usize,
) -> Result<Option<ThreadChanges>, ReadError> {
    if visible_row(source, tenant, conversation, visible)?.is_none() {
        return Ok(None);
    }
    let limit = window.clamp(1, THREAD_LIMIT_MAX);
    let range = KeyRange::prefix(keys::thread_prefix(tenant, conversation));
    let (mut found, mut bytes, mut outcome) = (ThreadChanges { window: Vec::new(), entries: Vec::new() }, 0, Ok(()));
    source.visit(&range, Direction::Reverse, &mut |key, value| {
        bytes += value.len();
        if found.window.len() == limit || (bytes > THREAD_PAGE_BYTES_MAX && !found.window.is_empty()) {
            return ControlFlow::Break(());
        }
        match read_entry(key, value) {
            Ok(entry) => {
                found.window.push(entry.place);
                found.entries.extend(Some(entry).filter(|entry| entry.changed > after));
                ControlFlow::Continue(())
            }
            Err(error) => {
                outcome = Err(error);
                ControlFlow::Break(())
            }
        }
    })?;
    outcome?;
    name_quoted(source, tenant, conversation, &mut found.entries)?;
    found.window.reverse();
    found.entries.reverse();
    Ok(Some(found))
}

/// Whoever quotes a message of ours names it as the provider does. That name may have come later than the quotation, so it is
/// looked up when it is read.
fn name_quoted(
    source: &dyn RowSource,
    tenant: &TenantId,
    conversation: EntityId,
    entries: &mut [ThreadEntry],
) -> Result<(), ReadError> {
    for entry in entries {
        let Entry::Message(message) = &mut entry.entry else { continue };
        let Ok(quoted) = <[u8; 16]>::try_from(message.reply_to.as_slice()) else { continue };
        let key = keys::message(tenant, conversation, MessageId::new(quoted));
        let place: Option<PlaceRow> = load(source, "message", &key)?;
        if let Some(place) = place.filter(|place| !place.alias_of.is_empty()) {
            message.reply_to = place.alias_of;
        }
    }
    Ok(())
}

fn read_entry(key: &[u8], value: &[u8]) -> Result<ThreadEntry, ReadError> {
    let (sequence, ordinal) = keys::read_thread(key)?;
    let row: ThreadRow = row::decode("thread", value)?;
    let mut entry = row.entry.ok_or_else(|| bad("thread entry"))?;
    if let Entry::Message(message) = &mut entry {
        // What was taken back is kept for the writer only.
        message.reactions.retain(|reaction| !reaction.emoji.is_empty());
    }
    let place = ThreadCursor { sequence, ordinal };
    let occurred_at = Timestamp::from_millis(row.occurred_at);
    Ok(ThreadEntry { place, occurred_at, changed: row.changed, entry })
}
