//! Conversations that the business begins: with whom, in which conversation, and that an answer comes to the same one.

use relevo_command::SendRef;
use relevo_domain::contact::{ContactEvent, IdentifierPersonal, MergeCause, NamePersonal};
use relevo_domain::conversation::Body;
use relevo_domain::identity::{IdentifierKind, IdentityEvent};
use relevo_domain::{EntityId, Event, Role};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::conversation_service_server::ConversationService as _;
use relevo_proto::command::v1::send_service_server::SendService as _;
use relevo_proto::query::v1 as wire;

use crate::house::{by, caller, carla, channel, code, fresh, in_time, laura, now, only_on, refused};
use crate::sending_house::{Business, NUMBER, key, message, said, send, template, tenant, words};

fn start(on: &str, recipient: &str, body: proto::outgoing_message::Body) -> proto::StartConversationRequest {
    proto::StartConversationRequest {
        command_id: fresh(),
        channel_id: on.to_owned(),
        recipient: recipient.to_owned(),
        name: "Don Ernesto".to_owned(),
        message: Some(message(body)),
        pause: None,
    }
}

fn mail(subject: &str) -> proto::outgoing_message::Body {
    let (subject, text) = (subject.to_owned(), "Le paso el presupuesto.".to_owned());
    proto::outgoing_message::Body::Mail(proto::OutgoingMail { subject, text, ..Default::default() })
}

/// The conversation of an answer.
fn of(answer: &proto::StartConversationResponse) -> EntityId {
    answer.conversation.as_ref().unwrap().conversation_id.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_new_gets_a_contact_bindings_and_a_conversation_in_one_step() {
    let house = Business::start().await;
    house.with_templates().await;
    let desk = house.commands.sends(house.ports.clone());
    let before = house.last_sequence().await;
    let request = start("wa", "+34 600 11 12 22", template("aviso", "Ernesto"));
    let first = desk.start_conversation(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert!(first.opened);
    let id = of(&first);
    let opened = ["ConversationOpened", "EpisodeStarted", "SituationDetected", "BotPaused", "MessageQueued"];
    assert_eq!(house.events_of(id).await, opened, "staff writes first, and that pauses");
    let queued = house.queued_at(&first.position).await;
    assert_eq!((queued.personal.to.kind, queued.personal.to.value.as_str()), (IdentifierKind::WaId, "34600111222"));

    // Both names under which an answer can come lead to the conversation.
    for (kind, value) in [(IdentifierKind::WaId, "34600111222"), (IdentifierKind::Phone, "+34600111222")] {
        let identity = key().identity(&channel("wa"), kind, value);
        let entity = house.ledger.load(&tenant(), &identity).unwrap();
        let relevo_command::decision::EntityState::Identity(Some(bound)) = entity.state else { panic!("{value}") };
        let IdentityEvent::Bound { conversation, contact, .. } = bound;
        assert_eq!((conversation, contact), (Some(id), key().contact(IdentifierKind::WaId, "34600111222")));
    }
    let contact = key().contact(IdentifierKind::WaId, "34600111222");
    assert_eq!(house.events_of(contact).await, ["ContactCreated", "IdentifierLearned"]);
    assert_eq!(house.last_sequence().await, before + 4, "two bindings, the contact, the conversation");

    let again = desk.start_conversation(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!((again.position, again.message_id, again.opened), (first.position, first.message_id, false));
    // Another spelling is the same person; they have not answered, so text must wait.
    let text = start("wa", "0034 600-111-222", words("¿Le llegó?"));
    assert_eq!(code(desk.start_conversation(by(&laura(), text.clone())).await), "WINDOW_CLOSED");
    house.happens(id, vec![Event::Conversation(said(5, "ES.77"))]).await;
    let free = desk.start_conversation(by(&laura(), text)).await.unwrap().into_inner();
    assert_eq!((of(&free), free.opened), (id, false));
    assert_eq!(house.queued_at(&free.position).await.personal.to.value, "ES.77", "they write from there now");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_known_is_written_to_in_their_conversation() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    // Without the mobile's 9, as people write it.
    let request = start("wa", "+54 11 5555-0101", words("Hola, ¿pudo ver el presupuesto?"));
    let sent = desk.start_conversation(by(&laura(), request)).await.unwrap().into_inner();
    assert_eq!((of(&sent), sent.opened), (id, false));
    assert_eq!(house.queued_at(&sent.position).await.personal.to.value, NUMBER);
    // Who may not see it cannot find out by writing.
    let hidden = start("wa", NUMBER, words("Hola"));
    assert_eq!(code(desk.start_conversation(by(&only_on("mail"), hidden)).await), "CHANNEL_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_write_first_write_in_one_conversation() {
    let house = Business::start().await;
    house.with_templates().await;
    let other = house.another().await;
    for round in 0..8 {
        let number = format!("3460011{round:04}");
        let starts = [&house, &other, &house, &other].map(|node| {
            let desk = node.commands.sends(node.ports.clone());
            let request = start("wa", &number, template("aviso", "Ernesto"));
            async move { desk.start_conversation(by(&laura(), request)).await.unwrap().into_inner() }
        });
        let answers = futures::future::join_all(starts).await;
        assert!(answers.iter().all(|answer| of(answer) == of(&answers[0])));
        assert_eq!(answers.iter().filter(|answer| answer.opened).count(), 1);
        let events = house.events_of(of(&answers[0])).await;
        assert_eq!(events.iter().filter(|event| **event == "MessageQueued").count(), 4);
        assert_eq!(events.iter().filter(|event| **event == "ConversationOpened").count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_begins_a_conversation_of_its_own() {
    let house = Business::start().await;
    let desk = house.commands.sends(house.ports.clone());
    let request = start("mail", " Compras@Obra.example ", mail("Presupuesto 12"));
    let first = desk.start_conversation(by(&laura(), request.clone())).await.unwrap().into_inner();
    let second = start("mail", "compras@obra.example", mail("Otro asunto"));
    let second = desk.start_conversation(by(&laura(), second)).await.unwrap().into_inner();
    assert_ne!(of(&first), of(&second));
    let queued = house.queued_at(&first.position).await;
    assert_eq!(queued.personal.to.value, "compras@obra.example");
    let Body::Mail(sent) = queued.body else { panic!("a mail") };
    assert_eq!((sent.subject.as_str(), sent.in_reply_to, sent.references.len()), ("Presupuesto 12", None, 0));
    assert_eq!(key().of_mail_id(&sent.message_id), Some((of(&first), queued.id)));
    assert!(sent.message_id.ends_with("@ferreteria.example"), "{}", sent.message_id);

    // An answer finds it: the Message-ID is known and the recipient belongs to the thread.
    house.ledger.settle().await.unwrap();
    let known =
        house.ledger.read(|reader| reader.mail(&tenant(), &channel("mail"), &sent.message_id)).unwrap().unwrap();
    assert_eq!((known.conversation, known.message), (of(&first), Some(queued.id)));
    let belongs = |address: &'static str| {
        house.ledger.read(|reader| reader.participates(&tenant(), &of(&first), address)).unwrap()
    };
    assert!(belongs("compras@obra.example") && !belongs("otro@obra.example"));

    let again = desk.start_conversation(by(&laura(), request.clone())).await.unwrap().into_inner();
    assert_eq!(again.message_id, first.message_id);
    let elsewhere = proto::StartConversationRequest { recipient: "otro@obra.example".to_owned(), ..request };
    assert_eq!(code(desk.start_conversation(by(&laura(), elsewhere)).await), "COMMAND_ID_REUSED");
    let nameless = refused(desk.start_conversation(by(&laura(), start("mail", "a@x.example", words("Hola")))).await);
    assert_eq!(nameless.violations[0].field, "mail.subject");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_written_to_under_a_wrong_name_or_on_a_wrong_channel() {
    let house = Business::start().await;
    house.with_templates().await;
    let desk = house.commands.sends(house.ports.clone());
    let problem = async |request| refused(desk.start_conversation(by(&carla(), request)).await);
    for bad in ["011 5555-0101", "ana@example.com", "12", "x\r\ny"] {
        assert_eq!(problem(start("wa", bad, template("aviso", "x"))).await.code.as_str(), "RECIPIENT_INVALID", "{bad}");
    }
    for bad in [NUMBER, "a@x.example\r\nBcc: b@x.example", "a b@x.example"] {
        assert_eq!(problem(start("mail", bad, mail("x"))).await.code.as_str(), "RECIPIENT_INVALID", "{bad}");
    }
    let nowhere = problem(start("sms", NUMBER, words("x"))).await;
    assert_eq!((nowhere.code.as_str(), nowhere.subject("channel_id")), ("CHANNEL_NOT_FOUND", Some("sms")));
    let closed = problem(start("wa", "+34600111222", words("Hola"))).await;
    assert_eq!((closed.code.as_str(), closed.subject("expired_at")), ("WINDOW_CLOSED", None));
    assert_eq!(closed.preconditions.len(), 2);
    let analyst = caller("demo", Role::Analyst, "eva");
    let forbidden = desk.start_conversation(by(&analyst, start("wa", "+34600111222", template("aviso", "x")))).await;
    assert_eq!(code(forbidden), "FORBIDDEN");
    let hostile = start("mail", "a@x.example", mail("Hola\r\nBcc: b@x.example"));
    assert_eq!(problem(hostile).await.violations[0].field, "mail.subject");
    let named = proto::OutgoingMail {
        to: "b@x.example".to_owned(),
        subject: "x".to_owned(),
        text: "x".to_owned(),
        ..Default::default()
    };
    let twice = start("mail", "a@x.example", proto::outgoing_message::Body::Mail(named));
    assert_eq!(problem(twice).await.violations[0].field, "mail.to");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_opened_for_somebody_paused_starts_paused_and_a_bot_does_not_open_it() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let pause = proto::PauseBotRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        reason: wire::PauseReason::Complaint.into(),
        ..Default::default()
    };
    house.commands.conversations().pause_bot(by(&laura(), pause)).await.unwrap();
    // Somebody under another name, of whom it is known that they are the same person.
    house.with_templates().await;
    let desk = house.commands.sends(house.ports.clone());
    let other = key().contact(IdentifierKind::WaId, NUMBER);
    let contact = key().contact(IdentifierKind::Bsuid, "AR.500");
    let events = [
        ContactEvent::Created { channel: channel("wa"), personal: NamePersonal::default() },
        ContactEvent::Merged { other, cause: MergeCause::Manual },
    ];
    house.happens(contact, events.map(Event::Contact).into()).await;
    let bot = caller("demo", Role::Bot, "helper");
    let request = || start("wa", "AR.500", template("aviso", "María"));
    assert_eq!(code(desk.start_conversation(by(&bot, request())).await), "BOT_PAUSED");
    let opened = desk.start_conversation(by(&laura(), request())).await.unwrap().into_inner();
    let pause = opened.conversation.clone().unwrap().pause.unwrap();
    assert_eq!((opened.opened, pause.reason), (true, wire::PauseReason::Linked as i32));
    assert_ne!(of(&opened), id);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_and_silences_the_bot_is_told_what_it_had_on_its_way() {
    let house = Business::start().await;
    let id = house.conversation().await;
    let desk = house.commands.sends(house.ports.clone());
    let bot = caller("demo", Role::Bot, "helper");
    let goes = desk.send_message(by(&bot, send(id, words("Uno")))).await.unwrap().into_inner();
    assert_eq!(goes.already_claimed, [""; 0]);
    let claimed = SendRef { tenant: tenant(), conversation: id, message: goes.message_id.parse().unwrap() };
    house.sends.claim(&claimed, "c", in_time(), now()).await.unwrap();

    // By the tenant's policy, not by a wish.
    let answered = desk.send_message(by(&laura(), send(id, words("Dos")))).await.unwrap().into_inner();
    assert_eq!(answered.already_claimed, std::slice::from_ref(&goes.message_id));
    let wish = proto::PauseWish { reason: wire::PauseReason::ProactiveMessage.into(), ..Default::default() };
    let request = proto::StartConversationRequest { pause: Some(wish), ..start("wa", NUMBER, words("Tres")) };
    let begun = desk.start_conversation(by(&laura(), request)).await.unwrap().into_inner();
    assert_eq!((of(&begun), begun.opened, begun.already_claimed), (id, false, vec![goes.message_id]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_on_another_node_holds_for_the_conversation_that_is_begun_here() {
    let house = Business::start().await;
    house.with_templates().await;
    let id = house.conversation().await;
    let pause = proto::PauseBotRequest {
        command_id: fresh(),
        conversation_id: id.to_string(),
        reason: wire::PauseReason::Complaint.into(),
        ..Default::default()
    };
    house.commands.conversations().pause_bot(by(&laura(), pause)).await.unwrap();
    // Everything that is to be learnt of them is known: beginning a conversation says nothing new about the contact.
    let contact = key().contact(IdentifierKind::Bsuid, "AR.500");
    let events = [
        ContactEvent::Created { channel: channel("wa"), personal: NamePersonal { name: Some("María".to_owned()) } },
        ContactEvent::IdentifierLearned {
            kind: IdentifierKind::Bsuid,
            channel: channel("wa"),
            personal: IdentifierPersonal { value: "AR.500".to_owned() },
        },
    ];
    house.happens(contact, events.map(Event::Contact).into()).await;

    let (lagging, held) = house.another_that_lags().await;
    held.holds_at(house.last_sequence().await);
    let other = key().contact(IdentifierKind::WaId, NUMBER);
    let merged = ContactEvent::Merged { other, cause: MergeCause::Manual };
    house.happens(contact, vec![Event::Contact(merged)]).await;

    let bot = caller("demo", Role::Bot, "helper");
    let request = start("wa", "AR.500", template("aviso", "María"));
    let refused = lagging.commands.sends(lagging.ports.clone()).start_conversation(by(&bot, request)).await;
    assert_eq!(code(refused), "BOT_PAUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pause_of_another_node_holds_for_the_conversation_that_is_begun_here() {
    /// Each is a race that a node which does not look at the log may win.
    const ROUNDS: usize = 16;
    let house = Business::start().await;
    let other = house.another().await;
    for node in [&house, &other] {
        node.lets_the_bot_speak();
    }
    let (there, here) = (house.commands.sends(house.ports.clone()), other.commands.sends(other.ports.clone()));
    let bot = caller("demo", Role::Bot, "helper");
    for round in 0..ROUNDS {
        let address = format!("compras{round}@obra.example");
        let begin = |subject: &str| start("mail", &address, mail(subject));
        let first = there.start_conversation(by(&laura(), begin("Uno"))).await.unwrap().into_inner();
        here.start_conversation(by(&bot, begin("Dos"))).await.unwrap();
        let pause = proto::PauseBotRequest {
            command_id: fresh(),
            conversation_id: of(&first).to_string(),
            reason: wire::PauseReason::Complaint.into(),
            ..Default::default()
        };
        house.commands.conversations().pause_bot(by(&laura(), pause)).await.unwrap();
        assert_eq!(code(here.start_conversation(by(&bot, begin("Tres"))).await), "BOT_PAUSED", "round {round}");
    }
}
