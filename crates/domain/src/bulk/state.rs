//! The smallest state of a bulk that can answer the rules. What became of each conversation is on the log alone.

use crate::bulk::event::{Asker, BulkEvent, Counts, What};
use crate::conversation::event::NotePersonal;
use crate::time::Timestamp;

/// What the rules need to know of a bulk. `Default` is one that nobody has asked for.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct State {
    pub job: Option<Job>,
}

/// A bulk that somebody asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    pub what: What,
    pub total: u32,
    pub list: [u8; 32],
    pub by: Asker,
    pub personal: NotePersonal,
    /// So many of the list have a result: the next one is at this place.
    pub done: u32,
    pub counts: Counts,
    pub lease: Option<Lease>,
    pub finished: bool,
}

/// Who works on it, and until when nobody else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub worker: String,
    pub until: Timestamp,
}

impl State {
    /// The state after one more event. Total.
    #[must_use]
    pub fn evolve(mut self, event: &BulkEvent) -> Self {
        match (event, &mut self.job) {
            (BulkEvent::Started { what, total, list, chosen: _, position: _, by, personal }, job) => {
                *job = Some(Job {
                    what: *what,
                    total: *total,
                    list: *list,
                    by: by.clone(),
                    personal: personal.clone(),
                    done: 0,
                    counts: Counts::default(),
                    lease: None,
                    finished: false,
                });
            }
            (BulkEvent::Taken { worker, until }, Some(job)) => {
                job.lease = Some(Lease { worker: worker.clone(), until: *until });
            }
            (BulkEvent::Progressed { from, results, worker, until }, Some(job)) => {
                job.done = from.saturating_add(results.len() as u32);
                job.counts = results.iter().fold(job.counts, |counts, one| counts.with(one.outcome));
                job.lease = Some(Lease { worker: worker.clone(), until: *until });
            }
            (BulkEvent::Finished { counts }, Some(job)) => {
                job.counts = *counts;
                job.lease = None;
                job.finished = true;
            }
            (BulkEvent::Taken { .. } | BulkEvent::Progressed { .. } | BulkEvent::Finished { .. }, None) => {}
        }
        self
    }
}
