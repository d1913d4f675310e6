//! Answers to mails: they thread in every mail client, go to whom they should, and nothing breaks a header.

use relevo_domain::conversation::{Body, ConversationEvent, MailPersonal, OutgoingMail};
use relevo_domain::{Event, Role};
use relevo_proto::command::v1 as proto;
use relevo_proto::command::v1::send_service_server::SendService as _;

use crate::house::{by, caller, code, fresh, laura, refused};
use crate::sending_house::{Business, hash, key, mailed, message_id, send, words};

fn asked(subject: &str, references: &[&str]) -> MailPersonal {
    MailPersonal {
        subject: subject.to_owned(),
        message_id: Some("ask@obra.example".to_owned()),
        references: references.iter().map(|id| (*id).to_owned()).collect(),
        cc: vec!["jefe@obra.example".to_owned()],
        ..MailPersonal::default()
    }
}

fn answer(mail: proto::OutgoingMail) -> proto::outgoing_message::Body {
    proto::outgoing_message::Body::Mail(mail)
}

fn text() -> proto::OutgoingMail {
    proto::OutgoingMail { text: "Sí, tenemos.".to_owned(), ..Default::default() }
}

async fn mail_at(house: &Business, position: &str) -> (String, OutgoingMail) {
    let queued = house.queued_at(position).await;
    let Body::Mail(mail) = queued.body else { panic!("a mail") };
    (queued.personal.to.value, *mail)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_threads_and_goes_to_who_asked() {
    let house = Business::start().await;
    let id = house.mail(8, "ana@obra.example", asked("RE: Re: Cemento", &["root@obra.example"])).await;
    let desk = house.commands.sends(house.ports.clone());
    let sent = desk.send_message(by(&laura(), send(id, words("Sí, tenemos.")))).await.unwrap().into_inner();
    let (to, mail) = mail_at(&house, &sent.position).await;
    assert_eq!(
        (to.as_str(), mail.subject.as_str(), mail.text.as_str()),
        ("ana@obra.example", "Re: Cemento", "Sí, tenemos.")
    );
    assert_eq!(mail.in_reply_to.as_deref(), Some("ask@obra.example"));
    assert_eq!(mail.references, ["root@obra.example", "ask@obra.example"]);
    assert!(mail.cc.is_empty(), "nobody gets a copy who was not named");
    assert_eq!(key().of_mail_id(&mail.message_id), Some((id, sent.message_id.parse().unwrap())));

    // A second mail of ours answers the same one; one that answers ours goes on behind it.
    let again = desk.send_message(by(&laura(), send(id, answer(text())))).await.unwrap().into_inner();
    assert_eq!(mail_at(&house, &again.position).await.1.in_reply_to.as_deref(), Some("ask@obra.example"));
    let mut own = send(id, answer(text()));
    own.message.as_mut().unwrap().reply_to = sent.message_id.clone();
    let own = desk.send_message(by(&laura(), own)).await.unwrap().into_inner();
    let (to, behind) = mail_at(&house, &own.position).await;
    assert_eq!((to.as_str(), behind.in_reply_to), ("ana@obra.example", Some(mail.message_id.clone())));
    assert_eq!(behind.references, ["root@obra.example", "ask@obra.example", mail.message_id.as_str()]);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_came_in_by_a_token_is_not_written_to_unasked() {
    let house = Business::start().await;
    let id = house.mail(8, "ana@obra.example", asked("Cemento", &[])).await;
    let ConversationEvent::MessageReceived(mut stranger) = mailed(9, "eve@evil.example", asked("Cemento", &[])) else {
        unreachable!()
    };
    stranger.flags.unverified = true;
    house.happens(id, vec![Event::Conversation(ConversationEvent::MessageReceived(stranger))]).await;
    let desk = house.commands.sends(house.ports.clone());
    let sent = desk.send_message(by(&laura(), send(id, answer(text())))).await.unwrap().into_inner();
    assert_eq!(mail_at(&house, &sent.position).await.0, "ana@obra.example");
    // Quoting them is not naming them.
    let mut quoting = send(id, answer(text()));
    quoting.message.as_mut().unwrap().reply_to = message_id(9).to_string();
    let sent = desk.send_message(by(&laura(), quoting)).await.unwrap().into_inner();
    assert_eq!(mail_at(&house, &sent.position).await.0, "ana@obra.example");
    let named = proto::OutgoingMail { to: "eve@evil.example".to_owned(), ..text() };
    let sent = desk.send_message(by(&laura(), send(id, answer(named)))).await.unwrap().into_inner();
    assert_eq!(mail_at(&house, &sent.position).await.0, "eve@evil.example");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_ours_names_its_conversation_where_the_channel_allows_it() {
    let house = Business::start().await;
    let id = house.mail(8, "ana@obra.example", asked("Cemento", &[])).await;
    let desk = house.commands.sends(house.ports.clone());
    let plain = desk.send_message(by(&laura(), send(id, words("Sí.")))).await.unwrap().into_inner();
    assert_eq!(mail_at(&house, &plain.position).await.1.reply_to, None);

    house.has_plus_addressing();
    let sent = desk.send_message(by(&laura(), send(id, words("Sí.")))).await.unwrap().into_inner();
    let reply_to = mail_at(&house, &sent.position).await.1.reply_to.unwrap();
    let (local, domain) = reply_to.split_once('@').unwrap();
    let (address, token) = local.split_once('+').unwrap();
    assert_eq!((address, domain), ("soporte", "ferreteria.example"));
    assert_eq!(key().of_conversation_token(token), Some(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_has_all_its_parts_and_none_that_harms() {
    let house = Business::start().await;
    let id = house.mail(8, "ana@obra.example", asked("Cemento", &[])).await;
    let desk = house.commands.sends(house.ports.clone());
    let file = |name: &str| proto::FileRef { sha256: hash(3), file_name: name.to_owned(), ..Default::default() };
    let whole = proto::OutgoingMail {
        subject: "Precio".to_owned(),
        html: "<p><script>Sí</p>".to_owned(),
        cc: vec!["Jefe@Obra.example".to_owned(), "jefe@obra.example".to_owned(), "ana@obra.example".to_owned()],
        files: vec![file("../lista.pdf"), file("")],
        ..text()
    };
    let mut request = send(id, answer(whole));
    request.message.as_mut().unwrap().sign = true;
    let sent = desk.send_message(by(&laura(), request.clone())).await.unwrap().into_inner();
    let (_, mail) = mail_at(&house, &sent.position).await;
    assert_eq!((mail.subject.as_str(), mail.cc.as_slice()), ("Precio", ["jefe@obra.example".to_owned()].as_slice()));
    assert_eq!(mail.text, "Sí, tenemos.\n\n-- \nLaura <Ventas>");
    assert_eq!(mail.html.as_deref(), Some("<p>Sí</p><br><br>-- <br>Laura &lt;Ventas&gt;"));
    let names: Vec<_> = mail.files.iter().map(|file| file.file_name.as_deref()).collect();
    assert_eq!(names, [Some("lista.pdf"), None]);
    assert_eq!(mail.files[0].mime_type, "application/octet-stream", "nobody knows what it is");
    assert_eq!(desk.send_message(by(&laura(), request)).await.unwrap().into_inner(), sent);

    let problem = async |mail| refused(desk.send_message(by(&laura(), send(id, answer(mail)))).await);
    let field = async |mail| problem(mail).await.violations[0].field.clone();
    assert_eq!(field(proto::OutgoingMail { subject: "a\nBcc: b".to_owned(), ..text() }).await, "mail.subject");
    assert_eq!(field(proto::OutgoingMail { cc: vec!["a\r\n@x.y".to_owned()], ..text() }).await, "mail.cc");
    let crowd = (0..10_000).map(|n| format!("a{n}@x.example")).collect();
    assert_eq!(field(proto::OutgoingMail { cc: crowd, ..text() }).await, "mail.cc");
    assert_eq!(field(proto::OutgoingMail { text: " ".to_owned(), ..text() }).await, "mail.text");
    let to = problem(proto::OutgoingMail { to: "a\r\nb@x.y".to_owned(), ..text() }).await;
    assert_eq!(to.code.as_str(), "RECIPIENT_INVALID");
    let place = proto::outgoing_message::Body::Location(proto::OutgoingLocation::default());
    assert_eq!(code(desk.send_message(by(&laura(), send(id, place))).await), "CHANNEL_CANNOT_SEND");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_is_refused_before_anything_is_looked_up_or_cleaned() {
    let house = Business::start().await;
    let id = house.mail(8, "ana@obra.example", asked("Cemento", &[])).await;
    let desk = house.commands.sends(house.ports.clone());
    let problem = async |mail| refused(desk.send_message(by(&laura(), send(id, answer(mail)))).await);
    let file = |n| proto::FileRef { sha256: hash(n), ..Default::default() };
    let many = proto::OutgoingMail { files: vec![file(9); 51], ..text() };
    assert_eq!(problem(many).await.violations[0].field, "mail.files", "the files are not there either");
    let long = proto::OutgoingMail { html: "a".repeat(256 * 1024 + 1), ..text() };
    let long = problem(long).await;
    assert_eq!((long.code.as_str(), long.violations[0].field.as_str()), ("INVALID_ARGUMENT", "mail.html"));
    let both = proto::OutgoingMail { text: "a".repeat(256 * 1024 + 1), files: vec![file(9)], ..Default::default() };
    assert_eq!(problem(both).await.violations[0].field, "mail.text");
    assert_eq!(house.files.looked_up(), 0, "no file was looked up");
    assert_eq!(house.cleaned(), 0, "no HTML was cleaned");

    let most = proto::OutgoingMail { html: "a".repeat(256 * 1024), files: vec![file(3); 50], ..text() };
    desk.send_message(by(&laura(), send(id, answer(most)))).await.unwrap();
    assert_eq!((house.files.looked_up(), house.cleaned()), (50, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_mail_is_the_same_only_if_all_that_was_asked_for_is() {
    let house = Business::start().await;
    let id = house.mail(8, "ana@obra.example", asked("Cemento", &[])).await;
    let desk = house.commands.sends(house.ports.clone());
    let mail = proto::OutgoingMail {
        to: "Ana@Obra.example".to_owned(),
        html: "<p><script>Sí</p>".to_owned(),
        cc: vec!["jefe@obra.example".to_owned(), "eva@obra.example".to_owned()],
        ..text()
    };
    let request = send(id, answer(mail.clone()));
    let sent = desk.send_message(by(&laura(), request.clone())).await.unwrap().into_inner();
    let again = async |mail| {
        let message = send(id, answer(mail)).message;
        desk.send_message(by(&laura(), proto::SendMessageRequest { message, ..request.clone() })).await
    };
    let cc = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
    for same in [
        mail.clone(),
        proto::OutgoingMail { to: String::new(), ..mail.clone() },
        proto::OutgoingMail { cc: cc(&["EVA@obra.example", "jefe@obra.example", "ana@obra.example"]), ..mail.clone() },
    ] {
        assert_eq!(again(same).await.unwrap().into_inner(), sent);
    }
    for other in [
        proto::OutgoingMail { to: "eva@obra.example".to_owned(), ..mail.clone() },
        proto::OutgoingMail { html: "<p>Sí</p>".to_owned(), ..mail.clone() },
        proto::OutgoingMail { html: String::new(), ..mail.clone() },
        proto::OutgoingMail { cc: cc(&["jefe@obra.example"]), ..mail.clone() },
        proto::OutgoingMail { cc: cc(&["jefe@obra.example", "eva@obra.example", "otro@obra.example"]), ..mail.clone() },
    ] {
        assert_eq!(code(again(other.clone()).await), "COMMAND_ID_REUSED", "{other:?}");
    }
    let plain = send(id, words("Sí, tenemos.")).message;
    let plain = proto::SendMessageRequest { message: plain, ..request.clone() };
    assert_eq!(code(desk.send_message(by(&laura(), plain)).await), "COMMAND_ID_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_writes_only_to_who_belongs_to_the_thread() {
    let house = Business::start().await;
    house.lets_the_bot_speak();
    let id = house.mail(8, "Ana@obra.example", asked("Cemento", &[])).await;
    let ConversationEvent::MessageReceived(mut stranger) = mailed(9, "eve@evil.example", asked("Cemento", &[])) else {
        unreachable!()
    };
    stranger.flags.unverified = true;
    house.happens(id, vec![Event::Conversation(ConversationEvent::MessageReceived(stranger))]).await;
    let desk = house.commands.sends(house.ports.clone());
    let bot = caller("demo", Role::Bot, "helper");
    let to = |to: &str, cc: &[&str]| {
        let cc = cc.iter().map(|one| (*one).to_owned()).collect();
        send(id, answer(proto::OutgoingMail { to: to.to_owned(), cc, ..text() }))
    };
    desk.send_message(by(&bot, to("", &[]))).await.unwrap();
    desk.send_message(by(&bot, to("ana@obra.example", &["ANA@obra.example"]))).await.unwrap();
    for (named, cc) in
        [("eve@evil.example", &[][..]), ("", &["eve@evil.example"]), ("ana@obra.example", &["jefe@obra.example"])]
    {
        let problem = refused(desk.send_message(by(&bot, to(named, cc))).await);
        assert_eq!((problem.code.as_str(), problem.subject("role")), ("FORBIDDEN", Some("bot")), "{named} {cc:?}");
    }
    // Whom staff wrote to belongs to it, as another node learns.
    let other = house.another().await;
    other.lets_the_bot_speak();
    let staffs = other.commands.sends(other.ports.clone());
    staffs.send_message(by(&laura(), to("", &["jefe@obra.example"]))).await.unwrap();
    desk.send_message(by(&bot, to("jefe@obra.example", &["ana@obra.example"]))).await.unwrap();

    let start = |recipient: &str, cc: &str| proto::StartConversationRequest {
        command_id: fresh(),
        channel_id: "mail".to_owned(),
        recipient: recipient.to_owned(),
        message: Some(crate::sending_house::message(answer(proto::OutgoingMail {
            subject: "Novedades".to_owned(),
            cc: (!cc.is_empty()).then(|| cc.to_owned()).into_iter().collect(),
            ..text()
        }))),
        ..Default::default()
    };
    assert_eq!(code(desk.start_conversation(by(&bot, start("eve@evil.example", ""))).await), "FORBIDDEN");
    desk.start_conversation(by(&laura(), start("eva@obra.example", "eve@evil.example"))).await.unwrap();
    assert_eq!(
        code(desk.start_conversation(by(&bot, start("eva@obra.example", "eve@evil.example"))).await),
        "FORBIDDEN"
    );
    desk.start_conversation(by(&bot, start("eva@obra.example", ""))).await.unwrap();
}
