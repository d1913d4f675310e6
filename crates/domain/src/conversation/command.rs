//! What can be asked of a conversation, and the envelope that pays for everything impure beforehand.

use std::collections::BTreeSet;

use crate::access::Role;
use crate::actor::Actor;
use crate::conversation::event::{DeliveryReport, Medium, PauseReason, Priority, ReactionPersonal, SnoozePreset};
use crate::conversation::message::{Content, Message};
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
    /// Intake: a provider reported. Never opens a conversation, never reopens one.
    RecordDeliveryReport(DeliveryReport),
    PauseBot {
        reason: PauseReason,
        note: Option<String>,
    },
    ResumeBot {
        note: Option<String>,
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
}
