//! What a conversation answers to a command: the events to append, "already so", or a rejection.
//!
//! [`decide`] is the table of contents; the commands stand in a module an axis.

mod alert;
mod assignment;
mod bot;
mod desk;
mod inbound;
mod send;
mod status;
mod suggestion;
mod turn;
mod watch;

use crate::access::Role;
use crate::actor::Actor;
use crate::conversation::command::{Command, Envelope};
use crate::conversation::event::{ConversationEvent, NotePersonal, PauseReason, PauseTerms};
use crate::conversation::state::{LastAnswer, Opened, State};
use crate::id::AgentId;
use crate::time::Timestamp;

pub use bot::PAUSE_DAYS_MAX;
pub use desk::TAGS_MAX;
pub use inbound::REOPEN_WITHIN;
pub use send::QUEUED_MAX;
pub use status::{REASON_CHARS_MAX, SNOOZE_DAYS_MAX};

/// The longest note, in characters: a remark for colleagues, not a document.
pub const NOTE_CHARS_MAX: usize = 4_000;

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
    /// The customer's last message is more than a day old, or there is none: only a template may be sent.
    WindowClosed { expired_at: Option<Timestamp> },
    /// Somebody else has written to the customer since the caller last looked.
    StaleView { answer: Box<LastAnswer> },
    /// The bot is paused, and so is silent.
    BotPaused { reason: PauseReason, by: Actor, since: Timestamp },
    /// The turn is over, or another bot's.
    TurnEnded { turn: u64 },
    /// There is no such suggestion (any more).
    SuggestionNotFound,
    /// The bot is not paused: there are no terms to change.
    NotPaused,
    /// Only supervisors and admins may end or change this pause.
    PauseLocked { by: Actor, since: Timestamp },
    /// So many messages to this customer wait to be sent that more would only wait longer.
    PairRate { waiting: usize },
    /// Nothing is known that a message could be addressed to.
    NoRecipient,
    /// Somebody stopped the channel.
    ChannelPaused,
    /// There is no such message on its way.
    MessageNotFound,
    /// The provider has it, or may have it: it cannot be taken back.
    AlreadyHandedOver,
    /// It is not this message's turn: another one is before it, or its time has not come, or somebody else has it. Said to
    /// senders alone.
    NotItsTurn,
}

type Decided = Result<Decision, Rejection>;
/// What intake brings are facts: they are never refused, only stored.
type Events = Vec<ConversationEvent>;

/// Decides one command against the state of its conversation.
pub fn decide(state: &State, envelope: &Envelope, command: &Command) -> Decided {
    match command {
        Command::ReceiveMessage { place, message, detection } => {
            append(inbound::receive_message(state, envelope, place, message, detection.as_deref()))
        }
        Command::RecordEcho { place, message } => append(inbound::record_echo(state, envelope, place, message)),
        Command::RecordEdit { place, message, content, by_customer } => {
            append(inbound::record_edit(state, envelope, place, *message, content, *by_customer))
        }
        Command::RecordRevoke { place, message } => append(inbound::record_revoke(state, envelope, place, *message)),
        Command::RecordReaction { place, message, personal } => {
            append(inbound::record_reaction(state, envelope, place, *message, personal))
        }
        Command::RecordDeliveryReport { report, alias } => inbound::record_delivery_report(state, report, *alias),
        Command::PauseBot(wish) => bot::pause_bot(existing(state)?, envelope, wish),
        Command::ChangePause { terms, note } => bot::change_pause(existing(state)?, envelope, *terms, note.as_deref()),
        Command::ResumeBot { catch_up, note, farewell } => {
            bot::resume_bot(existing(state)?, envelope, *catch_up, note.as_deref(), farewell.as_deref())
        }
        Command::EndPause { scheduled, catch_up } => bot::end_pause(existing(state)?, envelope, *scheduled, *catch_up),
        Command::StartTurn { claim, until } => turn::start(existing(state)?, envelope, claim, *until),
        Command::EndTurn { turn, how } => turn::end(existing(state)?, envelope, *turn, *how),
        Command::HandOff { turn, note } => turn::hand_off(existing(state)?, envelope, *turn, note.as_deref()),
        Command::ClaimSignal { until } => turn::signal(existing(state)?, envelope, *until),
        Command::RaiseAlert { alert, since, after } => alert::raise(existing(state)?, envelope, *alert, *since, *after),
        Command::AcceptSuggestion { suggestion, note, terms } => {
            suggestion::accept(existing(state)?, envelope, *suggestion, note.as_deref(), *terms)
        }
        Command::DismissSuggestion { suggestion } => suggestion::dismiss(existing(state)?, envelope, *suggestion),
        Command::WakeSnoozed { scheduled } => status::wake(existing(state)?, envelope, *scheduled),
        Command::Escalate { to, reason, summary } => bot::escalate(existing(state)?, envelope, to, *reason, summary),
        Command::Assign { agent, team } => {
            assignment::assign(existing(state)?, envelope, agent.as_ref(), team.as_ref())
        }
        Command::Claim { agent } => assignment::claim(existing(state)?, envelope, agent),
        Command::Resolve { reason, note } => {
            status::resolve(existing(state)?, envelope, reason.as_deref(), note.as_deref())
        }
        Command::Reopen => status::reopen(existing(state)?, envelope),
        Command::AddNote { text } => desk::add_note(existing(state)?, envelope, text),
        Command::Unassign => assignment::unassign(existing(state)?, envelope),
        Command::SetPending { note } => status::set_pending(existing(state)?, envelope, note.as_deref()),
        Command::Snooze { until, preset, note } => {
            status::snooze(existing(state)?, envelope, *until, *preset, note.as_deref())
        }
        Command::Unsnooze => status::unsnooze(existing(state)?, envelope),
        Command::AddTag { tag, deleted } => desk::add_tag(existing(state)?, envelope, *tag, deleted),
        Command::RemoveTag { tag } => desk::remove_tag(existing(state)?, envelope, *tag),
        Command::SetPriority { priority } => desk::set_priority(existing(state)?, envelope, *priority),
        Command::MarkRead { through } => desk::mark_read(existing(state)?, envelope, *through),
        Command::PauseLinked => bot::pause_linked(existing(state)?, envelope),
        Command::SendMessage(send) => send::send_message(state, envelope, send),
        Command::ClaimSend { message, claim, until } => {
            send::claim(existing(state)?, envelope, *message, claim, *until)
        }
        Command::RecordAccepted { message, attempt, alias, provider_id } => {
            send::accepted(existing(state)?, *message, *attempt, *alias, provider_id)
        }
        Command::RecordSendFailed { message, attempt, failure, retry_at } => {
            send::failed(existing(state)?, *message, *attempt, failure, *retry_at)
        }
        Command::RecordSendUnknown { message, attempt } => send::unknown(existing(state)?, *message, *attempt),
        Command::GiveUpSend { message, failure } => send::give_up(existing(state)?, *message, failure),
        Command::CancelSend { message } => send::cancel(existing(state)?, envelope, *message),
        Command::RecordMedium { message, index, medium, outcome } => {
            inbound::record_medium(existing(state)?, *message, *index, *medium, outcome)
        }
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the arm of a decision")]
fn append(events: Events) -> Decided {
    Ok(Decision::Append(events))
}

fn automatic_pause(reason: PauseReason) -> ConversationEvent {
    ConversationEvent::BotPaused {
        reason,
        automatic: true,
        terms: PauseTerms::default(),
        personal: NotePersonal::default(),
    }
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
