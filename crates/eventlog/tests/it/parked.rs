//! Parked items on a real server.

use bytes::Bytes;
use relevo_domain::{EndpointId, Timestamp};
use relevo_eventlog::{Connection, InputKind, ParkedItem, ParkedReason};
use relevo_testkit::NatsServer;

use crate::jetstream::options;

fn item(sequence: u64, body: impl Into<Bytes>) -> ParkedItem {
    let reason = |ordinal| ParkedReason {
        ordinal,
        reason: "unknown_channel".to_owned(),
        detail: "/entry/0".to_owned(),
        at: Timestamp::from_millis(5),
    };
    ParkedItem {
        sequence,
        endpoint: EndpointId::new("meta-1").unwrap(),
        kind: InputKind::Meta,
        received_at: Timestamp::from_millis(7),
        content_type: "application/json".to_owned(),
        reasons: (0..1000).map(reason).collect(),
        body: body.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_item_is_parked_once_listed_replaced_and_removed() {
    let server = NatsServer::start().await;
    let parked = Connection::connect(options(&server)).await.unwrap().parked();
    let (small, large) = (item(3, "small"), item(9, vec![1; 6_000_000]));
    assert!(parked.park(&small).await.unwrap());
    assert!(parked.park(&large).await.unwrap());
    let mut other = small.clone();
    other.reasons.clear();
    assert!(!parked.park(&other).await.unwrap());
    assert_eq!(parked.get(3).await.unwrap().as_ref(), Some(&small));
    assert_eq!(parked.get(9).await.unwrap().as_ref(), Some(&large));
    assert_eq!(parked.get(4).await.unwrap(), None);
    assert_eq!(parked.count().await.unwrap(), 2);

    let first = parked.list(1, 0).await.unwrap();
    assert_eq!((first.len(), first[0].sequence, first[0].body_bytes), (1, 3, 5));
    let rest = parked.list(10, first[0].cursor).await.unwrap();
    assert_eq!(rest.iter().map(|entry| entry.sequence).collect::<Vec<_>>(), [9]);

    parked.replace(&other).await.unwrap();
    assert_eq!(parked.get(3).await.unwrap(), Some(other));
    assert_eq!(parked.count().await.unwrap(), 2);

    for id in [3, 9] {
        assert!(parked.remove(id).await.unwrap());
        assert!(!parked.remove(id).await.unwrap());
        assert_eq!(parked.get(id).await.unwrap(), None);
    }
    assert_eq!(parked.list(10, 0).await.unwrap(), Vec::new());
    assert!(parked.park(&small).await.unwrap());
}
