//! Pages of conversations, the one with the latest message first.

use std::collections::VecDeque;

use relevo_domain::{AgentId, Caller, EntityId, TenantId, Timestamp};
use relevo_readstore::{Direction, KeyRange, Snapshot};

use super::{Conversation, ReadError, Status, bad_key, read_conversation, visible_row};
use crate::keys::{self, Facet};
use crate::row::ConversationRow;

/// The longest page, in conversations: what a person scrolls through, and well below the largest answer.
pub const LIST_LIMIT_MAX: usize = 200;
/// Conversations looked at for one page, at most. A page that finds too little in so many is short, or empty, and has a cursor:
/// an agent who may see one conversation of a million does not hold the store up.
pub const LIST_ROWS_EXAMINED_MAX: usize = 10_000;
/// Index entries read at once of one status.
const CHUNK: usize = 64;

/// Which conversations.
#[derive(Clone, Debug)]
pub struct ListQuery<'a> {
    /// Empty: open ones.
    pub statuses: Vec<Status>,
    /// `None`: whatever the bot does.
    pub bot: Option<BotFilter>,
    pub tab: Tab,
    /// Whose access applies.
    pub visible: &'a Caller,
    /// Where the page before ended.
    pub after: Option<Cursor>,
    /// At least 1 and at most [`LIST_LIMIT_MAX`] is read as that.
    pub limit: usize,
}

/// Which state of the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BotFilter {
    Active,
    Paused,
}

/// Which part of the inbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tab {
    /// Everything that the caller may see.
    All,
    /// What this agent has.
    Mine(AgentId),
    /// What no agent has; a team may have it.
    Unassigned,
}

/// The last conversation that was looked at. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub last_activity: Timestamp,
    pub conversation: EntityId,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    pub rows: Vec<Conversation>,
    /// Present if there may be more.
    pub next: Option<Cursor>,
}

/// A page of the conversations that the caller may see. Equal times are ordered by conversation.
pub fn list(snapshot: &Snapshot, tenant: &TenantId, query: &ListQuery<'_>) -> Result<Page, ReadError> {
    let limit = query.limit.clamp(1, LIST_LIMIT_MAX);
    let mut walk = Walk::new(tenant, query);
    let mut found: Vec<(Cursor, ConversationRow)> = Vec::new();
    let mut last_examined = None;
    for _ in 0..LIST_ROWS_EXAMINED_MAX {
        // One more than asked for is looked up, so that a page without a successor has no cursor.
        let Some(cursor) = walk.next(snapshot).transpose()?.filter(|_| found.len() <= limit) else {
            last_examined = None;
            break;
        };
        last_examined = Some(cursor);
        if let Some(row) = visible_row(snapshot, tenant, cursor.conversation, query.visible)?
            && query.wants(&row)
        {
            found.push((cursor, row));
        }
    }
    let next = if found.len() > limit { found.get(limit - 1).map(|(cursor, _)| *cursor) } else { last_examined };
    found.truncate(limit);
    let rows = found.into_iter().map(|(cursor, row)| read_conversation(snapshot, tenant, cursor.conversation, row));
    Ok(Page { rows: rows.collect::<Result<_, _>>()?, next })
}

impl ListQuery<'_> {
    fn wants(&self, row: &ConversationRow) -> bool {
        match self.bot {
            None => true,
            Some(BotFilter::Active) => row.pause.is_none(),
            Some(BotFilter::Paused) => row.pause.is_some(),
        }
    }
}

/// Walks the lists of several statuses as if they were one.
struct Walk {
    lanes: Vec<Lane>,
}

/// The list of one status.
struct Lane {
    rest: KeyRange,
    ahead: VecDeque<Cursor>,
    exhausted: bool,
}

impl Walk {
    fn new(tenant: &TenantId, query: &ListQuery<'_>) -> Self {
        let facet = match &query.tab {
            Tab::All => Facet::All,
            Tab::Mine(agent) => Facet::Agent(agent.as_str()),
            Tab::Unassigned => Facet::Unassigned,
        };
        let mut statuses = query.statuses.clone();
        if statuses.is_empty() {
            statuses.push(Status::Open);
        }
        statuses.sort_unstable();
        statuses.dedup();
        let lane = |status: Status| {
            // Statuses are a handful of small numbers.
            let status = status.number() as u8;
            let rest = KeyRange::prefix(keys::list_prefix(tenant, facet, status));
            let rest = match query.after {
                Some(after) => {
                    let seen = keys::list(tenant, facet, status, after.last_activity.as_millis(), after.conversation);
                    rest.after(&seen)
                }
                None => rest,
            };
            Lane { rest, ahead: VecDeque::new(), exhausted: false }
        };
        Self { lanes: statuses.into_iter().map(lane).collect() }
    }

    fn next(&mut self, snapshot: &Snapshot) -> Option<Result<Cursor, ReadError>> {
        for lane in &mut self.lanes {
            if let Err(error) = lane.refill(snapshot) {
                return Some(Err(error));
            }
        }
        let first = self.lanes.iter_mut().filter(|lane| !lane.ahead.is_empty()).min_by_key(|lane| {
            lane.ahead.front().map(|cursor| (std::cmp::Reverse(cursor.last_activity), cursor.conversation))
        })?;
        first.ahead.pop_front().map(Ok)
    }
}

impl Lane {
    fn refill(&mut self, snapshot: &Snapshot) -> Result<(), ReadError> {
        if self.exhausted || !self.ahead.is_empty() {
            return Ok(());
        }
        let entries = snapshot.scan(&self.rest, Direction::Forward, CHUNK).map_err(ReadError::Store)?;
        self.exhausted = entries.len() < CHUNK;
        if let Some((last, _)) = entries.last() {
            self.rest = self.rest.clone().after(last);
        }
        for (key, _) in entries {
            let (activity, conversation) = keys::read_list(&key).map_err(bad_key)?;
            self.ahead.push_back(Cursor { last_activity: Timestamp::from_millis(activity), conversation });
        }
        Ok(())
    }
}
