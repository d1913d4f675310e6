//! What a channel may not name that is added over the network: who administers a tenant is not who runs the machine.
//!
//! Looks at what is written. Where a name leads to is looked at when a connection is made.

use std::net::IpAddr;

use relevo_domain::TenantId;
use relevo_providers::is_public;

use crate::config::file::{Channel, File};
use crate::config::{Problem, Problems, Secret};

/// Token services that may be named without the operator's word.
const TOKEN_HOSTS: [&str; 2] = ["oauth2.googleapis.com", "login.microsoftonline.com"];
/// Ends of names that are a network's own.
const OWN_NAMES: [&str; 5] = [".local", ".internal", ".lan", ".home.arpa", ".localhost"];

/// Whether an app of the configuration file is the tenant's alone there: whoever delivers to a shared app delivers for several
/// tenants, and only the operator knows which number is whose.
pub(super) fn owns_app(file: &File, tenant: &TenantId, app: &str) -> bool {
    let mut users = file.tenants.iter().filter(|one| {
        one.channels.iter().any(|channel| channel.app_secrets.is_none() && channel.app.as_deref() == Some(app))
    });
    let falls_to = file.meta_apps.iter().find(|one| one.name == app).and_then(|one| one.account_channel.as_ref());
    let falls_to = falls_to.and_then(|channel| channel.split('/').next());
    users.next().is_some_and(|one| one.name == tenant.as_str())
        && users.next().is_none()
        && falls_to.is_none_or(|of| of == tenant.as_str())
}

/// What such a channel may not have. `any_server`: the operator lets it name any. `owns_app`: whether an app is the tenant's.
pub(super) fn problems(channel: &Channel, any_server: bool, owns_app: impl Fn(&str) -> bool) -> Problems {
    let mut problems = Problems::default();
    for (at, _) in secrets(channel).into_iter().filter(|(_, secret)| !matches!(secret, Secret::Literal(_))) {
        problems.add(Problem::new(at, "config-secret-elsewhere"));
    }
    if any_server {
        return problems;
    }
    if let Some(app) = channel.app.as_deref().filter(|app| !owns_app(app)) {
        problems.add(refused("app", app));
    }
    let urls =
        [("graph_url", &channel.graph_url), ("api_url", &channel.api_url), ("content_url", &channel.content_url)];
    for (at, url) in urls.into_iter().filter_map(|(at, url)| Some((at, url.as_ref()?))) {
        problems.add(refused(at, url));
    }
    if let Some(host) = channel.media_hosts.iter().flatten().next() {
        problems.add(refused("media_hosts", host));
    }
    if let Some(path) = &channel.extra_ca_file {
        problems.add(refused("extra_ca_file", &path.display().to_string()));
    }
    if let Some(url) = channel.oauth.as_ref().and_then(|oauth| oauth.token_url.as_ref())
        && !known_token_service(url)
    {
        problems.add(refused("oauth.token_url", url));
    }
    let imap = channel.imap.as_ref().map(|imap| ("imap", &imap.host, &imap.security));
    let smtp = channel.smtp.as_ref().map(|smtp| ("smtp", &smtp.host, &smtp.security));
    for (part, host, security) in [imap, smtp].into_iter().flatten() {
        if let Some(host) = host.as_ref().filter(|host| !public(host)) {
            problems.add(refused(&format!("{part}.host"), host));
        }
        if let Some(plain) = security.as_ref().filter(|security| *security == "plain") {
            problems.add(refused(&format!("{part}.security"), plain));
        }
    }
    problems
}

fn refused(at: &str, value: &str) -> Problem {
    Problem::new(at, "config-any-server").with("value", value)
}

fn secrets(channel: &Channel) -> Vec<(String, &Secret)> {
    let single = [
        ("access_token", &channel.access_token),
        ("verify_token", &channel.verify_token),
        ("api_password", &channel.api_password),
        ("password", &channel.password),
    ];
    let lists = [
        ("app_secrets", &channel.app_secrets),
        ("auth_tokens", &channel.auth_tokens),
        ("bearer_tokens", &channel.bearer_tokens),
    ];
    let oauth = channel.oauth.iter().flat_map(|oauth| {
        [("oauth.client_secret", &oauth.client_secret), ("oauth.refresh_token", &oauth.refresh_token)]
    });
    let single = single.into_iter().chain(oauth).filter_map(|(at, secret)| Some((at.to_owned(), secret.as_ref()?)));
    let listed = lists.into_iter().flat_map(|(at, list)| {
        list.iter().flatten().enumerate().map(move |(index, secret)| (format!("{at}[{index}]"), secret))
    });
    single.chain(listed).collect()
}

fn known_token_service(url: &str) -> bool {
    let uri = url.parse::<http::Uri>().ok();
    uri.is_some_and(|uri| {
        uri.scheme_str() == Some("https")
            && uri.port().is_none()
            && uri.authority().is_some_and(|authority| TOKEN_HOSTS.contains(&authority.as_str()))
    })
}

/// Whether a host looks like one that everybody can reach.
fn public(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => is_public(address),
        Err(_name) => {
            let name = bare.trim_end_matches('.').to_ascii_lowercase();
            // Digits alone are an address in another notation.
            let number = name
                .rsplit('.')
                .next()
                .is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()) || last.starts_with("0x"));
            name.contains('.') && !number && !OWN_NAMES.iter().any(|own| name.ends_with(own))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hosts_that_everybody_can_reach_are_public() {
        for host in ["imap.acme.example", "8.8.8.8", "2001:4860:4860::8888", "[2001:4860:4860::8888]"] {
            assert!(public(host), "{host}");
        }
        for host in [
            "localhost",
            "mail",
            "127.0.0.1",
            "10.0.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "::1",
            "[::1]",
            "fd00::1",
            "fe80::1",
            "::ffff:127.0.0.1",
            "0.0.0.0",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "224.0.0.1",
            "198.18.0.1",
            "2130706433",
            "127.1",
            "0x7f.1",
            "mail.local",
            "db.internal",
            "x.localhost.",
            "",
        ] {
            assert!(!public(host), "{host}");
        }
    }

    #[test]
    fn a_token_service_is_named_to_the_letter() {
        assert!(known_token_service("https://login.microsoftonline.com/x/oauth2/v2.0/token"));
        for url in [
            "http://login.microsoftonline.com/x",
            "https://login.microsoftonline.com:444/x",
            "https://login.microsoftonline.com@10.0.0.1/x",
            "https://login.microsoftonline.com.evil.example/x",
            "ftp://x",
        ] {
            assert!(!known_token_service(url), "{url}");
        }
    }
}
