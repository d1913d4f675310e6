//! What the tests share: accounts of the stand-ins, messages, stored files.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use relevo_domain::conversation::{
    Author, Body, FailureClass, MediaKind, Outgoing, OutgoingMail, OutgoingPersonal, Recipient, StoredFile,
};
use relevo_domain::identity::IdentifierKind;
use relevo_domain::{ChannelId, MessageId, TenantId, Timestamp};
use relevo_providers::{
    Account, AccountKind, Deadline, Door as _, Doors, FileLinks, Files, FilesError, Job, MetaAccount, Outcome, Secret,
    Tokens, TwilioAccount,
};
use relevo_testkit::fakes::{FakeMeta, FakeTwilio};

pub(crate) const WA_ID: &str = "5491155550101";
pub(crate) const TWILIO_TO: &str = "whatsapp:+5491155550101";

/// When everything was queued that is sent here.
pub(crate) const QUEUED_AT: Timestamp = Timestamp::from_millis(1_794_999_000_000);

/// How long after it was asked for a claim may be used.
pub(crate) const CLAIM: Duration = Duration::from_secs(10);

/// Each test is a process of its own, so it may have its own time.
static NOW: AtomicI64 = AtomicI64::new(1_795_000_000_000);

pub(crate) fn clock() -> Timestamp {
    Timestamp::from_millis(NOW.load(Ordering::SeqCst))
}

pub(crate) fn later(by: Duration) {
    NOW.fetch_add(i64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
}

/// Files by their hash.
#[derive(Default)]
pub(crate) struct Shelf(pub(crate) Mutex<BTreeMap<String, Bytes>>);

#[async_trait]
impl Files for Shelf {
    async fn read(&self, _tenant: &TenantId, sha256: &str) -> Result<Option<Bytes>, FilesError> {
        if sha256 == "broken" {
            return Err(FilesError("the store is away".to_owned()));
        }
        Ok(self.0.lock().unwrap().get(sha256).cloned())
    }
}

pub(crate) struct Links;

impl FileLinks for Links {
    fn link(&self, tenant: &TenantId, file: &StoredFile, lifetime: Duration) -> String {
        assert!(lifetime >= Duration::from_hours(10), "Twilio fetches as late as that");
        format!("https://relevo.example/{tenant}/{}", file.sha256)
    }
}

pub(crate) struct World {
    pub(crate) doors: Doors,
    pub(crate) tokens: Tokens,
    pub(crate) shelf: Arc<Shelf>,
}

impl World {
    pub(crate) fn new() -> Self {
        let tokens = Tokens::new(clock).unwrap();
        let shelf = Arc::new(Shelf::default());
        let doors = Doors::new(shelf.clone(), Arc::new(Links), tokens.clone(), clock);
        Self { doors, tokens, shelf }
    }

    pub(crate) fn store(&self, mime_type: &str, bytes: &'static [u8], name: &str) -> StoredFile {
        let sha256 = format!("{:064x}", bytes.len());
        self.shelf.0.lock().unwrap().insert(sha256.clone(), Bytes::from_static(bytes));
        let size_bytes = bytes.len() as u64;
        StoredFile { sha256, mime_type: mime_type.to_owned(), size_bytes, file_name: Some(name.to_owned()) }
    }

    /// Prepares and hands over.
    pub(crate) async fn send(&self, account: &Account, outgoing: &Outgoing) -> Outcome {
        self.send_by(account, outgoing, Deadline::within(CLAIM, clock)).await
    }

    /// The same, if the request is written in time.
    pub(crate) async fn send_by(&self, account: &Account, outgoing: &Outgoing, by: Deadline) -> Outcome {
        match self.doors.prepare(Job { account, outgoing, queued_at: QUEUED_AT }).await {
            Ok(prepared) => self.doors.hand_over(account, prepared, by).await,
            Err((failure, retry_after)) => Outcome::Failed { failure, retry_after },
        }
    }
}

pub(crate) fn account(kind: AccountKind) -> Account {
    Account { tenant: TenantId::new("acme").unwrap(), channel: ChannelId::new("ventas").unwrap(), revision: 1, kind }
}

pub(crate) fn meta(fake: &FakeMeta) -> Account {
    let options = fake.options();
    account(AccountKind::Meta(MetaAccount {
        base_url: fake.base_url(),
        phone_number_id: options.phone_number_id.clone(),
        waba_id: Some(options.waba_id.clone()),
        access_token: Secret::new(&options.access_token),
        messages_per_second: 80,
        media_hosts: vec![fake.media_host()],
    }))
}

pub(crate) fn twilio(fake: &FakeTwilio) -> Account {
    let options = fake.options();
    account(AccountKind::Twilio(TwilioAccount {
        base_url: fake.base_url(),
        content_url: fake.base_url(),
        account_sid: options.account_sid.clone(),
        user: options.account_sid.clone(),
        password: Secret::new(&options.auth_token),
        from: "whatsapp:+15550783881".to_owned(),
        status_callback: "https://relevo.example/webhooks/twilio/ventas".to_owned(),
        messages_per_second: 80,
        media_hosts: vec![fake.media_host()],
    }))
}

pub(crate) fn message(n: u8) -> MessageId {
    MessageId::new([n; 16])
}

pub(crate) fn outgoing(n: u8, to: Recipient, body: Body) -> Outgoing {
    Outgoing {
        id: message(n),
        author: Author::Staff,
        automatic: false,
        reply_to: None,
        body,
        personal: OutgoingPersonal { to, author_name: None, reply_to_provider_id: None },
    }
}

pub(crate) fn wa_id() -> Recipient {
    Recipient { kind: IdentifierKind::WaId, value: WA_ID.to_owned() }
}

pub(crate) fn text(n: u8) -> Outgoing {
    outgoing(n, wa_id(), Body::Text { text: "Hola".to_owned(), preview_url: false })
}

pub(crate) fn media(n: u8, kind: MediaKind, file: StoredFile) -> Outgoing {
    outgoing(n, wa_id(), Body::Media { kind, file, caption: Some("mirá".to_owned()) })
}

pub(crate) fn mail(n: u8, to: &str, content: OutgoingMail) -> Outgoing {
    let to = Recipient { kind: IdentifierKind::Email, value: to.to_owned() };
    outgoing(n, to, Body::Mail(Box::new(content)))
}

/// Class, code and pause of a failure; panics with what it is otherwise.
pub(crate) fn failed(outcome: &Outcome) -> (FailureClass, Option<&str>, Option<Duration>) {
    match outcome {
        Outcome::Failed { failure, retry_after } => (failure.class, failure.code.as_deref(), *retry_after),
        Outcome::Accepted { .. } | Outcome::Unknown { .. } => panic!("not a failure: {outcome:?}"),
    }
}

/// The class of the row, from the table that people read.
pub(crate) fn is_unknown(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Unknown { .. })
}
