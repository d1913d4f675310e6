//! Rows of the pause view: protobuf messages whose fields are only ever added. Times are milliseconds since 1970; an empty name
//! means "none".

use prost::Message;
use relevo_domain::bulk::Counts;
use relevo_projection::waiting::WaitingRow;

/// The bot in one conversation, and what access depends on.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct CurrentRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    #[prost(string, tag = "2")]
    pub(crate) agent: String,
    #[prost(string, tag = "3")]
    pub(crate) team: String,
    /// Absent while the bot is active.
    #[prost(message, optional, tag = "4")]
    pub(crate) pause: Option<PauseRow>,
    #[prost(uint64, tag = "5")]
    pub(crate) version: u64,
    /// Since when the bot has been silent without a break, over pauses that replaced each other. Present while it is.
    #[prost(sint64, optional, tag = "6")]
    pub(crate) silent_since: Option<i64>,
    #[prost(message, optional, tag = "7")]
    pub(crate) waiting: Option<WaitingRow>,
    /// What the pause that follows in the same commit is for.
    #[prost(message, optional, tag = "8")]
    pub(crate) detected: Option<DetectedRow>,
    /// Suggestions that nobody has answered, the oldest first; of each rule at most one.
    #[prost(message, repeated, tag = "9")]
    pub(crate) suggestions: Vec<SuggestionRow>,
}

/// What a rule found.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct DetectedRow {
    /// `Rule::as_str`.
    #[prost(string, tag = "1")]
    pub(crate) rule: String,
    /// Sixteen bytes each.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub(crate) messages: Vec<Vec<u8>>,
    #[prost(uint32, tag = "3")]
    pub(crate) count: u32,
    /// Personal data.
    #[prost(string, tag = "4")]
    pub(crate) phrase: String,
}

/// A suggestion to pause the bot.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct SuggestionRow {
    /// Version of the conversation with it.
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    #[prost(message, required, tag = "2")]
    pub(crate) detected: DetectedRow,
    /// `PauseReason::as_str`.
    #[prost(string, tag = "3")]
    pub(crate) reason: String,
    #[prost(sint64, tag = "4")]
    pub(crate) at: i64,
}

/// What a list must know of a pause to leave it out without reading its conversation.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ListedRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    #[prost(string, tag = "2")]
    pub(crate) agent: String,
    #[prost(string, tag = "3")]
    pub(crate) team: String,
    #[prost(bool, tag = "4")]
    pub(crate) automatic: bool,
    #[prost(sint64, tag = "5")]
    pub(crate) since: i64,
}

/// A pause.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct PauseRow {
    /// `PauseReason::as_str`.
    #[prost(string, tag = "1")]
    pub(crate) reason: String,
    #[prost(bool, tag = "2")]
    pub(crate) automatic: bool,
    /// As `Actor::to_word` writes it.
    #[prost(string, tag = "3")]
    pub(crate) by: String,
    #[prost(sint64, tag = "4")]
    pub(crate) since: i64,
    /// Personal data.
    #[prost(string, tag = "5")]
    pub(crate) note: String,
    /// When it ends by itself.
    #[prost(sint64, optional, tag = "6")]
    pub(crate) until: Option<i64>,
    /// Only supervisors may end it.
    #[prost(bool, tag = "7")]
    pub(crate) locked: bool,
    /// What was found, if that was why.
    #[prost(message, optional, tag = "8")]
    pub(crate) detected: Option<DetectedRow>,
}

/// A pause or a resumption.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct HistoryRow {
    /// Absent: resumed.
    #[prost(message, optional, tag = "1")]
    pub(crate) paused: Option<PauseRow>,
    #[prost(message, optional, tag = "2")]
    pub(crate) resumed: Option<ResumedRow>,
    /// `paused` was there before: by whom and when its terms were changed to these.
    #[prost(bool, tag = "3")]
    pub(crate) changed: bool,
}

/// A resumption.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ResumedRow {
    /// As `Actor::to_word` writes it.
    #[prost(string, tag = "1")]
    pub(crate) by: String,
    #[prost(sint64, tag = "2")]
    pub(crate) at: i64,
    /// Personal data.
    #[prost(string, tag = "3")]
    pub(crate) note: String,
    /// Since when the bot had been silent.
    #[prost(sint64, tag = "4")]
    pub(crate) silent_since: i64,
}

/// How many conversations are paused.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct CountRow {
    #[prost(uint64, tag = "1")]
    pub(crate) paused: u64,
}

/// A bulk and how far it is.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BulkRow {
    /// `pause`, `resume` or `undo`.
    #[prost(string, tag = "1")]
    pub(crate) what: String,
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
    #[prost(int64, optional, tag = "3")]
    pub(crate) until: Option<i64>,
    #[prost(bool, tag = "4")]
    pub(crate) locked: bool,
    #[prost(string, tag = "5")]
    pub(crate) of: String,
    #[prost(string, tag = "6")]
    pub(crate) undone_by: String,
    #[prost(uint32, tag = "7")]
    pub(crate) total: u32,
    #[prost(string, tag = "8")]
    pub(crate) chosen: String,
    /// Name of the agent.
    #[prost(string, tag = "9")]
    pub(crate) by: String,
    /// Personal data.
    #[prost(string, tag = "10")]
    pub(crate) note: String,
    #[prost(int64, tag = "11")]
    pub(crate) started_at: i64,
    #[prost(uint32, tag = "12")]
    pub(crate) done: u32,
    /// Paused, resumed, already, forbidden, errors, changed since.
    #[prost(uint32, repeated, tag = "13")]
    pub(crate) counts: Vec<u32>,
    /// When the node that works on it, or did so last, took it, and how many had a result then.
    #[prost(int64, tag = "14")]
    pub(crate) taken_at: i64,
    #[prost(uint32, tag = "15")]
    pub(crate) taken_done: u32,
    #[prost(int64, tag = "16")]
    pub(crate) progressed_at: i64,
    #[prost(int64, optional, tag = "17")]
    pub(crate) finished_at: Option<i64>,
    /// With `resume` and `undo`.
    #[prost(string, tag = "18")]
    pub(crate) catch_up: String,
}

impl BulkRow {
    pub(crate) fn counts(&self) -> Counts {
        let at = |place: usize| self.counts.get(place).copied().unwrap_or(0);
        Counts { paused: at(0), resumed: at(1), already: at(2), forbidden: at(3), errors: at(4), changed_since: at(5) }
    }

    pub(crate) fn count(&mut self, counts: Counts) {
        let Counts { paused, resumed, already, forbidden, errors, changed_since } = counts;
        self.counts = vec![paused, resumed, already, forbidden, errors, changed_since];
    }
}

/// What became of one conversation of a bulk.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct BulkResultRow {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) conversation: Vec<u8>,
    #[prost(string, tag = "2")]
    pub(crate) outcome: String,
    #[prost(uint64, tag = "3")]
    pub(crate) version: u64,
    /// Who had changed it, if somebody had, and when.
    #[prost(string, tag = "4")]
    pub(crate) changed_by: String,
    #[prost(int64, tag = "5")]
    pub(crate) changed_at: i64,
}
