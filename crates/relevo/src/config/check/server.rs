//! Addresses, the data folder, NATS and limits.

use std::net::SocketAddr;
use std::time::Duration;

use super::super::file;
use super::super::{External, FileStore, Files, Nats, Problem, Problems, Server, Topics};
use super::secret;
use crate::nats::server_config::Sync;

/// JetStream keeps one, three or five copies.
const REPLICAS: [usize; 3] = [1, 3, 5];
/// The smallest store whose budgets make sense: 1 GiB for events and as much for everything else.
const STORE_BYTES_MIN: u64 = 2 << 30;
/// What an external server is taken to have if nobody says: half of what JetStream itself takes from a small disk.
const EXTERNAL_STORE_BYTES: u64 = 10 << 30;

pub(super) fn server(server: &file::Server, problems: &mut Problems) -> Option<Server> {
    let http_addr = problems.keep(address("server.http_addr", &server.http_addr));
    let grpc_addr = problems.keep(address("server.grpc_addr", &server.grpc_addr));
    if server.data_dir.as_os_str().is_empty() {
        problems.add(Problem::new("server.data_dir", "config-missing").with("key", "data_dir"));
    }
    if let Some(url) = &server.public_url {
        problems.keep(base_url("server.public_url", url));
    }
    let cors_origins = cors_origins(&server.cors_origins, problems);
    let log_json = match server.log_format.as_str() {
        "text" => false,
        "json" => true,
        other => {
            problems.add(one_of("server.log_format", other, "text, json"));
            false
        }
    };
    if let (Some(http), Some(grpc)) = (http_addr, grpc_addr)
        && http == grpc
        && http.port() != 0
    {
        problems.add(
            Problem::new("server.grpc_addr", "config-duplicate")
                .with("value", server.grpc_addr.as_str())
                .with("other", "server.http_addr"),
        );
    }
    Some(Server {
        http_addr: http_addr?,
        grpc_addr: grpc_addr?,
        data_dir: server.data_dir.clone(),
        public_url: server.public_url.clone(),
        cors_origins,
        rest_admin: server.rest_admin,
        shutdown: Duration::from_secs(server.shutdown_seconds),
        log_json,
    })
}

pub(super) fn nats(nats: &file::Nats, problems: &mut Problems) -> Option<Nats> {
    if let Some(bytes) = nats.store_bytes.filter(|bytes| *bytes < STORE_BYTES_MIN) {
        let problem = Problem::new("nats.store_bytes", "config-too-small");
        problems.add(problem.with("value", bytes.to_string()).with("least", STORE_BYTES_MIN.to_string()));
    }
    match &nats.url {
        None => supervised(nats, problems),
        Some(url) => external(nats, url, problems),
    }
}

fn supervised(nats: &file::Nats, problems: &mut Problems) -> Option<Nats> {
    let needs_url = [
        ("nats.user", nats.user.is_some()),
        ("nats.password", nats.password.is_some()),
        ("nats.token", nats.token.is_some()),
        ("nats.credentials_file", nats.credentials_file.is_some()),
        ("nats.replicas", nats.replicas != 1),
    ];
    for (at, _) in needs_url.into_iter().filter(|(_, set)| *set) {
        problems.add(Problem::new(at, "config-needs").with("other", "nats.url"));
    }
    let sync = match nats.sync.as_str() {
        "always" => Sync::Always,
        "os" => Sync::Os,
        other => {
            problems.add(one_of("nats.sync", other, "always, os"));
            return None;
        }
    };
    Some(Nats::Supervised { binary: nats.binary.clone(), sync, store_bytes: nats.store_bytes })
}

fn external(nats: &file::Nats, url: &str, problems: &mut Problems) -> Option<Nats> {
    if nats.binary.is_some() {
        problems.add(Problem::new("nats.binary", "config-excludes").with("other", "nats.url"));
    }
    if !REPLICAS.contains(&nats.replicas) {
        problems.add(one_of("nats.replicas", &nats.replicas.to_string(), "1, 3, 5"));
    }
    let user = match (&nats.user, &nats.password) {
        (Some(user), Some(password)) => {
            let password = problems.keep(secret("nats.password".to_owned(), password));
            Some((user.clone(), password?))
        }
        (None, None) => None,
        (Some(_), None) => {
            problems.add(Problem::new("nats.user", "config-needs").with("other", "nats.password"));
            None
        }
        (None, Some(_)) => {
            problems.add(Problem::new("nats.password", "config-needs").with("other", "nats.user"));
            None
        }
    };
    let token = nats.token.as_ref().map(|token| problems.keep(secret("nats.token".to_owned(), token)));
    if let Some(path) = nats.credentials_file.as_ref().filter(|path| !path.is_file()) {
        problems
            .add(Problem::new("nats.credentials_file", "config-no-file-at").with("path", path.display().to_string()));
    }
    Some(Nats::External(External {
        url: url.to_owned(),
        user,
        token: token.flatten(),
        credentials_file: nats.credentials_file.clone(),
        replicas: nats.replicas,
        store_bytes: nats.store_bytes.unwrap_or(EXTERNAL_STORE_BYTES),
    }))
}

pub(super) fn webhook(webhook: &file::Webhook, problems: &mut Problems) -> relevo_webhook::Options {
    let least = [
        ("webhook.body_timeout_seconds", webhook.body_timeout_seconds, 1),
        ("webhook.append_timeout_seconds", webhook.append_timeout_seconds, 1),
        // One mail of the largest size must fit.
        ("webhook.memory_bytes", webhook.memory_bytes as u64, relevo_webhook::EMAIL_BODY_BYTES_MAX as u64),
        ("webhook.requests", webhook.requests as u64, 1),
    ];
    for (at, value, least) in least.into_iter().filter(|(_, value, least)| value < least) {
        let problem = Problem::new(at, "config-too-small");
        problems.add(problem.with("value", value.to_string()).with("least", least.to_string()));
    }
    relevo_webhook::Options {
        body_timeout: Duration::from_secs(webhook.body_timeout_seconds),
        append_timeout: Duration::from_secs(webhook.append_timeout_seconds),
        memory_bytes: webhook.memory_bytes,
        requests: webhook.requests,
    }
}

/// The most days that topics are kept: ten years is no limit that somebody misses, and no overflow.
const TOPIC_DAYS_MAX: u64 = 3_650;

pub(super) fn topics(topics: &file::Topics, problems: &mut Problems) -> Topics {
    if topics.keep_days < 1 {
        let problem = Problem::new("topics.keep_days", "config-too-small");
        problems.add(problem.with("value", topics.keep_days.to_string()).with("least", "1"));
    }
    let days = topics.keep_days.min(TOPIC_DAYS_MAX);
    Topics { publish: topics.publish, keep: Duration::from_hours(days * 24) }
}

pub(super) fn files(files: &file::Files, problems: &mut Problems) -> Files {
    let store = match files.store.as_str() {
        "log" => FileStore::Log,
        folder => FileStore::Folder(folder.into()),
    };
    // A relative folder would be another one wherever Relevo is started, and a slip of "log" a folder of its own.
    if let FileStore::Folder(folder) = &store
        && !folder.is_absolute()
    {
        problems.add(Problem::new("files.store", "config-file-store").with("value", files.store.as_str()));
    }
    if files.scan_command.first().is_some_and(|program| program.trim().is_empty()) {
        problems.add(Problem::new("files.scan_command[0]", "config-missing").with("key", "scan_command"));
    }
    Files { store, scan_command: files.scan_command.clone() }
}

fn address(at: &str, text: &str) -> Result<SocketAddr, Problem> {
    text.parse().map_err(|_refused| Problem::new(at, "config-address").with("value", text))
}

/// Origins as a browser sends them: a scheme, a host and perhaps a port, in lower case, and nothing behind.
fn cors_origins(origins: &[String], problems: &mut Problems) -> Vec<http::HeaderValue> {
    let one = |(index, text): (usize, &String)| {
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let good = host.is_some_and(|host| {
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.:[]".contains(c))
        });
        let value = if good { http::HeaderValue::from_str(text).ok() } else { None };
        let at = format!("server.cors_origins[{index}]");
        problems.keep(value.ok_or_else(|| Problem::new(at, "config-origin").with("value", text)))
    };
    origins.iter().enumerate().filter_map(one).collect()
}

/// A base address: a scheme and a host, no query and no fragment.
pub(super) fn base_url(at: &str, url: &str) -> Result<(), Problem> {
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.starts_with('/') && !host.contains(['?', '#', ' ']) => Ok(()),
        Some(_) | None => Err(Problem::new(at, "config-url").with("value", url)),
    }
}

pub(super) fn one_of(at: &str, value: &str, known: &str) -> Problem {
    Problem::new(at, "config-one-of").with("value", value).with("known", known)
}
