//! The metric topics on a real server: what is stored, what is refused, and that publishers who race store each fact once.

use futures::future::join_all;
use relevo_eventlog::{
    Appended, CloudEvent, Connection, LogError, MetricsLog, StreamName, TOPIC_BATCH_MAX, Topic, TopicFacts,
};
use relevo_testkit::NatsServer;

use crate::jetstream::options;
use crate::sample::tenant;

fn fact(number: usize) -> CloudEvent {
    CloudEvent {
        id: format!("pauses.v1.{number}.0"),
        kind: "relevo.metric.pauses.v1".to_owned(),
        source: "/relevo/t".to_owned(),
        subject: None,
        time: "2026-01-01T00:00:00.000Z".to_owned(),
        schema: "urn:relevo:metric:pauses:1".to_owned(),
        supersedes: None,
        log: "1".to_owned(),
        data: format!("{{\"n\":{number}}}").into(),
    }
}

fn facts(numbers: std::ops::Range<usize>) -> Vec<CloudEvent> {
    numbers.map(fact).collect()
}

fn live() -> Topic {
    Topic::live(&tenant("t"), "pauses").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fact_is_a_cloud_event_in_binary_mode() {
    let server = NatsServer::start().await;
    let metrics = Connection::connect(options(&server)).await.unwrap().metrics();
    let whole =
        CloudEvent { subject: Some("cnv_x".to_owned()), supersedes: Some("pauses.v1.1.0".to_owned()), ..fact(2) };
    assert_eq!(metrics.append(&live(), 0, &[whole]).await, Ok(Appended::Stored(1)));
    let last = metrics.last(&live()).await.unwrap().unwrap();
    assert_eq!((last.sequence, last.id.as_str(), last.log.as_str()), (1, "pauses.v1.2.0", "1"));

    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = context.get_stream("RELEVO_METRICS").await.unwrap();
    let message = stream.get_raw_message(1).await.unwrap();
    assert_eq!(message.subject.as_str(), "relevo.metrics.t.pauses");
    assert_eq!(message.payload.as_ref(), b"{\"n\":2}");
    let expected = [
        ("ce-specversion", "1.0"),
        ("ce-id", "pauses.v1.2.0"),
        ("ce-type", "relevo.metric.pauses.v1"),
        ("ce-source", "/relevo/t"),
        ("ce-subject", "cnv_x"),
        ("ce-time", "2026-01-01T00:00:00.000Z"),
        ("ce-dataschema", "urn:relevo:metric:pauses:1"),
        ("ce-supersedes", "pauses.v1.1.0"),
        ("content-type", "application/json"),
    ];
    for (name, value) in expected {
        assert_eq!(message.headers.get(name).map(async_nats::HeaderValue::as_str), Some(value), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_is_conditional_and_all_or_nothing() {
    let server = NatsServer::start().await;
    let metrics = Connection::connect(options(&server)).await.unwrap().metrics();
    assert_eq!(metrics.last(&live()).await, Ok(None));
    assert_eq!(metrics.append(&live(), 0, &facts(1..4)).await, Ok(Appended::Stored(3)));
    // Another topic has a condition of its own.
    let other = Topic::live(&tenant("u"), "pauses").unwrap();
    assert_eq!(metrics.append(&other, 0, &facts(1..2)).await, Ok(Appended::Stored(4)));
    for stale in [0, 1, 2, 4] {
        assert_eq!(metrics.append(&live(), stale, &facts(4..5)).await, Ok(Appended::Conflict), "{stale}");
        assert_eq!(metrics.append(&live(), stale, &facts(4..8)).await, Ok(Appended::Conflict), "{stale}");
    }
    assert_eq!(metrics.last(&live()).await.unwrap().unwrap().id, "pauses.v1.3.0");
    let full = facts(4..4 + TOPIC_BATCH_MAX);
    assert_eq!(metrics.append(&live(), 3, &full).await, Ok(Appended::Stored(4 + TOPIC_BATCH_MAX as u64)));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_topics_are_appended_together_or_not_at_all() {
    let server = NatsServer::start().await;
    let metrics = Connection::connect(options(&server)).await.unwrap().metrics();
    let topics = ["pauses", "backlog", "messages"].map(|name| Topic::live(&tenant("t"), name).unwrap());
    let numbers = [facts(1..4), facts(1..2), facts(1..3)];
    let parts = |expected: [u64; 3]| {
        let all = topics.iter().zip(expected).zip(&numbers);
        all.map(|((topic, expected), facts)| TopicFacts { topic, expected, facts }).collect::<Vec<_>>()
    };
    assert_eq!(metrics.append_all(&parts([0, 0, 0])).await, Ok(Appended::Stored(6)));
    // They stand one behind the other.
    for (topic, last) in topics.iter().zip([3, 4, 6]) {
        assert_eq!(metrics.last(topic).await.unwrap().unwrap().sequence, last);
    }
    // One of them has moved on, whichever it is: nothing is stored.
    for stale in [[0, 4, 6], [3, 0, 6], [3, 4, 0], [3, 4, 7]] {
        assert_eq!(metrics.append_all(&parts(stale)).await, Ok(Appended::Conflict), "{stale:?}");
    }
    assert_eq!(metrics.append_all(&parts([3, 4, 6])).await, Ok(Appended::Stored(12)));
    let full = facts(0..TOPIC_BATCH_MAX - 5);
    let mut many = parts([9, 10, 12]);
    many[0].facts = &full;
    assert!(matches!(metrics.append_all(&many).await, Ok(Appended::Stored(_))));
    let more = facts(0..TOPIC_BATCH_MAX);
    many[0].facts = &more;
    assert!(matches!(metrics.append_all(&many).await, Err(LogError::Refused(_))));
    many[0].facts = &[];
    assert!(matches!(metrics.append_all(&many).await, Err(LogError::Refused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_plain_or_not_bounded_is_refused() {
    let server = NatsServer::start().await;
    let metrics = Connection::connect(options(&server)).await.unwrap().metrics();
    let refused = |outcome| matches!(outcome, Err(LogError::Refused(_)));
    assert!(refused(metrics.append(&live(), 0, &[]).await));
    assert!(refused(metrics.append(&live(), 0, &facts(0..TOPIC_BATCH_MAX + 1)).await));
    for bad in ["", "two words", "línea", "a\nb", "50%"] {
        let fact = CloudEvent { subject: Some(bad.to_owned()), ..fact(1) };
        assert!(refused(metrics.append(&live(), 0, &[fact]).await), "{bad:?}");
    }
    assert!(Topic::live(&tenant("t"), "a.b").is_err() && Topic::republished(&tenant("t"), "a.>").is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn publishers_that_race_store_each_fact_once() {
    const FACTS: usize = 200;
    let server = NatsServer::start().await;
    let connection = Connection::connect(options(&server)).await.unwrap();
    let publisher = async |metrics: MetricsLog, batch: usize| {
        let mut rounds = 0;
        loop {
            rounds += 1;
            assert!(rounds < 10_000, "no progress");
            let last = metrics.last(&live()).await.unwrap();
            let expected = last.as_ref().map_or(0, |last| last.sequence);
            let next = last.map_or(0, |last| last.id.split('.').nth(2).unwrap().parse::<usize>().unwrap() + 1);
            if next == FACTS {
                return;
            }
            metrics.append(&live(), expected, &facts(next..(next + batch).min(FACTS))).await.unwrap();
        }
    };
    join_all([1, 3, 7].map(|batch| publisher(connection.metrics(), batch))).await;
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = context.get_stream("RELEVO_METRICS").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, FACTS as u64);
    for sequence in 1..=FACTS {
        let message = stream.get_raw_message(sequence as u64).await.unwrap();
        assert_eq!(message.payload.as_ref(), format!("{{\"n\":{}}}", sequence - 1).as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_that_are_published_again_stand_on_a_stream_of_their_own() {
    let server = NatsServer::start().await;
    let connection = Connection::connect(options(&server)).await.unwrap();
    let metrics = connection.metrics();
    let again = Topic::republished(&tenant("t"), "audit").unwrap();
    assert_eq!((again.stream(), again.subject()), (StreamName::Republish, "relevo.republish.t.audit"));
    assert_eq!(metrics.append(&again, 0, &facts(1..3)).await, Ok(Appended::Stored(2)));
    assert_eq!(metrics.last(&live()).await, Ok(None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metrics_stream_of_the_first_release_is_adjusted() {
    let server = NatsServer::start().await;
    drop(Connection::connect(options(&server)).await.unwrap());
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let mut config = context.get_stream("RELEVO_METRICS").await.unwrap().cached_info().config.clone();
    config.allow_atomic_publish = false;
    context.update_stream(&config).await.unwrap();

    let metrics = Connection::connect(options(&server)).await.unwrap().metrics();
    assert_eq!(metrics.append(&live(), 0, &facts(1..4)).await, Ok(Appended::Stored(3)));
}
