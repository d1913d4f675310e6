//! One update becomes one command, is stored once, and is known again when it comes back.

use std::collections::HashMap;
use std::sync::Arc;

use relevo_channels::{Fact, MessageFact, Update, What};
use relevo_command::decision::{Entity, EntityState};
use relevo_command::{Committed, Draft, IdKey, Ledger, LedgerError, Origin};
use relevo_domain::channel::{ChannelEvent, ProviderUpdatePersonal};
use relevo_domain::contact::{Meeting, meet};
use relevo_domain::conversation::{
    self, Author, Command, Decision, Envelope, Place, ReactionPersonal, Rejection, decide,
};
use relevo_domain::identity::IdentityEvent;
use relevo_domain::{
    Actor, Clock, CommandId, EndpointId, EntityId, EntityKind, Event, IntakePointer, MessageId, TenantId, Timestamp,
};
use relevo_eventlog::LogError;

use crate::message;
use crate::place::{self, Placed};
use crate::report::{self, Addressed};
use crate::routes::{ChannelRef, LiveRoutes, Routes};
use crate::stored::JustStored;
use crate::template;
use crate::thread;
use crate::turns::Turns;

/// How often one update is decided anew when others write to its entities at the same time.
const ATTEMPTS_MAX: u32 = 64;

/// What became of one update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handled {
    /// Its commit carries its own pointer.
    Stored,
    /// An earlier update said the same.
    Duplicate,
    /// Not understood or not routed; its bytes must be parked.
    Parked { reason: &'static str, detail: String },
}

/// Why an update could not be handled now. It will be tried again.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    #[error("ledger failed")]
    Ledger(#[from] LedgerError),
    #[error("log did not say whether the update is stored")]
    Unknown,
    #[error("entities of the update changed {ATTEMPTS_MAX} times while it was decided")]
    Contention,
    #[error("tenant {0} has no id key")]
    NoKey(TenantId),
}

impl HandleError {
    /// The reason under which the update is parked, where trying again would never help and would stop everything behind it.
    pub(crate) const fn permanent(&self) -> Option<&'static str> {
        match self {
            Self::Ledger(LedgerError::Log(LogError::Undecodable { .. }) | LedgerError::Store(_)) => {
                Some(ENTITY_UNREADABLE)
            }
            Self::Ledger(LedgerError::Log(LogError::Refused(_))) => Some(REFUSED),
            Self::Ledger(LedgerError::Log(LogError::TooLarge { .. })) => Some(TOO_LARGE),
            Self::Ledger(
                LedgerError::Log(LogError::Unavailable(_) | LogError::Full)
                | LedgerError::View(_)
                | LedgerError::Lagging,
            )
            | Self::Unknown
            | Self::Contention
            | Self::NoKey(_) => None,
        }
    }
}

/// The reason under which an update is parked that names no configured channel.
pub const UNROUTED: &str = "unrouted";
/// The reason under which an update is parked that is larger than the log accepts.
pub const TOO_LARGE: &str = "too_large";
/// The reason under which an update is parked whose entity holds something that cannot be read.
pub const ENTITY_UNREADABLE: &str = "entity_unreadable";
/// The reason under which an update is parked that the log refuses.
pub const REFUSED: &str = "refused";
/// The reason under which a raw item is parked that cannot be read.
pub const UNREADABLE: &str = "unreadable";
/// The reason under which an update is parked that is understood now and waits for its own tenant to retry it.
pub const NOT_YET: &str = "not_yet";

/// Where an update came from.
#[derive(Clone, Debug)]
pub struct Source {
    pub endpoint: EndpointId,
    pub received_at: Timestamp,
    pub pointer: IntakePointer,
}

/// Handles updates.
#[derive(Clone)]
pub struct Handler {
    pub(crate) ledger: Arc<Ledger>,
    routes: LiveRoutes,
    keys: Arc<HashMap<TenantId, IdKey>>,
    clock: Clock,
    turns: Arc<Turns>,
    pub(crate) stored: Arc<JustStored>,
}

/// An update that is understood and routed.
struct Routed<'u> {
    at: &'u ChannelRef,
    key: &'u IdKey,
    fact: &'u Fact,
    command: CommandId,
    recorded_at: Timestamp,
    occurred_at: Timestamp,
}

impl Handler {
    pub fn new(
        ledger: Arc<Ledger>,
        routes: impl Into<LiveRoutes>,
        keys: Arc<HashMap<TenantId, IdKey>>,
        clock: Clock,
    ) -> Self {
        Self { ledger, routes: routes.into(), keys, clock, turns: Arc::default(), stored: Arc::default() }
    }

    /// The routes that are in force now.
    pub(crate) fn routes(&self) -> Arc<Routes> {
        self.routes.now()
    }

    /// The time, as this node tells it.
    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The command id of an update, if it is understood and routed; its channel, if it is routed.
    pub fn identify(
        &self,
        endpoint: &EndpointId,
        update: &Update,
    ) -> Result<(Option<ChannelRef>, Option<CommandId>), HandleError> {
        let routes = self.routes();
        let Some(at) = routes.find(endpoint, &update.target) else { return Ok((None, None)) };
        let Ok(fact) = &update.content else { return Ok((Some(at.clone()), None)) };
        let key = self.key(&at.tenant)?;
        let command = key.command(&at.channel, fact.key.kind, &fact.key.provider_id, &fact.key.discriminator);
        Ok((Some(at.clone()), Some(command)))
    }

    /// Stores an update, or says why it must be parked. An error is about now: the update is to be tried again.
    pub async fn handle(&self, source: &Source, update: &Update) -> Result<Handled, HandleError> {
        match self.decide_and_append(source, update).await {
            Err(error) => match error.permanent() {
                Some(reason) => {
                    tracing::error!(update = %source.pointer, reason, "update is parked");
                    Ok(Handled::Parked { reason, detail: String::new() })
                }
                None => Err(error),
            },
            handled => handled,
        }
    }

    async fn decide_and_append(&self, source: &Source, update: &Update) -> Result<Handled, HandleError> {
        let routes = self.routes();
        let Some(at) = routes.find(&source.endpoint, &update.target) else {
            return Ok(Handled::Parked { reason: UNROUTED, detail: String::new() });
        };
        let fact = match &update.content {
            Ok(fact) => fact,
            Err(not) => return Ok(Handled::Parked { reason: not.reason.as_str(), detail: not.at.clone() }),
        };
        let key = self.key(&at.tenant)?;
        let command = key.command(&at.channel, fact.key.kind, &fact.key.provider_id, &fact.key.discriminator);
        let occurred_at = message::occurred_at(fact, source.received_at);
        let routed = Routed { at, key, fact, command, recorded_at: (self.clock)(), occurred_at };
        let mut turn = None;
        for _attempt in 0..ATTEMPTS_MAX {
            let applied = self.ledger.commands(&at.tenant, &routed.command)?;
            if !applied.is_empty() {
                let own = applied.iter().any(|applied| applied.intake == Some(source.pointer));
                return Ok(if own { Handled::Stored } else { Handled::Duplicate });
            }
            let mut drafts = self.plan(&routed).await?;
            if turn.is_none() && drafts.iter().any(|draft| draft.entity.kind() == EntityKind::Channel) {
                turn = Some(self.turns.of(at).lock().await);
                drafts = self.plan(&routed).await?;
            }
            match self.ledger.append(&origin(source, &routed), drafts).await? {
                Committed::Applied { fresh: true, .. } => return Ok(Handled::Stored),
                // An earlier attempt, of this update or of its twin on another node: the commit says whose.
                Committed::Applied { at, fresh: false } => {
                    let positions: Vec<_> = at.into_iter().map(|(position, _)| position).collect();
                    let own = self.ledger.made_by(&positions, source.pointer).await?;
                    return Ok(if own { Handled::Stored } else { Handled::Duplicate });
                }
                Committed::Conflict => {}
                Committed::Unknown => return Err(HandleError::Unknown),
            }
        }
        Err(HandleError::Contention)
    }

    pub(crate) fn key(&self, tenant: &TenantId) -> Result<&IdKey, HandleError> {
        self.keys.get(tenant).ok_or_else(|| HandleError::NoKey(tenant.clone()))
    }

    /// What an update adds, and to which entities. Everything goes in one atomic batch.
    async fn plan(&self, routed: &Routed<'_>) -> Result<Vec<Draft>, LedgerError> {
        let (at, key, fact) = (routed.at, routed.key, routed.fact);
        let message_id = |provider_id: &str| key.message(&at.channel, provider_id);
        match &fact.what {
            What::Message(said) | What::IdentityChanged { message: said, .. } => {
                self.said(routed, Author::Customer, said).await
            }
            What::Echo(said) => self.said(routed, Author::PhoneApp, said).await,
            What::Edit { original_provider_id, message: said, by_business } => {
                let (message, by_customer) = (message_id(original_provider_id), !by_business);
                let content = Box::new(message::content(fact, said));
                self.in_conversation(routed, |place| Command::RecordEdit { place, message, content, by_customer }).await
            }
            What::Revoke { original_provider_id, .. } => {
                let message = message_id(original_provider_id);
                self.in_conversation(routed, |place| Command::RecordRevoke { place, message }).await
            }
            What::Reaction { message_provider_id, emoji } => {
                let message = message_id(message_provider_id);
                let provider_id = fact.key.provider_id.clone();
                let personal = ReactionPersonal { emoji: emoji.clone(), provider_id };
                self.in_conversation(routed, |place| Command::RecordReaction { place, message, personal }).await
            }
            What::Status(said) => {
                let found = report::of_status(&self.ledger, key, at, fact, said, routed.occurred_at).await?;
                self.report(routed, found)
            }
            What::ProviderUpdate { field, json } => {
                let personal = ProviderUpdatePersonal { json: json.clone() };
                let mut events = vec![ChannelEvent::ProviderUpdated { field: field.clone(), personal }];
                events.extend(template::status_changed(field, json));
                self.channel(routed, events)
            }
            What::Mail(said) => self.mail(routed, said).await,
        }
    }

    async fn said(&self, routed: &Routed<'_>, author: Author, said: &MessageFact) -> Result<Vec<Draft>, LedgerError> {
        let message = message::message(routed.key, &routed.at.channel, routed.fact, said, author);
        let message = Box::new(message);
        let detection = Some(self.ledger.detection(&routed.at.tenant)?);
        let command = |place| match author {
            Author::PhoneApp => Command::RecordEcho { place, message },
            Author::Customer | Author::Staff | Author::Bot | Author::System => {
                Command::ReceiveMessage { place, message, detection }
            }
        };
        self.in_conversation(routed, command).await
    }

    /// A command to the conversation of the update's customer, with what is learnt about the customer.
    async fn in_conversation(
        &self,
        routed: &Routed<'_>,
        command: impl FnOnce(Place) -> Command,
    ) -> Result<Vec<Draft>, LedgerError> {
        let (at, key, fact) = (routed.at, routed.key, routed.fact);
        let placed = place::on_messaging_channel(&self.ledger, key, at, fact, &routed.command).await?;
        let mut drafts = bindings(at, &placed.bind, placed.contact, Some(placed.conversation));
        drafts.extend(self.contact(at, fact, &placed)?);
        drafts.extend(self.same_people(at, &placed)?);
        let place = self.place(routed, &placed).await?;
        drafts.extend(self.conversation(routed, placed.conversation, command(place))?);
        Ok(drafts)
    }

    async fn mail(&self, routed: &Routed<'_>, said: &relevo_channels::MailFact) -> Result<Vec<Draft>, LedgerError> {
        let (at, key, fact) = (routed.at, routed.key, routed.fact);
        if let Some(found) = report::of_own_copy(&self.ledger, key, at, said, routed.occurred_at).await? {
            return self.report(routed, found);
        }
        let thread = thread::find(&self.ledger, key, at, said, &routed.command).await?;
        let (contact, bind) = place::of_sender(&self.ledger, key, at, fact, &routed.command).await?;
        let mut flags = said.flags;
        flags.message_id_reused = thread.message_id_reused;
        flags.unverified = thread.unverified;
        let id = key.message_of_command(&routed.command);
        let message = Box::new(message::mail(fact, said, id, thread.reply_to, flags));
        let mut drafts = bindings(at, &bind, contact, None);
        let learnt = fact.identifiers.clone();
        let placed = Placed { conversation: thread.conversation, contact, bind, same_as: Vec::new(), learnt };
        drafts.extend(self.contact(at, fact, &placed)?);
        let place = self.place(routed, &placed).await?;
        let detection = Some(self.ledger.detection(&at.tenant)?);
        let command = Command::ReceiveMessage { place, message, detection };
        drafts.extend(self.conversation(routed, thread.conversation, command)?);
        if let Some(said) = &said.report
            && let Some(found) = report::of_mail(&self.ledger, key, at, said, routed.occurred_at).await?
        {
            self.report_beside(routed, found, &mut drafts)?;
        }
        Ok(drafts)
    }

    /// A report in the same batch as the mail that brings it; in the same commit, if both belong to one conversation.
    fn report_beside(&self, routed: &Routed<'_>, found: Addressed, drafts: &mut Vec<Draft>) -> Result<(), LedgerError> {
        for draft in self.report(routed, found)? {
            match drafts.iter_mut().find(|known| known.entity == draft.entity) {
                Some(known) => known.events.extend(draft.events),
                None => drafts.push(draft),
            }
        }
        Ok(())
    }

    /// What the update teaches about the contact; nothing, most of the time.
    fn contact(&self, at: &ChannelRef, fact: &Fact, placed: &Placed) -> Result<Option<Draft>, LedgerError> {
        let base = self.ledger.shared(&at.tenant, &placed.contact)?;
        let EntityState::Contact(state) = &base.state else { return Ok(None) };
        let meeting = Meeting {
            channel: at.channel.clone(),
            name: fact.name.clone(),
            identifiers: placed.learnt.iter().map(|learnt| (learnt.kind, learnt.value.clone())).collect(),
            same_as: placed.same_as.clone(),
        };
        let events: Vec<Event> = meet(state, &meeting).into_iter().map(Event::Contact).collect();
        Ok((!events.is_empty()).then(|| Draft { entity: placed.contact, base: Arc::unwrap_or_clone(base), events }))
    }

    /// The other side of a merge: each contact names the other, so that either leads to both.
    fn same_people(&self, at: &ChannelRef, placed: &Placed) -> Result<Vec<Draft>, LedgerError> {
        let mut drafts: Vec<Draft> = Vec::new();
        for (other, cause) in &placed.same_as {
            if drafts.iter().any(|draft| draft.entity == *other) {
                continue;
            }
            let base = self.ledger.load(&at.tenant, other)?;
            let EntityState::Contact(state) = &base.state else { continue };
            let same_as = vec![(placed.contact, *cause)];
            let meeting = Meeting { channel: at.channel.clone(), name: None, identifiers: Vec::new(), same_as };
            let events: Vec<Event> = meet(state, &meeting).into_iter().map(Event::Contact).collect();
            if !events.is_empty() {
                drafts.push(Draft { entity: *other, base, events });
            }
        }
        Ok(drafts)
    }

    async fn place(&self, routed: &Routed<'_>, placed: &Placed) -> Result<Place, LedgerError> {
        let base = self.ledger.shared(&routed.at.tenant, &placed.conversation)?;
        // Looked up when it can matter: for a conversation that opens, and for people just found to be one.
        let linked = base.sequence == 0 || !placed.same_as.is_empty();
        let met_before = self.ledger.shared(&routed.at.tenant, &placed.contact)?.sequence > 0;
        if linked && (met_before || !placed.same_as.is_empty()) {
            // A pause that was answered before this holds, whichever node wrote it.
            self.ledger.catch_up().await?;
        }
        let both = (&placed.conversation, &placed.contact);
        Ok(Place {
            channel: routed.at.channel.clone(),
            medium: routed.fact.medium,
            contact: placed.contact,
            contact_paused: linked && place::contact_paused(&self.ledger, routed.at, both, &placed.same_as)?,
        })
    }

    fn conversation(&self, routed: &Routed<'_>, entity: EntityId, command: Command) -> Result<Vec<Draft>, LedgerError> {
        let base = self.ledger.shared(&routed.at.tenant, &entity)?;
        let absent = conversation::State::default();
        let state = match &base.state {
            EntityState::Conversation(state) => state,
            EntityState::Contact(_)
            | EntityState::Identity(_)
            | EntityState::Channel(_)
            | EntityState::Workspace(_)
            | EntityState::Bulk(_) => &absent,
        };
        let envelope = Envelope {
            actor: actor(routed.fact),
            role: None,
            now: routed.occurred_at,
            new_message: MessageId::new([0; 16]),
        };
        let events = match decide(state, &envelope, &command) {
            Ok(Decision::Append(events)) => events.into_iter().map(Event::Conversation).collect(),
            Ok(Decision::AlreadySo) => return Ok(Vec::new()),
            // Intake's commands are facts: the only thing that can be missing is the conversation of a report.
            Err(rejection) => return self.rejected(routed, command, &rejection),
        };
        Ok(vec![Draft { entity, base: Arc::unwrap_or_clone(base), events }])
    }

    fn rejected(
        &self,
        routed: &Routed<'_>,
        command: Command,
        rejection: &Rejection,
    ) -> Result<Vec<Draft>, LedgerError> {
        match command {
            Command::RecordDeliveryReport { report, .. } => {
                self.channel(routed, vec![ChannelEvent::DeliveryReported(report)])
            }
            _ => Err(LedgerError::Store(format!("a fact was rejected: {rejection:?}"))),
        }
    }

    fn report(&self, routed: &Routed<'_>, found: Addressed) -> Result<Vec<Draft>, LedgerError> {
        let Addressed { conversation, report, alias } = found;
        match conversation {
            Some(conversation) => {
                self.conversation(routed, conversation, Command::RecordDeliveryReport { report, alias })
            }
            None => self.channel(routed, vec![ChannelEvent::DeliveryReported(report)]),
        }
    }

    fn channel(&self, routed: &Routed<'_>, events: Vec<ChannelEvent>) -> Result<Vec<Draft>, LedgerError> {
        let entity = routed.key.channel(&routed.at.channel);
        let base = self.ledger.load(&routed.at.tenant, &entity)?;
        Ok(vec![Draft { entity, base, events: events.into_iter().map(Event::Channel).collect() }])
    }
}

fn bindings(at: &ChannelRef, bind: &[place::Binding], contact: EntityId, conversation: Option<EntityId>) -> Vec<Draft> {
    let bound = |binding: &place::Binding| IdentityEvent::Bound {
        kind: binding.kind,
        channel: at.channel.clone(),
        contact,
        conversation,
    };
    bind.iter()
        .map(|binding| Draft {
            entity: binding.identity,
            base: Entity::clone(&binding.base),
            events: vec![Event::Identity(bound(binding))],
        })
        .collect()
}

fn actor(fact: &Fact) -> Actor {
    match &fact.what {
        What::Message(_) | What::Reaction { .. } | What::Mail(_) => Actor::Customer,
        What::Edit { by_business, .. } | What::Revoke { by_business, .. } => {
            if *by_business {
                Actor::PhoneApp
            } else {
                Actor::Customer
            }
        }
        What::Echo(_) => Actor::PhoneApp,
        What::Status(_) | What::ProviderUpdate { .. } | What::IdentityChanged { .. } => Actor::Provider,
    }
}

fn origin(source: &Source, routed: &Routed<'_>) -> Origin {
    let pointer = source.pointer;
    Origin {
        tenant: routed.at.tenant.clone(),
        command_id: routed.command.clone(),
        actor: actor(routed.fact),
        occurred_at: routed.occurred_at,
        recorded_at: routed.recorded_at,
        correlation: Some(format!("intake:{pointer}")),
        intake: Some(pointer),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_time_cannot_heal_is_parked() {
        let log = |error| HandleError::from(LedgerError::Log(error));
        let bad = LogError::Undecodable { sequence: 1, reason: String::new() };
        assert_eq!(log(bad).permanent(), Some(ENTITY_UNREADABLE));
        assert_eq!(HandleError::from(LedgerError::Store(String::new())).permanent(), Some(ENTITY_UNREADABLE));
        assert_eq!(log(LogError::Refused(String::new())).permanent(), Some(REFUSED));
        assert_eq!(log(LogError::TooLarge { size: 2, limit: 1 }).permanent(), Some(TOO_LARGE));
        for waits in [
            log(LogError::Unavailable(String::new())),
            log(LogError::Full),
            LedgerError::Lagging.into(),
            HandleError::Unknown,
        ] {
            assert_eq!(waits.permanent(), None, "{waits:?}");
        }
    }
}
