//! The media of one channel: fetched as they come, tried again at growing intervals, given up after a week.
//!
//! Intervals live in memory: after a start everything is tried once more. How old a medium is stands on the log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rand::RngExt as _;
use relevo_domain::conversation::{FailureClass, FetchOutcome};
use relevo_domain::{EntityId, MessageId};
use relevo_providers::{Account, Health, Part};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::fetch::{self, GONE, REFUSED, Trouble, unavailable};
use super::{Channel, IDLE_MAX, MediaParts, Which};
use crate::delivery::{MediumToFetch, media_to_fetch};

/// Messages whose media are fetched at a time.
const TOGETHER_MAX: usize = 2;
/// Media that are read from the view at a time.
const PAGE: usize = 200;
/// How long a medium is tried: as long as providers keep it.
const TRY_FOR: Duration = Duration::from_hours(7 * 24);
/// How often a medium is shown to a scanner that does not answer about it.
const SCANS_MAX: u32 = 5;
/// The first interval, and the longest; they double.
const WAIT_FIRST: Duration = Duration::from_secs(2);
const WAIT_MAX: Duration = Duration::from_hours(1);
/// How long a channel waits whose credential is refused, unless it changes before: somebody has to mend it.
const CHANNEL_WAIT: Duration = Duration::from_mins(5);
/// How long a channel waits for what is ours: the log is back within moments; room is made by somebody.
const OUR_WAIT: Duration = Duration::from_secs(10);
/// A provider's wish to wait is followed up to this.
const PROVIDER_WAIT_MAX: Duration = Duration::from_hours(1);
/// So many failures without a success, and the whole channel waits: its provider is in trouble, not these media.
const FAILURES_MAX: u32 = 4;
/// Media whose intervals are remembered; those beyond wait with the channel.
const REMEMBERED_MAX: usize = 10_000;
/// How long the view may take to show what was recorded.
const SHOWN_WITHIN: Duration = Duration::from_mins(1);
/// How long a raw mail may take to arrive.
const RAW_WITHIN: Duration = Duration::from_secs(30);

type Key = (EntityId, MessageId, u32);

/// One channel's media.
pub(super) struct ChannelMedia {
    parts: Arc<MediaParts>,
    permits: Arc<Semaphore>,
    channel: Channel,
    tried: HashMap<Key, Tried>,
    /// Failures since the last success.
    failures: u32,
    channel_waits: Option<ChannelWait>,
}

/// What is remembered of a medium that failed.
#[derive(Clone, Copy, Debug)]
struct Tried {
    times: u32,
    due: Instant,
}

struct ChannelWait {
    until: Instant,
    /// A change of the account ends the waiting.
    revision: Option<u64>,
}

/// A medium whose time has come, and how often it has failed.
struct Turn {
    medium: MediumToFetch,
    times: u32,
}

/// The media of one message, and what came of each.
struct Done {
    media: Vec<(MediumToFetch, Result<(), Trouble>)>,
}

impl ChannelMedia {
    pub(super) fn new(parts: Arc<MediaParts>, permits: Arc<Semaphore>, channel: Channel) -> Self {
        Self { parts, permits, channel, tried: HashMap::new(), failures: 0, channel_waits: None }
    }

    /// Works until nothing is left to fetch.
    pub(super) async fn work(mut self) {
        let mut accounts = self.parts.accounts.watch();
        let mut changes = self.parts.view.changes();
        loop {
            let left = if self.waits() { true } else { self.sweep().await };
            if !left {
                return;
            }
            let wait = self.until_due().saturating_duration_since(Instant::now()).min(IDLE_MAX);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                Ok(()) = accounts.changed() => {}
                // Something new may have come.
                _ = changes.recv(), if self.channel_waits.is_none() => changes = changes.resubscribe(),
            }
        }
    }

    fn account(&self) -> Option<Arc<Account>> {
        self.parts.accounts.find(&self.channel.0, &self.channel.1)
    }

    /// Whether the channel as a whole still has to wait.
    fn waits(&mut self) -> bool {
        let revision = self.account().map(|account| account.revision);
        let over = |wait: &ChannelWait| wait.until <= Instant::now() || wait.revision != revision;
        if self.channel_waits.as_ref().is_some_and(over) {
            self.channel_waits = None;
        }
        self.channel_waits.is_some()
    }

    /// When there is something to do again.
    fn until_due(&self) -> Instant {
        let first = self.tried.values().map(|tried| tried.due).min();
        let channel = self.channel_waits.as_ref().map(|wait| wait.until);
        channel.or(first).unwrap_or_else(|| Instant::now() + IDLE_MAX)
    }

    /// Goes through everything that is to be fetched, once. Answers whether something is left.
    async fn sweep(&mut self) -> bool {
        let begun = Instant::now();
        let (mut after, mut left, mut running) = (None, false, JoinSet::new());
        loop {
            let page = match self.page(after.as_ref()).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::debug!(error, "view of what is to be fetched cannot be read");
                    return true;
                }
            };
            let last_page = page.len() < PAGE;
            after = page.last().cloned();
            for message in self.due(page, &mut left) {
                while running.len() >= TOGETHER_MAX
                    && let Some(done) = running.join_next().await
                {
                    self.note(done);
                }
                // What was done is still seen in the next sweep, unless the view shows it by then.
                left = true;
                if self.channel_waits.is_some() {
                    break;
                }
                running.spawn(work_on(
                    Arc::clone(&self.parts),
                    Arc::clone(&self.permits),
                    self.channel.clone(),
                    message,
                ));
            }
            if last_page || self.channel_waits.is_some() {
                break;
            }
        }
        while let Some(done) = running.join_next().await {
            self.note(done);
        }
        if self.channel_waits.is_none() {
            // Everything that was due was tried; what remains of it was done by another node.
            self.tried.retain(|_, tried| tried.due > begun);
        }
        left
    }

    async fn page(&self, after: Option<&MediumToFetch>) -> Result<Vec<MediumToFetch>, String> {
        let snapshot = self.parts.view.snapshot().map_err(|error| error.to_string())?;
        let ((tenant, channel), after) = (self.channel.clone(), after.cloned());
        let read = move || media_to_fetch(&snapshot, &tenant, &channel, after.as_ref(), PAGE);
        let page = tokio::task::spawn_blocking(read).await.map_err(|error| error.to_string())?;
        page.map_err(|error| error.to_string())
    }

    /// Those whose time has come, by message: the parts of one mail are cut out of it together.
    fn due(&self, page: Vec<MediumToFetch>, left: &mut bool) -> Vec<Vec<Turn>> {
        let now = Instant::now();
        let mut messages: Vec<Vec<Turn>> = Vec::new();
        for medium in page {
            let tried = self.tried.get(&key(&medium));
            if tried.is_some_and(|tried| tried.due > now) {
                *left = true;
                continue;
            }
            let turn = Turn { times: tried.map_or(0, |tried| tried.times), medium };
            match messages.last_mut() {
                Some(last) if last.last().is_some_and(|other| other.medium.sequence == turn.medium.sequence) => {
                    last.push(turn);
                }
                _ => messages.push(vec![turn]),
            }
        }
        messages
    }

    /// Remembers what came of the media of a message.
    fn note(&mut self, done: Result<Done, tokio::task::JoinError>) {
        let done = match done {
            Ok(done) => done,
            Err(error) => {
                tracing::error!(%error, "media of a message were not fetched");
                self.wait_for(CHANNEL_WAIT, "a failure of ours");
                return;
            }
        };
        for (medium, outcome) in done.media {
            match outcome {
                Ok(()) => {
                    self.failures = 0;
                    let since = (self.parts.clock)();
                    self.parts.board.note(&self.channel, Part::Media, Health::Good { since });
                    // Until the view shows it, it would be found, and fetched, once more.
                    if self.remembers(&medium) {
                        let due = Instant::now() + SHOWN_WITHIN;
                        self.tried.insert(key(&medium), Tried { times: 0, due });
                    }
                }
                Err(trouble) => self.trouble(&medium, trouble),
            }
        }
    }

    /// Whether there is room to remember something of this medium.
    fn remembers(&self, medium: &MediumToFetch) -> bool {
        self.tried.len() < REMEMBERED_MAX || self.tried.contains_key(&key(medium))
    }

    fn trouble(&mut self, medium: &MediumToFetch, trouble: Trouble) {
        let times = self.tried.get(&key(medium)).map_or(0, |tried| tried.times) + 1;
        let full = !self.remembers(medium);
        if !full {
            self.tried.insert(key(medium), Tried { times, due: Instant::now() + interval(times) });
        }
        match trouble {
            Trouble::Channel { wait, class, what } => {
                // It was not this medium's fault.
                self.tried.remove(&key(medium));
                self.ails(class);
                self.wait_for(wait.unwrap_or(CHANNEL_WAIT).min(PROVIDER_WAIT_MAX), what);
            }
            Trouble::Ours { class, what } => {
                self.tried.remove(&key(medium));
                self.ails(class);
                self.wait_for(OUR_WAIT, what);
            }
            Trouble::Medium { what } => {
                self.failures += 1;
                self.ails(FailureClass::Transient);
                if full || self.failures.is_multiple_of(FAILURES_MAX) {
                    self.wait_for(interval(self.failures / FAILURES_MAX), what);
                }
            }
            Trouble::Scanner => {}
        }
    }

    /// Tells operators. What waits for somebody is broken; the rest mends itself.
    fn ails(&self, class: FailureClass) {
        let (since, code) = ((self.parts.clock)(), None);
        let broken = matches!(class, FailureClass::Auth | FailureClass::Account | FailureClass::File);
        let health = if broken { Health::Broken { since, class, code } } else { Health::Ailing { since, class, code } };
        self.parts.board.note(&self.channel, Part::Media, health);
    }

    fn wait_for(&mut self, wait: Duration, what: &'static str) {
        if self.channel_waits.is_none() {
            let (tenant, channel) = &self.channel;
            tracing::warn!(%tenant, %channel, what, wait_seconds = wait.as_secs(), "media of the channel wait");
        }
        let revision = self.account().map(|account| account.revision);
        self.channel_waits = Some(ChannelWait { until: Instant::now() + wait, revision });
    }
}

fn key(medium: &MediumToFetch) -> Key {
    (medium.conversation, medium.message, medium.index)
}

/// Doubles from [`WAIT_FIRST`], and never is the same for two who failed together.
fn interval(times: u32) -> Duration {
    let doubled = WAIT_FIRST.saturating_mul(1u32.checked_shl(times.saturating_sub(1).min(20)).unwrap_or(u32::MAX));
    doubled.min(WAIT_MAX).mul_f64(rand::rng().random_range(0.8..1.2))
}

/// Fetches the media of one message, one after the other.
async fn work_on(parts: Arc<MediaParts>, permits: Arc<Semaphore>, channel: Channel, message: Vec<Turn>) -> Done {
    let permit = permits.acquire_owned().await;
    let mut raw = None;
    let mut media = Vec::with_capacity(message.len());
    for turn in message {
        let outcome = attempt(&parts, &channel, &turn, &mut raw).await;
        media.push((turn.medium, outcome));
        if matches!(media.last(), Some((_, Err(Trouble::Channel { .. } | Trouble::Ours { .. })))) {
            break;
        }
    }
    drop(permit);
    Done { media }
}

/// One medium, once. `raw` keeps the mail for the next of its parts.
async fn attempt(
    parts: &MediaParts,
    channel: &Channel,
    Turn { medium, times }: &Turn,
    raw: &mut Option<Bytes>,
) -> Result<(), Trouble> {
    let outcome = match fetched(parts, channel, medium, raw).await {
        Ok(outcome) => outcome,
        Err(Trouble::Scanner) if times + 1 >= SCANS_MAX => unavailable(REFUSED),
        Err(trouble @ Trouble::Ours { .. }) => return Err(trouble),
        Err(trouble) if (parts.clock)().since(medium.at) < TRY_FOR => return Err(trouble),
        // Whatever it was, it was it for a week.
        Err(Trouble::Scanner) => unavailable(REFUSED),
        Err(Trouble::Channel { .. } | Trouble::Medium { .. }) => unavailable(GONE),
    };
    let (tenant, channel) = channel;
    let which = Which { tenant, conversation: medium.conversation, message: medium.message, index: medium.index };
    let said = match &outcome {
        FetchOutcome::Stored(_) => "stored",
        FetchOutcome::Unavailable { reason } => reason,
    };
    tracing::debug!(%tenant, %channel, conversation = %medium.conversation, outcome = said, "medium fetched");
    parts.log.record(which, outcome.clone()).await.map_err(|error| {
        tracing::warn!(%tenant, %channel, %error, "medium was fetched and not recorded");
        Trouble::Medium { what: "cannot be recorded now" }
    })
}

async fn fetched(
    parts: &MediaParts,
    channel: &Channel,
    medium: &MediumToFetch,
    raw: &mut Option<Bytes>,
) -> Result<FetchOutcome, Trouble> {
    let bytes = if medium.of_mail {
        if raw.is_none() {
            *raw = raw_mail(parts, medium).await?;
        }
        fetch::of_mail(raw.clone(), medium).await
    } else {
        let account = parts.accounts.find(&channel.0, &channel.1);
        fetch::of_provider(parts, account.as_deref(), medium).await?
    };
    match bytes {
        Ok(bytes) => fetch::keep(parts, &channel.0, medium, bytes).await,
        Err(outcome) => Ok(outcome),
    }
}

async fn raw_mail(parts: &MediaParts, medium: &MediumToFetch) -> Result<Option<Bytes>, Trouble> {
    let Some(pointer) = medium.intake else { return Ok(None) };
    let read = timeout(RAW_WITHIN, parts.mails.raw(pointer.sequence)).await;
    match read {
        Ok(Ok(raw)) => Ok(raw),
        Ok(Err(error)) => {
            tracing::debug!(%error, "raw mail cannot be read");
            Err(Trouble::Ours { class: FailureClass::Transient, what: "raw mail cannot be read" })
        }
        Err(_elapsed) => Err(Trouble::Ours { class: FailureClass::Transient, what: "raw mail does not arrive" }),
    }
}
