//! What comes back about messages that the business sent: statuses, bounces, receipts, answers with our own seal.

use relevo_channels::What;
use relevo_command::decision::EntityState;
use relevo_command::{Committed, Draft, Origin};
use relevo_domain::channel::ChannelEvent;
use relevo_domain::conversation::outgoing::{Body, Outgoing, OutgoingMail, OutgoingPersonal, Recipient};
use relevo_domain::conversation::{
    Author, Command, Decision, DeliveryReport, DeliveryStatus, Envelope, Send, Stage, decide,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{Actor, AgentId, CommandId, MessageId, Role};

use super::*;

const OURS: MessageId = MessageId::new([9; 16]);

fn key() -> IdKey {
    IdKey::new([7; 32])
}

fn alias(channel: &str, provider_id: &str) -> MessageId {
    key().message(&ChannelId::new(channel).unwrap(), provider_id)
}

fn outgoing(body: Body, kind: IdentifierKind, to: &str) -> Outgoing {
    let personal = OutgoingPersonal {
        to: Recipient { kind, value: to.to_owned() },
        author_name: None,
        reply_to_provider_id: None,
    };
    Outgoing { id: OURS, author: Author::Staff, automatic: false, reply_to: None, body, personal }
}

impl Node {
    /// Decides a command and appends what it leads to, as the command crate does.
    async fn command(&self, conversation: EntityId, actor: Actor, command: Command) {
        let base = self.ledger.load(&tenant(), &conversation).unwrap();
        let EntityState::Conversation(state) = &base.state else { panic!("no conversation") };
        let role = matches!(actor, Actor::Staff(_)).then_some(Role::Agent);
        let envelope = Envelope { actor: actor.clone(), role, now: NOW, new_message: MessageId::new([1; 16]) };
        let Decision::Append(events) = decide(state, &envelope, &command).unwrap() else { panic!("already so") };
        let events = events.into_iter().map(Event::Conversation).collect();
        let origin = Origin {
            tenant: tenant(),
            command_id: CommandId::new(format!("t{}", base.sequence)).unwrap(),
            actor,
            occurred_at: NOW,
            recorded_at: NOW,
            correlation: None,
            intake: None,
        };
        let done = self.ledger.append(&origin, vec![Draft { entity: conversation, base, events }]).await.unwrap();
        assert!(matches!(done, Committed::Applied { .. }), "{done:?}");
    }

    async fn queue(&self, conversation: EntityId, outgoing: Outgoing) {
        let send = Send {
            outgoing,
            place: None,
            last_seen_version: None,
            force: false,
            pauses_bot: false,
            pause: None,
            turn: None,
            channel_paused: false,
            detection: None,
        };
        let laura = Actor::Staff(AgentId::new("laura").unwrap());
        self.command(conversation, laura, Command::SendMessage(Box::new(send))).await;
    }

    async fn claim(&self, conversation: EntityId) {
        let until = NOW + std::time::Duration::from_secs(5);
        let claim = Command::ClaimSend { message: OURS, claim: "c1".to_owned(), until };
        self.command(conversation, Actor::System, claim).await;
    }

    /// A conversation in which OURS was handed to the provider, which has not answered.
    async fn sending() -> (Self, EntityId) {
        let node = Self::start().await;
        node.whatsapp(1, text("w1", Some(PHONE), None)).await;
        let (conversation, _) = node.messages().await.remove(0);
        let body = Body::Text { text: "Hola".to_owned(), preview_url: false };
        node.queue(conversation, outgoing(body, IdentifierKind::WaId, PHONE)).await;
        node.claim(conversation).await;
        (node, conversation)
    }

    /// Every report with the entity that holds it.
    async fn reports(&self) -> Vec<(EntityId, DeliveryReport)> {
        let mut found = Vec::new();
        for recorded in self.commits().await {
            for event in &recorded.commit.events {
                if let Event::Conversation(ConversationEvent::DeliveryReported(report))
                | Event::Channel(ChannelEvent::DeliveryReported(report)) = event
                {
                    found.push((recorded.commit.entity, report.clone()));
                }
            }
        }
        found
    }

    async fn names_of_last(&self) -> Vec<&'static str> {
        self.commits().await.pop().unwrap().commit.events.iter().map(Event::name).collect()
    }
}

fn status(id: &str, state: &str, ours: Option<MessageId>, to: &str) -> Value {
    let mut status = json!({ "id": id, "status": state, "timestamp": "1799999990", "recipient_id": to });
    if let Some(ours) = ours {
        status["biz_opaque_callback_data"] = json!(ours.to_string());
    }
    status
}

#[tokio::test]
async fn a_status_with_our_id_is_the_answer_that_was_lost() {
    let (node, conversation) = Node::sending().await;
    let sent = status("wamid.1", "sent", Some(OURS), PHONE);
    assert_eq!(node.whatsapp(2, sent.clone()).await, Handled::Stored);
    assert_eq!(node.names_of_last().await, ["MessageAccepted", "DeliveryReported"]);
    let (at, report) = node.reports().await.remove(0);
    assert_eq!((at, report.message, report.status), (conversation, OURS, DeliveryStatus::Sent));
    assert_eq!(node.ledger.sent(&tenant(), alias("wa", "wamid.1")).unwrap(), Some((conversation, OURS)));
    assert_eq!(node.whatsapp(3, sent).await, Handled::Duplicate);
    // From now on the provider's id suffices, whoever the status says it is for.
    node.whatsapp(4, status("wamid.1", "read", None, "5491199999999")).await;
    let (at, report) = node.reports().await.pop().unwrap();
    assert_eq!((at, report.message), (conversation, OURS));
    assert_eq!(node.names_of_last().await, ["DeliveryReported"], "accepted once");
}

#[tokio::test]
async fn a_status_before_our_answer_waits_under_the_providers_id() {
    let (node, conversation) = Node::sending().await;
    node.whatsapp(2, status("wamid.1", "delivered", None, PHONE)).await;
    let (at, report) = node.reports().await.remove(0);
    assert_eq!((at, report.message), (conversation, alias("wa", "wamid.1")));
    let (provider_id, alias) = ("wamid.1".to_owned(), alias("wa", "wamid.1"));
    node.command(
        conversation,
        Actor::System,
        Command::RecordAccepted { message: OURS, attempt: 1, alias, provider_id },
    )
    .await;
    node.whatsapp(3, status("wamid.1", "read", None, PHONE)).await;
    assert_eq!(node.reports().await.pop().unwrap().1.message, OURS);
}

#[tokio::test]
async fn our_id_through_another_channel_or_tenant_proves_nothing() {
    let (node, conversation) = Node::sending().await;
    for (sequence, number) in [(2, "101"), (3, "200")] {
        let body = on_number(number, status("wamid.x", "failed", Some(OURS), PHONE));
        assert_eq!(node.take(sequence, "app", meta::updates(body.to_string().as_bytes())).await, [Handled::Stored]);
        let (at, report) = node.reports().await.pop().unwrap();
        assert_ne!(at, conversation);
        assert_ne!(report.message, OURS);
    }
    // An id that nobody knows: as if there were none.
    node.whatsapp(4, status("wamid.y", "sent", Some(MessageId::new([3; 16])), PHONE)).await;
    let (at, report) = node.reports().await.pop().unwrap();
    assert_eq!((at, report.message), (conversation, alias("wa", "wamid.y")));
}

#[tokio::test]
async fn a_failure_with_our_id_is_kept_and_the_attempt_ends_with_its_own_outcome() {
    let (node, conversation) = Node::sending().await;
    let mut failed = status("wamid.1", "failed", Some(OURS), PHONE);
    failed["errors"] = json!([{ "code": 131_047, "title": "Re-engagement message" }]);
    node.whatsapp(2, failed).await;
    let (_, report) = node.reports().await.remove(0);
    assert_eq!((report.message, report.error_code.as_deref()), (OURS, Some("131047")));
    let entity = node.ledger.load(&tenant(), &conversation).unwrap();
    let EntityState::Conversation(state) = &entity.state else { panic!() };
    let on_its_way = &state.opened.as_ref().unwrap().outbox;
    assert!(
        matches!(on_its_way[0].stage, Stage::Claimed { .. }),
        "the sender has not said what it heard: {on_its_way:?}"
    );
}

#[tokio::test]
async fn an_echo_cancels_what_the_bot_had_queued() {
    let node = Node::start().await;
    node.whatsapp(1, text("w1", Some(PHONE), None)).await;
    let (conversation, _) = node.messages().await.remove(0);
    let body = Body::Text { text: "Soy el bot".to_owned(), preview_url: false };
    let message = Outgoing { author: Author::Bot, ..outgoing(body, IdentifierKind::WaId, PHONE) };
    let send = Send {
        outgoing: message,
        place: None,
        last_seen_version: None,
        force: false,
        pauses_bot: false,
        pause: None,
        turn: None,
        channel_paused: false,
        detection: None,
    };
    let bot = Actor::Bot(AgentId::new("bot").unwrap());
    node.command(conversation, bot, Command::SendMessage(Box::new(send))).await;
    node.take(2, "app", echo()).await;
    assert_eq!(node.names_of_last().await, ["MessageEchoed", "BotPaused", "SendCancelled"]);
}

// === templates ===

#[tokio::test]
async fn a_templates_new_status_is_kept_beside_the_update() {
    let node = Node::start().await;
    let value = json!({ "event": "PAUSED", "message_template_id": 5, "message_template_name": "recordatorio",
                        "message_template_language": "es_AR", "reason": "NONE" });
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": "waba", "time": 1_799_999_990,
                       "changes": [{ "field": "message_template_status_update", "value": value }] }] });
    let updates = meta::updates(body.to_string().as_bytes());
    assert_eq!(node.take(1, "one", updates.clone()).await, [Handled::Stored]);
    assert_eq!(node.names_of_last().await, ["ProviderUpdated", "TemplateStatusChanged"]);
    assert_eq!(node.take(2, "one", updates).await, [Handled::Duplicate]);
}

// === mails ===

/// A thread of Ana's, with an answer of ours on its way under our own Message-ID.
async fn answered() -> (Node, EntityId, String) {
    let node = Node::start().await;
    node.mail(1, &mail("<a@x>", "ana@x.example", "", "Hola")).await;
    let (conversation, _) = node.messages().await.remove(0);
    let id = key().mail_id(&conversation, OURS, "peluqueria.example");
    let ours = OutgoingMail {
        subject: "Re: Turno".to_owned(),
        text: "Sí".to_owned(),
        cc: vec!["carla@z.example".to_owned()],
        message_id: id.clone(),
        in_reply_to: Some("a@x".to_owned()),
        ..OutgoingMail::default()
    };
    node.queue(conversation, outgoing(Body::Mail(Box::new(ours)), IdentifierKind::Email, "ana@x.example")).await;
    node.claim(conversation).await;
    (node, conversation, id)
}

fn dsn(original: &str, action: &str, status: &str) -> String {
    dsn_about(original, "ana@x.example", action, status)
}

fn dsn_about(original: &str, recipient: &str, action: &str, status: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: hola@peluqueria.example\nSubject: Undelivered Mail\n\
         Message-ID: <dsn-{action}-{recipient}>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nNo se pudo.\n--b\n\
         Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n\
         Final-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\n\n--b\n\
         Content-Type: text/rfc822-headers\n\nMessage-ID: <{original}>\nSubject: Re: Turno\n\n--b--\n"
    )
}

#[tokio::test]
async fn a_bounce_fails_the_mail_that_it_is_about() {
    let (node, conversation, id) = answered().await;
    assert_eq!(node.mail(2, &dsn(&id, "delayed", "4.4.1")).await, Handled::Stored);
    assert_eq!(node.mail(3, &dsn(&id, "failed", "5.1.1")).await, Handled::Stored);
    let reports = node.reports().await;
    assert_eq!(reports.len(), 2);
    assert!(reports.iter().all(|(at, report)| (*at, report.message) == (conversation, OURS)));
    let told: Vec<_> =
        reports.iter().map(|(_, report)| (report.status.as_str(), report.error_code.as_deref())).collect();
    assert_eq!(told, [("warning", Some("4.4.1")), ("failed", Some("5.1.1"))]);
    assert_eq!(reports[1].1.personal.recipient.as_deref(), Some("ana@x.example"));
    // The bounce itself is kept, and is nobody's words.
    let messages = node.messages().await;
    assert_eq!(messages.len(), 3);
    assert!(messages[2].1.flags.bounce && !messages[2].1.is_a_persons_words());
    assert_eq!(node.mail(4, &dsn(&id, "failed", "5.1.1")).await, Handled::Duplicate);
}

#[tokio::test]
async fn what_became_of_a_copy_is_not_what_became_of_the_mail() {
    let (node, _, id) = answered().await;
    let both = |first: &str, second: &str| {
        dsn_about(&id, first, "failed", "5.1.1").replacen(
            "\n\n--b\nContent-Type: text/rfc822-headers",
            &format!("\n\nFinal-Recipient: rfc822; {second}\nAction: failed\nStatus: 5.2.2\n\n--b\nContent-Type: text/rfc822-headers"),
            1,
        )
    };
    let receipt = format!(
        "From: carla@z.example\nTo: hola@peluqueria.example\nSubject: Leído\nMessage-ID: <mdn@z>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nLeído\n--b\n\
         Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; carla@z.example\n\
         Original-Message-ID: <{id}>\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n"
    );
    for (sequence, report, told) in [
        (2, dsn_about(&id, "Carla@Z.example", "failed", "5.1.1"), ("warning", Some("5.1.1"), "carla@z.example")),
        (3, receipt, ("sent", None, "carla@z.example")),
        // Whom she passes her mails on to is her.
        (
            4,
            dsn_about(&id, "ana@elsewhere.example", "failed", "5.1.1"),
            ("failed", Some("5.1.1"), "ana@elsewhere.example"),
        ),
        (5, both("carla@z.example", "ana@x.example"), ("failed", Some("5.2.2"), "ana@x.example")),
    ] {
        assert_eq!(node.mail(sequence, &report).await, Handled::Stored, "{sequence}");
        let (_, report) = node.reports().await.pop().unwrap();
        let recipient = report.personal.recipient.as_deref().unwrap_or_default();
        assert_eq!((report.status.as_str(), report.error_code.as_deref(), recipient), told, "{sequence}");
    }
}

#[tokio::test]
async fn a_forged_bounce_fails_nothing() {
    let (node, conversation, id) = answered().await;
    let mut forged = id.clone();
    let seal = forged.find('@').unwrap() - 1;
    forged.replace_range(seal..=seal, if &id[seal..=seal] == "0" { "1" } else { "0" });
    for (sequence, original) in [(2, forged.as_str()), (3, "a@x")] {
        assert_eq!(node.mail(sequence, &dsn(original, &format!("failed{sequence}"), "5.1.1")).await, Handled::Stored);
    }
    assert_eq!(node.reports().await, []);
    let entity = node.ledger.load(&tenant(), &conversation).unwrap();
    let EntityState::Conversation(state) = &entity.state else { panic!() };
    assert_eq!(state.opened.as_ref().unwrap().outbox.len(), 1);
}

#[tokio::test]
async fn receipts_and_complaints_are_reports_too() {
    let (node, conversation, id) = answered().await;
    let receipt = format!(
        "From: ana@x.example\nTo: hola@peluqueria.example\nSubject: Leído\nMessage-ID: <mdn@x>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nLeído\n--b\n\
         Content-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; ana@x.example\n\
         Original-Message-ID: <{id}>\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--b--\n"
    );
    let complaint = format!(
        "From: feedback@isp.example\nTo: hola@peluqueria.example\nSubject: Abuse\nMessage-ID: <arf@isp>\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nAbuse\n--b\n\
         Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nOriginal-Rcpt-To: ana@x.example\n\n--b\n\
         Content-Type: message/rfc822\n\nMessage-ID: <{id}>\nSubject: Re: Turno\n\nSí\n--b--\n"
    );
    assert_eq!(node.mail(2, &receipt).await, Handled::Stored);
    assert_eq!(node.mail(3, &complaint).await, Handled::Stored);
    let told: Vec<_> = node
        .reports()
        .await
        .into_iter()
        .map(|(at, report)| (at == conversation, report.message == OURS, report.status.as_str().to_owned()))
        .collect();
    assert_eq!(told, [(true, true, "read".to_owned()), (true, true, "complaint".to_owned())]);
}

#[tokio::test]
async fn who_answers_with_our_seal_joins_but_is_not_trusted() {
    let (node, conversation, id) = answered().await;
    // Ana's husband answers from his own address: he holds our Message-ID, and nothing else.
    node.mail(2, &mail("<j@y>", "juan@y.example", &format!("<{id}>"), "Voy yo")).await;
    let (at, message) = node.messages().await.pop().unwrap();
    assert_eq!((at, message.reply_to, message.flags.unverified), (conversation, Some(OURS), true));
    // A foreign id of the thread does not let him in, nor anybody else whom he writes to.
    node.mail(3, &mail("<k@y>", "juan@y.example", "<a@x>", "¿Y?")).await;
    assert_ne!(node.messages().await.pop().unwrap().0, conversation);
    // Ana herself is known.
    node.mail(4, &mail("<b@x>", "ana@x.example", &format!("<{id}>"), "Gracias")).await;
    let (at, message) = node.messages().await.pop().unwrap();
    assert_eq!((at, message.flags.unverified), (conversation, false));
    // Answers still go to her.
    let entity = node.ledger.load(&tenant(), &conversation).unwrap();
    let EntityState::Conversation(state) = &entity.state else { panic!() };
    assert_eq!(state.opened.as_ref().unwrap().reply_address.as_deref(), Some("ana@x.example"));
}

#[tokio::test]
async fn a_token_in_our_address_joins_wherever_it_stands() {
    let (node, conversation, _) = answered().await;
    let token = key().conversation_token(&conversation);
    let with = |id: &str, header: &str, token: &str| {
        mail(id, "ana@x.example", "", "De nuevo").replacen(
            "\nSubject:",
            &format!("\n{header}: hola+{token}@peluqueria.example\nSubject:"),
            1,
        )
    };
    for (sequence, header) in [(2, "Cc"), (3, "Delivered-To"), (4, "X-Original-To")] {
        node.mail(sequence, &with(&format!("<t{sequence}@x>"), header, &token.to_uppercase())).await;
        assert_eq!(node.messages().await.pop().unwrap().0, conversation, "{header}");
    }
    let mut forged = token.clone().into_bytes();
    let last = forged.len() - 1;
    forged[last] = if forged[last] == b'0' { b'1' } else { b'0' };
    for (sequence, token) in [(5, String::from_utf8(forged).unwrap()), (6, "x".to_owned()), (7, String::new())] {
        node.mail(sequence, &with(&format!("<t{sequence}@x>"), "Cc", &token)).await;
        assert_ne!(node.messages().await.pop().unwrap().0, conversation);
    }
}

#[tokio::test]
async fn a_copy_of_our_own_mail_says_that_it_was_sent() {
    let (node, conversation, id) = answered().await;
    let before = node.messages().await.len();
    let raw = mail(&format!("<{id}>"), "hola@peluqueria.example", "<a@x>", "Sí").replace('\n', "\r\n");
    let own = ["hola@peluqueria.example".to_owned()];
    assert_eq!(node.take(2, "mail", email::updates(raw.as_bytes(), &own)).await, [Handled::Stored]);
    assert_eq!(node.messages().await.len(), before, "no second message");
    assert_eq!(node.names_of_last().await, ["MessageAccepted", "DeliveryReported"]);
    let (at, report) = node.reports().await.remove(0);
    assert_eq!((at, report.message, report.status), (conversation, OURS, DeliveryStatus::Sent));
    // The same id from somebody else is a mail like any other.
    node.mail(3, &mail(&format!("<{id}>"), "ana@x.example", "<a@x>", "Sí")).await;
    assert_eq!(node.messages().await.len(), before + 1);
}

/// A mail as the back-fill of a mailbox brings it.
fn history(raw: &str) -> Vec<Update> {
    let mut updates = email::updates(raw.replace('\n', "\r\n").as_bytes(), &[]);
    let What::Mail(said) = &mut updates[0].content.as_mut().unwrap().what else { panic!("a mail") };
    said.flags.imported = true;
    updates
}

#[tokio::test]
async fn a_mailboxs_history_is_resolved_when_it_comes_and_a_new_mail_reopens_it() {
    let node = Node::start().await;
    node.take(1, "mail", history(&mail("<a@x>", "ana@x.example", "", "¿Precio?"))).await;
    assert_eq!(node.names_of_last().await, ["ConversationOpened", "EpisodeStarted", "MessageReceived", "Resolved"]);
    node.take(2, "mail", history(&mail("<b@x>", "ana@x.example", "<a@x>", "¿Hola?"))).await;
    assert_eq!(node.names_of_last().await, ["MessageReceived"]);
    node.mail(3, &mail("<c@x>", "ana@x.example", "<a@x>", "¿Y ahora?")).await;
    assert_eq!(node.names_of_last().await, ["Reopened", "MessageReceived"]);
    let conversations: Vec<_> = node.messages().await.into_iter().map(|(at, _)| at).collect();
    assert!(conversations.iter().all(|at| *at == conversations[0]), "one thread");
}
