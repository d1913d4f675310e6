//! Group commit on a real server: what arrives together is stored together, and each caller learns the truth about its own.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::{Config, Stream};
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, join, join_all};
use relevo_domain::{Actor, AgentId, EntityId, EntityKind};
use relevo_eventlog::{Append, Connection, JetStreamLog, Log, LogError, Options, Outcome, Stored};
use relevo_testkit::NatsServer;

use crate::jetstream::options;
use crate::sample::{append, certain, commit, must_apply, tenant};

fn entity(number: u32) -> EntityId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    EntityId::new(EntityKind::Conversation, bytes)
}

fn first(number: u32) -> Append {
    append(commit("t", entity(number), 1, &format!("c{number}")), 0)
}

async fn raw(server: &NatsServer, stream: &str) -> Stream {
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    context.get_stream(stream).await.unwrap()
}

/// How many of the stream's messages came in a batch.
async fn batched(server: &NatsServer, stream: &str) -> u64 {
    let stream = raw(server, stream).await;
    let mut count = 0;
    for sequence in 1..=stream.cached_info().state.last_sequence {
        let message = stream.get_raw_message(sequence).await.unwrap();
        count += u64::from(message.headers.get("Nats-Batch-Id").is_some());
    }
    count
}

fn applied(outcome: Result<Outcome, LogError>) -> Stored {
    match outcome {
        Ok(Outcome::Applied { stored, fresh: true }) => stored[0],
        other => panic!("expected a fresh Applied, got {other:?}"),
    }
}

type Running = Shared<BoxFuture<'static, Result<Outcome, LogError>>>;

/// Begins appends in this order.
fn begin(log: &JetStreamLog, appends: impl IntoIterator<Item = Vec<Append>>) -> Vec<Running> {
    let begin = |batch| {
        let log = log.clone();
        let running = async move { log.append(batch).await }.boxed().shared();
        // Polled once, it has been sent or stands in the queue.
        drop(running.clone().now_or_never());
        running
    };
    appends.into_iter().map(begin).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrives_together_is_stored_together_and_each_learns_where() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    // Some of several entities at once, as the first message of a new customer is.
    let appends = (0..300).map(|n| if n % 10 == 0 { vec![first(n), first(n + 1000)] } else { vec![first(n)] });
    let outcomes = join_all(begin(&log, appends)).await;
    let mut sequences = Vec::new();
    for (n, outcome) in (0..).zip(outcomes) {
        let Ok(Outcome::Applied { stored, fresh: true }) = outcome else { panic!("{n}: {outcome:?}") };
        for (Stored { sequence, hash }, entity) in stored.iter().zip([entity(n), entity(n + 1000)]) {
            let found = log.get(*sequence).await.unwrap().unwrap();
            assert_eq!((found.commit.entity, found.hash), (entity, *hash));
            sequences.push(*sequence);
        }
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=330).collect::<Vec<_>>());
    assert!(batched(&server, "RELEVO_EVENTS").await >= 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_few_are_not_gathered() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let outcomes = join_all(begin(&log, (0..12).map(|n| vec![first(n)]))).await;
    for outcome in outcomes {
        applied(outcome);
    }
    assert_eq!(batched(&server, "RELEVO_EVENTS").await, 0);
}

#[tokio::test]
async fn what_is_small_does_not_wait_for_the_batch_of_a_few() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    // A batch of two is on its way; three others come meanwhile, and go by themselves.
    let pair = begin(&log, [vec![first(1), first(2)]]);
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    let few = begin(&log, (3..6).map(|n| vec![first(n)]));
    for outcome in join_all(pair.into_iter().chain(few)).await {
        applied(outcome);
    }
    assert_eq!(batched(&server, "RELEVO_EVENTS").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_conflict_of_one_fails_nobody_else() {
    const STALE: [u32; 3] = [40, 41, 77];
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    for n in STALE {
        must_apply(&log, vec![append(commit("t", entity(n), 1, "before"), 0)]).await;
    }
    let outcomes = join_all(begin(&log, (0..200).map(|n| vec![first(n)]))).await;
    for (n, outcome) in (0..).zip(outcomes) {
        if STALE.contains(&n) {
            let Ok(Outcome::NotApplied { tails }) = outcome else { panic!("{n}: {outcome:?}") };
            assert_eq!(tails[0][0].commit.command_id.as_str(), "before");
        } else {
            applied(outcome);
        }
    }
    assert_eq!(log.identity().await.unwrap().last_sequence, 200);
    assert!(batched(&server, "RELEVO_EVENTS").await >= 100, "one conflict undid the group commit");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_urgent_one_lets_the_batch_with_its_entity_pass_and_is_told_the_truth() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let running = begin(&log, (0..200).map(|n| vec![first(n)]));
    // While they travel, somebody of the staff decides on each of them; who comes first wins, the other is told.
    let urgent = (0..200).step_by(10).map(|n| {
        let mut commit = commit("t", entity(n), 1, &format!("staff{n}"));
        commit.actor = Actor::Staff(AgentId::new("laura").unwrap());
        vec![append(commit, 0)]
    });
    let urgent = begin(&log, urgent);
    let (outcomes, urgent) = join(join_all(running), join_all(urgent)).await;
    let is_applied = |outcome: &Result<Outcome, LogError>| match outcome {
        Ok(Outcome::Applied { fresh: true, .. }) => true,
        Ok(Outcome::NotApplied { tails }) if tails[0].len() == 1 => false,
        other => panic!("{other:?}"),
    };
    for (n, outcome) in outcomes.iter().enumerate() {
        let other = urgent.get(n / 10).filter(|_| n % 10 == 0).is_some_and(is_applied);
        assert_ne!(is_applied(outcome), other, "{n}");
    }
    assert_eq!(log.identity().await.unwrap().last_sequence, 200);
    assert!(batched(&server, "RELEVO_EVENTS").await >= 150);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_command_among_many_is_found_and_fails_nobody_else() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let once = must_apply(&log, vec![first(50)]).await;
    let outcomes = join_all(begin(&log, (0..100).map(|n| vec![first(n)]))).await;
    for (n, outcome) in (0..).zip(outcomes) {
        match outcome {
            Ok(Outcome::Applied { stored, fresh }) => assert_eq!(fresh, n != 50 || stored != once, "{n}"),
            other => panic!("{n}: {other:?}"),
        }
    }
    assert_eq!(log.identity().await.unwrap().last_sequence, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_meet_on_one_entity_one_wins() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let rivals = (0..120).map(|n| vec![append(commit("t", entity(n % 6), 1, &format!("rival-{n}")), 0)]);
    let outcomes = join_all(begin(&log, rivals)).await;
    let mut winners = [0; 6];
    for (n, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(Outcome::Applied { .. }) => winners[n % 6] += 1,
            Ok(Outcome::NotApplied { .. }) => {}
            other => panic!("{n}: {other:?}"),
        }
    }
    assert_eq!(winners, [1; 6]);
    assert_eq!(log.identity().await.unwrap().last_sequence, 6);
}

#[tokio::test]
async fn what_a_person_waits_for_overtakes_the_queue() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let flood = begin(&log, (0..1000).map(|n| vec![first(n)]));
    let mut pause = first(5000);
    pause.commit.actor = Actor::Staff(AgentId::new("laura").unwrap());
    let urgent = begin(&log, [vec![pause]]).pop().unwrap();
    let (urgent, flood) = join(urgent, join_all(flood)).await;
    for outcome in flood {
        applied(outcome);
    }
    // Behind those that were on their way by themselves, before everybody who waits.
    assert!(applied(urgent).sequence <= 9);
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_nobody_along_and_is_not_sent() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let mut running = begin(&log, (0..200).map(|n| vec![first(n)]));
    let mut number = 0;
    running.retain(|_| {
        number += 1;
        number % 2 == 0
    });
    for outcome in join_all(running).await {
        applied(outcome);
    }
    // Eight went by themselves, at once: half of them had been sent when their callers went away.
    assert!((100..=104).contains(&log.identity().await.unwrap().last_sequence));
    for n in 8..200 {
        let stored = log.last_of(&tenant("t"), &entity(n)).await.unwrap() > 0;
        assert_eq!(stored, n % 2 == 1, "{n}");
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_while_its_batch_is_on_its_way_takes_nobody_along() {
    let server = NatsServer::start().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let mut running = begin(&log, (0..200).map(|n| vec![first(n)]));
    // The driver takes the queue and sends it; nothing has been answered when half of the callers go.
    while log.identity().await.unwrap().last_sequence == 0 {}
    running.truncate(100);
    for outcome in join_all(running).await {
        applied(outcome);
    }
    let next = join_all(begin(&log, (1000..1100).map(|n| vec![first(n)]))).await;
    for outcome in next {
        applied(outcome);
    }
}

/// Writers, each with an entity of its own and one commit after the other, while the server crashes under them.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_in_the_middle_of_batches_loses_nothing_and_doubles_nothing() {
    const WRITERS: u32 = 64;
    const COMMITS: u64 = 40;
    let mut server = NatsServer::sync_always().await;
    let log = JetStreamLog::connect(options(&server)).await.unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let log = log.clone();
            tokio::spawn(async move {
                let mut last = 0;
                for version in 1..=COMMITS {
                    let one = append(commit("t", entity(writer), version, &format!("c{version}")), last);
                    match certain(&log, vec![one]).await {
                        Outcome::Applied { stored, .. } => last = stored[0].sequence,
                        other @ (Outcome::NotApplied { .. } | Outcome::Unknown) => panic!("{other:?}"),
                    }
                }
                last
            })
        })
        .collect();
    for at in [400, 1000, 1700] {
        relevo_testkit::eventually_within("the writers go on", Duration::from_secs(30), async || {
            log.identity().await.ok().filter(|identity| identity.last_sequence >= at)
        })
        .await;
        server.restart().await;
    }
    for (writer, last) in (0..).zip(join_all(writers).await) {
        let tail = log.tail(&tenant("t"), &entity(writer), 0).await.unwrap();
        let versions: Vec<u64> = tail.iter().map(|recorded| recorded.commit.first_version).collect();
        assert_eq!(versions, (1..=COMMITS).collect::<Vec<_>>());
        assert_eq!(tail.last().unwrap().sequence, last.unwrap());
    }
    assert_eq!(log.identity().await.unwrap().last_sequence, u64::from(WRITERS) * COMMITS);
    assert!(batched(&server, "RELEVO_EVENTS").await > 1000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_leaves_nobody_waiting() {
    let mut server = NatsServer::start().await;
    let patience = Duration::from_millis(700);
    let log = JetStreamLog::connect(Options { append_deadline: patience, ..options(&server) }).await.unwrap();
    let running = begin(&log, (0..600).map(|n| vec![first(n)]));
    server.kill9();
    let outcomes = tokio::time::timeout(Duration::from_secs(30), join_all(running)).await.expect("everybody is told");
    server.restart().await;
    relevo_testkit::eventually("the client is back", async || log.connection().connected().then_some(())).await;
    for (n, outcome) in (0..).zip(outcomes) {
        let stored = log.last_of(&tenant("t"), &entity(n)).await.unwrap() > 0;
        match outcome {
            Ok(Outcome::Applied { .. }) => assert!(stored, "{n}"),
            Ok(Outcome::NotApplied { .. }) | Err(_) => assert!(!stored, "{n}: {outcome:?}"),
            Ok(Outcome::Unknown) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_before_learns_to_take_batches() {
    let server = NatsServer::start().await;
    drop(Connection::connect(options(&server)).await.unwrap());
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let before = raw(&server, "RELEVO_METRICS").await.cached_info().config.clone();
    context.update_stream(Config { allow_atomic_publish: false, ..before.clone() }).await.unwrap();
    drop(Connection::connect(options(&server)).await.unwrap());
    assert_eq!(raw(&server, "RELEVO_METRICS").await.cached_info().config, before);
}

/// Two logs on one connection share one gate; two connections do not, and still never store a commit twice.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_append_the_same_store_it_once() {
    let server = NatsServer::start().await;
    let one: Arc<dyn Log> = Arc::new(JetStreamLog::connect(options(&server)).await.unwrap());
    let two: Arc<dyn Log> = Arc::new(JetStreamLog::connect(options(&server)).await.unwrap());
    let both = (0..100).flat_map(|n| {
        let same = first(n);
        [(&one, same.clone()), (&two, same)].map(|(log, append)| {
            let log = Arc::clone(log);
            tokio::spawn(async move { certain(&*log, vec![append]).await })
        })
    });
    let both: Vec<_> = both.collect();
    let outcomes = join_all(both).await;
    for pair in outcomes.chunks(2) {
        let stored = pair.iter().map(|outcome| match outcome.as_ref().unwrap() {
            Outcome::Applied { stored, .. } => stored[0],
            other @ (Outcome::NotApplied { .. } | Outcome::Unknown) => panic!("{other:?}"),
        });
        let stored: Vec<Stored> = stored.collect();
        assert_eq!(stored[0], stored[1]);
    }
    assert_eq!(one.identity().await.unwrap().last_sequence, 100);
}
