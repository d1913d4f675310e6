//! Where the bot is silent: paused conversations, the longest pause or the longest wait first.

use std::time::Duration;

use relevo_domain::conversation::PauseReason;
use relevo_domain::{AgentId, Caller, ChannelId, EntityId, TeamId, TenantId, Timestamp};
use relevo_projection::merged::Merged;
use relevo_projection::row::{ReadError, decode};
use relevo_readstore::Snapshot;

use super::{Cursor, Pause, read_agent, read_channel, read_pause, read_team, seen};
use crate::keys::{self, Order};
use crate::row::ListedRow;

/// The longest page, in conversations.
pub const LIMIT_MAX: usize = 200;
/// Pauses looked at for one page, at most. A page that finds too little in so many is short, or empty, and has a cursor.
pub const ROWS_EXAMINED_MAX: usize = 10_000;

/// Which pauses. All that is given must hold.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    /// `None`: any.
    pub reason: Option<PauseReason>,
    /// By Relevo or a bot (`true`), or by a person. `None`: either.
    pub automatic: Option<bool>,
    /// On any of these. Empty: on any.
    pub channels: &'a [ChannelId],
    /// Only pauses that are longer than this.
    pub longer_than: Option<Duration>,
    /// Only where the customer has waited for longer than this since the pause.
    pub waiting_longer_than: Option<Duration>,
    pub sort: Sort,
    /// Whose access applies.
    pub visible: &'a Caller,
    /// For the first page; the others are read for the time of the first.
    pub now: Timestamp,
    /// Where the page before ended.
    pub after: Option<&'a Cursor>,
    /// At least 1 and at most [`LIMIT_MAX`] is read as that.
    pub limit: usize,
}

/// In which order. Equal times by conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// The longest pause first.
    Since,
    /// Who has waited longest since the pause first; who does not wait comes last.
    Waiting,
}

/// A conversation whose bot is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    pub conversation: EntityId,
    pub channel: ChannelId,
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    pub pause: Pause,
    /// Since when the customer has waited for a person, counted from the pause on; `None` if nothing waits.
    pub waiting_since: Option<Timestamp>,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub rows: Vec<Paused>,
    /// Present if there may be more.
    pub next: Option<Cursor>,
}

/// A page of the conversations whose bot is paused, resolved ones included.
pub fn paused(snapshot: &Snapshot, tenant: &TenantId, query: &Query<'_>) -> Result<Page, ReadError> {
    let (limit, now) = (query.limit.clamp(1, LIMIT_MAX), query.after.map_or(query.now, |after| after.now));
    let latest = query.longer_than.map(|longer| (now - longer).as_millis());
    let waited = query.waiting_longer_than.map(|longer| now - longer);
    let order = match query.sort {
        Sort::Since => Order::Since,
        Sort::Waiting => Order::Waiting,
    };
    let prefix = keys::paused_prefix(tenant, order, query.reason.map_or("", PauseReason::as_str)).finish();
    let mut list = Merged::new(snapshot, [prefix], query.after.map(|after| after.place.as_slice()));
    let (mut rows, mut last, mut examined) = (Vec::new(), None, 0);
    while let Some(found) = list.next()? {
        examined += 1;
        let listed: ListedRow = decode("paused", &found.value)?;
        let long_enough = latest.is_none_or(|latest| listed.since < latest);
        if !long_enough && query.sort == Sort::Since {
            // All that follow are shorter.
            return Ok(Page { rows, next: None });
        }
        if long_enough && matches(query, &listed)? {
            let conversation = keys::read_conversation(&found.key)?;
            let row = one(snapshot, tenant, conversation, query.visible)?;
            let waits =
                |row: &Paused| waited.is_none_or(|waited| row.waiting_since.is_some_and(|since| since < waited));
            if row.as_ref().is_some_and(|row| !waits(row)) && query.sort == Sort::Waiting {
                // All that follow have waited less, or do not wait.
                return Ok(Page { rows, next: None });
            }
            if let Some(row) = row.filter(waits) {
                if rows.len() == limit {
                    // There is one more: the page ends at the one before.
                    return Ok(Page { rows, next: last });
                }
                rows.push(row);
                last = Some(Cursor { now, place: found.place() });
            }
        }
        if examined == ROWS_EXAMINED_MAX {
            return Ok(Page { rows, next: Some(Cursor { now, place: found.place() }) });
        }
    }
    Ok(Page { rows, next: None })
}

fn matches(query: &Query<'_>, listed: &ListedRow) -> Result<bool, ReadError> {
    let channel = read_channel(&listed.channel)?;
    let wanted = query.automatic.is_none_or(|automatic| automatic == listed.automatic)
        && (query.channels.is_empty() || query.channels.contains(&channel));
    let (agent, team) = (read_agent(&listed.agent)?, read_team(&listed.team)?);
    Ok(wanted && query.visible.sees(&channel, agent.as_ref(), team.as_ref()))
}

fn one(
    snapshot: &Snapshot,
    tenant: &TenantId,
    conversation: EntityId,
    visible: &Caller,
) -> Result<Option<Paused>, ReadError> {
    let Some(seen) = seen(snapshot, tenant, conversation, visible)? else { return Ok(None) };
    let waiting_since = seen.waiting_since();
    let pause = seen.row.pause.map(read_pause).transpose()?;
    let (channel, agent, team) = (seen.channel, seen.agent, seen.team);
    Ok(pause.map(|pause| Paused { conversation, channel, agent, team, pause, waiting_since }))
}
