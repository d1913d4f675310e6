//! Parked items on a real server.

use bytes::Bytes;
use relevo_domain::{ChannelId, EndpointId, RawId, TenantId, Timestamp};
use relevo_eventlog::{Connection, InputKind, LogError, Notes, ParkedItem, ParkedReason, RawInput};
use relevo_testkit::NatsServer;

use crate::jetstream::options;

fn item(id: u64, body: impl Into<Bytes>) -> ParkedItem {
    let reason = |ordinal| ParkedReason {
        ordinal,
        reason: "unknown_channel".to_owned(),
        detail: "/entry/0".to_owned(),
        at: Timestamp::from_millis(5),
        channel: (ordinal > 0).then(|| (TenantId::new("demo").unwrap(), ChannelId::new("wa").unwrap())),
    };
    ParkedItem {
        id: RawId::alone(id),
        endpoint: EndpointId::new("meta-1").unwrap(),
        kind: Some(InputKind::Meta),
        received_at: Timestamp::from_millis(7),
        content_type: "application/json".to_owned(),
        notes: Notes::default(),
        reasons: (0..1000).map(reason).collect(),
        body: body.into(),
        stub: false,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_parked_once_listed_replaced_and_removed() {
    let server = NatsServer::start().await;
    let parked = Connection::connect(options(&server)).await.unwrap().parked();
    let (mut small, large) = (item(3, "small"), item(9, vec![1; 6_000_000]));
    small.notes = Notes { query: "message=msg_1".to_owned(), imported: true, truncated_from: Some(7) };
    assert!(parked.park(&small).await.unwrap());
    assert!(parked.park(&large).await.unwrap());
    let mut other = small.clone();
    other.reasons.clear();
    assert!(!parked.park(&other).await.unwrap());
    assert_eq!(parked.get(RawId::alone(3)).await.unwrap().as_ref(), Some(&small));
    assert_eq!(parked.get(RawId::alone(9)).await.unwrap().as_ref(), Some(&large));
    assert_eq!(parked.get(RawId::alone(4)).await.unwrap(), None);
    assert_eq!(parked.count().await.unwrap(), 2);

    let first = parked.list(1, 0).await.unwrap();
    assert_eq!((first.len(), first[0].id, first[0].body_bytes), (1, RawId::alone(3), 5));
    let rest = parked.list(10, first[0].cursor).await.unwrap();
    assert_eq!(rest.iter().map(|entry| entry.id).collect::<Vec<_>>(), [RawId::alone(9)]);

    parked.replace(&other).await.unwrap();
    assert_eq!(parked.get(RawId::alone(3)).await.unwrap(), Some(other));
    assert_eq!(parked.count().await.unwrap(), 2);

    // New reasons of an item with a large body: the same bytes.
    let mut fewer = large.clone();
    fewer.reasons.truncate(1);
    parked.replace(&fewer).await.unwrap();
    assert_eq!(parked.get(RawId::alone(9)).await.unwrap(), Some(fewer));

    for id in [3, 9].map(RawId::alone) {
        assert!(parked.remove(id).await.unwrap());
        assert!(!parked.remove(id).await.unwrap());
        assert_eq!(parked.get(id).await.unwrap(), None);
    }
    assert_eq!(parked.list(10, 0).await.unwrap(), Vec::new());
    assert!(parked.park(&small).await.unwrap());
}

/// Parts of one message, and the item that has the message to itself, are items like any others.
#[tokio::test(flavor = "multi_thread")]
async fn every_part_of_a_message_is_parked_by_itself() {
    let server = NatsServer::start().await;
    let parked = Connection::connect(options(&server)).await.unwrap().parked();
    let part = |part, body: &'static str| ParkedItem { id: RawId { sequence: 3, part }, ..item(3, body) };
    let items = [part(12, "twelve"), part(0, "none"), part(1, "one")];
    for item in &items {
        assert!(parked.park(item).await.unwrap());
        assert!(!parked.park(item).await.unwrap());
    }
    for item in &items {
        assert_eq!(parked.get(item.id).await.unwrap().as_ref(), Some(item));
    }
    assert!(parked.remove(items[1].id).await.unwrap());
    let left: Vec<RawId> = parked.list(10, 0).await.unwrap().iter().map(|entry| entry.id).collect();
    assert_eq!(left, [items[0].id, items[2].id]);
}

/// What arrived, as it would be parked.
fn arrived(sequence: u64, input: &RawInput) -> ParkedItem {
    let mut item = item(sequence, input.body.clone());
    item.reasons.truncate(1);
    item.content_type.clone_from(&input.content_type);
    item
}

/// Sets the budget of a stream, in bytes.
async fn limit(server: &NatsServer, stream: &str, max_bytes: i64) {
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut config = context.get_stream(stream).await.unwrap().cached_info().config.clone();
    config.max_bytes = max_bytes;
    context.update_stream(&config).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_room_for_its_bytes_an_item_is_parked_as_a_stub_and_read_from_the_raw_stream() {
    let server = NatsServer::start().await;
    let connection = Connection::connect(options(&server)).await.unwrap();
    let (intake, parked) = (connection.intake(), connection.parked());
    let input = |body: Vec<u8>| RawInput {
        endpoint: EndpointId::new("meta-1").unwrap(),
        kind: InputKind::Meta,
        received_at: Timestamp::from_millis(7),
        content_type: "application/json".to_owned(),
        notes: Notes::default(),
        body: body.into(),
    };
    let (small, large) = (input(vec![3; 100_000]), input(vec![4; 5_000_000]));
    assert_eq!(intake.append(&small).await.unwrap(), RawId::alone(1));
    assert_eq!(intake.append(&large).await.unwrap(), RawId::alone(2));
    limit(&server, "RELEVO_PARKED", 50_000).await;
    limit(&server, "OBJ_RELEVO_PARKED_OBJECTS", 50_000).await;

    for (sequence, input) in [(1, &small), (2, &large)] {
        let item = arrived(sequence, input);
        assert!(parked.park(&item).await.unwrap());
        let got = parked.get(RawId::alone(sequence)).await.unwrap().unwrap();
        assert!(got.stub);
        assert_eq!(got.body, input.body);
        let entries = parked.list(10, 0).await.unwrap();
        assert_eq!(entries.last().unwrap().body_bytes, input.body.len() as u64);
    }
    // Once the raw stream has forgotten them, the bytes are gone; the item is not.
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    context.get_stream("RELEVO_INTAKE").await.unwrap().purge().await.unwrap();
    let got = parked.get(RawId::alone(1)).await.unwrap().unwrap();
    assert!(got.stub && got.body.is_empty() && got.reasons.len() == 1);

    limit(&server, "RELEVO_PARKED", 100).await;
    assert!(matches!(parked.park(&arrived(9, &small)).await, Err(LogError::Full)));
}
