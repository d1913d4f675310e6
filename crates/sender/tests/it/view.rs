//! The delivery view: the fold of its commits, and the same as what the domain says is on its way.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use relevo_domain::channel::{ChannelEvent, ProviderUpdatePersonal};
use relevo_domain::conversation::{
    self, Attachment, AttachmentPersonal, Author, Command, Content, ConversationEvent, Decision, DeliveryReport,
    DeliveryReportPersonal, DeliveryStatus, Envelope, FailureClass, FetchOutcome, Medium, Message, Opened, Outgoing,
    OutgoingPersonal, PauseReason, PauseTerms, PauseWish, Recipient, Send as SendWish, Stage, State,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{Actor, AgentId, EntityId, EntityKind, Event, MessageId, Recorded, Role, Timestamp};
use relevo_projection::testing::story::staff;
use relevo_projection::testing::{Story, fold, history, laws};
use relevo_sender::DeliveryProjector;
use relevo_sender::delivery::{self, Act};

use crate::world::{channel, failure, received, template, tenant, text};

/// What can happen to one of a few conversations.
#[derive(Clone, Debug)]
enum Step {
    CustomerWrites,
    Queue { bot: bool, template: bool },
    Claim,
    Accepted(usize),
    Failed { which: usize, again: bool },
    Unknown(usize),
    GiveUp,
    Cancel(usize),
    Pause,
    Resume,
    Reported { which: usize, failed: bool },
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let which = 0..4_usize;
    prop_oneof![
        2 => Just(Step::CustomerWrites),
        6 => any::<(bool, bool)>().prop_map(|(bot, template)| Step::Queue { bot, template }),
        8 => Just(Step::Claim),
        5 => which.clone().prop_map(Step::Accepted),
        3 => (which.clone(), any::<bool>()).prop_map(|(which, again)| Step::Failed { which, again }),
        2 => which.clone().prop_map(Step::Unknown),
        1 => Just(Step::GiveUp),
        1 => which.clone().prop_map(Step::Cancel),
        1 => Just(Step::Pause),
        1 => Just(Step::Resume),
        2 => (which, any::<bool>()).prop_map(|(which, failed)| Step::Reported { which, failed }),
        3 => (1..40_000_u64).prop_map(Step::Wait),
    ]
}

/// Conversations as the domain sees them, and their log.
struct Model {
    story: Story,
    talks: Vec<(EntityId, State)>,
    made: u128,
}

impl Model {
    fn new() -> Self {
        let mut story = Story::new();
        let mut talks = Vec::new();
        for (number, on, medium) in
            [(1, "wa", Medium::WhatsApp), (2, "wa", Medium::WhatsApp), (3, "mail", Medium::Email)]
        {
            talks.push((story.open(number, on, medium, "Ana"), State::default()));
        }
        let mut model = Self { story, talks, made: 0 };
        for recorded in model.story.commits().to_vec() {
            model.learn(&recorded);
        }
        model
    }

    fn learn(&mut self, recorded: &Recorded) {
        let commit = &recorded.commit;
        let Some((_, state)) = self.talks.iter_mut().find(|(id, _)| *id == commit.entity) else { return };
        for event in &commit.events {
            let Event::Conversation(event) = event else { continue };
            *state = std::mem::take(state).evolve(event, commit.occurred_at, &commit.actor);
        }
    }

    fn step(&mut self, talk: usize, step: &Step) {
        let (id, state) = &self.talks[talk];
        let (id, opened) = (*id, state.opened.clone().unwrap());
        self.made += 1;
        let fresh = MessageId::new(self.made.to_be_bytes());
        match step {
            Step::Wait(seconds) => {
                self.story.wait(Duration::from_secs(*seconds));
                return;
            }
            Step::CustomerWrites => {
                let message = Message { id: fresh, ..received() };
                return self.tell(id, Actor::Customer, vec![ConversationEvent::MessageReceived(Box::new(message))]);
            }
            _ => {}
        }
        let now = self.story.now();
        let Some((actor, command)) = by_people(step, fresh, &opened).or_else(|| by_relevo(step, fresh, &opened, now))
        else {
            return;
        };
        let role = matches!(actor, Actor::Staff(_)).then_some(Role::Supervisor);
        let envelope = Envelope { actor: actor.clone(), role, now, new_message: fresh };
        if let Ok(Decision::Append(events)) = conversation::decide(&self.talks[talk].1, &envelope, &command) {
            self.tell(id, actor, events);
        }
    }

    fn tell(&mut self, id: EntityId, actor: Actor, events: Vec<ConversationEvent>) {
        self.story.tell(id, actor, events);
        let last = self.story.commits().last().unwrap().clone();
        self.learn(&last);
    }

    fn play(steps: &[(usize, Step)]) -> Self {
        let mut model = Self::new();
        for (talk, step) in steps {
            model.step(*talk, step);
        }
        model
    }
}

/// What people and bots ask for.
fn by_people(step: &Step, fresh: MessageId, opened: &Opened) -> Option<(Actor, Command)> {
    let laura = staff("laura");
    match step {
        Step::Queue { bot, template: with_template } => {
            let helper = Actor::Bot(AgentId::new("helper").unwrap());
            let (actor, author) = if *bot { (helper, Author::Bot) } else { (laura, Author::Staff) };
            let to = Recipient { kind: IdentifierKind::WaId, value: "549".to_owned() };
            let personal = OutgoingPersonal { to, author_name: None, reply_to_provider_id: None };
            let body = if *with_template { template() } else { text("hola") };
            let wish = SendWish {
                outgoing: Outgoing { id: fresh, author, automatic: false, reply_to: None, body, personal },
                place: None,
                last_seen_version: None,
                force: true,
                pauses_bot: false,
                pause: None,
                turn: None,
                channel_paused: false,
                detection: None,
            };
            Some((actor, Command::SendMessage(Box::new(wish))))
        }
        Step::Cancel(which) => Some((laura, Command::CancelSend { message: opened.outbox.get(*which)?.id })),
        Step::Pause => Some((
            laura,
            Command::PauseBot(PauseWish { reason: PauseReason::Other, note: None, terms: PauseTerms::default() }),
        )),
        Step::Resume => Some((
            laura,
            Command::ResumeBot { catch_up: relevo_domain::conversation::CatchUp::Know, note: None, farewell: None },
        )),
        _ => None,
    }
}

/// What senders say, and providers report.
fn by_relevo(step: &Step, fresh: MessageId, opened: &Opened, now: Timestamp) -> Option<(Actor, Command)> {
    let of = |which: usize| opened.outbox.get(which).map(|pending| (pending.id, pending.attempts));
    let command = match step {
        Step::Claim => {
            let until = now + Duration::from_secs(10);
            Command::ClaimSend { message: opened.head()?.id, claim: fresh.to_string(), until }
        }
        Step::Accepted(which) => {
            let (message, attempt) = of(*which)?;
            Command::RecordAccepted { message, attempt, alias: fresh, provider_id: format!("wamid.{fresh}") }
        }
        Step::Failed { which, again } => {
            let (message, attempt) = of(*which)?;
            let retry_at = again.then(|| now + Duration::from_mins(1));
            let failure = failure(FailureClass::Transient, "2");
            Command::RecordSendFailed { message, attempt, failure, retry_at }
        }
        Step::Unknown(which) => {
            let (message, attempt) = of(*which)?;
            Command::RecordSendUnknown { message, attempt }
        }
        Step::GiveUp => Command::GiveUpSend { message: opened.head()?.id, failure: failure(FailureClass::Expired, "") },
        Step::Reported { which, failed } => {
            let (message, _) = of(*which)?;
            let status = if *failed { DeliveryStatus::Failed } else { DeliveryStatus::Sent };
            let personal = DeliveryReportPersonal::default();
            let report = DeliveryReport { message, status, reported_at: now, error_code: None, personal };
            return Some((Actor::Provider, Command::RecordDeliveryReport { report, alias: fresh }));
        }
        _ => return None,
    };
    Some((Actor::System, command))
}

fn steps(many: usize) -> impl Strategy<Value = Vec<(usize, Step)>> {
    prop::collection::vec((0..3_usize, step()), many..many * 2)
}

/// Every turn of a channel, by what is to be done.
fn all_turns(view: &relevo_projection::View, on: &str) -> BTreeMap<(Act, EntityId), Timestamp> {
    let snapshot = view.snapshot().unwrap();
    let mut found = BTreeMap::new();
    for act in [Act::HandOver, Act::Doubt, Act::Expire] {
        let end = Timestamp::from_millis(i64::MAX);
        let turns = delivery::turns(&*snapshot, &tenant(), &channel(on), act, end, 1_000, &|_| false).unwrap();
        found.extend(turns.into_iter().map(|turn| ((act, turn.conversation), turn.at)));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn the_view_knows_what_the_domain_knows(steps in steps(60)) {
        let model = Model::play(&steps);
        let (_folder, view) = fold(DeliveryProjector, model.story.commits());
        let snapshot = view.snapshot().unwrap();
        let mut expected: BTreeMap<&str, BTreeMap<(Act, EntityId), Timestamp>> = BTreeMap::new();
        let mut waiting: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (index, (id, state)) in model.talks.iter().enumerate() {
            let (opened, on) = (state.opened.as_ref().unwrap(), if index == 2 { "mail" } else { "wa" });
            let outbox = delivery::outbox(&*snapshot, &tenant(), *id).unwrap().unwrap();
            let shown: Vec<_> = outbox.all().into_iter().map(|waiting| waiting.pending).collect();
            prop_assert_eq!(&shown, &opened.outbox);
            prop_assert_eq!(outbox.window_expires_at(), opened.window_expires_at());
            let turns = expected.entry(on).or_default();
            if let Some(head) = outbox.head() {
                prop_assert_eq!(&head.pending, opened.head().unwrap());
                match &head.pending.stage {
                    Stage::Queued { not_before } => {
                        turns.insert((Act::HandOver, *id), not_before.unwrap_or(head.pending.queued_at));
                        turns.insert((Act::Expire, *id), head.expires_at);
                    }
                    Stage::Claimed { until, .. } => {
                        turns.insert((Act::Doubt, *id), *until);
                    }
                    Stage::Unknown { .. } => prop_assert!(false, "an unknown one is never first"),
                }
            }
            for waiting in outbox.all() {
                let queued = model.story.commits()[usize::try_from(waiting.sequence).unwrap() - 1].commit.events.clone();
                let is_it = |event: &Event| matches!(event, Event::Conversation(ConversationEvent::MessageQueued(outgoing)) if outgoing.id == waiting.pending.id);
                prop_assert!(queued.iter().any(is_it));
            }
            let lost = opened.outbox.iter().filter(|pending| matches!(pending.stage, Stage::Unknown { .. })).count() as u64;
            let counts = waiting.entry(on).or_default();
            *counts = (counts.0 + opened.outbox.len() as u64 - lost, counts.1 + lost);
        }
        for (on, turns) in expected {
            prop_assert_eq!(all_turns(&view, on), turns);
            let lane = delivery::lane(&*snapshot, &tenant(), &channel(on)).unwrap();
            let counts = lane.map_or((0, 0), |lane| (lane.waiting, lane.unknown));
            prop_assert_eq!(counts, waiting[on]);
        }
    }
}

#[test]
fn the_view_is_the_fold_of_its_commits_however_they_come() {
    laws(|| DeliveryProjector, &history(3, 1_000));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_for_what_is_on_its_way(steps in steps(250)) {
        laws(|| DeliveryProjector, Model::play(&steps).story.commits());
    }
}

#[test]
fn media_are_to_be_fetched_until_somebody_says_what_came_of_it() {
    let mut story = Story::new();
    let conversation = story.open(1, "wa", Medium::WhatsApp, "Ana");
    let mut message = story.message(Author::Customer, "mire");
    let by_id =
        Attachment { mime_type: "image/png".to_owned(), provider_id: Some("4711".to_owned()), ..Attachment::default() };
    let url = AttachmentPersonal { url: Some("https://api.twilio.com/1".to_owned()), ..AttachmentPersonal::default() };
    let by_url = Attachment { mime_type: "audio/ogg".to_owned(), personal: url, ..Attachment::default() };
    message.content.attachments = vec![Attachment::default(), by_id, by_url];
    let id = message.id;
    story.tell(conversation, Actor::Customer, [ConversationEvent::MessageReceived(Box::new(message))]);
    let shown = |story: &Story| {
        let (_folder, view) = fold(DeliveryProjector, story.commits());
        let snapshot = view.snapshot().unwrap();
        let media = delivery::media_to_fetch(&*snapshot, &tenant(), &channel("wa"), None, 10).unwrap();
        let rest =
            media.first().map(|first| delivery::media_to_fetch(&*snapshot, &tenant(), &channel("wa"), Some(first), 10));
        let lane = delivery::lane(&*snapshot, &tenant(), &channel("wa")).unwrap().unwrap();
        assert_eq!(lane.media, media.len() as u64);
        assert_eq!(rest.map_or(0, |rest| rest.unwrap().len() + 1), media.len());
        media.into_iter().map(|medium| (medium.message, medium.index, medium.mime_type)).collect::<Vec<_>>()
    };
    assert_eq!(shown(&story), [(id, 1, "image/png".to_owned()), (id, 2, "audio/ogg".to_owned())]);

    let outcome = FetchOutcome::Unavailable { reason: "gone".to_owned() };
    for _ in 0..2 {
        let fetched =
            ConversationEvent::MediumFetched { message: id, index: 1, medium: None, outcome: outcome.clone() };
        story.tell(conversation, Actor::System, [fetched]);
    }

    assert_eq!(shown(&story), [(id, 2, "audio/ogg".to_owned())]);
}

#[test]
fn what_an_edit_brings_is_to_be_fetched_and_what_was_there_before_is_not() {
    let file = |name: &str| Attachment { provider_id: Some(name.to_owned()), ..Attachment::default() };
    let edit = |message, name: &str| {
        let content = Content { attachments: vec![file(name)], ..received().content };
        ConversationEvent::MessageEdited { message, content: Box::new(content) }
    };
    let fetched = |message, name: &str| ConversationEvent::MediumFetched {
        message,
        index: 0,
        medium: file(name).mark(),
        outcome: FetchOutcome::Unavailable { reason: "gone".to_owned() },
    };
    let shown = |story: &Story| {
        let (_folder, view) = fold(DeliveryProjector, story.commits());
        let snapshot = view.snapshot().unwrap();
        let media = delivery::media_to_fetch(&*snapshot, &tenant(), &channel("wa"), None, 10).unwrap();
        let lane = delivery::lane(&*snapshot, &tenant(), &channel("wa")).unwrap();
        assert_eq!(lane.map_or(0, |lane| lane.media), media.len() as u64);
        media.into_iter().map(|medium| medium.provider_id.unwrap()).collect::<Vec<_>>()
    };
    let mut story = Story::new();
    let id = story.open(1, "wa", Medium::WhatsApp, "Ana");
    let mut message = story.message(Author::Customer, "mire");
    message.content.attachments = vec![file("one")];
    let of = message.id;
    let came = ConversationEvent::MessageReceived(Box::new(message));
    let noon = story.now();

    // The edit comes first, and the message does not bring back what it has replaced; nor does an older edit.
    story.at(noon + Duration::from_mins(5)).tell(id, Actor::Customer, [edit(of, "three")]);
    story.at(noon).tell(id, Actor::Customer, [came]);
    story.at(noon + Duration::from_mins(2)).tell(id, Actor::Customer, [edit(of, "two")]);
    assert_eq!(shown(&story), ["three"]);
    story.tell(id, Actor::System, [fetched(of, "one")]);
    assert_eq!(shown(&story), ["three"], "that is another one");
    story.tell(id, Actor::System, [fetched(of, "three"), fetched(of, "three")]);
    assert!(shown(&story).is_empty());
    story.at(noon + Duration::from_mins(9)).tell(id, Actor::Customer, [edit(of, "four")]);
    assert_eq!(shown(&story), ["four"]);
}

#[test]
fn a_channel_is_paused_and_its_templates_change() {
    let mut story = Story::new();
    let entity = EntityId::new(EntityKind::Channel, [9; 16]);
    let state = |story: &Story| {
        let (_folder, view) = fold(DeliveryProjector, story.commits());
        delivery::channel_state(&*view.snapshot().unwrap(), &tenant(), entity).unwrap()
    };
    let say = |story: &mut Story, event| {
        story.commit(entity, Actor::System, vec![Event::Channel(event)]);
    };
    say(&mut story, ChannelEvent::ChannelPaused);
    assert_eq!((state(&story).paused, state(&story).switched, state(&story).templates), (true, 1, 0));
    let update = |field: &str| ChannelEvent::ProviderUpdated {
        field: field.to_owned(),
        personal: ProviderUpdatePersonal { json: "{}".to_owned() },
    };
    say(&mut story, update("account_update"));
    assert_eq!(state(&story).templates, 0);
    say(&mut story, update("message_template_status_update"));
    say(&mut story, ChannelEvent::ChannelResumed);
    assert_eq!((state(&story).paused, state(&story).switched, state(&story).templates), (false, 4, 3));
}
