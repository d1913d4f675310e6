//! What each event adds to the figures. One commit adds to one bucket: all of its events happened at the same time.

use relevo_domain::channel::ChannelEvent;
use relevo_domain::contact::ContactEvent;
use relevo_domain::conversation::{ConversationEvent, DeliveryStatus, Message, PauseReason};
use relevo_domain::identity::IdentityEvent;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Commit, Event, Recorded};
use relevo_projection::{ApplyError, Rows};

use crate::keys;
use crate::row::{BucketRow, EpisodeRow, PauseRow, SketchRow, StatusRow, load, store};
use crate::sketch;

/// Different statuses counted in one bucket; there are nine known ones, and whatever word a provider invents beyond these is
/// counted as [`OTHER_STATUS`].
const STATUSES_MAX: usize = 32;
const OTHER_STATUS: &str = "other";
/// The channel of what no conversation has: such events name their account by id only.
const NO_CHANNEL: &str = "";

pub(crate) fn commit(rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    for (version, event) in (commit.first_version..).zip(&commit.events) {
        match event {
            Event::Conversation(event) => conversation_event(rows, commit, version, event)?,
            Event::Channel(ChannelEvent::DeliveryReported(report)) => {
                add(rows, commit, NO_CHANNEL, |bucket| delivery_reported(bucket, &report.status))?;
            }
            // No figure depends on these.
            Event::Channel(ChannelEvent::ProviderUpdated { .. })
            | Event::Contact(
                ContactEvent::Created { .. }
                | ContactEvent::IdentifierLearned { .. }
                | ContactEvent::Renamed { .. }
                | ContactEvent::Merged { .. }
                | ContactEvent::Unmerged { .. }
                | ContactEvent::CustomerLinked { .. }
                | ContactEvent::CustomerUnlinked,
            )
            | Event::Identity(IdentityEvent::Bound { .. })
            | Event::Workspace(
                WorkspaceEvent::IdKeyFingerprinted { .. }
                | WorkspaceEvent::TagCreated { .. }
                | WorkspaceEvent::TagChanged { .. }
                | WorkspaceEvent::TagDeleted { .. },
            ) => {}
        }
    }
    Ok(())
}

fn conversation_event(
    rows: &mut dyn Rows,
    commit: &Commit,
    version: u64,
    event: &ConversationEvent,
) -> Result<(), ApplyError> {
    let key = keys::episode(&commit.tenant, commit.entity);
    let mut row: EpisodeRow = match (load(&*rows, "episode", &key)?, event) {
        (None, ConversationEvent::Opened { channel, .. }) => {
            EpisodeRow { channel: channel.to_string(), ..EpisodeRow::default() }
        }
        (Some(row), _) => row,
        (None, _) => return Err(ApplyError::BadRow(format!("{} of a conversation that was not opened", event.name()))),
    };
    let at = commit.occurred_at.as_millis();
    let channel = row.channel.clone();
    match event {
        ConversationEvent::Opened { .. } => add(rows, commit, &channel, |bucket| bucket.conversations_opened += 1)?,
        ConversationEvent::EpisodeStarted { episode, .. } => {
            episode_started(&mut row, *episode);
            add(rows, commit, &channel, |bucket| bucket.episodes_started += 1)?;
        }
        ConversationEvent::MessageReceived(message) => {
            message_received(&mut row, message, at);
            add(rows, commit, &channel, |bucket| bucket.messages_in += 1)?;
        }
        ConversationEvent::MessageEchoed(_) => {
            let response = message_echoed(&mut row, at);
            add(rows, commit, &channel, |bucket| {
                bucket.messages_out += 1;
                if let Some(millis) = response {
                    sketch::record(bucket.first_response.get_or_insert_with(SketchRow::default), millis);
                }
            })?;
        }
        ConversationEvent::DeliveryReported(report) => {
            add(rows, commit, &channel, |bucket| delivery_reported(bucket, &report.status))?;
        }
        ConversationEvent::BotPaused { reason, automatic, .. } => {
            add(rows, commit, &channel, |bucket| bot_paused(bucket, *reason, *automatic))?;
        }
        ConversationEvent::Resolved { .. } => add(rows, commit, &channel, |bucket| bucket.resolved += 1)?,
        ConversationEvent::Reopened { .. } => add(rows, commit, &channel, |bucket| bucket.reopened += 1)?,
        // No figure depends on these. Only the version moves.
        ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::BotResumed { .. }
        | ConversationEvent::Assigned { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. } => {}
    }
    row.version = version;
    store(rows, key, &row);
    Ok(())
}

/// Changes the bucket of the commit's time.
fn add(
    rows: &mut dyn Rows,
    commit: &Commit,
    channel: &str,
    change: impl FnOnce(&mut BucketRow),
) -> Result<(), ApplyError> {
    let key = keys::bucket(&commit.tenant, keys::slot_of(commit.occurred_at.as_millis()), channel);
    let mut bucket = load(&*rows, "bucket", &key)?.unwrap_or_default();
    change(&mut bucket);
    store(rows, key, &bucket);
    Ok(())
}

fn episode_started(row: &mut EpisodeRow, episode: u32) {
    row.episode = episode;
    row.first_customer_at = None;
    row.responded = false;
}

/// The log says which message is the first; an automatic one, or the provider speaking, waits for nobody.
fn message_received(row: &mut EpisodeRow, message: &Message, at: i64) {
    if message.is_a_persons_words() && row.first_customer_at.is_none() {
        row.first_customer_at = Some(at);
    }
}

/// How long the customer waited, if this is the episode's first response. Written on the phone means by a person.
fn message_echoed(row: &mut EpisodeRow, at: i64) -> Option<u64> {
    let first = row.first_customer_at.filter(|_| !row.responded)?;
    // What the business wrote before the customer, and which only came later, is no response.
    let waited = u64::try_from(at.checked_sub(first)?).ok()?;
    row.responded = true;
    Some(waited)
}

fn delivery_reported(bucket: &mut BucketRow, status: &DeliveryStatus) {
    let full = bucket.statuses.len() >= STATUSES_MAX;
    let known = |statuses: &[StatusRow], word: &str| statuses.iter().position(|row| row.status == word);
    let word = match known(&bucket.statuses, status.as_str()) {
        None if full => OTHER_STATUS,
        None | Some(_) => status.as_str(),
    };
    match known(&bucket.statuses, word) {
        Some(index) => bucket.statuses[index].count += 1,
        None => bucket.statuses.push(StatusRow { status: word.to_owned(), count: 1 }),
    }
}

fn bot_paused(bucket: &mut BucketRow, reason: PauseReason, automatic: bool) {
    let word = reason.as_str();
    let index = bucket.pauses.iter().position(|row| row.reason == word).unwrap_or_else(|| {
        bucket.pauses.push(PauseRow { reason: word.to_owned(), ..PauseRow::default() });
        bucket.pauses.len() - 1
    });
    let row = &mut bucket.pauses[index];
    if automatic {
        row.automatic += 1;
    } else {
        row.manual += 1;
    }
}
