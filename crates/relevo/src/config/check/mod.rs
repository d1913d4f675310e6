//! From what was written to what can be worked with: names, references, uniqueness, secrets. All problems at once.

mod auth;
mod bots;
mod channels;
mod keys;
mod known;
mod mail;
mod server;
mod tenants;
mod whatsapp;

use std::collections::BTreeMap;

use relevo_domain::NameError;

pub(crate) use keys::HASH_PREFIX;

use super::file::File;
use super::{Config, Problem, Problems, Secret};

/// Checks a file, and reads the secrets that it names.
pub(crate) fn check(file: &File) -> Result<Config, Problems> {
    let mut problems = Problems::default();
    let server = server::server(&file.server, &mut problems);
    let nats = server::nats(&file.nats, &mut problems);
    let webhook = server::webhook(&file.webhook, &mut problems);
    let topics = server::topics(&file.topics, &mut problems);
    let files = server::files(&file.files, &mut problems);
    let mut meta_apps = channels::meta_apps(&file.meta_apps, &mut problems);
    let tenants = tenants::tenants(&file.tenants, &mut problems);
    let bots = bots::options(&file.bots, &mut problems);
    meta_apps.extend(channels::own_apps(&tenants));
    channels::references(&file.meta_apps, &meta_apps, &tenants, &mut problems);
    channels::unique(&meta_apps, &tenants, &mut problems);
    let api_keys = keys::api_keys(&file.api_keys, &tenants, &mut problems);
    let auth = auth::auth(&file.auth, &tenants, &mut problems);
    match (server, nats) {
        (Some(server), Some(nats)) => {
            let config = Config {
                server,
                nats,
                webhook,
                topics,
                files,
                sending: file.sending.enabled,
                mailbox: file.mailbox.enabled,
                timers: file.timers.enabled,
                bots,
                any_server: file.channels.any_server,
                meta_apps,
                tenants,
                api_keys,
                auth,
                demo: file.demo,
            };
            known::loopback_only(&config, &mut problems);
            channels::addresses(&config, &mut problems);
            if problems.0.is_empty() { Ok(config) } else { Err(problems) }
        }
        _ => Err(problems),
    }
}

/// A name of the configuration, or the problem with it.
fn name<T>(at: String, text: &str, new: impl FnOnce(String) -> Result<T, NameError>) -> Result<T, Problem> {
    new(text.to_owned()).map_err(|_refused| Problem::new(at, "config-name").with("value", text))
}

/// The text of a secret, or the problem with it. The problem never holds the text.
fn secret(at: String, secret: &Secret) -> Result<String, Problem> {
    secret.read().map_err(|reason| Problem::new(at, "config-secret").with("reason", reason))
}

/// The texts of several secrets, at least one.
fn secrets(at: &str, several: &[Secret], problems: &mut Problems) -> Vec<String> {
    if several.is_empty() {
        problems.add(Problem::new(at, "config-empty-list"));
    }
    let read = several.iter().enumerate().map(|(index, one)| secret(format!("{at}[{index}]"), one));
    read.filter_map(|outcome| problems.keep(outcome)).collect()
}

/// Reports every second use of something that must be used once.
fn once<'v>(uses: impl IntoIterator<Item = (String, &'v str)>, problems: &mut Problems) {
    let mut first: BTreeMap<&str, String> = BTreeMap::new();
    for (at, value) in uses {
        if let Some(other) = first.get(value) {
            problems.add(Problem::new(at, "config-duplicate").with("value", value).with("other", other.as_str()));
        } else {
            first.insert(value, at);
        }
    }
}

#[cfg(test)]
mod bot_tests;
#[cfg(test)]
mod tests;
