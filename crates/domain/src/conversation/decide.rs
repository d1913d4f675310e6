//! What a conversation answers to a command: the events to append, "already so", or a rejection.
//!
//! [`decide`] is the table of contents; one function a command stands below it, in the same order.

use std::time::Duration;

use crate::access::Role;
use crate::actor::Actor;
use crate::conversation::command::{Command, Envelope, Place};
use crate::conversation::event::{
    AssignmentHow, ConversationEvent, DeliveryReport, EpisodeCause, Medium, NotePersonal, OpenCause, PauseReason,
    Priority, ReactionPersonal, ReopenCause, SnoozePreset,
};
use crate::conversation::message::{Content, Message};
use crate::conversation::state::{Bot, Opened, State, Status};
use crate::id::{AgentId, MessageId, TagId, TeamId};
use crate::time::Timestamp;

/// A customer who writes again within this time continues the resolved episode; later a new one begins. Mail is exempt:
/// there the thread decides.
pub const REOPEN_WITHIN: Duration = Duration::from_hours(72);
/// The longest note, in characters: a remark for colleagues, not a document.
pub const NOTE_CHARS_MAX: usize = 4_000;
/// The longest reason for resolving, in characters: reasons are counted, so they are words, not stories.
pub const REASON_CHARS_MAX: usize = 64;

/// The most tags of one conversation: more than anybody reads in a list.
pub const TAGS_MAX: usize = 32;
/// The longest snooze, in days: what is put off for longer than a year is not put off.
pub const SNOOZE_DAYS_MAX: usize = 366;
const SNOOZE_MAX: Duration = Duration::from_hours(24 * SNOOZE_DAYS_MAX as u64);

/// What a command leads to, if it is not rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// These events, in one commit. Never empty.
    Append(Vec<ConversationEvent>),
    /// The state already is what the command asks for; nothing to write.
    AlreadySo,
}

/// Why a command was rejected. Nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// The conversation does not exist.
    NotFound,
    /// The caller's role may not do this.
    Forbidden { role: Role },
    /// Another agent has it.
    AlreadyAssigned { agent: AgentId },
    /// It is resolved; reopen it first.
    Resolved,
    /// A field is missing, empty, too long or out of its range.
    Invalid { field: &'static str, limit: usize },
    /// There may be no more of them.
    Limit { what: &'static str, limit: usize },
}

type Decided = Result<Decision, Rejection>;
/// What intake brings are facts: they are never refused, only stored.
type Events = Vec<ConversationEvent>;

/// Decides one command against the state of its conversation.
pub fn decide(state: &State, envelope: &Envelope, command: &Command) -> Decided {
    match command {
        Command::ReceiveMessage { place, message } => append(receive_message(state, envelope, place, message)),
        Command::RecordEcho { place, message } => append(record_echo(state, place, message)),
        Command::RecordEdit { place, message, content, by_customer } => {
            append(record_edit(state, place, *message, content, *by_customer))
        }
        Command::RecordRevoke { place, message } => append(record_revoke(state, place, *message)),
        Command::RecordReaction { place, message, personal } => {
            append(record_reaction(state, place, *message, personal))
        }
        Command::RecordDeliveryReport(report) => record_delivery_report(state, report),
        Command::PauseBot { reason, note } => pause_bot(existing(state)?, envelope, *reason, note.as_deref()),
        Command::ResumeBot { note } => resume_bot(existing(state)?, envelope, note.as_deref()),
        Command::Assign { agent, team } => assign(existing(state)?, envelope, agent.as_ref(), team.as_ref()),
        Command::Claim { agent } => claim(existing(state)?, envelope, agent),
        Command::Resolve { reason, note } => resolve(existing(state)?, envelope, reason.as_deref(), note.as_deref()),
        Command::Reopen => reopen(existing(state)?, envelope),
        Command::AddNote { text } => add_note(existing(state)?, envelope, text),
        Command::Unassign => unassign(existing(state)?, envelope),
        Command::SetPending { note } => set_pending(existing(state)?, envelope, note.as_deref()),
        Command::Snooze { until, preset, note } => snooze(existing(state)?, envelope, *until, *preset, note.as_deref()),
        Command::Unsnooze => unsnooze(existing(state)?, envelope),
        Command::AddTag { tag } => add_tag(existing(state)?, envelope, *tag),
        Command::RemoveTag { tag } => remove_tag(existing(state)?, envelope, *tag),
        Command::SetPriority { priority } => set_priority(existing(state)?, envelope, *priority),
        Command::MarkRead { through } => mark_read(existing(state)?, envelope, *through),
        Command::PauseLinked => pause_linked(existing(state)?),
    }
}

fn receive_message(state: &State, envelope: &Envelope, place: &Place, message: &Message) -> Events {
    let mut events = opening(state, place, EpisodeCause::CustomerMessage);
    if let Some(opened) = &state.opened
        && message.is_a_persons_words()
    {
        events.extend(reopening(opened, envelope, place.medium));
    }
    events.push(ConversationEvent::MessageReceived(Box::new(message.clone())));
    events
}

fn record_echo(state: &State, place: &Place, message: &Message) -> Events {
    let mut events = opening(state, place, EpisodeCause::BusinessMessage);
    events.push(ConversationEvent::MessageEchoed(Box::new(message.clone())));
    // A person answered from the phone: the bot must not talk over them. A new conversation may already start paused.
    let paused = events.iter().any(|event| matches!(event, ConversationEvent::BotPaused { .. }))
        || state.opened.as_ref().is_some_and(|opened| matches!(opened.bot, Bot::Paused { .. }));
    if !paused {
        events.push(automatic_pause(PauseReason::Echo));
    }
    events
}

fn record_edit(state: &State, place: &Place, message: MessageId, content: &Content, by_customer: bool) -> Events {
    let cause = if by_customer { EpisodeCause::CustomerMessage } else { EpisodeCause::BusinessMessage };
    let mut events = opening(state, place, cause);
    events.push(ConversationEvent::MessageEdited { message, content: Box::new(content.clone()) });
    events
}

fn record_revoke(state: &State, place: &Place, message: MessageId) -> Events {
    let mut events = opening(state, place, EpisodeCause::CustomerMessage);
    events.push(ConversationEvent::MessageRevoked { message });
    events
}

fn record_reaction(state: &State, place: &Place, message: MessageId, personal: &ReactionPersonal) -> Events {
    let mut events = opening(state, place, EpisodeCause::CustomerMessage);
    events.push(ConversationEvent::ReactionChanged { message, personal: personal.clone() });
    events
}

fn record_delivery_report(state: &State, report: &DeliveryReport) -> Decided {
    existing(state)?;
    Ok(Decision::Append(vec![ConversationEvent::DeliveryReported(report.clone())]))
}

fn pause_bot(opened: &Opened, envelope: &Envelope, reason: PauseReason, note: Option<&str>) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(note)?;
    match opened.bot {
        Bot::Paused { .. } => Ok(Decision::AlreadySo),
        Bot::Active => Ok(Decision::Append(vec![ConversationEvent::BotPaused { reason, automatic: false, personal }])),
    }
}

fn resume_bot(opened: &Opened, envelope: &Envelope, note: Option<&str>) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(note)?;
    match opened.bot {
        Bot::Active => Ok(Decision::AlreadySo),
        Bot::Paused { .. } => Ok(Decision::Append(vec![ConversationEvent::BotResumed { personal }])),
    }
}

fn assign(opened: &Opened, envelope: &Envelope, agent: Option<&AgentId>, team: Option<&TeamId>) -> Decided {
    staff_only(envelope)?;
    if agent.is_none() && team.is_none() {
        return Err(Rejection::Invalid { field: "agent", limit: 1 });
    }
    if opened.agent.as_ref() == agent && opened.team.as_ref() == team {
        return Ok(Decision::AlreadySo);
    }
    let (agent, team) = (agent.cloned(), team.cloned());
    Ok(Decision::Append(vec![ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual }]))
}

fn claim(opened: &Opened, envelope: &Envelope, agent: &AgentId) -> Decided {
    staff_only(envelope)?;
    match &opened.agent {
        Some(holder) if holder == agent => Ok(Decision::AlreadySo),
        Some(holder) => Err(Rejection::AlreadyAssigned { agent: holder.clone() }),
        None if matches!(opened.status, Status::Resolved { .. }) => Err(Rejection::Resolved),
        // The team stays: the conversation came to the agent through it.
        None => Ok(Decision::Append(vec![ConversationEvent::Assigned {
            agent: Some(agent.clone()),
            team: opened.team.clone(),
            how: AssignmentHow::Claim,
        }])),
    }
}

fn resolve(opened: &Opened, envelope: &Envelope, reason: Option<&str>, note: Option<&str>) -> Decided {
    staff_only(envelope)?;
    let reason = reason.map(str::trim).filter(|reason| !reason.is_empty());
    if reason.is_some_and(|reason| reason.chars().count() > REASON_CHARS_MAX) {
        return Err(Rejection::Invalid { field: "reason", limit: REASON_CHARS_MAX });
    }
    let personal = note_text(note)?;
    match opened.status {
        Status::Resolved { .. } => Ok(Decision::AlreadySo),
        Status::Open | Status::Pending | Status::Snoozed { .. } => {
            Ok(Decision::Append(vec![ConversationEvent::Resolved {
                episode: opened.episode,
                reason: reason.map(str::to_owned),
                personal,
            }]))
        }
    }
}

fn reopen(opened: &Opened, envelope: &Envelope) -> Decided {
    staff_only(envelope)?;
    match opened.status {
        Status::Open => Ok(Decision::AlreadySo),
        Status::Pending | Status::Snoozed { .. } => returned_to_open(OpenCause::Staff),
        Status::Resolved { .. } => Ok(Decision::Append(vec![ConversationEvent::Reopened {
            episode: opened.episode,
            cause: ReopenCause::Staff,
        }])),
    }
}

fn add_note(_opened: &Opened, envelope: &Envelope, text: &str) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(Some(text))?;
    if personal.text.is_none() {
        return Err(Rejection::Invalid { field: "text", limit: NOTE_CHARS_MAX });
    }
    Ok(Decision::Append(vec![ConversationEvent::NoteAdded { message: envelope.new_message, personal }]))
}

fn unassign(opened: &Opened, envelope: &Envelope) -> Decided {
    staff_only(envelope)?;
    if opened.agent.is_none() && opened.team.is_none() {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![ConversationEvent::Assigned { agent: None, team: None, how: AssignmentHow::Manual }]))
}

fn set_pending(opened: &Opened, envelope: &Envelope, note: Option<&str>) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(note)?;
    match opened.status {
        Status::Pending => Ok(Decision::AlreadySo),
        Status::Resolved { .. } => Err(Rejection::Resolved),
        Status::Open | Status::Snoozed { .. } => {
            Ok(Decision::Append(vec![ConversationEvent::MarkedPending { personal }]))
        }
    }
}

/// A snooze that is asked for again with another time replaces the first; with the same time it is already so.
fn snooze(
    opened: &Opened,
    envelope: &Envelope,
    until: Option<Timestamp>,
    preset: Option<SnoozePreset>,
    note: Option<&str>,
) -> Decided {
    staff_only(envelope)?;
    let personal = note_text(note)?;
    let latest = envelope.now + SNOOZE_MAX;
    if until.is_some_and(|until| until <= envelope.now || until > latest) {
        return Err(Rejection::Invalid { field: "until", limit: SNOOZE_DAYS_MAX });
    }
    match opened.status {
        Status::Resolved { .. } => Err(Rejection::Resolved),
        Status::Snoozed { until: current } if current == until => Ok(Decision::AlreadySo),
        Status::Open | Status::Pending | Status::Snoozed { .. } => {
            Ok(Decision::Append(vec![ConversationEvent::Snoozed { until, preset, personal }]))
        }
    }
}

fn unsnooze(opened: &Opened, envelope: &Envelope) -> Decided {
    staff_only(envelope)?;
    match opened.status {
        Status::Snoozed { .. } => returned_to_open(OpenCause::Staff),
        Status::Open | Status::Pending | Status::Resolved { .. } => Ok(Decision::AlreadySo),
    }
}

fn add_tag(opened: &Opened, envelope: &Envelope, tag: TagId) -> Decided {
    staff_only(envelope)?;
    if opened.tags.contains(&tag) {
        return Ok(Decision::AlreadySo);
    }
    if opened.tags.len() >= TAGS_MAX {
        return Err(Rejection::Limit { what: "tags", limit: TAGS_MAX });
    }
    Ok(Decision::Append(vec![ConversationEvent::TagAdded { tag }]))
}

fn remove_tag(opened: &Opened, envelope: &Envelope, tag: TagId) -> Decided {
    staff_only(envelope)?;
    if !opened.tags.contains(&tag) {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![ConversationEvent::TagRemoved { tag }]))
}

fn set_priority(opened: &Opened, envelope: &Envelope, priority: Priority) -> Decided {
    staff_only(envelope)?;
    if opened.priority == priority {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![ConversationEvent::PrioritySet { priority }]))
}

/// A version from the future is read as "everything that there is": what is not written yet cannot have been read.
fn mark_read(opened: &Opened, envelope: &Envelope, through: Option<u64>) -> Decided {
    staff_only(envelope)?;
    let through = through.unwrap_or(opened.version).min(opened.version);
    let nothing_new = opened.customer_wrote <= opened.read_through || through <= opened.read_through;
    if nothing_new {
        Ok(Decision::AlreadySo)
    } else {
        Ok(Decision::Append(vec![ConversationEvent::MarkedRead { through }]))
    }
}

fn pause_linked(opened: &Opened) -> Decided {
    match opened.bot {
        Bot::Paused { .. } => Ok(Decision::AlreadySo),
        Bot::Active => Ok(Decision::Append(vec![automatic_pause(PauseReason::Linked)])),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
fn returned_to_open(cause: OpenCause) -> Decided {
    Ok(Decision::Append(vec![ConversationEvent::ReturnedToOpen { cause }]))
}

#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
fn append(events: Events) -> Decided {
    Ok(Decision::Append(events))
}

/// The events that bring a conversation into being; for one that exists at most the pause of a contact that it was just
/// linked to.
fn opening(state: &State, place: &Place, cause: EpisodeCause) -> Vec<ConversationEvent> {
    if let Some(opened) = &state.opened {
        let pauses = place.contact_paused && opened.bot == Bot::Active;
        return if pauses { vec![automatic_pause(PauseReason::Linked)] } else { Vec::new() };
    }
    let mut events = vec![
        ConversationEvent::Opened { channel: place.channel.clone(), medium: place.medium, contact: place.contact },
        ConversationEvent::EpisodeStarted { episode: 1, cause },
    ];
    if place.contact_paused {
        events.push(automatic_pause(PauseReason::Linked));
    }
    events
}

/// What a customer's message does to a conversation that is not open.
fn reopening(opened: &Opened, envelope: &Envelope, medium: Medium) -> Option<ConversationEvent> {
    let at = match opened.status {
        Status::Open => return None,
        Status::Pending | Status::Snoozed { .. } => {
            return Some(ConversationEvent::ReturnedToOpen { cause: OpenCause::CustomerMessage });
        }
        Status::Resolved { at } => at,
    };
    let continues = medium == Medium::Email || envelope.now.since(at) <= REOPEN_WITHIN;
    Some(if continues {
        ConversationEvent::Reopened { episode: opened.episode, cause: ReopenCause::CustomerMessage }
    } else {
        ConversationEvent::EpisodeStarted { episode: opened.episode + 1, cause: EpisodeCause::CustomerMessage }
    })
}

fn automatic_pause(reason: PauseReason) -> ConversationEvent {
    ConversationEvent::BotPaused { reason, automatic: true, personal: NotePersonal::default() }
}

fn existing(state: &State) -> Result<&Opened, Rejection> {
    state.opened.as_ref().ok_or(Rejection::NotFound)
}

/// Agents, supervisors and admins; Relevo itself (no role) may too.
fn staff_only(envelope: &Envelope) -> Result<(), Rejection> {
    match envelope.role {
        Some(role) if !role.is_staff() => Err(Rejection::Forbidden { role }),
        Some(_) => Ok(()),
        None if envelope.actor == Actor::System => Ok(()),
        None => Err(Rejection::Forbidden { role: Role::Bot }),
    }
}

fn note_text(note: Option<&str>) -> Result<NotePersonal, Rejection> {
    let text = note.map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > NOTE_CHARS_MAX) {
        return Err(Rejection::Invalid { field: "note", limit: NOTE_CHARS_MAX });
    }
    Ok(NotePersonal { text: text.map(str::to_owned) })
}
