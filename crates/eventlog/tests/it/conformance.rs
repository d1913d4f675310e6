//! What every log must do, whatever it is made of. Faults may make an answer unknown, never wrong.

use std::sync::Arc;

use futures::StreamExt as _;
use relevo_domain::{EntityId, Recorded};
use relevo_eventlog::{Log, LogError, Outcome};

use crate::sample::{append, certain, commit, conversation, must_apply, tenant};

type AnyLog = Arc<dyn Log>;

/// The whole suite on one log. Each part uses entities of its own.
pub(crate) async fn all(log: AnyLog) {
    stores_and_reads_back(&log).await;
    refuses_a_stale_append(&log).await;
    finds_its_own_command(&log).await;
    keeps_command_ids_of_tenants_and_entities_apart(&log).await;
    stores_all_or_nothing(&log).await;
    finds_its_own_batch(&log).await;
    names_a_half_known_batch(&log).await;
    stores_several_commits_of_one_entity(&log).await;
    refuses_nonsense(&log).await;
    refuses_what_is_too_large(&log).await;
    refuses_to_be_older_than_its_callers(&log).await;
    keeps_writers_gapless(&log).await;
    reads_in_order_and_resumes(&log).await;
    follows_live_appends(&log).await;
}

async fn versions(log: &AnyLog, tenant_name: &str, entity: EntityId) -> Vec<u64> {
    let tail = log.tail(&tenant(tenant_name), &entity, 0).await.unwrap();
    tail.iter().map(|recorded| recorded.commit.first_version).collect()
}

async fn stores_and_reads_back(log: &AnyLog) {
    let entity = conversation(1);
    assert_eq!(log.last_of(&tenant("t"), &entity).await.unwrap(), 0);
    assert_eq!(log.tail(&tenant("t"), &entity, 0).await.unwrap(), Vec::new());

    let first = commit("t", entity, 1, "first");
    let stored = must_apply(&**log, vec![append(first.clone(), 0)]).await;
    let mut second = commit("t", entity, 2, "second");
    second.previous_hash = stored[0].hash;
    let after = must_apply(&**log, vec![append(second.clone(), stored[0].sequence)]).await;

    assert_eq!(log.last_of(&tenant("t"), &entity).await.unwrap(), after[0].sequence);
    let tail = log.tail(&tenant("t"), &entity, 0).await.unwrap();
    assert_eq!(tail.iter().map(|recorded| &recorded.commit).collect::<Vec<_>>(), [&first, &second]);
    assert_eq!((tail[0].sequence, tail[0].hash), (stored[0].sequence, stored[0].hash));
    assert_eq!(log.tail(&tenant("t"), &entity, stored[0].sequence).await.unwrap(), tail[1..]);
    assert_eq!(log.tail(&tenant("t"), &entity, after[0].sequence).await.unwrap(), Vec::new());
    let beginning = async |limit, end: u64| {
        let wanted = move |recorded: &Recorded| recorded.sequence <= end;
        log.beginning(&tenant("t"), &entity, limit, &wanted).await.unwrap()
    };
    assert_eq!(beginning(9, u64::MAX).await, tail);
    assert_eq!(beginning(1, u64::MAX).await, tail[..1]);
    assert_eq!(beginning(9, after[0].sequence - 1).await, tail[..1]);
    assert_eq!(beginning(9, 0).await, []);
    assert_eq!(log.get(stored[0].sequence).await.unwrap().unwrap(), tail[0]);
    assert_eq!(log.get(0).await.unwrap(), None);
    let identity = log.identity().await.unwrap();
    assert_eq!(log.get(identity.last_sequence + 1).await.unwrap(), None);
    assert!(identity.bytes > 0 && identity.bytes < identity.max_bytes);
}

async fn refuses_a_stale_append(log: &AnyLog) {
    let entity = conversation(2);
    let winner = commit("t", entity, 1, "winner");
    must_apply(&**log, vec![append(winner.clone(), 0)]).await;
    let outcome = certain(&**log, vec![append(commit("t", entity, 1, "loser"), 0)]).await;
    let Outcome::NotApplied { tails } = outcome else { panic!("expected NotApplied, got {outcome:?}") };
    assert_eq!(tails.len(), 1);
    assert_eq!(tails[0].iter().map(|recorded| &recorded.commit).collect::<Vec<_>>(), [&winner]);
    assert_eq!(versions(log, "t", entity).await, [1]);
}

async fn finds_its_own_command(log: &AnyLog) {
    let entity = conversation(3);
    let once = append(commit("t", entity, 1, "once"), 0);
    let stored = must_apply(&**log, vec![once.clone()]).await;
    must_apply(&**log, vec![append(commit("t", entity, 2, "between"), stored[0].sequence)]).await;

    // The very same append again. After a lost answer nobody can tell which of two equal attempts stored it.
    let again = certain(&**log, vec![once]).await;
    assert!(matches!(&again, Outcome::Applied { stored: found, .. } if *found == stored), "{again:?}");
    // The same command, decided anew under another commit id.
    let decided_anew = certain(&**log, vec![append(commit("t", entity, 1, "once"), 0)]).await;
    assert_eq!(decided_anew, Outcome::Applied { stored: stored.clone(), fresh: false });
    // Also with a condition that holds: the command is older than `expected`.
    let last = log.last_of(&tenant("t"), &entity).await.unwrap();
    let late = certain(&**log, vec![append(commit("t", entity, 3, "once"), last)]).await;
    assert_eq!(late, Outcome::Applied { stored, fresh: false });
    assert_eq!(versions(log, "t", entity).await, [1, 2]);
}

async fn keeps_command_ids_of_tenants_and_entities_apart(log: &AnyLog) {
    for (name, number) in [("t", 4), ("u", 4), ("t", 5)] {
        must_apply(&**log, vec![append(commit(name, conversation(number), 1, "shared-id"), 0)]).await;
    }
    for (name, number) in [("t", 4), ("u", 4), ("t", 5)] {
        assert_eq!(versions(log, name, conversation(number)).await, [1], "{name} {number}");
    }
    let both = vec![
        append(commit("t", conversation(6), 1, "shared-id"), 0),
        append(commit("u", conversation(6), 1, "shared-id"), 0),
    ];
    assert_eq!(must_apply(&**log, both).await.len(), 2);
}

async fn stores_all_or_nothing(log: &AnyLog) {
    let (fresh, stale) = (conversation(7), conversation(8));
    must_apply(&**log, vec![append(commit("t", stale, 1, "was-first"), 0)]).await;
    let batch = vec![append(commit("t", fresh, 1, "batch"), 0), append(commit("t", stale, 1, "batch"), 0)];
    let outcome = certain(&**log, batch).await;
    let Outcome::NotApplied { tails } = outcome else { panic!("expected NotApplied, got {outcome:?}") };
    assert_eq!(tails.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(versions(log, "t", fresh).await, [] as [u64; 0]);
    assert_eq!(versions(log, "t", stale).await, [1]);
}

async fn finds_its_own_batch(log: &AnyLog) {
    let (left, right) = (conversation(9), conversation(10));
    let batch = || vec![append(commit("t", left, 1, "pair"), 0), append(commit("t", right, 1, "pair"), 0)];
    let stored = must_apply(&**log, batch()).await;
    assert_eq!(stored[1].sequence, stored[0].sequence + 1);
    assert_eq!(certain(&**log, batch()).await, Outcome::Applied { stored: stored.clone(), fresh: false });
    // Also after both have moved on, with conditions that hold.
    let again = vec![
        append(commit("t", left, 2, "pair"), stored[0].sequence),
        append(commit("t", right, 2, "pair"), stored[1].sequence),
    ];
    assert_eq!(certain(&**log, again).await, Outcome::Applied { stored, fresh: false });
    assert_eq!(versions(log, "t", left).await, [1]);
    assert_eq!(versions(log, "t", right).await, [1]);
}

async fn names_a_half_known_batch(log: &AnyLog) {
    let (known, unknown) = (conversation(11), conversation(12));
    must_apply(&**log, vec![append(commit("t", known, 1, "half"), 0)]).await;
    let batch = vec![append(commit("t", known, 1, "half"), 0), append(commit("t", unknown, 1, "half"), 0)];
    let outcome = certain(&**log, batch).await;
    assert!(matches!(outcome, Outcome::NotApplied { .. }), "{outcome:?}");
    assert_eq!(versions(log, "t", unknown).await, [] as [u64; 0]);
}

async fn stores_several_commits_of_one_entity(log: &AnyLog) {
    let (long, short) = (conversation(13), conversation(14));
    let batch = vec![
        append(commit("t", long, 1, "one"), 0),
        append(commit("t", short, 1, "aside"), 0),
        append(commit("t", long, 2, "two"), 0),
        append(commit("t", long, 3, "three"), 0),
    ];
    let stored = must_apply(&**log, batch).await;
    let sequences: Vec<u64> = stored.iter().map(|stored| stored.sequence).collect();
    assert_eq!(sequences, (sequences[0]..sequences[0] + 4).collect::<Vec<_>>());
    assert_eq!(versions(log, "t", long).await, [1, 2, 3]);
    let tail = log.tail(&tenant("t"), &long, stored[1].sequence).await.unwrap();
    assert_eq!(tail[0].hash, stored[2].hash);
}

async fn refuses_nonsense(log: &AnyLog) {
    let mut empty = commit("t", conversation(15), 1, "empty");
    empty.events.clear();
    let twice = append(commit("t", conversation(15), 1, "twice"), 0);
    for batch in [vec![], vec![append(empty, 0)], vec![twice.clone(), twice]] {
        let refused = log.append(batch).await;
        assert!(matches!(refused, Err(LogError::Refused(_))), "{refused:?}");
    }
    assert_eq!(versions(log, "t", conversation(15)).await, [] as [u64; 0]);
}

async fn refuses_what_is_too_large(log: &AnyLog) {
    let mut large = commit("t", conversation(16), 1, "large");
    large.correlation = Some("x".repeat(9 * 1024 * 1024));
    let refused = log.append(vec![append(large, 0)]).await;
    assert!(matches!(refused, Err(LogError::TooLarge { size, limit }) if size > limit), "{refused:?}");
}

async fn refuses_to_be_older_than_its_callers(log: &AnyLog) {
    let entity = conversation(17);
    let stored = must_apply(&**log, vec![append(commit("t", entity, 1, "one"), 0)]).await;
    for _ in 0..50 {
        match log.append(vec![append(commit("t", entity, 3, "ahead"), stored[0].sequence + 100_000)]).await {
            Err(LogError::Refused(_)) => return,
            Ok(Outcome::Unknown) | Err(LogError::Unavailable(_)) => {}
            other => panic!("expected Refused, got {other:?}"),
        }
    }
    panic!("never refused");
}

/// Sixteen writers, each adding to one entity on top of what it last saw, until each has applied five commands.
async fn keeps_writers_gapless(log: &AnyLog) {
    const WRITERS: u64 = 16;
    const COMMANDS: u64 = 5;
    let entity = conversation(18);
    let writers = (0..WRITERS).map(|writer| {
        let log = Arc::clone(log);
        tokio::spawn(async move {
            let (mut last, mut version) = (0, 0);
            for number in 0..COMMANDS {
                let command = format!("w{writer}-{number}");
                loop {
                    let attempt = append(commit("t", entity, version + 1, &command), last);
                    match log.append(vec![attempt]).await {
                        Ok(Outcome::Applied { .. }) => break,
                        Ok(Outcome::NotApplied { tails }) => {
                            let newest = tails[0].last().expect("something made the append stale");
                            (last, version) = (newest.sequence, newest.commit.last_version());
                        }
                        Ok(Outcome::Unknown) | Err(LogError::Unavailable(_)) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        })
    });
    for writer in futures::future::join_all(writers).await {
        writer.unwrap();
    }
    let tail = log.tail(&tenant("t"), &entity, 0).await.unwrap();
    let versions: Vec<u64> = tail.iter().map(|recorded| recorded.commit.first_version).collect();
    assert_eq!(versions, (1..=WRITERS * COMMANDS).collect::<Vec<_>>());
    let mut commands: Vec<&str> = tail.iter().map(|recorded| recorded.commit.command_id.as_str()).collect();
    commands.sort_unstable();
    commands.dedup();
    assert_eq!(commands.len() as u64, WRITERS * COMMANDS, "a command was stored twice");
}

async fn reads_in_order_and_resumes(log: &AnyLog) {
    let last = log.identity().await.unwrap().last_sequence;
    let take = usize::try_from(last).unwrap();
    let all: Vec<_> = log.read(0).await.unwrap().take(take).map(Result::unwrap).collect().await;
    let sequences: Vec<u64> = all.iter().map(|recorded| recorded.sequence).collect();
    assert_eq!(sequences, (1..=last).collect::<Vec<_>>());
    let middle = last / 2;
    let rest: Vec<_> = log
        .read(middle)
        .await
        .unwrap()
        .take(take - usize::try_from(middle).unwrap() + 1)
        .map(Result::unwrap)
        .collect()
        .await;
    assert_eq!(rest, all[usize::try_from(middle).unwrap() - 1..]);
}

async fn follows_live_appends(log: &AnyLog) {
    let entity = conversation(19);
    let from = log.identity().await.unwrap().last_sequence + 1;
    let mut live = log.read(from).await.unwrap();
    let mut last = 0;
    for version in 1..=20 {
        let stored =
            must_apply(&**log, vec![append(commit("t", entity, version, &format!("live-{version}")), last)]).await;
        last = stored[0].sequence;
        let recorded = loop {
            // Faults may let a late attempt of an earlier part arrive in between.
            let recorded = live.next().await.unwrap().unwrap();
            if recorded.commit.entity == entity {
                break recorded;
            }
        };
        assert_eq!((recorded.sequence, recorded.hash), (last, stored[0].hash));
    }
}
