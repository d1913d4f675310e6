//! A read from the leader that is certainly the leader's.
//!
//! A leader that was cut off from its replicas answers reads from what it has for another 10 to 20 seconds, while the others have
//! a new one and go on. So what is answered *without* a write (it is like that already, somebody else has it) would be told from
//! the past. Before such a read it is asked how long ago the leader was heard of by its replicas: no replica stands for election
//! within 4 seconds of that. Where one is away, a majority must have been heard of since the question was asked.
//!
//! Appends need nothing of this: a leader without a majority cannot store them.
//!
//! There is the other way round, too: a commit that a replica has shown to one of our readers may not have been taken in yet by the
//! leader, or by a new one. So "there is nothing there" is only believed of a confirmed leader, and after a moment.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{ClusterInfo, Info};
use tokio::time::{Instant, timeout_at};

use crate::connection::Connection;
use crate::log::LogError;
use crate::request::{Backoff, READ_DEADLINE, Which, leader_get_until};
use crate::streams::StreamName;

/// A replica stands for election 4 seconds after it has heard of its leader at the earliest; the rest is for slow answers.
const UNCHALLENGED: Duration = Duration::from_secs(3);

/// How long a leader may take to take in what a majority has stored: a moment; this is for busy machines.
const TAKEN_IN_WITHIN: Duration = Duration::from_secs(1);

/// What is known of who leads the events stream.
#[derive(Debug, Default)]
pub(super) struct Leadership(Mutex<Option<Term>>);

/// One server's time as the leader.
#[derive(Debug)]
struct Term {
    /// What was heard of it first: who leads, and since when by the server's clock.
    cluster: ClusterInfo,
    /// When that was heard.
    seen: Instant,
}

impl Leadership {
    /// Sequence of the last message on a subject; 0 if there is none.
    pub(super) async fn last_of(&self, connection: &Connection, subject: String) -> Result<u64, LogError> {
        let mut asking = Asking::begin(connection);
        let which = Which::Last(subject);
        loop {
            if let Some(last) = self.get(&asking, &which).await? {
                return Ok(last.map_or(0, |message| message.sequence));
            }
            asking.again().await?;
        }
    }

    /// The message at a sequence, if there is one.
    pub(super) async fn at(&self, connection: &Connection, sequence: u64) -> Result<Option<StreamMessage>, LogError> {
        let mut asking = Asking::begin(connection);
        let which = Which::At(sequence);
        loop {
            // What is there stays there, whoever says it.
            let found = asking.get(&which).await?;
            if found.is_some() || !asking.replicated {
                return Ok(found);
            }
            if asking.begun.elapsed() >= TAKEN_IN_WITHIN
                && let Some(found) = self.get(&asking, &which).await?
            {
                return Ok(found);
            }
            asking.again().await?;
        }
    }

    /// What the leader says about the stream.
    pub(super) async fn info(&self, connection: &Connection) -> Result<Info, LogError> {
        let mut asking = Asking::begin(connection);
        loop {
            // It speaks of itself, so there is no other one to be taken for it.
            if let Some((info, _)) = self.valid(&asking, Duration::ZERO).await {
                return Ok(info);
            }
            asking.again().await?;
        }
    }

    /// What the leader has; `None` if it cannot be said now whether it is the leader.
    async fn get(&self, asking: &Asking<'_>, which: &Which) -> Result<Option<Option<StreamMessage>>, LogError> {
        if !asking.replicated {
            return asking.get(which).await.map(Some);
        }
        let Some((_, until)) = self.valid(asking, UNCHALLENGED).await else { return Ok(None) };
        let found = asking.get(which).await?;
        Ok((Instant::now() <= until).then_some(found))
    }

    /// What the leader says, and until when what else it says is the leader's for certain; `None` if that cannot be said now.
    /// `settled`: for how long it must have led where a replica is away.
    async fn valid(&self, asking: &Asking<'_>, settled: Duration) -> Option<(Info, Instant)> {
        let asked = Instant::now();
        let stream = timeout_at(asking.deadline, asking.context.get_stream(StreamName::Events.as_str())).await;
        let info = stream.ok()?.ok()?.cached_info().clone();
        let replicas = info.cluster.as_ref().map(|cluster| cluster.replicas.as_slice()).unwrap_or_default();
        // A stream that is not replicated has one holder.
        let (Some(cluster), false) = (&info.cluster, replicas.is_empty()) else { return Some((info, asking.deadline)) };
        let is_settled = asked.saturating_duration_since(self.first_seen(cluster, asked)) >= settled;
        let silent: Vec<Duration> = replicas.iter().map(|replica| replica.active).collect();
        let until = valid(&silent, asking.begun, asked, is_settled)?;
        Some((info, until))
    }

    /// When this server was first heard of as the leader that it is now.
    fn first_seen(&self, cluster: &ClusterInfo, now: Instant) -> Instant {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |known: &ClusterInfo| known.leader == cluster.leader && known.leader_since == cluster.leader_since;
        match &*known {
            Some(term) if same(&term.cluster) => term.seen,
            Some(_) | None => {
                *known = Some(Term { cluster: cluster.clone(), seen: now });
                now
            }
        }
    }
}

/// One question, and how long it may take.
struct Asking<'c> {
    context: &'c Context,
    /// Whether there can be more than one that holds itself for the leader.
    replicated: bool,
    begun: Instant,
    deadline: Instant,
    backoff: Backoff,
}

impl<'c> Asking<'c> {
    fn begin(connection: &'c Connection) -> Self {
        let begun = Instant::now();
        Self {
            context: &connection.shared.context,
            replicated: connection.shared.options.replicas > 1,
            begun,
            deadline: begun + READ_DEADLINE,
            backoff: Backoff::new(),
        }
    }

    async fn get(&self, which: &Which) -> Result<Option<StreamMessage>, LogError> {
        leader_get_until(self.context, StreamName::Events.as_str(), which, self.deadline).await
    }

    /// Waits before it is asked again; an error if there is no time left.
    async fn again(&mut self) -> Result<(), LogError> {
        if Instant::now() >= self.deadline {
            let reason = "the leader of the log is not confirmed by its replicas";
            return Err(LogError::Unavailable(reason.to_owned()));
        }
        self.backoff.pause().await;
        Ok(())
    }
}

/// `silent`: how long ago the leader has heard of each replica. `begun`: since when the caller waits. `asked`: a moment before the
/// server said this. `is_settled`: whether it has led for long enough that every former leader has heard of it.
fn valid(silent: &[Duration], begun: Instant, asked: Instant, is_settled: bool) -> Option<Instant> {
    let longest = silent.iter().max().copied().unwrap_or_default();
    if let Some(left) = UNCHALLENGED.checked_sub(longest) {
        // Everybody has followed it, and nobody has had the time to stand against it.
        return Some(asked + left);
    }
    // Some are away, and may have a leader of their own if they are many enough: they are not if a majority has followed this one
    // since the question was asked. A former leader that reaches none of them knows of no majority; one that does has heard from it,
    // within a heartbeat, that its time is over.
    let waited = asked.saturating_duration_since(begun);
    let heard = silent.iter().filter(|silent| **silent <= waited).count();
    let majority = silent.len().div_ceil(2);
    (heard >= majority && is_settled).then(|| asked + READ_DEADLINE)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_leader_that_everybody_has_just_followed_is_one_for_a_while() {
        let now = Instant::now();
        let until = valid(&[SECOND, SECOND / 2], now, now, false);
        assert_eq!(until, Some(now + UNCHALLENGED - SECOND));
    }

    #[test]
    fn a_leader_that_nobody_follows_is_none() {
        let begun = Instant::now();
        let asked = begun + SECOND * 2;
        assert_eq!(valid(&[SECOND * 5, SECOND * 6], begun, asked, true), None);
    }

    #[test]
    fn where_one_is_away_the_other_must_have_followed_since_the_question() {
        let begun = Instant::now();
        let two = [SECOND * 60, SECOND / 2];
        assert_eq!(valid(&two, begun, begun + SECOND / 4, true), None);
        assert!(valid(&two, begun, begun + SECOND, true).is_some());
        // One that has led for a moment only may have a predecessor that does not know it yet.
        assert_eq!(valid(&two, begun, begun + SECOND, false), None);
    }

    #[test]
    fn of_five_two_replicas_make_a_majority_with_their_leader() {
        let begun = Instant::now();
        let asked = begun + SECOND;
        let away = SECOND * 60;
        assert!(valid(&[away, away, SECOND / 2, SECOND / 2], begun, asked, true).is_some());
        assert_eq!(valid(&[away, away, away, SECOND / 2], begun, asked, true), None);
    }
}
