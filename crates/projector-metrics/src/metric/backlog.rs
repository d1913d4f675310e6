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
              before the conversation's own last change, so that no moment has less than none. A snooze whose time has passed \
              is `snoozed` until something happens. Moments are quarters of an hour (UTC): a figure is of the end of its span.",
};

/// After a commit: the conversation is counted as what it is now.
pub(crate) fn settle(talk: &mut ConversationRow, at: i64, facts: &mut Facts<'_>) {
    let status = talk.status();
    let counted = status != StatusRow::Resolved;
    let before = talk.backlog.take().unwrap_or(BacklogRow { at, ..BacklogRow::default() });
    let same = before.counted == counted
        && (!counted || (before.status() == status && before.team == talk.team && before.agent == talk.agent));
    if same {
        talk.backlog = Some(before);
        return;
    }
    let at = at.max(before.at);
    if before.counted {
        let draft = Draft::of(talk, at, -1).whose(&before.team, &before.agent).label(before.status().word());
        facts.add(&BACKLOG, draft);
    }
    let mut now = BacklogRow { at, counted, ..BacklogRow::default() };
    if counted {
        facts.add(&BACKLOG, Draft::of(talk, at, 1).label(status.word()));
        now = BacklogRow { team: talk.team.clone(), agent: talk.agent.clone(), ..now };
        now.set_status(status);
    }
    talk.backlog = Some(now);
}
