//! Meta apps and channels: what each kind needs, what refers to what, and what must be unique over the installation.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use relevo_domain::{ChannelId, EndpointId, TenantId};

use super::super::file;
use super::super::{Channel, ChannelKind, Config, MetaApp, Problem, Problems, Tenant};
use super::server::{base_url, one_of};
use super::tenants::unknown;
use super::{mail, name, once, secret, secrets, whatsapp};

pub(super) fn meta_apps(apps: &[file::MetaApp], problems: &mut Problems) -> Vec<MetaApp> {
    let mut checked = Vec::with_capacity(apps.len());
    for (index, app) in apps.iter().enumerate() {
        let at = format!("meta_apps[{index}]");
        let id = problems.keep(name(format!("{at}.name"), &app.name, EndpointId::new));
        let app_secrets = secrets(&format!("{at}.app_secrets"), &app.app_secrets, problems);
        let verify_token = problems.keep(secret(format!("{at}.verify_token"), &app.verify_token));
        let account_channel = app.account_channel.as_ref().and_then(|text| {
            let (tenant, channel) = text.split_once('/').unwrap_or(("", text));
            let parsed = TenantId::new(tenant).and_then(|tenant| Ok((tenant, ChannelId::new(channel)?)));
            let at = format!("{at}.account_channel");
            problems.keep(parsed.map_err(|_refused| Problem::new(at, "config-account-channel").with("value", text)))
        });
        if let (Some(name), Some(verify_token)) = (id, verify_token) {
            checked.push(MetaApp { name, app_secrets, verify_token, account_channel });
        }
    }
    checked
}

pub(super) fn channels(at: &str, channels: &[file::Channel], problems: &mut Problems) -> Vec<Channel> {
    let at = |index: usize| format!("{at}.channels[{index}]");
    once(channels.iter().enumerate().map(|(index, one)| (format!("{}.id", at(index)), one.id.as_str())), problems);
    channels.iter().enumerate().filter_map(|(index, one)| channel(&at(index), one, problems)).collect()
}

fn channel(at: &str, channel: &file::Channel, problems: &mut Problems) -> Option<Channel> {
    let id = problems.keep(name(format!("{at}.id"), &channel.id, ChannelId::new));
    let kind = match channel.kind.as_str() {
        "meta" => meta(at, channel, problems),
        "twilio" => twilio(at, channel, problems),
        "email" => email(at, channel, problems),
        other => {
            problems.add(one_of(&format!("{at}.kind"), other, "meta, twilio, email"));
            None
        }
    };
    misplaced(at, channel, problems);
    Some(Channel { id: id?, label: channel.label.clone(), kind: kind? })
}

fn meta(at: &str, channel: &file::Channel, problems: &mut Problems) -> Option<ChannelKind> {
    let own_app = own_app(at, channel, problems);
    let app = match (&own_app, &channel.app) {
        (Some(own), _) => Some(own.name.clone()),
        (None, Some(app)) => problems.keep(name(format!("{at}.app"), app, EndpointId::new)),
        (None, None) => problems.keep(required(at, "app", channel.app.as_ref())).and(None),
    };
    let phone_number_id = problems.keep(required(at, "phone_number_id", channel.phone_number_id.as_ref()));
    let account = whatsapp::meta(at, channel, problems);
    Some(ChannelKind::Meta {
        app: app?,
        phone_number_id: phone_number_id?.clone(),
        display_phone_number: channel.display_phone_number.clone(),
        waba_id: channel.waba_id.clone(),
        own_app: own_app.map(Box::new),
        account: account.map(Box::new),
    })
}

/// The app that a channel brings with it instead of naming one: its endpoint has the channel's name.
fn own_app(at: &str, channel: &file::Channel, problems: &mut Problems) -> Option<MetaApp> {
    let app_secrets = match (&channel.app_secrets, &channel.verify_token) {
        (None, None) => return None,
        (None, Some(_)) => {
            problems.add(Problem::new(at, "config-missing").with("key", "app_secrets"));
            return None;
        }
        (Some(app_secrets), _) => secrets(&format!("{at}.app_secrets"), app_secrets, problems),
    };
    if channel.app.is_some() {
        problems.add(Problem::new(format!("{at}.app"), "config-excludes").with("other", "app_secrets"));
    }
    let verify_token = problems.keep(required(at, "verify_token", channel.verify_token.as_ref()));
    let verify_token = problems.keep(secret(format!("{at}.verify_token"), verify_token?))?;
    let name = EndpointId::new(&channel.id).ok()?;
    // Which channel it speaks for is known when the tenant is.
    Some(MetaApp { name, app_secrets, verify_token, account_channel: None })
}

/// The apps that channels brought with them.
pub(super) fn own_apps(tenants: &[Tenant]) -> Vec<MetaApp> {
    let mut apps = Vec::new();
    for tenant in tenants {
        for channel in &tenant.channels {
            if let ChannelKind::Meta { own_app: Some(app), .. } = &channel.kind {
                let account_channel = Some((tenant.name.clone(), channel.id.clone()));
                apps.push(MetaApp { account_channel, ..MetaApp::clone(app) });
            }
        }
    }
    apps
}

fn twilio(at: &str, channel: &file::Channel, problems: &mut Problems) -> Option<ChannelKind> {
    // The endpoint has the channel's name, which was checked as such.
    let endpoint = EndpointId::new(&channel.id).ok();
    let tokens = problems.keep(required(at, "auth_tokens", channel.auth_tokens.as_ref()));
    let auth_tokens = tokens.map(|tokens| secrets(&format!("{at}.auth_tokens"), tokens, problems));
    if let Some(url) = &channel.public_base_url {
        problems.keep(base_url(&format!("{at}.public_base_url"), url));
    }
    let public_base_url = channel.public_base_url.clone();
    let account = whatsapp::twilio(at, channel, auth_tokens.as_deref().unwrap_or_default(), problems).map(Box::new);
    Some(ChannelKind::Twilio { endpoint: endpoint?, auth_tokens: auth_tokens?, public_base_url, account })
}

fn email(at: &str, channel: &file::Channel, problems: &mut Problems) -> Option<ChannelKind> {
    let endpoint = EndpointId::new(&channel.id).ok();
    let given = channel.addresses.iter().flatten().enumerate();
    let given = given.map(|(index, address)| (format!("{at}.addresses[{index}]"), address));
    let own = channel.address.iter().map(|address| (format!("{at}.address"), address));
    let mut addresses: Vec<String> = Vec::new();
    // The one that answers come from stands first.
    for (at, address) in own.chain(given) {
        if !is_address(address) {
            problems.add(Problem::new(at, "config-mail-address").with("value", address));
        } else if !addresses.contains(&address.to_lowercase()) {
            addresses.push(address.to_lowercase());
        }
    }
    let account = mail::account(at, channel, &addresses, problems).map(Box::new);
    let read = channel.imap.is_some() || channel.provider.is_some();
    let bearer_tokens = match &channel.bearer_tokens {
        Some(tokens) => Some(secrets(&format!("{at}.bearer_tokens"), tokens, problems)),
        // Mails have to come from somewhere.
        None if read => Some(Vec::new()),
        None => problems.keep(required(at, "bearer_tokens", channel.bearer_tokens.as_ref())).and(None),
    };
    // Both providers deliver such addresses; of other servers nobody knows.
    let plus_addressing = channel.plus_addressing.unwrap_or(channel.provider.is_some());
    Some(ChannelKind::Email { endpoint: endpoint?, bearer_tokens: bearer_tokens?, addresses, plus_addressing, account })
}

/// A local part and a domain, and nothing that could end a header.
fn is_address(text: &str) -> bool {
    let good = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,;".contains(c))
    };
    text.rsplit_once('@').is_some_and(|(local, domain)| good(local) && good(domain))
}

fn required<'v, T>(at: &str, key: &'static str, value: Option<&'v T>) -> Result<&'v T, Problem> {
    value.ok_or_else(|| Problem::new(at, "config-missing").with("key", key))
}

/// Keys that belong to another kind of channel: a slip that would otherwise go unnoticed.
fn misplaced(at: &str, channel: &file::Channel, problems: &mut Problems) {
    const META: &[&str] = &["meta"];
    const TWILIO: &[&str] = &["twilio"];
    const WHATSAPP: &[&str] = &["meta", "twilio"];
    const EMAIL: &[&str] = &["email"];
    let keys = [
        ("app", META, channel.app.is_some()),
        ("app_secrets", META, channel.app_secrets.is_some()),
        ("verify_token", META, channel.verify_token.is_some()),
        ("phone_number_id", META, channel.phone_number_id.is_some()),
        ("display_phone_number", META, channel.display_phone_number.is_some()),
        ("waba_id", META, channel.waba_id.is_some()),
        ("access_token", META, channel.access_token.is_some()),
        ("graph_url", META, channel.graph_url.is_some()),
        ("messages_per_second", WHATSAPP, channel.messages_per_second.is_some()),
        ("media_hosts", WHATSAPP, channel.media_hosts.is_some()),
        ("auth_tokens", TWILIO, channel.auth_tokens.is_some()),
        ("public_base_url", TWILIO, channel.public_base_url.is_some()),
        ("account_sid", TWILIO, channel.account_sid.is_some()),
        ("api_user", TWILIO, channel.api_user.is_some()),
        ("api_password", TWILIO, channel.api_password.is_some()),
        ("from", TWILIO, channel.from.is_some()),
        ("api_url", TWILIO, channel.api_url.is_some()),
        ("content_url", TWILIO, channel.content_url.is_some()),
        ("bearer_tokens", EMAIL, channel.bearer_tokens.is_some()),
        ("addresses", EMAIL, channel.addresses.is_some()),
        ("address", EMAIL, channel.address.is_some()),
        ("display_name", EMAIL, channel.display_name.is_some()),
        ("plus_addressing", EMAIL, channel.plus_addressing.is_some()),
        ("provider", EMAIL, channel.provider.is_some()),
        ("user", EMAIL, channel.user.is_some()),
        ("password", EMAIL, channel.password.is_some()),
        ("extra_ca_file", EMAIL, channel.extra_ca_file.is_some()),
        ("oauth", EMAIL, channel.oauth.is_some()),
        ("imap", EMAIL, channel.imap.is_some()),
        ("smtp", EMAIL, channel.smtp.is_some()),
    ];
    for (key, kinds, _) in keys.into_iter().filter(|(_, kinds, set)| *set && !kinds.contains(&channel.kind.as_str())) {
        problems.add(Problem::new(format!("{at}.{key}"), "config-misplaced").with("kind", kinds.join(", ")));
    }
}

/// Channels name apps, apps name channels.
pub(super) fn references(written: &[file::MetaApp], apps: &[MetaApp], tenants: &[Tenant], problems: &mut Problems) {
    for (at, channel) in all(tenants) {
        if let ChannelKind::Meta { app, own_app: None, .. } = &channel.kind
            && !written.iter().any(|written| written.name == app.as_str())
        {
            problems.add(unknown(format!("{at}.app"), app.as_str(), "meta_apps"));
        }
    }
    for app in apps {
        let Some((tenant, channel)) = &app.account_channel else { continue };
        let found = tenants
            .iter()
            .find(|one| one.name == *tenant)
            .and_then(|one| one.channels.iter().find(|one| one.id == *channel))
            .is_some_and(|one| matches!(&one.kind, ChannelKind::Meta { app: of, .. } if *of == app.name));
        if !found {
            let at = format!("meta_apps.{}.account_channel", app.name);
            problems.add(unknown(at, &format!("{tenant}/{channel}"), "tenants.channels"));
        }
    }
}

/// Endpoints share one list of names; a number belongs to one channel, an account and a shown number to one tenant.
pub(super) fn unique(apps: &[MetaApp], tenants: &[Tenant], problems: &mut Problems) {
    let app_names = apps.iter().map(|app| (format!("meta_apps.{}", app.name), app.name.as_str()));
    let channel_names = all(tenants).filter_map(|(at, channel)| match &channel.kind {
        ChannelKind::Twilio { endpoint, .. } | ChannelKind::Email { endpoint, .. } => Some((at, endpoint.as_str())),
        ChannelKind::Meta { .. } => None,
    });
    once(app_names.chain(channel_names), problems);
    let numbers = all(tenants).filter_map(|(at, channel)| match &channel.kind {
        ChannelKind::Meta { phone_number_id, .. } => Some((format!("{at}.phone_number_id"), phone_number_id.as_str())),
        ChannelKind::Twilio { .. } | ChannelKind::Email { .. } => None,
    });
    once(numbers, problems);
    let accounts = of_meta(tenants, "waba_id", |channel| match channel {
        ChannelKind::Meta { waba_id, .. } => waba_id.clone(),
        ChannelKind::Twilio { .. } | ChannelKind::Email { .. } => None,
    });
    one_tenant(accounts, problems);
    let shown = of_meta(tenants, "display_phone_number", |channel| match channel {
        ChannelKind::Meta { display_phone_number, .. } => {
            let digits = |number: &String| number.chars().filter(char::is_ascii_digit).collect::<String>();
            display_phone_number.as_ref().map(digits).filter(|digits| !digits.is_empty())
        }
        ChannelKind::Twilio { .. } | ChannelKind::Email { .. } => None,
    });
    one_tenant(shown, problems);
}

/// What each channel has under a key: whose it is, where it stands, and the value.
fn of_meta<'t>(
    tenants: &'t [Tenant],
    key: &'static str,
    value: impl Fn(&ChannelKind) -> Option<String> + 't,
) -> impl Iterator<Item = (&'t TenantId, String, String)> {
    let channels = tenants.iter().flat_map(|tenant| tenant.channels.iter().map(move |channel| (&tenant.name, channel)));
    channels.filter_map(move |(tenant, channel)| {
        let at = format!("tenants.{tenant}.channels.{}.{key}", channel.id);
        Some((tenant, at, value(&channel.kind)?))
    })
}

/// Channels of one tenant may share an account or a shown number. Two tenants may not: updates that name nothing else would go to
/// one of them.
fn one_tenant<'t>(uses: impl Iterator<Item = (&'t TenantId, String, String)>, problems: &mut Problems) {
    let mut first: BTreeMap<String, (&TenantId, String)> = BTreeMap::new();
    for (tenant, at, value) in uses {
        match first.get(&value) {
            Some((of, other)) if *of != tenant => {
                problems.add(Problem::new(at, "config-duplicate").with("value", value).with("other", other.as_str()));
            }
            Some(_) => {}
            None => {
                first.insert(value, (tenant, at));
            }
        }
    }
}

/// Twilio signs the address that it was given: a listener on every interface does not know it.
pub(super) fn addresses(config: &Config, problems: &mut Problems) {
    let known = |address: &SocketAddr| !address.ip().is_unspecified();
    if config.server.public_url.is_some() || known(&config.server.http_addr) {
        return;
    }
    for (at, channel) in all(&config.tenants) {
        if matches!(&channel.kind, ChannelKind::Twilio { public_base_url: None, .. }) {
            problems.add(Problem::new(at, "config-needs").with("other", "public_base_url"));
        }
    }
}

fn all(tenants: &[Tenant]) -> impl Iterator<Item = (String, &Channel)> {
    tenants.iter().flat_map(|tenant| {
        tenant.channels.iter().map(move |channel| (format!("tenants.{}.channels.{}", tenant.name, channel.id), channel))
    })
}
