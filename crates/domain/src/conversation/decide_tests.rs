//! The rules of a conversation, one sentence each: given what happened, when somebody asks, then this or that rejection.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::access::Role;
use crate::actor::Actor;
use crate::id::{AgentId, ChannelId, EntityId, EntityKind, MessageId, TagId, TeamId};
use crate::time::Timestamp;

pub(super) const NOON: Timestamp = Timestamp::from_seconds(1_800_000_000);

pub(super) struct Given(pub(super) State, pub(super) Timestamp);

pub(super) fn given(events: impl IntoIterator<Item = ConversationEvent>) -> Given {
    let state = events.into_iter().fold(State::default(), |state, event| state.evolve(&event, NOON, &laura()));
    Given(state, NOON)
}

impl From<State> for Given {
    fn from(state: State) -> Self {
        Self(state, NOON)
    }
}

impl Given {
    pub(super) fn later(mut self, by: Duration) -> Self {
        self.1 = NOON + by;
        self
    }

    pub(super) fn when_by(&self, role: Option<Role>, actor: Actor, command: &Command) -> Result<Decision, Rejection> {
        let envelope = Envelope { actor, role, now: self.1, new_message: MessageId::new([9; 16]) };
        decide(&self.0, &envelope, command)
    }

    pub(super) fn when(&self, command: Command) -> Result<Decision, Rejection> {
        self.when_by(Some(Role::Agent), laura(), &command)
    }

    pub(super) fn when_intake(&self, command: Command) -> Vec<&'static str> {
        match self.when_by(None, Actor::Customer, &command) {
            Ok(Decision::Append(events)) => events.iter().map(ConversationEvent::name).collect(),
            other => panic!("intake is never refused: {other:?}"),
        }
    }
}

pub(super) fn laura() -> Actor {
    Actor::Staff(agent("laura"))
}

pub(super) fn agent(name: &str) -> AgentId {
    AgentId::new(name).unwrap()
}

fn team(name: &str) -> TeamId {
    TeamId::new(name).unwrap()
}

pub(super) fn place() -> Place {
    Place {
        channel: ChannelId::new("wa").unwrap(),
        medium: Medium::WhatsApp,
        contact: EntityId::new(EntityKind::Contact, [1; 16]),
        contact_paused: false,
    }
}

pub(super) fn text(kind: MessageKind) -> Box<Message> {
    Box::new(Message {
        id: MessageId::new([2; 16]),
        author: Author::Customer,
        content: Content { kind, attachments: vec![], personal: ContentPersonal::default() },
        provider_time: None,
        reply_to: None,
        flags: MessageFlags::default(),
    })
}

pub(super) fn received(medium: Medium) -> Command {
    Command::ReceiveMessage { place: Place { medium, ..place() }, message: text(MessageKind::Text), detection: None }
}

pub(super) fn opened() -> Vec<ConversationEvent> {
    vec![
        ConversationEvent::Opened { channel: place().channel, medium: Medium::WhatsApp, contact: place().contact },
        ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::CustomerMessage },
    ]
}

pub(super) fn opened_and(more: impl IntoIterator<Item = ConversationEvent>) -> Given {
    given(opened().into_iter().chain(more))
}

pub(super) fn paused() -> ConversationEvent {
    let personal = NotePersonal::default();
    ConversationEvent::BotPaused {
        reason: PauseReason::Complaint,
        automatic: false,
        terms: PauseTerms::default(),
        personal,
    }
}

pub(super) fn resolved() -> ConversationEvent {
    ConversationEvent::Resolved { episode: 1, reason: None, personal: NotePersonal::default() }
}

pub(super) fn assigned(to: Option<&str>, through: Option<&str>) -> ConversationEvent {
    ConversationEvent::Assigned { agent: to.map(agent), team: through.map(team), how: AssignmentHow::Manual }
}

fn pause() -> Command {
    Command::PauseBot(PauseWish {
        reason: PauseReason::Complaint,
        note: Some("  enojada ".to_owned()),
        terms: PauseTerms::default(),
    })
}

pub(super) fn names(decided: &Result<Decision, Rejection>) -> Vec<&'static str> {
    match decided {
        Ok(Decision::Append(events)) => events.iter().map(ConversationEvent::name).collect(),
        other => panic!("nothing to append: {other:?}"),
    }
}

// === what customers do ===

fn imported(medium: Medium) -> Command {
    let mut message = text(MessageKind::Email);
    message.flags.imported = true;
    Command::ReceiveMessage { place: Place { medium, ..place() }, message, detection: None }
}

#[test]
fn what_history_opens_is_resolved_in_the_same_commit_and_stays_so_until_somebody_writes() {
    let Ok(Decision::Append(events)) = given([]).when(imported(Medium::Email)) else { panic!() };
    let names: Vec<_> = events.iter().map(ConversationEvent::name).collect();
    assert_eq!(names, ["ConversationOpened", "EpisodeStarted", "MessageReceived", "Resolved"]);
    assert_eq!(events[1], ConversationEvent::EpisodeStarted { episode: 1, cause: EpisodeCause::Imported });
    let ConversationEvent::Resolved { episode: 1, reason, .. } = &events[3] else { panic!("{events:?}") };
    assert_eq!(reason.as_deref(), Some("imported"));

    let more = given(events.clone()).when_intake(imported(Medium::Email));
    assert_eq!(more, ["MessageReceived"], "more of it changes nothing");
    let written = given(events).when_intake(received(Medium::Email));
    assert_eq!(written, ["Reopened", "MessageReceived"], "a person's mail is work");
}

#[test]
fn history_closes_nothing_that_is_open_and_pauses_no_bot() {
    assert_eq!(opened_and([]).when_intake(imported(Medium::Email)), ["MessageReceived"]);
    let mut message = text(MessageKind::Text);
    (message.author, message.flags.imported) = (Author::PhoneApp, true);
    let echo = || Command::RecordEcho { place: place(), message: message.clone() };
    assert_eq!(opened_and([]).when_intake(echo()), ["MessageEchoed"]);
    let alone = given([]).when_intake(echo());
    assert_eq!(alone, ["ConversationOpened", "EpisodeStarted", "MessageEchoed", "Resolved"]);
}

#[test]
fn a_first_message_opens_the_conversation_and_its_first_episode() {
    let events = given([]).when_intake(received(Medium::WhatsApp));
    assert_eq!(events, ["ConversationOpened", "EpisodeStarted", "MessageReceived"]);
}

#[test]
fn a_conversation_of_a_contact_with_a_paused_one_starts_paused() {
    let place = Place { contact_paused: true, ..place() };
    let command = Command::ReceiveMessage { place, message: text(MessageKind::Text), detection: None };
    let events = given([]).when_intake(command);
    assert_eq!(events, ["ConversationOpened", "EpisodeStarted", "BotPaused", "MessageReceived"]);
}

#[test]
fn a_conversation_that_is_linked_to_a_paused_contact_is_paused() {
    let place = Place { contact_paused: true, ..place() };
    let command =
        || Command::ReceiveMessage { place: place.clone(), message: text(MessageKind::Text), detection: None };
    assert_eq!(opened_and([]).when_intake(command()), ["BotPaused", "MessageReceived"]);
    assert_eq!(opened_and([paused()]).when_intake(command()), ["MessageReceived"]);
}

#[test]
fn a_message_within_72_hours_reopens_the_same_episode() {
    let soon = opened_and([resolved()]).later(Duration::from_hours(72));
    assert_eq!(soon.when_intake(received(Medium::WhatsApp)), ["Reopened", "MessageReceived"]);
}

#[test]
fn a_message_after_72_hours_begins_a_new_episode() {
    let late = opened_and([resolved()]).later(Duration::from_hours(72) + Duration::from_millis(1));
    assert_eq!(late.when_intake(received(Medium::WhatsApp)), ["EpisodeStarted", "MessageReceived"]);
}

#[test]
fn a_mail_in_a_resolved_thread_always_continues_its_episode() {
    let late = opened_and([resolved()]).later(Duration::from_hours(24 * 400));
    assert_eq!(late.when_intake(received(Medium::Email)), ["Reopened", "MessageReceived"]);
}

#[test]
fn an_automatic_reply_is_kept_but_wakes_nobody() {
    for set in [
        (|flags: &mut MessageFlags| flags.automatic = true) as fn(&mut MessageFlags),
        |flags| flags.bounce = true,
        |flags| flags.list = true,
        |flags| flags.complaint = true,
        |flags| flags.own_loop = true,
    ] {
        let mut message = text(MessageKind::Email);
        set(&mut message.flags);
        let command = Command::ReceiveMessage { place: place(), message, detection: None };
        assert_eq!(opened_and([resolved()]).when_intake(command), ["MessageReceived"]);
    }
}

#[test]
fn a_system_notice_or_a_reaction_does_not_reopen() {
    let command = Command::ReceiveMessage { place: place(), message: text(MessageKind::System), detection: None };
    assert_eq!(opened_and([resolved()]).when_intake(command), ["MessageReceived"]);
    let personal = ReactionPersonal::default();
    let reaction = Command::RecordReaction { place: place(), message: MessageId::new([5; 16]), personal };
    assert_eq!(opened_and([resolved()]).when_intake(reaction), ["ReactionChanged"]);
}

#[test]
fn a_pause_survives_resolve_reopening_and_a_new_episode() {
    let mut state = opened_and([paused(), resolved()]).0;
    let Ok(Decision::Append(events)) = Given(state.clone(), NOON + Duration::from_hours(200)).when_by(
        None,
        Actor::Customer,
        &received(Medium::WhatsApp),
    ) else {
        panic!("a message is stored")
    };
    for event in &events {
        state = state.evolve(event, NOON, &Actor::Customer);
    }
    let opened = state.opened.unwrap();
    assert_eq!(opened.episode, 2);
    assert!(matches!(opened.bot, Bot::Paused { reason: PauseReason::Complaint, .. }));
}

#[test]
fn an_answer_from_the_phone_pauses_the_bot_once() {
    let echo = || Command::RecordEcho { place: place(), message: text(MessageKind::Text) };
    assert_eq!(given([]).when_intake(echo()), ["ConversationOpened", "EpisodeStarted", "MessageEchoed", "BotPaused"]);
    assert_eq!(opened_and([paused()]).when_intake(echo()), ["MessageEchoed"]);
}

#[test]
fn a_delivery_report_never_opens_a_conversation() {
    let report = DeliveryReport {
        message: MessageId::new([5; 16]),
        status: DeliveryStatus::Read,
        reported_at: NOON,
        error_code: None,
        personal: DeliveryReportPersonal::default(),
    };
    let command = Command::RecordDeliveryReport { report, alias: MessageId::new([6; 16]) };
    assert_eq!(given([]).when_by(None, Actor::Provider, &command), Err(Rejection::NotFound));
    assert_eq!(opened_and([resolved()]).when_intake(command), ["DeliveryReported"]);
}

// === what staff do ===

#[test]
fn staff_pause_with_a_reason_and_a_trimmed_note() {
    let expected = ConversationEvent::BotPaused {
        reason: PauseReason::Complaint,
        automatic: false,
        terms: PauseTerms::default(),
        personal: NotePersonal { text: Some("enojada".to_owned()) },
    };
    assert_eq!(opened_and([]).when(pause()), Ok(Decision::Append(vec![expected])));
}

#[test]
fn pausing_what_is_paused_and_resuming_what_is_active_is_already_so() {
    assert_eq!(opened_and([paused()]).when(pause()), Ok(Decision::AlreadySo));
    assert_eq!(
        opened_and([]).when(Command::ResumeBot {
            catch_up: crate::conversation::CatchUp::Know,
            note: None,
            farewell: None
        }),
        Ok(Decision::AlreadySo)
    );
    assert_eq!(
        names(&opened_and([paused()]).when(Command::ResumeBot {
            catch_up: crate::conversation::CatchUp::Know,
            note: None,
            farewell: None
        })),
        ["BotResumed"]
    );
}

#[test]
fn only_agents_supervisors_and_admins_act_on_conversations() {
    let commands = [
        pause(),
        Command::ResumeBot { catch_up: crate::conversation::CatchUp::Know, note: None, farewell: None },
        Command::Assign { agent: Some(agent("laura")), team: None },
        Command::Claim { agent: agent("laura") },
        Command::Resolve { reason: None, note: None },
        Command::Reopen,
        Command::AddNote { text: "x".to_owned() },
    ];
    for command in &commands {
        for role in [Role::Bot, Role::Analyst, Role::Ops] {
            let decided = opened_and([]).when_by(Some(role), laura(), command);
            assert_eq!(decided, Err(Rejection::Forbidden { role }), "{command:?}");
        }
        for role in [Role::Agent, Role::Supervisor, Role::Admin] {
            let decided = opened_and([]).when_by(Some(role), laura(), command);
            assert!(!matches!(decided, Err(Rejection::Forbidden { .. })), "{command:?}");
        }
        assert_eq!(given([]).when(command.clone()), Err(Rejection::NotFound));
    }
}

#[test]
fn a_claim_takes_what_is_nobodys_and_keeps_the_team() {
    let claim = Command::Claim { agent: agent("laura") };
    let expected = ConversationEvent::Assigned {
        agent: Some(agent("laura")),
        team: Some(team("ventas")),
        how: AssignmentHow::Claim,
    };
    let decided = opened_and([assigned(None, Some("ventas"))]).when(claim);
    assert_eq!(decided, Ok(Decision::Append(vec![expected])));
}

#[test]
fn a_lost_claim_names_the_winner() {
    let held = opened_and([assigned(Some("martin"), None)]);
    let lost = Err(Rejection::AlreadyAssigned { agent: agent("martin") });
    assert_eq!(held.when(Command::Claim { agent: agent("laura") }), lost);
    assert_eq!(held.when(Command::Claim { agent: agent("martin") }), Ok(Decision::AlreadySo));
}

#[test]
fn a_resolved_conversation_is_not_claimed() {
    assert_eq!(opened_and([resolved()]).when(Command::Claim { agent: agent("laura") }), Err(Rejection::Resolved));
}

#[test]
fn assigning_needs_somebody_and_repeats_as_already_so() {
    let nobody = Command::Assign { agent: None, team: None };
    assert_eq!(opened_and([]).when(nobody), Err(Rejection::Invalid { field: "agent", limit: 1 }));
    let to_team = || Command::Assign { agent: None, team: Some(team("ventas")) };
    assert_eq!(names(&opened_and([]).when(to_team())), ["Assigned"]);
    assert_eq!(opened_and([assigned(None, Some("ventas"))]).when(to_team()), Ok(Decision::AlreadySo));
}

#[test]
fn resolving_and_reopening_repeat_as_already_so() {
    let resolve = || Command::Resolve { reason: Some("turno dado".to_owned()), note: None };
    assert_eq!(names(&opened_and([]).when(resolve())), ["Resolved"]);
    assert_eq!(opened_and([resolved()]).when(resolve()), Ok(Decision::AlreadySo));
    assert_eq!(names(&opened_and([resolved()]).when(Command::Reopen)), ["Reopened"]);
    assert_eq!(opened_and([]).when(Command::Reopen), Ok(Decision::AlreadySo));
}

#[test]
fn notes_and_reasons_have_limits() {
    let note = |text: String| opened_and([]).when(Command::AddNote { text });
    assert_eq!(note("  ".to_owned()), Err(Rejection::Invalid { field: "text", limit: 4_000 }));
    assert_eq!(names(&note("ñ".repeat(4_000))), ["NoteAdded"]);
    assert_eq!(note("ñ".repeat(4_001)), Err(Rejection::Invalid { field: "text", limit: 4_000 }));
    let long = Command::Resolve { reason: Some("x".repeat(65)), note: None };
    assert_eq!(opened_and([]).when(long), Err(Rejection::Invalid { field: "reason", limit: 64 }));
}

// === what holds for every history ===

fn any_command() -> impl Strategy<Value = Command> {
    let who = || prop::sample::select(vec!["laura", "martin", "sofia"]);
    prop_oneof![
        Just(received(Medium::WhatsApp)),
        Just(received(Medium::Email)),
        Just(Command::RecordEcho { place: place(), message: text(MessageKind::Image) }),
        Just(Command::RecordRevoke { place: place(), message: MessageId::new([2; 16]) }),
        Just(pause()),
        Just(Command::ResumeBot { catch_up: crate::conversation::CatchUp::Know, note: None, farewell: None }),
        who().prop_map(|name| Command::Claim { agent: agent(name) }),
        who().prop_map(|name| Command::Assign { agent: Some(agent(name)), team: None }),
        Just(Command::Resolve { reason: None, note: None }),
        Just(Command::Reopen),
        Just(Command::AddNote { text: "x".to_owned() }),
        Just(Command::Unassign),
        Just(Command::SetPending { note: None }),
        Just(Command::Snooze { until: None, preset: None, note: None }),
        Just(Command::Snooze { until: Some(NOON + Duration::from_hours(4_000)), preset: None, note: None }),
        Just(Command::Unsnooze),
        (0u8..40).prop_map(|n| Command::AddTag { tag: TagId::new([n; 16]), deleted: BTreeSet::new() }),
        (0u8..40).prop_map(|n| Command::RemoveTag { tag: TagId::new([n; 16]) }),
        prop::sample::select(Priority::ALL.to_vec()).prop_map(|priority| Command::SetPriority { priority }),
        prop::option::of(0u64..60).prop_map(|through| Command::MarkRead { through }),
        Just(Command::PauseLinked),
    ]
}

proptest! {
    /// Whatever is decided can be applied, and asking for the same again right after it changes nothing more.
    #[test]
    fn intents_are_idempotent(commands in prop::collection::vec((any_command(), 0u64..200), 1..40)) {
        let mut state = State::default();
        let mut now = NOON;
        for (command, hours) in commands {
            now = now + Duration::from_hours(hours);
            let given = Given(state.clone(), now);
            let intake = matches!(
                command,
                Command::ReceiveMessage { .. } | Command::RecordEcho { .. } | Command::RecordRevoke { .. }
            );
            let (role, actor) = if intake { (None, Actor::Customer) } else { (Some(Role::Agent), laura()) };
            let Ok(Decision::Append(events)) = given.when_by(role, actor.clone(), &command) else { continue };
            prop_assert!(!events.is_empty());
            for event in &events {
                state = state.evolve(event, now, &actor);
            }
            let again = Given(state.clone(), now).when_by(role, actor.clone(), &command);
            let adds = intake || matches!(command, Command::AddNote { .. });
            if !adds {
                prop_assert_eq!(again, Ok(Decision::AlreadySo));
            }
        }
    }
}
