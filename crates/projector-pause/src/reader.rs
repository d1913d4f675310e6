//! Reads the pause view: what callers see, with their access applied and every limit enforced.
//!
//! All functions work on one snapshot. What a caller may not see does not exist for them, and is not counted.

use std::collections::BTreeMap;

use relevo_domain::conversation::PauseReason;
use relevo_domain::{Actor, AgentId, Caller, ChannelId, EntityId, EntityKind, TeamId, TenantId, Timestamp};
use relevo_readstore::{Direction, KeyError, KeyRange, Snapshot, StoreError};

use crate::keys;
use crate::row::{CountRow, CurrentRow, HistoryRow, PauseRow, ResumedRow, decode};

/// The longest page, in conversations.
pub const LIMIT_MAX: usize = 200;
/// Pauses looked at for one page, at most. A page that finds too little in so many is short, or empty, and has a cursor.
pub const ROWS_EXAMINED_MAX: usize = 10_000;
/// Index entries read at once.
const CHUNK: usize = 256;
/// The longest history of one conversation, in entries: the latest.
pub const HISTORY_LIMIT_MAX: usize = 200;
/// Combinations of reason, channel, agent and team that are added up for counts: far more than a configuration has.
pub const COUNT_ROWS_MAX: usize = 100_000;

/// Why the view could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("pause view cannot be read")]
    Store(#[source] StoreError),
    /// A row is not what this version writes. Names the table, never the content.
    #[error("pause view holds a row that cannot be read: {0}")]
    BadRow(String),
}

/// Which pauses.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// `None`: any.
    pub reason: Option<PauseReason>,
    /// Whose access applies.
    pub visible: &'a Caller,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// At least 1 and at most [`LIMIT_MAX`] is read as that.
    pub limit: usize,
}

/// The last pause that was looked at. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub since: Timestamp,
    pub conversation: EntityId,
}

/// A pause that stands, or stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub reason: PauseReason,
    pub automatic: bool,
    pub by: Actor,
    pub since: Timestamp,
    /// Personal data.
    pub note: Option<String>,
}

/// A conversation whose bot is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    pub conversation: EntityId,
    pub channel: ChannelId,
    pub pause: Pause,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub rows: Vec<Paused>,
    /// Present if there may be more.
    pub next: Option<Cursor>,
}

/// The bot in one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseState {
    pub channel: ChannelId,
    /// `None`: the bot is active.
    pub pause: Option<Pause>,
    /// Oldest first; the last [`HISTORY_LIMIT_MAX`].
    pub history: Vec<HistoryEntry>,
}

/// A pause or a resumption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HistoryEntry {
    Paused(Pause),
    Resumed {
        by: Actor,
        at: Timestamp,
        /// Personal data.
        note: Option<String>,
    },
}

/// How many conversations are paused for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonCount {
    pub reason: PauseReason,
    /// By a person.
    pub manual: u64,
    /// By Relevo or a bot.
    pub automatic: u64,
}

/// A page of the conversations whose bot is paused, the longest pause first, resolved ones included; equal times by
/// conversation.
pub fn paused(snapshot: &Snapshot, tenant: &TenantId, query: &Query<'_>) -> Result<Page, ReadError> {
    let limit = query.limit.clamp(1, LIMIT_MAX);
    let reason = query.reason.map_or("", PauseReason::as_str);
    let mut rest = KeyRange::prefix(keys::paused_prefix(tenant, reason));
    if let Some(after) = query.after {
        rest = rest.after(&keys::paused(tenant, reason, after.since.as_millis(), after.conversation));
    }
    let (mut rows, mut examined) = (Vec::new(), 0);
    loop {
        let entries = snapshot.scan(&rest, Direction::Forward, CHUNK).map_err(ReadError::Store)?;
        let exhausted = entries.len() < CHUNK;
        for (key, _) in &entries {
            let (since, conversation) = keys::read_paused(key).map_err(bad_key)?;
            examined += 1;
            if let Some(found) = paused_one(snapshot, tenant, conversation, query.visible)? {
                if rows.len() == limit {
                    // There is one more: the page ends at the one before.
                    return Ok(Page { next: rows.last().map(cursor_of), rows });
                }
                rows.push(found);
            }
            if examined == ROWS_EXAMINED_MAX {
                let next = Some(Cursor { since: Timestamp::from_millis(since), conversation });
                return Ok(Page { rows, next });
            }
        }
        match entries.last() {
            Some((last, _)) if !exhausted => rest = rest.after(last),
            Some(_) | None => return Ok(Page { rows, next: None }),
        }
    }
}

fn cursor_of(row: &Paused) -> Cursor {
    Cursor { since: row.pause.since, conversation: row.conversation }
}

fn paused_one(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<Paused>, ReadError> {
    let Some((channel, row)) = visible_row(snapshot, tenant, conversation, visible)? else { return Ok(None) };
    let pause = row.pause.map(read_pause).transpose()?;
    Ok(pause.map(|pause| Paused { conversation, channel, pause }))
}

/// The bot in one conversation and what happened to it; `None` if there is no such conversation for the caller.
pub fn pause(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<PauseState>, ReadError> {
    let Some((channel, row)) = visible_row(snapshot, tenant, conversation, visible)? else { return Ok(None) };
    let range = KeyRange::prefix(keys::history_prefix(tenant, conversation));
    let entries = snapshot.scan(&range, Direction::Reverse, HISTORY_LIMIT_MAX).map_err(ReadError::Store)?;
    let history = entries.iter().rev().map(|(_, value)| read_history(value)).collect::<Result<_, _>>()?;
    Ok(Some(PauseState { channel, pause: row.pause.map(read_pause).transpose()?, history }))
}

/// How many of the conversations that the caller may see are paused now, by reason, in the order of the reasons; reasons
/// without one are left out.
pub fn counts(snapshot: &Snapshot, tenant: &TenantId, visible: &Caller) -> Result<Vec<ReasonCount>, ReadError> {
    if visible.tenant != *tenant {
        return Ok(Vec::new());
    }
    let range = KeyRange::prefix(keys::count_prefix(tenant));
    let entries = snapshot.scan(&range, Direction::Forward, COUNT_ROWS_MAX).map_err(ReadError::Store)?;
    let mut found: BTreeMap<PauseReason, ReasonCount> = BTreeMap::new();
    for (key, value) in entries {
        let counted = keys::read_count(&key).map_err(bad_key)?;
        let row: CountRow = decode("count", &value).map_err(ReadError::BadRow)?;
        let channel = ChannelId::new(counted.channel).map_err(|_name| bad("channel"))?;
        if !visible.sees(&channel, read_agent(&counted.agent)?.as_ref(), read_team(&counted.team)?.as_ref()) {
            continue;
        }
        let reason = PauseReason::parse(&counted.reason).ok_or_else(|| bad("pause reason"))?;
        let count = found.entry(reason).or_insert(ReasonCount { reason, manual: 0, automatic: 0 });
        if counted.automatic {
            count.automatic += row.paused;
        } else {
            count.manual += row.paused;
        }
    }
    Ok(found.into_values().collect())
}

fn visible_row(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<(ChannelId, CurrentRow)>, ReadError> {
    if visible.tenant != *tenant || conversation.kind() != EntityKind::Conversation {
        return Ok(None);
    }
    let stored = snapshot.get(&keys::current(tenant, conversation)).map_err(ReadError::Store)?;
    let Some(bytes) = stored else { return Ok(None) };
    let row: CurrentRow = decode("current", &bytes).map_err(ReadError::BadRow)?;
    let channel = ChannelId::new(row.channel.as_str()).map_err(|_name| bad("channel"))?;
    let (agent, team) = (read_agent(&row.agent)?, read_team(&row.team)?);
    Ok(visible.sees(&channel, agent.as_ref(), team.as_ref()).then_some((channel, row)))
}

fn read_pause(row: PauseRow) -> Result<Pause, ReadError> {
    Ok(Pause {
        reason: PauseReason::parse(&row.reason).ok_or_else(|| bad("pause reason"))?,
        automatic: row.automatic,
        by: Actor::from_word(&row.by).ok_or_else(|| bad("actor"))?,
        since: Timestamp::from_millis(row.since),
        note: read_note(row.note),
    })
}

fn read_history(value: &[u8]) -> Result<HistoryEntry, ReadError> {
    let row: HistoryRow = decode("history", value).map_err(ReadError::BadRow)?;
    match (row.paused, row.resumed) {
        (Some(paused), None) => read_pause(paused).map(HistoryEntry::Paused),
        (None, Some(ResumedRow { by, at, note })) => Ok(HistoryEntry::Resumed {
            by: Actor::from_word(&by).ok_or_else(|| bad("actor"))?,
            at: Timestamp::from_millis(at),
            note: read_note(note),
        }),
        (Some(_), Some(_)) | (None, None) => Err(bad("history entry")),
    }
}

fn read_note(note: String) -> Option<String> {
    Some(note).filter(|note| !note.is_empty())
}

fn read_agent(name: &str) -> Result<Option<AgentId>, ReadError> {
    Some(name).filter(|name| !name.is_empty()).map(AgentId::new).transpose().map_err(|_name| bad("agent"))
}

fn read_team(name: &str) -> Result<Option<TeamId>, ReadError> {
    Some(name).filter(|name| !name.is_empty()).map(TeamId::new).transpose().map_err(|_name| bad("team"))
}

fn bad(field: &str) -> ReadError {
    ReadError::BadRow(format!("{field} is not one"))
}

fn bad_key(error: KeyError) -> ReadError {
    ReadError::BadRow(error.to_string())
}
