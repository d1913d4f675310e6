//! What the tests stand on: an IMAP server, the log, an account, and mailboxes that run until they are stopped or killed.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt as _;
use relevo_domain::{ChannelId, EndpointId, TenantId, Timestamp};
use relevo_eventlog::{Connection, Options as LogOptions, RawInput};
use relevo_mailbox::{MailboxParts, Mailboxes, Options};
use relevo_providers::{
    Account, AccountKey, AccountKind, Accounts, Credential, Health, HealthBoard, ImapServer, MailAccount,
    MailCredential, Part, Secret, Security, Tokens,
};
use relevo_testkit::{Dovecot, NatsServer, eventually, eventually_within};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) const USER: &str = "soporte@example.test";
pub(crate) const PASSWORD: &str = "correct horse \"battery\" \\ staple";
const STORE_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// A loaded machine reads a few hundred mails in this time.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

pub(crate) fn key() -> AccountKey {
    (TenantId::new("demo").unwrap(), ChannelId::new("mail").unwrap())
}

pub(crate) fn endpoint() -> EndpointId {
    EndpointId::new("mail-1").unwrap()
}

/// Short pauses, as tests want them.
pub(crate) fn quick() -> Options {
    Options {
        poll_every: Duration::from_millis(100),
        lease: Duration::from_secs(3),
        connection_pause: Duration::from_millis(50),
        denied_pause: Duration::from_mins(10),
        ..Options::default()
    }
}

pub(crate) struct Rig {
    pub(crate) nats: NatsServer,
    pub(crate) dovecot: Dovecot,
    pub(crate) connection: Connection,
    pub(crate) accounts: Accounts,
    pub(crate) board: HealthBoard,
    pub(crate) tokens: Tokens,
}

/// Mailboxes that run.
pub(crate) struct Running {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    /// As a node ends.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// As a node dies: nothing gets to finish anything.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(Dovecot::start().await).await
    }

    pub(crate) async fn with(dovecot: Dovecot) -> Self {
        let nats = NatsServer::start().await;
        dovecot.add_user(USER, PASSWORD);
        let connection =
            Connection::connect(LogOptions { store_bytes: STORE_BYTES, ..LogOptions::new(nats.url()) }).await.unwrap();
        let rig = Self {
            nats,
            connection,
            accounts: Accounts::new([]),
            board: HealthBoard::default(),
            tokens: Tokens::new(now).unwrap(),
            dovecot,
        };
        rig.put(1, rig.account());
        rig
    }

    pub(crate) fn account(&self) -> MailAccount {
        MailAccount {
            address: USER.to_owned(),
            display_name: None,
            addresses: vec![USER.to_owned()],
            imap: Some(ImapServer {
                host: "localhost".to_owned(),
                port: self.dovecot.tls_port,
                security: Security::Tls,
                folders: vec!["INBOX".to_owned()],
                import_days: 0,
            }),
            smtp: None,
            credential: MailCredential {
                user: USER.to_owned(),
                credential: Credential::Password(Secret::new(PASSWORD)),
            },
            extra_ca: Some(self.dovecot.ca_pem.clone()),
            public_only: false,
        }
    }

    /// The account with another way to be read.
    pub(crate) fn imap(&self, change: impl FnOnce(&mut ImapServer)) -> MailAccount {
        let mut account = self.account();
        change(account.imap.as_mut().unwrap());
        account
    }

    /// Puts the account in force.
    pub(crate) fn put(&self, revision: u64, mail: MailAccount) {
        self.accounts.replace([full(revision, mail)]);
    }

    pub(crate) fn run(&self) -> Running {
        self.run_with(quick())
    }

    pub(crate) fn run_with(&self, options: Options) -> Running {
        let parts = MailboxParts {
            accounts: self.accounts.clone(),
            intake: self.connection.intake(),
            positions: self.connection.mail_positions(),
            tokens: self.tokens.clone(),
            board: self.board.clone(),
            endpoint_of: Arc::new(|_| Some(endpoint())),
            clock: now,
        };
        let stop = CancellationToken::new();
        let task = tokio::spawn(Mailboxes::with_options(parts, options).run(stop.clone()));
        Running { stop, task }
    }

    /// Runs and waits until the folder is connected.
    pub(crate) async fn connected(&self) -> Running {
        let running = self.run();
        self.health("the mailbox is read", |health| matches!(health, Health::Good { .. })).await;
        running
    }

    pub(crate) async fn health(&self, what: &str, wanted: impl Fn(&Health) -> bool) -> Health {
        eventually_within(what, PATIENCE, async || {
            self.board.of(&key()).get(&Part::Receiving).filter(|health| wanted(health)).cloned()
        })
        .await
    }

    pub(crate) async fn position(&self, folder: &str) -> Option<u32> {
        self.connection.mail_positions().load(&endpoint(), folder).await.unwrap().map(|position| position.last_uid)
    }

    pub(crate) async fn position_is(&self, folder: &str, last_uid: u32) {
        eventually("the position is stored", async || (self.position(folder).await == Some(last_uid)).then_some(()))
            .await;
    }

    pub(crate) async fn stored(&self) -> u64 {
        self.all_items().await.len() as u64
    }

    /// Waits for `count` items on the raw stream, and answers with all that are there.
    pub(crate) async fn items(&self, count: u64) -> Vec<RawInput> {
        eventually_within(&format!("{count} items are stored"), PATIENCE, async || {
            (self.stored().await >= count).then_some(())
        })
        .await;
        self.all_items().await
    }

    pub(crate) async fn all_items(&self) -> Vec<RawInput> {
        let intake = self.connection.intake();
        let last = usize::try_from(intake.last_sequence().await.unwrap()).unwrap();
        let messages: Vec<_> = intake.messages(1).take(last).map(Result::unwrap).collect().await;
        messages.into_iter().flatten().map(|item| item.input().expect("readable").input).collect()
    }
}

pub(crate) fn full(revision: u64, mail: MailAccount) -> Account {
    let (tenant, channel) = key();
    Account { tenant, channel, revision, kind: AccountKind::Mail(mail) }
}

/// A mail that nothing else is like.
pub(crate) fn mail(name: &str) -> Vec<u8> {
    format!("From: Ana <ana@cliente.test>\r\nTo: {USER}\r\nSubject: {name}\r\nMessage-ID: <{name}@cliente.test>\r\n\r\nHola, {name}.\r\n")
        .into_bytes()
}
