//! Whatever the order in which senders, people and providers act: a message ends once, and one that was taken back is never claimed.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::decide_tests::{NOON, laura, opened, text};
use super::send_tests::{accepted, failed, failure, id, outgoing, reported};
use super::*;
use crate::access::Role;
use crate::actor::Actor;
use crate::id::{AgentId, MessageId};
use crate::time::Timestamp;

const MESSAGES: u8 = 6;

/// Somebody acts on one of the messages, with the number of an attempt that may be wrong.
#[derive(Clone, Debug)]
enum Act {
    Queue(u8, Author),
    Claim(u8),
    Accepted(u8, u32),
    Failed(u8, u32, bool),
    Unknown(u8, u32),
    GiveUp(u8),
    Cancel(u8),
    Pause,
    Resume,
    Report(u8, DeliveryStatus),
    Wait,
}

fn act() -> impl Strategy<Value = Act> {
    let n = || 0..MESSAGES;
    let attempt = || 0..4_u32;
    let author = prop_oneof![Just(Author::Staff), Just(Author::Bot)];
    let status = prop::sample::select(DeliveryStatus::KNOWN.to_vec());
    prop_oneof![
        2 => (n(), author).prop_map(|(n, author)| Act::Queue(n, author)),
        6 => n().prop_map(Act::Claim),
        3 => (n(), attempt()).prop_map(|(n, attempt)| Act::Accepted(n, attempt)),
        3 => (n(), attempt(), any::<bool>()).prop_map(|(n, attempt, retry)| Act::Failed(n, attempt, retry)),
        2 => (n(), attempt()).prop_map(|(n, attempt)| Act::Unknown(n, attempt)),
        1 => n().prop_map(Act::GiveUp),
        1 => n().prop_map(Act::Cancel),
        1 => Just(Act::Pause),
        1 => Just(Act::Resume),
        3 => (n(), status).prop_map(|(n, status)| Act::Report(n, status)),
        2 => Just(Act::Wait),
    ]
}

/// What the log has said of one message.
#[derive(Default)]
struct Story {
    by_bot: bool,
    attempts: u32,
    /// Names of the events that ended it.
    ends: Vec<&'static str>,
}

struct World {
    state: State,
    now: Timestamp,
    stories: BTreeMap<MessageId, Story>,
}

impl World {
    fn new() -> Self {
        let mut world = Self { state: State::default(), now: NOON, stories: BTreeMap::new() };
        let written = ConversationEvent::MessageReceived(text(MessageKind::Text));
        for event in opened().into_iter().chain([written]) {
            world.happens(&event, &Actor::Customer);
        }
        world
    }

    fn does(&mut self, act: &Act) {
        let bot = || Actor::Bot(AgentId::new("helper").unwrap());
        let (role, actor, command) = match act {
            Act::Wait => {
                self.now = self.now + Duration::from_secs(5);
                return;
            }
            // A command id makes one message: it is not queued twice.
            Act::Queue(n, _) if self.stories.contains_key(&id(*n)) => return,
            Act::Queue(n, author) => {
                let body = Body::Text { text: "hola".to_owned(), preview_url: false };
                let send = Send {
                    outgoing: outgoing(*n, *author, body),
                    place: None,
                    last_seen_version: None,
                    force: false,
                    pauses_bot: false,
                    pause: None,
                    turn: None,
                    channel_paused: false,
                    detection: None,
                };
                let by_bot = *author == Author::Bot;
                let (role, actor) = if by_bot { (Role::Bot, bot()) } else { (Role::Agent, laura()) };
                (Some(role), actor, Command::SendMessage(Box::new(send)))
            }
            Act::Claim(n) => {
                let until = self.now + Duration::from_secs(10);
                (None, Actor::System, Command::ClaimSend { message: id(*n), claim: "d".to_owned(), until })
            }
            Act::Accepted(n, attempt) => (None, Actor::System, accepted(*n, *attempt)),
            Act::Failed(n, attempt, retry) => {
                let retry_at = retry.then(|| self.now + Duration::from_secs(4));
                (None, Actor::System, failed(*n, *attempt, retry_at))
            }
            Act::Unknown(n, attempt) => {
                (None, Actor::System, Command::RecordSendUnknown { message: id(*n), attempt: *attempt })
            }
            Act::GiveUp(n) => (None, Actor::System, Command::GiveUpSend { message: id(*n), failure: failure() }),
            Act::Cancel(n) => (Some(Role::Agent), laura(), Command::CancelSend { message: id(*n) }),
            Act::Pause => (
                Some(Role::Agent),
                laura(),
                Command::PauseBot(PauseWish { reason: PauseReason::Other, note: None, terms: PauseTerms::default() }),
            ),
            Act::Resume => (
                Some(Role::Agent),
                laura(),
                Command::ResumeBot { catch_up: crate::conversation::CatchUp::Know, note: None, farewell: None },
            ),
            Act::Report(n, status) => (None, Actor::Provider, reported(*n, status.clone())),
        };
        let envelope = Envelope { actor: actor.clone(), role, now: self.now, new_message: id(255) };
        if let Ok(Decision::Append(events)) = decide(&self.state, &envelope, &command) {
            for event in events {
                self.happens(&event, &actor);
            }
        }
    }

    fn happens(&mut self, event: &ConversationEvent, by: &Actor) {
        let paused = self.state.opened.as_ref().is_some_and(|opened| matches!(opened.bot, Bot::Paused { .. }));
        match event {
            ConversationEvent::MessageQueued(outgoing) => {
                let by_bot = outgoing.author == Author::Bot;
                assert!(!(by_bot && paused), "a paused bot queues nothing");
                self.stories.insert(outgoing.id, Story { by_bot, ..Story::default() });
            }
            ConversationEvent::SendStarted { message, attempt, .. } => {
                let story = self.stories.get_mut(message).unwrap();
                assert!(story.ends.is_empty(), "claimed after {:?}", story.ends);
                assert!(!(story.by_bot && paused), "a paused bot's message was claimed");
                assert_eq!(*attempt, story.attempts + 1, "attempts are counted");
                story.attempts = *attempt;
                let head = self.state.opened.as_ref().and_then(Opened::head).map(|head| head.id);
                assert_eq!(head, Some(*message), "out of order");
            }
            ConversationEvent::MessageAccepted { message, .. }
            | ConversationEvent::SendFailed { message, retry_at: None, .. }
            | ConversationEvent::SendCancelled { message, .. } => {
                let story = self.stories.get_mut(message).unwrap();
                assert!(story.ends.is_empty(), "{} after {:?}", event.name(), story.ends);
                story.ends.push(event.name());
            }
            ConversationEvent::DeliveryReported(report) if report.status == DeliveryStatus::Failed => {
                // The attempt that is being made has an end of its own.
                let tried = |pending: &Pending| pending.attempts > 0 && !matches!(pending.stage, Stage::Claimed { .. });
                let ends = self.pending(report.message).is_some_and(tried);
                if ends && let Some(story) = self.stories.get_mut(&report.message) {
                    story.ends.push(event.name());
                }
            }
            _other_events => {}
        }
        self.state = std::mem::take(&mut self.state).evolve(event, self.now, by);
        self.check();
    }

    fn pending(&self, message: MessageId) -> Option<&Pending> {
        self.state.opened.as_ref().and_then(|opened| opened.pending(message))
    }

    /// What holds at any time.
    fn check(&self) {
        let Some(opened) = &self.state.opened else { return };
        let claimed = opened.outbox.iter().filter(|pending| matches!(pending.stage, Stage::Claimed { .. })).count();
        assert!(claimed <= 1, "two messages of one conversation are handed over at once");
        for (message, story) in &self.stories {
            let waits = opened.pending(*message).is_some();
            assert_eq!(waits, story.ends.is_empty(), "{message:?} {:?}", story.ends);
        }
    }

    /// A patient sender and an honest provider bring everything to its end.
    fn ends(&mut self) {
        for _round in 0..4 * u32::from(MESSAGES) {
            let Some(opened) = &self.state.opened else { return };
            let Some(pending) = opened.outbox.first().cloned() else { return };
            let n = pending.id.bytes()[0];
            match pending.stage {
                Stage::Queued { .. } => {
                    self.does(&Act::Wait);
                    self.does(&Act::Claim(n));
                }
                Stage::Claimed { .. } => self.does(&Act::Accepted(n, pending.attempts)),
                Stage::Unknown { .. } => self.does(&Act::Report(n, DeliveryStatus::Delivered)),
            }
        }
    }
}

proptest! {
    #[test]
    fn every_message_ends_once_and_none_is_claimed_after_its_end(acts in prop::collection::vec(act(), 1..80)) {
        let mut world = World::new();
        for act in &acts {
            world.does(act);
        }
        world.ends();
        let left = world.state.opened.map(|opened| opened.outbox);
        prop_assert_eq!(left, Some(Vec::new()), "something waits for ever");
        prop_assert!(world.stories.values().all(|story| story.ends.len() == 1));
    }
}
