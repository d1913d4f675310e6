//! Messages to customers on WhatsApp: what is queued, what a repetition answers, and what is refused before any provider is asked.

use relevo_domain::Role;
use relevo_domain::conversation::{Author, Body, MailPersonal, QUEUED_MAX};
use relevo_proto::Problem;
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;
use relevo_proto::command::v1::send_service_server::SendService as _;
use relevo_proto::command::v1::workspace_service_server::WorkspaceService as _;
use relevo_proto::query::v1 as wire;

use crate::house::{by, caller, carla, code, fresh, in_time, laura, now, only_on, pass, refused};
use crate::sending_house::{Business, NUMBER, TEXT_MAX, hash, message_id, send, template, tenant, words};

const DAY: i64 = 24 * 60 * 60 * 1000;

fn helper() -> relevo_domain::Caller {
    caller("demo", Role::Bot, "helper")
}

/// The kind, subject and description of what a refusal names.
fn named(problem: &Problem) -> Vec<(&str, &str, &str)> {
    let all = problem.preconditions.iter();
    all.map(|it| (it.kind.as_str(), it.subject.as_str(), it.description.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_queued_once_however_often_it_is_asked_for() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    let request = send(id, words("Buenas tardes"));
    let first = desk.send_message(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((first.version, first.already_so), (5, false));
    assert!(first.message_id.starts_with("msg_"));
    let state = first.conversation.clone().unwrap();
    assert_eq!((state.bot, state.unread), (wire::BotState::Paused as i32, false), "she took over, and has read");
    assert_eq!(house.events_of(id).await[3..], ["BotPaused", "MessageQueued"]);

    let queued = house.queued_at(&first.position).await;
    assert_eq!((queued.author, queued.automatic), (Author::Staff, false));
    assert_eq!(queued.personal.to.value, NUMBER);
    assert_eq!(queued.personal.author_name.as_deref(), Some("LAURA"));
    assert_eq!(queued.body, Body::Text { text: "Buenas tardes".to_owned(), preview_url: false });

    // On this node and on another one.
    for node in [&house, &house.another().await] {
        let again = node.commands.sends(node.ports.clone()).send_message(by(&laura(), request.clone())).await;
        assert_eq!(again.unwrap().into_inner(), first);
    }
    let other = proto::SendMessageRequest { message: send(id, words("Otra cosa")).message, ..request.clone() };
    assert_eq!(code(desk.send_message(by(&laura(), other)).await), "COMMAND_ID_REUSED");
    assert_eq!(code(desk.send_message(by(&carla(), request)).await), "COMMAND_ID_REUSED", "somebody else's");
    assert_eq!(house.events_of(id).await.len(), 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_answer_says_who_wrote_what() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    let first = desk.send_message(by(&carla(), send(id, words("Ya le contesto")))).await.unwrap().into_inner();
    let late = proto::SendMessageRequest { last_seen_version: Some(3), ..send(id, words("Hola, ¿en qué ayudo?")) };
    let problem = refused(desk.send_message(by(&laura(), late.clone())).await);
    assert_eq!(problem.code.as_str(), "STALE_VIEW");
    let about = |key| problem.subject(key).unwrap_or_default().to_owned();
    assert_eq!((about("by"), about("by_name")), ("staff:carla".to_owned(), "CARLA".to_owned()));
    assert_eq!((about("message_id"), about("version")), (first.message_id.clone(), "5".to_owned()));
    assert_eq!(about("at"), "2027-01-15T08:00:00Z");
    assert_eq!(named(&problem), [("ANSWER", first.message_id.as_str(), "Ya le contesto")]);
    assert!(!problem.text().contains("contesto") && !problem.message.contains("contesto"), "texts are not personal");
    let forced = proto::SendMessageRequest { force: true, ..late };
    assert!(desk.send_message(by(&laura(), forced)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_window_names_the_templates_that_would_do() {
    let house = Business::start().await;
    let id = house.conversation().await;
    house.with_templates().await;
    let desk = house.commands.sends(house.ports.clone());
    pass(DAY - 1);
    desk.send_message(by(&laura(), send(id, words("A tiempo")))).await.unwrap();
    pass(1);
    let before = house.last_sequence().await;
    let problem = refused(desk.send_message(by(&laura(), send(id, words("Tarde")))).await);
    assert_eq!(problem.code.as_str(), "WINDOW_CLOSED");
    assert_eq!(problem.subject("expired_at"), Some("2027-01-16T08:00:00Z"));
    assert_eq!(named(&problem), [("TEMPLATE", "aviso", "en"), ("TEMPLATE", "aviso", "es_AR")], "not the paused one");
    assert_eq!(house.last_sequence().await, before, "nothing was written");

    let sent = desk.send_message(by(&laura(), send(id, template("aviso", "María")))).await.unwrap().into_inner();
    let Body::Template(used) = house.queued_at(&sent.position).await.body else { panic!("a template") };
    assert_eq!((used.language.as_str(), used.preview.as_str()), ("es_AR", "Hola María, llegó su pedido."));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_template_is_said_by_name() {
    let house = Business::start().await;
    let id = house.conversation().await;
    house.with_templates().await;
    let desk = house.commands.sends(house.ports.clone());
    let problem = async |body| refused(desk.send_message(by(&laura(), send(id, body))).await);

    let unknown = problem(template("nada", "x")).await;
    assert_eq!((unknown.code.as_str(), unknown.subject("template")), ("TEMPLATE_NOT_FOUND", Some("nada")));
    let paused = problem(template("promo", "x")).await;
    assert_eq!((paused.code.as_str(), paused.subject("status")), ("TEMPLATE_NOT_USABLE", Some("paused")));
    for (value, what) in [(" ", "blank"), ("a\nb", "spacing")] {
        let wrong = problem(template("aviso", value)).await;
        assert_eq!((wrong.code.as_str(), wrong.subject("problem")), ("TEMPLATE_PARAMETERS", Some(what)));
        assert_eq!(named(&wrong), [("VARIABLE", "1", what)]);
    }
    let empty = proto::OutgoingTemplate { name: "aviso".to_owned(), ..Default::default() };
    let missing = problem(proto::outgoing_message::Body::Template(empty.clone())).await;
    assert_eq!(missing.subject("problem"), Some("missing"));
    // A second value would stand where the next variable belongs.
    let value = |value: &str| proto::OutgoingTemplateValue {
        variable: "1".to_owned(),
        value: value.to_owned(),
        ..Default::default()
    };
    let twice = proto::OutgoingTemplate { values: vec![value("Ana"), value("Eva")], ..empty.clone() };
    let twice = problem(proto::outgoing_message::Body::Template(twice)).await;
    assert_eq!(twice.subject("problem"), Some("repeated"));
    assert_eq!(named(&twice), [("VARIABLE", "1", "repeated")]);
    let place = problem(template("mapa", "Ana")).await;
    assert_eq!((place.code.as_str(), place.subject("problem")), ("TEMPLATE_PARAMETERS", Some("header_location")));
    let elsewhere = proto::OutgoingTemplate { language: "fr".to_owned(), ..empty };
    assert_eq!(problem(proto::outgoing_message::Body::Template(elsewhere)).await.code.as_str(), "TEMPLATE_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_channel_does_not_take_is_said_by_name() {
    use proto::outgoing_message::Body;
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    let media = |n, kind: proto::MediaKind| {
        let file = proto::FileRef { sha256: hash(n), mime_type: "text/html".to_owned(), file_name: "a.png".to_owned() };
        Body::Media(proto::OutgoingMedia { kind: kind.into(), file: Some(file), caption: String::new() })
    };
    let problem = async |body| refused(desk.send_message(by(&laura(), send(id, body))).await);

    let missing = problem(media(9, proto::MediaKind::Image)).await;
    assert_eq!((missing.code.as_str(), missing.subject("sha256")), ("ATTACHMENT_NOT_FOUND", Some(hash(9).as_str())));
    let big = problem(media(2, proto::MediaKind::Video)).await;
    assert_eq!((big.code.as_str(), big.subject("limit_bytes")), ("ATTACHMENT_TOO_BIG", Some("1000")));
    let long = problem(words(&"a".repeat(TEXT_MAX + 1))).await;
    assert_eq!((long.code.as_str(), long.violations[0].field.as_str()), ("INVALID_ARGUMENT", "text"));
    let card = proto::OutgoingContact { name: "Ana".to_owned(), ..Default::default() };
    let cards = Body::Contacts(proto::OutgoingContacts { contacts: vec![card] });
    assert_eq!(problem(cards).await.subject("what"), Some("contacts"));
    let mail = Body::Mail(proto::OutgoingMail { text: "Hola".to_owned(), ..Default::default() });
    assert_eq!(problem(mail).await.code.as_str(), "CHANNEL_CANNOT_SEND");

    let sent = desk.send_message(by(&laura(), send(id, media(1, proto::MediaKind::Image)))).await.unwrap().into_inner();
    let queued = house.queued_at(&sent.position).await;
    let file = &queued.body.files()[0];
    assert_eq!((file.mime_type.as_str(), file.size_bytes), ("image/png", 10), "the content says what it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_quoted_must_be_in_the_conversation() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let elsewhere = house.mail(8, "ana@example.com", MailPersonal::default()).await;
    assert_ne!(id, elsewhere);
    let desk = house.commands.sends(house.ports.clone());
    let quoting = |reply_to: String| {
        let mut request = send(id, words("Sobre esto"));
        request.message.as_mut().unwrap().reply_to = reply_to;
        request
    };
    let sent = desk.send_message(by(&laura(), quoting(message_id(1).to_string()))).await.unwrap().into_inner();
    let queued = house.queued_at(&sent.position).await;
    assert_eq!(queued.reply_to, Some(message_id(1)));
    assert_eq!(queued.personal.reply_to_provider_id.as_deref(), Some("wamid.1"));
    for other in [message_id(8), message_id(99)] {
        let answer = desk.send_message(by(&laura(), quoting(other.to_string()))).await;
        assert_eq!(code(answer), "MESSAGE_NOT_FOUND", "another conversation's, or nobody's");
    }

    // What we sent can be quoted, and reacted to once the provider has it.
    let react = |target: &str| {
        let (message_id, emoji) = (target.to_owned(), "👍".to_owned());
        send(id, proto::outgoing_message::Body::Reaction(proto::OutgoingReaction { message_id, emoji }))
    };
    assert_eq!(code(desk.send_message(by(&laura(), react(&sent.message_id))).await), "MESSAGE_NOT_FOUND");
    let of = relevo_command::SendRef { tenant: tenant(), conversation: id, message: queued.id };
    house.sends.claim(&of, "c", in_time(), now()).await.unwrap();
    house.sends.accepted(&of, 1, &crate::house::channel("wa"), "wamid.ours", now()).await.unwrap();
    let reacted = desk.send_message(by(&laura(), react(&sent.message_id))).await.unwrap().into_inner();
    let Body::Reaction { target, target_provider_id, .. } = house.queued_at(&reacted.position).await.body else {
        panic!("a reaction")
    };
    assert_eq!((target, target_provider_id.as_str()), (queued.id, "wamid.ours"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quick_reply_is_sent_with_its_variables_filled_in() {
    use proto::outgoing_message::Body;
    let house = Business::start().await;
    let id = house.conversation().await;
    let workspace = house.commands.workspaces();
    for (name, text) in [("saludo", "Hola {contact.name}, soy {agent.name}"), ("casa", "{business.name}")] {
        let set = proto::SetQuickReplyRequest {
            command_id: fresh(),
            name: name.to_owned(),
            title: "Saludo".to_owned(),
            text: text.to_owned(),
            ..Default::default()
        };
        let answer = workspace.set_quick_reply(by(&carla(), set.clone())).await.unwrap().into_inner();
        assert_eq!(workspace.set_quick_reply(by(&carla(), set.clone())).await.unwrap().into_inner(), answer);
        assert_eq!(code(workspace.set_quick_reply(by(&laura(), set)).await), "COMMAND_ID_REUSED");
    }
    let bad = proto::SetQuickReplyRequest {
        command_id: fresh(),
        name: "malo".to_owned(),
        title: "Malo".to_owned(),
        text: "{contact.age}".to_owned(),
        ..Default::default()
    };
    assert_eq!(refused(workspace.set_quick_reply(by(&carla(), bad)).await).subject("variable"), Some("contact.age"));

    let desk = house.commands.sends(house.ports.clone());
    let request = send(id, Body::QuickReply("saludo".to_owned()));
    let sent = desk.send_message(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!(house.queued_at(&sent.position).await.body.text(), Some("Hola María, soy LAURA"));
    // What it says is changed afterwards; the repeated command is still the same one.
    let changed = proto::SetQuickReplyRequest {
        command_id: fresh(),
        name: "saludo".to_owned(),
        title: "Saludo".to_owned(),
        text: "Buenas".to_owned(),
        ..Default::default()
    };
    workspace.set_quick_reply(by(&carla(), changed)).await.unwrap();
    assert_eq!(desk.send_message(by(&laura(), request)).await.unwrap().into_inner(), sent);

    let unknown = refused(desk.send_message(by(&laura(), send(id, Body::QuickReply("nada".to_owned())))).await);
    assert_eq!((unknown.code.as_str(), unknown.subject("quick_reply")), ("QUICK_REPLY_NOT_FOUND", Some("nada")));
    let empty = refused(desk.send_message(by(&laura(), send(id, Body::QuickReply("casa".to_owned())))).await);
    assert_eq!((empty.code.as_str(), empty.subject("variable")), ("INVALID_ARGUMENT", Some("business.name")));
    let remove = proto::RemoveQuickReplyRequest { command_id: fresh(), name: "casa".to_owned(), ..Default::default() };
    assert!(!workspace.remove_quick_reply(by(&carla(), remove.clone())).await.unwrap().into_inner().already_so);
    let again = proto::RemoveQuickReplyRequest { command_id: fresh(), ..remove };
    assert!(workspace.remove_quick_reply(by(&carla(), again)).await.unwrap().into_inner().already_so);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_stands_below_and_may_change() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    let mut request = send(id, words("Listo"));
    request.message.as_mut().unwrap().sign = true;
    let sent = desk.send_message(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!(house.queued_at(&sent.position).await.body.text(), Some("Listo\n\nLaura <Ventas>"));
    assert_eq!(desk.send_message(by(&laura(), request)).await.unwrap().into_inner(), sent);
    let mut unsigned = send(id, words("Listo"));
    unsigned.message.as_mut().unwrap().sign = true;
    let sent = desk.send_message(by(&carla(), unsigned)).await.unwrap().into_inner();
    assert_eq!(house.queued_at(&sent.position).await.body.text(), Some("Listo"), "who has none signs nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_takes_back_what_the_bot_had_queued_and_names_what_is_on_its_way() {
    let house = Business::start().await;
    house.lets_the_bot_speak();
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    let first = desk.send_message(by(&helper(), send(id, words("Uno")))).await.unwrap().into_inner();
    desk.send_message(by(&helper(), send(id, words("Dos")))).await.unwrap();
    let queued = house.queued_at(&first.position).await;
    assert_eq!((queued.author, queued.automatic), (Author::Bot, true));
    let of = relevo_command::SendRef { tenant: tenant(), conversation: id, message: queued.id };
    house.sends.claim(&of, "c", in_time(), now()).await.unwrap();

    let pause = proto::PauseBotRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        reason: wire::PauseReason::Complaint.into(),
        ..Default::default()
    };
    let paused = house.commands.conversations().pause_bot(by(&laura(), pause.clone())).await.unwrap().into_inner();
    assert_eq!(paused.already_claimed, [first.message_id]);
    assert_eq!(house.events_of(id).await[6..], ["BotPaused", "SendCancelled"]);
    let again = house.commands.conversations().pause_bot(by(&laura(), pause)).await.unwrap().into_inner();
    assert_eq!((again.position, again.version), (paused.position, paused.version), "a repeated pause is the same one");
    let problem = refused(desk.send_message(by(&helper(), send(id, words("Tres")))).await);
    assert_eq!((problem.code.as_str(), problem.subject("by")), ("BOT_PAUSED", Some("staff:laura")));
}

#[tokio::test(flavor = "multi_thread")]
async fn staff_take_back_what_no_provider_has() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    let cancel = |message: &str| proto::CancelSendRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        message_id: message.to_owned(),
        expected_version: None,
    };
    let waits = desk.send_message(by(&laura(), send(id, words("Uno")))).await.unwrap().into_inner();
    let request = cancel(&waits.message_id);
    let first = desk.cancel_send(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert!(!first.already_so);
    assert_eq!(desk.cancel_send(by(&laura(), request)).await.unwrap().into_inner().position, first.position);
    assert!(desk.cancel_send(by(&carla(), cancel(&waits.message_id))).await.unwrap().into_inner().already_so);

    let goes = desk.send_message(by(&laura(), send(id, words("Dos")))).await.unwrap().into_inner();
    let message = goes.message_id.parse().unwrap();
    let of = relevo_command::SendRef { tenant: tenant(), conversation: id, message };
    house.sends.claim(&of, "c", in_time(), now()).await.unwrap();
    assert_eq!(code(desk.cancel_send(by(&laura(), cancel(&goes.message_id))).await), "ALREADY_HANDED_OVER");
    house.sends.accepted(&of, 1, &crate::house::channel("wa"), "wamid.2", now()).await.unwrap();
    assert_eq!(code(desk.cancel_send(by(&laura(), cancel(&goes.message_id))).await), "ALREADY_HANDED_OVER");
    for other in [message_id(1), message_id(99)] {
        let answer = desk.cancel_send(by(&laura(), cancel(&other.to_string()))).await;
        assert_eq!(code(answer), "MESSAGE_NOT_FOUND", "a customer's, or nobody's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_see_or_send_learns_nothing() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    let stranger = only_on("mail");
    assert_eq!(code(desk.send_message(by(&stranger, send(id, words("Hola")))).await), "CONVERSATION_NOT_FOUND");
    let analyst = caller("demo", Role::Analyst, "eva");
    assert_eq!(code(desk.send_message(by(&analyst, send(id, template("nada", "x")))).await), "FORBIDDEN");
    let empty = proto::SendMessageRequest { message: None, ..send(id, words("x")) };
    assert_eq!(refused(desk.send_message(by(&laura(), empty)).await).violations[0].field, "message");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_conversation_says_when_to_come_again() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    for n in 0..QUEUED_MAX {
        desk.send_message(by(&laura(), send(id, words(&format!("mensaje {n}"))))).await.unwrap();
    }
    let problem = refused(desk.send_message(by(&laura(), send(id, words("uno más")))).await);
    assert_eq!((problem.code.as_str(), problem.subject("waiting")), ("PAIR_RATE", Some("45")));
    assert_eq!(problem.retry_after, Some(std::time::Duration::from_secs(6)));
}
