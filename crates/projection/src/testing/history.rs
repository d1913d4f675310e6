//! Made-up histories: what a few businesses' days look like on the log. Every event of the domain occurs, in orders that the
//! deciders could have produced; versions are gapless and hashes chained. The same seed gives the same history for ever.

mod parts;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use relevo_domain::channel::{ChannelEvent, ProviderUpdatePersonal};
use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::MergeCause;
use relevo_domain::conversation::event::{
    AssignmentHow, ConversationEvent, EpisodeCause, Medium, NotePersonal, PauseReason, ReactionPersonal, ReopenCause,
};
use relevo_domain::conversation::message::Author;
use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{
    Actor, ChannelId, CommandId, Commit, CommitHash, CommitId, EntityId, EntityKind, Event, IntakePointer, MessageId,
    Recorded, TeamId, TenantId, Timestamp,
};
use sha2::{Digest as _, Sha256};

use super::{CREATED_AT, must};

/// When the stream of every made-up history was created.
pub const HISTORY_STREAM_CREATED_AT: Timestamp = CREATED_AT;

const TENANTS: [&str; 3] = ["demo", "demo-b", "peluqueria-sol"];
const TEAMS: [&str; 2] = ["ventas", "soporte"];
const CHANNELS: [(&str, Medium); 3] = [("wa-main", Medium::WhatsApp), ("sms", Medium::Sms), ("mail", Medium::Email)];
/// Customers of a history: few, so that conversations grow long.
const CUSTOMERS_MAX: usize = 24;

/// A history of `n` commits with sequences 1 to `n`. From about 40 commits on it contains every event.
pub fn history(seed: u64, n: usize) -> Vec<Recorded> {
    let mut writer = Writer::new(seed);
    writer.tour();
    while writer.commits.len() < n {
        writer.something();
    }
    writer.commits.truncate(n);
    writer.commits
}

struct Writer {
    random: StdRng,
    now: i64,
    heads: BTreeMap<(TenantId, EntityId), (u64, CommitHash)>,
    talks: Vec<Talk>,
    commits: Vec<Recorded>,
}

/// A conversation as far as its next event depends on it.
struct Talk {
    tenant: TenantId,
    entity: EntityId,
    contact: EntityId,
    channel: ChannelId,
    medium: Medium,
    episode: u32,
    resolved: bool,
    paused: bool,
    messages: Vec<MessageId>,
}

/// What can happen next.
#[derive(Clone, Copy)]
enum Step {
    Customer,
    Write,
    Echo,
    Edit,
    Revoke,
    React,
    Deliver,
    Pause,
    Resume,
    Assign,
    Claim,
    Resolve,
    Reopen,
    Note,
    Rename,
    Learn,
    Merge,
    ChannelDelivery,
    ChannelUpdate,
}

/// Likelier steps stand here several times.
const STEPS: [Step; 32] = {
    use Step::{
        Assign, ChannelDelivery, ChannelUpdate, Claim, Customer, Deliver, Echo, Edit, Learn, Merge, Note, Pause, React,
        Rename, Reopen, Resolve, Resume, Revoke, Write,
    };
    [
        Customer,
        Customer,
        Write,
        Write,
        Write,
        Write,
        Write,
        Write,
        Write,
        Write,
        Echo,
        Edit,
        Revoke,
        React,
        Deliver,
        Deliver,
        Deliver,
        Deliver,
        Pause,
        Pause,
        Resume,
        Assign,
        Claim,
        Resolve,
        Resolve,
        Reopen,
        Note,
        Rename,
        Learn,
        Merge,
        ChannelDelivery,
        ChannelUpdate,
    ]
};

/// Every step once, in an order in which each is possible.
const TOUR: [Step; 24] = {
    use Step::{
        Assign, ChannelDelivery, ChannelUpdate, Claim, Customer, Deliver, Echo, Edit, Learn, Merge, Note, Pause, React,
        Rename, Reopen, Resolve, Resume, Revoke, Write,
    };
    [
        Customer,
        Write,
        Pause,
        Resume,
        Echo,
        Edit,
        React,
        Deliver,
        Revoke,
        Claim,
        Note,
        Resolve,
        Reopen,
        Assign,
        Customer,
        Customer,
        Rename,
        Learn,
        Merge,
        ChannelDelivery,
        ChannelUpdate,
        Resolve,
        Write,
        Write,
    ]
};

impl Writer {
    fn new(seed: u64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let (heads, talks, commits) = Default::default();
        Self { random, now: CREATED_AT.as_millis(), heads, talks, commits }
    }

    fn tour(&mut self) {
        for tenant in TENANTS.map(tenant) {
            let fingerprint = format!("{:016x}", self.random.random::<u64>());
            let event = WorkspaceEvent::IdKeyFingerprinted { fingerprint };
            self.commit(&tenant, EntityId::WORKSPACE, Actor::System, vec![Event::Workspace(event)]);
        }
        for step in TOUR {
            // The first conversation lives through everything.
            self.step(step, 0);
        }
    }

    fn something(&mut self) {
        let step = STEPS[self.random.random_range(0..STEPS.len())];
        let talk = self.random.random_range(0..self.talks.len());
        self.step(step, talk);
    }

    fn step(&mut self, step: Step, talk: usize) {
        match step {
            Step::Customer if self.talks.len() < CUSTOMERS_MAX => self.customer(),
            Step::Customer | Step::Write => self.write(talk),
            Step::Echo => self.echo(talk),
            Step::Edit => self.edit(talk),
            Step::Revoke => self.revoke(talk),
            Step::React => self.react(talk),
            Step::Deliver => self.deliver(talk),
            Step::Pause => self.pause(talk),
            Step::Resume => self.resume(talk),
            Step::Assign => self.assign(talk),
            Step::Claim => self.claim(talk),
            Step::Resolve => self.resolve(talk),
            Step::Reopen => self.reopen(talk),
            Step::Note => self.note(talk),
            Step::Rename => self.rename(talk),
            Step::Learn => self.learn(talk),
            Step::Merge => self.merge(talk),
            Step::ChannelDelivery => self.channel_delivery(talk),
            Step::ChannelUpdate => self.channel_update(talk),
        }
    }

    // --- steps

    fn customer(&mut self) {
        // The first three customers are of three tenants and three channels; then as it comes.
        let index = self.talks.len();
        let pick =
            |random: &mut StdRng, limit: usize| if index < limit { index } else { random.random_range(0..limit) };
        let tenant = tenant(TENANTS[pick(&mut self.random, TENANTS.len())]);
        let (channel, medium) = CHANNELS[pick(&mut self.random, CHANNELS.len())];
        let channel = must(ChannelId::new(channel), "name a channel");
        let contact = self.entity(EntityKind::Contact);
        let entity = self.entity(EntityKind::Conversation);
        let kind = if medium == Medium::Email { IdentifierKind::Email } else { IdentifierKind::WaId };
        let created = ContactEvent::Created { channel: channel.clone(), personal: self.name() };
        let learned = self.identifier(kind, &channel);
        self.commit(&tenant, contact, Actor::Customer, vec![Event::Contact(created), Event::Contact(learned)]);
        let conversation = (medium != Medium::Email).then_some(entity);
        let bound = IdentityEvent::Bound { kind, channel: channel.clone(), contact, conversation };
        let identity = self.entity(EntityKind::Identity);
        self.commit(&tenant, identity, Actor::Customer, vec![Event::Identity(bound)]);
        let first = self.message(Author::Customer, None);
        let events = vec![
            ConversationEvent::Opened { channel: channel.clone(), medium, contact },
            ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::CustomerMessage },
            ConversationEvent::MessageReceived(Box::new(first.clone())),
        ];
        let messages = vec![first.id];
        let talk =
            Talk { tenant, entity, contact, channel, medium, episode: 1, resolved: false, paused: false, messages };
        self.talks.push(talk);
        self.tell(index, Actor::Customer, events);
    }

    fn write(&mut self, talk: usize) {
        let reply_to = self.talks[talk].messages.last().copied();
        let message = self.message(Author::Customer, reply_to);
        let mut events = self.opening(talk);
        self.talks[talk].messages.push(message.id);
        events.push(ConversationEvent::MessageReceived(Box::new(message)));
        self.tell(talk, Actor::Customer, events);
    }

    /// What precedes a customer's message on a resolved conversation.
    fn opening(&mut self, talk: usize) -> Vec<ConversationEvent> {
        let soon = self.random.random_bool(0.5);
        let talk = &mut self.talks[talk];
        if !talk.resolved {
            return Vec::new();
        }
        talk.resolved = false;
        if soon && talk.medium != Medium::Email {
            return vec![ConversationEvent::Reopened { episode: talk.episode, cause: ReopenCause::CustomerMessage }];
        }
        talk.episode += 1;
        vec![ConversationEvent::EpisodeStarted { episode: talk.episode, cause: EpisodeCause::CustomerMessage }]
    }

    fn echo(&mut self, talk: usize) {
        let message = self.message(Author::PhoneApp, None);
        self.talks[talk].messages.push(message.id);
        let mut events = vec![ConversationEvent::MessageEchoed(Box::new(message))];
        if !std::mem::replace(&mut self.talks[talk].paused, true) {
            let personal = NotePersonal::default();
            events.push(ConversationEvent::BotPaused { reason: PauseReason::Echo, automatic: true, personal });
        }
        self.tell(talk, Actor::PhoneApp, events);
    }

    fn edit(&mut self, talk: usize) {
        let message = self.some_message(talk);
        let content = Box::new(self.content());
        self.tell(talk, Actor::Customer, vec![ConversationEvent::MessageEdited { message, content }]);
    }

    fn revoke(&mut self, talk: usize) {
        let message = self.some_message(talk);
        self.tell(talk, Actor::Customer, vec![ConversationEvent::MessageRevoked { message }]);
    }

    fn react(&mut self, talk: usize) {
        let message = self.some_message(talk);
        let emoji = self.random.random_bool(0.7).then(|| "👍".to_owned());
        let personal = ReactionPersonal { emoji, provider_id: self.provider_id() };
        self.tell(talk, Actor::Customer, vec![ConversationEvent::ReactionChanged { message, personal }]);
    }

    fn deliver(&mut self, talk: usize) {
        let message = self.some_message(talk);
        let report = self.report(message);
        self.tell(talk, Actor::Provider, vec![ConversationEvent::DeliveryReported(report)]);
    }

    fn pause(&mut self, talk: usize) {
        if std::mem::replace(&mut self.talks[talk].paused, true) {
            return self.note(talk);
        }
        let reason = PauseReason::ALL[self.random.random_range(0..PauseReason::ALL.len())];
        let (automatic, personal) = (self.random.random_bool(0.3), self.remark());
        let actor = if automatic { Actor::System } else { Actor::Staff(self.agent()) };
        self.tell(talk, actor, vec![ConversationEvent::BotPaused { reason, automatic, personal }]);
    }

    fn resume(&mut self, talk: usize) {
        if !std::mem::replace(&mut self.talks[talk].paused, false) {
            return self.write(talk);
        }
        let (actor, personal) = (Actor::Staff(self.agent()), self.remark());
        self.tell(talk, actor, vec![ConversationEvent::BotResumed { personal }]);
    }

    fn assign(&mut self, talk: usize) {
        let team = TEAMS[self.random.random_range(0..TEAMS.len())];
        let team = self.random.random_bool(0.6).then(|| must(TeamId::new(team), "name a team"));
        let agent = (team.is_none() || self.random.random_bool(0.5)).then(|| self.agent());
        let (actor, how) = (Actor::Staff(self.agent()), AssignmentHow::Manual);
        self.tell(talk, actor, vec![ConversationEvent::Assigned { agent, team, how }]);
    }

    fn claim(&mut self, talk: usize) {
        let agent = self.agent();
        let event = ConversationEvent::Assigned { agent: Some(agent.clone()), team: None, how: AssignmentHow::Claim };
        self.tell(talk, Actor::Staff(agent), vec![event]);
    }

    fn resolve(&mut self, talk: usize) {
        if std::mem::replace(&mut self.talks[talk].resolved, true) {
            self.talks[talk].resolved = false;
            let episode = self.talks[talk].episode;
            let actor = Actor::Staff(self.agent());
            return self.tell(talk, actor, vec![ConversationEvent::Reopened { episode, cause: ReopenCause::Staff }]);
        }
        let reason = self.random.random_bool(0.7).then(|| "sold".to_owned());
        let (episode, personal, actor) = (self.talks[talk].episode, self.remark(), Actor::Staff(self.agent()));
        self.tell(talk, actor, vec![ConversationEvent::Resolved { episode, reason, personal }]);
    }

    fn reopen(&mut self, talk: usize) {
        if !std::mem::replace(&mut self.talks[talk].resolved, false) {
            return self.write(talk);
        }
        let (episode, actor) = (self.talks[talk].episode, Actor::Staff(self.agent()));
        self.tell(talk, actor, vec![ConversationEvent::Reopened { episode, cause: ReopenCause::Staff }]);
    }

    fn note(&mut self, talk: usize) {
        let (message, personal) = (MessageId::new(self.random.random()), self.remark());
        let actor = Actor::Staff(self.agent());
        self.tell(talk, actor, vec![ConversationEvent::NoteAdded { message, personal }]);
    }

    fn rename(&mut self, talk: usize) {
        let event = ContactEvent::Renamed { personal: self.name() };
        self.contact(talk, event);
    }

    fn learn(&mut self, talk: usize) {
        let kind = IdentifierKind::ALL[self.random.random_range(0..IdentifierKind::ALL.len())];
        let channel = self.talks[talk].channel.clone();
        let event = self.identifier(kind, &channel);
        self.contact(talk, event);
    }

    fn merge(&mut self, talk: usize) {
        let tenant = &self.talks[talk].tenant;
        let own = self.talks[talk].contact;
        let others: Vec<_> = self
            .talks
            .iter()
            .filter(|other| other.tenant == *tenant && other.contact != own)
            .map(|other| other.contact)
            .collect();
        // A contact that we have never met: the provider may know more people than we do.
        let other = others.choose(&mut self.random).copied().unwrap_or_else(|| self.entity(EntityKind::Contact));
        let cause = if self.random.random_bool(0.5) { MergeCause::SameUpdate } else { MergeCause::NumberChanged };
        self.contact(talk, ContactEvent::Merged { other, cause });
    }

    fn channel_delivery(&mut self, talk: usize) {
        let report = self.report(MessageId::new([9; 16]));
        self.channel(talk, ChannelEvent::DeliveryReported(report));
    }

    fn channel_update(&mut self, talk: usize) {
        let personal = ProviderUpdatePersonal { json: r#"{"event":"APPROVED"}"#.to_owned() };
        let event = ChannelEvent::ProviderUpdated { field: "message_template_status_update".to_owned(), personal };
        self.channel(talk, event);
    }

    // --- commits

    fn tell(&mut self, talk: usize, actor: Actor, events: Vec<ConversationEvent>) {
        let (tenant, entity) = (self.talks[talk].tenant.clone(), self.talks[talk].entity);
        self.commit(&tenant, entity, actor, events.into_iter().map(Event::Conversation).collect());
    }

    fn contact(&mut self, talk: usize, event: ContactEvent) {
        let (tenant, entity) = (self.talks[talk].tenant.clone(), self.talks[talk].contact);
        self.commit(&tenant, entity, Actor::Customer, vec![Event::Contact(event)]);
    }

    fn channel(&mut self, talk: usize, event: ChannelEvent) {
        let (tenant, channel) = (self.talks[talk].tenant.clone(), &self.talks[talk].channel);
        let hash = hash_of(channel);
        let bytes = std::array::from_fn(|index| hash[index]);
        let entity = EntityId::new(EntityKind::Channel, bytes);
        self.commit(&tenant, entity, Actor::Provider, vec![Event::Channel(event)]);
    }

    fn commit(&mut self, tenant: &TenantId, entity: EntityId, actor: Actor, events: Vec<Event>) {
        // Seconds mostly, sometimes days: windows close, buckets change.
        self.now += if self.random.random_bool(0.02) { 90_000_000 } else { self.random.random_range(0..60_000) };
        let late = Duration::from_millis(self.random.random_range(0..5_000));
        let recorded_at = Timestamp::from_millis(self.now);
        let (version, previous_hash) = self.heads.get(&(tenant.clone(), entity)).copied().unwrap_or((0, [0; 32]));
        let sequence = self.commits.len() as u64 + 1;
        let from_outside = matches!(actor, Actor::Customer | Actor::PhoneApp | Actor::Provider);
        let commit = Commit {
            id: CommitId::new(self.random.random()),
            tenant: tenant.clone(),
            entity,
            first_version: version + 1,
            command_id: CommandId::derived(&self.random.random()),
            occurred_at: recorded_at - late,
            recorded_at,
            actor,
            causation: None,
            correlation: from_outside.then(|| format!("intake:{sequence}.0")),
            previous_hash,
            intake: from_outside.then_some(IntakePointer { sequence, ordinal: 0 }),
            events,
        };
        let hash = hash_of(&commit);
        self.heads.insert((tenant.clone(), entity), (commit.last_version(), hash));
        self.commits.push(Recorded { sequence, hash, commit });
    }
}

fn tenant(name: &str) -> TenantId {
    must(TenantId::new(name), "name a tenant")
}

/// Stands for the hash of stored bytes: a history has none.
fn hash_of(what: &impl std::fmt::Debug) -> CommitHash {
    Sha256::digest(format!("{what:?}").as_bytes()).into()
}
