//! A channel that is added, changed or taken back at one node is so at every node, without a restart.
//!
//! Each node keeps its channels in its own folder; what changes is also said on a stream that all nodes follow, sealed with a key
//! that follows from the tenant's id key, which every node has. What the stream says wins over what a folder holds.

use std::collections::{BTreeMap, HashMap};
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
            let addition = aside(move || channels.add(&of, &text, replace)).await?;
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

    /// Says a change that was made here; undoes it if that cannot be said, or if another node was first (`false`).
    async fn told(
        &self,
        known: &mut Known,
        key: &AccountKey,
        now: Option<&Definition>,
        before: Option<&Definition>,
    ) -> Result<bool, NotChanged> {
        let told = self.say(known, key, now).await;
        if !matches!(told, Ok(true)) {
            let (channels, key, before) = (self.channels.clone(), key.clone(), before.cloned());
            aside(move || channels.adopt(&key, before)).await?;
        }
        told.map_err(NotChanged::Log)
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
        }
        Ok(said.is_some())
    }

    /// Reads what is new on the stream, and puts it in force here.
    async fn learn(&self, known: &mut Known) -> Result<(), LogError> {
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
                self.take_over(key, next.sealed).await;
            }
        }
    }

    /// Puts in force what another node says of a channel. What cannot be is said to operators, and stays as it is here.
    async fn take_over(&self, key: AccountKey, sealed: Option<Bytes>) {
        let (tenant, channel) = key.clone();
        let definition = match sealed {
            None => None,
            Some(sealed) => match self.keys.get(&tenant).and_then(|id_key| open(id_key, &key, &sealed)) {
                Some(definition) => Some(definition),
                None => return tracing::error!(%tenant, %channel, "channel of another node cannot be read here"),
            },
        };
        let channels = self.channels.clone();
        match aside(move || channels.adopt(&key, definition)).await {
            Ok(true) => tracing::info!(%tenant, %channel, "channel was changed at another node"),
            Ok(false) => {}
            Err(why) => tracing::error!(%tenant, %channel, ?why, "channel of another node is not good here"),
        }
    }

    /// Takes over what is new, and says what stands in this node's folder alone: it was added before nodes told each other.
    async fn exchange(&self) -> Result<(), LogError> {
        let mut known = self.known.lock().await;
        self.learn(&mut known).await?;
        for (key, definition) in self.channels.added() {
            if !known.at.contains_key(&key) {
                self.say(&mut known, &key, Some(&definition)).await?;
            }
        }
        Ok(())
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
mod tests {
    use relevo_eventlog::Options;
    use relevo_testkit::NatsServer;

    use super::*;
    use crate::config::{Layers, check, load};

    const META: &str = "id = 'wa-new'\nkind = 'meta'\nlabel = 'New'\napp_secrets = ['hush']\nphone_number_id = '777'\n\
                        access_token = 'first'\n";

    fn tenant() -> TenantId {
        TenantId::new("demo").unwrap()
    }

    fn id() -> ChannelId {
        ChannelId::new("wa-new").unwrap()
    }

    /// A node with a folder of its own.
    struct Node {
        folder: tempfile::TempDir,
        channels: Channels,
        shared: Shared,
    }

    async fn node(server: &NatsServer, id_key: u8, folder: tempfile::TempDir) -> Node {
        let file = load(&Layers { demo: true, ..Layers::default() }).unwrap();
        let config = check::check(&file).unwrap();
        let channels = Channels::open(file, config, folder.path().to_owned(), "http://127.0.0.1:1").unwrap();
        let connection = Connection::connect(Options::new(server.url())).await.unwrap();
        let keys = Arc::new(HashMap::from([(tenant(), IdKey::new([id_key; 32]))]));
        let shared = Shared::new(channels.clone(), connection.added_channels(), keys);
        Node { folder, channels, shared }
    }

    impl Node {
        async fn fresh(server: &NatsServer) -> Self {
            node(server, 1, tempfile::tempdir().unwrap()).await
        }

        async fn add(&self, text: &str, replace: bool) -> Result<Addition, NotChanged> {
            self.shared.add(tenant(), text.to_owned(), replace).await
        }

        /// The token of the channel's account, if it has one.
        fn token(&self) -> Option<String> {
            let account = self.channels.accounts().find(&tenant(), &id())?;
            let relevo_providers::AccountKind::Meta(meta) = &account.kind else { return None };
            Some(meta.access_token.expose().to_owned())
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_one_node_adds_changes_and_takes_back_every_node_does_without_a_restart() {
        let server = NatsServer::start().await;
        let (one, other) = (Node::fresh(&server).await, Node::fresh(&server).await);
        let (checked, token) = (CancellationToken::new(), CancellationToken::new());
        checked.cancel();
        let following = tokio::spawn(other.shared.clone().follow(checked, token.clone()));
        let shows = |wanted: Option<&'static str>| {
            let other = &other;
            relevo_testkit::eventually("the other node follows", async move || {
                (other.token().as_deref() == wanted).then_some(())
            })
        };

        let added = one.add(META, false).await.unwrap();
        shows(Some("first")).await;
        assert!(other.channels.was_added(&tenant(), &id()));
        let again = other.add(META, false).await.unwrap();
        assert!(again.already_so && again.verify_token == added.verify_token);

        one.add(&META.replace("first", "second"), true).await.unwrap();
        shows(Some("second")).await;
        // The other node may change it, too, and this one is not asked about what it does not know yet.
        other.add(&META.replace("first", "third"), true).await.unwrap();
        assert!(one.shared.remove(tenant(), id()).await.unwrap());
        assert_eq!(one.token(), None);
        shows(None).await;
        assert!(!other.shared.remove(tenant(), id()).await.unwrap(), "so already");
        token.cancel();
        following.await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_node_that_was_away_has_what_the_others_have_and_tells_what_it_alone_had() {
        let server = NatsServer::start().await;
        let one = Node::fresh(&server).await;
        one.add(META, false).await.unwrap();
        let late = Node::fresh(&server).await;
        late.shared.catch_up().await.unwrap();
        assert_eq!(late.token().as_deref(), Some("first"));

        // It is away while the channel is taken back; its folder does not bring it back.
        one.shared.remove(tenant(), id()).await.unwrap();
        let Node { folder, channels, shared } = late;
        drop((channels, shared));
        let late = node(&server, 1, folder).await;
        assert_eq!(late.token().as_deref(), Some("first"));
        late.shared.0.exchange().await.unwrap();
        assert_eq!(late.token(), None);
        one.shared.0.exchange().await.unwrap();
        assert_eq!(one.token(), None);

        // One that was added before nodes told each other.
        let own = META.replace("wa-new", "wa-own").replace("777", "778");
        late.channels.add(&tenant(), &own, false).unwrap();
        late.shared.0.exchange().await.unwrap();
        one.shared.catch_up().await.unwrap();
        assert!(one.channels.was_added(&tenant(), &ChannelId::new("wa-own").unwrap()));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn nobody_reads_a_secret_on_the_stream_and_a_node_with_another_key_takes_nothing_over() {
        let server = NatsServer::start().await;
        let one = Node::fresh(&server).await;
        one.add(META, false).await.unwrap();
        let said = one.shared.0.stream.next(0).await.unwrap().unwrap();
        let sealed = said.sealed.unwrap();
        for secret in ["hush", "first", "777", "phone_number_id"] {
            assert!(!sealed.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
        }
        let (key, other) = ((tenant(), id()), (tenant(), ChannelId::new("wa-b").unwrap()));
        let id_key = IdKey::new([1; 32]);
        assert!(open(&id_key, &key, &sealed).is_some());
        assert!(open(&id_key, &other, &sealed).is_none() && open(&id_key, &key, &sealed[..20]).is_none());

        let stranger = node(&server, 2, tempfile::tempdir().unwrap()).await;
        stranger.shared.catch_up().await.unwrap();
        assert_eq!(stranger.token(), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_cannot_be_told_to_the_others_is_not_done_here() {
        let mut server = NatsServer::start().await;
        let one = Node::fresh(&server).await;
        server.kill9();
        assert!(matches!(one.add(META, false).await, Err(NotChanged::Log(_))));
        assert_eq!(one.token(), None);
        assert_eq!(std::fs::read_dir(one.folder.path()).unwrap().count(), 0);
    }
}
