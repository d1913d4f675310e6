//! What a customer is shown of the business without a message: that theirs was read, and that somebody writes.
//!
//! No command waits for it or fails by it, and what finds no room is left out. How a provider is told is the port's business. Of
//! staff's marks nothing is on the log. A bot's mark is claimed there just before the provider is told, as a message is: after a
//! pause there is no claim, and the pause's answer tells of the claims before it.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use lru::LruCache;
use relevo_domain::conversation::{self, Command, Decision, Envelope, Opened};
use relevo_domain::{Actor, AgentId, ChannelId, Clock, CommandId, EntityId, Event, MessageId, Role, TenantId};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::conversation::state_of;
use crate::ledger::{Committed, Draft, Ledger, LedgerError, Origin};
use crate::send::provider_id_of;

/// Wishes that may wait: more than a whole desk makes in the time that one is worth something.
const QUEUE_MAX: usize = 256;
/// Calls that are made at the same time.
const CALLS_MAX: usize = 16;
/// Of these, calls of one channel: one whose provider hangs leaves room for the others.
const CALLS_A_CHANNEL_MAX: usize = 4;
/// How long a call may take. Whoever looks at the conversation has looked away by then.
const CALL_WITHIN: Duration = Duration::from_secs(5);
/// How old a wish may get before it is left out: by then a message is there, or nobody writes any more.
const WISH_AGE_MAX: Duration = Duration::from_secs(10);
/// How long a conversation is not shown typing again: WhatsApp shows it for 25 seconds.
const TYPING_EVERY: Duration = Duration::from_secs(10);
/// Conversations that are remembered; of a forgotten one the provider is told once more.
const REMEMBERED_MAX: NonZeroUsize = NonZeroUsize::new(4_096).unwrap();
/// How often a claim is decided anew when others write to its conversation at the same time. One that never gets through is a
/// mark in a conversation that speaks for itself.
const CLAIMS_MAX: usize = 8;
/// How long after a bot's mark is begun to be claimed its call must begin. Times are the node's monotonic clock's: a node that
/// stood still does not call.
const SIGNAL_WITHIN: Duration = Duration::from_secs(2);
/// How long the call may take: what [`SIGNAL_OVER_AFTER`](relevo_domain::conversation::SIGNAL_OVER_AFTER) counts on.
const SIGNAL_CALL_WITHIN: Duration = Duration::from_secs(3);

/// A mark on a customer's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    pub tenant: TenantId,
    pub channel: ChannelId,
    /// What the provider calls the customer's message.
    pub provider_id: String,
    /// Besides that it was read, that somebody writes.
    pub typing: bool,
}

/// Tells providers.
#[async_trait]
pub trait ProviderMarks: Send + Sync + 'static {
    /// Whether the channel's provider knows marks, and the tenant wants its customers to see them.
    fn takes(&self, tenant: &TenantId, channel: &ChannelId) -> bool;

    /// Tells the provider, once. Dropped after a few seconds; nobody asks what became of it.
    async fn mark(&self, mark: &Mark);
}

/// Takes wishes for marks. Cheap to clone.
#[derive(Clone)]
pub struct Marks {
    port: Arc<dyn ProviderMarks>,
    queue: mpsc::Sender<Wish>,
    remembered: Arc<Mutex<Remembered>>,
}

/// Carries the wishes out.
pub struct MarkWorker {
    ledger: Arc<Ledger>,
    port: Arc<dyn ProviderMarks>,
    clock: Clock,
    queue: mpsc::Receiver<Wish>,
    remembered: Arc<Mutex<Remembered>>,
}

type Key = (TenantId, EntityId);

struct Wish {
    conversation: Key,
    channel: ChannelId,
    message: MessageId,
    typing: bool,
    by: Typist,
    asked: Instant,
}

/// Who writes, or has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Typist {
    Staff,
    /// Only while it is not paused.
    Bot(AgentId),
}

/// What providers were told lately.
struct Remembered {
    typing: LruCache<Key, Instant>,
    read: LruCache<Key, MessageId>,
}

impl Marks {
    /// The two ends: who wishes, and who carries out.
    pub fn new(ledger: Arc<Ledger>, port: Arc<dyn ProviderMarks>, clock: Clock) -> (Self, MarkWorker) {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let remembered = Remembered { typing: LruCache::new(REMEMBERED_MAX), read: LruCache::new(REMEMBERED_MAX) };
        let remembered = Arc::new(Mutex::new(remembered));
        let worker = MarkWorker { ledger, port: Arc::clone(&port), clock, queue, remembered: Arc::clone(&remembered) };
        (Self { port, queue: sender, remembered }, worker)
    }

    pub(crate) fn takes(&self, tenant: &TenantId, channel: &ChannelId) -> bool {
        self.port.takes(tenant, channel)
    }

    /// Staff has read the conversation: if that is everything in it, the customer sees it.
    pub(crate) fn read(&self, tenant: &TenantId, conversation: EntityId, opened: &Opened) {
        let Some(message) = opened.last_received.filter(|_| opened.read_through >= opened.customer_wrote) else {
            return;
        };
        let key = (tenant.clone(), conversation);
        if !self.takes(tenant, &opened.channel) || self.remembered().read.get(&key) == Some(&message) {
            return;
        }
        if self.wish(key.clone(), &opened.channel, message, (false, Typist::Staff)) {
            self.remembered().read.put(key, message);
        }
    }

    /// Somebody writes; false if the customer is shown that anyway.
    pub(crate) fn typing(
        &self,
        tenant: &TenantId,
        conversation: EntityId,
        (channel, message): (&ChannelId, MessageId),
        typist: Typist,
    ) -> bool {
        let key = (tenant.clone(), conversation);
        if !self.remembered().may_type(&key, Instant::now()) {
            return false;
        }
        if self.wish(key.clone(), channel, message, (true, typist)) {
            self.remembered().read.put(key, message);
        }
        true
    }

    /// A bot has read the message; false if the customer is shown that anyway.
    pub(crate) fn read_by_bot(
        &self,
        tenant: &TenantId,
        conversation: EntityId,
        (channel, message): (&ChannelId, MessageId),
        bot: AgentId,
    ) -> bool {
        let key = (tenant.clone(), conversation);
        if self.remembered().read.get(&key) == Some(&message) {
            return false;
        }
        if self.wish(key.clone(), channel, message, (false, Typist::Bot(bot))) {
            self.remembered().read.put(key, message);
        }
        true
    }

    /// Whether there was room.
    fn wish(&self, conversation: Key, channel: &ChannelId, message: MessageId, (typing, by): (bool, Typist)) -> bool {
        let wish = Wish { conversation, channel: channel.clone(), message, typing, by, asked: Instant::now() };
        self.queue.try_send(wish).is_ok()
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Remembered {
    /// Whether a conversation may be shown typing now; if so it was.
    fn may_type(&mut self, key: &Key, now: Instant) -> bool {
        if self.typing.get(key).is_some_and(|shown| now.duration_since(*shown) < TYPING_EVERY) {
            return false;
        }
        self.typing.put(key.clone(), now);
        true
    }

    /// Nothing was shown after all.
    fn forget(&mut self, key: &Key) {
        self.typing.pop(key);
        self.read.pop(key);
    }
}

impl MarkWorker {
    /// Works until `ending`, or until nobody can wish any more and everything is carried out.
    pub async fn run(mut self, ending: impl Future<Output = ()> + Send) {
        let mut calls = FuturesUnordered::new();
        let mut busy: HashMap<(TenantId, ChannelId), usize> = HashMap::new();
        tokio::pin!(ending);
        loop {
            tokio::select! {
                () = &mut ending => return,
                Some(done) = calls.next(), if !calls.is_empty() => {
                    if let Some(count) = busy.get_mut(&done) {
                        *count -= 1;
                    }
                    busy.retain(|_, count| *count > 0);
                }
                wish = self.queue.recv(), if calls.len() < CALLS_MAX => {
                    let Some(wish) = wish else { break };
                    let of = (wish.conversation.0.clone(), wish.channel.clone());
                    let count = busy.entry(of.clone()).or_default();
                    if *count >= CALLS_A_CHANNEL_MAX {
                        continue;
                    }
                    *count += 1;
                    let (ledger, port, clock) = (Arc::clone(&self.ledger), Arc::clone(&self.port), self.clock);
                    let remembered = Arc::clone(&self.remembered);
                    calls.push(async move {
                        let about = wish.conversation.clone();
                        if !carry_out(&ledger, port.as_ref(), clock, wish).await {
                            remembered.lock().unwrap_or_else(PoisonError::into_inner).forget(&about);
                        }
                        of
                    });
                }
            }
        }
        // Nobody wishes any more: what was begun ends by itself, within a call's time.
        while calls.next().await.is_some() {}
    }
}

/// Whether the provider was told.
async fn carry_out(ledger: &Ledger, port: &dyn ProviderMarks, clock: Clock, wish: Wish) -> bool {
    if wish.asked.elapsed() > WISH_AGE_MAX {
        return false;
    }
    let conversation = wish.conversation.1;
    match timeout(CALL_WITHIN, shown(ledger, port, clock, wish)).await {
        Ok(Ok(told)) => told,
        Ok(Err(error)) => {
            tracing::debug!(%conversation, %error, "a mark was left out");
            false
        }
        // It may have got there.
        Err(_elapsed) => true,
    }
}

async fn shown(ledger: &Ledger, port: &dyn ProviderMarks, clock: Clock, wish: Wish) -> Result<bool, LedgerError> {
    let (tenant, conversation) = wish.conversation;
    let Some(provider_id) = provider_id_of(ledger, &tenant, &conversation, wish.message).await? else {
        return Ok(false);
    };
    let begun = Instant::now();
    let call_within = match wish.by {
        Typist::Staff => CALL_WITHIN,
        Typist::Bot(bot) => {
            let claim = claimed(ledger, clock, (&tenant, conversation), bot);
            if !matches!(timeout(SIGNAL_WITHIN, claim).await, Ok(Ok(true))) {
                return Ok(false);
            }
            SIGNAL_CALL_WITHIN
        }
    };
    let mark = Mark { tenant, channel: wish.channel, provider_id, typing: wish.typing };
    let call = port.mark(&mark);
    // Nothing comes between the look at the clock and the call.
    let in_time = call_within == CALL_WITHIN || begun.elapsed() < SIGNAL_WITHIN;
    if in_time {
        timeout(call_within, call).await.ok();
    }
    Ok(in_time)
}

/// Takes one mark of a bot, if it may be seen: a commit of the conversation, so that a pause comes before it or after it.
async fn claimed(
    ledger: &Ledger,
    clock: Clock,
    (tenant, conversation): (&TenantId, EntityId),
    bot: AgentId,
) -> Result<bool, LedgerError> {
    let (actor, until) = (Actor::Bot(bot), clock() + SIGNAL_WITHIN);
    let command_id = CommandId::new(format!("signal-{}", uuid::Uuid::now_v7()));
    let Ok(command_id) = command_id else { return Ok(false) };
    for _attempt in 0..CLAIMS_MAX {
        let base = ledger.load(tenant, &conversation)?;
        let now = clock();
        let envelope =
            Envelope { actor: actor.clone(), role: Some(Role::Bot), now, new_message: MessageId::new([0; 16]) };
        let decided = conversation::decide(&state_of(&base), &envelope, &Command::ClaimSignal { until });
        let Ok(Decision::Append(events)) = decided else {
            if ledger.confirm(tenant, &conversation, &base).await? {
                return Ok(false);
            }
            continue;
        };
        let events = events.into_iter().map(Event::Conversation).collect();
        let origin = Origin {
            tenant: tenant.clone(),
            command_id: command_id.clone(),
            actor: actor.clone(),
            occurred_at: now,
            recorded_at: now,
            correlation: None,
            intake: None,
        };
        match ledger.append(&origin, vec![Draft { entity: conversation, base, events }]).await? {
            Committed::Applied { fresh, .. } => return Ok(fresh),
            Committed::Conflict => {}
            // It may be claimed: nobody calls, and a pause tells of it in vain.
            Committed::Unknown => return Ok(false),
        }
    }
    Ok(false)
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Marks").finish_non_exhaustive()
    }
}

impl fmt::Debug for MarkWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MarkWorker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use relevo_domain::EntityKind;

    #[test]
    fn a_conversation_is_shown_typing_once_in_ten_seconds() {
        let mut remembered = Remembered { typing: LruCache::new(REMEMBERED_MAX), read: LruCache::new(REMEMBERED_MAX) };
        let key = |n| (TenantId::new("demo").unwrap(), EntityId::new(EntityKind::Conversation, [n; 16]));
        let start = Instant::now();
        let mut may = |n, seconds| remembered.may_type(&key(n), start + Duration::from_secs(seconds));
        assert_eq!((may(1, 0), may(1, 9), may(2, 9), may(1, 10), may(1, 19)), (true, false, true, true, false));
    }
}
