//! What can be asked of a conversation, and the envelope that pays for everything impure beforehand.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::access::Role;
use crate::actor::Actor;
use crate::conversation::event::{
    Alert, DeliveryReport, Medium, PauseReason, PauseTerms, Priority, ReactionPersonal, SnoozePreset,
};
use crate::conversation::message::{Content, Message};
use crate::conversation::outgoing::{FetchOutcome, Outgoing, SendFailure};
use crate::conversation::turn::{CatchUp, TurnEnd, TurnRef};
use crate::detection::Policy;
use crate::id::{AgentId, ChannelId, EntityId, MessageId, TagId, TeamId};
use crate::time::Timestamp;

/// Who asks, and when. `role` is absent for what Relevo does itself (intake).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub actor: Actor,
    pub role: Option<Role>,
    /// When it happened, for the rules: the event's `occurred_at`.
    pub now: Timestamp,
    /// A fresh id, for a command that makes a message (a note).
    pub new_message: MessageId,
}

/// Where an inbound update belongs; used to open the conversation if it does not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub channel: ChannelId,
    pub medium: Medium,
    pub contact: EntityId,
    /// Another conversation on this channel is paused, of this contact or of one just found to be the same person: a
    /// conversation that is opened for them or linked to them is paused too.
    pub contact_paused: bool,
}

/// A command to one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Intake: the customer wrote. Opens, reopens or starts an episode as the rules say.
    ReceiveMessage {
        place: Place,
        message: Box<Message>,
        /// What the tenant wants detected in it; absent: nothing.
        detection: Option<Arc<Policy>>,
    },
    /// Intake: the owner wrote from the phone. Pauses the bot (`echo`).
    RecordEcho {
        place: Place,
        message: Box<Message>,
    },
    /// Intake: the author edited a message. An edit counts as the customer writing when `by_customer`.
    RecordEdit {
        place: Place,
        message: MessageId,
        content: Box<Content>,
        by_customer: bool,
    },
    /// Intake: the author deleted a message.
    RecordRevoke {
        place: Place,
        message: MessageId,
    },
    /// Intake: the customer reacted.
    RecordReaction {
        place: Place,
        message: MessageId,
        personal: ReactionPersonal,
    },
    /// Intake: a provider reported. Never opens a conversation, never reopens one. About a message that was handed over and not
    /// confirmed it also says that the provider took it.
    RecordDeliveryReport {
        report: DeliveryReport,
        /// The id that the provider's own id derives: what reports without ours will name the message by.
        alias: MessageId,
    },
    PauseBot(PauseWish),
    /// The pause goes on, on other terms.
    ChangePause {
        terms: PauseTerms,
        note: Option<String>,
    },
    /// With a last message of a person to the customer, if there is one: it precedes the resumption in the log.
    ResumeBot {
        /// What becomes of what the customer wrote in the meantime.
        catch_up: CatchUp,
        note: Option<String>,
        farewell: Option<Box<Send>>,
    },
    /// Timers: the pause that ends by itself at this time does so now.
    EndPause {
        scheduled: Timestamp,
        catch_up: CatchUp,
    },
    /// Timers: the snooze that ends at this time does so now.
    WakeSnoozed {
        scheduled: Timestamp,
    },
    /// Asks a supervisor to take over: pauses the bot so that only supervisors can resume it, gives them the conversation, and
    /// leaves the summary as a note.
    Escalate {
        to: AgentId,
        reason: PauseReason,
        summary: String,
    },
    /// Bots: the turn that is due is the caller's, until then. `claim` names whoever takes it.
    StartTurn {
        claim: String,
        until: Timestamp,
    },
    /// Bots: the caller's turn is over.
    EndTurn {
        turn: u64,
        how: TurnEnd,
    },
    /// Bots: people go on. Pauses the bot.
    HandOff {
        turn: u64,
        note: Option<String>,
    },
    /// Bots: the customer is shown once that the bot writes, or that it has read. Taken just before the provider is told, whose
    /// call must begin before `until`.
    ClaimSignal {
        until: Timestamp,
    },
    /// Timers: staff should look at what has been like this since then. `after` is how long the tenant lets it be.
    RaiseAlert {
        alert: Alert,
        since: Timestamp,
        after: Duration,
    },
    /// The suggestion is taken: the bot is paused for its reason.
    AcceptSuggestion {
        suggestion: u64,
        note: Option<String>,
        terms: PauseTerms,
    },
    /// The suggestion is not wanted.
    DismissSuggestion {
        suggestion: u64,
    },
    /// Gives the conversation to an agent, a team, or an agent through a team. At least one is set.
    Assign {
        agent: Option<AgentId>,
        team: Option<TeamId>,
    },
    /// The caller takes the conversation. Exactly one of several claims wins.
    Claim {
        agent: AgentId,
    },
    Resolve {
        reason: Option<String>,
        note: Option<String>,
    },
    /// Opens a resolved episode again; one that is pending or snoozed too.
    Reopen,
    AddNote {
        text: String,
    },
    /// Gives the conversation back: it is nobody's.
    Unassign,
    SetPending {
        note: Option<String>,
    },
    /// Without a time: until the customer writes. `until` is what `preset` means at this moment, if there is one.
    Snooze {
        until: Option<Timestamp>,
        preset: Option<SnoozePreset>,
        note: Option<String>,
    },
    Unsnooze,
    /// The tag exists: whoever asks has looked it up in the workspace. Of the conversation's tags those in `deleted` are gone
    /// from there, and do not count.
    AddTag {
        tag: TagId,
        deleted: BTreeSet<TagId>,
    },
    RemoveTag {
        tag: TagId,
    },
    SetPriority {
        priority: Priority,
    },
    /// Everything up to this version was read; absent: everything that there is.
    MarkRead {
        through: Option<u64>,
    },
    /// Another conversation of the same person on this channel is paused: this one pauses too. Relevo's own.
    PauseLinked,
    /// The business wants this to be sent. Opens the conversation at `place` if it does not exist.
    SendMessage(Box<Send>),
    /// Sender: takes the message for one attempt, just before it is handed to the provider. `claim` names this turn, and the
    /// provider's call must begin before `until`.
    ClaimSend {
        message: MessageId,
        claim: String,
        until: Timestamp,
    },
    /// Sender: the provider took it.
    RecordAccepted {
        message: MessageId,
        attempt: u32,
        alias: MessageId,
        provider_id: String,
    },
    /// Sender: the attempt failed. With `retry_at` the message goes back to the queue.
    RecordSendFailed {
        message: MessageId,
        attempt: u32,
        failure: SendFailure,
        retry_at: Option<Timestamp>,
    },
    /// Sender: nobody knows what became of the attempt.
    RecordSendUnknown {
        message: MessageId,
        attempt: u32,
    },
    /// Sender: the message waited for longer than it may, or cannot be sent at all. Only one that is not handed over.
    GiveUpSend {
        message: MessageId,
        failure: SendFailure,
    },
    /// Takes a message back that was not handed to the provider yet.
    CancelSend {
        message: MessageId,
    },
    /// Media worker: what became of a medium that the customer sent. `medium` is its mark.
    RecordMedium {
        message: MessageId,
        index: u32,
        medium: Option<u64>,
        outcome: FetchOutcome,
    },
}

/// A pause as somebody asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseWish {
    pub reason: PauseReason,
    pub note: Option<String>,
    pub terms: PauseTerms,
}

/// A message to be sent, and under which conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    pub outgoing: Outgoing,
    /// Where the conversation is opened if it does not exist; absent for one that must exist.
    pub place: Option<Place>,
    /// The version of the conversation that the author has looked at. If somebody else has answered since, the author is told
    /// instead.
    pub last_seen_version: Option<u64>,
    /// Send it all the same.
    pub force: bool,
    /// Staff's own message pauses the bot (`human_takeover`), as the tenant's policy says.
    pub pauses_bot: bool,
    /// Pauses the bot before the message, in the same commit. Of a bot that is paused already nothing changes.
    pub pause: Option<PauseWish>,
    /// A bot's: the turn that it is said in.
    pub turn: Option<TurnRef>,
    /// The channel does not send: somebody paused it.
    pub channel_paused: bool,
    /// What the tenant wants detected in what bots and staff write; absent: nothing.
    pub detection: Option<Arc<Policy>>,
}
