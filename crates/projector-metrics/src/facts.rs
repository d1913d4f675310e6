//! Where metrics put what they observe: facts with their ids, and what they take back.

use relevo_domain::{EntityId, EntityKind, Recorded};

use crate::definition::Definition;
use crate::row::{ConversationRow, FactIdRow, FactRow};

/// A fact that was observed, and the one that it supersedes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Observed {
    pub(crate) definition: &'static Definition,
    pub(crate) fact: FactRow,
    pub(crate) replaces: Option<FactRow>,
}

/// A fact without its id.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    at: i64,
    value: i64,
    channel: String,
    team: String,
    agent: String,
    labels: Vec<String>,
}

/// The facts of one commit.
pub(crate) struct Facts<'a> {
    recorded: &'a Recorded,
    observed: Vec<Observed>,
}

impl Draft {
    /// For whom the conversation is now.
    pub(crate) fn of(talk: &ConversationRow, at: i64, value: i64) -> Self {
        let (channel, team, agent) = (talk.channel.clone(), talk.team.clone(), talk.agent.clone());
        Self { at, value, channel, team, agent, labels: Vec::new() }
    }

    /// As that fact, with another value.
    pub(crate) fn again(fact: &FactRow, value: i64) -> Self {
        let FactRow { at, channel, team, agent, labels, .. } = fact.clone();
        Self { at, value, channel, team, agent, labels }
    }

    /// Not of the agent who has it: somebody else's doing, whom the log does not name.
    pub(crate) fn by_nobody(mut self) -> Self {
        self.agent.clear();
        self
    }

    pub(crate) fn value(self, value: i64) -> Self {
        Self { value, ..self }
    }

    pub(crate) fn whose(self, team: &str, agent: &str) -> Self {
        Self { team: team.to_owned(), agent: agent.to_owned(), ..self }
    }

    /// The next label, in the order of the definition.
    pub(crate) fn label(mut self, value: &str) -> Self {
        self.labels.push(value.to_owned());
        self
    }
}

impl<'a> Facts<'a> {
    pub(crate) const fn of(recorded: &'a Recorded) -> Self {
        Self { recorded, observed: Vec::new() }
    }

    pub(crate) fn add(&mut self, definition: &'static Definition, draft: Draft) {
        self.push(definition, draft, None);
    }

    /// States a fact in the place of an earlier one, and remembers it there.
    pub(crate) fn correct(&mut self, definition: &'static Definition, last: &mut Option<FactRow>, draft: Draft) {
        *last = Some(self.push(definition, draft, last.take()).clone());
    }

    pub(crate) fn finish(self) -> Vec<Observed> {
        self.observed
    }

    fn push(&mut self, definition: &'static Definition, draft: Draft, replaces: Option<FactRow>) -> &FactRow {
        debug_assert_eq!(draft.labels.len(), definition.labels.len(), "{}", definition.name);
        let commit = &self.recorded.commit;
        let earlier = self.observed.iter().filter(|observed| observed.definition.number == definition.number);
        let entity: EntityId = commit.entity;
        let fact = FactRow {
            metric: definition.number.into(),
            version: definition.version,
            sequence: self.recorded.sequence,
            ordinal: u32::try_from(earlier.count()).unwrap_or(u32::MAX),
            at: draft.at,
            recorded_at: commit.recorded_at.as_millis(),
            conversation: match entity.kind() {
                EntityKind::Conversation => entity.bytes().to_vec(),
                EntityKind::Contact
                | EntityKind::Identity
                | EntityKind::Channel
                | EntityKind::Workspace
                | EntityKind::Bulk => Vec::new(),
            },
            channel: draft.channel,
            team: draft.team,
            agent: draft.agent,
            value: draft.value,
            labels: draft.labels,
            supersedes: replaces.as_ref().map(|row| FactIdRow {
                version: row.version,
                sequence: row.sequence,
                ordinal: row.ordinal,
            }),
        };
        &self.observed.push_mut(Observed { definition, fact, replaces }).fact
    }
}
