//! Raw input that arrives together, on a real server: one message for many, and each learns the truth about its own.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use async_nats::jetstream::stream::{Config, Stream};
use bytes::Bytes;
use futures::future::{BoxFuture, join_all};
use futures::{FutureExt as _, StreamExt as _};
use relevo_domain::{EndpointId, RawId, Timestamp};
use relevo_eventlog::{
    Connection, Delivery, InputKind, IntakeLog, LogError, Notes, RawInput, RawItem, Worker, WorkerOptions,
};
use relevo_testkit::{NatsServer, eventually, eventually_within};
use tokio::time::timeout;

use crate::jetstream::options;

type Appending<'a> = BoxFuture<'a, Result<RawId, LogError>>;

fn endpoint(number: u32) -> EndpointId {
    EndpointId::new(format!("meta-{number}")).unwrap()
}

fn input(number: u32) -> RawInput {
    RawInput {
        endpoint: endpoint(number % 3),
        kind: InputKind::Meta,
        received_at: Timestamp::from_millis(1_790_000_000_123),
        content_type: "application/json".to_owned(),
        notes: Notes::default(),
        body: format!("{{\"number\":{number},\"padding\":\"{}\"}}", "x".repeat(500)).into(),
    }
}

/// All of one endpoint.
fn same(number: u32, bytes: usize) -> RawInput {
    let mut body = number.to_be_bytes().to_vec();
    body.resize(bytes, 7);
    RawInput { endpoint: endpoint(0), body: body.into(), ..input(number) }
}

async fn connect(server: &NatsServer) -> IntakeLog {
    Connection::connect(options(server)).await.unwrap().intake()
}

async fn raw(server: &NatsServer) -> Stream {
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    context.get_stream("RELEVO_INTAKE").await.unwrap()
}

async fn reconfigure(server: &NatsServer, change: impl FnOnce(Config) -> Config) {
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    context.update_stream(change(raw(server).await.cached_info().config.clone())).await.unwrap();
}

/// Begins to append in this order. In a runtime of one thread nothing is sent before somebody waits.
fn begin<'a>(intake: &'a IntakeLog, inputs: &'a [RawInput]) -> Vec<Appending<'a>> {
    let begin = |input| {
        let mut appending = intake.append(input).boxed();
        assert!((&mut appending).now_or_never().is_none(), "nobody can have answered");
        appending
    };
    inputs.iter().map(begin).collect()
}

async fn together(intake: &IntakeLog, inputs: &[RawInput]) -> Vec<RawId> {
    join_all(begin(intake, inputs)).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_together_is_few_messages_and_each_is_told_its_own_name() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let inputs: Vec<RawInput> = (0..300).map(input).collect();
    let ids = join_all(inputs.iter().map(|input| intake.append(input))).await;
    let ids: Vec<RawId> = ids.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 300, "two inputs were told the same name");
    for (input, id) in inputs.iter().zip(&ids) {
        assert_eq!(intake.get(*id).await.unwrap().unwrap().input, *input);
    }
    for of in 0..3 {
        let of_endpoint = |(input, id): (&RawInput, &RawId)| (input.endpoint == endpoint(of)).then_some(*id);
        let ids: Vec<RawId> = inputs.iter().zip(&ids).filter_map(of_endpoint).collect();
        assert!(ids.is_sorted(), "an input was overtaken: {ids:?}");
    }
    let messages = intake.last_sequence().await.unwrap();
    assert!(messages <= 60, "{messages} messages for 300 inputs");
    let read: Vec<RawItem> = intake.read(1).take(300).map(Result::unwrap).collect().await;
    assert!(read.is_sorted_by_key(RawItem::id));
    assert_eq!(read.iter().map(RawItem::id).collect::<BTreeSet<_>>(), ids.into_iter().collect());
}

#[tokio::test]
async fn what_is_alone_stands_there_as_it_always_did() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let notes = Notes { query: "message=msg_1".to_owned(), imported: true, truncated_from: Some(7) };
    assert_eq!(together(&intake, &[RawInput { notes, ..input(1) }]).await, [RawId::alone(1)]);
    let message = raw(&server).await.get_raw_message(1).await.unwrap();
    assert_eq!((message.subject.as_str(), &message.payload), ("relevo.intake.meta-1", &input(1).body));
    let mut said: HashMap<String, String> = message
        .headers
        .iter()
        .map(|(name, values)| (name.to_string(), values.iter().map(ToString::to_string).collect::<String>()))
        .collect();
    assert_eq!(said.remove("Nats-Msg-Id").map(|id| id.len()), Some(32));
    let expected = [
        ("Relevo-Kind", "meta"),
        ("Relevo-Received-At", "1790000000123"),
        ("Relevo-Content-Type", "application/json"),
        ("Relevo-Query", "message=msg_1"),
        ("Relevo-Imported", "1"),
        ("Relevo-Truncated", "7"),
        ("Nats-Expected-Stream", "RELEVO_INTAKE"),
    ];
    assert_eq!(said, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[tokio::test]
async fn a_frame_has_its_limits_and_what_is_large_goes_alone() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    // More than a frame may have.
    let many: Vec<RawInput> = (0..300).map(|n| same(n, 100)).collect();
    let id = |sequence, part| RawId { sequence, part };
    let expected: Vec<RawId> = (0..256).map(|part| id(1, part)).chain((0..44).map(|part| id(2, part))).collect();
    assert_eq!(together(&intake, &many).await, expected);
    // More bytes than a frame may have: ten of 100 KiB fit.
    let heavy: Vec<RawInput> = (0..15).map(|n| same(n, 100 * 1024)).collect();
    let expected: Vec<RawId> = (0..10).map(|part| id(3, part)).chain((0..5).map(|part| id(4, part))).collect();
    assert_eq!(together(&intake, &heavy).await, expected);
    let large: Vec<RawInput> = (0..3).map(|n| same(n, 200 * 1024)).collect();
    let ids = together(&intake, &large).await;
    assert!(ids.iter().all(|id| id.part == 0), "{ids:?}");
    for (input, id) in large.iter().zip(ids) {
        assert_eq!(intake.get(id).await.unwrap().unwrap().input, *input);
    }
    assert_eq!(intake.get(id(4, 5)).await.unwrap(), None, "there is no such part");
}

#[tokio::test]
async fn who_goes_away_takes_nobody_along() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let inputs: Vec<RawInput> = (0..40).map(|n| same(n, 100)).collect();
    let mut appending = begin(&intake, &inputs);
    // Before anything is sent: theirs is not stored.
    drop(appending.drain(..10));
    let ids = join_all(appending).await;
    assert_eq!(ids.iter().flatten().map(|id| id.part).collect::<Vec<_>>(), (0..30).collect::<Vec<_>>());
    // While the server has it: theirs is stored too, and the others learn it.
    let mut appending = begin(&intake, &inputs);
    eventually("the server has it", async || (intake.last_sequence().await.ok()? == 2).then_some(())).await;
    drop(appending.drain(..10));
    let ids: Vec<u32> = join_all(appending).await.into_iter().map(|id| id.unwrap().part).collect();
    assert_eq!(ids, (10..40).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_raw_stream_takes_what_fits_and_tells_each_the_truth() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    intake.append(&input(0)).await.unwrap();
    let state = raw(&server).await.cached_info().state.clone();
    let room = i64::try_from(state.bytes * 40).unwrap();
    reconfigure(&server, |config| Config { max_bytes: room, ..config }).await;
    let (mut stored, mut full) = (1, 0);
    for round in 0..30 {
        let inputs: Vec<RawInput> = (0..10).map(|n| input(round * 100 + n)).collect();
        for (input, answer) in inputs.iter().zip(join_all(inputs.iter().map(|input| intake.append(input))).await) {
            match answer {
                Ok(id) => {
                    stored += 1;
                    assert_eq!(intake.get(id).await.unwrap().unwrap().input, *input);
                }
                Err(error) => {
                    assert_eq!(error, LogError::Full);
                    full += 1;
                }
            }
        }
    }
    assert!(stored >= 10 && full >= 10, "{stored} stored, {full} refused");
    let last = usize::try_from(intake.last_sequence().await.unwrap()).unwrap();
    let there: usize =
        intake.messages(1).take(last).map(|message| message.unwrap().len()).collect::<Vec<_>>().await.iter().sum();
    assert_eq!(there, stored);
}

#[tokio::test]
async fn a_frame_that_is_too_large_is_taken_apart() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    reconfigure(&server, |config| Config { max_message_size: 60_000, ..config }).await;
    let mut inputs: Vec<RawInput> = (0..5).map(|n| same(n, 50_000)).collect();
    inputs.push(same(9, 70_000));
    let mut answers = join_all(begin(&intake, &inputs)).await;
    assert!(matches!(answers.pop(), Some(Err(LogError::TooLarge { .. }))), "{answers:?}");
    let ids: Vec<RawId> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids, (1..=5).map(RawId::alone).collect::<Vec<_>>());
    assert_eq!(intake.get(ids[4]).await.unwrap().unwrap().input, inputs[4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_input_is_confirmed_that_a_crash_takes_away() {
    let mut server = NatsServer::sync_always().await;
    let intake = connect(&server).await;
    let callers = (0..64_u32).map(|caller| {
        let intake = intake.clone();
        tokio::spawn(async move {
            let mut confirmed = Vec::new();
            for number in 0..30 {
                let input = input(caller * 1000 + number);
                if let Ok(id) = intake.append(&input).await {
                    confirmed.push((id, input));
                }
            }
            confirmed
        })
    });
    let callers: Vec<_> = callers.collect();
    for at in [10, 40] {
        eventually_within("inputs arrive", Duration::from_secs(30), async || {
            intake.last_sequence().await.ok().filter(|last| *last >= at)
        })
        .await;
        server.restart().await;
    }
    let mut ids = BTreeSet::new();
    let mut count = 0;
    for caller in callers {
        for (id, input) in caller.await.unwrap() {
            assert_eq!(intake.get(id).await.unwrap().unwrap().input, input);
            ids.insert(id);
            count += 1;
        }
    }
    assert_eq!(ids.len(), count, "two inputs were told the same name");
    assert!(count > 1000, "{count}");
    let last = usize::try_from(intake.last_sequence().await.unwrap()).unwrap();
    let messages: Vec<_> = intake.messages(1).take(last).map(Result::unwrap).collect().await;
    let bodies: Vec<Bytes> = messages.into_iter().flatten().map(|item| item.input().unwrap().input.body).collect();
    let once: BTreeSet<&Bytes> = bodies.iter().collect();
    assert_eq!(once.len(), bodies.len(), "an input is stored twice");
}

async fn next(worker: &mut Worker) -> Delivery {
    timeout(Duration::from_secs(15), worker.next()).await.expect("the next item comes")
}

#[tokio::test]
async fn parts_are_handed_out_in_order_and_their_message_is_done_when_all_are() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let inputs: Vec<RawInput> = (0..3).map(|n| same(n, 10)).collect();
    let ids = together(&intake, &inputs).await;
    let lone = intake.append(&same(9, 10)).await.unwrap();
    let mut worker = intake.worker(WorkerOptions::default()).await.unwrap();
    let mut held = Vec::new();
    for id in ids.iter().chain([&lone]) {
        let delivery = next(&mut worker).await;
        assert_eq!((delivery.item.id(), delivery.attempt), (*id, 1));
        held.push(delivery);
    }
    let last = held.pop().unwrap();
    assert_eq!((last.ack(), held.remove(1).ack(), held.remove(0).ack()), (None, None, None));
    assert_eq!(intake.ack_floor().await.unwrap(), 0, "a part is not done");
    assert_eq!(held.remove(0).ack(), Some(2));
    eventually("both are acknowledged", async || (intake.ack_floor().await.ok()? == 2).then_some(())).await;
}

#[tokio::test]
async fn when_one_part_is_let_go_all_of_them_come_again() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let inputs: Vec<RawInput> = (0..4).map(|n| same(n, 10)).collect();
    let ids = together(&intake, &inputs).await;
    let quick = WorkerOptions { ack_wait: Duration::from_secs(2), ..WorkerOptions::default() };
    let mut worker = intake.worker(quick).await.unwrap();
    let (first, second, third) = (next(&mut worker).await, next(&mut worker).await, next(&mut worker).await);
    first.ack();
    drop(second);
    let behind = intake.append(&same(9, 10)).await.unwrap();
    for id in ids {
        let delivery = next(&mut worker).await;
        assert_eq!((delivery.item.id(), delivery.attempt > 1, delivery.takes_over), (id, true, true));
        if id.part < 3 {
            assert_eq!(delivery.ack(), None);
        } else {
            // What its former self comes to counts for nothing.
            assert_eq!(third.ack(), None);
            assert_eq!(intake.ack_floor().await.unwrap(), 0);
            assert_eq!(delivery.ack(), Some(1));
            break;
        }
    }
    let delivery = next(&mut worker).await;
    assert_eq!(delivery.item.id(), behind);
    delivery.ack();
    eventually("everything is acknowledged", async || (intake.ack_floor().await.ok()? == 2).then_some(())).await;
}

#[tokio::test]
async fn a_broken_frame_is_one_item_that_cannot_be_read_and_stops_nothing() {
    let server = NatsServer::start().await;
    let intake = connect(&server).await;
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut headers = async_nats::HeaderMap::new();
    headers.insert("Relevo-Frame", "2");
    let published = context.publish_with_headers("relevo.intake.meta-0", headers, "no parts".into()).await.unwrap();
    published.await.unwrap();
    let behind = intake.append(&same(1, 10)).await.unwrap();
    let mut worker = intake.worker(WorkerOptions::default()).await.unwrap();
    let broken = next(&mut worker).await;
    let RawItem::Unreadable(unreadable) = &broken.item else { panic!("{broken:?}") };
    assert_eq!((unreadable.id, unreadable.endpoint.clone()), (RawId::alone(1), Some(endpoint(0))));
    assert_eq!((unreadable.payload.as_ref(), unreadable.reason), (&b"no parts"[..], "its frame is damaged"));
    broken.ack();
    assert_eq!(next(&mut worker).await.item.id(), behind);
    assert_eq!(intake.get(RawId::alone(1)).await.unwrap(), None);
}
