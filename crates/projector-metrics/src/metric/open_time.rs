//! How long agents have conversations open.

use super::span;
use crate::definition::{Definition, Kind};
use crate::facts::{Draft, Facts};
use crate::row::{ConversationRow, OpenTimeRow, StatusRow};

pub(crate) static AGENT_OPEN_TIME: Definition = Definition {
    number: 13,
    name: "agent_open_time",
    version: 1,
    kind: Kind::Duration,
    labels: &[],
    meaning: "Each span in which a conversation was open and assigned to one agent through one team, without a break, counted \
              for them at its end. Pending, snoozed and resolved end it, as does another assignment. It begins and ends at the \
              commit's time, but never before the conversation's status, team or agent changed last: its spans never overlap, \
              also if a provider reports late. A span that has not ended is not in it.",
};

/// After a commit: whoever has the conversation open now goes on, or begins.
pub(crate) fn settle(talk: &mut ConversationRow, facts: &mut Facts<'_>) {
    let running = talk.status() == StatusRow::Open && !talk.agent.is_empty();
    let same = |before: &OpenTimeRow| running && before.team == talk.team && before.agent == talk.agent;
    if talk.open_time.as_ref().is_some_and(same) {
        return;
    }
    let at = talk.changed_at;
    if let Some(before) = talk.open_time.take() {
        let draft = Draft::of(talk, at, span(before.since, at)).whose(&before.team, &before.agent);
        facts.add(&AGENT_OPEN_TIME, draft);
    }
    if running {
        let (team, agent) = (talk.team.clone(), talk.agent.clone());
        talk.open_time = Some(OpenTimeRow { since: at, team, agent });
    }
}
