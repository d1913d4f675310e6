//! One message's way to the provider: read, prepare, wait for the channel's pace, claim, hand over once, and say what came of it.
//!
//! Everything before the claim may be repeated and leaves no trace. Behind the claim there is one call. Whatever its outcome, it
//! is told until the log has it; the call is never made again for that claim, and a process that dies before it has told leaves
//! a claim that others will call unknown.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use relevo_domain::conversation::{CALL_OVER_AFTER, ConversationEvent, FailureClass, Outgoing, SendFailure};
use relevo_domain::{Event, MessageId, Timestamp};
use relevo_providers::{Account, Deadline, Door, Job, Outcome, Prepared, UPLOAD_MAX};
use tokio::sync::SemaphorePermit;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::delivery::{self, Waiting};
use crate::pace::Pace;
use crate::policy::{self, Next};
use crate::record::{self, LOG_PAUSE_FIRST, LOG_PAUSE_MAX, Letter, News, Won};
use crate::sender::Shared;

/// How long after a claim was asked for the call must have begun: long against an append, short against a person's patience.
pub const CLAIM_LIMIT: Duration = Duration::from_secs(10);
/// How long after a claim's time and the longest call nobody calls the outcome unknown: what the clocks of two nodes may
/// differ by.
pub(crate) const DOUBT_MARGIN: Duration = Duration::from_secs(30);
/// What a call may take beyond the door's own time-out before it is given up here.
const CALL_GRACE: Duration = Duration::from_secs(2);
/// The longest call, its grace included: what the rules leave for it beside the clocks.
const CALL_MAX: Duration = CALL_OVER_AFTER.saturating_sub(DOUBT_MARGIN);
/// A claim that is being asked for when the node stops gets this long: one that is stored and not used would be called unknown.
const STOP_CLAIM_AFTER: Duration = Duration::from_secs(1);
/// An upload of the largest file over a slow line, and reading it before; then the next try.
const PREPARE_MAX: Duration = Duration::from_mins(7);
const _: () =
    assert!(PREPARE_MAX.as_secs() > UPLOAD_MAX.as_secs(), "else an upload that is about to succeed is given up");

/// What one attempt needs.
pub(crate) struct Attempt {
    pub(crate) shared: Arc<Shared>,
    pub(crate) account: Arc<Account>,
    pub(crate) letter: Letter,
    pub(crate) waiting: Waiting,
    pub(crate) pace: Arc<Pace>,
    /// Whether the channel may send at this moment.
    pub(crate) open: Arc<AtomicBool>,
    /// How often the message could not be prepared before.
    pub(crate) failures: u32,
    /// How often nothing came of it for another reason.
    pub(crate) rounds: u32,
    pub(crate) token: CancellationToken,
}

/// What an attempt came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The provider has it.
    Accepted,
    /// Handed over or not, it failed, and this is on the log.
    Failed { failure: SendFailure, retry_after: Option<Duration>, last: bool },
    /// Nobody knows.
    Unknown,
    /// It could not be prepared, and that is the channel's fault: nothing is on the log, the message waits.
    Held { failure: SendFailure, retry_after: Option<Duration> },
    /// It could not be prepared, and is tried again after that long.
    Again { failure: Option<SendFailure>, pause: Duration },
    /// The message's turn is over or not ours.
    Lost,
    /// The node stops.
    Stopped,
}

impl Attempt {
    pub(crate) async fn run(self) -> Ended {
        // The room for its files is kept to the end: a prepared mail holds them.
        let (prepared, _room) = match self.token.run_until_cancelled(self.prepare()).await {
            Some(Ok(prepared)) => prepared,
            Some(Err(ended)) => return ended,
            None => return Ended::Stopped,
        };
        if self.token.run_until_cancelled(self.pace.permit()).await.is_none() {
            return Ended::Stopped;
        }
        if !self.still_its_turn() {
            return Ended::Lost;
        }
        let won = tokio::select! {
            won = record::claim(&self.shared, &self.letter) => won,
            // Who stops here leaves at most a claim that runs out: nothing was called, and nothing will be.
            () = self.stopped_for(STOP_CLAIM_AFTER) => return Ended::Stopped,
        };
        let Some(Won { attempt, asked, until }) = won else { return Ended::Lost };
        let in_time = asked.filter(|asked| may_call(asked.elapsed(), self.shared.now(), until));
        let outcome = match in_time {
            Some(asked) => {
                self.hand_over(prepared, Deadline::new(asked + CLAIM_LIMIT, until, self.shared.clock())).await
            }
            None => too_late(),
        };
        self.conclude(attempt, outcome).await
    }

    // === before the claim ===

    async fn prepare(&self) -> Result<(Prepared, Option<SemaphorePermit<'_>>), Ended> {
        let outgoing = self.outgoing().await?;
        let bytes = outgoing.body.files().iter().map(|file| file.size_bytes).sum();
        let room = self.pace.room_for(bytes).await;
        let job = Job { account: &self.account, outgoing: &outgoing, queued_at: self.waiting.pending.queued_at };
        let (failure, retry_after) = match timeout(PREPARE_MAX, self.shared.door.prepare(job)).await {
            Ok(Ok(prepared)) => return Ok((prepared, room)),
            Ok(Err(failed)) => failed,
            Err(_elapsed) => (transient("preparing took too long"), None),
        };
        match failure.class {
            FailureClass::Auth | FailureClass::Throttled => Err(Ended::Held { failure, retry_after }),
            FailureClass::PairLimit
            | FailureClass::Transient
            | FailureClass::Quality
            | FailureClass::Integrity
            | FailureClass::Window
            | FailureClass::Recipient
            | FailureClass::Content
            | FailureClass::Template
            | FailureClass::Account
            | FailureClass::File
            | FailureClass::Expired
            | FailureClass::Unknown => {
                let now = self.shared.now();
                match policy::next(&failure, self.failures + 1, None, retry_after, now) {
                    Next::Again { at } => Err(Ended::Again { failure: Some(failure), pause: at.since(now) }),
                    Next::Final => Err(give_up(&self.shared, &self.letter, failure, retry_after).await),
                }
            }
        }
    }

    /// What is to be sent, from the log.
    async fn outgoing(&self) -> Result<Outgoing, Ended> {
        let wait =
            || Ended::Again { failure: None, pause: policy::doubled(LOG_PAUSE_FIRST, self.rounds, LOG_PAUSE_MAX) };
        let recorded = match self.shared.log.get(self.waiting.sequence).await {
            Ok(recorded) => recorded,
            Err(error) => {
                tracing::warn!(tenant = %self.letter.of.tenant, %error, "queued message could not be read");
                return Err(wait());
            }
        };
        let events = recorded.into_iter().flat_map(|recorded| recorded.commit.events);
        queued(events, self.letter.of.message).ok_or_else(|| {
            tracing::error!(
                tenant = %self.letter.of.tenant,
                conversation_id = %self.letter.of.conversation,
                message_id = %self.letter.of.message,
                "delivery view names a commit that does not queue this message"
            );
            wait()
        })
    }

    /// A last look at the view: what is plain to see there need not be asked of the log.
    fn still_its_turn(&self) -> bool {
        if !self.open.load(Ordering::Acquire) {
            return false;
        }
        // What was prepared is for this account; one that was removed or changed since is not written with.
        let account = self.shared.accounts.find(&self.letter.of.tenant, &self.letter.channel);
        if account.is_none_or(|account| account.revision != self.account.revision) {
            return false;
        }
        let Ok(snapshot) = self.shared.view.snapshot() else { return false };
        let (of, channel) = (&self.letter.of, &self.letter.channel);
        if self.shared.paused(&snapshot, &of.tenant, channel).unwrap_or(true) {
            return false;
        }
        let outbox = delivery::outbox(&*snapshot, &of.tenant, of.conversation);
        let head = outbox.ok().flatten().and_then(|outbox| outbox.head());
        head.is_some_and(|head| head.pending == self.waiting.pending && head.expires_at > self.shared.now())
    }

    // === behind the claim ===

    /// Ends when the node has been told to stop for that long.
    async fn stopped_for(&self, time: Duration) {
        self.token.cancelled().await;
        sleep(time).await;
    }

    async fn hand_over(&self, prepared: Prepared, by: Deadline) -> Outcome {
        let door = self.shared.door.as_ref();
        // Whatever the door says: after this nobody counts on a call that is still going on.
        match timeout(call_max(door), door.hand_over(&self.account, prepared, by)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => Outcome::Unknown { detail: "no answer in time".to_owned() },
        }
    }

    async fn conclude(&self, attempt: u32, outcome: Outcome) -> Ended {
        let (news, ended) = match outcome {
            Outcome::Accepted { provider_id } => (News::Accepted { attempt, provider_id }, Ended::Accepted),
            Outcome::Failed { failure, retry_after } => {
                let most = policy::attempts_max(&self.account.kind, &failure);
                let retry_at = match policy::next(&failure, attempt, most, retry_after, self.shared.now()) {
                    Next::Again { at } => Some(at),
                    Next::Final => None,
                };
                let ended = Ended::Failed { failure: failure.clone(), retry_after, last: retry_at.is_none() };
                (News::Failed { attempt, failure, retry_at }, ended)
            }
            Outcome::Unknown { .. } => (News::Unknown { attempt }, Ended::Unknown),
        };
        record::tell(&self.shared, &self.letter, &news).await;
        ended
    }
}

/// How long a call goes on at most, from when it was begun.
pub(crate) fn call_max(door: &dyn Door) -> Duration {
    (door.call_limit() + CALL_GRACE).min(CALL_MAX)
}

/// How long after a claim's time its call is over for certain, by any node's clock.
pub(crate) fn call_over_after(door: &dyn Door) -> Duration {
    call_max(door) + DOUBT_MARGIN
}

/// Whatever this process was held up by, a claim that is too old leads to no call. The monotonic clock does not go wrong, but it
/// stands still while a machine sleeps; then the other clock tells. The door looks once more, when the request is written.
pub fn may_call(since_asked: Duration, now: Timestamp, until: Timestamp) -> bool {
    since_asked < CLAIM_LIMIT && now < until
}

/// A message that will not be handed over any more.
pub(crate) async fn give_up(
    shared: &Shared,
    letter: &Letter,
    failure: SendFailure,
    retry_after: Option<Duration>,
) -> Ended {
    record::tell(shared, letter, &News::GivenUp { failure: failure.clone() }).await;
    Ended::Failed { failure, retry_after, last: true }
}

/// A message that waited for too long, or whose window has closed.
pub(crate) async fn expire(shared: &Shared, letter: &Letter, waiting: &Waiting) -> Ended {
    let failure = expired(waiting, shared.now());
    if failure.class == FailureClass::Window {
        match record::window_is_open(shared, letter).await {
            Ok(false) => {}
            Ok(true) => return Ended::Lost,
            Err(error) => {
                tracing::warn!(tenant = %letter.of.tenant, %error, "window of a customer could not be looked up");
                return Ended::Lost;
            }
        }
    }
    give_up(shared, letter, failure, None).await
}

fn queued(events: impl Iterator<Item = Event>, message: MessageId) -> Option<Outgoing> {
    events.into_iter().find_map(|event| match event {
        Event::Conversation(ConversationEvent::MessageQueued(outgoing)) if outgoing.id == message => Some(*outgoing),
        Event::Conversation(_)
        | Event::Contact(_)
        | Event::Identity(_)
        | Event::Channel(_)
        | Event::Workspace(_)
        | Event::Bulk(_) => None,
    })
}

/// The claim came too late to be used: for certain, nothing was called.
fn too_late() -> Outcome {
    Outcome::Failed { failure: transient("the claim took too long"), retry_after: None }
}

fn transient(detail: &str) -> SendFailure {
    SendFailure { class: FailureClass::Transient, code: None, detail: Some(detail.to_owned()) }
}

/// The failure of a message that waited for too long.
fn expired(waiting: &Waiting, now: Timestamp) -> SendFailure {
    let waited_out = waiting.pending.queued_at + delivery::WAIT_MAX <= now;
    let class = if waiting.needs_window && !waited_out { FailureClass::Window } else { FailureClass::Expired };
    SendFailure { class, code: None, detail: None }
}
