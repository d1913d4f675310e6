//! A small world: commits as the deciders would have written them, folded into the four views.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use relevo_domain::channel::ChannelEvent;
use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::{IdentifierPersonal, NamePersonal};
use relevo_domain::conversation::event::{AssignmentHow, EpisodeCause, NotePersonal};
use relevo_domain::conversation::message::{Author, Content, ContentPersonal};
use relevo_domain::conversation::{
    ConversationEvent, Medium, Message, MessageFlags, MessageKind, PauseReason, PauseTerms, ResumeCause,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{
    Actor, AgentId, Caller, ChannelId, CommandId, Commit, CommitHash, CommitId, EntityId, EntityKind, ErrorCode, Event,
    MessageId, Recorded, Role, Scope, TeamId, TenantId, Timestamp,
};
use relevo_projection::Projector;
use relevo_projection::testing::fold;
use relevo_projector_assignment::AssignmentProjector;
use relevo_projector_inbox::InboxProjector;
use relevo_projector_metrics::MetricsProjector;
use relevo_projector_pause::PauseProjector;
use relevo_proto::Problem;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use tonic::{Request, Status};

use crate::{Directory, History, HistoryError, Ports, Query, QueryViews, TenantDirectory, When};

/// 2026-03-02T15:00:00Z, a Monday; noon in Buenos Aires.
pub(super) const START: Timestamp = Timestamp::from_seconds(1_772_463_600);

pub(super) struct World {
    commits: Vec<Recorded>,
    heads: BTreeMap<(TenantId, EntityId), (u64, CommitHash)>,
    now: Timestamp,
}

/// The services over a world. Keeps the folders of its views.
pub(super) struct Told {
    pub(super) query: Query,
    pub(super) last: u64,
    _folders: Vec<TempDir>,
}

pub(super) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(super) fn agent(name: &str) -> AgentId {
    AgentId::new(name).unwrap()
}

pub(super) fn team(name: &str) -> TeamId {
    TeamId::new(name).unwrap()
}

pub(super) fn conversation(n: u8) -> EntityId {
    EntityId::new(EntityKind::Conversation, [n; 16])
}

pub(super) fn contact(n: u8) -> EntityId {
    EntityId::new(EntityKind::Contact, [n; 16])
}

/// What a query needs beside views: this test's clock, and these commits as the log.
pub(super) fn ports(commits: &[Recorded]) -> Ports {
    Ports { now: clock::now, history: Arc::new(Log(commits.to_vec())), ending: CancellationToken::new() }
}

/// The clock of one test: each runs on a thread of its own.
pub(super) mod clock {
    use std::cell::Cell;

    use relevo_domain::Timestamp;

    thread_local! {
        static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::from_seconds(1_772_463_600 + 3_600)) };
    }

    /// An hour after [`super::START`] until it is set.
    pub(in crate::tests) fn now() -> Timestamp {
        NOW.get()
    }

    pub(in crate::tests) fn set(now: Timestamp) {
        NOW.set(now);
    }
}

/// The log of a test.
struct Log(Vec<Recorded>);

#[async_trait::async_trait]
impl History for Log {
    async fn commits(
        &self,
        tenant: &TenantId,
        entity: EntityId,
        until: When,
        _: usize,
    ) -> Result<Vec<Recorded>, HistoryError> {
        let of_entity = |recorded: &&Recorded| recorded.commit.tenant == *tenant && recorded.commit.entity == entity;
        Ok(self.0.iter().filter(of_entity).take_while(|commit| until.has(commit)).cloned().collect())
    }
}

/// A caller of tenant `demo` who sees all of it.
pub(super) fn supervisor() -> Caller {
    caller("demo", "carla", Role::Supervisor)
}

pub(super) fn caller(tenant_name: &str, name: &str, role: Role) -> Caller {
    Caller { tenant: tenant(tenant_name), role, name: agent(name), scope: Scope::Tenant }
}

/// An agent of tenant `demo` with one team and one channel.
pub(super) fn granted(name: &str, channel: &str, team_name: &str) -> Caller {
    let scope = Scope::Granted {
        channels: BTreeSet::from([ChannelId::new(channel).unwrap()]),
        teams: BTreeSet::from([team(team_name)]),
    };
    Caller { scope, ..caller("demo", name, Role::Agent) }
}

pub(super) fn ask<Q>(caller: &Caller, request: Q) -> Request<Q> {
    let mut request = Request::new(request);
    request.extensions_mut().insert(caller.clone());
    request
}

/// The problem that a refusal carries.
#[track_caller]
pub(super) fn refused<A: std::fmt::Debug>(answer: Result<tonic::Response<A>, Status>) -> Problem {
    Problem::from_status(&answer.unwrap_err()).unwrap()
}

#[track_caller]
pub(super) fn code<A: std::fmt::Debug>(answer: Result<tonic::Response<A>, Status>) -> ErrorCode {
    refused(answer).code
}

impl World {
    pub(super) fn new() -> Self {
        clock::set(START + Duration::from_hours(1));
        Self { commits: Vec::new(), heads: BTreeMap::new(), now: START }
    }

    pub(super) fn after(mut self, wait: Duration) -> Self {
        self.now = self.now + wait;
        self
    }

    /// Customer `n` writes; the first time, contact and conversation come into being.
    pub(super) fn writes(self, tenant_name: &str, n: u8, channel: &str, text: &str) -> Self {
        let tenant = tenant(tenant_name);
        let (id, contact) = (conversation(n), contact(n));
        let channel = ChannelId::new(channel).unwrap();
        let medium = if channel.as_str() == "mail" { Medium::Email } else { Medium::WhatsApp };
        let mut events = Vec::new();
        let mut world = self;
        if !world.heads.contains_key(&(tenant.clone(), id)) {
            let name = NamePersonal { name: Some(format!("Cliente {n}")) };
            let value = IdentifierPersonal { value: format!("54911{n:04}") };
            world = world.commit(
                &tenant,
                contact,
                Actor::Customer,
                vec![
                    Event::Contact(ContactEvent::Created { channel: channel.clone(), personal: name }),
                    Event::Contact(ContactEvent::IdentifierLearned {
                        kind: IdentifierKind::WaId,
                        channel: channel.clone(),
                        personal: value,
                    }),
                ],
            );
            events.push(ConversationEvent::Opened { channel, medium, contact });
            events.push(ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::CustomerMessage });
        }
        events.push(ConversationEvent::MessageReceived(Box::new(world.message(n, Author::Customer, text))));
        world.conversation_events(tenant_name, n, Actor::Customer, events)
    }

    /// The owner answers from the phone.
    pub(super) fn echoes(self, tenant_name: &str, n: u8, text: &str) -> Self {
        let event = ConversationEvent::MessageEchoed(Box::new(self.message(n, Author::PhoneApp, text)));
        self.conversation_events(tenant_name, n, Actor::PhoneApp, vec![event])
    }

    pub(super) fn assigned(self, tenant_name: &str, n: u8, to_agent: Option<&str>, to_team: Option<&str>) -> Self {
        let (agent, team) = (to_agent.map(agent), to_team.map(team));
        let event = ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual };
        self.conversation_events(tenant_name, n, Actor::Staff(super::world::agent("carla")), vec![event])
    }

    pub(super) fn paused(self, tenant_name: &str, n: u8, reason: PauseReason, note: &str) -> Self {
        let personal = NotePersonal { text: Some(note.to_owned()).filter(|note| !note.is_empty()) };
        let event = ConversationEvent::BotPaused { reason, automatic: false, terms: PauseTerms::default(), personal };
        self.conversation_events(tenant_name, n, Actor::Staff(agent("laura")), vec![event])
    }

    pub(super) fn resumed(self, tenant_name: &str, n: u8) -> Self {
        let event = ConversationEvent::BotResumed {
            cause: ResumeCause::Staff,
            catch_up: relevo_domain::conversation::CatchUp::Know,
            personal: NotePersonal::default(),
        };
        self.conversation_events(tenant_name, n, Actor::Staff(agent("laura")), vec![event])
    }

    pub(super) fn resolved(self, tenant_name: &str, n: u8) -> Self {
        let personal = NotePersonal::default();
        let event = ConversationEvent::Resolved { episode: 1, reason: Some("listo".to_owned()), personal };
        self.conversation_events(tenant_name, n, Actor::Staff(agent("laura")), vec![event])
    }

    /// A commit of conversation `n` is missing: what follows cannot be applied.
    pub(super) fn torn(mut self, tenant_name: &str, n: u8) -> Self {
        self.heads.entry((tenant(tenant_name), conversation(n))).and_modify(|(version, _)| *version += 1);
        self
    }

    /// Folds the commits into the views.
    pub(super) fn told(self) -> Told {
        let (folders, views) = self.views();
        let query = Query::new(views, directory(), [7; 32], ports(&self.commits));
        Told { query, last: self.commits.len() as u64, _folders: folders }
    }

    /// The views, and their folders.
    pub(super) fn views(&self) -> (Vec<TempDir>, QueryViews) {
        let mut folders = Vec::new();
        let mut view = |projector| fold_boxed(projector, &self.commits, &mut folders);
        let views = QueryViews {
            inbox: view(Fold::Inbox),
            assignment: view(Fold::Assignment),
            pause: view(Fold::Pause),
            metrics: view(Fold::Metrics),
        };
        (folders, views)
    }

    /// Anything that can be true of conversation `n`, by Laura.
    pub(super) fn event(self, tenant_name: &str, n: u8, event: ConversationEvent) -> Self {
        self.conversation_events(tenant_name, n, Actor::Staff(agent("laura")), vec![event])
    }

    /// Anything that can be true of contact `n`, by Laura.
    pub(super) fn contact_event(self, tenant_name: &str, n: u8, event: ContactEvent) -> Self {
        self.commit(&tenant(tenant_name), contact(n), Actor::Staff(agent("laura")), vec![Event::Contact(event)])
    }

    /// Anything that can be true of the workspace, by Laura.
    pub(super) fn workspace_event(self, tenant_name: &str, event: WorkspaceEvent) -> Self {
        let events = vec![Event::Workspace(event)];
        self.commit(&tenant(tenant_name), EntityId::WORKSPACE, Actor::Staff(agent("laura")), events)
    }

    /// Anything that can be true of a channel, as its provider tells.
    pub(super) fn channel_event(self, tenant_name: &str, channel: EntityId, event: ChannelEvent) -> Self {
        self.commit(&tenant(tenant_name), channel, Actor::Provider, vec![Event::Channel(event)])
    }

    /// The same world as it was after its commit of that sequence.
    pub(super) fn until(&self, sequence: u64) -> Self {
        let commits = self.commits.iter().filter(|commit| commit.sequence <= sequence).cloned().collect();
        Self { commits, heads: BTreeMap::new(), now: self.now }
    }

    pub(super) fn commits(&self) -> &[Recorded] {
        &self.commits
    }

    pub(super) fn conversation_events(
        self,
        tenant_name: &str,
        n: u8,
        actor: Actor,
        events: Vec<ConversationEvent>,
    ) -> Self {
        let events = events.into_iter().map(Event::Conversation).collect();
        self.commit(&tenant(tenant_name), conversation(n), actor, events)
    }

    fn message(&self, n: u8, author: Author, text: &str) -> Message {
        let sequence = self.commits.len() as u64;
        let mut id = [n; 16];
        id[..8].copy_from_slice(&sequence.to_be_bytes());
        Message {
            id: MessageId::new(id),
            author,
            content: Content {
                kind: MessageKind::Text,
                attachments: Vec::new(),
                personal: ContentPersonal {
                    provider_id: format!("wamid.{sequence}"),
                    text: Some(text.to_owned()),
                    sender_name: Some(format!("Cliente {n}")),
                    sender_address: Some(format!("54911{n:04}")),
                    ..ContentPersonal::default()
                },
            },
            provider_time: None,
            reply_to: None,
            flags: MessageFlags::default(),
        }
    }

    fn commit(mut self, tenant: &TenantId, entity: EntityId, actor: Actor, events: Vec<Event>) -> Self {
        let sequence = self.commits.len() as u64 + 1;
        let mut hash = [0xAA; 32];
        hash[..8].copy_from_slice(&sequence.to_be_bytes());
        let (version, previous_hash) =
            self.heads.get(&(tenant.clone(), entity)).copied().unwrap_or((0, CommitHash::default()));
        let mut id = [0; 16];
        id[..8].copy_from_slice(&sequence.to_be_bytes());
        self.heads.insert((tenant.clone(), entity), (version + events.len() as u64, hash));
        self.now = self.now + Duration::from_secs(1);
        let commit = Commit {
            id: CommitId::new(id),
            tenant: tenant.clone(),
            entity,
            first_version: version + 1,
            command_id: CommandId::new(format!("c{sequence}")).unwrap(),
            occurred_at: self.now,
            recorded_at: self.now,
            actor,
            causation: None,
            correlation: None,
            previous_hash,
            intake: None,
            events,
        };
        self.commits.push(Recorded { sequence, hash, commit });
        self
    }
}

/// Which view to fold.
enum Fold {
    Inbox,
    Assignment,
    Pause,
    Metrics,
}

fn fold_boxed(
    which: Fold,
    commits: &[Recorded],
    folders: &mut Vec<TempDir>,
) -> std::sync::Arc<relevo_projection::View> {
    fn one<P: Projector>(projector: P, commits: &[Recorded]) -> (TempDir, std::sync::Arc<relevo_projection::View>) {
        fold(projector, commits)
    }
    let (folder, view) = match which {
        Fold::Inbox => one(InboxProjector, commits),
        Fold::Assignment => one(AssignmentProjector, commits),
        Fold::Pause => one(PauseProjector, commits),
        Fold::Metrics => one(MetricsProjector, commits),
    };
    folders.push(folder);
    view
}

pub(super) fn directory() -> Directory {
    let demo = TenantDirectory {
        time_zone: TimeZone::get("America/Argentina/Buenos_Aires").unwrap(),
        agents: BTreeMap::from([
            (agent("laura"), "Laura".to_owned()),
            (agent("martin"), "Martín".to_owned()),
            (agent("carla"), "Carla".to_owned()),
        ]),
        teams: BTreeMap::from([(team("ventas"), "Ventas".to_owned())]),
        channels: [(ChannelId::new("wa-main").unwrap(), "WhatsApp".to_owned())].into(),
    };
    Directory { tenants: BTreeMap::from([(tenant("demo"), demo)]) }
}
