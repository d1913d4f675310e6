//! Configuration: embedded defaults, then files, then `RELEVO__SECTION__KEY`, then flags; checked whole before anything starts.
//!
//! [`file`] is what may be written, [`check`] turns it into the [`Config`] that the rest of the binary works with, and finds
//! every problem at once. Nothing here opens a socket or a store.

pub(crate) mod check;
pub(crate) mod cli;
pub(crate) mod file;
mod load;
mod nearest;
mod problem;
mod secret;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use relevo_bot::rules::Rules;
use relevo_bot::webhook::WebhookSettings;
use relevo_catalogue::Language;
use relevo_domain::conversation::CatchUp;
use relevo_domain::{AgentId, ChannelId, EndpointId, Role, TeamId, TenantId};
use relevo_providers::{MailAccount, MetaAccount, TwilioAccount};

pub(crate) use load::{Layers, definition, load};
pub(crate) use problem::{Problem, Problems};
pub(crate) use secret::Secret;

use crate::nats::server_config::Sync;

/// Every default, with its meaning. The same text stands in the repository.
pub(crate) const DEFAULT: &str = include_str!("../../config.default.toml");
/// The demo: ordinary configuration, embedded for `serve --demo`.
pub(crate) const DEMO: &str = include_str!("../../../../deploy/demo.toml");

/// What the demo's bot says.
pub(crate) const DEMO_BOT: &str = include_str!("../../../../deploy/demo-bot.yaml");

/// A checked configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) server: Server,
    pub(crate) nats: Nats,
    pub(crate) webhook: relevo_webhook::Options,
    pub(crate) topics: Topics,
    pub(crate) files: Files,
    /// Whether this node hands messages over.
    pub(crate) sending: bool,
    /// Whether this node reads mailboxes.
    pub(crate) mailbox: bool,
    /// Whether this node ends pauses and wakes snoozed conversations.
    pub(crate) timers: bool,
    pub(crate) bots: Bots,
    /// Whether a channel that is added while Relevo runs may name any server, private ones and plain connections included.
    pub(crate) any_server: bool,
    pub(crate) meta_apps: Vec<MetaApp>,
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) api_keys: Vec<ApiKey>,
    pub(crate) auth: Auth,
    /// The configuration is the demo's; whatever it says of itself, known secrets are looked for too.
    pub(crate) demo: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) http_addr: SocketAddr,
    pub(crate) grpc_addr: SocketAddr,
    pub(crate) data_dir: PathBuf,
    /// How the world reaches the HTTP listener; absent: by its address.
    pub(crate) public_url: Option<String>,
    /// Pages of these origins may call; none by default.
    pub(crate) cors_origins: Vec<http::HeaderValue>,
    /// What only operators do is served below /v1, too.
    pub(crate) rest_admin: bool,
    pub(crate) shutdown: Duration,
    pub(crate) log_json: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Nats {
    /// A server of our own.
    Supervised { binary: Option<PathBuf>, sync: Sync, store_bytes: Option<u64> },
    /// A server that somebody else runs.
    External(External),
}

#[derive(Clone)]
pub(crate) struct External {
    pub(crate) url: String,
    pub(crate) user: Option<(String, String)>,
    pub(crate) token: Option<String>,
    pub(crate) credentials_file: Option<PathBuf>,
    pub(crate) replicas: usize,
    pub(crate) store_bytes: u64,
}

/// The metric topics.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Topics {
    /// Whether this node publishes.
    pub(crate) publish: bool,
    /// How long the log keeps what was published.
    pub(crate) keep: Duration,
}

/// Attachments.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    pub(crate) store: FileStore,
    /// The program that looks at each file before it is stored, with its arguments; none: nobody looks.
    pub(crate) scan_command: Vec<String>,
}

/// Where attachments are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FileStore {
    /// The log's object store.
    Log,
    Folder(PathBuf),
}

#[derive(Clone)]
pub(crate) struct MetaApp {
    pub(crate) name: EndpointId,
    pub(crate) app_secrets: Vec<String>,
    pub(crate) verify_token: String,
    /// Where updates go that name no number and no account that a channel has.
    pub(crate) account_channel: Option<(TenantId, ChannelId)>,
}

#[derive(Clone, Debug)]
pub(crate) struct Tenant {
    pub(crate) name: TenantId,
    pub(crate) time_zone: TimeZone,
    pub(crate) language: Language,
    /// Whether a message of staff pauses the bot.
    pub(crate) pause_bot_on_send: bool,
    /// Whether customers are shown that their messages were read, and that somebody writes.
    pub(crate) send_read_receipts: bool,
    /// After how long staff is alerted to a paused conversation that nobody answers; absent: never.
    pub(crate) alert_unanswered: Option<Duration>,
    /// After how long staff is alerted to a bot that is still paused; absent: never.
    pub(crate) alert_paused: Option<Duration>,
    /// What a bot that may speak again is asked to do with what it has missed.
    pub(crate) on_resume: CatchUp,
    /// How the business calls itself in its messages; absent: by the tenant's name.
    pub(crate) business_name: Option<String>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) agents: Vec<Agent>,
    pub(crate) teams: Vec<Team>,
    pub(crate) bots: Vec<Bot>,
}

/// How bots are given turns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bots {
    /// Whether the bots of this configuration work on this node; streams are served by every node.
    pub(crate) enabled: bool,
    pub(crate) options: relevo_bot::Options,
}

/// A bot inside of the broker.
#[derive(Clone, Debug)]
pub(crate) struct Bot {
    pub(crate) id: AgentId,
    /// None: every channel.
    pub(crate) channels: BTreeSet<ChannelId>,
    pub(crate) kind: BotKind,
}

/// What a bot does with its turns.
#[derive(Clone, Debug)]
pub(crate) enum BotKind {
    Rules(Box<Rules>),
    Webhook(Box<WebhookSettings>),
}

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) id: ChannelId,
    pub(crate) label: String,
    pub(crate) kind: ChannelKind,
}

#[derive(Clone)]
pub(crate) enum ChannelKind {
    Meta {
        app: EndpointId,
        phone_number_id: String,
        display_phone_number: Option<String>,
        waba_id: Option<String>,
        /// The app that the channel brought with it; its name is the channel's.
        own_app: Option<Box<MetaApp>>,
        /// How it sends, if it can.
        account: Option<Box<MetaAccount>>,
    },
    Twilio {
        endpoint: EndpointId,
        auth_tokens: Vec<String>,
        public_base_url: Option<String>,
        /// How it sends, if it can. Where Twilio reports to is filled in when the addresses are known.
        account: Option<Box<TwilioAccount>>,
    },
    Email {
        endpoint: EndpointId,
        /// Empty: no mail server posts to it.
        bearer_tokens: Vec<String>,
        /// Lower case.
        addresses: Vec<String>,
        /// Answers go to the first address with the conversation's token behind a `+`.
        plus_addressing: bool,
        /// How it is read and how it sends, if it does.
        account: Option<Box<MailAccount>>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// The line under their messages when they ask for it.
    pub(crate) signature: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) id: TeamId,
    pub(crate) name: String,
    pub(crate) members: Vec<AgentId>,
}

/// Who a key belongs to, and what it grants. The key itself is nowhere, only its hash.
#[derive(Clone, Debug)]
pub(crate) struct ApiKey {
    pub(crate) hash: [u8; 32],
    pub(crate) caller: relevo_domain::Caller,
    /// The roles that a service key may give; empty for every other key.
    pub(crate) mints: BTreeSet<Role>,
}

/// Signing in: tokens of ours, and those of other issuers.
#[derive(Clone)]
pub(crate) struct Auth {
    pub(crate) token_life: Duration,
    pub(crate) session: Duration,
    /// What signs tokens, the signing one first; none: one of this node's own, made at the first start.
    pub(crate) token_keys: Vec<Vec<u8>>,
    pub(crate) issuers: Vec<crate::auth::Issuer>,
}

// Secrets stay out of `Debug`.

impl std::fmt::Debug for External {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("External").field("url", &self.url).field("replicas", &self.replicas).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Auth")
            .field("token_life", &self.token_life)
            .field("issuers", &self.issuers)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for MetaApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetaApp").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ChannelKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Meta { app, phone_number_id, .. } => f
                .debug_struct("Meta")
                .field("app", app)
                .field("phone_number_id", phone_number_id)
                .finish_non_exhaustive(),
            Self::Twilio { endpoint, .. } => {
                f.debug_struct("Twilio").field("endpoint", endpoint).finish_non_exhaustive()
            }
            Self::Email { endpoint, .. } => f.debug_struct("Email").field("endpoint", endpoint).finish_non_exhaustive(),
        }
    }
}
