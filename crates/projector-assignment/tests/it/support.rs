//! What the tests of this view share: fold a story, ask for pages.

use relevo_domain::conversation::{AssignmentHow, ConversationEvent, Medium, NotePersonal};
use relevo_domain::{AgentId, Caller, EntityId, TeamId, TenantId};
use relevo_projection::testing::{Story, fold};
use relevo_projector_assignment::{AssignmentProjector, Filter, Loads, Page, Query, assignments, loads};
use relevo_readstore::Snapshot;
use tempfile::TempDir;

/// A folded story. The folder lives as long as the snapshot is used.
pub(crate) struct Folded {
    pub(crate) snapshot: Snapshot,
    _folder: TempDir,
}

impl Folded {
    pub(crate) fn of(story: &Story) -> Self {
        let (folder, view) = fold(AssignmentProjector, story.commits());
        assert_eq!(view.degraded().unwrap().parked, [], "the story parks nothing");
        Self { snapshot: view.snapshot().unwrap().rows().clone(), _folder: folder }
    }

    /// The conversations' numbers of one page.
    pub(crate) fn numbers(&self, filter: Filter, visible: &Caller) -> Vec<u8> {
        numbers(&self.page(&Query { filter, visible, after: None, limit: 200 }))
    }

    pub(crate) fn page(&self, query: &Query<'_>) -> Page {
        assignments(&self.snapshot, &query.visible.tenant, query).unwrap()
    }

    /// As `laura=2`, agents first.
    pub(crate) fn loads(&self, visible: &Caller) -> Vec<String> {
        let Loads { agents, teams } = loads(&self.snapshot, &visible.tenant, visible).unwrap();
        let agents = agents.into_iter().map(|load| format!("{}={}", load.holder, load.open));
        agents.chain(teams.into_iter().map(|load| format!("{}={}", load.holder, load.open))).collect()
    }
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
