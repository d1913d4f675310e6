//! Nodes that share channels over a real server.

use relevo_eventlog::Options;
use relevo_testkit::NatsServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

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
    node_at(&server.url(), tenant(), id_key, folder).await
}

/// A node that has the id key of this tenant.
async fn node_at(url: &str, of: TenantId, id_key: u8, folder: tempfile::TempDir) -> Node {
    let file = load(&Layers { demo: true, ..Layers::default() }).unwrap();
    let config = check::check(&file).unwrap();
    let channels = Channels::open(file, config, folder.path().to_owned(), "http://127.0.0.1:1").unwrap();
    let connection = Connection::connect(Options::new(url)).await.unwrap();
    let keys = Arc::new(HashMap::from([(of, IdKey::new([id_key; 32]))]));
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
    late.channels.add(&tenant(), &own, false, &BTreeSet::new()).unwrap();
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

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_what_another_channel_gives_up_comes_in_force_in_the_end() {
    let server = NatsServer::start().await;
    let (one, late) = (Node::fresh(&server).await, Node::fresh(&server).await);
    let channel = |name: &str, number: &str, token: &str| {
        META.replace("wa-new", name).replace("777", number).replace("first", token)
    };
    let number = |node: &Node, name: &str| {
        let account = node.channels.accounts().find(&tenant(), &ChannelId::new(name).unwrap())?;
        let relevo_providers::AccountKind::Meta(meta) = &account.kind else { return None };
        Some(meta.phone_number_id.clone())
    };
    let numbers = |node: &Node| [number(node, "wa-a"), number(node, "wa-b")].map(Option::unwrap_or_default);
    one.add(&channel("wa-a", "777", "first"), false).await.unwrap();
    late.shared.catch_up().await.unwrap();

    // It is away while the one moves to another number, the other takes the old one, and the first changes once more.
    one.add(&channel("wa-a", "778", "first"), true).await.unwrap();
    one.add(&channel("wa-b", "777", "first"), false).await.unwrap();
    one.add(&channel("wa-a", "778", "second"), true).await.unwrap();
    late.shared.catch_up().await.unwrap();
    assert_eq!(numbers(&late), ["778", "777"]);

    // And while they change places, which no order of their last words alone can do.
    one.add(&channel("wa-a", "779", "second"), true).await.unwrap();
    one.add(&channel("wa-b", "778", "first"), true).await.unwrap();
    one.add(&channel("wa-a", "777", "second"), true).await.unwrap();
    late.shared.catch_up().await.unwrap();
    assert_eq!(numbers(&late), ["777", "778"]);

    // What is in the way here alone is waited for.
    one.shared.remove(tenant(), ChannelId::new("wa-b").unwrap()).await.unwrap();
    late.shared.catch_up().await.unwrap();
    late.channels.add(&tenant(), &channel("wa-own", "780", "own"), false, &BTreeSet::new()).unwrap();
    one.add(&channel("wa-b", "780", "first"), false).await.unwrap();
    late.shared.catch_up().await.unwrap();
    assert_eq!(number(&late, "wa-b"), None);
    late.channels.remove(&tenant(), &ChannelId::new("wa-own").unwrap()).unwrap();
    late.shared.catch_up().await.unwrap();
    assert_eq!(number(&late, "wa-b").as_deref(), Some("780"));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_channel_that_cannot_be_told_keeps_no_other_from_it() {
    let server = NatsServer::start().await;
    let other = TenantId::new("demo-b").unwrap();
    let lacking = node_at(&server.url(), other.clone(), 1, tempfile::tempdir().unwrap()).await;
    // It has no id key of the first tenant.
    lacking.channels.add(&tenant(), META, false, &BTreeSet::new()).unwrap();
    let theirs = META.replace("wa-new", "wa-theirs").replace("777", "778");
    lacking.channels.add(&other, &theirs, false, &BTreeSet::new()).unwrap();
    lacking.shared.0.exchange().await.unwrap();

    let node = node_at(&server.url(), other.clone(), 1, tempfile::tempdir().unwrap()).await;
    node.shared.catch_up().await.unwrap();
    assert!(node.channels.was_added(&other, &ChannelId::new("wa-theirs").unwrap()));
    assert!(!node.channels.was_added(&tenant(), &id()));
}

/// A way to the server that is cut as soon as a channel was said over it, and before the answer to that.
async fn cutter(server: &NatsServer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = server.url().trim_start_matches("nats://").to_owned();
    let cut = CancellationToken::new();
    let work = async move {
        while let Some(Ok((client, _))) = cut.run_until_cancelled(listener.accept()).await {
            tokio::spawn(cut_behind_a_word(client, target.clone(), cut.clone()));
        }
    };
    tokio::spawn(work);
    format!("nats://127.0.0.1:{port}")
}

async fn cut_behind_a_word(mut client: TcpStream, target: String, cut: CancellationToken) {
    const WORD: &[u8] = b"PUB relevo.channels.";
    let mut server = TcpStream::connect(target).await.unwrap();
    let (mut up, mut down) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        tokio::select! {
            () = cut.cancelled() => return,
            read = client.read(&mut up) => {
                let Ok(count @ 1..) = read else { return };
                server.write_all(&up[..count]).await.unwrap();
                if up[..count].windows(WORD.len()).any(|window| window == WORD) {
                    cut.cancel();
                    // The server has answered; nobody hears it.
                    assert_ne!(server.read(&mut down).await.unwrap(), 0);
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(count @ 1..) = read else { return };
                client.write_all(&down[..count]).await.unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_told_is_not_called_undone() {
    let server = NatsServer::start().await;
    let url = cutter(&server).await;
    let Node { folder, channels, shared } = node_at(&url, tenant(), 1, tempfile::tempdir().unwrap()).await;
    let answer = shared.add(tenant(), META.to_owned(), false).await;
    assert!(matches!(answer, Err(NotChanged::Unknown(_))), "{answer:?}");
    let other = Node::fresh(&server).await;
    other.shared.catch_up().await.unwrap();
    assert_eq!(other.token().as_deref(), Some("first"), "it was told");

    // The node itself has it again as soon as it reads it.
    drop((channels, shared));
    let again = node(&server, 1, folder).await;
    assert_eq!(again.token(), None);
    again.shared.catch_up().await.unwrap();
    assert_eq!(again.token().as_deref(), Some("first"));
    assert!(again.add(META, false).await.unwrap().already_so);
}
