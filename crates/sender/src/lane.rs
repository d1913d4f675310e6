//! One channel's queue on this node: whose turn it is, how many at a time, and what holds the channel back.
//!
//! Each channel has a task of its own, so a slow or broken one holds up nobody else. The task keeps nothing that must survive:
//! what is on its way stands in the view, what was done on the log.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rand::RngExt as _;
use relevo_command::SendRef;
use relevo_domain::conversation::{FailureClass, Pending, SendFailure, Stage};
use relevo_domain::{ChannelId, EntityId, Position, TenantId, Timestamp};
use relevo_projection::ViewSnapshot;
use relevo_projection::row::ReadError;
use relevo_providers::{Account, AccountKey, Health, Part};
use tokio::sync::watch;
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::ahead::Ahead;
use crate::attempt::{self, Attempt, CLAIM_LIMIT, DOUBT_MARGIN, Ended};
use crate::delivery::{self, Act, Turn, Waiting};
use crate::hold::{Holds, Situation};
use crate::metrics::Kind;
use crate::pace::Pace;
use crate::policy;
use crate::record::{self, Letter, News};
use crate::round::Round;
use crate::sender::Shared;

/// Messages that are given up or called unknown at the same time, beside those that are handed over.
const CHORES_MAX: usize = 4;
/// Claims that one look examines: more than all nodes together can have on their way through one channel.
const CLAIMS_EXAMINED_MAX: usize = 1_024;
/// While something waits the view is looked at this often, whatever wakes: times come, and clocks are set.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// And this often while nothing does.
const IDLE_MAX: Duration = Duration::from_mins(1);
/// Pause before a conversation is tried again whose turn was lost: mostly the view is only a moment behind. It doubles while
/// nothing changes.
const LOST_FIRST: Duration = Duration::from_millis(25);
const REST_MAX: Duration = Duration::from_mins(1);
/// Conversations whose pauses are remembered beyond their end, to double them.
const RESTS_MAX: usize = 4_096;
/// How long after the last call may be over a node that stops waits for its outcomes to be stored.
const STOP_GRACE: Duration = Duration::from_secs(5);

/// One channel's queue.
pub(crate) struct Lane {
    shared: Arc<Shared>,
    tenant: TenantId,
    channel: ChannelId,
    /// Counts up when something of the channel has changed.
    wake: watch::Receiver<u64>,
    jobs: JoinSet<Ended>,
    /// One at a time for each conversation.
    flying: HashMap<EntityId, Flight>,
    /// Conversations in which something was just stored: nothing is done before the view shows it.
    settling: HashMap<EntityId, Position>,
    rests: HashMap<EntityId, Rest>,
    holds: Holds,
    round: Round,
    ahead: Ahead,
    open: Arc<AtomicBool>,
    pace: Option<Arc<Pace>>,
    token: CancellationToken,
}

/// What is being done for a conversation.
struct Flight {
    task: Id,
    pending: Pending,
    begun: Instant,
    /// Of the account with which it is done; absent for what needs none.
    revision: Option<u64>,
}

impl Flight {
    /// Nothing is handed over.
    const fn is_chore(&self) -> bool {
        self.revision.is_none()
    }
}

/// A conversation that waits on this node.
struct Rest {
    /// What was tried; something else of the same conversation begins anew.
    pending: Pending,
    until: Instant,
    /// How often it could not be prepared.
    failures: u32,
    /// How often nothing came of it otherwise.
    rounds: u32,
}

/// Why a conversation waits on this node.
#[derive(Clone, Copy)]
enum Why {
    /// Its message could not be prepared.
    Unprepared,
    Otherwise,
}

/// A view as it was at one look.
struct Look<'l> {
    snapshot: &'l ViewSnapshot,
    now: Timestamp,
    instant: Instant,
}

impl Lane {
    pub(crate) fn new(
        shared: Arc<Shared>,
        (tenant, channel): AccountKey,
        wake: watch::Receiver<u64>,
        token: CancellationToken,
    ) -> Self {
        Self {
            shared,
            tenant,
            channel,
            wake,
            jobs: JoinSet::new(),
            flying: HashMap::new(),
            settling: HashMap::new(),
            rests: HashMap::new(),
            holds: Holds::default(),
            round: Round::default(),
            ahead: Ahead::default(),
            open: Arc::new(AtomicBool::new(true)),
            pace: None,
            token,
        }
    }

    /// Works until it is told to end; then it waits for what was handed over, and begins nothing.
    pub(crate) async fn run(mut self) {
        let mut accounts = self.shared.accounts.watch();
        loop {
            let wait = match self.look() {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(tenant = %self.tenant, channel = %self.channel, %error, "delivery view cannot be read");
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = self.token.cancelled() => break,
                Some(done) = self.jobs.join_next_with_id() => self.finished(done),
                Ok(()) = self.wake.changed() => {}
                Ok(()) = accounts.changed() => {}
                () = sleep(wait) => {}
            }
        }
        let limit = attempt::call_max(self.shared.door.as_ref()) + STOP_GRACE;
        let drain = async {
            while let Some(done) = self.jobs.join_next_with_id().await {
                self.finished(done);
            }
        };
        if timeout(limit, drain).await.is_err() {
            tracing::warn!("outcomes of messages could not be stored before the end; they will be called unknown");
        }
    }

    // === looking ===

    /// Begins what can be begun now; answers with how long nothing else is to be done, as far as is known.
    fn look(&mut self) -> Result<Duration, ReadError> {
        let Some(snapshot) = self.shared.current() else { return Ok(LOOK_EVERY) };
        let look = Look { snapshot: &snapshot, now: self.shared.now(), instant: Instant::now() };
        self.settling.retain(|_, at| *at > snapshot.position());
        if self.rests.len() > RESTS_MAX {
            self.rests.retain(|_, rest| rest.until > look.instant);
        }
        self.call_unknown(&look)?;
        self.give_up(&look)?;
        let next = self.hand_over(&look)?;
        let lane = delivery::lane(&*snapshot, &self.tenant, &self.channel)?;
        let most = if lane.is_some_and(|lane| lane.waiting > 0) { LOOK_EVERY } else { IDLE_MAX };
        Ok(next.unwrap_or(most).min(most))
    }

    /// Claims whose sender is gone: after their time, the call's time-out and a margin nobody knows what came of them.
    fn call_unknown(&mut self, look: &Look<'_>) -> Result<(), ReadError> {
        let patience = attempt::call_over_after(self.shared.door.as_ref());
        let mut turns = self.turns(look, Act::Doubt, look.now - patience, self.free_chores())?;
        turns.extend(self.wrongly_ahead(look, CLAIM_LIMIT + patience)?);
        for turn in turns {
            let Some(head) = self.head(look, turn)? else { continue };
            if !matches!(head.pending.stage, Stage::Claimed { .. }) || self.left_out(look, turn, &head)? {
                continue;
            }
            let (shared, letter) = (Arc::clone(&self.shared), self.letter(turn, &head));
            let news = News::Unknown { attempt: head.pending.attempts };
            self.begin(turn, head.pending, None, async move {
                record::tell(&shared, &letter, &news).await;
                Ended::Unknown
            });
        }
        Ok(())
    }

    /// Claims of a sender whose clock was wrong, once they have been seen for as long as any claim may last.
    fn wrongly_ahead(&mut self, look: &Look<'_>, patience: Duration) -> Result<Vec<Turn>, ReadError> {
        let end = Timestamp::from_millis(i64::MAX);
        let mut turns = self.turns(look, Act::Doubt, end, CLAIMS_EXAMINED_MAX)?;
        turns.retain(|turn| turn.at > look.now + CLAIM_LIMIT + DOUBT_MARGIN);
        let mut claims = Vec::with_capacity(turns.len());
        for turn in &turns {
            claims.extend(self.head(look, *turn)?.map(|head| (turn.conversation, head.pending)));
        }
        let over = self.ahead.over(claims, look.instant, patience);
        turns.retain(|turn| over.contains(&turn.conversation));
        turns.truncate(self.free_chores());
        Ok(turns)
    }

    /// Messages that have waited for too long.
    fn give_up(&mut self, look: &Look<'_>) -> Result<(), ReadError> {
        for turn in self.turns(look, Act::Expire, look.now, self.free_chores())? {
            let Some(head) = self.head(look, turn)? else { continue };
            if self.left_out(look, turn, &head)? {
                continue;
            }
            let (shared, letter) = (Arc::clone(&self.shared), self.letter(turn, &head));
            self.begin(turn, head.pending.clone(), None, async move { attempt::expire(&shared, &letter, &head).await });
        }
        Ok(())
    }

    /// Messages whose turn it is; answers with how long until there may be others.
    fn hand_over(&mut self, look: &Look<'_>) -> Result<Option<Duration>, ReadError> {
        let Some(account) = self.shared.accounts.find(&self.tenant, &self.channel) else {
            self.open.store(false, Ordering::Release);
            return Ok(None);
        };
        let Some(entity) = self.shared.channel_entity(&self.tenant, &self.channel) else { return Ok(None) };
        let state = delivery::channel_state(look.snapshot, &self.tenant, entity)?;
        let situation = Situation { revision: account.revision, switched: state.switched };
        let closed = self.holds.closed_until(look.instant, account.revision);
        self.open.store(closed.is_none() && !state.paused, Ordering::Release);
        if state.paused {
            return Ok(None);
        }
        if let Some(until) = closed {
            return Ok(Some(until - look.instant));
        }
        let pace = self.pace_of(&account);
        let most = if self.holds.careful() { 1 } else { pace.in_flight_max() };
        let free = most.saturating_sub(self.flying.values().filter(|flight| !flight.is_chore()).count());
        if free == 0 {
            return Ok(None);
        }
        // Those that are held do not take the place of those that are not, however many they are.
        let left_out = |conversation| self.is_busy(look, conversation) || self.is_held(look, situation, conversation);
        let behind = self.round.behind();
        let lane = (&self.tenant, &self.channel, Act::HandOver);
        let turns = delivery::turns_behind(look.snapshot, lane, behind, look.now + LOOK_EVERY, free, &left_out)?;
        let mut next = self.round.ended(&turns);
        for turn in turns.found {
            if turn.at > look.now {
                let due = turn.at.since(look.now);
                next = Some(next.map_or(due, |next| next.min(due)));
                break;
            }
            let Some(head) = self.head(look, turn)? else { continue };
            let due = matches!(head.pending.stage, Stage::Queued { .. }) && head.expires_at > look.now;
            if !due || self.left_out(look, turn, &head)? {
                continue;
            }
            let rest = self.rests.get(&turn.conversation).filter(|rest| rest.pending == head.pending);
            let attempt = Attempt {
                shared: Arc::clone(&self.shared),
                account: Arc::clone(&account),
                letter: self.letter(turn, &head),
                pace: Arc::clone(&pace),
                open: Arc::clone(&self.open),
                failures: rest.map_or(0, |rest| rest.failures),
                rounds: rest.map_or(0, |rest| rest.rounds),
                token: self.token.clone(),
                waiting: head.clone(),
            };
            self.begin(turn, head.pending, Some(account.revision), attempt.run());
        }
        let rested = self.rests.values().filter(|rest| rest.until > look.instant).map(|rest| rest.until).min();
        let rested = rested.map(|until| until - look.instant);
        Ok([next, rested].into_iter().flatten().min())
    }

    /// Turns of conversations for which nothing is being done, and which do not rest.
    fn turns(&self, look: &Look<'_>, act: Act, until: Timestamp, limit: usize) -> Result<Vec<Turn>, ReadError> {
        let skip = |conversation| self.is_busy(look, conversation);
        delivery::turns(look.snapshot, &self.tenant, &self.channel, act, until, limit, &skip)
    }

    /// Whether something is being done for a conversation, or it rests.
    fn is_busy(&self, look: &Look<'_>, conversation: EntityId) -> bool {
        self.flying.contains_key(&conversation)
            || self.settling.contains_key(&conversation)
            || self.rests.get(&conversation).is_some_and(|rest| self.rests_still(look, conversation, rest))
    }

    /// Whether the business would speak first with this conversation's message, which the provider does not want at the moment.
    fn is_held(&self, look: &Look<'_>, situation: Situation, conversation: EntityId) -> bool {
        if !self.holds.holds_initiative(situation) {
            return false;
        }
        let outbox = delivery::outbox(look.snapshot, &self.tenant, conversation).ok().flatten();
        outbox.is_some_and(|outbox| outbox.head().is_some_and(|head| outbox.by_initiative(&head, look.now)))
    }

    /// Whether a conversation rests, and still has what it rests for.
    fn rests_still(&self, look: &Look<'_>, conversation: EntityId, rest: &Rest) -> bool {
        let same = || {
            let outbox = delivery::outbox(look.snapshot, &self.tenant, conversation);
            let head = outbox.ok().flatten().and_then(|outbox| outbox.head());
            head.is_some_and(|head| head.pending == rest.pending)
        };
        rest.until > look.instant && same()
    }

    fn head(&self, look: &Look<'_>, turn: Turn) -> Result<Option<Waiting>, ReadError> {
        let outbox = delivery::outbox(look.snapshot, &self.tenant, turn.conversation)?;
        Ok(outbox.and_then(|outbox| outbox.head()))
    }

    /// Whether the view does not follow this conversation any more: what it shows is old, and is not acted upon.
    fn left_out(&mut self, look: &Look<'_>, turn: Turn, head: &Waiting) -> Result<bool, ReadError> {
        let parked = look.snapshot.parked(&self.tenant, &turn.conversation)?;
        if parked {
            self.rest(turn.conversation, head.pending.clone(), REST_MAX, Why::Otherwise);
        }
        Ok(parked)
    }

    fn free_chores(&self) -> usize {
        CHORES_MAX.saturating_sub(self.flying.values().filter(|flight| flight.is_chore()).count())
    }

    fn pace_of(&mut self, account: &Account) -> Arc<Pace> {
        match &self.pace {
            Some(pace) if pace.is_of(account) => Arc::clone(pace),
            Some(_) | None => Arc::clone(self.pace.insert(Arc::new(Pace::of(account)))),
        }
    }

    fn letter(&self, turn: Turn, waiting: &Waiting) -> Letter {
        let (tenant, conversation) = (self.tenant.clone(), turn.conversation);
        Letter { of: SendRef { tenant, conversation, message: waiting.pending.id }, channel: self.channel.clone() }
    }

    fn begin(
        &mut self,
        turn: Turn,
        pending: Pending,
        revision: Option<u64>,
        job: impl Future<Output = Ended> + Send + 'static,
    ) {
        let task = self.jobs.spawn(job).id();
        self.flying.insert(turn.conversation, Flight { task, pending, begun: Instant::now(), revision });
    }

    // === what came of it ===

    fn finished(&mut self, done: Result<(Id, Ended), JoinError>) {
        let (task, ended) = match done {
            Ok((task, ended)) => (task, Some(ended)),
            Err(error) => {
                tracing::error!(tenant = %self.tenant, channel = %self.channel, %error, "sending a message broke off");
                (error.id(), None)
            }
        };
        let Some(conversation) = self.flying.iter().find(|(_, flight)| flight.task == task).map(|(id, _)| *id) else {
            return;
        };
        let Some(flight) = self.flying.remove(&conversation) else { return };
        let Some(ended) = ended else {
            return self.rest(conversation, flight.pending, REST_MAX, Why::Otherwise);
        };
        // Whatever was stored, this node's view must show it first; and if nothing was, the same is not tried again at once.
        self.settling.insert(conversation, self.shared.ledger.newest());
        let kind = Kind::of(self.shared.accounts.find(&self.tenant, &self.channel).as_deref().map(|found| &found.kind));
        match ended {
            Ended::Accepted => {
                self.shared.metrics.count_accepted(kind);
                self.holds.accepted(flight.begun);
                self.rests.remove(&conversation);
                self.note(None);
            }
            Ended::Unknown => {
                self.shared.metrics.count_unknown(kind);
                tracing::warn!(tenant = %self.tenant, channel = %self.channel, message_id = %flight.pending.id, "outcome of a message is unknown");
                let class = FailureClass::Transient;
                self.note(Some(&SendFailure { class, code: None, detail: None }));
                self.lost(conversation, flight.pending);
            }
            Ended::Failed { failure, retry_after, last } => {
                let (class, code) = (failure.class.as_str(), failure.code.as_deref());
                tracing::info!(tenant = %self.tenant, channel = %self.channel, message_id = %flight.pending.id, class, code, last, "message was not sent");
                self.shared.metrics.count_failed(kind, failure.class, last);
                self.refused(&failure, retry_after, flight.revision);
                self.lost(conversation, flight.pending);
            }
            Ended::Held { failure, retry_after } => self.refused(&failure, retry_after, flight.revision),
            Ended::Again { failure, pause } => {
                let why = if failure.is_some() { Why::Unprepared } else { Why::Otherwise };
                if let Some(failure) = &failure {
                    self.refused(failure, None, flight.revision);
                }
                self.rest(conversation, flight.pending, pause, why);
            }
            Ended::Lost => self.lost(conversation, flight.pending),
            Ended::Stopped => {}
        }
    }

    /// As long as the view goes on to show this very message as it was, it is left alone, for longer each time.
    fn lost(&mut self, conversation: EntityId, pending: Pending) {
        let again = self.rests.get(&conversation).filter(|rest| rest.pending == pending);
        let pause = policy::doubled(LOST_FIRST, again.map_or(0, |rest| rest.rounds), REST_MAX);
        self.rest(conversation, pending, pause, Why::Otherwise);
    }

    fn rest(&mut self, conversation: EntityId, pending: Pending, pause: Duration, why: Why) {
        let again = self.rests.get(&conversation).filter(|rest| rest.pending == pending);
        let (failures, rounds) = again.map_or((0, 0), |rest| (rest.failures, rest.rounds));
        let (failures, rounds) = match why {
            Why::Unprepared => (failures.saturating_add(1), rounds),
            Why::Otherwise => (failures, rounds.saturating_add(1)),
        };
        self.rests.insert(conversation, Rest { pending, until: Instant::now() + pause, failures, rounds });
    }

    /// What a refusal means for the channel; nothing if no provider was asked.
    fn refused(&mut self, failure: &SendFailure, retry_after: Option<Duration>, revision: Option<u64>) {
        let Some(revision) = revision else { return };
        let situation = Situation { revision, switched: self.shared.switched(&self.tenant, &self.channel) };
        let (now, share) = (Instant::now(), rand::rng().random_range(0.0..1.0));
        self.holds.refused(failure.class, retry_after, situation, now, share);
        if self.holds.closed_until(now, revision).is_some() {
            self.open.store(false, Ordering::Release);
        }
        self.note(Some(failure));
    }

    /// Tells operators how the channel is doing, where a failure says anything about that.
    fn note(&self, failure: Option<&SendFailure>) {
        let (since, account) = (self.shared.now(), (self.tenant.clone(), self.channel.clone()));
        let health = match failure {
            None if self.shared.has_parked(&account) => return,
            None => Health::Good { since },
            Some(SendFailure { class, code, detail: _ }) => {
                let (class, code) = (*class, code.clone());
                match class {
                    FailureClass::Throttled | FailureClass::Transient => Health::Ailing { since, class, code },
                    FailureClass::Auth | FailureClass::Quality | FailureClass::Integrity | FailureClass::Account => {
                        Health::Broken { since, class, code }
                    }
                    // About one message or one customer.
                    FailureClass::PairLimit
                    | FailureClass::Window
                    | FailureClass::Recipient
                    | FailureClass::Content
                    | FailureClass::Template
                    | FailureClass::File
                    | FailureClass::Expired
                    | FailureClass::Unknown => return,
                }
            }
        };
        self.shared.board.note(&account, Part::Sending, health);
    }
}
