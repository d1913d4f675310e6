//! The media of one channel: fetched as they come, tried again at growing intervals, given up after a week.
//!
//! Intervals live in memory: after a start everything is tried once more. How old a medium is stands on the log.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use relevo_command::MediumTurn;
use relevo_domain::conversation::{FailureClass, FetchOutcome, StoredFile};
use relevo_domain::{EntityId, MessageId};
use relevo_providers::{Account, Health, Part};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::fetch::{self, Cut, CutFailure, GONE, REFUSED, Trouble, unavailable};
use super::permits::Permits;
use super::{Channel, GATHER, IDLE_MAX, MediaParts, Which};
use crate::delivery::{MediumToFetch, media_to_fetch};

/// Messages whose media are fetched at a time.
const TOGETHER_MAX: usize = 2;
/// Media that are read from the view at a time.
const PAGE: usize = 200;
/// How long a medium is tried: as long as providers keep it.
const TRY_FOR: Duration = Duration::from_hours(7 * 24);
/// How often a medium is shown to a scanner that does not answer about it.
const SCANS_MAX: u32 = 5;
/// The view is looked at no more often than so without a change.
const PAUSE_MIN: Duration = Duration::from_millis(250);
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

/// With the position of the commit that brought it: what an edit puts in the same place is another one.
type Key = (EntityId, MessageId, u32, u64);

/// One channel's media.
pub(super) struct ChannelMedia {
    parts: Arc<MediaParts>,
    permits: Permits,
    channel: Channel,
    tried: HashMap<Key, Tried>,
    /// Failures since the last success.
    failures: u32,
    /// Media that were had.
    successes: u64,
    /// The account that was tried last: a change of it ends the waiting.
    revision: Option<u64>,
    channel_waits: Option<Instant>,
}

/// What is remembered of a medium that failed.
#[derive(Clone, Copy, Debug)]
struct Tried {
    /// Failures of any kind.
    times: u32,
    /// Of these, how often the scanner did not answer.
    scans: u32,
    due: Instant,
    /// How many media had been had when this one met a credential that was refused, if it did.
    denied_at: Option<u64>,
}

/// A medium whose time has come, and how often the scanner did not answer about it.
struct Turn {
    medium: MediumToFetch,
    scans: u32,
}

/// The media of one message, and what came of each.
struct Done {
    media: Vec<(MediumToFetch, Result<(), Trouble>)>,
}

impl ChannelMedia {
    pub(super) fn new(parts: Arc<MediaParts>, permits: Permits, channel: Channel) -> Self {
        Self {
            parts,
            permits,
            channel,
            tried: HashMap::new(),
            failures: 0,
            successes: 0,
            revision: None,
            channel_waits: None,
        }
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
            tokio::select! {
                () = tokio::time::sleep(self.pause()) => {}
                Ok(()) = accounts.changed() => {}
                // Something new may have come.
                _ = changes.recv(), if self.channel_waits.is_none() => {
                    tokio::time::sleep(GATHER).await;
                    changes = changes.resubscribe();
                }
            }
        }
    }

    fn account(&self) -> Option<Arc<Account>> {
        self.parts.accounts.find(&self.channel.0, &self.channel.1)
    }

    /// Whether the channel as a whole still has to wait.
    fn waits(&mut self) -> bool {
        let revision = self.account().map(|account| account.revision);
        let now = Instant::now();
        if self.revision != revision {
            // What met the old credential is tried with the new one at once.
            for tried in self.tried.values_mut().filter(|tried| tried.denied_at.is_some()) {
                (tried.due, tried.denied_at) = (now, None);
            }
            (self.revision, self.channel_waits) = (revision, None);
        }
        self.channel_waits = self.channel_waits.filter(|until| *until > now);
        self.channel_waits.is_some()
    }

    /// How long to wait for the next look. What is due is not always done: the view may not be readable now.
    fn pause(&self) -> Duration {
        self.until_due().saturating_duration_since(Instant::now()).clamp(PAUSE_MIN, IDLE_MAX)
    }

    /// When there is something to do again.
    fn until_due(&self) -> Instant {
        let first = self.tried.values().map(|tried| tried.due).min();
        self.channel_waits.or(first).unwrap_or_else(|| Instant::now() + IDLE_MAX)
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
                running.spawn(work_on(Arc::clone(&self.parts), self.permits.clone(), self.channel.clone(), message));
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
            let turn = Turn { scans: tried.map_or(0, |tried| tried.scans), medium };
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
                    self.successes += 1;
                    let since = (self.parts.clock)();
                    self.parts.board.note(&self.channel, Part::Media, Health::Good { since });
                    // Until the view shows it, it would be found, and fetched, once more.
                    if self.remembers(&medium) {
                        let due = Instant::now() + SHOWN_WITHIN;
                        self.tried.insert(key(&medium), Tried { times: 0, scans: 0, due, denied_at: None });
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
        let before = self.tried.get(&key(medium)).copied();
        let times = before.map_or(0, |tried| tried.times) + 1;
        let full = !self.remembers(medium);
        // Others were had with the credential that was refused for this one: it is this one's trouble.
        let own = before.and_then(|tried| tried.denied_at).is_some_and(|at| at < self.successes);
        let trouble = match trouble {
            Trouble::Channel { wait: None, what, .. } if own => Trouble::Medium { what },
            other => other,
        };
        if !full {
            let denied_at = before.and_then(|tried| tried.denied_at);
            let scans = before.map_or(0, |tried| tried.scans) + u32::from(trouble == Trouble::Scanner);
            let due = Instant::now() + interval(times);
            self.tried.insert(key(medium), Tried { times, scans, due, denied_at });
        }
        match trouble {
            Trouble::Channel { wait, class, what } => {
                let denied_at = wait.is_none().then_some(self.successes);
                let wait = wait.unwrap_or(CHANNEL_WAIT).min(PROVIDER_WAIT_MAX);
                // Perhaps it is this medium after all: when the channel has waited, all others come first.
                if let Some(tried) = self.tried.get_mut(&key(medium)) {
                    (tried.due, tried.denied_at) = (tried.due + wait, denied_at);
                }
                self.ails(class);
                self.wait_for(wait, what);
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
        self.channel_waits = Some(Instant::now() + wait);
    }
}

fn key(medium: &MediumToFetch) -> Key {
    (medium.conversation, medium.message, medium.index, medium.sequence)
}

/// Doubles from [`WAIT_FIRST`], and never is the same for two who failed together.
fn interval(times: u32) -> Duration {
    let doubled = WAIT_FIRST.saturating_mul(1u32.checked_shl(times.saturating_sub(1).min(20)).unwrap_or(u32::MAX));
    doubled.min(WAIT_MAX).mul_f64(rand::rng().random_range(0.8..1.2))
}

/// Fetches the media of one message, one after the other.
async fn work_on(parts: Arc<MediaParts>, permits: Permits, channel: Channel, message: Vec<Turn>) -> Done {
    let permit = permits.take().await;
    let mut cut = fetch::cut_mail(&parts, message.iter().map(|turn| &turn.medium)).await;
    let mut media = Vec::with_capacity(message.len());
    for turn in message {
        let outcome = attempt(&parts, &channel, &turn, &mut cut).await;
        media.push((turn.medium, outcome));
        if matches!(media.last(), Some((_, Err(Trouble::Channel { .. } | Trouble::Ours { .. })))) {
            break;
        }
    }
    drop(permit);
    Done { media }
}

/// One medium, once. `cut` holds what was cut out of its mail.
async fn attempt(
    parts: &MediaParts,
    channel: &Channel,
    Turn { medium, scans }: &Turn,
    cut: &mut Option<Cut>,
) -> Result<(), Trouble> {
    let turn = MediumTurn { index: medium.index, mark: medium.mark(), sequence: medium.sequence };
    let which = Which { tenant: &channel.0, conversation: medium.conversation, message: medium.message, turn };
    let fetched = match stored_before(parts, which, medium).await {
        Some(stored) => Ok(stored),
        None => fetched(parts, channel, medium, cut).await,
    };
    let outcome = match fetched {
        Ok(outcome) => outcome,
        Err(Trouble::Scanner) if scans + 1 >= SCANS_MAX => unavailable(REFUSED),
        Err(trouble @ Trouble::Ours { .. }) => return Err(trouble),
        Err(trouble) if (parts.clock)().since(medium.at) < TRY_FOR => return Err(trouble),
        // Whatever it was, it was it for a week.
        Err(Trouble::Scanner) => unavailable(REFUSED),
        Err(Trouble::Channel { .. } | Trouble::Medium { .. }) => unavailable(GONE),
    };
    let (tenant, channel) = channel;
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

/// What an edit brings again is not fetched again: a new caption is no new file, and the provider may not have the old one any more.
async fn stored_before(parts: &MediaParts, which: Which<'_>, medium: &MediumToFetch) -> Option<FetchOutcome> {
    if !medium.edited {
        return None;
    }
    match parts.log.stored_before(which).await {
        Ok(stored) => {
            stored.map(|file| FetchOutcome::Stored(StoredFile { file_name: medium.file_name.clone(), ..file }))
        }
        Err(error) => {
            tracing::debug!(tenant = %which.tenant, %error, "what was stored before an edit cannot be looked up");
            None
        }
    }
}

async fn fetched(
    parts: &MediaParts,
    channel: &Channel,
    medium: &MediumToFetch,
    cut: &mut Option<Cut>,
) -> Result<FetchOutcome, Trouble> {
    let bytes = match cut {
        Some(Ok(cut)) if medium.of_mail => fetch::of_mail(cut, medium),
        Some(Err(CutFailure::Trouble(trouble))) if medium.of_mail => return Err(trouble.clone()),
        Some(Err(CutFailure::Final(reason))) if medium.of_mail => Err(unavailable(reason)),
        Some(_) | None => {
            let account = parts.accounts.find(&channel.0, &channel.1);
            fetch::of_provider(parts, account.as_deref(), medium).await?
        }
    };
    match bytes {
        Ok(bytes) => fetch::keep(parts, &channel.0, medium, bytes).await,
        Err(outcome) => Ok(outcome),
    }
}

#[cfg(test)]
mod tests {
    use relevo_domain::{ChannelId, EntityKind, TenantId};

    use super::super::permits::SharedPermits;
    use super::super::tests::World;
    use super::*;

    fn medium(number: u8) -> MediumToFetch {
        MediumToFetch {
            conversation: EntityId::new(EntityKind::Conversation, [number; 16]),
            message: MessageId::new([number; 16]),
            index: 0,
            provider_id: Some(number.to_string()),
            url: None,
            mime_type: "image/png".to_owned(),
            size_bytes: None,
            file_name: None,
            at: relevo_domain::Timestamp::from_millis(0),
            edited: false,
            sequence: u64::from(number),
            intake: None,
            of_mail: false,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_long_due_is_looked_at_in_a_moment_and_not_without_end() {
        let world = World::start(None).await;
        let channel = (TenantId::new("demo").unwrap(), ChannelId::new("wa-ventas").unwrap());
        let mut media =
            ChannelMedia::new(Arc::new(world.parts.clone()), SharedPermits::default().of_channel(), channel);
        assert!(media.pause() > PAUSE_MIN && media.pause() <= IDLE_MAX);
        let tried = Tried { times: 1, scans: 0, due: Instant::now(), denied_at: None };
        media.tried.insert(key(&medium(1)), tried);
        assert_eq!(media.pause(), PAUSE_MIN);
        drop(media);
        world.end().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_medium_whose_credential_is_refused_goes_behind_the_others_and_holds_them_up_once() {
        let world = World::start(None).await;
        let channel = (TenantId::new("demo").unwrap(), ChannelId::new("wa-ventas").unwrap());
        let permits = SharedPermits::default().of_channel();
        let mut media = ChannelMedia::new(Arc::new(world.parts.clone()), permits, channel);
        assert!(!media.waits());
        let denied = || Trouble::Channel { wait: None, class: FailureClass::Auth, what: "credential refused" };
        let (lost, other) = (medium(1), medium(2));

        media.trouble(&lost, denied());
        let until = media.channel_waits.expect("perhaps it is the credential");
        assert!(media.tried[&key(&lost)].due > until, "the others come first then");
        // The channel has waited, and another one was had.
        media.channel_waits = None;
        let mut left = false;
        let turns = media.due(vec![lost.clone(), other.clone()], &mut left);
        assert_eq!(turns.iter().flatten().map(|turn| turn.medium.sequence).collect::<Vec<_>>(), [2]);
        media.note(Ok(Done { media: vec![(other, Ok(()))] }));
        media.trouble(&lost, denied());
        assert_eq!((media.channel_waits, media.tried[&key(&lost)].times), (None, 2));

        // Another credential is another matter, and is tried at once.
        media.revision = Some(99);
        assert!(!media.waits());
        let tried = media.tried[&key(&lost)];
        assert!(tried.due <= Instant::now() && tried.denied_at.is_none());
        media.trouble(&lost, denied());
        assert!(media.waits());
        drop(media);
        world.end().await;
    }
}
