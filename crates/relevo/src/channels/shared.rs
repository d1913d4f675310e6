//! A channel that is added, changed or taken back at one node is so at every node, without a restart.
//!
//! Each node keeps its channels in its own folder; what changes is also said on a stream that all nodes follow, sealed with a key
//! that follows from the tenant's id key, which every node has. What the stream says wins over what a folder holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use relevo_command::IdKey;
use relevo_domain::{ChannelId, TenantId};
use relevo_eventlog::{AddedChannels, Connection, LogError};
use relevo_providers::AccountKey;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use tokio::sync::Mutex;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Addition, Channels, Definition, NotChanged};

/// What the key is derived for; changes with the layout of what is sealed.
const PURPOSE: &str = "added channels 1";
/// How long another node may take to learn of a change: its webhooks refuse, and its intake parks, what comes before that.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How often a change is tried that another node's change has come before: people make them.
const TRIES_MAX: usize = 3;

/// The channels of all nodes. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Inner>);

struct Inner {
    channels: Channels,
    stream: AddedChannels,
    keys: Arc<HashMap<TenantId, IdKey>>,
    /// Held for a change, so that those of this node come one after the other.
    known: Mutex<Known>,
}

/// What of the stream this node has followed.
#[derive(Default)]
struct Known {
    last: u64,
    /// Where each channel stands, taken back or not.
    at: BTreeMap<AccountKey, u64>,
    /// What other nodes say and what cannot be in force here yet: what it needs may be another channel's until that changes, too.
    pending: BTreeMap<AccountKey, Option<Definition>>,
    /// What only this node has and cannot say; it is complained of once.
    unsaid: BTreeSet<AccountKey>,
}

impl Shared {
    fn new(channels: Channels, stream: AddedChannels, keys: Arc<HashMap<TenantId, IdKey>>) -> Self {
        Self(Arc::new(Inner { channels, stream, keys, known: Mutex::default() }))
    }

    /// With what other nodes have changed meanwhile. A log that does not answer now is asked again later.
    pub(crate) async fn begin(
        channels: Channels,
        connection: &Connection,
        keys: Arc<HashMap<TenantId, IdKey>>,
    ) -> Self {
        let shared = Self::new(channels, connection.added_channels(), keys);
        if let Err(error) = shared.catch_up().await {
            tracing::warn!(%error, "channels of other nodes cannot be read yet");
        }
        shared
    }

    /// Adds a channel at every node. A caller who goes away leaves nothing half done.
    pub(crate) async fn add(
        &self,
        tenant: TenantId,
        definition: String,
        replace: bool,
    ) -> Result<Addition, NotChanged> {
        let inner = Arc::clone(&self.0);
        ended(tokio::spawn(async move { inner.add(tenant, definition, replace).await }).await)
    }

    /// Takes back a channel that was added, at every node; says whether it was there.
    pub(crate) async fn remove(&self, tenant: TenantId, channel: ChannelId) -> Result<bool, NotChanged> {
        let inner = Arc::clone(&self.0);
        ended(tokio::spawn(async move { inner.remove((tenant, channel)).await }).await)
    }

    /// Takes over what other nodes have changed.
    async fn catch_up(&self) -> Result<(), LogError> {
        let inner = &self.0;
        inner.learn(&mut *inner.known.lock().await).await
    }

    /// Goes on doing so, and tells others what only this node has; until it is told to end. Begins when the id keys are known to be
    /// those of the log (`checked`): sealed with another, nobody could read it.
    pub(crate) async fn follow(self, checked: CancellationToken, token: CancellationToken) {
        let inner = &self.0;
        let work = async {
            checked.cancelled().await;
            loop {
                if let Err(error) = inner.exchange().await {
                    tracing::debug!(%error, "channels of other nodes cannot be read");
                }
                sleep(LOOK_EVERY).await;
            }
        };
        token.run_until_cancelled(work).await;
    }
}

impl Inner {
    async fn add(&self, tenant: TenantId, definition: String, replace: bool) -> Result<Addition, NotChanged> {
        let mut known = self.known.lock().await;
        for _try in 0..TRIES_MAX {
            self.learn(&mut known).await.map_err(NotChanged::Log)?;
            let before = self.channels.added();
            let (channels, of, text) = (self.channels.clone(), tenant.clone(), definition.clone());
            let removed = known.removed(&tenant, &before);
            let addition = aside(move || channels.add(&of, &text, replace, &removed)).await?;
            let key = (tenant.clone(), addition.channel.clone());
            if addition.already_so {
                return Ok(addition);
            }
            let added = self.channels.added().remove(&key);
            if self.told(&mut known, &key, added.as_ref(), before.get(&key)).await? {
                return Ok(addition);
            }
        }
        Err(NotChanged::Log(LogError::Unavailable("other nodes change the channel at the same time".to_owned())))
    }

    async fn remove(&self, key: AccountKey) -> Result<bool, NotChanged> {
        let mut known = self.known.lock().await;
        for _try in 0..TRIES_MAX {
            self.learn(&mut known).await.map_err(NotChanged::Log)?;
            let before = self.channels.added();
            let (channels, (tenant, channel)) = (self.channels.clone(), key.clone());
            if !aside(move || channels.remove(&tenant, &channel)).await? {
                return Ok(false);
            }
            if self.told(&mut known, &key, None, before.get(&key)).await? {
                return Ok(true);
            }
        }
        Err(NotChanged::Log(LogError::Unavailable("other nodes change the channel at the same time".to_owned())))
    }

    /// Says a change that was made here; undoes it if that cannot be said, or if another node was first (`false`). Where nobody knows
    /// whether it was said, it is undone, too: if it was, it comes back with what is read next.
    async fn told(
        &self,
        known: &mut Known,
        key: &AccountKey,
        now: Option<&Definition>,
        before: Option<&Definition>,
    ) -> Result<bool, NotChanged> {
        let told = self.say(known, key, now).await;
        if !matches!(told, Ok(true)) {
            let (channels, undone) = (self.channels.clone(), BTreeMap::from([(key.clone(), before.cloned())]));
            aside(move || channels.adopt(&undone)).await?;
        }
        told.map_err(|error| match error {
            LogError::Unavailable(_) => NotChanged::Unknown(error),
            LogError::Full | LogError::TooLarge { .. } | LogError::Undecodable { .. } | LogError::Refused(_) => {
                NotChanged::Log(error)
            }
        })
    }

    /// Says what a channel is now; false if another node has said something meanwhile.
    async fn say(&self, known: &mut Known, key: &AccountKey, now: Option<&Definition>) -> Result<bool, LogError> {
        let sealed = match now {
            None => None,
            Some(definition) => {
                let sealed = self.keys.get(&key.0).and_then(|id_key| seal(id_key, key, &definition.text()));
                Some(sealed.ok_or_else(|| LogError::Refused("a channel cannot be sealed".to_owned()))?)
            }
        };
        let expected = known.at.get(key).copied().unwrap_or(0);
        let said = self.stream.put(&key.0, &key.1, sealed, expected).await?;
        if let Some(sequence) = said {
            // What others have said between stays to be read: `last` is not moved.
            known.at.insert(key.clone(), sequence);
            known.pending.remove(key);
        }
        Ok(said.is_some())
    }

    /// Reads what is new on the stream, and puts it in force here.
    async fn learn(&self, known: &mut Known) -> Result<(), LogError> {
        let read = self.read(known).await;
        self.catch_pending_up(known).await;
        read
    }

    async fn read(&self, known: &mut Known) -> Result<(), LogError> {
        loop {
            let next = match self.stream.next(known.last).await {
                Ok(Some(next)) => next,
                Ok(None) => return Ok(()),
                Err(LogError::Undecodable { sequence, reason }) => {
                    tracing::error!(sequence, reason, "change of a channel cannot be read");
                    known.last = sequence;
                    continue;
                }
                Err(error) => return Err(error),
            };
            known.last = next.sequence;
            let key = (next.tenant, next.channel);
            // Our own words come back to us, and are in force already.
            if known.at.insert(key.clone(), next.sequence) != Some(next.sequence) {
                self.take_over(known, key, next.sealed).await;
            }
        }
    }

    /// Puts in force what another node says of a channel. What cannot be is said to operators, and stays as it is here until it can.
    async fn take_over(&self, known: &mut Known, key: AccountKey, sealed: Option<Bytes>) {
        let (tenant, channel) = key.clone();
        known.pending.remove(&key);
        let definition = match sealed {
            None => None,
            Some(sealed) => match self.keys.get(&tenant).and_then(|id_key| open(id_key, &key, &sealed)) {
                Some(definition) => Some(definition),
                None => return tracing::error!(%tenant, %channel, "channel of another node cannot be read here"),
            },
        };
        match self.adopt(BTreeMap::from([(key.clone(), definition.clone())])).await {
            Ok(true) => tracing::info!(%tenant, %channel, "channel was changed at another node"),
            Ok(false) => {}
            Err(why @ NotChanged::InFile) => {
                tracing::error!(%tenant, %channel, ?why, "channel of another node stands in this node's configuration");
            }
            Err(why) => {
                tracing::error!(%tenant, %channel, ?why, "channel of another node is not good here yet");
                known.pending.insert(key, definition);
            }
        }
    }

    /// Tries again what could not be in force: of each channel only the last word is on the stream, so one may need what another
    /// gives up behind it. As long as one succeeds there may be more; what only goes together is tried together.
    async fn catch_pending_up(&self, known: &mut Known) {
        let mut before = usize::MAX;
        while known.pending.len() < before {
            before = known.pending.len();
            for (key, definition) in known.pending.clone() {
                if self.adopt(BTreeMap::from([(key.clone(), definition)])).await.is_ok() {
                    known.caught_up(&key);
                }
            }
        }
        if known.pending.len() > 1 && self.adopt(known.pending.clone()).await.is_ok() {
            for key in known.pending.clone().into_keys() {
                known.caught_up(&key);
            }
        }
    }

    async fn adopt(&self, changes: BTreeMap<AccountKey, Option<Definition>>) -> Result<bool, NotChanged> {
        let channels = self.channels.clone();
        aside(move || channels.adopt(&changes)).await
    }

    /// Takes over what is new, and says what stands in this node's folder alone: it was added before nodes told each other. One that
    /// cannot be said holds up no other.
    async fn exchange(&self) -> Result<(), LogError> {
        let mut known = self.known.lock().await;
        self.learn(&mut known).await?;
        for (key, definition) in self.channels.added() {
            if known.at.contains_key(&key) {
                continue;
            }
            match self.say(&mut known, &key, Some(&definition)).await {
                Ok(_) => {
                    known.unsaid.remove(&key);
                }
                Err(error @ LogError::Unavailable(_)) => return Err(error),
                Err(error) => {
                    if known.unsaid.insert(key.clone()) {
                        let (tenant, channel) = key;
                        tracing::error!(%tenant, %channel, %error, "channel of this node cannot be told to the others");
                    }
                }
            }
        }
        Ok(())
    }
}

impl Known {
    /// The tenant's channels that were taken back: each has left its word on the stream.
    fn removed(&self, tenant: &TenantId, added: &BTreeMap<AccountKey, Definition>) -> BTreeSet<ChannelId> {
        let gone = self.at.keys().filter(|key| key.0 == *tenant && !added.contains_key(*key));
        gone.map(|(_, channel)| channel.clone()).collect()
    }

    fn caught_up(&mut self, key: &AccountKey) {
        self.pending.remove(key);
        let (tenant, channel) = key;
        tracing::info!(%tenant, %channel, "channel of another node is in force here now");
    }
}

/// Blocks for the disk, and nobody else waits for it.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NotChanged> + Send + 'static,
) -> Result<T, NotChanged> {
    ended(tokio::task::spawn_blocking(work).await)
}

fn ended<T>(outcome: Result<Result<T, NotChanged>, tokio::task::JoinError>) -> Result<T, NotChanged> {
    outcome.unwrap_or_else(|broken| Err(NotChanged::Store(std::io::Error::other(broken))))
}

fn cipher(id_key: &IdKey) -> Option<LessSafeKey> {
    UnboundKey::new(&CHACHA20_POLY1305, &id_key.key_for(PURPOSE)).ok().map(LessSafeKey::new)
}

/// What is sealed for one channel is none of another's.
fn bound_to((tenant, channel): &AccountKey) -> Aad<String> {
    Aad::from(format!("{tenant}.{channel}"))
}

fn seal(id_key: &IdKey, key: &AccountKey, text: &str) -> Option<Bytes> {
    let mut sealed = text.as_bytes().to_vec();
    let nonce: [u8; NONCE_LEN] = rand::random();
    let unique = Nonce::assume_unique_for_key(nonce);
    cipher(id_key)?.seal_in_place_append_tag(unique, bound_to(key), &mut sealed).ok()?;
    Some(Bytes::from([nonce.as_slice(), &sealed].concat()))
}

fn open(id_key: &IdKey, key: &AccountKey, sealed: &[u8]) -> Option<Definition> {
    let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>()?;
    let mut text = sealed.to_vec();
    let unique = Nonce::assume_unique_for_key(*nonce);
    let text = cipher(id_key)?.open_in_place(unique, bound_to(key), &mut text).ok()?;
    let definition = Definition::parse(std::str::from_utf8(text).ok()?).ok()?;
    (definition.channel.id == key.1.as_str()).then_some(definition)
}

#[cfg(test)]
#[path = "shared_tests.rs"]
mod tests;
