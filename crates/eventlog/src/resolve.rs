//! "Is it mine?": what became of an append, told from the tails of its entities.
//!
//! Shared by every implementation of the log: send, and after any answer that is not a plain ack let the tails decide. Every
//! attempt of one append carries the same condition and the same message ids, so at most one copy can ever be stored; sending
//! again is always safe, and giving up is *unknown*, never *not applied*.

use std::time::Duration;

use async_trait::async_trait;
use relevo_domain::{CommandId, Commit, EntityId, Recorded, TenantId};
use tokio::time::Instant;

use crate::log::{Append, Log, LogError, Outcome, Stored};
use crate::request::Backoff;

/// The most commits that one append may have: the server's limit for an atomic batch.
pub(crate) const APPEND_COMMITS_MAX: usize = 1000;

/// One attempt's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Stored by this attempt; the sequence of the (last) message.
    Stored(u64),
    /// The server has seen this message id before, and says where. Unknown until that was looked at.
    Duplicate(u64),
    /// A batch has a member whose message id the server has seen before; it does not say where.
    BatchDuplicate,
    /// The entity's last sequence is not the expected one.
    Conflict,
    /// Refused for this moment (another append is in flight, the server is busy); this attempt is not stored.
    Busy,
    /// Nobody answers for the stream; this attempt is not stored.
    Away,
    /// No or an unclear answer; this attempt may be stored.
    Lost,
    /// Refused for good; this attempt is not stored.
    Refused(LogError),
}

/// What the tails say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every command is in its entity's tail; `own` if each was stored as the very commit that is being appended.
    Applied { stored: Vec<Stored>, own: bool },
    /// An entity has moved on without these commands, so no attempt, late ones included, can be stored any more.
    NotApplied,
    /// Nothing has happened since `expected`: the append may still be stored.
    Open,
}

/// An entity of an append, with the sequence that its first commit expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) tenant: TenantId,
    pub(crate) entity: EntityId,
    pub(crate) expected: u64,
}

/// The entities of an append in order of first appearance. Only an entity's first commit carries a condition.
pub(crate) fn members(batch: &[Append]) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    for Append { commit, expected } in batch {
        if !members.iter().any(|member| member.tenant == commit.tenant && member.entity == commit.entity) {
            members.push(Member { tenant: commit.tenant.clone(), entity: commit.entity, expected: *expected });
        }
    }
    members
}

/// Refuses what no log should hold, before anything is sent.
pub(crate) fn check(batch: &[Append]) -> Result<(), LogError> {
    let refuse = |reason: &str| Err(LogError::Refused(reason.to_owned()));
    if batch.is_empty() {
        return refuse("an append needs at least one commit");
    }
    if batch.len() > APPEND_COMMITS_MAX {
        return refuse("an append has at most 1000 commits");
    }
    let mut commands: Vec<(&TenantId, &EntityId, &CommandId)> = Vec::with_capacity(batch.len());
    for Append { commit, .. } in batch {
        if commit.events.is_empty() || commit.first_version == 0 {
            return refuse("a commit needs at least one event, and versions start at 1");
        }
        commands.push((&commit.tenant, &commit.entity, &commit.command_id));
    }
    commands.sort_unstable();
    if commands.windows(2).any(|pair| pair[0] == pair[1]) {
        return refuse("one command appears twice in one append");
    }
    Ok(())
}

/// One way of sending an append.
#[async_trait]
pub(crate) trait Attempt: Sync {
    /// Sends the whole append once, under its conditions, and waits for the answer until `deadline` at the latest.
    async fn send(&self, deadline: Instant) -> Answer;

    /// Where the commits are stored, given the sequence of the last one.
    fn stored(&self, last: u64) -> Vec<Stored>;
}

/// Sends until an outcome is certain or `patience` is at its end.
pub(crate) async fn drive(
    log: &dyn Log,
    batch: &[Append],
    attempt: &dyn Attempt,
    patience: Duration,
) -> Result<Outcome, LogError> {
    let members = members(batch);
    let deadline = Instant::now() + patience;
    let mut backoff = Backoff::new();
    // Whether an earlier attempt of this call may be stored.
    let mut pending = false;
    loop {
        let answer = attempt.send(deadline).await;
        if let Answer::Stored(last) = answer {
            return Ok(Outcome::Applied { stored: attempt.stored(last), fresh: true });
        }
        if let Answer::Refused(error) = &answer
            && !pending
        {
            return Err(error.clone());
        }
        pending |= answer == Answer::Lost;
        if answer != Answer::Away
            && let Some(outcome) = by_tails(log, batch, &members, &answer, pending).await?
        {
            return Ok(outcome);
        }
        if Instant::now() >= deadline {
            tracing::warn!(?answer, pending, "append gave up at its deadline");
            let busy = || LogError::Unavailable("the log did not accept the append in time".to_owned());
            return if pending { Ok(Outcome::Unknown) } else { Err(busy()) };
        }
        backoff.pause().await;
    }
}

/// What the tails say, if they can be read; `None` if the append may be tried again.
async fn by_tails(
    log: &dyn Log,
    batch: &[Append],
    members: &[Member],
    answer: &Answer,
    pending: bool,
) -> Result<Option<Outcome>, LogError> {
    let tails = match tails(log, members, |member| member.expected).await {
        Ok(tails) => tails,
        Err(LogError::Unavailable(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    match judge(batch, members, &tails) {
        Verdict::Applied { stored, own } => return Ok(Some(Outcome::Applied { stored, fresh: own && pending })),
        Verdict::NotApplied => return Ok(Some(Outcome::NotApplied { tails })),
        Verdict::Open => {}
    }
    match answer {
        Answer::Duplicate(_) | Answer::BatchDuplicate => search_history(log, batch, members, tails).await,
        Answer::Conflict => check_expected(log, members).await.map(|()| None),
        Answer::Stored(_) | Answer::Busy | Answer::Away | Answer::Lost | Answer::Refused(_) => Ok(None),
    }
}

/// The server knows a message id and the tails do not: the command was applied before `expected`.
async fn search_history(
    log: &dyn Log,
    batch: &[Append],
    members: &[Member],
    tails_after: Vec<Vec<Recorded>>,
) -> Result<Option<Outcome>, LogError> {
    let whole = match tails(log, members, |_| 0).await {
        Ok(whole) => whole,
        Err(LogError::Unavailable(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(match judge(batch, members, &whole) {
        Verdict::Applied { stored, .. } => Some(Outcome::Applied { stored, fresh: false }),
        Verdict::NotApplied if any_found(batch, &whole) => Some(Outcome::NotApplied { tails: tails_after }),
        Verdict::NotApplied | Verdict::Open => None,
    })
}

/// A conflict without anything after `expected` means that the caller has seen more than this log holds.
async fn check_expected(log: &dyn Log, members: &[Member]) -> Result<(), LogError> {
    for member in members {
        let last = log.last_of(&member.tenant, &member.entity).await?;
        if last < member.expected {
            return Err(LogError::Refused(format!(
                "commit {} of {} is expected, but its last one is {last}: this log is older than the caller's state",
                member.expected, member.entity
            )));
        }
    }
    Ok(())
}

async fn tails(
    log: &dyn Log,
    members: &[Member],
    after: impl Fn(&Member) -> u64,
) -> Result<Vec<Vec<Recorded>>, LogError> {
    let mut tails = Vec::with_capacity(members.len());
    for member in members {
        tails.push(log.tail(&member.tenant, &member.entity, after(member)).await?);
    }
    Ok(tails)
}

/// Judges an append by the tails of its [`members`], in their order.
pub(crate) fn judge(batch: &[Append], members: &[Member], tails: &[Vec<Recorded>]) -> Verdict {
    let found: Option<Vec<&Recorded>> =
        batch.iter().map(|append| find(&append.commit, tail_of(&append.commit, members, tails))).collect();
    if let Some(found) = found {
        let own = found.iter().zip(batch).all(|(recorded, append)| recorded.commit.id == append.commit.id);
        let stored = found.into_iter().map(|found| Stored { sequence: found.sequence, hash: found.hash }).collect();
        return Verdict::Applied { stored, own };
    }
    if tails.iter().all(Vec::is_empty) { Verdict::Open } else { Verdict::NotApplied }
}

/// Whether any of the commands is in any of the tails.
pub(crate) fn any_found(batch: &[Append], tails: &[Vec<Recorded>]) -> bool {
    batch.iter().any(|append| tails.iter().any(|tail| find(&append.commit, tail).is_some()))
}

/// The commit that the same command made on the same entity, if it is among `tail`.
fn find<'a>(commit: &Commit, tail: &'a [Recorded]) -> Option<&'a Recorded> {
    tail.iter().find(|recorded| {
        recorded.commit.command_id == commit.command_id
            && recorded.commit.entity == commit.entity
            && recorded.commit.tenant == commit.tenant
    })
}

fn tail_of<'a>(commit: &Commit, members: &[Member], tails: &'a [Vec<Recorded>]) -> &'a [Recorded] {
    members
        .iter()
        .position(|member| member.tenant == commit.tenant && member.entity == commit.entity)
        .and_then(|at| tails.get(at))
        .map_or(&[], Vec::as_slice)
}
