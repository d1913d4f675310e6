//! Made-up histories: what a few businesses' days look like on the log. Every event of the domain occurs, in orders that the
//! deciders could have produced; versions are gapless and hashes chained. The same seed gives the same history for ever.

mod bulks;
mod desk;
mod messages;
mod notice;
mod parts;
mod people;
mod sending;
mod turns;

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use relevo_domain::contact::{ContactEvent, State as ContactState};
use relevo_domain::conversation::{ConversationEvent, Medium, Opened, State};
use relevo_domain::workspace::WorkspaceEvent;
use relevo_domain::{
    Actor, ChannelId, CommandId, Commit, CommitHash, CommitId, EntityId, Event, IntakePointer, MessageId, Recorded,
    TagId, TenantId, Timestamp,
};
use sha2::{Digest as _, Sha256};

use super::{CREATED_AT, must};

/// When the stream of every made-up history was created.
pub const HISTORY_STREAM_CREATED_AT: Timestamp = CREATED_AT;

const TENANTS: [&str; 3] = ["demo", "demo-b", "peluqueria-sol"];
const CHANNELS: [(&str, Medium); 3] = [("wa-main", Medium::WhatsApp), ("sms", Medium::Sms), ("mail", Medium::Email)];
/// Conversations of a short history: few, so that they grow long.
const SHORT_CONVERSATIONS: usize = 24;
/// Commits a conversation of a long history, on average.
const LONG_COMMITS_EACH: usize = 30;
/// In a long history people mostly go on with one of the latest conversations.
const BUSY: usize = 200;
/// A gap in which windows close and days change.
const GAP: Duration = Duration::from_hours(25);

/// A history of `n` commits with sequences 1 to `n`, of a few conversations. From about 150 commits on it
/// contains every event.
pub fn history(seed: u64, n: usize) -> Vec<Recorded> {
    // Every fiftieth commit comes after a gap, so that a few hundred span days.
    Writer::new(seed, SHORT_CONVERSATIONS, 0.02).write_all(n)
}

/// A history like a busy business's: thousands of conversations over some months for `n` in the hundred thousands.
pub fn long_history(seed: u64, n: usize) -> Vec<Recorded> {
    Writer::new(seed, (n / LONG_COMMITS_EACH).max(SHORT_CONVERSATIONS), 0.001).write_all(n)
}

struct Writer {
    random: StdRng,
    now: i64,
    conversations_max: usize,
    /// How likely a commit comes after a [`GAP`].
    gaps: f64,
    heads: BTreeMap<(TenantId, EntityId), (u64, CommitHash)>,
    talks: Vec<Talk>,
    contacts: BTreeMap<(TenantId, EntityId), ContactState>,
    tags: BTreeMap<TenantId, Vec<TagId>>,
    commits: Vec<Recorded>,
}

/// A conversation as far as its next event depends on it.
struct Talk {
    tenant: TenantId,
    entity: EntityId,
    contact: EntityId,
    channel: ChannelId,
    medium: Medium,
    state: State,
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
    ChangePause,
    Escalate,
    Assign,
    Claim,
    Unassign,
    Resolve,
    Reopen,
    Note,
    Pending,
    Snooze,
    Open,
    Tag,
    Untag,
    Prioritise,
    Read,
    Rename,
    Learn,
    Merge,
    Unmerge,
    LinkCustomer,
    UnlinkCustomer,
    CreateTag,
    ChangeTag,
    DeleteTag,
    ChannelDelivery,
    ChannelUpdate,
    Queue,
    Send,
    Cancel,
    Fetch,
    Template,
    ChannelPause,
    QuickReply,
    Bulk,
    Turn,
    Notice,
    SetDetection,
}

/// How likely each step is, against the others.
const STEPS: [(Step, u32); 46] = [
    (Step::Customer, 20),
    (Step::Write, 110),
    (Step::Echo, 40),
    (Step::Edit, 8),
    (Step::Revoke, 6),
    (Step::React, 10),
    (Step::Deliver, 70),
    (Step::Pause, 18),
    (Step::Resume, 16),
    (Step::ChangePause, 5),
    (Step::Escalate, 4),
    (Step::Assign, 14),
    (Step::Claim, 14),
    (Step::Unassign, 6),
    (Step::Resolve, 18),
    (Step::Reopen, 8),
    (Step::Note, 12),
    (Step::Pending, 10),
    (Step::Snooze, 10),
    (Step::Open, 8),
    (Step::Tag, 14),
    (Step::Untag, 6),
    (Step::Prioritise, 8),
    (Step::Read, 24),
    (Step::Rename, 6),
    (Step::Learn, 6),
    (Step::Merge, 5),
    (Step::Unmerge, 3),
    (Step::LinkCustomer, 6),
    (Step::UnlinkCustomer, 2),
    (Step::CreateTag, 2),
    (Step::ChangeTag, 1),
    (Step::DeleteTag, 1),
    (Step::ChannelDelivery, 4),
    (Step::ChannelUpdate, 3),
    (Step::Queue, 50),
    (Step::Send, 110),
    (Step::Cancel, 5),
    (Step::Fetch, 8),
    (Step::Template, 4),
    (Step::ChannelPause, 2),
    (Step::QuickReply, 3),
    (Step::Bulk, 1),
    (Step::Turn, 50),
    (Step::Notice, 12),
    (Step::SetDetection, 1),
];

/// Every step once, in an order in which each is possible.
const TOUR: [Step; 44] = [
    Step::Customer,
    Step::Write,
    Step::Pause,
    Step::ChangePause,
    Step::Resume,
    Step::Escalate,
    Step::Resume,
    Step::Unassign,
    Step::Echo,
    Step::Edit,
    Step::React,
    Step::Deliver,
    Step::Revoke,
    Step::Claim,
    Step::Note,
    Step::Pending,
    Step::Open,
    Step::Snooze,
    Step::Write,
    Step::Tag,
    Step::Tag,
    Step::Untag,
    Step::Prioritise,
    Step::Read,
    Step::Resolve,
    Step::Reopen,
    Step::Assign,
    Step::Unassign,
    Step::Customer,
    Step::Customer,
    Step::Rename,
    Step::Learn,
    Step::Merge,
    Step::Unmerge,
    Step::LinkCustomer,
    Step::UnlinkCustomer,
    Step::ChangeTag,
    Step::DeleteTag,
    Step::CreateTag,
    Step::ChannelDelivery,
    Step::ChannelUpdate,
    Step::Resolve,
    Step::Write,
    Step::Write,
];

impl Writer {
    fn new(seed: u64, conversations_max: usize, gaps: f64) -> Self {
        let random = StdRng::seed_from_u64(seed);
        let (heads, talks, contacts, tags, commits) = Default::default();
        let now = CREATED_AT.as_millis();
        Self { random, now, conversations_max, gaps, heads, talks, contacts, tags, commits }
    }

    fn write_all(mut self, n: usize) -> Vec<Recorded> {
        self.tour();
        while self.commits.len() < n {
            self.something();
        }
        self.commits.truncate(n);
        self.commits
    }

    fn tour(&mut self) {
        for tenant in TENANTS.map(tenant) {
            let fingerprint = format!("{:016x}", self.random.random::<u64>());
            self.workspace(&tenant, WorkspaceEvent::IdKeyFingerprinted { fingerprint });
            for _ in 0..2 {
                self.create_tag(&tenant);
            }
        }
        for step in TOUR {
            // Not every message is one that somebody has to read.
            while matches!(step, Step::Read) && !self.talks[0].is_unread() {
                self.write(0);
            }
            // The first conversation lives through everything.
            self.step(step, 0);
        }
        self.tour_of_sending(0);
        self.bulk(0);
        self.tour_of_turns(0);
        self.tour_of_notices(0);
        self.tour_of_alerts(0);
    }

    fn something(&mut self) {
        let all: u32 = STEPS.iter().map(|(_, weight)| weight).sum();
        let mut drawn = self.random.random_range(0..all);
        let talks = self.talks.len();
        let busy = if talks > BUSY && self.random.random_bool(0.8) { talks - BUSY..talks } else { 0..talks };
        let talk = self.random.random_range(busy);
        for (step, weight) in STEPS {
            if drawn < weight {
                return self.step(step, talk);
            }
            drawn -= weight;
        }
    }

    fn step(&mut self, step: Step, talk: usize) {
        match step {
            Step::Customer if self.talks.len() < self.conversations_max => self.customer(),
            Step::Customer | Step::Write => self.write(talk),
            Step::Echo => self.echo(talk),
            Step::Edit => self.edit(talk),
            Step::Revoke => self.revoke(talk),
            Step::React => self.react(talk),
            Step::Deliver => self.deliver(talk),
            Step::Pause => self.pause(talk),
            Step::Resume => self.resume(talk),
            Step::ChangePause => self.change_pause(talk),
            Step::Escalate => self.escalate(talk),
            Step::Assign => self.assign(talk),
            Step::Claim => self.claim(talk),
            Step::Unassign => self.unassign(talk),
            Step::Resolve => self.resolve(talk),
            Step::Reopen => self.reopen(talk),
            Step::Note => self.note(talk),
            Step::Pending => self.pending(talk),
            Step::Snooze => self.snooze(talk),
            Step::Open => self.open(talk),
            Step::Tag => self.tag(talk),
            Step::Untag => self.untag(talk),
            Step::Prioritise => self.prioritise(talk),
            Step::Read => self.read(talk),
            Step::Rename => self.rename(talk),
            Step::Learn => self.learn(talk),
            Step::Merge => self.merge(talk),
            Step::Unmerge => self.unmerge(talk),
            Step::LinkCustomer => self.link_customer(talk),
            Step::UnlinkCustomer => self.unlink_customer(talk),
            Step::CreateTag => self.create_tag(&self.talks[talk].tenant.clone()),
            Step::ChangeTag => self.change_tag(talk),
            Step::DeleteTag => self.delete_tag(talk),
            Step::ChannelDelivery => self.channel_delivery(talk),
            Step::ChannelUpdate => self.channel_update(talk),
            Step::Queue => self.queue(talk),
            Step::Send => self.send(talk),
            Step::Cancel => self.cancel(talk),
            Step::Fetch => self.fetch(talk),
            Step::Template => self.template(talk, None),
            Step::ChannelPause => self.channel_pause(talk, None),
            Step::QuickReply => self.quick_reply(talk, None),
            Step::Bulk => self.bulk(talk),
            Step::Turn => self.turn(talk),
            Step::Notice => self.notice(talk),
            Step::SetDetection => self.set_detection(talk),
        }
    }

    // --- commits

    fn tell(&mut self, talk: usize, actor: Actor, events: Vec<ConversationEvent>) {
        let (tenant, entity) = (self.talks[talk].tenant.clone(), self.talks[talk].entity);
        self.commit(&tenant, entity, actor.clone(), events.iter().cloned().map(Event::Conversation).collect());
        let at = Timestamp::from_millis(self.now);
        let talk = &mut self.talks[talk];
        talk.state =
            events.iter().fold(std::mem::take(&mut talk.state), |state, event| state.evolve(event, at, &actor));
    }

    fn contact(&mut self, tenant: &TenantId, contact: EntityId, actor: Actor, events: Vec<ContactEvent>) {
        let state = self.contacts.entry((tenant.clone(), contact)).or_default();
        *state = events.iter().fold(std::mem::take(state), ContactState::evolve);
        self.commit(tenant, contact, actor, events.into_iter().map(Event::Contact).collect());
    }

    fn workspace(&mut self, tenant: &TenantId, event: WorkspaceEvent) {
        self.commit(tenant, EntityId::WORKSPACE, Actor::System, vec![Event::Workspace(event)]);
    }

    fn commit(&mut self, tenant: &TenantId, entity: EntityId, actor: Actor, events: Vec<Event>) {
        // Seconds mostly, sometimes days: windows close, buckets change.
        let gap = self.random.random_bool(self.gaps);
        self.now += if gap { GAP.as_millis() as i64 } else { self.random.random_range(0..60_000) };
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
            intake: from_outside.then_some(IntakePointer { sequence, part: 0, ordinal: 0 }),
            events,
        };
        let hash = hash_of(&commit);
        self.heads.insert((tenant.clone(), entity), (commit.last_version(), hash));
        self.commits.push(Recorded { sequence, hash, commit });
    }
}

impl Talk {
    /// Every made-up conversation has been opened by the commit that made it.
    fn opened(&self) -> &Opened {
        must(self.state.opened.as_ref().ok_or("not opened"), "read a conversation")
    }

    fn is_unread(&self) -> bool {
        self.opened().customer_wrote > self.opened().read_through
    }
}

fn tenant(name: &str) -> TenantId {
    must(TenantId::new(name), "name a tenant")
}

/// Stands for the hash of stored bytes: a history has none.
fn hash_of(what: &impl std::fmt::Debug) -> CommitHash {
    Sha256::digest(format!("{what:?}").as_bytes()).into()
}
