//! What each event changes in what is on its way.

use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::{Attachment, Content, ConversationEvent, Medium, Stage};
use relevo_domain::{Event, MessageId, Recorded, TenantId};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use super::keys::{self, Act};
use super::row::{ChannelRow, Known, LaneRow, MediumRow, OutboxRow};
use super::{expires_at, is_about_templates};

pub(super) fn commit(rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
    let mut talk = None;
    for event in &recorded.commit.events {
        match event {
            Event::Conversation(event) => conversation_event(rows, recorded, &mut talk, event)?,
            Event::Channel(event) => channel_event(rows, recorded, event)?,
            // Nothing else is ever on its way.
            Event::Contact(_) | Event::Identity(_) | Event::Workspace(_) | Event::Bulk(_) => {}
        }
    }
    match talk {
        Some(talk) => talk.store(rows, recorded),
        None => Ok(()),
    }
}

/// The conversation of a commit, before and after.
struct Talk {
    before: Option<OutboxRow>,
    known: Known,
}

impl Talk {
    fn load(rows: &dyn Rows, recorded: &Recorded) -> Result<Option<Self>, ApplyError> {
        let key = keys::outbox(&recorded.commit.tenant, recorded.commit.entity);
        let Some(before) = load::<OutboxRow>(rows, "outbox", &key)? else { return Ok(None) };
        let known = before.read()?;
        Ok(Some(Self { before: Some(before), known }))
    }

    fn store(self, rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
        let (tenant, conversation) = (&recorded.commit.tenant, recorded.commit.entity);
        let after = OutboxRow::of(&self.known);
        if self.before.as_ref() == Some(&after) {
            return Ok(());
        }
        let was = self.before.as_ref().map(OutboxRow::read).transpose()?;
        for (act, at) in was.iter().flat_map(turns_of) {
            rows.delete(keys::turn(tenant, &after.channel, act, at, conversation));
        }
        for (act, at) in turns_of(&self.known) {
            rows.put(keys::turn(tenant, &after.channel, act, at, conversation), Vec::new());
        }
        let outbox_before = was.as_ref().map(|was| was.opened.outbox.as_slice()).unwrap_or_default();
        if outbox_before != self.known.opened.outbox {
            let counted = |known: &Known| {
                let unknown = |stage: &Stage| matches!(stage, Stage::Unknown { .. });
                let lost = known.opened.outbox.iter().filter(|pending| unknown(&pending.stage)).count() as u64;
                (known.opened.outbox.len() as u64 - lost, lost)
            };
            let (waited, lost) = was.as_ref().map_or((0, 0), counted);
            let (waiting, unknown) = counted(&self.known);
            lane(rows, tenant, &after.channel, |lane| {
                lane.changed = recorded.sequence;
                lane.waiting = (lane.waiting + waiting).saturating_sub(waited);
                lane.unknown = (lane.unknown + unknown).saturating_sub(lost);
            })?;
        }
        store(rows, keys::outbox(tenant, conversation), &after);
        Ok(())
    }
}

fn conversation_event(
    rows: &mut dyn Rows,
    recorded: &Recorded,
    talk: &mut Option<Talk>,
    event: &ConversationEvent,
) -> Result<(), ApplyError> {
    if let ConversationEvent::Opened { channel, medium, .. } = event {
        *talk = Known::new(channel.clone(), *medium).map(|known| Talk { before: None, known });
        return Ok(());
    }
    if !concerns(event) {
        return Ok(());
    }
    let known = match talk.take() {
        Some(known) => known,
        None => Talk::load(&*rows, recorded)?
            .ok_or_else(|| ApplyError::BadRow(format!("{} of a conversation that was not opened", event.name())))?,
    };
    media(rows, recorded, &known.known, event)?;
    let commit = &recorded.commit;
    let evolved = known.known.evolve(event, commit.occurred_at, &commit.actor, recorded.sequence);
    *talk = Some(Talk { before: known.before, known: evolved });
    Ok(())
}

/// Whether an event can change what is on its way, until when it may be sent, or what is to be fetched.
const fn concerns(event: &ConversationEvent) -> bool {
    match event {
        ConversationEvent::Opened { .. }
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::DeliveryReported(_)
        | ConversationEvent::MessageQueued(_)
        | ConversationEvent::SendStarted { .. }
        | ConversationEvent::MessageAccepted { .. }
        | ConversationEvent::SendFailed { .. }
        | ConversationEvent::SendOutcomeUnknown { .. }
        | ConversationEvent::SendCancelled { .. }
        | ConversationEvent::MediumFetched { .. } => true,
        ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::BotPaused { .. }
        | ConversationEvent::PauseChanged { .. }
        | ConversationEvent::BotResumed { .. }
        | ConversationEvent::Escalated { .. }
        | ConversationEvent::SituationDetected(_)
        | ConversationEvent::SuggestionClosed { .. }
        | ConversationEvent::BotTurnStarted(_)
        | ConversationEvent::BotTurnEnded { .. }
        | ConversationEvent::AlertRaised { .. }
        | ConversationEvent::BotSignalled { .. }
        | ConversationEvent::Assigned { .. }
        | ConversationEvent::Resolved { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. } => false,
    }
}

/// What has to be done about the first message, and when.
fn turns_of(known: &Known) -> Vec<(Act, i64)> {
    let Some(head) = known.opened.head() else { return Vec::new() };
    match &head.stage {
        Stage::Queued { not_before } => {
            let from = not_before.unwrap_or(head.queued_at);
            let needs_window = known.place(head.id).needs_window;
            let until = expires_at(head.queued_at, needs_window, known.opened.customer_spoke_at);
            vec![(Act::HandOver, from.as_millis()), (Act::Expire, until.as_millis())]
        }
        Stage::Claimed { until, .. } => vec![(Act::Doubt, until.as_millis())],
        // The domain never names one of these as the first.
        Stage::Unknown { .. } => Vec::new(),
    }
}

/// Media that a message, or an edit of it, brings are to be fetched until somebody says what came of it.
fn media(rows: &mut dyn Rows, recorded: &Recorded, known: &Known, event: &ConversationEvent) -> Result<(), ApplyError> {
    if let ConversationEvent::MessageReceived(message) | ConversationEvent::MessageEchoed(message) = event {
        brought(rows, recorded, known, message.id, &message.content, None)?;
    }
    // An edit repeats the medium or brings another one. Which of them is there already is the reader's affair: here nobody
    // remembers, and fetching twice does no harm.
    if let ConversationEvent::MessageEdited { message, content } = event {
        let edited_at = Some(recorded.commit.occurred_at.as_millis());
        brought(rows, recorded, known, *message, content, edited_at)?;
    }
    if let ConversationEvent::MediumFetched { message, index, medium, outcome: _ } = event {
        let (tenant, conversation) = (&recorded.commit.tenant, recorded.commit.entity);
        let channel = known.opened.channel.as_str();
        let key = keys::medium(tenant, channel, conversation, *message, *index);
        let waiting: Option<MediumRow> = load(&*rows, "medium", &key)?;
        // What was fetched is not what an edit has put there since.
        if waiting.is_some_and(|row| medium.is_none() || *medium == row.mark()) {
            rows.delete(key);
            media_lane(rows, recorded, channel, 0, 1)?;
        }
    }
    Ok(())
}

/// The attachments of a content that can be fetched, each in its place.
fn brought(
    rows: &mut dyn Rows,
    recorded: &Recorded,
    known: &Known,
    message: MessageId,
    content: &Content,
    edited_at: Option<i64>,
) -> Result<(), ApplyError> {
    let (tenant, conversation) = (&recorded.commit.tenant, recorded.commit.entity);
    let (channel, mut came) = (known.opened.channel.as_str(), 0);
    for (index, attachment) in (0..).zip(&content.attachments) {
        if attachment.mark().is_none() {
            continue;
        }
        let key = keys::medium(tenant, channel, conversation, message, index);
        let waiting: Option<MediumRow> = load(&*rows, "medium", &key)?;
        // The author's latest version wins, whatever comes first; a message is older than its edits.
        if waiting.as_ref().is_some_and(|row| row.edited_at > edited_at) {
            continue;
        }
        came += u64::from(waiting.is_none());
        store(rows, key, &medium_row(recorded, known.opened.medium, attachment, edited_at));
    }
    media_lane(rows, recorded, channel, came, 0)
}

fn medium_row(recorded: &Recorded, medium: Medium, attachment: &Attachment, edited_at: Option<i64>) -> MediumRow {
    let intake = recorded.commit.intake;
    MediumRow {
        provider_id: attachment.provider_id.clone(),
        url: attachment.personal.url.clone(),
        mime_type: attachment.mime_type.clone(),
        size_bytes: attachment.size_bytes,
        file_name: attachment.personal.file_name.clone(),
        at: recorded.commit.recorded_at.as_millis(),
        sequence: recorded.sequence,
        intake_sequence: intake.map_or(0, |pointer| pointer.sequence),
        intake_part: intake.map_or(0, |pointer| pointer.part),
        intake_ordinal: intake.map_or(0, |pointer| pointer.ordinal),
        of_mail: medium == Medium::Email,
        edited_at,
    }
}

fn media_lane(rows: &mut dyn Rows, recorded: &Recorded, channel: &str, came: u64, gone: u64) -> Result<(), ApplyError> {
    if came + gone == 0 {
        return Ok(());
    }
    lane(rows, &recorded.commit.tenant, channel, |lane| {
        lane.media_changed = recorded.sequence;
        lane.media = (lane.media + came).saturating_sub(gone);
    })
}

fn lane(
    rows: &mut dyn Rows,
    tenant: &TenantId,
    channel: &str,
    change: impl FnOnce(&mut LaneRow),
) -> Result<(), ApplyError> {
    let key = keys::lane(tenant, channel);
    let mut row: LaneRow = load(&*rows, "lane", &key)?.unwrap_or_default();
    change(&mut row);
    store(rows, key, &row);
    Ok(())
}

fn channel_event(rows: &mut dyn Rows, recorded: &Recorded, event: &ChannelEvent) -> Result<(), ApplyError> {
    let key = keys::channel(&recorded.commit.tenant, recorded.commit.entity);
    let mut row: ChannelRow = load(&*rows, "channel", &key)?.unwrap_or_default();
    match event {
        ChannelEvent::ChannelPaused => (row.paused, row.switched) = (true, recorded.sequence),
        ChannelEvent::ChannelResumed => (row.paused, row.switched) = (false, recorded.sequence),
        ChannelEvent::ProviderUpdated { field, .. } if is_about_templates(field) => row.templates = recorded.sequence,
        ChannelEvent::TemplateStatusChanged { .. } => row.templates = recorded.sequence,
        ChannelEvent::ProviderUpdated { .. }
        | ChannelEvent::DeliveryReported(_)
        | ChannelEvent::TemplateChanged(_)
        | ChannelEvent::TemplateRemoved { .. } => return Ok(()),
    }
    store(rows, key, &row);
    Ok(())
}
