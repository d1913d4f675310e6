//! What each event changes in the line that a list shows of a conversation. One pure function an event.
//!
//! Rules: `last_activity` is the latest time of a message, so that a late old one, a state, a note or a delivery report never
//! moves a conversation up; a reaction is no message, and imported history moves nothing. Waiting is about answers and time, see
//! [`unanswered`]; unread is about what staff has seen, see [`unread`]. A pause survives resolving, reopening and new episodes; so do assignment, tags and priority.

pub(crate) mod unanswered;
pub(crate) mod unread;

use std::time::Duration;

use relevo_domain::conversation::{
    Alert, Author, Body, ConversationEvent, Medium, Message, MessageKind, NotePersonal, Outgoing, PauseReason,
    PauseTerms,
};
use relevo_domain::{Actor, ChannelId, EntityId, Timestamp};

use crate::apply::Moment;
use crate::row::{AlertRow, ConversationRow, EscalationRow, LastSentRow, MessageRow, PauseRow, PreviewRow};

/// How long after the customer's last message WhatsApp accepts free text.
pub(crate) const WINDOW: Duration = Duration::from_hours(24);
/// The longest preview, in characters: one line of a list.
pub(crate) const PREVIEW_CHARS_MAX: usize = 120;

/// Numbers of the statuses in rows.
pub(crate) const OPEN: u32 = 1;
pub(crate) const PENDING: u32 = 2;
pub(crate) const SNOOZED: u32 = 3;
pub(crate) const RESOLVED: u32 = 4;

pub(crate) fn opened(moment: Moment<'_>, channel: &ChannelId, medium: Medium, contact: EntityId) -> ConversationRow {
    ConversationRow {
        contact: contact.bytes().to_vec(),
        channel: channel.to_string(),
        medium: medium.as_str().to_owned(),
        status: OPEN,
        // Stands until the first message, for a conversation that begins with a reaction.
        last_activity: moment.at,
        ..ConversationRow::default()
    }
}

fn on_terms(row: &mut ConversationRow, terms: PauseTerms) {
    if let Some(pause) = &mut row.pause {
        pause.until = terms.until.map(Timestamp::as_millis);
        pause.locked = terms.locked;
    }
}

/// What a conversation goes through besides its messages.
pub(crate) fn changed(row: &mut ConversationRow, moment: Moment<'_>, event: &ConversationEvent) {
    match event {
        ConversationEvent::EpisodeStarted { episode, .. } | ConversationEvent::Reopened { episode, .. } => {
            row.episode = *episode;
            status(row, OPEN, None);
        }
        ConversationEvent::ReturnedToOpen { .. } => status(row, OPEN, None),
        ConversationEvent::MarkedPending { .. } => status(row, PENDING, None),
        ConversationEvent::Snoozed { until, .. } => status(row, SNOOZED, *until),
        ConversationEvent::Resolved { .. } => {
            status(row, RESOLVED, None);
            unanswered::settled(row.unanswered.get_or_insert_default());
        }
        ConversationEvent::BotPaused { reason, automatic, terms, personal } => {
            bot_paused(row, moment, *reason, *automatic, personal);
            on_terms(row, *terms);
        }
        ConversationEvent::PauseChanged { terms, .. } => on_terms(row, *terms),
        // The pause, the assignment and the note stand before it in the commit.
        ConversationEvent::Escalated { to, reason, note: _ } => {
            if let Some(pause) = &mut row.pause {
                pause.escalation = Some(EscalationRow {
                    to: to.to_string(),
                    by: moment.by.to_word(),
                    at: moment.at,
                    reason: reason.as_str().to_owned(),
                    sequence: moment.sequence,
                });
            }
        }
        ConversationEvent::AlertRaised { alert, since } => alerted(row, moment, *alert, *since),
        ConversationEvent::BotResumed { .. } => row.pause = None,
        ConversationEvent::Assigned { agent, team, .. } => {
            row.agent = agent.as_ref().map(ToString::to_string).unwrap_or_default();
            row.team = team.as_ref().map(ToString::to_string).unwrap_or_default();
        }
        ConversationEvent::TagAdded { tag } => {
            if let Err(place) = row.tags.binary_search_by(|known| known.as_slice().cmp(tag.bytes())) {
                row.tags.insert(place, tag.bytes().to_vec());
            }
        }
        ConversationEvent::TagRemoved { tag } => row.tags.retain(|known| known.as_slice() != tag.bytes()),
        ConversationEvent::PrioritySet { priority } => row.priority = *priority as u32,
        ConversationEvent::MarkedRead { through } => unread::read(row, *through),
        // The row is new; `EpisodeStarted` follows.
        ConversationEvent::Opened { .. }
        | ConversationEvent::SituationDetected(_)
        | ConversationEvent::SuggestionClosed { .. }
        | ConversationEvent::BotTurnStarted(_)
        | ConversationEvent::BotTurnEnded { .. }
        | ConversationEvent::BotSignalled { .. }
        // What is said about messages stands in the functions below.
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::DeliveryReported(_)
        | ConversationEvent::MessageQueued(_)
        | ConversationEvent::SendStarted { .. }
        | ConversationEvent::MessageAccepted { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::MediumFetched { .. }
        | ConversationEvent::NoteAdded { .. } => {}
    }
}

/// A pause stands: without one there is nothing alarming.
fn alerted(row: &mut ConversationRow, moment: Moment<'_>, alert: Alert, since: Timestamp) {
    if let Some(pause) = &mut row.pause {
        pause.alerts.retain(|known| known.alert != alert.as_str());
        pause.alerts.push(AlertRow {
            alert: alert.as_str().to_owned(),
            since: since.as_millis(),
            at: moment.at,
            sequence: moment.sequence,
        });
    }
}

fn status(row: &mut ConversationRow, status: u32, snoozed_until: Option<Timestamp>) {
    row.status = status;
    row.snoozed_until = snoozed_until.map(Timestamp::as_millis);
}

pub(crate) fn message_received(row: &mut ConversationRow, moment: Moment<'_>, message: &Message, stored: &MessageRow) {
    if message.flags.imported {
        previewed(row, moment, stored);
        // History comes oldest first, and gives way to what is said from now on.
        if row.last_customer_at.is_none() {
            answerable(row, message);
        }
        return;
    }
    active(row, moment, stored);
    if message.is_a_persons_words() {
        unanswered::wrote(row.unanswered.get_or_insert_default(), moment.at);
        unread::wrote(row, moment.version);
    }
    if message.flags.by_a_person() && opens_window(&message.content.kind) {
        spoke(row, moment);
        answerable(row, message);
    }
}

/// As the rules have it: answers go to what the customer last wrote from, by the log. Who came in by our own token alone is not
/// written to unasked.
fn answerable(row: &mut ConversationRow, message: &Message) {
    let address = message.content.personal.sender_address.as_ref();
    if let Some(address) = address.filter(|_| !message.flags.unverified) {
        row.address.clone_from(address);
    }
}

/// A reaction of the customer opens the window as a message does.
pub(crate) fn reacted(row: &mut ConversationRow, moment: Moment<'_>) {
    if *moment.by == Actor::Customer {
        spoke(row, moment);
    }
}

fn spoke(row: &mut ConversationRow, moment: Moment<'_>) {
    row.last_customer_at = Some(row.last_customer_at.map_or(moment.at, |last| last.max(moment.at)));
}

/// The business wrote with Relevo. Staff who write have read; what a bot or Relevo itself writes, nobody has.
pub(crate) fn message_queued(row: &mut ConversationRow, moment: Moment<'_>, outgoing: &Outgoing, stored: &MessageRow) {
    if outgoing.author == Author::Staff {
        unread::read(row, moment.version);
    }
    // Whom we wrote to first is who the conversation is with, until they write themselves.
    if row.address.is_empty() {
        row.address.clone_from(&outgoing.personal.to.value);
    }
    if matches!(outgoing.body, Body::Reaction { .. }) {
        return;
    }
    active(row, moment, stored);
    let state = stored.send_state();
    row.last_sent = Some(LastSentRow { message: stored.message.clone(), state: state.into() });
    row.problem = state.is_problem();
}

/// Follows what answers: see `relevo_projection::answers`. A bot answers while it is not paused.
pub(crate) fn answers(row: &mut ConversationRow, moment: Moment<'_>, event: &ConversationEvent) {
    let bot_is_active = row.pause.is_none();
    unanswered::sent(row.unanswered.get_or_insert_default(), event, moment.at, |author| match author {
        Author::Staff | Author::PhoneApp => true,
        Author::Bot => bot_is_active,
        Author::Customer | Author::System => false,
    });
    if row.unanswered.as_ref().is_some_and(unanswered::is_nothing) {
        row.unanswered = None;
    }
}

pub(crate) fn message_echoed(row: &mut ConversationRow, moment: Moment<'_>, message: &Message, stored: &MessageRow) {
    if message.flags.imported {
        previewed(row, moment, stored);
        return;
    }
    active(row, moment, stored);
    unanswered::answered(row.unanswered.get_or_insert_default(), moment.at);
    unread::read(row, moment.version);
}

/// What changes a message changes the preview if it is of the message shown, and how the last message of the business stands;
/// it is no activity.
pub(crate) fn message_changed(row: &mut ConversationRow, stored: Option<&MessageRow>) {
    let Some(stored) = stored else { return };
    let state = stored.send_state();
    if let Some(preview) = row.preview.as_mut().filter(|preview| preview.message == stored.message) {
        preview.kind.clone_from(&stored.kind);
        preview.text = line(stored);
        preview.state = state.into();
    }
    if let Some(last) = row.last_sent.as_mut().filter(|last| last.message == stored.message) {
        last.state = state.into();
        row.problem = state.is_problem();
    }
}

fn bot_paused(
    row: &mut ConversationRow,
    moment: Moment<'_>,
    reason: PauseReason,
    automatic: bool,
    personal: &NotePersonal,
) {
    row.pause = Some(PauseRow {
        reason: reason.as_str().to_owned(),
        automatic,
        by: moment.by.pausing(automatic).to_word(),
        since: moment.at,
        note: personal.text.clone().unwrap_or_default(),
        until: None,
        locked: false,
        escalation: None,
        alerts: Vec::new(),
    });
}

/// A message was written: the latest by time is the activity and the preview, whatever order they come in.
fn active(row: &mut ConversationRow, moment: Moment<'_>, stored: &MessageRow) {
    row.last_activity = row.last_activity.max(moment.at);
    previewed(row, moment, stored);
}

fn previewed(row: &mut ConversationRow, moment: Moment<'_>, stored: &MessageRow) {
    if row.preview.as_ref().is_none_or(|preview| preview.at <= moment.at) {
        row.preview = Some(PreviewRow {
            message: stored.message.clone(),
            at: moment.at,
            kind: stored.kind.clone(),
            text: line(stored),
            state: stored.send_state().into(),
        });
    }
}

/// Whether the customer wrote it, as WhatsApp counts its window: not what the provider says in the customer's name.
fn opens_window(kind: &MessageKind) -> bool {
    *kind != MessageKind::System
}

/// A message's text, else its subject, on one line. Nothing of a revoked one: its author took it back.
fn line(stored: &MessageRow) -> String {
    if stored.revoked_at.is_some() {
        return String::new();
    }
    let subject = stored.mail.as_ref().map_or("", |mail| mail.subject.as_str());
    let source = if stored.text.trim().is_empty() { subject } else { &stored.text };
    let mut line = String::new();
    // Never walks through a long mail: what is cut off is not looked at.
    let mut chars = source.chars().map(|c| if c.is_control() { ' ' } else { c }).filter(|c| !is_invisible(*c));
    let (mut length, mut space) = (0, false);
    for c in &mut chars {
        if c.is_whitespace() {
            space = length > 0;
            continue;
        }
        let needed = length + usize::from(space) + 1;
        if needed > PREVIEW_CHARS_MAX {
            line.pop();
            line.push('…');
            break;
        }
        if std::mem::take(&mut space) {
            line.push(' ');
        }
        line.push(c);
        length = needed;
    }
    line
}

/// Characters that turn the direction of a line around, and would turn a whole list around with it.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preview_of(text: &str) -> String {
        line(&MessageRow { text: text.to_owned(), ..MessageRow::default() })
    }

    #[test]
    fn a_preview_is_one_line_of_at_most_120_characters() {
        assert_eq!(preview_of("  Hola,\n\n¿tienen\tturno?\u{202e} "), "Hola, ¿tienen turno?");
        assert_eq!(preview_of("\n \t"), "");
        let exact = "ñ".repeat(PREVIEW_CHARS_MAX);
        assert_eq!(preview_of(&exact), exact);
        let long = preview_of(&"ñ".repeat(PREVIEW_CHARS_MAX + 1));
        assert_eq!(long.chars().count(), PREVIEW_CHARS_MAX);
        assert!(long.ends_with('…'));
    }
}
