//! Rows of the metrics view: protobuf messages whose fields are only ever added. Nothing in them is personal.
//!
//! Times are milliseconds since 1970 (UTC). An empty name means none.

use prost::Message;
use relevo_projection::waiting::WaitingRow;

// === figures ===

/// What the facts of one metric make that were counted in one quarter of an hour for one channel, team and agent.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct BucketRow {
    /// In the order of their labels; none is empty.
    #[prost(message, repeated, tag = "1")]
    pub(crate) groups: Vec<GroupRow>,
}

/// Facts with the same labels.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct GroupRow {
    /// Values of the definition's labels, in its order.
    #[prost(string, repeated, tag = "1")]
    pub(crate) labels: Vec<String>,
    /// How many facts.
    #[prost(uint64, tag = "2")]
    pub(crate) n: u64,
    /// Sum of their values.
    #[prost(sint64, tag = "3")]
    pub(crate) sum: i64,
    /// Their distribution, for durations.
    #[prost(message, optional, tag = "4")]
    pub(crate) sketch: Option<SketchRow>,
}

/// A distribution; see `sketch`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct SketchRow {
    /// Ascending; `counts` has as many entries, none of them 0.
    #[prost(uint32, repeated, tag = "1")]
    pub(crate) buckets: Vec<u32>,
    #[prost(uint64, repeated, tag = "2")]
    pub(crate) counts: Vec<u64>,
}

/// Sum of a gauge's changes in one block of time.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct GaugeRow {
    #[prost(sint64, tag = "1")]
    pub(crate) sum: i64,
}

/// How many words of a kind a tenant has.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct WordsRow {
    #[prost(uint32, tag = "1")]
    pub(crate) known: u32,
}

// === facts ===

/// A fact, as its outbox row and wherever a later fact may have to take it back.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct FactRow {
    /// Number of the metric's definition.
    #[prost(uint32, tag = "1")]
    pub(crate) metric: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) version: u32,
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
    #[prost(uint32, tag = "4")]
    pub(crate) ordinal: u32,
    #[prost(sint64, tag = "5")]
    pub(crate) at: i64,
    #[prost(sint64, tag = "6")]
    pub(crate) recorded_at: i64,
    /// Sixteen bytes, or empty for what belongs to no conversation.
    #[prost(bytes = "vec", tag = "7")]
    pub(crate) conversation: Vec<u8>,
    #[prost(string, tag = "8")]
    pub(crate) channel: String,
    #[prost(string, tag = "9")]
    pub(crate) team: String,
    #[prost(string, tag = "10")]
    pub(crate) agent: String,
    #[prost(sint64, tag = "11")]
    pub(crate) value: i64,
    /// Values of the definition's labels, in its order.
    #[prost(string, repeated, tag = "12")]
    pub(crate) labels: Vec<String>,
    #[prost(message, optional, tag = "13")]
    pub(crate) supersedes: Option<FactIdRow>,
}

/// Which fact of a metric.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct FactIdRow {
    #[prost(uint32, tag = "1")]
    pub(crate) version: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) sequence: u64,
    #[prost(uint32, tag = "3")]
    pub(crate) ordinal: u32,
}

/// Which commits' facts are in the outbox: the rows from `oldest` to before `next`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct OutboxRow {
    #[prost(uint64, tag = "1")]
    pub(crate) oldest: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) next: u64,
}

/// The facts of one commit that are in the outbox.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct OutboxCommitRow {
    #[prost(string, tag = "1")]
    pub(crate) tenant: String,
    #[prost(uint64, tag = "2")]
    pub(crate) sequence: u64,
    #[prost(sint64, tag = "3")]
    pub(crate) recorded_at: i64,
    #[prost(message, repeated, tag = "4")]
    pub(crate) entries: Vec<OutboxEntryRow>,
}

/// One fact of a commit.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct OutboxEntryRow {
    #[prost(uint32, tag = "1")]
    pub(crate) metric: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) ordinal: u32,
}

// === what the metrics of a conversation depend on ===

/// A conversation: whose it is, and one part for each metric that remembers something.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ConversationRow {
    #[prost(string, tag = "1")]
    pub(crate) channel: String,
    #[prost(string, tag = "2")]
    pub(crate) team: String,
    #[prost(string, tag = "3")]
    pub(crate) agent: String,
    #[prost(enumeration = "StatusRow", tag = "4")]
    pub(crate) status: i32,
    #[prost(sint64, tag = "5")]
    pub(crate) opened_at: i64,
    /// Of the last event, so that every commit changes the row.
    #[prost(uint64, tag = "6")]
    pub(crate) version: u64,
    /// When team, agent or status changed last. Goes on, never back, whatever a provider says when something happened.
    #[prost(sint64, tag = "7")]
    pub(crate) changed_at: i64,
    #[prost(message, required, tag = "10")]
    pub(crate) first_response: FirstResponseRow,
    // 11 was the waiting cycle after the first response.
    #[prost(message, required, tag = "12")]
    pub(crate) resolution: ResolutionRow,
    #[prost(message, optional, tag = "13")]
    pub(crate) pause: Option<PauseSpanRow>,
    #[prost(message, required, tag = "14")]
    pub(crate) intervention: InterventionRow,
    #[prost(message, optional, tag = "15")]
    pub(crate) backlog: Option<BacklogRow>,
    #[prost(message, optional, tag = "16")]
    pub(crate) open_time: Option<OpenTimeRow>,
    /// The customer's messages of the current episode that no person has answered.
    #[prost(message, required, tag = "17")]
    pub(crate) waiting: WaitingRow,
    /// Number of the current episode.
    #[prost(uint32, tag = "18")]
    pub(crate) episode: u32,
    /// It came in as history, and nobody has reopened it: no episode that counts has begun.
    #[prost(bool, tag = "19")]
    pub(crate) imported: bool,
}

/// The status axis. Words of the label `status` are its names in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum StatusRow {
    Open = 0,
    Pending = 1,
    Snoozed = 2,
    Resolved = 3,
}

/// Whether the current episode has had its first response.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct FirstResponseRow {
    // 1 was the time of the message that waited for it.
    /// A person has answered.
    #[prost(bool, tag = "2")]
    pub(crate) by_human: bool,
    /// A person or a bot has answered.
    #[prost(bool, tag = "3")]
    pub(crate) by_any: bool,
}

/// The current episode's ends.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ResolutionRow {
    #[prost(sint64, tag = "1")]
    pub(crate) started_at: i64,
    /// The fact about its last end so far.
    #[prost(message, optional, tag = "2")]
    pub(crate) full: Option<FactRow>,
}

/// A pause that was neither resumed nor resolved.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct PauseSpanRow {
    #[prost(sint64, tag = "1")]
    pub(crate) since: i64,
    /// `PauseReason::as_str`.
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
    #[prost(bool, tag = "3")]
    pub(crate) automatic: bool,
}

/// Whether a person ever had to step in.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct InterventionRow {
    #[prost(bool, tag = "1")]
    pub(crate) intervened: bool,
    /// The fact about the conversation, once the customer has written.
    #[prost(message, optional, tag = "2")]
    pub(crate) fact: Option<FactRow>,
}

/// As what a conversation in the backlog is counted.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct BacklogRow {
    // 1 and 2 were the time of its last change and whether it is counted.
    #[prost(enumeration = "StatusRow", tag = "3")]
    pub(crate) status: i32,
    #[prost(string, tag = "4")]
    pub(crate) team: String,
    #[prost(string, tag = "5")]
    pub(crate) agent: String,
}

/// Since when an agent has had the conversation open.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct OpenTimeRow {
    #[prost(sint64, tag = "1")]
    pub(crate) since: i64,
    #[prost(string, tag = "2")]
    pub(crate) team: String,
    #[prost(string, tag = "3")]
    pub(crate) agent: String,
}

/// What is known of one message's way: by a provider's own times, and of ours also by Relevo's.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct DeliveryRow {
    /// The earlier of accepted and sent.
    #[prost(sint64, optional, tag = "1")]
    pub(crate) sent_at: Option<i64>,
    #[prost(sint64, optional, tag = "2")]
    pub(crate) delivered_at: Option<i64>,
    #[prost(sint64, optional, tag = "3")]
    pub(crate) read_at: Option<i64>,
    #[prost(message, optional, tag = "4")]
    pub(crate) to_delivered: Option<FactRow>,
    #[prost(message, optional, tag = "5")]
    pub(crate) to_read: Option<FactRow>,
    /// Present if it was sent with Relevo.
    #[prost(message, optional, tag = "6")]
    pub(crate) sent: Option<SentRow>,
    /// As reported, apart from `accepted`.
    #[prost(sint64, optional, tag = "7")]
    pub(crate) reported_sent_at: Option<i64>,
    #[prost(message, optional, tag = "8")]
    pub(crate) to_sent: Option<FactRow>,
    // 9 was the first report of a failure.
    /// Of the id that a provider's reports name one of our messages by: sixteen bytes of the message's own, and nothing else.
    #[prost(bytes = "vec", tag = "10")]
    pub(crate) alias_of: Vec<u8>,
    /// Reports of a failure: of each of the provider's names the earliest.
    #[prost(message, repeated, tag = "11")]
    pub(crate) failures: Vec<ReportedFailureRow>,
}

/// A message that was queued.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct SentRow {
    #[prost(sint64, tag = "1")]
    pub(crate) queued_at: i64,
    /// Word of the label `by`.
    #[prost(string, tag = "2")]
    pub(crate) by: String,
    /// Who sent it, and the team that had the conversation then.
    #[prost(string, tag = "3")]
    pub(crate) agent: String,
    #[prost(string, tag = "4")]
    pub(crate) team: String,
    /// The episode that it was queued in.
    #[prost(uint32, tag = "5")]
    pub(crate) episode: u32,
    /// Since when the customer had waited then, if they did.
    #[prost(sint64, optional, tag = "6")]
    pub(crate) waited_since: Option<i64>,
    /// When the provider was known to have taken it.
    #[prost(sint64, optional, tag = "7")]
    pub(crate) accepted_at: Option<i64>,
    /// It failed for good, and that was counted.
    #[prost(bool, tag = "8")]
    pub(crate) failed: bool,
    /// How often it was handed to the provider.
    #[prost(uint32, tag = "9")]
    pub(crate) attempts: u32,
    /// It is being handed over.
    #[prost(bool, tag = "10")]
    pub(crate) claimed: bool,
    /// Mark of the provider's name of the attempt that it took; 0 for none.
    #[prost(fixed64, tag = "11")]
    pub(crate) accepted_as: u64,
    /// Each attempt goes out under the same name.
    #[prost(bool, tag = "12")]
    pub(crate) one_name: bool,
}

/// A failure that a provider reported.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct ReportedFailureRow {
    #[prost(sint64, tag = "1")]
    pub(crate) at: i64,
    /// As figures tell codes apart; empty for none.
    #[prost(string, tag = "2")]
    pub(crate) code: String,
    /// Mark of the provider's name of what failed; 0 for none.
    #[prost(fixed64, tag = "3")]
    pub(crate) failed_as: u64,
}

impl StatusRow {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Pending => "pending",
            Self::Snoozed => "snoozed",
            Self::Resolved => "resolved",
        }
    }
}
