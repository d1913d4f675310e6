//! What a customer is shown of the business without a message: that theirs was read, and that somebody writes.
//!
//! Nothing of it is on the log, no command waits for it or fails by it, and what finds no room is left out. How a provider is told
//! is the port's business.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use lru::LruCache;
use relevo_domain::conversation::{Bot, Opened};
use relevo_domain::{ChannelId, EntityId, MessageId, TenantId};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use crate::conversation::opened_of;
use crate::ledger::{Ledger, LedgerError};
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
/// How often a conversation that changes while it is looked at is looked at again.
const LOOKS_MAX: usize = 3;

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
    queue: mpsc::Receiver<Wish>,
}

type Key = (TenantId, EntityId);

struct Wish {
    conversation: Key,
    channel: ChannelId,
    message: MessageId,
    typing: Option<Typist>,
    asked: Instant,
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typist {
    Staff,
    /// Only while it is not paused.
    Bot,
}

/// What providers were told lately.
struct Remembered {
    typing: LruCache<Key, Instant>,
    read: LruCache<Key, MessageId>,
}

impl Marks {
    /// The two ends: who wishes, and who carries out.
    pub fn new(ledger: Arc<Ledger>, port: Arc<dyn ProviderMarks>) -> (Self, MarkWorker) {
        let (sender, queue) = mpsc::channel(QUEUE_MAX);
        let remembered = Remembered { typing: LruCache::new(REMEMBERED_MAX), read: LruCache::new(REMEMBERED_MAX) };
        let remembered = Arc::new(Mutex::new(remembered));
        (Self { port: Arc::clone(&port), queue: sender, remembered }, MarkWorker { ledger, port, queue })
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
        if self.wish(key.clone(), &opened.channel, message, None) {
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
        if self.wish(key.clone(), channel, message, Some(typist)) {
            self.remembered().read.put(key, message);
        }
        true
    }

    /// Whether there was room.
    fn wish(&self, conversation: Key, channel: &ChannelId, message: MessageId, typing: Option<Typist>) -> bool {
        let wish = Wish { conversation, channel: channel.clone(), message, typing, asked: Instant::now() };
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
                    let (ledger, port) = (Arc::clone(&self.ledger), Arc::clone(&self.port));
                    calls.push(async move {
                        carry_out(&ledger, port.as_ref(), wish).await;
                        of
                    });
                }
            }
        }
        // Nobody wishes any more: what was begun ends by itself, within a call's time.
        while calls.next().await.is_some() {}
    }
}

async fn carry_out(ledger: &Ledger, port: &dyn ProviderMarks, wish: Wish) {
    let (tenant, conversation) = wish.conversation;
    if wish.asked.elapsed() > WISH_AGE_MAX {
        return;
    }
    let told = timeout(CALL_WITHIN, async {
        if wish.typing == Some(Typist::Bot) && !bot_is_active(ledger, &tenant, &conversation).await? {
            return Ok(());
        }
        let known = provider_id_of(ledger, &tenant, &conversation, wish.message).await?;
        if let Some(provider_id) = known {
            let mark = Mark { tenant, channel: wish.channel, provider_id, typing: wish.typing.is_some() };
            port.mark(&mark).await;
        }
        Ok::<(), LedgerError>(())
    });
    if let Ok(Err(error)) = told.await {
        tracing::debug!(conversation = %conversation, %error, "a mark was left out");
    }
}

/// Whether the bot may be seen, as the leader of the log has it now: a pause that was answered silences this too.
async fn bot_is_active(ledger: &Ledger, tenant: &TenantId, conversation: &EntityId) -> Result<bool, LedgerError> {
    for _look in 0..LOOKS_MAX {
        let base = ledger.load(tenant, conversation)?;
        if !opened_of(&base).is_some_and(|opened| opened.bot == Bot::Active) {
            return Ok(false);
        }
        if ledger.confirm(tenant, conversation, &base).await? {
            return Ok(true);
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
