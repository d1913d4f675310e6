//! Two nodes on one nats-server: the same message posted to both at once is one message; the survivor goes on.

use relevo_proto::query::v1 as query;
use relevo_testkit::{NatsServer, eventually};
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Counters, Setup};

async fn two_nodes(nats: &NatsServer) -> (Broker, Broker) {
    let env = vec![("RELEVO__NATS__URL".to_owned(), nats.url())];
    let a = Broker::start_with(Setup { env: env.clone(), ..Setup::default() }).await;
    let keys_from = Some(a.data().join("keys"));
    let b = Broker::start_with(Setup { env, keys_from, ..Setup::default() }).await;
    (a, b)
}

#[tokio::test]
async fn one_message_posted_to_two_nodes_at_once_is_one_message() {
    let nats = NatsServer::start().await;
    let (a, b) = two_nodes(&nats).await;
    for n in 0..20 {
        let text =
            meta_text(&format!("54911555600{:02}", n % 3), "Cliente", &format!("wamid.{n}"), &format!("mensaje {n}"));
        let (first, second) = tokio::join!(post_meta(&a.http, text.clone()), post_meta(&b.http, text));
        assert_eq!((first, second), (200, 200));
    }
    let expected = Counters { updates: 40, messages: 20, duplicates: 20, ..Counters::default() };
    for node in [&a, &b] {
        assert_eq!(node.client("admin").settled(40).await.total(), expected);
        assert_eq!(node.client("admin").conversations().await.len(), 3);
    }
}

#[tokio::test]
async fn the_other_node_takes_over_when_one_is_killed() {
    let nats = NatsServer::start().await;
    let (mut a, b) = two_nodes(&nats).await;
    for n in 0..10 {
        let text = meta_text("5491155550101", "María", &format!("wamid.{n}"), &format!("mensaje {n}"));
        assert_eq!(post_meta(&a.http, text).await, 200);
    }
    a.kill9();
    for n in 10..20 {
        let text = meta_text("5491155550101", "María", &format!("wamid.{n}"), &format!("mensaje {n}"));
        assert_eq!(post_meta(&b.http, text).await, 200);
    }
    let status = b.client("admin").settled(20).await;
    assert_eq!(status.total(), Counters { updates: 20, messages: 20, ..Counters::default() });
}

#[tokio::test]
async fn under_load_the_survivor_goes_on_in_order_where_the_killed_one_was() {
    const SENDERS: usize = 6;
    const EACH: usize = 60;
    let nats = NatsServer::start().await;
    let (mut a, b) = two_nodes(&nats).await;
    let posting = (0..SENDERS).map(|sender| {
        let http = b.http.clone();
        tokio::spawn(async move {
            for n in 0..EACH {
                let (from, id) = (format!("54911555600{sender:02}"), format!("wamid.{sender}.{n}"));
                assert_eq!(post_meta(&http, meta_text(&from, "Cliente", &id, &format!("{n}"))).await, 200);
            }
        })
    });
    let posting: Vec<_> = posting.collect();
    // The first node is the active one; it is killed with much in hand.
    let admin = b.client("admin");
    eventually("a third is handled", async || {
        (admin.intake_status().await.ok()?.total().messages >= 120).then_some(())
    })
    .await;
    a.kill9();
    for posting in posting {
        posting.await.unwrap();
    }
    let messages = u64::try_from(SENDERS * EACH).unwrap();
    let expected = Counters { updates: messages, messages, ..Counters::default() };
    assert_eq!(admin.settled(messages).await.total(), expected);
    let rows = admin.conversations().await;
    assert_eq!(rows.len(), SENDERS);
    for row in rows {
        // Entries are shown in the order of the log.
        let thread = admin.thread(&row.conversation_id).await;
        let texts = thread.iter().filter_map(|entry| match entry.entry.as_ref()? {
            query::thread_entry::Entry::Message(message) => Some(message.text.clone()),
            query::thread_entry::Entry::Timeline(_) | query::thread_entry::Entry::LooseUpdate(_) => None,
        });
        let in_order: Vec<String> = (0..EACH).map(|n| n.to_string()).collect();
        assert_eq!(texts.collect::<Vec<_>>(), in_order);
    }
}

#[tokio::test]
async fn two_nodes_race_for_a_conversation_and_exactly_one_wins() {
    let nats = NatsServer::start().await;
    let (a, b) = two_nodes(&nats).await;
    for n in 0..20 {
        let text = meta_text(&format!("54911555600{n:02}"), "Cliente", &format!("wamid.{n}"), "Hola");
        post_meta(&a.http, text).await;
    }
    for node in [&a, &b] {
        node.client("admin").settled(20).await;
    }
    let (laura, martin) = (a.client("agent"), b.client("agent-2"));
    for row in laura.conversations().await {
        let (first, second) = tokio::join!(laura.claim(&row.conversation_id), martin.claim(&row.conversation_id));
        assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    }
}
