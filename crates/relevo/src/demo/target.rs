//! Where the sample traffic goes and what it is signed with: read from the same configuration that the broker runs.

use std::path::PathBuf;

use super::meta::Number;
use crate::config::{Channel, ChannelKind, Config, Layers, Problems, check, load};

/// What the demo's numbers belong to where the configuration does not say.
const ACCOUNT_UNKNOWN: &str = "0";

/// The endpoints of one installation that the sample day writes to.
#[derive(Clone)]
pub(super) struct Target {
    /// The broker's HTTP address, without a path.
    pub(super) http: String,
    pub(super) meta_app: String,
    pub(super) meta_secret: String,
    pub(super) number: Number,
    pub(super) twilio_channel: String,
    pub(super) twilio_token: String,
    /// What Twilio believes the broker's address to be; part of its signature.
    pub(super) twilio_public_url: String,
    pub(super) mail_channel: String,
    pub(super) mail_bearer: String,
    pub(super) mail_address: String,
}

impl Target {
    /// The first Meta, Twilio and mail channels of the configuration (without files: the demo's), reached at `http` or at the
    /// configured address. Nothing if a kind of channel is missing.
    pub(super) fn load(files: Vec<PathBuf>, http: Option<&str>) -> Result<Option<Self>, Problems> {
        let layers = Layers { demo: files.is_empty(), files, ..Layers::default() };
        let config = check::check(&load(&layers)?)?;
        Ok(Self::new(&config, http))
    }

    fn new(config: &Config, http: Option<&str>) -> Option<Self> {
        let http = http.map_or_else(|| format!("http://{}", config.server.http_addr), with_scheme);
        let http = http.trim_end_matches('/').to_owned();
        let channels: Vec<&Channel> = config.tenants.iter().flat_map(|tenant| &tenant.channels).collect();

        let (app, number) = channels.iter().find_map(|channel| match &channel.kind {
            ChannelKind::Meta { app, phone_number_id, display_phone_number, waba_id, .. } => {
                let account = waba_id.clone().unwrap_or_else(|| ACCOUNT_UNKNOWN.to_owned());
                let display = display_phone_number.clone().unwrap_or_else(|| phone_number_id.clone());
                Some((app, Number { account, phone_number_id: phone_number_id.clone(), display }))
            }
            ChannelKind::Twilio { .. } | ChannelKind::Email { .. } => None,
        })?;
        let app = config.meta_apps.iter().find(|known| known.name == *app)?;
        let (twilio_channel, twilio_token, base) = channels.iter().find_map(|channel| match &channel.kind {
            ChannelKind::Twilio { endpoint, auth_tokens, public_base_url, .. } => {
                Some((endpoint.to_string(), auth_tokens.first()?.clone(), public_base_url.clone()))
            }
            ChannelKind::Meta { .. } | ChannelKind::Email { .. } => None,
        })?;
        let (mail_channel, mail_bearer, mail_address) = channels.iter().find_map(|channel| match &channel.kind {
            ChannelKind::Email { endpoint, bearer_tokens, addresses, .. } => {
                Some((endpoint.to_string(), bearer_tokens.first()?.clone(), addresses.first()?.clone()))
            }
            ChannelKind::Meta { .. } | ChannelKind::Twilio { .. } => None,
        })?;
        Some(Self {
            meta_app: app.name.to_string(),
            meta_secret: app.app_secrets.first()?.clone(),
            number,
            twilio_channel,
            twilio_token,
            twilio_public_url: base.or_else(|| config.server.public_url.clone()).unwrap_or_else(|| http.clone()),
            mail_channel,
            mail_bearer,
            mail_address,
            http,
        })
    }
}

fn with_scheme(http: &str) -> String {
    if http.contains("://") { http.to_owned() } else { format!("http://{http}") }
}

#[cfg(test)]
impl Target {
    pub(super) fn for_test() -> Self {
        Self::load(Vec::new(), Some("127.0.0.1:8480/")).ok().flatten().unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_has_an_endpoint_of_each_kind() {
        let target = Target::for_test();
        assert_eq!(target.http, "http://127.0.0.1:8480");
        assert_eq!((target.meta_app.as_str(), target.meta_secret.as_str()), ("demo", "relevo-demo-app-secret"));
        assert_eq!(target.number.phone_number_id, "106540352242922");
        assert_eq!(target.twilio_channel, "demo-twilio");
        assert_eq!(target.twilio_public_url, target.http);
        assert_eq!(
            (target.mail_channel.as_str(), target.mail_bearer.as_str()),
            ("demo-mail", "relevo-demo-mail-token")
        );
    }
}
