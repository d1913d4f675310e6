//! Pausing, all of it, through the door: terms, the lock, a message with the pause, a farewell, escalation, and what is asked before.

use relevo_domain::conversation::{ConversationEvent, PauseTerms};
use relevo_domain::{Caller, EntityId, Event, Role};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;
use relevo_proto::command::v1::send_service_server::SendService as _;
use relevo_proto::command::v1::{change_pause_request, pause_bot_request, pause_wish};
use relevo_proto::query::v1 as wire;
use relevo_proto::time::to_wire;

use crate::house::{Node, by, caller, carla, code, fresh, in_time, laura, now, only_on, pass, refused};
use crate::sending_house::{Business, message, send, template, tenant, words};

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

async fn node() -> (Node, EntityId) {
    let node = Node::start().await;
    let contact = node.contact(1).await;
    let conversation = node.conversation(1, contact, "wa").await;
    (node, conversation)
}

const fn seconds(seconds: i64) -> prost_types::Duration {
    prost_types::Duration { seconds, nanos: 0 }
}

fn pause(id: EntityId) -> proto::PauseBotRequest {
    let reason = wire::PauseReason::Complaint.into();
    proto::PauseBotRequest { command_id: fresh(), conversation_id: id.to_string(), reason, ..Default::default() }
}

fn pause_for(id: EntityId, time: prost_types::Duration) -> proto::PauseBotRequest {
    proto::PauseBotRequest { ends: Some(pause_bot_request::Ends::Duration(time)), ..pause(id) }
}

fn resume(id: EntityId) -> proto::ResumeBotRequest {
    proto::ResumeBotRequest { command_id: fresh(), conversation_id: id.to_string(), ..Default::default() }
}

fn change(id: EntityId) -> proto::ChangePauseRequest {
    proto::ChangePauseRequest { command_id: fresh(), conversation_id: id.to_string(), ..Default::default() }
}

fn escalate(id: EntityId) -> proto::EscalateRequest {
    proto::EscalateRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        agent_id: "carla".to_owned(),
        summary: "Pide hablar con el dueño".to_owned(),
        ..Default::default()
    }
}

fn wish() -> proto::PauseWish {
    proto::PauseWish { reason: wire::PauseReason::ProactiveMessage.into(), ..Default::default() }
}

fn helper() -> Caller {
    caller("demo", Role::Bot, "helper")
}

/// Everybody who must not touch a pause.
fn others() -> [Caller; 3] {
    [Role::Bot, Role::Analyst, Role::Ops].map(|role| caller("demo", role, "otro"))
}

#[tokio::test]
async fn a_timed_pause_says_when_it_ends_and_means_the_same_when_it_is_repeated() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    let request = pause_for(id, seconds(1_800));
    let until = now() + std::time::Duration::from_mins(30);
    let done = desk.pause_bot(by(&laura(), request.clone())).await.unwrap().into_inner();
    let shown = done.conversation.unwrap().pause.unwrap();
    assert_eq!((shown.until, shown.locked), (Some(to_wire(until)), false));

    pass(7 * SECOND);
    let again = desk.pause_bot(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((again.position, again.already_so), (done.position.clone(), false), "half an hour is half an hour");
    let longer = proto::PauseBotRequest { command_id: request.command_id.clone(), ..pause_for(id, seconds(1_801)) };
    assert_eq!(code(desk.pause_bot(by(&laura(), longer)).await), "COMMAND_ID_REUSED");
    let endless = proto::PauseBotRequest { ends: None, ..request };
    assert_eq!(code(desk.pause_bot(by(&laura(), endless)).await), "COMMAND_ID_REUSED");
    let second = desk.pause_bot(by(&laura(), pause(id))).await.unwrap().into_inner();
    assert!(second.already_so);
    assert_eq!(second.conversation.unwrap().pause.unwrap().until, Some(to_wire(until)), "the first one's terms stay");
}

#[tokio::test]
async fn an_end_that_makes_no_sense_is_refused_by_name_and_nothing_is_written() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    let before = node.commits().await.len();
    let at = |at| proto::PauseBotRequest { ends: Some(pause_bot_request::Ends::Until(at)), ..pause(id) };
    let year = 365 * 24 * 3_600;
    for (request, field) in [
        (at(to_wire(now())), "until"),
        (at(prost_types::Timestamp { seconds: 0, nanos: 0 }), "until"),
        (at(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }), "until"),
        (at(prost_types::Timestamp { seconds: 5, nanos: -1 }), "until"),
        (pause_for(id, seconds(0)), "until"),
        (pause_for(id, seconds(-5)), "duration"),
        (pause_for(id, seconds(year + 1)), "until"),
        (pause_for(id, seconds(i64::MAX)), "until"),
        (proto::PauseBotRequest { locked: true, ..pause_for(id, seconds(60)) }, "locked"),
        (proto::PauseBotRequest { reason: wire::PauseReason::Linked.into(), ..pause(id) }, "reason"),
    ] {
        let problem = refused(desk.pause_bot(by(&carla(), request.clone())).await);
        assert_eq!(problem.code.as_str(), "INVALID_ARGUMENT", "{request:?}");
        assert_eq!(problem.violations[0].field, field, "{request:?}");
        assert!(!problem.violations[0].description.contains("field-"), "{problem:?}");
    }
    assert_eq!(node.commits().await.len(), before);
    assert!(desk.pause_bot(by(&laura(), pause_for(id, seconds(year)))).await.is_ok(), "a year is allowed");
}

#[tokio::test]
async fn a_locked_pause_is_for_supervisors_to_end() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    let lock = proto::PauseBotRequest { locked: true, ..pause(id) };
    let forbidden = refused(desk.pause_bot(by(&laura(), lock.clone())).await);
    assert_eq!((forbidden.code.as_str(), forbidden.subject("role")), ("FORBIDDEN", Some("agent")));
    let done = desk.pause_bot(by(&carla(), lock)).await.unwrap().into_inner();
    assert!(done.conversation.unwrap().pause.unwrap().locked);

    let before = node.commits().await.len();
    pass(5 * SECOND);
    let problem = refused(desk.resume_bot(by(&laura(), resume(id))).await);
    assert_eq!(problem.code.as_str(), "PAUSE_LOCKED");
    assert_eq!(problem.subject("by"), Some("staff:carla"));
    assert_eq!(problem.subject("since"), Some("2027-01-15T08:00:00Z"));
    assert_eq!(code(desk.change_pause(by(&laura(), change(id))).await), "PAUSE_LOCKED");
    let last = proto::ResumeBotRequest { message: Some(message(words("Chau"))), ..resume(id) };
    assert_eq!(
        code(desk.resume_bot(by(&carla(), last)).await),
        "CHANNEL_CANNOT_SEND",
        "there is nobody who sends here"
    );
    assert_eq!(node.commits().await.len(), before);
    assert!(!desk.resume_bot(by(&carla(), resume(id))).await.unwrap().into_inner().already_so);
}

#[tokio::test]
async fn terms_are_changed_once_and_by_staff_alone() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    assert_eq!(code(desk.change_pause(by(&laura(), change(id))).await), "NOT_PAUSED");
    desk.pause_bot(by(&laura(), pause(id))).await.unwrap();
    let request = proto::ChangePauseRequest {
        ends: Some(change_pause_request::Ends::Duration(seconds(60))),
        note: "vuelvo enseguida".to_owned(),
        ..change(id)
    };
    for other in others() {
        assert_eq!(code(desk.change_pause(by(&other, request.clone())).await), "FORBIDDEN");
    }
    assert_eq!(code(desk.change_pause(by(&only_on("otro"), request.clone())).await), "CONVERSATION_NOT_FOUND");
    let stale = proto::ChangePauseRequest { expected_version: Some(1), ..request.clone() };
    assert_eq!(code(desk.change_pause(by(&laura(), stale)).await), "VERSION_CONFLICT");
    let done = desk.change_pause(by(&laura(), request.clone())).await.unwrap().into_inner();
    let until = Some(to_wire(now() + std::time::Duration::from_mins(1)));
    assert_eq!(done.conversation.unwrap().pause.unwrap().until, until);
    assert_eq!(node.events_of(id).await.last(), Some(&"PauseChanged"));

    pass(SECOND);
    let again = desk.change_pause(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((again.position, again.already_so), (done.position, false));
    let other = proto::ChangePauseRequest { note: "otra cosa".to_owned(), ..request };
    assert_eq!(code(desk.change_pause(by(&laura(), other)).await), "COMMAND_ID_REUSED");
    let same = proto::ChangePauseRequest { ends: until.map(change_pause_request::Ends::Until), ..change(id) };
    assert!(desk.change_pause(by(&laura(), same)).await.unwrap().into_inner().already_so);
}

#[tokio::test]
async fn an_escalation_is_one_commit_and_says_again_only_what_it_said() {
    let (node, id) = node().await;
    let desk = node.commands.conversations();
    let before = node.commits().await.len();
    for other in others() {
        assert_eq!(code(desk.escalate(by(&other, escalate(id))).await), "FORBIDDEN");
    }
    for (nobody, why) in [("martin", "an agent"), ("nadie", "nobody")] {
        let request = proto::EscalateRequest { agent_id: nobody.to_owned(), ..escalate(id) };
        let problem = refused(desk.escalate(by(&laura(), request)).await);
        assert_eq!((problem.code.as_str(), problem.subject("agent_id")), ("ASSIGNEE_NOT_FOUND", Some(nobody)), "{why}");
    }
    let empty = proto::EscalateRequest { summary: " ".to_owned(), agent_id: String::new(), ..escalate(id) };
    assert_eq!(refused(desk.escalate(by(&laura(), empty)).await).violations[0].field, "agent_id");
    let silent = proto::EscalateRequest { summary: " ".to_owned(), ..escalate(id) };
    assert_eq!(refused(desk.escalate(by(&laura(), silent)).await).violations[0].field, "summary");
    assert_eq!(node.commits().await.len(), before);

    let request = escalate(id);
    let done = desk.escalate(by(&laura(), request.clone())).await.unwrap().into_inner();
    let commit = node.commit_at(&done.position).await.commit;
    let names: Vec<_> = commit.events.iter().map(Event::name).collect();
    assert_eq!(names, ["BotPaused", "Assigned", "NoteAdded", "Escalated"]);
    let locked = PauseTerms { until: None, locked: true };
    assert!(
        matches!(&commit.events[0], Event::Conversation(ConversationEvent::BotPaused { terms, .. }) if *terms == locked)
    );
    let state = done.conversation.unwrap();
    assert_eq!(state.assignee.unwrap().agent_name, "CARLA");
    assert!(state.pause.unwrap().locked);
    assert!(done.message_id.starts_with("msg_"));

    pass(SECOND);
    let again = desk.escalate(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((again.position, again.message_id.as_str()), (done.position.clone(), ""));
    let other = proto::EscalateRequest { summary: "Otra cosa".to_owned(), ..request.clone() };
    assert_eq!(code(desk.escalate(by(&laura(), other)).await), "COMMAND_ID_REUSED");
    let as_pause = proto::PauseBotRequest { command_id: request.command_id, ..pause(id) };
    assert_eq!(code(desk.pause_bot(by(&laura(), as_pause)).await), "COMMAND_ID_REUSED");
    assert_eq!(code(desk.resume_bot(by(&laura(), resume(id))).await), "PAUSE_LOCKED");
    let more = desk.escalate(by(&laura(), escalate(id))).await.unwrap().into_inner();
    let names: Vec<_> = node.commit_at(&more.position).await.commit.events.iter().map(Event::name).collect();
    assert_eq!(names, ["NoteAdded", "Escalated"], "there is more to say, and nothing else to do");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_and_a_message_are_one_commit_and_one_command() {
    let house = Business::start().await;
    house.lets_the_bot_speak();
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    let first = desk.send_message(by(&helper(), send(id, words("Uno")))).await.unwrap().into_inner();
    desk.send_message(by(&helper(), send(id, words("Dos")))).await.unwrap();
    let message = house.queued_at(&first.position).await.id;
    let of = relevo_command::SendRef { tenant: tenant(), conversation: id, message };
    house.sends.claim(&of, "c", in_time(), now()).await.unwrap();

    let ends = Some(pause_wish::Ends::Duration(seconds(1_800)));
    let wish = Some(proto::PauseWish { ends, ..wish() });
    let request = proto::SendMessageRequest { pause: wish, ..send(id, words("Tenemos una promo")) };
    let bots = proto::SendMessageRequest { command_id: fresh(), ..request.clone() };
    assert_eq!(code(desk.send_message(by(&helper(), bots)).await), "FORBIDDEN");
    let sent = desk.send_message(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!(house.events_of(id).await[6..], ["BotPaused", "SendCancelled", "MessageQueued"]);
    assert_eq!(sent.already_claimed, [first.message_id]);
    let pause = sent.conversation.unwrap().pause.unwrap();
    assert_eq!((pause.reason(), pause.automatic), (wire::PauseReason::ProactiveMessage, false));
    assert!(pause.until.is_some());

    pass(SECOND);
    let again = desk.send_message(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((again.position, again.message_id), (sent.position, sent.message_id));
    let without = proto::SendMessageRequest { pause: None, ..request.clone() };
    assert_eq!(code(desk.send_message(by(&laura(), without)).await), "COMMAND_ID_REUSED");
    let other = proto::PauseWish { reason: wire::PauseReason::Complaint.into(), ..request.pause.clone().unwrap() };
    let other = proto::SendMessageRequest { pause: Some(other), ..request };
    assert_eq!(code(desk.send_message(by(&laura(), other)).await), "COMMAND_ID_REUSED");
    let bad = proto::SendMessageRequest { pause: Some(proto::PauseWish::default()), ..send(id, words("x")) };
    assert_eq!(refused(desk.send_message(by(&laura(), bad)).await).violations[0].field, "pause.reason");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_written_to_first_can_be_paused_first() {
    let house = Business::start().await;
    house.lets_the_bot_speak();
    house.with_templates().await;
    let desk = house.commands.sends(house.ports.clone());
    let request = proto::StartConversationRequest {
        command_id: fresh(),
        channel_id: "wa".to_owned(),
        recipient: "+34 600 111 222".to_owned(),
        message: Some(message(template("aviso", "Eva"))),
        pause: Some(wish()),
        ..Default::default()
    };
    let sent = desk.start_conversation(by(&laura(), request.clone())).await.unwrap().into_inner();
    let id = sent.conversation.unwrap().conversation_id.parse().unwrap();
    let events = house.events_of(id).await;
    assert_eq!(events, ["ConversationOpened", "EpisodeStarted", "BotPaused", "MessageQueued"]);
    let again = desk.start_conversation(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!(again.position, sent.position);
    let without = proto::StartConversationRequest { pause: None, ..request };
    assert_eq!(code(desk.start_conversation(by(&laura(), without)).await), "COMMAND_ID_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_farewell_and_the_resumption_are_one_commit_and_one_command() {
    let house = Business::start().await;
    house.with_templates().await;
    let id = house.conversation().await;
    let desk = house.commands.conversations();
    let farewell = |body| proto::ResumeBotRequest { message: Some(message(body)), ..resume(id) };
    let idle = desk.resume_bot(by(&laura(), farewell(template("nada", "x")))).await.unwrap().into_inner();
    assert!(idle.already_so, "who speaks with the bot is not said goodbye to, and nothing is looked up");
    desk.pause_bot(by(&laura(), pause(id))).await.unwrap();
    for other in others() {
        assert_eq!(code(desk.resume_bot(by(&other, farewell(template("nada", "x")))).await), "FORBIDDEN");
    }
    assert_eq!(code(desk.resume_bot(by(&laura(), farewell(template("nada", "x")))).await), "TEMPLATE_NOT_FOUND");
    let stale = proto::ResumeBotRequest { expected_version: Some(1), ..farewell(words("x")) };
    assert_eq!(code(desk.resume_bot(by(&laura(), stale)).await), "VERSION_CONFLICT");
    let empty = proto::ResumeBotRequest { message: Some(proto::OutgoingMessage::default()), ..resume(id) };
    assert_eq!(refused(desk.resume_bot(by(&laura(), empty)).await).violations[0].field, "message.body");

    let request = proto::ResumeBotRequest { note: "resuelto".to_owned(), ..farewell(words("Quedó todo resuelto.")) };
    let done = desk.resume_bot(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!(house.events_of(id).await[4..], ["MessageQueued", "BotResumed"], "and nothing pauses it again");
    assert_eq!(house.queued_at(&done.position).await.body.text(), Some("Quedó todo resuelto."));
    assert_eq!(done.conversation.unwrap().bot(), wire::BotState::Active);

    let again = desk.resume_bot(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((again.position, again.already_so), (done.position, false));
    let note = proto::ResumeBotRequest { note: "otra".to_owned(), ..request.clone() };
    assert_eq!(code(desk.resume_bot(by(&laura(), note)).await), "COMMAND_ID_REUSED");
    let text = proto::ResumeBotRequest { message: Some(message(words("Otra"))), ..request.clone() };
    assert_eq!(code(desk.resume_bot(by(&laura(), text)).await), "COMMAND_ID_REUSED");
    let plain = proto::ResumeBotRequest { message: None, ..request.clone() };
    assert_eq!(code(desk.resume_bot(by(&laura(), plain)).await), "COMMAND_ID_REUSED");
    let sends = house.commands.sends(house.ports.clone());
    let as_message =
        proto::SendMessageRequest { command_id: request.command_id, ..send(id, words("Quedó todo resuelto.")) };
    assert_eq!(code(sends.send_message(by(&laura(), as_message)).await), "COMMAND_ID_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_farewell_after_a_day_is_a_template_or_nothing_happens() {
    let house = Business::start().await;
    house.with_templates().await;
    let id = house.conversation().await;
    let desk = house.commands.conversations();
    desk.pause_bot(by(&laura(), pause(id))).await.unwrap();
    pass(DAY);
    let farewell = |body| proto::ResumeBotRequest { message: Some(message(body)), ..resume(id) };
    let problem = refused(desk.resume_bot(by(&laura(), farewell(words("Tarde")))).await);
    assert_eq!(problem.code.as_str(), "WINDOW_CLOSED");
    assert!(problem.preconditions.iter().any(|one| one.subject == "aviso"), "{problem:?}");
    assert_eq!(house.events_of(id).await.last(), Some(&"BotPaused"), "still silent");
    desk.resume_bot(by(&laura(), farewell(template("aviso", "María")))).await.unwrap();
    assert_eq!(house.events_of(id).await[4..], ["MessageQueued", "BotResumed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn before_a_pause_a_person_is_told_what_it_does() {
    let house = Business::start().await;
    house.lets_the_bot_speak();
    let id = house.conversation().await;
    let sends = house.commands.sends(house.ports.clone());
    let first = sends.send_message(by(&helper(), send(id, words("Uno")))).await.unwrap().into_inner();
    let second = sends.send_message(by(&helper(), send(id, words("Dos")))).await.unwrap().into_inner();
    sends.send_message(by(&laura(), send(id, words("De una persona")))).await.unwrap();
    let message = house.queued_at(&first.position).await.id;
    let of = relevo_command::SendRef { tenant: tenant(), conversation: id, message };
    house.sends.claim(&of, "c", in_time(), now()).await.unwrap();
    let before = house.last_sequence().await;
    let desk = house.commands.conversations();
    let request = proto::PreviewPauseRequest { conversation_id: id.to_string() };
    let mut spanish = by(&laura(), request.clone());
    spanish.metadata_mut().insert("accept-language", "es".parse().unwrap());
    let shown = desk.preview_pause(spanish).await.unwrap().into_inner();
    assert_eq!(shown.question, "¿Pausar conversación con María?");
    assert_eq!(
        shown.consequences,
        [
            "El bot dejará de responder automáticamente.",
            "Tendrá que enviar mensajes manualmente.",
            "No se avisa al cliente.",
            "Se cancela un mensaje del bot que espera.",
            "Un mensaje del bot ya se está entregando y no se puede detener.",
        ]
    );
    assert_eq!((shown.cancel_label.as_str(), shown.confirm_label.as_str()), ("Cancelar", "Pausar conversación"));
    assert_eq!((shown.waiting, shown.already_claimed), (vec![second.message_id], vec![first.message_id]));
    assert!(shown.allowed);
    assert_eq!(shown.contact_name, "María");
    for other in others() {
        assert_eq!(code(desk.preview_pause(by(&other, request.clone())).await), "FORBIDDEN");
    }
    assert_eq!(code(desk.preview_pause(by(&only_on("otro"), request.clone())).await), "CONVERSATION_NOT_FOUND");
    assert_eq!(house.last_sequence().await, before, "nothing is written");

    desk.escalate(by(&laura(), escalate(id))).await.unwrap();
    let shown = desk.preview_pause(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!(shown.question, "Resume the bot for María?");
    assert_eq!(shown.conversation.unwrap().bot(), wire::BotState::Paused);
    assert!(
        !shown.allowed && shown.consequences.last().unwrap().contains("only a supervisor"),
        "{:?}",
        shown.consequences
    );
    let shown = desk.preview_pause(by(&carla(), request)).await.unwrap().into_inner();
    assert!(shown.allowed && shown.waiting.is_empty(), "{shown:?}");
}
