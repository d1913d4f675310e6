//! What is not resolved: how many conversations there are at a moment, by status, agent and team.

use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::{BacklogRow, ConversationRow, StatusRow};

pub(crate) static BACKLOG: Definition = Definition {
    number: 12,
    name: "backlog",
    version: 1,
    kind: Kind::Gauge,
    labels: &["status"],
    meaning: "Conversations that are not resolved, by `status` (`open`, `pending`, `snoozed`), agent and team, at a moment. Facts \
              are changes: −1 for what the conversation was counted as, +1 for what it is now, at the commit's time, but never \
              before the conversation's status, team or agent changed last, so that no moment has less than none. A snooze \
              whose time has passed is `snoozed` until something happens. Moments are quarters of an hour (UTC): a figure is of the end of its span.",
};

/// After a commit: the conversation is counted as what it is now.
pub(crate) fn settle(talk: &mut ConversationRow, facts: &mut Facts<'_>) {
    let status = talk.status();
    let now = (status != StatusRow::Resolved).then(|| {
        let mut now = BacklogRow { team: talk.team.clone(), agent: talk.agent.clone(), ..BacklogRow::default() };
        now.set_status(status);
        now
    });
    if talk.backlog == now {
        return;
    }
    let at = talk.changed_at;
    if let Some(before) = talk.backlog.take() {
        let draft = Draft::of(talk, at, -1).whose(&before.team, &before.agent).label(before.status().word());
        facts.add(&BACKLOG, draft);
    }
    if now.is_some() {
        facts.add(&BACKLOG, Draft::of(talk, at, 1).label(status.word()));
    }
    talk.backlog = now;
}
