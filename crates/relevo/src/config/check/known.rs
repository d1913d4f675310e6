//! Secrets that everybody knows, because they stand in the demo's file: they may be used on loopback and nowhere else.

use super::super::{ChannelKind, Config, Problem, Problems};
use crate::key;

/// What the demo's endpoints accept.
const SECRETS: [&str; 5] = [
    "relevo-demo-app-secret",
    "relevo-demo-verify-token",
    "relevo-demo-twilio-token",
    "relevo-demo-mail-token",
    "relevo-demo-b-mail-token",
];

/// The demo's API keys.
const API_KEYS: [&str; 9] = [
    "relevo-demo-admin",
    "relevo-demo-supervisor",
    "relevo-demo-agent",
    "relevo-demo-agent-2",
    "relevo-demo-analyst",
    "relevo-demo-ops",
    "relevo-demo-bot",
    "relevo-demo-service",
    "relevo-demo-b-admin",
];

/// Refuses every listener that others can reach while a known secret opens a door.
pub(super) fn loopback_only(config: &Config, problems: &mut Problems) {
    if !config.demo && !opens_a_door(config) {
        return;
    }
    let listeners = [("server.http_addr", config.server.http_addr), ("server.grpc_addr", config.server.grpc_addr)];
    for (at, address) in listeners.into_iter().filter(|(_, address)| !address.ip().is_loopback()) {
        problems.add(Problem::new(at, "config-loopback-only").with("value", address.to_string()));
    }
}

fn opens_a_door(config: &Config) -> bool {
    let channels = config.tenants.iter().flat_map(|tenant| &tenant.channels);
    let of_channels = channels.flat_map(|channel| match &channel.kind {
        ChannelKind::Meta { .. } => &[],
        ChannelKind::Twilio { auth_tokens, .. } => auth_tokens.as_slice(),
        ChannelKind::Email { bearer_tokens, .. } => bearer_tokens.as_slice(),
    });
    let of_apps = config.meta_apps.iter().flat_map(|app| app.app_secrets.iter().chain([&app.verify_token]));
    let hashes = API_KEYS.map(key::hash);
    of_channels.chain(of_apps).any(|secret| SECRETS.contains(&secret.as_str()))
        || config.api_keys.iter().any(|key| hashes.contains(&key.hash))
}
