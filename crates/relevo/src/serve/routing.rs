//! From the configuration to what webhooks check, where intake delivers, and how channels send.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use relevo_domain::{ChannelId, EndpointId, TenantId};
use relevo_intake::{ChannelRef, Endpoint, Routes};
use relevo_providers::{Account, AccountKey, AccountKind, TwilioAccount};
use relevo_webhook::{EmailEndpoint, Endpoints, TwilioEndpoint};

use crate::config::{Channel, ChannelKind, Config, Tenant};

/// What proves that a post is genuine. `own_url` is how the HTTP listener is reached if nobody says otherwise.
pub(crate) fn endpoints(config: &Config, own_url: &str) -> Endpoints {
    let meta = config.meta_apps.iter().map(|app| relevo_webhook::MetaApp {
        id: app.name.clone(),
        app_secrets: app.app_secrets.clone(),
        verify_token: app.verify_token.clone(),
    });
    let twilio = channels(config).filter_map(|(_, channel)| match &channel.kind {
        ChannelKind::Twilio { endpoint, auth_tokens, .. } => Some(TwilioEndpoint {
            id: endpoint.clone(),
            auth_tokens: auth_tokens.clone(),
            public_base_url: base(config, channel, own_url).to_owned(),
        }),
        ChannelKind::Meta { .. } | ChannelKind::Email { .. } => None,
    });
    let email = channels(config).filter_map(|(_, channel)| match &channel.kind {
        // Without a token nobody may post.
        ChannelKind::Email { endpoint, bearer_tokens, .. } if !bearer_tokens.is_empty() => {
            Some(EmailEndpoint { id: endpoint.clone(), bearer_tokens: bearer_tokens.clone() })
        }
        ChannelKind::Meta { .. } | ChannelKind::Twilio { .. } | ChannelKind::Email { .. } => None,
    });
    Endpoints::new(meta, twilio, email)
}

/// What stands before `/webhooks/…` in the address that the provider of a channel has.
fn base<'c>(config: &'c Config, channel: &'c Channel, own_url: &'c str) -> &'c str {
    let own = match &channel.kind {
        ChannelKind::Twilio { public_base_url, .. } => public_base_url.as_deref(),
        ChannelKind::Meta { .. } | ChannelKind::Email { .. } => None,
    };
    own.or(config.server.public_url.as_deref()).unwrap_or(own_url).trim_end_matches('/')
}

/// Where the provider of a channel posts to; nothing for a mailbox that nobody posts to.
pub(crate) fn webhook_url(config: &Config, channel: &Channel, own_url: &str) -> Option<String> {
    let path = match &channel.kind {
        ChannelKind::Meta { app, .. } => format!("meta/{app}"),
        ChannelKind::Twilio { endpoint, .. } => format!("twilio/{endpoint}"),
        ChannelKind::Email { bearer_tokens, .. } if bearer_tokens.is_empty() => return None,
        ChannelKind::Email { endpoint, .. } => format!("email/{endpoint}"),
    };
    Some(format!("{}/webhooks/{path}", base(config, channel, own_url)))
}

/// Counts up for the whole process: a channel that is removed and comes back must not look like what it was before, to whoever
/// still holds a connection or a grudge.
static REVISIONS: AtomicU64 = AtomicU64::new(0);

/// How each channel reaches its provider, of those that can. An account that is as it was `before` keeps its revision.
pub(crate) fn accounts(
    config: &Config,
    own_url: &str,
    before: &dyn Fn(&AccountKey) -> Option<Arc<Account>>,
) -> Vec<Account> {
    let all = channels(config).filter_map(|(tenant, channel)| {
        let kind = match &channel.kind {
            ChannelKind::Meta { account, .. } => AccountKind::Meta(account.as_deref()?.clone()),
            ChannelKind::Twilio { account, .. } => {
                let status_callback = webhook_url(config, channel, own_url)?;
                AccountKind::Twilio(TwilioAccount { status_callback, ..account.as_deref()?.clone() })
            }
            ChannelKind::Email { account, .. } => AccountKind::Mail(account.as_deref()?.clone()),
        };
        let (tenant, channel) = (tenant.name.clone(), channel.id.clone());
        let before = before(&(tenant.clone(), channel.clone()));
        let same = before.filter(|before| before.kind == kind).map(|before| before.revision);
        let revision = same.unwrap_or_else(|| REVISIONS.fetch_add(1, Ordering::Relaxed) + 1);
        Some(Account { tenant, channel, revision, kind })
    });
    all.collect()
}

/// Where each endpoint's updates go.
pub(crate) fn routes(config: &Config) -> Routes {
    let mut endpoints: HashMap<EndpointId, Endpoint> = HashMap::new();
    for app in &config.meta_apps {
        endpoints.insert(app.name.clone(), Endpoint::Meta(meta_app(config, app)));
    }
    for (tenant, channel) in channels(config) {
        let at = at(&tenant.name, &channel.id);
        match &channel.kind {
            ChannelKind::Meta { .. } => {}
            ChannelKind::Twilio { endpoint, .. } => {
                endpoints.insert(endpoint.clone(), Endpoint::Twilio(at));
            }
            ChannelKind::Email { endpoint, addresses, .. } => {
                let own_addresses = addresses.iter().map(|address| address.to_lowercase()).collect();
                endpoints.insert(endpoint.clone(), Endpoint::Email { channel: at, own_addresses });
            }
        }
    }
    Routes { endpoints }
}

fn meta_app(config: &Config, app: &crate::config::MetaApp) -> relevo_intake::MetaApp {
    let mut routed = relevo_intake::MetaApp {
        account_channel: app.account_channel.as_ref().map(|(tenant, channel)| at(tenant, channel)),
        ..relevo_intake::MetaApp::default()
    };
    for (tenant, channel) in channels(config) {
        let ChannelKind::Meta { app: of, phone_number_id, display_phone_number, waba_id, .. } = &channel.kind else {
            continue;
        };
        if *of != app.name {
            continue;
        }
        let at = at(&tenant.name, &channel.id);
        routed.numbers.insert(phone_number_id.clone(), at.clone());
        if let Some(number) = display_phone_number {
            let digits = number.chars().filter(char::is_ascii_digit).collect();
            routed.display_numbers.entry(digits).or_insert_with(|| at.clone());
        }
        if let Some(account) = waba_id {
            // The first channel of an account speaks for it.
            routed.accounts.entry(account.clone()).or_insert(at);
        }
    }
    routed
}

fn at(tenant: &TenantId, channel: &ChannelId) -> ChannelRef {
    ChannelRef { tenant: tenant.clone(), channel: channel.clone() }
}

fn channels(config: &Config) -> impl Iterator<Item = (&Tenant, &Channel)> {
    config.tenants.iter().flat_map(|tenant| tenant.channels.iter().map(move |channel| (tenant, channel)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, check, load};
    use relevo_channels::Target;

    #[test]
    fn the_demos_numbers_and_accounts_find_their_channels() {
        let config = check::check(&load(&Layers { demo: true, ..Layers::default() }).unwrap()).unwrap();
        let routes = routes(&config);
        let app = EndpointId::new("demo").unwrap();
        let find = |target: Target| routes.find(&app, &target).map(|at| format!("{}/{}", at.tenant, at.channel));
        let number = |id: &str| find(Target::Number { phone_number_id: id.to_owned() });
        let account = |id: &str| find(Target::Account { waba_id: id.to_owned(), display_phone_number: None });
        assert_eq!(number("106540352242922").as_deref(), Some("demo/wa-main"));
        assert_eq!(number("220000000000001").as_deref(), Some("demo-b/wa-b"));
        assert_eq!(number("999999999999999"), None);
        assert_eq!(account("102290129340398").as_deref(), Some("demo/wa-main"));
        assert_eq!(account("220000000000000").as_deref(), Some("demo-b/wa-b"));
        assert_eq!(account("1").as_deref(), Some("demo/wa-main"));
        assert_eq!(routes.channels().len(), 14);
    }
}
