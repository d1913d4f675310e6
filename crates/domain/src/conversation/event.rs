//! What can be true of a conversation.

use crate::conversation::message::{Content, Message};
use crate::conversation::outgoing::{CancelCause, FetchOutcome, Outgoing, SendFailure};
use crate::conversation::turn::{CatchUp, GivenTurn, TurnEnd};
use crate::detection::{Act, Rule};
use crate::id::{AgentId, ChannelId, EntityId, MessageId, TagId, TeamId};
use crate::time::Timestamp;

/// Through what a conversation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    WhatsApp,
    Sms,
    Email,
}

impl Medium {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WhatsApp => "whatsapp",
            Self::Sms => "sms",
            Self::Email => "email",
        }
    }
}

/// A fact about a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationEvent {
    /// The conversation exists, open, with an active bot, nobody's. Always followed by `EpisodeStarted` 1 in the same commit.
    Opened { channel: ChannelId, medium: Medium, contact: EntityId },
    /// A new episode began; status is open.
    EpisodeStarted { episode: u32, cause: EpisodeCause },
    /// The customer wrote.
    MessageReceived(Box<Message>),
    /// The business wrote from the WhatsApp Business app on the phone.
    MessageEchoed(Box<Message>),
    /// The author changed a message. `message` may be unknown to us.
    MessageEdited { message: MessageId, content: Box<Content> },
    /// The author deleted a message for everybody. The original stays on the log.
    MessageRevoked { message: MessageId },
    /// The customer's reaction to a message is now this; no emoji means that it was taken back.
    ReactionChanged { message: MessageId, personal: ReactionPersonal },
    /// A provider reported on a message sent to this conversation's customer, known to us or not.
    DeliveryReported(DeliveryReport),
    /// The bot is silent from here on.
    BotPaused { reason: PauseReason, automatic: bool, terms: PauseTerms, personal: NotePersonal },
    /// The pause goes on, on these terms.
    PauseChanged { terms: PauseTerms, personal: NotePersonal },
    /// The bot may answer again.
    BotResumed { cause: ResumeCause, catch_up: CatchUp, personal: NotePersonal },
    /// This agent is asked to take over, for this reason: the pause is locked and the conversation theirs in the same commit. The
    /// pause may have had another reason. `note` is the summary's.
    Escalated { to: AgentId, reason: PauseReason, note: MessageId },
    /// A rule found something in what was written. If it pauses, `BotPaused` follows in the same commit; else it is a suggestion to
    /// staff, named by the version of this event.
    SituationDetected(Box<Detection>),
    /// Staff took the suggestion, with the pause in the same commit, or does not want it.
    SuggestionClosed { suggestion: u64, accepted: bool },
    /// The bot has a turn, named by the version of this event.
    BotTurnStarted(Box<GivenTurn>),
    /// The bot's turn is over. A pause, an answer of staff and a resolution end it, too, without this.
    BotTurnEnded { turn: u64, how: TurnEnd },
    /// Staff should look: it has been like this since then, for longer than the tenant wants.
    AlertRaised { alert: Alert, since: Timestamp },
    /// The bot shows the customer once that it writes, or that it has read. Whoever has this may begin the provider's call until
    /// then.
    BotSignalled { until: Timestamp },
    /// The conversation is this agent's or this team's; replaces the assignment before.
    Assigned { agent: Option<AgentId>, team: Option<TeamId>, how: AssignmentHow },
    /// The episode ended.
    Resolved { episode: u32, reason: Option<String>, personal: NotePersonal },
    /// The episode goes on: status is open again.
    Reopened { episode: u32, cause: ReopenCause },
    /// Staff wrote a private note; it is never sent.
    NoteAdded { message: MessageId, personal: NotePersonal },
    /// It waits for the customer or for a third party.
    MarkedPending { personal: NotePersonal },
    /// It is out of sight until then; without a time, until the customer writes. Replaces an earlier snooze.
    Snoozed { until: Option<Timestamp>, preset: Option<SnoozePreset>, personal: NotePersonal },
    /// It was pending or snoozed and is open again; the episode goes on.
    ReturnedToOpen { cause: OpenCause },
    /// It has this tag of the workspace now.
    TagAdded { tag: TagId },
    /// It does not have this tag any more.
    TagRemoved { tag: TagId },
    /// It is this urgent now.
    PrioritySet { priority: Priority },
    /// Staff has read everything up to this version of the conversation.
    MarkedRead { through: u64 },
    /// The business wants this to be sent.
    MessageQueued(Box<Outgoing>),
    /// A sender is about to hand the message to the provider, for the `attempt`-th time (from 1). Whoever finds it still so
    /// after `until` and the provider's time-out may say that its outcome is unknown. `claim` names the sender's turn.
    SendStarted { message: MessageId, attempt: u32, claim: String, until: Timestamp },
    /// The provider took the message. `alias` is the id that its reports name it by, derived as [`Message::id`] is.
    MessageAccepted { message: MessageId, attempt: u32, alias: MessageId, personal: AcceptedPersonal },
    /// The attempt failed. The message goes back to the queue until `retry_at`; without one it is final.
    SendFailed { message: MessageId, attempt: u32, failure: SendFailure, retry_at: Option<Timestamp> },
    /// Nobody knows whether the provider took the message. It is not sent again.
    SendOutcomeUnknown { message: MessageId, attempt: u32 },
    /// The message will not be sent.
    SendCancelled { message: MessageId, cause: CancelCause },
    /// A medium of a message, its `index`-th attachment from 0, was fetched, or cannot be. `medium` is the
    /// [`mark`](crate::conversation::medium_mark) of the medium that was fetched: an edit may have put another one in its place
    /// since. Absent: whichever is there.
    MediumFetched { message: MessageId, index: u32, medium: Option<u64>, outcome: FetchOutcome },
}

/// What the provider called a message that it took.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AcceptedPersonal {
    pub provider_id: String,
}

/// Why a pending or snoozed conversation is open again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpenCause {
    CustomerMessage,
    Staff,
    /// The snooze's time came.
    Timer,
}

/// A usual time to snooze for, kept next to the instant that it meant when it was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SnoozePreset {
    OneHour,
    TwoHours,
    FourHours,
    /// Tomorrow at 09:00 in the tenant's time zone.
    TomorrowMorning,
    /// Next Monday at 09:00 in the tenant's time zone; on a Monday the one in a week.
    NextMonday,
}

impl SnoozePreset {
    pub const ALL: [Self; 5] =
        [Self::OneHour, Self::TwoHours, Self::FourHours, Self::TomorrowMorning, Self::NextMonday];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OneHour => "one_hour",
            Self::TwoHours => "two_hours",
            Self::FourHours => "four_hours",
            Self::TomorrowMorning => "tomorrow_morning",
            Self::NextMonday => "next_monday",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.as_str() == text)
    }
}

/// How urgent a conversation is. The order is the order of urgency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Nobody has said.
    #[default]
    None,
    Low,
    Normal,
    High,
    Urgent,
}

impl Priority {
    pub const ALL: [Self; 5] = [Self::None, Self::Low, Self::Normal, Self::High, Self::Urgent];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == text)
    }
}

/// Why an episode began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EpisodeCause {
    /// The customer's first message, or the first after the reopening window.
    CustomerMessage,
    /// The first thing in the conversation was written by the business.
    BusinessMessage,
    /// The conversation came in as history: the episode is over in the same commit, and no figure counts it.
    Imported,
}

/// Why an episode ended that came in as history.
pub const RESOLVED_AS_IMPORTED: &str = "imported";

/// Why a resolved episode goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReopenCause {
    CustomerMessage,
    Staff,
}

/// How an assignment came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AssignmentHow {
    /// Somebody decided it.
    Manual,
    /// The agent took it.
    Claim,
}

/// Why the bot was paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PauseReason {
    ComplexQuery,
    FrustratedCustomer,
    Complaint,
    BotError,
    ProactiveMessage,
    HumanTakeover,
    BotHandoff,
    /// The owner answered from the phone.
    Echo,
    /// The same contact's other conversation on the channel is paused.
    Linked,
    Other,
}

impl PauseReason {
    pub const ALL: [Self; 10] = [
        Self::ComplexQuery,
        Self::FrustratedCustomer,
        Self::Complaint,
        Self::BotError,
        Self::ProactiveMessage,
        Self::HumanTakeover,
        Self::BotHandoff,
        Self::Echo,
        Self::Linked,
        Self::Other,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ComplexQuery => "complex_query",
            Self::FrustratedCustomer => "frustrated_customer",
            Self::Complaint => "complaint",
            Self::BotError => "bot_error",
            Self::ProactiveMessage => "proactive_message",
            Self::HumanTakeover => "human_takeover",
            Self::BotHandoff => "bot_handoff",
            Self::Echo => "echo",
            Self::Linked => "linked",
            Self::Other => "other",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// How long a pause holds, and who may end it. The default: until anybody of the staff resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PauseTerms {
    /// It ends by itself then.
    pub until: Option<Timestamp>,
    /// Only supervisors and admins may end or change it; nor does it end by itself without them.
    pub locked: bool,
}

/// Why the bot may answer again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResumeCause {
    /// Somebody decided it.
    #[default]
    Staff,
    /// The pause's time came.
    Timer,
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detection {
    pub rule: Rule,
    /// [`Act::Suggest`] or [`Act::Pause`].
    pub act: Act,
    pub reason: PauseReason,
    /// The messages that speak for it, oldest first.
    pub messages: Vec<MessageId>,
    /// How often it happened.
    pub count: u32,
    /// The customer's words, where the rule found words.
    pub personal: NotePersonal,
}

/// What staff is alerted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Alert {
    /// The bot is paused, and nobody answers the customer.
    PausedUnanswered,
    /// The bot has been paused for long.
    PausedTooLong,
}

impl Alert {
    pub const ALL: [Self; 2] = [Self::PausedUnanswered, Self::PausedTooLong];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PausedUnanswered => "paused_unanswered",
            Self::PausedTooLong => "paused_too_long",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alert| alert.as_str() == text)
    }
}

/// A reason, remark or note that a person wrote.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NotePersonal {
    pub text: Option<String>,
}

/// The personal part of a reaction.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ReactionPersonal {
    pub emoji: Option<String>,
    /// The provider's id of the reaction itself.
    pub provider_id: String,
}

/// How far a message has come, as a provider says. `Other` keeps a word that Relevo does not know.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryStatus {
    Queued,
    Accepted,
    Sent,
    Delivered,
    Read,
    Played,
    Failed,
    Deleted,
    Warning,
    Other(String),
}

impl DeliveryStatus {
    pub const KNOWN: [Self; 9] = [
        Self::Queued,
        Self::Accepted,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Played,
        Self::Failed,
        Self::Deleted,
        Self::Warning,
    ];

    pub fn as_str(&self) -> &str {
        match self {
            Self::Queued => "queued",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
            Self::Warning => "warning",
            Self::Other(word) => word,
        }
    }

    /// The status of that name in Relevo's words; a word that is not known is kept as `Other`.
    pub fn parse(text: &str) -> Self {
        Self::KNOWN.into_iter().find(|status| status.as_str() == text).unwrap_or_else(|| Self::Other(text.to_owned()))
    }

    /// The order in which reports merge: a higher rank never gives way to a lower one. `None` never changes the state.
    pub const fn rank(&self) -> Option<u8> {
        match self {
            Self::Queued => Some(0),
            Self::Accepted => Some(1),
            Self::Sent => Some(2),
            // `failed` beats at most `sent`; what was delivered stays delivered.
            Self::Failed => Some(3),
            Self::Delivered => Some(4),
            Self::Read => Some(5),
            Self::Played => Some(6),
            Self::Deleted | Self::Warning | Self::Other(_) => None,
        }
    }
}

/// What a provider reported about one message to one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliveryReport {
    /// The message as Relevo knows it; where that is not known, derived from the provider's id, as [`Message::id`] is.
    pub message: MessageId,
    pub status: DeliveryStatus,
    /// The provider's time of the status; receipt time where it gives none.
    pub reported_at: Timestamp,
    /// The provider's error code, if it failed.
    pub error_code: Option<String>,
    pub personal: DeliveryReportPersonal,
}

/// The personal part of a delivery report.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DeliveryReportPersonal {
    pub provider_id: String,
    pub recipient: Option<String>,
    /// The provider's explanation of the error, and what else it sent along, as JSON text.
    pub details_json: Option<String>,
}

impl ConversationEvent {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "ConversationOpened",
            Self::EpisodeStarted { .. } => "EpisodeStarted",
            Self::MessageReceived(_) => "MessageReceived",
            Self::MessageEchoed(_) => "MessageEchoed",
            Self::MessageEdited { .. } => "MessageEdited",
            Self::MessageRevoked { .. } => "MessageRevoked",
            Self::ReactionChanged { .. } => "ReactionChanged",
            Self::DeliveryReported(_) => "DeliveryReported",
            Self::BotPaused { .. } => "BotPaused",
            Self::PauseChanged { .. } => "PauseChanged",
            Self::BotResumed { .. } => "BotResumed",
            Self::Escalated { .. } => "Escalated",
            Self::SituationDetected(_) => "SituationDetected",
            Self::SuggestionClosed { .. } => "SuggestionClosed",
            Self::BotTurnStarted(_) => "BotTurnStarted",
            Self::BotTurnEnded { .. } => "BotTurnEnded",
            Self::AlertRaised { .. } => "AlertRaised",
            Self::BotSignalled { .. } => "BotSignalled",
            Self::Assigned { .. } => "Assigned",
            Self::Resolved { .. } => "Resolved",
            Self::Reopened { .. } => "Reopened",
            Self::NoteAdded { .. } => "NoteAdded",
            Self::MarkedPending { .. } => "MarkedPending",
            Self::Snoozed { .. } => "Snoozed",
            Self::ReturnedToOpen { .. } => "ReturnedToOpen",
            Self::TagAdded { .. } => "TagAdded",
            Self::TagRemoved { .. } => "TagRemoved",
            Self::PrioritySet { .. } => "PrioritySet",
            Self::MarkedRead { .. } => "MarkedRead",
            Self::MessageQueued(_) => "MessageQueued",
            Self::SendStarted { .. } => "SendStarted",
            Self::MessageAccepted { .. } => "MessageAccepted",
            Self::SendFailed { .. } => "SendFailed",
            Self::SendOutcomeUnknown { .. } => "SendOutcomeUnknown",
            Self::SendCancelled { .. } => "SendCancelled",
            Self::MediumFetched { .. } => "MediumFetched",
        }
    }
}
