//! What the business sends, as entries of the thread: each event of its way changes the entry of its message.
//!
//! What a provider reported under its own name for the message, before Relevo knew that name, is taken in when the message is
//! accepted; from then on that name leads to the message.

use relevo_domain::conversation::{
    Body, CancelCause, FetchOutcome, Outgoing, OutgoingMail, SendFailure, StoredFile, TemplateUse, medium_mark,
};
use relevo_domain::{MessageId, Timestamp};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use super::{add, amend, amend_at, amend_known, author_code, details, react, take_in, take_loose};
use crate::apply::Moment;
use crate::keys;
use crate::row::{
    AttachmentRow, AttachmentStateCode, CancelCode, FailureRow, FlagsRow, LooseKind, MailRow, MessageRow, OutgoingRow,
    PlaceRow, REPORTED, ReactionRow, ReportRow, StageCode, TimesRow,
};

/// The message as it stands now; `None` if the thread does not have it, which no decider would lead to.
type Changed = Result<Option<MessageRow>, ApplyError>;

/// Adds a message that was queued.
pub(crate) fn queued(rows: &mut dyn Rows, moment: Moment<'_>, outgoing: &Outgoing) -> Result<MessageRow, ApplyError> {
    add(rows, moment, outgoing.id, message_row(moment, outgoing))
}

/// A sender is about to hand it over.
pub(crate) fn started(rows: &mut dyn Rows, moment: Moment<'_>, message: MessageId, attempt: u32) -> Changed {
    on_its_way(rows, moment, message, |outgoing| {
        outgoing.set_stage(StageCode::Sending);
        outgoing.attempts = attempt;
        outgoing.next_attempt_at = None;
    })
}

/// The provider has it under `provider_id`, and names it `alias` in its reports.
pub(crate) fn accepted(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    message: MessageId,
    alias: MessageId,
    provider_id: &str,
) -> Changed {
    let place: Option<PlaceRow> = load(&*rows, "message", &keys::message(moment.tenant, moment.entity, message))?;
    let Some(spot) = place.and_then(|place| place.known) else { return Ok(None) };
    let alias_key = keys::message(moment.tenant, moment.entity, alias);
    let mut of_alias: PlaceRow = load(&*rows, "message", &alias_key)?.unwrap_or_default();
    let mut early = Vec::new();
    // An id that is a message's own already goes on naming that one.
    if of_alias.known.is_none() {
        early = take_loose(rows, moment, &mut of_alias)?;
        of_alias.known = Some(spot);
        if alias != message {
            of_alias.alias_of = message.bytes().to_vec();
        }
        store(rows, alias_key, &of_alias);
    }
    let stored = amend_at(rows, moment, spot, |row| {
        if let Some(outgoing) = &mut row.outgoing {
            outgoing.set_stage(StageCode::Accepted);
            outgoing.accepted_at = Some(moment.at);
            provider_id.clone_into(&mut outgoing.accepted_as);
            outgoing.next_attempt_at = None;
        }
        early.into_iter().try_for_each(|loose| take_in(row, loose))
    })?;
    reaction_arrived(rows, moment, &stored)?;
    Ok(Some(stored))
}

/// What the business reacted to shows it, from when the provider has it.
fn reaction_arrived(rows: &mut dyn Rows, moment: Moment<'_>, stored: &MessageRow) -> Result<(), ApplyError> {
    let Some(outgoing) = &stored.outgoing else { return Ok(()) };
    let Ok(target) = <[u8; 16]>::try_from(outgoing.reaction_to.as_slice()) else { return Ok(()) };
    let reaction = ReactionRow { by: stored.by.clone(), emoji: stored.text.clone(), at: outgoing.queued_at };
    amend(rows, moment, MessageId::new(target), LooseKind::Reaction, |about| react(about, &reaction)).map(drop)
}

/// An attempt failed: for good, or until then.
pub(crate) fn failed(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    message: MessageId,
    attempt: u32,
    failure: &SendFailure,
    retry_at: Option<Timestamp>,
) -> Changed {
    on_its_way(rows, moment, message, |outgoing| {
        outgoing.set_stage(if retry_at.is_some() { StageCode::Queued } else { StageCode::Failed });
        outgoing.attempts = outgoing.attempts.max(attempt);
        outgoing.failed_at = Some(moment.at);
        outgoing.next_attempt_at = retry_at.map(Timestamp::as_millis);
        outgoing.failure = Some(FailureRow {
            class: failure.class.as_str().to_owned(),
            code: failure.code.clone().unwrap_or_default(),
            attempt,
        });
    })
}

/// The provider says that it failed: there will be no other attempt (`State::evolve`), unless one is being made.
pub(super) fn reported_failed(outgoing: &mut OutgoingRow, error_code: &str) {
    if outgoing.stage() == StageCode::Queued && outgoing.attempts > 0 {
        outgoing.set_stage(StageCode::Failed);
        outgoing.next_attempt_at = None;
        let (class, code) = (REPORTED.to_owned(), error_code.to_owned());
        outgoing.failure = Some(FailureRow { class, code, attempt: outgoing.attempts });
    }
}

/// Nobody knows whether the provider has it.
pub(crate) fn unknown(rows: &mut dyn Rows, moment: Moment<'_>, message: MessageId) -> Changed {
    on_its_way(rows, moment, message, |outgoing| {
        outgoing.set_stage(StageCode::Unknown);
        outgoing.unknown_since = Some(moment.at);
    })
}

/// It will not be sent.
pub(crate) fn cancelled(rows: &mut dyn Rows, moment: Moment<'_>, message: MessageId, cause: CancelCause) -> Changed {
    on_its_way(rows, moment, message, |outgoing| {
        outgoing.set_stage(StageCode::Cancelled);
        outgoing.cancelled_at = Some(moment.at);
        outgoing.next_attempt_at = None;
        outgoing.set_cancel_cause(match cause {
            CancelCause::BotPaused => CancelCode::BotPaused,
            CancelCause::Staff => CancelCode::Staff,
        });
    })
}

fn on_its_way(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    message: MessageId,
    change: impl FnOnce(&mut OutgoingRow),
) -> Changed {
    amend_known(rows, moment, message, |row| {
        if let Some(outgoing) = &mut row.outgoing {
            change(outgoing);
        }
    })
}

/// A medium was fetched, or cannot be. Of a message that was edited since, the attachment may be another one, or none: then this
/// says nothing about it. An edit that came before its message keeps what is said about its own.
pub(crate) fn fetched(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    message: MessageId,
    index: u32,
    medium: Option<u64>,
    outcome: &FetchOutcome,
) -> Changed {
    let place: Option<PlaceRow> = load(&*rows, "message", &keys::message(moment.tenant, moment.entity, message))?;
    let loose = |place: &PlaceRow| place.loose.iter().any(|loose| loose.kind() == LooseKind::Edited);
    if !place.is_some_and(|place| place.known.is_some() || loose(&place)) {
        return Ok(None);
    }
    amend(rows, moment, message, LooseKind::Edited, |row| {
        let named = |row: &AttachmentRow| medium_mark(Some(&row.provider_id), Some(&row.url));
        let at = usize::try_from(index).ok().and_then(|index| row.attachments.get_mut(index));
        if let Some(attachment) = at.filter(|row| medium.is_none() || medium == named(row)) {
            told(attachment, outcome);
        }
    })
}

/// What became of an attachment.
fn told(attachment: &mut AttachmentRow, outcome: &FetchOutcome) {
    match outcome {
        FetchOutcome::Stored(file) => {
            let name = std::mem::take(&mut attachment.file_name);
            let stored = file_row(file);
            *attachment = AttachmentRow {
                file_name: if stored.file_name.is_empty() { name } else { stored.file_name },
                voice: attachment.voice,
                inline: attachment.inline,
                provider_id: std::mem::take(&mut attachment.provider_id),
                url: std::mem::take(&mut attachment.url),
                ..stored
            };
        }
        // Fetched once, and asked for again because an edit repeated it: it is still there.
        FetchOutcome::Unavailable { .. } if attachment.state() == AttachmentStateCode::Stored => {}
        FetchOutcome::Unavailable { reason } => {
            attachment.set_state(AttachmentStateCode::Unavailable);
            attachment.unavailable.clone_from(reason);
        }
    }
}

impl TimesRow {
    pub(crate) fn of(report: &ReportRow) -> Self {
        let mut times = Self::default();
        let at = Some(report.at);
        match report.status.as_str() {
            "accepted" => times.accepted = at,
            "sent" => times.sent = at,
            "delivered" => times.delivered = at,
            "read" => times.read = at,
            "played" => times.played = at,
            "failed" => (times.failed, times.failed_code) = (at, report.error_code.clone()),
            // What moves no message has no time of its own; the report has it.
            _ => {}
        }
        times
    }

    /// The earliest of each.
    pub(crate) fn merge(&mut self, other: &Self) {
        let earliest = |known: &mut Option<i64>, other: Option<i64>| {
            *known = match (*known, other) {
                (Some(known), Some(other)) => Some(known.min(other)),
                (known, other) => known.or(other),
            };
        };
        if let Some(failed) = other.failed
            && self.failed.is_none_or(|known| (failed, &other.failed_code) < (known, &self.failed_code))
        {
            self.failed_code.clone_from(&other.failed_code);
        }
        earliest(&mut self.accepted, other.accepted);
        earliest(&mut self.sent, other.sent);
        earliest(&mut self.delivered, other.delivered);
        earliest(&mut self.read, other.read);
        earliest(&mut self.played, other.played);
        earliest(&mut self.failed, other.failed);
    }
}

// === rows ===

fn message_row(moment: Moment<'_>, outgoing: &Outgoing) -> MessageRow {
    let mut way = OutgoingRow {
        recipient: outgoing.personal.to.value.clone(),
        queued_at: moment.at,
        automatic: outgoing.automatic,
        ..OutgoingRow::default()
    };
    way.set_stage(StageCode::Queued);
    let mut row = MessageRow {
        message: outgoing.id.bytes().to_vec(),
        kind: outgoing.body.kind().as_str().to_owned(),
        author: author_code(outgoing.author).into(),
        by: moment.by.to_word(),
        text: outgoing.body.text().unwrap_or_default().to_owned(),
        sender_name: outgoing.personal.author_name.clone().unwrap_or_default(),
        reply_to: outgoing.reply_to.map(|id| id.bytes().to_vec()).unwrap_or_default(),
        attachments: outgoing.body.files().iter().map(file_row).collect(),
        flags: outgoing.automatic.then(|| FlagsRow { automatic: true, ..FlagsRow::default() }),
        ..MessageRow::default()
    };
    match &outgoing.body {
        Body::Template(template) => named(&mut way, template),
        Body::Reaction { target, .. } => way.reaction_to = target.bytes().to_vec(),
        Body::Mail(mail) => row.mail = Some(mail_row(mail, &outgoing.personal.to.value)),
        Body::Text { .. }
        | Body::Media { .. }
        | Body::Location(_)
        | Body::Contacts(_)
        | Body::Buttons { .. }
        | Body::List { .. } => row.details_json = details::json(&outgoing.body),
    }
    row.outgoing = Some(way);
    row
}

fn named(way: &mut OutgoingRow, template: &TemplateUse) {
    way.template.clone_from(&template.name);
    way.template_language.clone_from(&template.language);
}

fn file_row(file: &StoredFile) -> AttachmentRow {
    AttachmentRow {
        mime_type: file.mime_type.clone(),
        size_bytes: Some(file.size_bytes),
        sha256: file.sha256.clone(),
        file_name: file.file_name.clone().unwrap_or_default(),
        state: AttachmentStateCode::Stored.into(),
        ..AttachmentRow::default()
    }
}

fn mail_row(mail: &OutgoingMail, to: &str) -> MailRow {
    MailRow {
        subject: mail.subject.clone(),
        to: vec![to.to_owned()],
        cc: mail.cc.clone(),
        quoted: String::new(),
        has_html: mail.html.is_some(),
        message_id: mail.message_id.clone(),
    }
}
