//! Told histories: a few commits that a test names one by one, for examples like "given these commits, this page".
//!
//! A story keeps what is tiresome (sequences, versions, hashes, ids, a clock that the test moves) and decides nothing: it also
//! tells what no decider would have said, which is how projectors are tested against the order in which providers report.

use std::collections::BTreeMap;
use std::time::Duration;

use relevo_domain::contact::ContactEvent;
use relevo_domain::contact::event::{IdentifierPersonal, NamePersonal};
use relevo_domain::conversation::event::{AcceptedPersonal, ConversationEvent, EpisodeCause, Medium};
use relevo_domain::conversation::message::{Author, Content, ContentPersonal, Message, MessageFlags, MessageKind};
use relevo_domain::conversation::outgoing::{Body, Outgoing, OutgoingPersonal, Recipient};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{
    Actor, AgentId, Caller, ChannelId, CommandId, Commit, CommitHash, CommitId, EntityId, EntityKind, Event, MessageId,
    Recorded, Role, Scope, TeamId, TenantId, Timestamp,
};
use sha2::{Digest as _, Sha256};

use super::{CREATED_AT, must};

/// Commits that a test tells one by one. Begins at noon (UTC) of 1 January 2026 in tenant `demo`.
#[derive(Clone, Debug)]
pub struct Story {
    tenant: TenantId,
    now: Timestamp,
    heads: BTreeMap<(TenantId, EntityId), (u64, CommitHash)>,
    commits: Vec<Recorded>,
    ids: u64,
}

impl Default for Story {
    fn default() -> Self {
        Self::new()
    }
}

impl Story {
    pub fn new() -> Self {
        let tenant = must(TenantId::new("demo"), "name a tenant");
        let now = CREATED_AT + Duration::from_hours(12);
        Self { tenant, now, heads: BTreeMap::new(), commits: Vec::new(), ids: 0 }
    }

    pub fn commits(&self) -> &[Recorded] {
        &self.commits
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What follows is of this tenant.
    pub fn tenant(&mut self, name: &str) -> &mut Self {
        self.tenant = must(TenantId::new(name), "name a tenant");
        self
    }

    /// What follows happened this much later.
    pub fn wait(&mut self, time: Duration) -> &mut Self {
        self.now = self.now + time;
        self
    }

    /// What follows happened then, which may be earlier: providers report late.
    pub fn at(&mut self, time: Timestamp) -> &mut Self {
        self.now = time;
        self
    }

    // === conversations ===

    /// A contact of this name and its conversation in episode 1; nothing said yet. The same number is the same conversation
    /// and contact in every tenant.
    pub fn open(&mut self, number: u8, channel: &str, medium: Medium, name: &str) -> EntityId {
        let channel = must(ChannelId::new(channel), "name a channel");
        let contact = contact_id(number);
        let personal = NamePersonal { name: Some(name.to_owned()) };
        let created = ContactEvent::Created { channel: channel.clone(), personal };
        let kind = if medium == Medium::Email { IdentifierKind::Email } else { IdentifierKind::Phone };
        let personal = IdentifierPersonal { value: address_of(number) };
        let learned = ContactEvent::IdentifierLearned { kind, channel: channel.clone(), personal };
        self.commit(contact, Actor::Customer, vec![Event::Contact(created), Event::Contact(learned)]);
        self.open_again(number, contact, channel.as_str(), medium)
    }

    /// Another conversation of a contact.
    pub fn open_again(&mut self, number: u8, contact: EntityId, channel: &str, medium: Medium) -> EntityId {
        let conversation = EntityId::new(EntityKind::Conversation, [number; 16]);
        let channel = must(ChannelId::new(channel), "name a channel");
        let opened = ConversationEvent::Opened { channel, medium, contact };
        let started = ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::CustomerMessage };
        self.tell(conversation, Actor::Customer, [opened, started]);
        conversation
    }

    /// The customer writes this text.
    pub fn customer(&mut self, conversation: EntityId, text: &str) -> MessageId {
        let mut message = self.message(Author::Customer, text);
        message.content.personal.sender_address = Some(address_of(conversation.bytes()[0]));
        let id = message.id;
        self.tell(conversation, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(message))]);
        id
    }

    /// The owner writes this text on the phone. Pauses nothing.
    pub fn phone(&mut self, conversation: EntityId, text: &str) -> MessageId {
        let message = self.message(Author::PhoneApp, text);
        let id = message.id;
        self.tell(conversation, Actor::PhoneApp, [ConversationEvent::MessageEchoed(Box::new(message))]);
        id
    }

    /// Staff queues this text. Nothing becomes of it yet.
    pub fn queue(&mut self, conversation: EntityId, name: &str, text: &str) -> MessageId {
        let queued = outgoing(MessageId::new(self.id()), text);
        let id = queued.id;
        self.tell(conversation, staff(name), [ConversationEvent::MessageQueued(Box::new(queued))]);
        id
    }

    /// The provider takes a queued message, at the first attempt; reports name it by the answer.
    pub fn accept(&mut self, conversation: EntityId, message: MessageId) -> MessageId {
        let (alias, until) = (MessageId::new(self.id()), self.now);
        let started = ConversationEvent::SendStarted { message, attempt: 1, claim: "claim".to_owned(), until };
        let personal = AcceptedPersonal { provider_id: format!("wamid.{message}") };
        let accepted = ConversationEvent::MessageAccepted { message, attempt: 1, alias, personal };
        self.tell(conversation, Actor::System, [started]).tell(conversation, Actor::System, [accepted]);
        alias
    }

    /// One commit of a conversation.
    pub fn tell(
        &mut self,
        conversation: EntityId,
        actor: Actor,
        events: impl IntoIterator<Item = ConversationEvent>,
    ) -> &mut Self {
        self.commit(conversation, actor, events.into_iter().map(Event::Conversation).collect())
    }

    /// A message with a fresh id, to be changed and told.
    pub fn message(&mut self, author: Author, text: &str) -> Message {
        Message {
            id: MessageId::new(self.id()),
            author,
            content: content(MessageKind::Text, text),
            provider_time: Some(self.now),
            reply_to: None,
            flags: MessageFlags::default(),
        }
    }

    // === commits ===

    /// One commit of any entity.
    pub fn commit(&mut self, entity: EntityId, actor: Actor, events: Vec<Event>) -> &mut Self {
        let head = (self.tenant.clone(), entity);
        let (version, previous_hash) = self.heads.get(&head).copied().unwrap_or((0, [0; 32]));
        let commit = Commit {
            id: CommitId::new(self.id()),
            tenant: self.tenant.clone(),
            entity,
            first_version: version + 1,
            command_id: CommandId::derived(&self.id()),
            occurred_at: self.now,
            recorded_at: self.now,
            actor,
            causation: None,
            correlation: None,
            previous_hash,
            intake: None,
            events,
        };
        // Stands for the hash of stored bytes: a story has none.
        let hash = Sha256::digest(format!("{commit:?}").as_bytes()).into();
        self.heads.insert(head, (commit.last_version(), hash));
        self.commits.push(Recorded { sequence: self.commits.len() as u64 + 1, hash, commit });
        self
    }

    fn id(&mut self) -> [u8; 16] {
        self.ids += 1;
        u128::from(self.ids).to_be_bytes()
    }
}

/// The contact that [`Story::open`] makes for this number.
pub fn contact_id(number: u8) -> EntityId {
    EntityId::new(EntityKind::Contact, [number; 16])
}

/// What the customer of this number writes from.
pub fn address_of(number: u8) -> String {
    format!("+54911{number:07}")
}

/// A message of staff to the customer with this text.
pub fn outgoing(id: MessageId, text: &str) -> Outgoing {
    let to = Recipient { kind: IdentifierKind::Phone, value: address_of(1) };
    Outgoing {
        id,
        author: Author::Staff,
        automatic: false,
        reply_to: None,
        body: Body::Text { text: text.to_owned(), preview_url: false },
        personal: OutgoingPersonal { to, author_name: Some("Laura".to_owned()), reply_to_provider_id: None },
    }
}

pub fn content(kind: MessageKind, text: &str) -> Content {
    let personal = ContentPersonal { text: Some(text.to_owned()), ..ContentPersonal::default() };
    Content { kind, attachments: Vec::new(), personal }
}

pub fn staff(name: &str) -> Actor {
    Actor::Staff(must(AgentId::new(name), "name an agent"))
}

/// Somebody who sees the whole tenant.
pub fn supervisor(tenant: &str) -> Caller {
    let (tenant, name) = (must(TenantId::new(tenant), "name a tenant"), must(AgentId::new("sofia"), "name an agent"));
    Caller { tenant, role: Role::Supervisor, name, scope: Scope::Tenant }
}

/// An agent with grants; no channel means every one.
pub fn agent(tenant: &str, name: &str, channels: &[&str], teams: &[&str]) -> Caller {
    let (tenant, name) = (must(TenantId::new(tenant), "name a tenant"), must(AgentId::new(name), "name an agent"));
    let channels = channels.iter().map(|channel| must(ChannelId::new(*channel), "name a channel")).collect();
    let teams = teams.iter().map(|team| must(TeamId::new(*team), "name a team")).collect();
    Caller { tenant, role: Role::Agent, name, scope: Scope::Granted { channels, teams } }
}
