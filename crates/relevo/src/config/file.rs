//! What may stand in a configuration file. The defaults and the meaning of every key: `config.default.toml`.

mod channel;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Secret;
pub(crate) use channel::{Channel, Imap, OAuth, Smtp};

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) demo: bool,
    pub(crate) server: Server,
    pub(crate) nats: Nats,
    pub(crate) webhook: Webhook,
    pub(crate) auth: Auth,
    pub(crate) topics: Topics,
    pub(crate) files: Files,
    pub(crate) sending: Switch,
    pub(crate) mailbox: Switch,
    pub(crate) timers: Switch,
    pub(crate) bots: Bots,
    pub(crate) channels: Channels,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) meta_apps: Vec<MetaApp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tenants: Vec<Tenant>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) api_keys: Vec<ApiKey>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    pub(crate) http_addr: String,
    pub(crate) grpc_addr: String,
    pub(crate) data_dir: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) public_url: Option<String>,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) rest_admin: bool,
    pub(crate) shutdown_seconds: u64,
    pub(crate) log_format: String,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nats {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) password: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<Secret>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credentials_file: Option<PathBuf>,
    pub(crate) replicas: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) binary: Option<PathBuf>,
    pub(crate) sync: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) store_bytes: Option<u64>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Webhook {
    pub(crate) body_timeout_seconds: u64,
    pub(crate) append_timeout_seconds: u64,
    pub(crate) memory_bytes: usize,
    pub(crate) requests: usize,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Topics {
    pub(crate) publish: bool,
    pub(crate) keep_days: u64,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Files {
    pub(crate) store: String,
    pub(crate) scan_command: Vec<String>,
}

/// A part that a node may leave to others.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switch {
    pub(crate) enabled: bool,
}

/// How bots are given turns.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bots {
    pub(crate) enabled: bool,
    pub(crate) turn: String,
    pub(crate) oldest: String,
}

/// What channels that are added while Relevo runs may do.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Channels {
    pub(crate) any_server: bool,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Auth {
    pub(crate) token_seconds: u64,
    pub(crate) session_hours: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) token_keys: Vec<Secret>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) issuers: Vec<Issuer>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Issuer {
    #[serde(rename = "issuer")]
    pub(crate) name: String,
    pub(crate) audiences: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jwks_file: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jwks_url: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) algorithms: Option<Vec<String>>,
    pub(crate) tenants: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant_claim: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) agent_claim: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role_claim: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) teams_claim: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) channels_claim: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<Vec<String>>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetaApp {
    pub(crate) name: String,
    pub(crate) app_secrets: Vec<Secret>,
    pub(crate) verify_token: Secret,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_channel: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tenant {
    pub(crate) name: String,
    pub(crate) time_zone: String,
    pub(crate) language: String,
    #[serde(default = "yes")]
    pub(crate) pause_bot_on_send: bool,
    #[serde(default = "yes")]
    pub(crate) send_read_receipts: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alert_unanswered: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) alert_paused: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) on_resume: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) business_name: Option<String>,
    #[serde(default)]
    pub(crate) channels: Vec<Channel>,
    #[serde(default)]
    pub(crate) agents: Vec<Agent>,
    #[serde(default)]
    pub(crate) teams: Vec<Team>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) bots: Vec<Bot>,
}

/// A bot inside of the broker.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Bot {
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) channels: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) webhook: Option<BotWebhook>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct BotWebhook {
    pub(crate) url: String,
    pub(crate) secrets: Vec<Secret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<String>,
    #[serde(default)]
    pub(crate) with_loopback: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) calls: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) history: Option<u32>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Agent {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Team {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) members: Vec<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApiKey {
    pub(crate) tenant: String,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) key_hash: String,
    #[serde(default)]
    pub(crate) channels: Vec<String>,
    #[serde(default)]
    pub(crate) teams: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) roles: Option<Vec<String>>,
}

const fn yes() -> bool {
    true
}
