//! Rows of the assignment view: protobuf messages whose fields are only ever added. Times are milliseconds since 1970; an empty
//! name means "none".

use prost::Message;
use relevo_projection::waiting::WaitingRow;

/// Bytes of the statuses in rows and keys. As everywhere: 1 open, 2 pending, 3 snoozed, 4 resolved.
pub(crate) const OPEN: u32 = 1;
pub(crate) const PENDING: u32 = 2;
pub(crate) const SNOOZED: u32 = 3;
pub(crate) const RESOLVED: u32 = 4;

/// Whose a conversation is, and what its places in lists depend on.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CurrentRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    #[prost(uint32, tag = "2")]
    pub(crate) status: u32,
    /// The last assignment, also one that took it from everybody. Absent until the first one.
    #[prost(message, optional, tag = "3")]
    pub(crate) assignment: Option<AssignmentRow>,
    #[prost(uint64, tag = "4")]
    pub(crate) version: u64,
    /// Of a snoozed one: until when; absent for "until the customer writes".
    #[prost(sint64, optional, tag = "5")]
    pub(crate) until: Option<i64>,
    /// 0 none to 4 urgent.
    #[prost(uint32, tag = "6")]
    pub(crate) priority: u32,
    /// Since when no agent has it, counted anew when it is reopened; never before status, team or agent changed last. Means
    /// nothing while an agent has it.
    #[prost(sint64, tag = "7")]
    pub(crate) without_agent_since: i64,
    #[prost(message, optional, tag = "8")]
    pub(crate) waiting: Option<WaitingRow>,
    /// When status, team or agent changed last. Goes on, never back, whatever a provider says when something happened.
    #[prost(sint64, tag = "9")]
    pub(crate) changed_at: i64,
}

/// An assignment.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct AssignmentRow {
    #[prost(string, tag = "1")]
    pub(crate) agent: String,
    #[prost(string, tag = "2")]
    pub(crate) team: String,
    #[prost(sint64, tag = "3")]
    pub(crate) at: i64,
    /// The agent took it; else somebody decided it.
    #[prost(bool, tag = "4")]
    pub(crate) claimed: bool,
    /// As `Actor::to_word` writes it.
    #[prost(string, tag = "5")]
    pub(crate) by: String,
}

/// One assignment and whom it came from.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct HistoryRow {
    #[prost(message, optional, tag = "1")]
    pub(crate) to: Option<AssignmentRow>,
    #[prost(string, tag = "2")]
    pub(crate) from_agent: String,
    #[prost(string, tag = "3")]
    pub(crate) from_team: String,
}

/// What a list must know of a conversation to leave it out without reading its row.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ListedRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    #[prost(string, tag = "2")]
    pub(crate) agent: String,
    #[prost(string, tag = "3")]
    pub(crate) team: String,
    /// Of a snoozed one, as in [`CurrentRow`].
    #[prost(sint64, optional, tag = "4")]
    pub(crate) until: Option<i64>,
    #[prost(sint64, tag = "5")]
    pub(crate) since: i64,
}

/// How many conversations, by status as stored: a snoozed one whose time has come is still snoozed here.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct LoadRow {
    #[prost(uint64, tag = "1")]
    pub(crate) open: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) pending: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) snoozed: u64,
}

/// How many snoozes of a cell end within one hour.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct HourRow {
    #[prost(uint64, tag = "1")]
    pub(crate) snoozed: u64,
}
