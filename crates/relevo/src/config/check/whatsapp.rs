//! How WhatsApp channels send: credentials, addresses and rates. A channel without credentials receives and does not send.

use std::net::IpAddr;

use relevo_providers::{MetaAccount, Secret, TwilioAccount};

use super::super::file;
use super::super::{Problem, Problems};
use super::secret;

/// Meta's Graph API, in the version that the adapters were written for.
const GRAPH_URL: &str = "https://graph.facebook.com/v25.0";
const TWILIO_URL: &str = "https://api.twilio.com";
const TWILIO_CONTENT_URL: &str = "https://content.twilio.com";
/// What a number may send at first, at both providers.
const MESSAGES_PER_SECOND: u32 = 80;
/// What Meta raises the busiest numbers to.
const MESSAGES_PER_SECOND_MAX: u32 = 1_000;

/// A Meta number's account, if it has a token.
pub(super) fn meta(at: &str, channel: &file::Channel, problems: &mut Problems) -> Option<MetaAccount> {
    needs(at, "access_token", channel.access_token.is_some(), &[("graph_url", channel.graph_url.is_some())], problems);
    let token = channel.access_token.as_ref()?;
    let access_token = problems.keep(secret(format!("{at}.access_token"), token));
    let base_url = url(&format!("{at}.graph_url"), channel.graph_url.as_deref(), GRAPH_URL, problems);
    let messages_per_second = rate(at, channel, problems);
    Some(MetaAccount {
        base_url: base_url?,
        phone_number_id: channel.phone_number_id.clone()?,
        waba_id: channel.waba_id.clone(),
        access_token: Secret::new(access_token?),
        messages_per_second,
        media_hosts: channel.media_hosts.clone().unwrap_or_default(),
    })
}

/// A Twilio sender's account, if it names one. Where Twilio reports to is filled in later.
pub(super) fn twilio(
    at: &str,
    channel: &file::Channel,
    auth_tokens: &[String],
    problems: &mut Problems,
) -> Option<TwilioAccount> {
    let with = [
        ("from", channel.from.is_some()),
        ("api_user", channel.api_user.is_some()),
        ("api_password", channel.api_password.is_some()),
        ("api_url", channel.api_url.is_some()),
        ("content_url", channel.content_url.is_some()),
    ];
    needs(at, "account_sid", channel.account_sid.is_some(), &with, problems);
    let account_sid = channel.account_sid.clone()?;
    let from = problems.keep(channel.from.as_deref().map_or_else(
        || Err(Problem::new(at, "config-missing").with("key", "from")),
        |from| sender(from).ok_or_else(|| Problem::new(format!("{at}.from"), "config-sender").with("value", from)),
    ));
    let password = match (&channel.api_user, &channel.api_password) {
        (_, Some(password)) => problems.keep(secret(format!("{at}.api_password"), password)),
        (None, None) => auth_tokens.first().cloned(),
        (Some(_), None) => {
            problems.add(Problem::new(format!("{at}.api_user"), "config-needs").with("other", "api_password"));
            None
        }
    };
    let base_url = url(&format!("{at}.api_url"), channel.api_url.as_deref(), TWILIO_URL, problems);
    let content_url = url(&format!("{at}.content_url"), channel.content_url.as_deref(), TWILIO_CONTENT_URL, problems);
    let messages_per_second = rate(at, channel, problems);
    Some(TwilioAccount {
        base_url: base_url?,
        content_url: content_url?,
        user: channel.api_user.clone().unwrap_or_else(|| account_sid.clone()),
        account_sid,
        password: Secret::new(password?),
        from: from?,
        status_callback: String::new(),
        messages_per_second,
        media_hosts: channel.media_hosts.clone().unwrap_or_default(),
    })
}

/// `whatsapp:+549…`, `+549…` or `MG…`, as Twilio wants it.
fn sender(from: &str) -> Option<String> {
    let number = from.strip_prefix("whatsapp:").unwrap_or(from);
    let digits = number.strip_prefix('+').unwrap_or_default();
    if !digits.is_empty() && digits.len() <= 15 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("whatsapp:{number}"));
    }
    (from.starts_with("MG") && from.bytes().all(|byte| byte.is_ascii_alphanumeric())).then(|| from.to_owned())
}

/// Keys that say nothing without the credential.
fn needs(at: &str, credential: &str, given: bool, with: &[(&str, bool)], problems: &mut Problems) {
    for (key, _) in with.iter().filter(|(_, set)| *set && !given) {
        problems.add(Problem::new(format!("{at}.{key}"), "config-needs").with("other", credential));
    }
}

fn rate(at: &str, channel: &file::Channel, problems: &mut Problems) -> u32 {
    let rate = channel.messages_per_second.unwrap_or(MESSAGES_PER_SECOND);
    within(&format!("{at}.messages_per_second"), rate, MESSAGES_PER_SECOND_MAX, problems)
}

/// A number from 1 to `most`.
pub(super) fn within(at: &str, value: u32, most: u32, problems: &mut Problems) -> u32 {
    let problem = |key| Problem::new(at, key).with("value", value.to_string());
    if value == 0 {
        problems.add(problem("config-too-small").with("least", "1"));
    } else if value > most {
        problems.add(problem("config-too-large").with("most", most.to_string()));
    }
    value
}

/// Where credentials are sent to, without a slash at its end: https, or http on this machine.
pub(super) fn url(at: &str, given: Option<&str>, default: &str, problems: &mut Problems) -> Option<String> {
    let Some(given) = given else { return Some(default.to_owned()) };
    let good = given.parse::<http::Uri>().ok().is_some_and(|uri| {
        let host = uri.host().unwrap_or_default();
        let bare = uri.query().is_none() && !uri.authority().is_some_and(|all| all.as_str().contains('@'));
        let scheme = uri.scheme_str();
        bare && !host.is_empty() && (scheme == Some("https") || (scheme == Some("http") && loopback(host)))
    });
    let url = given.trim_end_matches('/').to_owned();
    problems.keep(if good { Ok(url) } else { Err(Problem::new(at, "config-secure-url").with("value", given)) })
}

/// Whether a host is this machine, by its name or its address.
pub(super) fn loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
