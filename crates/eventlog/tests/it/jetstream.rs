//! The log on a real server: the suite, and what only a server can do (crash, fill up, refuse to forget).

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use relevo_eventlog::{BudgetError, Budgets, Connection, JetStreamLog, Log, LogError, Options, Outcome, StreamName};
use relevo_testkit::NatsServer;

use crate::conformance;
use crate::sample::{append, certain, commit, conversation, must_apply, tenant};

pub(crate) const STORE_BYTES: u64 = 4 * 1024 * 1024 * 1024;

pub(crate) fn options(server: &NatsServer) -> Options {
    Options { store_bytes: STORE_BYTES, ..Options::new(server.url()) }
}

#[tokio::test(flavor = "multi_thread")]
async fn jetstream_conforms() {
    let server = NatsServer::start().await;
    conformance::all(Arc::new(JetStreamLog::connect(options(&server)).await.unwrap())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_again_verifies_and_keeps_everything() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    must_apply(&log, vec![append(commit("t", conversation(1), 1, "one"), 0)]).await;
    let before = log.identity().await.unwrap();

    let bigger = Options { store_bytes: STORE_BYTES * 2, ..options(&server) };
    let again = JetStreamLog::connect(bigger).await.unwrap();
    let after = again.identity().await.unwrap();
    assert_eq!((after.created_at, after.last_sequence), (before.created_at, 1));
    assert!(after.max_bytes > before.max_bytes);
    let usage = again.connection().usage().await.unwrap();
    assert_eq!(usage.streams.len(), StreamName::ALL.len());
    let total: u64 = usage.streams.iter().map(|stream| stream.max_bytes).sum();
    assert_eq!(total, STORE_BYTES * 2);

    // A smaller store later: events never shrink.
    let smaller = JetStreamLog::connect(options(&server)).await.unwrap();
    assert_eq!(smaller.identity().await.unwrap().max_bytes, after.max_bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_too_small_is_refused_before_anything_is_made() {
    let server = NatsServer::start().await;
    let tiny = Options { store_bytes: 1, ..options(&server) };
    let BudgetError { have, need } = Budgets::of(1).unwrap_err();
    assert!(have < need);
    assert!(matches!(Connection::connect(tiny).await, Err(LogError::Refused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_could_forget_is_refused() {
    let server = NatsServer::start().await;
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let foreign = async_nats::jetstream::stream::Config {
        name: "RELEVO_EVENTS".to_owned(),
        subjects: vec!["relevo.events.>".to_owned()],
        discard: async_nats::jetstream::stream::DiscardPolicy::New,
        allow_atomic_publish: true,
        ..Default::default()
    };
    context.create_stream(foreign).await.unwrap();
    let refused = Connection::connect(options(&server)).await.unwrap_err();
    assert!(matches!(&refused, LogError::Refused(text) if text.contains("deny_delete")), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_cannot_be_deleted_or_purged() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let stored = must_apply(&log, vec![append(commit("t", conversation(1), 1, "one"), 0)]).await;
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = context.get_stream("RELEVO_EVENTS").await.unwrap();
    assert!(stream.delete_message(stored[0].sequence).await.is_err());
    assert!(stream.purge().await.is_err());
    let mut forgetful = stream.cached_info().config.clone();
    forgetful.deny_purge = false;
    assert!(context.update_stream(&forgetful).await.is_err());
    assert!(log.get(stored[0].sequence).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_away_stores_nothing_and_says_so() {
    let mut server = NatsServer::start().await;
    let patience = Duration::from_millis(500);
    let log = JetStreamLog::connect(Options { append_deadline: patience, ..options(&server) }).await.unwrap();
    server.kill9();
    relevo_testkit::eventually("the client notices", async || (!log.connection().connected()).then_some(())).await;
    let away = log.append(vec![append(commit("t", conversation(1), 1, "one"), 0)]).await;
    assert!(matches!(away, Err(LogError::Unavailable(_))), "{away:?}");
    server.restart().await;
    relevo_testkit::eventually("the client is back", async || log.connection().connected().then_some(())).await;
    assert_eq!(log.last_of(&tenant("t"), &conversation(1)).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_no_acknowledged_commit_and_doubles_none() {
    const COMMITS: u64 = 300;
    let mut server = NatsServer::sync_always().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let reader = log.clone();
    let read = tokio::spawn(async move {
        let commits = reader.read(1).await.unwrap();
        commits.map(Result::unwrap).take(usize::try_from(COMMITS).unwrap()).collect::<Vec<_>>().await
    });
    let writer = log.clone();
    let write = tokio::spawn(async move {
        let mut last = 0;
        for version in 1..=COMMITS {
            let one = append(commit("t", conversation(1), version, &format!("c{version}")), last);
            match certain(&writer, vec![one]).await {
                Outcome::Applied { stored, .. } => last = stored[0].sequence,
                other => panic!("{other:?}"),
            }
        }
    });
    for at in [40, 120, 200] {
        relevo_testkit::eventually_within("the burst goes on", Duration::from_secs(30), async || {
            log.identity().await.ok().filter(|identity| identity.last_sequence >= at)
        })
        .await;
        server.restart().await;
    }
    write.await.unwrap();
    let commits = read.await.unwrap();
    let versions: Vec<u64> = commits.iter().map(|recorded| recorded.commit.first_version).collect();
    assert_eq!(versions, (1..=COMMITS).collect::<Vec<_>>());
    assert_eq!(commits.last().unwrap().sequence, COMMITS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_says_so_and_what_is_too_large_says_so_too() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let stored = must_apply(&log, vec![append(commit("t", conversation(1), 1, "fits"), 0)]).await;
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let config = context.get_stream("RELEVO_EVENTS").await.unwrap().cached_info().config.clone();

    let narrow = async_nats::jetstream::stream::Config { max_message_size: 64, ..config.clone() };
    context.update_stream(&narrow).await.unwrap();
    let large = log.append(vec![append(commit("t", conversation(2), 1, "large"), 0)]).await;
    assert!(matches!(large, Err(LogError::TooLarge { .. })), "{large:?}");

    let bytes = i64::try_from(log.identity().await.unwrap().bytes).unwrap();
    let small = async_nats::jetstream::stream::Config { max_bytes: bytes + 1, ..config };
    context.update_stream(&small).await.unwrap();
    for batch in [1, 2] {
        let more = (0..batch).map(|n| append(commit("t", conversation(3 + n), 1, "more"), 0)).collect();
        assert_eq!(log.append(more).await, Err(LogError::Full), "{batch}");
    }
    assert!(log.get(stored[0].sequence).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_append_is_stored_whole() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let batch = |count: u64| -> Vec<_> {
        (1..=count).map(|version| append(commit("t", conversation(1), version, &format!("c{version}")), 0)).collect()
    };
    assert!(matches!(log.append(batch(1001)).await, Err(LogError::Refused(_))));
    let stored = must_apply(&log, batch(1000)).await;
    assert_eq!((stored[0].sequence, stored[999].sequence), (1, 1000));
    let tail = log.tail(&tenant("t"), &conversation(1), 998).await.unwrap();
    assert_eq!(tail.iter().map(|recorded| recorded.commit.first_version).collect::<Vec<_>>(), [999, 1000]);
}
