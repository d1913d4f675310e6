//! The rules of a bulk: who may ask for one, who works on it, and that each conversation has one result.

use std::time::Duration;

use crate::access::Role;
use crate::bulk::command::{BULK_CHUNK_MAX, BULK_CONVERSATIONS_MAX, Command, Decision, Rejection, Start};
use crate::bulk::event::{BulkEvent, Counts, OneResult, What};
use crate::bulk::state::{Job, Lease, State};
use crate::conversation::decide::{NOTE_CHARS_MAX, PAUSE_DAYS_MAX};
use crate::conversation::event::{NotePersonal, PauseTerms};
use crate::time::Timestamp;

const PAUSE_MAX: Duration = Duration::from_hours(24 * PAUSE_DAYS_MAX);

/// Decides one command.
pub fn decide(state: &State, command: &Command) -> Result<Decision, Rejection> {
    match command {
        Command::Start(start) => self::start(state, start),
        Command::Take { worker, now, until } => take(job(state)?, worker, *now, *until),
        Command::Progress { worker, from, results, until } => progress(job(state)?, worker, *from, results, *until),
    }
}

fn job(state: &State) -> Result<&Job, Rejection> {
    state.job.as_ref().ok_or(Rejection::NotFound)
}

/// One without conversations is finished at once: that there are none is an answer.
fn start(state: &State, start: &Start) -> Result<Decision, Rejection> {
    let role = start.by.role;
    if !role.is_staff() {
        return Err(Rejection::Forbidden { role });
    }
    if state.job.is_some() {
        return Ok(Decision::AlreadySo);
    }
    if start.total > BULK_CONVERSATIONS_MAX {
        return Err(Rejection::Limit { what: "conversations", limit: BULK_CONVERSATIONS_MAX });
    }
    if let What::Pause { reason: _, terms } = start.what {
        valid_terms(role, terms, start.now)?;
    }
    let note = start.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    if note.is_some_and(|note| note.chars().count() > NOTE_CHARS_MAX) {
        return Err(Rejection::Invalid { field: "note", limit: NOTE_CHARS_MAX });
    }
    let started = BulkEvent::Started {
        what: start.what,
        total: start.total as u32,
        list: start.list,
        chosen: start.chosen,
        position: start.position,
        by: start.by.clone(),
        personal: NotePersonal { text: note.map(str::to_owned) },
    };
    let finished = (start.total == 0).then(|| BulkEvent::Finished { counts: Counts::default() });
    Ok(Decision::Append(std::iter::once(started).chain(finished).collect()))
}

/// As for one conversation: what would be refused for each is refused at once.
fn valid_terms(role: Role, terms: PauseTerms, now: Timestamp) -> Result<(), Rejection> {
    if terms.locked && role == Role::Agent {
        return Err(Rejection::Forbidden { role });
    }
    match terms.until {
        Some(until) if until <= now || until > now + PAUSE_MAX || terms.locked => {
            Err(Rejection::Invalid { field: "until", limit: PAUSE_DAYS_MAX as usize })
        }
        Some(_) | None => Ok(()),
    }
}

fn take(job: &Job, worker: &str, now: Timestamp, until: Timestamp) -> Result<Decision, Rejection> {
    if job.finished {
        return Ok(Decision::AlreadySo);
    }
    match &job.lease {
        Some(Lease { worker: other, until }) if other != worker && *until > now => Err(Rejection::Held),
        Some(_) | None => Ok(Decision::Append(vec![BulkEvent::Taken { worker: worker.to_owned(), until }])),
    }
}

fn progress(
    job: &Job,
    worker: &str,
    from: u32,
    results: &[OneResult],
    until: Timestamp,
) -> Result<Decision, Rejection> {
    if job.finished || from < job.done {
        return Ok(Decision::AlreadySo);
    }
    if job.lease.as_ref().is_none_or(|lease| lease.worker != worker) {
        return Err(Rejection::Held);
    }
    let done = from as usize + results.len();
    if from != job.done || results.is_empty() || results.len() > BULK_CHUNK_MAX || done > job.total as usize {
        return Err(Rejection::OutOfTurn);
    }
    let counts = results.iter().fold(job.counts, |counts, one| counts.with(one.outcome));
    let progressed = BulkEvent::Progressed { from, results: results.to_vec(), worker: worker.to_owned(), until };
    let finished = (done == job.total as usize).then_some(BulkEvent::Finished { counts });
    Ok(Decision::Append(std::iter::once(progressed).chain(finished).collect()))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
