//! The smallest state of a conversation that can answer the rules.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::actor::Actor;
use crate::conversation::event::{Alert, ConversationEvent, DeliveryStatus, Medium, PauseReason, PauseTerms, Priority};
use crate::conversation::message::{Author, Message, MessageKind};
use crate::conversation::outgoing::{Outgoing, Pending, SIGNAL_OVER_AFTER, Stage};
use crate::conversation::turn::{CatchUp, Turns};
use crate::conversation::watchful::{Alerts, Suggestion, Watch};
use crate::id::{AgentId, ChannelId, EntityId, MessageId, TagId, TeamId};
use crate::time::Timestamp;

/// What the rules need to know of a conversation. `Default` is a conversation that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct State {
    /// Present once the conversation was opened.
    pub opened: Option<Opened>,
}

/// A conversation that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    pub channel: ChannelId,
    pub contact: EntityId,
    pub medium: Medium,
    pub status: Status,
    pub episode: u32,
    pub bot: Bot,
    pub agent: Option<AgentId>,
    pub team: Option<TeamId>,
    pub tags: BTreeSet<TagId>,
    pub priority: Priority,
    /// How many events the conversation has had: its version.
    pub version: u64,
    /// Version of the customer's last message that somebody has to read; 0 if there is none.
    pub customer_wrote: u64,
    /// Version up to which staff has read.
    pub read_through: u64,
    /// When the customer last wrote or reacted, by the provider's clock: what opens the provider's window.
    pub customer_spoke_at: Option<Timestamp>,
    /// The identifier that the customer last wrote from, exactly as received: answers go there.
    pub reply_address: Option<String>,
    /// The customer's last message of any kind; for mails what an answer refers to.
    pub last_received: Option<MessageId>,
    /// What the business wrote last to the customer.
    pub last_answer: Option<LastAnswer>,
    /// What the provider has not (knowingly) taken yet, in the order of queueing. Those whose outcome is unknown stay until a
    /// report tells, at most [`UNKNOWN_MAX`].
    pub outbox: Vec<Pending>,
    /// What is new for bots, and which one answers.
    pub turns: Turns,
    /// When the customer wrote the oldest message that has no answer: of a person, or of the bot while it may speak.
    pub waiting_since: Option<Timestamp>,
    /// The bot's message that is their answer, while it is on its way, and since when they had waited: if it is taken back they wait
    /// still.
    pub answered_by: Option<(MessageId, Timestamp)>,
    /// Who locked the pause, and when.
    pub locked_by: Option<(Actor, Timestamp)>,
    /// What was detected.
    pub watch: Watch,
    /// Of what staff was alerted.
    pub alerts: Alerts,
    /// Until when the bot's signals to the customer may be begun.
    pub signal: Option<Timestamp>,
}

/// What the business wrote last: for whoever is about to answer without having seen it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAnswer {
    pub message: MessageId,
    /// Version of the conversation with it.
    pub version: u64,
    pub by: Actor,
    pub at: Timestamp,
    /// The first [`PREVIEW_CHARS`] characters of its text. Personal.
    pub preview: String,
}

/// Characters kept of what the business wrote last.
pub const PREVIEW_CHARS: usize = 200;
/// Messages of unknown outcome that are remembered: more than a network failure can leave behind in one conversation.
pub const UNKNOWN_MAX: usize = 50;
/// How long after the customer's message a provider lets the business write freely.
pub const WINDOW: Duration = Duration::from_hours(24);

/// The status axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Open,
    /// Waits for the customer or for a third party.
    Pending,
    /// Out of sight until then; without a time, until the customer writes.
    Snoozed {
        until: Option<Timestamp>,
    },
    Resolved {
        at: Timestamp,
    },
}

/// The bot axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bot {
    Active,
    Paused { reason: PauseReason, by: Actor, since: Timestamp, terms: PauseTerms },
}

impl State {
    /// The state after one more event. Total: the past is not up for debate.
    #[must_use]
    pub fn evolve(mut self, event: &ConversationEvent, at: Timestamp, by: &Actor) -> Self {
        if let ConversationEvent::Opened { channel, contact, medium } = event {
            self.opened = Some(Opened::new(channel.clone(), *contact, *medium));
            return self;
        }
        // Without `Opened` first there is nothing to change; a log that has this is caught by the version check.
        let Some(opened) = &mut self.opened else { return self };
        opened.version += 1;
        match event {
            ConversationEvent::EpisodeStarted { episode, .. } => opened.episode_started(*episode),
            ConversationEvent::Reopened { .. } | ConversationEvent::ReturnedToOpen { .. } => {
                opened.status = Status::Open;
            }
            ConversationEvent::Resolved { .. } => opened.resolved(at),
            ConversationEvent::BotPaused { reason, automatic, terms, .. } => {
                let by = by.pausing(*automatic);
                opened.locked(terms.locked, &by, at);
                opened.silenced(Bot::Paused { reason: *reason, by, since: at, terms: *terms });
            }
            ConversationEvent::PauseChanged { terms, .. } => {
                opened.paused_on(*terms);
                opened.locked(terms.locked, by, at);
            }
            ConversationEvent::BotResumed { catch_up, .. } => opened.resumed(*catch_up),
            ConversationEvent::BotTurnStarted(given) => opened.turns.started(opened.version, given),
            ConversationEvent::SituationDetected(found) => opened.watch.detected(opened.version, at, found),
            ConversationEvent::SuggestionClosed { suggestion, .. } => opened.watch.closed(*suggestion),
            ConversationEvent::AlertRaised { alert, since } => opened.alerts.raised(*alert, *since),
            ConversationEvent::BotSignalled { until } => opened.signal = opened.signal.max(Some(*until)),
            ConversationEvent::BotTurnEnded { turn, how } => opened.turns.ended(*turn, *how),
            ConversationEvent::Assigned { agent, team, .. } => {
                opened.agent.clone_from(agent);
                opened.team.clone_from(team);
            }
            ConversationEvent::MarkedPending { .. } => opened.status = Status::Pending,
            ConversationEvent::Snoozed { until, .. } => opened.status = Status::Snoozed { until: *until },
            ConversationEvent::TagAdded { tag } => {
                opened.tags.insert(*tag);
            }
            ConversationEvent::TagRemoved { tag } => {
                opened.tags.remove(tag);
            }
            ConversationEvent::PrioritySet { priority } => opened.priority = *priority,
            ConversationEvent::MarkedRead { through } => opened.read_through = opened.read_through.max(*through),
            ConversationEvent::MessageReceived(message) => opened.received(message, at),
            ConversationEvent::MessageEchoed(message) => opened.echoed(message, at, by),
            ConversationEvent::ReactionChanged { .. } if *by == Actor::Customer => opened.spoke(at),
            ConversationEvent::MessageQueued(outgoing) => opened.queued(outgoing, by, at),
            ConversationEvent::SendStarted { message, attempt, claim, until } => {
                opened.stage(*message, Some(*attempt), Stage::Claimed { claim: claim.clone(), until: *until });
            }
            ConversationEvent::SendFailed { message, retry_at: Some(retry_at), .. } => {
                opened.stage(*message, None, Stage::Queued { not_before: Some(*retry_at) });
            }
            ConversationEvent::SendOutcomeUnknown { message, .. } => opened.unknown(*message, at),
            ConversationEvent::MessageAccepted { message, .. } => opened.settled(*message, true),
            ConversationEvent::SendFailed { message, retry_at: None, .. }
            | ConversationEvent::SendCancelled { message, .. } => opened.settled(*message, false),
            ConversationEvent::DeliveryReported(report) if report.status == DeliveryStatus::Failed => {
                opened.reported_failed(report.message);
            }
            ConversationEvent::Opened { .. }
            | ConversationEvent::MessageEdited { .. }
            | ConversationEvent::MessageRevoked { .. }
            | ConversationEvent::ReactionChanged { .. }
            | ConversationEvent::DeliveryReported(_)
            | ConversationEvent::NoteAdded { .. }
            | ConversationEvent::Escalated { .. }
            | ConversationEvent::MediumFetched { .. } => {}
        }
        self
    }
}

impl Opened {
    fn new(channel: ChannelId, contact: EntityId, medium: Medium) -> Self {
        Self {
            channel,
            contact,
            medium,
            status: Status::Open,
            episode: 0,
            bot: Bot::Active,
            agent: None,
            team: None,
            tags: BTreeSet::new(),
            priority: Priority::None,
            version: 1,
            customer_wrote: 0,
            read_through: 0,
            customer_spoke_at: None,
            reply_address: None,
            last_received: None,
            last_answer: None,
            outbox: Vec::new(),
            turns: Turns::default(),
            waiting_since: None,
            answered_by: None,
            locked_by: None,
            watch: Watch::default(),
            alerts: Alerts::default(),
            signal: None,
        }
    }

    /// Until when the business may write freely; absent if it may not since ever. Mails have no window.
    pub fn window_expires_at(&self) -> Option<Timestamp> {
        self.customer_spoke_at.map(|spoke| spoke + WINDOW)
    }

    /// The message on its way, if the provider has not (knowingly) taken it.
    pub fn pending(&self, message: MessageId) -> Option<&Pending> {
        self.outbox.iter().find(|pending| pending.id == message)
    }

    /// Messages by this author that a sender may be handing over at this moment, and a pause comes too late for. At most one: a
    /// conversation has one claim at a time.
    pub fn on_the_wire(&self, author: Author, now: Timestamp) -> impl Iterator<Item = &Pending> {
        self.outbox.iter().filter(move |pending| pending.author == author && pending.on_the_wire(now))
    }

    /// The bot is paused, and its time is not over: of one whose is, a timer will say so.
    pub fn stays_paused(&self, now: Timestamp) -> bool {
        match &self.bot {
            Bot::Active => false,
            Bot::Paused { terms, .. } => terms.until.is_none_or(|until| until > now),
        }
    }

    /// Until when a signal of the bot may be on its way to the provider at this moment, if one is.
    pub fn signal_on_the_wire(&self, now: Timestamp) -> Option<Timestamp> {
        self.signal.map(|until| until + SIGNAL_OVER_AFTER).filter(|over| now < *over)
    }

    /// The suggestion of that number, if nobody has answered it.
    pub fn suggestion(&self, number: u64) -> Option<&Suggestion> {
        self.watch.suggestions.iter().find(|suggestion| suggestion.number == number)
    }

    /// Since when this has been so; absent if it is not.
    pub fn alarming_since(&self, alert: Alert) -> Option<Timestamp> {
        match (&self.bot, alert) {
            (Bot::Active, _) => None,
            (Bot::Paused { since, .. }, Alert::PausedTooLong) => Some(*since),
            (Bot::Paused { since, .. }, Alert::PausedUnanswered) => {
                self.waiting_since.map(|waiting| waiting.max(*since))
            }
        }
    }

    /// The message whose turn it is: the first that is not of unknown outcome. One that is being handed over keeps its turn.
    pub fn head(&self) -> Option<&Pending> {
        self.outbox.iter().find(|pending| !matches!(pending.stage, Stage::Unknown { .. }))
    }

    fn episode_started(&mut self, episode: u32) {
        (self.episode, self.status) = (episode, Status::Open);
        self.watch.episode_started();
    }

    fn resolved(&mut self, at: Timestamp) {
        self.status = Status::Resolved { at };
        self.turns.resolved();
        self.watch.resolved();
        (self.waiting_since, self.answered_by) = (None, None);
    }

    fn silenced(&mut self, bot: Bot) {
        self.bot = bot;
        self.turns.silenced();
        self.watch.paused();
    }

    fn resumed(&mut self, catch_up: CatchUp) {
        self.bot = Bot::Active;
        self.locked_by = None;
        self.turns.resumed(self.version, catch_up);
        self.watch.memory.bot_resumed();
    }

    /// A lock that stays is whose it was.
    fn locked(&mut self, locked: bool, by: &Actor, at: Timestamp) {
        if locked {
            self.locked_by.get_or_insert_with(|| (by.clone(), at));
        } else {
            self.locked_by = None;
        }
    }

    /// The pause goes on, on these terms.
    const fn paused_on(&mut self, now: PauseTerms) {
        if let Bot::Paused { terms, .. } = &mut self.bot {
            *terms = now;
        }
    }

    fn received(&mut self, message: &Message, at: Timestamp) {
        if message.is_a_persons_words() {
            self.customer_wrote = self.version;
        }
        // What a provider says in the customer's name opens no window and changes no address.
        if message.content.kind == MessageKind::System {
            return;
        }
        if message.flags.by_a_person() {
            self.turns.received(self.version, self.bot == Bot::Active);
            self.waiting_since.get_or_insert(at);
            self.watch.memory.customer_said(message.id, message.content.personal.text.as_deref().unwrap_or_default());
            self.spoke(at);
            self.answerable(message);
        } else if message.flags.imported && self.customer_spoke_at.is_none() {
            // History comes oldest first, and gives way to what is said from now on.
            self.answerable(message);
        }
    }

    /// This is what an answer refers to, and who gets it. Who came in by our own token alone is not written to unasked.
    fn answerable(&mut self, message: &Message) {
        if message.flags.unverified {
            return;
        }
        self.last_received = Some(message.id);
        if let Some(address) = &message.content.personal.sender_address {
            self.reply_address = Some(address.clone());
        }
    }

    fn spoke(&mut self, at: Timestamp) {
        self.customer_spoke_at = Some(self.customer_spoke_at.map_or(at, |before| before.max(at)));
    }

    /// What the business answered was read.
    fn echoed(&mut self, message: &Message, at: Timestamp, by: &Actor) {
        self.read_through = self.version;
        self.people_answered();
        self.answered(message.id, by, at, message.content.personal.text.as_deref());
    }

    fn people_answered(&mut self) {
        self.turns.silenced();
        (self.waiting_since, self.answered_by) = (None, None);
        self.watch.memory.staff_said();
    }

    fn queued(&mut self, outgoing: &Outgoing, by: &Actor, at: Timestamp) {
        // Staff who answer have read. What a bot or a rule writes, nobody has.
        match outgoing.author {
            Author::Staff => {
                self.read_through = self.version;
                self.people_answered();
            }
            Author::Bot => {
                self.watch.memory.bot_said(outgoing.id, outgoing.body.text().unwrap_or_default());
                if self.bot == Bot::Active {
                    let waited = self.waiting_since.take().map(|since| (outgoing.id, since));
                    self.answered_by = waited.or(self.answered_by);
                }
            }
            Author::System | Author::Customer | Author::PhoneApp => {}
        }
        self.answered(outgoing.id, by, at, outgoing.body.text());
        // Whom we wrote to first is who the conversation is with, until they write themselves.
        self.reply_address.get_or_insert_with(|| outgoing.personal.to.value.clone());
        self.outbox.push(Pending {
            id: outgoing.id,
            author: outgoing.author,
            queued_at: at,
            attempts: 0,
            stage: Stage::Queued { not_before: None },
        });
    }

    /// Of a message that is still on its way only a failure speaks by itself: any other report comes with its acceptance. The
    /// provider had taken an earlier attempt, so there is no other one; unless one is being made: that has an outcome of its own,
    /// and keeps its turn until it is known.
    fn reported_failed(&mut self, message: MessageId) {
        let ends = |pending: &Pending| match pending.stage {
            Stage::Queued { .. } => pending.attempts > 0,
            Stage::Claimed { .. } => false,
            Stage::Unknown { .. } => true,
        };
        self.outbox.retain(|pending| pending.id != message || !ends(pending));
    }

    fn answered(&mut self, message: MessageId, by: &Actor, at: Timestamp, text: Option<&str>) {
        let preview = text.unwrap_or_default().chars().take(PREVIEW_CHARS).collect();
        self.last_answer = Some(LastAnswer { message, version: self.version, by: by.clone(), at, preview });
    }

    fn settled(&mut self, message: MessageId, taken: bool) {
        self.outbox.retain(|pending| pending.id != message);
        if let Some((_, since)) = self.answered_by.take_if(|(answer, _)| *answer == message)
            && !taken
        {
            self.waiting_since = Some(self.waiting_since.map_or(since, |waiting| waiting.min(since)));
        }
    }

    fn unknown(&mut self, message: MessageId, at: Timestamp) {
        self.stage(message, None, Stage::Unknown { since: at });
        self.forget_oldest_unknown();
    }

    fn stage(&mut self, message: MessageId, attempts: Option<u32>, stage: Stage) {
        if let Some(pending) = self.outbox.iter_mut().find(|pending| pending.id == message) {
            pending.attempts = attempts.unwrap_or(pending.attempts);
            pending.stage = stage;
        }
    }

    fn forget_oldest_unknown(&mut self) {
        let unknown = |pending: &Pending| matches!(pending.stage, Stage::Unknown { .. });
        if self.outbox.iter().filter(|pending| unknown(pending)).count() > UNKNOWN_MAX
            && let Some(oldest) = self.outbox.iter().position(unknown)
        {
            self.outbox.remove(oldest);
        }
    }
}
