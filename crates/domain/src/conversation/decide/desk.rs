//! What staff write on a conversation for each other: notes, tags, priority, and what they have read.

use std::collections::BTreeSet;

use super::{Decided, Decision, NOTE_CHARS_MAX, Rejection, note_text, staff_only};
use crate::conversation::command::Envelope;
use crate::conversation::event::{ConversationEvent, NotePersonal, Priority};
use crate::conversation::state::Opened;
use crate::id::TagId;

/// The most tags of one conversation: more than anybody reads in a list.
pub const TAGS_MAX: usize = 32;

pub(super) fn add_note(_opened: &Opened, envelope: &Envelope, text: &str) -> Decided {
    staff_only(envelope)?;
    Ok(Decision::Append(vec![note(envelope, "text", text)?]))
}

/// A note as an event, if the field that it comes from says anything.
pub(super) fn note(envelope: &Envelope, field: &'static str, text: &str) -> Result<ConversationEvent, Rejection> {
    let invalid = Rejection::Invalid { field, limit: NOTE_CHARS_MAX };
    let Ok(personal @ NotePersonal { text: Some(_) }) = note_text(Some(text)) else { return Err(invalid) };
    Ok(ConversationEvent::NoteAdded { message: envelope.new_message, personal })
}

pub(super) fn add_tag(opened: &Opened, envelope: &Envelope, tag: TagId, deleted: &BTreeSet<TagId>) -> Decided {
    staff_only(envelope)?;
    if opened.tags.contains(&tag) {
        return Ok(Decision::AlreadySo);
    }
    if opened.tags.difference(deleted).count() >= TAGS_MAX {
        return Err(Rejection::Limit { what: "tags", limit: TAGS_MAX });
    }
    Ok(Decision::Append(vec![ConversationEvent::TagAdded { tag }]))
}

pub(super) fn remove_tag(opened: &Opened, envelope: &Envelope, tag: TagId) -> Decided {
    staff_only(envelope)?;
    if !opened.tags.contains(&tag) {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![ConversationEvent::TagRemoved { tag }]))
}

pub(super) fn set_priority(opened: &Opened, envelope: &Envelope, priority: Priority) -> Decided {
    staff_only(envelope)?;
    if opened.priority == priority {
        return Ok(Decision::AlreadySo);
    }
    Ok(Decision::Append(vec![ConversationEvent::PrioritySet { priority }]))
}

/// A version from the future is read as "everything that there is": what is not written yet cannot have been read.
pub(super) fn mark_read(opened: &Opened, envelope: &Envelope, through: Option<u64>) -> Decided {
    staff_only(envelope)?;
    let through = through.unwrap_or(opened.version).min(opened.version);
    let nothing_new = opened.customer_wrote <= opened.read_through || through <= opened.read_through;
    if nothing_new {
        Ok(Decision::AlreadySo)
    } else {
        Ok(Decision::Append(vec![ConversationEvent::MarkedRead { through }]))
    }
}
