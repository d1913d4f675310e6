//! Waits for the next timer of the view `timers` and lets what is due come to pass, the earliest first.
//!
//! Any number of nodes may run one. They do not know of each other: of all that try a timer, the conversation's compare-and-set
//! lets one do it. What was due while no node ran is due when one starts.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use relevo_command::{ExecuteError, Fired, IdKey, Ledger, Timer, TimerKind, TimerPolicies, Timers};
use relevo_domain::{Clock, TenantId, Timestamp};
use relevo_projection::row::ReadError;
use relevo_projection::{View, ViewSnapshot, ViewState};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::held::{Held, Tried, doubled};
use crate::timers::{self, Alarms, Due, Sight};

/// The clock is looked at this often at least. It may be set, and new timers may have been set in the meantime: a timer that nobody
/// was waiting for is a quarter of a second late at most, within the second that is promised.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How far ahead a look sees: until the next look, also if the list was read some while before the end of its round.
const AHEAD: Duration = Duration::from_millis(500);
/// Timers that come to pass at the same time: enough that an hour's downtime is made up for in seconds, too few to be felt by people.
const AT_ONCE_MAX: usize = 16;
/// Timers that are read at a time.
const BATCH: usize = 256;
/// Pauses between tries to reach the log: they double. Meanwhile one timer at a time asks whether it is back.
const AWAY_FIRST: Duration = Duration::from_millis(100);
const AWAY_MAX: Duration = Duration::from_secs(1);
/// A log that does not answer is told once, then every so many tries: about once a minute.
const TELL_EVERY: u32 = 60;

/// What a reactor works with.
pub struct ReactorParts {
    pub ledger: Arc<Ledger>,
    /// The view [`timers`](crate::timers).
    pub view: Arc<View>,
    /// Each tenant's id key. Of a tenant without one nothing comes to pass.
    pub keys: Arc<HashMap<TenantId, IdKey>>,
    /// What each tenant wants of its timers.
    pub policies: TimerPolicies,
    pub clock: Clock,
}

/// Lets timers come to pass.
pub struct Reactor {
    timers: Timers,
    view: Arc<View>,
    clock: Clock,
    /// Read, and not begun yet.
    ready: VecDeque<Timer>,
    tasks: JoinSet<Outcome>,
    flying: HashMap<Id, Timer>,
    held: Held,
    /// What is still to be read in this round, the next one last.
    parts: Vec<Part>,
    /// When the times that were set were last read to their end.
    set_read: Option<Instant>,
    /// When the first timer comes that this round has seen and that is not due, as far ahead as it looked.
    next: Option<Timestamp>,
    away: Option<Away>,
}

/// A part of the view that is read in the order of its times.
#[derive(Clone, Debug, PartialEq, Eq)]
enum List {
    /// Times that were set.
    Set,
    Alarms(Alarms),
}

/// A list, and how far it was read.
struct Part {
    list: List,
    /// Where the next look begins; at the earliest timer if absent.
    behind: Option<Timer>,
}

type Outcome = (Timestamp, Result<Fired, ExecuteError>);

/// The log does not answer.
#[derive(Clone, Copy, Debug)]
struct Away {
    until: Instant,
    tries: u32,
}

impl Reactor {
    pub fn new(parts: ReactorParts) -> Self {
        let ReactorParts { ledger, view, keys, policies, clock } = parts;
        Self {
            timers: Timers::new(ledger, keys, policies),
            view,
            clock,
            ready: VecDeque::new(),
            tasks: JoinSet::new(),
            flying: HashMap::new(),
            held: Held::default(),
            parts: Vec::new(),
            set_read: None,
            next: None,
            away: None,
        }
    }

    /// Works until it is told to end; then it waits for what has begun. Who drops the future instead loses nothing: the next reactor
    /// tries again.
    pub async fn run(mut self, token: CancellationToken) {
        while !token.is_cancelled() {
            let pause = self.begin();
            tokio::select! {
                () = token.cancelled() => {}
                Some(ended) = self.tasks.join_next_with_id() => self.ended(ended),
                () = sleep(pause) => {}
            }
        }
        while let Some(ended) = self.tasks.join_next_with_id().await {
            self.ended(ended);
        }
    }

    /// Begins what is due, as far as there is room. Answers how long nothing else can be begun.
    fn begin(&mut self) -> Duration {
        let now = Instant::now();
        let room = match self.away {
            Some(away) if away.until > now => return away.until - now,
            Some(_) => 1,
            None => AT_ONCE_MAX,
        };
        let mut pause = LOOK_EVERY;
        if self.ready.is_empty() && self.flying.len() < room {
            pause = self.look(now);
        }
        while self.flying.len() < room
            && let Some(timer) = self.ready.pop_front()
        {
            let (timers, clock, fired) = (self.timers.clone(), self.clock, timer.clone());
            let task = self.tasks.spawn(async move {
                let now = clock();
                (now, timers.fire(&fired, now).await)
            });
            self.flying.insert(task.id(), timer);
        }
        pause
    }

    /// Reads what is due, list by list, as far as there is something to begin. Answers how long there is nothing else to read.
    fn look(&mut self, now: Instant) -> Duration {
        let Some(snapshot) = self.current() else { return LOOK_EVERY };
        let time = (self.clock)();
        if self.parts.is_empty() {
            (self.parts, self.next) = (self.round(), None);
        } else if self.set_read.is_none_or(|read| now.duration_since(read) >= LOOK_EVERY) {
            self.set_first();
        }
        while let Some(part) = self.parts.last() {
            let due = match self.read(&snapshot, part, time, now) {
                Ok(due) => due,
                Err(error) => {
                    tracing::error!(%error, "view of timers cannot be read");
                    self.begin_anew();
                    return LOOK_EVERY;
                }
            };
            if due.unreadable > 0 {
                tracing::error!(rows = due.unreadable, "view of timers has rows that cannot be read");
            }
            self.next = [self.next, due.next].into_iter().flatten().min();
            let over = due.rest.is_none();
            self.read_to(due.rest, now);
            self.ready.extend(due.timers);
            if !over || !(self.ready.is_empty() || self.parts.is_empty()) {
                return Duration::ZERO;
            }
        }
        self.held.forget(now);
        self.next.map_or(LOOK_EVERY, |next| next.since(time).min(LOOK_EVERY))
    }

    /// Notes how far the part that is read was read; without a rest it is over.
    fn read_to(&mut self, rest: Option<Timer>, now: Instant) {
        match (rest, self.parts.last_mut()) {
            (Some(rest), Some(part)) => part.behind = Some(rest),
            (Some(_), None) => {}
            (None, _) => {
                if self.parts.pop().is_some_and(|part| part.list == List::Set) {
                    self.set_read = Some(now);
                }
            }
        }
    }

    /// Thousands of alerts may be due at once. What was agreed with people does not wait until they are all told.
    fn set_first(&mut self) {
        if self.parts.iter().all(|part| part.list != List::Set) {
            self.parts.push(Part { list: List::Set, behind: None });
        }
    }

    /// Everything that there is to read. Alerts come last: what was agreed with people goes before.
    fn round(&self) -> Vec<Part> {
        let alarms = |(tenant, kind): (&TenantId, TimerKind)| {
            let after = self.timers.policy(tenant).after(kind)?;
            Some(List::Alarms(Alarms { tenant: tenant.clone(), kind, after }))
        };
        let of = |tenant| TimerKind::ALERTS.map(|kind| (tenant, kind));
        let lists = self.timers.tenants().flat_map(of).filter_map(alarms).chain([List::Set]);
        lists.map(|list| Part { list, behind: None }).collect()
    }

    fn read(&self, snapshot: &ViewSnapshot, part: &Part, time: Timestamp, now: Instant) -> Result<Due, ReadError> {
        let behind = part.behind.as_ref();
        let skip = |timer: &Timer| {
            let begun = || self.flying.values().any(|flying| flying == timer);
            self.held.holds(timer, now) || !self.timers.knows(&timer.tenant) || begun()
        };
        let sight = Sight { now: time, until: Some(time + AHEAD) };
        match &part.list {
            List::Set => timers::due(&**snapshot, sight, behind, BATCH, &skip),
            List::Alarms(alarms) => timers::alarms(&**snapshot, alarms, sight, behind, BATCH, &skip),
        }
    }

    /// The next look reads everything, the earliest first.
    fn begin_anew(&mut self) {
        self.parts.clear();
    }

    /// The view as it is now, if it shows what the log says: in one that is still being built everything is due that ever was.
    fn current(&self) -> Option<ViewSnapshot> {
        if self.view.state() != ViewState::Live {
            return None;
        }
        self.view.snapshot().ok().filter(|snapshot| snapshot.version() == timers::VERSION)
    }

    fn ended(&mut self, ended: Result<(Id, Outcome), JoinError>) {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, _)| *task);
        let Some(timer) = self.flying.remove(&task) else { return };
        let (tenant, conversation, kind) = (&timer.tenant, timer.conversation, timer.kind.as_str());
        let tried = match ended {
            Ok((_, (now, Ok(fired)))) => {
                let late_ms = now.since(timer.scheduled).as_millis();
                tracing::debug!(%tenant, %conversation, kind, ?fired, late_ms, "a timer's time has come");
                Tried::Heard
            }
            Ok((_, (_, Err(error)))) if unheard(&error) => Tried::Unheard,
            Ok((_, (_, Err(error)))) => {
                tracing::warn!(%tenant, %conversation, kind, %error, "a timer cannot come to pass, and is tried again");
                Tried::Heard
            }
            Err(error) => {
                // What it panicked with was printed when it did; it may hold what must not be repeated here.
                tracing::error!(%tenant, %conversation, kind, panicked = error.is_panic(), "a timer ended unexpectedly");
                Tried::Heard
            }
        };
        let now = Instant::now();
        self.held.tried(timer, tried, now);
        match tried {
            Tried::Heard => self.away = None,
            Tried::Unheard => self.log_is_away(now),
        }
    }

    fn log_is_away(&mut self, now: Instant) {
        let tries = match self.away {
            // Of those that were begun before.
            Some(away) if away.until > now => return,
            Some(away) => away.tries.saturating_add(1),
            None => 0,
        };
        if tries.is_multiple_of(TELL_EVERY) {
            tracing::warn!(tries, "log does not answer: what is due waits");
        }
        self.away = Some(Away { until: now + doubled(AWAY_FIRST, tries, AWAY_MAX), tries });
        // They are read again, the earliest first.
        self.ready.clear();
        self.begin_anew();
    }
}

/// Whether it was the log, or what this node knows of it, and not the timer.
const fn unheard(error: &ExecuteError) -> bool {
    match error {
        ExecuteError::Ledger(_) | ExecuteError::Unknown | ExecuteError::Files(_) => true,
        ExecuteError::Rejected(_) | ExecuteError::CommandIdReused { .. } | ExecuteError::Contention => false,
    }
}
