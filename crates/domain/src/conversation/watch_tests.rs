//! What the detection does to a conversation, one sentence each. What it finds at all: the tests of `detection`.

use std::sync::Arc;
use std::time::Duration;

use super::decide_tests::{Given, NOON, agent, laura, names, opened_and, paused, place, resolved, text};
use super::send_tests::{id, outgoing, queued, started};
use super::*;
use crate::access::Role;
use crate::actor::Actor;
use crate::detection::{Act, Policy, Rule};
use crate::id::MessageId;

const TOMORROW: &str = "Mañana tenemos disponibles: 10:00, 11:30, 15:00";
const DAY: Duration = Duration::from_hours(24);

#[expect(clippy::unnecessary_wraps, reason = "as commands have it")]
fn default() -> Option<Arc<Policy>> {
    Some(Arc::default())
}

#[expect(clippy::unnecessary_wraps, reason = "as commands have it")]
fn acting(rule: Rule, act: Act) -> Option<Arc<Policy>> {
    let mut policy = Policy::default();
    policy.set_act(rule, act);
    Some(Arc::new(policy))
}

fn said(n: u8, words: &str) -> Box<Message> {
    let mut message = text(MessageKind::Text);
    (message.id, message.content.personal.text) = (id(n), Some(words.to_owned()));
    message
}

fn receives(n: u8, words: &str, detection: Option<Arc<Policy>>) -> Command {
    Command::ReceiveMessage { place: place(), message: said(n, words), detection }
}

fn sends(n: u8, author: Author, words: &str, pauses_bot: bool, detection: Option<Arc<Policy>>) -> Send {
    Send {
        outgoing: outgoing(n, author, Body::Text { text: words.to_owned(), preview_url: false }),
        place: None,
        last_seen_version: None,
        force: false,
        pauses_bot,
        pause: None,
        turn: None,
        channel_paused: false,
        detection,
    }
}

/// What staff sends to somebody who has not written.
fn reminder(n: u8, pauses_bot: bool, detection: Option<Arc<Policy>>) -> Send {
    let template = Body::Template(Box::new(TemplateUse {
        name: "aviso".to_owned(),
        language: "es".to_owned(),
        provider_id: None,
        values: vec![],
        header_file: None,
        preview: "Le recordamos su turno".to_owned(),
    }));
    Send { outgoing: outgoing(n, Author::Staff, template), ..sends(n, Author::Staff, "", pauses_bot, detection) }
}

/// A conversation as it goes on.
struct Talk(Given);

impl Talk {
    fn new(events: impl IntoIterator<Item = ConversationEvent>) -> Self {
        Self(opened_and(events))
    }

    #[track_caller]
    fn does(&mut self, role: Option<Role>, actor: Actor, command: &Command) -> Vec<ConversationEvent> {
        let Ok(Decision::Append(events)) = self.0.when_by(role, actor.clone(), command) else {
            panic!("nothing was appended: {command:?}")
        };
        let now = self.0.1;
        let state = std::mem::take(&mut self.0.0);
        self.0.0 = events.iter().fold(state, |state, event| state.evolve(event, now, &actor));
        events
    }

    fn customer(&mut self, n: u8, words: &str) -> Vec<&'static str> {
        self.customer_with(n, words, default())
    }

    fn customer_with(&mut self, n: u8, words: &str, policy: Option<Arc<Policy>>) -> Vec<&'static str> {
        let events = self.does(None, Actor::Customer, &receives(n, words, policy));
        events.iter().map(ConversationEvent::name).collect()
    }

    fn bot(&mut self, n: u8, words: &str, policy: Option<Arc<Policy>>) -> Vec<ConversationEvent> {
        let send = sends(n, Author::Bot, words, true, policy);
        self.does(Some(Role::Bot), Actor::Bot(agent("helper")), &Command::SendMessage(Box::new(send)))
    }

    fn staff(&mut self, n: u8, pauses_bot: bool, policy: Option<Arc<Policy>>) -> Vec<ConversationEvent> {
        let send = reminder(n, pauses_bot, policy);
        self.does(Some(Role::Agent), laura(), &Command::SendMessage(Box::new(send)))
    }

    fn opened(&self) -> &Opened {
        self.0.0.opened.as_ref().unwrap()
    }
}

fn listed(events: &[ConversationEvent]) -> Vec<&'static str> {
    events.iter().map(ConversationEvent::name).collect()
}

fn found(events: &[ConversationEvent]) -> Detection {
    let detection = |event: &ConversationEvent| match event {
        ConversationEvent::SituationDetected(found) => Some((**found).clone()),
        _ => None,
    };
    events.iter().find_map(detection).expect("something was detected")
}

// === the customer ===

#[test]
fn a_complaint_pauses_the_bot_in_the_commit_of_the_message() {
    let mut talk = Talk::new([queued(1, Author::Bot), started(1, 1), queued(2, Author::Bot)]);
    let complaint = receives(3, "Me cobraron de más", default());
    let events = talk.does(None, Actor::Customer, &complaint);
    let order = ["MessageReceived", "SituationDetected", "BotPaused", "SendCancelled"];
    assert_eq!(listed(&events), order, "what was claimed is on its way, what was not is taken back");
    let detection = found(&events);
    assert_eq!((detection.rule, detection.act), (Rule::Complaint, Act::Pause));
    assert_eq!((detection.messages, detection.count), (vec![id(3)], 1));
    assert_eq!(detection.personal.text.as_deref(), Some("cobraron de mas"));
    let Bot::Paused { reason, by, since, .. } = &talk.opened().bot else { panic!("the bot is active") };
    assert_eq!(
        (*reason, by, *since),
        (PauseReason::Complaint, &Actor::System, NOON),
        "Relevo did it, not the customer"
    );
}

#[test]
fn the_bot_never_gets_the_message_that_paused_it() {
    let mut talk = Talk::new([]);
    talk.customer(1, "hola");
    assert!(talk.opened().turns.due.is_some(), "of a message that pauses nothing it does");
    talk.customer(2, "NO FUNCIONA ESTO");
    assert_eq!(talk.opened().turns.due, None);
    let bot = Actor::Bot(agent("helper"));
    let start = Command::StartTurn { claim: "c".to_owned(), until: NOON + DAY };
    let refused = talk.0.when_by(Some(Role::Bot), bot, &start);
    assert!(
        matches!(refused, Err(Rejection::BotPaused { reason: PauseReason::FrustratedCustomer, .. })),
        "{refused:?}"
    );
}

#[test]
fn a_first_message_can_be_a_complaint() {
    let decided =
        Given(State::default(), NOON).when_by(None, Actor::Customer, &receives(1, "Me cobraron de más", default()));
    let order = ["ConversationOpened", "EpisodeStarted", "MessageReceived", "SituationDetected", "BotPaused"];
    assert_eq!(names(&decided), order);
}

#[test]
fn nothing_is_detected_for_a_bot_that_is_paused() {
    assert_eq!(Talk::new([paused()]).customer(1, "Me cobraron de más"), ["MessageReceived"]);
    let linked = Place { contact_paused: true, ..place() };
    let message =
        Command::ReceiveMessage { place: linked, message: said(1, "Me cobraron de más"), detection: default() };
    assert_eq!(names(&opened_and([]).when_by(None, Actor::Customer, &message)), ["BotPaused", "MessageReceived"]);
}

#[test]
fn what_no_person_says_now_is_no_situation() {
    for spoil in [
        |message: &mut Message| message.flags.imported = true,
        |message: &mut Message| message.flags.automatic = true,
        |message: &mut Message| message.content.kind = MessageKind::System,
    ] {
        let mut message = said(1, "Me cobraron de más");
        spoil(&mut message);
        let mut talk = Talk::new([]);
        let command = Command::ReceiveMessage { place: place(), message, detection: default() };
        assert_eq!(listed(&talk.does(None, Actor::Provider, &command)), ["MessageReceived"]);
        assert_eq!(talk.opened().watch, Watch::default(), "nor is it remembered");
    }
}

#[test]
fn without_a_policy_nothing_is_detected_and_rules_that_are_off_find_nothing() {
    assert_eq!(Talk::new([]).customer_with(1, "Me cobraron de más", None), ["MessageReceived"]);
    let off = acting(Rule::Complaint, Act::Off);
    assert_eq!(Talk::new([]).customer_with(1, "Me cobraron de más", off), ["MessageReceived"]);
}

#[test]
fn a_rule_suggests_once_an_episode_and_hides_no_other_rule() {
    let mut talk = Talk::new([]);
    assert_eq!(talk.customer(1, "¿Aceptan seguro médico?"), ["MessageReceived", "SituationDetected"]);
    assert_eq!(talk.opened().watch.suggestions.len(), 1);
    assert!(talk.opened().turns.due.is_some(), "the bot goes on");
    assert_eq!(talk.customer(2, "¿Aceptan seguro médico?"), ["MessageReceived"]);
    let also = "¿Aceptan seguro médico? ¿Cuánto cuesta el servicio X?";
    assert_eq!(talk.customer(3, also), ["MessageReceived", "SituationDetected"], "the price is another rule's");
    assert_eq!(
        talk.customer(4, "¿Aceptan seguro médico? No funciona"),
        ["MessageReceived", "SituationDetected", "BotPaused"]
    );
    assert_eq!(talk.opened().watch.suggestions, [], "nothing is left to suggest");
}

#[test]
fn an_episode_begins_with_an_empty_memory() {
    let mut talk = Talk::new([]);
    talk.customer(1, "Necesito cita para mañana");
    talk.customer(2, "Necesito cita para mañana");
    talk.does(Some(Role::Agent), laura(), &Command::Resolve { reason: None, note: None });
    talk.0 = talk.0.later(Duration::from_hours(100));
    assert_eq!(talk.customer(3, "Necesito cita para mañana"), ["EpisodeStarted", "MessageReceived"]);
    assert_eq!(talk.customer(4, "Necesito cita para mañana"), ["MessageReceived"]);
    assert_eq!(talk.customer(5, "Necesito cita para mañana"), ["MessageReceived", "SituationDetected"]);
}

#[test]
fn a_resolved_conversation_suggests_nothing() {
    let mut talk = Talk::new([]);
    talk.customer(1, "¿Aceptan seguro médico?");
    talk.does(Some(Role::Agent), laura(), &Command::Resolve { reason: None, note: None });
    assert_eq!(talk.opened().watch.suggestions, []);
    assert_eq!(Talk::new([resolved()]).customer(1, "¿Aceptan seguro médico?").last(), Some(&"SituationDetected"));
}

/// What lasts would pause again with every message: whoever resumes the bot has seen it.
#[test]
fn who_resumes_the_bot_begins_the_counting_anew() {
    let policy = || acting(Rule::RepeatedQuestion, Act::Pause);
    let mut talk = Talk::new([]);
    for n in 1..=2 {
        talk.customer_with(n, "Necesito cita para mañana", policy());
    }
    let third = talk.customer_with(3, "Necesito cita para mañana", policy());
    assert_eq!(third, ["MessageReceived", "SituationDetected", "BotPaused"]);
    let resume = Command::ResumeBot { catch_up: CatchUp::Answer, note: None, farewell: None };
    talk.does(Some(Role::Agent), laura(), &resume);
    assert_eq!(talk.customer_with(4, "Necesito cita para mañana", policy()), ["MessageReceived"]);
    let again = talk.customer_with(5, "Hola?", policy());
    assert_eq!(again, ["MessageReceived", "SituationDetected", "BotPaused"], "who waits goes on waiting");
}

// === the bot ===

#[test]
fn the_bots_third_equal_answer_is_suggested_with_it() {
    let mut talk = Talk::new([]);
    for (question, answer) in [(1, 2), (3, 4)] {
        talk.customer(question, if question == 1 { "hola" } else { "turno" });
        assert_eq!(listed(&talk.bot(answer, TOMORROW, default())), ["MessageQueued"]);
    }
    talk.customer(5, "bueno");
    let events = talk.bot(6, TOMORROW, default());
    assert_eq!(listed(&events), ["MessageQueued", "SituationDetected"], "it goes out");
    assert_eq!((found(&events).rule, found(&events).messages), (Rule::RepeatedAnswer, vec![id(2), id(4), id(6)]));
    assert_eq!(talk.customer(7, "bueno"), ["MessageReceived"], "once is enough");
}

#[test]
fn an_answer_that_pauses_the_bot_does_not_go_out() {
    let policy = || acting(Rule::RepeatedAnswer, Act::Pause);
    let mut talk = Talk::new([]);
    for (question, answer) in [(1, 2), (3, 4)] {
        talk.customer_with(question, if question == 1 { "hola" } else { "turno" }, policy());
        talk.bot(answer, TOMORROW, policy());
    }
    let events = talk.bot(6, TOMORROW, policy());
    let names = listed(&events);
    assert_eq!(&names[..3], ["MessageQueued", "SituationDetected", "BotPaused"]);
    let cancelled: Vec<MessageId> = events
        .iter()
        .filter_map(|event| match event {
            ConversationEvent::SendCancelled { message, cause: CancelCause::BotPaused } => Some(*message),
            _ => None,
        })
        .collect();
    assert_eq!(cancelled, [id(2), id(4), id(6)], "nor what waits");
    assert_eq!(talk.opened().outbox, []);
    assert!(matches!(talk.opened().bot, Bot::Paused { reason: PauseReason::BotError, .. }));
}

// === staff ===

#[test]
fn staff_who_write_first_pause_the_bot_for_that_reason() {
    let mut talk = Talk::new([queued(1, Author::Bot)]);
    let events = talk.staff(2, true, default());
    assert_eq!(listed(&events), ["SituationDetected", "BotPaused", "SendCancelled", "MessageQueued"]);
    assert_eq!((found(&events).rule, found(&events).act), (Rule::ProactiveSend, Act::Pause));
    assert!(matches!(talk.opened().bot, Bot::Paused { reason: PauseReason::ProactiveMessage, .. }));
}

#[test]
fn staff_who_answer_take_over() {
    let mut talk = Talk::new([]);
    talk.customer(1, "hola");
    assert_eq!(listed(&talk.staff(2, true, default())), ["BotPaused", "MessageQueued"]);
    assert!(matches!(talk.opened().bot, Bot::Paused { reason: PauseReason::HumanTakeover, .. }));
}

#[test]
fn where_staff_do_not_pause_the_bot_writing_first_is_suggested() {
    let mut talk = Talk::new([]);
    assert_eq!(listed(&talk.staff(1, false, default())), ["MessageQueued", "SituationDetected"]);
    assert_eq!(talk.opened().watch.suggestions.len(), 1);
    assert_eq!(listed(&talk.staff(2, false, default())), ["MessageQueued"], "only the first");
    let always = acting(Rule::ProactiveSend, Act::Pause);
    assert_eq!(listed(&Talk::new([]).staff(1, false, always)), ["SituationDetected", "BotPaused", "MessageQueued"]);
    let off = acting(Rule::ProactiveSend, Act::Off);
    assert_eq!(listed(&Talk::new([]).staff(1, true, off)), ["BotPaused", "MessageQueued"]);
}

#[test]
fn a_first_message_of_the_business_is_written_first() {
    let send = Send { place: Some(place()), ..reminder(1, true, default()) };
    let decided = Given(State::default(), NOON).when(Command::SendMessage(Box::new(send)));
    let order = ["ConversationOpened", "EpisodeStarted", "SituationDetected", "BotPaused", "MessageQueued"];
    assert_eq!(names(&decided), order);
}

#[test]
fn a_pause_that_somebody_asks_for_has_their_reason() {
    let mut talk = Talk::new([]);
    let wish = PauseWish { reason: PauseReason::Other, note: None, terms: PauseTerms::default() };
    let send = Send { pause: Some(wish), ..reminder(1, true, default()) };
    let events = talk.does(Some(Role::Agent), laura(), &Command::SendMessage(Box::new(send)));
    assert_eq!(listed(&events), ["BotPaused", "MessageQueued"]);
}

// === suggestions ===

#[test]
fn a_suggestion_is_taken_or_not_wanted_once() {
    for accepted in [true, false] {
        let mut talk = Talk::new([queued(9, Author::Bot)]);
        talk.customer(1, "¿Aceptan seguro médico?");
        let number = talk.opened().watch.suggestions[0].number;
        let take = Command::AcceptSuggestion { suggestion: number, note: None, terms: PauseTerms::default() };
        let dismiss = Command::DismissSuggestion { suggestion: number };
        let (command, expected) = if accepted {
            (&take, &["SuggestionClosed", "BotPaused", "SendCancelled"][..])
        } else {
            (&dismiss, &["SuggestionClosed"][..])
        };
        assert_eq!(listed(&talk.does(Some(Role::Agent), laura(), command)), expected);
        for again in [&take, &dismiss] {
            assert_eq!(talk.0.when_by(Some(Role::Agent), laura(), again), Err(Rejection::SuggestionNotFound));
        }
        if accepted {
            let Bot::Paused { reason, by, .. } = &talk.opened().bot else { panic!("the bot is active") };
            assert_eq!((*reason, by), (PauseReason::ComplexQuery, &laura()));
        } else {
            assert_eq!(talk.customer(2, "¿Aceptan seguro médico?"), ["MessageReceived"], "not in this episode");
        }
    }
}

#[test]
fn only_staff_answers_suggestions() {
    let mut talk = Talk::new([]);
    talk.customer(1, "¿Aceptan seguro médico?");
    let suggestion = talk.opened().watch.suggestions[0].number;
    for role in Role::ALL.into_iter().filter(|role| !role.is_staff()) {
        for command in [
            Command::AcceptSuggestion { suggestion, note: None, terms: PauseTerms::default() },
            Command::DismissSuggestion { suggestion },
        ] {
            assert_eq!(talk.0.when_by(Some(role), laura(), &command), Err(Rejection::Forbidden { role }));
        }
    }
}
