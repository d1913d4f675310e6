//! Entries of a thread as the API shows them.

use relevo_domain::conversation::{Alert, PauseReason, Priority, SnoozePreset};
use relevo_domain::{Actor, AgentId, MessageId, TagId, TeamId, Timestamp};
use relevo_projector_inbox as inbox;
use relevo_proto::query::v1 as wire;

use super::conversation;
use super::outgoing;
pub(crate) use super::outgoing::send_state;
use super::words::{self, Names};

/// One entry.
pub(crate) fn entry(names: Names<'_>, tags: &[inbox::Tag], entry: inbox::ThreadEntry) -> wire::ThreadEntry {
    let entry_id = entry_id(&entry.place);
    let shown = match entry.entry {
        inbox::Entry::Message(row) => wire::thread_entry::Entry::Message(message(names, row)),
        inbox::Entry::Timeline(row) => wire::thread_entry::Entry::Timeline(timeline(names, tags, row)),
        inbox::Entry::Loose(row) => wire::thread_entry::Entry::LooseUpdate(loose(row)),
    };
    wire::ThreadEntry { occurred_at: Some(words::time(entry.occurred_at)), entry: Some(shown), entry_id }
}

/// The name of an entry: its place, so that names sort as the thread does.
pub(crate) fn entry_id(place: &inbox::ThreadCursor) -> String {
    format!("{:016x}{:08x}", place.sequence, place.ordinal)
}

fn message(names: Names<'_>, row: inbox::Message) -> wire::Message {
    let (author, outgoing) = (author(&row), outgoing::outgoing(names, &row));
    wire::Message {
        message_id: message_id(&row.message),
        kind: row.kind,
        author: author.into(),
        staff: Actor::from_word(&row.by).map(|actor| names.actor(&actor)),
        text: row.text,
        sender_name: row.sender_name,
        sender_address: row.sender_address,
        reply_to: message_id(&row.reply_to),
        provider_time: time(row.provider_time),
        edited: row.edited_at.is_some(),
        edited_at: time(row.edited_at),
        revoked: row.revoked_at.is_some(),
        revoked_at: time(row.revoked_at),
        reactions: row.reactions.into_iter().map(|row| reaction(names, row)).collect(),
        attachments: row.attachments.into_iter().map(attachment).collect(),
        delivery_status: row.delivery_status,
        delivery_reports: row.reports.into_iter().map(report).collect(),
        flags: row.flags.map(flags),
        mail: row.mail.map(mail),
        details_json: row.details_json,
        outgoing,
    }
}

fn author(row: &inbox::Message) -> wire::Author {
    match row.author() {
        inbox::Author::Unspecified => wire::Author::Unspecified,
        inbox::Author::Customer => wire::Author::Customer,
        inbox::Author::PhoneApp => wire::Author::PhoneApp,
        inbox::Author::Staff => wire::Author::Staff,
        inbox::Author::Bot => wire::Author::Bot,
        inbox::Author::System => wire::Author::System,
    }
}

fn reaction(names: Names<'_>, row: inbox::Reaction) -> wire::Reaction {
    let by = Actor::from_word(&row.by).map_or(0, |actor| names.actor(&actor).kind);
    wire::Reaction { by, emoji: row.emoji, at: time(Some(row.at)) }
}

fn attachment(row: inbox::Attachment) -> wire::Attachment {
    let state = match row.state() {
        inbox::AttachmentState::Pending => wire::AttachmentState::Pending,
        inbox::AttachmentState::Stored => wire::AttachmentState::Stored,
        inbox::AttachmentState::Unavailable => wire::AttachmentState::Unavailable,
    };
    // The provider's id and address stay inside: they open the file to whoever has them.
    wire::Attachment {
        mime_type: row.mime_type,
        size_bytes: row.size_bytes,
        sha256: row.sha256,
        voice: row.voice,
        inline: row.inline,
        file_name: row.file_name,
        state: state.into(),
        unavailable_reason: row.unavailable,
    }
}

fn report(row: inbox::Report) -> wire::DeliveryReport {
    wire::DeliveryReport { status: row.status, at: time(Some(row.at)), error_code: row.error_code }
}

const fn flags(row: inbox::Flags) -> wire::MessageFlags {
    wire::MessageFlags {
        automatic: row.automatic,
        bounce: row.bounce,
        delay: row.delay,
        list: row.list,
        complaint: row.complaint,
        own_loop: row.own_loop,
        message_id_reused: row.message_id_reused,
        forwarded: row.forwarded,
        frequently_forwarded: row.frequently_forwarded,
        imported: row.imported,
        unverified: row.unverified,
    }
}

fn mail(row: inbox::Mail) -> wire::Mail {
    wire::Mail {
        subject: row.subject,
        to: row.to,
        cc: row.cc,
        quoted: row.quoted,
        has_html: row.has_html,
        message_id: row.message_id,
    }
}

fn timeline(names: Names<'_>, tags: &[inbox::Tag], row: inbox::Timeline) -> wire::TimelineEntry {
    let (kind, how) = match row.kind() {
        inbox::TimelineKind::Unspecified => (wire::TimelineKind::Unspecified, None),
        inbox::TimelineKind::EpisodeStarted => (wire::TimelineKind::EpisodeStarted, None),
        inbox::TimelineKind::BotPaused => (wire::TimelineKind::BotPaused, None),
        inbox::TimelineKind::BotResumed => (wire::TimelineKind::BotResumed, None),
        inbox::TimelineKind::Assigned if row.claimed => {
            (wire::TimelineKind::Assigned, Some(wire::AssignmentHow::Claim))
        }
        inbox::TimelineKind::Assigned => (wire::TimelineKind::Assigned, Some(wire::AssignmentHow::Manual)),
        inbox::TimelineKind::Resolved => (wire::TimelineKind::Resolved, None),
        inbox::TimelineKind::Reopened => (wire::TimelineKind::Reopened, None),
        inbox::TimelineKind::MarkedPending => (wire::TimelineKind::MarkedPending, None),
        inbox::TimelineKind::Snoozed => (wire::TimelineKind::Snoozed, None),
        inbox::TimelineKind::ReturnedToOpen => (wire::TimelineKind::ReturnedToOpen, None),
        inbox::TimelineKind::TagAdded => (wire::TimelineKind::TagAdded, None),
        inbox::TimelineKind::TagRemoved => (wire::TimelineKind::TagRemoved, None),
        inbox::TimelineKind::PrioritySet => (wire::TimelineKind::PrioritySet, None),
        inbox::TimelineKind::MarkedRead => (wire::TimelineKind::MarkedRead, None),
        inbox::TimelineKind::PauseChanged => (wire::TimelineKind::PauseChanged, None),
        inbox::TimelineKind::Escalated => (wire::TimelineKind::Escalated, Some(wire::AssignmentHow::Manual)),
        inbox::TimelineKind::SituationDetected => (wire::TimelineKind::SituationDetected, None),
        inbox::TimelineKind::SuggestionClosed => (wire::TimelineKind::SuggestionClosed, None),
        inbox::TimelineKind::AlertRaised => (wire::TimelineKind::AlertRaised, None),
    };
    let assignee = how.map(|_assigned| {
        let (agent, team) = (AgentId::new(row.agent.as_str()).ok(), TeamId::new(row.team.as_str()).ok());
        names.assignee(agent.as_ref(), team.as_ref())
    });
    wire::TimelineEntry {
        kind: kind.into(),
        by: Actor::from_word(&row.by).map(|actor| names.actor(&actor)),
        episode: row.episode,
        pause_reason: PauseReason::parse(&row.pause_reason)
            .map_or(wire::PauseReason::Unspecified, words::reason)
            .into(),
        automatic: row.automatic,
        assignee,
        how: how.unwrap_or_default().into(),
        reason: row.reason,
        note: row.note,
        cause: cause(&row.cause).into(),
        until: time(row.until),
        preset: SnoozePreset::parse(&row.preset).map_or(wire::SnoozePreset::Unspecified, words::preset).into(),
        tag: tag(tags, &row.tag),
        priority: Priority::parse(&row.priority).map_or(wire::Priority::Unspecified, words::priority).into(),
        through_version: row.through,
        locked: row.locked,
        detection: row.detected.map(detection),
        suggestion: row.suggestion,
        accepted: row.accepted,
        alert: Alert::parse(&row.alert).map(|alert| wire::Alert {
            kind: words::alert(alert).into(),
            since: time(row.since),
            at: None,
        }),
    }
}

/// Whoever is shown a thread reads what was written in it.
fn detection(row: inbox::Detected) -> wire::Detection {
    wire::Detection {
        rule: row.rule,
        message_ids: row.messages.iter().map(|id| message_id(id)).collect(),
        count: row.count,
        phrase: row.phrase,
    }
}

fn cause(word: &str) -> wire::TimelineCause {
    match word {
        "customer_message" => wire::TimelineCause::CustomerMessage,
        "business_message" => wire::TimelineCause::BusinessMessage,
        "staff" => wire::TimelineCause::Staff,
        "timer" => wire::TimelineCause::Timer,
        "imported" => wire::TimelineCause::Imported,
        _ => wire::TimelineCause::Unspecified,
    }
}

/// The tag of an entry, with the name that it has now; without one if it was deleted.
fn tag(tags: &[inbox::Tag], id: &[u8]) -> Option<wire::Tag> {
    let id = TagId::new(id.try_into().ok()?);
    let known = tags.iter().find(|tag| tag.id == id).cloned().map(conversation::tag);
    Some(known.unwrap_or_else(|| wire::Tag { tag_id: id.to_string(), ..wire::Tag::default() }))
}

fn loose(row: inbox::Loose) -> wire::LooseUpdate {
    let kind = match row.kind() {
        inbox::LooseKind::Unspecified => wire::LooseUpdateKind::Unspecified,
        inbox::LooseKind::Edited => wire::LooseUpdateKind::Edited,
        inbox::LooseKind::Revoked => wire::LooseUpdateKind::Revoked,
        inbox::LooseKind::Reaction => wire::LooseUpdateKind::Reaction,
        inbox::LooseKind::Delivery => wire::LooseUpdateKind::Delivery,
    };
    let about = row.about.unwrap_or_default();
    wire::LooseUpdate {
        message_id: message_id(&about.message),
        kind: kind.into(),
        content_kind: about.kind,
        text: about.text,
        // The latest one; none if it was taken back.
        emoji: about.reactions.into_iter().last().map(|reaction| reaction.emoji).unwrap_or_default(),
        delivery_reports: about.reports.into_iter().map(report).collect(),
    }
}

/// The text form of a stored message id; empty if there is none.
pub(super) fn message_id(bytes: &[u8]) -> String {
    bytes.try_into().map(|bytes| MessageId::new(bytes).to_string()).unwrap_or_default()
}

pub(super) fn time(millis: Option<i64>) -> Option<prost_types::Timestamp> {
    millis.map(|millis| words::time(Timestamp::from_millis(millis)))
}
