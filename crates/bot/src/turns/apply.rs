//! What each event changes in what is to be given.

use std::time::Duration;

use relevo_domain::conversation::{Author, ConversationEvent, MessageKind, TurnEnd};
use relevo_domain::{Event, Recorded, Timestamp};
use relevo_projection::row::{load, store};
use relevo_projection::{ApplyError, Rows};

use super::keys;
use super::row::{OverCode, RunningRow, TalkRow};

/// How long what failed so often is let alone: the first failure may be a moment's, the fourth is not.
const PAUSES: [Duration; 4] =
    [Duration::from_secs(1), Duration::from_secs(4), Duration::from_secs(15), Duration::from_mins(1)];

pub(super) fn commit(rows: &mut dyn Rows, recorded: &Recorded) -> Result<(), ApplyError> {
    let commit = &recorded.commit;
    let mut events = (commit.first_version..).zip(&commit.events).filter_map(|(version, event)| match event {
        Event::Conversation(event) => Some((version, event)),
        Event::Contact(_) | Event::Identity(_) | Event::Channel(_) | Event::Workspace(_) | Event::Bulk(_) => None,
    });
    let Some(first) = events.next() else { return Ok(()) };
    let key = keys::talk(&commit.tenant, commit.entity);
    let before: TalkRow = load(&*rows, "talk", &key)?.unwrap_or_default();
    let mut after = before.clone();
    for (version, event) in std::iter::once(first).chain(events) {
        let moment = Moment { version, sequence: recorded.sequence, at: commit.occurred_at.min(commit.recorded_at) };
        after.event(moment, event);
    }
    if before == after {
        return Ok(());
    }
    let stands = |row: &TalkRow| {
        row.stands_at().map(|at| (keys::due(&commit.tenant, &row.channel, at, commit.entity), row.due_row()))
    };
    let (old, new) = (stands(&before), stands(&after));
    if old != new {
        if let Some((old, _)) = old {
            rows.delete(old);
        }
        if let Some((new, row)) = new {
            store(rows, new, &row);
        }
    }
    store(rows, key, &after);
    Ok(())
}

/// Where and when an event stands.
#[derive(Clone, Copy)]
struct Moment {
    version: u64,
    sequence: u64,
    at: Timestamp,
}

impl TalkRow {
    /// As the domain's `State::evolve` does it; a test holds the two together.
    fn event(&mut self, moment: Moment, event: &ConversationEvent) {
        match event {
            ConversationEvent::Opened { channel, .. } => self.channel = channel.to_string(),
            ConversationEvent::Assigned { team, .. } => {
                self.team = team.as_ref().map(ToString::to_string).unwrap_or_default();
            }
            ConversationEvent::MessageReceived(message) => {
                if message.content.kind != MessageKind::System && message.flags.by_a_person() {
                    self.received(moment);
                }
            }
            ConversationEvent::MessageEchoed(_) => self.silenced(OverCode::Staff),
            ConversationEvent::MessageQueued(outgoing) if outgoing.author == Author::Staff => {
                self.silenced(OverCode::Staff);
            }
            ConversationEvent::BotPaused { .. } => {
                self.paused = true;
                self.silenced(OverCode::Paused);
            }
            ConversationEvent::BotResumed { catch_up, .. } => {
                self.paused = false;
                self.context_sequence = moment.sequence;
                let mut turns = self.turns();
                turns.resumed(moment.version, *catch_up);
                self.set(&turns);
                // As old as what was said: of a great many that are resumed at once, those that nobody is asked about any more must not
                // stand before who writes now.
                self.due_at = self.newest_at;
            }
            ConversationEvent::Resolved { .. } => {
                self.silenced(OverCode::Staff);
                self.new_from = None;
            }
            ConversationEvent::BotTurnStarted(given) => {
                self.ends(OverCode::Time);
                let mut turns = self.turns();
                // What is given again begins where the turn before did.
                let from_sequence = match (&self.running, turns.new_from) {
                    (Some(running), _) => running.from_sequence,
                    (None, _) => self.from_sequence,
                };
                turns.started(moment.version, given);
                self.set(&turns);
                self.running = Some(RunningRow::new(moment.version, given, from_sequence, moment.sequence));
            }
            ConversationEvent::BotTurnEnded { turn, how } => self.ended(moment, *turn, *how),
            ConversationEvent::MessageQueued(_)
            | ConversationEvent::EpisodeStarted { .. }
            | ConversationEvent::Reopened { .. }
            | ConversationEvent::ReturnedToOpen { .. }
            | ConversationEvent::MarkedPending { .. }
            | ConversationEvent::Snoozed { .. }
            | ConversationEvent::PauseChanged { .. }
            | ConversationEvent::Escalated { .. }
            | ConversationEvent::SituationDetected(_)
            | ConversationEvent::SuggestionClosed { .. }
            | ConversationEvent::AlertRaised { .. }
            | ConversationEvent::BotSignalled { .. }
            | ConversationEvent::MessageEdited { .. }
            | ConversationEvent::MessageRevoked { .. }
            | ConversationEvent::ReactionChanged { .. }
            | ConversationEvent::DeliveryReported(_)
            | ConversationEvent::NoteAdded { .. }
            | ConversationEvent::TagAdded { .. }
            | ConversationEvent::TagRemoved { .. }
            | ConversationEvent::PrioritySet { .. }
            | ConversationEvent::MarkedRead { .. }
            | ConversationEvent::SendStarted { .. }
            | ConversationEvent::MessageAccepted { .. }
            | ConversationEvent::SendFailed { .. }
            | ConversationEvent::SendOutcomeUnknown { .. }
            | ConversationEvent::SendCancelled { .. }
            | ConversationEvent::MediumFetched { .. } => {}
        }
    }

    fn received(&mut self, moment: Moment) {
        if self.new_from.is_none() {
            self.from_sequence = moment.sequence;
        }
        if self.due == 0 {
            self.due_at = moment.at.as_millis();
        }
        self.newest_at = self.newest_at.max(moment.at.as_millis());
        let mut turns = self.turns();
        turns.received(moment.version, !self.paused);
        self.set(&turns);
    }

    fn silenced(&mut self, how: OverCode) {
        self.ends(how);
        if let Some(running) = &self.running {
            // What the bot had is new again.
            self.from_sequence = running.from_sequence;
        }
        let mut turns = self.turns();
        turns.silenced();
        self.set(&turns);
    }

    fn ended(&mut self, moment: Moment, turn: u64, how: TurnEnd) {
        let Some(running) = self.running.clone().filter(|running| running.number == turn) else { return };
        self.ends(match how {
            TurnEnd::Done => OverCode::Done,
            TurnEnd::Failed => OverCode::Failed,
            TurnEnd::GivenUp => OverCode::GivenUp,
        });
        let mut turns = self.turns();
        turns.ended(turn, how);
        self.set(&turns);
        if how == TurnEnd::Failed {
            self.from_sequence = running.from_sequence;
            let times = usize::try_from(running.attempt).unwrap_or(usize::MAX).clamp(1, PAUSES.len());
            self.due_at = (moment.at + PAUSES[times - 1]).as_millis();
        }
    }

    /// The turn that is running, if there is one, is over.
    fn ends(&mut self, how: OverCode) {
        if let Some(running) = &self.running {
            (self.over, self.over_how) = (running.number, how.into());
        }
    }
}
