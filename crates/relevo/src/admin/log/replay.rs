//! Events of the past, in the order of the log: to whoever asked, or onto a subject; at once, or at a pace.

use std::sync::Arc;

use futures::StreamExt;
use relevo_domain::{Position, Recorded, Timestamp};
use relevo_eventlog::{Connection, Log, LogError, ReplaySubject, Replayed};
use relevo_proto::admin::v1 as proto;
use relevo_proto::json::JsonError;
use relevo_query::Directory;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant, sleep_until};
use tonic::Status;

use super::line::line;
use super::render;
use super::span::{Filter, Span, impersonal};

/// How often it is said how far a replay onto a subject is.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);
/// Events after which a replay onto a subject waits until they have left this process, so that none are kept in memory.
const FLUSH_EVERY: u64 = 256;
/// The fastest pace that is one; faster is "as fast as possible".
pub(super) const SPEED_MAX: f64 = 1_000_000.0;

/// Where the events go.
pub(super) enum Target {
    Caller,
    Subject(Connection, ReplaySubject),
}

/// The work.
pub(super) struct Replay {
    pub(super) log: Arc<dyn Log>,
    pub(super) directory: Arc<Directory>,
    pub(super) span: Span,
    pub(super) filter: Filter,
    /// 0: as fast as possible.
    pub(super) speed: f64,
    pub(super) target: Target,
    pub(super) without_personal: bool,
    pub(super) answers: mpsc::Sender<Result<proto::ReplayLogResponse, Status>>,
}

/// Why a replay ended early.
pub(super) enum Ended {
    Log(LogError),
    /// An event cannot be shown.
    Json(JsonError),
    /// Nobody listens any more.
    Gone,
}

impl From<LogError> for Ended {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl Replay {
    pub(super) async fn run(&self) -> Result<(), Ended> {
        let mut done = proto::ReplayProgress::default();
        if !self.span.empty() {
            self.events(&mut done).await?;
        }
        if let Target::Subject(connection, _) = &self.target {
            connection.replayed().await?;
        }
        done.position = Position::new(self.span.last).to_string();
        done.done = true;
        self.answers.send(Ok(told(done))).await.map_err(|_closed| Ended::Gone)
    }

    async fn events(&self, done: &mut proto::ReplayProgress) -> Result<(), Ended> {
        let mut commits = self.log.read(self.span.first).await?;
        let (mut pace, mut told_at) = (Pace::new(self.speed), Instant::now());
        while let Some(item) = commits.next().await {
            let sequence = match item {
                Ok(recorded) if recorded.sequence > self.span.last => return Ok(()),
                Ok(recorded) => {
                    if self.span.holds(&recorded) && self.filter.takes_commit(&recorded) {
                        self.commit(&recorded, &mut pace, done).await?;
                    }
                    recorded.sequence
                }
                Err(LogError::Undecodable { sequence, .. }) => {
                    done.unreadable += 1;
                    sequence
                }
                Err(error) => return Err(error.into()),
            };
            if sequence >= self.span.last {
                return Ok(());
            }
            if matches!(self.target, Target::Subject(..)) && told_at.elapsed() >= PROGRESS_EVERY {
                done.position = Position::new(sequence).to_string();
                // A client that is behind does without.
                self.answers.try_send(Ok(told(done.clone()))).ok();
                told_at = Instant::now();
            }
        }
        Ok(())
    }

    async fn commit(
        &self,
        recorded: &Recorded,
        pace: &mut Pace,
        done: &mut proto::ReplayProgress,
    ) -> Result<(), Ended> {
        let shown = render(recorded, &self.directory).map_err(Ended::Json)?;
        let events = recorded.commit.events.iter().zip(shown.events).enumerate();
        for (ordinal, (event, shown_event)) in events {
            if !self.filter.takes_event(event) {
                continue;
            }
            pace.wait(recorded.commit.recorded_at).await;
            let json = if self.without_personal { impersonal(&shown_event.json) } else { shown_event.json };
            let event = proto::ReplayedEvent {
                position: recorded.position().to_string(),
                ordinal: u32::try_from(ordinal).unwrap_or(u32::MAX),
                entity_id: shown.entity_id.clone(),
                version: shown_event.version,
                name: event.name().to_owned(),
                occurred_at: shown.occurred_at,
                recorded_at: shown.recorded_at,
                actor: shown.actor.clone(),
                command_id: shown.command_id.clone(),
                json,
            };
            self.give(recorded, event, done).await?;
        }
        Ok(())
    }

    async fn give(
        &self,
        recorded: &Recorded,
        event: proto::ReplayedEvent,
        done: &mut proto::ReplayProgress,
    ) -> Result<(), Ended> {
        done.events += 1;
        match &self.target {
            Target::Caller => {
                let answer = proto::ReplayLogResponse { event: Some(event), progress: None };
                self.answers.send(Ok(answer)).await.map_err(|_closed| Ended::Gone)
            }
            Target::Subject(connection, subject) => {
                let ordinal = event.ordinal;
                let name = recorded.commit.events.get(ordinal as usize).map_or("", |event| event.name());
                let content = line(&event).map_err(Ended::Json)?.into();
                let replayed = Replayed { position: recorded.position(), ordinal, event: name, content };
                connection.replay(subject, replayed).await?;
                if done.events.is_multiple_of(FLUSH_EVERY) {
                    connection.replayed().await?;
                }
                Ok(())
            }
        }
    }
}

fn told(progress: proto::ReplayProgress) -> proto::ReplayLogResponse {
    proto::ReplayLogResponse { event: None, progress: Some(progress) }
}

/// Keeps the distance between events, counted from the first one, so that no delay adds up.
struct Pace {
    speed: f64,
    began: Option<(Instant, Timestamp)>,
}

impl Pace {
    const fn new(speed: f64) -> Self {
        Self { speed, began: None }
    }

    async fn wait(&mut self, recorded_at: Timestamp) {
        if self.speed <= 0.0 {
            return;
        }
        let (began, first) = *self.began.get_or_insert_with(|| (Instant::now(), recorded_at));
        if let Some(due) = due(began, recorded_at.since(first), self.speed) {
            sleep_until(due).await;
        }
    }
}

/// When an event is due that came so long after the first one; never, if no clock goes that far.
fn due(began: Instant, after: Duration, speed: f64) -> Option<Instant> {
    let wait = Duration::try_from_secs_f64(after.as_secs_f64() / speed).ok()?;
    began.checked_add(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_due_after_its_distance_divided_by_the_speed() {
        let began = Instant::now();
        let after = Duration::from_mins(1);
        assert_eq!(due(began, after, 1.0), Some(began + after));
        assert_eq!(due(began, after, 60.0), Some(began + Duration::from_secs(1)));
        assert_eq!(due(began, Duration::ZERO, SPEED_MAX), Some(began));
        assert_eq!(due(began, after, f64::MIN_POSITIVE), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pace_waits_from_the_first_event_on() {
        let began = Instant::now();
        let mut pace = Pace::new(2.0);
        for seconds in [100, 104, 102, 110] {
            pace.wait(Timestamp::from_seconds(seconds)).await;
        }
        assert_eq!(began.elapsed().as_secs(), 5);
        Pace::new(0.0).wait(Timestamp::from_seconds(1)).await;
        assert_eq!(began.elapsed().as_secs(), 5);
    }
}
