//! Made-up histories: what customers, the phone's owner and providers cause in a conversation.

use rand::RngExt as _;
use rand::rngs::StdRng;
use relevo_domain::contact::ContactEvent;
use relevo_domain::conversation::event::{
    AssignmentHow, ConversationEvent, EpisodeCause, NotePersonal, OpenCause, PauseReason, PauseTerms, ReactionPersonal,
    ReopenCause,
};
use relevo_domain::conversation::message::Author;
use relevo_domain::conversation::{Bot, Medium, State, Status};
use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::{Actor, ChannelId, EntityId, EntityKind, Event, TenantId};

use super::sending::cancelled_by_pause;
use super::{CHANNELS, TENANTS, Talk, Writer, tenant};
use crate::testing::must;

impl Writer {
    /// Somebody writes who has no conversation there yet; now and then a contact that we know from elsewhere.
    pub(super) fn customer(&mut self) {
        // The first three customers are of three tenants and three channels; then as it comes.
        let index = self.talks.len();
        let pick =
            |random: &mut StdRng, limit: usize| if index < limit { index } else { random.random_range(0..limit) };
        let tenant = tenant(TENANTS[pick(&mut self.random, TENANTS.len())]);
        let (channel, medium) = CHANNELS[pick(&mut self.random, CHANNELS.len())];
        let channel = must(ChannelId::new(channel), "name a channel");
        let entity = self.entity(EntityKind::Conversation);
        let contact = self.writer_of(&tenant, entity, &channel, medium);
        let messages = Vec::new();
        let state = State::default();
        self.talks.push(Talk { tenant, entity, contact, channel: channel.clone(), medium, state, messages });
        let first = self.message(Author::Customer, None);
        self.talks[index].messages.push(first.id);
        let mut events = vec![
            ConversationEvent::Opened { channel, medium, contact },
            ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::CustomerMessage },
            ConversationEvent::MessageReceived(Box::new(first)),
        ];
        if self.random.random_bool(0.05) {
            let (agent, team) = (None, Some(self.team()));
            events.push(ConversationEvent::Assigned { agent, team, how: AssignmentHow::Manual });
        }
        self.tell(index, Actor::Customer, events);
    }

    fn writer_of(
        &mut self,
        tenant: &TenantId,
        conversation: EntityId,
        channel: &ChannelId,
        medium: Medium,
    ) -> EntityId {
        let kind = if medium == Medium::Email { IdentifierKind::Email } else { IdentifierKind::WaId };
        let learned = self.identifier(kind, channel);
        let some = self.random.random_range(0..self.talks.len().max(1));
        let known = self.talks.get(some).filter(|known| known.tenant == *tenant && known.channel != *channel);
        let known = known.map(|known| known.contact).filter(|_| self.random.random_bool(0.3));
        let contact = known.unwrap_or_else(|| self.entity(EntityKind::Contact));
        let created = ContactEvent::Created { channel: channel.clone(), personal: self.name() };
        let events = if known.is_some() { vec![learned] } else { vec![created, learned] };
        self.contact(tenant, contact, Actor::Customer, events);
        let conversation = (medium != Medium::Email).then_some(conversation);
        let bound = IdentityEvent::Bound { kind, channel: channel.clone(), contact, conversation };
        let identity = self.entity(EntityKind::Identity);
        self.commit(tenant, identity, Actor::Customer, vec![Event::Identity(bound)]);
        contact
    }

    pub(super) fn write(&mut self, talk: usize) {
        let reply_to = self.talks[talk].messages.last().copied();
        let message = self.message(Author::Customer, reply_to);
        let mut events = self.opening(talk);
        self.talks[talk].messages.push(message.id);
        events.push(ConversationEvent::MessageReceived(Box::new(message)));
        self.tell(talk, Actor::Customer, events);
    }

    /// What precedes a customer's message on a conversation that is not open.
    fn opening(&mut self, talk: usize) -> Vec<ConversationEvent> {
        let soon = self.random.random_bool(0.5);
        let (opened, medium) = (self.talks[talk].opened(), self.talks[talk].medium);
        let episode = opened.episode;
        match opened.status {
            Status::Open => Vec::new(),
            Status::Pending | Status::Snoozed { .. } => {
                vec![ConversationEvent::ReturnedToOpen { cause: OpenCause::CustomerMessage }]
            }
            Status::Resolved { .. } if soon && medium != Medium::Email => {
                vec![ConversationEvent::Reopened { episode, cause: ReopenCause::CustomerMessage }]
            }
            Status::Resolved { .. } => {
                let (episode, cause) = (episode + 1, EpisodeCause::CustomerMessage);
                vec![ConversationEvent::EpisodeStarted { episode, cause }]
            }
        }
    }

    pub(super) fn echo(&mut self, talk: usize) {
        let message = self.message(Author::PhoneApp, None);
        self.talks[talk].messages.push(message.id);
        let mut events = vec![ConversationEvent::MessageEchoed(Box::new(message))];
        if self.talks[talk].opened().bot == Bot::Active {
            let personal = NotePersonal::default();
            events.push(ConversationEvent::BotPaused {
                reason: PauseReason::Echo,
                automatic: true,
                terms: PauseTerms::default(),
                personal,
            });
            events.extend(cancelled_by_pause(self.talks[talk].opened()));
        }
        self.tell(talk, Actor::PhoneApp, events);
    }

    pub(super) fn edit(&mut self, talk: usize) {
        let message = self.some_message(talk);
        let content = Box::new(self.content());
        self.tell(talk, Actor::Customer, vec![ConversationEvent::MessageEdited { message, content }]);
    }

    pub(super) fn revoke(&mut self, talk: usize) {
        let message = self.some_message(talk);
        self.tell(talk, Actor::Customer, vec![ConversationEvent::MessageRevoked { message }]);
    }

    pub(super) fn react(&mut self, talk: usize) {
        let message = self.some_message(talk);
        let emoji = self.random.random_bool(0.7).then(|| "👍".to_owned());
        let personal = ReactionPersonal { emoji, provider_id: self.provider_id() };
        self.tell(talk, Actor::Customer, vec![ConversationEvent::ReactionChanged { message, personal }]);
    }

    pub(super) fn deliver(&mut self, talk: usize) {
        let message = self.some_message(talk);
        let report = self.report(message);
        self.tell(talk, Actor::Provider, vec![ConversationEvent::DeliveryReported(report)]);
    }
}
