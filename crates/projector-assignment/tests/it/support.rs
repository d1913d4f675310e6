//! What the tests of this view share: fold a story, ask for pages.

use relevo_domain::conversation::{AssignmentHow, ConversationEvent, Medium, NotePersonal};
use relevo_domain::{AgentId, Caller, EntityId, TeamId, TenantId, Timestamp};
use relevo_projection::testing::{Story, fold};
use relevo_projector_assignment::{
    AssignmentProjector, Filter, Load, Order, Page, Query, Queue, QueuePage, QueueQuery, assignments, loads, queue,
};
use relevo_readstore::Snapshot;
use tempfile::TempDir;

/// A folded story. The folder lives as long as the snapshot is used.
pub(crate) struct Folded {
    pub(crate) snapshot: Snapshot,
    /// The time of the story's end.
    pub(crate) now: Timestamp,
    _folder: TempDir,
}

impl Folded {
    pub(crate) fn of(story: &Story) -> Self {
        let (folder, view) = fold(AssignmentProjector, story.commits());
        assert_eq!(view.degraded().unwrap().parked, [], "the story parks nothing");
        Self { snapshot: view.snapshot().unwrap().rows().clone(), now: story.now(), _folder: folder }
    }

    /// The conversations' numbers of one page.
    pub(crate) fn numbers(&self, filter: Filter, visible: &Caller) -> Vec<u8> {
        numbers(&self.page(&self.query(filter, visible)))
    }

    /// The first page of what is open or pending now.
    pub(crate) fn query<'a>(&self, filter: Filter, visible: &'a Caller) -> Query<'a> {
        Query { filter, statuses: &[], visible, now: self.now, after: None, limit: 200 }
    }

    /// The first page of a queue in its usual order.
    pub(crate) fn queue_query<'a>(&self, queue: Queue, visible: &'a Caller) -> QueueQuery<'a> {
        QueueQuery { queue, order: Order::Priority, longer_than: None, visible, now: self.now, after: None, limit: 200 }
    }

    /// The conversations' numbers of a queue.
    pub(crate) fn queued(&self, of: Queue, visible: &Caller) -> Vec<u8> {
        queue_numbers(&self.queue(&self.queue_query(of, visible)))
    }

    pub(crate) fn queue(&self, query: &QueueQuery<'_>) -> QueuePage {
        queue(&self.snapshot, &query.visible.tenant, query).unwrap()
    }

    pub(crate) fn page(&self, query: &Query<'_>) -> Page {
        assignments(&self.snapshot, &query.visible.tenant, query).unwrap()
    }

    /// As `laura=2`, agents first; with `+1p` and `+1s` for what is pending and snoozed.
    pub(crate) fn loads(&self, visible: &Caller) -> Vec<String> {
        let loads = loads(&self.snapshot, &visible.tenant, visible, self.now).unwrap();
        let agents = loads.agents.into_iter().map(|load| told(&load));
        agents.chain(loads.teams.into_iter().map(|load| told(&load))).collect()
    }

    /// As `ventas=2`, nobody's first as `=1`.
    pub(crate) fn lengths(&self, visible: &Caller) -> Vec<String> {
        let loads = loads(&self.snapshot, &visible.tenant, visible, self.now).unwrap();
        let name = |team: &Option<TeamId>| team.as_ref().map(ToString::to_string).unwrap_or_default();
        loads.queues.iter().map(|queue| format!("{}={}", name(&queue.team), queue.open)).collect()
    }
}

fn told<T: std::fmt::Display>(load: &Load<T>) -> String {
    let part = |number: u64, letter| if number > 0 { format!("+{number}{letter}") } else { String::new() };
    format!("{}={}{}{}", load.holder, load.open, part(load.pending, 'p'), part(load.snoozed, 's'))
}

pub(crate) fn queue_numbers(page: &QueuePage) -> Vec<u8> {
    page.rows.iter().map(|row| row.conversation.bytes()[0]).collect()
}

pub(crate) fn numbers(page: &Page) -> Vec<u8> {
    page.rows.iter().map(|row| row.conversation.bytes()[0]).collect()
}

pub(crate) fn demo() -> TenantId {
    TenantId::new("demo").unwrap()
}

pub(crate) fn open(story: &mut Story, number: u8) -> EntityId {
    story.open(number, "wa-main", Medium::WhatsApp, "Ana")
}

pub(crate) fn assigned(agent: Option<&str>, team: Option<&str>, how: AssignmentHow) -> ConversationEvent {
    let agent = agent.map(|name| AgentId::new(name).unwrap());
    let team = team.map(|name| TeamId::new(name).unwrap());
    ConversationEvent::Assigned { agent, team, how }
}

pub(crate) fn resolved() -> ConversationEvent {
    ConversationEvent::Resolved { episode: 1, reason: None, personal: NotePersonal::default() }
}
