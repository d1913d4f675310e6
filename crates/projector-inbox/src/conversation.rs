//! What each event changes in the line that a list shows of a conversation. One pure function an event.
//!
//! Rules: `last_activity` is the latest time of a message, so that a late old one, a state, a note or a delivery report never
//! moves a conversation up. Waiting is about answers and time, see [`unanswered`]; unread is about what staff has seen, see
//! [`unread`]. A pause survives resolving, reopening and new episodes; so do assignment, tags and priority.

pub(crate) mod unanswered;
pub(crate) mod unread;

use std::time::Duration;

use relevo_domain::conversation::{ConversationEvent, Medium, Message, MessageKind, NotePersonal, PauseReason};
use relevo_domain::{ChannelId, EntityId, Timestamp};

use crate::apply::Moment;
use crate::row::{ConversationRow, MessageRow, PauseRow, PreviewRow};

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
        ConversationEvent::BotPaused { reason, automatic, personal } => {
            bot_paused(row, moment, *reason, *automatic, personal);
        }
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
        // What is said about messages stands in the functions below.
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::DeliveryReported(_)
        | ConversationEvent::NoteAdded { .. } => {}
    }
}

fn status(row: &mut ConversationRow, status: u32, snoozed_until: Option<Timestamp>) {
    row.status = status;
    row.snoozed_until = snoozed_until.map(Timestamp::as_millis);
}

pub(crate) fn message_received(row: &mut ConversationRow, moment: Moment<'_>, message: &Message, stored: &MessageRow) {
    active(row, moment, stored);
    if message.is_a_persons_words() {
        unanswered::wrote(row.unanswered.get_or_insert_default(), moment.at);
        unread::wrote(row, moment.version);
    }
    if opens_window(&message.content.kind) && row.last_customer_at.is_none_or(|last| last <= moment.at) {
        row.last_customer_at = Some(moment.at);
        if let Some(address) = &message.content.personal.sender_address {
            row.address.clone_from(address);
        }
    }
}

pub(crate) fn message_echoed(row: &mut ConversationRow, moment: Moment<'_>, stored: &MessageRow) {
    active(row, moment, stored);
    unanswered::answered(row.unanswered.get_or_insert_default(), moment.at);
    unread::read(row, moment.version);
}

/// An edit or a revocation changes the preview if it is of the message shown; it is no activity.
pub(crate) fn message_changed(row: &mut ConversationRow, stored: Option<&MessageRow>) {
    if let (Some(preview), Some(stored)) = (&mut row.preview, stored)
        && preview.message == stored.message
    {
        preview.kind.clone_from(&stored.kind);
        preview.text = line(stored);
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
        by: moment.by.to_word(),
        since: moment.at,
        note: personal.text.clone().unwrap_or_default(),
    });
}

/// A message was written: the latest by time is the activity and the preview, whatever order they come in.
fn active(row: &mut ConversationRow, moment: Moment<'_>, stored: &MessageRow) {
    row.last_activity = row.last_activity.max(moment.at);
    if row.preview.as_ref().is_none_or(|preview| preview.at <= moment.at) {
        row.preview = Some(PreviewRow {
            message: stored.message.clone(),
            at: moment.at,
            kind: stored.kind.clone(),
            text: line(stored),
        });
    }
}

/// Whether the customer wrote it, as WhatsApp counts its window: not what the provider says in the thread.
fn opens_window(kind: &MessageKind) -> bool {
    match kind {
        MessageKind::System | MessageKind::RequestWelcome | MessageKind::Note => false,
        MessageKind::Text
        | MessageKind::Image
        | MessageKind::Video
        | MessageKind::Audio
        | MessageKind::Document
        | MessageKind::Sticker
        | MessageKind::Location
        | MessageKind::Contacts
        | MessageKind::Interactive
        | MessageKind::Button
        | MessageKind::Order
        | MessageKind::Unsupported
        | MessageKind::Email
        | MessageKind::Other(_) => true,
    }
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
