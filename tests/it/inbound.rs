//! A customer's message becomes a durable fact and shows up in the inbox; posted again it changes nothing but the counts.

use relevo_proto::query::v1 as query;
use relevo_tests::webhook::{meta_text, post_mail, post_meta};
use relevo_tests::{Broker, Counters};

#[tokio::test]
async fn a_signed_message_shows_up_in_the_inbox_and_its_thread() {
    let broker = Broker::start().await;
    let status = post_meta(&broker.http, meta_text("5491155550101", "María García", "wamid.1", "Necesito cita")).await;
    assert_eq!(status, 200);
    let laura = broker.client("agent");
    broker.client("admin").settled(1).await;

    let rows = laura.conversations().await;
    assert_eq!(rows.len(), 1);
    let row = &rows[0];
    assert_eq!((row.contact_name.as_str(), row.preview.as_str(), row.unread), ("María García", "Necesito cita", 1));
    assert_eq!(row.status(), query::ConversationStatus::Open);
    assert_eq!(row.bot(), query::BotState::Active);
    assert!(row.window_expires_at.is_some());

    let thread = laura.thread(&row.conversation_id).await;
    let texts = thread.iter().filter_map(|entry| match entry.entry.as_ref()? {
        query::thread_entry::Entry::Message(message) => Some(message.text.as_str()),
        _ => None,
    });
    assert_eq!(texts.collect::<Vec<_>>(), ["Necesito cita"]);
}

#[tokio::test]
async fn a_second_delivery_changes_only_posts_updates_and_duplicates() {
    let broker = Broker::start().await;
    let admin = broker.client("admin");
    let body = meta_text("5491155550101", "María García", "wamid.1", "Necesito cita");
    post_meta(&broker.http, body.clone()).await;
    let first = admin.settled(1).await;
    let inbox = admin.conversations().await;
    post_meta(&broker.http, body).await;
    let second = admin.settled(2).await;
    let expected = Counters { updates: 2, duplicates: 1, ..first.total() };
    assert_eq!(second.total(), expected);
    assert_eq!(admin.conversations().await, inbox);
}

#[tokio::test]
async fn a_broker_that_was_killed_goes_on_where_it_stood() {
    let mut broker = Broker::start().await;
    for n in 0..20 {
        let text = meta_text("5491155550101", "María García", &format!("wamid.{n}"), &format!("mensaje {n}"));
        assert_eq!(post_meta(&broker.http, text).await, 200);
    }
    broker.kill9();
    broker.restart().await;
    assert_eq!(broker.nats_servers().len(), 1);
    let status = broker.client("admin").settled(20).await;
    status.assert_balanced();
    assert_eq!(status.total(), Counters { updates: 20, messages: 20, ..Counters::default() });
}

#[tokio::test]
async fn a_mail_and_its_answer_are_one_conversation() {
    let broker = Broker::start().await;
    let mail = |id: &str, reply: &str, text: &str| {
        format!(
            "From: Ana <ana@example.com>\r\nTo: hola@example.com\r\nSubject: Turno\r\nMessage-ID: <{id}@example.com>\r\n\
             {reply}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
        )
    };
    assert!(matches!(post_mail(&broker.http, mail("a", "", "¿Tienen turno?")).await, 200 | 202));
    let reply = "In-Reply-To: <a@example.com>\r\n";
    assert!(matches!(post_mail(&broker.http, mail("b", reply, "¿Mañana?")).await, 200 | 202));
    let admin = broker.client("admin");
    admin.settled(2).await;
    let rows = admin.conversations().await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].preview, "¿Mañana?");
}

#[tokio::test]
async fn the_broker_stops_in_order_and_takes_its_nats_server_along() {
    let mut broker = Broker::start().await;
    assert_eq!(broker.nats_servers().len(), 1);
    broker.stop();
    assert_eq!(broker.nats_servers(), Vec::<u32>::new());
}
