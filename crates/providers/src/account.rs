//! The accounts through which channels send and receive: addresses, credentials, and the servers they are used at.
//!
//! [`Accounts`] is what is in force now. It is replaced as a whole when the configuration changes, without a restart.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use relevo_domain::{ChannelId, TenantId};
use tokio::sync::watch;

/// Which channel of which tenant.
pub type AccountKey = (TenantId, ChannelId);

/// A secret. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself, for the request that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// How one channel reaches its provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub tenant: TenantId,
    pub channel: ChannelId,
    /// Changes with the configuration of this channel, so that whoever holds a connection knows that it is of the past.
    pub revision: u64,
    pub kind: AccountKind,
}

impl Account {
    /// Where its access tokens come from, if it needs any.
    pub const fn grant(&self) -> Option<&OAuthGrant> {
        match &self.kind {
            AccountKind::Mail(MailAccount { credential, .. }) => match &credential.credential {
                Credential::OAuth(grant) => Some(grant),
                Credential::Password(_) => None,
            },
            AccountKind::Meta(_) | AccountKind::Twilio(_) => None,
        }
    }
}

/// What the account is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountKind {
    Meta(MetaAccount),
    Twilio(TwilioAccount),
    Mail(MailAccount),
}

/// A WhatsApp number of Meta's Cloud API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetaAccount {
    /// `https://graph.facebook.com/v25.0` or a stand-in, without a slash at its end.
    pub base_url: String,
    pub phone_number_id: String,
    pub waba_id: Option<String>,
    pub access_token: Secret,
    /// Messages a second that the number may send: 80, 20 for a number that is also on a phone.
    pub messages_per_second: u32,
    /// Hosts that media may come from beside those of Meta: for a stand-in, empty otherwise. `127.0.0.1:1234`.
    pub media_hosts: Vec<String>,
}

/// A WhatsApp sender of Twilio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TwilioAccount {
    /// `https://api.twilio.com` or a stand-in, without a slash at its end.
    pub base_url: String,
    /// `https://content.twilio.com` or a stand-in.
    pub content_url: String,
    pub account_sid: String,
    /// The account SID with its auth token, or an API key with its secret.
    pub user: String,
    pub password: Secret,
    /// `whatsapp:+549…`, or a messaging service `MG…`.
    pub from: String,
    /// Where Twilio reports: our own webhook's URL; the message's id is added as a query.
    pub status_callback: String,
    pub messages_per_second: u32,
    /// Hosts that media may come from beside those of Twilio: for a stand-in, empty otherwise.
    pub media_hosts: Vec<String>,
}

/// A mailbox: how it is read, and how it sends. At least one of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailAccount {
    /// The address that answers come from; also the one that is logged in with unless a credential names another.
    pub address: String,
    /// Shown before the address.
    pub display_name: Option<String>,
    /// Every address of the mailbox, lower case.
    pub addresses: Vec<String>,
    pub imap: Option<ImapServer>,
    pub smtp: Option<SmtpServer>,
    pub credential: MailCredential,
    /// Certificates (PEM) that are trusted beside the system's: for a server of one's own.
    pub extra_ca: Option<String>,
    /// Whoever named the servers does not run this machine: they are reached at public addresses alone.
    pub public_only: bool,
}

/// Where mail is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImapServer {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// Folders to read; at least INBOX.
    pub folders: Vec<String>,
    /// Days of mail to bring in as history at the first connection; 0: from now on.
    pub import_days: u32,
}

/// Where mail is submitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmtpServer {
    pub host: String,
    pub port: u16,
    pub security: Security,
    /// Mails a minute: 30 for Microsoft 365.
    pub messages_per_minute: u32,
}

/// How a connection to a mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte.
    Tls,
    /// In the clear until STARTTLS, which is demanded.
    StartTls,
    /// None at all; loopback addresses only.
    Plain,
}

/// Who logs in to a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailCredential {
    pub user: String,
    pub credential: Credential,
}

/// With what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    Password(Secret),
    OAuth(OAuthGrant),
}

/// Where access tokens come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthGrant {
    pub token_url: String,
    pub client_id: String,
    /// Absent for a public client.
    pub client_secret: Option<Secret>,
    pub scope: String,
    /// Present: the refresh-token grant; absent: client credentials.
    pub refresh_token: Option<Secret>,
}

/// The accounts that are in force. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts(Arc<watch::Sender<InForce>>);

/// A set of accounts, as a whole.
type InForce = Arc<BTreeMap<AccountKey, Arc<Account>>>;

impl Accounts {
    pub fn new(accounts: impl IntoIterator<Item = Account>) -> Self {
        Self(Arc::new(watch::Sender::new(Arc::new(map(accounts)))))
    }

    /// Puts these in force instead. Who watches is woken.
    pub fn replace(&self, accounts: impl IntoIterator<Item = Account>) {
        self.0.send_replace(Arc::new(map(accounts)));
    }

    pub fn find(&self, tenant: &TenantId, channel: &ChannelId) -> Option<Arc<Account>> {
        self.0.borrow().get(&(tenant.clone(), channel.clone())).cloned()
    }

    pub fn all(&self) -> InForce {
        Arc::clone(&self.0.borrow())
    }

    /// Wakes at every replacement.
    pub fn watch(&self) -> watch::Receiver<InForce> {
        self.0.subscribe()
    }
}

fn map(accounts: impl IntoIterator<Item = Account>) -> BTreeMap<AccountKey, Arc<Account>> {
    accounts.into_iter().map(|account| ((account.tenant.clone(), account.channel.clone()), Arc::new(account))).collect()
}
