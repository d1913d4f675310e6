//! What each event about a message adds to, or changes in, a conversation's thread. Entries stand in log order. What the
//! conversation itself goes through stands in [`timeline`].
//!
//! What comes about an unknown message (an edit, a revocation, a reaction, a delivery report) is an entry of its own, one of
//! each kind a message; when the message comes, it becomes part of it and these entries go. Edits, reactions and statuses
//! merge by time or rank, so that no order of arrival changes the outcome. What the business sends stands in [`sent`].

mod details;
pub(crate) mod sent;
pub(crate) mod timeline;

use relevo_domain::MessageId;
use relevo_domain::conversation::{
    Attachment, Author, Content, DeliveryReport, DeliveryStatus, MailPersonal, Message, MessageFlags, MessageKind,
    NotePersonal, ReactionPersonal,
};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use crate::apply::Moment;
use crate::keys;
use crate::row::{
    AttachmentRow, AttachmentStateCode, AuthorCode, Entry, FlagsRow, LooseKind, LooseRow, LooseSpotRow, MailRow,
    MessageRow, PlaceRow, ReactionRow, ReportRow, SpotRow, ThreadRow, TimesRow,
};

/// Reports kept of one status of a message: a provider that repeats itself does not fill the row. The first ones are kept, so
/// that every status has its time; later ones still move the status.
pub(crate) const REPORTS_OF_A_STATUS_MAX: usize = 4;
/// Reports kept whose status is a word that Relevo does not know.
pub(crate) const REPORTS_OF_UNKNOWN_MAX: usize = 8;

// === messages ===

/// Adds a message, with everything that came about it before. Answers with what is stored.
pub(crate) fn message(rows: &mut dyn Rows, moment: Moment<'_>, message: &Message) -> Result<MessageRow, ApplyError> {
    add(rows, moment, message.id, message_row(message))
}

pub(crate) fn note(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    message: MessageId,
    personal: &NotePersonal,
) -> Result<(), ApplyError> {
    let row = MessageRow {
        message: message.bytes().to_vec(),
        kind: MessageKind::Note.as_str().to_owned(),
        author: AuthorCode::Staff.into(),
        by: moment.by.to_word(),
        text: personal.text.clone().unwrap_or_default(),
        ..MessageRow::default()
    };
    add(rows, moment, message, row).map(drop)
}

pub(crate) fn add(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    message: MessageId,
    mut row: MessageRow,
) -> Result<MessageRow, ApplyError> {
    let key = keys::message(moment.tenant, moment.entity, message);
    let mut place: PlaceRow = load(&*rows, "message", &key)?.unwrap_or_default();
    // An id that came before keeps naming the first message: reports and edits were meant for that one.
    if place.known.is_none() {
        for loose in take_loose(rows, moment, &mut place)? {
            take_in(&mut row, loose)?;
        }
        place.known = Some(SpotRow { sequence: moment.sequence, ordinal: moment.ordinal });
        store(rows, key, &place);
    }
    let Some(Entry::Message(row)) = put(rows, moment, Entry::Message(row)) else { return Err(misplaced()) };
    Ok(row)
}

/// Takes everything that came about a message out of the thread.
fn take_loose(rows: &mut dyn Rows, moment: Moment<'_>, place: &mut PlaceRow) -> Result<Vec<ThreadRow>, ApplyError> {
    let mut taken = Vec::new();
    for loose in std::mem::take(&mut place.loose) {
        let key = keys::thread(moment.tenant, moment.entity, loose.spot.sequence, loose.spot.ordinal);
        taken.push(entry_at(&*rows, &key)?);
        rows.delete(key);
    }
    Ok(taken)
}

/// Changes a message that is known; `None` if it is not.
pub(crate) fn amend_known(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    message: MessageId,
    change: impl FnOnce(&mut MessageRow),
) -> Result<Option<MessageRow>, ApplyError> {
    let place: Option<PlaceRow> = load(&*rows, "message", &keys::message(moment.tenant, moment.entity, message))?;
    match place.and_then(|place| place.known) {
        Some(spot) => amend_at(rows, moment, spot, |row| {
            change(row);
            Ok(())
        })
        .map(Some),
        None => Ok(None),
    }
}

fn amend_at(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    spot: SpotRow,
    change: impl FnOnce(&mut MessageRow) -> Result<(), ApplyError>,
) -> Result<MessageRow, ApplyError> {
    let key = keys::thread(moment.tenant, moment.entity, spot.sequence, spot.ordinal);
    let mut stored = entry_at(&*rows, &key)?;
    let Some(Entry::Message(row)) = &mut stored.entry else { return Err(misplaced()) };
    change(row)?;
    stored.changed = moment.sequence;
    store(rows, key, &stored);
    match stored.entry {
        Some(Entry::Message(row)) => Ok(row),
        Some(_) | None => Err(misplaced()),
    }
}

/// Changes a message, or what is kept about it while it is unknown. Answers with the message if it is known.
pub(crate) fn amend(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    message: MessageId,
    kind: LooseKind,
    change: impl FnOnce(&mut MessageRow),
) -> Result<Option<MessageRow>, ApplyError> {
    let place_key = keys::message(moment.tenant, moment.entity, message);
    let mut place: PlaceRow = load(&*rows, "message", &place_key)?.unwrap_or_default();
    if let Some(spot) = place.known {
        let changed = amend_at(rows, moment, spot, |row| {
            change(row);
            Ok(())
        });
        return changed.map(Some);
    }
    if let Some(loose) = place.loose.iter().find(|loose| loose.kind() == kind) {
        let key = keys::thread(moment.tenant, moment.entity, loose.spot.sequence, loose.spot.ordinal);
        let mut stored = entry_at(&*rows, &key)?;
        let Some(Entry::Loose(LooseRow { about: Some(about), .. })) = &mut stored.entry else {
            return Err(misplaced());
        };
        change(about);
        stored.changed = moment.sequence;
        store(rows, key, &stored);
        return Ok(None);
    }
    let mut about = MessageRow { message: message.bytes().to_vec(), ..MessageRow::default() };
    change(&mut about);
    put(rows, moment, Entry::Loose(LooseRow { kind: kind.into(), about: Some(about) }));
    let spot = SpotRow { sequence: moment.sequence, ordinal: moment.ordinal };
    place.loose.push(LooseSpotRow { kind: kind.into(), spot });
    store(rows, place_key, &place);
    Ok(None)
}

/// The author's latest version wins. A medium stays where the new version brings none: an edited caption does not repeat it.
pub(crate) fn edit(row: &mut MessageRow, content: &Content, at: i64) {
    let new = MessageRow {
        kind: content.kind.as_str().to_owned(),
        text: content.personal.text.clone().unwrap_or_default(),
        attachments: content.attachments.iter().map(attachment_row).collect(),
        details_json: content.personal.details_json.clone().unwrap_or_default(),
        edited_at: Some(at),
        ..MessageRow::default()
    };
    rewrite(row, new);
}

/// Deleted stays deleted, since the first time that we heard of it.
pub(crate) fn revoke(row: &mut MessageRow, at: i64) {
    row.revoked_at.get_or_insert(at);
}

/// The author's latest reaction wins; one that was taken back stays, without emoji, so that an older one cannot return.
pub(crate) fn react(row: &mut MessageRow, reaction: &ReactionRow) {
    match row.reactions.iter_mut().find(|known| known.by == reaction.by) {
        Some(known) if known.at > reaction.at => {}
        Some(known) => known.clone_from(reaction),
        None => row.reactions.push(reaction.clone()),
    }
}

/// A status of a higher rank wins; every report is kept.
pub(crate) fn deliver(row: &mut MessageRow, report: &ReportRow) {
    // Without a status the word is empty, which has no rank; nor has a report that never changes the state.
    if rank_of(&report.status) > rank_of(&row.delivery_status) {
        row.delivery_status.clone_from(&report.status);
    }
    if !row.reports.contains(report) && has_room(&row.reports, &report.status) {
        row.reports.push(report.clone());
    }
    if report.status == DeliveryStatus::Failed.as_str()
        && let Some(outgoing) = &mut row.outgoing
    {
        sent::reported_failed(outgoing, &report.error_code);
    }
    let times = TimesRow::of(report);
    row.times.get_or_insert_default().merge(&times);
}

fn has_room(reports: &[ReportRow], status: &str) -> bool {
    let known = |status: &str| DeliveryStatus::KNOWN.iter().any(|word| word.as_str() == status);
    if known(status) {
        reports.iter().filter(|report| report.status == status).count() < REPORTS_OF_A_STATUS_MAX
    } else {
        reports.iter().filter(|report| !known(&report.status)).count() < REPORTS_OF_UNKNOWN_MAX
    }
}

pub(crate) fn reaction(moment: Moment<'_>, personal: &ReactionPersonal) -> ReactionRow {
    ReactionRow { by: moment.by.to_word(), emoji: personal.emoji.clone().unwrap_or_default(), at: moment.at }
}

pub(crate) fn report(report: &DeliveryReport) -> ReportRow {
    ReportRow {
        status: report.status.as_str().to_owned(),
        at: report.reported_at.as_millis(),
        error_code: report.error_code.clone().unwrap_or_default(),
        failed_as: if report.status == DeliveryStatus::Failed {
            report.personal.provider_id.clone()
        } else {
            String::new()
        },
    }
}

/// Makes a loose entry part of the message that it was about.
fn take_in(row: &mut MessageRow, stored: ThreadRow) -> Result<(), ApplyError> {
    let Some(Entry::Loose(loose)) = stored.entry else { return Err(misplaced()) };
    let kind = loose.kind();
    let Some(about) = loose.about else { return Err(misplaced()) };
    match kind {
        LooseKind::Edited => rewrite(row, about),
        LooseKind::Revoked => row.revoked_at = about.revoked_at,
        LooseKind::Reaction => about.reactions.iter().for_each(|reaction| react(row, reaction)),
        LooseKind::Delivery => {
            about.reports.iter().for_each(|report| deliver(row, report));
            // Reports beyond the kept ones have moved it, too.
            if rank_of(&about.delivery_status) > rank_of(&row.delivery_status) {
                row.delivery_status = about.delivery_status;
            }
            if let Some(times) = &about.times {
                row.times.get_or_insert_default().merge(times);
            }
        }
        LooseKind::Unspecified => return Err(misplaced()),
    }
    Ok(())
}

fn rank_of(word: &str) -> Option<u8> {
    DeliveryStatus::parse(word).rank()
}

fn rewrite(row: &mut MessageRow, new: MessageRow) {
    if row.edited_at > new.edited_at {
        return;
    }
    row.kind = new.kind;
    row.text = new.text;
    row.details_json = new.details_json;
    row.edited_at = new.edited_at;
    if !new.attachments.is_empty() {
        let old = std::mem::take(&mut row.attachments);
        row.attachments = new.attachments.into_iter().map(|new| kept(&old, new)).collect();
    }
}

/// An edit repeats the medium that it leaves as it is: what is known of that one stays known.
fn kept(old: &[AttachmentRow], new: AttachmentRow) -> AttachmentRow {
    let known = |old: &&AttachmentRow| {
        let same_name = !new.provider_id.is_empty() && new.provider_id == old.provider_id;
        let same_bytes = !new.sha256.is_empty() && new.sha256 == old.sha256;
        old.state() == AttachmentStateCode::Stored && (same_name || same_bytes)
    };
    match old.iter().find(known) {
        // Its mark is that of the edit: this is what is said about it from now on.
        Some(stored) => AttachmentRow { provider_id: new.provider_id, url: new.url, ..stored.clone() },
        None => new,
    }
}

// === rows ===

/// Adds an entry, and gives it back.
pub(crate) fn put(rows: &mut dyn Rows, moment: Moment<'_>, entry: Entry) -> Option<Entry> {
    let key = keys::thread(moment.tenant, moment.entity, moment.sequence, moment.ordinal);
    let row = ThreadRow { occurred_at: moment.at, entry: Some(entry), changed: moment.sequence };
    store(rows, key, &row);
    row.entry
}

fn entry_at(rows: &dyn Rows, key: &[u8]) -> Result<ThreadRow, ApplyError> {
    load(rows, "thread", key)?.ok_or_else(misplaced)
}

fn misplaced() -> ApplyError {
    ApplyError::BadRow("message: its place in the thread holds something else".to_owned())
}

fn message_row(message: &Message) -> MessageRow {
    let Content { kind, attachments, personal } = &message.content;
    MessageRow {
        message: message.id.bytes().to_vec(),
        kind: kind.as_str().to_owned(),
        author: author_code(message.author).into(),
        text: personal.text.clone().unwrap_or_default(),
        sender_name: personal.sender_name.clone().unwrap_or_default(),
        sender_address: personal.sender_address.clone().unwrap_or_default(),
        reply_to: message.reply_to.map(|id| id.bytes().to_vec()).unwrap_or_default(),
        provider_time: message.provider_time.map(relevo_domain::Timestamp::as_millis),
        attachments: attachments.iter().map(attachment_row).collect(),
        flags: flags_row(message.flags),
        mail: personal.mail.as_ref().map(mail_row),
        details_json: personal.details_json.clone().unwrap_or_default(),
        ..MessageRow::default()
    }
}

pub(crate) const fn author_code(author: Author) -> AuthorCode {
    match author {
        Author::Customer => AuthorCode::Customer,
        Author::PhoneApp => AuthorCode::PhoneApp,
        Author::Staff => AuthorCode::Staff,
        Author::Bot => AuthorCode::Bot,
        Author::System => AuthorCode::System,
    }
}

fn attachment_row(attachment: &Attachment) -> AttachmentRow {
    AttachmentRow {
        mime_type: attachment.mime_type.clone(),
        size_bytes: attachment.size_bytes,
        sha256: attachment.sha256.clone().unwrap_or_default(),
        voice: attachment.voice,
        inline: attachment.inline,
        file_name: attachment.personal.file_name.clone().unwrap_or_default(),
        provider_id: attachment.provider_id.clone().unwrap_or_default(),
        url: attachment.personal.url.clone().unwrap_or_default(),
        ..AttachmentRow::default()
    }
}

/// Absent for an ordinary message, which most are.
fn flags_row(flags: MessageFlags) -> Option<FlagsRow> {
    (flags != MessageFlags::default()).then_some(FlagsRow {
        automatic: flags.automatic,
        bounce: flags.bounce,
        delay: flags.delay,
        list: flags.list,
        complaint: flags.complaint,
        own_loop: flags.own_loop,
        message_id_reused: flags.message_id_reused,
        forwarded: flags.forwarded,
        frequently_forwarded: flags.frequently_forwarded,
        imported: flags.imported,
        unverified: flags.unverified,
    })
}

fn mail_row(mail: &MailPersonal) -> MailRow {
    MailRow {
        subject: mail.subject.clone(),
        to: mail.to.clone(),
        cc: mail.cc.clone(),
        quoted: mail.quoted.clone().unwrap_or_default(),
        has_html: mail.html.is_some(),
        message_id: String::new(),
    }
}
