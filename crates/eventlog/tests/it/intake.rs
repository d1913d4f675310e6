//! The raw stream on a real server: bytes in, the same bytes out, one worker at a time.

use std::time::Duration;

use async_nats::jetstream::consumer::{PriorityPolicy, PullConsumer, pull};
use bytes::Bytes;
use futures::StreamExt as _;
use relevo_domain::{EndpointId, RawId, Timestamp};
use relevo_eventlog::{
    Connection, InputKind, IntakeLog, LogError, Notes, RawInput, RawItem, StoredInput, WorkerOptions,
};
use relevo_testkit::{NatsServer, eventually};
use tokio::time::{Instant, timeout};

use crate::jetstream::options;

fn input(body: impl Into<Bytes>) -> RawInput {
    RawInput {
        endpoint: EndpointId::new("meta-1").unwrap(),
        kind: InputKind::Meta,
        received_at: Timestamp::from_millis(1_790_000_000_123),
        content_type: "application/json; charset=utf-8".to_owned(),
        notes: Notes::default(),
        body: body.into(),
    }
}

fn readable(item: Result<RawItem, LogError>) -> StoredInput {
    item.unwrap().input().expect("the item can be read")
}

async fn connect(server: &NatsServer) -> IntakeLog {
    Connection::connect(options(server)).await.unwrap().intake()
}

#[tokio::test(flavor = "multi_thread")]
async fn input_is_kept_byte_for_byte() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let bodies: [Bytes; 4] = [
        Bytes::new(),
        Bytes::from_static(b"{\"a\":\"\xff\0\r\n\"}"),
        vec![7; 4 * 1024 * 1024].into(),
        vec![9; 10_000_000].into(),
    ];
    for (at, body) in (1..).zip(&bodies) {
        assert_eq!(intake.append(&input(body.clone())).await.unwrap(), RawId::alone(at));
    }
    // The same large body again: two inputs, both readable.
    assert_eq!(intake.append(&input(bodies[3].clone())).await.unwrap(), RawId::alone(5));
    assert_eq!(intake.last_sequence().await.unwrap(), 5);

    let read: Vec<_> = intake.read(0).take(5).map(readable).collect().await;
    for (at, stored) in read.iter().enumerate() {
        assert_eq!(stored.id, RawId::alone(at as u64 + 1));
        assert_eq!(stored.input, input(bodies[at.min(3)].clone()));
        assert_eq!(intake.get(stored.id).await.unwrap().as_ref(), Some(stored));
    }
    assert_eq!(intake.get(RawId::alone(6)).await.unwrap(), None);
    let huge = intake.append(&input(vec![0; 65 * 1024 * 1024])).await;
    assert!(matches!(huge, Err(LogError::TooLarge { .. })), "{huge:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_kept_beside_the_bytes() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let notes = Notes { query: "message=msg_1".to_owned(), imported: true, truncated_from: Some(60_000_000) };
    let mut forged = input("y");
    forged.notes.query = "a\r\nRelevo-Imported: 1".to_owned();
    for (input, expected) in [(RawInput { notes: notes.clone(), ..input("x") }, notes), (forged, Notes::default())] {
        let id = intake.append(&input).await.unwrap();
        assert_eq!(intake.get(id).await.unwrap().unwrap().input.notes, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_content_type_cannot_forge_a_header() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let mut hostile = input("x");
    hostile.content_type = "text/plain\r\nRelevo-Kind: email\r\n\r\nbody ñ".to_owned() + &"x".repeat(1000);
    let id = intake.append(&hostile).await.unwrap();
    let stored = intake.get(id).await.unwrap().unwrap().input;
    assert_eq!((stored.kind, stored.body), (InputKind::Meta, Bytes::from_static(b"x")));
    assert!(stored.content_type.starts_with("text/plain") && stored.content_type.len() <= 256);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_follows_over_a_restart_of_the_server() {
    let mut server = NatsServer::sync_always().await;
    let intake = connect(&server).await;
    let mut reader = intake.read(1);
    intake.append(&input("before")).await.unwrap();
    assert_eq!(readable(reader.next().await.unwrap()).input.body, "before");
    server.restart().await;
    // An append that timed out may be stored too: the reader then sees it twice.
    while intake.append(&input("after")).await.is_err() {}
    let got = timeout(Duration::from_secs(10), reader.next()).await.expect("the reader is back").unwrap();
    let got = readable(got);
    assert_eq!((got.id, got.input.body), (RawId::alone(2), Bytes::from_static(b"after")));
}

/// A worker whose items come again soon.
fn quick() -> WorkerOptions {
    WorkerOptions { ack_wait: Duration::from_secs(2), ..WorkerOptions::default() }
}

async fn acknowledged(intake: &IntakeLog, sequence: u64) {
    eventually("everything is acknowledged", async || (intake.ack_floor().await.ok()? == sequence).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_gets_many_items_in_order_and_again_until_it_acknowledges() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    for n in 0..4u8 {
        intake.append(&input(vec![n])).await.unwrap();
    }
    let mut worker = intake.worker(quick()).await.unwrap();
    let (first, second) = (worker.next().await, worker.next().await);
    assert_eq!((first.item.sequence(), first.attempt, first.takes_over), (1, 1, true));
    assert_eq!((second.item.sequence(), second.attempt, second.takes_over), (2, 1, false));
    // The floor does not pass over what is not done.
    assert_eq!(second.ack(), None);
    drop(first);
    for (sequence, attempt) in [(1, 2), (3, 1), (4, 1)] {
        let delivery = worker.next().await;
        assert_eq!((delivery.item.sequence(), delivery.attempt), (sequence, attempt));
        assert_eq!(delivery.ack(), Some(sequence.max(2)));
    }
    acknowledged(&intake, 4).await;
    let progress = intake.progress().await.unwrap();
    assert_eq!((progress.pending, progress.in_flight), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_item_is_not_delivered_twice_and_holds_up_no_other() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    intake.append(&input("slow")).await.unwrap();
    let mut worker = intake.worker(quick()).await.unwrap();
    let slow = worker.next().await;
    intake.append(&input("next")).await.unwrap();
    let next = timeout(Duration::from_secs(5), worker.next()).await.unwrap();
    assert_eq!((next.item.sequence(), next.attempt), (2, 1));
    next.ack();
    // Twice the time after which an item without a sign of life is delivered again.
    assert!(timeout(Duration::from_secs(4), worker.next()).await.is_err());
    assert_eq!(intake.ack_floor().await.unwrap(), 0);
    assert_eq!(slow.ack(), Some(2));
    acknowledged(&intake, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_crashed_node_had_in_hand_comes_before_what_it_never_saw() {
    let server = NatsServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let mut active = one.worker(quick()).await.unwrap();
    for n in 0..5u8 {
        one.append(&input(vec![n])).await.unwrap();
    }
    let mut held = Vec::new();
    for _ in 0..5 {
        held.push(active.next().await);
    }
    // Of five in hand the first and the third are done; only the first is without a gap.
    held.remove(2).ack();
    held.remove(0).ack();
    acknowledged(&one, 1).await;
    for n in 5..40u8 {
        one.append(&input(vec![n])).await.unwrap();
    }
    active.stop().await;
    drop(held);
    let mut standby = two.worker(quick()).await.unwrap();
    for sequence in 2..=40u64 {
        let delivery = timeout(Duration::from_secs(15), standby.next()).await.expect("the next item comes");
        assert_eq!(delivery.item.sequence(), sequence, "an item was overtaken");
        delivery.ack();
    }
    acknowledged(&two, 40).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_is_gone_is_not_waited_for() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    for n in 0..6u8 {
        intake.append(&input(vec![n])).await.unwrap();
    }
    let stream = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = stream.get_stream("RELEVO_INTAKE").await.unwrap();
    for sequence in [1, 3, 4] {
        stream.delete_message(sequence).await.unwrap();
    }
    let mut worker = intake.worker(quick()).await.unwrap();
    for sequence in [2, 5, 6] {
        let delivery = timeout(Duration::from_secs(10), worker.next()).await.expect("the next item comes");
        assert_eq!(delivery.item.sequence(), sequence);
        delivery.ack();
    }
    acknowledged(&intake, 6).await;
}

/// An installation from before many items were in flight: its consumer allowed one, and one was in hand when it ended.
#[tokio::test(flavor = "multi_thread")]
async fn the_consumer_of_an_older_version_goes_on_where_it_stood() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    for n in 0..30u8 {
        intake.append(&input(vec![n])).await.unwrap();
    }
    let older = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let config = pull::Config {
        durable_name: Some("relevo-intake".to_owned()),
        ack_wait: Duration::from_secs(5),
        max_ack_pending: 1,
        max_waiting: 64,
        num_replicas: 1,
        priority_policy: PriorityPolicy::PinnedClient,
        priority_groups: vec!["active".to_owned()],
        priority_timeout: Duration::from_secs(4),
        ..pull::Config::default()
    };
    let consumer: PullConsumer = older.create_consumer_on_stream(config, "RELEVO_INTAKE").await.unwrap();
    let mut messages = consumer.stream().group("active").max_messages_per_batch(1).messages().await.unwrap();
    for _ in 0..9 {
        messages.next().await.unwrap().unwrap().double_ack().await.unwrap();
    }
    let _in_hand = messages.next().await.unwrap().unwrap();
    drop(messages);
    let mut worker = intake.worker(WorkerOptions::default()).await.unwrap();
    let mut held = Vec::new();
    for sequence in 10..=30u64 {
        let delivery = timeout(Duration::from_secs(15), worker.next()).await.expect("the next item comes");
        assert_eq!(delivery.item.sequence(), sequence);
        held.push(delivery);
    }
    for delivery in held {
        delivery.ack();
    }
    acknowledged(&intake, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_node_takes_over_and_only_then() {
    let server = NatsServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let mut active = one.worker(WorkerOptions::default()).await.unwrap();
    for n in 0..20u8 {
        one.append(&input(vec![n])).await.unwrap();
    }
    active.next().await.ack();
    let mut standby = two.worker(WorkerOptions::default()).await.unwrap();
    let waiting = tokio::spawn(async move {
        let delivery = standby.next().await;
        (standby, delivery, Instant::now())
    });
    for sequence in 2..=10u64 {
        let delivery = active.next().await;
        assert_eq!(delivery.item.sequence(), sequence);
        delivery.ack();
    }
    assert!(!waiting.is_finished(), "two workers were active at a time");
    acknowledged(&one, 10).await;

    // A crash with an item in hand: it is delivered to the other node first, then the rest.
    let held = active.next().await;
    assert_eq!(held.item.sequence(), 11);
    let crashed_at = Instant::now();
    drop((held, active));
    let (mut standby, delivery, taken_at) = timeout(Duration::from_secs(15), waiting).await.unwrap().unwrap();
    assert_eq!((delivery.item.sequence(), delivery.attempt), (11, 2));
    let waited = taken_at - crashed_at;
    println!("fail-over took {waited:?}");
    assert!(waited < Duration::from_secs(12), "{waited:?}");
    delivery.ack();
    for sequence in 12..=20u64 {
        let delivery = standby.next().await;
        assert_eq!(delivery.item.sequence(), sequence);
        delivery.ack();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_stops_hands_over_at_once() {
    let server = NatsServer::start().await;
    let (one, two) = (connect(&server).await, connect(&server).await);
    let mut first = one.worker(WorkerOptions::default()).await.unwrap();
    one.append(&input("a")).await.unwrap();
    first.next().await.ack();
    let mut second = two.worker(WorkerOptions::default()).await.unwrap();
    first.stop().await;
    one.append(&input("b")).await.unwrap();
    let stopped_at = Instant::now();
    let delivery = timeout(Duration::from_secs(10), second.next()).await.unwrap();
    println!("hand-over took {:?}", stopped_at.elapsed());
    assert_eq!(delivery.item.sequence(), 2);
    delivery.ack();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_goes_on_after_the_server_was_killed() {
    let mut server = NatsServer::sync_always().await;
    let intake = connect(&server).await;
    for n in 0..6u8 {
        intake.append(&input(vec![n])).await.unwrap();
    }
    let mut worker = intake.worker(WorkerOptions::default()).await.unwrap();
    let mut done = 0;
    let mut killed = false;
    let working = async {
        loop {
            let delivery = worker.next().await;
            assert!(delivery.item.sequence() <= done + 1, "an item was passed over");
            if done == 3 && !killed {
                server.restart().await;
                killed = true;
            }
            done = done.max(delivery.item.sequence());
            delivery.ack();
        }
    };
    // What the server has forgotten to have delivered comes again, so somebody must go on working.
    tokio::select! {
        () = working => {}
        () = acknowledged(&intake, 6) => {}
    }
    assert!(killed && done == 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_that_no_webhook_wrote_is_delivered_as_unreadable() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let foreign = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    foreign.publish("relevo.intake.meta-1", "no headers".into()).await.unwrap().await.unwrap();
    foreign.publish("relevo.intake.a.b", "no endpoint".into()).await.unwrap().await.unwrap();
    intake.append(&input("ours")).await.unwrap();
    let mut worker = intake.worker(WorkerOptions::default()).await.unwrap();
    let endpoint = EndpointId::new("meta-1").unwrap();
    for (sequence, named, payload) in [(1, Some(endpoint), "no headers"), (2, None, "no endpoint")] {
        let delivery = timeout(Duration::from_secs(10), worker.next()).await.unwrap();
        let RawItem::Unreadable(unreadable) = &delivery.item else { panic!("{delivery:?}") };
        assert_eq!((unreadable.id, &unreadable.endpoint), (RawId::alone(sequence), &named));
        assert_eq!(unreadable.payload, payload);
        delivery.ack();
    }
    let delivery = timeout(Duration::from_secs(10), worker.next()).await.unwrap();
    assert!(
        matches!(delivery.item, RawItem::Input(StoredInput { id: RawId { sequence: 3, part: 0 }, .. })),
        "{delivery:?}"
    );
    let read: Vec<_> = intake.read(1).take(3).map(Result::unwrap).collect().await;
    assert!(matches!(read[0], RawItem::Unreadable(_)) && matches!(read[2], RawItem::Input(_)), "{read:?}");
    assert_eq!(intake.get(RawId::alone(1)).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_body_that_lost_its_chunks_is_unreadable_and_stops_nothing() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let body = Bytes::from(vec![7; 5_000_000]);
    intake.append(&input(body.clone())).await.unwrap();
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut objects = context.get_stream("OBJ_RELEVO_OBJECTS").await.unwrap();
    // Half of its chunks: a reader of the rest would wait for ever.
    let messages = objects.info().await.unwrap().state.messages;
    objects.purge().filter("$O.RELEVO_OBJECTS.C.>").keep(messages / 2).await.unwrap();
    intake.append(&input(body.clone())).await.unwrap();

    assert_eq!(intake.get(RawId::alone(1)).await.unwrap(), None);
    assert_eq!(intake.get(RawId::alone(2)).await.unwrap().map(|stored| stored.input.body), Some(body));
    let mut worker = intake.worker(WorkerOptions::default()).await.unwrap();
    let delivery = timeout(Duration::from_mins(1), worker.next()).await.unwrap();
    assert!(
        matches!(&delivery.item, RawItem::Unreadable(unreadable) if unreadable.id == RawId::alone(1)),
        "{delivery:?}"
    );
    assert!(delivery.attempt > 1);
    delivery.ack();
    let delivery = timeout(Duration::from_secs(10), worker.next()).await.unwrap();
    assert!(
        matches!(delivery.item, RawItem::Input(StoredInput { id: RawId { sequence: 2, part: 0 }, .. })),
        "{delivery:?}"
    );
}
