//! What a view takes from the log, batch by batch, and how often.
//!
//! A batch costs as much as some dozen commits, whatever is in it. So a view takes what is there and then lets some gather, for as long
//! as nobody waits for it: by how fast they come, which is for every view, and by its projector's own linger. Of the log's past it takes
//! whole batches.

use std::sync::Arc;
use std::time::Duration;

use relevo_domain::Position;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::applier::Item;
use crate::hub::{Hub, Seat, Sharing};
use crate::view::View;

/// Commits that are written together by a view that is behind: large enough that a write costs nothing a commit and a row that changes
/// with most commits is written once for hundreds, small enough that readers wait for some tens of milliseconds.
pub(crate) const BATCH_COMMITS_MAX: usize = 1_024;
/// A view that gets commits faster than one a batch lets some gather before it takes the next: so long for each commit of the last
/// batch, and at most so long. A batch costs as much as some dozen commits, whatever is in it; without a pause the views
/// of a busy node would write thousands of batches of two or three. One that gets few does not pause: see [`PAUSE_MIN`].
const PAUSE_A_COMMIT: Duration = Duration::from_micros(400);
const PAUSE_MAX: Duration = Duration::from_millis(4);
/// A shorter pause is left out: the clock of the tasks ticks in milliseconds.
const PAUSE_MIN: Duration = Duration::from_millis(1);
/// How long a view that catches up waits for a whole batch: what is read is read for the slowest of those that share the reading, and
/// the others would take it a few dozen commits at a time.
const FILL_MAX: Duration = Duration::from_millis(50);
/// Commits that a view which lingers lets gather at most, and how often it counts them: far fewer than a ring holds come in between.
const LINGER_COMMITS_MAX: usize = 256;
const COUNT_EVERY: Duration = Duration::from_millis(100);
/// How long a log that cannot be read is left alone, at first and at most.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Commits of a log from a position on.
pub(crate) struct Feed {
    seat: Seat,
    token: CancellationToken,
    not_before: Instant,
    /// What stands before is the past: nothing of it waits for others.
    target: u64,
    linger: Option<Linger>,
}

/// How a view that follows the log lets commits gather.
struct Linger {
    time: Duration,
    /// Who is waited for, if anybody.
    view: Arc<View>,
    /// When the first of those that wait now was seen.
    since: Option<Instant>,
}

/// Waits between attempts, longer each time.
pub(crate) struct Backoff {
    next: Duration,
}

impl Feed {
    /// Everything after `position`, then what comes. Up to `target` it is the log's past.
    pub(crate) fn after(
        position: Position,
        target: Position,
        hub: &Arc<Hub>,
        sharing: Sharing,
        token: CancellationToken,
    ) -> Self {
        let seat = hub.join(position.sequence() + 1, target.sequence(), sharing);
        Self { seat, token, not_before: Instant::now(), target: target.sequence(), linger: None }
    }

    /// The same for a view that has readers: once the past is behind it, commits may wait so long for others.
    pub(crate) fn lingering(mut self, time: Duration, view: Arc<View>) -> Self {
        self.linger = (!time.is_zero()).then_some(Linger { time, view, since: None });
        self
    }

    /// What is there, at most one batch; waits for the first. Empty once Relevo stops. May be dropped and called again: nothing is
    /// lost.
    pub(crate) async fn batch(&mut self) -> Vec<Item> {
        let token = self.token.clone();
        tokio::select! {
            () = token.cancelled() => Vec::new(),
            batch = self.next() => batch,
        }
    }

    async fn next(&mut self) -> Vec<Item> {
        if self.seat.waiting() < BATCH_COMMITS_MAX {
            sleep_until(self.not_before).await;
        }
        loop {
            self.fill().await;
            self.gather().await;
            if let Some(batch) = self.seat.take(BATCH_COMMITS_MAX) {
                self.not_before = Instant::now() + pause_after(batch.len());
                return batch;
            }
            self.seat.arrival().await;
        }
    }

    /// Waits while less than a batch of the past is there and more of it is to come. Not while nothing is there.
    async fn fill(&mut self) {
        let until = Instant::now() + FILL_MAX;
        loop {
            let (waiting, past) = (self.seat.waiting(), self.seat.next() <= self.target);
            let more = past && self.seat.arrived() <= self.target;
            if waiting == 0 || waiting >= BATCH_COMMITS_MAX || !more || Instant::now() >= until {
                return;
            }
            tokio::select! {
                () = self.seat.arrival() => {}
                () = sleep_until(until) => {}
            }
        }
    }

    /// Waits while what is there may wait for others. Not while nothing is there.
    async fn gather(&mut self) {
        let Some(linger) = &mut self.linger else { return };
        loop {
            let (waiting, next, now) = (self.seat.waiting(), self.seat.next(), Instant::now());
            if waiting == 0 || waiting >= LINGER_COMMITS_MAX || next <= self.target {
                break;
            }
            let until = *linger.since.get_or_insert(now) + linger.time;
            let wanted = linger.view.wishes().first(next);
            if now >= until || wanted.is_some_and(|wanted| wanted < self.seat.arrived()) {
                break;
            }
            tokio::select! {
                () = linger.view.wishes().begun() => {}
                // Somebody waits for what has not come yet.
                () = self.seat.arrival(), if wanted.is_some() => {}
                () = sleep_until(until.min(now + COUNT_EVERY)) => {}
            }
        }
        linger.since = None;
    }
}

fn pause_after(commits: usize) -> Duration {
    let pause = PAUSE_A_COMMIT.saturating_mul(u32::try_from(commits).unwrap_or(u32::MAX)).min(PAUSE_MAX);
    if pause < PAUSE_MIN { Duration::ZERO } else { pause }
}

impl Backoff {
    pub(crate) const fn new() -> Self {
        Self { next: RETRY_MIN }
    }

    pub(crate) const fn reset(&mut self) {
        self.next = RETRY_MIN;
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 2).min(RETRY_MAX);
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::{CommandId, CommitId};
    use relevo_eventlog::{Append, Log as _, MemoryLog, Outcome};

    use super::*;
    use crate::testing::history;

    /// Versions and hashes do not matter to who reads.
    async fn append(log: &MemoryLog, commits: u64) {
        for (recorded, last) in history(7, 1).iter().cycle().zip(0..commits) {
            let mut commit = recorded.commit.clone();
            let bytes = u128::from(last).to_be_bytes();
            (commit.id, commit.command_id) = (CommitId::new(bytes), CommandId::derived(&bytes));
            commit.first_version = last + 1;
            commit.events.truncate(1);
            let appended = log.append(vec![Append { commit, expected: last }]).await.unwrap();
            assert!(matches!(appended, Outcome::Applied { .. }), "{appended:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_past_is_taken_in_whole_batches_and_its_end_at_once() {
        let (log, token, start) = (MemoryLog::new(), CancellationToken::new(), Instant::now());
        append(&log, 2_500).await;
        let hub = Hub::new(Arc::new(log.clone()), token.clone());
        let mut feed = Feed::after(Position::START, Position::new(2_500), &hub, Sharing::Shared, token.clone());
        let taken = [feed.batch().await.len(), feed.batch().await.len(), feed.batch().await.len()];
        assert_eq!(taken, [BATCH_COMMITS_MAX, BATCH_COMMITS_MAX, 2_500 - 2 * BATCH_COMMITS_MAX]);
        assert!(start.elapsed() < FILL_MAX, "{:?}", start.elapsed());
        // A past that does not come is not waited for, and what is after it not at all.
        let mut feed = Feed::after(Position::new(2_490), Position::new(9_000), &hub, Sharing::Alone, token);
        let asked = Instant::now();
        assert_eq!(feed.batch().await.len(), 10);
        assert!((FILL_MAX..2 * FILL_MAX).contains(&asked.elapsed()), "{:?}", asked.elapsed());
    }

    #[test]
    fn few_commits_are_taken_at_once_and_many_gather_for_a_moment() {
        assert_eq!([0, 1, 2].map(pause_after), [Duration::ZERO; 3]);
        assert_eq!(pause_after(5), Duration::from_millis(2));
        assert_eq!(pause_after(BATCH_COMMITS_MAX), PAUSE_MAX);
    }
}
