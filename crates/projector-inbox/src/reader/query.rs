//! What can be asked of the inbox: tabs, filters, sorts, and the cursor that names a place in a sorted list.

use relevo_domain::conversation::{Medium, Priority};
use relevo_domain::{AgentId, Caller, ChannelId, EntityId, TagId, TeamId, Timestamp};

use super::{Conversation, Status};

/// The longest page, in conversations: what a person scrolls through, and well below the largest answer.
pub const LIST_LIMIT_MAX: usize = 200;
/// Characters of a search that are looked at: longer than any name or address that people type. The rest is ignored.
pub const SEARCH_CHARS_MAX: usize = 200;

/// Which conversations. Values of one filter: any of them; an empty one filters nothing. Filters combine: all of them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Filter {
    pub tab: Tab,
    /// Empty: open and pending. A snoozed conversation that is due counts as open.
    pub statuses: Vec<Status>,
    /// `None`: whatever the bot does.
    pub bot: Option<BotFilter>,
    pub media: Vec<Medium>,
    pub channels: Vec<ChannelId>,
    /// A tag that the workspace does not have is no conversation's.
    pub tags: Vec<TagId>,
    pub agents: Vec<AgentId>,
    pub teams: Vec<TeamId>,
    pub priorities: Vec<Priority>,
    /// Only those with unread messages.
    pub unread: bool,
    /// Only those of which what the business sent last failed, or nobody knows.
    pub problem: bool,
    /// Only those whose customer has waited since this time or longer.
    pub waiting_since_before: Option<Timestamp>,
    /// Words of names, addresses and numbers of the contact, its customer record, and the contacts that are the same person:
    /// each word must begin one. Blank: no filter. Without a letter or digit: nothing matches.
    pub search: Option<String>,
}

/// Which part of the inbox.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Tab {
    /// Everything that the caller may see.
    #[default]
    All,
    /// What this agent has.
    Mine(AgentId),
    /// What no agent has; a team may have it.
    Unassigned,
}

/// Which state of the bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BotFilter {
    Active,
    Paused,
}

/// The order of a list. Of equals the one with the latest message comes first, then the lower id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Sort {
    /// The latest message first.
    #[default]
    LastActivity,
    /// Who waits longest first; who does not wait comes last.
    Waiting,
    /// Urgent first.
    Priority,
}

/// One page.
#[derive(Clone, Debug)]
pub struct ListQuery<'a> {
    pub filter: &'a Filter,
    pub sort: Sort,
    /// Whose access applies.
    pub visible: &'a Caller,
    /// Decides what is due. The same for all pages of one list.
    pub now: Timestamp,
    /// Where the page before ended; of a list with the same sort.
    pub after: Option<Cursor>,
    /// At least 1 and at most [`LIST_LIMIT_MAX`] is read as that.
    pub limit: usize,
}

/// A place in a list; its order is the order of the list that it was made for. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    /// What the list is sorted by, so that a lower number comes first.
    pub rank: i64,
    /// The last activity, inverted: of equals the latest comes first.
    pub recency: i64,
    pub conversation: EntityId,
}

impl Cursor {
    /// The place of a row that a reader has got already, in a list with this sort: what the columns say of it.
    pub fn of(sort: Sort, row: &Conversation) -> Self {
        let rank = match sort {
            Sort::LastActivity => 0,
            Sort::Waiting => row.waiting_since.map_or(i64::MAX, Timestamp::as_millis),
            Sort::Priority => -i64::from(row.priority as u8),
        };
        // `!` turns the order around and, unlike `-`, has no overflow.
        Self { rank, recency: !row.last_activity.as_millis(), conversation: row.conversation }
    }
}
