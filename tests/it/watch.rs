//! Watches and reads of the past through the real door: what happens is heard of at once, and nothing is missed over a restart.

use std::time::Duration;

use relevo_proto::Problem;
use relevo_proto::query::v1 as query;
use relevo_proto::query::v1::watch_conversation_response::Event as Change;
use relevo_proto::query::v1::watch_inbox_response::Event;
use relevo_tests::webhook::{meta_text, post_meta};
use relevo_tests::{Broker, Client};
use tonic::{Status, Streaming};

/// How long a message of a watch may take, on a busy machine.
const MESSAGE_WITHIN: Duration = Duration::from_secs(20);

async fn next<M>(stream: &mut Streaming<M>) -> Result<M, Status> {
    let message = tokio::time::timeout(MESSAGE_WITHIN, stream.message()).await.unwrap();
    // None is an end without a reason, which no watch has.
    message.map(Option::unwrap)
}

async fn watch_inbox(client: &Client, from_position: &str) -> Streaming<query::WatchInboxResponse> {
    let request = query::WatchInboxRequest { from_position: from_position.to_owned(), ..Default::default() };
    client.inbox().watch_inbox(client.request(request)).await.unwrap().into_inner()
}

async fn watch_conversation(client: &Client, id: &str) -> Streaming<query::WatchConversationResponse> {
    let request = query::WatchConversationRequest { conversation_id: id.to_owned(), ..Default::default() };
    client.inbox().watch_conversation(client.request(request)).await.unwrap().into_inner()
}

/// The first delta whose rows make this true.
async fn hears(
    stream: &mut Streaming<query::WatchInboxResponse>,
    wanted: impl Fn(&query::Conversation) -> bool,
) -> (String, query::InboxDelta) {
    loop {
        let message = next(stream).await.unwrap();
        if let Some(Event::Delta(delta)) = message.event
            && delta.upserts.iter().any(&wanted)
        {
            return (message.position, delta);
        }
    }
}

async fn customer_writes(broker: &Broker, id: &str, text: &str) {
    assert_eq!(post_meta(&broker.http, meta_text("5491155550101", "María García", id, text)).await, 200);
}

#[tokio::test]
async fn a_webhook_a_pause_and_a_colleague_are_heard_of_live() {
    let broker = Broker::start().await;
    let (laura, carla) = (broker.client("agent"), broker.client("supervisor"));
    let mut inbox = watch_inbox(&laura, "").await;
    let Some(Event::Snapshot(empty)) = next(&mut inbox).await.unwrap().event else { panic!("no snapshot") };
    assert!(empty.conversations.is_empty());

    customer_writes(&broker, "wamid.1", "Necesito cita").await;
    let (_, delta) = hears(&mut inbox, |row| row.preview == "Necesito cita").await;
    assert_eq!(delta.counters.unwrap().unassigned.unwrap().open, 1);
    let id = delta.upserts[0].conversation_id.clone();

    let mut thread = watch_conversation(&carla, &id).await;
    let Some(Change::Snapshot(snapshot)) = next(&mut thread).await.unwrap().event else { panic!("no snapshot") };
    assert_eq!(snapshot.presence.unwrap().people.len(), 1);
    let typing =
        query::ReportPresenceRequest { conversation_id: id.clone(), state: query::PresenceState::Typing.into() };
    laura.inbox().report_presence(laura.request(typing)).await.unwrap();
    let Some(Change::Presence(present)) = next(&mut thread).await.unwrap().event else { panic!("no presence") };
    let people: Vec<_> = present.people.iter().map(|person| (person.agent_name.as_str(), person.state())).collect();
    assert_eq!(people, [("Carla", query::PresenceState::Viewing), ("Laura", query::PresenceState::Typing)]);

    laura.pause(&id, "pide una persona").await.unwrap();
    hears(&mut inbox, |row| row.bot() == query::BotState::Paused).await;
    loop {
        if let Some(Change::Delta(delta)) = next(&mut thread).await.unwrap().event {
            assert_eq!(delta.conversation.unwrap().bot(), query::BotState::Paused);
            assert_eq!(delta.entries.len(), 1);
            break;
        }
    }
}

#[tokio::test]
async fn a_stopping_node_says_so_and_a_resumed_watch_has_missed_nothing() {
    let mut broker = Broker::start().await;
    customer_writes(&broker, "wamid.1", "Hola").await;
    let admin = broker.client("admin");
    admin.settled(1).await;
    let mut inbox = watch_inbox(&admin, "").await;
    let position = next(&mut inbox).await.unwrap().position;

    let stopped = tokio::task::spawn_blocking(move || {
        broker.stop();
        broker
    });
    let ended = loop {
        match next(&mut inbox).await {
            Ok(_heartbeat_or_delta) => {}
            Err(status) => break status,
        }
    };
    assert_eq!(Problem::from_status(&ended).map(|problem| problem.code.as_str()), Some("LOG_UNAVAILABLE"), "{ended:?}");
    let mut broker = stopped.await.unwrap();
    broker.restart().await;
    customer_writes(&broker, "wamid.2", "¿Siguen ahí?").await;
    let admin = broker.client("admin");
    admin.settled(2).await;
    let mut inbox = watch_inbox(&admin, &position).await;
    let Some(Event::Delta(delta)) = next(&mut inbox).await.unwrap().event else { panic!("not resumed") };
    assert!(delta.resumed);
    assert_eq!(delta.upserts[0].preview, "¿Siguen ahí?");
    assert_eq!(delta.order.len(), 1);
}

#[tokio::test]
async fn two_hundred_watchers_miss_nothing_while_three_of_them_do_not_read() {
    let broker = Broker::start().await;
    let mut stalled = Vec::new();
    for _ in 0..3 {
        stalled.push(watch_inbox(&broker.client("admin"), "").await);
    }
    let mut watching = tokio::task::JoinSet::new();
    for n in 0..197 {
        // Ten clients share one connection, as behind a gateway.
        let client = broker.client(["admin", "supervisor", "agent", "agent-2"][n / 10 % 4]);
        let mut stream = watch_inbox(&client, "").await;
        watching.spawn(async move { hears(&mut stream, |row| row.preview == "mensaje 29").await });
    }
    for n in 0..30 {
        customer_writes(&broker, &format!("wamid.{n}"), &format!("mensaje {n}")).await;
    }
    let heard = watching.join_all().await;
    assert!(heard.iter().all(|(position, _)| *position == heard[0].0), "all saw the last message at its position");
    // Whoever did not read gets few messages, and the last one is the last.
    for mut stream in stalled {
        let mut messages = 1;
        while !matches!(next(&mut stream).await.unwrap().event, Some(Event::Delta(delta)) if delta.upserts[0].preview == "mensaje 29")
        {
            messages += 1;
        }
        assert!(messages <= 31, "{messages}");
    }
}

#[tokio::test]
async fn a_conversation_and_its_thread_can_be_read_as_they_were() {
    let broker = Broker::start().await;
    customer_writes(&broker, "wamid.1", "Hola").await;
    let laura = broker.client("agent");
    broker.client("admin").settled(1).await;
    let id = laura.conversations().await.remove(0).conversation_id;
    let before = laura.pause(&id, "antes").await.unwrap().position;
    let after = laura.claim(&id).await.unwrap().position;

    let as_of = |position: &str| {
        let moment = query::as_of::Moment::Position(position.to_owned());
        Some(query::AsOf { moment: Some(moment) })
    };
    let get = async |position: &str| {
        let request = query::GetConversationRequest {
            conversation_id: id.clone(),
            as_of: as_of(position),
            deadline_ms: 20_000,
            ..Default::default()
        };
        laura.inbox().get_conversation(laura.request(request)).await.map(tonic::Response::into_inner)
    };
    let then = get(&before).await.unwrap();
    assert_eq!(then.position, before);
    let row = then.conversation.unwrap();
    assert_eq!((row.bot(), row.assignee.unwrap().agent_id.as_str()), (query::BotState::Paused, ""));
    assert_eq!(then.contact.unwrap().name, "María García");
    assert_eq!(get(&after).await.unwrap().conversation.unwrap().assignee.unwrap().agent_id, "laura");
    let request = query::ListMessagesRequest {
        conversation_id: id.clone(),
        as_of: as_of(&before),
        deadline_ms: 20_000,
        ..Default::default()
    };
    let thread = laura.inbox().list_messages(laura.request(request)).await.unwrap().into_inner();
    assert_eq!(thread.entries.len(), 3, "an episode, a message, a pause: {:?}", thread.entries);
    let status = get("p1-1").await.unwrap_err();
    let code = Problem::from_status(&status).unwrap().code.as_str();
    assert_eq!(code, "CONVERSATION_NOT_FOUND", "the first commit of the log is the workspace's");
}
