//! The log in memory, with and without faults.

use std::sync::Arc;

use relevo_eventlog::{Faults, Log as _, LogError, MemoryLog, Outcome};

use crate::conformance;
use crate::sample::{append, commit, conversation, tenant};

#[tokio::test]
async fn memory_conforms() {
    conformance::all(Arc::new(MemoryLog::new())).await;
}

#[tokio::test(start_paused = true)]
async fn memory_conforms_when_everything_goes_wrong() {
    for seed in 0..25 {
        conformance::all(Arc::new(MemoryLog::with_faults(seed, Faults::STORM))).await;
    }
}

#[tokio::test]
async fn repeating_an_append_is_not_fresh() {
    let log = MemoryLog::new();
    let once = append(commit("t", conversation(1), 1, "once"), 0);
    let Outcome::Applied { stored, fresh: true } = log.append(vec![once.clone()]).await.unwrap() else {
        panic!("not stored")
    };
    assert_eq!(log.append(vec![once]).await, Ok(Outcome::Applied { stored, fresh: false }));
}

#[tokio::test(start_paused = true)]
async fn a_lost_ack_is_found_in_the_tail() {
    let log = MemoryLog::with_faults(1, Faults { lost_ack: 100, ..Faults::default() });
    let only = append(commit("t", conversation(1), 1, "only"), 0);
    let outcome = log.append(vec![only.clone()]).await.unwrap();
    let tail = log.tail(&tenant("t"), &conversation(1), 0).await.unwrap();
    assert_eq!(tail.len(), 1);
    let stored = vec![relevo_eventlog::Stored { sequence: tail[0].sequence, hash: tail[0].hash }];
    assert_eq!(outcome, Outcome::Applied { stored, fresh: true });
}

#[tokio::test(start_paused = true)]
async fn a_log_that_never_answers_leaves_the_outcome_unknown() {
    let log = MemoryLog::with_faults(1, Faults { lost_message: 100, ..Faults::default() });
    let only = append(commit("t", conversation(1), 1, "only"), 0);
    assert_eq!(log.append(vec![only]).await, Ok(Outcome::Unknown));
}

#[tokio::test(start_paused = true)]
async fn a_log_that_is_always_busy_has_stored_nothing() {
    let log = MemoryLog::with_faults(1, Faults { busy: 100, ..Faults::default() });
    let only = append(commit("t", conversation(1), 1, "only"), 0);
    assert!(matches!(log.append(vec![only]).await, Err(LogError::Unavailable(_))));
    assert_eq!(log.identity().await.unwrap().last_sequence, 0);
}

#[tokio::test]
async fn a_full_log_says_so_and_stays_readable() {
    let log = MemoryLog::new();
    log.append(vec![append(commit("t", conversation(1), 1, "fits"), 0)]).await.unwrap();
    log.set_bytes_max(1);
    let more = log.append(vec![append(commit("t", conversation(2), 1, "more"), 0)]).await;
    assert_eq!(more, Err(LogError::Full));
    assert!(log.get(1).await.unwrap().is_some());
}
