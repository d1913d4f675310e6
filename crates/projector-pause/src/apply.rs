//! What each event changes in where the bot is silent.

use relevo_domain::channel::ChannelEvent;
use relevo_domain::contact::ContactEvent;
use relevo_domain::conversation::{ConversationEvent, NotePersonal, PauseReason};
use relevo_domain::identity::IdentityEvent;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{Actor, AgentId, EntityId, Event, Recorded, TeamId, TenantId};
use relevo_projection::{ApplyError, Rows};

use crate::keys::{self, Counted};
use crate::row::{CountRow, CurrentRow, HistoryRow, PauseRow, ResumedRow, load, store};

/// One event's where, when and who.
#[derive(Clone, Copy)]
struct Moment<'a> {
    tenant: &'a TenantId,
    conversation: EntityId,
    sequence: u64,
    ordinal: u32,
    version: u64,
    at: i64,
    by: &'a Actor,
}

pub(crate) fn commit(rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    for (ordinal, event) in (0..).zip(&commit.events) {
        match event {
            Event::Conversation(event) => {
                let moment = Moment {
                    tenant: &commit.tenant,
                    conversation: commit.entity,
                    sequence: recorded.sequence,
                    ordinal,
                    version: commit.first_version + u64::from(ordinal),
                    at: commit.occurred_at.as_millis(),
                    by: &commit.actor,
                };
                conversation_event(rows, moment, event)?;
            }
            // Only conversations have a bot.
            Event::Contact(
                ContactEvent::Created { .. }
                | ContactEvent::IdentifierLearned { .. }
                | ContactEvent::Renamed { .. }
                | ContactEvent::Merged { .. }
                | ContactEvent::Unmerged { .. }
                | ContactEvent::CustomerLinked { .. }
                | ContactEvent::CustomerUnlinked,
            )
            | Event::Identity(IdentityEvent::Bound { .. })
            | Event::Channel(ChannelEvent::DeliveryReported(_) | ChannelEvent::ProviderUpdated { .. })
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

fn conversation_event(rows: &mut dyn Rows, moment: Moment<'_>, event: &ConversationEvent) -> Result<(), ApplyError> {
    let key = keys::current(moment.tenant, moment.conversation);
    let before: Option<CurrentRow> = load(&*rows, "current", &key)?;
    let mut row = match (&before, event) {
        (None, ConversationEvent::Opened { channel, .. }) => {
            CurrentRow { channel: channel.to_string(), ..CurrentRow::default() }
        }
        (Some(before), _) => before.clone(),
        (None, _) => return Err(ApplyError::BadRow(format!("{} of a conversation that was not opened", event.name()))),
    };
    match event {
        ConversationEvent::BotPaused { reason, automatic, personal } => {
            let pause = bot_paused(moment, *reason, *automatic, personal);
            remember(rows, moment, HistoryRow { paused: Some(pause.clone()), resumed: None });
            row.pause = Some(pause);
        }
        ConversationEvent::BotResumed { personal } => {
            remember(rows, moment, HistoryRow { paused: None, resumed: Some(bot_resumed(moment, personal)) });
            row.pause = None;
        }
        ConversationEvent::Assigned { agent, team, how: _ } => assigned(&mut row, agent.as_ref(), team.as_ref()),
        // Nothing else pauses or resumes, and nothing else changes who may see it. Only the version moves.
        ConversationEvent::Opened { .. }
        | ConversationEvent::EpisodeStarted { .. }
        | ConversationEvent::MessageReceived(_)
        | ConversationEvent::MessageEchoed(_)
        | ConversationEvent::MessageEdited { .. }
        | ConversationEvent::MessageRevoked { .. }
        | ConversationEvent::ReactionChanged { .. }
        | ConversationEvent::DeliveryReported(_)
        | ConversationEvent::Resolved { .. }
        | ConversationEvent::Reopened { .. }
        | ConversationEvent::NoteAdded { .. }
        | ConversationEvent::MarkedPending { .. }
        | ConversationEvent::Snoozed { .. }
        | ConversationEvent::ReturnedToOpen { .. }
        | ConversationEvent::TagAdded { .. }
        | ConversationEvent::TagRemoved { .. }
        | ConversationEvent::PrioritySet { .. }
        | ConversationEvent::MarkedRead { .. } => {}
    }
    row.version = moment.version;
    move_in_lists(rows, moment, before.as_ref(), &row)?;
    store(rows, key, &row);
    Ok(())
}

fn bot_paused(moment: Moment<'_>, reason: PauseReason, automatic: bool, personal: &NotePersonal) -> PauseRow {
    PauseRow {
        reason: reason.as_str().to_owned(),
        automatic,
        by: moment.by.to_word(),
        since: moment.at,
        note: personal.text.clone().unwrap_or_default(),
    }
}

fn bot_resumed(moment: Moment<'_>, personal: &NotePersonal) -> ResumedRow {
    ResumedRow { by: moment.by.to_word(), at: moment.at, note: personal.text.clone().unwrap_or_default() }
}

fn assigned(row: &mut CurrentRow, agent: Option<&AgentId>, team: Option<&TeamId>) {
    row.agent = agent.map(ToString::to_string).unwrap_or_default();
    row.team = team.map(ToString::to_string).unwrap_or_default();
}

fn remember(rows: &mut dyn Rows, moment: Moment<'_>, entry: HistoryRow) {
    store(rows, keys::history(moment.tenant, moment.conversation, moment.sequence, moment.ordinal), &entry);
}

/// Moves the conversation between the lists and counts that depend on its pause and on who may see it.
fn move_in_lists(
    rows: &mut dyn Rows,
    moment: Moment<'_>,
    before: Option<&CurrentRow>,
    after: &CurrentRow,
) -> Result<(), ApplyError> {
    let (old, new) = (before.and_then(counted), counted(after));
    if old != new {
        if let Some(old) = old {
            count(rows, moment, &old, Step::Down)?;
        }
        if let Some(new) = new {
            count(rows, moment, &new, Step::Up)?;
        }
    }
    let (old, new) = (before.and_then(|before| before.pause.as_ref()), after.pause.as_ref());
    if old != new {
        for key in old.into_iter().flat_map(|old| list_keys(moment, old)) {
            rows.delete(key);
        }
        for key in new.into_iter().flat_map(|new| list_keys(moment, new)) {
            rows.put(key, Vec::new());
        }
    }
    Ok(())
}

fn list_keys(moment: Moment<'_>, pause: &PauseRow) -> [Vec<u8>; 2] {
    ["", &pause.reason].map(|reason| keys::paused(moment.tenant, reason, pause.since, moment.conversation))
}

fn counted(row: &CurrentRow) -> Option<Counted> {
    row.pause.as_ref().map(|pause| Counted {
        reason: pause.reason.clone(),
        automatic: pause.automatic,
        channel: row.channel.clone(),
        agent: row.agent.clone(),
        team: row.team.clone(),
    })
}

#[derive(Clone, Copy)]
enum Step {
    Up,
    Down,
}

fn count(rows: &mut dyn Rows, moment: Moment<'_>, counted: &Counted, step: Step) -> Result<(), ApplyError> {
    let key = keys::count(moment.tenant, counted);
    let row: CountRow = load(&*rows, "count", &key)?.unwrap_or_default();
    let paused = match step {
        Step::Up => row.paused + 1,
        Step::Down => {
            row.paused.checked_sub(1).ok_or_else(|| ApplyError::BadRow("count: fewer than none".to_owned()))?
        }
    };
    if paused == 0 {
        rows.delete(key);
    } else {
        store(rows, key, &CountRow { paused });
    }
    Ok(())
}
