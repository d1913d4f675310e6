//! Templates of channels, kept as their providers have them: at the start, every hour, when somebody asks, and after a provider has
//! said something about them.
//!
//! Every node does this; what is the same is not written again. A provider that cannot be asked is asked again later, and people
//! are told; what was known stays.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use relevo_command::{IdKey, Ledger, TemplateRecords};
use relevo_domain::conversation::{FailureClass, SendFailure};
use relevo_domain::template::Template;
use relevo_domain::{Clock, TenantId};
use relevo_projection::View;
use relevo_providers::{Account, AccountKey, AccountKind, Accounts, Doors, Health, HealthBoard, Part};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::{delivery, policy};

/// Templates are asked for at least this often: a webhook can be lost.
const EVERY: Duration = Duration::from_hours(1);
/// And at most this often: Meta allows 200 calls an hour for all that manages an account.
const AT_MOST_EVERY: Duration = Duration::from_mins(1);
/// Pauses after failures: they double.
const AGAIN_FIRST: Duration = Duration::from_secs(30);
/// Channels whose templates are asked for at the same time.
const AT_ONCE_MAX: usize = 4;
/// A list of some hundred templates has a few pages.
const ONE_MAX: Duration = Duration::from_mins(2);
/// How often it is looked whose turn it is.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Where templates come from.
#[async_trait]
pub trait TemplateSource: Send + Sync + 'static {
    /// All templates that the provider has for this account.
    async fn templates(&self, account: &Account) -> Result<Vec<Template>, SendFailure>;
}

#[async_trait]
impl TemplateSource for Doors {
    async fn templates(&self, account: &Account) -> Result<Vec<Template>, SendFailure> {
        Self::templates(self, account).await
    }
}

/// What the synchronisation works with.
pub struct TemplateSyncParts {
    pub ledger: Arc<Ledger>,
    /// The view [`delivery`](crate::delivery).
    pub view: Arc<View>,
    pub accounts: Accounts,
    pub source: Arc<dyn TemplateSource>,
    pub board: HealthBoard,
    /// Each tenant's id key. Of a tenant without one no templates are kept.
    pub keys: Arc<HashMap<TenantId, IdKey>>,
    pub clock: Clock,
}

/// Keeps the templates of all channels current.
pub struct TemplateSync {
    records: TemplateRecords,
    parts: Arc<TemplateSyncParts>,
    trigger: TemplateTrigger,
    plans: HashMap<AccountKey, Plan>,
    at_most_every: Duration,
}

/// Asks for templates out of turn. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct TemplateTrigger(Arc<Wanted>);

#[derive(Debug, Default)]
struct Wanted {
    accounts: Mutex<BTreeSet<AccountKey>>,
    changed: Notify,
}

/// When a channel's templates are asked for again.
#[derive(Debug)]
struct Plan {
    revision: u64,
    /// Position of what the provider had said about templates when they were last asked for.
    told: u64,
    asked: Instant,
    due: Instant,
    failures: u32,
    /// Somebody wants them, and they have not been asked for since.
    wanted: bool,
    asking: bool,
}

/// What came of asking for one channel.
type Asked = (AccountKey, Result<(), Failed>);

/// Why templates could not be brought up to date.
enum Failed {
    Provider(SendFailure),
    Log,
}

impl TemplateTrigger {
    /// The templates of this channel are asked for as soon as possible.
    pub fn trigger(&self, account: &AccountKey) {
        self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner).insert(account.clone());
        self.0.changed.notify_one();
    }

    fn take(&self) -> BTreeSet<AccountKey> {
        std::mem::take(&mut *self.0.accounts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl TemplateSync {
    pub fn new(parts: TemplateSyncParts) -> Self {
        let records = TemplateRecords::new(Arc::clone(&parts.ledger), Arc::clone(&parts.keys));
        Self {
            records,
            parts: Arc::new(parts),
            trigger: TemplateTrigger::default(),
            plans: HashMap::new(),
            at_most_every: AT_MOST_EVERY,
        }
    }

    /// The same, with another pause than a minute after a channel was asked for, before a provider's word leads to asking again.
    #[must_use]
    pub fn at_most_every(self, pause: Duration) -> Self {
        Self { at_most_every: pause, ..self }
    }

    /// The same, with a trigger that others have already.
    #[must_use]
    pub fn triggered_by(self, trigger: TemplateTrigger) -> Self {
        Self { trigger, ..self }
    }

    /// For whoever wants the templates of a channel now.
    pub fn trigger(&self) -> TemplateTrigger {
        self.trigger.clone()
    }

    /// Works until it is told to end. Whatever is being asked then is dropped: nothing is lost by it.
    pub async fn run(mut self, token: CancellationToken) {
        let mut asking: JoinSet<Asked> = JoinSet::new();
        let mut accounts = self.parts.accounts.watch();
        loop {
            self.begin(&mut asking);
            tokio::select! {
                () = token.cancelled() => return,
                Some(done) = asking.join_next() => self.finished(done.ok()),
                () = self.trigger.0.changed.notified() => {}
                Ok(()) = accounts.changed() => {}
                () = sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn begin(&mut self, asking: &mut JoinSet<Asked>) {
        let wanted = self.trigger.take();
        let now = Instant::now();
        let accounts = self.parts.accounts.all();
        self.plans.retain(|key, plan| plan.asking || accounts.contains_key(key));
        let has_templates = |(key, account): &(&AccountKey, &Arc<Account>)| match account.kind {
            AccountKind::Meta(_) | AccountKind::Twilio(_) => self.parts.keys.contains_key(&key.0),
            AccountKind::Mail(_) => false,
        };
        let accounts: Vec<_> = accounts.iter().filter(has_templates).collect();
        let told = told_to_all(&self.parts, &accounts);
        for ((key, account), told) in accounts.into_iter().zip(told) {
            let plan = self.plans.entry(key.clone()).or_insert_with(|| Plan::new(account, told, now));
            plan.consider(account, told, wanted.contains(key), (now, self.at_most_every));
            if plan.asking || plan.due > now || asking.len() >= AT_ONCE_MAX {
                continue;
            }
            (plan.asking, plan.asked, plan.wanted) = (true, now, false);
            (plan.told, plan.revision) = (told, account.revision);
            asking.spawn(ask(Arc::clone(&self.parts), self.records.clone(), key.clone(), Arc::clone(account)));
        }
    }

    fn finished(&mut self, done: Option<Asked>) {
        let Some((key, outcome)) = done else {
            // A task that broke off does not say whose it was: all that are being asked are asked again.
            tracing::error!("asking for templates broke off");
            for plan in self.plans.values_mut() {
                (plan.asking, plan.due) = (false, Instant::now() + AT_MOST_EVERY);
            }
            return;
        };
        let since = (self.parts.clock)();
        let Some(plan) = self.plans.get_mut(&key) else { return };
        plan.asking = false;
        let (pause, health) = match outcome {
            Ok(()) => {
                plan.failures = 0;
                (EVERY, Health::Good { since })
            }
            Err(failed) => {
                let pause = policy::doubled(AGAIN_FIRST, plan.failures, EVERY);
                plan.failures = plan.failures.saturating_add(1);
                let Failed::Provider(SendFailure { class, code, detail: _ }) = failed else {
                    plan.due = Instant::now() + pause;
                    return;
                };
                let health = match class {
                    FailureClass::Transient | FailureClass::Throttled => Health::Ailing { since, class, code },
                    FailureClass::Auth
                    | FailureClass::PairLimit
                    | FailureClass::Quality
                    | FailureClass::Integrity
                    | FailureClass::Window
                    | FailureClass::Recipient
                    | FailureClass::Content
                    | FailureClass::Template
                    | FailureClass::Account
                    | FailureClass::File
                    | FailureClass::Expired
                    | FailureClass::Unknown => Health::Broken { since, class, code },
                };
                (pause, health)
            }
        };
        plan.due = Instant::now() + pause;
        self.parts.board.note(&key, Part::Templates, health);
    }
}

impl Plan {
    fn new(account: &Account, told: u64, now: Instant) -> Self {
        Self { revision: account.revision, told, asked: now, due: now, failures: 0, wanted: false, asking: false }
    }

    /// Whether there is a reason not to wait: somebody wants it, the account is another, or the provider has said something.
    fn consider(&mut self, account: &Account, told: u64, wanted: bool, (now, at_most_every): (Instant, Duration)) {
        self.wanted |= wanted;
        if self.wanted || account.revision != self.revision {
            self.due = self.due.min(now);
        }
        if told != self.told {
            self.due = self.due.min(self.asked + at_most_every);
        }
    }
}

/// Position at which the provider last said something about templates that each channel has: an account's word is told to one of
/// its numbers, and is about all of them.
fn told_to_all(parts: &TemplateSyncParts, accounts: &[(&AccountKey, &Arc<Account>)]) -> Vec<u64> {
    let own: Vec<u64> = accounts.iter().map(|(key, _)| told(parts, key)).collect();
    let mut shared: HashMap<&str, u64> = HashMap::new();
    for ((_, account), told) in accounts.iter().zip(&own) {
        if let Some(waba) = waba(account) {
            let last = shared.entry(waba).or_default();
            *last = (*last).max(*told);
        }
    }
    let all = |((_, account), told): (&(&AccountKey, &Arc<Account>), u64)| {
        waba(account).and_then(|waba| shared.get(waba)).map_or(told, |shared| told.max(*shared))
    };
    accounts.iter().zip(own).map(all).collect()
}

/// The WhatsApp Business account whose templates the channel has.
fn waba(account: &Account) -> Option<&str> {
    match &account.kind {
        AccountKind::Meta(meta) => meta.waba_id.as_deref(),
        AccountKind::Twilio(_) | AccountKind::Mail(_) => None,
    }
}

/// Position at which the channel's provider last said something about templates, as far as this node knows.
fn told(parts: &TemplateSyncParts, (tenant, channel): &AccountKey) -> u64 {
    let look = || {
        let snapshot = parts.view.snapshot().ok()?;
        let entity = parts.keys.get(tenant)?.channel(channel);
        delivery::channel_state(&*snapshot, tenant, entity).ok()
    };
    look().map_or(0, |state| state.templates)
}

async fn ask(parts: Arc<TemplateSyncParts>, records: TemplateRecords, key: AccountKey, account: Arc<Account>) -> Asked {
    let (tenant, channel) = &key;
    let asked = timeout(ONE_MAX, parts.source.templates(&account)).await;
    let outcome = match asked {
        Ok(Ok(templates)) => match records.synchronise(tenant, channel, templates, (parts.clock)()).await {
            Ok(0) => Ok(()),
            Ok(changed) => {
                tracing::info!(%tenant, %channel, changed, "templates were brought up to date");
                Ok(())
            }
            Err(error) => {
                tracing::warn!(%tenant, %channel, %error, "templates could not be recorded");
                Err(Failed::Log)
            }
        },
        Ok(Err(failure)) => {
            let (class, code) = (failure.class.as_str(), failure.code.as_deref());
            tracing::warn!(%tenant, %channel, class, code, "provider does not tell its templates");
            Err(Failed::Provider(failure))
        }
        Err(_elapsed) => {
            Err(Failed::Provider(SendFailure { class: FailureClass::Transient, code: None, detail: None }))
        }
    };
    (key, outcome)
}
