//! Meta apps and channels: what each kind needs, what refers to what, and what must be unique over the installation.

use std::net::SocketAddr;

use relevo_domain::{ChannelId, EndpointId, TenantId};

use super::super::file;
use super::super::{Channel, ChannelKind, Config, MetaApp, Problem, Problems, Tenant};
use super::server::{base_url, one_of};
use super::tenants::unknown;
use super::{name, once, secret, secrets};

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
    let app = problems.keep(required(at, "app", channel.app.as_ref()));
    let app = app.and_then(|app| problems.keep(name(format!("{at}.app"), app, EndpointId::new)));
    let phone_number_id = problems.keep(required(at, "phone_number_id", channel.phone_number_id.as_ref()));
    Some(ChannelKind::Meta {
        app: app?,
        phone_number_id: phone_number_id?.clone(),
        display_phone_number: channel.display_phone_number.clone(),
        waba_id: channel.waba_id.clone(),
    })
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
    Some(ChannelKind::Twilio { endpoint: endpoint?, auth_tokens: auth_tokens?, public_base_url })
}

fn email(at: &str, channel: &file::Channel, problems: &mut Problems) -> Option<ChannelKind> {
    let endpoint = EndpointId::new(&channel.id).ok();
    let tokens = problems.keep(required(at, "bearer_tokens", channel.bearer_tokens.as_ref()));
    let bearer_tokens = tokens.map(|tokens| secrets(&format!("{at}.bearer_tokens"), tokens, problems));
    let addresses = channel.addresses.clone().unwrap_or_default();
    for (index, address) in addresses.iter().enumerate().filter(|(_, address)| !address.contains('@')) {
        problems.add(Problem::new(format!("{at}.addresses[{index}]"), "config-mail-address").with("value", address));
    }
    Some(ChannelKind::Email { endpoint: endpoint?, bearer_tokens: bearer_tokens?, addresses })
}

fn required<'v, T>(at: &str, key: &'static str, value: Option<&'v T>) -> Result<&'v T, Problem> {
    value.ok_or_else(|| Problem::new(at, "config-missing").with("key", key))
}

/// Keys that belong to another kind of channel: a slip that would otherwise go unnoticed.
fn misplaced(at: &str, channel: &file::Channel, problems: &mut Problems) {
    let keys = [
        ("app", "meta", channel.app.is_some()),
        ("phone_number_id", "meta", channel.phone_number_id.is_some()),
        ("display_phone_number", "meta", channel.display_phone_number.is_some()),
        ("waba_id", "meta", channel.waba_id.is_some()),
        ("auth_tokens", "twilio", channel.auth_tokens.is_some()),
        ("public_base_url", "twilio", channel.public_base_url.is_some()),
        ("bearer_tokens", "email", channel.bearer_tokens.is_some()),
        ("addresses", "email", channel.addresses.is_some()),
    ];
    for (key, kind, _) in keys.into_iter().filter(|(_, kind, set)| *set && *kind != channel.kind) {
        problems.add(Problem::new(format!("{at}.{key}"), "config-misplaced").with("kind", kind));
    }
}

/// Channels name apps, apps name channels.
pub(super) fn references(written: &[file::MetaApp], apps: &[MetaApp], tenants: &[Tenant], problems: &mut Problems) {
    for (at, channel) in all(tenants) {
        if let ChannelKind::Meta { app, .. } = &channel.kind
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

/// Endpoints share one list of names; a number belongs to one channel.
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
